//! Clients that say exactly what a test wants said.

use std::net::SocketAddr;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ops_contracts::ErrorCode;
use ops_contracts::wire::frame::{OpsError, RelayFrame};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::service::TOKEN;

/// Long enough for any machine; a test that runs into it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An HTTP request, written by hand.
pub(crate) struct Request {
    line: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// A request with the host and the token and nothing else.
    pub(crate) fn new(method: &str, path: &str, address: SocketAddr) -> Self {
        let headers = vec![
            ("host".to_owned(), address.to_string()),
            ("authorization".to_owned(), format!("Bearer {TOKEN}")),
        ];
        Self {
            line: format!("{method} {path} HTTP/1.1"),
            headers,
            body: Vec::new(),
        }
    }

    /// A `POST /ops` that passes every gate.
    pub(crate) fn post(address: SocketAddr, body: impl AsRef<[u8]>) -> Self {
        Self {
            body: body.as_ref().to_vec(),
            ..Self::new("POST", "/ops", address)
        }
        .with("content-type", "application/json")
        .with("x-ops-contract-version", "1.1.0")
        .with("x-ops-client-id", "tester")
    }

    /// The same for another path.
    pub(crate) fn at(mut self, path: &str) -> Self {
        self.line = format!("POST {path} HTTP/1.1");
        self
    }

    /// The same as a PUT to a path.
    pub(crate) fn put(mut self, path: &str) -> Self {
        self.line = format!("PUT {path} HTTP/1.1");
        self
    }

    /// The same with a body.
    pub(crate) fn body(self, body: &str) -> Self {
        Self {
            body: body.as_bytes().to_vec(),
            ..self
        }
    }

    /// Sets a header; an empty value takes it away.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    /// Adds a header beside one of the same name.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn head(&self) -> String {
        let mut text = format!("{}\r\n", self.line);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty()
            && !self
                .headers
                .iter()
                .any(|(name, _)| name == "content-length" || name == "transfer-encoding")
        {
            text.push_str(&format!("content-length: {}\r\n", self.body.len()));
        }
        text + "\r\n"
    }

    pub(crate) async fn send(&self, address: SocketAddr) -> Response {
        self.send_on(&mut TcpStream::connect(address).await.unwrap())
            .await
    }

    /// The same on a connection that is there.
    pub(crate) async fn send_on(
        &self,
        socket: &mut (impl AsyncRead + AsyncWrite + Unpin),
    ) -> Response {
        socket.write_all(self.head().as_bytes()).await.unwrap();
        socket.flush().await.unwrap();
        // The relay may refuse and close before it has taken the whole body.
        let _ = socket.write_all(&self.body).await;
        let _ = socket.flush().await;
        read_response(socket).await
    }
}

/// An HTTP response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The body as an error frame.
    #[track_caller]
    pub(crate) fn error(&self) -> OpsError {
        match RelayFrame::parse(&self.body) {
            Ok(Some(RelayFrame::Error(error))) => {
                assert_eq!(self.status, error.error.code.http(), "{self:?}");
                error
            }
            _ => panic!("no error frame: {self:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn code(&self) -> ErrorCode {
        self.error().error.code
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Reads one response with a Content-Length.
pub(crate) async fn read_response(socket: &mut (impl AsyncRead + Unpin)) -> Response {
    let mut bytes = Vec::new();
    let read = async {
        loop {
            let text = String::from_utf8_lossy(&bytes);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                let parsed = Response {
                    status,
                    head: head.to_owned(),
                    body: body.to_owned(),
                };
                let length: usize = parsed
                    .header("content-length")
                    .map_or(0, |length| length.parse().unwrap());
                if body.len() >= length {
                    return parsed;
                }
            }
            if socket.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                panic!(
                    "the connection ended after {:?}",
                    String::from_utf8_lossy(&bytes)
                );
            }
        }
    };
    timeout(PATIENCE, read).await.unwrap()
}

/// Waits until the relay closes the socket; what it sent before.
pub(crate) async fn read_to_end(socket: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A reset is an end as well.
    let _ = timeout(PATIENCE, socket.read_to_end(&mut bytes))
        .await
        .unwrap();
    bytes
}

/// The text of an `ops_request`.
pub(crate) fn request(id: &str, command: &str, params: Value) -> String {
    json!({"type": "ops_request", "requestId": id, "command": command, "params": params})
        .to_string()
}

/// The text of a `dom.eval` with the session's lease.
pub(crate) fn eval(id: &str, expression: &str) -> String {
    let (session, lease) = (crate::service::session(), crate::service::lease());
    json!({"type": "ops_request", "requestId": id, "sessionId": session, "leaseId": lease, "command": "dom.eval", "params": {"expression": expression}})
        .to_string()
}

/// A WebSocket on `/ops`.
pub(crate) struct Client(pub(crate) WebSocketStream<TcpStream>);

/// The answer to a request: the whole frame, and in how many chunks it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) frame: Value,
    pub(crate) chunks: usize,
}

impl Client {
    /// Opens a socket without a hello.
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let mut request = format!("ws://{address}/ops").into_client_request().unwrap();
        request
            .headers_mut()
            .insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
        let socket = TcpStream::connect(address).await.unwrap();
        Self(
            tokio_tungstenite::client_async(request, socket)
                .await
                .unwrap()
                .0,
        )
    }

    /// Opens a socket and exchanges the hello.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let mut client = Self::open(address).await;
        client.send(hello(json!({}))).await;
        let ack = client.next().await;
        assert_eq!(ack["type"], "ops_hello_ack", "{ack}");
        client
    }

    pub(crate) async fn send(&mut self, text: impl Into<String>) {
        self.0.send(Message::text(text.into())).await.unwrap();
    }

    /// The next frame.
    pub(crate) async fn next(&mut self) -> Value {
        match timeout(PATIENCE, self.0.next())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
        {
            Message::Text(text) => serde_json::from_str(text.as_str()).unwrap(),
            other => panic!("no text: {other:?}"),
        }
    }

    /// The next frame that is no heartbeat, joined from its chunks.
    pub(crate) async fn answer(&mut self) -> Answer {
        let mut text = String::new();
        for chunks in 0.. {
            let frame = self.next().await;
            if frame["type"] != "ops_chunk" {
                return Answer { frame, chunks };
            }
            assert_eq!(frame["index"], chunks);
            text.push_str(frame["data"].as_str().unwrap());
            if frame["count"] == chunks + 1 {
                return Answer {
                    frame: serde_json::from_str(&text).unwrap(),
                    chunks: chunks + 1,
                };
            }
        }
        unreachable!()
    }

    /// The close frame that comes next.
    pub(crate) async fn closed(&mut self) -> Option<CloseFrame> {
        match timeout(PATIENCE, self.0.next()).await.unwrap() {
            Some(Ok(Message::Close(close))) => close,
            other => panic!("no close: {other:?}"),
        }
    }
}

/// A hello with some of its fields set otherwise.
pub(crate) fn hello(overrides: Value) -> String {
    let mut hello = json!({"type": "ops_hello", "contractVersion": "1.1.0", "clientVersion": "1.0", "clientKind": "other", "clientId": "tester"});
    for (key, value) in overrides.as_object().unwrap() {
        hello[key] = value.clone();
    }
    hello.to_string()
}
