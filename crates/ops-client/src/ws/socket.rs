//! Makes a WebSocket and shakes hands.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use ops_contracts::wire::frame::{OpsHello, OpsHelloAck, RelayFrame};
use ops_contracts::wire::http::{header, path};
use ops_contracts::wire::routing::RequestControls;
use ops_contracts::wire::version::OPS_CONTRACT_VERSION;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};

use crate::stream::Stream;
use crate::{ClientError, Endpoint, Reply, http};

pub(super) type Socket = WebSocketStream<Stream>;

/// The largest message that is taken. The relay sends a larger response in chunks.
const MAX_MESSAGE: usize = 4 * 1024 * 1024;

/// Connects, upgrades and negotiates, all within `within`.
pub(super) async fn open(
    endpoint: &Endpoint,
    within: Duration,
) -> Result<(Socket, OpsHelloAck), ClientError> {
    let deadline = Instant::now() + within;
    let stream = http::connect(endpoint, deadline, within).await?;
    let attempt = async {
        let mut request = format!("ws://{}{}", endpoint.url.authority(), path::OPS)
            .into_client_request()
            .map_err(refused)?;
        let bearer = HeaderValue::from_str(&endpoint.token.bearer()).map_err(|_| {
            ClientError::ReplyInvalid("the relay token can't stand in a header".to_owned())
        })?;
        request.headers_mut().insert("authorization", bearer);
        if let Some(pairing) = &endpoint.pairing {
            let pairing = HeaderValue::from_str(pairing.bare()).map_err(|_| {
                ClientError::ReplyInvalid("the pairing token can't stand in a header".to_owned())
            })?;
            request.headers_mut().insert(header::PAIRING_TOKEN, pairing);
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        let upgraded =
            tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await;
        let (mut socket, _) = upgraded.map_err(refused)?;
        let ack = negotiate(endpoint, &mut socket).await?;
        Ok((socket, ack))
    };
    timeout_at(deadline, attempt)
        .await
        .unwrap_or(Err(ClientError::NotSent(within)))
}

async fn negotiate(endpoint: &Endpoint, socket: &mut Socket) -> Result<OpsHelloAck, ClientError> {
    let hello = OpsHello {
        contract_version: OPS_CONTRACT_VERSION.to_owned(),
        client_version: endpoint.client_version.clone(),
        client_kind: endpoint.client_kind,
        client_id: Some(endpoint.client_id.clone()),
        capabilities: Vec::new(),
        routing: (endpoint.routing != RequestControls::default()).then(|| endpoint.routing.clone()),
    };
    socket
        .send(Message::text(hello.encode()))
        .await
        .map_err(refused)?;
    while let Some(message) = socket.next().await {
        let Message::Text(text) = message.map_err(refused)? else {
            continue;
        };
        if let Ok(Some(RelayFrame::HelloAck(ack))) = RelayFrame::parse(&text) {
            return check(*ack);
        }
        // Anything but an error is of no interest before the answer to the hello.
        if let Ok(Err(refusal)) = Reply::parse(text.to_string()).as_ref().map(Reply::result) {
            return Err(refusal.clone().into());
        }
    }
    Err(ClientError::ReplyInvalid(
        "the connection ended before the hello was answered".to_owned(),
    ))
}

/// A relay of another major version answers in words that this client doesn't know.
fn check(ack: OpsHelloAck) -> Result<OpsHelloAck, ClientError> {
    let major = |version: &str| version.split('.').next().map(str::to_owned);
    if major(&ack.ops_contract_version) == major(OPS_CONTRACT_VERSION) {
        Ok(ack)
    } else {
        Err(ClientError::Version {
            relay: ack.ops_contract_version,
            own: OPS_CONTRACT_VERSION,
        })
    }
}

fn refused(error: WsError) -> ClientError {
    let WsError::Http(response) = error else {
        return ClientError::ReplyInvalid(format!("no WebSocket of a relay: {error}"));
    };
    let body = response.body().clone().unwrap_or_default();
    let reply = String::from_utf8(body)
        .ok()
        .and_then(|text| Reply::parse(text).ok());
    match reply.as_ref().map(Reply::result) {
        Some(Err(refusal)) => refusal.clone().into(),
        _ => ClientError::ReplyInvalid(format!(
            "the relay refused the WebSocket with HTTP {}",
            response.status().as_u16()
        )),
    }
}
