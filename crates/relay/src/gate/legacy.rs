//! The checks that stand on the legacy lane alone.

use ops_contracts::control::legacy::{LegacyLeaseMode, LegacySelection};
use ops_contracts::control::telemetry::GateLabel;
use ops_contracts::wire::routing::LegacyLane;
use ops_contracts::{ErrorCode, Fault, Outcome};

use super::checks::pay;
use super::{Findings, Opening, Proof, View};

/// The lane can be closed while its sessions run: then nothing of them is let through either.
pub(super) fn lane(view: &View<'_>, _: &mut Findings) -> Outcome<()> {
    let local = view.permit()?.asker().local;
    match view.admission.routing.legacy_lane(local) {
        LegacyLane::Open => Ok(()),
        LegacyLane::Closed(code) => Err(code.into()),
    }
}

/// Route and version window of a new session. `relay_legacy_route_unavailable` where routing, and not the client, chose the lane.
pub(super) fn route(view: &View<'_>, _: &mut Findings) -> Outcome<()> {
    let Some(Opening::Cdp(mode, selected_by)) = view.facts.opening else {
        return Ok(());
    };
    let (permit, routing) = (view.permit()?, &view.admission.routing);
    match routing.admit_legacy(permit.asker(), permit.component()?, mode) {
        // A client that can't be bound has to make a lease first, whatever its version: that is judged when it makes one.
        Err(fault) if is_about_versions(fault.code) && !may_bind(view, mode)? => Ok(()),
        Err(fault) if selected_by == LegacySelection::Routing => Err(unavailable(&fault)),
        admitted => admitted,
    }
}

pub(super) fn policy(view: &View<'_>, _: &mut Findings) -> Outcome<()> {
    view.admission.access.judge_legacy(view.permit()?)
}

/// A session without a lease of its own is for clients that predate leases, while the timeline still allows it.
pub(super) fn binding(view: &View<'_>, _: &mut Findings) -> Outcome<()> {
    match view.facts.opening {
        Some(Opening::Cdp(mode, _)) if !may_bind(view, mode)? => {
            let message = "the message carries no lease: POST /cdp/sessions makes one, and every command carries sessionId and cdpLeaseId";
            Err(Fault::new(ErrorCode::RelayCdpNotOwner, message).with("field", "cdpLeaseId"))
        }
        _ => Ok(()),
    }
}

/// Whether the client may have a lease of this kind, its version's window aside.
fn may_bind(view: &View<'_>, mode: LegacyLeaseMode) -> Outcome<bool> {
    let version = view.permit()?.version();
    Ok(mode == LegacyLeaseMode::Explicit || view.admission.routing.binds_to_connection(version))
}

/// The lease by which a frame proves its session. Who proves none pays as a peer, and is asked to wait before it learns why.
pub(super) fn lease(view: &View<'_>, findings: &mut Findings) -> Outcome<()> {
    let Some(proof) = view.facts.lease else {
        return Ok(());
    };
    let client = view.permit()?.client();
    let proven = match proof {
        Proof::Bound(session) => session.alive().map(|()| session.clone()),
        Proof::Named { session, lease } => view.admission.legacy.owned(session, lease, client),
    };
    match (proven, &view.facts.charge) {
        (Ok(session), _) => findings.session = Some(session),
        (Err(fault), None) => return Err(fault),
        (Err(fault), Some(charge)) => {
            pay(view, charge).map_err(|late| late.with("gate", GateLabel::Rate.as_str()))?;
            return Err(fault);
        }
    }
    Ok(())
}

/// Whether the version window of the lane refuses by this code.
const fn is_about_versions(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::RelayVersionInvalid
            | ErrorCode::RelayPrereleaseUnsupported
            | ErrorCode::RelayLegacyWindowExceeded
    )
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
