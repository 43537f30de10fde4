//! The admin endpoints: routing controls at run time, and the configuration's reload. The admin token has been checked.

use std::sync::Arc;

use ops_contracts::wire::command::parse_json;
use ops_contracts::wire::http::AdminRouting;
use ops_contracts::{ErrorCode, Fault, Outcome};

use crate::server::Edge;

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
    let controls: AdminRouting = parse_json(body).map_err(|invalid| {
        Fault::new(ErrorCode::RelayFrameInvalid, invalid.to_string())
            .with("field", invalid.field)
            .with("expected", invalid.expected)
    })?;
    edge.routing
        .set_admin(controls.into(), &edge.service, &*edge.clock);
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
