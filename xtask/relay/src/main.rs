//! The tasks that drive a running relay. `cargo xtask` builds this program where one of them is asked for, and runs it.

mod bench;
mod demo;
mod processes;
mod relay;
mod samples;
mod smoke;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use xtask::environment::Environment;
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
}

fn main() -> ExitCode {
    match run(Arguments::parse().task, &Environment::read()) {
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
        Task::Demo(options) => demo::run(&options, &workspace, environment),
        Task::SmokeLegacyCdp(options) => smoke::run(&options, environment),
        Task::Bench(options) => bench::run(&options, &workspace, environment),
    }
}
