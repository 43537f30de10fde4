//! The fenced blocks of the documentation, run as they stand. A block that can't be run says why in its fence, so that none is
//! passed over by accident.
//!
//! | fence | what is done with the block |
//! | --- | --- |
//! | `sh` | run, and must succeed |
//! | `console` | its commands (`$ …`) are run, and print what it shows; `…` stands for what is left out |
//! | `json` | checked: a frame against its schema, with `schema="NAME"` against `schemas/ops/NAME.schema.json`, with `post="PATH"` by the relay |
//! | any, with `check="PROGRAM …"` | the program accepts a file that holds the block |
//! | `rust` | compiled and run by rustdoc |
//! | any, with `run-by="TEST"` | that test runs it |
//! | any, with `not-run="REASON"` | nothing |

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use conformance::site::Site;
use tempfile::TempDir;

use crate::relay::{Relay, configure, program};

/// How long one block may take, in seconds.
pub const DEADLINE: &str = "120";

/// What stands for anything in a transcript: alone on a line for any lines, within one for any text.
const OMITTED: &str = "…";

/// A fenced block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Where it is, as `docs/CLI.md:29`.
    pub place: String,
    /// The first word of its fence.
    pub language: String,
    /// The `name="value"` behind it.
    attributes: Vec<(String, String)>,
    /// What is in it.
    pub text: String,
}

/// What is done with a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment<'a> {
    /// Run by a shell.
    Script,
    /// Run command by command, and compared.
    Transcript,
    /// JSON that is compared with a schema.
    Frame,
    /// JSON that is posted to this path of a relay.
    Posted(&'a str),
    /// Compared with this schema.
    Schema(&'a str),
    /// Given to this program.
    Checked(&'a str),
    /// Compiled and run by rustdoc.
    Doctest,
    /// Run by a test of this name.
    RunBy(&'a str),
    /// Not run, for this reason.
    NotRun(&'a str),
}

/// An attribute of a fence, and the treatment that its value asks for.
type Mark<'a> = (&'static str, fn(&'a str) -> Treatment<'a>);

impl Block {
    /// The value of an attribute.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// What is done with it.
    ///
    /// # Errors
    /// What its fence lacks.
    pub fn treatment<'a>(&'a self) -> Result<Treatment<'a>, String> {
        let marks: [Mark<'a>; 5] = [
            ("not-run", Treatment::NotRun),
            ("run-by", Treatment::RunBy),
            ("check", Treatment::Checked),
            ("schema", Treatment::Schema),
            ("post", Treatment::Posted),
        ];
        let known = |(name, _): &&(String, String)| marks.iter().all(|(mark, _)| mark != name);
        if let Some((name, _)) = self.attributes.iter().find(known) {
            return Err(format!("{self}: {name} is no attribute of a fence"));
        }
        let marked = marks
            .iter()
            .find_map(|(name, treatment)| Some(treatment(self.attribute(name)?)));
        match (marked, self.language.as_str()) {
            (Some(Treatment::NotRun(reason)), _) if reason.split(' ').count() < 3 => {
                Err(format!("{self}: {reason:?} gives no reason"))
            }
            (Some(treatment), _) => Ok(treatment),
            (None, "sh") => Ok(Treatment::Script),
            (None, "console") => Ok(Treatment::Transcript),
            (None, "json") => Ok(Treatment::Frame),
            (None, language) if language.split(',').next() == Some("rust") => {
                Ok(Treatment::Doctest)
            }
            (None, "") => Err(format!("{self}: its fence names no language")),
            (None, other) => Err(format!(
                "{self}: nothing runs {other}: give its fence not-run=\"…\" with the reason, or one of {}",
                marks.map(|(name, _)| name).join(", ")
            )),
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

/// The repository.
#[must_use]
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests lie in the repository")
}

/// The text of a page.
///
/// # Panics
/// When it can't be read.
#[must_use]
pub fn read(page: &str) -> String {
    std::fs::read_to_string(root().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// Every page of the repository: paths below its root.
#[must_use]
pub fn pages() -> Vec<String> {
    let (mut pages, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(root().join(&folder))
            .into_iter()
            .flatten();
        for entry in entries.flatten() {
            let path = folder.join(entry.file_name());
            let name = path.to_string_lossy().into_owned();
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if is_folder && !["target", ".git", "artifacts"].contains(&name.as_str()) {
                folders.push(path);
            } else if name.ends_with(".md") {
                pages.push(name);
            }
        }
    }
    pages.sort();
    pages
}

/// The fenced blocks of a page.
///
/// # Panics
/// Where a fence is not closed, or can't be read.
#[must_use]
pub fn blocks(page: &str) -> Vec<Block> {
    blocks_of(page, &read(page))
}

fn blocks_of(page: &str, text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let Some(info) = line.trim_start().strip_prefix("```") else {
            continue;
        };
        let place = format!("{page}:{}", number + 1);
        let (language, rest) = info.split_once(' ').unwrap_or((info, ""));
        let attributes = attributes(rest)
            .unwrap_or_else(|| panic!("{place}: its fence is not LANGUAGE name=\"value\" …"));
        let mut inside = String::new();
        loop {
            match lines.next() {
                Some((_, line)) if line.trim() == "```" => break,
                Some((_, line)) => inside.extend([line, "\n"]),
                None => panic!("{place}: its fence is not closed"),
            }
        }
        blocks.push(Block {
            place,
            language: language.to_owned(),
            attributes,
            text: inside,
        });
    }
    blocks
}

fn attributes(mut text: &str) -> Option<Vec<(String, String)>> {
    let mut attributes = Vec::new();
    text = text.trim();
    while !text.is_empty() {
        let (name, rest) = text.split_once("=\"")?;
        let (value, rest) = rest.split_once('"')?;
        attributes.push((name.to_owned(), value.to_owned()));
        text = rest.trim_start();
    }
    Some(attributes)
}

/// Where the blocks of a page are run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Surroundings {
    /// Whether the page starts its relay by itself, as one who begins with it does.
    pub without_relay: bool,
    /// `config.json` of the relay; empty for none.
    pub config: &'static str,
    /// Further variables of the relay's environment.
    pub variables: &'static [(&'static str, &'static str)],
}

/// A page whose blocks are run one after the other, in one home, one folder and with one site.
pub struct Stage {
    scratch: TempDir,
    site: Site,
    /// Where the page does not start one by itself.
    relay: Option<Relay>,
}

/// Runs every block of a page that a relay is needed for, in their order; what they print.
///
/// # Panics
/// Where one does not come as it stands there.
#[must_use]
pub fn run(page: &str, surroundings: Surroundings) -> String {
    let stage = Stage::set(surroundings);
    let (mut printed, mut count) = (String::new(), 0);
    for block in blocks(page) {
        match block.treatment().unwrap_or_else(|fault| panic!("{fault}")) {
            Treatment::Script => printed.push_str(&stage.succeed(&block, &block.text)),
            Treatment::Transcript => stage.transcript(&block),
            Treatment::Posted(path) => printed.push_str(&stage.post(&block, path)),
            _ => continue,
        }
        count += 1;
    }
    assert!(count > 0, "{page} has nothing to run");
    printed
}

impl Stage {
    fn set(surroundings: Surroundings) -> Self {
        let scratch = tempfile::tempdir().expect("there is room");
        if !surroundings.config.is_empty() {
            configure(&scratch, surroundings.config);
        }
        let relay = (!surroundings.without_relay)
            .then(|| Relay::start_as(&scratch, "local", surroundings.variables));
        Self {
            scratch,
            site: Site::start().expect("the site starts"),
            relay,
        }
    }

    fn home(&self) -> PathBuf {
        self.scratch.path().join("home")
    }

    /// A shell with our programs, the home and the site, which is ended at the deadline.
    fn shell(&self, script: &str) -> Command {
        let programs = program("odb-cli");
        let programs = programs.parent().expect("a program lies in a folder");
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", programs.display());
        let mut shell = Command::new("timeout");
        shell
            .args([DEADLINE, "sh", "-euc", script])
            .current_dir(self.scratch.path())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.scratch.path())
            .env("ODB_HOME", self.home())
            .env("SITE", self.site.url(""));
        shell
    }

    /// Runs a script that must succeed; what it prints.
    fn succeed(&self, block: &Block, script: &str) -> String {
        let output = self.shell(script).output();
        let output = output.unwrap_or_else(|error| panic!("{block}: {error}"));
        let [printed, errors] =
            [&output.stdout, &output.stderr].map(|it| String::from_utf8_lossy(it));
        assert!(
            output.status.success(),
            "{block}: {}\n{script}\n{printed}{errors}",
            output.status
        );
        printed.into_owned()
    }

    /// Runs the commands of a transcript, with the site's address in the place of the one that it shows.
    fn transcript(&self, block: &Block) {
        for (command, expected) in commands(&block.text) {
            let command = with_address(command, &self.site.url(""));
            // Errors are part of what is shown, and so are commands that fail.
            let printed = self.succeed(block, &format!("exec 2>&1\n{command} || true"));
            let is: Vec<String> = printed.lines().map(masked).collect();
            let should: Vec<String> = expected.iter().map(|line| masked(line)).collect();
            assert!(
                fits(&should, &is),
                "{block}: $ {command}\nprints\n{printed}and not\n{}",
                expected.join("\n")
            );
        }
    }

    fn post(&self, block: &Block, path: &str) -> String {
        let script = format!(
            r#"curl --silent --show-error --fail-with-body --max-time 30 "$(odb-cli status --output json | jq -r .relayUrl){path}" \
  -H "Authorization: Bearer $(cat "$ODB_HOME/relay.token")" -H 'Content-Type: application/json' --data-raw '{}'"#,
            block.text.trim().replace('\'', r"'\''"),
        );
        self.succeed(block, &script)
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A relay of the page's own has ended already where the page ends it; `stop` starts none.
        if self.relay.is_none() {
            let _ = self.shell("odb-cli stop").output();
        }
    }
}

/// The commands of a transcript, each with the lines that it prints.
fn commands(transcript: &str) -> Vec<(&str, Vec<&str>)> {
    let mut commands: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in transcript.lines() {
        match (line.strip_prefix("$ "), commands.last_mut()) {
            (Some(command), _) => commands.push((command, Vec::new())),
            (None, Some((_, printed))) => printed.push(line),
            (None, None) => panic!("a transcript begins with a command: {line}"),
        }
    }
    commands
}

/// A command with `site` where it names an address of loopback.
fn with_address(command: &str, site: &str) -> String {
    const ADDRESS: &str = "http://127.0.0.1:";
    match command.split_once(ADDRESS) {
        Some((before, behind)) => {
            let path = behind.trim_start_matches(|c: char| c.is_ascii_digit());
            format!("{before}{}{path}", site.trim_end_matches('/'))
        }
        None => command.to_owned(),
    }
}

/// A line without what differs from run to run: process ids, ports, times, sizes and one-time codes.
fn masked(line: &str) -> String {
    if let Some((before, _)) = line.split_once("login code: ") {
        return format!("{before}login code: #");
    }
    let mut masked = String::new();
    let mut rest = line;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from) = rest.split_at(at);
        let end = from
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(from.len());
        let (digits, behind) = from.split_at(end);
        masked.push_str(before);
        let differs = masked.ends_with("pid ")
            || masked.ends_with("127.0.0.1:")
            || [" ms", " bytes"]
                .iter()
                .any(|unit| behind.starts_with(unit));
        masked.push_str(if differs { "#" } else { digits });
        rest = behind;
    }
    masked + rest
}

/// Whether lines are those of a transcript, in which something may be left out.
#[must_use]
pub fn fits<S: AsRef<str>>(transcript: &[S], lines: &[S]) -> bool {
    match (transcript, lines) {
        ([], lines) => lines.is_empty(),
        ([first, rest @ ..], _) if first.as_ref() == OMITTED => {
            (0..=lines.len()).any(|skipped| fits(rest, &lines[skipped..]))
        }
        ([first, rest @ ..], [line, others @ ..]) => {
            line_fits(first.as_ref(), line.as_ref()) && fits(rest, others)
        }
        (_, []) => false,
    }
}

fn line_fits(pattern: &str, line: &str) -> bool {
    match pattern.split_once(OMITTED) {
        None => pattern == line,
        Some((before, behind)) => line.strip_prefix(before).is_some_and(|rest| {
            let starts = (0..=rest.len()).filter(|at| rest.is_char_boundary(*at));
            starts.into_iter().any(|at| line_fits(behind, &rest[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> Block {
        blocks_of("a.md", text).remove(0)
    }

    #[test]
    fn a_block_that_nothing_runs_says_why() {
        let treated = |text: &str| {
            block(text)
                .treatment()
                .map(|treatment| format!("{treatment:?}"))
        };
        assert_eq!(treated("```sh\nx\n```").unwrap(), "Script");
        assert_eq!(
            treated("```text not-run=\"it is a picture\"\nx\n```").unwrap(),
            "NotRun(\"it is a picture\")"
        );
        for wrong in [
            "```\nx\n```",
            "```text\nx\n```",
            "```sh not-run=\"no\"\nx\n```",
            "```sh ignore=\"it is not known\"\nx\n```",
        ] {
            assert!(treated(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_differs_from_run_to_run_is_masked_and_nothing_else() {
        assert_eq!(
            masked("started relayd (pid 9677) at http://127.0.0.1:42535/shop in 48 ms [e21]"),
            "started relayd (pid #) at http://127.0.0.1:#/shop in # ms [e21]"
        );
        assert_eq!(masked("login code: 609b2-44c13"), "login code: #");
        assert_eq!(masked("€24.00 for 2 mugs"), "€24.00 for 2 mugs");
    }

    #[test]
    fn a_transcript_leaves_out_only_what_it_says() {
        assert!(fits(&["a", "…", "d"], &["a", "b", "c", "d"]));
        assert!(fits(&["a", "b…e"], &["a", "bcde"]));
        assert!(!fits(&["a", "d"], &["a", "b", "d"]));
        assert!(!fits(&["a"], &["a", "b"]));
        assert!(!fits(&["a", "b"], &["a"]));
    }

    #[test]
    fn the_address_of_the_site_takes_the_place_of_the_one_that_is_shown() {
        assert_eq!(
            with_address(
                "odb-cli open http://127.0.0.1:42535/shop/",
                "http://127.0.0.1:7"
            ),
            "odb-cli open http://127.0.0.1:7/shop/"
        );
    }
}
