//! What the judgement is made of: whole numbers, so that nothing is lost between the relay and who recomputes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Baseline, Phase, Window};
use crate::control::telemetry::{LatencyCounts, RouteLabel};
use crate::wire::clock::Timestamp;

/// What was counted for one command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommandCounts {
    /// The lane.
    pub route: RouteLabel,
    /// The command, or the protocol method.
    pub command: String,
    /// The adapter's protocol family.
    pub adapter: String,
    /// Where the browser comes from.
    pub mode: String,
    /// Requests that were served.
    pub requests: u64,
    /// Those of them that failed by the adapter or the control plane.
    pub faults: u64,
    /// All of them by latency bucket.
    pub latency: LatencyCounts,
}

/// Sessions that ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionCounts {
    /// All.
    pub ended: u64,
    /// Those that lost a browser or a page's renderer.
    pub crashed: u64,
}

/// Incidents attributed to `/ops`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncidentCounts {
    /// P0 and P1, recorded in the window.
    pub p0p1: u64,
    /// Confirmed bypasses that are not resolved, whenever they were recorded.
    pub open_bypasses: u64,
}

/// One full hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HourCounts {
    /// When it began.
    pub hour: Timestamp,
    /// What was served on `/ops`, by command.
    pub commands: Vec<CommandCounts>,
}

/// Everything that the judgement of a window needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScorecardInputs {
    /// The window.
    pub window: Window,
    /// The phase whose gate decides.
    pub phase: Phase,
    /// When the inputs were taken.
    pub generated_at: Timestamp,
    /// Since when there are records; null where there are none.
    pub recorded_since: Option<Timestamp>,
    /// What was served in the window, on both lanes.
    pub commands: Vec<CommandCounts>,
    /// Sessions on `/ops` that ended in the window.
    pub sessions: SessionCounts,
    /// Incidents; null where their record can't be read.
    pub incidents: Option<IncidentCounts>,
    /// The baseline; null while there is none.
    pub baseline: Option<Baseline>,
    /// The last full hours, the newest first, as many as the triggers of the rollback look at.
    pub hours: Vec<HourCounts>,
}

impl ScorecardInputs {
    /// The inputs where nothing is known.
    #[must_use]
    pub fn unknown(phase: Phase, window: Window, now: Timestamp) -> Self {
        Self {
            window,
            phase,
            generated_at: now,
            recorded_since: None,
            commands: Vec::new(),
            sessions: SessionCounts::default(),
            incidents: None,
            baseline: None,
            hours: Vec::new(),
        }
    }
}
