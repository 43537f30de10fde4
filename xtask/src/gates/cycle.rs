//! `cargo xtask gates`: runs the gates of a cycle, judges what they leave behind, and says what to do where one fails.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use ops_contracts::control::cycle::{
    CheckName, CheckOutcome, CiArtifact, CiInputs, GateName, THRESHOLDS,
};
use ops_contracts::control::fidelity::{DataFidelity, FidelityLevel};
use ops_contracts::control::scorecard::{Phase, ScorecardArtifact, ScorecardInputs};
use serde_json::Value;

use super::{Cycle, private, retention};
use crate::environment::Environment;
use crate::test::Counts;
use crate::verdict::Verdict;
use crate::workspace::Workspace;
use crate::{build, codegen, lint, live, test, validate};

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    cycle: Cycle,
    /// Only these gates; all of them are needed to promote a version
    #[arg(long, value_name = "GATE", value_delimiter = ',')]
    only: Vec<GateName>,
    /// Only these checks of the gate ci, which then is not passed
    #[arg(long = "check", value_name = "CHECK", value_delimiter = ',')]
    checks: Vec<CheckName>,
    /// How many hours the soak runs
    #[arg(long, value_name = "H", default_value_t = 4.0)]
    soak_hours: f64,
    /// The scorecard of the relay that serves: odb-cli scorecard --cycle ID --output json
    #[arg(long, value_name = "FILE")]
    scorecard: Option<PathBuf>,
}

pub(crate) fn run(
    options: &Options,
    workspace: &Workspace,
    environment: &Environment,
) -> Result<()> {
    retention::prune(
        &super::artifacts(&workspace.root),
        environment.started,
        false,
    )?;
    let directory = options
        .cycle
        .directory(&workspace.root, environment.started)?;
    let is_asked =
        |gate: &&GateName| options.only.is_empty() || options.only.iter().any(|it| it == *gate);
    let asked: Vec<GateName> = GateName::ALL.iter().filter(is_asked).copied().collect();
    for gate in &asked {
        println!("gate {gate}");
        // What it leaves behind is judged below, and so is that it left nothing.
        if let Err(error) = one(*gate, options, &directory, workspace, environment) {
            println!("  {error:#}");
        }
    }
    let names: Vec<&str> = asked.iter().map(|gate| gate.as_str()).collect();
    let judged = judge(options, &directory, &names.join(","), workspace);
    for gate in &asked {
        println!("{}", line(*gate, &directory));
    }
    judged
}

fn one(
    gate: GateName,
    options: &Options,
    directory: &Path,
    workspace: &Workspace,
    environment: &Environment,
) -> Result<()> {
    match gate {
        GateName::Ci => ci(options, directory, workspace, environment),
        GateName::Soak => {
            let hours = options.soak_hours.to_string();
            long(
                "soak",
                &["--duration-hours", &hours],
                options,
                directory,
                workspace,
            )
        }
        GateName::FaultInjection => long("fault-injection", &[], options, directory, workspace),
        GateName::Scorecard => scorecard(options, directory, environment),
    }
}

fn judge(options: &Options, directory: &Path, only: &str, workspace: &Workspace) -> Result<()> {
    let (directory, schemas) = (
        directory.to_string_lossy(),
        workspace.root.join("schemas/ops-gates"),
    );
    live::judge(
        "validate-gate-artifacts",
        &[
            "--dir",
            &directory,
            "--schema-dir",
            &schemas.to_string_lossy(),
            "--cycle-id",
            &options.cycle.id,
            "--only",
            only,
        ],
        workspace,
    )
}

/// A gate that drives a relay: another program's, which writes its artifact itself.
fn long(
    task: &str,
    words: &[&str],
    options: &Options,
    directory: &Path,
    workspace: &Workspace,
) -> Result<()> {
    let directory = directory.to_string_lossy();
    let common = ["--cycle-id", &options.cycle.id, "--dir", &directory];
    live::judge(task, &[&common, words].concat(), workspace)
}

/// The scorecard of the relay that serves; without one, that nothing is known.
fn scorecard(options: &Options, directory: &Path, environment: &Environment) -> Result<()> {
    let artifact = match &options.scorecard {
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .with_context(|| format!("{} can't be read", file.display()))?;
            serde_json::from_str::<ScorecardArtifact>(&text)
                .map_err(|error| Verdict::shape(format!("{}: {error}", file.display())))?
        }
        None => {
            let (phase, now) = (Phase::Pilot, environment.started);
            let inputs = ScorecardInputs::unknown(phase, phase.window(), now);
            let nothing = "no scorecard was given: ask the relay that serves, odb-cli scorecard --cycle ID --output json, and give it by --scorecard";
            ScorecardArtifact::new(&options.cycle.id, inputs).with_fidelity(DataFidelity {
                level: FidelityLevel::Degraded,
                reasons: vec![nothing.to_owned()],
            })
        }
    };
    let text = serde_json::to_string_pretty(&artifact)? + "\n";
    private::write(&directory.join(GateName::Scorecard.file()), &text)?;
    Ok(())
}

/// Runs the checks of the gate ci, all of them also where one fails.
fn ci(
    options: &Options,
    directory: &Path,
    workspace: &Workspace,
    environment: &Environment,
) -> Result<()> {
    let mut counts = Counts::default();
    let is_asked = |name: &&CheckName| {
        options.checks.is_empty() || options.checks.iter().any(|it| it == *name)
    };
    let checks = CheckName::ALL.iter().filter(is_asked);
    let checks = checks.map(|name| check(*name, &mut counts, workspace, environment));
    let inputs = CiInputs {
        checks: checks.collect(),
        commit: commit(workspace),
        tests_passed: counts.passed,
        tests_failed: counts.failed,
        line_coverage_pct: None,
    };
    let artifact = CiArtifact::new(
        &options.cycle.id,
        environment.started,
        inputs,
        DataFidelity::of(false, Vec::new()),
    );
    super::conclude(directory, &artifact)
}

fn check(
    name: CheckName,
    counts: &mut Counts,
    workspace: &Workspace,
    environment: &Environment,
) -> CheckOutcome {
    println!("check {name}");
    let began = Instant::now();
    let (command, done) = match name {
        CheckName::Codegen => ("cargo xtask codegen --check", codegen::check(workspace)),
        CheckName::Lint => ("cargo xtask lint", lint::run(workspace)),
        CheckName::Validators => ("cargo xtask validate all", validate::all(workspace)),
        CheckName::Build => (
            "cargo build -p relayd -p odb-cli -p xtask-relay",
            build::with_tasks(workspace, build::Profile::Debug).map(drop),
        ),
        CheckName::Suites => (
            "cargo test -p ops-contracts --test stability -p odb-tests --test contract",
            suites(workspace),
        ),
        CheckName::Test => (
            "cargo xtask test",
            test::counted(workspace, environment).and_then(|found| {
                *counts = found;
                ensure!(found.failed == 0, "{} tests failed", found.failed);
                Ok(())
            }),
        ),
    };
    CheckOutcome {
        name,
        command: command.to_owned(),
        passed: done.is_ok(),
        message: done.err().map(|error| format!("{error:#}")),
        seconds: began.elapsed().as_secs(),
    }
}

/// What was released keeps its form.
fn suites(workspace: &Workspace) -> Result<()> {
    for (package, program) in [("ops-contracts", "stability"), ("odb-tests", "contract")] {
        workspace.cargo(["test", "--quiet", "--package", package, "--test", program])?;
    }
    Ok(())
}

/// The commit that is checked out, marked where files differ from it.
fn commit(workspace: &Workspace) -> Option<String> {
    let output = Command::new("git")
        .args([
            "describe",
            "--always",
            "--dirty",
            "--abbrev=12",
            "--exclude=*",
        ])
        .current_dir(&workspace.root)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A gate in a line: its result and figures; and a line for each threshold that it misses, with what to do.
fn line(gate: GateName, directory: &Path) -> String {
    let text = std::fs::read_to_string(directory.join(gate.file())).unwrap_or_default();
    let artifact: Value = serde_json::from_str(&text).unwrap_or_default();
    let result = artifact["result"].as_str().unwrap_or("left nothing behind");
    let figures = artifact["metrics"].as_object().into_iter().flatten();
    let figures: Vec<String> = figures.map(|(name, is)| format!("{name} {is}")).collect();
    let mut line = format!("{gate}: {result}: {}", figures.join(", "));
    for miss in artifact["failures"].as_array().into_iter().flatten() {
        let named = |row: &&ops_contracts::control::cycle::Threshold| {
            row.gate == gate && miss["figure"] == row.figure
        };
        let remedy = THRESHOLDS.iter().find(named).map_or("", |row| row.remedy);
        let message = miss["message"].as_str().unwrap_or_default();
        line.push_str(&format!("\n  {message}\n    {remedy}"));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_a_line_with_what_to_do_where_it_fails() {
        let scratch = tempfile::tempdir().unwrap();
        assert_eq!(
            line(GateName::Ci, scratch.path()),
            "ci: left nothing behind: "
        );
        let document = serde_json::json!({
            "result": "fail",
            "metrics": {"testsFailed": 2},
            "failures": [{"figure": "testsFailed", "message": "testsFailed is 2, at most 0 is asked for"}],
        });
        std::fs::write(scratch.path().join("ci-summary.json"), document.to_string()).unwrap();
        assert_eq!(
            line(GateName::Ci, scratch.path()),
            "ci: fail: testsFailed 2\n  testsFailed is 2, at most 0 is asked for\n    run cargo xtask test and fix what fails"
        );
    }
}
