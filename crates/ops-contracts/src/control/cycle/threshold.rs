//! The thresholds of the gates, once: who runs a gate, who validates its artifact and the page about it read them here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::GateName;

/// Who asks for a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The specification.
    Plan,
    /// This project, beyond it.
    Ours,
}

/// What a figure may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

/// One threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// The gate.
    pub gate: GateName,
    /// The figure, as the artifact's metrics name it.
    pub figure: &'static str,
    /// What it may be.
    pub bound: Bound,
    /// Who asks for it.
    pub whose: Whose,
    /// Whether the gate may pass where the figure was not measured.
    pub may_be_absent: bool,
    /// What it is, and what to do where it is missed.
    pub remedy: &'static str,
}

const fn row(
    gate: GateName,
    figure: &'static str,
    bound: Bound,
    whose: Whose,
    remedy: &'static str,
) -> Threshold {
    Threshold {
        gate,
        figure,
        bound,
        whose,
        may_be_absent: false,
        remedy,
    }
}

use Bound::{AtLeast, AtMost};
use GateName::{Ci, FaultInjection, Soak};
use Whose::{Ours, Plan};

/// Every threshold. Those of the scorecard are by phase, in `control::scorecard`.
pub const THRESHOLDS: &[Threshold] = &[
    row(
        Ci,
        "checksMissing",
        AtMost(0.0),
        Plan,
        "run the whole gate: cargo xtask gates --only ci",
    ),
    row(
        Ci,
        "checksFailed",
        AtMost(0.0),
        Plan,
        "run the check's command and fix what it names",
    ),
    row(
        Ci,
        "testsPassed",
        AtLeast(1.0),
        Ours,
        "no test was counted: run cargo xtask test and look at its end",
    ),
    row(
        Ci,
        "testsFailed",
        AtMost(0.0),
        Plan,
        "run cargo xtask test and fix what fails",
    ),
    Threshold {
        may_be_absent: true,
        ..row(
            Ci,
            "lineCoveragePct",
            AtLeast(97.0),
            Plan,
            "write tests for the lines that none runs",
        )
    },
    row(
        Soak,
        "durationSeconds",
        AtLeast(14_400.0),
        Plan,
        "run four hours: cargo xtask soak --duration-hours 4; what was cut off goes on",
    ),
    row(
        Soak,
        "opsRequests",
        AtLeast(10_000.0),
        Plan,
        "run longer, or find out what is slow",
    ),
    row(
        Soak,
        "errorRatePct",
        AtMost(0.3),
        Plan,
        "the artifact's inputs.errors name the first failures",
    ),
    row(
        Soak,
        "reconnectSuccessPct",
        AtLeast(99.5),
        Plan,
        "look for refused sockets in the relay's log",
    ),
    row(
        Soak,
        "relayCrashes",
        AtMost(0.0),
        Plan,
        "the relay's log ends with the reason",
    ),
    row(
        Soak,
        "runtimeCrashes",
        AtMost(0.0),
        Plan,
        "the relay's log has the panic",
    ),
    row(
        Soak,
        "residentSlopePctPerHour",
        AtMost(1.0),
        Ours,
        "memory grows: compare the slices' residentKib with what ran",
    ),
    row(
        Soak,
        "descriptorsSlopePctPerHour",
        AtMost(1.0),
        Ours,
        "descriptors are lost: look at /proc/PID/fd of a running relay",
    ),
    row(
        Soak,
        "p95Ratio",
        AtMost(1.2),
        Ours,
        "it became slower: compare the first slices' latency with the last ones'",
    ),
    row(
        FaultInjection,
        "scenarios",
        AtLeast(60.0),
        Ours,
        "run all of them: cargo xtask fault-injection without --only",
    ),
    row(
        FaultInjection,
        "codeMatchPct",
        AtLeast(100.0),
        Plan,
        "the artifact's inputs.scenarios tell which code was expected and which came",
    ),
    row(
        FaultInjection,
        "processCrashes",
        AtMost(0.0),
        Plan,
        "run that scenario alone: cargo xtask fault-injection --only NAME",
    ),
    row(
        FaultInjection,
        "leaseContaminations",
        AtMost(0.0),
        Plan,
        "a lease opened another session: this is an incident, not a flake",
    ),
    row(
        FaultInjection,
        "invariantsBroken",
        AtMost(0.0),
        Ours,
        "the scenario's note says what was not true afterwards",
    ),
];

/// A bound as an artifact states it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Applied {
    /// This or more.
    AtLeast(f64),
    /// This or less.
    AtMost(f64),
}

impl From<Bound> for Applied {
    fn from(bound: Bound) -> Self {
        match bound {
            AtLeast(least) => Self::AtLeast(least),
            AtMost(most) => Self::AtMost(most),
        }
    }
}

/// A threshold that is missed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Miss {
    /// The figure.
    pub figure: String,
    /// What it is and what it may be, in a sentence.
    pub message: String,
}

impl Bound {
    /// Whether a figure keeps it. What is no number keeps nothing.
    #[must_use]
    pub fn admits(self, figure: f64) -> bool {
        match self {
            AtLeast(least) => figure >= least,
            AtMost(most) => figure <= most,
        }
    }

    fn words(self) -> String {
        match self {
            AtLeast(least) => format!("at least {least}"),
            AtMost(most) => format!("at most {most}"),
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.words())
    }
}

fn of(gate: GateName) -> impl Iterator<Item = &'static Threshold> {
    THRESHOLDS.iter().filter(move |row| row.gate == gate)
}

/// The thresholds of a gate as its artifact states them.
#[must_use]
pub fn applied(gate: GateName) -> BTreeMap<String, Applied> {
    of(gate)
        .map(|row| (row.figure.to_owned(), row.bound.into()))
        .collect()
}

/// The thresholds that figures miss. A figure that was not measured misses its threshold, but for those that may be absent.
#[must_use]
pub fn judge(gate: GateName, figures: &impl Serialize) -> Vec<Miss> {
    let figures = serde_json::to_value(figures).unwrap_or_default();
    of(gate)
        .filter_map(|row| {
            let figure = figures[row.figure].as_f64();
            let is_kept = figure.map_or(row.may_be_absent, |figure| row.bound.admits(figure));
            let is = figure.map_or_else(|| "not measured".to_owned(), |figure| figure.to_string());
            (!is_kept).then(|| Miss {
                figure: row.figure.to_owned(),
                message: format!("{} is {is}, {} is asked for", row.figure, row.bound),
            })
        })
        .collect()
}
