//! `browser_save`: files go into one directory of this user, under names that are free, and are never written over.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ops_contracts::ErrorCode;
use ops_contracts::wire::command::downloads::{SaveParams, SaveResult, WaitResult};
use ops_contracts::wire::command::{CommandName, export};
use rmcp::model::{ContentBlock, Resource};
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::args::{Args, params, raw};
use crate::call::Cx;
use crate::handle::Held;
use crate::trouble::Trouble;

/// How often another name is tried where a file of the name is there.
const MAX_TRIES: u32 = 1_000;

/// The largest download that is saved, in bytes.
const MAX_DOWNLOAD: u64 = 1 << 30;

/// What is to be written.
struct File {
    bytes: Vec<u8>,
    name: String,
    mime: &'static str,
}

/// Writes a file and links it.
pub(super) async fn run(cx: &Cx<'_>, mut args: Args) -> Result<Answer, Trouble> {
    let held = cx.core.sessions.find(&args.needed("session")?)?;
    let what = args.needed("what")?;
    let (name, inline) = (args.text("name")?, args.flag("inline")?);
    let fields = args.rest();
    let file = match what.as_str() {
        "screenshot" => screenshot(cx, &held, fields).await?,
        "pdf" => pdf(cx, &held, fields).await?,
        "html" => html(cx, &held, fields).await?,
        "har" => har(cx, &held, fields).await?,
        "download" => download(cx, &held, fields).await?,
        _ => {
            return Err(Trouble::usage(
                "what: one of screenshot, pdf, html, har, download is expected",
            ));
        }
    };
    let picture = file.mime.starts_with("image/");
    if inline && !picture {
        return Err(Trouble::usage("inline: only beside what = screenshot"));
    }
    let path = write(
        &cx.core.saved,
        name.as_deref().unwrap_or(&file.name),
        &file.bytes,
    )?;
    let shown = path.file_name().unwrap_or_default().to_string_lossy();
    let link = Resource::new(format!("file://{}", path.display()), shown.clone())
        .with_mime_type(file.mime)
        .with_size(file.bytes.len() as u64);
    let mut answer =
        Answer::new(format!("saved {} bytes", file.bytes.len())).quote(path.display().to_string());
    answer.beside.push(ContentBlock::ResourceLink(link));
    if inline {
        let data = BASE64_STANDARD.encode(&file.bytes);
        answer.beside.push(ContentBlock::image(data, file.mime));
    }
    Ok(answer)
}

async fn result<T: serde::de::DeserializeOwned>(
    cx: &Cx<'_>,
    held: &Held,
    command: CommandName,
    fields: Map<String, Value>,
) -> Result<T, Trouble> {
    let params = params(command, fields, "")?;
    Ok(cx.run(held, command, params, None).await?.typed::<T>()?.0)
}

fn decoded(data: &str) -> Result<Vec<u8>, Trouble> {
    BASE64_STANDARD
        .decode(data)
        .map_err(|error| Trouble::new(ErrorCode::CliReplyInvalid, error.to_string()))
}

async fn screenshot(cx: &Cx<'_>, held: &Held, fields: Map<String, Value>) -> Result<File, Trouble> {
    use ops_contracts::wire::page::ImageFormat;
    let picture: export::ScreenshotResult =
        result(cx, held, CommandName::ExportScreenshot, fields).await?;
    let (ending, mime) = match picture.format {
        ImageFormat::Png => ("png", "image/png"),
        ImageFormat::Jpeg => ("jpg", "image/jpeg"),
        ImageFormat::Webp => ("webp", "image/webp"),
    };
    Ok(File {
        bytes: decoded(&picture.data)?,
        name: format!("screenshot.{ending}"),
        mime,
    })
}

async fn pdf(cx: &Cx<'_>, held: &Held, fields: Map<String, Value>) -> Result<File, Trouble> {
    let pdf: export::PdfResult = result(cx, held, CommandName::ExportPdf, fields).await?;
    Ok(File {
        bytes: decoded(&pdf.data)?,
        name: "page.pdf".to_owned(),
        mime: "application/pdf",
    })
}

async fn html(cx: &Cx<'_>, held: &Held, fields: Map<String, Value>) -> Result<File, Trouble> {
    let html: export::HtmlResult = result(cx, held, CommandName::ExportHtml, fields).await?;
    Ok(File {
        bytes: html.html.into_bytes(),
        name: "page.html".to_owned(),
        mime: "text/html",
    })
}

async fn har(cx: &Cx<'_>, held: &Held, fields: Map<String, Value>) -> Result<File, Trouble> {
    let result: Value = result(cx, held, CommandName::ExportHar, fields).await?;
    Ok(File {
        bytes: result["har"].to_string().into_bytes(),
        name: "requests.har".to_owned(),
        mime: "application/json",
    })
}

/// Waits until a download is complete, and reads it part by part.
async fn download(cx: &Cx<'_>, held: &Held, fields: Map<String, Value>) -> Result<File, Trouble> {
    let waited: WaitResult = result(cx, held, CommandName::DownloadsWait, fields).await?;
    let entry = waited.download;
    if entry.received_bytes > MAX_DOWNLOAD {
        return Err(Trouble::usage(format!(
            "the download has {} bytes; at most {MAX_DOWNLOAD} are saved here",
            entry.received_bytes
        )));
    }
    let mut bytes = Vec::new();
    loop {
        let part = raw(&SaveParams {
            offset: bytes.len() as u64,
            ..SaveParams::new(entry.download)
        })?;
        let reply = cx.run(held, CommandName::DownloadsSave, part, None).await?;
        let (part, _) = reply.typed::<SaveResult>()?;
        bytes.extend(decoded(&part.data)?);
        if part.end || part.bytes == 0 {
            break;
        }
    }
    Ok(File {
        bytes,
        name: entry.suggested_name,
        mime: "application/octet-stream",
    })
}

/// A name without a path, whatever a page or a model proposes.
fn clean(name: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | ' ');
    let name: String = name
        .chars()
        .map(|c| if kept(c) { c } else { '_' })
        .take(80)
        .collect();
    let name = name.trim_matches(|c: char| c == '.' || c == ' ').to_owned();
    if name.is_empty() {
        "file".to_owned()
    } else {
        name
    }
}

/// Writes into a new file of the directory, under the name or the next one that is free.
fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, Trouble> {
    let unwritable = |path: &Path, error: std::io::Error| {
        Trouble::new(
            ErrorCode::CliFileUnwritable,
            format!("{}: {error}", path.display()),
        )
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|error| unwritable(dir, error))?;
    let name = clean(name);
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) => (stem, format!(".{ending}")),
        None => (name.as_str(), String::new()),
    };
    for number in 1..=MAX_TRIES {
        let path = match number {
            1 => dir.join(&name),
            number => dir.join(format!("{stem}-{number}{ending}")),
        };
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        match file {
            Ok(mut file) => {
                file.write_all(bytes)
                    .map_err(|error| unwritable(&path, error))?;
                return Ok(path);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unwritable(&path, error)),
        }
    }
    Err(unwritable(dir, std::io::ErrorKind::AlreadyExists.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else_and_no_file_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let saved = dir.path().join("saved");
        let first = write(&saved, "../../.bashrc", b"one").unwrap();
        let second = write(&saved, "../../.bashrc", b"two").unwrap();
        assert_eq!(first.parent(), Some(saved.as_path()));
        assert_ne!(first, second);
        assert_eq!(std::fs::read(&first).unwrap(), b"one");
        for name in ["", ".", "..", "/", " . "] {
            assert!(
                !clean(name).is_empty() && !clean(name).contains('/'),
                "{name}"
            );
        }
    }
}
