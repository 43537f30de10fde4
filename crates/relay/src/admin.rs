//! The admin endpoints: routing controls at run time, and the configuration's reload. The admin token has been checked.

use std::sync::Arc;

use ops_contracts::wire::command::parse_json;
use ops_contracts::wire::routing::{
    ActiveSessionPolicy, CliControls, RolloutAllowlist, RolloutPercent, RoutingMode,
};
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Deserialize;

use crate::server::Edge;

/// The body of `POST /admin/routing`: what is not there is not set. A misspelt key must not pass for a change.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AdminControls {
    #[serde(default)]
    routing_mode: Option<RoutingMode>,
    #[serde(default)]
    rollout_percent: Option<RolloutPercent>,
    #[serde(default)]
    rollout_allowlist: Option<RolloutAllowlist>,
    #[serde(default)]
    active_session_policy: Option<ActiveSessionPolicy>,
}

/// Puts the body's controls in force.
///
/// # Errors
/// `relay_frame_invalid` naming the field.
pub(crate) fn set_routing(edge: &Arc<Edge>, body: &str) -> Outcome<()> {
    // Serde would take an array as well, by position.
    if !body.trim_start().starts_with('{') {
        return Err(Fault::new(
            ErrorCode::RelayFrameInvalid,
            "the body is no JSON object",
        ));
    }
    let controls: AdminControls = parse_json(body).map_err(|invalid| {
        Fault::new(ErrorCode::RelayFrameInvalid, invalid.to_string())
            .with("field", invalid.field)
            .with("expected", invalid.expected)
    })?;
    let controls = CliControls {
        routing_mode: controls.routing_mode,
        rollout_percent: controls.rollout_percent,
        rollout_allowlist: controls.rollout_allowlist,
        active_session_policy: controls.active_session_policy,
    };
    edge.routing
        .set_admin(controls, &edge.service, &*edge.clock);
    Ok(())
}

/// Reads the configuration anew.
///
/// # Errors
/// What is wrong with it; nothing has changed then.
pub(crate) async fn reload(edge: &Arc<Edge>) -> Outcome<bool> {
    // Whatever becomes of the rest: a policy that was narrowed must not wait for another file.
    edge.access.reload().await;
    let reloaded = edge.routing.reload(&edge.service, &*edge.clock).await;
    // Whatever became of the rest: the pairings may have been read before it failed.
    edge.pairings_changed();
    reloaded
}
