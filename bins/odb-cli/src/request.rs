//! Verbs as commands of the contract: from arguments to parameters, a module for each group. Nothing is sent here.

use client_core::{Failure, Outcome, Request};
use ops_contracts::wire::command::{CommandName, Params};
use ops_contracts::wire::locator::{InvalidLocator, Locator};

use crate::view::View;

mod act;
mod emulate;
mod export;
mod keep;
mod navigate;
mod pages;
mod read;
pub(crate) mod traffic;

/// A command that a verb stands for, and how its result is shown.
#[derive(Debug, Clone)]
pub(crate) struct Command {
    pub(crate) request: Request,
    pub(crate) view: View,
}

impl From<Request> for Command {
    fn from(request: Request) -> Self {
        Self {
            request,
            view: View::Plain,
        }
    }
}

/// A command with checked parameters, shown as its results are.
pub(crate) fn of<P: Params>(command: CommandName, params: &P) -> Outcome<Command> {
    Request::new(command, params).map(Command::from)
}

/// The locator that words of the command line spell.
pub(crate) fn locator(text: &str) -> Outcome<Locator> {
    text.parse()
        .map_err(|error: InvalidLocator| Failure::usage(error.to_string()))
}

#[cfg(test)]
#[path = "request/tests.rs"]
mod tests;
