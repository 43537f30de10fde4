//! Runs `odb-cli` as a person would, shows each command line with its answer, and keeps the times.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};

use crate::samples::Samples;
use xtask::environment::Environment;
use xtask::workspace::quoted;

const BOLD: &str = "\x1b[1m";
const CYAN: &str = "\x1b[36m";
const PLAIN: &str = "\x1b[0m";

/// A shell whose only program is `odb-cli`.
#[derive(Debug)]
pub(super) struct Shell {
    program: PathBuf,
    home: PathBuf,
    /// Where it is.
    folder: PathBuf,
    coloured: bool,
    times: Vec<(String, Samples)>,
}

impl Shell {
    pub(super) fn new(
        program: &Path,
        home: &Path,
        folder: &Path,
        environment: &Environment,
    ) -> Self {
        let coloured = std::io::stdout().is_terminal() && !environment.no_color;
        Self {
            program: program.to_owned(),
            home: home.to_owned(),
            folder: folder.to_owned(),
            coloured,
            times: Vec::new(),
        }
    }

    /// Shows a sentence for the one who watches.
    pub(super) fn say(&self, text: &str) {
        println!("\n{}", self.coloured(CYAN, &format!("# {text}")));
    }

    /// Runs a command, shows it with its answer, and hands the answer on. A failure is an error.
    pub(super) fn run(&mut self, words: &[&str]) -> Result<String> {
        let line = format!(
            "$ odb-cli {}",
            words
                .iter()
                .map(|word| quoted(word))
                .collect::<Vec<_>>()
                .join(" ")
        );
        println!("{}", self.coloured(BOLD, &line));
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .env("ODB_HOME", &self.home)
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        let began = Instant::now();
        let output = command
            .output()
            .with_context(|| format!("{} could not be started", self.program.display()))?;
        let took = began.elapsed();
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        let notes = String::from_utf8_lossy(&output.stderr);
        for line in answer.lines().chain(notes.lines()) {
            println!("  {line}");
        }
        ensure!(output.status.success(), "odb-cli failed: {}", output.status);
        let verb = words.first().copied().unwrap_or_default();
        match self.times.iter_mut().find(|(known, _)| known == verb) {
            Some((_, samples)) => samples.add(took),
            None => {
                let mut samples = Samples::default();
                samples.add(took);
                self.times.push((verb.to_owned(), samples));
            }
        }
        Ok(answer)
    }

    /// The times of each verb as a table.
    pub(super) fn latencies(&self) -> String {
        let mut table = format!("{:<12} {:>5} {:>8} {:>8}\n", "verb", "runs", "p50", "p95");
        for (verb, samples) in &self.times {
            let _ = writeln!(
                table,
                "{verb:<12} {:>5} {:>8.1} {:>8.1}",
                samples.len(),
                samples.p50(),
                samples.p95()
            );
        }
        table
    }

    fn coloured(&self, colour: &str, text: &str) -> String {
        if self.coloured {
            format!("{colour}{text}{PLAIN}")
        } else {
            text.to_owned()
        }
    }
}
