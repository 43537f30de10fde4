use std::time::Duration;

use ops_contracts::ErrorCode::*;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{Client, Request, eval, hello, read_response, read_to_end, request};
use crate::service::{config, start};

/// Short deadlines for slow peers, long ones for everything else.
fn impatient() -> relay::RelayConfig {
    let mut config = config();
    config.timeouts.authenticate = Duration::from_millis(100);
    config.timeouts.hello = Duration::from_millis(100);
    config.timeouts.body = Duration::from_millis(100);
    config.timeouts.idle = Duration::from_millis(100);
    config
}

fn burst_of(burst: u32) -> relay::RelayConfig {
    let mut config = config();
    config.limits.ops.requests_per_minute = 1;
    config.limits.ops.burst = burst;
    config.limits.cdp = config.limits.ops;
    config
}

#[tokio::test]
async fn a_streamed_body_is_cut_at_the_cap() {
    let relay = start(config()).await;
    let mut socket = TcpStream::connect(relay.address).await.unwrap();
    let head = Request::post(relay.address, "")
        .with("transfer-encoding", "chunked")
        .head();
    socket.write_all(head.as_bytes()).await.unwrap();
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    for _ in 0..5 {
        // The relay may have closed already.
        let _ = socket.write_all(chunk.as_bytes()).await;
    }
    let error = read_response(&mut socket).await.error().error;
    assert_eq!(error.code, RelayPayloadTooLarge);
    assert_eq!(error.details.unwrap().get("limitBytes").unwrap(), 4096);
}

#[tokio::test]
async fn an_announced_size_above_the_cap_is_refused_before_the_body() {
    let relay = start(config()).await;
    let mut socket = TcpStream::connect(relay.address).await.unwrap();
    let head = Request::post(relay.address, "")
        .with("content-length", "5000000000")
        .head();
    socket.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(
        read_response(&mut socket).await.code(),
        RelayPayloadTooLarge
    );
}

#[tokio::test]
async fn peers_that_never_authenticate_are_cut() {
    let relay = start(impatient()).await;
    for part in [
        "",
        "GET /status HT",
        "GET /status HTTP/1.1\r\nhost: x\r\nx-slow: ",
    ] {
        let mut socket = TcpStream::connect(relay.address).await.unwrap();
        socket.write_all(part.as_bytes()).await.unwrap();
        assert_eq!(read_to_end(&mut socket).await, b"", "{part:?}");
    }
    assert_eq!(
        Request::new("GET", "/status", relay.address)
            .send(relay.address)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_slow_body_is_refused_and_an_idle_connection_closed() {
    let relay = start(impatient()).await;
    let mut slow = TcpStream::connect(relay.address).await.unwrap();
    let head = Request::post(relay.address, "")
        .with("content-length", "10")
        .head();
    slow.write_all((head + "{").as_bytes()).await.unwrap();
    assert_eq!(read_response(&mut slow).await.code(), RelayConnectTimeout);
    let mut idle = TcpStream::connect(relay.address).await.unwrap();
    idle.write_all(
        Request::new("GET", "/status", relay.address)
            .head()
            .as_bytes(),
    )
    .await
    .unwrap();
    assert_eq!(read_response(&mut idle).await.status, 200);
    assert_eq!(read_to_end(&mut idle).await, b"");
}

#[tokio::test]
async fn a_socket_that_says_no_hello_is_told_and_closed() {
    let relay = start(impatient()).await;
    let mut client = Client::open(relay.address).await;
    let error = client.next().await;
    assert_eq!(error["error"]["code"], "relay_hello_required");
    assert_eq!(u16::from(client.closed().await.unwrap().code), 1008);
}

#[tokio::test]
async fn a_silent_socket_is_closed_and_a_heartbeat_keeps_it() {
    let mut config = config();
    config.timeouts.heartbeat = Duration::from_millis(20);
    // Long enough for a machine that is busy with other things.
    config.timeouts.silence = Duration::from_secs(3);
    let relay = start(config).await;
    let mut client = Client::connect(relay.address).await;
    for _ in 0..30 {
        let ping = client.next().await;
        assert_eq!(ping["type"], "ops_ping");
        client
            .send(json!({"type": "ops_pong", "nonce": ping["nonce"]}).to_string())
            .await;
    }
    for _ in 0..10_000 {
        match futures_util::StreamExt::next(&mut client.0).await {
            Some(Ok(message)) if message.is_close() => return,
            Some(Ok(_)) => (),
            other => panic!("no close: {other:?}"),
        }
    }
    panic!("never closed");
}

#[tokio::test]
async fn a_session_has_its_own_rate_and_control_commands_another() {
    let relay = start(burst_of(2)).await;
    let at = relay.address;
    for number in 0..2 {
        assert_eq!(
            Request::post(at, eval(&format!("r{number}"), "1"))
                .send(at)
                .await
                .status,
            200
        );
    }
    let refused = Request::post(at, eval("r3", "1")).send(at).await;
    let error = refused.error().error;
    assert_eq!(error.code, RelayRateLimited);
    assert!(
        error.retryable && error.retry_after_ms.is_some_and(|wait| wait > 0),
        "{error:?}"
    );
    assert!(refused.header("retry-after").is_some());
    // A wrong lease is charged to its sender.
    let stranger = eval("r4", "1").replace(&"1e".repeat(32), &"2e".repeat(32));
    assert_eq!(Request::post(at, stranger).send(at).await.status, 200);
    let dialog = eval("r5", "1")
        .replace("dom.eval", "dialog.status")
        .replace(r#""expression":"1""#, "");
    assert_eq!(Request::post(at, dialog).send(at).await.status, 200);
    let other = Request::post(at, request("r6", "session.list", json!({})))
        .with("x-ops-client-id", "other");
    assert_eq!(other.send(at).await.status, 200);
}

#[tokio::test]
async fn a_batch_counts_as_its_commands() {
    let relay = start(burst_of(5)).await;
    let at = relay.address;
    let batch = |count: usize| {
        request(
            "b",
            "batch.run",
            json!({"commands": vec![json!({"command": "dom.title"}); count]}),
        )
    };
    let never = Request::post(at, batch(6)).send(at).await.error().error;
    assert_eq!(
        (never.code, never.retryable, never.retry_after_ms),
        (RelayBatchTooLarge, false, None)
    );
    let details = never.details.unwrap();
    assert_eq!(
        (details.get("commands"), details.get("limit")),
        (Some(&json!(6)), Some(&json!(5)))
    );
    assert_eq!(Request::post(at, batch(4)).send(at).await.status, 200);
    assert_eq!(
        Request::post(at, batch(2)).send(at).await.code(),
        RelayRateLimited
    );
    assert_eq!(Request::post(at, batch(1)).send(at).await.status, 200);
}

#[tokio::test]
async fn a_timeout_above_the_cap_is_refused_and_a_missing_one_becomes_the_commands_own() {
    let mut config = config();
    config.limits.ops.max_timeout_ms = 20_000;
    config.limits.cdp = config.limits.ops;
    let relay = start(config).await;
    let at = relay.address;
    let asking = |millis: u64| {
        eval("r", "1").replace("\"params\"", &format!("\"timeoutMs\":{millis},\"params\""))
    };
    let error = Request::post(at, asking(20_001))
        .send(at)
        .await
        .error()
        .error;
    assert_eq!(error.code, RelayTimeoutCapExceeded);
    assert_eq!(error.details.unwrap().get("capMs").unwrap(), 20_000);
    for body in [
        asking(20_000),
        eval("r", "1"),
        request("r", "dialog.status", json!({})),
    ] {
        assert_eq!(Request::post(at, body).send(at).await.status, 200);
    }
    let timeouts: Vec<_> = relay
        .script
        .executed()
        .into_iter()
        .map(|(_, timeout, _)| timeout.unwrap())
        .collect();
    assert_eq!(timeouts, [20_000, 20_000, 5_000]);
}

#[tokio::test]
async fn strangers_can_not_keep_an_authenticated_client_out() {
    let relay = start(config()).await;
    let mut kept = Client::connect(relay.address).await;
    let mut strangers = Vec::new();
    for _ in 0..300 {
        strangers.push(TcpStream::connect(relay.address).await.unwrap());
    }
    // The oldest strangers are gone, the newest and those who authenticated are not.
    assert_eq!(read_to_end(&mut strangers[0]).await, b"");
    kept.send(eval("r1", "1")).await;
    assert_eq!(kept.answer().await.frame["requestId"], "r1");
    let last = strangers.last_mut().unwrap();
    last.write_all(
        Request::new("GET", "/status", relay.address)
            .head()
            .as_bytes(),
    )
    .await
    .unwrap();
    assert_eq!(read_response(last).await.status, 200);
}

#[tokio::test]
async fn a_message_above_the_cap_is_answered_and_its_socket_closed() {
    let relay = start(config()).await;
    for (size, id) in [(5_000, "large"), (200_000, "unknown")] {
        let mut client = Client::open(relay.address).await;
        client.send(hello(json!({}))).await;
        client.next().await;
        client.send(eval("large", &"1".repeat(size))).await;
        let error = client.next().await;
        assert_eq!(
            (error["error"]["code"].as_str(), error["requestId"].as_str()),
            (Some("relay_payload_too_large"), Some(id))
        );
        assert_eq!(u16::from(client.closed().await.unwrap().code), 1009);
    }
    assert_eq!(relay.script.executed(), []);
}

#[tokio::test]
async fn reading_status_and_metrics_has_a_rate_of_its_own() {
    let relay = start(burst_of(1)).await;
    let at = relay.address;
    let get =
        |path: &str, client: &str| Request::new("GET", path, at).with("x-ops-client-id", client);
    for path in ["/status", "/metrics", "/status", "/metrics"] {
        assert_eq!(get(path, "reader").send(at).await.status, 200);
    }
    for path in ["/status", "/metrics"] {
        let error = get(path, "reader").send(at).await.error().error;
        assert_eq!(
            (error.code, error.details.unwrap().get("gate").cloned()),
            (RelayRateLimited, Some(json!("rate")))
        );
        assert!(error.retry_after_ms.is_some());
        assert_eq!(get(path, "another").send(at).await.status, 200);
    }
    assert_eq!(
        Request::post(at, request("r1", "session.list", json!({})))
            .send(at)
            .await
            .status,
        200,
        "commands have their own"
    );
}

#[tokio::test]
async fn frames_that_run_nothing_are_charged_too() {
    let relay = start(burst_of(1)).await;
    let mut client = Client::connect(relay.address).await;
    for number in 0..4 {
        client
            .send(json!({"type": "ops_ping", "nonce": number}).to_string())
            .await;
        assert_eq!(client.next().await["type"], "ops_pong");
    }
    for frame in [
        json!({"type": "ops_ping", "nonce": 9}).to_string(),
        "no frame".to_owned(),
    ] {
        client.send(frame).await;
        assert_eq!(client.next().await["error"]["code"], "relay_rate_limited");
    }
}

#[tokio::test]
async fn a_flood_of_pings_is_told_and_closed() {
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::Message;
    let relay = start(burst_of(1)).await;
    let mut client = Client::connect(relay.address).await;
    for _ in 0..5 {
        client
            .0
            .send(Message::Ping(Vec::new().into()))
            .await
            .unwrap();
    }
    let mut told = None;
    for _ in 0..10 {
        match client.0.next().await.unwrap().unwrap() {
            Message::Pong(_) => (),
            Message::Text(text) => {
                told = Some(serde_json::from_str::<serde_json::Value>(&text).unwrap())
            }
            Message::Close(frame) => {
                assert_eq!(u16::from(frame.unwrap().code), 1008);
                assert_eq!(told.unwrap()["error"]["code"], "relay_rate_limited");
                return;
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("never closed");
}

#[tokio::test]
async fn one_client_can_not_take_every_connection() {
    let relay = start(config()).await;
    let mut kept = Vec::new();
    for _ in 0..256 {
        kept.push(Client::connect(relay.address).await);
    }
    let mut late = Client::open(relay.address).await;
    late.send(hello(json!({}))).await;
    let refused = loop {
        let frame = late.next().await;
        if frame["type"] == "ops_error" {
            break frame;
        }
    };
    assert_eq!(
        (
            &refused["error"]["code"],
            &refused["error"]["details"]["limit"]
        ),
        (&json!("relay_connection_limit"), &json!(256))
    );
    assert_eq!(u16::from(late.closed().await.unwrap().code), 1013);
    let mut other = Client::open(relay.address).await;
    other.send(hello(json!({"clientId": "other"}))).await;
    assert_eq!(other.next().await["type"], "ops_hello_ack");
    drop(kept);
}
