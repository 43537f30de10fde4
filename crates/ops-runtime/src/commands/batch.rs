//! `batch.run`: several page commands in one request. All are checked before the first one runs.

use std::str::FromStr;
use std::time::Duration;

use ops_contracts::wire::command::batch::{
    BatchError, BatchItem, BatchOutcome, RunParams, RunResult,
};
use ops_contracts::wire::command::{Call, CommandName, Lane};
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde_json::value::RawValue;

use crate::call::Answer;
use crate::cx::Cx;

/// What is kept of the deadline for the answer.
const MARGIN: Duration = Duration::from_millis(50);

pub(crate) async fn run(cx: &Cx, params: RunParams) -> Outcome<RunResult> {
    let calls = params
        .commands
        .iter()
        .enumerate()
        .map(|(at, item)| parse(at, item))
        .collect::<Outcome<Vec<_>>>()?;
    let mut result = RunResult {
        results: Vec::with_capacity(calls.len()),
        succeeded: 0,
        failed: 0,
        skipped: 0,
    };
    for (item, call) in params.commands.iter().zip(calls) {
        let mut outcome = BatchOutcome {
            command: item.command.clone(),
            result: None,
            error: None,
        };
        if params.stop_on_error && result.failed > 0 {
            result.skipped += 1;
        } else {
            let ran = run_within(cx, call).await;
            cx.session.note(&ran, &cx.request);
            match ran {
                Ok(value) => {
                    outcome.result = Some(value.result.as_ref().to_owned());
                    result.succeeded += 1;
                }
                Err(fault) => {
                    outcome.error = Some(error(fault));
                    result.failed += 1;
                }
            }
        }
        result.results.push(outcome);
    }
    Ok(result)
}

/// Runs a command until shortly before the deadline, so that what the batch has done so far can still be told.
async fn run_within(cx: &Cx, call: Call) -> Answer {
    match tokio::time::timeout(
        cx.remaining().saturating_sub(MARGIN),
        super::run_one(cx, call),
    )
    .await
    {
        Ok(outcome) => outcome,
        Err(_) => Err(cx.timed_out()),
    }
}

fn parse(at: usize, item: &BatchItem) -> Outcome<Call> {
    let located = |mut fault: Fault| {
        fault.message = format!("commands[{at}]: {}", fault.message);
        fault.with("index", at)
    };
    let name = CommandName::from_str(&item.command).map_err(located)?;
    let waits = matches!(name, CommandName::NetworkWait | CommandName::DownloadsWait);
    if (name.spec().lane != Lane::Page && !waits) || name == CommandName::BatchRun {
        let message = format!(
            "{name} can't be part of a batch: page commands other than batch.run can, and network.wait and downloads.wait"
        );
        return Err(located(
            Fault::new(ErrorCode::OpsInvalidRequest, message)
                .with("field", format!("commands[{at}].command")),
        ));
    }
    let params = item
        .params
        .clone()
        .unwrap_or_else(|| RawValue::from_string("{}".to_owned()).unwrap_or_default());
    Call::parse(name, &params).map_err(located)
}

fn error(fault: Fault) -> BatchError {
    BatchError {
        code: fault.code,
        message: fault.message,
        retryable: fault.code.retryable(),
        error_source: fault.code.source(),
        details: (!fault.details.is_empty()).then_some(fault.details),
    }
}
