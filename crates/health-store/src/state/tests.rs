use ops_contracts::control::health::{DecimalU64, EnvelopeRoute, EnvelopeType};
use ops_contracts::wire::capability::AdapterKind;
use proptest::prelude::*;

use super::*;

fn at(seconds: u64) -> Moment {
    Moment {
        wall: Timestamp::from_unix_millis(1_700_000_000_000 + seconds * 1_000),
        monotonic: Duration::from_secs(seconds),
    }
}

fn envelope(
    session: u8,
    epoch: u64,
    seq: u64,
    event: HealthEvent,
    circuit: CircuitState,
) -> HealthEnvelope {
    let open = circuit == CircuitState::Open;
    HealthEnvelope {
        kind: EnvelopeType::V1,
        event,
        emitted_at: at(0).wall,
        session_id: format!("{session:032x}").parse().unwrap(),
        request_id: None,
        adapter: AdapterKind::Cdp,
        route: EnvelopeRoute::Ops,
        circuit_state: circuit,
        fault_count_window: if open { 5 } else { 0 },
        window_seconds: 60,
        cooldown_until: open.then(|| at(120).wall),
        disable_reason: if open {
            DisableReason::FaultThreshold
        } else {
            DisableReason::Unknown
        },
        scope: HealthScope::Session,
        consecutive_successes: 0,
        session_epoch: DecimalU64(epoch),
        seq: DecimalU64(seq),
    }
}

fn snapshot(session: u8, epoch: u64, seq: u64) -> HealthEnvelope {
    envelope(
        session,
        epoch,
        seq,
        HealthEvent::Snapshot,
        CircuitState::Closed,
    )
}

fn take(state: &mut State, envelope: &HealthEnvelope, now: u64) -> Ingested {
    state.apply(envelope, Emitter::Process, at(now)).unwrap()
}

fn client(name: &str) -> ClientId {
    name.parse().unwrap()
}

#[test]
fn a_session_goes_forward_by_epoch_and_number_and_never_back() {
    let mut state = State::default();
    let cases = [
        (snapshot(1, 0, 0), Ingested::Accepted),
        (snapshot(1, 0, 0), Ingested::Duplicate),
        (
            envelope(1, 0, 0, HealthEvent::Fault, CircuitState::Closed),
            Ingested::Accepted,
        ),
        (
            envelope(1, 0, 0, HealthEvent::Fault, CircuitState::Closed),
            Ingested::Duplicate,
        ),
        (snapshot(1, 0, 0), Ingested::Duplicate),
        (snapshot(1, 0, 7), Ingested::Accepted),
        (snapshot(1, 0, 6), Ingested::Outdated),
        (snapshot(1, 2, 0), Ingested::Accepted),
        (snapshot(1, 1, 900), Ingested::Outdated),
        (snapshot(1, 0, u64::MAX), Ingested::Outdated),
        (snapshot(1, u64::MAX, u64::MAX), Ingested::Accepted),
        (snapshot(1, u64::MAX, u64::MAX), Ingested::Duplicate),
        (snapshot(2, 0, 0), Ingested::Accepted),
    ];
    for (number, (envelope, expected)) in cases.iter().enumerate() {
        assert_eq!(take(&mut state, envelope, 0), *expected, "case {number}");
    }
    assert_eq!(
        state.envelopes,
        EnvelopeFigures {
            accepted: 6,
            duplicate: 4,
            outdated: 3,
            rejected: 0
        }
    );
}

#[test]
fn a_million_duplicates_take_no_room() {
    let mut state = State::default();
    let one = snapshot(1, 3, 9);
    for _ in 0..1_000_001 {
        take(&mut state, &one, 1);
    }
    assert_eq!(
        (state.envelopes.duplicate, state.sessions.len()),
        (1_000_000, 1)
    );
    let kept = state.sessions.values().next().unwrap();
    assert_eq!((&kept.last, kept.events), (&one, 1));
}

#[test]
fn health_is_stale_thirty_seconds_after_the_last_snapshot_and_keeps_its_state() {
    let mut state = State::default();
    take(
        &mut state,
        &envelope(1, 0, 0, HealthEvent::Transition, CircuitState::Open),
        0,
    );
    take(
        &mut state,
        &envelope(1, 0, 1, HealthEvent::Fault, CircuitState::Open),
        29,
    );
    assert!(!state.summary(at(29)).0.adapter_health_stale);
    let (worst, figures) = state.summary(at(30));
    assert!(worst.adapter_health_stale, "faults are no snapshots");
    assert_eq!(
        (
            worst.adapter_circuit_state,
            worst.adapter_health_last_seen_at
        ),
        (CircuitState::Open, Some(at(29).wall))
    );
    assert_eq!((figures.stale_sessions, figures.open_circuits), (1, 1));
    take(
        &mut state,
        &envelope(1, 0, 2, HealthEvent::Snapshot, CircuitState::Open),
        40,
    );
    assert!(!state.summary(at(69)).0.adapter_health_stale);
}

#[test]
fn jumps_of_the_wall_clock_change_no_age() {
    let mut state = State::default();
    take(&mut state, &snapshot(1, 0, 0), 10);
    for wall in [0, u64::MAX, 1] {
        let jumped = Moment {
            wall: Timestamp::from_unix_millis(wall),
            monotonic: Duration::from_secs(39),
        };
        assert!(!state.summary(jumped).0.adapter_health_stale);
        state.forget(jumped);
    }
    let mut back = snapshot(1, 0, 1);
    back.emitted_at = Timestamp::from_unix_millis(0);
    let jumped = Moment {
        wall: Timestamp::from_unix_millis(5),
        monotonic: Duration::from_secs(39),
    };
    assert_eq!(
        state.apply(&back, Emitter::Process, jumped).unwrap(),
        Ingested::Accepted,
        "the number counts, not the time"
    );
}

#[test]
fn a_closed_session_is_kept_for_a_quarter_of_an_hour_and_worries_nobody() {
    let mut state = State::default();
    take(
        &mut state,
        &envelope(1, 0, 0, HealthEvent::Transition, CircuitState::Open),
        0,
    );
    let session = format!("{:032x}", 1).parse().unwrap();
    assert!(state.close(&session, at(10)));
    assert!(!state.close(&session, at(11)), "once");
    assert_eq!(
        take(
            &mut state,
            &envelope(1, 0, 1, HealthEvent::Snapshot, CircuitState::Open),
            12
        ),
        Ingested::Outdated,
        "a straggler"
    );
    assert_eq!(state.summary(at(60)).0, AdapterDiagnostics::default());
    let told = &state.sessions(at(60))[0];
    assert_eq!(
        (
            told.adapter_circuit_state,
            told.adapter_health_stale,
            told.closed_at
        ),
        (CircuitState::Open, false, Some(at(10).wall))
    );
    state.forget(at(909));
    assert_eq!(state.sessions.len(), 1);
    state.forget(at(910));
    assert_eq!(state.sessions.len(), 0);
}

#[test]
fn the_worst_session_is_the_one_with_the_worst_circuit() {
    let mut state = State::default();
    assert_eq!(state.summary(at(0)).0, AdapterDiagnostics::default());
    take(&mut state, &snapshot(1, 0, 0), 0);
    take(
        &mut state,
        &envelope(2, 0, 0, HealthEvent::Transition, CircuitState::HalfOpen),
        0,
    );
    assert_eq!(
        state.summary(at(0)).0.adapter_circuit_state,
        CircuitState::HalfOpen
    );
    take(
        &mut state,
        &envelope(3, 0, 0, HealthEvent::Transition, CircuitState::Open),
        0,
    );
    take(&mut state, &snapshot(4, 0, 0), 0);
    let (worst, figures) = state.summary(at(0));
    assert_eq!(
        (
            worst.adapter_circuit_state,
            worst.adapter_fault_count_window
        ),
        (CircuitState::Open, 5)
    );
    assert_eq!(
        (worst.adapter_disable_reason, worst.adapter_cooldown_until),
        (Some(DisableReason::FaultThreshold), Some(at(120).wall))
    );
    assert_eq!(
        (
            figures.sessions,
            figures.open_circuits,
            figures.half_open_circuits
        ),
        (4, 1, 1)
    );
}

#[test]
fn operator_global_disable_requires_explicit_action() {
    let mut state = State::default();
    let mut claim = envelope(1, 0, 0, HealthEvent::Transition, CircuitState::Open);
    (claim.scope, claim.disable_reason) =
        (HealthScope::OperatorGlobal, DisableReason::OperatorGlobal);
    for from in [Emitter::Process, Emitter::Channel(&client("c"))] {
        let fault = state.apply(&claim, from, at(0)).unwrap_err();
        assert_eq!(
            (fault.code, fault.details.get("field").unwrap().as_str()),
            (ErrorCode::RelayHealthInvalid, Some("scope"))
        );
    }
    for number in 0..100 {
        take(
            &mut state,
            &envelope(number, 0, 0, HealthEvent::Transition, CircuitState::Open),
            0,
        );
    }
    let (worst, figures) = state.summary(at(0));
    assert_eq!(
        (worst.adapter_scope, figures.open_circuits),
        (HealthScope::Session, 100),
        "however many circuits are open"
    );
    state.set_operator_global(true);
    let worst = state.summary(at(0)).0;
    assert_eq!(
        (worst.adapter_scope, worst.adapter_disable_reason),
        (
            HealthScope::OperatorGlobal,
            Some(DisableReason::OperatorGlobal)
        )
    );
    assert_eq!(
        take(
            &mut state,
            &HealthEnvelope {
                seq: DecimalU64(1),
                ..claim.clone()
            },
            0
        ),
        Ingested::Accepted
    );
    state.set_operator_global(false);
    let worst = state.summary(at(0)).0;
    assert_eq!(worst.adapter_scope, HealthScope::Session);
    assert!(
        state
            .apply(
                &HealthEnvelope {
                    seq: DecimalU64(2),
                    ..claim
                },
                Emitter::Process,
                at(0)
            )
            .is_err()
    );
}

#[test]
fn a_channel_reports_on_sessions_of_its_own_alone() {
    let mut state = State::default();
    take(&mut state, &snapshot(1, 0, 0), 0);
    let mut from = |name: &str, envelope: &HealthEnvelope| {
        state
            .apply(envelope, Emitter::Channel(&client(name)), at(0))
            .map_err(|fault| fault.details.get("field").cloned())
    };
    let refused = Err(Some("sessionId".into()));
    assert_eq!(
        from("eve", &snapshot(1, 9, 9)),
        refused,
        "the relay's own session"
    );
    assert_eq!(from("anna", &snapshot(2, 0, 0)), Ok(Ingested::Accepted));
    assert_eq!(from("eve", &snapshot(2, 9, 9)), refused, "somebody else's");
    assert_eq!(from("anna", &snapshot(2, 1, 0)), Ok(Ingested::Accepted));
    assert_eq!(state.sessions(at(0))[0].session_epoch, DecimalU64(0));
    assert_eq!(
        state.sessions(at(0))[1].provenance,
        HealthProvenance::Channel
    );
}

#[test]
fn made_up_sessions_of_channels_are_bounded_and_forgotten() {
    let (mut state, name) = (State::default(), client("flood"));
    let mut one = snapshot(0, 0, 0);
    for number in 0..MAX_CHANNEL_SESSIONS {
        one.session_id = format!("{number:032x}").parse().unwrap();
        state.apply(&one, Emitter::Channel(&name), at(0)).unwrap();
    }
    one.session_id = format!("{:032x}", u64::MAX).parse().unwrap();
    let fault = state
        .apply(&one, Emitter::Channel(&name), at(1))
        .unwrap_err();
    assert_eq!(fault.code, ErrorCode::RelayHealthLimit);
    assert_eq!(
        take(&mut state, &snapshot(255, 99, 0), 1),
        Ingested::Accepted,
        "the relay's own are always taken"
    );
    state.forget(at(900));
    assert_eq!(state.sessions.len(), 1);
    assert!(state.apply(&one, Emitter::Channel(&name), at(901)).is_ok());
}

proptest! {
    /// In whatever order and however often envelopes come, the state is that of the newest.
    #[test]
    fn the_newest_envelope_wins_in_every_order(order in proptest::collection::vec((0_u64..4, 0_u64..6), 1..60)) {
        let mut state = State::default();
        let (mut accepted, mut newest) = (0, None);
        for (epoch, seq) in order {
            let verdict = take(&mut state, &snapshot(1, epoch, seq), 0);
            prop_assert_eq!(verdict == Ingested::Accepted, newest.is_none_or(|newest| (epoch, seq) > newest));
            prop_assert_eq!(verdict == Ingested::Duplicate, newest == Some((epoch, seq)));
            newest = newest.max(Some((epoch, seq)));
            accepted += u64::from(verdict == Ingested::Accepted);
            let kept = &state.sessions(at(0))[0];
            prop_assert_eq!(Some((kept.session_epoch.0, kept.seq.0)), newest);
        }
        prop_assert_eq!(state.envelopes.accepted, accepted);
    }
}
