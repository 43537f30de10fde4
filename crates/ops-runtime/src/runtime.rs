//! The runtime: takes requests, finds their session, checks the lease before anything is queued, and hands the command
//! to its lane. Implements the port by which the relay and embedders use it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant as StdInstant};

use ops_contracts::control::choice::Choices;
use ops_contracts::control::health::HealthSink;
use ops_contracts::control::telemetry::SessionOutcome;
use ops_contracts::seam::adapter::{Adapter, BoxFuture};
use ops_contracts::seam::egress::Egress;
use ops_contracts::seam::port::{
    Caller, EndSessions, OpsService, Reply, RuntimeSummary, Served, SessionEvents, SessionObserver,
};
use ops_contracts::wire::blob::BlobInfo;
use ops_contracts::wire::capability::BrowserKind;
use ops_contracts::wire::clock::Clock;
use ops_contracts::wire::command::session::UrlScheme;
use ops_contracts::wire::command::{Call, CommandName, Lane, Repeat};
use ops_contracts::wire::domains::DomainRules;
use ops_contracts::wire::frame::{OpsCancel, OpsRequest};
use ops_contracts::wire::ids::{ClientId, LeaseId, RequestId, SessionId};
use ops_contracts::{ErrorCode, Fault, Outcome};
use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{Instrument, Span};

use crate::blobs::Blobs;
use crate::boundary::Boundary;
use crate::call::{self, Answer, Answered, CallContext};
use crate::commands;
use crate::cx::Cx;
use crate::health::HealthRules;
use crate::lease::Standing;
use crate::meter::Meter;
use crate::pool::Pool;
use crate::replies::{Admission, Fingerprint, Replies};
use crate::session::{Finished, Job, Message, Session};

mod sessions;

pub(crate) use sessions::{Service, end};

/// What a runtime is told once, when it is made.
#[derive(Debug, Clone)]
pub struct RuntimeConfig {
    /// The most sessions at a time.
    pub max_sessions: u32,
    /// How long a shared browser stays after its last session.
    pub browser_idle: Duration,
    /// Where named profiles live; without it `profile` is refused.
    pub profiles: Option<PathBuf>,
    /// How Chrome and its kin are started.
    pub chrome: FamilyConfig,
    /// How Firefox is started.
    pub firefox: FamilyConfig,
    /// How the health of sessions is kept and told.
    pub health: HealthRules,
    /// The way out of sessions that are confined to domains; without it, such sessions are refused.
    pub egress: Option<Arc<dyn Egress>>,
    /// Rules about hosts that hold for every session; its own can only narrow them.
    pub domains: DomainRules,
    /// What sessions may ask for beyond the web.
    pub urls: UrlRules,
    /// Where choices come from that are no secrets.
    pub choices: Choices,
}

/// What sessions may ask for beyond http, https and about:blank.
#[derive(Debug, Clone, Default)]
pub struct UrlRules {
    /// The schemes that a session may be allowed.
    pub schemes: Vec<UrlScheme>,
    /// Directories whose files are never shown, whatever scheme is allowed.
    pub hidden: Vec<PathBuf>,
}

/// How browsers of one family are started.
#[derive(Debug, Clone, Default)]
pub struct FamilyConfig {
    /// The executable; found in the well-known places when absent.
    pub executable: Option<PathBuf>,
    /// Further arguments for every browser of the family.
    pub args: Vec<String>,
}

impl RuntimeConfig {
    fn family(&self, browser: BrowserKind) -> &FamilyConfig {
        match browser {
            BrowserKind::Chrome => &self.chrome,
            BrowserKind::Firefox => &self.firefox,
        }
    }
}

impl Default for RuntimeConfig {
    fn default() -> Self {
        let (chrome, firefox) = (FamilyConfig::default(), FamilyConfig::default());
        let (browser_idle, health) = (Duration::from_secs(30), HealthRules::default());
        let (egress, domains, choices) = (None, DomainRules::default(), Choices::default());
        let urls = UrlRules::default();
        Self {
            max_sessions: 64,
            browser_idle,
            profiles: None,
            chrome,
            firefox,
            health,
            egress,
            domains,
            urls,
            choices,
        }
    }
}

/// Sessions that have ended are remembered, so that their holders learn why.
const TOMBSTONES: usize = 1_024;
/// Clients whose `session.create` replies are remembered.
const CREATORS: usize = 1_024;

/// The runtime. Cheap to clone; all clones are the same runtime.
#[derive(Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    config: RuntimeConfig,
    clock: Arc<dyn Clock>,
    sink: Option<Arc<dyn HealthSink>>,
    /// How many sessions have been made.
    made: AtomicU64,
    /// Whether the task that tells every session's health runs.
    telling: AtomicBool,
    pool: Arc<Pool>,
    sessions: Mutex<Sessions>,
    creators: Mutex<HashMap<ClientId, Replies>>,
    blobs: Arc<Blobs>,
    /// Sessions that are being made count as well.
    reserved: AtomicU32,
    ending: AtomicBool,
    last_use: Mutex<Instant>,
    observer: Mutex<Option<Arc<dyn SessionObserver>>>,
}

#[derive(Default)]
struct Sessions {
    live: HashMap<SessionId, Arc<Session>>,
    ended: VecDeque<(SessionId, LeaseId, ErrorCode)>,
}

impl Runtime {
    /// A runtime that serves through these adapters. It must be used within a tokio runtime.
    #[must_use]
    pub fn new(
        config: RuntimeConfig,
        adapters: Vec<Arc<dyn Adapter>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::with_health(config, adapters, clock, None)
    }

    /// The same, and its sessions tell their health to `sink`.
    #[must_use]
    pub fn with_health(
        config: RuntimeConfig,
        adapters: Vec<Arc<dyn Adapter>>,
        clock: Arc<dyn Clock>,
        sink: Option<Arc<dyn HealthSink>>,
    ) -> Self {
        let pool = Arc::new(Pool::new(
            adapters,
            config.browser_idle,
            config.egress.clone(),
        ));
        Self {
            inner: Arc::new(Inner {
                config,
                clock,
                sink,
                telling: AtomicBool::new(false),
                made: AtomicU64::new(0),
                pool,
                sessions: Mutex::default(),
                creators: Mutex::default(),
                blobs: Arc::default(),
                reserved: AtomicU32::new(0),
                ending: AtomicBool::new(false),
                last_use: Mutex::new(Instant::now()),
                observer: Mutex::default(),
            }),
        }
    }
}

impl OpsService for Runtime {
    fn execute(
        &self,
        request: OpsRequest,
        caller: Caller,
        received: StdInstant,
    ) -> BoxFuture<'static, Reply> {
        let inner = self.inner.clone();
        let session = request.session_id.as_ref().map(tracing::field::display);
        let span = tracing::info_span!("request", requestId = %request.request_id, sessionId = session, command = request.command.label());
        let work = async move {
            let meter = Arc::new(Meter::new(received));
            let asked = request.session_id.clone();
            // Found before it runs: a session that the request closes is not to be found afterwards.
            let session = asked.as_ref().and_then(|id| inner.find(id));
            let answer = inner.execute(request, session.as_ref(), &caller, &meter);
            let answer = answer.await;
            *inner.last_use.lock() = Instant::now();
            let (outcome, granted) = match answer {
                Ok(Answered { result, granted }) => (Ok(result), granted),
                Err(fault) => (Err(fault), None),
            };
            let granted_id = granted.as_ref().map(|granted| granted.session_id.clone());
            let session = session.or_else(|| granted_id.as_ref().and_then(|made| inner.find(made)));
            Reply {
                session_id: granted_id.or(asked),
                outcome,
                granted,
                timing: meter.timing(),
                served: session.map(|session| served_by(&session)),
            }
        };
        Box::pin(work.instrument(span))
    }

    fn cancel(&self, cancel: OpsCancel) -> BoxFuture<'static, bool> {
        let inner = self.inner.clone();
        Box::pin(async move {
            let (Some(session), Some(lease)) = (&cancel.session_id, &cancel.lease_id) else {
                return false;
            };
            let Some(session) = inner
                .find(session)
                .filter(|session| session.lease.lock().matches(lease))
            else {
                return false;
            };
            let (answer, cancelled) = oneshot::channel();
            session
                .send(Message::Cancel(cancel.request_id, answer))
                .is_ok()
                && cancelled.await.unwrap_or(false)
        })
    }

    fn lease_matches(&self, session: &SessionId, lease: &LeaseId) -> bool {
        self.inner
            .find(session)
            .is_some_and(|session| session.lease.lock().matches(lease))
    }

    fn admits(&self, request: &OpsRequest, caller: &Caller) -> Outcome<()> {
        let name = request.command.name()?;
        if name.spec().lane == Lane::Service {
            return Ok(());
        }
        let call = Call::parse(name, &request.params)?;
        let session = request.session_id.as_ref();
        let session = session.and_then(|id| self.inner.find(id));
        self.inner
            .admit(request, session.as_ref(), caller, &call)
            .map(drop)
    }

    fn admit_blob(&self, session: &SessionId, lease: &LeaseId, bytes: u64) -> Outcome<()> {
        self.inner.holders_session(session, Some(lease))?;
        self.inner.blobs.admit(session, bytes)
    }

    fn put_blob(&self, session: &SessionId, lease: &LeaseId, bytes: Vec<u8>) -> Outcome<BlobInfo> {
        self.inner.holders_session(session, Some(lease))?;
        self.inner.blobs.put(session, bytes, &*self.inner.clock)
    }

    fn subscribe(
        &self,
        session: &SessionId,
        lease: &LeaseId,
        sink: Arc<dyn SessionEvents>,
    ) -> bool {
        let Some(session) = self
            .inner
            .find(session)
            .filter(|session| session.lease.lock().matches(lease))
        else {
            return false;
        };
        session.listen(sink);
        true
    }

    fn observe(&self, observer: Arc<dyn SessionObserver>) {
        *self.inner.observer.lock() = Some(observer);
    }

    fn summary(&self) -> RuntimeSummary {
        let sessions: Vec<_> = self.inner.sessions.lock().live.values().cloned().collect();
        let lost = sessions
            .iter()
            .filter(|session| session.live().world.lock().lost.is_some())
            .count();
        let idle = self.inner.last_use.lock().elapsed();
        RuntimeSummary {
            sessions: u32::try_from(sessions.len()).unwrap_or(u32::MAX),
            lost_sessions: u32::try_from(lost).unwrap_or(u32::MAX),
            queued_commands: sessions
                .iter()
                .map(|session| session.queued.load(Ordering::Relaxed))
                .sum(),
            browsers: self.inner.pool.summary(),
            idle_ms: if sessions.is_empty() {
                u64::try_from(idle.as_millis()).unwrap_or(u64::MAX)
            } else {
                0
            },
        }
    }

    fn end_sessions(&self, how: EndSessions) -> BoxFuture<'static, u32> {
        let sessions: Vec<_> = self.inner.sessions.lock().live.values().cloned().collect();
        self.end_all_of(how, &sessions)
    }

    fn end_these(
        &self,
        how: EndSessions,
        sessions: &HashSet<SessionId>,
    ) -> BoxFuture<'static, u32> {
        let sessions: Vec<_> = {
            let known = self.inner.sessions.lock();
            sessions
                .iter()
                .filter_map(|id| known.live.get(id).cloned())
                .collect()
        };
        self.end_all_of(how, &sessions)
    }

    fn shut_down(&self, deadline: StdInstant) -> BoxFuture<'_, ()> {
        Box::pin(self.inner.shut_down(Instant::from_std(deadline)))
    }
}

impl Runtime {
    /// Ends sessions; they refuse what comes from the call on, before the future is polled.
    fn end_all_of(&self, how: EndSessions, sessions: &[Arc<Session>]) -> BoxFuture<'static, u32> {
        if how == EndSessions::Drain {
            for session in sessions {
                session.draining.store(true, Ordering::Release);
            }
        }
        // Sent now: what comes later stands behind it in each session's inbox.
        let ending: Vec<_> = sessions
            .iter()
            .filter_map(|session| session.end(how))
            .collect();
        Box::pin(async move {
            let ended = futures_util::future::join_all(ending)
                .await
                .into_iter()
                .filter(|ended| ended.is_ok())
                .count();
            u32::try_from(ended).unwrap_or(u32::MAX)
        })
    }
}

impl Inner {
    async fn execute(
        self: &Arc<Self>,
        request: OpsRequest,
        session: Option<&Arc<Session>>,
        caller: &Caller,
        meter: &Arc<Meter>,
    ) -> Answer {
        if self.ending.load(Ordering::Relaxed) {
            return Err(Fault::plain(ErrorCode::RelayOpsTerminated));
        }
        let name = request.command.name()?;
        let call = Call::parse(name, &request.params)?;
        let spec = name.spec();
        let timeout = Duration::from_millis(request.timeout_ms.unwrap_or(spec.default_timeout_ms));
        let context = CallContext::new(request.request_id.clone(), timeout, meter.clone())
            .beside(caller.legacy);
        if spec.lane == Lane::Service {
            let answer = self.serve(call, request.params, caller, context).await;
            return answer.map_err(|fault| call::beside_legacy(fault, caller.legacy));
        }
        let admitted = self.admit(&request, session, caller, &call)?;
        let boundary = request.boundary || admitted.session.plan.params.boundary;
        let outcome = self.run(admitted, request.params, call, context).await;
        if !boundary {
            return outcome;
        }
        // Made when the page has been read: nothing in it can know the nonce.
        let boundary = Boundary::new()?;
        match outcome {
            Ok(Answered { result, granted }) => Ok(Answered {
                result: boundary.result(name, &result)?,
                granted,
            }),
            Err(fault) => Err(boundary.fault(fault)),
        }
    }

    /// Runs a command of a session, once: repeated requests get what the first one got.
    async fn run(
        &self,
        admitted: Admitted,
        params: Box<RawValue>,
        call: Call,
        context: CallContext,
    ) -> Answer {
        let (session, request) = (admitted.session.clone(), context.request.clone());
        let name = call.name();
        let once = name.spec().repeat == Repeat::Once;
        if once {
            let print = Fingerprint::of(name, params);
            let admission = session
                .replies
                .lock()
                .admit(&request, print, Instant::now());
            if let Some(answer) = repeated(admission, context.deadline).await? {
                return answer;
            }
        }
        let finished = match session.means.spend(&call, Instant::now()) {
            Err(fault) => Finished::refused(fault),
            Ok(()) if name.spec().lane == Lane::Control => {
                context.meter.start();
                Finished {
                    outcome: control(&session, call, context).await,
                    began: true,
                }
            }
            Ok(()) => queue(admitted, call, context).await,
        };
        if let Ok(answered) = &finished.outcome {
            session.means.returned(name, answered.result.get().len());
        }
        if once {
            remember(&session.replies, &request, &finished);
        }
        finished.outcome
    }

    /// The session of a request whose holder may act on it, or whose observer may read it.
    fn admit(
        &self,
        request: &OpsRequest,
        session: Option<&Arc<Session>>,
        caller: &Caller,
        call: &Call,
    ) -> Outcome<Admitted> {
        let (name, lease) = (call.name(), request.lease_id.as_ref());
        let id = request
            .session_id
            .as_ref()
            .ok_or_else(|| Fault::plain(ErrorCode::OpsSessionRequired))?;
        let Some(session) = session else {
            return Err(self.why_ended(id, lease));
        };
        // What is found out about the lease, and the fence, are of one moment: work that was admitted before a reclaim is work of the
        // old holder, whenever it comes to the queue.
        let (standing, fence) = {
            let mut held = session.lease.lock();
            (held.judge(lease, Instant::now()), held.fence())
        };
        // An administrator may take over or close what others hold.
        let overrides = caller.admin
            && matches!(
                name,
                CommandName::SessionReclaim | CommandName::SessionClose
            );
        let refusal = match standing {
            Standing::Holder => None,
            Standing::Observer if call.observes() => None,
            Standing::Observer => {
                Some(Fault::plain(ErrorCode::OpsObserverReadOnly).with("command", name.as_str()))
            }
            Standing::ObserverExpired => Some(Fault::plain(ErrorCode::OpsLeaseExpired)),
            Standing::HolderExpired | Standing::Stranger if overrides => None,
            Standing::HolderExpired => Some(Fault::plain(ErrorCode::OpsLeaseExpired)),
            Standing::Stranger => Some(Fault::plain(ErrorCode::OpsNotOwner)),
        };
        match refusal {
            Some(fault) => Err(fault.with("sessionId", id)),
            None => Ok(Admitted {
                session: session.clone(),
                fence,
            }),
        }
    }

    /// A session for whoever holds its lease, which is thereby extended.
    fn holders_session(&self, id: &SessionId, lease: Option<&LeaseId>) -> Outcome<Arc<Session>> {
        let Some(session) = self.find(id) else {
            return Err(self.why_ended(id, lease));
        };
        let admitted = session.lease.lock().admit(lease, Instant::now());
        admitted
            .map(|_| session)
            .map_err(|fault| fault.with("sessionId", id))
    }

    /// Runs a command that is bound to no session.
    async fn serve(
        self: &Arc<Self>,
        call: Call,
        params: Box<RawValue>,
        caller: &Caller,
        context: CallContext,
    ) -> Answer {
        context.meter.start();
        let name = call.name();
        let (request, deadline) = (context.request.clone(), context.deadline);
        let service = Service {
            inner: self.clone(),
            client: caller.client_id.clone(),
            call: context,
        };
        if name.spec().repeat != Repeat::Once {
            return commands::serve(&service, call).await;
        }
        let print = Fingerprint::of(name, params);
        let admission = self.creator(&caller.client_id, |replies| {
            replies.admit(&request, print, Instant::now())
        });
        if let Some(answer) = repeated(admission, deadline).await? {
            return answer;
        }
        // A task of its own: a caller that goes away must not leave half a session.
        let making = async move { commands::serve(&service, call).await };
        let made = tokio::spawn(making.in_current_span()).await;
        let outcome = made.unwrap_or_else(|_| Err(Fault::plain(ErrorCode::OpsInternal)));
        self.creator(&caller.client_id, |replies| match &outcome {
            Ok(_) => replies.finish(&request, &outcome, Instant::now()),
            Err(fault) => replies.withdraw(&request, fault),
        });
        outcome
    }

    fn creator<T>(&self, client: &ClientId, act: impl FnOnce(&mut Replies) -> T) -> T {
        let mut creators = self.creators.lock();
        if creators.len() >= CREATORS && !creators.contains_key(client) {
            creators.clear();
        }
        act(creators.entry(client.clone()).or_default())
    }

    /// Tells whoever observes how a session ended.
    fn tell_end(&self, session: &Session, code: ErrorCode) {
        let observer = self.observer.lock().clone();
        let Some(observer) = observer else { return };
        let outcome = match code {
            _ if session.crashed.load(Ordering::Relaxed) => SessionOutcome::Crashed,
            ErrorCode::OpsLeaseExpired => SessionOutcome::Expired,
            ErrorCode::RelayOpsTerminated | ErrorCode::RelayOpsDraining => {
                SessionOutcome::Terminated
            }
            _ => SessionOutcome::Closed,
        };
        observer.session_ended(served_by(session), outcome);
    }

    fn find(&self, id: &SessionId) -> Option<Arc<Session>> {
        self.sessions.lock().live.get(id).cloned()
    }

    /// Why a session is not there: told to its holder alone.
    fn why_ended(&self, id: &SessionId, lease: Option<&LeaseId>) -> Fault {
        let sessions = self.sessions.lock();
        let ended = sessions
            .ended
            .iter()
            .find(|(ended, held, _)| ended == id && lease == Some(held));
        let code = ended.map_or(ErrorCode::OpsSessionUnknown, |(_, _, code)| *code);
        Fault::plain(code).with("sessionId", id)
    }

    async fn shut_down(&self, deadline: Instant) {
        self.ending.store(true, Ordering::Relaxed);
        let sessions: Vec<_> = self.sessions.lock().live.values().cloned().collect();
        let close = sessions.iter().map(|session| async move {
            // What runs may end until the deadline; then it is told that the relay has terminated it.
            let idle = async {
                while session.queued.load(Ordering::Relaxed) > 0 {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            };
            drop(tokio::time::timeout_at(deadline, idle).await);
            sessions::end(session, Fault::plain(ErrorCode::RelayOpsTerminated)).await
        });
        futures_util::future::join_all(close).await;
        self.pool.close().await;
    }
}

/// A session that a request may act on or read.
struct Admitted {
    session: Arc<Session>,
    /// The fence of the lease that it was admitted under.
    fence: u64,
}

/// Runs a control command, beside the page queue.
async fn control(session: &Arc<Session>, call: Call, context: CallContext) -> Answer {
    let (request, deadline) = (context.request.clone(), context.deadline);
    let cx = Cx::new(session.clone(), context);
    match tokio::time::timeout_at(deadline, commands::control(&cx, call)).await {
        // These pass an open circuit, so a success of theirs says nothing about it; a fault is one all the same.
        Ok(Err(fault)) => {
            let failed = Err::<(), _>(fault.clone());
            session.note(&failed, &request);
            Err(fault)
        }
        Ok(outcome) => outcome,
        Err(_) => Err(cx.timed_out()),
    }
}

/// Runs a page command in its session's queue.
async fn queue(admitted: Admitted, call: Call, context: CallContext) -> Finished {
    let Admitted { session, fence } = admitted;
    if session.draining.load(Ordering::Acquire) {
        return Finished::refused(Fault::plain(ErrorCode::RelayOpsDraining));
    }
    let ticket = match session.health.admit(&context.request) {
        Ok(ticket) => ticket,
        Err(fault) => return Finished::refused(fault),
    };
    if let Err(fault) = session.take_place() {
        return Finished::refused(fault);
    }
    let (done, finished) = oneshot::channel();
    let job = Job {
        command: call.name(),
        context,
        fence,
        ticket,
        done,
        span: Span::current(),
    };
    if let Err(fault) = session.send(Message::Run(Box::new(job), call)) {
        return Finished::refused(fault);
    }
    finished
        .await
        .unwrap_or_else(|_| Finished::refused(Fault::plain(ErrorCode::OpsSessionClosed)))
}

/// The remembered or joined outcome of a repeated request; `None` for a new one.
async fn repeated(admission: Admission, deadline: Instant) -> Outcome<Option<Answer>> {
    match admission {
        Admission::Run => Ok(None),
        Admission::Done(outcome) => Ok(Some(outcome)),
        Admission::Reused => Err(Fault::plain(ErrorCode::OpsRequestIdReused)),
        Admission::Join(mut running) => {
            let joined = tokio::time::timeout_at(deadline, running.wait_for(Option::is_some)).await;
            match joined {
                Ok(Ok(outcome)) => Ok(outcome.clone()),
                Ok(Err(_)) => Err(Fault::plain(ErrorCode::OpsSessionClosed)),
                Err(_) => Err(Fault::new(
                    ErrorCode::OpsTimeout,
                    "the first request with this id still runs",
                )
                .with("waitingFor", "the first request")),
            }
        }
    }
}

/// Keeps what a command came to, unless it never began: then the same id may be sent again.
fn remember(replies: &Mutex<Replies>, id: &RequestId, finished: &Finished) {
    let mut replies = replies.lock();
    match &finished.outcome {
        Err(fault) if !finished.began => replies.withdraw(id, fault),
        outcome => replies.finish(id, outcome, Instant::now()),
    }
}

/// What serves a session.
fn served_by(session: &Session) -> Served {
    Served {
        adapter: session.plan.slot.adapter,
        mode: session.plan.params.mode,
    }
}

#[cfg(test)]
mod tests;
