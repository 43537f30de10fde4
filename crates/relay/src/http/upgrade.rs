//! `GET /ops` and `GET /cdp`: the connection becomes a WebSocket.

use std::sync::Arc;

use hyper::header::{
    CONNECTION, HeaderMap, HeaderName, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use hyper::http::request::Parts;
use hyper::upgrade::{OnUpgrade, Upgraded};
use ops_contracts::{ErrorCode, Fault, Outcome};

use super::Exchange;
use super::respond::{self, Reply};
use crate::edge::Edge;
use crate::gate::{self, Facts, Permit, Phase};
use crate::{cdp as legacy, socket};

/// `GET /ops`.
pub(crate) async fn ops(exchange: Exchange) -> Outcome<Reply> {
    switch(exchange, socket::serve)
}

/// `GET /cdp`.
pub(crate) async fn cdp(exchange: Exchange) -> Outcome<Reply> {
    let admission = &exchange.edge().admission;
    let facts = Facts::on(exchange.lane());
    admission.pass(&exchange.permit, &[Phase::Lane], &facts)?;
    switch(exchange, legacy::serve)
}

/// Answers the handshake, and has `serve` take the socket over.
fn switch<F>(
    mut exchange: Exchange,
    serve: impl FnOnce(Arc<Edge>, Permit, Upgraded) -> F + Send + 'static,
) -> Outcome<Reply>
where
    F: Future<Output = ()> + Send + 'static,
{
    let upgrading = exchange.head.extensions.remove::<OnUpgrade>();
    let key = key(&exchange.head)?;
    let upgrading =
        upgrading.ok_or_else(|| not_one(&exchange.head, "this connection can't be upgraded"))?;
    let place = exchange.edge().lifetime.sockets.take()?;
    let protocol = gate::offered_protocol(&exchange.head.headers, exchange.lane());
    let reply = respond::switching(key, protocol);
    let edge = exchange.edge().clone();
    let (alive, permit) = (exchange.connection.alive.clone(), exchange.permit);
    tokio::spawn(async move {
        let _held = (place, alive);
        match upgrading.await {
            Ok(upgraded) => serve(edge, permit, upgraded).await,
            Err(error) => tracing::debug!(%error, "an upgrade failed"),
        }
    });
    Ok(reply)
}

/// The key of the handshake.
///
/// # Errors
/// `relay_frame_invalid` saying what keeps the request from being a handshake.
fn key(head: &Parts) -> Outcome<&[u8]> {
    let has = |name, token| lists(&head.headers, name, token);
    if !has(UPGRADE, "websocket") || !has(CONNECTION, "upgrade") {
        return Err(not_one(head, "the request asks for no upgrade"));
    }
    if !has(SEC_WEBSOCKET_VERSION, "13") {
        return Err(not_one(head, "Sec-WebSocket-Version is not 13"));
    }
    let mut keys = head.headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let key = keys
        .next()
        .ok_or_else(|| not_one(head, "Sec-WebSocket-Key is missing"))?;
    if keys.next().is_some() || !is_key(key.as_bytes()) {
        let why = "Sec-WebSocket-Key is not one text of 16 bytes as base64";
        return Err(not_one(head, why));
    }
    Ok(key.as_bytes())
}

/// Whether a header lists a token, in whatever case.
fn lists(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

fn not_one(head: &Parts, why: &str) -> Fault {
    let message = format!("GET {} opens a WebSocket, and {why}", head.uri.path());
    Fault::new(ErrorCode::RelayFrameInvalid, message)
}

/// Whether a text is base64 of 16 bytes: 22 digits, of which the last carries two bits, and the padding.
fn is_key(text: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    match text {
        [digits @ .., last, b'=', b'='] => {
            digits.len() == 21
                && digits.iter().all(digit)
                && matches!(last, b'A' | b'Q' | b'g' | b'w')
        }
        _ => false,
    }
}
