//! What is known of every session, as a value: envelopes and times go in, verdicts and reports come out.
//!
//! It reads no clock and no disk. Of each session it keeps one envelope, so a million duplicates take no room.

use std::collections::BTreeMap;
use std::time::Duration;

use ops_contracts::control::health::{
    AdapterDiagnostics, AdapterSessionHealth, CLOSED_RETENTION, CircuitState, DisableReason,
    EnvelopeFigures, HealthEnvelope, HealthEvent, HealthFigures, HealthProvenance, HealthScope,
    Ingested, STALE_AFTER, invalid,
};
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::command::InvalidField;
use ops_contracts::wire::ids::{ClientId, SessionId};
use ops_contracts::{ErrorCode, Fault, Outcome};

use crate::moment::Moment;

/// The most sessions of emitters outside the process; those of the process are bounded by the runtime.
const MAX_CHANNEL_SESSIONS: usize = 4_096;

/// Who emits.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Emitter<'a> {
    /// The runtime of this process.
    Process,
    /// An authenticated client.
    Channel(&'a ClientId),
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// It was closed.
    Closed(Timestamp),
    /// The relay that served it died, which the next one noticed.
    Inherited(Timestamp),
}

#[derive(Debug)]
struct Known {
    last: HealthEnvelope,
    /// Which events of the highest number have been taken, one bit each.
    events: u8,
    provenance: HealthProvenance,
    emitter: Option<ClientId>,
    heard_at: Timestamp,
    heard: Duration,
    /// When the last snapshot came; none where it was told to an earlier relay.
    snapshot: Option<Duration>,
    end: Option<End>,
    /// When the state is forgotten, unless it is heard of again.
    forgotten: Option<Duration>,
}

/// Everything that is known.
#[derive(Debug, Default)]
pub(crate) struct State {
    sessions: BTreeMap<SessionId, Known>,
    operator_global: bool,
    pub(crate) envelopes: EnvelopeFigures,
}

const fn bit(event: HealthEvent) -> u8 {
    match event {
        HealthEvent::Snapshot => 1,
        HealthEvent::Fault => 2,
        HealthEvent::Transition => 4,
    }
}

impl State {
    pub(crate) const fn operator_global(&self) -> bool {
        self.operator_global
    }

    pub(crate) const fn set_operator_global(&mut self, disabled: bool) {
        self.operator_global = disabled;
    }

    /// Judges and takes an envelope that is well formed.
    ///
    /// # Errors
    /// `relay_health_invalid` where it claims what its emitter may not, `relay_health_limit`.
    pub(crate) fn apply(
        &mut self,
        envelope: &HealthEnvelope,
        from: Emitter<'_>,
        now: Moment,
    ) -> Outcome<Ingested> {
        if let Err(fault) = self.permit(envelope, from) {
            self.envelopes.rejected += 1;
            return Err(fault);
        }
        let verdict = self.place(envelope, from, now);
        match verdict {
            Ingested::Accepted => self.envelopes.accepted += 1,
            Ingested::Duplicate => self.envelopes.duplicate += 1,
            Ingested::Outdated => self.envelopes.outdated += 1,
        }
        Ok(verdict)
    }

    /// Counts what was refused before it came here.
    pub(crate) const fn rejected(&mut self) {
        self.envelopes.rejected += 1;
    }

    fn permit(&self, envelope: &HealthEnvelope, from: Emitter<'_>) -> Outcome<()> {
        let refuse = |field, expected: &str| Err(invalid(&InvalidField::new(field, expected)));
        if envelope.scope == HealthScope::OperatorGlobal && !self.operator_global {
            return refuse(
                "scope",
                "session: adapters are disabled globally by an operator's explicit action alone",
            );
        }
        let Emitter::Channel(client) = from else {
            return Ok(());
        };
        match self.sessions.get(&envelope.session_id) {
            Some(known) if known.provenance == HealthProvenance::Process => refuse(
                "sessionId",
                "a session of the emitter's own: this one is the relay's",
            ),
            Some(known)
                if known
                    .emitter
                    .as_ref()
                    .is_some_and(|emitter| emitter != client) =>
            {
                refuse(
                    "sessionId",
                    "a session of the emitter's own: another client reports on this one",
                )
            }
            Some(_) => Ok(()),
            None if self.channel_sessions() >= MAX_CHANNEL_SESSIONS => {
                Err(Fault::plain(ErrorCode::RelayHealthLimit)
                    .with("limit", MAX_CHANNEL_SESSIONS)
                    .retry_after(u64::try_from(CLOSED_RETENTION.as_millis()).unwrap_or(u64::MAX)))
            }
            None => Ok(()),
        }
    }

    fn channel_sessions(&self) -> usize {
        self.sessions
            .values()
            .filter(|known| known.provenance == HealthProvenance::Channel)
            .count()
    }

    fn place(&mut self, envelope: &HealthEnvelope, from: Emitter<'_>, now: Moment) -> Ingested {
        let order = (envelope.session_epoch, envelope.seq);
        let event = bit(envelope.event);
        let mut events = event;
        let mut snapshot = None;
        if let Some(known) = self.sessions.get_mut(&envelope.session_id) {
            let highest = (known.last.session_epoch, known.last.seq);
            let ended = matches!(known.end, Some(End::Closed(_)));
            if order < highest || (ended && order != highest) {
                return Ingested::Outdated;
            }
            if order == highest {
                if known.events & event != 0 {
                    return Ingested::Duplicate;
                }
                events |= known.events;
            }
            snapshot = known.snapshot;
        }
        let (provenance, emitter, forgotten) = match from {
            Emitter::Process => (HealthProvenance::Process, None, None),
            // Nobody tells when such a session ends: it is over when it has been silent for as long as a closed one is kept.
            Emitter::Channel(client) => (
                HealthProvenance::Channel,
                Some(client.clone()),
                Some(now.monotonic.saturating_add(CLOSED_RETENTION)),
            ),
        };
        // A session that begins with a fault has not been without a snapshot for long.
        let fresh = envelope.event == HealthEvent::Snapshot || snapshot.is_none();
        let known = Known {
            last: envelope.clone(),
            events,
            provenance,
            emitter,
            heard_at: now.wall,
            heard: now.monotonic,
            snapshot: if fresh { Some(now.monotonic) } else { snapshot },
            end: None,
            forgotten,
        };
        self.keep(known);
        Ingested::Accepted
    }

    /// In the place of what was known of the session, so that a record of one that is known makes no key.
    fn keep(&mut self, known: Known) {
        match self.sessions.get_mut(&known.last.session_id) {
            Some(place) => *place = known,
            None => drop(self.sessions.insert(known.last.session_id.clone(), known)),
        }
    }

    /// The session has ended; whether it was known and alive.
    pub(crate) fn close(&mut self, session: &SessionId, now: Moment) -> bool {
        let Some(known) = self
            .sessions
            .get_mut(session)
            .filter(|known| known.end.is_none())
        else {
            return false;
        };
        known.end = Some(End::Closed(now.wall));
        known.forgotten = Some(now.monotonic.saturating_add(CLOSED_RETENTION));
        true
    }

    /// Takes a record of an earlier relay. `age` is how long ago it was written, by the wall clock.
    pub(crate) fn restore(
        &mut self,
        envelope: HealthEnvelope,
        provenance: HealthProvenance,
        heard_at: Timestamp,
        now: Moment,
    ) {
        let order = (envelope.session_epoch, envelope.seq);
        let known = self.sessions.get(&envelope.session_id);
        if known.is_some_and(|known| (known.last.session_epoch, known.last.seq) > order) {
            return;
        }
        let known = Known {
            events: bit(envelope.event),
            last: envelope,
            provenance,
            emitter: None,
            heard_at,
            heard: now.monotonic,
            snapshot: None,
            end: None,
            forgotten: Some(now.monotonic.saturating_add(CLOSED_RETENTION)),
        };
        self.keep(known);
    }

    /// Takes the record of a session's end.
    pub(crate) fn restore_end(
        &mut self,
        session: &SessionId,
        inherited: bool,
        at: Timestamp,
        now: Moment,
    ) {
        let Some(known) = self.sessions.get_mut(session) else {
            return;
        };
        let ago = now.wall.unix_millis().saturating_sub(at.unix_millis());
        let left = CLOSED_RETENTION.saturating_sub(Duration::from_millis(ago));
        known.end = Some(if inherited {
            End::Inherited(at)
        } else {
            End::Closed(at)
        });
        known.forgotten = Some(now.monotonic.saturating_add(left));
    }

    /// Ends the replay: sessions of the process that died have ended with it. These are they.
    pub(crate) fn inherit(&mut self, now: Moment) -> Vec<SessionId> {
        let mut ended = Vec::new();
        for (session, known) in &mut self.sessions {
            if known.end.is_none() && known.provenance == HealthProvenance::Process {
                known.end = Some(End::Inherited(now.wall));
                ended.push(session.clone());
            }
        }
        self.forget(now);
        ended
    }

    /// Forgets what is not kept any longer.
    pub(crate) fn forget(&mut self, now: Moment) {
        self.sessions
            .retain(|_, known| known.forgotten.is_none_or(|at| now.monotonic < at));
    }

    /// Every session, in the order of their ids.
    pub(crate) fn sessions(&self, now: Moment) -> Vec<AdapterSessionHealth> {
        self.sessions
            .values()
            .map(|known| self.told(known, now))
            .collect()
    }

    fn told(&self, known: &Known, now: Moment) -> AdapterSessionHealth {
        let last = &known.last;
        let closed_at = match known.end {
            Some(End::Closed(at) | End::Inherited(at)) => Some(at),
            None => None,
        };
        AdapterSessionHealth {
            session_id: last.session_id.clone(),
            adapter: last.adapter,
            provenance: known.provenance,
            adapter_circuit_state: last.circuit_state,
            adapter_disable_reason: self.reason(last),
            adapter_fault_count_window: last.fault_count_window,
            adapter_cooldown_until: last.cooldown_until,
            adapter_scope: self.scope(),
            adapter_health_stale: known.is_stale(now),
            adapter_health_last_seen_at: known.heard_at,
            window_seconds: last.window_seconds,
            consecutive_successes: last.consecutive_successes,
            session_epoch: last.session_epoch,
            seq: last.seq,
            closed_at,
        }
    }

    const fn scope(&self) -> HealthScope {
        if self.operator_global {
            HealthScope::OperatorGlobal
        } else {
            HealthScope::Session
        }
    }

    fn reason(&self, last: &HealthEnvelope) -> Option<DisableReason> {
        match (self.operator_global, last.circuit_state) {
            (true, _) => Some(DisableReason::OperatorGlobal),
            (false, CircuitState::Closed) => None,
            // The switch that the envelope tells of is off again.
            (false, _) if last.disable_reason == DisableReason::OperatorGlobal => {
                Some(DisableReason::Unknown)
            }
            (false, _) => Some(last.disable_reason),
        }
    }

    /// The worst session's diagnostics, and figures over those that are not closed.
    pub(crate) fn summary(&self, now: Moment) -> (AdapterDiagnostics, HealthFigures) {
        let mut figures = HealthFigures {
            envelopes: self.envelopes,
            ..HealthFigures::default()
        };
        figures.sessions = u32::try_from(self.sessions.len()).unwrap_or(u32::MAX);
        let mut worst: Option<&Known> = None;
        for known in self
            .sessions
            .values()
            .filter(|known| !matches!(known.end, Some(End::Closed(_))))
        {
            figures.open_circuits += u32::from(known.last.circuit_state == CircuitState::Open);
            figures.half_open_circuits +=
                u32::from(known.last.circuit_state == CircuitState::HalfOpen);
            figures.stale_sessions += u32::from(known.is_stale(now));
            if worst.is_none_or(|worst| known.badness(now) > worst.badness(now)) {
                worst = Some(known);
            }
        }
        let mut diagnostics = AdapterDiagnostics {
            adapter_scope: self.scope(),
            adapter_disable_reason: self
                .operator_global
                .then_some(DisableReason::OperatorGlobal),
            adapter_health_stale: figures.stale_sessions > 0,
            ..AdapterDiagnostics::default()
        };
        if let Some(known) = worst {
            diagnostics.adapter_circuit_state = known.last.circuit_state;
            diagnostics.adapter_disable_reason = self.reason(&known.last);
            diagnostics.adapter_fault_count_window = known.last.fault_count_window;
            diagnostics.adapter_cooldown_until = known.last.cooldown_until;
            diagnostics.adapter_health_last_seen_at = Some(known.heard_at);
        }
        (diagnostics, figures)
    }
}

impl Known {
    /// Whether what is known is old. A session that was closed in order is not waited for.
    fn is_stale(&self, now: Moment) -> bool {
        match self.end {
            Some(End::Closed(_)) => false,
            Some(End::Inherited(_)) => true,
            None => self
                .snapshot
                .is_none_or(|at| now.monotonic.saturating_sub(at) >= STALE_AFTER),
        }
    }

    /// What makes one session worse than another: its circuit, its faults, its age.
    fn badness(&self, now: Moment) -> (u8, u32, bool, Duration) {
        let circuit = match self.last.circuit_state {
            CircuitState::Open => 2,
            CircuitState::HalfOpen => 1,
            CircuitState::Closed => 0,
        };
        (
            circuit,
            self.last.fault_count_window,
            self.is_stale(now),
            self.heard,
        )
    }
}

#[cfg(test)]
mod tests;
