//! Parameters and results of `downloads.*`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{InvalidField, Params};
use crate::wire::ids::TargetId;

/// The most bytes of a file that one answer of `downloads.save` holds.
pub const MAX_PART: u64 = 8 << 20;

/// How far a download has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DownloadState {
    /// Bytes are coming.
    Running,
    /// The file is complete.
    Completed,
    /// It failed or was cancelled; nothing of it is kept.
    Failed,
}

/// A download of the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DownloadEntry {
    /// Its number in the session.
    pub download: u32,
    /// The page that it began in.
    pub target_id: TargetId,
    /// Where from.
    pub url: String,
    /// The name that the server or page proposes.
    pub suggested_name: String,
    /// How far it has come.
    pub state: DownloadState,
    /// Bytes that are there.
    pub received_bytes: u64,
    /// Its size, where the server tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_bytes: Option<u64>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
    /// Whether it was read to its end by `downloads.save`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub saved: bool,
}

/// Result of `downloads.list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListResult {
    /// The session's downloads, oldest first.
    pub downloads: Vec<DownloadEntry>,
}

/// Parameters of `downloads.wait`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WaitParams {
    /// This download; the first that has begun since and is not saved yet when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub download: Option<u32>,
    /// A download that began after this one. Absent: any that was not waited for or saved before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u32>,
}

impl Params for WaitParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if self.download.is_some() && self.after.is_some() {
            return Err(InvalidField::new(
                "params",
                "at most one of download and after",
            ));
        }
        Ok(())
    }
}

/// Result of `downloads.wait`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WaitResult {
    /// The download, completed.
    pub download: DownloadEntry,
    /// Milliseconds waited.
    pub waited_ms: u64,
}

/// Parameters of `downloads.save`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SaveParams {
    /// The download.
    pub download: u32,
    /// The first byte wanted.
    #[serde(default)]
    pub offset: u64,
    /// The most bytes wanted, 1 to 8 MiB.
    #[serde(default = "most")]
    pub max_bytes: u64,
}

fn most() -> u64 {
    2 << 20
}

impl SaveParams {
    /// The first part of a download.
    #[must_use]
    pub fn new(download: u32) -> Self {
        Self {
            download,
            offset: 0,
            max_bytes: most(),
        }
    }
}

impl Params for SaveParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if (1..=MAX_PART).contains(&self.max_bytes) {
            Ok(())
        } else {
            Err(InvalidField::new("maxBytes", "1 to 8388608"))
        }
    }
}

/// Result of `downloads.save`: a part of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SaveResult {
    /// The download.
    pub download: DownloadEntry,
    /// The part's first byte in the file.
    pub offset: u64,
    /// The part as base64.
    pub data: String,
    /// The part's size in bytes.
    pub bytes: u64,
    /// Whether the file ends with it.
    pub end: bool,
}
