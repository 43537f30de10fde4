//! A session's health: its circuit breaker, and the envelopes that tell of it.
//!
//! A success costs one lock and one counter. Envelopes are made for faults, transitions and the periodic snapshot alone. What
//! becomes of them is the sink's business.

use std::sync::Arc;
use std::time::Duration;

use ops_contracts::control::choice::Stream;
use ops_contracts::control::health::{
    CircuitState, DecimalU64, EnvelopeRoute, EnvelopeType, HealthEnvelope, HealthEvent,
    HealthScope, HealthSink, SNAPSHOT_INTERVAL, fault_row,
};
use ops_contracts::wire::capability::AdapterKind;
use ops_contracts::wire::clock::Clock;
use ops_contracts::wire::ids::{RequestId, SessionId};
use ops_contracts::{ErrorCode, Fault, Outcome};
use parking_lot::{Mutex, MutexGuard};
use tokio::time::Instant;

mod breaker;

use breaker::Breaker;
pub use breaker::BreakerRules;

/// When a retry makes sense while another probe runs, in milliseconds.
const PROBE_RUNS_MS: u64 = 250;

/// How the health of sessions is kept and told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HealthRules {
    /// The circuit breaker's figures.
    pub breaker: BreakerRules,
    /// How often each session tells its state; at most ten seconds.
    pub snapshot_every: Duration,
}

impl Default for HealthRules {
    fn default() -> Self {
        // Two seconds early, so that a busy machine keeps the promise too.
        Self {
            breaker: BreakerRules::default(),
            snapshot_every: SNAPSHOT_INTERVAL.saturating_sub(Duration::from_secs(2)),
        }
    }
}

/// The health of one session.
pub(crate) struct SessionHealth {
    session: SessionId,
    adapter: AdapterKind,
    clock: Arc<dyn Clock>,
    sink: Option<Arc<dyn HealthSink>>,
    state: Mutex<State>,
}

struct State {
    breaker: Breaker,
    choices: Stream,
    epoch: u64,
    seq: u64,
    /// The epoch whose loss of the browser is counted.
    loss_counted: Option<u64>,
}

/// Leave to run a page command; gives the place of a probe back when it is dropped.
pub(crate) struct Ticket {
    health: Arc<SessionHealth>,
    probe: bool,
}

impl State {
    /// When a retry makes sense, in milliseconds. Circuits that a lost browser opened together are not to be tried together: each refusal
    /// names a time of its own, up to a twentieth of the cooldown later than the first that would do.
    fn retry_after(&mut self, left: Option<Duration>) -> u64 {
        let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        let (least, spread) = match left {
            Some(left) => (
                millis(left).saturating_add(1),
                millis(self.breaker.rules().cooldown) / 20,
            ),
            None => (PROBE_RUNS_MS, PROBE_RUNS_MS),
        };
        least.saturating_add(self.choices.below("circuit.retryAfterMs", spread))
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.probe {
            self.health.lock().breaker.release();
        }
    }
}

impl SessionHealth {
    pub(crate) fn new(
        (session, adapter): (SessionId, AdapterKind),
        rules: BreakerRules,
        (clock, choices, sink): (Arc<dyn Clock>, Stream, Option<Arc<dyn HealthSink>>),
    ) -> Self {
        let state = State {
            breaker: Breaker::new(rules),
            choices,
            epoch: 0,
            seq: 0,
            loss_counted: None,
        };
        Self {
            session,
            adapter,
            clock,
            sink,
            state: Mutex::new(state),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Asks for leave to run a page command.
    ///
    /// # Errors
    /// `ops_circuit_open` with `retryAfterMs` and the circuit's state.
    pub(crate) fn admit(self: &Arc<Self>, request: &RequestId) -> Outcome<Ticket> {
        let now = Instant::now();
        let mut state = self.lock();
        match state.breaker.admit(now) {
            Ok(admitted) => {
                if admitted.transition {
                    self.emit(&mut state, HealthEvent::Transition, Some(request), now);
                }
                Ok(Ticket {
                    health: self.clone(),
                    probe: admitted.probe,
                })
            }
            Err(refused) => {
                let after = state.retry_after(refused.retry_after);
                let (circuit, faults) = (state.breaker.state(), state.breaker.faults(now));
                drop(state);
                Err(Fault::plain(ErrorCode::OpsCircuitOpen)
                    .with("adapterCircuitState", circuit)
                    .with("adapterFaultCountWindow", faults)
                    .retry_after(after))
            }
        }
    }

    /// Whether a command that has leave may begin: the circuit may have opened while it waited.
    ///
    /// # Errors
    /// `ops_circuit_open`.
    pub(crate) fn begin(self: &Arc<Self>, request: &RequestId, ticket: &mut Ticket) -> Outcome<()> {
        if ticket.probe || self.lock().breaker.state() == CircuitState::Closed {
            return Ok(());
        }
        *ticket = self.admit(request)?;
        Ok(())
    }

    /// Notes what a command came to, before its caller learns it. A loss is noted when it happens, not when it is told.
    pub(crate) fn note<T>(&self, outcome: &Result<T, Fault>, request: &RequestId) {
        match outcome {
            Ok(_) => self.succeeded(request),
            Err(fault) => self.failed(fault, request),
        }
    }

    fn succeeded(&self, request: &RequestId) {
        let mut state = self.lock();
        if state.breaker.succeed() {
            self.emit(
                &mut state,
                HealthEvent::Transition,
                Some(request),
                Instant::now(),
            );
        }
    }

    /// Notes an error, before its caller learns it.
    pub(crate) fn failed(&self, fault: &Fault, request: &RequestId) {
        match fault.code {
            ErrorCode::AdapterBrowserLost => self.lost(Some(request)),
            _ => self.not_revived(fault, request),
        }
    }

    /// Notes why the session was given no new browser: a loss, too, is that of another browser than the one whose loss is counted.
    pub(crate) fn not_revived(&self, fault: &Fault, request: &RequestId) {
        if fault_row(fault.code).class.counts() {
            self.fault(&mut self.lock(), Some(request));
        }
    }

    /// The browser has ended: one fault, however often it is told.
    pub(crate) fn lost(&self, request: Option<&RequestId>) {
        let mut state = self.lock();
        let epoch = state.epoch;
        if state.loss_counted.replace(epoch) != Some(epoch) {
            self.fault(&mut state, request);
        }
    }

    fn fault(&self, state: &mut State, request: Option<&RequestId>) {
        let now = Instant::now();
        let opened = state.breaker.fault(now);
        self.emit(state, HealthEvent::Fault, request, now);
        if opened {
            tracing::warn!(sessionId = %self.session, "the circuit has opened after repeated adapter faults");
            self.emit(state, HealthEvent::Transition, request, now);
        }
    }

    /// The session has been given a new browser: a new epoch. Its circuit stays as it is, or a browser that ends again and again
    /// would never open it.
    pub(crate) fn rebound(&self, epoch: u64) {
        let mut state = self.lock();
        (state.epoch, state.seq) = (epoch, 0);
        self.emit(&mut state, HealthEvent::Snapshot, None, Instant::now());
    }

    /// Tells the state.
    pub(crate) fn snapshot(&self) {
        self.emit(
            &mut self.lock(),
            HealthEvent::Snapshot,
            None,
            Instant::now(),
        );
    }

    /// The session has ended.
    pub(crate) fn closed(&self) {
        if let Some(sink) = &self.sink {
            sink.session_closed(&self.session);
        }
    }

    /// Numbers and tells an envelope. Under the state's lock: the numbers arrive in order.
    fn emit(
        &self,
        state: &mut State,
        event: HealthEvent,
        request: Option<&RequestId>,
        now: Instant,
    ) {
        if event == HealthEvent::Transition {
            state
                .choices
                .decided("circuit.state", state.breaker.state().as_str());
        }
        let Some(sink) = &self.sink else { return };
        let wall = self.clock.now();
        let scope = if sink.operator_global() {
            HealthScope::OperatorGlobal
        } else {
            HealthScope::Session
        };
        let breaker = &mut state.breaker;
        let envelope = HealthEnvelope {
            kind: EnvelopeType::V1,
            event,
            emitted_at: wall,
            session_id: self.session.clone(),
            request_id: request.cloned(),
            adapter: self.adapter,
            route: EnvelopeRoute::Ops,
            circuit_state: breaker.state(),
            fault_count_window: breaker.faults(now),
            window_seconds: u32::try_from(breaker.rules().window.as_secs())
                .unwrap_or(u32::MAX)
                .max(1),
            cooldown_until: breaker
                .cooldown_until()
                .map(|until| wall.plus(until.saturating_duration_since(now))),
            disable_reason: breaker.reason(),
            scope,
            consecutive_successes: breaker.successes(),
            session_epoch: DecimalU64(state.epoch),
            seq: DecimalU64(state.seq),
        };
        state.seq = state.seq.saturating_add(1);
        sink.emit(envelope);
    }
}

#[cfg(test)]
mod tests;
