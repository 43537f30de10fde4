//! One connection of the browser: tunnels for everything that is encrypted or upgraded, plain requests one by one.
//!
//! A refused tunnel is answered with 403, which browsers show to no page. A refused plain request is not answered at all: an
//! answer of ours would be a document of the host that it stands for.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper::header::{CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION};
use hyper::server::conn::http1 as server;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::net::TcpStream;

use crate::dial::{self, DialError, Tunnel};
use crate::door::{Shared, Terms};

type Body = BoxBody<Bytes, hyper::Error>;

/// Why a connection is broken off without an answer.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("{0}")]
    Dial(#[from] DialError),
    #[error("this is a proxy, and the request names no host")]
    NoHost,
    #[error("the host broke the exchange off: {0}")]
    Broken(#[from] hyper::Error),
    #[error("the request can't be handed on")]
    Unfit,
}

/// Serves a connection until it ends or the door is closed.
pub(crate) async fn serve(stream: TcpStream, peer: SocketAddr, shared: Arc<Shared>) {
    let closing = shared.clone();
    let service = service_fn(move |request| answer(request, shared.clone()));
    let connection = server::Builder::new()
        .timer(TokioTimer::new())
        .preserve_header_case(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        ended = connection => if let Err(error) = ended {
            tracing::debug!(%peer, %error, "a connection through the door ended");
        },
        () = closing.closed() => {}
    }
}

async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<Body>, NoAnswer> {
    let terms = shared.terms();
    if request.method() == Method::CONNECT {
        return Ok(open_tunnel(request, shared, terms).await);
    }
    plain(request, &shared, &terms).await
}

/// Host and port that a request is for. A scheme other than http has no place in a plain request.
fn place(uri: &Uri, default: Option<u16>) -> Option<(String, u16)> {
    let authority = uri.authority()?;
    let host = authority.host();
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let port = authority.port_u16().or(default)?;
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

async fn open_tunnel(
    request: Request<Incoming>,
    shared: Arc<Shared>,
    terms: Terms,
) -> Response<Body> {
    let Some((host, port)) = place(request.uri(), None) else {
        return status(StatusCode::BAD_REQUEST);
    };
    if let Some(refusal) = terms.refusal(&host, port) {
        shared.refused(&terms, &refusal);
        return status(StatusCode::FORBIDDEN);
    }
    let dialled = dial::tunnel(&host, port, &terms).await;
    let tunnel = match dialled {
        Ok(tunnel) => tunnel,
        Err(DialError::Refused(refusal)) => {
            shared.refused(&terms, &refusal);
            return status(StatusCode::FORBIDDEN);
        }
        Err(DialError::Unreachable(error)) => {
            tracing::debug!(host, port, %error, "no tunnel");
            return status(StatusCode::BAD_GATEWAY);
        }
    };
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else {
            return;
        };
        let browser = TokioIo::new(upgraded);
        match tunnel {
            Tunnel::Direct(stream) => pump(browser, stream, &shared).await,
            Tunnel::Proxied(stream) => pump(browser, stream, &shared).await,
        }
    });
    status(StatusCode::OK)
}

/// Either side may break off; that is how tunnels end.
async fn pump(
    mut browser: impl AsyncRead + AsyncWrite + Unpin,
    mut host: impl AsyncRead + AsyncWrite + Unpin,
    shared: &Shared,
) {
    tokio::select! {
        ended = copy_bidirectional(&mut browser, &mut host) => drop(ended),
        () = shared.closed() => {}
    }
}

async fn plain(
    request: Request<Incoming>,
    shared: &Shared,
    terms: &Terms,
) -> Result<Response<Body>, NoAnswer> {
    if request.uri().scheme_str() != Some("http") {
        return Err(NoAnswer::NoHost);
    }
    let (host, port) = place(request.uri(), Some(80)).ok_or(NoAnswer::NoHost)?;
    if let Some(refusal) = terms.refusal(&host, port) {
        shared.refused(terms, &refusal);
        return Err(DialError::Refused(refusal).into());
    }
    let stream = match &terms.upstream {
        Some(upstream) => dial::to_upstream(upstream, &terms.upstream_policy).await,
        None => dial::direct(&host, port, &terms.policy).await,
    };
    let stream = stream.inspect_err(|error| {
        if let DialError::Refused(refusal) = error {
            shared.refused(terms, refusal);
        }
    })?;
    let request = outgoing(request, &host, port, terms)?;
    let (mut sender, connection) = client::Builder::new()
        .preserve_header_case(true)
        .handshake::<_, Incoming>(TokioIo::new(stream))
        .await?;
    // Ends with the response's body, which hyper reads through it.
    tokio::spawn(connection);
    let response = sender.send_request(request).await?;
    let (mut head, body) = response.into_parts();
    strip(&mut head.headers);
    Ok(Response::from_parts(head, body.boxed()))
}

/// The request as the host gets it, or as the proxy behind the door does.
fn outgoing(
    request: Request<Incoming>,
    host: &str,
    port: u16,
    terms: &Terms,
) -> Result<Request<Incoming>, NoAnswer> {
    let (mut head, body) = request.into_parts();
    strip(&mut head.headers);
    let named = if port == 80 {
        dial::authority(host, port)
            .trim_end_matches(":80")
            .to_owned()
    } else {
        dial::authority(host, port)
    };
    // What was decided on is what is asked for, whatever the request's own header says.
    head.headers.insert(
        HOST,
        HeaderValue::from_str(&named).map_err(|_| NoAnswer::Unfit)?,
    );
    match &terms.upstream {
        Some(upstream) => {
            if let Some(authorization) = &upstream.authorization {
                head.headers.insert(
                    PROXY_AUTHORIZATION,
                    HeaderValue::from_str(authorization).map_err(|_| NoAnswer::Unfit)?,
                );
            }
        }
        None => {
            let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
            head.uri = path.parse().map_err(|_| NoAnswer::Unfit)?;
        }
    }
    Ok(Request::from_parts(head, body))
}

/// Takes away what is said from one hop to the next.
fn strip(headers: &mut HeaderMap) {
    const HOP: &[&str] = &[
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "upgrade",
    ];
    let listed = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let listed = listed
        .flat_map(|list| list.split(','))
        .filter_map(|name| name.trim().parse::<HeaderName>().ok());
    let listed: Vec<HeaderName> = listed.collect();
    headers.remove(CONNECTION);
    for name in listed {
        headers.remove(name);
    }
    for name in HOP {
        headers.remove(*name);
    }
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Empty::new().map_err(|never| match never {}).boxed());
    *response.status_mut() = status;
    response
}
