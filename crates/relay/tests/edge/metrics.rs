//! The exposition as those who scrape it see it: Prometheus' own tool judges it.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use ops_contracts::control::telemetry::{FAMILIES, SessionOutcome};
use ops_contracts::seam::port::Served;
use ops_contracts::wire::capability::AdapterKind;
use ops_contracts::wire::command::session::SessionMode;
use serde_json::json;

use crate::client::{Request, Response, eval, request};
use crate::service::{Running, config, start};

/// Runs `promtool` on a text.
fn promtool(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new("promtool")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is there: cargo xtask setup installs it");
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

async fn scrape(relay: &Running, accept: &str) -> Response {
    Request::new("GET", "/metrics", relay.address)
        .with("accept", accept)
        .send(relay.address)
        .await
}

/// A bit of everything: successes, failures of the runtime, refusals of the edge, a session that ended.
async fn traffic(relay: &Running) {
    let at = relay.address;
    for (id, body) in [("r1", "1"), ("r2", "panic"), ("r3", "7")] {
        Request::post(at, eval(id, body)).send(at).await;
    }
    Request::post(at, request("r4", "no.such", json!({})))
        .send(at)
        .await;
    Request::post(at, eval("r5", "1"))
        .with("x-ops-contract-version", "9.0.0")
        .send(at)
        .await;
    let served = Served {
        adapter: AdapterKind::Cdp,
        mode: SessionMode::Managed,
    };
    relay
        .script
        .observer()
        .session_ended(served, SessionOutcome::Crashed);
}

#[tokio::test]
async fn promtool_has_its_two_remarks_on_the_fixed_names_and_no_other() {
    let relay = start(config()).await;
    traffic(&relay).await;
    let text = scrape(&relay, "").await;
    assert_eq!(
        text.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let judged = promtool(&["check", "metrics"], &text.body);
    let said = String::from_utf8(judged.stderr).unwrap();
    let remarks: BTreeSet<&str> = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let allowed = [
        "cdp_baseline_latency_ms_p95 metric names should not contain abbreviated units",
        "ops_request_latency_ms metric names should not contain abbreviated units",
    ];
    assert_eq!(remarks, BTreeSet::from(allowed), "{}", text.body);
}

#[tokio::test]
async fn metrics_endpoint_emits_ops_and_cdp_families() {
    let relay = start(config()).await;
    traffic(&relay).await;
    let open = scrape(&relay, "application/openmetrics-text; version=1.0.0").await;
    assert_eq!(
        open.header("content-type"),
        Some("application/openmetrics-text; version=1.0.0; charset=utf-8")
    );
    assert!(open.body.ends_with("\n# EOF\n"), "{}", open.body);
    for family in FAMILIES {
        let name = family.name.strip_suffix("_total").unwrap_or(family.name);
        assert!(
            open.body
                .contains(&format!("# TYPE {name} {}\n", family.kind.as_str())),
            "{name}\n{}",
            open.body
        );
    }
    for series in [
        r#"ops_requests_total{command="dom.eval",route="ops",adapter="cdp",mode="managed",outcome="success",error_code="none"} 2"#,
        r#"ops_requests_total{command="other",route="cdp",adapter="cdp",mode="managed",outcome="success",error_code="none"} 0"#,
        r#"cdp_baseline_latency_ms_p95{command="other",mode="managed",baseline_ref="none"} NaN"#,
    ] {
        assert!(
            open.body.lines().any(|line| line == series),
            "{series}\n{}",
            open.body
        );
    }
    reads_as_openmetrics(&open.body);
}

/// Prometheus' OpenMetrics parser reads it: it makes a block of it, for which every sample needs a time.
fn reads_as_openmetrics(text: &str) {
    let timed = |line: &str| {
        if line.starts_with('#') {
            format!("{line}\n")
        } else {
            format!("{line} 1700000000\n")
        }
    };
    let timed: String = text.lines().map(timed).collect();
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("metrics.txt");
    std::fs::write(&file, timed).unwrap();
    let blocks = scratch.path().join("blocks");
    let made = promtool(
        &[
            "tsdb",
            "create-blocks-from",
            "openmetrics",
            file.to_str().unwrap(),
            blocks.to_str().unwrap(),
        ],
        "",
    );
    assert!(
        made.status.success(),
        "{}{}",
        String::from_utf8_lossy(&made.stdout),
        String::from_utf8_lossy(&made.stderr)
    );
    assert!(
        std::fs::read_dir(&blocks).unwrap().count() > 0,
        "a block was made"
    );
}

#[tokio::test]
async fn metrics_remain_available_during_adapter_failure() {
    let relay = start(config()).await;
    let at = relay.address;
    for round in 0..3 {
        Request::post(at, eval(&format!("f{round}"), "fail:adapter_browser_lost"))
            .send(at)
            .await;
    }
    let text = scrape(&relay, "").await.body;
    for series in [
        r#"ops_requests_total{command="dom.eval",route="ops",adapter="cdp",mode="managed",outcome="error",error_code="adapter_browser_lost"} 3"#,
        r#"ops_request_latency_ms_count{command="dom.eval",route="ops",adapter="cdp",mode="managed"} 3"#,
    ] {
        assert!(text.lines().any(|line| line == series), "{series}\n{text}");
    }
}

#[tokio::test]
async fn a_thousand_sessions_leave_the_number_of_series_as_it_was() {
    let relay = start(config()).await;
    let at = relay.address;
    let served = Served {
        adapter: AdapterKind::Cdp,
        mode: SessionMode::Managed,
    };
    let session = |number: usize| -> String { format!("{number:032x}") };
    let one = |number: usize| {
        let lease = format!("{number:064x}");
        let body = json!({"type": "ops_request", "requestId": format!("request-{number}"), "sessionId": session(number), "leaseId": lease,
            "command": "dom.eval", "params": {"expression": "1"}});
        let client = format!("client-{number}");
        async move {
            Request::post(at, body.to_string())
                .with("x-ops-client-id", &client)
                .send(at)
                .await
        }
    };
    let series = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count();
    assert_eq!(one(0).await.status, 200);
    relay
        .script
        .observer()
        .session_ended(served, SessionOutcome::Closed);
    let before = scrape(&relay, "").await.body;
    for chunk in 0..10 {
        let requests: Vec<_> = (1..=100)
            .map(|number| tokio::spawn(one(chunk * 100 + number)))
            .collect();
        for request in requests {
            assert_eq!(request.await.unwrap().status, 200);
            relay
                .script
                .observer()
                .session_ended(served, SessionOutcome::Closed);
        }
    }
    let after = scrape(&relay, "").await.body;
    assert_eq!(series(&after), series(&before), "{after}");
    assert!(
        after.contains(
            r#"ops_sessions_total{route="ops",adapter="cdp",mode="managed",outcome="closed"} 1001"#
        ),
        "{after}"
    );
    for id in [
        session(500),
        "request-500".to_owned(),
        "client-500".to_owned(),
    ] {
        assert!(!after.contains(&id), "{id}");
    }
}

#[test]
fn the_alert_rules_pass_promtools_checks_and_their_own_tests() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/alerts");
    for arguments in [
        ["check", "rules", "ops.rules.yml"],
        ["test", "rules", "ops.rules.test.yml"],
    ] {
        let judged = Command::new("promtool")
            .args(arguments)
            .current_dir(folder)
            .output()
            .expect("cargo xtask setup installs promtool");
        let said = format!(
            "{}{}",
            String::from_utf8_lossy(&judged.stdout),
            String::from_utf8_lossy(&judged.stderr)
        );
        assert!(judged.status.success(), "{arguments:?}: {said}");
    }
}

#[test]
fn the_grafana_dashboard_asks_for_series_that_there_are() {
    let text = std::fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/alerts/grafana-dashboard.json"
    ))
    .unwrap();
    let dashboard: serde_json::Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let recorded: Vec<&str> = ops_contracts::control::alert::recorded_series()
        .iter()
        .map(|(name, _)| *name)
        .collect();
    for target in panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
    {
        let expression = target["expr"].as_str().unwrap();
        let known = FAMILIES
            .iter()
            .map(|family| family.name)
            .chain(recorded.iter().copied());
        assert!(
            known.into_iter().any(|name| expression.contains(name)),
            "{expression}"
        );
    }
    assert!(panels.len() >= 8);
}
