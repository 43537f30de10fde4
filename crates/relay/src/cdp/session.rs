//! One legacy session: its lease, the commands that wait for answers, and the connections that listen.
//!
//! It judges and charges nothing: what it is handed has passed the gates.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use ops_contracts::control::legacy::{
    LegacyBrowser, LegacyCommand, LegacyEvents, LegacyLeaseMode, LegacyMessage,
};
use ops_contracts::control::telemetry::SessionOutcome;
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::ids::{CdpLeaseId, ClientId, RequestId, SessionId};
use ops_contracts::wire::limits::LimitsProfile;
use ops_contracts::{ErrorCode, Fault, Outcome};
use parking_lot::{Mutex, MutexGuard};

use super::frame::{self, About};
use super::lane::Lane;
use super::outlet::Outlet;

/// How often overdue commands and the lease are looked at.
const TICK: Duration = Duration::from_millis(100);

/// The most commands of a session that wait for answers.
const MAX_PENDING: usize = 4096;

/// Why a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Its owner closed it, or the connection that its lease was bound to has ended.
    Closed,
    /// Its lease was not renewed.
    Expired,
    /// Its browser is gone.
    Lost,
    /// The relay ends.
    Terminated,
}

impl Ending {
    /// What it is counted as.
    fn outcome(self) -> SessionOutcome {
        match self {
            Self::Closed => SessionOutcome::Closed,
            Self::Expired => SessionOutcome::Expired,
            Self::Lost => SessionOutcome::Crashed,
            Self::Terminated => SessionOutcome::Terminated,
        }
    }

    /// What later commands are told.
    fn fault(self) -> Fault {
        match self {
            Self::Closed => Fault::new(
                ErrorCode::RelayCdpLeaseExpired,
                "the session was closed, and its lease ended with it",
            )
            .with("reason", "closed"),
            Self::Expired => {
                Fault::plain(ErrorCode::RelayCdpLeaseExpired).with("reason", "expired")
            }
            Self::Lost => Fault::new(
                ErrorCode::AdapterBrowserLost,
                "the session's browser ended, and the session with it: open another",
            ),
            Self::Terminated => ErrorCode::RelayOpsTerminated.into(),
        }
    }
}

/// A command that waits for its answer.
struct Pending {
    outlet: u64,
    request: RequestId,
    label: &'static str,
    /// The protocol's own session.
    inner: Option<Box<str>>,
    began: Instant,
    deadline: Instant,
}

impl Pending {
    fn refusal(&self, outlet: &Outlet, session: &SessionId, id: u64, fault: Fault) -> String {
        let about = About {
            session: Some(session),
            id: Some(id),
            inner: self.inner.as_deref(),
        };
        frame::error(outlet.form(), &self.request, about, fault)
    }
}

struct State {
    pending: HashMap<u64, Pending>,
    outlets: Vec<Outlet>,
    lease_until: Instant,
    over: Option<Ending>,
}

/// A legacy session.
pub(crate) struct Session {
    id: SessionId,
    lease: CdpLeaseId,
    owner: ClientId,
    mode: LegacyLeaseMode,
    /// Weak: the lane keeps its sessions.
    lane: Weak<Lane>,
    ttl: Duration,
    expires_at: Mutex<Timestamp>,
    browser: OnceLock<Arc<dyn LegacyBrowser>>,
    state: Mutex<State>,
}

/// A command that may be sent.
pub(crate) struct Passed<'a> {
    pub(crate) command: LegacyCommand<'a>,
    /// The message as it came.
    pub(crate) text: &'a str,
    pub(crate) request: RequestId,
    pub(crate) label: &'static str,
    pub(crate) received: Instant,
    pub(crate) within: Duration,
}

impl Session {
    pub(super) fn new(
        lane: &Arc<Lane>,
        owner: ClientId,
        mode: LegacyLeaseMode,
        ttl: Duration,
    ) -> Outcome<Arc<Self>> {
        let state = State {
            pending: HashMap::new(),
            outlets: Vec::new(),
            lease_until: Instant::now() + ttl,
            over: None,
        };
        Ok(Arc::new(Self {
            id: secret::<16>()?
                .parse()
                .map_err(|_| Fault::plain(ErrorCode::RelayInternal))?,
            lease: secret::<32>()?
                .parse()
                .map_err(|_| Fault::plain(ErrorCode::RelayInternal))?,
            owner,
            mode,
            lane: Arc::downgrade(lane),
            ttl,
            expires_at: Mutex::new(lane.traffic().clock.now().plus(ttl)),
            browser: OnceLock::new(),
            state: Mutex::new(state),
        }))
    }

    pub(crate) fn id(&self) -> &SessionId {
        &self.id
    }

    pub(crate) fn lease(&self) -> &CdpLeaseId {
        &self.lease
    }

    pub(crate) fn owner(&self) -> &ClientId {
        &self.owner
    }

    pub(crate) fn mode(&self) -> LegacyLeaseMode {
        self.mode
    }

    pub(crate) fn expires_at(&self) -> Timestamp {
        *self.expires_at.lock()
    }

    /// The browser; there from the start on.
    pub(crate) fn browser(&self) -> Outcome<&Arc<dyn LegacyBrowser>> {
        self.browser.get().ok_or_else(|| Ending::Lost.fault())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Takes its browser; false where that has ended already. The lease lives from here on.
    pub(super) fn start(&self, browser: Arc<dyn LegacyBrowser>) -> bool {
        let _ = self.browser.set(browser);
        if let Some(lane) = self.lane.upgrade() {
            self.extend(lane.traffic().clock.now());
        }
        !self.is_over()
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().over.is_some()
    }

    /// Whether commands wait for answers.
    pub(super) fn is_busy(&self) -> bool {
        !self.lock().pending.is_empty()
    }

    /// Whether its lease is good now.
    pub(crate) fn alive(&self) -> Outcome<()> {
        let state = self.lock();
        match state.over {
            Some(ending) => Err(ending.fault()),
            None if Instant::now() >= state.lease_until => Err(Ending::Expired.fault()),
            None => Ok(()),
        }
    }

    fn extend(&self, now: Timestamp) -> Timestamp {
        let until = now.plus(self.ttl);
        self.lock().lease_until = Instant::now() + self.ttl;
        *self.expires_at.lock() = until;
        until
    }

    /// Gives the lease its whole time again; when it ends now.
    pub(crate) fn renew(&self, now: Timestamp) -> Outcome<Timestamp> {
        self.alive()?;
        Ok(self.extend(now))
    }

    /// Has a connection listen, once.
    pub(crate) fn listen(&self, outlet: &Outlet) {
        let mut state = self.lock();
        if state.outlets.iter().all(|known| known.id() != outlet.id()) {
            state.outlets.push(outlet.clone());
        }
    }

    /// A connection has ended: what it waited for is answered to nobody.
    pub(crate) fn leave(&self, outlet: u64) {
        let mut state = self.lock();
        state.outlets.retain(|known| known.id() != outlet);
        state.pending.retain(|_, pending| pending.outlet != outlet);
    }

    /// Sends a command to the browser; its answer goes to `outlet`.
    pub(crate) fn send(&self, passed: Passed<'_>, outlet: &Outlet) -> Outcome<()> {
        let browser = self.browser()?;
        let id = passed.command.id;
        let pending = Pending {
            outlet: outlet.id(),
            request: passed.request,
            label: passed.label,
            inner: passed.command.session.map(Box::from),
            began: passed.received,
            deadline: passed.received + passed.within,
        };
        {
            let mut state = self.lock();
            if let Some(ending) = state.over {
                return Err(ending.fault());
            }
            if state.pending.contains_key(&id) {
                let message = format!(
                    "the number {id} waits for an answer already: numbers of one session must differ"
                );
                return Err(
                    Fault::new(ErrorCode::RelayFrameInvalid, message).with("field", "message.id")
                );
            }
            if state.pending.len() >= MAX_PENDING {
                let message = format!("{MAX_PENDING} commands of this session wait for answers");
                return Err(Fault::new(ErrorCode::RelayRateLimited, message).retry_after(50));
            }
            state.pending.insert(id, pending);
        }
        browser
            .send(passed.text)
            .inspect_err(|_| drop(self.lock().pending.remove(&id)))
    }

    /// Looks after overdue commands and the lease until the session is over.
    pub(super) async fn keep(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.fail_overdue();
            match self.alive() {
                Ok(()) => continue,
                Err(_) if self.is_over() => return,
                Err(_) => return self.end(Ending::Expired).await,
            }
        }
    }

    fn fail_overdue(&self) {
        let Some(lane) = self.lane.upgrade() else {
            return;
        };
        let now = Instant::now();
        let mut state = self.lock();
        let overdue: Vec<(u64, Pending)> = state
            .pending
            .extract_if(|_, pending| pending.deadline <= now)
            .collect();
        for (id, pending) in overdue {
            let fault = overdue_fault(now - pending.began, lane.limits());
            lane.traffic().legacy_ended(
                pending.label,
                Some(fault.code),
                crate::ops::millis_since(pending.began),
            );
            let outlets = &state.outlets;
            let asked = outlets.iter().find(|outlet| outlet.id() == pending.outlet);
            if let Some(outlet) = asked {
                outlet.push(pending.refusal(outlet, &self.id, id, fault));
            }
        }
    }

    /// Ends the session, and with it the browser. Returns when that is gone, within its bound.
    pub(crate) async fn end(self: Arc<Self>, ending: Ending) {
        self.finish(ending);
        if let Some(browser) = self.browser.get() {
            browser.close().await;
        }
    }

    /// Tells everybody once.
    fn finish(&self, ending: Ending) {
        let (pending, outlets) = {
            let mut state = self.lock();
            if state.over.is_some() {
                return;
            }
            state.over = Some(ending);
            (
                std::mem::take(&mut state.pending),
                std::mem::take(&mut state.outlets),
            )
        };
        let fault = ending.fault();
        if let Some(lane) = self.lane.upgrade() {
            for pending in pending.values() {
                lane.traffic().legacy_ended(
                    pending.label,
                    Some(fault.code),
                    crate::ops::millis_since(pending.began),
                );
            }
            lane.traffic().legacy_session_ended(ending.outcome());
            lane.forget(self, &fault);
        }
        for (id, pending) in &pending {
            if let Some(outlet) = outlets.iter().find(|outlet| outlet.id() == pending.outlet) {
                outlet.push(pending.refusal(outlet, &self.id, *id, fault.clone()));
            }
        }
        for outlet in &outlets {
            outlet.ended(&self.id, &fault);
        }
        tracing::info!(target: "ops", sessionId = %self.id, code = %fault.code, ?ending, "legacy session ended");
    }
}

impl LegacyEvents for Session {
    fn message(&self, message: LegacyMessage<'_>) {
        let mut state = self.lock();
        let Some(id) = message.answers else {
            for outlet in &state.outlets {
                outlet.push(frame::message(outlet.form(), &self.id, message.text, false));
            }
            return;
        };
        // Nobody waits any more for an answer that came too late.
        let Some(pending) = state.pending.remove(&id) else {
            return;
        };
        let outlet = state
            .outlets
            .iter()
            .find(|outlet| outlet.id() == pending.outlet)
            .cloned();
        drop(state);
        if let Some(outlet) = outlet {
            outlet.push(frame::message(outlet.form(), &self.id, message.text, true));
        }
        if let Some(lane) = self.lane.upgrade() {
            let code = message.refused.then_some(ErrorCode::AdapterProtocolError);
            let took = crate::ops::millis_since(pending.began);
            lane.traffic().legacy_ended(pending.label, code, took);
        }
    }

    fn ended(&self) {
        self.finish(Ending::Lost);
    }
}

/// The fault of a command that the browser has not answered in time.
fn overdue_fault(waited: Duration, limits: &LimitsProfile) -> Fault {
    let waited = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
    let profile = &limits.name;
    let message =
        format!("the browser did not answer within {waited} ms, in the limits profile {profile}");
    Fault::new(ErrorCode::RelayCdpCommandTimeout, message)
        .with("waitedMs", waited)
        .with("capMs", limits.cdp.max_timeout_ms)
        .with("profile", profile)
}

impl fmt::Debug for Session {
    /// Its id alone: the lease is a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Session").field(&self.id).finish()
    }
}

fn secret<const N: usize>() -> Outcome<String> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes)
        .map_err(|_| Fault::new(ErrorCode::RelayInternal, "the system has no randomness"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
