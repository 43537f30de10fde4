//! The relay's program: parses, composes and runs. What it composes is in the crates.
//!
//! It is also the guard of the browsers that it starts, under a hidden subcommand.

mod adapters;
mod app;
mod args;
mod certificate;
mod environment;
mod failure;
mod files;
mod home;
mod logging;
mod pairing;
mod replay;
mod settings;
mod signals;
mod tuning;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(guard) = supervisor::guard::dispatch(std::env::args_os()) {
        return guard;
    }
    let environment = environment::Environment::read();
    match app::run(std::env::args_os(), environment) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
