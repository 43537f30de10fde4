//! Where a session goes: precedence, then in `auto` the caller's identity, allow list and bucket.
//!
//! Whether `/ops` would take the session is no input here, so that its refusal can't move anyone to the legacy lane.

use ops_contracts::wire::routing::{
    DecisionReason, Identities, LegacyLane, Peer, RolloutAllowlist, RolloutIdentity, Route,
    RoutePolicy, RoutingControls, RoutingDecision, RoutingMode, RoutingStatus, WindowPosition,
};
use ops_contracts::{ErrorCode, Fault, Outcome};

use crate::precedence::{self, Effective};
use crate::{rollout, window};

/// This crate's decisions as the port by which the relay is composed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rules;

impl RoutePolicy for Rules {
    fn decide(
        &self,
        controls: &RoutingControls,
        identities: &Identities,
        legacy: LegacyLane,
    ) -> Outcome<RoutingDecision> {
        decide(controls, identities, legacy)
    }

    fn status(
        &self,
        controls: &RoutingControls,
        identities: &Identities,
        legacy: LegacyLane,
    ) -> RoutingStatus {
        status(controls, identities, legacy)
    }

    fn admit(
        &self,
        route: Route,
        relay_version: &str,
        peers: &[Peer<'_>],
        prerelease_interop: bool,
    ) -> Outcome<()> {
        window::admit(route, relay_version, peers, prerelease_interop)
    }

    fn transitional_binding(&self, relay_version: &str, allowed_by_config: bool) -> bool {
        window::transitional_binding(relay_version, allowed_by_config)
    }

    fn position(&self, relay_version: &str, client_version: &str) -> WindowPosition {
        window::position(relay_version, client_version)
    }

    fn predates_leases(&self, client_version: &str) -> bool {
        window::predates_leases(client_version)
    }
}

/// Where a session of this caller goes.
///
/// # Errors
/// `relay_rollout_identity_missing` in `auto` without an identity; `relay_legacy_route_unavailable` where the legacy lane is
/// selected and `legacy` is closed, with the selection's reason and the code that closes the lane in the details.
pub fn decide(
    controls: &RoutingControls,
    identities: &Identities,
    legacy: LegacyLane,
) -> Outcome<RoutingDecision> {
    let decision = select(controls, identities)?;
    match (decision.route, legacy) {
        (Route::LegacyCdp, LegacyLane::Closed(cause)) => Err(unavailable(decision.reason, cause)),
        _ => Ok(decision),
    }
}

/// Where routing sends a session of this caller, whether or not it can be served there.
///
/// # Errors
/// `relay_rollout_identity_missing` in `auto` without an identity.
pub fn select(controls: &RoutingControls, identities: &Identities) -> Outcome<RoutingDecision> {
    let effective = precedence::effective(controls);
    let identity = identities.canonical();
    match selection(&effective, identity) {
        Some((route, reason)) => {
            let status = describe(&effective, controls, identity, Some((route, reason)));
            Ok(RoutingDecision {
                route,
                reason,
                status,
            })
        }
        None => Err(Fault::plain(ErrorCode::RelayRolloutIdentityMissing)
            .with("effectiveRoutingMode", effective.mode)),
    }
}

/// Whether the configuration's gates leave the legacy lane open to a peer. They hold whatever the routing flags say.
#[must_use]
pub const fn legacy_lane(
    allow_raw_cdp: bool,
    allow_non_local_cdp: bool,
    loopback: bool,
) -> LegacyLane {
    match (allow_raw_cdp, loopback || allow_non_local_cdp) {
        (false, _) => LegacyLane::Closed(ErrorCode::RelayRawCdpDisabled),
        (true, false) => LegacyLane::Closed(ErrorCode::RelayNonlocalCdpDisabled),
        (true, true) => LegacyLane::Open,
    }
}

/// What the status document tells this caller; never fails. In `auto` the reason is `legacy_unavailable` where the legacy lane
/// is selected and closed, and null without an identity.
#[must_use]
pub fn status(
    controls: &RoutingControls,
    identities: &Identities,
    legacy: LegacyLane,
) -> RoutingStatus {
    let effective = precedence::effective(controls);
    let identity = identities.canonical();
    let decided = selection(&effective, identity).map(|(route, reason)| {
        match (effective.mode, route, legacy) {
            (RoutingMode::Auto, Route::LegacyCdp, LegacyLane::Closed(_)) => {
                (route, DecisionReason::LegacyUnavailable)
            }
            _ => (route, reason),
        }
    });
    describe(&effective, controls, identity, decided)
}

fn unavailable(selected_by: DecisionReason, cause: ErrorCode) -> Fault {
    Fault::plain(ErrorCode::RelayLegacyRouteUnavailable)
        .with("decision", Route::LegacyCdp)
        .with("reason", DecisionReason::LegacyUnavailable)
        .with("selectedBy", selected_by)
        .with("cause", cause)
}

fn selection(
    effective: &Effective<'_>,
    identity: Option<&RolloutIdentity>,
) -> Option<(Route, DecisionReason)> {
    let explicit = |route| effective.explicit_reason().map(|reason| (route, reason));
    match effective.mode {
        RoutingMode::Ops => explicit(Route::Ops),
        RoutingMode::LegacyCdp => explicit(Route::LegacyCdp),
        RoutingMode::Auto => {
            let empty = RolloutAllowlist::default();
            identity.map(|identity| {
                rollout::select(
                    identity,
                    effective.percent,
                    effective.allowlist.unwrap_or(&empty),
                )
            })
        }
    }
}

fn describe(
    effective: &Effective<'_>,
    controls: &RoutingControls,
    identity: Option<&RolloutIdentity>,
    decided: Option<(Route, DecisionReason)>,
) -> RoutingStatus {
    let size = effective.allowlist.map_or(0, RolloutAllowlist::len);
    RoutingStatus {
        effective_routing_mode: effective.mode,
        ops_kill_switch_source: effective.kill_switch_source,
        ops_rollout_percent: effective.percent,
        ops_rollout_allowlist_size: u32::try_from(size).unwrap_or(u32::MAX),
        ops_rollout_allowlist_source: effective.allowlist_source,
        ops_rollout_allowlist_validation: effective.allowlist_validation,
        ops_rollout_identity_namespace: identity.map(RolloutIdentity::namespace),
        ops_rollout_identity_source: identity.map(RolloutIdentity::namespace),
        ops_rollout_identity_hash: identity.map(rollout::identity_hash),
        ops_rollout_bucket: identity.map(rollout::bucket),
        ops_rollout_decision: decided.map(|(route, _)| route),
        ops_rollout_decision_reason: decided.map(|(_, reason)| reason),
        ops_route_blocked_reason: None,
        ops_active_session_policy: effective.active_session_policy,
        config_downgrade_fallback: controls.config.downgrade.is_some(),
        config_downgrade_reason: controls.config.downgrade.clone(),
    }
}

#[cfg(test)]
mod tests;
