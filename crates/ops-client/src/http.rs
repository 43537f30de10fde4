//! One HTTP exchange on one connection, under a deadline and a cap.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONNECTION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use ops_contracts::wire::frame::RESPONSE_CAP;
use ops_contracts::wire::http::header;
use ops_contracts::wire::ids::{LeaseId, SessionId};
use ops_contracts::wire::routing::RequestControls;
use ops_contracts::wire::version::OPS_CONTRACT_VERSION;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, CertificateError};

use crate::stream::Stream;
use crate::{ClientError, Endpoint, Token, Trust};

/// How much larger than the cap of the contract a body may be: the frame around the result.
const ENVELOPE: usize = 64 * 1024;

/// An HTTP answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Connects without delay of small packets, and shakes hands where the relay speaks TLS.
pub(crate) async fn connect(
    endpoint: &Endpoint,
    deadline: Instant,
    within: Duration,
) -> Result<Stream, ClientError> {
    let unreachable = |source| ClientError::Unreachable {
        url: endpoint.url.to_string(),
        source,
    };
    let address = (endpoint.url.host(), endpoint.url.port());
    let stream = match timeout_at(deadline, TcpStream::connect(address)).await {
        Ok(connected) => connected.map_err(unreachable)?,
        Err(_) => return Err(ClientError::NotSent(within)),
    };
    stream.set_nodelay(true).map_err(unreachable)?;
    if !endpoint.url.is_secure() {
        return Ok(Stream::Plain(stream));
    }
    let untrusted = |why: String| ClientError::Untrusted {
        url: endpoint.url.to_string(),
        why,
    };
    let trust = endpoint
        .trust
        .clone()
        .map_or_else(Trust::system, Ok)
        .map_err(|error| untrusted(error.to_string()))?;
    let name = ServerName::try_from(endpoint.url.host().to_owned())
        .map_err(|error| untrusted(error.to_string()))?;
    match timeout_at(deadline, TlsConnector::from(trust.0).connect(name, stream)).await {
        Ok(shaken) => shaken
            .map(|stream| Stream::Secure(Box::new(stream)))
            .map_err(|error| untrusted(why_untrusted(&error))),
        Err(_) => Err(ClientError::NotSent(within)),
    }
}

/// A failed handshake for people.
fn why_untrusted(error: &io::Error) -> String {
    let cause = error
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidMessage(_)) => "what listens there speaks no TLS".to_owned(),
        Some(rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::Other(_),
        )) => "its certificate comes from no authority that is trusted here".to_owned(),
        _ => error.to_string(),
    }
}

/// Sends one request and reads its answer. The connection is of no further use.
pub(crate) async fn exchange(
    endpoint: &Endpoint,
    method: Method,
    path: &str,
    body: Option<String>,
    within: Duration,
) -> Result<Answer, ClientError> {
    send(
        endpoint,
        request(endpoint, method, path, body, None)?,
        within,
    )
    .await
}

/// The same as an administrator.
pub(crate) async fn exchange_as_admin(
    endpoint: &Endpoint,
    admin: &Token,
    path: &str,
    body: String,
    within: Duration,
) -> Result<Answer, ClientError> {
    send(
        endpoint,
        request(endpoint, Method::POST, path, Some(body), Some(admin))?,
        within,
    )
    .await
}

/// The same with the admin token where there is one.
pub(crate) async fn exchange_with(
    endpoint: &Endpoint,
    admin: Option<&Token>,
    (method, path): (Method, &str),
    body: Option<String>,
    within: Duration,
) -> Result<Answer, ClientError> {
    send(
        endpoint,
        request(endpoint, method, path, body, admin)?,
        within,
    )
    .await
}

async fn send(
    endpoint: &Endpoint,
    request: Request<Full<Bytes>>,
    within: Duration,
) -> Result<Answer, ClientError> {
    let deadline = Instant::now() + within;
    let stream = connect(endpoint, deadline, within).await?;
    let talk = async {
        let (mut sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
        // The connection's own end is told through the sender and the body: it must be driven, and nothing else.
        let drive = async {
            let _ = connection.await;
            std::future::pending::<Infallible>().await
        };
        let answer = async { read(sender.send_request(request).await.map_err(lost)?).await };
        tokio::select! {
            answer = answer => answer,
            never = drive => match never {},
        }
    };
    timeout_at(deadline, talk)
        .await
        .unwrap_or(Err(ClientError::Deadline(within)))
}

fn request(
    endpoint: &Endpoint,
    method: Method,
    path: &str,
    body: Option<String>,
    admin: Option<&Token>,
) -> Result<Request<Full<Bytes>>, ClientError> {
    let body = body.map(|text| ("application/json", Bytes::from(text)));
    let request = head(
        endpoint,
        method,
        path,
        admin,
        body.as_ref().map(|(kind, _)| *kind),
    );
    finish(
        endpoint,
        request,
        body.map(|(_, bytes)| bytes).unwrap_or_default(),
    )
}

/// Puts bytes down for a session.
pub(crate) async fn put_bytes(
    endpoint: &Endpoint,
    (session, lease): (&SessionId, &LeaseId),
    path: &str,
    bytes: Bytes,
    within: Duration,
) -> Result<Answer, ClientError> {
    let request = head(
        endpoint,
        Method::PUT,
        path,
        None,
        Some("application/octet-stream"),
    )
    .header(header::SESSION_ID, session.as_str())
    .header(header::LEASE_ID, lease.as_str());
    send(endpoint, finish(endpoint, request, bytes)?, within).await
}

fn head(
    endpoint: &Endpoint,
    method: Method,
    path: &str,
    admin: Option<&Token>,
    content_type: Option<&str>,
) -> hyper::http::request::Builder {
    let mut request = Request::builder()
        .method(method.clone())
        .uri(path)
        .header(HOST, endpoint.url.authority())
        .header(CONNECTION, "close")
        .header(AUTHORIZATION, endpoint.token.bearer())
        .header(header::CONTRACT_VERSION, OPS_CONTRACT_VERSION)
        .header(header::CLIENT_VERSION, &endpoint.client_version)
        .header(header::CLIENT_KIND, endpoint.kind())
        .header(header::CLIENT_ID, endpoint.client_id.as_str());
    // A frame has its own.
    if method != Method::POST || path != ops_contracts::wire::http::path::OPS {
        request = request.header(header::REQUEST_ID, endpoint.request_ids.next_id().as_str());
    }
    if endpoint.routing != RequestControls::default() {
        request = request.header(header::ROUTING, routing_text(&endpoint.routing));
    }
    if let Some(pairing) = &endpoint.pairing {
        request = request.header(header::PAIRING_TOKEN, pairing.bare());
    }
    if let Some(admin) = admin {
        request = request.header(header::ADMIN_TOKEN, admin.bare());
    }
    if let Some(content_type) = content_type {
        request = request.header(CONTENT_TYPE, content_type);
    }
    request
}

/// The headers by which a request is admitted, for a WebSocket's.
pub(crate) fn headers(endpoint: &Endpoint, path: &str) -> Result<hyper::HeaderMap, ClientError> {
    Ok(finish(
        endpoint,
        head(endpoint, Method::GET, path, None, None),
        Bytes::new(),
    )?
    .into_parts()
    .0
    .headers)
}

fn finish(
    endpoint: &Endpoint,
    request: hyper::http::request::Builder,
    body: Bytes,
) -> Result<Request<Full<Bytes>>, ClientError> {
    request.body(Full::new(body)).map_err(|error| {
        let source = io::Error::new(io::ErrorKind::InvalidInput, error);
        ClientError::Unreachable {
            url: endpoint.url.to_string(),
            source,
        }
    })
}

/// Routing controls as a header takes them.
fn routing_text(controls: &RequestControls) -> String {
    serde_json::to_string(controls)
        .expect("routing controls consist of words, numbers and identities")
}

async fn read(response: Response<hyper::body::Incoming>) -> Result<Answer, ClientError> {
    let status = response.status().as_u16();
    let mut incoming = response.into_body();
    let mut whole = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame.map_err(lost)?.into_data() else {
            continue;
        };
        if whole.len() + data.len() > RESPONSE_CAP + ENVELOPE {
            return Err(ClientError::ReplyInvalid(format!(
                "the answer is larger than {RESPONSE_CAP} bytes"
            )));
        }
        whole.extend_from_slice(&data);
    }
    let body = String::from_utf8(whole.into())
        .map_err(|_| ClientError::ReplyInvalid("the answer is no UTF-8".to_owned()))?;
    Ok(Answer { status, body })
}

fn lost(error: hyper::Error) -> ClientError {
    ClientError::Lost(error.to_string())
}
