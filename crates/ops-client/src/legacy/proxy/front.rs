//! The HTTP side: what clients ask for before they connect, and the one upgrade. Everything else is not found.

use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CONNECTION, CONTENT_TYPE, HOST, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    UPGRADE,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use ops_contracts::control::legacy::LegacyGrant;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

/// The largest message of a client that is read, so that its refusal can name it; larger ones end the connection.
const MAX_MESSAGE: usize = 128 * 1024 * 1024;

/// How long a request's head may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) type ClientSocket = WebSocketStream<TokioIo<Upgraded>>;

/// Where the proxy is and what it says of its browser.
pub(super) struct Front {
    address: SocketAddr,
    secret: String,
    version: String,
    arrived: Mutex<Option<oneshot::Sender<ClientSocket>>>,
}

impl fmt::Debug for Front {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Front")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Front {
    pub(super) fn new(address: SocketAddr, secret: u128, grant: &LegacyGrant) -> Self {
        let secret = format!("{secret:032x}");
        let version = serde_json::json!({
            "Browser": grant.browser.product,
            "Protocol-Version": grant.browser.protocol_version,
            "User-Agent": grant.browser.user_agent,
            "webSocketDebuggerUrl": format!("ws://{address}/{secret}/devtools/browser"),
        });
        Self {
            address,
            secret,
            version: version.to_string(),
            arrived: Mutex::default(),
        }
    }

    pub(super) fn http_url(&self) -> String {
        format!("http://{}/{}", self.address, self.secret)
    }

    pub(super) fn web_socket_url(&self) -> String {
        format!("ws://{}/{}/devtools/browser", self.address, self.secret)
    }

    /// Takes the one client to `arrived`.
    pub(super) fn expect(&self, arrived: oneshot::Sender<ClientSocket>) {
        *self.lock() = Some(arrived);
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, Option<oneshot::Sender<ClientSocket>>> {
        self.arrived.lock()
    }

    fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if !self.is_from_a_program(&request) {
            return plain(
                StatusCode::FORBIDDEN,
                "this endpoint is for programs on this machine\n",
            );
        }
        let below = request
            .uri()
            .path()
            .strip_prefix('/')
            .and_then(|path| path.split_once('/'));
        // Nobody learns by trying what is here.
        let Some((_, path)) = below.filter(|(secret, _)| same(secret, &self.secret)) else {
            return plain(StatusCode::NOT_FOUND, "not found\n");
        };
        match (request.method(), path.trim_end_matches('/')) {
            (&Method::GET, "json/version") => json(self.version.clone()),
            // Targets have no endpoints of their own here: they are reached through the browser's.
            (&Method::GET, "json" | "json/list") => json("[]".to_owned()),
            (&Method::GET, "devtools/browser") => self.upgrade(request),
            _ => plain(StatusCode::NOT_FOUND, "not found\n"),
        }
    }

    /// No page of a browser, under whatever name it reaches this address.
    fn is_from_a_program<T>(&self, request: &Request<T>) -> bool {
        let headers = request.headers();
        let port = self.address.port();
        let host = headers
            .get(HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default();
        let own = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        own.iter().any(|name| name == host)
            && !headers.contains_key(ORIGIN)
            && !headers.contains_key("sec-fetch-site")
    }

    fn upgrade(&self, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
        let Some(key) = request.headers().get(SEC_WEBSOCKET_KEY).cloned() else {
            return plain(StatusCode::BAD_REQUEST, "this is a WebSocket endpoint\n");
        };
        let Some(arrived) = self.lock().take() else {
            return plain(
                StatusCode::CONFLICT,
                "this endpoint has its client: odb-cli cdp proxy makes another\n",
            );
        };
        let upgrading = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            if let Ok(upgraded) = upgrading.await {
                let config = WebSocketConfig::default()
                    .max_message_size(Some(MAX_MESSAGE))
                    .max_frame_size(Some(MAX_MESSAGE));
                let socket = WebSocketStream::from_raw_socket(
                    TokioIo::new(upgraded),
                    Role::Server,
                    Some(config),
                )
                .await;
                // Nobody waits where the proxy is ending.
                let _ = arrived.send(socket);
            }
        });
        let mut response = plain(StatusCode::SWITCHING_PROTOCOLS, "");
        let headers = response.headers_mut();
        headers.remove(CONTENT_TYPE);
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        if let Ok(accept) = HeaderValue::from_str(&derive_accept_key(key.as_bytes())) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        response
    }
}

/// Whether two texts are the same, in a time that tells nothing but their lengths.
fn same(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && a.bytes()
            .zip(b.bytes())
            .fold(0, |differ, (a, b)| differ | (a ^ b))
            == 0
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    response
}

fn json(text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=UTF-8"),
    );
    response
}

/// Answers whoever connects.
pub(super) async fn serve(listener: TcpListener, front: Arc<Front>) -> Infallible {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        // Small packets are not held back; a socket that refuses is as good.
        let _ = stream.set_nodelay(true);
        let front = front.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let front = front.clone();
                async move { Ok::<_, Infallible>(front.answer(request)) }
            });
            let mut builder = http1::Builder::new();
            builder
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT);
            let _ = builder
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
                .await;
        });
    }
}
