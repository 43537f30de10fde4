//! The ports by which the crates are composed: the relay and embedders reach the runtime through them.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use serde_json::value::RawValue;

use crate::seam::adapter::BoxFuture;
use crate::wire::blob::BlobInfo;
use crate::wire::capability::AdapterKind;
use crate::wire::command::session::{Grant, SessionMode};
use crate::wire::error::ErrorCode;
use crate::wire::fault::{Fault, Outcome};
use crate::wire::frame::{EventName, OpsCancel, OpsRequest, Timing};
use crate::wire::ids::{ClientId, LeaseId, SessionId};
use crate::wire::routing::LegacyLane;
use crate::wire::words::words;

/// Who sends a request, as the edge has established it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The client installation.
    pub client_id: ClientId,
    /// Whether the admin token was presented.
    pub admin: bool,
    /// Whether a new session of `/cdp` is open to it, by its own routing, versions and the lane's gates; nothing where there is no
    /// such lane. Refusals of what `/ops` can't do say so, and nothing is ever rerouted.
    pub legacy: Option<LegacyLane>,
}

/// What came of a request.
#[derive(Debug)]
pub struct Reply {
    /// The session that it was bound to, or that it made.
    pub session_id: Option<SessionId>,
    /// The result's JSON, or the fault.
    pub outcome: Result<Arc<RawValue>, Fault>,
    /// The session that the caller may act on from now on, where the request has made one or taken one over; also of a repeated
    /// request that gets the first one's result.
    pub granted: Option<Grant>,
    /// Where the time went.
    pub timing: Timing,
    /// What served it; `None` where it reached no session.
    pub served: Option<Served>,
}

/// What serves a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Served {
    /// The adapter's protocol family.
    pub adapter: AdapterKind,
    /// Where the browser comes from.
    pub mode: SessionMode,
}

words! {
    /// How a session ended.
    SessionOutcome "session outcome" "closed, expired, terminated, crashed" {
        Closed "closed" "Its holder closed it.";
        Expired "expired" "Its lease ran out.";
        Terminated "terminated" "The operator or the relay's end closed it.";
        Crashed "crashed" "It lost its browser or a page's renderer at least once, however it ended then.";
    }
}

/// Learns how sessions end. Called from the session's owner: it must return at once.
pub trait SessionObserver: Send + Sync {
    /// A session has ended.
    fn session_ended(&self, served: Served, outcome: SessionOutcome);
}

/// Runs commands. Implemented by the runtime.
pub trait OpsService: Send + Sync {
    /// Runs a request that arrived at `received`. The future owns everything that it needs: dropping it does not cancel
    /// the request, `cancel` does.
    fn execute(
        &self,
        request: OpsRequest,
        caller: Caller,
        received: Instant,
    ) -> BoxFuture<'static, Reply>;

    /// Cancels a request that is queued or running. False where there is none such, or where the lease is not the session's.
    fn cancel(&self, cancel: OpsCancel) -> BoxFuture<'static, bool>;

    /// Whether this is the session's current lease; compared in constant time. For charging rate limits.
    fn lease_matches(&self, session: &SessionId, lease: &LeaseId) -> bool;

    /// Whether the session that a request names would take it from this caller: what `execute` asks first. A request for no
    /// session passes.
    ///
    /// # Errors
    /// Why not: an unknown session, another lease, a command that is not for observers.
    fn admits(&self, request: &OpsRequest, caller: &Caller) -> Outcome<()>;

    /// Whether a blob of so many bytes may be put down for a session by whoever holds this lease; asked before the bytes are read.
    ///
    /// # Errors
    /// Why not: an unknown session, another lease, no room.
    fn admit_blob(&self, session: &SessionId, lease: &LeaseId, bytes: u64) -> Outcome<()> {
        let _ = (session, lease, bytes);
        Err(Fault::new(
            ErrorCode::OpsNotSupported,
            "this service keeps no blobs",
        ))
    }

    /// Keeps bytes for later commands of a session.
    ///
    /// # Errors
    /// As `admit_blob`.
    fn put_blob(&self, session: &SessionId, lease: &LeaseId, bytes: Vec<u8>) -> Outcome<BlobInfo> {
        Err(self
            .admit_blob(session, lease, bytes.len() as u64)
            .err()
            .unwrap_or_else(|| ErrorCode::OpsNotSupported.into()))
    }

    /// Sends the events of a session to `sink` from now on, until the session or the sink ends. False where the lease is not the session's.
    fn subscribe(&self, session: &SessionId, lease: &LeaseId, sink: Arc<dyn SessionEvents>)
    -> bool;

    /// Tells `observer` of every session that ends from now on, in place of an earlier observer.
    fn observe(&self, observer: Arc<dyn SessionObserver>);

    /// What the status document tells of the runtime.
    fn summary(&self) -> RuntimeSummary;

    /// Ends every session that is there now, and answers how many it has ended. From the call on, before the future is polled,
    /// page commands of these sessions are refused; sessions that are made later are not touched.
    fn end_sessions(&self, how: EndSessions) -> BoxFuture<'static, u32>;

    /// The same for these sessions alone; those that are no more are passed over.
    fn end_these(&self, how: EndSessions, sessions: &HashSet<SessionId>)
    -> BoxFuture<'static, u32>;

    /// Stops taking commands, lets running ones end until `deadline`, then closes every session and browser.
    fn shut_down(&self, deadline: Instant) -> BoxFuture<'_, ()>;
}

/// How sessions are ended when routing turns away from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndSessions {
    /// What waits and what comes is refused with `relay_ops_draining`; what runs may end, within its own deadline; then the
    /// session is closed. Control commands such as status and close are still answered.
    Drain,
    /// What waits and what runs fails with `relay_ops_terminated`, and the session is closed at once.
    Terminate,
}

/// Takes the events of a session. Called from the session's owner: it must return at once.
pub trait SessionEvents: Send + Sync {
    /// Takes one event; false when nobody listens any more.
    fn event(&self, session: &SessionId, seq: u64, event: EventName, data: Arc<RawValue>) -> bool;
}

/// The runtime in figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuntimeSummary {
    /// Sessions that are active or lost.
    pub sessions: u32,
    /// Sessions whose browser is gone.
    pub lost_sessions: u32,
    /// Page commands that wait for an earlier one of their session.
    pub queued_commands: u32,
    /// Browsers that run, with family, version and number of sessions.
    pub browsers: Vec<BrowserSummary>,
    /// Milliseconds since the last command ended or the last session closed; for leaving when idle.
    pub idle_ms: u64,
}

/// A running browser in figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserSummary {
    /// What drives it, and where it comes from.
    pub served: Served,
    /// Product and version.
    pub product: String,
    /// Its process id, where it is ours.
    pub pid: Option<u32>,
    /// Sessions in it.
    pub sessions: u32,
    /// Whether its sandbox is on.
    pub sandboxed: bool,
    /// False when it did not answer a question to itself: new sessions go to another.
    pub responsive: bool,
}
