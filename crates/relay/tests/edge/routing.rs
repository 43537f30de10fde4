//! Routing at the edge: precedence, status fields, changes while the relay serves, and the versions that are admitted.

use std::net::SocketAddr;

use ops_contracts::ErrorCode::{
    self, RelayAdminDisabled, RelayAdminInvalid, RelayConfigInvalid, RelayFrameInvalid,
    RelayLegacyCdpOptInRequired, RelayMethodNotAllowed, RelayOpsRouteDisabled,
    RelayOpsVersionUnsupported, RelayPrereleaseUnsupported, RelayRawCdpDisabled,
    RelayRolloutIdentityMissing,
};
use ops_contracts::Fault;
use ops_contracts::seam::port::EndSessions;
use ops_contracts::wire::routing::{
    ActiveSessionPolicy, ConfigControls, LegacyLane, RoutingControls, RoutingMode,
};
use relay::{RelayConfig, Token};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::client::{Client, PATIENCE, Request, hello, request};
use crate::service::{Running, config, routing, settings, start, start_with};

pub(crate) const ADMIN: &str = "an admin token";

/// Every key of the rollback verification checklist.
const CHECKLIST: &[&str] = &[
    "effectiveRoutingMode",
    "opsKillSwitchSource",
    "opsRolloutPercent",
    "opsRolloutAllowlistSize",
    "opsRolloutAllowlistSource",
    "opsRolloutAllowlistValidation",
    "opsRolloutIdentityNamespace",
    "opsRolloutIdentitySource",
    "opsRolloutIdentityHash",
    "opsRolloutBucket",
    "opsRolloutDecision",
    "opsRolloutDecisionReason",
    "opsRouteBlockedReason",
    "activeOpsSessions",
    "activeCdpSessions",
    "opsActiveSessionPolicy",
    "opsDrainState",
    "opsSessionsDrainedCount",
    "opsSessionsTerminatedCount",
    "unsupportedVersionCount",
    "versionScheme",
    "statusSchemaVersion",
    "compatibilityWindowN",
    "compatibilityWindowNMinus1",
    "opsContractVersion",
    "opsMinContractVersion",
    "configDowngradeFallback",
    "configDowngradeReason",
    "lastRoutingChangeAt",
];

fn with_controls(controls: RoutingControls) -> RelayConfig {
    RelayConfig {
        routing: routing(controls).0,
        admin_token: Some(Token::new(ADMIN.to_owned())),
        ..config()
    }
}

fn by_config(change: impl FnOnce(&mut ConfigControls)) -> RoutingControls {
    let mut controls = RoutingControls::default();
    change(&mut controls.config);
    controls
}

async fn status(at: SocketAddr, routing: &str) -> Value {
    let request = Request::new("GET", "/status", at)
        .with("x-ops-client-id", "alice-01")
        .with("x-ops-routing", routing);
    request.send(at).await.json()
}

/// Asks for a session over HTTP; the refusal's code and reason, or none.
async fn create(at: SocketAddr, client: &str, routing: &str) -> Option<(ErrorCode, Value)> {
    let create = Request::post(at, request("r1", "session.create", json!({})));
    let response = create
        .with("x-ops-client-id", client)
        .with("x-ops-routing", routing)
        .send(at)
        .await;
    if response.status == 200 {
        return None;
    }
    let error = response.error().error;
    let reason = error
        .details
        .and_then(|details| details.get("reason").cloned())
        .unwrap_or_default();
    Some((error.code, reason))
}

fn admin(at: SocketAddr, path: &str, body: &str) -> Request {
    Request::post(at, body)
        .with("x-odb-admin-token", ADMIN)
        .at(path)
}

#[tokio::test]
async fn every_key_of_the_rollback_checklist_is_always_there() {
    for controls in [
        RoutingControls::default(),
        by_config(|config| config.routing_mode = Some(RoutingMode::Auto)),
    ] {
        let relay = start(with_controls(controls)).await;
        let document = status(relay.address, "").await;
        for key in CHECKLIST {
            assert!(document.get(key).is_some(), "{key} is missing: {document}");
        }
    }
}

#[tokio::test]
async fn the_defaults_route_to_ops_and_say_so() {
    let relay = start(config()).await;
    let document = status(relay.address, "").await;
    let expected = json!({
        "effectiveRoutingMode": "ops", "opsKillSwitchSource": "default", "opsRolloutPercent": 100, "opsRolloutAllowlistSize": 0,
        "opsRolloutAllowlistSource": "default", "opsRolloutAllowlistValidation": "not_set", "opsRolloutIdentityHash": "bc1d6fda532b",
        "opsRolloutBucket": 78, "opsRolloutDecision": "ops", "transportPath": "/ops", "opsRolloutDecisionReason": "explicit_mode",
        "opsRouteBlockedReason": null, "opsActiveSessionPolicy": "continue", "opsDrainState": "inactive",
        "opsSessionsDrainedCount": 0, "opsSessionsTerminatedCount": 0, "unsupportedVersionCount": 0,
        "configDowngradeFallback": false, "configDowngradeReason": null, "lastRoutingChangeAt": null,
        "statusSchemaVersion": "1.2", "versionScheme": "semver",
    });
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&document[key], value, "{key}");
    }
    assert_eq!(create(relay.address, "alice-01", "").await, None);
}

#[tokio::test]
async fn precedence_runs_from_the_environment_over_the_command_line_to_the_configuration() {
    let mut controls = by_config(|config| config.kill_switch = Some(true));
    let relay = start(with_controls(controls.clone())).await;
    let at = relay.address;
    let disabled = |reason: &str| Some((RelayOpsRouteDisabled, json!(reason)));
    assert_eq!(create(at, "alice-01", "").await, disabled("kill_switch"));
    assert_eq!(status(at, "").await["opsKillSwitchSource"], "config");
    // What a request's command line says outranks the configuration, for this request alone.
    let ops = r#"{"cli":{"routingMode":"ops"}}"#;
    assert_eq!(create(at, "alice-01", ops).await, None);
    assert_eq!(status(at, ops).await["effectiveRoutingMode"], "ops");
    assert_eq!(
        create(at, "alice-01", r#"{"cli":{"rolloutPercent":100}}"#).await,
        None
    );
    assert_eq!(create(at, "alice-01", "").await, disabled("kill_switch"));
    let callers = r#"{"killSwitch":true,"cli":{"routingMode":"ops"}}"#;
    assert_eq!(
        create(at, "alice-01", callers).await,
        disabled("kill_switch")
    );
    assert_eq!(status(at, callers).await["opsKillSwitchSource"], "env");

    controls.env_kill_switch = true;
    let relay = start(with_controls(controls)).await;
    assert_eq!(
        create(relay.address, "alice-01", ops).await,
        disabled("kill_switch"),
        "nobody switches the relay's own off"
    );
    let explicit = start(with_controls(by_config(|config| {
        config.routing_mode = Some(RoutingMode::LegacyCdp)
    })))
    .await;
    assert_eq!(
        create(explicit.address, "alice-01", "").await,
        disabled("explicit_mode")
    );
    assert_eq!(
        create(
            explicit.address,
            "alice-01",
            r#"{"cli":{"routingMode":"legacy"}}"#
        )
        .await
        .unwrap()
        .0,
        RelayFrameInvalid
    );
}

#[tokio::test]
async fn in_auto_the_identity_decides_and_its_hash_and_bucket_are_told() {
    let relay = start(with_controls(by_config(|config| {
        config.routing_mode = Some(RoutingMode::Auto)
    })))
    .await;
    let at = relay.address;
    // The bucket of cli:alice-01 is 78.
    for (percent, expected, decision) in [
        (
            78,
            Some((RelayOpsRouteDisabled, json!("percent"))),
            "legacy-cdp",
        ),
        (79, None, "ops"),
    ] {
        let routing = format!(r#"{{"cli":{{"rolloutPercent":{percent}}}}}"#);
        assert_eq!(create(at, "alice-01", &routing).await, expected);
        let document = status(at, &routing).await;
        assert_eq!(document["opsRolloutDecision"], decision);
        assert_eq!(
            (
                &document["opsRolloutBucket"],
                &document["opsRolloutIdentityHash"]
            ),
            (&json!(78), &json!("bc1d6fda532b"))
        );
        assert_eq!(
            (
                &document["opsRolloutIdentityNamespace"],
                &document["opsRolloutIdentitySource"]
            ),
            (&json!("cli"), &json!("cli"))
        );
    }
    let listed = r#"{"cli":{"rolloutAllowlist":["cli:alice-01"]}}"#;
    assert_eq!(
        create(at, "alice-01", listed).await,
        Some((RelayOpsRouteDisabled, json!("allowlist")))
    );
    assert_eq!(create(at, "bob-01", listed).await, None);
    assert_eq!(
        create(at, "", "").await.unwrap().0,
        RelayRolloutIdentityMissing
    );
    // A connection's hello carries them as well; a client without a name has no identity there either.
    for (client_id, percent, expected) in [
        (json!("alice-01"), 79, Value::Null),
        (json!("alice-01"), 78, json!("relay_ops_route_disabled")),
        (Value::Null, 79, json!("relay_rollout_identity_missing")),
    ] {
        let mut client = Client::open(at).await;
        client
            .send(hello(
                json!({"clientId": client_id, "routing": {"cli": {"rolloutPercent": percent}}}),
            ))
            .await;
        assert_eq!(client.next().await["type"], "ops_hello_ack");
        client
            .send(request("r1", "session.create", json!({})))
            .await;
        assert_eq!(client.answer().await.frame["error"]["code"], expected);
    }
}

#[tokio::test]
async fn admin_calls_need_the_admin_token() {
    let closed = start(config()).await;
    let relay = start(with_controls(RoutingControls::default())).await;
    for path in ["/admin/routing", "/admin/config/reload"] {
        assert_eq!(
            admin(closed.address, path, "{}")
                .send(closed.address)
                .await
                .code(),
            RelayAdminDisabled
        );
        let at = relay.address;
        assert_eq!(
            admin(at, path, "{}")
                .with("x-odb-admin-token", "")
                .send(at)
                .await
                .code(),
            RelayAdminInvalid
        );
        assert_eq!(
            admin(at, path, "{}")
                .with("x-odb-admin-token", "an admin tokem")
                .send(at)
                .await
                .code(),
            RelayAdminInvalid
        );
        let get = Request::new("GET", path, at)
            .with("x-odb-admin-token", ADMIN)
            .send(at)
            .await;
        assert_eq!(
            (get.code(), get.header("allow")),
            (RelayMethodNotAllowed, Some("POST"))
        );
        assert_eq!(admin(at, path, "{}").send(at).await.status, 200);
    }
    let at = relay.address;
    for body in [
        "",
        "[",
        "[]",
        r#"{"routingmode":"ops"}"#,
        r#"{"rolloutPercent":101}"#,
    ] {
        assert_eq!(
            admin(at, "/admin/routing", body).send(at).await.code(),
            RelayFrameInvalid,
            "{body}"
        );
    }
    Request::post(at, request("r1", "session.list", json!({})))
        .send(at)
        .await;
    Request::post(at, request("r2", "session.list", json!({})))
        .with("x-odb-admin-token", ADMIN)
        .send(at)
        .await;
    assert_eq!(relay.script.admins(), [false, true]);
}

#[tokio::test]
async fn what_a_refusal_says_of_the_legacy_lane_is_judged_by_the_callers_own_routing() {
    let relay = start(with_controls(RoutingControls::default())).await;
    let at = relay.address;
    let routed = |number: u8, routing: &str| {
        Request::post(
            at,
            request(&format!("r{number}"), "session.list", json!({})),
        )
        .with("x-ops-client-id", "alice-01")
        .with("x-ops-client-version", "0.2.0")
        .with("x-ops-routing", routing)
    };
    // The lane's own gates are open to everybody here: that alone is no opt-in.
    for (number, routing) in [
        "{}",
        r#"{"cli":{"routingMode":"legacy-cdp"}}"#,
        r#"{"cli":{"routingMode":"auto","rolloutPercent":0}}"#,
        r#"{"cli":{"routingMode":"auto","rolloutPercent":100}}"#,
    ]
    .into_iter()
    .enumerate()
    {
        let sent = routed(u8::try_from(number).unwrap(), routing)
            .send(at)
            .await;
        assert_eq!(sent.status, 200, "{routing}");
    }
    let closed = Some(LegacyLane::Closed(RelayLegacyCdpOptInRequired));
    let open = Some(LegacyLane::Open);
    assert_eq!(relay.script.lanes(), [closed, open, open, closed]);

    let mut config = with_controls(RoutingControls::default());
    config.routing.settings.legacy.local = LegacyLane::Closed(RelayRawCdpDisabled);
    let relay = start(config).await;
    let at = relay.address;
    let opted_in = Request::post(at, request("r1", "session.list", json!({})))
        .with("x-ops-routing", r#"{"cli":{"routingMode":"legacy-cdp"}}"#);
    assert_eq!(opted_in.send(at).await.status, 200);
    assert_eq!(
        relay.script.lanes(),
        [Some(LegacyLane::Closed(RelayRawCdpDisabled))]
    );
}

#[tokio::test]
async fn an_admin_call_changes_routing_and_the_time_of_change_only_where_controls_differ() {
    let relay = start(with_controls(RoutingControls::default())).await;
    let at = relay.address;
    let same = admin(at, "/admin/routing", "{}").send(at).await.json();
    assert_eq!(same["lastRoutingChangeAt"], Value::Null);
    let changed = admin(at, "/admin/routing", r#"{"routingMode":"legacy-cdp"}"#)
        .send(at)
        .await
        .json();
    assert_eq!(
        (
            &changed["effectiveRoutingMode"],
            &changed["opsKillSwitchSource"]
        ),
        (&json!("legacy-cdp"), &json!("cli"))
    );
    assert_eq!(changed["lastRoutingChangeAt"], "2023-11-14T22:13:20.000Z");
    assert_eq!(
        create(at, "alice-01", "").await.unwrap().0,
        RelayOpsRouteDisabled
    );
    assert!(
        relay.script.endings().is_empty(),
        "the policy is to let sessions go on"
    );
    assert_eq!(
        admin(at, "/admin/routing", "{}").send(at).await.json()["effectiveRoutingMode"],
        "ops"
    );
    assert_eq!(create(at, "alice-01", "").await, None);
}

/// Waits until the drain state is `state`; the document.
async fn until(relay: &Running, state: &str) -> Value {
    let settled = async {
        loop {
            let document = status(relay.address, "").await;
            if document["opsDrainState"] == state {
                return document;
            }
        }
    };
    timeout(PATIENCE, settled).await.unwrap()
}

#[tokio::test]
async fn the_active_session_policy_is_applied_counted_and_told() {
    let relay = start(with_controls(RoutingControls::default())).await;
    let at = relay.address;
    let body = r#"{"routingMode":"legacy-cdp","activeSessionPolicy":"drain"}"#;
    let document = admin(at, "/admin/routing", body).send(at).await.json();
    assert_eq!(
        (
            &document["opsDrainState"],
            &document["opsActiveSessionPolicy"]
        ),
        (&json!("draining"), &json!("drain"))
    );
    let mut drains = relay.script.endings();
    assert_eq!(drains.len(), 1);
    let (how, drained) = drains.pop().unwrap();
    assert_eq!(how, EndSessions::Drain);

    let body = r#"{"routingMode":"legacy-cdp","activeSessionPolicy":"terminate"}"#;
    assert_eq!(
        admin(at, "/admin/routing", body).send(at).await.json()["opsDrainState"],
        "terminating"
    );
    let (how, terminated) = relay.script.endings().pop().unwrap();
    assert_eq!(how, EndSessions::Terminate);
    terminated.send(3).unwrap();
    let document = until(&relay, "draining").await;
    assert_eq!(
        (
            &document["opsSessionsDrainedCount"],
            &document["opsSessionsTerminatedCount"]
        ),
        (&json!(0), &json!(3))
    );
    drained.send(2).unwrap();
    let document = until(&relay, "inactive").await;
    assert_eq!(
        (
            &document["opsSessionsDrainedCount"],
            &document["opsSessionsTerminatedCount"]
        ),
        (&json!(2), &json!(3))
    );
}

#[tokio::test]
async fn a_reload_swaps_the_controls_and_a_broken_configuration_leaves_them() {
    let (setup, slot) = routing(RoutingControls::default());
    let relay = start(RelayConfig {
        routing: setup,
        admin_token: Some(Token::new(ADMIN.to_owned())),
        ..config()
    })
    .await;
    let at = relay.address;
    assert_eq!(relay.control.reload().await, Ok(false));
    let drain = |config: &mut ConfigControls| {
        config.kill_switch = Some(true);
        config.active_session_policy = Some(ActiveSessionPolicy::Drain);
    };
    *slot.lock().unwrap() = Ok(settings(by_config(drain)));
    assert_eq!(relay.control.reload().await, Ok(true));
    assert_eq!(relay.script.endings().len(), 1);
    assert_eq!(status(at, "").await["opsKillSwitchSource"], "config");
    *slot.lock().unwrap() = Err(Fault::plain(RelayConfigInvalid));
    assert_eq!(
        admin(at, "/admin/config/reload", "{}")
            .send(at)
            .await
            .code(),
        RelayConfigInvalid
    );
    assert_eq!(status(at, "").await["effectiveRoutingMode"], "legacy-cdp");
    // An admin call's controls outlive a reload.
    assert_eq!(
        admin(at, "/admin/routing", r#"{"routingMode":"ops"}"#)
            .send(at)
            .await
            .status,
        200
    );
    *slot.lock().unwrap() = Ok(settings(by_config(|config| {
        config.downgrade = Some("newer".to_owned())
    })));
    assert_eq!(
        admin(at, "/admin/config/reload", "{}")
            .send(at)
            .await
            .status,
        200
    );
    let document = status(at, "").await;
    assert_eq!(
        (
            &document["effectiveRoutingMode"],
            &document["configDowngradeFallback"]
        ),
        (&json!("ops"), &json!(true))
    );
    assert_eq!(document["configDowngradeReason"], "newer");
}

#[tokio::test]
async fn versions_outside_the_window_are_refused_counted_and_told_as_the_blocked_reason() {
    let relay = start(config()).await;
    let at = relay.address;
    let post = |version: &str, contract: &str| {
        Request::post(at, request("r1", "session.list", json!({})))
            .with("x-ops-client-kind", "cli")
            .with("x-ops-client-version", version)
            .with("x-ops-contract-version", contract)
    };
    assert_eq!(post("0.2.9", "1.1.0").send(at).await.status, 200);
    assert_eq!(post("0.1.0", "1.0.0").send(at).await.status, 200);
    assert_eq!(
        post("0.3.0", "1.1.0").send(at).await.code(),
        RelayOpsVersionUnsupported
    );
    assert_eq!(
        post("0.2.0", "0.9.0").send(at).await.code(),
        RelayOpsVersionUnsupported
    );
    assert_eq!(
        post("0.2.0-rc.1", "1.1.0").send(at).await.code(),
        RelayPrereleaseUnsupported
    );
    let asked = Request::new("GET", "/status", at)
        .with("x-ops-client-kind", "cli")
        .with("x-ops-contract-version", "1.1.0");
    let document = asked
        .with("x-ops-client-version", "0.3.0")
        .send(at)
        .await
        .json();
    assert_eq!(
        (
            &document["opsRouteBlockedReason"],
            &document["unsupportedVersionCount"]
        ),
        (&json!("version_unsupported"), &json!(3))
    );
    assert_eq!(status(at, "").await["opsRouteBlockedReason"], Value::Null);
}

/// The status document as the command line of the train before knew it, with its habit of passing over what is new.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct EarlierStatus {
    status_schema_version: String,
    version_scheme: String,
    relay_version: String,
    ops_contract_version: String,
    ops_min_contract_version: String,
    compatibility_window_n: Option<String>,
    compatibility_window_n_minus1: Option<String>,
    relay_url: String,
    pid: u32,
    instance_id: String,
    started_at: String,
    limits_profile: String,
    active_ops_sessions: u32,
    lost_ops_sessions: u32,
    active_cdp_sessions: u32,
    browsers: Vec<Value>,
    draining: bool,
    warnings: Vec<String>,
}

#[tokio::test]
async fn status_schema_additive_compatibility_for_n_1_cli_parser() {
    let relay = start(config()).await;
    let mut document = status(relay.address, "").await;
    document["ofTomorrow"] = json!({"deep": [1]});
    let earlier: EarlierStatus = serde_json::from_value(document.clone()).unwrap();
    assert_eq!(
        earlier.status_schema_version.split('.').next(),
        Some("1"),
        "a new major would be another document"
    );
    assert_eq!(
        (
            earlier.version_scheme.as_str(),
            earlier.relay_version.as_str()
        ),
        ("semver", "0.2.0")
    );
    assert_eq!(
        (
            earlier.ops_contract_version.as_str(),
            earlier.ops_min_contract_version.as_str()
        ),
        ("1.1.0", "1.0.0")
    );
    assert_eq!(
        (
            earlier.compatibility_window_n.as_deref(),
            earlier.compatibility_window_n_minus1.as_deref()
        ),
        (Some("0.2"), Some("0.1"))
    );
    assert_eq!(earlier.relay_url, format!("http://{}", relay.address));
    assert_eq!(
        (earlier.pid, earlier.instance_id),
        (std::process::id(), "0badcafe".repeat(4))
    );
    assert_eq!(
        (earlier.started_at.as_str(), earlier.limits_profile.as_str()),
        ("2023-11-14T22:13:20.000Z", "test")
    );
    assert_eq!(
        (
            earlier.active_ops_sessions,
            earlier.lost_ops_sessions,
            earlier.active_cdp_sessions
        ),
        (0, 0, 0)
    );
    assert!(earlier.browsers.is_empty() && !earlier.draining);
    assert_eq!(earlier.warnings, ["a warning"]);
    // Our own parser passes over what is newer as well.
    serde_json::from_value::<ops_contracts::control::status::StatusDocument>(document).unwrap();
}

#[tokio::test]
async fn sessions_whose_identity_a_rollout_moves_follow_the_active_session_policy() {
    let auto = |percent: u8| {
        by_config(|config| {
            config.routing_mode = Some(RoutingMode::Auto);
            config.rollout_percent = percent.try_into().ok();
            config.active_session_policy = Some(ActiveSessionPolicy::Drain);
        })
    };
    let (setup, slot) = routing(auto(100));
    let relay = start(RelayConfig {
        routing: setup,
        ..config()
    })
    .await;
    let at = relay.address;
    // The bucket of cli:alice-01 is 78: below 90 per cent, not below 50.
    assert_eq!(create(at, "alice-01", "").await, None);
    for (percent, ended) in [(90, 0), (50, 1), (50, 0), (10, 1)] {
        *slot.lock().unwrap() = Ok(settings(auto(percent)));
        relay.control.reload().await.unwrap();
        assert_eq!(
            relay
                .script
                .ended_alone()
                .iter()
                .map(|(_, count)| count)
                .sum::<usize>(),
            ended,
            "{percent}"
        );
    }
    assert!(
        relay.script.endings().is_empty(),
        "those who were not moved go on"
    );
    let document = status(at, "").await;
    assert_eq!(
        (
            &document["opsSessionsDrainedCount"],
            &document["opsSessionsTerminatedCount"]
        ),
        (&json!(2), &json!(0))
    );
    let listed = by_config(|config| {
        config.routing_mode = Some(RoutingMode::Auto);
        config.rollout_allowlist = "cli:alice-01".parse().ok();
        config.active_session_policy = Some(ActiveSessionPolicy::Terminate);
    });
    *slot.lock().unwrap() = Ok(settings(listed));
    relay.control.reload().await.unwrap();
    assert_eq!(relay.script.ended_alone(), [(EndSessions::Terminate, 1)]);
}

#[tokio::test]
async fn a_session_that_is_made_while_routing_turns_away_is_ended_and_not_given_out() {
    let relay = start(with_controls(RoutingControls::default())).await;
    let at = relay.address;
    let making = tokio::spawn(async move {
        let slow = json!({"type": "ops_request", "requestId": "slow", "command": "session.create", "params": {"profile": "slow"}});
        Request::post(at, slow.to_string())
            .with("x-ops-client-id", "alice-01")
            .send(at)
            .await
    });
    let mut begun = relay.script.begun.subscribe();
    timeout(PATIENCE, begun.wait_for(|begun| *begun == 1))
        .await
        .unwrap()
        .unwrap();
    let change = admin(
        at,
        "/admin/routing",
        r#"{"routingMode":"legacy-cdp","activeSessionPolicy":"continue"}"#,
    );
    assert_eq!(change.send(at).await.status, 200);
    relay.script.let_go.send_replace(true);
    let error = making.await.unwrap().error();
    assert_eq!(
        (error.error.code, error.session_id),
        (RelayOpsRouteDisabled, None)
    );
    assert_eq!(relay.script.ended_alone(), [(EndSessions::Terminate, 1)]);
}

#[tokio::test]
async fn hello_and_status_tell_where_a_client_would_go_and_why_ops_is_closed_to_it() {
    let relay = start(with_controls(by_config(|config| {
        config.routing_mode = Some(RoutingMode::Auto)
    })))
    .await;
    let at = relay.address;
    let mut client = Client::open(at).await;
    client
        .send(hello(
            json!({"clientId": "alice-01", "routing": {"cli": {"rolloutPercent": 78}}}),
        ))
        .await;
    let ack = client.next().await;
    assert_eq!(
        (
            &ack["rollout"]["opsRolloutDecision"],
            &ack["rollout"]["opsRolloutBucket"]
        ),
        (&json!("legacy-cdp"), &json!(78))
    );
    assert_eq!(ack["rollout"]["opsRouteBlockedReason"], Value::Null);
    for (overrides, code, reason) in [
        (
            json!({"clientKind": "cli", "clientVersion": "0.9.0"}),
            "relay_ops_version_unsupported",
            "version_unsupported",
        ),
        (
            json!({"contractVersion": "0.9.0"}),
            "relay_ops_version_unsupported",
            "version_unsupported",
        ),
        (
            json!({"capabilities": ["telepathy"]}),
            "relay_capability_mismatch",
            "capability_mismatch",
        ),
    ] {
        let mut client = Client::open(at).await;
        client.send(hello(overrides)).await;
        let refused = client.next().await;
        assert_eq!(
            (
                &refused["error"]["code"],
                &refused["error"]["details"]["opsRouteBlockedReason"]
            ),
            (&json!(code), &json!(reason))
        );
    }
    let wanting =
        |names: &str| Request::new("GET", "/status", at).with("x-ops-capabilities", names);
    assert_eq!(
        wanting("bridge, telepathy").send(at).await.json()["opsRouteBlockedReason"],
        "capability_mismatch"
    );
    assert_eq!(
        wanting("bridge, input").send(at).await.json()["opsRouteBlockedReason"],
        Value::Null
    );
    // A legacy decision of the caller's own flags, with a version that /ops would refuse.
    let legacy = Request::new("GET", "/status", at)
        .with("x-ops-routing", r#"{"cli":{"routingMode":"legacy-cdp"}}"#)
        .with("x-ops-client-kind", "cli")
        .with("x-ops-client-version", "0.1.0")
        .with("x-ops-contract-version", "0.9.0");
    let document = legacy.send(at).await.json();
    assert_eq!(
        (
            &document["opsRouteBlockedReason"],
            &document["opsRolloutDecisionReason"]
        ),
        (&json!("version_unsupported"), &json!("explicit_mode"))
    );
}

#[tokio::test]
async fn semver_n_n_1_and_ops_min_contract_gating() {
    use ops_contracts::ErrorCode::RelayOpsVersionInvalid;
    let refused = |code| Some(code);
    for (relay_version, client, contract, expected) in [
        ("0.2.0", "0.2.9", "1.1.0", None),
        ("0.2.0", "0.1.0", "1.0.0", None),
        ("0.2.0", "0.1.0+build.7", "1.0.0+x", None),
        (
            "0.2.0",
            "0.0.9",
            "1.1.0",
            refused(RelayOpsVersionUnsupported),
        ),
        (
            "0.2.0",
            "0.3.0",
            "1.1.0",
            refused(RelayOpsVersionUnsupported),
        ),
        (
            "0.2.0",
            "1.2.0",
            "1.1.0",
            refused(RelayOpsVersionUnsupported),
        ),
        (
            "0.2.0",
            "0.2.0",
            "0.9.9",
            refused(RelayOpsVersionUnsupported),
        ),
        (
            "0.2.0",
            "0.2.0",
            "1.2.0",
            refused(RelayOpsVersionUnsupported),
        ),
        (
            "0.2.0",
            "0.2.0-rc.1",
            "1.1.0",
            refused(RelayPrereleaseUnsupported),
        ),
        (
            "0.2.0",
            "0.2.0",
            "1.1.0-rc.1",
            refused(RelayPrereleaseUnsupported),
        ),
        ("0.2.0", "v0.2.0", "1.1.0", refused(RelayOpsVersionInvalid)),
        ("0.2.0", "0.2", "1.1.0", refused(RelayOpsVersionInvalid)),
        ("0.2.0", "0.2.0", "one", refused(RelayOpsVersionInvalid)),
        // A minor of 0 has no train before it.
        ("1.0.0", "1.0.4", "1.1.0", None),
        (
            "1.0.0",
            "0.9.0",
            "1.1.0",
            refused(RelayOpsVersionUnsupported),
        ),
    ] {
        let versions = relay::Versions {
            relay: relay_version.to_owned(),
            window_n: None,
            window_n_minus1: None,
        };
        let relay = start(RelayConfig {
            versions,
            ..config()
        })
        .await;
        let at = relay.address;
        let post = Request::post(at, request("r1", "session.list", json!({})))
            .with("x-ops-client-kind", "cli");
        let response = post
            .with("x-ops-client-version", client)
            .with("x-ops-contract-version", contract)
            .send(at)
            .await;
        let seen = (response.status != 200).then(|| response.code());
        assert_eq!(
            seen, expected,
            "{client} with {contract} at {relay_version}"
        );
    }
}

#[tokio::test]
async fn ops_min_gating_is_route_scoped_and_explicit_legacy_cdp_remains_available() {
    let relay = start(config()).await;
    let at = relay.address;
    let old = |request: Request| {
        let request = request
            .with("x-ops-client-kind", "cli")
            .with("x-ops-client-version", "0.1.0");
        request
            .with("x-ops-contract-version", "0.9.0")
            .with("x-ops-client-id", "alice-01")
    };
    assert_eq!(
        old(Request::post(
            at,
            request("r1", "session.create", json!({}))
        ))
        .send(at)
        .await
        .code(),
        RelayOpsVersionUnsupported
    );
    for (routing, reason) in [
        (r#"{"cli":{"routingMode":"legacy-cdp"}}"#, "explicit_mode"),
        (
            r#"{"cli":{"routingMode":"auto","rolloutAllowlist":["cli:alice-01"]}}"#,
            "allowlist",
        ),
        (
            r#"{"cli":{"routingMode":"auto","rolloutPercent":0}}"#,
            "percent",
        ),
    ] {
        let document = old(Request::new("GET", "/status", at))
            .with("x-ops-routing", routing)
            .send(at)
            .await
            .json();
        assert_eq!(
            (
                &document["opsRouteBlockedReason"],
                &document["opsRolloutDecisionReason"]
            ),
            (&json!("version_unsupported"), &json!(reason))
        );
    }
}

/// A component's version and the contract version that it speaks.
type Named = (&'static str, &'static str);

/// A row of the compatibility matrix: the versions of command line, relay and extension, what the command line can't do without,
/// how it asks for its route, and what refuses the mix.
struct Row {
    cli: Named,
    relay: &'static str,
    extension: Named,
    needs: &'static [&'static str],
    routing: &'static str,
    refused: Option<ErrorCode>,
}

const CURRENT: Named = ("0.2.3", "1.1.0");
const PREVIOUS: Named = ("0.1.9", "1.0.0");
const OPS: &str = r#"{"cli":{"routingMode":"ops"}}"#;
/// The bucket of the command line is 78.
const AUTO_OPS: &str = r#"{"cli":{"routingMode":"auto","rolloutPercent":79}}"#;
const LEGACY: &str = r#"{"cli":{"routingMode":"legacy-cdp"}}"#;
const AUTO_LEGACY: &str = r#"{"cli":{"routingMode":"auto","rolloutPercent":78}}"#;

/// Says hello as a component and asks for a session; the refusal's code.
async fn asks_on_ops(
    at: SocketAddr,
    kind: &str,
    id: &str,
    named: Named,
    row: &Row,
) -> Option<ErrorCode> {
    let mut client = Client::open(at).await;
    let needs = if kind == "cli" { row.needs } else { &[] };
    client
        .send(hello(json!({
            "clientKind": kind, "clientVersion": named.0, "contractVersion": named.1, "clientId": id, "capabilities": needs,
            "routing": serde_json::from_str::<Value>(row.routing).unwrap(),
        })))
        .await;
    let answer = client.next().await;
    if answer["type"] != "ops_hello_ack" {
        return Some(serde_json::from_value(answer["error"]["code"].clone()).unwrap());
    }
    client
        .send(request("r1", "session.create", json!({})))
        .await;
    let answer = client.answer().await.frame;
    let code = answer["error"]["code"].clone();
    (!code.is_null()).then(|| serde_json::from_value(code).unwrap())
}

/// Asks for a session of the legacy lane as a component; the refusal's code.
async fn asks_on_cdp(
    at: SocketAddr,
    kind: &str,
    id: &str,
    named: Named,
    row: &Row,
) -> Option<ErrorCode> {
    let response = Request::new("POST", "/cdp/sessions", at)
        .with("x-ops-client-kind", kind)
        .with("x-ops-client-id", id)
        .with("x-ops-client-version", named.0)
        .with("x-ops-contract-version", named.1)
        .with("x-ops-routing", row.routing)
        .send(at)
        .await;
    (response.status != 200).then(|| response.code())
}

/// What refuses the mix at a relay that judges each component at its own request.
async fn refusal(row: &Row, legacy: bool) -> Option<ErrorCode> {
    let versions = relay::Versions {
        relay: row.relay.to_owned(),
        window_n: None,
        window_n_minus1: None,
    };
    let config = RelayConfig {
        versions,
        ..with_controls(RoutingControls::default())
    };
    let browsers = std::sync::Arc::new(crate::cdp::Browsers::default());
    let lease = std::time::Duration::from_secs(60);
    let relay = start_with(config, |relay| relay.with_legacy_browsers(browsers, lease)).await;
    let at = relay.address;
    // Both are in one rollout: the extension's bucket must not send it elsewhere.
    let components = [
        ("cli", "alice-01", row.cli),
        ("extension", "alice-01", row.extension),
    ];
    for (kind, id, named) in components {
        let refused = if legacy {
            asks_on_cdp(at, kind, id, named, row).await
        } else {
            asks_on_ops(at, kind, id, named, row).await
        };
        if refused.is_some() {
            return refused;
        }
    }
    None
}

#[tokio::test]
async fn every_row_of_the_compatibility_matrix_holds() {
    use ops_contracts::ErrorCode::{RelayCapabilityMismatch, RelayLegacyWindowExceeded};
    let row = |cli, relay, extension, refused| Row {
        cli,
        relay,
        extension,
        needs: &[],
        routing: OPS,
        refused,
    };
    let below = ("0.2.0", "0.9.0");
    let needs = |row: Row, needs| Row { needs, ..row };
    let unsupported = Some(RelayOpsVersionUnsupported);
    let prerelease = Some(RelayPrereleaseUnsupported);
    let ops = [
        row(CURRENT, "0.2.0", CURRENT, None),
        row(PREVIOUS, "0.2.0", CURRENT, None),
        row(CURRENT, "0.2.0", PREVIOUS, None),
        needs(row(PREVIOUS, "0.2.0", PREVIOUS, None), &["input"]),
        row(("0.2.0-rc.1", "1.1.0"), "0.2.0", CURRENT, prerelease),
        row(CURRENT, "0.2.0-rc.1", CURRENT, prerelease),
        row(CURRENT, "0.2.0", ("0.2.0-rc.1", "1.1.0"), prerelease),
        row(below, "0.2.0", CURRENT, unsupported),
        row(PREVIOUS, "0.2.0", below, unsupported),
        row(("0.0.9", "1.1.0"), "0.2.0", CURRENT, unsupported),
        row(CURRENT, "0.2.0", ("0.3.0", "1.1.0"), unsupported),
        needs(
            row(CURRENT, "0.2.0", PREVIOUS, Some(RelayCapabilityMismatch)),
            &["input", "telepathy"],
        ),
    ];
    for case in ops {
        for routing in [OPS, AUTO_OPS] {
            let case = Row { routing, ..case };
            let what = format!(
                "{:?} {} {:?} {routing}",
                case.cli, case.relay, case.extension
            );
            assert_eq!(refusal(&case, false).await, case.refused, "/ops {what}");
        }
    }
    let exceeded = Some(RelayLegacyWindowExceeded);
    let legacy = [
        row(CURRENT, "0.2.0", CURRENT, None),
        row(("0.1.0", "0.9.0"), "0.2.0", CURRENT, None),
        row(CURRENT, "0.2.0", ("0.1.0", "0.9.0"), None),
        row(("0.2.0-rc.1", "1.1.0"), "0.2.0", CURRENT, prerelease),
        row(CURRENT, "0.2.0", ("0.2.0-rc.1", "1.1.0"), prerelease),
        row(("0.0.9", "1.1.0"), "0.2.0", CURRENT, exceeded),
        row(("0.3.0", "1.1.0"), "0.2.0", CURRENT, exceeded),
        row(CURRENT, "0.2.0", ("0.0.1", "1.1.0"), exceeded),
        row(("0.9.0", "1.1.0"), "1.0.0", ("1.0.0", "1.1.0"), exceeded),
    ];
    for case in legacy {
        for routing in [LEGACY, AUTO_LEGACY] {
            let case = Row { routing, ..case };
            let what = format!(
                "{:?} {} {:?} {routing}",
                case.cli, case.relay, case.extension
            );
            assert_eq!(refusal(&case, true).await, case.refused, "/cdp {what}");
        }
    }
}

#[tokio::test]
async fn status_tells_the_versions_of_the_asking_client_and_of_the_extension_that_is_connected() {
    let relay = start(config()).await;
    let at = relay.address;
    let ask = |kind: &str, version: &str| {
        Request::new("GET", "/status", at)
            .with("x-ops-client-kind", kind)
            .with("x-ops-client-version", version)
            .with("x-ops-contract-version", "1.0.0")
            .with("x-ops-capabilities", "input, telepathy")
    };
    let document = ask("cli", "0.1.7").send(at).await.json();
    assert_eq!(
        (
            &document["cliVersion"],
            &document["extensionVersion"],
            &document["transportPath"]
        ),
        (&json!("0.1.7"), &Value::Null, &json!("/ops"))
    );
    let negotiated = &document["negotiated"];
    assert_eq!(
        (
            &negotiated["clientKind"],
            &negotiated["clientVersion"],
            &negotiated["contractVersion"]
        ),
        (&json!("cli"), &json!("0.1.7"), &json!("1.0.0"))
    );
    assert_eq!(negotiated["missingCapabilities"], json!(["telepathy"]));
    assert_eq!(negotiated["window"], "N-1");
    let outside = ask("cli", "0.2.next").send(at).await.json();
    assert_eq!(outside["negotiated"]["window"], "outside");
    assert!(
        negotiated["capabilities"]
            .as_array()
            .unwrap()
            .contains(&json!("input"))
    );
    let mut extension = Client::open(at).await;
    extension
        .send(hello(
            json!({"clientKind": "extension", "clientVersion": "0.2.4"}),
        ))
        .await;
    assert_eq!(extension.next().await["type"], "ops_hello_ack");
    let connected = |document: Value| document["extensionVersion"].clone();
    let mut seen = Value::Null;
    for _ in 0..200 {
        seen = connected(ask("cli", "0.2.0").send(at).await.json());
        if seen == "0.2.4" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(seen, "0.2.4");
    drop(extension);
    for _ in 0..200 {
        seen = connected(ask("cli", "0.2.0").send(at).await.json());
        if seen.is_null() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(seen, Value::Null);
    assert_eq!(
        connected(ask("extension", "0.2.1").send(at).await.json()),
        "0.2.1",
        "an extension that asks gets its own"
    );
}
