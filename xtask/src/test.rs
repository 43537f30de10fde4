//! Everything that has to pass: set-up, drift of generated files, lints, all tests of the workspace.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};

use crate::environment::Environment;
use crate::workspace::{Workspace, shown};
use crate::{build, codegen, lint, setup};

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
    fn the_sums_of_a_test_program_are_read() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!(sums(line), Some((12, 3)));
        assert_eq!(sums("test a ... ok"), None);
    }
}
