//! `PUT /ops/blobs`: takes the bytes of a large input and answers the id by which the session's commands name it.
//!
//! Whether the session has room for them is asked before they are read.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap};
use hyper::http::request::Parts;
use ops_contracts::wire::blob::{BlobInfo, MAX_BLOB_BYTES};
use ops_contracts::wire::http::header;
use ops_contracts::wire::ids::{LeaseId, SessionId};
use ops_contracts::{ErrorCode, Fault, Outcome};

use super::respond::Reply;
use super::{body, declined, respond};
use crate::gate::{self, Endpoint, Facts, Permit, checks};
use crate::rate::{Bucket, Charge, Payer};
use crate::server::Edge;

/// Answers one upload.
pub(super) async fn put(edge: &Arc<Edge>, permit: &Permit, head: &Parts, body: Incoming) -> Reply {
    match take(edge, permit, head, body).await {
        Ok(info) => {
            tracing::info!(target: "ops", blobId = %info.blob_id, bytes = info.bytes, "blob");
            respond::json(
                201,
                serde_json::to_string(&info).expect("a blob's facts are texts and numbers"),
            )
        }
        Err(fault) => respond::closing(declined(edge, &head.headers, fault)),
    }
}

async fn take(edge: &Edge, permit: &Permit, head: &Parts, body: Incoming) -> Outcome<BlobInfo> {
    if head
        .headers
        .get(CONTENT_TYPE)
        .is_none_or(|kind| kind != "application/octet-stream")
    {
        return Err(Fault::new(
            ErrorCode::RelayContentTypeUnsupported,
            "a blob's Content-Type is application/octet-stream",
        ));
    }
    let (session, lease) = holder(&head.headers)?;
    let owned = edge.service.lease_matches(&session, &lease);
    let payer = if owned {
        Payer::Session(&session)
    } else {
        Payer::Peer(permit.client())
    };
    let charge = Charge {
        payer,
        bucket: Bucket::Commands,
        cost: 1,
    };
    let announced = Facts::of(head, permit.asker().local).payload;
    let facts = Facts {
        endpoint: Endpoint::Blobs,
        payload: announced,
        charge: Some(charge),
        ..Facts::default()
    };
    gate::message(permit, &facts, &edge.policy)?;
    if edge.draining.load(Ordering::Acquire) {
        return Err(ErrorCode::RelayOpsDraining.into());
    }
    edge.service
        .admit_blob(&session, &lease, announced.unwrap_or(0))?;
    let cap = usize::try_from(MAX_BLOB_BYTES).unwrap_or(usize::MAX);
    let bytes = body::read_up_to(
        cap,
        || checks::blob_too_large(None),
        body,
        edge.config.timeouts.body,
    )
    .await?;
    edge.service.put_blob(&session, &lease, bytes)
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
