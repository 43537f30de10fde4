//! `cargo xtask`: parses the command line and does the task.

use std::process::ExitCode;

use clap::Parser as _;
use xtask::environment::Environment;
use xtask::verdict::exit_code;
use xtask::{Arguments, run};

fn main() -> ExitCode {
    match run(Arguments::parse(), &Environment::read()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(exit_code(&error))
        }
    }
}
