//! What the edge admits, as data. The profiles' figures are `routing`'s, their enforcement the relay's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The limits of one lane, client to relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LaneLimits {
    /// The largest message, in bytes.
    pub max_payload_bytes: u64,
    /// Sustained requests per minute and session.
    pub requests_per_minute: u32,
    /// Requests that may come at once.
    pub burst: u32,
    /// The largest timeout that a request may ask for, in milliseconds.
    pub max_timeout_ms: u64,
}

/// A named set of limits. The legacy lane's are never above those of `/ops`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LimitsProfile {
    /// `strict` or `local`.
    pub name: String,
    /// Limits of `/ops`.
    pub ops: LaneLimits,
    /// Limits of `/cdp`.
    pub cdp: LaneLimits,
}

impl LimitsProfile {
    /// Whether every limit of `/cdp` is at most that of `/ops`.
    #[must_use]
    pub const fn cdp_within_ops(&self) -> bool {
        self.cdp.max_payload_bytes <= self.ops.max_payload_bytes
            && self.cdp.requests_per_minute <= self.ops.requests_per_minute
            && self.cdp.burst <= self.ops.burst
            && self.cdp.max_timeout_ms <= self.ops.max_timeout_ms
    }
}
