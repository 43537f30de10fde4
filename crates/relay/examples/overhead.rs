//! What the edge itself costs: requests to a service that answers at once, on a kept connection, on a new one each, and
//! on a WebSocket. Prints p50 and p95 in microseconds. Run it with `--release`.

#![expect(
    clippy::unwrap_used,
    reason = "a measurement ends by panicking when something is wrong"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use ops_contracts::Outcome;
use ops_contracts::seam::adapter::BoxFuture;
use ops_contracts::seam::port::{
    Caller, EndSessions, OpsService, Reply, RuntimeSummary, SessionEvents, SessionObserver,
};
use ops_contracts::wire::capability::AdapterKind;
use ops_contracts::wire::clock::{Clock, Timestamp};
use ops_contracts::wire::command::session::SessionMode;
use ops_contracts::wire::frame::{OpsCancel, OpsRequest, Timing};
use ops_contracts::wire::ids::{LeaseId, SessionId};
use ops_contracts::wire::limits::{LaneLimits, LimitsProfile};
use ops_contracts::wire::routing::RoutingControls;
use relay::{Labels, Relay, RelayConfig, RoutingSettings, RoutingSetup, Timeouts, Token, Versions};
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

const TOKEN: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const ROUNDS: u32 = 3_000;

struct AtOnce;

impl OpsService for AtOnce {
    fn execute(&self, _: OpsRequest, _: Caller, _: Instant) -> BoxFuture<'static, Reply> {
        let result: Arc<RawValue> = RawValue::from_string(r#"{"value":2}"#.to_owned())
            .unwrap()
            .into();
        Box::pin(std::future::ready(Reply {
            session_id: None,
            outcome: Ok(result),
            granted: None,
            timing: Timing::default(),
            served: None,
        }))
    }

    fn cancel(&self, _: OpsCancel) -> BoxFuture<'static, bool> {
        Box::pin(std::future::ready(false))
    }

    fn admits(&self, _: &OpsRequest, _: &Caller) -> Outcome<()> {
        Ok(())
    }

    fn lease_matches(&self, _: &SessionId, _: &LeaseId) -> bool {
        true
    }

    fn subscribe(&self, _: &SessionId, _: &LeaseId, _: Arc<dyn SessionEvents>) -> bool {
        true
    }

    fn observe(&self, _: Arc<dyn SessionObserver>) {}

    fn summary(&self) -> RuntimeSummary {
        RuntimeSummary::default()
    }

    fn end_these(
        &self,
        _: EndSessions,
        _: &std::collections::HashSet<SessionId>,
    ) -> BoxFuture<'static, u32> {
        Box::pin(std::future::ready(0))
    }

    fn end_sessions(&self, _: EndSessions) -> BoxFuture<'static, u32> {
        Box::pin(std::future::ready(0))
    }

    fn shut_down(&self, _: Instant) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(0)
    }
}

fn routing() -> RoutingSetup {
    let settings = RoutingSettings {
        controls: RoutingControls::default(),
        legacy: relay::LegacyGates::OPEN,
        legacy_transitional_binding: false,
        prerelease_interop: false,
        warnings: Vec::new(),
    };
    let again = settings.clone();
    RoutingSetup {
        policy: Arc::new(::routing::decision::Rules),
        settings,
        read: Arc::new(move || Ok(again.clone())),
    }
}

fn config() -> RelayConfig {
    let lane = LaneLimits {
        max_payload_bytes: 4 << 20,
        requests_per_minute: 60_000_000,
        burst: 1_000_000,
        max_timeout_ms: 30_000,
    };
    RelayConfig {
        listen: "127.0.0.1:0".parse().unwrap(),
        insecure_listen: false,
        tls: None,
        token: Token::new(TOKEN.to_owned()),
        admin_token: None,
        pairing: relay::Pairing::off(),
        allowed_hosts: Vec::new(),
        allowed_extensions: Vec::new(),
        limits: LimitsProfile {
            name: "open".to_owned(),
            ops: lane,
            cdp: lane,
        },
        timeouts: Timeouts::default(),
        idle_exit: None,
        instance_id: "0".repeat(32),
        versions: Versions {
            relay: "0.2.0".to_owned(),
            window_n: None,
            window_n_minus1: None,
        },
        routing: routing(),
        capabilities: Vec::new(),
        labels: Labels {
            adapter: AdapterKind::Cdp,
            mode: SessionMode::Managed,
        },
        health: None,
        warnings: Vec::new(),
        signing: relay::Signing::default(),
        ledger: None,
        phase: ops_contracts::control::scorecard::Phase::Pilot,
        demo: false,
    }
}

fn body(number: u32) -> String {
    let (session, lease) = ("5e".repeat(16), "1e".repeat(32));
    format!(
        r#"{{"type":"ops_request","requestId":"r{number}","sessionId":"{session}","leaseId":"{lease}","command":"dom.eval","params":{{"expression":"1+1"}}}}"#
    )
}

async fn post(socket: &mut TcpStream, address: SocketAddr, number: u32, buffer: &mut Vec<u8>) {
    let body = body(number);
    let request = format!(
        "POST /ops HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {TOKEN}\r\ncontent-type: application/json\r\n\
         x-ops-contract-version: 1.1.0\r\nx-ops-client-id: bench\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    buffer.clear();
    while !buffer.ends_with(b"}}") {
        assert!(socket.read_buf(buffer).await.unwrap() > 0);
    }
    assert!(buffer.starts_with(b"HTTP/1.1 200"));
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[times.len() * share / 100].as_micros();
    println!("{what:<28} p50 {:>6} us  p95 {:>6} us", at(50), at(95));
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let relay = Relay::bind(config(), Arc::new(AtOnce), Arc::new(Still))
        .await
        .unwrap();
    let address = relay.local_addr();
    let served = tokio::spawn(relay.serve(std::future::pending()));
    let mut buffer = Vec::new();

    let mut kept = TcpStream::connect(address).await.unwrap();
    kept.set_nodelay(true).unwrap();
    let mut times = Vec::new();
    for number in 0..ROUNDS {
        let start = Instant::now();
        post(&mut kept, address, number, &mut buffer).await;
        times.push(start.elapsed());
    }
    report("POST, kept connection", times);

    let mut times = Vec::new();
    for number in 0..ROUNDS {
        let start = Instant::now();
        let mut fresh = TcpStream::connect(address).await.unwrap();
        post(&mut fresh, address, number, &mut buffer).await;
        times.push(start.elapsed());
    }
    report("POST, a connection each", times);

    let mut request = format!("ws://{address}/ops").into_client_request().unwrap();
    request
        .headers_mut()
        .insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    let socket = TcpStream::connect(address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async(request, socket)
        .await
        .unwrap();
    socket
        .send(Message::text(r#"{"type":"ops_hello","contractVersion":"1.1.0","clientVersion":"1","clientKind":"other"}"#))
        .await
        .unwrap();
    socket.next().await.unwrap().unwrap();
    let mut times = Vec::new();
    for number in 0..ROUNDS {
        let start = Instant::now();
        socket.send(Message::text(body(number))).await.unwrap();
        socket.next().await.unwrap().unwrap();
        times.push(start.elapsed());
    }
    report("WebSocket", times);
    served.abort();
}
