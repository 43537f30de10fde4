//! The gate of endurance: what was counted, slice by slice, and what it says about growth and slowing down.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GateInputs, GateName, percent, rounded};
use crate::control::required;
use crate::control::telemetry::{LatencyCounts, to_f64};
use crate::wire::clock::Timestamp;

/// What was counted in a slice of the time: a minute, or less in a short run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SoakSlice {
    /// In which piece of the run it was: each has a relay of its own.
    pub piece: u64,
    /// How long it was.
    pub seconds: u64,
    /// Requests that were answered.
    pub requests: u64,
    /// Those whose answer was not the one that had to come.
    pub errors: u64,
    /// Connections that were dropped and opened again.
    pub reconnects: u64,
    /// Those of them after which the session could not be used.
    pub reconnects_failed: u64,
    /// Relays that ended and should not have.
    pub relay_crashes: u64,
    /// Panics in the relay's log.
    pub runtime_crashes: u64,
    /// The least memory that the relay had resident; null where it can't be read.
    pub resident_kib: Option<u64>,
    /// The fewest descriptors that the relay had open; null where it can't be read.
    pub descriptors: Option<u64>,
    /// How long answers took.
    pub latency: LatencyCounts,
}

/// What the gate's judgement is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SoakInputs {
    /// When the first piece began.
    pub started_at: Timestamp,
    /// How long it was to run.
    pub planned_seconds: u64,
    /// In how many pieces it ran: one that was cut off goes on.
    pub pieces: u64,
    /// The version that was tried.
    pub version: String,
    /// The browsers.
    pub browsers: Vec<String>,
    /// What was broken on purpose; null where nothing was.
    pub broken: Option<String>,
    /// How often each thing was done.
    pub activities: BTreeMap<String, u64>,
    /// The first failures, a sentence each.
    pub errors: Vec<String>,
    /// The time in slices.
    pub slices: Vec<SoakSlice>,
}

/// The gate's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = required::require_all)]
pub struct SoakFigures {
    /// How long it ran.
    pub duration_seconds: u64,
    /// Requests that were answered.
    pub ops_requests: u64,
    /// Those whose answer was not the one that had to come.
    pub ops_errors: u64,
    /// The latter in per cent of the former; null where there was none.
    pub error_rate_pct: Option<f64>,
    /// Connections that were dropped and opened again.
    pub reconnects: u64,
    /// Those after which the session could be used, in per cent; null where there was none.
    pub reconnect_success_pct: Option<f64>,
    /// Relays that ended and should not have.
    pub relay_crashes: u64,
    /// Panics in the relay.
    pub runtime_crashes: u64,
    /// How the relay's memory grew in the second half, in per cent an hour; null where there are too few slices.
    pub resident_slope_pct_per_hour: Option<f64>,
    /// How its descriptors grew in the second half, in per cent an hour; null where there are too few slices.
    pub descriptors_slope_pct_per_hour: Option<f64>,
    /// 95th percentile of latency in the first tenth of the slices, in milliseconds.
    pub p95_first_tenth_ms: Option<f64>,
    /// The same of the last tenth.
    pub p95_last_tenth_ms: Option<f64>,
    /// The latter by the former.
    pub p95_ratio: Option<f64>,
}

/// No slope is given for fewer points.
const LEAST_POINTS: usize = 8;

impl GateInputs for SoakInputs {
    const GATE: GateName = GateName::Soak;
    type Figures = SoakFigures;

    fn figures(&self) -> SoakFigures {
        let sum = |count: fn(&SoakSlice) -> u64| self.slices.iter().map(count).sum::<u64>();
        let (requests, errors) = (sum(|it| it.requests), sum(|it| it.errors));
        let (reconnects, failed) = (sum(|it| it.reconnects), sum(|it| it.reconnects_failed));
        let tenth = (self.slices.len() / 10).max(1);
        let first = p95(self.slices.iter().take(tenth));
        let last = p95(self.slices.iter().rev().take(tenth));
        SoakFigures {
            duration_seconds: sum(|it| it.seconds),
            ops_requests: requests,
            ops_errors: errors,
            error_rate_pct: percent(errors, requests),
            reconnects,
            reconnect_success_pct: percent(reconnects.saturating_sub(failed), reconnects),
            relay_crashes: sum(|it| it.relay_crashes),
            runtime_crashes: sum(|it| it.runtime_crashes),
            resident_slope_pct_per_hour: self.slope(|it| it.resident_kib),
            descriptors_slope_pct_per_hour: self.slope(|it| it.descriptors),
            p95_first_tenth_ms: first,
            p95_last_tenth_ms: last,
            p95_ratio: match (first, last) {
                (Some(first), Some(last)) if first > 0.0 => Some(rounded(last / first)),
                _ => None,
            },
        }
    }
}

impl SoakInputs {
    /// How a figure grows in the second half of the slices, in per cent of its median an hour.
    fn slope(&self, figure: fn(&SoakSlice) -> Option<u64>) -> Option<f64> {
        let mut at = 0;
        let points = self.slices.iter().map(|slice| {
            at += slice.seconds;
            Some((to_f64(at) / 3_600.0, to_f64(figure(slice)?), slice.piece))
        });
        let points: Vec<Point> = points.skip(self.slices.len() / 2).collect::<Option<_>>()?;
        if points.len() < LEAST_POINTS {
            return None;
        }
        let level = median(points.iter().map(|point| point.1).collect())?;
        (level > 0.0).then_some(rounded(median(slopes(&points))? * 100.0 / level))
    }
}

/// When in hours, how much, and in which piece.
type Point = (f64, f64, u64);

/// The slopes between all pairs of points of one relay: their median does not mind the odd peak.
fn slopes(points: &[Point]) -> Vec<f64> {
    let of = |(one, other): (&Point, &Point)| (other.1 - one.1) / (other.0 - one.0);
    let pairs = points.iter().enumerate().flat_map(|(at, one)| {
        let later = points[at + 1..].iter();
        later.map(move |other| (one, other))
    });
    pairs
        .filter(|(one, other)| other.0 > one.0 && other.2 == one.2)
        .map(of)
        .collect()
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

fn p95<'a>(slices: impl Iterator<Item = &'a SoakSlice>) -> Option<f64> {
    let mut all = LatencyCounts::default();
    slices.for_each(|slice| all.add(&slice.latency));
    all.p95().map(rounded)
}
