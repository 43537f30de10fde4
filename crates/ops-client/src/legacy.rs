//! The legacy lane `/cdp`: handshake, renewal and end of a session over HTTP, and raw messages over a WebSocket.
//!
//! What the messages mean is not known here.

mod pace;
pub mod proxy;

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::Method;
use hyper::header::{CONNECTION, HOST, SEC_WEBSOCKET_PROTOCOL};
use ops_contracts::control::legacy::{
    CdpServerFrame, LegacyClosed, LegacyGrant, LegacyHandshake, LegacyLeaseProof, LegacyRenewal,
    LegacySelection,
};
use ops_contracts::wire::command::parse_json;
use ops_contracts::wire::frame::unknown_request_id;
use ops_contracts::wire::http::{path, subprotocol};
use ops_contracts::wire::ids::{CdpLeaseId, RequestId, SessionId};
use ops_contracts::{ErrorBody, Fault};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message, Utf8Bytes};

use crate::stream::Stream;
use crate::{ClientError, Endpoint, Reply, RequestIds, http};

/// How long a browser of a session of its own may take to start.
const OPEN_TIMEOUT: Duration = Duration::from_secs(40);

/// How long the lane's other calls may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// The largest message that is taken from the relay: a browser's answers have no cap of their own.
const MAX_MESSAGE: usize = 512 * 1024 * 1024;

/// Makes a legacy session.
///
/// # Errors
/// The relay's refusal; no connection; no answer in time; an answer that is none.
pub async fn open(
    endpoint: &Endpoint,
    selected_by: LegacySelection,
) -> Result<LegacyGrant, ClientError> {
    call(
        endpoint,
        Method::POST,
        path::CDP_SESSIONS,
        &LegacyHandshake { selected_by },
        OPEN_TIMEOUT,
    )
    .await
}

/// Gives a lease its whole time again.
///
/// # Errors
/// As [`open`].
pub async fn renew(
    endpoint: &Endpoint,
    session: &SessionId,
    lease: &CdpLeaseId,
) -> Result<LegacyRenewal, ClientError> {
    let proof = LegacyLeaseProof {
        cdp_lease_id: lease.clone(),
    };
    call(
        endpoint,
        Method::POST,
        &path::fill(path::CDP_RENEWAL, session.as_str()),
        &proof,
        CALL_TIMEOUT,
    )
    .await
}

/// Ends a session with its browser.
///
/// # Errors
/// As [`open`].
pub async fn close(
    endpoint: &Endpoint,
    session: &SessionId,
    lease: &CdpLeaseId,
) -> Result<LegacyClosed, ClientError> {
    let proof = LegacyLeaseProof {
        cdp_lease_id: lease.clone(),
    };
    call(
        endpoint,
        Method::DELETE,
        &path::fill(path::CDP_SESSION, session.as_str()),
        &proof,
        CALL_TIMEOUT,
    )
    .await
}

async fn call<T: DeserializeOwned>(
    endpoint: &Endpoint,
    method: Method,
    path: &str,
    body: &impl Serialize,
    within: Duration,
) -> Result<T, ClientError> {
    let body = serde_json::to_string(body)
        .map_err(|error| ClientError::ReplyInvalid(error.to_string()))?;
    let answer = http::exchange(endpoint, method, path, Some(body), within).await?;
    if answer.status == 200 {
        return parse_json(&answer.body)
            .map_err(|error| ClientError::ReplyInvalid(error.to_string()));
    }
    match Reply::parse(answer.body)?.result() {
        Err(refusal) => Err(refusal.clone().into()),
        Ok(_) => Err(ClientError::ReplyInvalid(format!(
            "HTTP {} without an error",
            answer.status
        ))),
    }
}

/// What the relay sends about a session.
#[derive(Debug)]
pub enum CdpEvent {
    /// A raw message: a slice of the frame that it came in.
    Message(Utf8Bytes),
    /// A refusal; of the command with this number where there is one.
    Refused {
        /// The command's number.
        id: Option<u64>,
        /// Why.
        error: Box<ErrorBody>,
    },
    /// The session is no more.
    Ended(Box<ErrorBody>),
}

type Socket = WebSocketStream<Stream>;

/// A connection to the lane, for one session.
#[derive(Debug)]
pub struct CdpSocket {
    socket: Socket,
    envelope: Envelope,
}

/// What stands around a raw message: session, lease, and an id of its own by which it is found in the relay's log.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    /// Everything before the id.
    head: String,
    request_ids: RequestIds,
}

/// What stands between the id and the message.
const BEFORE_MESSAGE: &str = r#"","message":"#;

impl Envelope {
    fn new(session: &SessionId, lease: &CdpLeaseId, request_ids: RequestIds) -> Self {
        let head = format!(
            r#"{{"sessionId":"{session}","cdpLeaseId":"{}","requestId":""#,
            lease.as_str()
        );
        Self { head, request_ids }
    }

    /// The most bytes of a frame around a message.
    pub(crate) fn frame_len(&self, message: &str) -> usize {
        self.head.len() + RequestIds::LONGEST + BEFORE_MESSAGE.len() + message.len() + 1
    }

    pub(crate) fn frame(&self, message: &str) -> Message {
        let mut frame = String::with_capacity(self.frame_len(message));
        frame.push_str(&self.head);
        frame.push_str(self.request_ids.next_id().as_str());
        frame.push_str(BEFORE_MESSAGE);
        frame.push_str(message);
        frame.push('}');
        Message::text(frame)
    }
}

impl CdpSocket {
    /// Connects.
    ///
    /// # Errors
    /// The relay's refusal; no connection in time.
    pub async fn connect(
        endpoint: &Endpoint,
        session: &SessionId,
        lease: &CdpLeaseId,
    ) -> Result<Self, ClientError> {
        let deadline = Instant::now() + CALL_TIMEOUT;
        let stream = http::connect(endpoint, deadline, CALL_TIMEOUT).await?;
        let attempt = async {
            let mut request = format!("ws://{}{}", endpoint.url.authority(), path::CDP)
                .into_client_request()
                .map_err(refused)?;
            for (name, value) in http::headers(endpoint, path::CDP)? {
                match name {
                    Some(name) if name != HOST && name != CONNECTION => {
                        drop(request.headers_mut().insert(name, value))
                    }
                    _ => {}
                }
            }
            request.headers_mut().insert(
                SEC_WEBSOCKET_PROTOCOL,
                HeaderValue::from_static(subprotocol::CDP),
            );
            let config = WebSocketConfig::default()
                .max_message_size(Some(MAX_MESSAGE))
                .max_frame_size(Some(MAX_MESSAGE));
            let upgraded =
                tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await;
            Ok(upgraded.map_err(refused)?.0)
        };
        let socket = timeout_at(deadline, attempt)
            .await
            .unwrap_or(Err(ClientError::NotSent(CALL_TIMEOUT)))?;
        Ok(Self {
            socket,
            envelope: Envelope::new(session, lease, endpoint.request_ids.clone()),
        })
    }

    /// Sends a raw message.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn send(&mut self, message: &str) -> Result<(), ClientError> {
        self.socket
            .send(self.envelope.frame(message))
            .await
            .map_err(lost)
    }

    /// The next thing that the relay tells.
    ///
    /// # Errors
    /// When the connection has ended, or says what this version doesn't understand.
    pub async fn next(&mut self) -> Result<CdpEvent, ClientError> {
        loop {
            let message = self.socket.next().await.ok_or_else(ended)?.map_err(lost)?;
            if let Some(event) = event(message)? {
                return Ok(event);
            }
        }
    }

    /// Sends a command and waits for its answer: the raw message.
    ///
    /// # Errors
    /// The relay's refusal; the session's end; no answer in time.
    pub async fn call(
        &mut self,
        id: u64,
        message: &str,
        within: Duration,
    ) -> Result<Utf8Bytes, ClientError> {
        let talk = async {
            self.send(message).await?;
            loop {
                match self.next().await? {
                    CdpEvent::Message(text) if answered(&text) == Some(id) => return Ok(text),
                    CdpEvent::Message(_) => {}
                    CdpEvent::Refused { error, .. } | CdpEvent::Ended(error) => {
                        return Err(refusal(*error));
                    }
                }
            }
        };
        tokio::time::timeout(within, talk)
            .await
            .unwrap_or(Err(ClientError::Deadline(within)))
    }
}

/// What a message of the relay tells; none where it is the WebSocket's own.
pub(crate) fn event(message: Message) -> Result<Option<CdpEvent>, ClientError> {
    let text = match message {
        Message::Text(text) => text,
        Message::Close(_) => return Err(ended()),
        _ => return Ok(None),
    };
    let frame: CdpServerFrame<'_> = serde_json::from_str(&text)
        .map_err(|error| ClientError::ReplyInvalid(error.to_string()))?;
    if let Some(raw) = frame.message {
        let raw = raw.get();
        let start = raw.as_ptr() as usize - text.as_str().as_ptr() as usize;
        return Ok(Some(CdpEvent::Message(slice(
            &text,
            start,
            start + raw.len(),
        ))));
    }
    let (id, ended) = (frame.id, frame.ended);
    let error = frame.error.ok_or_else(|| {
        ClientError::ReplyInvalid("a frame of /cdp has neither message nor error".to_owned())
    })?;
    let error = Box::new(error);
    Ok(Some(if ended {
        CdpEvent::Ended(error)
    } else {
        CdpEvent::Refused { id, error }
    }))
}

/// A part of a text that shares its bytes.
fn slice(text: &Utf8Bytes, start: usize, end: usize) -> Utf8Bytes {
    let bytes: bytes::Bytes = text.clone().into();
    Utf8Bytes::try_from(bytes.slice(start..end))
        .unwrap_or_else(|_| Utf8Bytes::from(&text.as_str()[start..end]))
}

/// The number of the command that a raw message answers: browsers write it first.
pub(crate) fn answered(text: &str) -> Option<u64> {
    let rest = text.strip_prefix(r#"{"id":"#)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    rest[..digits].parse().ok()
}

fn refusal(error: ErrorBody) -> ClientError {
    let reply = ops_contracts::wire::frame::OpsError {
        request_id: error.request_id.clone(),
        session_id: error.session_id.clone(),
        error,
        timing: None,
    };
    match Reply::parse(reply.encode()).as_ref().map(Reply::result) {
        Ok(Err(refusal)) => refusal.clone().into(),
        _ => ClientError::ReplyInvalid("a refusal is none".to_owned()),
    }
}

/// A fault found here, as the relay would write it.
pub(crate) fn body(fault: Fault, session: &SessionId) -> ErrorBody {
    let request: RequestId = unknown_request_id();
    fault.into_body(request, Some(session.clone()))
}

fn ended() -> ClientError {
    ClientError::Lost("the relay closed it".to_owned())
}

fn lost(error: WsError) -> ClientError {
    ClientError::Lost(error.to_string())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_frame_around_a_message_has_a_request_id_of_its_own_and_keeps_to_its_length() {
        let (session, lease) = ("5e".repeat(16), "1e".repeat(32));
        let ids = RequestIds::new(u128::MAX);
        let envelope = Envelope::new(
            &session.parse().unwrap(),
            &lease.parse().unwrap(),
            ids.clone(),
        );
        let message = r#"{"id":1,"method":"Page.enable"}"#;
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..3 {
            let text = envelope.frame(message).into_text().unwrap();
            assert!(text.len() <= envelope.frame_len(message));
            let frame: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(frame["sessionId"], session);
            assert_eq!(frame["cdpLeaseId"], lease);
            assert_eq!(frame["message"]["method"], "Page.enable");
            assert_eq!(frame["requestId"], ids.last_id().as_str());
            seen.insert(frame["requestId"].as_str().unwrap().to_owned());
        }
        assert_eq!(seen.len(), 3);
    }
}
