//! Everything that has to pass: set-up, drift of generated files, lints, all tests of the workspace.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};

use crate::environment::Environment;
use crate::workspace::{Workspace, shown};
use crate::{build, codegen, lint, setup};

/// How many tests there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Those that passed.
    pub(crate) passed: u64,
    /// Those that did not.
    pub(crate) failed: u64,
}

/// Runs the tests alone, and counts them; what fails is a count and no error.
pub(crate) fn counted(workspace: &Workspace, environment: &Environment) -> Result<Counts> {
    let browsers = setup::run(&setup::Options::default(), environment)?;
    setup::tools(environment)?;
    setup::clients(workspace, environment)?;
    workspace.cargo(["build", "--quiet", "--package", build::TASKS])?;
    ensure!(
        environment.find("cargo-nextest").is_some(),
        "cargo-nextest is not installed: cargo install cargo-nextest --locked"
    );
    let mut doc = workspace.cargo_command();
    crate::workspace::checked(
        doc.args(["test", "--workspace", "--doc", "--quiet"])
            .envs(browsers.clone()),
    )?;
    let mut command = workspace.cargo_command();
    command
        .args(["nextest", "run", "--workspace", "--no-fail-fast"])
        .envs(browsers)
        .stderr(Stdio::piped());
    let line = shown(&command);
    eprintln!("> {line}");
    let mut child = command
        .spawn()
        .with_context(|| format!("{line} could not be started"))?;
    let mut counts = None;
    for line in BufReader::new(child.stderr.take().context("its output is piped")?).lines() {
        let line = line?;
        counts = summary(&line).or(counts);
        eprintln!("{line}");
    }
    let status = child.wait()?;
    let counts = counts.with_context(|| format!("{line} counted no tests: {status}"))?;
    ensure!(
        status.success() || counts.failed > 0,
        "{line} failed: {status}"
    );
    Ok(counts)
}

/// The sums out of `Summary [ 10.5s] 12 tests run: 9 passed (1 slow), 2 failed, 1 timed out, 5 skipped`.
fn summary(line: &str) -> Option<Counts> {
    let plain = without_colours(line);
    let (_, sums) = plain.trim().strip_prefix("Summary")?.split_once("run: ")?;
    let mut counts = Counts::default();
    for part in sums.split(", ") {
        let (number, what) = part.split_once(' ')?;
        let number: u64 = number.parse().ok()?;
        match what {
            what if what.starts_with("passed") => counts.passed = number,
            "skipped" => {}
            _ => counts.failed += number,
        }
    }
    Some(counts)
}

/// A line without the escapes that colour it.
fn without_colours(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    plain
}

pub(crate) fn run(workspace: &Workspace, environment: &Environment) -> Result<()> {
    let browsers = setup::run(&setup::Options::default(), environment)?;
    setup::tools(environment)?;
    setup::clients(workspace, environment)?;
    codegen::check(workspace)?;
    lint::run(workspace)?;
    // A test of the runbook runs one of its tasks, and has no time to build them.
    workspace.cargo(["build", "--quiet", "--package", build::TASKS])?;
    if environment.find("cargo-nextest").is_none() {
        return plain(workspace, browsers);
    }
    let mut doc = workspace.cargo_command();
    crate::workspace::checked(
        // The examples of the library start a browser.
        doc.args(["test", "--workspace", "--doc", "--quiet"])
            .envs(browsers.clone()),
    )?;
    // Builds our programs too, beside the test programs: with a build of their own, the protocol types would be compiled twice.
    let mut nextest = workspace.cargo_command();
    nextest
        .args(["nextest", "run", "--workspace", "--no-fail-fast"])
        .envs(browsers);
    crate::workspace::checked(&mut nextest)
}

/// Without nextest: cargo's own runner, one test program after the other, and their sums at the end.
fn plain(workspace: &Workspace, browsers: Vec<(&'static str, PathBuf)>) -> Result<()> {
    let mut command = workspace.cargo_command();
    command
        .args(["test", "--workspace", "--no-fail-fast"])
        .envs(browsers)
        .stdout(Stdio::piped());
    let line = shown(&command);
    eprintln!("> {line}");
    let mut child = command
        .spawn()
        .with_context(|| format!("{line} could not be started"))?;
    let (mut passed, mut failed) = (0, 0);
    for line in BufReader::new(child.stdout.take().context("its output is piped")?).lines() {
        let line = line?;
        if let Some((of_program, broken)) = sums(&line) {
            passed += of_program;
            failed += broken;
        }
        println!("{line}");
    }
    let status = child.wait()?;
    println!("{passed} passed, {failed} failed");
    ensure!(status.success(), "{line} failed: {status}");
    Ok(())
}

/// Passed and failed out of `test result: ok. 12 passed; 0 failed; …`.
fn sums(line: &str) -> Option<(u32, u32)> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let mut numbers = counts
        .split("; ")
        .map(|part| part.split(' ').next().unwrap_or_default().parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nextest_counted_is_read_whatever_its_colours() {
        let of = |passed, failed| Some(Counts { passed, failed });
        let line = "     Summary [   0.139s] 8 tests run: 8 passed, 165 skipped";
        assert_eq!(summary(line), of(8, 0));
        let line = "\u{1b}[31;1m     Summary\u{1b}[0m [ 10.5s] \u{1b}[1m12\u{1b}[0m tests run: \u{1b}[1m9\u{1b}[0m passed (1 slow), 2 failed, 1 timed out, 5 skipped";
        assert_eq!(summary(line), of(9, 3));
        assert_eq!(summary("        PASS [ 0.1s] a test"), None);
    }

    #[test]
    fn the_sums_of_a_test_program_are_read() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(sums(line), Some((12, 3)));
        assert_eq!(sums("test a ... ok"), None);
    }
}
