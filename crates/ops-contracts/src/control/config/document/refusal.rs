//! Why a configuration document is refused, with everything that is wrong with it.

use std::fmt;

use crate::{ErrorCode, ErrorSource, Fault};
use serde::Serialize;
use serde_json::Value;

/// How much of a value an error shows, in characters.
const SHOWN: usize = 80;

/// A value that does not fit its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadValue {
    /// The key, with dots.
    pub key: &'static str,
    /// What fits.
    pub expected: &'static str,
    /// The JSON of what is there, cut after 80 characters.
    pub found: String,
}

impl BadValue {
    pub(super) fn new(key: &'static str, expected: &'static str, found: &Value) -> Self {
        Self {
            key,
            expected,
            found: found.to_string().chars().take(SHOWN).collect(),
        }
    }
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} must be {}, not {}",
            self.key, self.expected, self.found
        )
    }
}

/// Why a document can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigRefusal {
    /// It is larger than any configuration.
    #[error("the document is larger than {} bytes", super::MAX_BYTES)]
    TooLarge,
    /// It is no JSON.
    #[error("the document is not JSON: {message}")]
    Syntax {
        /// What the reader met, with its place.
        message: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// It is JSON, but no object.
    #[error("the document is not a JSON object")]
    NotAnObject,
    /// Keys stand in it twice.
    #[error("keys stand in the document twice: {}", .0.join(", "))]
    DuplicateKeys(Vec<String>),
    /// Values don't fit, or, under strict, keys are unknown.
    #[error("{}", keys_message(unknown, bad))]
    Keys {
        /// Unknown keys, under strict.
        unknown: Vec<String>,
        /// Values that don't fit.
        bad: Vec<BadValue>,
    },
}

fn keys_message(unknown: &[String], bad: &[BadValue]) -> String {
    let values = bad.iter().map(ToString::to_string);
    let keys = (!unknown.is_empty()).then(|| format!("unknown keys: {}", unknown.join(", ")));
    values.chain(keys).collect::<Vec<_>>().join("; ")
}

impl ConfigRefusal {
    /// The fault that `layer` raises: `cli_config_invalid` for the command line, `relay_config_invalid` for the relay. Details
    /// hold `badValues`, `unknownKeys`, `duplicateKeys`, or `line` and `column`.
    #[must_use]
    pub fn fault(&self, layer: ErrorSource) -> Fault {
        let code = match layer {
            ErrorSource::Cli => ErrorCode::CliConfigInvalid,
            ErrorSource::Relay | ErrorSource::Ops | ErrorSource::Adapter => {
                ErrorCode::RelayConfigInvalid
            }
        };
        let fault = Fault::new(code, self.to_string());
        match self {
            Self::TooLarge | Self::NotAnObject => fault,
            Self::Syntax { line, column, .. } => fault.with("line", line).with("column", column),
            Self::DuplicateKeys(keys) => fault.with("duplicateKeys", keys),
            Self::Keys { unknown, bad } => {
                fault.with("unknownKeys", unknown).with("badValues", bad)
            }
        }
    }
}
