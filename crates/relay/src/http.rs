//! From a request to its answer: gates first, then the endpoint's handler. Every refusal is an `ops_error` frame under its code's
//! HTTP status, worded, counted and logged in one place.

pub(crate) mod blobs;
mod body;
pub(crate) mod commands;
pub(crate) mod respond;
pub(crate) mod scorecard;
pub(crate) mod upgrade;

use std::sync::Arc;
use std::time::Instant;

use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use hyper::{Method, Request};
use ops_contracts::control::telemetry::RouteLabel;
use ops_contracts::wire::command::parse_json;
use ops_contracts::wire::http::{header, path};
use ops_contracts::wire::ids::RequestId;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::connection::Connection;
use crate::dashboard;
use crate::edge::Edge;
use crate::endpoint::{Endpoint, Kind, Target};
use crate::gate::{Facts, Permit, Refusal, checks};
use crate::metrics::Format;
use crate::ops::{self, Failed};
use crate::rate::Bucket;
use respond::Reply;

/// A request that has passed the gates of its head, on its way to its handler.
pub(crate) struct Exchange {
    pub(crate) connection: Arc<Connection>,
    pub(crate) permit: Permit,
    pub(crate) head: Parts,
    body: Incoming,
    pub(crate) received: Instant,
    pub(crate) endpoint: &'static Endpoint,
}

impl Exchange {
    pub(crate) fn edge(&self) -> &Arc<Edge> {
        &self.connection.edge
    }

    pub(crate) fn lane(&self) -> RouteLabel {
        self.endpoint.lane
    }

    /// What stands in the path where the endpoint's template has its name.
    pub(crate) fn parameter(&self) -> &str {
        path::matches(self.endpoint.path, self.head.uri.path()).unwrap_or_default()
    }

    /// The body as text, within the lane's cap.
    ///
    /// # Errors
    /// `relay_content_type_unsupported` for what does not say that it is JSON; as [`body::read`]; `relay_frame_invalid` for
    /// what is not UTF-8.
    pub(crate) async fn text(&mut self) -> Outcome<String> {
        if !is_json(&self.head.headers) {
            return Err(ErrorCode::RelayContentTypeUnsupported.into());
        }
        let (lane, edge) = (self.endpoint.lane, &self.connection.edge);
        let cap = edge.admission.limits_of(lane).max_payload_bytes;
        let too_large = || checks::too_large(None, lane, &edge.admission);
        let bytes = body::read(&mut self.body, cap, too_large, edge.config.timeouts.body).await?;
        String::from_utf8(bytes)
            .map_err(|_| Fault::new(ErrorCode::RelayFrameInvalid, "the body is not UTF-8"))
    }

    /// The body as an object of JSON.
    ///
    /// # Errors
    /// As [`text`](Self::text), and `relay_frame_invalid` naming the field.
    pub(crate) async fn json<T: DeserializeOwned>(&mut self) -> Outcome<T> {
        parse_object(&self.text().await?)
    }

    /// The same; without a body, an object without fields.
    pub(crate) async fn json_or_empty<T: DeserializeOwned>(&mut self) -> Outcome<T> {
        let headers = &self.head.headers;
        let says = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let is_empty = says(TRANSFER_ENCODING).is_none()
            && says(CONTENT_LENGTH).is_none_or(|length| length.trim() == "0");
        if is_empty {
            return parse_object("{}");
        }
        self.json().await
    }
}

/// Reads an object of JSON with its fields by name.
///
/// # Errors
/// `relay_frame_invalid` naming the field.
pub(crate) fn parse_object<T: DeserializeOwned>(text: &str) -> Outcome<T> {
    // Serde would take an array as well, by position.
    if !text.trim_start().starts_with('{') {
        let message = "the body is not a JSON object";
        return Err(Fault::new(ErrorCode::RelayFrameInvalid, message));
    }
    parse_json(text).map_err(|invalid| {
        Fault::new(ErrorCode::RelayFrameInvalid, invalid.to_string())
            .with("field", invalid.field)
            .with("expected", invalid.expected)
    })
}

/// A document as the body of a 200.
pub(crate) fn json(document: &impl Serialize) -> Outcome<Reply> {
    json_as(200, document)
}

/// The same under another status.
pub(crate) fn json_as(status: u16, document: &impl Serialize) -> Outcome<Reply> {
    match serde_json::to_string(document) {
        Ok(text) => Ok(respond::json(status, text)),
        Err(_) => Err(ErrorCode::RelayInternal.into()),
    }
}

/// Answers one request.
pub(crate) async fn handle(connection: Arc<Connection>, request: Request<Incoming>) -> Reply {
    let received = Instant::now();
    let (head, body) = request.into_parts();
    if connection.bare {
        let fault = ErrorCode::RelayTlsRequired.into();
        return respond::closing(declined(&connection.edge, named_id(&head.headers), fault));
    }
    let target = Target::of(&head.method, head.uri.path());
    let facts = Facts::of(&head, target.traits(), connection.local);
    let permit = match connection.edge.admission.enter(&facts) {
        Ok(permit) => permit,
        Err(refusal) => return refuse(&connection, &target, &head, refusal, received),
    };
    let (edge, id) = (connection.edge.clone(), named_id(&head.headers));
    let is_dashboard = target.traits().class.is_dashboard();
    // What comes after a refusal on the same connection could be the body that nobody has read.
    let closes = head.method != Method::GET || target.traits().class.is_open();
    let reply = match answer(connection, &target, permit, head, body, received).await {
        Ok(reply) => reply,
        Err(fault) if closes => respond::closing(declined(&edge, id, fault)),
        Err(fault) => declined(&edge, id, fault),
    };
    if is_dashboard {
        dashboard::guarded(reply)
    } else {
        reply
    }
}

/// Takes the peer in, charges what is only read, and has the endpoint answer. What is run is charged with its frame.
async fn answer(
    connection: Arc<Connection>,
    target: &Target,
    permit: Permit,
    head: Parts,
    body: Incoming,
    received: Instant,
) -> Outcome<Reply> {
    let traits = target.traits();
    if !traits.class.is_open() {
        connection.authenticated();
        connection.seat(permit.client())?;
    }
    let endpoint = target.endpoint(&head.method)?;
    if traits.kind == Kind::Read {
        let admission = &connection.edge.admission;
        admission.charge(&permit, traits.lane, Bucket::Reads)?;
    }
    let exchange = Exchange {
        connection,
        permit,
        head,
        body,
        received,
        endpoint,
    };
    (endpoint.handler)(exchange).await
}

/// The id that a request other than a frame names.
fn named_id(headers: &HeaderMap) -> Option<RequestId> {
    let named = headers.get(header::REQUEST_ID)?;
    named.to_str().ok()?.parse().ok()
}

/// The answer to a request that passed the gates of its head and is refused by what comes after.
fn declined(edge: &Edge, id: Option<RequestId>, fault: Fault) -> Reply {
    let id = id.unwrap_or_else(|| edge.ids.make());
    edge.traffic.refused(&fault);
    tracing::info!(target: "ops", requestId = %id, code = %fault.code, "declined");
    respond::fault(id, fault)
}

/// The answer to a request that the gates refuse. A peer without the token gets the refusal and is cut; its body is not read.
fn refuse(
    connection: &Connection,
    target: &Target,
    head: &Parts,
    refusal: Refusal,
    received: Instant,
) -> Reply {
    let (edge, fault) = (&connection.edge, refusal.fault);
    let id = named_id(&head.headers).unwrap_or_else(|| edge.ids.make());
    let gate = fault.details.get("gate").and_then(|gate| gate.as_str());
    tracing::info!(target: "ops", requestId = %id, code = %fault.code, gate = %gate.unwrap_or_default(), "refused");
    if refusal.authenticated {
        connection.authenticated();
    }
    if target.traits().kind == Kind::Frame {
        let failed = Failed::unread(id, fault);
        return respond::closing(respond::answer(ops::refuse(edge, failed, received)));
    }
    edge.traffic.refused(&fault);
    respond::closing(respond::fault(id, fault))
}

/// `GET /metrics`.
pub(crate) async fn metrics(exchange: Exchange) -> Outcome<Reply> {
    let format = Format::wanted(&exchange.head.headers);
    let edge = exchange.edge();
    edge.update_live_metrics();
    Ok(respond::metrics(
        format,
        edge.traffic.metrics.render(format),
    ))
}

/// `GET /healthz`.
pub(crate) async fn healthz(_: Exchange) -> Outcome<Reply> {
    Ok(respond::closing(respond::text("ok\n")))
}

/// Whether the body says that it is JSON: no page can send that across origins without a preflight.
fn is_json(headers: &HeaderMap) -> bool {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
