use ops_contracts::wire::capability::AdapterKind;
use ops_contracts::wire::command::session::SessionMode;

use super::*;

const LABELS: Labels = Labels {
    adapter: AdapterKind::Cdp,
    mode: SessionMode::Managed,
};

fn metrics() -> Metrics {
    let build = Build {
        version: "0.2.0",
        limits_profile: "strict",
    };
    Metrics::new(LABELS, build, None).unwrap()
}

#[track_caller]
fn has(text: &str, series: &str) {
    assert!(text.lines().any(|line| line == series), "{series}\n{text}");
}

/// The label names of every series of a family, without the histogram's own.
fn label_sets(text: &str, family: &str) -> Vec<Vec<String>> {
    let samples = text
        .lines()
        .filter(|line| !line.starts_with('#') && line.starts_with(family));
    let sets = samples.map(|line| {
        let inside = line
            .split_once('{')
            .and_then(|(_, rest)| rest.rsplit_once('}'))
            .map_or("", |(inside, _)| inside);
        inside
            .split(',')
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, _)| name.to_owned())
            .filter(|name| name != "le")
            .collect()
    });
    sets.collect()
}

#[test]
fn every_family_has_its_help_type_and_exactly_its_labels_from_the_start() {
    let text = metrics().render(Format::Text);
    for family in FAMILIES {
        has(&text, &format!("# HELP {} {}", family.name, family.help));
        has(
            &text,
            &format!("# TYPE {} {}", family.name, family.kind.as_str()),
        );
        let sets = label_sets(&text, family.name);
        assert!(!sets.is_empty(), "{}\n{text}", family.name);
        for set in sets {
            assert_eq!(set, family.labels, "{}", family.name);
        }
    }
    has(
        &text,
        r#"ops_requests_total{command="other",route="cdp",adapter="cdp",mode="managed",outcome="success",error_code="none"} 0"#,
    );
    has(
        &text,
        r#"cdp_baseline_latency_ms_p95{command="other",mode="managed",baseline_ref="none"} NaN"#,
    );
    has(
        &text,
        r#"ops_sessions_total{route="ops",adapter="cdp",mode="managed",outcome="crashed"} 0"#,
    );
    has(
        &text,
        r#"ops_incidents_total{severity="P0",route="ops",source="operator"} 0"#,
    );
    has(
        &text,
        r#"ops_build_info{version="0.2.0",contract_version="1.1.0",limits_profile="strict"} 1"#,
    );
}

fn incident(kind: IncidentKind, confirmed: bool) -> NewIncident {
    NewIncident {
        severity: Severity::P0,
        route: RouteLabel::Ops,
        source: IncidentSource::Operator,
        kind,
        confirmed,
        summary: "something happened".to_owned(),
    }
}

#[test]
fn only_a_confirmed_bypass_counts_as_one_whatever_its_severity() {
    let metrics = metrics();
    metrics.incident_recorded(&incident(IncidentKind::Availability, true));
    metrics.incident_recorded(&incident(IncidentKind::LeaseBypass, false));
    let text = metrics.render(Format::Text);
    has(
        &text,
        r#"ops_bypass_confirmed_total{route="ops",kind="lease-bypass"} 0"#,
    );
    has(
        &text,
        r#"ops_incidents_total{severity="P0",route="ops",source="operator"} 2"#,
    );
    metrics.incident_recorded(&incident(IncidentKind::LeaseBypass, true));
    has(
        &metrics.render(Format::Text),
        r#"ops_bypass_confirmed_total{route="ops",kind="lease-bypass"} 1"#,
    );
}

#[test]
fn what_is_gone_reads_zero_and_not_its_last_count() {
    let metrics = metrics();
    let runtime = RuntimeSummary {
        sessions: 3,
        lost_sessions: 1,
        queued_commands: 4,
        ..RuntimeSummary::default()
    };
    metrics.live(&Live {
        runtime,
        cdp_sessions: 2,
        ..Live::default()
    });
    let text = metrics.render(Format::Text);
    has(
        &text,
        r#"ops_active_sessions{route="ops",state="active"} 2"#,
    );
    has(&text, r#"ops_active_sessions{route="ops",state="lost"} 1"#);
    has(
        &text,
        r#"ops_active_sessions{route="cdp",state="active"} 2"#,
    );
    has(&text, r#"ops_queued_commands{route="ops"} 4"#);
    metrics.live(&Live::default());
    let text = metrics.render(Format::Text);
    has(
        &text,
        r#"ops_active_sessions{route="ops",state="active"} 0"#,
    );
    has(&text, r#"ops_queued_commands{route="ops"} 0"#);
}

#[test]
fn requests_are_counted_by_outcome() {
    let metrics = metrics();
    let series = Series::ops(Some(CommandName::DomEval), Some(metrics.served(None)));
    metrics.record(series, None, 0.7);
    metrics.record(series, None, 3.0);
    metrics.record(
        Series::ops(None, None),
        Some(ErrorCode::RelayRateLimited),
        0.1,
    );
    metrics.record(
        Series::of(RouteLabel::Cdp, "Page.navigate", None),
        None,
        20.0,
    );
    metrics.session_ended(
        RouteLabel::Ops,
        metrics.served(None),
        SessionOutcome::Crashed,
    );
    let text = metrics.render(Format::Text);
    has(
        &text,
        r#"ops_requests_total{command="dom.eval",route="ops",adapter="cdp",mode="managed",outcome="success",error_code="none"} 2"#,
    );
    has(
        &text,
        r#"ops_requests_total{command="other",route="ops",adapter="none",mode="none",outcome="error",error_code="relay_rate_limited"} 1"#,
    );
    has(
        &text,
        r#"ops_request_latency_ms_bucket{command="dom.eval",route="ops",adapter="cdp",mode="managed",le="1"} 1"#,
    );
    has(
        &text,
        r#"ops_request_latency_ms_bucket{command="dom.eval",route="ops",adapter="cdp",mode="managed",le="3"} 2"#,
    );
    has(
        &text,
        r#"ops_request_latency_ms_count{command="Page.navigate",route="cdp",adapter="none",mode="none"} 1"#,
    );
    has(
        &text,
        r#"ops_sessions_total{route="ops",adapter="cdp",mode="managed",outcome="crashed"} 1"#,
    );
}

#[test]
fn every_bound_of_the_contract_is_a_bucket() {
    let text = metrics().render(Format::Text);
    let of = r#"ops_request_latency_ms_bucket{command="other",route="ops",adapter="cdp",mode="managed",le=""#;
    let bounds: Vec<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix(of)?.split_once('"'))
        .map(|(bound, _)| bound)
        .collect();
    let expected: Vec<String> = LATENCY_BOUNDS_MS
        .iter()
        .map(f64::to_string)
        .chain(["+Inf".to_owned()])
        .collect();
    assert_eq!(bounds, expected);
}
