//! The verbs that read files and send them, or receive bytes and write them: the relay's host never sees a path of this side.

use std::io::Write;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ops_client::Reply;
use ops_contracts::ErrorCode;
use ops_contracts::wire::blob::MAX_BLOB_BYTES;
use ops_contracts::wire::command::downloads::{
    DownloadEntry, DownloadState, ListResult, SaveParams, SaveResult, WaitParams, WaitResult,
};
use ops_contracts::wire::command::har::{HarParams, HarResult};
use ops_contracts::wire::command::interact::{UploadFile, UploadParams};
use ops_contracts::wire::command::trace::{TraceAction, TraceParams, TraceResult};
use ops_contracts::wire::command::{CommandName, Empty, parse_json};
use ops_contracts::wire::locator::Locator;

use crate::args::verb::{self, Route, Upload};
use crate::context::{Context, Held};
use crate::failure::{Failure, Outcome};
use crate::request::{Request, of, traffic};
use crate::written::{self, Readers};

/// Reads files and gives them to the page; the exit code.
pub(crate) async fn upload(context: &Context<'_>, upload: &Upload) -> Outcome<u8> {
    let (element, paths) = if upload.chooser {
        (None, upload.words.as_slice())
    } else {
        let [element, paths @ ..] = upload.words.as_slice() else {
            return Err(Failure::usage("upload takes LOCATOR FILE…"));
        };
        let parsed: Result<Locator, _> = element.parse();
        (
            Some(parsed.map_err(|error| Failure::usage(error.to_string()))?),
            paths,
        )
    };
    if upload.clear != paths.is_empty() {
        return Err(Failure::usage(
            "upload takes LOCATOR FILE…, or LOCATOR --clear",
        ));
    }
    // All of them are read before the first is sent.
    let read = paths
        .iter()
        .map(|path| self::read(Path::new(path)))
        .collect::<Outcome<Vec<_>>>()?;
    let held = context.held()?;
    let mut files = Vec::with_capacity(read.len());
    for (name, bytes) in read {
        let blob = context.put_blob(&held, bytes).await?.blob_id;
        files.push(UploadFile {
            name,
            text: None,
            base64: None,
            blob: Some(blob),
        });
    }
    let request = of(
        CommandName::InteractUpload,
        &UploadParams {
            element,
            files,
            target_id: context.global.tab.clone(),
        },
    )?;
    let reply = context.send(&held, &request).await?;
    context.present(&request, reply)
}

/// Makes a rule that answers with a file; the exit code.
pub(crate) async fn route(context: &Context<'_>, route: &Route, path: &Path) -> Outcome<u8> {
    // What is wrong with the rule is said before its body is sent.
    traffic::route(route, true, None)?;
    let (_, bytes) = read(path)?;
    let held = context.held()?;
    let blob = context.put_blob(&held, bytes).await?.blob_id;
    let request = traffic::route(route, false, Some(blob))?;
    let reply = context.send(&held, &request).await?;
    context.present(&request, reply)
}

fn read(path: &Path) -> Outcome<(String, Vec<u8>)> {
    let unreadable = |why: String| {
        Failure::new(
            ErrorCode::CliFileUnreadable,
            format!("{}: {why}", path.display()),
        )
    };
    let facts = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
    if facts.is_dir() {
        return Err(unreadable(
            "it is a directory: name the files in it".to_owned(),
        ));
    }
    if facts.len() > MAX_BLOB_BYTES {
        return Err(unreadable(format!(
            "it has {} bytes, and at most {MAX_BLOB_BYTES} are taken",
            facts.len()
        )));
    }
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = name.ok_or_else(|| unreadable("it has no name".to_owned()))?;
    Ok((
        name,
        std::fs::read(path).map_err(|error| unreadable(error.to_string()))?,
    ))
}

/// Waits for a download and writes it to a file; the exit code.
pub(crate) async fn save(
    context: &Context<'_>,
    number: Option<u32>,
    path: Option<&Path>,
    force: bool,
) -> Outcome<u8> {
    let held = context.held()?;
    let number = match number {
        Some(number) => Some(number),
        None => not_saved(context, &held).await?,
    };
    let wait = of(
        CommandName::DownloadsWait,
        &WaitParams {
            download: number,
            after: None,
        },
    )?;
    let reply = context.send(&held, &wait).await?;
    let Ok(result) = reply.result() else {
        return Err(context.refused(reply));
    };
    let download = parse_json::<WaitResult>(result)
        .map_err(|error| invalid(&error.to_string()))?
        .download;
    let path = place(path, &download.suggested_name);
    let unwritable = |error: &std::io::Error| {
        Failure::new(
            ErrorCode::CliFileUnwritable,
            format!("{}: {error}", path.display()),
        )
    };
    let opened = if force {
        written::create(&path, Readers::Mask)
    } else {
        written::create_new(&path, Readers::Mask)
    };
    let mut file = opened.map_err(|error| unwritable(&error))?;
    let mut written = 0;
    loop {
        let (part, reply) = part(context, &held, download.download, written).await?;
        let bytes = BASE64_STANDARD
            .decode(&part.data)
            .map_err(|error| invalid(&error.to_string()))?;
        file.write_all(&bytes).map_err(|error| unwritable(&error))?;
        written += bytes.len() as u64;
        if part.end {
            if written != download.received_bytes {
                return Err(invalid(&format!(
                    "{written} bytes came instead of {}",
                    download.received_bytes
                )));
            }
            let text = format!("saved {} ({written} bytes)", path.display());
            context.out.line(&if context.out.is_json() {
                reply.line().into_owned()
            } else {
                text
            });
            return Ok(0);
        }
        if bytes.is_empty() {
            return Err(invalid("a part that is not the last one is empty"));
        }
    }
}

/// Writes the log of requests to a file; the exit code.
pub(crate) async fn har(context: &Context<'_>, har: &verb::Har) -> Outcome<u8> {
    let params = HarParams {
        since_seq: har.since,
        bodies: har.bodies,
        secrets: har.secrets,
        target_id: context.global.tab.clone(),
        ..HarParams::default()
    };
    let held = context.held()?;
    let reply = context
        .send(&held, &of(CommandName::ExportHar, &params)?)
        .await?;
    let Ok(result) = reply.result() else {
        return Err(context.refused(reply));
    };
    if context.out.is_json() && har.path.is_none() {
        context.out.line(&reply.line());
        return Ok(0);
    }
    let archive = parse_json::<HarResult>(result).map_err(|error| invalid(&error.to_string()))?;
    let now = (context.environment.now)().to_string().replace(':', "-");
    let path = har
        .path
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("requests-{}.har", now.trim_end_matches('Z'))));
    let text =
        serde_json::to_string_pretty(&archive.har).map_err(|error| invalid(&error.to_string()))?;
    let written = written::write(&path, Readers::User, text);
    written.map_err(|error| {
        Failure::new(
            ErrorCode::CliFileUnwritable,
            format!("{}: {error}", path.display()),
        )
    })?;
    let count = archive.har.log.entries.len();
    let said = format!("saved {} ({count} requests)", path.display());
    context.out.line(&if context.out.is_json() {
        reply.line().into_owned()
    } else {
        said
    });
    if archive.left_out + archive.bodies_left_out > 0 {
        context.out.note(&format!(
            "left out: {} requests, {} bodies",
            archive.left_out, archive.bodies_left_out
        ));
    }
    Ok(0)
}

async fn part(
    context: &Context<'_>,
    held: &Held,
    number: u32,
    offset: u64,
) -> Outcome<(SaveResult, Reply)> {
    let request: Request = of(
        CommandName::DownloadsSave,
        &SaveParams {
            offset,
            ..SaveParams::new(number)
        },
    )?;
    let reply = context.send(held, &request).await?;
    let Ok(result) = reply.result() else {
        return Err(context.refused(reply));
    };
    let part = parse_json::<SaveResult>(result).map_err(|error| invalid(&error.to_string()))?;
    Ok((part, reply))
}

/// Where a download goes: its proposed name is a name, never a path.
fn place(path: Option<&Path>, suggested: &str) -> PathBuf {
    let plain: String = suggested
        .chars()
        .map(|c| {
            if matches!(c, '/' | '\\') || c.is_control() {
                '_'
            } else {
                c
            }
        })
        .collect();
    let name = if matches!(plain.as_str(), "" | "." | "..") {
        "download".to_owned()
    } else {
        plain
    };
    match path {
        Some(path) if path.is_dir() => path.join(name),
        Some(path) => path.to_path_buf(),
        None => PathBuf::from(name),
    }
}

fn invalid(why: &str) -> Failure {
    Failure::new(ErrorCode::CliReplyInvalid, why.to_owned())
}

/// Ends the session's trace and writes it to a file.
pub(crate) async fn trace(context: &Context<'_>, path: Option<&Path>) -> Outcome<u8> {
    let held = context.held()?;
    let stop = of(
        CommandName::DiagnosticsTrace,
        &TraceParams::new(TraceAction::Stop),
    )?;
    let reply = context.send(&held, &stop).await?;
    if reply.result().is_err() {
        return Err(context.refused(reply));
    }
    let path = path.map_or_else(|| context.new_file("trace", "json"), Path::to_path_buf);
    let unwritable = |error: &std::io::Error| {
        Failure::new(
            ErrorCode::CliFileUnwritable,
            format!("{}: {error}", path.display()),
        )
    };
    let opened = written::create(&path, Readers::User);
    let mut file = opened.map_err(|error| unwritable(&error))?;
    let mut written = 0;
    loop {
        let params = TraceParams {
            offset: Some(written),
            ..TraceParams::new(TraceAction::Read)
        };
        let read = context
            .send(&held, &of(CommandName::DiagnosticsTrace, &params)?)
            .await?;
        let Ok(result) = read.result() else {
            return Err(context.refused(read));
        };
        let part: TraceResult = parse_json(result).map_err(|error| invalid(&error.to_string()))?;
        let bytes = BASE64_STANDARD
            .decode(part.data.unwrap_or_default())
            .map_err(|error| invalid(&error.to_string()))?;
        file.write_all(&bytes).map_err(|error| unwritable(&error))?;
        written += bytes.len() as u64;
        if part.end == Some(true) {
            let text = format!(
                "{} (trace, {written} bytes; DevTools and ui.perfetto.dev show it)",
                path.display()
            );
            context.out.line(&if context.out.is_json() {
                reply.line().into_owned()
            } else {
                text
            });
            return Ok(0);
        }
        if bytes.is_empty() {
            return Err(invalid("a part that is not the last one is empty"));
        }
    }
}

/// The first download that was not saved yet; none where one has to be waited for.
async fn not_saved(context: &Context<'_>, held: &Held) -> Outcome<Option<u32>> {
    let reply = context
        .send(held, &of(CommandName::DownloadsList, &Empty {})?)
        .await?;
    let Ok(result) = reply.result() else {
        return Err(context.refused(reply));
    };
    let known = parse_json::<ListResult>(result)
        .map_err(|error| invalid(&error.to_string()))?
        .downloads;
    let waits = |entry: &DownloadEntry| !entry.saved && entry.state != DownloadState::Failed;
    Ok(known
        .iter()
        .find(|entry| waits(entry))
        .map(|entry| entry.download))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proposed_name_leads_nowhere_else() {
        for (suggested, expected) in [
            ("a.csv", "a.csv"),
            ("../../etc/passwd", ".._.._etc_passwd"),
            ("..", "download"),
            ("", "download"),
            ("a\\b\nc", "a_b_c"),
        ] {
            assert_eq!(
                place(None, suggested),
                PathBuf::from(expected),
                "{suggested:?}"
            );
        }
        assert_eq!(
            place(Some(Path::new("x.csv")), "a.csv"),
            PathBuf::from("x.csv")
        );
    }
}
