//! The status document: what the relay knows about itself, served also when every browser is down.
//!
//! Evolution is additive within a major version of the document: names, types and meanings stay.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// The document that `GET /status` answers and `odb-cli status --output json` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusDocument {
    /// Version of this document, `major.minor`.
    pub status_schema_version: String,
    /// How versions are to be read.
    pub version_scheme: String,
    /// Version of the relay.
    pub relay_version: String,
    /// Contract version that it speaks.
    pub ops_contract_version: String,
    /// Oldest contract version that it accepts.
    pub ops_min_contract_version: String,
    /// The release train `N`, as `major.minor`.
    pub compatibility_window_n: Option<String>,
    /// The release train `N-1`.
    pub compatibility_window_n_minus1: Option<String>,
    /// Where it listens, without a trailing slash.
    pub relay_url: String,
    /// Its process id.
    pub pid: u32,
    /// Made anew at every start: 32 hex digits.
    pub instance_id: String,
    /// When it started.
    pub started_at: Timestamp,
    /// The limits profile in force.
    pub limits_profile: String,
    /// Sessions on `/ops`.
    pub active_ops_sessions: u32,
    /// Sessions on `/ops` whose browser is gone until their next command.
    pub lost_ops_sessions: u32,
    /// Sessions on `/cdp`.
    pub active_cdp_sessions: u32,
    /// Browsers that run.
    pub browsers: Vec<BrowserStatus>,
    /// Whether commands are refused because the relay is about to end.
    pub draining: bool,
    /// Warnings that an operator should act on.
    pub warnings: Vec<String>,
}

/// A running browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrowserStatus {
    /// Product and version.
    pub product: String,
    /// Its process id, where it is ours.
    pub pid: Option<u32>,
    /// Sessions in it.
    pub sessions: u32,
    /// Whether its sandbox is on.
    pub sandboxed: bool,
}
