//! The gate of faults: each is put in on purpose, and must come out as its code and as nothing else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GateInputs, GateName, percent};
use crate::control::required;

/// What came of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScenarioOutcome {
    /// Its name.
    pub name: String,
    /// What was injected.
    pub injected: String,
    /// Where.
    pub place: String,
    /// The code that had to come, or `ok`.
    pub expected: String,
    /// The code that came.
    pub seen: String,
    /// What had to be true afterwards.
    pub invariant: String,
    /// Whether it was.
    pub held: bool,
    /// Whether a process of ours ended that should not have.
    pub process_crashed: bool,
    /// Whether a lease of one session was taken on another.
    pub lease_contaminated: bool,
    /// What else was seen.
    pub note: Option<String>,
}

/// What the gate's judgement is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InjectionInputs {
    /// The seed of every choice, as `OPENCODE_REPLAY_SEED` gives it: the same seed gives the same list.
    pub seed: String,
    /// The version that was tried.
    pub version: String,
    /// The scenarios in the order in which they ran.
    pub scenarios: Vec<ScenarioOutcome>,
}

/// The gate's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = required::require_all)]
pub struct InjectionFigures {
    /// Scenarios that ran.
    pub scenarios: u64,
    /// Those whose code was the expected one, in per cent; null where none ran.
    pub code_match_pct: Option<f64>,
    /// Processes of ours that ended and should not have.
    pub process_crashes: u64,
    /// Leases that were taken on another session.
    pub lease_contaminations: u64,
    /// Scenarios after which something was not as it must be.
    pub invariants_broken: u64,
}

impl GateInputs for InjectionInputs {
    const GATE: GateName = GateName::FaultInjection;
    type Figures = InjectionFigures;

    fn figures(&self) -> InjectionFigures {
        let count = |is: fn(&&ScenarioOutcome) -> bool| {
            u64::try_from(self.scenarios.iter().filter(is).count()).unwrap_or(u64::MAX)
        };
        let scenarios = count(|_| true);
        InjectionFigures {
            scenarios,
            code_match_pct: percent(count(|it| it.seen == it.expected), scenarios),
            process_crashes: count(|it| it.process_crashed),
            lease_contaminations: count(|it| it.lease_contaminated),
            invariants_broken: count(|it| !it.held),
        }
    }
}
