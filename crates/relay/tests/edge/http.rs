use ops_contracts::ErrorCode::*;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::client::{Request, eval, read_response, request};
use crate::service::{EXTENSION, TOKEN, config, lease, session, start};

#[tokio::test]
async fn a_command_goes_through_and_its_result_comes_back_unchanged() {
    let relay = start(config()).await;
    let response = Request::post(relay.address, eval("r1", "[1,  2]"))
        .send(relay.address)
        .await;
    assert_eq!(response.status, 200, "{response:?}");
    assert_eq!(response.header("content-type"), Some("application/json"));
    assert!(
        response
            .body
            .starts_with(r#"{"type":"ops_response","requestId":"r1","sessionId":"5e"#),
        "{response:?}"
    );
    assert!(
        response
            .body
            .contains(r#""result":{"value":[1,  2]},"timing":{"#),
        "{response:?}"
    );
    assert_eq!(
        relay.script.executed(),
        [("dom.eval".to_owned(), Some(30_000), "tester".to_owned())]
    );
}

#[tokio::test]
async fn the_gates_refuse_each_with_its_code_and_name() {
    let relay = start(config()).await;
    let at = relay.address;
    let post = || Request::post(at, eval("r1", "1"));
    let wrong = "Bearer ".to_owned() + &"f".repeat(64);
    let cases = [
        (post().with("host", "evil.example"), RelayHostDenied, "host"),
        (post().with("host", ""), RelayHostDenied, "host"),
        (post().and("host", "localhost"), RelayHostDenied, "host"),
        (post().with("origin", "null"), RelayOriginDenied, "origin"),
        (
            post().with("origin", &format!("http://{at}")),
            RelayOriginDenied,
            "origin",
        ),
        (
            post().with("sec-fetch-site", "none"),
            RelayOriginDenied,
            "origin",
        ),
        (
            post().with("origin", "chrome-extension://other"),
            RelayOriginDenied,
            "origin",
        ),
        (post().with("authorization", ""), RelayAuthRequired, "auth"),
        (
            post().with("authorization", &wrong),
            RelayAuthInvalid,
            "auth",
        ),
        (
            post().with("authorization", TOKEN),
            RelayAuthInvalid,
            "auth",
        ),
        (
            post().and("authorization", &wrong),
            RelayAuthInvalid,
            "auth",
        ),
        (
            Request::new("POST", &format!("/ops?token={TOKEN}"), at).with("authorization", ""),
            RelayAuthRequired,
            "auth",
        ),
        (
            post()
                .with("authorization", "")
                .with("sec-websocket-protocol", &format!("odb.bearer.{TOKEN}")),
            RelayAuthRequired,
            "auth",
        ),
        (
            post().with("x-ops-contract-version", ""),
            RelayOpsVersionInvalid,
            "version",
        ),
        (
            post().with("x-ops-contract-version", "7.0.0"),
            RelayOpsVersionUnsupported,
            "version",
        ),
        (
            Request::post(at, "x".repeat(4097)),
            RelayPayloadTooLarge,
            "payload",
        ),
    ];
    for (request, code, gate) in cases {
        let head = request.head();
        let response = request.send(at).await;
        let error = response.error().error;
        assert_eq!(error.code, code, "{head}");
        assert_eq!(error.details.unwrap().get("gate").unwrap(), gate, "{head}");
        assert_eq!(response.header("connection"), Some("close"), "{head}");
        assert!(!response.body.contains(TOKEN), "{head}");
    }
    assert_eq!(relay.script.executed(), []);
}

#[tokio::test]
async fn an_extension_of_the_allow_list_passes() {
    let relay = start(config()).await;
    let origin = format!("chrome-extension://{EXTENSION}");
    let response = Request::post(relay.address, eval("r1", "1"))
        .with("origin", &origin)
        .send(relay.address)
        .await;
    assert_eq!(response.status, 200, "{response:?}");
}

#[tokio::test]
async fn wrong_tokens_never_lock_out_a_right_one() {
    let relay = start(config()).await;
    for _ in 0..300 {
        let response = Request::new("GET", "/status", relay.address)
            .with("authorization", "Bearer wrong")
            .send(relay.address)
            .await;
        assert_eq!(response.code(), RelayAuthInvalid);
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
async fn healthz_needs_no_token_but_a_host() {
    let relay = start(config()).await;
    let response = Request::new("GET", "/healthz", relay.address)
        .with("authorization", "")
        .send(relay.address)
        .await;
    assert_eq!((response.status, response.body.as_str()), (200, "ok\n"));
    let foreign = Request::new("GET", "/healthz", relay.address)
        .with("authorization", "")
        .with("host", "evil.example");
    assert_eq!(foreign.send(relay.address).await.code(), RelayHostDenied);
}

#[tokio::test]
async fn wrong_paths_methods_and_types_are_told_apart() {
    let relay = start(config()).await;
    let at = relay.address;
    for path in ["/", "/ops/", "/OPS", "/ops/x", "/cdpx", "/status/", "//ops"] {
        assert_eq!(
            Request::new("GET", path, at).send(at).await.code(),
            RelayNotFound,
            "{path}"
        );
    }
    for (method, path, allow) in [
        ("PUT", "/ops", "GET, POST"),
        ("DELETE", "/ops", "GET, POST"),
        ("OPTIONS", "/ops", "GET, POST"),
        ("POST", "/status", "GET"),
        ("POST", "/metrics", "GET"),
        ("POST", "/healthz", "GET"),
    ] {
        let response = Request::new(method, path, at).send(at).await;
        assert_eq!(
            (response.code(), response.header("allow")),
            (RelayMethodNotAllowed, Some(allow)),
            "{method} {path}"
        );
    }
    for kind in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "text/json",
    ] {
        assert_eq!(
            Request::post(at, eval("r", "1"))
                .with("content-type", kind)
                .send(at)
                .await
                .code(),
            RelayContentTypeUnsupported,
            "{kind}"
        );
    }
    let charset =
        Request::post(at, eval("r", "1")).with("content-type", "Application/JSON; charset=utf-8");
    assert_eq!(charset.send(at).await.status, 200);
    assert_eq!(
        Request::new("GET", "/ops", at).send(at).await.code(),
        RelayFrameInvalid
    );
}

#[tokio::test]
async fn bodies_that_are_no_request_are_coded() {
    let relay = start(config()).await;
    let at = relay.address;
    let deep = format!(
        r#"{{"type":"ops_request","requestId":"r","command":"dom.eval","params":{}{}}}"#,
        "[".repeat(1500),
        "]".repeat(1500)
    );
    let cases: Vec<(Vec<u8>, _)> = vec![
        (b"{".to_vec(), RelayFrameInvalid),
        (b"[]".to_vec(), RelayFrameInvalid),
        (b"null".to_vec(), RelayFrameInvalid),
        (b" ".to_vec(), RelayFrameInvalid),
        (b"\xff\xfe{}".to_vec(), RelayFrameInvalid),
        (br#"{"type":"ops_request"}"#.to_vec(), RelayFrameInvalid),
        (br#"{"type":"ops_request","requestId":"a b","command":"x"}"#.to_vec(), RelayFrameInvalid),
        (br#"{"type":"ops_request","requestId":"r","requestId":"r","command":"dom.eval"}"#.to_vec(), RelayFrameInvalid),
        (br#"{"type":"ops_request","type":"ops_cancel","requestId":"r","command":"dom.eval"}"#.to_vec(), RelayFrameInvalid),
        (br#"{"type":"ops_request","requestId":"r","command":"dom.eval","timeoutMs":-1}"#.to_vec(), RelayFrameInvalid),
        (br#"{"type":"ops_request","requestId":"r","command":"dom.eval"} trailing"#.to_vec(), RelayFrameInvalid),
        (
            br#"{"type":"ops_hello","contractVersion":"1.1.0","clientVersion":"1","clientKind":"other"}"#.to_vec(),
            RelayFrameTypeUnknown,
        ),
        (br#"{"type":"nonsense"}"#.to_vec(), RelayFrameTypeUnknown),
        ("[".repeat(4000).into_bytes(), RelayFrameInvalid),
        (deep.into_bytes(), OpsInvalidRequest),
        (request("r", "dom.nonsense", json!({})).into_bytes(), OpsCommandUnknown),
        (
            br#"{"type":"ops_request","requestId":"r","command":"dom.eval","params":{"expression":"1","expression":"2"}}"#.to_vec(),
            OpsInvalidRequest,
        ),
    ];
    for (body, code) in cases {
        let response = Request::post(at, &body).send(at).await;
        assert_eq!(
            response.code(),
            code,
            "{} {response:?}",
            String::from_utf8_lossy(&body)
        );
        assert!(matches!(response.status, 400 | 404), "{response:?}");
    }
    assert_eq!(
        Request::post(at, "")
            .with("content-length", "0")
            .send(at)
            .await
            .code(),
        RelayFrameInvalid
    );
}

#[tokio::test]
async fn an_error_names_its_request_or_one_that_the_log_has() {
    let relay = start(config()).await;
    let at = relay.address;
    let named = Request::post(at, r#"{"type":"ops_request","requestId":"mine"}"#)
        .send(at)
        .await;
    assert_eq!(named.error().request_id.as_str(), "mine");
    let nameless = Request::post(at, "{").send(at).await.error().request_id;
    let other = Request::post(at, "{").send(at).await.error().request_id;
    assert!(
        nameless.as_str().starts_with("relay-0badcafe-") && nameless != other,
        "{nameless} {other}"
    );
}

#[tokio::test]
async fn a_kept_connection_serves_one_request_after_the_other() {
    let relay = start(config()).await;
    let mut socket = TcpStream::connect(relay.address).await.unwrap();
    for number in 0..20 {
        let body = eval(&format!("r{number}"), &number.to_string());
        let head = Request::post(relay.address, &body).head();
        socket.write_all((head + &body).as_bytes()).await.unwrap();
        let response = read_response(&mut socket).await;
        assert_eq!(response.json()["result"]["value"], number);
    }
}

#[tokio::test]
async fn a_cancel_over_http_tells_whether_it_met_its_request() {
    let relay = start(config()).await;
    let at = relay.address;
    let waiting =
        tokio::spawn(async move { Request::post(at, eval("slow", "wait")).send(at).await });
    relay
        .script
        .begun
        .subscribe()
        .wait_for(|begun| *begun == 1)
        .await
        .unwrap();
    let cancel = |id: &str| {
        json!({"type": "ops_cancel", "requestId": id, "sessionId": session(), "leaseId": lease()})
            .to_string()
    };
    let met = Request::post(at, cancel("slow")).send(at).await;
    assert_eq!(
        (met.status, met.json()["result"]["cancelled"].as_bool()),
        (200, Some(true)),
        "{met:?}"
    );
    assert_eq!(waiting.await.unwrap().code(), OpsCancelled);
    let missed = Request::post(at, cancel("slow")).send(at).await;
    assert_eq!(missed.json()["result"]["cancelled"].as_bool(), Some(false));
}

#[tokio::test]
async fn a_caller_that_hangs_up_cancels_nothing_and_is_counted() {
    let relay = start(config()).await;
    let body = eval("left", "wait");
    let mut socket = TcpStream::connect(relay.address).await.unwrap();
    socket
        .write_all((Request::post(relay.address, &body).head() + &body).as_bytes())
        .await
        .unwrap();
    relay
        .script
        .begun
        .subscribe()
        .wait_for(|begun| *begun == 1)
        .await
        .unwrap();
    drop(socket);
    let cancel = json!({"type": "ops_cancel", "requestId": "left"}).to_string();
    let met = Request::post(relay.address, cancel)
        .send(relay.address)
        .await;
    assert_eq!(
        met.json()["result"]["cancelled"].as_bool(),
        Some(true),
        "it ran on"
    );
    relay
        .script
        .ended
        .subscribe()
        .wait_for(|ended| *ended == 1)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_runtime_that_panics_or_hangs_is_answered_for() {
    let relay = start(config()).await;
    let at = relay.address;
    assert_eq!(
        Request::post(at, eval("r1", "panic")).send(at).await.code(),
        RelayInternal
    );
    let hanging = eval("r2", "hang").replace("\"params\"", "\"timeoutMs\":20,\"params\"");
    assert_eq!(
        Request::post(at, hanging).send(at).await.code(),
        RelayInternal
    );
    assert_eq!(
        Request::post(at, eval("r3", "1")).send(at).await.status,
        200
    );
}

#[tokio::test]
async fn the_status_document_is_complete() {
    let relay = start(config()).await;
    let response = Request::new("GET", "/status", relay.address)
        .send(relay.address)
        .await;
    let status: ops_contracts::control::status::StatusDocument =
        serde_json::from_str(&response.body).unwrap();
    assert_eq!(status.relay_url, format!("http://{}", relay.address));
    assert_eq!(status.limits_profile, "test");
    assert_eq!(
        (
            status.compatibility_window_n.as_deref(),
            status.compatibility_window_n_minus1.as_deref()
        ),
        (Some("0.2"), Some("0.1"))
    );
    assert_eq!(status.warnings, ["a warning"]);
    assert_eq!(status.started_at.to_string(), "2023-11-14T22:13:20.000Z");
    assert!(!status.draining);
    assert_eq!(
        (
            status.adapter_circuit_state.as_str(),
            status.adapter_scope.as_str()
        ),
        ("closed", "session")
    );
    let document: serde_json::Value = serde_json::from_str(&response.body).unwrap();
    for key in [
        "adapterDisableReason",
        "adapterCooldownUntil",
        "adapterHealthLastSeenAt",
    ] {
        assert_eq!(
            document.get(key),
            Some(&serde_json::Value::Null),
            "{key} is there, and null"
        );
    }
    assert_eq!(document["adapterHealth"]["sessions"], json!([]));
    assert!(!response.body.contains(TOKEN));
}

#[tokio::test]
async fn requests_show_in_the_metrics_by_outcome_and_without_ids() {
    let relay = start(config()).await;
    let at = relay.address;
    Request::post(at, eval("request-id-1", "1")).send(at).await;
    Request::post(at, request("request-id-2", "no.such", json!({})))
        .send(at)
        .await;
    Request::post(at, eval("request-id-3", "1"))
        .with("x-ops-contract-version", "9.0.0")
        .send(at)
        .await;
    let stranger = Request::new("GET", "/status", at).with("authorization", "");
    assert_eq!(stranger.send(at).await.status, 401);
    let response = Request::new("GET", "/metrics", at).send(at).await;
    assert_eq!(
        response.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    for series in [
        r#"ops_requests_total{command="dom.eval",route="ops",adapter="cdp",mode="managed",outcome="success",error_code="none"} 1"#,
        r#"ops_requests_total{command="other",route="ops",adapter="cdp",mode="managed",outcome="error",error_code="ops_command_unknown"} 1"#,
        r#"ops_requests_total{command="other",route="ops",adapter="none",mode="none",outcome="error",error_code="relay_ops_version_unsupported"} 1"#,
        r#"ops_request_latency_ms_count{command="dom.eval",route="ops",adapter="cdp",mode="managed"} 1"#,
        r#"ops_gate_refusals_total{gate="version",error_code="relay_ops_version_unsupported"} 1"#,
        r#"ops_gate_refusals_total{gate="auth",error_code="relay_auth_required"} 1"#,
        r#"ops_gate_refusals_total{gate="lease",error_code="none"} 0"#,
    ] {
        assert!(
            response.body.lines().any(|line| line == series),
            "{series}\n{}",
            response.body
        );
    }
    assert!(!response.body.contains("request-id"));
}

/// One code is open, and one client is paired.
struct Book;

impl relay::PairingStore for Book {
    fn find(&self, token: &[u8]) -> Option<String> {
        (token == b"a-pairing-token").then(|| "0123456789abcdef".to_owned())
    }

    fn holds(&self, id: &str) -> bool {
        id == "0123456789abcdef"
    }

    fn redeem(&self, code: &str) -> ops_contracts::Outcome<relay::Paired> {
        match code {
            "K7QM-2XPD" => Ok(relay::Paired {
                id: "0123456789abcdef".to_owned(),
                token: "a-pairing-token".to_owned(),
            }),
            _ => Err(RelayPairingInvalid.into()),
        }
    }
}

#[tokio::test]
async fn where_clients_must_pair_a_code_gets_the_token_that_opens_the_rest() {
    let pairing = relay::Pairing {
        required: true,
        store: std::sync::Arc::new(Book),
    };
    let relay = start(relay::RelayConfig {
        pairing,
        ..config()
    })
    .await;
    let at = relay.address;
    let post = || Request::post(at, eval("r1", "1"));
    assert_eq!(post().send(at).await.code(), RelayPairingRequired);
    assert_eq!(
        post()
            .with("x-odb-pairing-token", "another")
            .send(at)
            .await
            .code(),
        RelayPairingInvalid
    );
    assert_eq!(
        post()
            .with("x-odb-pairing-token", "a-pairing-token")
            .with("authorization", "")
            .send(at)
            .await
            .code(),
        RelayAuthRequired
    );
    let pair = |body: &str| Request::post(at, body).at("/pair");
    assert_eq!(
        pair(r#"{"code":"K7QM-2XPD"}"#)
            .with("authorization", "")
            .send(at)
            .await
            .code(),
        RelayAuthRequired
    );
    assert_eq!(
        pair(r#"{"code":"0000-0000"}"#).send(at).await.code(),
        RelayPairingInvalid
    );
    for body in [
        "",
        "[]",
        r#"["K7QM-2XPD"]"#,
        "{}",
        r#"{"code":7}"#,
        r#"{"code":"a","code":"b"}"#,
        r#"{"code":"a","more":1}"#,
    ] {
        assert_eq!(
            pair(body).send(at).await.code(),
            RelayFrameInvalid,
            "{body}"
        );
    }
    assert_eq!(
        pair("{}")
            .with("content-type", "text/plain")
            .send(at)
            .await
            .code(),
        RelayContentTypeUnsupported
    );
    assert_eq!(
        Request::new("GET", "/pair", at).send(at).await.code(),
        RelayMethodNotAllowed
    );
    let paired = pair(r#"{"code":"K7QM-2XPD"}"#).send(at).await.json();
    assert_eq!(
        paired,
        json!({"pairingId": "0123456789abcdef", "pairingToken": "a-pairing-token"})
    );
    assert_eq!(
        post()
            .with("x-odb-pairing-token", "a-pairing-token")
            .send(at)
            .await
            .status,
        200
    );
    assert_eq!(
        Request::new("GET", "/healthz", at)
            .with("authorization", "")
            .send(at)
            .await
            .status,
        200
    );
}
