//! Parameters and result of `diagnostics.trace`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{InvalidField, Params};

/// The most bytes of a trace, and those where nothing is said.
pub const MAX_TRACE: u64 = 128 << 20;
const DEFAULT_TRACE: u64 = 64 << 20;
/// The most bytes of a part.
const MAX_PART: u64 = 8 << 20;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TraceAction {
    /// Begins to record.
    Start,
    /// Ends recording and keeps what was recorded, until the next trace or the session's end.
    Stop,
    /// Reads a part of what is kept.
    Read,
}

/// Parameters of `diagnostics.trace`. The session needs a browser of its own (`isolation` `process`): a trace is of the whole browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TraceParams {
    /// What to do.
    pub action: TraceAction,
    /// For `start`: categories of the browser's trace events, as `devtools.timeline`; those of a performance profile when absent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// For `start`: the most bytes of the trace, 1,048,576 to 134,217,728; for `read`: of the part, 1 to 8,388,608.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// For `read`: the first byte wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
}

impl TraceParams {
    /// Only the action.
    #[must_use]
    pub const fn new(action: TraceAction) -> Self {
        Self {
            action,
            categories: Vec::new(),
            max_bytes: None,
            offset: None,
        }
    }

    /// The bytes that the action may come to.
    #[must_use]
    pub fn most(&self) -> u64 {
        let default = if self.action == TraceAction::Read {
            2 << 20
        } else {
            DEFAULT_TRACE
        };
        self.max_bytes.unwrap_or(default)
    }
}

impl Params for TraceParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if !self.categories.is_empty() && self.action != TraceAction::Start {
            return Err(InvalidField::new(
                "categories",
                "only beside the action start",
            ));
        }
        if self.offset.is_some() && self.action != TraceAction::Read {
            return Err(InvalidField::new("offset", "only beside the action read"));
        }
        let named = |text: &String| {
            (1..=128).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_graphic() && b != b',')
        };
        if self.categories.len() > 100 {
            return Err(InvalidField::new("categories", "at most 100"));
        }
        if let Some(at) = self.categories.iter().position(|text| !named(text)) {
            return Err(InvalidField::new(
                format!("categories[{at}]"),
                "a category, as devtools.timeline",
            ));
        }
        let within = match (self.action, self.max_bytes) {
            (_, None) => Ok(()),
            (TraceAction::Start, Some(bytes)) if (1 << 20..=MAX_TRACE).contains(&bytes) => Ok(()),
            (TraceAction::Read, Some(bytes)) if (1..=MAX_PART).contains(&bytes) => Ok(()),
            (TraceAction::Start, _) => Err("1048576 to 134217728"),
            (TraceAction::Read, _) => Err("1 to 8388608"),
            (TraceAction::Stop, _) => Err("only beside the actions start and read"),
        };
        within.map_err(|expected| InvalidField::new("maxBytes", expected))
    }
}

/// Result of `diagnostics.trace`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceResult {
    /// Whether the browser records now.
    pub recording: bool,
    /// Size of the trace that is kept, JSON in the Trace Event Format; 0 while it is being recorded.
    pub bytes: u64,
    /// For `read`: the part's first byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// For `read`: the part as base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// For `read`: whether the trace ends with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<bool>,
}
