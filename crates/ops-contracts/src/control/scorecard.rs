//! The scorecard: what is known of a window, the gates as data, and the pure judgement that the status document and the recomputation
//! share. The same inputs give the same decision to the bit, wherever they are evaluated.
//!
//! Collecting the inputs is the ledger's; nothing here reads a clock or a disk.

mod artifact;
mod baseline;
mod evaluate;
mod gates;
mod inputs;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::control::required;
use crate::wire::clock::Timestamp;
use crate::wire::words::words;

pub use artifact::{CYCLE_NONE, SCORECARD_ARTIFACT_VERSION, ScorecardArtifact, Thresholds};
pub use baseline::{Baseline, BaselineCommand, BaselineError};
pub use evaluate::{evaluate, figures, judge};
pub use gates::{GATES, Gate, ROLLBACK_TRIGGERS, RollbackTrigger, TriggerKind};
pub use inputs::{CommandCounts, HourCounts, IncidentCounts, ScorecardInputs, SessionCounts};

words! {
    /// A window that figures are taken over.
    Window "window" "2h, 7d, 14d, 30d" {
        H2 "2h" "The last two hours.";
        D7 "7d" "The last seven days.";
        D14 "14d" "The last fourteen days.";
        D30 "30d" "The last thirty days.";
    }

    /// A phase of the rollout.
    Phase "phase" "pilot, default, hardened, deprecation-candidate" {
        Pilot "pilot" "The contract is tried out.";
        Default "default" "The contract is the default lane.";
        Hardened "hardened" "The contract is what is relied on.";
        DeprecationCandidate "deprecation-candidate" "The legacy lane may be deprecated.";
    }

    /// What a gate says.
    GateDecision "gate decision" "pass, fail" {
        Pass "pass" "Every threshold is kept.";
        Fail "fail" "A threshold is missed, or what it needs is not known.";
    }

    /// Why a gate fails.
    GateFailure "gate failure" "missing-requests, missing-latency, missing-baseline, missing-sessions, missing-incidents, window-not-covered, error-rate, latency-ratio, crash-free-rate, incidents, rollback-triggered" {
        MissingRequests "missing-requests" "No request was served in the window.";
        MissingLatency "missing-latency" "No command that the baseline has was served in the window.";
        MissingBaseline "missing-baseline" "No baseline was measured.";
        MissingSessions "missing-sessions" "No session ended in the window.";
        MissingIncidents "missing-incidents" "The record of incidents can't be read.";
        WindowNotCovered "window-not-covered" "There are no records for the whole window yet.";
        ErrorRate "error-rate" "The error rate is above its threshold.";
        LatencyRatio "latency-ratio" "The latency is too far above the baseline.";
        CrashFreeRate "crash-free-rate" "Too many sessions crashed.";
        Incidents "incidents" "P0 or P1 incidents were recorded.";
        RollbackTriggered "rollback-triggered" "A trigger of the rollback is met.";
    }
}

impl Window {
    /// The window in hours.
    #[must_use]
    pub const fn hours(self) -> u64 {
        match self {
            Self::H2 => 2,
            Self::D7 => 7 * 24,
            Self::D14 => 14 * 24,
            Self::D30 => 30 * 24,
        }
    }
}

impl Phase {
    /// The window that the phase's gate looks at.
    #[must_use]
    pub const fn window(self) -> Window {
        match self {
            Self::Pilot => Window::D7,
            Self::Default => Window::D14,
            Self::Hardened | Self::DeprecationCandidate => Window::D30,
        }
    }
}

/// One reason for a failing gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GateReason {
    /// Which threshold, or what is missing.
    pub failure: GateFailure,
    /// The figures in a sentence.
    pub message: String,
}

/// What is known of a window, in figures; null where it is not known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = required::require_all)]
pub struct Figures {
    /// Faults of the adapter or the control plane among the requests that were served, in per cent.
    pub ops_error_rate_pct: Option<f64>,
    /// 95th percentile of latency on `/ops` in milliseconds: over the commands that the baseline has, or over all while there is none.
    pub ops_p95_latency_ms: Option<f64>,
    /// 95th percentile in milliseconds of the same mixture of commands in the baseline.
    pub cdp_baseline_p95_latency_ms: Option<f64>,
    /// The former by the latter.
    pub latency_ratio: Option<f64>,
    /// Sessions that ended without ever losing a browser or a page's renderer, in per cent.
    pub crash_free_session_rate_pct: Option<f64>,
    /// P0 and P1 incidents attributed to `/ops`.
    #[serde(rename = "p0p1IncidentCount")]
    pub p0p1_incident_count: Option<u64>,
}

/// A trigger of the rollback, and whether it is met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TriggerState {
    /// Which one.
    pub kind: TriggerKind,
    /// Whether it calls for a rollback.
    pub triggered: bool,
    /// The figures in a sentence.
    pub message: String,
}

/// The scorecard as the status document shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = required::require_all)]
pub struct Scorecard {
    /// The window of the figures.
    pub window: Window,
    /// The phase whose gate decides.
    pub phase: Phase,
    /// Faults of the adapter or the control plane among the requests that were served, in per cent.
    pub ops_error_rate_pct: Option<f64>,
    /// 95th percentile of latency on `/ops` in milliseconds: over the commands that the baseline has, or over all while there is none.
    pub ops_p95_latency_ms: Option<f64>,
    /// 95th percentile in milliseconds of the same mixture of commands in the baseline.
    pub cdp_baseline_p95_latency_ms: Option<f64>,
    /// The former by the latter.
    pub latency_ratio: Option<f64>,
    /// Sessions that ended without ever losing a browser or a page's renderer, in per cent.
    pub crash_free_session_rate_pct: Option<f64>,
    /// P0 and P1 incidents attributed to `/ops`.
    #[serde(rename = "p0p1IncidentCount")]
    pub p0p1_incident_count: Option<u64>,
    /// The baseline: version, date and the first twelve hex digits of its SHA-256; null while there is none.
    pub baseline_ref: Option<String>,
    /// When the figures were taken.
    pub generated_at: Timestamp,
    /// What the phase's gate says.
    pub gate_decision: GateDecision,
    /// Why it fails; empty where it passes.
    pub reasons: Vec<GateReason>,
    /// The triggers of the rollback.
    pub rollback_triggers: Vec<TriggerState>,
    /// 95th percentile of latency of whatever was sent on `/cdp`, in milliseconds; for comparison alone, as methods are no commands.
    pub organic_cdp_p95_latency_ms: Option<f64>,
}

impl Scorecard {
    /// The figures alone.
    #[must_use]
    pub fn figures(&self) -> Figures {
        Figures {
            ops_error_rate_pct: self.ops_error_rate_pct,
            ops_p95_latency_ms: self.ops_p95_latency_ms,
            cdp_baseline_p95_latency_ms: self.cdp_baseline_p95_latency_ms,
            latency_ratio: self.latency_ratio,
            crash_free_session_rate_pct: self.crash_free_session_rate_pct,
            p0p1_incident_count: self.p0p1_incident_count,
        }
    }
}

#[cfg(test)]
mod tests;
