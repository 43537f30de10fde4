//! A session: who owns it, what it runs in, what it has done. Its owner task (`session::owner`) runs the page commands
//! one after the other; control commands act on this state beside it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use ops_contracts::seam::adapter::Context;
use ops_contracts::seam::port::{EndSessions, SessionEvents};
use ops_contracts::wire::capability::{BrowserKind, CapabilitySet};
use ops_contracts::wire::clock::{Clock, Timestamp};
use ops_contracts::wire::command::session::{CreateParams, SessionInfo, SessionState};
use ops_contracts::wire::command::{Call, CommandName, Viewport};
use ops_contracts::wire::domains::DomainRefusal;
use ops_contracts::wire::ids::{BlobId, ClientId, RequestId, SessionId};
use ops_contracts::{ErrorCode, Fault, Outcome};
use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tracing::Span;

use crate::blobs::{Blobs, Bytes};
use crate::boundary::Boundary;
use crate::budget::Means;
use crate::call::{Answer, CallContext};
use crate::chain::Uses;
use crate::commands::emulation::Emulated;
use crate::commands::trace::Trace;
use crate::confinement::Confinement;
use crate::health::{SessionHealth, Ticket};
use crate::lease::Lease;
use crate::pool::{Neighbours, SlotKey};
use crate::replies::Replies;
use crate::snapshots::Snapshots;
use crate::urls;
use crate::world::World;

pub(crate) mod owner;

/// The most page commands that wait in a session's queue.
pub(crate) const QUEUE_LIMIT: u32 = 256;

/// A page command on its way through the queue.
pub(crate) struct Job {
    pub(crate) command: CommandName,
    pub(crate) context: CallContext,
    /// The fence of the lease that it was admitted under.
    pub(crate) fence: u64,
    /// Leave of the circuit breaker.
    pub(crate) ticket: Ticket,
    /// Names the request in all log lines that are about it.
    pub(crate) span: Span,
    pub(crate) done: oneshot::Sender<Finished>,
}

/// What a job came to, and whether it ever began.
pub(crate) struct Finished {
    pub(crate) outcome: Answer,
    pub(crate) began: bool,
}

impl Finished {
    /// What came to nothing before it began.
    pub(crate) const fn refused(fault: Fault) -> Self {
        Self {
            outcome: Err(fault),
            began: false,
        }
    }
}

/// What the owner is told.
pub(crate) enum Message {
    /// Queue a page command.
    Run(Box<Job>, Call),
    /// Cancel a request that waits or runs; answers whether there was one.
    Cancel(RequestId, oneshot::Sender<bool>),
    /// Drop what was queued under an older lease; answers how many.
    Fence(u64, oneshot::Sender<u32>),
    /// Refuse what waits, let what runs end, then close the session; dropped unanswered where the session ends otherwise before.
    Drain(oneshot::Sender<u32>),
    /// Close the session; answers the number of pages closed.
    Close(Fault, oneshot::Sender<u32>),
}

/// What the session runs in now.
#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) context: Arc<dyn Context>,
    pub(crate) world: Arc<World>,
    /// Grows by one with every browser that the session had to be given anew.
    pub(crate) epoch: u64,
    /// The browser's version.
    pub(crate) version: Arc<str>,
    /// What another adapter did in the stead of the session's own.
    pub(crate) fallbacks: Arc<Uses>,
    /// Who else has pages in the browser.
    pub(crate) neighbours: Neighbours,
}

/// How a session was asked for; fixed for its life.
pub(crate) struct Plan {
    pub(crate) slot: SlotKey,
    pub(crate) viewport: Viewport,
    /// What the session's adapter can do.
    pub(crate) capabilities: CapabilitySet,
    pub(crate) params: CreateParams,
    /// What the session may reach; everything when absent.
    pub(crate) confinement: Option<Arc<Confinement>>,
    /// Directories whose files are never shown.
    pub(crate) hidden: Vec<PathBuf>,
}

impl Plan {
    /// Why a URL may not be asked for.
    pub(crate) fn refusal_of_url(&self, url: &str) -> Option<DomainRefusal> {
        self.confinement.as_ref()?.refusal_of_url(url)
    }

    /// Refuses the URL of a file that is never shown.
    pub(crate) fn check_file(&self, url: &str) -> Outcome<()> {
        urls::check_file(url, &self.hidden)
    }
}

/// A session, shared by its owner task, its commands and the service.
pub(crate) struct Session {
    pub(crate) id: SessionId,
    pub(crate) client: ClientId,
    pub(crate) created_at: Timestamp,
    pub(crate) plan: Plan,
    pub(crate) lease: Mutex<Lease>,
    pub(crate) replies: Mutex<Replies>,
    pub(crate) health: Arc<SessionHealth>,
    pub(crate) running: Mutex<Option<&'static str>>,
    pub(crate) queued: AtomicU32,
    pub(crate) closing: AtomicBool,
    /// Whether page commands are refused because the session ends with the one that runs.
    pub(crate) draining: AtomicBool,
    /// Whether it ever lost its browser or the renderer of a page.
    pub(crate) crashed: AtomicBool,
    live: Mutex<Live>,
    inbox: mpsc::UnboundedSender<Message>,
    listeners: Mutex<Vec<Arc<dyn SessionEvents>>>,
    event_seq: AtomicU64,
    clock: Arc<dyn Clock>,
    blobs: Arc<Blobs>,
    emulated: Mutex<Emulated>,
    trace: Mutex<Trace>,
    /// What the session may use up, and has used.
    pub(crate) means: Means,
    /// What earlier snapshots showed, for changes since.
    pub(crate) snapshots: Mutex<Snapshots>,
}

impl Session {
    pub(crate) fn new(
        (id, client): (SessionId, ClientId),
        plan: Plan,
        lease: Lease,
        live: Live,
        inbox: mpsc::UnboundedSender<Message>,
        (clock, blobs, health): (Arc<dyn Clock>, Arc<Blobs>, Arc<SessionHealth>),
    ) -> Self {
        let means = Means::new(plan.params.budget.unwrap_or_default(), Instant::now());
        Self {
            id,
            client,
            means,
            created_at: clock.now(),
            plan,
            lease: Mutex::new(lease),
            replies: Mutex::default(),
            health,
            running: Mutex::default(),
            queued: AtomicU32::new(0),
            closing: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            crashed: AtomicBool::new(false),
            live: Mutex::new(live),
            inbox,
            listeners: Mutex::default(),
            event_seq: AtomicU64::new(0),
            clock,
            blobs,
            emulated: Mutex::default(),
            trace: Mutex::default(),
            snapshots: Mutex::default(),
        }
    }

    /// What is emulated now.
    pub(crate) fn emulated(&self) -> Emulated {
        self.emulated.lock().clone()
    }

    pub(crate) fn change_emulated(&self, change: impl FnOnce(&mut Emulated)) {
        change(&mut self.emulated.lock());
    }

    /// What is recorded of the browser.
    pub(crate) fn trace(&self) -> Trace {
        self.trace.lock().clone()
    }

    pub(crate) fn set_trace(&self, trace: Trace) {
        *self.trace.lock() = trace;
    }

    /// The bytes that were put down for this session under an id.
    pub(crate) fn blob(&self, id: &BlobId) -> Outcome<Bytes> {
        self.blobs.get(&self.id, id)
    }

    /// Notes what a command came to, before its caller learns it. A browser that does not answer in time is nobody's fault where other
    /// sessions have pages in it: any of those may keep it busy.
    pub(crate) fn note<T>(&self, outcome: &Result<T, Fault>, request: &RequestId) {
        let unanswered = outcome
            .as_ref()
            .is_err_and(|fault| fault.code == ErrorCode::AdapterTimeout);
        if !(unanswered && self.live().neighbours.any()) {
            self.health.note(outcome, request);
        }
    }

    /// What the session runs in now.
    pub(crate) fn live(&self) -> Live {
        self.live.lock().clone()
    }

    fn set_live(&self, live: Live) {
        *self.live.lock() = live;
    }

    /// Tells the owner something.
    ///
    /// # Errors
    /// `ops_session_closed` when there is no owner any more.
    pub(crate) fn send(&self, message: Message) -> Outcome<()> {
        self.inbox
            .send(message)
            .map_err(|_| Fault::plain(ErrorCode::OpsSessionClosed))
    }

    /// Tells the owner to end; what is returned comes to a number once it has, and to an error where the session ended
    /// otherwise before. `None` where it has ended already.
    pub(crate) fn end(&self, how: EndSessions) -> Option<oneshot::Receiver<u32>> {
        let (answer, ended) = oneshot::channel();
        let message = match how {
            EndSessions::Drain => Message::Drain(answer),
            EndSessions::Terminate => {
                Message::Close(Fault::plain(ErrorCode::RelayOpsTerminated), answer)
            }
        };
        self.send(message).ok().map(|()| ended)
    }

    /// Takes a place in the page queue.
    ///
    /// # Errors
    /// `ops_backpressure` with the queue's figures.
    pub(crate) fn take_place(&self) -> Outcome<()> {
        let taken = self
            .queued
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| {
                (n < QUEUE_LIMIT).then_some(n + 1)
            });
        taken.map(drop).map_err(|queued| {
            Fault::plain(ErrorCode::OpsBackpressure)
                .with("depth", queued)
                .with("limit", QUEUE_LIMIT)
                .retry_after(250)
        })
    }

    /// The time of day.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// When the lease ends, by the wall clock.
    pub(crate) fn lease_expires_at(&self) -> Timestamp {
        let left = self
            .lease
            .lock()
            .expires()
            .saturating_duration_since(Instant::now());
        self.clock.now().plus(left)
    }

    pub(crate) fn state(&self) -> SessionState {
        if self.closing.load(Ordering::Relaxed) {
            SessionState::Closing
        } else if self.live().world.lock().lost.is_some() {
            SessionState::Lost
        } else {
            SessionState::Active
        }
    }

    /// The session as others may see it.
    pub(crate) fn info(&self) -> SessionInfo {
        let targets = self.live().world.lock().tabs.len();
        SessionInfo {
            session_id: self.id.clone(),
            state: self.state(),
            browser: self.browser(),
            client_id: self.client.clone(),
            created_at: self.created_at,
            lease_expires_at: self.lease_expires_at(),
            targets: u32::try_from(targets).unwrap_or(u32::MAX),
        }
    }

    pub(crate) fn browser(&self) -> BrowserKind {
        self.plan.slot.spec.browser
    }

    pub(crate) fn listen(&self, sink: Arc<dyn SessionEvents>) {
        self.listeners.lock().push(sink);
    }

    /// Ends all subscriptions: who listened under an older lease must not hear what its successor does.
    pub(crate) fn silence(&self) {
        self.listeners.lock().clear();
    }

    fn tell(&self, name: ops_contracts::wire::frame::EventName, data: &Arc<RawValue>) {
        let seq = self.event_seq.fetch_add(1, Ordering::Relaxed) + 1;
        let marked = self
            .plan
            .params
            .boundary
            .then(|| Boundary::new().and_then(|boundary| boundary.event(data)));
        let data = match &marked {
            None => data,
            Some(Ok(marked)) => marked,
            // What can't be marked is not told.
            Some(Err(_)) => return,
        };
        self.listeners
            .lock()
            .retain(|sink| sink.event(&self.id, seq, name, data.clone()));
    }
}

/// The default time to live of a lease.
pub(crate) const DEFAULT_TTL: Duration = Duration::from_secs(15 * 60);
