//! Events from outside over the edge: the signing modes themselves are tests of their module.

use ops_contracts::ErrorCode::*;
use ops_contracts::control::provenance::SigningMode;
use relay::{RelayConfig, Signing};
use serde_json::{Value, json};

use crate::client::{Request, Response};
use crate::service::{Running, config, start};

async fn with(mode: Option<SigningMode>, key: Option<&str>) -> Running {
    start(RelayConfig {
        signing: Signing {
            mode,
            key: key.map(str::to_owned),
        },
        ..config()
    })
    .await
}

async fn send(relay: &Running, body: Value) -> Response {
    Request::post(relay.address, body.to_string())
        .at("/api/orchestration")
        .send(relay.address)
        .await
}

async fn list(relay: &Running) -> Value {
    Request::new("GET", "/api/orchestration", relay.address)
        .send(relay.address)
        .await
        .json()
}

fn event() -> Value {
    json!({"event": {"type": "agent.started", "agent": "a-1"}})
}

#[tokio::test]
async fn without_key_and_mode_nothing_comes_in_from_outside() {
    let relay = with(None, None).await;
    let refused = send(&relay, event()).await;
    assert_eq!((refused.status, refused.code()), (403, RelayEventClosed));
    let list = list(&relay).await;
    assert_eq!(
        (
            &list["signingMode"],
            &list["figures"]["closed"],
            &list["events"]
        ),
        (&Value::Null, &json!(1), &json!([]))
    );
}

#[tokio::test]
async fn a_refusal_says_why_and_in_which_mode() {
    let relay = with(None, Some("key")).await;
    let refused = send(&relay, event()).await;
    assert_eq!((refused.status, refused.code()), (401, RelayEventUnsigned));
    assert_eq!(
        refused.json()["error"]["details"]["signingMode"],
        "require-valid-signature"
    );
    let provenance = json!({"keyId": "k1", "alg": "hmac-sha256", "ts": "2023-11-14T22:13:20.000Z", "nonce": "0123456789abcdef", "sig": "0".repeat(64)});
    let forged = send(
        &relay,
        json!({"event": event()["event"], "provenance": provenance}),
    )
    .await;
    assert_eq!(
        (forged.status, forged.code()),
        (401, RelayEventSignatureInvalid)
    );
    assert_eq!(forged.json()["error"]["details"]["keyId"], "k1");
    let figures = &list(&relay).await["figures"];
    assert_eq!(
        (
            &figures["unsigned"],
            &figures["invalidSignature"],
            &figures["accepted"]
        ),
        (&json!(1), &json!(1), &json!(0))
    );
}

#[tokio::test]
async fn what_is_taken_unverified_is_told_as_degraded() {
    let relay = with(Some(SigningMode::AllowUnsigned), Some("key")).await;
    let taken = send(&relay, event()).await;
    assert_eq!(
        (taken.status, &taken.json()["verification"]),
        (200, &json!("unsigned")),
        "{taken:?}"
    );
    let list = list(&relay).await;
    assert_eq!(
        (
            &list["events"][0]["event"]["agent"],
            &list["data_fidelity"]["level"]
        ),
        (&json!("a-1"), &json!("degraded"))
    );
    let stranger = Request::post(relay.address, event().to_string())
        .at("/api/orchestration")
        .with("authorization", "");
    assert_eq!(stranger.send(relay.address).await.code(), RelayAuthRequired);
    assert_eq!(
        send(&relay, json!({"event": {"type": "x".repeat(5_000)}}))
            .await
            .code(),
        RelayPayloadTooLarge
    );
}
