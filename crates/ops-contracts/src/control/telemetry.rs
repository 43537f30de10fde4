//! The metric families of `GET /metrics`: one table of names, types, labels and help, the closed sets of label values, and the
//! buckets by which latencies are counted everywhere: in the exposition, in the rollups and in the baseline.
//!
//! Counting is the relay's. Labels never hold a request's or a session's id: the number of series must not grow with traffic.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::words::words;

pub use crate::seam::port::SessionOutcome;

/// What a family is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows while a relay runs.
    Counter,
    /// Counts by upper bound, with sum and count.
    Histogram,
    /// It goes up and down.
    Gauge,
}

impl MetricKind {
    /// The name in an exposition.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Histogram => "histogram",
            Self::Gauge => "gauge",
        }
    }
}

/// One metric family.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: MetricKind,
    /// What is counted or measured.
    pub unit: &'static str,
    /// Its labels, in the order of the exposition.
    pub labels: &'static [&'static str],
    /// Its help text.
    pub help: &'static str,
    /// Over which windows it is looked at, and where its reference comes from.
    pub windows: &'static str,
}

/// Requests by what came of them.
pub const REQUESTS: Family = Family {
    name: "ops_requests_total",
    kind: MetricKind::Counter,
    unit: "requests",
    labels: &[
        "command",
        "route",
        "adapter",
        "mode",
        "outcome",
        "error_code",
    ],
    help: "Requests by command, route, adapter, mode, outcome and error code.",
    windows: "2h, 7d, 14d and 30d, for error rates",
};

/// How long requests took.
pub const LATENCY: Family = Family {
    name: "ops_request_latency_ms",
    kind: MetricKind::Histogram,
    unit: "milliseconds",
    labels: &["command", "route", "adapter", "mode"],
    help: "Time from a request's arrival at the relay to its answer, in milliseconds.",
    windows: "p95 over 2h, 7d, 14d and 30d, beside cdp_baseline_latency_ms_p95",
};

/// Sessions that have ended.
pub const SESSIONS: Family = Family {
    name: "ops_sessions_total",
    kind: MetricKind::Counter,
    unit: "sessions",
    labels: &["route", "adapter", "mode", "outcome"],
    help: "Sessions that have ended, by how they ended.",
    windows: "14d and 30d, for the rate of sessions without a crash",
};

/// Incidents that were recorded.
pub const INCIDENTS: Family = Family {
    name: "ops_incidents_total",
    kind: MetricKind::Counter,
    unit: "incidents",
    labels: &["severity", "route", "source"],
    help: "Incidents that were recorded, by severity, route and source.",
    windows: "7d, 14d and 30d, for the gates on P0 and P1",
};

/// The latency of the raw protocol sequences that commands stand for.
pub const BASELINE: Family = Family {
    name: "cdp_baseline_latency_ms_p95",
    kind: MetricKind::Gauge,
    unit: "milliseconds",
    labels: &["command", "mode", "baseline_ref"],
    help: "95th percentile of the raw protocol sequence of a command, in milliseconds; NaN until a baseline is measured.",
    windows: "frozen when a phase starts; measured by cargo xtask bench --baseline",
};

/// Bytes of the artifacts on disk.
pub const DISK_USAGE: Family = Family {
    name: "ops_artifacts_disk_usage_bytes",
    kind: MetricKind::Gauge,
    unit: "bytes",
    labels: &["artifact_set", "path"],
    help: "Bytes that a set of artifacts takes on disk.",
    windows: "alert above 2147483648 (ops-health) or 5368709120 (ops-gates) for 15m",
};

/// How full the artifacts' volume is.
pub const VOLUME_USAGE: Family = Family {
    name: "ops_artifacts_volume_usage_ratio",
    kind: MetricKind::Gauge,
    unit: "ratio",
    labels: &["artifact_set", "mount"],
    help: "Used part of the volume that holds a set of artifacts, from 0 to 1.",
    windows: "alert above 0.80 for 15m",
};

/// Confirmed bypasses of authentication or ownership; incidents of other kinds do not count here.
pub const BYPASSES: Family = Family {
    name: "ops_bypass_confirmed_total",
    kind: MetricKind::Counter,
    unit: "incidents",
    labels: &["route", "kind"],
    help: "Recorded incidents that are a confirmed bypass of authentication or of a lease, by route and kind.",
    windows: "alert on any within 5m",
};

/// Circuits of sessions by state, from the health store.
pub const CIRCUITS: Family = Family {
    name: "ops_adapter_circuits",
    kind: MetricKind::Gauge,
    unit: "sessions",
    labels: &["adapter", "mode", "state"],
    help: "Sessions whose health the store keeps and that are not closed, by the state of their circuit.",
    windows: "now; it is served also when every adapter has failed",
};

/// Sessions of which nothing was heard for thirty seconds, from the health store.
pub const STALE_SESSIONS: Family = Family {
    name: "ops_adapter_health_stale_sessions",
    kind: MetricKind::Gauge,
    unit: "sessions",
    labels: &["adapter", "mode"],
    help: "Sessions that are not closed and whose last health snapshot is older than 30 seconds.",
    windows: "now",
};

/// Sessions that are there.
pub const ACTIVE_SESSIONS: Family = Family {
    name: "ops_active_sessions",
    kind: MetricKind::Gauge,
    unit: "sessions",
    labels: &["route", "state"],
    help: "Sessions that are open now, by route and state: active, or lost until the next command gives them a browser.",
    windows: "now",
};

/// Browsers that run.
pub const BROWSERS: Family = Family {
    name: "ops_browsers",
    kind: MetricKind::Gauge,
    unit: "browsers",
    labels: &["adapter", "mode", "state"],
    help: "Browsers that run now, by adapter, mode and whether they answer: responsive or silent.",
    windows: "now",
};

/// Commands that wait.
pub const QUEUED: Family = Family {
    name: "ops_queued_commands",
    kind: MetricKind::Gauge,
    unit: "commands",
    labels: &["route"],
    help: "Page commands that wait for an earlier one of their session.",
    windows: "now",
};

/// What runs.
pub const BUILD_INFO: Family = Family {
    name: "ops_build_info",
    kind: MetricKind::Gauge,
    unit: "1",
    labels: &["version", "contract_version", "limits_profile"],
    help: "Always 1; the labels say which relay runs, which contract it speaks and which limits profile is in force.",
    windows: "now",
};

/// Refusals by the gate that refused.
pub const REFUSALS: Family = Family {
    name: "ops_gate_refusals_total",
    kind: MetricKind::Counter,
    unit: "requests",
    labels: &["gate", "error_code"],
    help: "Requests and messages that a gate of the relay refused, by gate and code.",
    windows: "rate over 5m",
};

/// Every family: those of the plan, then ours.
pub const FAMILIES: &[Family] = &[
    REQUESTS,
    LATENCY,
    SESSIONS,
    INCIDENTS,
    BASELINE,
    DISK_USAGE,
    VOLUME_USAGE,
    BYPASSES,
    CIRCUITS,
    STALE_SESSIONS,
    ACTIVE_SESSIONS,
    BROWSERS,
    QUEUED,
    BUILD_INFO,
    REFUSALS,
];

/// How many bounds the latency buckets have; one more bucket holds what is above the last.
pub const LATENCY_BOUNDS: usize = 22;

/// Upper bounds of the latency buckets in milliseconds, inclusive. Close enough together that a ratio of 1.1 shows.
pub const LATENCY_BOUNDS_MS: [f64; LATENCY_BOUNDS] = [
    0.5, 1.0, 2.0, 3.0, 5.0, 7.5, 10.0, 15.0, 20.0, 30.0, 50.0, 75.0, 100.0, 150.0, 250.0, 500.0,
    1_000.0, 2_500.0, 5_000.0, 10_000.0, 30_000.0, 60_000.0,
];

/// The value of the `command` label for what no registry knows.
pub const OTHER_COMMAND: &str = "other";

/// The value of a label where nothing applies.
pub const NONE: &str = "none";

words! {
    /// The lane that a request, a session or an incident belongs to.
    RouteLabel "route" "ops, cdp" {
        Ops "ops" "The contract, `/ops`.";
        Cdp "cdp" "The legacy lane, `/cdp`.";
    }

    /// A gate of the relay, in the order in which a request meets them.
    GateLabel "gate" "host, origin, auth, pairing, admin, route, version, payload, rate, policy or lease" {
        Host "host" "The `Host` header is the relay's own.";
        Origin "origin" "No web page sent it, unless it is the relay's own or an allowed extension.";
        Auth "auth" "It carries the relay token, or a login.";
        Pairing "pairing" "Its client is paired, where clients must be.";
        Admin "admin" "It carries the admin token, where one is needed.";
        Route "route" "Routing sends its client to this lane.";
        Version "version" "Its client's versions are within the windows.";
        Payload "payload" "It is small enough.";
        Rate "rate" "Its sender is within its rate.";
        Policy "policy" "The command policy allows it.";
        Lease "lease" "Its sender holds the lease.";
    }

    /// A set of artifacts on disk.
    ArtifactSet "artifact set" "ops-health, ops-gates" {
        OpsHealth "ops-health" "The journal of adapter health.";
        OpsGates "ops-gates" "Gate artifacts.";
    }
}

/// How many requests fell into each latency bucket; the last one holds what is above every bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct LatencyCounts(pub [u64; LATENCY_BOUNDS + 1]);

impl Default for LatencyCounts {
    fn default() -> Self {
        Self([0; LATENCY_BOUNDS + 1])
    }
}

impl LatencyCounts {
    /// Counts one request that took `millis`.
    pub fn record(&mut self, millis: f64) {
        self.0[bucket(millis)] += 1;
    }

    /// Adds what another has counted.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.0.iter_mut().zip(&other.0) {
            *mine = mine.saturating_add(*theirs);
        }
    }

    /// How many there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The 95th percentile in milliseconds, straight between the bounds of its bucket as Prometheus' `histogram_quantile` takes it; `None`
    /// of nothing. What is above the last bound counts as that bound.
    #[must_use]
    pub fn p95(&self) -> Option<f64> {
        quantile(&self.0.map(to_f64), 0.95)
    }
}

/// The quantile of weights by latency bucket; `None` where there is no weight. Weights need not be whole: mixtures have parts.
#[must_use]
pub fn quantile(weights: &[f64; LATENCY_BOUNDS + 1], q: f64) -> Option<f64> {
    let total: f64 = weights.iter().sum();
    if total <= 0.0 || !total.is_finite() {
        return None;
    }
    let rank = q * total;
    let mut below = 0.0;
    for (at, weight) in weights.iter().enumerate() {
        if below + weight >= rank && *weight > 0.0 {
            let Some(&upper) = LATENCY_BOUNDS_MS.get(at) else {
                break;
            };
            let lower = if at == 0 {
                0.0
            } else {
                LATENCY_BOUNDS_MS[at - 1]
            };
            return Some(lower + (upper - lower) * ((rank - below) / weight));
        }
        below += weight;
    }
    Some(LATENCY_BOUNDS_MS[LATENCY_BOUNDS - 1])
}

/// The bucket of a latency.
#[must_use]
pub fn bucket(millis: f64) -> usize {
    LATENCY_BOUNDS_MS
        .iter()
        .position(|bound| millis <= *bound)
        .unwrap_or(LATENCY_BOUNDS)
}

/// A count as a number to reckon with; exact up to 2^53.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "no relay answers 2^53 requests in a month"
)]
pub fn to_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_are_the_plans_with_its_labels() {
        let table: Vec<(&str, &str, String)> = FAMILIES
            .iter()
            .map(|family| (family.name, family.kind.as_str(), family.labels.join(" ")))
            .collect();
        let expected = [
            (
                "ops_requests_total",
                "counter",
                "command route adapter mode outcome error_code",
            ),
            (
                "ops_request_latency_ms",
                "histogram",
                "command route adapter mode",
            ),
            (
                "ops_sessions_total",
                "counter",
                "route adapter mode outcome",
            ),
            ("ops_incidents_total", "counter", "severity route source"),
            (
                "cdp_baseline_latency_ms_p95",
                "gauge",
                "command mode baseline_ref",
            ),
            (
                "ops_artifacts_disk_usage_bytes",
                "gauge",
                "artifact_set path",
            ),
            (
                "ops_artifacts_volume_usage_ratio",
                "gauge",
                "artifact_set mount",
            ),
        ];
        assert_eq!(
            table[..expected.len()],
            expected.map(|(name, kind, labels)| (name, kind, labels.to_owned()))
        );
        assert!(
            FAMILIES
                .iter()
                .all(|family| !family.labels.iter().any(|label| label.ends_with("_id")))
        );
    }

    #[track_caller]
    fn check_p95(latencies: &[f64], expected: Option<f64>) {
        let mut counts = LatencyCounts::default();
        for latency in latencies {
            counts.record(*latency);
        }
        assert_eq!(counts.p95(), expected, "{latencies:?}");
    }

    #[test]
    fn p95_lies_within_its_bucket() {
        check_p95(&[], None);
        check_p95(&[0.1; 100], Some(0.475));
        check_p95(&[1.0; 20], Some(0.5 + 0.5 * 0.95));
        check_p95(&[100_000.0], Some(60_000.0));
        // 90 below a millisecond and 10 of four: the 95th is in the middle of the bucket from 3 to 5.
        let mixed: Vec<f64> = std::iter::repeat_n(0.9, 90)
            .chain(std::iter::repeat_n(4.0, 10))
            .collect();
        check_p95(&mixed, Some(4.0));
        check_p95(&[f64::NAN], Some(60_000.0));
    }

    #[test]
    fn bounds_are_inclusive_and_grow() {
        assert!(LATENCY_BOUNDS_MS.is_sorted());
        assert_eq!(
            (
                bucket(0.0),
                bucket(0.5),
                bucket(0.500_1),
                bucket(60_000.0),
                bucket(60_000.1)
            ),
            (0, 0, 1, 21, 22)
        );
    }
}
