//! `state`: the session's cookies and local storage to a file, and back.
//!
//! Such a file logs its bearer in: it is written for its owner alone, whole or not at all.

use std::path::Path;

use client_core::render::keep::counted;
use client_core::transfer::write_private;
use client_core::{Failure, OpenSession, Outcome};
use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::command::storage::{StateExportParams, StateExportResult};

use crate::args::keep::State;
use crate::context::Context;

/// Runs the verb; the exit code.
pub(crate) async fn run(context: &Context<'_>, verb: &State) -> Outcome<u8> {
    let session = context.session()?;
    match verb {
        State::Save { path, origin } => save(context, &session, path, origin).await,
        State::Load { path, replace } => {
            let (request, reply) = session.load_state(path, *replace).await?;
            context.answer(request.command, reply)
        }
    }
}

async fn save(
    context: &Context<'_>,
    session: &OpenSession,
    path: &Path,
    origins: &[String],
) -> Outcome<u8> {
    let params = StateExportParams {
        origins: origins.to_vec(),
    };
    let exported = session.result(CommandName::StorageStateExport, &params);
    let (exported, reply): (StateExportResult, _) = exported.await?;
    let text = serde_json::to_string_pretty(&exported.state)
        .map_err(|error| Failure::usage(error.to_string()))?
        + "\n";
    write_private(path, &text).map_err(|error| Failure::unwritable(path, error))?;
    if context.out.is_json() {
        context.out.line(&reply.line());
    } else {
        let count = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let cookies = counted(count(exported.state.cookies.len()), "cookie", "cookies");
        let origins = counted(count(exported.state.origins.len()), "origin", "origins");
        context.out.line(&format!(
            "{} ({cookies}, local storage of {origins})",
            path.display()
        ));
    }
    for skipped in &exported.skipped {
        context.out.note(&format!(
            "{} is not in it: {}",
            skipped.origin, skipped.reason
        ));
    }
    Ok(0)
}
