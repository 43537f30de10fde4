//! Adapter health over the public interface: real `relayd` processes and real browsers that are broken on purpose.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use health_store::journal::{self, Filter};
use odb_tests::PATIENCE;
use odb_tests::relay::{Relay, RemoteSession};
use odb_tests::subjects::kill;
use ops_client::post;
use ops_contracts::ErrorCode;
use ops_contracts::control::health::{CircuitState, DisableReason, HealthScope};
use ops_contracts::control::status::StatusDocument;
use ops_contracts::wire::command::dom::PageParams;
use ops_contracts::wire::command::session::{CreateParams, Isolation};
use ops_contracts::wire::command::{DialogStatus, DomTitle, Empty, SessionStatus};
use rustix::process::Signal;

async fn status(relay: &Relay) -> StatusDocument {
    serde_json::from_str(&post::status(&relay.endpoint("status")).await.unwrap()).unwrap()
}

async fn title(session: &RemoteSession) -> Result<(), Option<ErrorCode>> {
    session
        .call::<DomTitle>(&PageParams::default())
        .await
        .map(drop)
        .map_err(|error| error.code())
}

async fn own_process(relay: &Relay) -> RemoteSession {
    let params = CreateParams {
        isolation: Isolation::Process,
        ..CreateParams::default()
    };
    RemoteSession::create(&relay.client("holder").await, &params).await
}

/// Ends every browser but those of `spared`, then asks for titles until the loss is told.
async fn break_browser(relay: &Relay, session: &RemoteSession, spared: &[u32]) {
    let pids: Vec<u32> = status(relay)
        .await
        .browsers
        .iter()
        .filter_map(|browser| browser.pid)
        .collect();
    for pid in pids.into_iter().filter(|pid| !spared.contains(pid)) {
        kill(pid);
    }
    until(async || title(session).await.is_err()).await;
}

/// Repeats until it is so, for as long as a test is patient.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < deadline, "it does not come");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_and_metrics_use_relay_adapterhealthstore_during_adapter_degradation() {
    let scratch = tempfile::tempdir().unwrap();
    let tuning = "windowMs=600000,cooldownMs=5000,snapshotMs=200";
    let relay = Relay::start_with(&scratch, &["--health-tuning", tuning]);
    let other = RemoteSession::create(&relay.client("other").await, &CreateParams::default()).await;
    let spared: Vec<u32> = status(&relay)
        .await
        .browsers
        .iter()
        .filter_map(|browser| browser.pid)
        .collect();
    let session = own_process(&relay).await;
    for _ in 0..4 {
        break_browser(&relay, &session, &spared).await;
        until(async || title(&session).await.is_ok()).await;
    }
    assert_eq!(
        status(&relay).await.adapter_circuit_state,
        CircuitState::Closed,
        "four faults are not enough"
    );
    break_browser(&relay, &session, &spared).await;
    until(async || title(&session).await == Err(Some(ErrorCode::OpsCircuitOpen))).await;

    let told = status(&relay).await;
    assert_eq!(
        (told.adapter_circuit_state, told.adapter_fault_count_window),
        (CircuitState::Open, 5)
    );
    assert_eq!(
        (told.adapter_disable_reason, told.adapter_scope),
        (Some(DisableReason::FaultThreshold), HealthScope::Session)
    );
    assert!(told.adapter_cooldown_until.is_some() && told.adapter_health_last_seen_at.is_some());
    assert_eq!(
        (
            told.adapter_health.sessions.len(),
            told.adapter_health.store.open_circuits
        ),
        (2, 1)
    );
    let metrics = post::read(&relay.endpoint("m"), "/metrics").await.unwrap();
    for series in [
        r#"ops_adapter_circuits{adapter="cdp",mode="managed",state="open"} 1"#,
        r#"ops_adapter_circuits{adapter="cdp",mode="managed",state="closed"} 1"#,
        r#"ops_adapter_health_stale_sessions{adapter="cdp",mode="managed"} 0"#,
    ] {
        assert!(
            metrics.lines().any(|line| line == series),
            "{series}\n{metrics}"
        );
    }
    session.call::<SessionStatus>(&Empty {}).await.unwrap();
    session.call::<DialogStatus>(&Empty {}).await.unwrap();
    assert_eq!(
        title(&other).await,
        Ok(()),
        "the other session has another circuit"
    );

    until(async || title(&session).await.is_ok()).await;
    assert_eq!(
        status(&relay).await.adapter_circuit_state,
        CircuitState::HalfOpen
    );
    for _ in 1..10 {
        assert_eq!(title(&session).await, Ok(()));
    }
    let told = status(&relay).await;
    assert_eq!(
        (told.adapter_circuit_state, told.adapter_disable_reason),
        (CircuitState::Closed, None)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_killed_with_open_circuits_serves_their_last_state_marked_stale() {
    let scratch = tempfile::tempdir().unwrap();
    let mut relay = Relay::start_with(
        &scratch,
        &["--health-tuning", "threshold=1,cooldownMs=600000"],
    );
    let session = own_process(&relay).await;
    break_browser(&relay, &session, &[]).await;
    until(async || title(&session).await == Err(Some(ErrorCode::OpsCircuitOpen))).await;
    let before = status(&relay).await;
    let written = || {
        let mut found = false;
        journal::show(relay.home(), &Filter::default(), |line| {
            found |= line.contains("\"event\":\"transition\"")
        })
        .unwrap();
        found
    };
    until(async || written()).await;
    relay.signal(Signal::KILL);
    assert_eq!(relay.ended(), None, "a signal ended it");

    let relay = Relay::start_with(&scratch, &[]);
    let after = status(&relay).await;
    assert_eq!(
        (after.adapter_circuit_state, after.adapter_health_stale),
        (CircuitState::Open, true)
    );
    assert_eq!(after.adapter_cooldown_until, before.adapter_cooldown_until);
    let kept = &after.adapter_health.sessions[0];
    assert_eq!(
        (&kept.session_id, kept.adapter_health_stale),
        (&session.made.session_id, true)
    );
    assert!(kept.closed_at.is_some() && after.browsers.is_empty());
    assert_eq!(journal::verify(relay.home()).unwrap().damaged_lines, 0);
}

/// A relay whose session loses its browser and asks in vain: its decisions, and the session's id.
async fn decisions(seed: &str) -> (Vec<String>, String) {
    let scratch = tempfile::tempdir().unwrap();
    let log = scratch.path().join("decisions.jsonl");
    let arguments = [
        "--health-tuning",
        "threshold=1,cooldownMs=600000",
        "--decision-log",
        log.to_str().unwrap(),
    ];
    let relay = Relay::start_within(&scratch, &arguments, &[("OPENCODE_REPLAY_SEED", seed)]);
    let session = own_process(&relay).await;
    assert_eq!(title(&session).await, Ok(()));
    for pid in status(&relay)
        .await
        .browsers
        .iter()
        .filter_map(|browser| browser.pid)
    {
        kill(pid);
    }
    // Nothing is asked of the session meanwhile: how often it would be would depend on the machine.
    until(async || status(&relay).await.adapter_circuit_state == CircuitState::Open).await;
    for _ in 0..3 {
        assert_eq!(title(&session).await, Err(Some(ErrorCode::OpsCircuitOpen)));
    }
    assert!(
        status(&relay)
            .await
            .warnings
            .iter()
            .any(|warning| warning.contains("OPENCODE_REPLAY_SEED"))
    );
    let lines = std::fs::read_to_string(&log)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect();
    (lines, session.made.session_id.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runs_under_one_replay_seed_decide_alike_and_share_no_id() {
    let ((first, id), (second, other_id)) = tokio::join!(decisions("a seed"), decisions("a seed"));
    assert_eq!(first, second);
    let what = |wanted: &str| first.iter().filter(|line| line.contains(wanted)).count();
    let counted = [
        what("\"routing.route\""),
        what("\"session.adapter\""),
        what("\"circuit.state\""),
        what("\"circuit.retryAfterMs\""),
    ];
    assert!(counted[0] > 0 && counted[1..] == [1, 1, 3], "{first:?}");
    assert_ne!(
        id, other_id,
        "ids and leases come from the operating system"
    );
    assert!(first.iter().all(|line| !line.contains(&id)), "{first:?}");
    let (other, _) = decisions("another seed").await;
    assert_ne!(first, other);
    let choices = |lines: &[String]| {
        lines
            .iter()
            .filter(|line| !line.contains("\"of\""))
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        choices(&first),
        choices(&other),
        "what is no choice is the same under every seed"
    );
}
