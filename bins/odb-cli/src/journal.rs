//! `journal`: the journal of adapter health, read and pruned where it lies. No relay is asked, and one that runs is not disturbed.

use client_core::{Failure, Outcome};
use health_store::JournalError;
use health_store::journal::{self, Filter};
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::{ErrorCode, Fault};

use crate::args::verb::{Journal, Show};
use crate::context::Context;

/// Runs the verb; the exit code.
pub(crate) fn run(context: &Context<'_>, verb: &Journal) -> Outcome<u8> {
    match verb {
        Journal::Verify => verify(context),
        Journal::Show(show) => print(context, show),
        Journal::Prune => prune(context),
    }
}

fn refused(error: JournalError) -> Failure {
    Failure::Here(Box::new(error.into()))
}

fn verify(context: &Context<'_>) -> Outcome<u8> {
    let verified = journal::verify(&context.client.home.path("")).map_err(refused)?;
    if !verified.is_sound() {
        let (damaged, torn) = (verified.damaged_lines, verified.torn_tails);
        let message = format!(
            "the health journal has {damaged} damaged lines and {torn} torn ends among {} records",
            verified.records
        );
        let unsound: Vec<_> = verified
            .segments
            .iter()
            .filter(|segment| !segment.is_sound())
            .collect();
        return Err(Failure::Here(Box::new(
            Fault::new(ErrorCode::CliJournalDamaged, message).with("segments", unsound),
        )));
    }
    if context.out.is_json() {
        context.out.line(&json(&verified)?);
    } else {
        let (records, segments, bytes) =
            (verified.records, verified.segments.len(), verified.bytes);
        context.out.line(&format!(
            "{records} records in {segments} segments, {bytes} bytes: every line can be read"
        ));
    }
    Ok(0)
}

fn print(context: &Context<'_>, show: &Show) -> Outcome<u8> {
    let usage =
        |flag: &str, error: &dyn std::fmt::Display| Failure::usage(format!("{flag}: {error}"));
    let session = show
        .session_id
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|error| usage("--session-id", &error))?;
    let since = show
        .since
        .clone()
        .map(Timestamp::try_from)
        .transpose()
        .map_err(|error| usage("--since", &error))?;
    journal::show(
        &context.client.home.path(""),
        &Filter { session, since },
        |line| context.out.line(line),
    )
    .map_err(refused)?;
    Ok(0)
}

fn prune(context: &Context<'_>) -> Outcome<u8> {
    let pruned = journal::prune(&context.client.home.path(""), (context.environment.now)())
        .map_err(refused)?;
    if context.out.is_json() {
        context.out.line(&json(&pruned)?);
    } else {
        let removed = pruned.expired_segments + pruned.oversize_segments;
        let (compacted, records) = (pruned.compacted_segments, pruned.compacted_records);
        context.out.line(&format!(
            "{removed} segments removed, {compacted} thinned out by {records} records; {} bytes, before {}",
            pruned.bytes_after, pruned.bytes_before
        ));
    }
    Ok(0)
}

fn json(value: &impl serde::Serialize) -> Outcome<String> {
    serde_json::to_string(value)
        .map_err(|error| Failure::new(ErrorCode::CliReplyInvalid, error.to_string()))
}
