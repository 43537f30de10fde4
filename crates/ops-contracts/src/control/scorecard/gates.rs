//! The go/no-go gates and the triggers of the rollback, as data.

use super::Phase;
use crate::wire::words::words;

/// The thresholds of one phase; none where the phase has no such threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    /// The phase.
    pub phase: Phase,
    /// The most faults, in per cent of requests.
    pub max_error_rate_pct: f64,
    /// The most that p95 may be, as a multiple of the baseline.
    pub max_latency_ratio: f64,
    /// The fewest sessions without a crash, in per cent.
    pub min_crash_free_session_rate_pct: Option<f64>,
    /// The most P0 and P1 incidents attributed to `/ops`.
    pub max_p0p1_incidents: Option<u64>,
}

/// The gates, by phase. The last one is the strictest of all the others in each of its thresholds: the plan names no figures of its own for it.
pub const GATES: &[Gate] = &[
    Gate {
        phase: Phase::Pilot,
        max_error_rate_pct: 1.0,
        max_latency_ratio: 1.5,
        min_crash_free_session_rate_pct: None,
        max_p0p1_incidents: Some(0),
    },
    Gate {
        phase: Phase::Default,
        max_error_rate_pct: 0.3,
        max_latency_ratio: 1.2,
        min_crash_free_session_rate_pct: Some(99.5),
        max_p0p1_incidents: None,
    },
    Gate {
        phase: Phase::Hardened,
        max_error_rate_pct: 0.1,
        max_latency_ratio: 1.1,
        min_crash_free_session_rate_pct: None,
        max_p0p1_incidents: Some(0),
    },
    Gate {
        phase: Phase::DeprecationCandidate,
        max_error_rate_pct: 0.1,
        max_latency_ratio: 1.1,
        min_crash_free_session_rate_pct: Some(99.5),
        max_p0p1_incidents: Some(0),
    },
];

impl Phase {
    /// The phase's gate.
    #[must_use]
    pub fn gate(self) -> &'static Gate {
        GATES
            .iter()
            .find(|gate| gate.phase == self)
            .expect("every phase has its gate, as a test checks")
    }
}

words! {
    /// What calls for a rollback.
    TriggerKind "rollback trigger" "error-rate, bypass, latency" {
        ErrorRate "error-rate" "The error rate is above its threshold in every one of the last hours.";
        Bypass "bypass" "A bypass of authentication or of a lease was confirmed and is not resolved.";
        Latency "latency" "p95 is too far above the baseline in every one of the last hours.";
    }
}

/// A trigger of the rollback.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RollbackTrigger {
    /// What is looked at.
    pub kind: TriggerKind,
    /// What must be exceeded: per cent, a count, or a multiple of the baseline.
    pub above: f64,
    /// In how many full hours one after the other; none where it counts at once.
    pub hours: usize,
}

/// The triggers of the rollback.
pub const ROLLBACK_TRIGGERS: &[RollbackTrigger] = &[
    RollbackTrigger {
        kind: TriggerKind::ErrorRate,
        above: 2.0,
        hours: 2,
    },
    RollbackTrigger {
        kind: TriggerKind::Bypass,
        above: 0.0,
        hours: 0,
    },
    RollbackTrigger {
        kind: TriggerKind::Latency,
        above: 2.0,
        hours: 4,
    },
];
