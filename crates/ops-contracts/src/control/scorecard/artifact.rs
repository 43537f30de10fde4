//! `scorecard-summary.json`: the scorecard with everything that it was made of, so that anybody can make it again from the file alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Figures, GateDecision, GateReason, Scorecard, ScorecardInputs, evaluate};
use crate::control::fidelity::DataFidelity;
use crate::wire::clock::Timestamp;

/// Version of the artifact, `major.minor`.
pub const SCORECARD_ARTIFACT_VERSION: &str = "1.1";

/// The cycle of an artifact that belongs to none.
pub const CYCLE_NONE: &str = "none";

/// The thresholds that were applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Thresholds {
    /// The most faults, in per cent of requests.
    pub max_error_rate_pct: f64,
    /// The most that p95 may be, as a multiple of the baseline.
    pub max_latency_ratio: f64,
    /// The fewest sessions without a crash, in per cent; null where the phase has no such threshold.
    pub min_crash_free_session_rate_pct: Option<f64>,
    /// The most P0 and P1 incidents; null where the phase has no such threshold.
    pub max_p0p1_incidents: Option<u64>,
}

/// The artifact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScorecardArtifact {
    /// Version of this document, `major.minor`.
    pub schema_version: String,
    /// The cycle that it belongs to; `none` outside one.
    pub cycle_id: String,
    /// When the figures were taken.
    pub generated_at: Timestamp,
    /// Always `scorecard`.
    pub gate: String,
    /// Whether the gate is passed.
    pub result: GateDecision,
    /// What the judgement was made of.
    pub inputs: ScorecardInputs,
    /// The thresholds that were applied.
    pub thresholds: Thresholds,
    /// The figures.
    pub metrics: Figures,
    /// What the gate objects to; empty where it passes.
    pub failures: Vec<GateReason>,
    /// The scorecard as the status document shows it.
    pub scorecard: Scorecard,
    /// How far it can be trusted: the scorecard of a demonstration says so.
    #[serde(rename = "data_fidelity")]
    pub data_fidelity: DataFidelity,
}

impl ScorecardArtifact {
    /// The artifact of these inputs.
    #[must_use]
    pub fn new(cycle_id: &str, inputs: ScorecardInputs) -> Self {
        let scorecard = evaluate(&inputs);
        let gate = inputs.phase.gate();
        Self {
            schema_version: SCORECARD_ARTIFACT_VERSION.to_owned(),
            cycle_id: cycle_id.to_owned(),
            generated_at: inputs.generated_at,
            gate: "scorecard".to_owned(),
            result: scorecard.gate_decision,
            thresholds: Thresholds {
                max_error_rate_pct: gate.max_error_rate_pct,
                max_latency_ratio: gate.max_latency_ratio,
                min_crash_free_session_rate_pct: gate.min_crash_free_session_rate_pct,
                max_p0p1_incidents: gate.max_p0p1_incidents,
            },
            metrics: scorecard.figures(),
            failures: scorecard.reasons.clone(),
            scorecard,
            inputs,
            data_fidelity: DataFidelity::of(false, Vec::new()),
        }
    }

    /// The same, with how far its figures can be trusted.
    #[must_use]
    pub fn with_fidelity(self, data_fidelity: DataFidelity) -> Self {
        Self {
            data_fidelity,
            ..self
        }
    }

    /// The same made again of its inputs.
    #[must_use]
    pub fn again(&self) -> Self {
        Self::new(&self.cycle_id, self.inputs.clone()).with_fidelity(self.data_fidelity.clone())
    }
}
