//! The lane's endpoints over HTTP: the legacy handshake, the renewal of a lease, and the end of a session.

use std::sync::Arc;

use ops_contracts::control::legacy::{
    LegacyClosed, LegacyGrant, LegacyHandshake, LegacyLeaseMode, LegacyLeaseProof, LegacyRenewal,
};
use ops_contracts::wire::limits::LimitsProfile;
use ops_contracts::{ErrorCode, Fault, Outcome};

use super::session::{Ending, Session};
use crate::gate::{Facts, Opening, Phase, Proof};
use crate::http::respond::Reply;
use crate::http::{self, Exchange};
use crate::rate::{Bucket, Charge};

/// `POST /cdp/sessions`: starts a browser and answers with its session and lease.
///
/// # Errors
/// The code of the gate that refuses; as [`Lane::open`](super::Lane::open).
pub(crate) async fn open(mut exchange: Exchange) -> Outcome<Reply> {
    let LegacyHandshake { selected_by, .. } = exchange.json_or_empty().await?;
    let (edge, permit) = (exchange.edge(), &exchange.permit);
    let facts = Facts {
        opening: Some(Opening::Cdp(LegacyLeaseMode::Explicit, selected_by)),
        charge: Some(Charge::of(permit, Bucket::Commands)),
        ..Facts::on(exchange.lane())
    };
    edge.admission.pass(permit, &[Phase::Session], &facts)?;
    // In a task of its own: a caller that hangs up leaves no browser behind that nobody knows of.
    let (lane, owner) = (edge.legacy.clone(), permit.client().clone());
    let opening = tokio::spawn(async move { lane.open(&owner, LegacyLeaseMode::Explicit).await });
    let session = opening
        .await
        .map_err(|_| Fault::new(ErrorCode::RelayInternal, "opening the session panicked"))??;
    http::json(&grant(&session, edge.legacy.limits())?)
}

fn grant(session: &Session, limits: &LimitsProfile) -> Outcome<LegacyGrant> {
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

/// The session of a path, whose lease the body proves.
async fn owned(exchange: &mut Exchange) -> Outcome<Arc<Session>> {
    let proof: LegacyLeaseProof = exchange.json_or_empty().await?;
    let facts = Facts {
        charge: Some(Charge::of(&exchange.permit, Bucket::Control)),
        lease: Some(Proof::Named {
            session: Some(exchange.parameter()),
            lease: Some(proof.cdp_lease_id.as_str()),
        }),
        ..Facts::on(exchange.lane())
    };
    let admission = &exchange.edge().admission;
    let found = admission.pass(&exchange.permit, &[Phase::Message], &facts)?;
    found.session.ok_or_else(|| ErrorCode::RelayInternal.into())
}

/// `POST /cdp/sessions/{session}/renew`: gives the lease its whole time again.
///
/// # Errors
/// As [`Lane::owned`](super::Lane::owned), and the code of what closes the lane.
pub(crate) async fn renew(mut exchange: Exchange) -> Outcome<Reply> {
    let session = owned(&mut exchange).await?;
    let edge = exchange.edge();
    let facts = Facts::on(exchange.lane());
    edge.admission
        .pass(&exchange.permit, &[Phase::Lane], &facts)?;
    let lease_expires_at = session.renew(edge.now())?;
    tracing::info!(target: "ops", sessionId = %session.id(), "legacy lease renewed");
    http::json(&LegacyRenewal {
        session_id: session.id().clone(),
        lease_expires_at,
    })
}

/// `DELETE /cdp/sessions/{session}`: ends it with its browser, also while the lane is closed.
///
/// # Errors
/// As [`Lane::owned`](super::Lane::owned).
pub(crate) async fn close(mut exchange: Exchange) -> Outcome<Reply> {
    let session = owned(&mut exchange).await?;
    let session_id = session.id().clone();
    // In a task of its own, so that a caller that hangs up does not keep the browser.
    let _ = tokio::spawn(session.end(Ending::Closed)).await;
    http::json(&LegacyClosed {
        session_id,
        closed: true,
    })
}
