//! Parameters and results of `diagnostics.*`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{InvalidField, Params};
use crate::wire::clock::Timestamp;
use crate::wire::ids::TargetId;
use crate::wire::page::ConsoleLevel;

/// Parameters of a log that is read from a cursor on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogParams {
    /// The first entry wanted: 0, or `nextSeq` of the last answer.
    #[serde(default)]
    pub since_seq: u64,
    /// The most entries to return, 1 to 1,000.
    #[serde(default = "default_limit")]
    pub limit: u32,
    /// Only entries of this page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_id: Option<TargetId>,
}

fn default_limit() -> u32 {
    100
}

impl Default for LogParams {
    fn default() -> Self {
        Self {
            since_seq: 0,
            limit: default_limit(),
            target_id: None,
        }
    }
}

impl Params for LogParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if (1..=1_000).contains(&self.limit) {
            Ok(())
        } else {
            Err(InvalidField::new("limit", "1 to 1000"))
        }
    }
}

/// A console message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleEntry {
    /// Its number in the session's log.
    pub seq: u64,
    /// The page.
    pub target_id: TargetId,
    /// The level.
    pub level: ConsoleLevel,
    /// The text, cut at 4,000 characters.
    pub text: String,
    /// Where from, as `url:line:column`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Result of `diagnostics.console`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsoleResult {
    /// The messages, oldest first.
    pub entries: Vec<ConsoleEntry>,
    /// Where to go on.
    pub next_seq: u64,
    /// Entries that fell out of the log before they were read.
    pub lost: u64,
}

/// An exception that nobody caught.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorEntry {
    /// Its number in the session's log.
    pub seq: u64,
    /// The page.
    pub target_id: TargetId,
    /// Name and message, cut at 4,000 characters.
    pub text: String,
    /// The stack, a frame a line, cut at 4,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// Where from, as `url:line:column`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// Result of `diagnostics.errors`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorsResult {
    /// The exceptions, oldest first.
    pub entries: Vec<ErrorEntry>,
    /// Where to go on.
    pub next_seq: u64,
    /// Entries that fell out of the log before they were read.
    pub lost: u64,
}
