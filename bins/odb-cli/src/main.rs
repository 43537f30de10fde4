//! The command line of the control plane: one verb, one request, one answer.
//!
//! Nothing of a browser or a protocol is known here: verbs become commands of the contract.

mod app;
mod args;
mod batch;
mod cdp;
mod commands;
mod config;
mod confirm;
mod context;
mod doctor;
mod environment;
mod files;
mod journal;
mod keep;
mod lifecycle;
mod making;
mod mcp;
mod open;
mod operate;
mod output;
mod pair;
mod request;
mod sessions;
mod skill;
mod stdin;
mod verb;
mod view;
mod written;

use std::process::ExitCode;

fn main() -> ExitCode {
    let environment = environment::Environment::read();
    ExitCode::from(app::run(std::env::args_os(), &environment))
}
