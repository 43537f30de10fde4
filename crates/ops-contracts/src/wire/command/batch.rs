//! Parameters and results of `batch.run`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::common::default_true;
use super::{InvalidField, Params};
use crate::wire::error::{ErrorCode, ErrorSource};
use crate::wire::fault::Details;

/// The most commands in one batch.
pub const MAX_BATCH: usize = 100;

/// A command of a batch.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchItem {
    /// The dotted name of a page command other than `batch.run`.
    pub command: String,
    /// Its parameters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<Box<RawValue>>,
}

/// Parameters of `batch.run`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunParams {
    /// 1 to 100 commands, run in order. All of them are checked before the first one runs.
    pub commands: Vec<BatchItem>,
    /// Whether the first error ends the batch.
    #[serde(default = "default_true")]
    pub stop_on_error: bool,
}

impl Params for RunParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if (1..=MAX_BATCH).contains(&self.commands.len()) {
            Ok(())
        } else {
            Err(InvalidField::new("commands", "1 to 100 commands"))
        }
    }
}

/// An error of one command of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchError {
    /// The stable code.
    pub code: ErrorCode,
    /// One sentence for people.
    pub message: String,
    /// Whether the same command may succeed later.
    pub retryable: bool,
    /// The layer that refused.
    pub error_source: ErrorSource,
    /// Facts for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Details>,
}

/// What came of one command: exactly one of `result` and `error`, or neither where it was not run.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct BatchOutcome {
    /// The command.
    pub command: String,
    /// Its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Box<RawValue>>,
    /// Its error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<BatchError>,
}

/// Result of `batch.run`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunResult {
    /// What came of each command, in order.
    pub results: Vec<BatchOutcome>,
    /// Commands that succeeded.
    pub succeeded: u32,
    /// Commands that failed.
    pub failed: u32,
    /// Commands that were not run because an earlier one failed.
    pub skipped: u32,
}
