use ops_contracts::wire::frame::CHUNK_THRESHOLD;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::client::{Client, eval, hello, request};
use crate::service::{TOKEN, config, lease, session, start};

#[tokio::test]
async fn the_hello_is_answered_with_versions_and_limits() {
    let relay = start(config()).await;
    let mut client = Client::open(relay.address).await;
    client
        .send(hello(json!({"capabilities": ["input"], "clientId": null})))
        .await;
    let ack = client.next().await;
    assert_eq!(ack["type"], "ops_hello_ack");
    assert_eq!(
        ack["opsContractVersion"],
        ops_contracts::wire::version::OPS_CONTRACT_VERSION
    );
    assert_eq!(ack["compatibilityWindowN"], "0.2");
    assert_eq!(ack["limits"]["ops"]["maxPayloadBytes"], 4096);
    assert_eq!(ack["heartbeatIntervalMs"], 20_000);
    assert!(ack["clientId"].as_str().unwrap().starts_with("client-"));
}

#[tokio::test]
async fn a_hello_that_can_not_be_accepted_is_refused_with_its_code() {
    let relay = start(config()).await;
    let cases = [
        (eval("r1", "1"), "relay_hello_required"),
        ("{".to_owned(), "relay_frame_invalid"),
        (
            hello(json!({"contractVersion": "9.0.0"})),
            "relay_ops_version_unsupported",
        ),
        (
            hello(json!({"capabilities": ["input", "teleport"]})),
            "relay_capability_mismatch",
        ),
        (hello(json!({"clientKind": "robot"})), "relay_frame_invalid"),
    ];
    for (first, code) in cases {
        let mut client = Client::open(relay.address).await;
        client.send(first).await;
        assert_eq!(client.next().await["error"]["code"], code);
        assert_eq!(u16::from(client.closed().await.unwrap().code), 1008);
    }
}

#[tokio::test]
async fn the_token_may_travel_in_the_subprotocols_and_does_not_come_back() {
    let relay = start(config()).await;
    let mut request = format!("ws://{}/ops", relay.address)
        .into_client_request()
        .unwrap();
    request.headers_mut().insert(
        "sec-websocket-protocol",
        format!("odb.ops.v1, odb.bearer.{TOKEN}").parse().unwrap(),
    );
    let socket = TcpStream::connect(relay.address).await.unwrap();
    let (_, response) = tokio_tungstenite::client_async(request, socket)
        .await
        .unwrap();
    assert_eq!(response.headers()["sec-websocket-protocol"], "odb.ops.v1");
}

#[tokio::test]
async fn a_pairing_token_may_travel_in_the_subprotocols_as_well() {
    struct Book;
    impl relay::PairingStore for Book {
        fn find(&self, token: &[u8]) -> Option<String> {
            (token == b"a-pairing-token").then(|| "0123456789abcdef".to_owned())
        }
        fn holds(&self, id: &str) -> bool {
            id == "0123456789abcdef"
        }
        fn redeem(&self, _: &str) -> ops_contracts::Outcome<relay::Paired> {
            Err(ops_contracts::ErrorCode::RelayPairingInvalid.into())
        }
    }
    let pairing = relay::Pairing {
        required: true,
        store: std::sync::Arc::new(Book),
    };
    let relay = start(relay::RelayConfig {
        pairing,
        ..config()
    })
    .await;
    for (offered, passes) in [
        (", odb.pairing.a-pairing-token", true),
        (", odb.pairing.another", false),
        ("", false),
    ] {
        let mut request = format!("ws://{}/ops", relay.address)
            .into_client_request()
            .unwrap();
        let protocols = format!("odb.ops.v1, odb.bearer.{TOKEN}{offered}");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocols.parse().unwrap());
        let socket = TcpStream::connect(relay.address).await.unwrap();
        assert_eq!(
            tokio_tungstenite::client_async(request, socket)
                .await
                .is_ok(),
            passes,
            "{offered}"
        );
    }
}

#[tokio::test]
async fn an_upgrade_needs_the_token() {
    let relay = start(config()).await;
    for protocols in [
        "odb.ops.v1".to_owned(),
        "odb.ops.v1, odb.bearer.wrong".to_owned(),
    ] {
        let mut request = format!("ws://{}/ops", relay.address)
            .into_client_request()
            .unwrap();
        request
            .headers_mut()
            .insert("sec-websocket-protocol", protocols.parse().unwrap());
        let socket = TcpStream::connect(relay.address).await.unwrap();
        let error = tokio_tungstenite::client_async(request, socket)
            .await
            .unwrap_err();
        let tokio_tungstenite::tungstenite::Error::Http(response) = error else {
            panic!("{error}")
        };
        assert_eq!(response.status(), 401);
    }
}

#[tokio::test]
async fn a_slow_command_holds_up_no_other_and_is_cancelled_from_beside() {
    let relay = start(config()).await;
    let mut client = Client::connect(relay.address).await;
    client.send(eval("slow", "wait")).await;
    client.send(eval("fast", "1")).await;
    assert_eq!(client.answer().await.frame["requestId"], "fast");
    client.send(json!({"type": "ops_cancel", "requestId": "slow", "sessionId": session(), "leaseId": lease()}).to_string()).await;
    let cancelled = client.answer().await.frame;
    assert_eq!(
        (
            cancelled["requestId"].as_str(),
            cancelled["error"]["code"].as_str()
        ),
        (Some("slow"), Some("ops_cancelled"))
    );
}

#[tokio::test]
async fn large_responses_come_in_chunks_and_small_ones_whole() {
    let relay = start(config()).await;
    let mut client = Client::connect(relay.address).await;
    for count in [1, 20_000, 60_000, 400_000] {
        client
            .send(eval(&format!("r{count}"), &format!("big:{count}")))
            .await;
        let answer = client.answer().await;
        let expected = "😀é\\\"x".repeat(count).replace("\\\"", "\"");
        assert!(
            answer.frame["result"]["value"] == expected.as_str(),
            "{count}"
        );
        let size = count * "😀é\\\"x".len();
        assert_eq!(
            answer.chunks == 0,
            size < CHUNK_THRESHOLD,
            "{count}: {}",
            answer.chunks
        );
    }
}

#[tokio::test]
async fn a_response_above_the_total_cap_is_an_error_on_both_transports() {
    let relay = start(config()).await;
    let huge = format!("spaces:{}", ops_contracts::wire::frame::RESPONSE_CAP);
    let mut client = Client::connect(relay.address).await;
    client.send(eval("huge", &huge)).await;
    let answer = client.answer().await.frame;
    assert_eq!(
        (
            answer["requestId"].as_str(),
            answer["error"]["code"].as_str()
        ),
        (Some("huge"), Some("relay_response_too_large"))
    );
    let response = crate::client::Request::post(relay.address, eval("huge", &huge))
        .send(relay.address)
        .await;
    assert_eq!(
        response.code(),
        ops_contracts::ErrorCode::RelayResponseTooLarge
    );
}

#[tokio::test]
async fn events_follow_the_lease() {
    let relay = start(config()).await;
    let mut holder = Client::connect(relay.address).await;
    let mut stranger = Client::connect(relay.address).await;
    holder
        .send(request("r1", "session.create", json!({})))
        .await;
    assert_eq!(
        holder.answer().await.frame["result"]["sessionId"],
        json!(session())
    );
    stranger
        .send(eval("r2", "1").replace(&"1e".repeat(32), &"2e".repeat(32)))
        .await;
    stranger.answer().await;
    // A second command of the holder subscribes no second time, and comes behind the first one's subscription.
    holder.send(eval("r3", "1")).await;
    holder.answer().await;
    assert_eq!(relay.script.sinks(), 1);
    assert_eq!(relay.script.emit(7, r#"{"targetId":"t1"}"#), 1);
    let event = holder.next().await;
    let expected = json!({"type": "ops_event", "sessionId": session(), "seq": 7, "event": "target.opened", "data": {"targetId": "t1"}});
    assert_eq!(event, expected);
    stranger.send(eval("r4", "4")).await;
    assert_eq!(stranger.answer().await.frame["requestId"], "r4");
}

#[tokio::test]
async fn a_closed_socket_takes_no_more_events_and_cancels_nothing() {
    let relay = start(config()).await;
    let mut client = Client::connect(relay.address).await;
    client.send(eval("left", "wait")).await;
    relay
        .script
        .begun
        .subscribe()
        .wait_for(|begun| *begun == 1)
        .await
        .unwrap();
    client.0.close(None).await.unwrap();
    let ended = tokio::time::timeout(
        crate::client::PATIENCE,
        futures_util::StreamExt::next(&mut client.0),
    )
    .await
    .unwrap();
    assert!(ended.is_none_or(|message| message.is_ok_and(|message| message.is_close())));
    drop(client);
    let mut other = Client::connect(relay.address).await;
    assert_eq!(*relay.script.ended.borrow(), 0, "the command runs on");
    other
        .send(json!({"type": "ops_cancel", "requestId": "left"}).to_string())
        .await;
    relay
        .script
        .ended
        .subscribe()
        .wait_for(|ended| *ended == 1)
        .await
        .unwrap();
}

#[tokio::test]
async fn frames_that_are_none_are_coded_and_the_socket_goes_on() {
    let relay = start(config()).await;
    let mut client = Client::connect(relay.address).await;
    let cases = [
        ("{".to_owned(), "relay_frame_invalid", "unknown"),
        (
            r#"{"type":"nonsense","requestId":"r1"}"#.to_owned(),
            "relay_frame_type_unknown",
            "r1",
        ),
        (
            r#"{"type":"ops_request","requestId":"r2"}"#.to_owned(),
            "relay_frame_invalid",
            "r2",
        ),
        (hello(json!({})), "relay_frame_invalid", "unknown"),
    ];
    for (frame, code, id) in cases {
        client.send(frame).await;
        let error = client.next().await;
        assert_eq!(
            (error["error"]["code"].as_str(), error["requestId"].as_str()),
            (Some(code), Some(id))
        );
    }
    futures_util::SinkExt::send(&mut client.0, Message::binary(vec![1, 2]))
        .await
        .unwrap();
    assert_eq!(client.next().await["error"]["code"], "relay_frame_invalid");
    client.send(r#"{"type":"ops_ping","nonce":42}"#).await;
    assert_eq!(
        client.next().await,
        json!({"type": "ops_pong", "nonce": 42})
    );
}

#[tokio::test]
async fn many_requests_at_once_are_all_answered() {
    let relay = start(config()).await;
    let mut client = Client::connect(relay.address).await;
    for number in 0..500 {
        client
            .send(eval(&format!("r{number}"), &number.to_string()))
            .await;
    }
    let mut seen: Vec<Value> = Vec::new();
    for _ in 0..500 {
        let frame = client.answer().await.frame;
        assert_eq!(frame["requestId"], format!("r{}", frame["result"]["value"]));
        seen.push(frame["result"]["value"].clone());
    }
    seen.sort_by_key(|value| value.as_u64());
    assert_eq!(seen, (0..500).map(Value::from).collect::<Vec<_>>());
}
