//! The legacy lane over real sockets, with scripted browsers behind it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ops_contracts::ErrorCode::{
    self, AdapterBrowserLost, OpsSessionUnknown, RelayAuthRequired, RelayCdpCommandTimeout,
    RelayCdpLeaseExpired, RelayCdpMethodDenied, RelayCdpNotOwner, RelayFrameInvalid,
    RelayLegacyCdpOptInRequired, RelayLegacyRouteUnavailable, RelayLegacyWindowExceeded,
    RelayMethodNotAllowed, RelayNonlocalCdpDisabled, RelayOpsRouteDisabled, RelayOpsTerminated,
    RelayOpsVersionUnsupported, RelayOriginDenied, RelayPayloadTooLarge, RelayPolicyDenied,
    RelayPolicyUnreadable, RelayRateLimited, RelayRawCdpDisabled, RelayTimeoutCapExceeded,
};
use ops_contracts::Outcome;
use ops_contracts::control::access::AccessPolicy;
use ops_contracts::control::legacy::{
    CDP_PROTOCOL, CdpDecision, CdpVerdict, LegacyBrowser, LegacyBrowserInfo, LegacyBrowsers,
    LegacyCommand, LegacyEvents, LegacyMessage,
};
use ops_contracts::seam::adapter::BoxFuture;
use ops_contracts::wire::limits::{LaneLimits, LimitsProfile};
use ops_contracts::wire::routing as contract;
use ops_contracts::wire::routing::{LegacyLane, RoutingControls, RoutingMode};
use relay::{LegacyGates, RelayConfig, Versions};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::client::{Client, PATIENCE, Request, Response, request};
use crate::service::{Running, TOKEN, config, routing, settings, start_with};

/// Closed to everybody.
const CLOSED: LegacyGates = LegacyGates {
    local: LegacyLane::Closed(RelayRawCdpDisabled),
    beyond: LegacyLane::Closed(RelayRawCdpDisabled),
};

/// Browsers that do what the method says.
#[derive(Default)]
pub(crate) struct Browsers {
    open: Arc<AtomicUsize>,
    events: Mutex<Vec<Arc<dyn LegacyEvents>>>,
}

struct Scripted {
    info: LegacyBrowserInfo,
    events: Arc<dyn LegacyEvents>,
    open: Arc<AtomicUsize>,
    closed: AtomicBool,
}

impl LegacyBrowsers for Browsers {
    fn open(
        &self,
        events: Arc<dyn LegacyEvents>,
    ) -> BoxFuture<'_, Outcome<Arc<dyn LegacyBrowser>>> {
        self.open.fetch_add(1, Ordering::SeqCst);
        self.events.lock().unwrap().push(events.clone());
        let info = LegacyBrowserInfo {
            product: "Scripted/1".to_owned(),
            protocol_version: "1.3".to_owned(),
            user_agent: "scripted".to_owned(),
            directory: "/nowhere".to_owned(),
            confined: Vec::new(),
        };
        let browser: Arc<dyn LegacyBrowser> = Arc::new(Scripted {
            info,
            events,
            open: self.open.clone(),
            closed: AtomicBool::new(false),
        });
        Box::pin(std::future::ready(Ok(browser)))
    }
}

impl Scripted {
    fn end(&self) {
        if !self.closed.swap(true, Ordering::SeqCst) {
            self.open.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl LegacyBrowser for Scripted {
    fn info(&self) -> &LegacyBrowserInfo {
        &self.info
    }

    fn pid(&self) -> Option<u32> {
        None
    }

    fn judge(&self, command: &LegacyCommand<'_>) -> CdpVerdict {
        let denied = command.method == "Browser.crash";
        let decision = if denied {
            CdpDecision::Deny
        } else {
            CdpDecision::Allow
        };
        let label = if command.method == "Page.enable" {
            "Page.enable"
        } else {
            "other"
        };
        CdpVerdict {
            decision,
            label,
            why: if denied {
                "it ends the browser".to_owned()
            } else {
                String::new()
            },
        }
    }

    fn send(&self, message: &str) -> Outcome<()> {
        let parsed: Value = serde_json::from_str(message).unwrap();
        let id = parsed["id"].as_u64().unwrap();
        let tell = |text: &str, answers| {
            self.events.message(LegacyMessage {
                text,
                answers,
                refused: false,
            })
        };
        match parsed["method"].as_str().unwrap() {
            "Runtime.hang" => {}
            "Browser.close" => {
                tell(&format!(r#"{{"id":{id},"result":{{}}}}"#), Some(id));
                self.events.ended();
            }
            "Page.fire" => {
                tell(r#"{"method":"Page.fired","params":{}}"#, None);
                tell(&format!(r#"{{"id":{id},"result":{{}}}}"#), Some(id));
            }
            _ => tell(
                &json!({ "id": id, "result": { "saw": message } }).to_string(),
                Some(id),
            ),
        }
        Ok(())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.end();
        Box::pin(std::future::ready(()))
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.end();
    }
}

/// A configuration whose routing goes to the legacy lane, through open gates.
fn legacy() -> RelayConfig {
    let mut controls = RoutingControls::default();
    controls.config.routing_mode = Some(RoutingMode::LegacyCdp);
    RelayConfig {
        routing: routing(controls).0,
        ..config()
    }
}

fn lane(
    max_payload_bytes: u64,
    requests_per_minute: u32,
    burst: u32,
    max_timeout_ms: u64,
) -> LaneLimits {
    LaneLimits {
        max_payload_bytes,
        requests_per_minute,
        burst,
        max_timeout_ms,
    }
}

/// The plan's table.
fn strict() -> LimitsProfile {
    LimitsProfile {
        name: "strict".to_owned(),
        ops: lane(262_144, 60, 10, 30_000),
        cdp: lane(131_072, 30, 5, 20_000),
    }
}

const MINUTES: Duration = Duration::from_secs(900);

async fn serve(config: RelayConfig, ttl: Duration) -> (Running, Arc<Browsers>) {
    let browsers = Arc::new(Browsers::default());
    let shared = browsers.clone();
    (
        start_with(config, move |relay| relay.with_legacy_browsers(shared, ttl)).await,
        browsers,
    )
}

/// A handshake request of a client.
fn handshake(at: SocketAddr, client: &str) -> Request {
    unversioned(at, client).with("x-ops-client-version", "0.2.0")
}

/// A handshake request that names no version.
fn unversioned(at: SocketAddr, client: &str) -> Request {
    Request::new("POST", "/cdp/sessions", at).with("x-ops-client-id", client)
}

fn with_body(request: Request, body: &Value) -> Request {
    request
        .with("content-type", "application/json")
        .body(&body.to_string())
}

async fn granted(at: SocketAddr, client: &str) -> Value {
    let response = handshake(at, client).send(at).await;
    assert_eq!(response.status, 200, "{response:?}");
    response.json()
}

async fn end(at: SocketAddr, client: &str, grant: &Value, method: &str, below: &str) -> Response {
    let path = format!(
        "/cdp/sessions/{}{below}",
        grant["sessionId"].as_str().unwrap()
    );
    let request = Request::new(method, &path, at).with("x-ops-client-id", client);
    with_body(request, &json!({ "cdpLeaseId": grant["cdpLeaseId"] }))
        .send(at)
        .await
}

async fn socket(at: SocketAddr, client: &str) -> Client {
    socket_saying(at, client, &[]).await
}

/// A socket of a client that predates lease fields.
async fn old_socket(at: SocketAddr, client: &str) -> Client {
    socket_saying(at, client, &[("x-ops-client-version", "0.1.9")]).await
}

/// A socket whose upgrade has further headers.
async fn socket_saying(at: SocketAddr, client: &str, headers: &[(&'static str, &str)]) -> Client {
    let mut request = format!("ws://{at}/cdp").into_client_request().unwrap();
    request
        .headers_mut()
        .insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    request
        .headers_mut()
        .insert("x-ops-client-id", client.parse().unwrap());
    request
        .headers_mut()
        .insert("sec-websocket-protocol", CDP_PROTOCOL.parse().unwrap());
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    Client(
        tokio_tungstenite::client_async(request, TcpStream::connect(at).await.unwrap())
            .await
            .unwrap()
            .0,
    )
}

fn frame(grant: &Value, id: u64, method: &str) -> String {
    let message = json!({ "id": id, "method": method, "params": {} });
    json!({ "sessionId": grant["sessionId"], "cdpLeaseId": grant["cdpLeaseId"], "message": message }).to_string()
}

#[track_caller]
fn refused(frame: &Value, code: ErrorCode, id: Option<u64>) {
    assert_eq!(frame["type"], "cdp_error", "{frame}");
    assert_eq!(frame["error"]["code"], code.as_str(), "{frame}");
    assert_eq!(
        frame["error"]["errorSource"],
        code.source().as_str(),
        "{frame}"
    );
    assert!(
        frame["error"]["requestId"]
            .as_str()
            .is_some_and(|id| !id.is_empty()),
        "{frame}"
    );
    assert_eq!(frame["id"].as_u64(), id, "{frame}");
}

/// A refusal as a client reads it that predates leases: a browser's error, which names code and deprecation.
#[track_caller]
fn refused_as_deprecated(answer: &Value, code: ErrorCode, id: u64) {
    assert_eq!(answer["id"], id, "{answer}");
    assert_eq!(answer["error"]["data"]["code"], code.as_str(), "{answer}");
    deprecated(answer);
}

#[track_caller]
fn deprecated(answer: &Value) {
    assert_eq!(
        (
            &answer["deprecation"]["feature"],
            &answer["deprecation"]["removedIn"]
        ),
        (&json!("transitional_binding"), &json!("0.4")),
        "{answer}"
    );
}

async fn active(at: SocketAddr) -> u64 {
    Request::new("GET", "/status", at).send(at).await.json()["activeCdpSessions"]
        .as_u64()
        .unwrap()
}

#[tokio::test]
async fn legacy_cdp_lease_handshake_and_transitional_binding_timeline() {
    let (relay, _) = serve(legacy(), MINUTES).await;
    let at = relay.address;
    let grant = granted(at, "one").await;
    for field in [
        "sessionId",
        "cdpLeaseId",
        "leaseOwnerId",
        "leaseExpiresAt",
        "legacyLeaseMode",
    ] {
        assert!(grant[field].is_string(), "{field}: {grant}");
    }
    assert_eq!(
        (&grant["legacyLeaseMode"], &grant["leaseOwnerId"]),
        (&json!("explicit"), &json!("one"))
    );
    // The clock of these tests stands at 1,700,000,000 s: fifteen minutes later.
    assert_eq!(grant["leaseExpiresAt"], "2023-11-14T22:28:20.000Z");
    assert_eq!(active(at).await, 1);
    // N, N with leave, N+1, N+1 with leave, N+2 with leave, N+3 with leave.
    let timeline = [
        ("0.2.0", false, true),
        ("0.2.7", true, true),
        ("0.3.0", false, false),
        ("0.3.0", true, true),
        ("0.4.0", true, false),
        ("0.5.0", true, false),
    ];
    for (version, allowed, bound) in timeline {
        let mut config = legacy();
        config.versions = Versions {
            relay: version.to_owned(),
            ..config.versions
        };
        config.routing.settings.legacy_transitional_binding = allowed;
        let (relay, browsers) = serve(config, MINUTES).await;
        // Permission to bind a connection is not permission to make a lease: the window alone decides that.
        let explicit = unversioned(relay.address, "old")
            .with("x-ops-client-version", "0.1.9")
            .send(relay.address)
            .await;
        if version.starts_with("0.2") {
            assert_eq!(explicit.status, 200, "{version}: {explicit:?}");
            let ended = end(relay.address, "old", &explicit.json(), "DELETE", "").await;
            assert_eq!(ended.status, 200, "{ended:?}");
        } else {
            assert_eq!(explicit.code(), RelayLegacyWindowExceeded, "{version}");
        }
        let mut client = old_socket(relay.address, "old").await;
        client.send(r#"{"id":5,"method":"Page.enable"}"#).await;
        let answer = client.next().await;
        if bound {
            assert_eq!(answer["id"], 5, "{version}: {answer}");
            assert!(answer["result"].is_object(), "{version}: {answer}");
            deprecated(&answer);
            assert_eq!(active(relay.address).await, 1);
            client.send(r#"{"id":6,"method":"Browser.crash"}"#).await;
            refused_as_deprecated(&client.next().await, RelayCdpMethodDenied, 6);
        } else {
            refused_as_deprecated(&answer, RelayCdpNotOwner, 5);
            assert_eq!(active(relay.address).await, 0);
        }
        drop(client);
        eventually(|| browsers.open.load(Ordering::SeqCst) == 0).await;
    }
}

/// A policy whose one rule is about sessions of the lane.
fn policy(clients: &str, access: &str) -> Result<AccessPolicy, String> {
    let text = format!(
        r#"{{"policySchemaVersion":1,"default":"allow","rules":[{{"name":"lane","commands":["cdp.session"],"clients":{clients},"access":"{access}"}}]}}"#
    );
    AccessPolicy::parse(&text).map_err(|invalid| invalid.to_string())
}

#[tokio::test]
async fn transitional_binding_meets_the_gates_of_the_handshake_before_a_browser_is_started() {
    type Headers = &'static [(&'static str, &'static str)];
    const OLD: Headers = &[("x-ops-client-version", "0.1.9")];
    const OLD_CLI: Headers = &[
        ("x-ops-client-kind", "cli"),
        ("x-ops-client-version", "0.1.9"),
    ];
    let allowed = || policy("[]", "allow");
    type Case = (
        Result<AccessPolicy, String>,
        RoutingMode,
        Headers,
        Option<ErrorCode>,
    );
    let cases: Vec<Case> = vec![
        (allowed(), RoutingMode::LegacyCdp, OLD, None),
        (allowed(), RoutingMode::LegacyCdp, OLD_CLI, None),
        (
            policy("[]", "deny"),
            RoutingMode::LegacyCdp,
            OLD,
            Some(RelayPolicyDenied),
        ),
        (
            policy("[]", "confirm"),
            RoutingMode::LegacyCdp,
            OLD,
            Some(RelayPolicyDenied),
        ),
        (
            policy(r#"["kind:cli"]"#, "deny"),
            RoutingMode::LegacyCdp,
            OLD_CLI,
            Some(RelayPolicyDenied),
        ),
        (
            policy(r#"["kind:cli"]"#, "deny"),
            RoutingMode::LegacyCdp,
            OLD,
            None,
        ),
        (
            Err("broken".to_owned()),
            RoutingMode::LegacyCdp,
            OLD,
            Some(RelayPolicyUnreadable),
        ),
        (
            allowed(),
            RoutingMode::Ops,
            OLD,
            Some(RelayLegacyCdpOptInRequired),
        ),
        (
            allowed(),
            RoutingMode::LegacyCdp,
            &[
                ("x-ops-client-kind", "cli"),
                ("x-ops-client-version", "0.0.1"),
            ],
            Some(RelayLegacyWindowExceeded),
        ),
        (
            allowed(),
            RoutingMode::LegacyCdp,
            &[
                ("x-ops-client-kind", "robot"),
                ("x-ops-client-version", "0.1.9"),
            ],
            Some(RelayFrameInvalid),
        ),
    ];
    for (policy, mode, headers, expected) in cases {
        let mut config = legacy();
        config.routing.settings.controls.config.routing_mode = Some(mode);
        let browsers = Arc::new(Browsers::default());
        let shared = browsers.clone();
        let relay = start_with(config, move |relay| {
            relay
                .with_legacy_browsers(shared, MINUTES)
                .with_policy(Arc::new(move || policy.clone()))
        })
        .await;
        let at = relay.address;
        let explicit = headers
            .iter()
            .fold(unversioned(at, "one"), |request, (name, value)| {
                request.with(name, value)
            })
            .send(at)
            .await;
        let started = || browsers.events.lock().unwrap().len();
        let by_handshake = started();
        let mut client = socket_saying(at, "two", headers).await;
        client.send(r#"{"id":7,"method":"Page.enable"}"#).await;
        let answer = client.next().await;
        match expected {
            Some(code) => {
                assert_eq!((explicit.code(), by_handshake), (code, 0), "{headers:?}");
                refused_as_deprecated(&answer, code, 7);
                assert_eq!(started(), 0, "{headers:?}: {code}");
            }
            None => {
                assert_eq!((explicit.status, by_handshake), (200, 1), "{headers:?}");
                assert!(answer["result"].is_object(), "{answer}");
                deprecated(&answer);
                assert_eq!(started(), 2);
            }
        }
    }
}

#[tokio::test]
async fn transitional_binding_is_for_clients_that_name_a_version_before_leases() {
    let (relay, browsers) = serve(legacy(), MINUTES).await;
    let at = relay.address;
    let newer: &[&[(&'static str, &str)]] = &[
        &[],
        &[("x-ops-client-version", "0.2.0")],
        &[
            ("x-ops-client-kind", "cli"),
            ("x-ops-client-version", "0.2.0"),
        ],
        &[("x-ops-client-version", "0.2.0-rc.1")],
        &[("x-ops-client-version", "old")],
    ];
    for headers in newer {
        let mut client = socket_saying(at, "one", headers).await;
        client.send(r#"{"id":7,"method":"Page.enable"}"#).await;
        let answer = client.next().await;
        refused(&answer, RelayCdpNotOwner, Some(7));
        deprecated(&answer);
    }
    assert_eq!(browsers.events.lock().unwrap().len(), 0);
    // What is written for leases is answered as ever, whoever sends it.
    let grant = granted(at, "one").await;
    let mut client = old_socket(at, "one").await;
    client.send(frame(&grant, 8, "Page.enable")).await;
    let answer = client.next().await;
    assert_eq!(
        (&answer["message"]["id"], &answer["deprecation"]),
        (&json!(8), &Value::Null)
    );
    client.send("no JSON").await;
    let answer = client.next().await;
    assert_eq!(
        answer["error"]["data"]["code"],
        RelayFrameInvalid.as_str(),
        "{answer}"
    );
    deprecated(&answer);
}

#[tokio::test]
async fn a_peer_beyond_its_rate_has_no_browser_started_by_a_raw_message() {
    let limits = LimitsProfile {
        cdp: lane(4096, 1, 1, 20_000),
        ..strict()
    };
    let (relay, browsers) = serve(RelayConfig { limits, ..legacy() }, MINUTES).await;
    let mut client = old_socket(relay.address, "one").await;
    client.send(r#"{"id":1,"method":"nothing"}"#).await;
    refused_as_deprecated(&client.next().await, RelayFrameInvalid, 1);
    client.send(r#"{"id":2,"method":"Page.enable"}"#).await;
    refused_as_deprecated(&client.next().await, RelayRateLimited, 2);
    assert_eq!(browsers.events.lock().unwrap().len(), 0);
    // Another peer pays for itself.
    let mut other = old_socket(relay.address, "two").await;
    other.send(r#"{"id":3,"method":"Page.enable"}"#).await;
    assert_eq!(other.next().await["id"], 3);
}

/// Waits for something that must come.
async fn eventually(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting)
        .await
        .expect("it comes");
}

#[tokio::test]
async fn cdp_ownership_lease_parity_enforces_relay_cdp_not_owner() {
    let (relay, _) = serve(legacy(), MINUTES).await;
    let at = relay.address;
    let (mine, other) = (granted(at, "one").await, granted(at, "two").await);
    let mut client = socket(at, "one").await;
    let message = json!({ "id": 3, "method": "Page.enable" });
    let wrong = [
        json!({ "message": message }),
        json!({ "sessionId": mine["sessionId"], "message": message }),
        json!({ "cdpLeaseId": mine["cdpLeaseId"], "message": message }),
        json!({ "sessionId": mine["sessionId"], "cdpLeaseId": other["cdpLeaseId"], "message": message }),
        json!({ "sessionId": other["sessionId"], "cdpLeaseId": other["cdpLeaseId"], "message": message }),
        json!({ "sessionId": "ab".repeat(16), "cdpLeaseId": mine["cdpLeaseId"], "message": message }),
        json!({ "sessionId": mine["sessionId"], "cdpLeaseId": "", "message": message }),
        // What opens /ops opens nothing here.
        json!({ "sessionId": crate::service::session(), "cdpLeaseId": crate::service::lease(), "message": message }),
    ];
    for frame in wrong {
        client.send(frame.to_string()).await;
        refused(&client.next().await, RelayCdpNotOwner, Some(3));
    }
    client.send(frame(&mine, 4, "Page.enable")).await;
    let answer = client.next().await;
    assert_eq!(
        (&answer["message"]["id"], &answer["sessionId"]),
        (&json!(4), &mine["sessionId"])
    );
    for (method, below) in [("POST", "/renew"), ("DELETE", "")] {
        assert_eq!(
            end(at, "two", &mine, method, below).await.code(),
            RelayCdpNotOwner
        );
    }
    assert_eq!(active(at).await, 2);
}

#[tokio::test]
async fn the_authorisation_of_one_lane_opens_nothing_on_the_other() {
    let (relay, _) = serve(
        RelayConfig {
            routing: routing(RoutingControls::default()).0,
            ..config()
        },
        MINUTES,
    )
    .await;
    let at = relay.address;
    let opened = handshake(at, "one")
        .with("x-ops-routing", r#"{"cli":{"routingMode":"legacy-cdp"}}"#)
        .send(at)
        .await
        .json();
    let mut body: Value = serde_json::from_str(&request("r1", "dom.title", json!({}))).unwrap();
    body["sessionId"] = opened["sessionId"].clone();
    body["leaseId"] = opened["cdpLeaseId"].clone();
    // The scripted service knows no such session: it answers as for any other.
    let _ = Request::post(at, body.to_string()).send(at).await;
    assert!(
        !relay
            .script
            .knows(&opened["sessionId"], &opened["cdpLeaseId"]),
        "{OpsSessionUnknown}"
    );
    let unauthenticated = handshake(at, "one")
        .with("authorization", "")
        .send(at)
        .await;
    assert_eq!(unauthenticated.code(), RelayAuthRequired);
    for origin in ["null", "https://evil.example"] {
        assert_eq!(
            handshake(at, "one")
                .with("origin", origin)
                .send(at)
                .await
                .code(),
            RelayOriginDenied,
            "{origin}"
        );
    }
}

#[tokio::test]
async fn leases_are_renewed_explicitly_and_expire() {
    let (relay, browsers) = serve(legacy(), MINUTES).await;
    let at = relay.address;
    let grant = granted(at, "one").await;
    let renewed = end(at, "one", &grant, "POST", "/renew").await;
    assert_eq!(
        (renewed.status, &renewed.json()["leaseExpiresAt"]),
        (200, &grant["leaseExpiresAt"])
    );
    assert_eq!(
        end(at, "one", &grant, "PUT", "").await.code(),
        RelayMethodNotAllowed
    );
    let closed = end(at, "one", &grant, "DELETE", "").await;
    assert_eq!(
        (closed.status, closed.json()["closed"].as_bool()),
        (200, Some(true))
    );
    assert_eq!(browsers.open.load(Ordering::SeqCst), 0);
    assert_eq!(
        end(at, "one", &grant, "POST", "/renew").await.code(),
        RelayCdpLeaseExpired
    );

    let (relay, browsers) = serve(legacy(), Duration::from_millis(1)).await;
    let at = relay.address;
    let grant = granted(at, "one").await;
    let mut client = socket(at, "one").await;
    eventually(|| browsers.open.load(Ordering::SeqCst) == 0).await;
    client.send(frame(&grant, 1, "Page.enable")).await;
    refused(&client.next().await, RelayCdpLeaseExpired, Some(1));
    assert_eq!(
        end(at, "one", &grant, "POST", "/renew").await.code(),
        RelayCdpLeaseExpired
    );
    assert_eq!(active(at).await, 0);
}

#[tokio::test]
async fn cdp_limits_are_stricter_than_ops() {
    let profile = strict();
    assert!(profile.cdp_within_ops());
    let (relay, _) = serve(
        RelayConfig {
            limits: profile,
            ..legacy()
        },
        MINUTES,
    )
    .await;
    let at = relay.address;
    let grant = granted(at, "one").await;
    assert_eq!(
        (&grant["limitsProfile"], &grant["limits"]["maxPayloadBytes"]),
        (&json!("strict"), &json!(131_072))
    );
    let mut client = socket(at, "one").await;
    let large = |bytes: usize| {
        let mut frame: Value = serde_json::from_str(&frame(&grant, 9, "Page.enable")).unwrap();
        frame["message"]["params"] = json!({ "x": "x".repeat(bytes) });
        frame.to_string()
    };
    // Between the caps: what /ops would take is refused here, and the connection goes on.
    client.send(large(140_000)).await;
    let refusal = client.next().await;
    refused(&refusal, RelayPayloadTooLarge, Some(9));
    assert_eq!(
        (
            &refusal["error"]["details"]["limitBytes"],
            &refusal["error"]["details"]["profile"]
        ),
        (&json!(131_072), &json!("strict"))
    );
    let mut asking: Value = serde_json::from_str(&frame(&grant, 1, "Page.enable")).unwrap();
    asking["timeoutMs"] = json!(20_001);
    client.send(asking.to_string()).await;
    refused(&client.next().await, RelayTimeoutCapExceeded, Some(1));
    for id in 2..6 {
        client.send(frame(&grant, id, "Page.enable")).await;
        assert_eq!(client.next().await["message"]["id"], id);
    }
    client.send(frame(&grant, 6, "Page.enable")).await;
    let limited = client.next().await;
    refused(&limited, RelayRateLimited, Some(6));
    assert!(
        limited["error"]["retryAfterMs"]
            .as_u64()
            .is_some_and(|wait| (1..=2_001).contains(&wait)),
        "{limited}"
    );
    client.send(large(400_000)).await;
    refused(&client.next().await, RelayPayloadTooLarge, None);
    assert!(client.closed().await.is_some());
    let head = handshake(at, "one")
        .with("content-type", "application/json")
        .with("content-length", "131073");
    assert_eq!(head.send(at).await.code(), RelayPayloadTooLarge);
}

#[tokio::test]
async fn a_command_without_an_answer_fails_after_its_time() {
    let mut config = legacy();
    config.limits.cdp.max_timeout_ms = 1;
    let (relay, _) = serve(config, MINUTES).await;
    let grant = granted(relay.address, "one").await;
    let mut client = socket(relay.address, "one").await;
    client.send(frame(&grant, 8, "Runtime.hang")).await;
    refused(&client.next().await, RelayCdpCommandTimeout, Some(8));
    client.send(frame(&grant, 9, "Page.enable")).await;
    assert_eq!(client.next().await["message"]["id"], 9);
}

#[tokio::test]
async fn the_lane_is_opt_in_and_its_gates_are_authoritative() {
    let (relay, _) = serve(config(), MINUTES).await;
    let at = relay.address;
    assert_eq!(
        handshake(at, "one").send(at).await.code(),
        RelayLegacyCdpOptInRequired
    );
    let explicit = handshake(at, "one")
        .with("x-ops-routing", r#"{"cli":{"routingMode":"legacy-cdp"}}"#)
        .send(at)
        .await;
    assert_eq!(explicit.status, 200, "{explicit:?}");
    let mut raw = socket(at, "two").await;
    raw.send(r#"{"id":1,"method":"Page.enable"}"#).await;
    refused(&raw.next().await, RelayLegacyCdpOptInRequired, Some(1));

    let mut config = legacy();
    config.routing.settings.legacy = CLOSED;
    let (relay, _) = serve(config, MINUTES).await;
    let at = relay.address;
    let refusal = handshake(at, "one").send(at).await;
    assert_eq!(refusal.code(), RelayRawCdpDisabled);
    assert_eq!(refusal.json()["error"]["details"]["gate"], "route");
    let routed = with_body(handshake(at, "one"), &json!({ "selectedBy": "routing" }))
        .send(at)
        .await;
    assert_eq!(routed.code(), RelayLegacyRouteUnavailable);
    assert_eq!(
        routed.json()["error"]["details"]["cause"],
        RelayRawCdpDisabled.as_str()
    );
    let upgrade = Request::new("GET", "/cdp", at)
        .with("upgrade", "websocket")
        .with("connection", "upgrade")
        .send(at)
        .await;
    assert_eq!(upgrade.code(), RelayRawCdpDisabled);
    assert_eq!(
        Request::new("GET", "/status", at).send(at).await.json()["legacyLane"]["closedBy"],
        RelayRawCdpDisabled.as_str()
    );
    for body in ["[]", r#"{"selectedBy":"me"}"#, r#"{"later":1}"#] {
        let request = handshake(at, "one")
            .with("content-type", "application/json")
            .body(body);
        assert_eq!(request.send(at).await.code(), RelayFrameInvalid, "{body}");
    }
}

#[tokio::test]
async fn whether_the_lane_is_open_to_a_peer_follows_from_the_peers_own_address() {
    let closed = LegacyLane::Closed(RelayNonlocalCdpDisabled);
    for (gates, open) in [
        (
            LegacyGates {
                local: LegacyLane::Open,
                beyond: closed,
            },
            true,
        ),
        (
            LegacyGates {
                local: closed,
                beyond: LegacyLane::Open,
            },
            false,
        ),
    ] {
        let mut config = legacy();
        config.routing.settings.legacy = gates;
        let (relay, _) = serve(config, MINUTES).await;
        let at = relay.address;
        let status = Request::new("GET", "/status", at).send(at).await.json();
        assert_eq!(status["legacyLane"]["open"], open);
        let answer = handshake(at, "one").send(at).await;
        if open {
            assert_eq!(answer.status, 200);
            continue;
        }
        assert_eq!(
            (answer.code(), answer.status),
            (RelayNonlocalCdpDisabled, 403)
        );
        let upgrade = Request::new("GET", "/cdp", at)
            .with("upgrade", "websocket")
            .with("connection", "upgrade")
            .send(at)
            .await;
        assert_eq!(upgrade.code(), RelayNonlocalCdpDisabled);
        assert_eq!(
            status["legacyLane"]["closedBy"],
            RelayNonlocalCdpDisabled.as_str()
        );
    }
}

#[tokio::test]
async fn a_gate_that_closes_while_a_session_runs_closes_it_too() {
    let mut controls = RoutingControls::default();
    controls.config.routing_mode = Some(RoutingMode::LegacyCdp);
    let (setup, slot) = routing(controls.clone());
    let (relay, _) = serve(
        RelayConfig {
            routing: setup,
            ..config()
        },
        MINUTES,
    )
    .await;
    let grant = granted(relay.address, "one").await;
    let mut client = socket(relay.address, "one").await;
    *slot.lock().unwrap() = Ok(relay::RoutingSettings {
        legacy: CLOSED,
        ..settings(controls)
    });
    relay.control.reload().await.unwrap();
    client.send(frame(&grant, 1, "Page.enable")).await;
    refused(&client.next().await, RelayRawCdpDisabled, Some(1));
    assert_eq!(
        end(relay.address, "one", &grant, "DELETE", "").await.status,
        200
    );
}

#[tokio::test]
async fn ops_min_gating_is_route_scoped_and_explicit_legacy_cdp_remains_available() {
    let (relay, _) = serve(legacy(), MINUTES).await;
    let at = relay.address;
    let old = |request: Request| {
        request
            .with("x-ops-client-kind", "cli")
            .with("x-ops-client-version", "0.1.9")
            .with("x-ops-contract-version", "0.9.0")
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
    assert_eq!(old(handshake(at, "one")).send(at).await.status, 200);
    let status = old(Request::new("GET", "/status", at))
        .send(at)
        .await
        .json();
    assert_eq!(
        (
            &status["opsRouteBlockedReason"],
            &status["opsRolloutDecisionReason"]
        ),
        (&json!("version_unsupported"), &json!("explicit_mode"))
    );
    for version in ["0.0.9", "0.3.0", "1.2.0"] {
        let outside = handshake(at, "one")
            .with("x-ops-client-kind", "cli")
            .with("x-ops-client-version", version)
            .send(at)
            .await;
        assert_eq!(outside.code(), RelayLegacyWindowExceeded, "{version}");
    }
    assert_eq!(active(at).await, 1);
    assert_eq!(
        Request::post(at, request("r2", "session.create", json!({})))
            .send(at)
            .await
            .code(),
        RelayOpsRouteDisabled
    );
    let _: contract::Route = "legacy-cdp".parse().unwrap();
}

#[tokio::test]
async fn commands_are_governed_and_events_come_to_who_speaks() {
    let (relay, _) = serve(legacy(), MINUTES).await;
    let grant = granted(relay.address, "one").await;
    let (mut client, mut silent) = (
        socket(relay.address, "one").await,
        socket(relay.address, "one").await,
    );
    client.send(frame(&grant, 1, "Browser.crash")).await;
    let denied = client.next().await;
    refused(&denied, RelayCdpMethodDenied, Some(1));
    assert_eq!(denied["error"]["details"]["method"], "Browser.crash");
    client.send(frame(&grant, 2, "Page.fire")).await;
    assert_eq!(client.next().await["message"]["method"], "Page.fired");
    assert_eq!(client.next().await["message"]["id"], 2);
    // The number of a command that waits is taken, whoever sends it.
    client.send(frame(&grant, 3, "Runtime.hang")).await;
    silent.send(frame(&grant, 3, "Page.enable")).await;
    refused(&silent.next().await, RelayFrameInvalid, Some(3));
    for bad in ["x", "[]", "{}", r#"{"message":{}}"#] {
        silent.send(bad).await;
        assert_eq!(silent.next().await["type"], "cdp_error", "{bad}");
    }
    let metrics = Request::new("GET", "/metrics", relay.address)
        .send(relay.address)
        .await
        .body;
    let line = r#"command="other",route="cdp",adapter="cdp",mode="managed",outcome="error",error_code="relay_cdp_method_denied"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn a_session_ends_with_its_browser_and_with_a_code() {
    let (relay, browsers) = serve(legacy(), MINUTES).await;
    let at = relay.address;
    let grant = granted(at, "one").await;
    let mut client = socket(at, "one").await;
    client.send(frame(&grant, 1, "Runtime.hang")).await;
    client.send(frame(&grant, 2, "Page.enable")).await;
    assert_eq!(client.next().await["message"]["id"], 2);
    let events = browsers.events.lock().unwrap()[0].clone();
    events.ended();
    refused(&client.next().await, AdapterBrowserLost, Some(1));
    let news = client.next().await;
    assert_eq!(
        (&news["ended"], &news["error"]["code"]),
        (&json!(true), &json!("adapter_browser_lost"))
    );
    client.send(frame(&grant, 3, "Page.enable")).await;
    refused(&client.next().await, AdapterBrowserLost, Some(3));
    assert_eq!(active(at).await, 0);
}

#[tokio::test]
async fn the_relays_end_lets_running_commands_finish_and_ends_every_session() {
    let mut config = legacy();
    config.timeouts.drain = Duration::from_millis(200);
    let (mut relay, browsers) = serve(config, MINUTES).await;
    let grant = granted(relay.address, "one").await;
    let mut client = socket(relay.address, "one").await;
    client.send(frame(&grant, 1, "Runtime.hang")).await;
    client.send(frame(&grant, 2, "Page.enable")).await;
    assert_eq!(client.next().await["message"]["id"], 2);
    relay.stop.take();
    refused(&client.next().await, RelayOpsTerminated, Some(1));
    assert_eq!(client.next().await["ended"], true);
    relay.served.await.unwrap();
    assert_eq!(browsers.open.load(Ordering::SeqCst), 0);
}
