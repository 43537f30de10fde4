//! The notes of a change: the seven headings of a handoff, and four scores. A high one needs to say how it is taken back and how the failure
//! was simulated.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use crate::verdict::Verdict;

/// The headings, in their order.
const HEADINGS: &[&str] = &[
    "Contract delta",
    "Files changed",
    "Guardrails added/updated",
    "Validation results",
    "Known pre-existing blockers",
    "Runtime toggles/flags affected",
    "Follow-up hardening opportunities",
];

/// What is scored from 1 to 5.
const SCORES: &[&str] = &["Reliability", "Security", "Drift", "Operability"];

/// From this score on, the notes say how the change is taken back and how its failure was simulated.
const HIGH: u8 = 4;

/// What such notes have.
const FOR_HIGH: &[&str] = &["Rollback", "Simulation"];

pub(super) fn run(file: &Path) -> Result<()> {
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .with_context(|| Verdict::shape(format!("{shown} can't be read")))?;
    let faults = faults(&text);
    for fault in &faults {
        println!("change-notes: {fault}");
    }
    ensure!(
        faults.is_empty(),
        Verdict::shape(format!("{shown}: {} faults", faults.len()))
    );
    println!("change-notes: {shown} has what a handoff needs");
    Ok(())
}

/// What the notes lack.
fn faults(text: &str) -> Vec<String> {
    let mut faults: Vec<String> = HEADINGS
        .iter()
        .filter(|heading| section(text, heading).is_none_or(|said| said.trim().is_empty()))
        .map(|heading| format!("{heading}: the heading is missing, or nothing is said below it"))
        .collect();
    let mut highest = 0;
    for name in SCORES {
        match score(text, name) {
            Some(score @ 1..=5) => highest = highest.max(score),
            _ => faults.push(format!("{name}: a score from 1 to 5 is expected")),
        }
    }
    if highest >= HIGH {
        let missing = FOR_HIGH
            .iter()
            .filter(|name| section(text, name).is_none_or(|said| said.trim().is_empty()));
        faults.extend(missing.map(|name| format!("{name}: a score of {highest} needs it")));
    }
    faults
}

/// The name of a heading line: `## Name` or `- Name:` or `**Name:**`, with what stands behind the name.
fn named<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let plain = line.trim_start_matches(['#', '-', '*', ' ', '|']);
    let head = plain.get(..name.len())?;
    let rest = plain.get(name.len()..)?;
    let is_end = rest.is_empty() || rest.starts_with([':', '*', ' ', '|', '(']);
    (head.eq_ignore_ascii_case(name) && is_end).then_some(rest)
}

/// What is said below a heading, up to the next one. Comments say nothing.
fn section(text: &str, name: &str) -> Option<String> {
    let is_known = |line: &&str| {
        let all = HEADINGS.iter().chain(FOR_HIGH);
        all.into_iter().any(|other| named(line, other).is_some())
    };
    let mut lines = text.lines().skip_while(|line| named(line, name).is_none());
    let first = named(lines.next()?, name)?;
    let mut said = first.trim_start_matches([':', '*', ' ']).to_owned();
    for line in lines.take_while(|line| !line.starts_with('#') && !is_known(line)) {
        said.push_str(line);
        said.push('\n');
    }
    Some(without_comments(&said))
}

fn without_comments(text: &str) -> String {
    let mut parts = text.split("<!--");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept.push_str(part.split_once("-->").map_or("", |(_, rest)| rest));
    }
    kept
}

/// The score of a line such as `Security risk (1-5): 2` or `| security | 2 | why |`.
fn score(text: &str, name: &str) -> Option<u8> {
    let number = |line: &str| {
        let words = named(line, name)?;
        let words = words
            .trim_start_matches(" risk")
            .trim_start_matches(" impact");
        let words = words.replace("(1-5)", "");
        let words = words.trim_matches([':', '*', ' ', '|']);
        words.split([' ', '|', '/', ',']).next()?.parse().ok()
    };
    text.lines().find_map(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notes() -> String {
        let sections: String = HEADINGS
            .iter()
            .map(|heading| format!("## {heading}\n\nSomething.\n\n"))
            .collect();
        let scores: String = SCORES
            .iter()
            .map(|name| format!("- {name} risk (1-5): 2\n"))
            .collect();
        format!("# A change\n\n{sections}## Scores\n\n{scores}")
    }

    #[test]
    fn every_heading_needs_something_below_it() {
        assert_eq!(faults(&notes()), Vec::<String>::new());
        for heading in HEADINGS {
            let without = notes().replace(&format!("## {heading}\n"), "## Another\n");
            assert_eq!(faults(&without).len(), 1, "{heading}");
            let empty = notes().replace(
                &format!("## {heading}\n\nSomething."),
                &format!("## {heading}\n\n<!-- say it here -->"),
            );
            assert_eq!(faults(&empty).len(), 1, "{heading}");
        }
    }

    #[test]
    fn every_score_is_a_number_from_1_to_5() {
        for name in SCORES {
            for wrong in ["0", "6", "high", ""] {
                let line = format!("- {name} risk (1-5): 2");
                let spoiled = notes().replace(&line, &format!("- {name} risk (1-5): {wrong}"));
                assert_eq!(faults(&spoiled).len(), 1, "{name} {wrong}");
            }
        }
    }

    #[test]
    fn the_template_as_it_stands_says_nothing_and_filled_in_it_passes() {
        let template = include_str!("../../../.github/PULL_REQUEST_TEMPLATE.md");
        assert_eq!(faults(template).len(), HEADINGS.len() + SCORES.len());
        let mut filled = template.replace("-->\n", "-->\nNone.\n");
        for name in SCORES {
            let row = format!("| {} | | |", name.to_lowercase());
            filled = filled.replace(&row, &row.replacen("| |", "| 3 |", 1));
        }
        assert_eq!(faults(&filled), Vec::<String>::new());
    }

    #[test]
    fn a_four_or_a_five_needs_rollback_and_simulation() {
        for high in ["4", "5"] {
            let line = "- Security risk (1-5): 2";
            let risky = notes().replace(line, &format!("- Security risk (1-5): {high}"));
            assert_eq!(faults(&risky).len(), 2, "{high}");
            let told =
                format!("{risky}\n## Rollback\n\nSwitch it off.\n\n## Simulation\n\nKilled it.\n");
            assert_eq!(faults(&told), Vec::<String>::new());
        }
        let three = notes().replace("- Security risk (1-5): 2", "- Security risk (1-5): 3");
        assert_eq!(faults(&three), Vec::<String>::new());
    }
}
