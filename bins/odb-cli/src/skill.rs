//! `skill`: the guide for agents with a shell, in the version that runs.

use std::fs;
use std::path::Path;

use client_core::{Failure, Outcome};

use crate::args::verb::Skill;
use crate::output::Output;

/// The guide.
const GUIDE: &str = include_str!("skill.md");

/// What the guide is for, as the lists of skills and rules show it. It stands bare in YAML, where a colon would end it.
const ABOUT: &str = "Drives a real browser with odb-cli. Use it to open pages, read them, click, fill in forms and download";

/// The lines around the guide in a file that holds other text.
const MARKS: (&str, &str) = (
    "<!-- odb-cli skill: begin -->",
    "<!-- odb-cli skill: end -->",
);

/// Runs the verb in a directory; the exit code.
pub(crate) fn run(skill: &Skill, dir: &Path, out: Output) -> Outcome<u8> {
    let Skill::Install(places) = skill else {
        out.line(GUIDE.trim_end());
        return Ok(0);
    };
    if places.claude {
        let text = format!("---\nname: odb\ndescription: {ABOUT}\n---\n\n{GUIDE}");
        write(&dir.join(".claude/skills/odb/SKILL.md"), &text, out)?;
    }
    if places.cursor {
        let text = format!("---\ndescription: {ABOUT}\nalwaysApply: false\n---\n\n{GUIDE}");
        write(&dir.join(".cursor/rules/odb.mdc"), &text, out)?;
    }
    if places.agents_md {
        let path = dir.join("AGENTS.md");
        let old = match fs::read_to_string(&path) {
            Ok(old) => old,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(Failure::unreadable(&path, error)),
        };
        write(&path, &with_section(&old), out)?;
    }
    Ok(0)
}

/// A text with the guide between its marks, in the place of an earlier one.
fn with_section(old: &str) -> String {
    let section = format!("{}\n{GUIDE}{}\n", MARKS.0, MARKS.1);
    let earlier = old.split_once(MARKS.0).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(MARKS.1)?;
        Some((before, after.trim_start_matches('\n')))
    });
    match earlier {
        Some((before, after)) => format!("{before}{section}{after}"),
        None if old.is_empty() => section,
        None => format!("{}\n\n{section}", old.trim_end()),
    }
}

fn write(path: &Path, text: &str, out: Output) -> Outcome<()> {
    let unwritable = |error| Failure::unwritable(path, error);
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(unwritable)?;
    }
    fs::write(path, text).map_err(unwritable)?;
    out.line(&path.display().to_string());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_has_at_most_1800_tokens() {
        // Prose and commands have about 3.7 characters a token; 3.5 leaves room for tokenizers that are worse at it.
        let tokens = GUIDE.chars().count() * 10 / 35;
        assert!(tokens <= 1_800, "{tokens}");
    }

    #[test]
    fn the_line_about_the_guide_is_a_plain_scalar_of_yaml() {
        assert!(!ABOUT.contains([':', '#']), "{ABOUT}");
    }

    #[test]
    fn a_second_installation_takes_the_place_of_the_first_and_leaves_other_text() {
        let first = with_section("# Ours\n");
        assert!(first.starts_with("# Ours\n\n") && first.contains(GUIDE));
        let second = with_section(&format!("{first}\nMore\n"));
        assert_eq!(second.matches(MARKS.0).count(), 1);
        assert!(
            second.starts_with("# Ours\n") && second.ends_with("More\n"),
            "{second}"
        );
    }
}
