//! A cycle: the gates that a version passes before it is promoted, the thresholds that they are judged by, and what each leaves behind.
//!
//! An artifact is made of its inputs alone: figures, failures and result follow from them and from the table here, so that anybody can
//! make it again and see whether it was tampered with. Running the gates is a tool's.

mod ci;
mod injection;
mod soak;
mod threshold;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::control::fidelity::DataFidelity;
use crate::control::scorecard::GateDecision;
use crate::wire::clock::Timestamp;
use crate::wire::words::words;

pub use ci::{CheckName, CheckOutcome, CiFigures, CiInputs};
pub use injection::{InjectionFigures, InjectionInputs, ScenarioOutcome};
pub use soak::{SoakFigures, SoakInputs, SoakSlice};
pub use threshold::{Applied, Bound, Miss, THRESHOLDS, Threshold, Whose, applied, judge};

/// Version of the gate artifacts, `major.minor`.
pub const ARTIFACT_VERSION: &str = "1.0";

/// How long the artifacts of a cycle are kept.
pub const RETENTION_DAYS: u64 = 30;

/// How many cycles are kept at most.
pub const RETENTION_CYCLES: usize = 500;

/// A cycle's id: 1 to 64 of these.
pub const CYCLE_ID_PATTERN: &str = "^[A-Za-z0-9._:-]{1,64}$";

words! {
    /// A gate of a cycle.
    GateName "gate" "ci, soak, fault-injection, scorecard" {
        Ci "ci" "Every check and test of the repository passes.";
        Soak "soak" "Hours of mixed work on real browsers leave nothing behind and fail nowhere.";
        FaultInjection "fault-injection" "Every fault that is put in comes out as the code that it should.";
        Scorecard "scorecard" "What was served in production keeps the thresholds of its phase.";
    }
}

impl GateName {
    /// The name of its artifact.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Ci => "ci-summary.json",
            Self::Soak => "soak-summary.json",
            Self::FaultInjection => "fault-injection-summary.json",
            Self::Scorecard => "scorecard-summary.json",
        }
    }

    /// The name of its artifact's schema.
    #[must_use]
    pub const fn schema_file(self) -> &'static str {
        match self {
            Self::Ci => "ci-summary.schema.json",
            Self::Soak => "soak-summary.schema.json",
            Self::FaultInjection => "fault-injection-summary.schema.json",
            Self::Scorecard => "scorecard-summary.schema.json",
        }
    }
}

/// What a gate's judgement is made of.
pub trait GateInputs: Clone + Serialize + DeserializeOwned {
    /// The gate.
    const GATE: GateName;
    /// Its figures.
    type Figures: Serialize + DeserializeOwned;

    /// The figures that follow.
    fn figures(&self) -> Self::Figures;
}

/// What a gate leaves behind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GateArtifact<I, F> {
    /// Version of this document, `major.minor`.
    pub schema_version: String,
    /// The cycle that it belongs to; `none` outside one.
    pub cycle_id: String,
    /// When it was made.
    pub generated_at: Timestamp,
    /// The gate.
    pub gate: GateName,
    /// Whether the gate is passed.
    pub result: GateDecision,
    /// What the judgement was made of.
    pub inputs: I,
    /// The thresholds that were applied, by figure.
    pub thresholds: BTreeMap<String, Applied>,
    /// The figures.
    pub metrics: F,
    /// Which thresholds are missed; empty where the gate is passed.
    pub failures: Vec<Miss>,
    /// How far it can be trusted: what was made of a demonstration or broken on purpose says so.
    #[serde(rename = "data_fidelity")]
    pub data_fidelity: DataFidelity,
}

/// `ci-summary.json`.
pub type CiArtifact = GateArtifact<CiInputs, CiFigures>;

/// `soak-summary.json`.
pub type SoakArtifact = GateArtifact<SoakInputs, SoakFigures>;

/// `fault-injection-summary.json`.
pub type InjectionArtifact = GateArtifact<InjectionInputs, InjectionFigures>;

impl<I: GateInputs> GateArtifact<I, I::Figures> {
    /// The artifact of these inputs.
    #[must_use]
    pub fn new(cycle_id: &str, now: Timestamp, inputs: I, data_fidelity: DataFidelity) -> Self {
        let metrics = inputs.figures();
        let failures = judge(I::GATE, &metrics);
        Self {
            schema_version: ARTIFACT_VERSION.to_owned(),
            cycle_id: cycle_id.to_owned(),
            generated_at: now,
            gate: I::GATE,
            result: if failures.is_empty() {
                GateDecision::Pass
            } else {
                GateDecision::Fail
            },
            thresholds: applied(I::GATE),
            metrics,
            failures,
            inputs,
            data_fidelity,
        }
    }

    /// The same made again of its inputs.
    #[must_use]
    pub fn again(&self) -> Self {
        Self::new(
            &self.cycle_id,
            self.generated_at,
            self.inputs.clone(),
            self.data_fidelity.clone(),
        )
    }
}

/// Whether a text can name a cycle.
#[must_use]
pub fn is_cycle_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".:_-".contains(&byte))
}

/// The name of the directory of a cycle that began at this time: `YYYYMMDDTHHmmssZ`.
#[must_use]
pub fn directory_name(began: Timestamp) -> String {
    let text = began.to_string();
    let digits = text.chars().take(19).filter(|c| !"-:".contains(*c));
    digits.chain(['Z']).collect()
}

/// When the cycle of a directory began; none where the name is not one that we give.
#[must_use]
pub fn directory_time(name: &str) -> Option<Timestamp> {
    let part = |range: std::ops::Range<usize>| name.get(range);
    let text = format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0..4)?,
        part(4..6)?,
        part(6..8)?,
        part(9..11)?,
        part(11..13)?,
        part(13..15)?
    );
    let began = Timestamp::try_from(text).ok()?;
    // What does not read back as the same name is not of our making.
    (directory_name(began) == name).then_some(began)
}

/// Six digits behind the point, so that a figure's text reads back as the same number.
fn rounded(figure: f64) -> f64 {
    (figure * 1_000_000.0).round() / 1_000_000.0
}

/// A share in per cent; none of nothing.
fn percent(part: u64, whole: u64) -> Option<f64> {
    use crate::control::telemetry::to_f64;
    (whole > 0).then(|| rounded(to_f64(part) * 100.0 / to_f64(whole)))
}

#[cfg(test)]
mod tests;
