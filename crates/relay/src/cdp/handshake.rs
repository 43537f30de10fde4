//! The lane's endpoints over HTTP: the legacy handshake, the renewal of a lease, and the end of a session.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::Method;
use hyper::body::Incoming;
use hyper::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use hyper::http::request::Parts;
use ops_contracts::control::legacy::{
    LegacyClosed, LegacyGrant, LegacyHandshake, LegacyLeaseMode, LegacyLeaseProof, LegacyRenewal,
    LegacySelection,
};
use ops_contracts::wire::command::parse_json;
use ops_contracts::wire::http::path;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::session::{Ending, Session};
use crate::gate::{Permit, checks};
use crate::http;
use crate::rate::{Bucket, Charge, Payer};
use crate::server::Edge;

/// What a path below `/cdp/sessions` asks for.
enum Asked<'a> {
    Open,
    Renew(&'a str),
    Close(&'a str),
    /// Another method than the path takes.
    Method(&'static str),
    Nothing,
}

impl<'a> Asked<'a> {
    fn of(method: &Method, path: &'a str) -> Self {
        let below = path.strip_prefix(path::CDP_SESSIONS).unwrap_or_default();
        let parts: Vec<&str> = below.split('/').skip(1).collect();
        match (parts.as_slice(), method) {
            ([], &Method::POST) => Self::Open,
            ([], _) => Self::Method("POST"),
            ([session, "renew"], &Method::POST) => Self::Renew(session),
            ([_, "renew"], _) => Self::Method("POST"),
            ([session], &Method::DELETE) if !session.is_empty() => Self::Close(session),
            ([session], _) if !session.is_empty() => Self::Method("DELETE"),
            _ => Self::Nothing,
        }
    }
}

/// The text of the answer.
///
/// # Errors
/// Whatever refuses the request; a method that the path does not take names the one that it takes in `allow`.
pub(crate) async fn answer(
    edge: &Arc<Edge>,
    permit: &Permit,
    head: &Parts,
    body: Incoming,
) -> Outcome<String> {
    match Asked::of(&head.method, head.uri.path()) {
        Asked::Open => open(edge, permit, head, body)
            .await
            .and_then(|grant| text(&grant)),
        Asked::Renew(session) => renew(edge, permit, session, &read(edge, head, body).await?),
        Asked::Close(session) => close(edge, permit, session, read(edge, head, body).await?).await,
        Asked::Method(allow) => Err(Fault::new(
            ErrorCode::RelayMethodNotAllowed,
            format!("the endpoint takes {allow}"),
        )
        .with("allow", allow)),
        Asked::Nothing => Err(ErrorCode::RelayNotFound.into()),
    }
}

fn text(answer: &impl Serialize) -> Outcome<String> {
    serde_json::to_string(answer).map_err(|_| ErrorCode::RelayInternal.into())
}

/// The body of a request; without one, the JSON of an object without fields.
async fn read_text(edge: &Edge, head: &Parts, body: Incoming) -> Outcome<String> {
    let says = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    if says(TRANSFER_ENCODING).is_none()
        && says(CONTENT_LENGTH).is_none_or(|length| length.trim() == "0")
    {
        return Ok("{}".to_owned());
    }
    let text = http::read(edge, head, body).await?;
    let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
    if bytes > edge.lane.limits().cdp.max_payload_bytes {
        return Err(checks::too_large_for_legacy(Some(bytes), &edge.policy));
    }
    Ok(text)
}

async fn read<T: DeserializeOwned>(edge: &Edge, head: &Parts, body: Incoming) -> Outcome<T> {
    let text = read_text(edge, head, body).await?;
    let invalid = |message: String| Fault::new(ErrorCode::RelayFrameInvalid, message);
    // Serde would take an array as well, by position.
    if !text.trim_start().starts_with('{') {
        return Err(invalid("the body is no JSON object".to_owned()));
    }
    parse_json(&text).map_err(|error| {
        invalid(error.to_string())
            .with("field", error.field)
            .with("expected", error.expected)
    })
}

/// The gates of the lane for one of its requests: a peer that is asked to wait is told before anything else is looked at.
pub(super) fn charge(edge: &Edge, permit: &Permit, bucket: Bucket) -> Outcome<()> {
    let charge = Charge {
        payer: Payer::Peer(permit.client()),
        bucket,
        cost: 1,
    };
    pay(edge, &charge)
}

/// The same for a charge of any payer.
pub(super) fn pay(edge: &Edge, charge: &Charge<'_>) -> Outcome<()> {
    let refused = |fault: Fault| {
        fault
            .with("profile", &edge.lane.limits().name)
            .with("gate", "rate")
    };
    edge.lane.rates.charge(charge).map_err(refused)
}

async fn open(
    edge: &Arc<Edge>,
    permit: &Permit,
    head: &Parts,
    body: Incoming,
) -> Outcome<LegacyGrant> {
    let handshake: LegacyHandshake = read(edge, head, body).await?;
    judge(
        edge,
        permit,
        LegacyLeaseMode::Explicit,
        handshake.selected_by,
    )?;
    charge(edge, permit, Bucket::Commands)?;
    refuse_while_draining(edge)?;
    // In a task of its own: a caller that hangs up leaves no browser behind that nobody knows of.
    let (shared, owner) = (edge.clone(), permit.client().clone());
    let opening = tokio::spawn(async move {
        shared
            .lane
            .open(&shared, &owner, LegacyLeaseMode::Explicit)
            .await
    });
    let session = opening
        .await
        .map_err(|_| Fault::new(ErrorCode::RelayInternal, "opening the session panicked"))??;
    grant(edge, &session)
}

/// The gates of a new session's client, whichever way it asks for one: route, version window and the command policy. The rate
/// is the caller's to charge, before a browser is started.
///
/// # Errors
/// The code of the gate that refuses; `relay_legacy_route_unavailable` where routing, and not the client, chose the lane.
pub(super) fn judge(
    edge: &Edge,
    permit: &Permit,
    lease: LegacyLeaseMode,
    selected_by: LegacySelection,
) -> Outcome<()> {
    let admitted = edge
        .routing
        .admit_legacy(permit.asker(), permit.component()?, lease)
        .map_err(|fault| fault.with("gate", "route"));
    admitted.map_err(|fault| match selected_by {
        LegacySelection::Explicit => fault,
        LegacySelection::Routing => unavailable(&fault),
    })?;
    edge.access
        .judge_legacy(permit)
        .map_err(|fault| fault.with("gate", "policy"))
}

/// # Errors
/// `relay_ops_draining` while the relay ends.
pub(super) fn refuse_while_draining(edge: &Edge) -> Outcome<()> {
    if edge.draining.load(Ordering::Acquire) {
        return Err(ErrorCode::RelayOpsDraining.into());
    }
    Ok(())
}

/// Routing selected a lane that can't serve the caller.
fn unavailable(cause: &Fault) -> Fault {
    Fault::new(
        ErrorCode::RelayLegacyRouteUnavailable,
        format!(
            "routing selected the legacy lane, and it can't be used: {}",
            cause.message
        ),
    )
    .with("decision", "legacy-cdp")
    .with("reason", "legacy_unavailable")
    .with("cause", cause.code)
}

fn grant(edge: &Edge, session: &Session) -> Outcome<LegacyGrant> {
    let limits = edge.lane.limits();
    Ok(LegacyGrant {
        session_id: session.id().clone(),
        cdp_lease_id: session.lease().clone(),
        lease_owner_id: session.owner().clone(),
        lease_expires_at: session.expires_at(),
        legacy_lease_mode: session.mode(),
        limits_profile: limits.name.clone(),
        limits: limits.cdp,
        browser: session.browser()?.info().clone(),
    })
}

fn owned(
    edge: &Edge,
    permit: &Permit,
    session: &str,
    proof: &LegacyLeaseProof,
) -> Outcome<Arc<Session>> {
    charge(edge, permit, Bucket::Control)?;
    let owned = edge.lane.owned(
        Some(session),
        Some(proof.cdp_lease_id.as_str()),
        permit.client(),
    );
    owned.map_err(|fault| fault.with("gate", "lease"))
}

fn renew(edge: &Edge, permit: &Permit, session: &str, proof: &LegacyLeaseProof) -> Outcome<String> {
    let session = owned(edge, permit, session, proof)?;
    if let ops_contracts::wire::routing::LegacyLane::Closed(code) =
        edge.routing.legacy_lane(permit.asker().local)
    {
        return Err(Fault::plain(code).with("gate", "route"));
    }
    let lease_expires_at = session.renew(edge)?;
    tracing::info!(target: "ops", sessionId = %session.id(), "legacy lease renewed");
    text(&LegacyRenewal {
        session_id: session.id().clone(),
        lease_expires_at,
    })
}

async fn close(
    edge: &Edge,
    permit: &Permit,
    session: &str,
    proof: LegacyLeaseProof,
) -> Outcome<String> {
    let session = owned(edge, permit, session, &proof)?;
    let session_id = session.id().clone();
    // In a task of its own, so that a caller that hangs up does not keep the browser.
    let _ = tokio::spawn(session.end(Ending::Closed)).await;
    text(&LegacyClosed {
        session_id,
        closed: true,
    })
}
