//! `POST /ops`: one request or cancel, one answer. Refusals are counted as the requests that they are about.

use std::sync::Arc;
use std::time::Instant;

use ops_contracts::wire::frame::{ClientFrame, OpsCancel, Timing, request_id_of};
use ops_contracts::wire::ids::RequestId;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde_json::value::RawValue;

use super::Exchange;
use super::respond::{self, Reply};
use crate::edge::Edge;
use crate::ops::{self, Answer, Failed};
use crate::reply;

/// Answers one frame.
pub(crate) async fn post(mut exchange: Exchange) -> Outcome<Reply> {
    let received = exchange.received;
    let text = match exchange.text().await {
        Ok(text) => text,
        Err(fault) => {
            let edge = exchange.edge();
            let answer = refused(edge, edge.ids.make(), fault, received);
            return Ok(respond::closing(respond::answer(answer)));
        }
    };
    let (edge, permit) = (exchange.edge(), &exchange.permit);
    let bytes = text.len();
    let fault = match ClientFrame::parse(&text) {
        Ok(ClientFrame::Request(request)) => {
            drop(text);
            let answer = match ops::admit(edge, permit, request, bytes, received) {
                Ok(admitted) => run(edge, admitted, received).await,
                Err(failed) => ops::refuse(edge, *failed, received),
            };
            return Ok(respond::answer(answer));
        }
        Ok(ClientFrame::Cancel(cancel)) => {
            return Ok(match ops::cancel(edge, permit, &cancel, bytes).await {
                Ok(was_there) => cancelled(&cancel, was_there, received),
                Err(fault) => respond::answer(refused(edge, cancel.request_id, fault, received)),
            });
        }
        Ok(_) => Fault::new(
            ErrorCode::RelayFrameTypeUnknown,
            "POST /ops takes an ops_request or an ops_cancel",
        ),
        Err(fault) => fault,
    };
    let id = request_id_of(&text).unwrap_or_else(|| edge.ids.make());
    Ok(respond::answer(refused(edge, id, fault, received)))
}

/// Runs a command in a task of its own: it is counted and logged also when the caller hangs up.
async fn run(edge: &Arc<Edge>, admitted: ops::Admitted, received: Instant) -> Answer {
    let request = admitted.request_id().clone();
    match tokio::spawn(ops::run(edge.clone(), admitted)).await {
        Ok(answer) => answer,
        Err(_) => {
            let fault = Fault::plain(ErrorCode::RelayInternal);
            refused(edge, request, fault, received)
        }
    }
}

fn refused(edge: &Edge, request: RequestId, fault: Fault, received: Instant) -> Answer {
    ops::refuse(edge, Failed::unread(request, fault), received)
}

/// The answer to a cancel: whether there was a request to cancel.
fn cancelled(cancel: &OpsCancel, was_there: bool, received: Instant) -> Reply {
    let result = RawValue::from_string(format!(r#"{{"cancelled":{was_there}}}"#));
    let timing = Timing {
        total_ms: ops::millis_since(received),
        ..Timing::default()
    };
    let text = reply::response(
        &cancel.request_id,
        cancel.session_id.as_ref(),
        &result.unwrap_or_default(),
        &timing,
    );
    respond::json(200, text)
}
