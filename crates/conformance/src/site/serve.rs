//! The server: accepts connections, records each request and hands it to the part that answers. No page is made here.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::HOST;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};

use super::pages::{self, Page};
use super::record::{Recorded, Records, kept_headers};
use super::reply::{HTML, Query, Reply, not_found, reply, small_page};
use super::shop::{self, Shop};
use super::trouble;

/// The largest request body that is taken.
const MAX_BODY: usize = 16 << 20;

/// A request whose body has arrived.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Query,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// The origin of the same server that this request was not made to.
    pub(super) cross: String,
}

impl Asked {
    pub(super) fn is_post(&self) -> bool {
        self.method == Method::POST
    }

    /// The body as a URL-encoded form.
    pub(super) fn form(&self) -> Query {
        Query::parse(&String::from_utf8_lossy(&self.body))
    }
}

/// What to do with a request.
pub(super) enum Answer {
    Reply(Reply),
    /// Never answer; the connection stays.
    Hold,
    /// Close the connection without an answer.
    Drop,
}

impl From<Reply> for Answer {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    port: u16,
    extra: &'static [Page],
    records: Records,
    shop: Shop,
}

impl Shared {
    pub(super) fn new(port: u16, extra: &'static [Page]) -> Self {
        Self {
            port,
            extra,
            records: Records::new(),
            shop: Shop::new(port),
        }
    }

    pub(super) fn records(&self) -> &Records {
        &self.records
    }

    pub(super) fn shop(&self) -> &Shop {
        &self.shop
    }

    fn cross_origin(&self, headers: &HeaderMap) -> String {
        let host = headers.get(HOST).map_or(&b""[..], |host| host.as_bytes());
        let other = if host.starts_with(b"localhost") {
            "127.0.0.1"
        } else {
            "localhost"
        };
        format!("http://{other}:{}", self.port)
    }
}

/// Accepts until the task is dropped.
pub(super) async fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(connection(stream, Arc::clone(shared)))),
            // Out of descriptors, most likely: give way instead of spinning.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    // Without it small answers wait for the client's delayed acknowledgements.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| serve(Arc::clone(&shared), request));
    // An error is the client's departure or a wanted `/drop`; both end this connection alone.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// An error makes hyper close the connection without a word.
async fn serve(shared: Arc<Shared>, request: Request<Incoming>) -> io::Result<Reply> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return Ok(reply(
            StatusCode::PAYLOAD_TOO_LARGE,
            HTML,
            small_page("Too large", "<p>At most 16 MiB.</p>"),
        ));
    };
    let body = body.to_bytes();
    let query = head.uri.query().unwrap_or_default();
    shared.records.add(Recorded {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: query.to_owned(),
        headers: kept_headers(&head.headers),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let asked = Asked {
        path: head.uri.path().to_owned(),
        query: Query::parse(query),
        cross: shared.cross_origin(&head.headers),
        method: head.method,
        headers: head.headers,
        body,
    };
    match answer(&shared, &asked).await {
        Answer::Reply(reply) => Ok(reply),
        Answer::Hold => std::future::pending().await,
        Answer::Drop => Err(io::Error::other("dropped on purpose")),
    }
}

async fn answer(shared: &Shared, asked: &Asked) -> Answer {
    if let Some(reply) = pages::find(shared.extra, asked) {
        return reply.into();
    }
    if let Some(reply) = shop::answer(&shared.shop, asked) {
        return reply.into();
    }
    match trouble::answer(asked).await {
        Some(answer) => answer,
        None => not_found().into(),
    }
}
