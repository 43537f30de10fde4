//! The client against a scripted relay: every connection that arrives is given to the script in its turn.
#![expect(
    clippy::unwrap_used,
    reason = "in a test, what can not be unwrapped is a failure"
)]

use std::future::Future;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ops_client::{Client, ClientError, Endpoint, Options, RawCall, RequestIds, patience, post};
use ops_contracts::ErrorCode;
use ops_contracts::wire::command::dom::PageParams;
use ops_contracts::wire::command::nav::WaitParams;
use ops_contracts::wire::command::{DomTitle, SessionList};
use ops_contracts::wire::frame::{ClientFrame, ClientKind, OpsChunk, OpsRequest};
use ops_contracts::wire::ids::{LeaseId, SessionId};
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

type Ws = WebSocketStream<TcpStream>;

const ACK: &str = r#"{"type":"ops_hello_ack","relayVersion":"0.2.0","opsContractVersion":"1.9.0","opsMinContractVersion":"1.0.0",
"statusSchemaVersion":"1.0","versionScheme":"semver","compatibilityWindowN":"0.2","compatibilityWindowNMinus1":"0.1","clientId":"c1",
"capabilities":[],"limits":{"name":"local","ops":{"maxPayloadBytes":1,"requestsPerMinute":1,"burst":1,"maxTimeoutMs":30000},
"cdp":{"maxPayloadBytes":1,"requestsPerMinute":1,"burst":1,"maxTimeoutMs":20000}},"heartbeatIntervalMs":20000,"news":true}"#;

async fn listen() -> (TcpListener, Endpoint) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint {
        url: format!("http://{}", listener.local_addr().unwrap())
            .parse()
            .unwrap(),
        trust: None,
        token: "t0ken".parse().unwrap(),
        pairing: None,
        client_id: "c1".parse().unwrap(),
        client_kind: ClientKind::Cli,
        client_version: "0.2.0".to_owned(),
        routing: ops_contracts::wire::routing::RequestControls::default(),
        request_ids: RequestIds::new(1),
    };
    (listener, endpoint)
}

fn ids() -> (SessionId, LeaseId) {
    (
        "ab".repeat(16).parse().unwrap(),
        "cd".repeat(32).parse().unwrap(),
    )
}

fn response(request: &OpsRequest, result: &str) -> String {
    format!(
        r#"{{"type":"ops_response","requestId":"{}","result":{result},"timing":{{"queueMs":0,"runtimeMs":1,"adapterMs":1,"roundTrips":1,"totalMs":2}}}}"#,
        request.request_id
    )
}

fn error(request: &OpsRequest, code: &str, more: &str) -> String {
    format!(
        r#"{{"type":"ops_error","requestId":"{0}","error":{{"code":"{code}","message":"no","retryable":false,"errorSource":"ops","requestId":"{0}"{more}}}}}"#,
        request.request_id
    )
}

/// Reads one HTTP request; its head and the frame in its body.
async fn read_http(stream: &mut TcpStream) -> (String, OpsRequest) {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.unwrap();
        assert!(read > 0, "the client ended early");
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8(bytes.clone()).unwrap();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && let Ok(ClientFrame::Request(request)) = ClientFrame::parse(body)
        {
            return (head.to_lowercase(), request);
        }
    }
}

async fn write_http(stream: &mut TcpStream, status: u16, body: &str) {
    let head = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
}

/// Takes a WebSocket and answers its hello.
async fn accept(listener: &TcpListener) -> Ws {
    let (stream, _) = listener.accept().await.unwrap();
    let mut ws = tokio_tungstenite::accept_async(stream).await.unwrap();
    let hello = ws.next().await.unwrap().unwrap();
    let parsed = ClientFrame::parse(hello.to_text().unwrap());
    assert!(matches!(parsed, Ok(ClientFrame::Hello(_))), "{parsed:?}");
    ws.send(Message::text(ACK)).await.unwrap();
    ws
}

async fn next_request(ws: &mut Ws) -> OpsRequest {
    while let Some(message) = ws.next().await {
        if let Ok(ClientFrame::Request(request)) =
            ClientFrame::parse(message.unwrap().to_text().unwrap())
        {
            return request;
        }
    }
    panic!("the client closed the connection");
}

async fn both<A, B>(script: impl Future<Output = A>, client: impl Future<Output = B>) -> (A, B) {
    tokio::time::timeout(Duration::from_secs(30), async {
        tokio::join!(script, client)
    })
    .await
    .expect("the script has ended")
}

fn params(text: &str) -> Box<RawValue> {
    RawValue::from_string(text.to_owned()).unwrap()
}

#[tokio::test]
async fn a_post_carries_its_identity_and_reads_its_result() {
    let (listener, endpoint) = listen().await;
    let script = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let (head, request) = read_http(&mut stream).await;
        write_http(&mut stream, 200, &response(&request, r#"{"value":"Shop"}"#)).await;
        (head, request)
    };
    let (session, lease) = ids();
    let params = PageParams::default();
    let call = post::call::<DomTitle>(
        &endpoint,
        Some((&session, &lease)),
        &params,
        Some(Duration::from_secs(3)),
    );
    let ((head, request), outcome) = both(script, call).await;
    for line in [
        "post /ops http/1.1",
        "authorization: bearer t0ken",
        "x-ops-contract-version: 1.1.0",
        "x-ops-client-kind: cli",
        "connection: close",
    ] {
        assert!(head.contains(line), "{line} in {head}");
    }
    assert_eq!(
        (
            request.command.as_str(),
            request.timeout_ms,
            request.lease_id
        ),
        ("dom.title", Some(3000), Some(lease))
    );
    let (result, timing) = outcome.unwrap();
    assert_eq!((result.value.as_str(), timing.round_trips), ("Shop", 1));
}

#[tokio::test]
async fn a_post_tells_refusals_unknown_codes_lost_connections_and_strangers_apart() {
    let (listener, endpoint) = listen().await;
    let script = async {
        for step in 0..4 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (_, request) = read_http(&mut stream).await;
            match step {
                0 => write_http(&mut stream, 403, &error(&request, "ops_not_owner", "")).await,
                1 => write_http(&mut stream, 418, &error(&request, "ops_of_tomorrow", "")).await,
                2 => drop(stream),
                _ => write_http(&mut stream, 200, "<html>").await,
            }
        }
    };
    let client = async {
        let mut errors = Vec::new();
        for _ in 0..4 {
            errors.push(
                post::call::<SessionList>(&endpoint, None, &Default::default(), None)
                    .await
                    .unwrap_err(),
            );
        }
        errors
    };
    let ((), errors) = both(script, client).await;
    assert_eq!(errors[0].code(), Some(ErrorCode::OpsNotOwner));
    assert!(
        matches!(&errors[1], ClientError::Foreign(refusal) if refusal.code == "ops_of_tomorrow"),
        "{:?}",
        errors[1]
    );
    assert_eq!(errors[2].code(), Some(ErrorCode::CliReplyLost));
    assert_eq!(errors[3].code(), Some(ErrorCode::CliReplyInvalid));
    drop(listener);
    let unreachable = post::call::<SessionList>(&endpoint, None, &Default::default(), None)
        .await
        .unwrap_err();
    assert_eq!(unreachable.code(), Some(ErrorCode::CliDaemonUnavailable));
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_ends_a_post_at_its_deadline() {
    let (listener, endpoint) = listen().await;
    let script = listener.accept();
    let raw = params("{}");
    let call = RawCall {
        timeout: Some(Duration::from_millis(100)),
        ..RawCall::new("session.list", &raw)
    };
    let (_stream, outcome) = both(script, post::call_raw(&endpoint, &call)).await;
    assert!(
        matches!(outcome, Err(ClientError::Deadline(_))),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_rate_limit_is_waited_out() {
    let (listener, endpoint) = listen().await;
    let script = async {
        let mut answers = ["relay_rate_limited", "relay_rate_limited", ""].into_iter();
        for code in answers.by_ref() {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (_, request) = read_http(&mut stream).await;
            match code {
                "" => write_http(&mut stream, 200, &response(&request, "{}")).await,
                code => {
                    write_http(
                        &mut stream,
                        429,
                        &error(&request, code, r#","retryAfterMs":5"#),
                    )
                    .await
                }
            }
        }
    };
    let raw = params("{}");
    let call = RawCall::new("session.list", &raw);
    let ((), outcome) = both(script, patience::call(&endpoint, &call)).await;
    assert_eq!(outcome.unwrap().result(), Ok("{}"));
}

#[tokio::test]
async fn a_long_wait_goes_in_slices_below_the_cap() {
    let (listener, endpoint) = listen().await;
    let script = async {
        let mut asked = Vec::new();
        for step in 0..3 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (_, request) = read_http(&mut stream).await;
            asked.push(request.timeout_ms.unwrap());
            let done = response(&request, r#"{"waitedMs":1,"url":"u"}"#);
            write_http(
                &mut stream,
                200,
                &if step < 2 {
                    error(&request, "ops_timeout", "")
                } else {
                    done
                },
            )
            .await;
        }
        asked
    };
    let (session, lease) = ids();
    let wait = WaitParams {
        text: Some("x".to_owned()),
        ..WaitParams::default()
    };
    let total = Duration::from_secs(75);
    let client = patience::wait(
        &endpoint,
        (&session, &lease),
        &wait,
        total,
        patience::TIMEOUT_CAP,
    );
    let (asked, outcome) = both(script, client).await;
    assert!(outcome.unwrap().result().is_ok());
    assert!(asked.iter().all(|ms| *ms <= 30_000), "{asked:?}");
}

#[tokio::test]
async fn a_timed_wait_is_divided() {
    let (listener, endpoint) = listen().await;
    let script = async {
        let mut asked = Vec::new();
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (_, request) = read_http(&mut stream).await;
            asked.push(
                serde_json::from_str::<WaitParams>(request.params.get())
                    .unwrap()
                    .time_ms
                    .unwrap(),
            );
            write_http(
                &mut stream,
                200,
                &response(&request, r#"{"waitedMs":1,"url":"u"}"#),
            )
            .await;
        }
        asked
    };
    let (session, lease) = ids();
    let wait = WaitParams {
        time_ms: Some(5_000),
        ..WaitParams::default()
    };
    let cap = Duration::from_secs(3);
    let (asked, outcome) = both(
        script,
        patience::wait(
            &endpoint,
            (&session, &lease),
            &wait,
            Duration::from_secs(60),
            cap,
        ),
    )
    .await;
    assert!(outcome.unwrap().result().is_ok());
    assert_eq!(asked, [2_000, 2_000, 1_000]);
}

#[tokio::test]
async fn answers_are_matched_and_chunks_put_together() {
    let (listener, endpoint) = listen().await;
    let script = async {
        let mut ws = accept(&listener).await;
        let (first, second) = (next_request(&mut ws).await, next_request(&mut ws).await);
        let text = response(&first, &format!(r#"{{"value":"{}"}}"#, "ä".repeat(1000)));
        let slices: Vec<String> = text
            .chars()
            .collect::<Vec<_>>()
            .chunks(400)
            .map(|slice| slice.iter().collect())
            .collect();
        for (index, data) in slices.iter().enumerate() {
            let chunk = OpsChunk {
                request_id: first.request_id.clone(),
                index: index as u32,
                count: slices.len() as u32,
                data: data.clone(),
            };
            ws.send(Message::text(chunk.encode())).await.unwrap();
            if index == 0 {
                ws.send(Message::text(r#"{"type":"ops_of_tomorrow","requestId":7}"#))
                    .await
                    .unwrap();
                ws.send(Message::text(response(&second, r#"{"value":"second"}"#)))
                    .await
                    .unwrap();
            }
        }
        ws
    };
    let (session, lease) = ids();
    let client = async {
        let client = Client::connect(endpoint, Options::default()).await.unwrap();
        assert_eq!(client.hello().relay_version, "0.2.0");
        let params = PageParams::default();
        let call = || client.call::<DomTitle>(Some((&session, &lease)), &params, None);
        let (first, second) = tokio::join!(call(), call());
        (first.unwrap().0.value, second.unwrap().0.value)
    };
    let (_ws, (first, second)) = both(script, client).await;
    assert_eq!((first, second), ("ä".repeat(1000), "second".to_owned()));
}

#[tokio::test]
async fn a_chunk_out_of_order_ends_its_request_alone() {
    let (listener, endpoint) = listen().await;
    let script = async {
        let mut ws = accept(&listener).await;
        let request = next_request(&mut ws).await;
        let chunk = OpsChunk {
            request_id: request.request_id,
            index: 1,
            count: 2,
            data: "x".to_owned(),
        };
        ws.send(Message::text(chunk.encode())).await.unwrap();
        let request = next_request(&mut ws).await;
        ws.send(Message::text(error(&request, "ops_of_tomorrow", "")))
            .await
            .unwrap();
        ws
    };
    let client = async {
        let client = Client::connect(endpoint, Options::default()).await.unwrap();
        let first = client
            .call::<SessionList>(None, &Default::default(), None)
            .await
            .unwrap_err();
        let second = client
            .call::<SessionList>(None, &Default::default(), None)
            .await
            .unwrap_err();
        (first, second)
    };
    let (_ws, (first, second)) = both(script, client).await;
    assert_eq!(first.code(), Some(ErrorCode::CliReplyInvalid));
    assert!(matches!(second, ClientError::Foreign(_)), "{second:?}");
}

#[tokio::test]
async fn after_a_lost_connection_reads_are_sent_again_and_actions_are_not() {
    let (listener, endpoint) = listen().await;
    let script = async {
        let mut ws = accept(&listener).await;
        let mut first = vec![
            next_request(&mut ws).await.command.to_string(),
            next_request(&mut ws).await.command.to_string(),
        ];
        first.sort();
        drop(ws);
        let mut ws = accept(&listener).await;
        let again = next_request(&mut ws).await;
        ws.send(Message::text(response(&again, r#"{"value":"again"}"#)))
            .await
            .unwrap();
        (ws, first, again.command)
    };
    let (session, lease) = ids();
    let client = async {
        let client = Client::connect(endpoint, Options::default()).await.unwrap();
        let held = Some((&session, &lease));
        let page = PageParams::default();
        let click = params(r#"{"element":{"ref":"e1"}}"#);
        let click = RawCall {
            session: held,
            ..RawCall::new("interact.click", &click)
        };
        tokio::join!(
            client.call::<DomTitle>(held, &page, None),
            client.call_raw(&click)
        )
    };
    let ((_ws, first, again), (title, click)) = both(script, client).await;
    assert_eq!(
        (first, again.as_str()),
        (
            vec!["dom.title".to_owned(), "interact.click".to_owned()],
            "dom.title"
        )
    );
    assert_eq!(title.unwrap().0.value, "again");
    assert_eq!(click.unwrap_err().code(), Some(ErrorCode::CliReplyLost));
}

#[tokio::test]
async fn events_and_heartbeats_pass() {
    let (listener, endpoint) = listen().await;
    let (session, _) = ids();
    let event = format!(
        r#"{{"type":"ops_event","sessionId":"{session}","seq":1,"event":"target.crashed","data":{{"targetId":"t1"}}}}"#
    );
    let script = async {
        let mut ws = accept(&listener).await;
        let request = next_request(&mut ws).await;
        ws.send(Message::text(r#"{"type":"ops_ping","nonce":9}"#))
            .await
            .unwrap();
        ws.send(Message::text(event)).await.unwrap();
        ws.send(Message::text(response(&request, r#"{"sessions":[]}"#)))
            .await
            .unwrap();
        let pong = ws.next().await.unwrap().unwrap();
        ClientFrame::parse(pong.to_text().unwrap()).unwrap()
    };
    let client = async {
        let client = Client::connect(endpoint, Options::default()).await.unwrap();
        let mut events = client.events();
        client
            .call::<SessionList>(None, &Default::default(), None)
            .await
            .unwrap();
        (events.recv().await.unwrap().seq, client)
    };
    let (pong, (seq, _client)) = both(script, client).await;
    assert!(matches!(pong, ClientFrame::Pong(ping) if ping.nonce == 9));
    assert_eq!(seq, 1);
}

#[tokio::test]
async fn a_client_whose_relay_is_gone_fails_instead_of_waiting() {
    let (listener, endpoint) = listen().await;
    let options = Options {
        attempts: 2,
        first_backoff: Duration::from_millis(1),
        ..Options::default()
    };
    let (ws, client) = both(accept(&listener), Client::connect(endpoint, options)).await;
    let client = client.unwrap();
    drop((ws, listener));
    let ended = tokio::time::timeout(
        Duration::from_secs(30),
        client.call::<SessionList>(None, &Default::default(), None),
    )
    .await
    .unwrap();
    assert_eq!(
        ended.unwrap_err().code(),
        Some(ErrorCode::CliDaemonUnavailable)
    );
}
