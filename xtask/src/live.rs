//! The tasks that drive a running relay, which `xtask-relay` does: builds it as the task needs it, and runs it.

use std::ffi::{OsStr, OsString};

use anyhow::Result;

use crate::build::{self, Profile};
use crate::environment::Environment;
use crate::setup;
use crate::verdict::passed_on;
use crate::workspace::{Workspace, checked};

/// What is passed on; `--help` shows it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Options {
    fn has(&self, flags: &[&str]) -> bool {
        self.arguments
            .iter()
            .any(|argument| flags.iter().any(|flag| argument == flag))
    }

    fn asks_for_help(&self) -> bool {
        self.has(&["--help", "-h"])
    }

    fn is_debug(&self) -> bool {
        self.has(&["--debug"])
    }
}

/// Finds the browser, builds the programs for the demo and runs it, saying which step runs and how long it may take.
pub(crate) fn demo(
    options: &Options,
    workspace: &Workspace,
    environment: &Environment,
) -> Result<()> {
    if options.asks_for_help() {
        return run("demo", options, None, workspace);
    }
    println!("step 1 of 3: a browser (installing one may take 2 minutes)");
    let browser = setup::browser(&setup::CHROME, environment)?;
    println!(
        "step 2 of 3: the programs (4 minutes on two cores where nothing is built yet, else seconds)"
    );
    let profile = if options.is_debug() {
        Profile::Debug
    } else {
        Profile::Demo
    };
    let programs = build::with_tasks(workspace, profile)?;
    println!("step 3 of 3: the demonstration (half a minute)");
    let mut demo = std::process::Command::new(programs.join("xtask-relay"));
    demo.arg("demo")
        .args(&options.arguments)
        .current_dir(&workspace.root)
        .env(setup::CHROME.variable, browser);
    checked(&mut demo)
}

/// Runs the smoke test of the legacy lane.
pub(crate) fn smoke(options: &Options, workspace: &Workspace) -> Result<()> {
    run("smoke-legacy-cdp", options, None, workspace)
}

/// Runs the bench: a client that is not optimised would be measured along with what it measures.
pub(crate) fn bench(options: &Options, workspace: &Workspace) -> Result<()> {
    let release = (!options.is_debug() && !options.asks_for_help()).then_some("--release");
    run("bench", options, release, workspace)
}

/// Runs a task that judges, and ends with its code.
pub(crate) fn judging(task: &str, options: &Options, workspace: &Workspace) -> Result<()> {
    judge(task, &options.arguments, workspace)
}

/// The same with these arguments.
pub(crate) fn judge(
    task: &str,
    arguments: &[impl AsRef<OsStr>],
    workspace: &Workspace,
) -> Result<()> {
    let mut command = workspace.cargo_command();
    // A folder that the caller names is below where the caller is.
    command
        .args(["run", "--quiet", "--manifest-path"])
        .arg(workspace.root.join("Cargo.toml"))
        .args(["--package", build::TASKS, "--", task])
        .args(arguments)
        .current_dir(".");
    passed_on(&mut command)
}

fn run(task: &str, options: &Options, profile: Option<&str>, workspace: &Workspace) -> Result<()> {
    let mut words: Vec<OsString> = ["run", "--quiet"].map(OsString::from).into();
    words.extend(profile.map(OsString::from));
    words.extend(["--package", build::TASKS, "--", task].map(OsString::from));
    words.extend(options.arguments.iter().cloned());
    workspace.cargo(words)
}
