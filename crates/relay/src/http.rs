//! The endpoints: gates first, then the method, then the handler. Every refusal is an `ops_error` frame under its code's HTTP status.

mod blobs;
mod body;
pub(crate) mod respond;
mod scorecard;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use hyper::body::Incoming;
use hyper::header::{
    CONNECTION, CONTENT_TYPE, HeaderMap, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::{Method, Request};
use ops_contracts::wire::frame::{ClientFrame, OpsCancel, OpsRequest, Timing, request_id_of};
use ops_contracts::wire::http::header;
use ops_contracts::wire::ids::RequestId;
use ops_contracts::wire::routing::LegacyLane;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde_json::value::RawValue;

use crate::access;
use crate::connection::Connection;
use crate::gate::{self, Endpoint, Facts, Permit, Refusal};
use crate::metrics::Format;
use crate::ops::{self, Answer, Failed};
use crate::rate::{Bucket, Charge, Payer};
use crate::server::Edge;
use crate::{admin, cdp, dashboard, reply, socket, status};
use respond::Reply;

/// The most WebSockets at once.
const MAX_SOCKETS: usize = 1024;

/// Answers one request.
pub(crate) async fn handle(connection: Arc<Connection>, request: Request<Incoming>) -> Reply {
    let received = Instant::now();
    let (mut head, body) = request.into_parts();
    if connection.bare {
        return respond::closing(declined(
            &connection.edge,
            &head.headers,
            ErrorCode::RelayTlsRequired.into(),
        ));
    }
    let entered = gate::enter(&Facts::of(&head, connection.local), &connection.edge.policy);
    let permit = match entered {
        Ok(permit) => permit,
        Err(refusal) => return refuse(&connection, &head, refusal, received),
    };
    let endpoint = Endpoint::of(head.uri.path());
    let edge = &connection.edge;
    if !endpoint.is_open() {
        connection.authenticated();
        let seated = connection
            .seat(permit.client())
            .and_then(|()| charge(edge, &permit, endpoint));
        if let Err(fault) = seated {
            return respond::closing(declined(edge, &head.headers, fault));
        }
    }
    match (endpoint, &head.method) {
        (Endpoint::Ops, &Method::POST) => post(edge, &permit, &head, body, received).await,
        (Endpoint::Ops | Endpoint::Cdp, &Method::GET) => {
            match upgrade(&connection, permit, &mut head) {
                Ok(reply) => reply,
                Err(fault) => declined(edge, &head.headers, fault),
            }
        }
        (Endpoint::Blobs, &Method::PUT) => blobs::put(edge, &permit, &head, body).await,
        (Endpoint::CdpSessions, _) => legacy(edge, &permit, &head, body).await,
        (Endpoint::Status, &Method::GET) => {
            respond::json(200, status_text(edge, &permit, &head.headers))
        }
        (Endpoint::Metrics, &Method::GET) => exposition(edge, &head.headers),
        (Endpoint::Healthz, &Method::GET) => respond::closing(respond::text("ok\n")),
        (Endpoint::Pair, &Method::POST) => pair(edge, &head, body).await,
        (Endpoint::AdminReload | Endpoint::AdminRouting, &Method::POST) => {
            change(edge, &permit, &head, body).await
        }
        (Endpoint::DashboardCodes, &Method::POST) => {
            dashboard::issue_code(edge, &permit, &head.headers)
        }
        (Endpoint::Dashboard(part), _) => dashboard::answer(edge, part, &permit, &head, body).await,
        (Endpoint::Orchestration, &Method::GET) => respond::json(200, scorecard::events(edge)),
        (Endpoint::Orchestration, &Method::POST) => take_event(edge, &head, body).await,
        (Endpoint::Scorecard, &Method::GET) => match scorecard::artifact(edge, head.uri.query()) {
            Ok(text) => respond::json(200, text),
            Err(fault) => declined(edge, &head.headers, fault),
        },
        (Endpoint::Incidents, &Method::GET) => respond::json(200, scorecard::incidents(edge)),
        (Endpoint::Confirmations, &Method::GET) => match access::list(edge, &permit) {
            Ok(text) => respond::json(200, text),
            Err(fault) => declined(edge, &head.headers, fault),
        },
        (Endpoint::Confirmations, &Method::POST) => decide(edge, &permit, &head, body).await,
        (Endpoint::AdminIncidents | Endpoint::AdminResolve, &Method::POST) => {
            tell_incident(edge, &head, body).await
        }
        (Endpoint::Unknown, _) => declined(edge, &head.headers, ErrorCode::RelayNotFound.into()),
        (endpoint, _) => wrong_method(edge, endpoint, &head),
    }
}

/// Charges what is only read; what is run is charged with its frame.
fn charge(edge: &Edge, permit: &Permit, endpoint: Endpoint) -> Outcome<()> {
    if !matches!(endpoint, Endpoint::Status | Endpoint::Metrics) {
        return Ok(());
    }
    let charge = Charge {
        payer: Payer::Peer(permit.client()),
        bucket: Bucket::Reads,
        cost: 1,
    };
    gate::message(
        permit,
        &Facts {
            charge: Some(charge),
            ..Facts::default()
        },
        &edge.policy,
    )
}

/// `POST /pair`: a one-time code for a pairing token.
async fn pair(edge: &Edge, head: &Parts, body: Incoming) -> Reply {
    let paired = match read(edge, head, body).await {
        Ok(text) => edge.policy.pairing.redeem(&text).await,
        Err(fault) => Err(fault),
    };
    match paired {
        Ok(text) => respond::json(200, text),
        Err(fault) => respond::closing(declined(edge, &head.headers, fault)),
    }
}

/// The id of a request other than a frame: its own, or one that is made for it.
fn request_id(edge: &Edge, headers: &HeaderMap) -> RequestId {
    let named = headers.get(header::REQUEST_ID);
    let named = named.and_then(|id| id.to_str().ok()?.parse().ok());
    named.unwrap_or_else(|| edge.make_request_id())
}

/// The answer to a request that passed the gates and is none that an endpoint takes.
pub(crate) fn declined(edge: &Edge, headers: &HeaderMap, fault: Fault) -> Reply {
    let id = request_id(edge, headers);
    edge.count_refusal(&fault);
    tracing::info!(target: "ops", requestId = %id, code = %fault.code, "declined");
    respond::fault(id, fault)
}

fn status_text(edge: &Edge, permit: &Permit, headers: &HeaderMap) -> String {
    let named = gate::versions(headers);
    let wanted = headers
        .get_all(header::CAPABILITIES)
        .iter()
        .filter_map(|names| names.to_str().ok());
    let wanted: Vec<String> = wanted
        .flat_map(|names| names.split(','))
        .map(|name| name.trim().to_owned())
        .collect();
    serde_json::to_string(&status::document(edge, permit.asker(), &named, &wanted))
        .expect("the status document consists of texts and numbers")
}

/// The endpoints of the legacy lane that are no WebSocket.
async fn legacy(edge: &Arc<Edge>, permit: &Permit, head: &Parts, body: Incoming) -> Reply {
    match cdp::answer(edge, permit, head, body).await {
        Ok(text) => respond::json(200, text),
        Err(fault) => respond::closing(declined(edge, &head.headers, fault)),
    }
}

/// The admin endpoints. Answers with the status document after the change.
pub(crate) async fn change(
    edge: &Arc<Edge>,
    permit: &Permit,
    head: &Parts,
    body: Incoming,
) -> Reply {
    let endpoint = Endpoint::of(head.uri.path());
    let outcome = if matches!(
        endpoint,
        Endpoint::AdminRouting | Endpoint::Dashboard(dashboard::Part::Routing)
    ) {
        read(edge, head, body)
            .await
            .and_then(|text| admin::set_routing(edge, &text))
    } else {
        admin::reload(edge).await.map(drop)
    };
    match outcome {
        Ok(()) => respond::json(200, status_text(edge, permit, &head.headers)),
        Err(fault) => respond::closing(declined(edge, &head.headers, fault)),
    }
}

fn exposition(edge: &Edge, headers: &HeaderMap) -> Reply {
    let format = Format::wanted(headers);
    edge.update_live_metrics();
    respond::metrics(format, edge.metrics.render(format))
}

/// Takes an event from outside in; answers with its record.
async fn take_event(edge: &Edge, head: &Parts, body: Incoming) -> Reply {
    match read(edge, head, body)
        .await
        .and_then(|text| scorecard::take_event(edge, &text))
    {
        Ok(text) => respond::json(200, text),
        Err(fault) => respond::closing(declined(edge, &head.headers, fault)),
    }
}

/// Decides about a command that waits; answers with it.
async fn decide(edge: &Edge, permit: &Permit, head: &Parts, body: Incoming) -> Reply {
    match read(edge, head, body)
        .await
        .and_then(|text| access::decide(edge, permit, &text))
    {
        Ok(text) => respond::json(200, text),
        Err(fault) => respond::closing(declined(edge, &head.headers, fault)),
    }
}

/// Records or resolves an incident; answers with it.
pub(crate) async fn tell_incident(edge: &Arc<Edge>, head: &Parts, body: Incoming) -> Reply {
    let endpoint = Endpoint::of(head.uri.path());
    let records = matches!(
        endpoint,
        Endpoint::AdminIncidents | Endpoint::Dashboard(dashboard::Part::Incidents)
    );
    let outcome = match read(edge, head, body).await {
        Ok(text) if records => scorecard::record(edge, &text).await,
        Ok(text) => scorecard::resolve(edge, &text).await,
        Err(fault) => Err(fault),
    };
    match outcome {
        Ok(text) => respond::json(200, text),
        Err(fault) => respond::closing(declined(edge, &head.headers, fault)),
    }
}

pub(crate) fn wrong_method(edge: &Edge, endpoint: Endpoint, head: &Parts) -> Reply {
    let allow = match endpoint {
        Endpoint::Ops | Endpoint::Orchestration | Endpoint::Confirmations => "GET, POST",
        Endpoint::Blobs => "PUT",
        Endpoint::Pair | Endpoint::DashboardCodes => "POST",
        Endpoint::Dashboard(part) => part.method(),
        endpoint if endpoint.is_admin() => "POST",
        _ => "GET",
    };
    let fault = Fault::new(
        ErrorCode::RelayMethodNotAllowed,
        format!("the endpoint takes {allow}"),
    )
    .with("method", head.method.as_str());
    let mut reply = declined(edge, &head.headers, fault.with("allow", allow));
    respond::allow(&mut reply, allow);
    if endpoint.is_open() {
        respond::closing(reply)
    } else {
        reply
    }
}

/// The answer to a request that the gates refuse. A peer without the token is told and cut; its body is not read.
fn refuse(connection: &Connection, head: &Parts, refusal: Refusal, received: Instant) -> Reply {
    let edge = &connection.edge;
    let id = request_id(edge, &head.headers);
    let gate = refusal
        .fault
        .details
        .get("gate")
        .and_then(|gate| gate.as_str())
        .unwrap_or_default();
    tracing::info!(target: "ops", requestId = %id, code = %refusal.fault.code, %gate, "refused");
    if refusal.authenticated {
        connection.authenticated();
    }
    let failed = Failed {
        request: id,
        session: None,
        command: None,
        fault: refusal.fault,
    };
    if Endpoint::of(head.uri.path()) == Endpoint::Ops && head.method == Method::POST {
        return respond::closing(respond::answer(ops::refuse(edge, failed, received)));
    }
    edge.count_refusal(&failed.fault);
    respond::closing(respond::fault(failed.request, failed.fault))
}

/// `POST /ops`: one request or cancel, one answer.
async fn post(
    edge: &Arc<Edge>,
    permit: &Permit,
    head: &Parts,
    body: Incoming,
    received: Instant,
) -> Reply {
    let text = match read(edge, head, body).await {
        Ok(text) => text,
        Err(fault) => {
            return respond::closing(respond::answer(refused(
                edge,
                edge.make_request_id(),
                fault,
                received,
            )));
        }
    };
    let frame = match parse(&text) {
        Ok(frame) => frame,
        Err(fault) => {
            let id = request_id_of(&text).unwrap_or_else(|| edge.make_request_id());
            return respond::answer(refused(edge, id, fault, received));
        }
    };
    let bytes = text.len();
    drop(text);
    match frame {
        Frame::Request(request) => match ops::admit(edge, permit, request, bytes, received) {
            Ok(admitted) => respond::answer(run(edge, admitted, received).await),
            Err(failed) => respond::answer(ops::refuse(edge, *failed, received)),
        },
        Frame::Cancel(cancel) => cancelled(edge, permit, cancel, bytes, received).await,
    }
}

/// Runs a command in a task of its own: it is counted and logged also when the caller hangs up.
async fn run(edge: &Arc<Edge>, admitted: ops::Admitted, received: Instant) -> Answer {
    let request = admitted.request_id().clone();
    match tokio::spawn(ops::run(edge.clone(), admitted)).await {
        Ok(answer) => answer,
        Err(_) => refused(
            edge,
            request,
            Fault::plain(ErrorCode::RelayInternal),
            received,
        ),
    }
}

enum Frame {
    Request(OpsRequest),
    Cancel(OpsCancel),
}

fn parse(text: &str) -> Outcome<Frame> {
    match ClientFrame::parse(text)? {
        ClientFrame::Request(request) => Ok(Frame::Request(request)),
        ClientFrame::Cancel(cancel) => Ok(Frame::Cancel(cancel)),
        _ => Err(Fault::new(
            ErrorCode::RelayFrameTypeUnknown,
            "POST /ops takes an ops_request or an ops_cancel",
        )),
    }
}

/// The body of a request as text.
pub(crate) async fn read(edge: &Edge, head: &Parts, body: Incoming) -> Outcome<String> {
    if !is_json(&head.headers) {
        return Err(ErrorCode::RelayContentTypeUnsupported.into());
    }
    let bytes = body::read(body, &edge.policy, edge.config.timeouts.body).await?;
    String::from_utf8(bytes)
        .map_err(|_| Fault::new(ErrorCode::RelayFrameInvalid, "the body is not UTF-8"))
}

/// Whether the body says that it is JSON: no page can send that across origins without a preflight.
fn is_json(headers: &HeaderMap) -> bool {
    let essence = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

fn refused(edge: &Edge, request: RequestId, fault: Fault, received: Instant) -> Answer {
    ops::refuse(
        edge,
        Failed {
            request,
            session: None,
            command: None,
            fault,
        },
        received,
    )
}

async fn cancelled(
    edge: &Edge,
    permit: &Permit,
    cancel: OpsCancel,
    bytes: usize,
    received: Instant,
) -> Reply {
    match ops::cancel(edge, permit, &cancel, bytes).await {
        Ok(cancelled) => {
            let result = format!(r#"{{"cancelled":{cancelled}}}"#);
            let result = RawValue::from_string(result).unwrap_or_default();
            let timing = Timing {
                total_ms: ops::millis_since(received),
                ..Timing::default()
            };
            respond::json(
                200,
                reply::response(
                    &cancel.request_id,
                    cancel.session_id.as_ref(),
                    &result,
                    &timing,
                ),
            )
        }
        Err(fault) => respond::answer(refused(edge, cancel.request_id, fault, received)),
    }
}

/// `GET /ops` and `GET /cdp`: becomes a WebSocket.
fn upgrade(connection: &Arc<Connection>, permit: Permit, head: &mut Parts) -> Outcome<Reply> {
    let endpoint = Endpoint::of(head.uri.path());
    if let (Endpoint::Cdp, LegacyLane::Closed(code)) = (
        endpoint,
        connection.edge.routing.legacy_lane(permit.asker().local),
    ) {
        return Err(Fault::plain(code).with("gate", "route"));
    }
    let has = |name, token: &str| {
        let values = head
            .headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok());
        values
            .flat_map(|value| value.split(','))
            .any(|part| part.trim().eq_ignore_ascii_case(token))
    };
    let not_one = |why: &str| {
        Fault::new(
            ErrorCode::RelayFrameInvalid,
            format!("GET {} opens a WebSocket, and {why}", head.uri.path()),
        )
    };
    if !has(UPGRADE, "websocket") || !has(CONNECTION, "upgrade") {
        return Err(not_one("the request asks for no upgrade"));
    }
    if !has(SEC_WEBSOCKET_VERSION, "13") {
        return Err(not_one("Sec-WebSocket-Version is not 13"));
    }
    let mut keys = head.headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let key = keys
        .next()
        .ok_or_else(|| not_one("Sec-WebSocket-Key is missing"))?;
    if keys.next().is_some() || !is_key(key.as_bytes()) {
        return Err(not_one(
            "Sec-WebSocket-Key is not one text of 16 bytes as base64",
        ));
    }
    let upgrading = head
        .extensions
        .remove::<hyper::upgrade::OnUpgrade>()
        .ok_or_else(|| not_one("this connection can't be upgraded"))?;
    let slot = Slot::take(&connection.edge).ok_or(ErrorCode::RelayConnectionLimit)?;
    let reply = respond::switching(
        key.as_bytes(),
        gate::offered_protocol(&head.headers, endpoint),
    );
    let (edge, alive) = (connection.edge.clone(), connection.alive.clone());
    tokio::spawn(async move {
        let _held = (slot, alive);
        match upgrading.await {
            Ok(upgraded) if endpoint == Endpoint::Cdp => cdp::serve(edge, permit, upgraded).await,
            Ok(upgraded) => socket::serve(edge, permit, upgraded).await,
            Err(error) => tracing::debug!(%error, "an upgrade failed"),
        }
    });
    Ok(reply)
}

/// Whether a text is base64 of 16 bytes: 22 digits, of which the last carries two bits, and the padding.
fn is_key(text: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    match text {
        [digits @ .., last, b'=', b'='] => {
            digits.len() == 21
                && digits.iter().all(digit)
                && matches!(last, b'A' | b'Q' | b'g' | b'w')
        }
        _ => false,
    }
}

/// One of the places for WebSockets.
struct Slot(Arc<Edge>);

impl Slot {
    fn take(edge: &Arc<Edge>) -> Option<Self> {
        let taken = edge
            .sockets
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| {
                (open < MAX_SOCKETS).then_some(open + 1)
            });
        taken.is_ok().then(|| Self(edge.clone()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.sockets.fetch_sub(1, Ordering::AcqRel);
    }
}
