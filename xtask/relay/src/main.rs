//! The tasks that drive a running relay. `cargo xtask` builds this program where one of them is asked for, and runs it.

mod artifacts;
mod bench;
mod caller;
mod demo;
mod fault_injection;
mod processes;
mod relay;
mod samples;
mod smoke;
mod soak;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::environment::Environment;
use xtask::verdict::exit_code;
use xtask::workspace::Workspace;

/// Drives a running relay.
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
    /// Shows the control plane at work: a real browser orders from the bundled shop
    Demo(demo::Options),
    /// Opens a legacy session of the running relay, sends one raw command, and sees that everything is gone again
    SmokeLegacyCdp(smoke::Options),
    /// Measures speed beside a raw protocol client, and memory and size
    Bench(bench::Options),
    /// Works on real browsers for hours, and looks whether anything fails, leaks or slows down: 0, 3 (a threshold is missed)
    Soak(soak::Options),
    /// Puts faults in on purpose, and compares what comes of each with what must: 0, 3 (a threshold is missed)
    FaultInjection(fault_injection::Options),
    /// Judges the artifacts of a cycle by the thresholds of this repository: 0, 2 (not what they should be), 3 (a threshold is missed)
    ValidateGateArtifacts(artifacts::Options),
}

fn main() -> ExitCode {
    match run(Arguments::parse().task, &Environment::read()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}

fn run(task: Task, environment: &Environment) -> Result<()> {
    let workspace = Workspace::locate()?;
    match task {
        Task::Demo(options) => demo::run(&options, &workspace, environment),
        Task::SmokeLegacyCdp(options) => smoke::run(&options, environment),
        Task::Soak(options) => soak::run(&options, &workspace, environment),
        Task::FaultInjection(options) => fault_injection::run(&options, &workspace, environment),
        Task::ValidateGateArtifacts(options) => artifacts::run(&options),
        Task::Bench(options) => bench::run(&options, &workspace, environment),
    }
}
