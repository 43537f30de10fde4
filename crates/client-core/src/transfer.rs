//! Files that a session takes and gives. They are read and written here: the relay's host never sees a path of this side.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ops_client::{Reply, post};
use ops_contracts::ErrorCode;
use ops_contracts::wire::blob::{BlobInfo, MAX_BLOB_BYTES};
use ops_contracts::wire::command::downloads::{
    DownloadEntry, DownloadState, ListResult, SaveParams, SaveResult, WaitParams, WaitResult,
};
use ops_contracts::wire::command::storage::{StateImportParams, StorageState};
use ops_contracts::wire::command::trace::{TraceAction, TraceParams, TraceResult};
use ops_contracts::wire::command::{CommandName, Empty, parse_json};
use serde::de::DeserializeOwned;

use crate::failure::{Failure, Outcome};
use crate::request::Request;
use crate::session::OpenSession;

/// A file that was read, for a command that takes bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The file's own name, without its directory.
    pub name: String,
    /// What is in it.
    pub bytes: Vec<u8>,
}

impl Content {
    /// Reads a file.
    ///
    /// # Errors
    /// `cli_file_unreadable` for a directory, and for more than a blob may have.
    pub fn read(path: &Path) -> Outcome<Self> {
        let unreadable = |why: String| Failure::unreadable(path, why);
        let facts = fs::metadata(path).map_err(|error| unreadable(error.to_string()))?;
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
        let bytes = fs::read(path).map_err(|error| unreadable(error.to_string()))?;
        Ok(Self { name, bytes })
    }
}

/// A transfer that has ended: how much was written, and the last answer.
#[derive(Debug)]
pub struct Transferred {
    /// Bytes written.
    pub bytes: u64,
    /// The answer with the last part.
    pub last: Reply,
}

impl OpenSession {
    /// Puts a file's bytes down for a later command of the session, which names them by the id.
    ///
    /// # Errors
    /// The relay's refusal; no answer.
    pub async fn put_blob(&self, bytes: Vec<u8>) -> Outcome<BlobInfo> {
        Ok(post::put_blob(&self.relay.endpoint, self.ids(), bytes).await?)
    }

    /// Sends a state's file as a blob and has the session take it; what was sent, and the answer.
    ///
    /// # Errors
    /// `cli_file_unreadable` for a file that holds no state; no answer.
    pub async fn load_state(&self, path: &Path, replace: bool) -> Outcome<(Request, Reply)> {
        let text = fs::read_to_string(path).map_err(|error| Failure::unreadable(path, error))?;
        StorageState::parse(&text).map_err(|error| {
            let message = format!("{} holds no state: {error}", path.display());
            Failure::new(ErrorCode::CliFileUnreadable, message)
        })?;
        let blob = self.put_blob(text.into_bytes()).await?;
        let params = StateImportParams {
            state: None,
            blob_id: Some(blob.blob_id),
            replace,
        };
        let request = Request::new(CommandName::StorageStateImport, &params)?;
        let reply = self.send(&request).await?;
        Ok((request, reply))
    }

    /// Waits until a download is complete: the one of a number, or else the first that was not saved.
    ///
    /// # Errors
    /// The relay's refusal; no answer.
    pub async fn wait_for_download(&self, number: Option<u32>) -> Outcome<DownloadEntry> {
        let number = match number {
            Some(number) => Some(number),
            None => self.first_unsaved().await?,
        };
        let params = WaitParams {
            download: number,
            after: None,
        };
        let waited: WaitResult = self.result(CommandName::DownloadsWait, &params).await?.0;
        Ok(waited.download)
    }

    /// The first download that was not saved yet; none where one has to be waited for.
    async fn first_unsaved(&self) -> Outcome<Option<u32>> {
        let known: ListResult = self.result(CommandName::DownloadsList, &Empty {}).await?.0;
        let waits = |entry: &&DownloadEntry| !entry.saved && entry.state != DownloadState::Failed;
        let first = known.downloads.iter().find(waits);
        Ok(first.map(|entry| entry.download))
    }

    /// Writes a complete download to a file that was opened for it.
    ///
    /// # Errors
    /// `cli_file_unwritable`, naming `path`; `cli_reply_invalid` where bytes are missing; the relay's refusal.
    pub async fn save_download(
        &self,
        download: &DownloadEntry,
        file: &mut impl Write,
        path: &Path,
    ) -> Outcome<Transferred> {
        let mut written = 0;
        loop {
            let params = SaveParams {
                offset: written,
                ..SaveParams::new(download.download)
            };
            let (part, last): (SaveResult, _) =
                self.result(CommandName::DownloadsSave, &params).await?;
            let read = append(file, path, &part.data)?;
            written += read;
            if part.end && written != download.received_bytes {
                return Err(Failure::malformed(format_args!(
                    "{written} bytes came instead of {}",
                    download.received_bytes
                )));
            }
            if part.end {
                let bytes = written;
                return Ok(Transferred { bytes, last });
            }
            refuse_empty(read)?;
        }
    }

    /// Ends the recording of a trace. It can be read then.
    ///
    /// # Errors
    /// The relay's refusal; no answer.
    pub async fn stop_trace(&self) -> Outcome<()> {
        let stop = TraceParams::new(TraceAction::Stop);
        let request = Request::new(CommandName::DiagnosticsTrace, &stop)?;
        let reply = self.send(&request).await?;
        if reply.result().is_err() {
            return Err(Failure::refused(reply));
        }
        Ok(())
    }

    /// Writes the trace that was recorded to a file that was opened for it.
    ///
    /// # Errors
    /// `cli_file_unwritable`, naming `path`; the relay's refusal.
    pub async fn save_trace(&self, file: &mut impl Write, path: &Path) -> Outcome<Transferred> {
        let mut written = 0;
        loop {
            let params = TraceParams {
                offset: Some(written),
                ..TraceParams::new(TraceAction::Read)
            };
            let (part, last): (TraceResult, _) =
                self.result(CommandName::DiagnosticsTrace, &params).await?;
            let read = append(file, path, part.data.as_deref().unwrap_or_default())?;
            written += read;
            if part.end == Some(true) {
                let bytes = written;
                return Ok(Transferred { bytes, last });
            }
            refuse_empty(read)?;
        }
    }
}

/// Writes a part; its size in bytes.
fn append(file: &mut impl Write, path: &Path, base64: &str) -> Outcome<u64> {
    let bytes = decoded(base64)?;
    file.write_all(&bytes)
        .map_err(|error| Failure::unwritable(path, error))?;
    Ok(bytes.len() as u64)
}

/// A relay that sends nothing would be asked for ever.
fn refuse_empty(read: u64) -> Outcome<()> {
    if read == 0 {
        return Err(Failure::malformed(
            "a part that is not the last one is empty",
        ));
    }
    Ok(())
}

/// Bytes of an answer.
///
/// # Errors
/// `cli_reply_invalid` where it is no base64.
pub fn decoded(base64: &str) -> Outcome<Vec<u8>> {
    BASE64_STANDARD.decode(base64).map_err(Failure::malformed)
}

/// A result of a type that is known here.
///
/// # Errors
/// `cli_reply_invalid` where it is another.
pub fn parsed<T: DeserializeOwned>(result: &str) -> Outcome<T> {
    parse_json(result).map_err(Failure::malformed)
}

/// Where a download goes: its proposed name is a name, never a path.
#[must_use]
pub fn download_path(path: Option<&Path>, suggested: &str) -> PathBuf {
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

/// Writes a file for its owner alone, beside its place, and moves it there; what stood there before, and its mode, are gone.
///
/// # Errors
/// The system's.
pub fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
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
                download_path(None, suggested),
                PathBuf::from(expected),
                "{suggested:?}"
            );
        }
        assert_eq!(
            download_path(Some(Path::new("x.csv")), "a.csv"),
            PathBuf::from("x.csv")
        );
    }
}
