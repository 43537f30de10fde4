//! The scorecard and the incidents behind it, over the edge.

use std::sync::Arc;

use health_store::rollup::RollupLedger;
use ops_contracts::ErrorCode::*;
use ops_contracts::control::incident::Incident;
use ops_contracts::control::scorecard::{
    Baseline, BaselineCommand, GateDecision, GateFailure, Phase, ScorecardArtifact, Window,
};
use ops_contracts::control::status::StatusDocument;
use ops_contracts::control::telemetry::LatencyCounts;
use ops_contracts::wire::clock::Timestamp;
use relay::{RelayConfig, Token};
use serde_json::{Value, json};

use crate::client::{Request, Response, eval};
use crate::service::{Running, config, start};

const ADMIN: &str = "the-admin-token";

async fn kept(phase: Phase) -> Running {
    let ledger = RollupLedger::in_memory(None, Timestamp::from_unix_millis(1_700_000_000_000));
    start(RelayConfig {
        ledger: Some(Arc::new(ledger)),
        phase,
        admin_token: Some(Token::new(ADMIN.to_owned())),
        ..config()
    })
    .await
}

async fn get(relay: &Running, path: &str) -> Response {
    Request::new("GET", path, relay.address)
        .send(relay.address)
        .await
}

async fn tell(relay: &Running, path: &str, body: Value) -> Response {
    let request = Request::post(relay.address, body.to_string())
        .at(path)
        .with("x-odb-admin-token", ADMIN);
    request.send(relay.address).await
}

fn incident() -> Value {
    json!({"severity": "P1", "kind": "availability", "summary": "clicks hang"})
}

#[tokio::test]
async fn status_tells_the_scorecard_with_every_field_of_the_plan() {
    let relay = kept(Phase::Hardened).await;
    let status = get(&relay, "/status").await.json();
    let fields = [
        "window",
        "phase",
        "opsErrorRatePct",
        "opsP95LatencyMs",
        "cdpBaselineP95LatencyMs",
        "latencyRatio",
        "crashFreeSessionRatePct",
        "p0p1IncidentCount",
        "baselineRef",
        "generatedAt",
        "gateDecision",
    ];
    for field in fields {
        assert!(
            status["scorecard"].get(field).is_some(),
            "{field}: {status}"
        );
    }
    assert_eq!(
        (
            &status["scorecard"]["phase"],
            &status["scorecard"]["window"]
        ),
        (&json!("hardened"), &json!("30d"))
    );
    assert_eq!(
        (
            &status["scorecard"]["gateDecision"],
            &status["scorecard"]["latencyRatio"]
        ),
        (&json!("fail"), &Value::Null)
    );
    assert_eq!(
        status["data_fidelity"],
        json!({"level": "live", "reasons": []})
    );
}

#[tokio::test]
async fn only_faults_of_the_adapter_and_the_relay_count() {
    let relay = kept(Phase::Pilot).await;
    let at = relay.address;
    for (id, expression) in [
        ("a", "1"),
        ("b", "fail:ops_element_not_found"),
        ("c", "fail:adapter_timeout"),
        ("d", "panic"),
    ] {
        Request::post(at, eval(id, expression)).send(at).await;
    }
    Request::post(at, eval("e", "1"))
        .with("authorization", "")
        .send(at)
        .await;
    let artifact: ScorecardArtifact = serde_json::from_str(
        &get(&relay, "/scorecard?window=2h&cycle=CYCLE-05")
            .await
            .body,
    )
    .unwrap();
    assert_eq!(
        (
            artifact.cycle_id.as_str(),
            artifact.inputs.window,
            artifact.result
        ),
        ("CYCLE-05", Window::H2, GateDecision::Fail)
    );
    let counts = &artifact.inputs.commands;
    assert_eq!(
        counts
            .iter()
            .map(|counts| (counts.requests, counts.faults))
            .collect::<Vec<_>>(),
        [(4, 2)],
        "{counts:?}"
    );
    assert_eq!(artifact.scorecard.ops_error_rate_pct, Some(50.0));
    assert_eq!(
        ScorecardArtifact::new("CYCLE-05", artifact.inputs.clone()),
        artifact
    );
}

#[tokio::test]
async fn incidents_are_the_administrators_to_tell_and_show_everywhere() {
    let relay = kept(Phase::Pilot).await;
    let refused = Request::post(relay.address, incident().to_string())
        .at("/admin/incidents")
        .send(relay.address)
        .await;
    assert_eq!(refused.code(), RelayAdminInvalid);
    let recorded: Incident =
        serde_json::from_str(&tell(&relay, "/admin/incidents", incident()).await.body).unwrap();
    let status: StatusDocument = serde_json::from_str(&get(&relay, "/status").await.body).unwrap();
    assert_eq!(status.scorecard.p0p1_incident_count, Some(1));
    let metrics = get(&relay, "/metrics").await.body;
    assert!(
        metrics.contains(r#"ops_incidents_total{severity="P1",route="ops",source="operator"} 1"#),
        "{metrics}"
    );
    let bypass = json!({"severity": "P2", "kind": "auth-bypass", "confirmed": true, "summary": "no token asked"});
    let bypass: Incident =
        serde_json::from_str(&tell(&relay, "/admin/incidents", bypass).await.body).unwrap();
    let status: StatusDocument = serde_json::from_str(&get(&relay, "/status").await.body).unwrap();
    assert_eq!(
        status
            .alerts
            .iter()
            .map(|alert| alert.name.as_str())
            .collect::<Vec<_>>(),
        ["OpsBypassConfirmed"]
    );
    let resolved = tell(
        &relay,
        "/admin/incidents/resolve",
        json!({"id": bypass.id, "note": "patched"}),
    )
    .await;
    assert!(resolved.json()["resolvedAt"].is_string(), "{resolved:?}");
    let list = get(&relay, "/incidents").await.json();
    assert_eq!(list["incidents"].as_array().map(Vec::len), Some(2));
    assert_eq!(list["incidents"][1]["id"], json!(recorded.id));
    let status: StatusDocument = serde_json::from_str(&get(&relay, "/status").await.body).unwrap();
    assert!(status.alerts.is_empty());
}

#[tokio::test]
async fn wrong_incidents_and_queries_are_refused_by_field() {
    let relay = kept(Phase::Pilot).await;
    let bad = [
        (json!({"severity": "P9", "summary": "x"}), "severity"),
        (json!({"severity": "P1"}), "summary"),
        (json!({"severity": "P1", "summary": ""}), "summary"),
        (
            json!({"severity": "P1", "summary": "x".repeat(501)}),
            "summary",
        ),
        (
            json!({"severity": "P1", "summary": "two\nlines"}),
            "summary",
        ),
        (
            json!({"severity": "P1", "summary": "x", "extra": 1}),
            "extra",
        ),
        (json!([]), ""),
    ];
    for (body, field) in bad {
        let response = tell(&relay, "/admin/incidents", body.clone()).await;
        assert_eq!(
            (response.status, response.code()),
            (400, RelayFrameInvalid),
            "{body}"
        );
        assert!(response.body.contains(field), "{field}: {response:?}");
    }
    assert_eq!(
        tell(&relay, "/admin/incidents/resolve", json!({"id": "inc-7"}))
            .await
            .code(),
        RelayIncidentUnknown
    );
    for query in ["window=3h", "window=", "cycle=a%20b", "cycle=", "windov=7d"] {
        assert_eq!(
            get(&relay, &format!("/scorecard?{query}")).await.code(),
            RelayFrameInvalid,
            "{query}"
        );
    }
    assert_eq!(
        get(&relay, "/admin/incidents").await.code(),
        RelayAdminInvalid
    );
    assert_eq!(
        start(config()).await.control.reload().await,
        Ok(false),
        "a relay without a ledger serves as well"
    );
}

#[tokio::test]
async fn a_relay_that_keeps_nothing_or_is_a_demonstration_says_so() {
    let nothing = start(config()).await;
    let status = get(&nothing, "/status").await.json();
    assert_eq!(status["data_fidelity"]["level"], "degraded");
    assert_eq!(status["scorecard"]["p0p1IncidentCount"], Value::Null);
    let demo = start(RelayConfig {
        demo: true,
        ..config()
    })
    .await;
    for path in ["/status", "/incidents"] {
        assert_eq!(
            get(&demo, path).await.json()["data_fidelity"]["level"],
            "demo",
            "{path}"
        );
    }
}

fn private(path: &std::path::Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A ledger whose gates directory holds this text as its baseline.
fn with_baseline(scratch: &tempfile::TempDir, text: &str) -> RollupLedger {
    let gates = scratch.path().join("artifacts/ops-gates");
    std::fs::create_dir_all(&gates).unwrap();
    for dir in [scratch.path().join("artifacts"), gates.clone()] {
        private(&dir, 0o700);
    }
    std::fs::write(gates.join("baseline.json"), text).unwrap();
    private(&gates.join("baseline.json"), 0o600);
    RollupLedger::open(
        &scratch.path().join("artifacts"),
        Timestamp::from_unix_millis(1_700_000_000_000),
    )
    .unwrap()
}

fn measured() -> Baseline {
    let mut latency = LatencyCounts::default();
    (0..200).for_each(|_| latency.record(60_000.0));
    let commands = vec![BaselineCommand {
        command: "dom.eval".to_owned(),
        mode: "managed".to_owned(),
        latency,
    }];
    Baseline::new(
        "0.2.0",
        Timestamp::from_unix_millis(1_700_000_000_000),
        "by hand".to_owned(),
        commands,
    )
}

#[tokio::test]
async fn a_measured_baseline_is_compared_with_and_told_everywhere() {
    let scratch = tempfile::tempdir().unwrap();
    let baseline = measured();
    let ledger = with_baseline(&scratch, &serde_json::to_string(&baseline).unwrap());
    assert_eq!(ledger.baseline_problem(), None);
    let relay = start(RelayConfig {
        ledger: Some(Arc::new(ledger)),
        ..config()
    })
    .await;
    for id in ["a", "b", "c"] {
        Request::post(relay.address, eval(id, "1"))
            .send(relay.address)
            .await;
    }
    let artifact: ScorecardArtifact =
        serde_json::from_str(&get(&relay, "/scorecard?window=7d").await.body).unwrap();
    let card = &artifact.scorecard;
    assert_eq!(
        card.baseline_ref.as_deref(),
        Some(baseline.baseline_ref.as_str())
    );
    assert!(
        card.cdp_baseline_p95_latency_ms
            .is_some_and(|base| base > 30_000.0),
        "{card:?}"
    );
    assert!(
        card.latency_ratio
            .is_some_and(|ratio| ratio > 0.0 && ratio < 1.0),
        "{card:?}"
    );
    assert!(
        card.reasons
            .iter()
            .all(|reason| reason.failure != GateFailure::MissingBaseline),
        "{card:?}"
    );
    assert_eq!(
        ScorecardArtifact::new("none", artifact.inputs.clone()),
        artifact,
        "it can be made again of the artifact alone"
    );
    let metrics = get(&relay, "/metrics").await.body;
    let series = format!(
        r#"cdp_baseline_latency_ms_p95{{command="dom.eval",mode="managed",baseline_ref="{}"}} "#,
        baseline.baseline_ref
    );
    assert!(
        metrics.contains(&series) && !metrics.contains("} NaN"),
        "{metrics}"
    );
    let status = get(&relay, "/status").await.json();
    assert_eq!(
        status["scorecard"]["baselineRef"],
        json!(baseline.baseline_ref)
    );
}

#[test]
fn a_baseline_that_was_mended_by_hand_is_none() {
    let mut mended = measured();
    mended.commands[0].latency.record(60_000.0);
    let text = serde_json::to_string(&mended).unwrap();
    for (text, why) in [
        (text.as_str(), "baselineRef"),
        ("{}", "baselineRef"),
        ("[", "EOF"),
    ] {
        let scratch = tempfile::tempdir().unwrap();
        let ledger = with_baseline(&scratch, text);
        use ops_contracts::control::ledger::Ledger as _;
        let problem = ledger.baseline_problem().unwrap();
        assert!(
            ledger.baseline().is_none()
                && problem.contains(why)
                && problem.contains("baseline.json"),
            "{problem}"
        );
    }
}
