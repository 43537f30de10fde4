//! Counters and latency histograms of one relay, and their exposition. Every relay has a recorder of its own.
//!
//! Labels never hold a request or session id: their number must not grow with traffic.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{PoisonError, RwLock};

use metrics::{Counter, Histogram, Key, KeyName, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use ops_contracts::ErrorCode;
use ops_contracts::command::CommandName;

use crate::config::Labels;

const REQUESTS: &str = "ops_requests_total";
const LATENCY: &str = "ops_request_latency_ms";

/// Upper bounds in milliseconds. The exporter's summaries, which it makes of histograms without buckets, give wrong quantiles.
const BUCKETS_MS: &[f64] =
    &[0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 5_000.0, 10_000.0, 30_000.0, 60_000.0];

static METADATA: Metadata<'static> = Metadata::new("ops", Level::INFO, Some(module_path!()));

/// What a request is counted under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Series {
    /// The command; unknown names are counted together, as `other`.
    pub(crate) command: Option<CommandName>,
    /// Whether the request reached the runtime: one that did not has no adapter.
    pub(crate) reached: bool,
}

/// The metrics of one relay.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    labels: Labels,
    requests: RwLock<HashMap<(Series, Option<ErrorCode>), Counter>>,
    latencies: RwLock<HashMap<Series, Histogram>>,
    legacy_requests: RwLock<HashMap<(&'static str, Option<ErrorCode>), Counter>>,
    legacy_latencies: RwLock<HashMap<&'static str, Histogram>>,
}

/// The route label of the legacy lane.
const LEGACY: &str = "legacy-cdp";

impl Metrics {
    pub(crate) fn new(labels: Labels) -> Result<Self, BuildError> {
        let recorder = PrometheusBuilder::new().set_buckets(BUCKETS_MS)?.build_recorder();
        recorder.describe_counter(KeyName::from_const_str(REQUESTS), None, "Requests on /ops by command and outcome".into());
        let help = "Time from a request's arrival at the relay to its answer, in milliseconds";
        recorder.describe_histogram(KeyName::from_const_str(LATENCY), Some(Unit::Milliseconds), help.into());
        let metrics = Self {
            handle: recorder.handle(),
            recorder,
            labels,
            requests: RwLock::default(),
            latencies: RwLock::default(),
            legacy_requests: RwLock::default(),
            legacy_latencies: RwLock::default(),
        };
        metrics.register_zero_series();
        Ok(metrics)
    }

    /// Families without a series would be missing from a scrape before the first request.
    fn register_zero_series(&self) {
        let none = Series { command: None, reached: true };
        let _ = cached(&self.requests, (none, None), || self.new_counter(none, None));
        let _ = cached(&self.latencies, none, || self.new_histogram(none));
        let _ = cached(&self.legacy_requests, ("other", None), || self.new_legacy_counter("other", None));
        let _ = cached(&self.legacy_latencies, "other", || self.new_legacy_histogram("other"));
    }

    /// Counts a protocol command of the legacy lane. `method` comes from a table: labels must not grow with what clients send.
    pub(crate) fn record_legacy(&self, method: &'static str, code: Option<ErrorCode>, total_ms: f64) {
        cached(&self.legacy_requests, (method, code), || self.new_legacy_counter(method, code)).increment(1);
        cached(&self.legacy_latencies, method, || self.new_legacy_histogram(method)).record(total_ms);
    }

    fn new_legacy_counter(&self, method: &'static str, code: Option<ErrorCode>) -> Counter {
        let mut labels = self.legacy_labels(method);
        labels.push(Label::from_static_parts("outcome", if code.is_some() { "error" } else { "success" }));
        labels.push(Label::from_static_parts("error_code", code.map_or("none", ErrorCode::as_str)));
        self.recorder.register_counter(&Key::from_parts(REQUESTS, labels), &METADATA)
    }

    fn new_legacy_histogram(&self, method: &'static str) -> Histogram {
        self.recorder.register_histogram(&Key::from_parts(LATENCY, self.legacy_labels(method)), &METADATA)
    }

    fn legacy_labels(&self, method: &'static str) -> Vec<Label> {
        vec![
            Label::from_static_parts("command", method),
            Label::from_static_parts("route", LEGACY),
            Label::new("adapter", self.labels.adapter.clone()),
            Label::new("mode", self.labels.mode.clone()),
        ]
    }

    /// Counts a request that ended with `code`, or succeeded without one. Allocates for the first of its series alone.
    pub(crate) fn record(&self, series: Series, code: Option<ErrorCode>, total_ms: f64) {
        cached(&self.requests, (series, code), || self.new_counter(series, code)).increment(1);
        cached(&self.latencies, series, || self.new_histogram(series)).record(total_ms);
    }

    /// Moves samples into the histograms; to be called every few seconds, or they pile up.
    pub(crate) fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    /// The exposition in Prometheus' text format 0.0.4.
    pub(crate) fn render(&self) -> String {
        self.handle.render()
    }

    fn new_counter(&self, series: Series, code: Option<ErrorCode>) -> Counter {
        let mut labels = self.series_labels(series);
        labels.push(Label::from_static_parts("outcome", if code.is_some() { "error" } else { "success" }));
        labels.push(Label::from_static_parts("error_code", code.map_or("none", ErrorCode::as_str)));
        self.recorder.register_counter(&Key::from_parts(REQUESTS, labels), &METADATA)
    }

    fn new_histogram(&self, series: Series) -> Histogram {
        self.recorder.register_histogram(&Key::from_parts(LATENCY, self.series_labels(series)), &METADATA)
    }

    fn series_labels(&self, series: Series) -> Vec<Label> {
        let (adapter, mode) = if series.reached {
            (self.labels.adapter.clone(), self.labels.mode.clone())
        } else {
            ("none".to_owned(), "none".to_owned())
        };
        vec![
            Label::from_static_parts("command", series.command.map_or("other", CommandName::as_str)),
            Label::from_static_parts("route", "ops"),
            Label::new("adapter", adapter),
            Label::new("mode", mode),
        ]
    }
}

fn cached<K: Copy + Eq + Hash, V: Clone>(cache: &RwLock<HashMap<K, V>>, key: K, make: impl FnOnce() -> V) -> V {
    if let Some(known) = cache.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return known.clone();
    }
    cache.write().unwrap_or_else(PoisonError::into_inner).entry(key).or_insert_with(make).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics {
        Metrics::new(Labels { adapter: "cdp".to_owned(), mode: "managed".to_owned() }).unwrap()
    }

    #[test]
    fn both_families_are_there_before_the_first_request() {
        let text = metrics().render();
        let series =
            r#"ops_requests_total{command="other",route="ops",adapter="cdp",mode="managed",outcome="success",error_code="none"} 0"#;
        assert!(text.lines().any(|line| line == series), "{text}");
        assert!(
            text.contains(r#"ops_request_latency_ms_bucket{command="other",route="ops",adapter="cdp",mode="managed",le="0.5"} 0"#),
            "{text}"
        );
        assert!(text.contains("# TYPE ops_request_latency_ms histogram"), "{text}");
        assert!(text.contains("# HELP ops_requests_total"), "{text}");
    }

    #[test]
    fn requests_are_counted_by_outcome() {
        let metrics = metrics();
        let series = Series { command: Some(CommandName::DomEval), reached: true };
        metrics.record(series, None, 0.7);
        metrics.record(series, None, 3.0);
        metrics.record(Series { reached: false, ..series }, Some(ErrorCode::RelayRateLimited), 0.1);
        let text = metrics.render();
        assert!(
            text.contains(r#"command="dom.eval",route="ops",adapter="cdp",mode="managed",outcome="success",error_code="none"} 2"#),
            "{text}"
        );
        assert!(text.contains(r#"adapter="none",mode="none",outcome="error",error_code="relay_rate_limited"} 1"#), "{text}");
        assert!(
            text.contains(r#"ops_request_latency_ms_bucket{command="dom.eval",route="ops",adapter="cdp",mode="managed",le="1"} 1"#),
            "{text}"
        );
    }
}
