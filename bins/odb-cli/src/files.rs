//! The verbs that read files and send them, or receive bytes and write them: the relay's host never sees a path of this side.

use std::path::{Path, PathBuf};

use client_core::transfer::{Content, Transferred, download_path};
use client_core::{Failure, Outcome};
use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::command::har::{HarParams, HarResult};
use ops_contracts::wire::command::interact::{UploadFile, UploadParams};

use crate::args::verb::{Har, Route, Upload};
use crate::context::Context;
use crate::request::{locator, of, traffic};
use crate::written::{self, Readers};

/// Reads files and gives them to the page; the exit code.
pub(crate) async fn upload(context: &Context<'_>, upload: &Upload) -> Outcome<u8> {
    let (element, paths) = if upload.chooser {
        (None, upload.words.as_slice())
    } else {
        let [element, paths @ ..] = upload.words.as_slice() else {
            return Err(Failure::usage("upload takes LOCATOR FILE…"));
        };
        (Some(locator(element)?), paths)
    };
    if upload.clear != paths.is_empty() {
        return Err(Failure::usage(
            "upload takes LOCATOR FILE…, or LOCATOR --clear",
        ));
    }
    // All of them are read before the first is sent.
    let read = paths
        .iter()
        .map(|path| Content::read(Path::new(path)))
        .collect::<Outcome<Vec<_>>>()?;
    let session = context.session()?;
    let mut files = Vec::with_capacity(read.len());
    for Content { name, bytes } in read {
        let blob = session.put_blob(bytes).await?.blob_id;
        files.push(UploadFile {
            name,
            text: None,
            base64: None,
            blob: Some(blob),
        });
    }
    let params = UploadParams {
        element,
        files,
        target_id: context.global.tab.clone(),
    };
    let command = of(CommandName::InteractUpload, &params)?;
    let reply = session.send(&command.request).await?;
    context.present(&command, reply)
}

/// Makes a rule that answers with a file; the exit code.
pub(crate) async fn route(context: &Context<'_>, route: &Route, path: &Path) -> Outcome<u8> {
    // What is wrong with the rule is said before its body is sent.
    traffic::route(route, true, None)?;
    let content = Content::read(path)?;
    let session = context.session()?;
    let blob = session.put_blob(content.bytes).await?.blob_id;
    let command = traffic::route(route, false, Some(blob))?;
    let reply = session.send(&command.request).await?;
    context.present(&command, reply)
}

/// Waits for a download and writes it to a file; the exit code.
pub(crate) async fn save(
    context: &Context<'_>,
    number: Option<u32>,
    path: Option<&Path>,
    force: bool,
) -> Outcome<u8> {
    let session = context.session()?;
    let download = session.wait_for_download(number).await?;
    let path = download_path(path, &download.suggested_name);
    let opened = if force {
        written::create(&path, Readers::Mask)
    } else {
        written::create_new(&path, Readers::Mask)
    };
    let mut file = opened.map_err(|error| Failure::unwritable(&path, error))?;
    let saved = session.save_download(&download, &mut file, &path).await?;
    let text = format!("saved {} ({} bytes)", path.display(), saved.bytes);
    ended(context, &saved, &text);
    Ok(0)
}

/// Writes the log of requests to a file; the exit code.
pub(crate) async fn har(context: &Context<'_>, har: &Har) -> Outcome<u8> {
    let params = HarParams {
        since_seq: har.since,
        bodies: har.bodies,
        secrets: har.secrets,
        target_id: context.global.tab.clone(),
        ..HarParams::default()
    };
    let session = context.session()?;
    let command = of(CommandName::ExportHar, &params)?;
    let reply = session.send(&command.request).await?;
    if context.out.is_json() && har.path.is_none() {
        return context.present(&command, reply);
    }
    let Ok(result) = reply.result() else {
        return Err(Failure::refused(reply));
    };
    let archive: HarResult = client_core::transfer::parsed(result)?;
    let path = har.path.clone();
    let path: PathBuf = path.unwrap_or_else(|| context.new_file("requests", "har"));
    let text = serde_json::to_string_pretty(&archive.har).map_err(Failure::malformed)?;
    written::write(&path, Readers::User, text)
        .map_err(|error| Failure::unwritable(&path, error))?;
    let count = archive.har.log.entries.len();
    let text = format!("saved {} ({count} requests)", path.display());
    context.out.line(&if context.out.is_json() {
        reply.line().into_owned()
    } else {
        text
    });
    if archive.left_out + archive.bodies_left_out > 0 {
        context.out.note(&format!(
            "left out: {} requests, {} bodies",
            archive.left_out, archive.bodies_left_out
        ));
    }
    Ok(0)
}

/// Ends the session's trace and writes it to a file; the exit code.
pub(crate) async fn trace(context: &Context<'_>, path: Option<&Path>) -> Outcome<u8> {
    let session = context.session()?;
    session.stop_trace().await?;
    let path = path.map_or_else(|| context.new_file("trace", "json"), Path::to_path_buf);
    let created = written::create(&path, Readers::User);
    let mut file = created.map_err(|error| Failure::unwritable(&path, error))?;
    let saved = session.save_trace(&mut file, &path).await?;
    let text = format!(
        "{} (trace, {} bytes; DevTools and ui.perfetto.dev show it)",
        path.display(),
        saved.bytes
    );
    ended(context, &saved, &text);
    Ok(0)
}

/// Prints the last frame, or what was written.
fn ended(context: &Context<'_>, saved: &Transferred, text: &str) {
    if context.out.is_json() {
        context.out.line(&saved.last.line());
    } else {
        context.out.line(text);
    }
}
