//! `batch`: many commands in few requests. All lines are checked before the first one is sent.

use std::ffi::OsString;

use client_core::render;
use client_core::session::Sending;
use client_core::{Failure, OpenSession, Outcome, Request};
use ops_client::{RawCall, Refusal, Reply};
use ops_contracts::wire::command::batch::{BatchItem, RunParams};
use ops_contracts::wire::command::{Call, CommandName};
use routing::preflight::RoutingFlags;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::args::{self, NoVerb, verb};
use crate::context::Context;
use crate::request::Command;

/// What came of a slice. Lenient, so that a newer relay's codes are still shown.
#[derive(Deserialize)]
struct Ran {
    results: Vec<Item>,
    failed: u32,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    result: Option<Box<RawValue>>,
    #[serde(default)]
    error: Option<Refusal>,
}

/// Runs the verb on the lines of `input`; the exit code.
pub(crate) async fn run(context: &Context<'_>, batch: &verb::Batch, input: &str) -> Outcome<u8> {
    let requests = parse(input, context)?;
    let session = context.session()?;
    let mut failed = 0;
    let mut done = 0;
    for slice in requests.chunks(usize::from(batch.slice).max(1)) {
        let reply = send(&session, slice, !batch.keep_going).await?;
        if reply.result().is_err() {
            return Err(Failure::refused(reply));
        }
        let (ran, _) = reply.typed::<Ran>()?;
        if context.out.is_json() {
            context.out.line(&reply.line());
        } else {
            show(context, slice, &ran, done)?;
        }
        failed += ran.failed;
        done += slice.len();
        if ran.failed > 0 && !batch.keep_going {
            break;
        }
    }
    if done < requests.len() {
        context.out.note(&format!(
            "{} further commands were not sent",
            requests.len() - done
        ));
    }
    Ok(if failed > 0 { 2 } else { 0 })
}

async fn send(session: &OpenSession, slice: &[Command], stop_on_error: bool) -> Outcome<Reply> {
    let commands = slice.iter().map(|command| BatchItem {
        command: command.request.command.as_str().to_owned(),
        params: Some(command.request.params.clone()),
    });
    let params = RunParams {
        commands: commands.collect(),
        stop_on_error,
    };
    let params = serde_json::value::to_raw_value(&params)
        .map_err(|error| Failure::usage(error.to_string()))?;
    let Sending { timeout, boundary } = session.sending;
    let call = RawCall {
        timeout,
        boundary,
        ..RawCall::new(CommandName::BatchRun.as_str(), &params)
    };
    session.call(call).await
}

fn show(context: &Context<'_>, slice: &[Command], ran: &Ran, before: usize) -> Outcome<()> {
    for (at, command) in slice.iter().enumerate() {
        let number = before + at + 1;
        let item = ran.results.get(at);
        match item.map(|item| (&item.result, &item.error)) {
            Some((Some(result), _)) => {
                context
                    .out
                    .line(&format!("[{number}] {}", command.request.command));
                context.show(command, result.get())?;
            }
            Some((None, Some(refusal))) => {
                context.out.line(&format!(
                    "[{number}] {}\n{}",
                    command.request.command,
                    render::error::refusal(refusal, None)
                ));
            }
            _ => context
                .out
                .line(&format!("[{number}] {}: not run", command.request.command)),
        }
    }
    Ok(())
}

/// The commands of the lines.
fn parse(input: &str, context: &Context<'_>) -> Outcome<Vec<Command>> {
    let lines = input
        .lines()
        .map(str::trim)
        .enumerate()
        .filter(|(_, line)| !line.is_empty());
    let parsed: Outcome<Vec<Command>> = lines
        .map(|(at, line)| {
            parse_line(line, context).map_err(|failure| {
                Failure::usage(format!(
                    "line {}: {}",
                    at + 1,
                    render::error::message(&failure)
                ))
            })
        })
        .collect();
    let requests = parsed?;
    if requests.is_empty() {
        Err(Failure::usage("stdin holds no command"))
    } else {
        Ok(requests)
    }
}

fn parse_line(line: &str, context: &Context<'_>) -> Outcome<Command> {
    let expected = |error: serde_json::Error| {
        Failure::usage(format!(
            "a JSON array of words or an object with command and params is expected: {error}"
        ))
    };
    if line.starts_with('[') {
        let words: Vec<String> = serde_json::from_str(line).map_err(expected)?;
        return of_words(words, context);
    }
    let item: BatchItem = serde_json::from_str(line).map_err(expected)?;
    let command: CommandName = item.command.parse()?;
    let params = match item.params {
        Some(params) => params,
        None => RawValue::from_string("{}".to_owned()).map_err(expected)?,
    };
    Call::parse(command, &params)?;
    Ok(Request { command, params }.into())
}

fn of_words(words: Vec<String>, context: &Context<'_>) -> Outcome<Command> {
    let line = std::iter::once("odb-cli".to_owned())
        .chain(words)
        .map(OsString::from);
    let cli = match args::parse(line) {
        Ok(cli) => cli,
        Err(NoVerb::Wrong(failure)) => return Err(failure),
        Err(NoVerb::Shown(_)) => return Err(Failure::usage("a batch shows no help")),
    };
    let other = cli.global.session.is_some()
        || cli.global.relay.is_some()
        || cli.global.home.is_some()
        || cli.global.timeout.is_some();
    if other || cli.global.routing() != RoutingFlags::default() {
        return Err(Failure::usage(
            "of the global flags only --tab has a meaning for one command of a batch",
        ));
    }
    let tab = cli.global.tab.or_else(|| context.global.tab.clone());
    cli.verb.one_command(tab.as_ref())
}
