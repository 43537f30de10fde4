//! The commands of the contract, implemented once, above the adapter seam. One module a group.
//!
//! A command takes its surroundings and its parameters and gives its result or a fault; deadlines, queues, leases and
//! remembered replies are its session's business. The registry names the function of each command: dispatch is expanded from it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use ops_contracts::wire::command::{self, Call, Command, CommandName};
use ops_contracts::{ErrorCode, Fault, Outcome};

use crate::call::{Answer, Answered};
use crate::cx::Cx;
use crate::runtime::Service;

mod batch;
mod cut_off;
mod diagnostics;
mod dialog;
mod dom;
mod downloads;
pub(crate) mod emulation;
mod export;
mod har;
mod interact;
mod nav;
mod network;
mod own_page;
mod session;
mod storage;
pub(crate) mod surroundings;
mod targets;
pub(crate) mod trace;

/// What a command comes to, as it travels. On the heap, each in a place of its own size: in one future, every command would take and
/// move as much memory as the largest of them needs.
fn answer<'a, C: Command>(
    running: impl Future<Output = Outcome<C::Result>> + Send + 'a,
) -> BoxFuture<'a, Answer> {
    Box::pin(async move { Answered::of::<C>(&running.await?) })
}

/// Runs a page command.
pub(crate) async fn run(cx: &Arc<Cx>, call: Call) -> Answer {
    match call.name() {
        // Its parts are run one by one.
        CommandName::BatchRun => dispatch(cx, call).await,
        _ => run_one(cx, call).await,
    }
}

/// Runs a page command that is no batch.
pub(crate) async fn run_one(cx: &Cx, call: Call) -> Answer {
    cx.begin();
    cut_off::unless_cut_off(cx, run_capable(cx, call))
        .await
        .map_err(|fault| cx.beside_legacy(fault))
}

/// Runs a control command.
pub(crate) async fn control(cx: &Cx, call: Call) -> Answer {
    run_capable(cx, call)
        .await
        .map_err(|fault| cx.beside_legacy(fault))
}

async fn run_capable(cx: &Cx, call: Call) -> Answer {
    cx.capable(call.name())?;
    dispatch(cx, call).await
}

/// The function of a registry row, in the dispatch for commands of sessions and in that for the others.
macro_rules! begin {
    (session: Service $variant:ident $handler:path, $cx:ident, $params:ident) => {
        refuse::<command::$variant>(&$params, "is bound to no session")
    };
    (session: $lane:ident $variant:ident $handler:path, $cx:ident, $params:ident) => {
        answer::<command::$variant>($handler($cx, *$params))
    };
    (service: Service $variant:ident $handler:path, $cx:ident, $params:ident) => {
        answer::<command::$variant>($handler($cx, *$params))
    };
    (service: $lane:ident $variant:ident $handler:path, $cx:ident, $params:ident) => {
        refuse::<command::$variant>(&$params, "is bound to a session")
    };
}

macro_rules! dispatch {
    ($($variant:ident $text:literal $($handler:ident)::+ ($params:ty => $result:ty) $class:ident $lane:ident $repeat:ident $timeout:literal [$($need:ident),*] $meaning:literal $($grant:ident)?;)+) => {
        /// Begins a command of a session.
        fn dispatch<'a>(cx: &'a Cx, call: Call) -> BoxFuture<'a, Answer> {
            match call {
                $(Call::$variant(params) => begin!(session: $lane $variant $($handler)::+, cx, params),)+
            }
        }

        /// Begins a command that is bound to no session.
        pub(crate) fn serve<'a>(service: &'a Service, call: Call) -> BoxFuture<'a, Answer> {
            match call {
                $(Call::$variant(params) => begin!(service: $lane $variant $($handler)::+, service, params),)+
            }
        }
    };
}

ops_contracts::command_table!(dispatch);

/// The runtime chooses the dispatch by the command's lane: this is a fault of ours.
fn refuse<C: Command>(_: &C::Params, why: &str) -> BoxFuture<'static, Answer> {
    let fault = Fault::new(ErrorCode::OpsInternal, format!("{} {why}", C::NAME));
    Box::pin(std::future::ready(Err(fault)))
}
