//! A real `relayd` whose browser is not there: what it must still tell.

use odb_tests::relay::Relay;
use ops_client::post;
use ops_contracts::ErrorCode;
use ops_contracts::wire::command::SessionCreate;
use ops_contracts::wire::command::session::CreateParams;
use serde_json::Value;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_available_when_adapter_fails() {
    let scratch = tempfile::tempdir().unwrap();
    let relay = Relay::start_with(
        &scratch,
        &[
            "--browser",
            "/nonexistent/browser",
            "--ops-active-session-policy",
            "drain",
        ],
    );
    let endpoint = relay.endpoint("alice-01");
    let failed = post::call::<SessionCreate>(&endpoint, None, &CreateParams::default(), None)
        .await
        .unwrap_err();
    assert!(
        matches!(
            failed.code(),
            Some(ErrorCode::AdapterBrowserMissing | ErrorCode::AdapterLaunchFailed)
        ),
        "{:?}",
        failed.code()
    );
    let document: Value = serde_json::from_str(&post::status(&endpoint).await.unwrap()).unwrap();
    for key in [
        "effectiveRoutingMode",
        "opsKillSwitchSource",
        "opsRolloutPercent",
        "opsRolloutAllowlistSize",
        "opsRolloutAllowlistSource",
        "opsRolloutAllowlistValidation",
        "opsRouteBlockedReason",
        "opsActiveSessionPolicy",
        "opsDrainState",
        "opsSessionsDrainedCount",
        "opsSessionsTerminatedCount",
        "activeOpsSessions",
        "activeCdpSessions",
        "lastRoutingChangeAt",
    ] {
        assert!(document.get(key).is_some(), "{key} is missing: {document}");
    }
    assert_eq!(
        (
            &document["effectiveRoutingMode"],
            &document["opsActiveSessionPolicy"]
        ),
        (&"ops".into(), &"drain".into())
    );
    assert_eq!(document["activeOpsSessions"], 0);
}
