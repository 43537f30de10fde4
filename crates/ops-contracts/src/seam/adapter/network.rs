//! Requests in detail, and what can be done to them: facts of HTTP, not of a protocol.

use super::{FrameKey, RequestKey, TargetKey};
use crate::wire::page::{AbortReason, Initiator, RequestTiming, ResourceKind};

/// Headers in their order; names as they were sent.
pub type Headers = Vec<(String, String)>;

/// What is known of a request beyond its line.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RequestDetails {
    /// Its headers as the page set them; the browser adds its own, which come as `RequestHeaders`.
    pub headers: Headers,
    /// Its body as text, where it has one that is text and short.
    pub body: Option<String>,
    /// Whether it has a body.
    pub has_body: bool,
    /// When it was sent, in Unix milliseconds, by the browser's clock.
    pub at_ms: f64,
    /// When it was sent, in milliseconds of a clock that never jumps.
    pub monotonic_ms: f64,
    /// What made it.
    pub initiator: Option<Initiator>,
}

/// What is known of a response beyond its status.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ResponseDetails {
    /// The text beside the status.
    pub status_text: String,
    /// Its headers as scripts may see them; all of them come as `ResponseHeaders`.
    pub headers: Headers,
    /// The protocol (`http/1.1`, `h2`).
    pub protocol: String,
    /// The server's address, as `host:port`.
    pub remote_address: Option<String>,
    /// Whether it came out of a cache.
    pub from_cache: bool,
    /// Whether a service worker gave it.
    pub from_service_worker: bool,
    /// When its head was there, in milliseconds of the clock of `RequestDetails`.
    pub monotonic_ms: f64,
    /// How long the parts took.
    pub timing: Option<RequestTiming>,
}

/// What holds for all requests of a context, those of pages, frames and workers to come included.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NetworkPolicy {
    /// Headers that every request gets beside its own.
    pub headers: Headers,
    /// How good the network is; as it is when absent.
    pub conditions: Option<NetworkConditions>,
    /// Requests whose URL matches one of these are paused: `*` stands for anything but `/`, `**` for anything.
    pub pause: Vec<String>,
    /// Whether questions for credentials are told instead of failing.
    pub authenticate: bool,
}

/// How good a network is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NetworkConditions {
    /// There is none.
    pub offline: bool,
    /// Milliseconds added to each request.
    pub latency_ms: f64,
    /// Bytes a second; no limit when absent.
    pub download: Option<f64>,
    /// Bytes a second; no limit when absent.
    pub upload: Option<f64>,
}

/// A request that waits for a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct PausedRequest {
    /// Its page.
    pub target: TargetKey,
    /// Its frame, where known.
    pub frame: Option<FrameKey>,
    /// What it is in the log, where known.
    pub request: Option<RequestKey>,
    /// Its URL.
    pub url: String,
    /// Its method.
    pub method: String,
    /// What it is for.
    pub kind: ResourceKind,
    /// Its headers.
    pub headers: Headers,
}

/// A server or proxy that asks for credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// Its page.
    pub target: TargetKey,
    /// URL of the request.
    pub url: String,
    /// Who asks, as scheme, host and port.
    pub origin: String,
    /// Whether it is a proxy.
    pub proxy: bool,
    /// Whether this request was given credentials before, which were wrong.
    pub again: bool,
}

/// What becomes of a paused request.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// It goes on, changed where something is given. Headers replace all of them.
    Continue {
        /// Another URL; the page does not see it.
        url: Option<String>,
        /// Another method.
        method: Option<String>,
        /// All headers.
        headers: Option<Headers>,
        /// Another body.
        body: Option<Vec<u8>>,
    },
    /// It is answered without a server.
    Fulfil {
        /// The status.
        status: u16,
        /// The headers.
        headers: Headers,
        /// The body.
        body: Vec<u8>,
    },
    /// It fails.
    Abort(AbortReason),
    /// A challenge is answered.
    Credentials {
        /// The user.
        username: String,
        /// The password.
        password: String,
    },
    /// A challenge is not answered: the page gets the refusal itself.
    NoCredentials,
}
