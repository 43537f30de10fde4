//! `storage.state.*`: what logs a user in, taken out of one session and put into another.

use std::collections::BTreeSet;

use ops_contracts::seam::adapter::Primitive;
use ops_contracts::wire::command::InvalidField;
use ops_contracts::wire::command::storage::{
    ClearedResult, OriginState, SkippedOrigin, StateExportParams, StateExportResult,
    StateImportParams, StateImportResult, StorageState, StoredResult, WebStorageResult,
};
use ops_contracts::{ErrorCode, Fault, Outcome};

use super::origins::Origins;
use super::{Area, Ask, cookies};
use crate::cx::Cx;
use crate::origin::of_url;

pub(crate) async fn export(cx: &Cx, params: StateExportParams) -> Outcome<StateExportResult> {
    let cookies = cookies::read(cx).await?;
    let named = params.origins.iter().filter_map(|origin| of_url(origin));
    let visited: BTreeSet<String> = cx
        .world
        .lock()
        .visited
        .iter()
        .cloned()
        .chain(named)
        .collect();
    let mut result = StateExportResult {
        state: StorageState {
            cookies,
            origins: Vec::new(),
        },
        skipped: Vec::new(),
    };
    let mut origins = Origins::new(cx);
    for origin in visited {
        cx.waiting_for("the local storage of an origin");
        match origins
            .storage::<WebStorageResult>(&origin, &Ask::all(Area::Local, "get"))
            .await
        {
            Ok(read) if read.origin != origin => {
                result.skipped.push(SkippedOrigin {
                    reason: format!("the browser goes to {} instead", read.origin),
                    origin,
                });
            }
            Ok(read) if read.items.is_empty() => {}
            Ok(read) => result.state.origins.push(OriginState {
                origin,
                local_storage: read.items,
            }),
            Err(fault) if is_of_the_origin(&fault) => result.skipped.push(SkippedOrigin {
                reason: fault.message,
                origin,
            }),
            Err(fault) => return Err(fault),
        }
    }
    Ok(result)
}

/// Whether only this origin can't be reached, rather than the browser.
fn is_of_the_origin(fault: &Fault) -> bool {
    matches!(
        fault.code,
        ErrorCode::OpsStorageUnavailable
            | ErrorCode::OpsNavFailed
            | ErrorCode::OpsNavAborted
            | ErrorCode::OpsNavDnsFailed
            | ErrorCode::OpsNavConnectionFailed
            | ErrorCode::OpsNavCertificateInvalid
            | ErrorCode::OpsUrlForbidden
    )
}

pub(crate) async fn import(cx: &Cx, params: StateImportParams) -> Outcome<StateImportResult> {
    let state = match (params.state, &params.blob_id) {
        (Some(state), _) => state,
        (None, Some(id)) => parsed(&cx.session.blob(id)?)?,
        (None, None) => {
            return Err(invalid(InvalidField::new(
                "params",
                "exactly one of state and blobId",
            )));
        }
    };
    if params.replace {
        cx.perform(Primitive::RemoveCookies { cookies: None })
            .await?;
    }
    if !state.cookies.is_empty() {
        cookies::write(cx, &state.cookies).await?;
    }
    let mut result = StateImportResult {
        cookies: count(state.cookies.len()),
        origins: 0,
        items: 0,
    };
    let mut origins = Origins::new(cx);
    for origin in &state.origins {
        let Some(name) = of_url(&origin.origin) else {
            continue;
        };
        cx.waiting_for("the local storage of an origin");
        if params.replace {
            origins
                .storage::<ClearedResult>(&name, &Ask::all(Area::Local, "clear"))
                .await?;
        }
        if origin.local_storage.is_empty() {
            continue;
        }
        let ask = Ask {
            items: Some(&origin.local_storage),
            ..Ask::all(Area::Local, "set")
        };
        let stored: StoredResult = origins.storage(&name, &ask).await?;
        if stored.origin != name {
            let message = format!(
                "the browser goes to {} instead of {name}: its storage can't be written",
                stored.origin
            );
            return Err(Fault::new(ErrorCode::OpsStorageUnavailable, message).with("origin", name));
        }
        // From now on it is one whose storage an export has to look at.
        cx.world.lock().visited.insert(name);
        result.origins += 1;
        result.items += stored.stored;
    }
    Ok(result)
}

/// The state that bytes hold as JSON.
pub(crate) fn parsed(bytes: &[u8]) -> Outcome<StorageState> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| invalid(InvalidField::new("state", "UTF-8 text")))?;
    StorageState::parse(text).map_err(invalid)
}

fn invalid(field: InvalidField) -> Fault {
    // The text may hold secrets: only the place and the rule are told.
    Fault::new(
        ErrorCode::OpsInvalidRequest,
        format!("storage.state.import: {field}"),
    )
    .with("command", "storage.state.import")
    .with("field", field.field)
    .with("expected", field.expected)
}

fn count(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}
