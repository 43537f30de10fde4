//! `downloads.*`: what pages have downloaded, waited for and read. Files stay with the session and go with it; nobody names a
//! path on this side.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ops_contracts::seam::adapter::{Effect, Primitive};
use ops_contracts::wire::command::Empty;
use ops_contracts::wire::command::downloads::{
    DownloadEntry, DownloadState, ListResult, SaveParams, SaveResult, WaitParams, WaitResult,
};
use ops_contracts::{ErrorCode, Fault, Outcome};
use tokio::time::Instant;

use crate::cx::{Cx, unexpected};
use crate::world::{Kept, State};

pub(crate) async fn list(cx: &Cx, _: Empty) -> Outcome<ListResult> {
    let state = cx.world.lock();
    let downloads = state.kept.iter().map(|kept| kept.entry.clone()).collect();
    Ok(ListResult { downloads })
}

pub(crate) async fn wait(cx: &Cx, params: WaitParams) -> Outcome<WaitResult> {
    cx.waiting_for("the download");
    let begun = Instant::now();
    if let Some(number) = params.download {
        find(&cx.world.lock(), number)?;
    }
    let meant = |kept: &&Kept| match (params.download, params.after) {
        (Some(number), _) => kept.entry.download == number,
        (None, Some(after)) => kept.entry.download > after,
        (None, None) => !kept.seen,
    };
    let ended = cx
        .world
        .until(|state| {
            if let Some(reason) = &state.lost {
                return Some(Err(Fault::new(
                    ErrorCode::OpsSessionLost,
                    format!("the session lost its browser: {reason}"),
                )));
            }
            let kept = state.kept.iter().find(meant)?;
            (kept.entry.state != DownloadState::Running).then(|| Ok(kept.entry.clone()))
        })
        .await?;
    see(cx, ended.download);
    let download = completed(ended)?;
    Ok(WaitResult {
        download,
        waited_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

pub(crate) async fn save(cx: &Cx, params: SaveParams) -> Outcome<SaveResult> {
    let kept = find(&cx.world.lock(), params.download)?;
    if kept.entry.state == DownloadState::Running {
        return Err(Fault::plain(ErrorCode::OpsDownloadRunning)
            .with("download", &kept.entry)
            .retry_after(250));
    }
    let download = completed(kept.entry)?;
    if params.offset > download.received_bytes {
        return Err(Fault::new(
            ErrorCode::OpsInvalidRequest,
            "offset: beyond the file's end",
        )
        .with("field", "offset")
        .with("bytes", download.received_bytes));
    }
    cx.waiting_for("the file");
    let primitive = Primitive::ReadDownload {
        download: kept.key,
        offset: params.offset,
        max: params.max_bytes,
    };
    let Effect::Bytes { bytes, end } = cx.perform(primitive).await? else {
        return Err(unexpected());
    };
    see(cx, params.download);
    if let Some(kept) = cx
        .world
        .lock()
        .kept
        .iter_mut()
        .find(|kept| end && kept.entry.download == params.download)
    {
        kept.entry.saved = true;
    }
    let data = BASE64_STANDARD.encode(&bytes);
    Ok(SaveResult {
        download,
        offset: params.offset,
        data,
        bytes: bytes.len() as u64,
        end,
    })
}

fn find(state: &State, number: u32) -> Outcome<Kept> {
    state
        .kept
        .iter()
        .find(|kept| kept.entry.download == number)
        .cloned()
        .ok_or_else(|| {
            let known: Vec<u32> = state.kept.iter().map(|kept| kept.entry.download).collect();
            Fault::new(
                ErrorCode::OpsDownloadUnknown,
                format!("the session has no download {number}"),
            )
            .with("downloads", known)
        })
}

fn completed(entry: DownloadEntry) -> Outcome<DownloadEntry> {
    match entry.state {
        DownloadState::Failed => {
            let reason = entry.failure.clone().unwrap_or_default();
            Err(Fault::new(
                ErrorCode::OpsDownloadFailed,
                format!("the download failed: {reason}"),
            )
            .with("download", entry))
        }
        _ => Ok(entry),
    }
}

/// Later waits that name no download pass over it.
fn see(cx: &Cx, number: u32) {
    if let Some(kept) = cx
        .world
        .lock()
        .kept
        .iter_mut()
        .find(|kept| kept.entry.download == number)
    {
        kept.seen = true;
    }
}
