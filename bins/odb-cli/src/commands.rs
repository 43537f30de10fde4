//! The registry on the command line: `commands`, `call` and `completions`.

use client_core::{Failure, Outcome};
use ops_client::{RawCall, patience};
use ops_contracts::ErrorCode;
use ops_contracts::wire::command::{CommandName, CommandSpec, Lane};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::args::{self, verb};
use crate::context::Context;
use crate::output::Output;

/// Prints a shell's completion script; the exit code.
pub(crate) fn completions(shell: clap_complete::Shell) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::grammar(), "odb-cli", &mut script);
    Output::new(crate::output::Format::Text, true, false)
        .line(String::from_utf8_lossy(&script).trim_end());
    0
}

/// A registry row as it is printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    command: &'static str,
    meaning: &'static str,
    class: ops_contracts::wire::capability::CapabilityClass,
    lane: Lane,
    repeat: ops_contracts::wire::command::Repeat,
    default_timeout_ms: u64,
}

impl From<CommandSpec> for Row {
    fn from(spec: CommandSpec) -> Self {
        Self {
            command: spec.text,
            meaning: spec.meaning,
            class: spec.class,
            lane: spec.lane,
            repeat: spec.repeat,
            default_timeout_ms: spec.default_timeout_ms,
        }
    }
}

/// Lists the commands, or describes one with its schemas; the exit code. Needs no relay.
pub(crate) fn list(name: Option<&str>, out: Output) -> Outcome<u8> {
    let wrong = |error: serde_json::Error| Failure::usage(error.to_string());
    let Some(name) = name else {
        let rows: Vec<Row> = CommandName::ALL
            .iter()
            .map(|name| Row::from(name.spec()))
            .collect();
        if out.is_json() {
            out.line(&serde_json::to_string(&rows).map_err(wrong)?);
        } else {
            let lines: Vec<String> = rows
                .iter()
                .map(|row| format!("{:<24} {}", row.command, row.meaning))
                .collect();
            out.line(&lines.join("\n"));
            out.note("odb-cli commands NAME shows the parameters and the result of one");
        }
        return Ok(0);
    };
    let name: CommandName = name.parse()?;
    let (params, result) = name.schemas();
    let row = Row::from(name.spec());
    let example = name.example();
    if out.is_json() {
        let mut whole = serde_json::to_value(&row).map_err(wrong)?;
        whole["params"] = params.to_value();
        whole["result"] = result.to_value();
        whole["example"] =
            serde_json::json!({ "params": example.params, "shell": example.script() });
        out.line(&whole.to_string());
    } else {
        let pretty =
            |schema: &serde_json::Value| serde_json::to_string_pretty(schema).map_err(wrong);
        let (params, result) = (pretty(params.as_value())?, pretty(result.as_value())?);
        let facts = serde_json::to_string(&row).map_err(wrong)?;
        let call = format!("odb-cli call {name} --params '{}'", example.params);
        let example = format!("{}\n  {call}", example.script().replace('\n', "\n  "));
        let head = format!(
            "{}: {}\n{facts}\n\nExample, where $SITE is a site:\n  {example}",
            row.command, row.meaning
        );
        out.line(&format!("{head}\n\nparams: {params}\n\nresult: {result}"));
    }
    Ok(0)
}

/// Runs any command; the exit code.
pub(crate) async fn call(context: &Context<'_>, call: &verb::Call) -> Outcome<u8> {
    if context.global.tab.is_some() {
        return Err(Failure::usage(
            "--tab has no meaning for call: put targetId into the parameters",
        ));
    }
    let params = RawValue::from_string(call.params.trim().to_owned());
    let params = params.map_err(|error| Failure::usage(format!("--params is no JSON: {error}")))?;
    let known = call.command.parse::<CommandName>().ok();
    let timeout = context.global.timeout();
    let raw = RawCall {
        timeout,
        boundary: context.global.boundary,
        ..RawCall::new(&call.command, &params)
    };
    let reply = match known.map(|name| (name, name.spec().lane)) {
        // A new session is what a relay is started for.
        Some((CommandName::SessionCreate, _)) => {
            let relay = context.ensure_relay().await?;
            relay.preflight(&context.client)?;
            patience::call(&relay.endpoint, &raw).await?
        }
        Some((_, Lane::Service)) => {
            patience::call(&context.client.running()?.endpoint, &raw).await?
        }
        Some(_) => context.session()?.call(raw).await?,
        // A newer relay may know it; whether it is bound to a session, only that one can say.
        None => match context.session() {
            Ok(session) => session.call(raw).await?,
            Err(failure) if failure.code() == Some(ErrorCode::CliSessionMissing) => {
                patience::call(&context.client.running()?.endpoint, &raw).await?
            }
            Err(failure) => return Err(failure),
        },
    };
    let Ok(result) = reply.result() else {
        return Err(Failure::refused(reply));
    };
    let text = if context.out.is_json() {
        reply.line().into_owned()
    } else {
        client_core::render::pretty(result)
    };
    context.out.line(&text);
    Ok(0)
}
