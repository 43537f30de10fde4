use super::*;
use crate::control::telemetry::{LATENCY_BOUNDS_MS, LatencyCounts, RouteLabel};

const HOUR: u64 = 3_600_000;
/// Half past an hour.
const NOW: u64 = 1_700_000_000_000 / HOUR * HOUR + HOUR / 2;

fn latency(millis: f64, count: usize) -> LatencyCounts {
    let mut counts = LatencyCounts::default();
    (0..count).for_each(|_| counts.record(millis));
    counts
}

fn command(name: &str, requests: u64, faults: u64, millis: f64) -> CommandCounts {
    CommandCounts {
        route: RouteLabel::Ops,
        command: name.to_owned(),
        adapter: "cdp".to_owned(),
        mode: "managed".to_owned(),
        requests,
        faults,
        latency: latency(millis, usize::try_from(requests).unwrap()),
    }
}

fn baseline(name: &str, millis: f64) -> Baseline {
    Baseline {
        baseline_ref: "0.2.0-20261122-0123456789ab".to_owned(),
        measured_at: Timestamp::from_unix_millis(NOW),
        method: "made for a test".to_owned(),
        bounds_ms: LATENCY_BOUNDS_MS,
        commands: vec![BaselineCommand {
            command: name.to_owned(),
            mode: "managed".to_owned(),
            latency: latency(millis, 200),
        }],
    }
}

fn hour(back: u64, commands: Vec<CommandCounts>) -> HourCounts {
    HourCounts {
        hour: Timestamp::from_unix_millis((NOW / HOUR - 1 - back) * HOUR),
        commands,
    }
}

/// A month without a fault, at the speed of the baseline.
fn healthy(phase: Phase) -> ScorecardInputs {
    ScorecardInputs {
        window: phase.window(),
        phase,
        generated_at: Timestamp::from_unix_millis(NOW),
        recorded_since: Some(Timestamp::from_unix_millis(NOW - 31 * 24 * HOUR)),
        commands: vec![command("interact.click", 1_000, 0, 4.0)],
        sessions: SessionCounts {
            ended: 1_000,
            crashed: 0,
        },
        incidents: Some(IncidentCounts::default()),
        baseline: Some(baseline("interact.click", 4.0)),
        hours: (0..4)
            .map(|back| hour(back, vec![command("interact.click", 10, 0, 4.0)]))
            .collect(),
    }
}

#[track_caller]
fn check(inputs: &ScorecardInputs, expected: &[GateFailure]) {
    let scorecard = evaluate(inputs);
    let failures: Vec<GateFailure> = scorecard
        .reasons
        .iter()
        .map(|reason| reason.failure)
        .collect();
    assert_eq!(failures, expected, "{scorecard:#?}");
    assert_eq!(
        scorecard.gate_decision == GateDecision::Pass,
        expected.is_empty()
    );
}

#[test]
fn every_phase_has_the_plans_thresholds_and_passes_when_all_is_well() {
    let table: Vec<_> = GATES
        .iter()
        .map(|gate| {
            let window = gate.phase.window().as_str();
            (
                gate.phase.as_str(),
                window,
                gate.max_error_rate_pct,
                gate.max_latency_ratio,
                gate.min_crash_free_session_rate_pct,
                gate.max_p0p1_incidents,
            )
        })
        .collect();
    let expected = [
        ("pilot", "7d", 1.0, 1.5, None, Some(0)),
        ("default", "14d", 0.3, 1.2, Some(99.5), None),
        ("hardened", "30d", 0.1, 1.1, None, Some(0)),
        (
            "deprecation-candidate",
            "30d",
            0.1,
            1.1,
            Some(99.5),
            Some(0),
        ),
    ];
    assert_eq!(table, expected);
    for phase in Phase::ALL {
        check(&healthy(*phase), &[]);
        assert_eq!(phase.gate().phase, *phase);
    }
}

#[test]
fn a_threshold_is_kept_at_its_figure_and_missed_above() {
    for (faults, expected) in [(10, vec![]), (11, vec![GateFailure::ErrorRate])] {
        let commands = vec![command("interact.click", 1_000, faults, 4.0)];
        check(
            &ScorecardInputs {
                commands,
                ..healthy(Phase::Pilot)
            },
            &expected,
        );
    }
    for (crashed, expected) in [(5, vec![]), (6, vec![GateFailure::CrashFreeRate])] {
        check(
            &ScorecardInputs {
                sessions: SessionCounts {
                    ended: 1_000,
                    crashed,
                },
                ..healthy(Phase::Default)
            },
            &expected,
        );
    }
    let slow = ScorecardInputs {
        commands: vec![command("interact.click", 1_000, 0, 9.0)],
        ..healthy(Phase::Pilot)
    };
    check(&slow, &[GateFailure::LatencyRatio]);
    let incidents = Some(IncidentCounts {
        p0p1: 1,
        open_bypasses: 0,
    });
    check(
        &ScorecardInputs {
            incidents,
            ..healthy(Phase::Hardened)
        },
        &[GateFailure::Incidents],
    );
    check(
        &ScorecardInputs {
            incidents,
            ..healthy(Phase::Default)
        },
        &[],
    );
}

#[test]
fn what_is_missing_fails_the_gate_and_shows_as_null() {
    let nothing = ScorecardInputs {
        recorded_since: None,
        commands: Vec::new(),
        sessions: SessionCounts::default(),
        incidents: None,
        baseline: None,
        hours: Vec::new(),
        ..healthy(Phase::DeprecationCandidate)
    };
    let missing = [
        GateFailure::MissingRequests,
        GateFailure::MissingBaseline,
        GateFailure::MissingSessions,
        GateFailure::MissingIncidents,
        GateFailure::WindowNotCovered,
    ];
    check(&nothing, &missing);
    let json = serde_json::to_value(evaluate(&nothing)).unwrap();
    for figure in [
        "opsErrorRatePct",
        "opsP95LatencyMs",
        "cdpBaselineP95LatencyMs",
        "latencyRatio",
        "crashFreeSessionRatePct",
        "p0p1IncidentCount",
        "baselineRef",
    ] {
        assert!(
            json.get(figure).is_some_and(serde_json::Value::is_null),
            "{figure}: {json}"
        );
    }
    let other = ScorecardInputs {
        baseline: Some(baseline("dom.eval", 1.0)),
        ..healthy(Phase::Pilot)
    };
    check(&other, &[GateFailure::MissingLatency]);
    let mut foreign = baseline("interact.click", 4.0);
    foreign.bounds_ms[0] = 0.7;
    check(
        &ScorecardInputs {
            baseline: Some(foreign),
            ..healthy(Phase::Pilot)
        },
        &[GateFailure::MissingBaseline],
    );
    let young = ScorecardInputs {
        recorded_since: Some(Timestamp::from_unix_millis(NOW - 24 * HOUR)),
        ..healthy(Phase::Pilot)
    };
    check(&young, &[GateFailure::WindowNotCovered]);
}

#[test]
fn the_baseline_is_weighed_by_what_was_asked_for() {
    // Nine in ten of the requests are of the quick command: p95 of both mixtures lies among the slow one's.
    let mut both = baseline("dom.eval", 0.4);
    both.commands.extend(baseline("nav.goto", 80.0).commands);
    let commands = vec![
        command("dom.eval", 900, 0, 0.4),
        command("nav.goto", 100, 0, 80.0),
        command("dom.snapshot", 5_000, 0, 20_000.0),
    ];
    let scorecard = evaluate(&ScorecardInputs {
        commands,
        baseline: Some(both),
        ..healthy(Phase::Pilot)
    });
    assert_eq!(
        (scorecard.latency_ratio, scorecard.ops_p95_latency_ms),
        (Some(1.0), Some(87.5))
    );
}

#[test]
fn a_rollback_takes_every_one_of_the_last_hours() {
    let bad = |back: u64| hour(back, vec![command("interact.click", 100, 3, 30.0)]);
    let good = |back: u64| hour(back, vec![command("interact.click", 100, 2, 4.0)]);
    let of = |hours: Vec<HourCounts>| {
        let scorecard = evaluate(&ScorecardInputs {
            hours,
            ..healthy(Phase::Pilot)
        });
        scorecard
            .rollback_triggers
            .iter()
            .map(|trigger| trigger.triggered)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of(vec![bad(0), bad(1), good(2), good(3)]),
        [true, false, false]
    );
    assert_eq!(
        of(vec![bad(0), good(1), bad(2), bad(3)]),
        [false, false, false]
    );
    assert_eq!(of((0..4).map(bad).collect()), [true, false, true]);
    // An hour of which nothing is known is no hour above the threshold.
    assert_eq!(of(vec![bad(0), bad(2), bad(3)]), [false, false, false]);
    let bypass = Some(IncidentCounts {
        p0p1: 0,
        open_bypasses: 1,
    });
    check(
        &ScorecardInputs {
            incidents: bypass,
            ..healthy(Phase::Default)
        },
        &[GateFailure::RollbackTriggered],
    );
}

#[test]
fn the_artifact_alone_gives_the_same_scorecard_to_the_bit() {
    for requests in [1_u64, 3, 7, 997, 1_000_003 % 5_003] {
        let commands = vec![
            command("interact.click", requests, requests / 3, 4.0),
            command("dom.eval", requests / 2 + 1, 0, 0.3),
        ];
        let sessions = SessionCounts {
            ended: requests,
            crashed: requests / 7,
        };
        let inputs = ScorecardInputs {
            commands,
            sessions,
            ..healthy(Phase::Default)
        };
        let artifact = ScorecardArtifact::new(CYCLE_NONE, inputs);
        let text = serde_json::to_string(&artifact).unwrap();
        let read: ScorecardArtifact = serde_json::from_str(&text).unwrap();
        assert_eq!(read, artifact);
        assert_eq!(
            serde_json::to_string(&evaluate(&read.inputs)).unwrap(),
            serde_json::to_string(&artifact.scorecard).unwrap()
        );
    }
}
