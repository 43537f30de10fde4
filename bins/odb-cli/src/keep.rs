//! `state`: the session's cookies and local storage to a file, and back.
//!
//! Such a file logs its bearer in: it is written for its owner alone, whole or not at all.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::storage::{
    StateExportParams, StateExportResult, StateImportParams, StorageState,
};
use ops_contracts::wire::command::{CommandName, Params, parse_json};

use crate::args::keep::State;
use crate::context::{Context, Held};
use crate::failure::{Failure, Outcome};
use crate::render::keep::counted;
use crate::request::{Request, View};

/// Runs the verb; the exit code.
pub(crate) async fn run(context: &Context<'_>, verb: &State) -> Outcome<u8> {
    let held = context.held()?;
    match verb {
        State::Save { path, origin } => save(context, &held, path, origin).await,
        State::Load { path, replace } => {
            let (request, reply) = load(context, &held, path, *replace).await?;
            context.present(&request, reply)
        }
    }
}

async fn save(context: &Context<'_>, held: &Held, path: &Path, origins: &[String]) -> Outcome<u8> {
    let request = request(
        CommandName::StorageStateExport,
        &StateExportParams {
            origins: origins.to_vec(),
        },
    )?;
    let reply = context.send(held, &request).await?;
    let Ok(result) = reply.result() else {
        return Err(context.refused(reply));
    };
    let exported: StateExportResult = parse_json(result)
        .map_err(|error| Failure::new(ErrorCode::CliReplyInvalid, error.to_string()))?;
    let text = serde_json::to_string_pretty(&exported.state)
        .map_err(|error| Failure::usage(error.to_string()))?
        + "\n";
    write_private(path, &text).map_err(|error| {
        let message = format!("{}: {error}", path.display());
        Failure::new(ErrorCode::CliFileUnwritable, message)
    })?;
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

/// Sends a file's state as a blob and has the session take it.
pub(crate) async fn load(
    context: &Context<'_>,
    held: &Held,
    path: &Path,
    replace: bool,
) -> Outcome<(Request, ops_client::Reply)> {
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::new(
            ErrorCode::CliFileUnreadable,
            format!("{}: {error}", path.display()),
        )
    })?;
    StorageState::parse(&text).map_err(|error| {
        Failure::new(
            ErrorCode::CliFileUnreadable,
            format!("{} holds no state: {error}", path.display()),
        )
    })?;
    let blob = context.put_blob(held, text.into_bytes()).await?;
    let request = request(
        CommandName::StorageStateImport,
        &StateImportParams {
            state: None,
            blob_id: Some(blob.blob_id),
            replace,
        },
    )?;
    let reply = context.send(held, &request).await?;
    Ok((request, reply))
}

fn request(command: CommandName, params: &impl Params) -> Outcome<Request> {
    params
        .validate()
        .map_err(|error| Failure::usage(error.to_string()))?;
    let params = serde_json::value::to_raw_value(params)
        .map_err(|error| Failure::usage(error.to_string()))?;
    Ok(Request {
        command,
        params,
        view: View::Plain,
    })
}

/// Writes a file beside its place and moves it there; what stood there before, and its mode, are gone.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = Path::new(&temporary);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(temporary)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(temporary);
    }
    written
}
