//! Who may do what over real sockets: pairings that are taken back, and who decides about commands that wait.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use ops_contracts::ErrorCode::{
    self, OpsNotOwner, RelayConfirmationForbidden, RelayConfirmationTimeout, RelayFrameInvalid,
};
use ops_contracts::Outcome;
use ops_contracts::control::access::AccessPolicy;
use relay::{Paired, Pairing, PairingStore, RelayConfig, Token};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::client::{Client, Request, eval, hello, request};
use crate::service::{Running, TOKEN, config, start, start_with};

const ADMIN: &str = "an-admin-token-that-nobody-guesses";

/// Pairings whose tokens are their ids, until they are taken back.
struct Book(Mutex<Vec<&'static str>>);

impl PairingStore for Book {
    fn find(&self, token: &[u8]) -> Option<String> {
        let held = self.0.lock().unwrap();
        held.iter()
            .find(|id| id.as_bytes() == token)
            .map(|id| (*id).to_owned())
    }

    fn holds(&self, id: &str) -> bool {
        self.0.lock().unwrap().contains(&id)
    }

    fn redeem(&self, _: &str) -> Outcome<Paired> {
        Err(ErrorCode::RelayPairingInvalid.into())
    }
}

fn paired(required: bool) -> (Arc<Book>, RelayConfig) {
    let book = Arc::new(Book(Mutex::new(vec![
        "0123456789abcdef",
        "fedcba9876543210",
    ])));
    let pairing = Pairing {
        required,
        store: book.clone(),
    };
    let config = RelayConfig {
        pairing,
        admin_token: Some(Token::new(ADMIN.to_owned())),
        ..config()
    };
    (book, config)
}

async fn socket(at: SocketAddr, path: &str, pairing: &str) -> Client {
    let mut request = format!("ws://{at}{path}").into_client_request().unwrap();
    let mut set = |name: &'static str, value: String| {
        request.headers_mut().insert(name, value.parse().unwrap());
    };
    set("authorization", format!("Bearer {TOKEN}"));
    set("x-odb-pairing-token", pairing.to_owned());
    let socket = TcpStream::connect(at).await.unwrap();
    let opened = tokio_tungstenite::client_async(request, socket).await;
    Client(opened.unwrap().0)
}

#[tokio::test]
async fn open_sockets_end_with_the_pairing_that_let_them_in() {
    let (book, config) = paired(true);
    let relay = start(config).await;
    let at = relay.address;
    let [mut gone, mut kept] = [
        socket(at, "/ops", "0123456789abcdef").await,
        socket(at, "/ops", "fedcba9876543210").await,
    ];
    for client in [&mut gone, &mut kept] {
        client.send(hello(json!({}))).await;
        assert_eq!(client.next().await["type"], "ops_hello_ack");
    }
    // One that has said nothing yet, and one of the legacy lane.
    let mut silent = socket(at, "/ops", "0123456789abcdef").await;
    let mut legacy = socket(at, "/cdp", "0123456789abcdef").await;
    relay.control.reload().await.unwrap();
    gone.send(eval("r1", "1")).await;
    assert_eq!(gone.next().await["requestId"], "r1");
    book.0
        .lock()
        .unwrap()
        .retain(|id| *id != "0123456789abcdef");
    relay.control.reload().await.unwrap();
    for client in [&mut gone, &mut silent, &mut legacy] {
        let close = client.closed().await.unwrap();
        assert_eq!(
            (close.code, close.reason.as_str()),
            (CloseCode::Policy, "the pairing was taken back")
        );
    }
    kept.send(eval("r2", "2")).await;
    assert_eq!(kept.next().await["requestId"], "r2");
}

/// A relay whose policy asks about every command but `session.list`.
async fn asking(config: RelayConfig) -> Running {
    let policy = r#"{"policySchemaVersion":1,"default":"confirm"}"#;
    start_with(config, |relay| {
        relay.with_policy(Arc::new(|| Ok(AccessPolicy::parse(policy).unwrap())))
    })
    .await
}

/// A command that waits for a moment and is then still open.
async fn ask(at: SocketAddr, command: &str, more: Value, pairing: &str) -> ErrorCode {
    let mut frame: Value = serde_json::from_str(&request("r1", command, json!({}))).unwrap();
    frame["timeoutMs"] = json!(1);
    for (key, value) in more.as_object().unwrap() {
        frame[key] = value.clone();
    }
    let asked = Request::post(at, frame.to_string()).with("x-odb-pairing-token", pairing);
    asked.send(at).await.code()
}

async fn waiting(at: SocketAddr) -> Vec<Value> {
    let listed = Request::new("GET", "/confirmations", at).with("x-odb-admin-token", ADMIN);
    let told = listed.send(at).await.json();
    told["confirmations"].as_array().unwrap().clone()
}

#[tokio::test]
async fn where_clients_need_not_pair_the_admin_token_alone_decides() {
    let (_, config) = paired(false);
    let relay = asking(config).await;
    let at = relay.address;
    assert_eq!(
        ask(at, "session.list", json!({}), "").await,
        RelayConfirmationTimeout
    );
    let id = waiting(at).await[0]["id"].as_str().unwrap().to_owned();
    let decide = |header: &str, value: &str| {
        let body = json!({ "id": id, "decision": "approve" }).to_string();
        Request::post(at, body)
            .at("/confirmations")
            .with(header, value)
    };
    // The requester itself may hold a pairing that it did not show.
    let mine = decide("x-odb-pairing-token", "0123456789abcdef");
    assert_eq!(mine.send(at).await.code(), RelayConfirmationForbidden);
    let listed =
        Request::new("GET", "/confirmations", at).with("x-odb-pairing-token", "0123456789abcdef");
    assert_eq!(listed.send(at).await.code(), RelayConfirmationForbidden);
    let admins = decide("x-odb-admin-token", ADMIN);
    assert_eq!(admins.send(at).await.status, 200);

    let (_, config) = paired(true);
    let relay = asking(config).await;
    let at = relay.address;
    ask(at, "session.list", json!({}), "0123456789abcdef").await;
    let id = waiting_as(at, "fedcba9876543210").await;
    let body = json!({ "id": id, "decision": "approve" }).to_string();
    let others = Request::post(at, body)
        .at("/confirmations")
        .with("x-odb-pairing-token", "fedcba9876543210");
    assert_eq!(others.send(at).await.status, 200);
}

async fn waiting_as(at: SocketAddr, pairing: &str) -> String {
    let listed = Request::new("GET", "/confirmations", at).with("x-odb-pairing-token", pairing);
    let told = listed.send(at).await.json();
    told["confirmations"][0]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn nobody_is_asked_about_a_command_whose_lease_is_not_right() {
    let (_, config) = paired(false);
    let relay = asking(config).await;
    let at = relay.address;
    let (session, lease) = (crate::service::session(), crate::service::lease());
    let wrong = [
        json!({ "sessionId": session }),
        json!({ "sessionId": session, "leaseId": "2e".repeat(32) }),
        json!({ "sessionId": "ab".repeat(16), "leaseId": lease }),
    ];
    for named in wrong {
        assert_eq!(ask(at, "dom.title", named, "").await, OpsNotOwner);
    }
    assert!(waiting(at).await.is_empty());
    let right = json!({ "sessionId": session, "leaseId": lease });
    assert_eq!(
        ask(at, "dom.title", right, "").await,
        RelayConfirmationTimeout
    );
    let waiting = waiting(at).await;
    assert_eq!(
        (waiting.len(), &waiting[0]["complete"]),
        (1, &json!(true)),
        "{waiting:?}"
    );
    assert_eq!(waiting[0]["paramsSha256"].as_str().unwrap().len(), 64);
}

#[tokio::test]
async fn a_websocket_key_is_sixteen_bytes_as_base64() {
    let relay = start(config()).await;
    let at = relay.address;
    let open = |key: &str| {
        Request::new("GET", "/ops", at)
            .with("connection", "upgrade")
            .with("upgrade", "websocket")
            .with("sec-websocket-version", "13")
            .with("sec-websocket-key", key)
    };
    for wrong in [
        "x",
        "dGhlIHNhbXBsZSBub25jZQ",
        "dGhlIHNhbXBsZSBub25jZR==",
        "dGhlIHNhbXBsZSBub25jZQ=!",
        "dGhlIHNhbXBsZSBub25jZQdGhlIHNhbXBsZSBub25jZQ==",
        "_GhlIHNhbXBsZSBub25jZQ==",
    ] {
        assert_eq!(
            open(wrong).send(at).await.code(),
            RelayFrameInvalid,
            "{wrong}"
        );
    }
    let right = open("dGhlIHNhbXBsZSBub25jZQ==");
    let twice = right.head().replace(
        "sec-websocket-key",
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-key",
    );
    assert_eq!(right.send(at).await.status, 101);
    let mut socket = TcpStream::connect(at).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut socket, twice.as_bytes())
        .await
        .unwrap();
    let refused = crate::client::read_response(&mut socket).await;
    assert_eq!(refused.code(), RelayFrameInvalid);
}
