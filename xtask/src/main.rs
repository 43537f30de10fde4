//! The build system: one task per thing that a person does with this repository. CI runs exactly these.
//!
//! A task says what it does as it does it, and fails with a sentence that says what to do.

mod bench;
mod build;
mod codegen;
mod conformance;
mod demo;
mod environment;
mod fuzz;
mod lint;
mod processes;
mod relay;
mod samples;
mod scorecard;
mod setup;
mod smoke;
mod test;
mod tidy;
mod validate;
mod workspace;

use std::process::ExitCode;

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
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Installs what the tests need, or says exactly what to install
    Setup(setup::Options),
    /// Shows the control plane at work: a real browser orders from the bundled shop
    Demo(demo::Options),
    /// Checks formatting, clippy and the repository's own rules
    Lint,
    /// Builds the programs for release
    Build,
    /// Sets up, builds and runs every check and every test
    Test,
    /// Checks the repository's own rules: layers, error codes, sources, traceability
    Tidy,
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
    /// Opens a legacy session of the running relay, sends one raw command, and sees that everything is gone again
    SmokeLegacyCdp(smoke::Options),
    /// Feeds the parsers of outside bytes with grown inputs, and keeps what comes to something new
    Fuzz(fuzz::Options),
    /// Measures speed beside a raw protocol client, and memory and size
    Bench(bench::Options),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments.task, &Environment::read()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task, environment: &Environment) -> Result<()> {
    let workspace = Workspace::locate()?;
    match task {
        Task::Setup(options) => {
            setup::run(&options, environment)?;
            setup::tools(environment)?;
            setup::clients(&workspace, environment)
        }
        Task::SmokeLegacyCdp(options) => smoke::run(&options, environment),
        Task::Demo(options) => demo::run(&options, &workspace, environment),
        Task::Lint => lint::run(&workspace),
        Task::Build => build::release(&workspace).map(drop),
        Task::Test => test::run(&workspace, environment),
        Task::Tidy => tidy::run(&workspace),
        Task::Codegen(options) => codegen::run(&options, &workspace),
        Task::Conformance(options) => conformance::run(&options, &workspace, environment),
        Task::Capabilities => conformance::capabilities(&workspace),
        Task::Validate { what } => validate::run(what, &workspace),
        Task::RecomputeScorecard(options) => scorecard::run(&options),
        Task::Fuzz(options) => fuzz::run(&options, &workspace),
        Task::Bench(options) => bench::run(&options, &workspace, environment),
    }
}
