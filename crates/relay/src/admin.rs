//! The admin endpoints: routing controls at run time, and the configuration's reload. The admin token has been checked.

use std::sync::Arc;

use ops_contracts::Outcome;
use ops_contracts::wire::http::AdminRouting;

use crate::edge::Edge;
use crate::http::Exchange;
use crate::http::respond::Reply;
use crate::status;

/// Puts the body's controls in force, and answers with the status document after the change.
///
/// # Errors
/// `relay_frame_invalid` naming the field.
pub(crate) async fn set_routing(mut exchange: Exchange) -> Outcome<Reply> {
    let controls: AdminRouting = exchange.json().await?;
    let edge = exchange.edge();
    edge.routing
        .set_admin(controls.into(), &edge.service, &*edge.traffic.clock);
    status::get(exchange).await
}

/// Reads the configuration again, and answers with the status document after the change.
///
/// # Errors
/// As [`read_again`].
pub(crate) async fn reload(exchange: Exchange) -> Outcome<Reply> {
    read_again(exchange.edge()).await?;
    status::get(exchange).await
}

/// Reads the configuration again; whether the routing controls differ from those before.
///
/// # Errors
/// What is wrong with it; nothing of it is in force then.
pub(crate) async fn read_again(edge: &Arc<Edge>) -> Outcome<bool> {
    // Whatever becomes of the rest: a policy that was narrowed must not wait for another file.
    edge.admission.access.reload().await;
    let clock = &*edge.traffic.clock;
    let reloaded = edge.routing.reload(&edge.service, clock).await;
    // Whatever became of the rest: the pairings may have been read before it failed.
    edge.pairings_changed();
    reloaded
}
