//! The build system: one task per thing that a person does with this repository. CI runs exactly these.
//!
//! A task says what it does as it does it, and fails with a sentence that says what to do. Those that drive a running relay are the
//! program `xtask-relay`, which is built when one of them is asked for: no other task waits for a client, a site and a bench.

pub mod build;
mod codegen;
mod conformance;
pub mod environment;
mod fuzz;
pub mod gates;
mod lint;
mod live;
mod package;
pub mod scorecard;
pub mod setup;
mod test;
pub mod tidy;
mod validate;
pub mod verdict;
pub mod workspace;

use anyhow::Result;
use clap::{Parser, Subcommand};

use environment::Environment;
use workspace::Workspace;

/// What one does with this repository.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = true,
    max_term_width = 120
)]
pub struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Installs what the tests need, or says exactly what to install
    Setup(setup::Options),
    /// Shows the control plane at work: a real browser orders from the bundled shop
    #[command(disable_help_flag = true)]
    Demo(live::Options),
    /// Checks formatting, the repository's own rules, clippy and the documentation
    Lint,
    /// Builds the programs for release
    Build,
    /// Sets up, builds and runs every check and every test
    Test,
    /// Checks the repository's own rules: layers, dependencies and licences, error codes, sources, lengths, spelling, traceability
    Tidy,
    /// Packages every library as a registry would take it, without building or sending anything
    Package,
    /// Writes what is generated from the contract: schemas, documentation, fixtures
    Codegen(codegen::Options),
    /// Runs the adapter conformance suite
    Conformance(conformance::Options),
    /// Writes the page of what each adapter can do
    Capabilities,
    /// Checks what is configured against what is declared
    Validate {
        /// What
        #[command(subcommand)]
        what: validate::What,
    },
    /// Makes a scorecard again from its artifact alone; fails where it differs
    RecomputeScorecard(scorecard::Options),
    /// Runs the gates of a cycle, writes and judges their artifacts: 0, 2 (not what they should be), 3 (a threshold is missed)
    Gates(gates::cycle::Options),
    /// Removes artifacts of gates that are past their time: 30 days, 500 cycles
    PruneGateArtifacts(gates::retention::Options),
    /// Works on real browsers for hours, and looks whether anything fails, leaks or slows down: 0, 3 (a threshold is missed)
    #[command(disable_help_flag = true)]
    Soak(live::Options),
    /// Puts faults in on purpose, and compares what comes of each with what must: 0, 3 (a threshold is missed)
    #[command(disable_help_flag = true)]
    FaultInjection(live::Options),
    /// Judges the artifacts of a cycle by the thresholds of this repository: 0, 2 (not what they should be), 3 (a threshold is missed)
    #[command(disable_help_flag = true)]
    ValidateGateArtifacts(live::Options),
    /// Opens a legacy session of the running relay, sends one raw command, and sees that everything is gone again
    #[command(disable_help_flag = true)]
    SmokeLegacyCdp(live::Options),
    /// Feeds the parsers of outside bytes with grown inputs, and keeps what comes to something new
    Fuzz(fuzz::Options),
    /// Measures speed beside a raw protocol client, and memory and size
    #[command(disable_help_flag = true)]
    Bench(live::Options),
}

/// Does the task.
///
/// # Errors
/// What went wrong, in a sentence that says what to do.
pub fn run(arguments: Arguments, environment: &Environment) -> Result<()> {
    let workspace = Workspace::locate()?;
    task(arguments.task, &workspace, environment)
}

fn task(task: Task, workspace: &Workspace, environment: &Environment) -> Result<()> {
    match task {
        Task::Setup(options) => {
            setup::run(&options, environment)?;
            setup::tools(environment)?;
            setup::clients(workspace, environment)
        }
        Task::Demo(options) => live::demo(&options, workspace, environment),
        Task::SmokeLegacyCdp(options) => live::smoke(&options, workspace),
        Task::Bench(options) => live::bench(&options, workspace),
        Task::Lint => lint::run(workspace),
        Task::Build => build::release(workspace).map(drop),
        Task::Test => test::run(workspace, environment),
        Task::Tidy => tidy::run(workspace),
        Task::Package => package::run(workspace),
        Task::Codegen(options) => codegen::run(&options, workspace),
        Task::Conformance(options) => conformance::run(&options, workspace, environment),
        Task::Capabilities => conformance::capabilities(workspace),
        Task::Validate { what } => validate::run(&what, workspace),
        Task::RecomputeScorecard(options) => scorecard::run(&options),
        Task::Gates(options) => gates::cycle::run(&options, workspace, environment),
        Task::PruneGateArtifacts(options) => {
            gates::retention::run(&options, workspace, environment.started)
        }
        Task::Soak(options) => live::judging("soak", &options, workspace),
        Task::FaultInjection(options) => live::judging("fault-injection", &options, workspace),
        Task::ValidateGateArtifacts(options) => {
            live::judging("validate-gate-artifacts", &options, workspace)
        }
        Task::Fuzz(options) => fuzz::run(&options, workspace),
    }
}
