//! The last hour of traffic, in memory: what the dashboard plots. Windows that survive a restart are the scorecard's.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ops_contracts::ErrorCode;
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::error::Blame;
use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;

/// Between two points.
pub(crate) const STEP: Duration = Duration::from_secs(5);

/// An hour of points.
const KEPT: usize = 720;

/// Upper bounds of the latency classes, in milliseconds; a factor of 1.5 apart, so that a percentile is known to a third.
const BOUNDS: usize = 32;

/// Requests counted since the last point, and the points before.
pub(crate) struct History {
    requests: AtomicU64,
    faults: AtomicU64,
    refusals: AtomicU64,
    classes: [AtomicU64; BOUNDS + 1],
    points: Mutex<Points>,
}

#[derive(Default)]
struct Points {
    /// How many points there were before those that are kept.
    before: u64,
    kept: VecDeque<Point>,
}

/// What happened within one step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Point {
    /// When the step ended.
    pub(crate) at: Timestamp,
    /// Requests that were answered.
    pub(crate) requests: u64,
    /// Of these, answered by a fault of an adapter or of the control plane.
    pub(crate) faults: u64,
    /// Of these, answered by an error that the caller, the page or the operator caused.
    pub(crate) refusals: u64,
    /// Milliseconds; null without requests.
    pub(crate) p50_ms: Option<f64>,
    /// Milliseconds; null without requests.
    pub(crate) p95_ms: Option<f64>,
    /// Sessions at the end of the step.
    pub(crate) sessions: u32,
}

impl Default for History {
    fn default() -> Self {
        Self {
            requests: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
            classes: std::array::from_fn(|_| AtomicU64::new(0)),
            points: Mutex::default(),
        }
    }
}

impl History {
    /// Counts an answered request. A few additions: it stands on the path of every command.
    pub(crate) fn record(&self, code: Option<ErrorCode>, total_ms: f64) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        match code.map(|code| code.row().blame) {
            None => {}
            Some(Blame::Adapter | Blame::Relay) => {
                self.faults.fetch_add(1, Ordering::Relaxed);
            }
            Some(_) => {
                self.refusals.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.classes[class_of(total_ms)].fetch_add(1, Ordering::Relaxed);
    }

    /// Ends a step.
    pub(crate) fn step(&self, at: Timestamp, sessions: u32) {
        let counts: [u64; BOUNDS + 1] =
            std::array::from_fn(|class| self.classes[class].swap(0, Ordering::Relaxed));
        let point = Point {
            at,
            requests: self.requests.swap(0, Ordering::Relaxed),
            faults: self.faults.swap(0, Ordering::Relaxed),
            refusals: self.refusals.swap(0, Ordering::Relaxed),
            p50_ms: percentile(&counts, 0.5),
            p95_ms: percentile(&counts, 0.95),
            sessions,
        };
        let mut points = self.points();
        if points.kept.len() >= KEPT {
            points.kept.pop_front();
            points.before += 1;
        }
        points.kept.push_back(point);
    }

    /// The points from number `from` on, and the number of the next one.
    pub(crate) fn since(&self, from: u64) -> (Vec<Point>, u64) {
        let points = self.points();
        let skip = usize::try_from(from.saturating_sub(points.before)).unwrap_or(usize::MAX);
        (
            points.kept.iter().skip(skip).copied().collect(),
            points.before + points.kept.len() as u64,
        )
    }

    fn points(&self) -> MutexGuard<'_, Points> {
        self.points.lock()
    }
}

/// The upper bound of a class: 0.25 ms for the first.
fn bound(class: usize) -> f64 {
    0.25 * 1.5_f64.powi(i32::try_from(class).unwrap_or(i32::MAX))
}

fn class_of(millis: f64) -> usize {
    (0..BOUNDS)
        .find(|class| millis <= bound(*class))
        .unwrap_or(BOUNDS)
}

/// The upper bound of the class that holds the percentile.
fn percentile(counts: &[u64; BOUNDS + 1], share: f64) -> Option<f64> {
    let all: u64 = counts.iter().sum();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts of a few seconds"
    )]
    let wanted = ((all as f64) * share).ceil() as u64;
    let mut seen = 0;
    let class = counts.iter().position(|count| {
        seen += count;
        seen >= wanted
    })?;
    (all > 0).then(|| (bound(class) * 100.0).round() / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_millis(seconds * 1_000)
    }

    #[test]
    fn a_step_tells_what_happened_within_it() {
        let history = History::default();
        for _ in 0..90 {
            history.record(None, 1.0);
        }
        for _ in 0..9 {
            history.record(Some(ErrorCode::OpsElementNotFound), 40.0);
        }
        history.record(Some(ErrorCode::AdapterBrowserLost), 900.0);
        history.step(at(5), 3);
        history.step(at(10), 0);
        let (points, next) = history.since(0);
        assert_eq!(next, 2);
        let first = points[0];
        assert_eq!(
            (first.requests, first.faults, first.refusals, first.sessions),
            (100, 1, 9, 3)
        );
        assert!(
            first.p50_ms.is_some_and(|p50| (1.0..=1.5).contains(&p50)),
            "{first:?}"
        );
        assert!(
            first.p95_ms.is_some_and(|p95| (40.0..=60.0).contains(&p95)),
            "{first:?}"
        );
        assert_eq!((points[1].requests, points[1].p95_ms), (0, None));
        assert_eq!(history.since(1).0.len(), 1);
    }

    #[test]
    fn an_hour_is_kept_and_numbers_go_on() {
        let history = History::default();
        for step in 0..KEPT as u64 + 10 {
            history.step(at(step), 0);
        }
        let (points, next) = history.since(0);
        assert_eq!((points.len(), next), (KEPT, KEPT as u64 + 10));
        assert_eq!(history.since(next - 1).0.len(), 1);
        assert_eq!(history.since(next + 5).0.len(), 0);
    }
}
