//! The metrics of one relay: the contract's families, counted, and their exposition. Every relay has a recorder of its own.
//!
//! Labels are words of closed sets, so that the number of series does not grow with traffic. What is told here is what happened at
//! this relay: judging it is the scorecard's.

mod exposition;

use std::collections::HashMap;
use std::hash::Hash;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{
    BuildError, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};
use ops_contracts::ErrorCode;
use ops_contracts::control::alert::counts_as_fault;
use ops_contracts::control::health::{AdapterSessionHealth, CircuitState};
use ops_contracts::control::incident::{IncidentKind, IncidentSource, NewIncident, Severity};
use ops_contracts::control::ledger::{ArtifactUsage, RequestSample};
use ops_contracts::control::scorecard::Baseline;
use ops_contracts::control::telemetry::{
    ACTIVE_SESSIONS, ArtifactSet, BASELINE, BROWSERS, BUILD_INFO, BYPASSES, CIRCUITS, DISK_USAGE,
    FAMILIES, GateLabel, INCIDENTS, LATENCY, LATENCY_BOUNDS_MS, MetricKind, NONE, OTHER_COMMAND,
    QUEUED, REFUSALS, REQUESTS, RouteLabel, SESSIONS, STALE_SESSIONS, SessionOutcome, VOLUME_USAGE,
    to_f64,
};
use ops_contracts::seam::port::{RuntimeSummary, Served};
use ops_contracts::wire::capability::AdapterKind;
use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::version::OPS_CONTRACT_VERSION;
use parking_lot::RwLock;

use crate::config::Labels;
pub(crate) use exposition::Format;

static METADATA: Metadata<'static> = Metadata::new("ops", Level::INFO, Some(module_path!()));

/// What a request is counted under, its outcome aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Series {
    pub(crate) route: RouteLabel,
    /// A command's name, or a protocol method of a closed list; `other` for what is neither.
    pub(crate) command: &'static str,
    /// What served it; the words are those of the labels.
    adapter: &'static str,
    mode: &'static str,
}

impl Series {
    /// A request on `/ops`. One that did not reach the runtime has no adapter.
    pub(crate) fn ops(command: Option<CommandName>, served: Option<Served>) -> Self {
        Self::of(
            RouteLabel::Ops,
            command.map_or(OTHER_COMMAND, CommandName::as_str),
            served,
        )
    }

    pub(crate) fn of(route: RouteLabel, command: &'static str, served: Option<Served>) -> Self {
        let (adapter, mode) = served.map_or((NONE, NONE), |served| {
            (served.adapter.as_str(), served.mode.as_str())
        });
        Self {
            route,
            command,
            adapter,
            mode,
        }
    }

    /// Whether the request was served: what the edge refused is neither a success nor a fault of the control plane.
    pub(crate) fn is_served(&self) -> bool {
        self.adapter != NONE
    }

    /// The same for the ledger.
    pub(crate) fn sample(&self, code: Option<ErrorCode>, total_ms: f64) -> RequestSample {
        let Self {
            route,
            command,
            adapter,
            mode,
        } = *self;
        RequestSample {
            route,
            command,
            adapter,
            mode,
            fault: code.is_some_and(counts_as_fault),
            total_ms,
        }
    }

    fn labels(&self) -> Vec<Label> {
        vec![
            Label::from_static_parts("command", self.command),
            Label::from_static_parts("route", self.route.as_str()),
            Label::from_static_parts("adapter", self.adapter),
            Label::from_static_parts("mode", self.mode),
        ]
    }
}

/// Which relay runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Build<'a> {
    pub(crate) version: &'a str,
    pub(crate) limits_profile: &'a str,
}

/// What is there now, as the health store and the runtime know it; both answer whatever state the browsers are in.
#[derive(Debug, Default)]
pub(crate) struct Live {
    /// Every session whose health is kept.
    pub(crate) health: Vec<AdapterSessionHealth>,
    /// The runtime in figures.
    pub(crate) runtime: RuntimeSummary,
    /// Sessions on `/cdp`.
    pub(crate) cdp_sessions: u32,
}

type Cache<K, V> = RwLock<HashMap<K, V>>;

/// The metrics of one relay.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    /// What serves a request that reached the runtime and no session.
    default: Served,
    requests: Cache<(Series, Option<ErrorCode>), Counter>,
    latencies: Cache<Series, Histogram>,
    refusals: Cache<(GateLabel, ErrorCode), Counter>,
}

impl Metrics {
    pub(crate) fn new(
        labels: Labels,
        build: Build<'_>,
        baseline: Option<&Baseline>,
    ) -> Result<Self, BuildError> {
        // The exporter's summaries, which it makes of histograms without buckets, give wrong quantiles.
        let recorder = PrometheusBuilder::new()
            .set_buckets(&LATENCY_BOUNDS_MS)?
            .build_recorder();
        for family in FAMILIES {
            let (name, help) = (KeyName::from_const_str(family.name), family.help.into());
            match family.kind {
                MetricKind::Counter => recorder.describe_counter(name, None, help),
                MetricKind::Histogram => {
                    recorder.describe_histogram(name, Some(Unit::Milliseconds), help)
                }
                MetricKind::Gauge => recorder.describe_gauge(name, None, help),
            }
        }
        let default = Served {
            adapter: labels.adapter,
            mode: labels.mode,
        };
        let metrics = Self {
            handle: recorder.handle(),
            recorder,
            default,
            requests: Cache::default(),
            latencies: Cache::default(),
            refusals: Cache::default(),
        };
        metrics.register_zero_series();
        metrics.build_info(build);
        metrics.baseline(baseline);
        Ok(metrics)
    }

    /// Families without a series would be missing from a scrape before the first request.
    fn register_zero_series(&self) {
        for route in RouteLabel::ALL {
            let none = Series::of(*route, OTHER_COMMAND, Some(self.default));
            let _ = cached(&self.requests, (none, None), || {
                self.request_counter(none, None)
            });
            let _ = cached(&self.latencies, none, || self.latency_histogram(none));
            for outcome in SessionOutcome::ALL {
                self.session_counter(*route, self.default, *outcome)
                    .increment(0);
            }
            for severity in Severity::ALL {
                self.incident_counter(*severity, *route, IncidentSource::Operator)
                    .increment(0);
            }
            for kind in IncidentKind::ALL.iter().filter(|kind| kind.is_bypass()) {
                self.bypass_counter(*route, *kind).increment(0);
            }
        }
        for gate in GateLabel::ALL {
            self.refusal_counter(*gate, NONE).increment(0);
        }
        self.live(&Live::default());
        for set in ArtifactSet::ALL {
            self.gauge(
                DISK_USAGE.name,
                [("artifact_set", set.as_str()), ("path", NONE)],
            )
            .set(0.0);
            self.gauge(
                VOLUME_USAGE.name,
                [("artifact_set", set.as_str()), ("mount", NONE)],
            )
            .set(0.0);
        }
    }

    /// The baseline by command; not a number while there is none.
    fn baseline(&self, baseline: Option<&Baseline>) {
        let set = |command, mode, reference, value| {
            self.gauge(
                BASELINE.name,
                [
                    ("command", command),
                    ("mode", mode),
                    ("baseline_ref", reference),
                ],
            )
            .set(value);
        };
        let Some(baseline) = baseline else {
            return set(OTHER_COMMAND, self.default.mode.as_str(), NONE, f64::NAN);
        };
        for row in &baseline.commands {
            set(
                &row.command,
                &row.mode,
                &baseline.baseline_ref,
                row.latency.p95().unwrap_or(f64::NAN),
            );
        }
    }

    /// What was measured of the disk.
    pub(crate) fn disk(&self, usage: &[ArtifactUsage]) {
        for set in usage {
            let name = set.artifact_set.as_str();
            self.gauge(
                DISK_USAGE.name,
                [("artifact_set", name), ("path", &set.path)],
            )
            .set(to_f64(set.bytes));
            self.gauge(
                VOLUME_USAGE.name,
                [("artifact_set", name), ("mount", &set.mount)],
            )
            .set(set.used_ratio);
        }
    }

    /// Counts an incident that was recorded.
    pub(crate) fn incident_recorded(&self, told: &NewIncident) {
        self.incident_counter(told.severity, told.route, told.source)
            .increment(1);
        if told.confirmed && told.kind.is_bypass() {
            self.bypass_counter(told.route, told.kind).increment(1);
        }
    }

    fn build_info(&self, build: Build<'_>) {
        let labels = [
            ("version", build.version),
            ("contract_version", OPS_CONTRACT_VERSION),
            ("limits_profile", build.limits_profile),
        ];
        self.gauge(BUILD_INFO.name, labels).set(1.0);
    }

    /// Brings the gauges of what is there now up to date. Every value of the closed label sets is set, so that what is gone
    /// reads zero and not its last count.
    pub(crate) fn live(&self, live: &Live) {
        for adapter in &AdapterKind::ALL {
            let of_adapter = || {
                live.health
                    .iter()
                    .filter(|known| known.adapter == *adapter && known.closed_at.is_none())
            };
            let place = [
                ("adapter", adapter.as_str()),
                ("mode", self.default.mode.as_str()),
            ];
            for state in CircuitState::ALL {
                let circuits = of_adapter().filter(|known| known.adapter_circuit_state == *state);
                self.count(
                    CIRCUITS.name,
                    [place[0], place[1], ("state", state.as_str())],
                    circuits.count(),
                );
            }
            let stale = of_adapter().filter(|known| known.adapter_health_stale);
            self.count(STALE_SESSIONS.name, place, stale.count());
            for (responsive, state) in [(true, "responsive"), (false, "silent")] {
                let browsers = live.runtime.browsers.iter().filter(|browser| {
                    browser.served.adapter == *adapter && browser.responsive == responsive
                });
                self.count(
                    BROWSERS.name,
                    [place[0], place[1], ("state", state)],
                    browsers.count(),
                );
            }
        }
        let (ops, cdp) = (RouteLabel::Ops.as_str(), RouteLabel::Cdp.as_str());
        let lost = live.runtime.lost_sessions;
        for (route, state, sessions) in [
            (ops, "active", live.runtime.sessions.saturating_sub(lost)),
            (ops, "lost", lost),
            (cdp, "active", live.cdp_sessions),
        ] {
            self.count(
                ACTIVE_SESSIONS.name,
                [("route", route), ("state", state)],
                sessions as usize,
            );
        }
        self.count(
            QUEUED.name,
            [("route", ops)],
            live.runtime.queued_commands as usize,
        );
    }

    fn count<const N: usize>(
        &self,
        name: &'static str,
        labels: [(&'static str, &str); N],
        count: usize,
    ) {
        self.gauge(name, labels).set(to_f64(count as u64));
    }

    /// What serves a request of which nothing better is known.
    pub(crate) fn served(&self, known: Option<Served>) -> Served {
        known.unwrap_or(self.default)
    }

    /// Counts a request that ended with `code`, or succeeded without one. Allocates for the first of its series alone.
    pub(crate) fn record(&self, series: Series, code: Option<ErrorCode>, total_ms: f64) {
        cached(&self.requests, (series, code), || {
            self.request_counter(series, code)
        })
        .increment(1);
        cached(&self.latencies, series, || self.latency_histogram(series)).record(total_ms);
    }

    /// Counts what a gate has refused.
    pub(crate) fn refused(&self, gate: GateLabel, code: ErrorCode) {
        cached(&self.refusals, (gate, code), || {
            self.refusal_counter(gate, code.as_str())
        })
        .increment(1);
    }

    /// Counts a session that has ended.
    pub(crate) fn session_ended(&self, route: RouteLabel, served: Served, outcome: SessionOutcome) {
        self.session_counter(route, served, outcome).increment(1);
    }

    /// Moves samples into the histograms; to be called every few seconds, or they pile up.
    pub(crate) fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// The exposition.
    pub(crate) fn render(&self, format: Format) -> String {
        exposition::render(&self.handle.render(), format)
    }

    fn request_counter(&self, series: Series, code: Option<ErrorCode>) -> Counter {
        let mut labels = series.labels();
        labels.push(Label::from_static_parts(
            "outcome",
            if code.is_some() { "error" } else { "success" },
        ));
        labels.push(Label::from_static_parts(
            "error_code",
            code.map_or(NONE, ErrorCode::as_str),
        ));
        self.recorder
            .register_counter(&Key::from_parts(REQUESTS.name, labels), &METADATA)
    }

    fn refusal_counter(&self, gate: GateLabel, code: &'static str) -> Counter {
        let labels = vec![
            Label::from_static_parts("gate", gate.as_str()),
            Label::from_static_parts("error_code", code),
        ];
        self.recorder
            .register_counter(&Key::from_parts(REFUSALS.name, labels), &METADATA)
    }

    fn latency_histogram(&self, series: Series) -> Histogram {
        self.recorder
            .register_histogram(&Key::from_parts(LATENCY.name, series.labels()), &METADATA)
    }

    fn session_counter(
        &self,
        route: RouteLabel,
        served: Served,
        outcome: SessionOutcome,
    ) -> Counter {
        let labels = vec![
            Label::from_static_parts("route", route.as_str()),
            Label::from_static_parts("adapter", served.adapter.as_str()),
            Label::from_static_parts("mode", served.mode.as_str()),
            Label::from_static_parts("outcome", outcome.as_str()),
        ];
        self.recorder
            .register_counter(&Key::from_parts(SESSIONS.name, labels), &METADATA)
    }

    fn incident_counter(
        &self,
        severity: Severity,
        route: RouteLabel,
        source: IncidentSource,
    ) -> Counter {
        let labels = vec![
            Label::from_static_parts("severity", severity.as_str()),
            Label::from_static_parts("route", route.as_str()),
            Label::from_static_parts("source", source.as_str()),
        ];
        self.recorder
            .register_counter(&Key::from_parts(INCIDENTS.name, labels), &METADATA)
    }

    fn bypass_counter(&self, route: RouteLabel, kind: IncidentKind) -> Counter {
        let labels = vec![
            Label::from_static_parts("route", route.as_str()),
            Label::from_static_parts("kind", kind.as_str()),
        ];
        self.recorder
            .register_counter(&Key::from_parts(BYPASSES.name, labels), &METADATA)
    }

    fn gauge<const N: usize>(
        &self,
        name: &'static str,
        labels: [(&'static str, &str); N],
    ) -> Gauge {
        let labels: Vec<Label> = labels
            .into_iter()
            .map(|(key, value)| Label::new(key, value.to_owned()))
            .collect();
        self.recorder
            .register_gauge(&Key::from_parts(name, labels), &METADATA)
    }
}

fn cached<K: Copy + Eq + Hash, V: Clone>(
    cache: &Cache<K, V>,
    key: K,
    make: impl FnOnce() -> V,
) -> V {
    if let Some(known) = cache.read().get(&key) {
        return known.clone();
    }
    cache.write().entry(key).or_insert_with(make).clone()
}

#[cfg(test)]
mod tests;
