//! The port by which the relay keeps what the scorecard is made of. Keeping is the store's, judging the scorecard's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::control::incident::{Incident, NewIncident, ResolveIncident};
use crate::control::scorecard::{Baseline, HourCounts, Phase, ScorecardInputs, Window};
use crate::control::telemetry::{ArtifactSet, RouteLabel};
use crate::wire::clock::Timestamp;
use crate::wire::fault::Outcome;

/// A request that was served.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RequestSample {
    /// The lane.
    pub route: RouteLabel,
    /// The command, or the protocol method.
    pub command: &'static str,
    /// The adapter's protocol family.
    pub adapter: &'static str,
    /// Where the browser comes from.
    pub mode: &'static str,
    /// Whether it failed by the adapter or the control plane.
    pub fault: bool,
    /// From its arrival to its answer, in milliseconds.
    pub total_ms: f64,
}

/// How much of a disk a set of artifacts takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactUsage {
    /// The set.
    pub artifact_set: ArtifactSet,
    /// Its directory.
    pub path: String,
    /// Bytes of its files.
    pub bytes: u64,
    /// Where its volume begins.
    pub mount: String,
    /// Used part of the volume, from 0 to 1.
    pub used_ratio: f64,
}

/// Keeps counts by the hour, incidents, and what is known of the disk. Time comes in as an argument.
pub trait Ledger: Send + Sync {
    /// Counts a request that ended at `at`. Must return at once.
    fn request(&self, sample: &RequestSample, at: Timestamp);

    /// Counts a session that ended at `at`. Must return at once.
    fn session_ended(&self, crashed: bool, at: Timestamp);

    /// Records an incident. Blocks until it is on disk.
    ///
    /// # Errors
    /// `relay_store_failed`.
    fn record_incident(&self, told: NewIncident, at: Timestamp) -> Outcome<Incident>;

    /// Resolves an incident. Blocks until that is on disk.
    ///
    /// # Errors
    /// `relay_incident_unknown`; `relay_store_failed`.
    fn resolve_incident(&self, told: &ResolveIncident, at: Timestamp) -> Outcome<Incident>;

    /// Every incident, the newest first.
    fn incidents(&self) -> Vec<Incident>;

    /// What the judgement of a window is made of.
    fn inputs(&self, phase: Phase, window: Window, now: Timestamp) -> ScorecardInputs;

    /// The last `count` full hours of which anything is known, the newest first.
    fn hours(&self, count: usize, now: Timestamp) -> Vec<HourCounts>;

    /// The baseline, where one was measured.
    fn baseline(&self) -> Option<&Baseline>;

    /// What was last measured of the disk.
    fn disk(&self) -> Vec<ArtifactUsage>;
}
