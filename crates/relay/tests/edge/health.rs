//! Health envelopes of emitters outside the process, over a real WebSocket on `/ops`, with the real store behind it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use health_store::{HealthStore, Moment, Ticks};
use ops_contracts::control::health::{HealthEnvelope, HealthSink as _};
use ops_contracts::wire::clock::Timestamp;
use relay::RelayConfig;
use serde_json::{Value, json};

use crate::client::{Client, Request, hello};
use crate::service::{Running, config, start};

const SESSION: &str = "00112233445566778899aabbccddeeff";
const OURS: &str = "ffeeddccbbaa99887766554433221100";

/// Time that passes when a test says so.
struct Hands(Mutex<Duration>);

impl Hands {
    fn pass(&self, seconds: u64) {
        *self.0.lock().unwrap() += Duration::from_secs(seconds);
    }
}

impl Ticks for Hands {
    fn now(&self) -> Moment {
        let monotonic = *self.0.lock().unwrap();
        Moment {
            wall: Timestamp::from_unix_millis(1_700_000_000_000).plus(monotonic),
            monotonic,
        }
    }
}

/// An envelope, with fields changed.
fn envelope(changes: Value) -> Value {
    let mut envelope = json!({
        "type": "ops.adapter.health.v1", "event": "snapshot", "emittedAt": "2023-11-14T22:13:20.000Z", "sessionId": SESSION,
        "adapter": "cdp", "route": "ops", "circuitState": "closed", "faultCountWindow": 0, "windowSeconds": 60, "cooldownUntil": null,
        "disableReason": "unknown", "scope": "session", "consecutiveSuccesses": 3, "sessionEpoch": "0", "seq": "0"
    });
    for (field, value) in changes.as_object().unwrap() {
        envelope[field] = value.clone();
    }
    envelope
}

async fn relay() -> (Running, Arc<HealthStore>, Arc<Hands>) {
    let hands = Arc::new(Hands(Mutex::default()));
    let store = Arc::new(HealthStore::in_memory(hands.clone()));
    let relay = start(RelayConfig {
        health: Some(store.clone()),
        ..config()
    })
    .await;
    (relay, store, hands)
}

async fn emitter(relay: &Running, name: &str) -> Client {
    let mut client = Client::open(relay.address).await;
    client.send(hello(json!({ "clientId": name }))).await;
    assert_eq!(client.next().await["type"], "ops_hello_ack");
    client
}

/// Sends envelopes, then a ping: frames of a connection are taken in their order. What was refused.
async fn emit(client: &mut Client, envelopes: &[Value]) -> Vec<Value> {
    for envelope in envelopes {
        client.send(envelope.to_string()).await;
    }
    client.send(json!({ "type": "ops_ping" }).to_string()).await;
    let mut refused = Vec::new();
    loop {
        let frame = client.next().await;
        if frame["type"] == "ops_pong" {
            return refused;
        }
        assert_eq!(frame["type"], "ops_error", "{frame}");
        refused.push(frame["error"].clone());
    }
}

async fn told(relay: &Running) -> Value {
    Request::new("GET", "/status", relay.address)
        .send(relay.address)
        .await
        .json()
}

#[tokio::test]
async fn an_emitter_on_the_channel_is_heard_and_its_duplicates_are_not() {
    let (relay, _, _) = relay().await;
    let mut client = emitter(&relay, "emitter").await;
    let open = json!({
        "event": "transition", "seq": "1", "requestId": "r-1", "circuitState": "open", "faultCountWindow": 5,
        "cooldownUntil": "2023-11-14T22:15:20.000Z", "disableReason": "fault_threshold", "consecutiveSuccesses": 0
    });
    let sent = [
        envelope(json!({})),
        envelope(json!({})),
        envelope(open.clone()),
        envelope(open),
        envelope(json!({})),
    ];
    assert_eq!(
        emit(&mut client, &sent).await,
        Vec::<Value>::new(),
        "what was taken before is no error: delivery is at least once"
    );
    let status = told(&relay).await;
    let session = &status["adapterHealth"]["sessions"][0];
    assert_eq!(
        (&session["sessionId"], &session["provenance"]),
        (&json!(SESSION), &json!("channel"))
    );
    assert_eq!(
        (&session["adapterCircuitState"], &session["seq"]),
        (&json!("open"), &json!("1"))
    );
    assert_eq!(
        (
            &status["adapterCircuitState"],
            &status["adapterDisableReason"]
        ),
        (&json!("open"), &json!("fault_threshold"))
    );
    assert_eq!(status["adapterCooldownUntil"], "2023-11-14T22:15:20.000Z");
    let counted = &status["adapterHealth"]["store"]["envelopes"];
    assert_eq!(
        *counted,
        json!({ "accepted": 2, "duplicate": 2, "outdated": 1, "rejected": 0 })
    );
}

#[tokio::test]
async fn nobody_speaks_for_a_session_of_somebody_else() {
    let (relay, store, _) = relay().await;
    let ours: HealthEnvelope =
        serde_json::from_value(envelope(json!({ "sessionId": OURS }))).unwrap();
    store.emit(ours);
    let (mut first, mut second) = (
        emitter(&relay, "first").await,
        emitter(&relay, "second").await,
    );
    assert_eq!(
        emit(&mut first, &[envelope(json!({}))]).await,
        Vec::<Value>::new()
    );
    let worse = json!({ "seq": "9", "faultCountWindow": 4 });
    let forged = [
        (envelope(worse.clone()), "sessionId"),
        (
            envelope(json!({ "sessionId": OURS, "seq": "9" })),
            "sessionId",
        ),
        (envelope(json!({ "sessionId": "nobody" })), "sessionId"),
        (
            envelope(json!({ "sessionId": "0".repeat(32), "scope": "operator_global" })),
            "scope",
        ),
        (
            envelope(json!({ "sessionId": "0".repeat(32), "seq": 7 })),
            "seq",
        ),
        (
            envelope(json!({ "sessionId": "0".repeat(32), "extra": true })),
            "extra",
        ),
    ];
    for (envelope, field) in forged {
        let refused = emit(&mut second, std::slice::from_ref(&envelope)).await;
        assert_eq!(refused.len(), 1, "{envelope}");
        assert_eq!(
            (&refused[0]["code"], &refused[0]["details"]["field"]),
            (&json!("relay_health_invalid"), &json!(field)),
            "{refused:?}"
        );
    }
    let status = told(&relay).await;
    let sessions = status["adapterHealth"]["sessions"].as_array().unwrap();
    assert_eq!(
        sessions
            .iter()
            .map(|session| &session["seq"])
            .collect::<Vec<_>>(),
        ["0", "0"],
        "{sessions:?}"
    );
    assert_eq!(status["adapterHealth"]["store"]["envelopes"]["rejected"], 6);
    assert_eq!(
        emit(&mut first, &[envelope(worse)]).await,
        Vec::<Value>::new(),
        "its own emitter may"
    );
}

#[tokio::test]
async fn a_silent_emitter_is_stale_and_a_new_epoch_is_heard_again() {
    let (relay, _, hands) = relay().await;
    let mut client = emitter(&relay, "emitter").await;
    emit(&mut client, &[envelope(json!({ "seq": "7" }))]).await;
    hands.pass(29);
    assert_eq!(told(&relay).await["adapterHealthStale"], false);
    hands.pass(1);
    let status = told(&relay).await;
    assert_eq!(
        (
            &status["adapterHealthStale"],
            &status["adapterCircuitState"]
        ),
        (&json!(true), &json!("closed"))
    );
    assert_eq!(
        status["adapterHealthLastSeenAt"],
        "2023-11-14T22:13:20.000Z"
    );
    assert_eq!(status["adapterHealth"]["store"]["staleSessions"], 1);
    drop(client);
    // The emitter has started anew, on another connection.
    let mut client = emitter(&relay, "emitter").await;
    let late = [
        envelope(json!({ "sessionEpoch": "1" })),
        envelope(json!({ "seq": "8" })),
    ];
    assert_eq!(emit(&mut client, &late).await, Vec::<Value>::new());
    let status = told(&relay).await;
    let session = &status["adapterHealth"]["sessions"][0];
    assert_eq!(
        (
            &session["adapterHealthStale"],
            &session["sessionEpoch"],
            &session["seq"]
        ),
        (&json!(false), &json!("1"), &json!("0"))
    );
    hands.pass(15 * 60);
    assert_eq!(
        told(&relay).await["adapterHealth"]["sessions"],
        json!([]),
        "silent for as long as a closed session is kept"
    );
}
