//! `log.*`

use serde::Deserialize;

use super::open_enum;
use super::script::{RemoteValue, StackTrace};

open_enum! {
    /// How bad an entry is.
    Level {
        Debug = "debug",
        Info = "info",
        Warn = "warn",
        Error = "error",
    }
}

/// Of `log.entryAdded`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry<'a> {
    pub(crate) r#type: &'a str,
    /// The console's method, for entries of the console.
    pub(crate) method: Option<&'a str>,
    pub(crate) level: Level,
    #[serde(borrow)]
    pub(crate) source: Source<'a>,
    pub(crate) text: Option<String>,
    /// What was given to the console, for its entries.
    #[serde(borrow, default)]
    pub(crate) args: Vec<RemoteValue<'a>>,
    pub(crate) timestamp: u64,
    pub(crate) stack_trace: Option<StackTrace>,
}

#[derive(Deserialize)]
pub(crate) struct Source<'a> {
    pub(crate) context: Option<&'a str>,
}
