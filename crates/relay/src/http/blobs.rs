//! `PUT /ops/blobs`: takes the bytes of a large input and answers the id by which the session's commands name it.
//!
//! Whether the session has room for them is asked before they are read.

use hyper::header::{CONTENT_TYPE, HeaderMap};
use ops_contracts::wire::blob::MAX_BLOB_BYTES;
use ops_contracts::wire::http::header;
use ops_contracts::wire::ids::{LeaseId, SessionId};
use ops_contracts::{ErrorCode, Fault, Outcome};

use super::respond::Reply;
use super::{Exchange, body, json_as};
use crate::gate::{Facts, Phase, checks, content_length};
use crate::rate::{Bucket, Charge, Payer};

/// Answers one upload.
pub(crate) async fn put(mut exchange: Exchange) -> Outcome<Reply> {
    let (session, lease) = admit(&exchange)?;
    let edge = exchange.connection.edge.clone();
    let (too_large, limit) = (|| checks::blob_too_large(None), edge.config.timeouts.body);
    let bytes = body::read(&mut exchange.body, MAX_BLOB_BYTES, too_large, limit).await?;
    let info = edge.service.put_blob(&session, &lease, bytes)?;
    tracing::info!(target: "ops", sessionId = %session, blobId = %info.blob_id, bytes = info.bytes, "blob");
    json_as(201, &info)
}

/// Runs the gates of an upload and asks its session for room.
fn admit(exchange: &Exchange) -> Outcome<(SessionId, LeaseId)> {
    let (edge, headers) = (exchange.edge(), &exchange.head.headers);
    let kind = headers.get(CONTENT_TYPE);
    if kind.is_none_or(|kind| kind != "application/octet-stream") {
        let message = "a blob's Content-Type is application/octet-stream";
        return Err(Fault::new(ErrorCode::RelayContentTypeUnsupported, message));
    }
    let (session, lease) = holder(headers)?;
    let mut charge = Charge::of(&exchange.permit, Bucket::Commands);
    if edge.service.lease_matches(&session, &lease) {
        charge.payer = Payer::Session(&session);
    }
    let facts = Facts {
        charge: Some(charge),
        ..Facts::on(exchange.lane())
    };
    let phases = [Phase::Message, Phase::Command];
    edge.admission.pass(&exchange.permit, &phases, &facts)?;
    let announced = content_length(headers).unwrap_or(0);
    edge.service.admit_blob(&session, &lease, announced)?;
    Ok((session, lease))
}

/// The session and the lease that the head names.
fn holder(headers: &HeaderMap) -> Outcome<(SessionId, LeaseId)> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (Some(session), Some(lease)) = (text(header::SESSION_ID), text(header::LEASE_ID)) else {
        let message = "a blob belongs to a session: send x-ops-session-id and x-ops-lease-id";
        return Err(Fault::new(ErrorCode::OpsSessionRequired, message));
    };
    let invalid = |field: &str, error: ops_contracts::wire::ids::InvalidId| {
        Fault::new(ErrorCode::RelayFrameInvalid, error.to_string()).with("field", field)
    };
    let session = session
        .parse()
        .map_err(|error| invalid(header::SESSION_ID, error))?;
    let lease = lease
        .parse()
        .map_err(|error| invalid(header::LEASE_ID, error))?;
    Ok((session, lease))
}
