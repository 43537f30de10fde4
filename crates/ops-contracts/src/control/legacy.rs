//! The legacy lane `/cdp`: what travels on it beside raw protocol messages, and the port by which the relay reaches browsers
//! that take such messages.
//!
//! A protocol's words are the adapter's alone: which methods there are, and what each may do, is data that it judges by.
//! Leases, limits and gates are the relay's.

use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::seam::adapter::BoxFuture;
use crate::wire::clock::Timestamp;
use crate::wire::error::ErrorCode;
use crate::wire::fault::{ErrorBody, Outcome};
use crate::wire::ids::{CdpLeaseId, ClientId, RequestId, SessionId};
use crate::wire::limits::LaneLimits;
use crate::wire::words::words;

pub use crate::wire::http::subprotocol::CDP as CDP_PROTOCOL;

/// How long a legacy lease lives unless it is renewed: 15 minutes. Use does not renew it.
pub const LEASE_TTL_MS: u64 = 15 * 60 * 1000;

words! {
    /// How a legacy lease is bound.
    LegacyLeaseMode "legacy lease mode" "explicit, transitional" {
        Explicit "explicit" "By its id, which every command carries.";
        Transitional "transitional" "To the connection that made it, for clients that predate lease fields.";
    }

    /// Who selected the legacy lane for a session.
    #[derive(Default)]
    LegacySelection "legacy selection" "explicit, routing" {
        #[default] Explicit "explicit" "The caller named the lane.";
        Routing "routing" "Routing refused the session on `/ops` and sent it here.";
    }

    /// What the lane does with a protocol command.
    CdpDecision "decision" "allow, deny, observe" {
        Allow "allow" "It passes.";
        Deny "deny" "It is refused: it reaches outside the session.";
        Observe "observe" "It passes, and whoever reads the audit log should look at it.";
    }
}

/// The body of `POST /cdp/sessions`; every field may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct LegacyHandshake {
    /// Who selected the lane. With `routing` whatever closes it is `relay_legacy_route_unavailable`.
    pub selected_by: LegacySelection,
}

/// The answer to a legacy handshake.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacyGrant {
    /// The session.
    pub session_id: SessionId,
    /// The capability that every command carries.
    pub cdp_lease_id: CdpLeaseId,
    /// Who owns the lease: the client that made the handshake.
    pub lease_owner_id: ClientId,
    /// When the lease ends unless it is renewed.
    pub lease_expires_at: Timestamp,
    /// How it is bound.
    pub legacy_lease_mode: LegacyLeaseMode,
    /// The limits profile in force.
    pub limits_profile: String,
    /// The lane's limits.
    pub limits: LaneLimits,
    /// The browser behind it.
    pub browser: LegacyBrowserInfo,
}

/// What a legacy session's browser says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacyBrowserInfo {
    /// Product and version, as the browser writes it.
    pub product: String,
    /// Version of the raw protocol.
    pub protocol_version: String,
    /// Its user agent.
    pub user_agent: String,
    /// The session's directory on the relay's host: files of downloads and uploads must be in it.
    pub directory: String,
    /// Parameters that must name a path in that directory, and the path that serves a client that does not know it.
    pub confined: Vec<ConfinedParam>,
}

/// A parameter that must name a path in the session's directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfinedParam {
    /// The protocol method.
    pub method: String,
    /// The name of its parameter.
    pub param: String,
    /// A path that passes.
    pub path: String,
}

/// Said to clients whose lease is bound to their connection, with every answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacyDeprecation {
    /// What is deprecated: `transitional_binding`.
    pub feature: String,
    /// The release train, `major.minor`, in which only the relay's configuration still allows it.
    pub disabled_by_default_in: String,
    /// The release train in which it is gone.
    pub removed_in: String,
    /// What to do instead.
    pub instead: String,
}

/// The body of `POST /cdp/sessions/{sessionId}/renew` and of `DELETE /cdp/sessions/{sessionId}`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LegacyLeaseProof {
    /// The session's lease.
    pub cdp_lease_id: CdpLeaseId,
}

/// The answer to a renewal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacyRenewal {
    /// The session.
    pub session_id: SessionId,
    /// When the lease ends now.
    pub lease_expires_at: Timestamp,
}

/// The answer to `DELETE /cdp/sessions/{sessionId}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacyClosed {
    /// The session, which is no more.
    pub session_id: SessionId,
    /// Always true.
    pub closed: bool,
}

/// A command on the WebSocket `/cdp`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CdpCommandFrame<'a> {
    /// Names the request in logs and errors; made up by the relay when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<&'a RequestId>,
    /// The session.
    pub session_id: &'a SessionId,
    /// Its lease.
    pub cdp_lease_id: &'a CdpLeaseId,
    /// The raw protocol message.
    pub message: &'a RawValue,
}

/// A frame from the relay on the WebSocket `/cdp`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CdpServerFrame<'a> {
    /// The session, where the frame is about one.
    #[serde(default)]
    pub session_id: Option<SessionId>,
    /// A raw protocol message.
    #[serde(borrow, default)]
    pub message: Option<&'a RawValue>,
    /// The number of the command that was refused.
    #[serde(default)]
    pub id: Option<u64>,
    /// Why a command was refused, or why the session ended.
    #[serde(default)]
    pub error: Option<ErrorBody>,
    /// Whether the session is no more.
    #[serde(default)]
    pub ended: bool,
}

/// A refusal on the WebSocket `/cdp`, or the news that a session has ended.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CdpErrorFrame<'a> {
    /// Always `cdp_error`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The request that met the error.
    pub request_id: &'a RequestId,
    /// The session that it named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<&'a SessionId>,
    /// The number of the command, where the message told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// The error.
    pub error: &'a ErrorBody,
    /// Whether the session is no more.
    pub ended: bool,
}

/// A protocol command, borrowed from the frame that it came in.
#[derive(Debug, Clone, Copy)]
pub struct LegacyCommand<'a> {
    /// Its number.
    pub id: u64,
    /// Its method.
    pub method: &'a str,
    /// Its parameters.
    pub params: Option<&'a RawValue>,
    /// The protocol's own session, which an answer must name again.
    pub session: Option<&'a str>,
}

/// The lane as the status document tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LegacyLaneStatus {
    /// Whether its gates let sessions in.
    pub open: bool,
    /// The code of the gate that closes it.
    pub closed_by: Option<ErrorCode>,
    /// Its limits.
    pub limits: LaneLimits,
    /// How long a lease lives, in milliseconds.
    pub lease_ttl_ms: u64,
    /// Whether a lease may be bound to a connection, for clients that predate lease fields.
    pub transitional_binding: bool,
}

/// What a command may do, and the name under which it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CdpVerdict {
    /// The decision.
    pub decision: CdpDecision,
    /// The method's name where it is well known, else `other`: labels must not grow with what clients send.
    pub label: &'static str,
    /// Why it is denied; empty otherwise.
    pub why: String,
}

/// A message from a legacy browser, borrowed from the buffer that it was read into.
#[derive(Debug, Clone, Copy)]
pub struct LegacyMessage<'a> {
    /// The raw message.
    pub text: &'a str,
    /// The number of the command that it answers; none for an event.
    pub answers: Option<u64>,
    /// Whether it is the browser's refusal.
    pub refused: bool,
}

/// Starts browsers for the legacy lane: a process of its own for each session.
pub trait LegacyBrowsers: Send + Sync {
    /// Starts one. `events` takes what it sends once it has introduced itself.
    ///
    /// # Errors
    /// The coded reasons for which a browser does not start.
    fn open(&self, events: Arc<dyn LegacyEvents>)
    -> BoxFuture<'_, Outcome<Arc<dyn LegacyBrowser>>>;
}

/// A browser of the legacy lane. The process ends with the last handle.
pub trait LegacyBrowser: Send + Sync {
    /// What it says of itself.
    fn info(&self) -> &LegacyBrowserInfo;

    /// Its process id, where it is known.
    fn pid(&self) -> Option<u32>;

    /// What a command may do. Looks at the file system where a parameter names a path.
    fn judge(&self, command: &LegacyCommand<'_>) -> CdpVerdict;

    /// Hands a message to the browser, in order with all others. Never waits.
    ///
    /// # Errors
    /// `adapter_browser_lost`, and `adapter_timeout` where the browser does not read.
    fn send(&self, message: &str) -> Outcome<()>;

    /// Ends the process and waits until it is gone, within a bound.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Takes what a legacy browser sends. Called on the task that reads from it: it must return at once.
pub trait LegacyEvents: Send + Sync {
    /// Takes one message.
    fn message(&self, message: LegacyMessage<'_>);

    /// The browser is gone. Nothing follows.
    fn ended(&self);
}

impl fmt::Debug for dyn LegacyBrowser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyBrowser")
            .field("info", self.info())
            .finish_non_exhaustive()
    }
}
