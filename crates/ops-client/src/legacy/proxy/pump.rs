//! Moves messages between the client and the lane, each way in order, neither way waiting for the other.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use ops_contracts::control::legacy::{ConfinedParam, LegacyGrant};
use ops_contracts::wire::limits::LaneLimits;
use ops_contracts::{ErrorBody, ErrorCode, Fault};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::Ended;
use super::backlog::{Backlog, Overrun};
use super::front::ClientSocket;
use crate::legacy::{self, CdpEvent, CdpSocket, Envelope, Socket, answered, event};
use crate::{ClientError, Endpoint};

/// How much of a lease's time passes before it is renewed.
const RENEW_AFTER: f64 = 1.0 / 3.0;

/// From this delay on people are told that the client is slowed down: its own errors will be timeouts that say nothing of it.
const NOTICED: Duration = Duration::from_secs(1);

/// Messages larger than this name no path: those that do are small.
const CONFINED_UP_TO: usize = 16 * 1024;

/// What both ways share. Everything happens in one task.
struct Shared<'a> {
    endpoint: &'a Endpoint,
    grant: &'a LegacyGrant,
    note: &'a dyn Fn(&str),
    /// Messages that wait for answers, so that one that the rate refused can be sent again.
    sent: RefCell<HashMap<u64, Utf8Bytes>>,
}

/// Serves a client until one side ends.
pub(super) async fn run(
    endpoint: &Endpoint,
    grant: &LegacyGrant,
    relay: CdpSocket,
    client: ClientSocket,
    note: &dyn Fn(&str),
) -> Result<Ended, ClientError> {
    let CdpSocket { socket, envelope } = relay;
    let (to_relay, from_relay) = socket.split();
    let (to_client, from_client) = client.split();
    let shared = Shared {
        endpoint,
        grant,
        note,
        sent: RefCell::default(),
    };
    let (refuse, refusals) = mpsc::unbounded_channel();
    let (again, repeated) = mpsc::unbounded_channel();
    tokio::select! {
        ended = up(&shared, &envelope, from_client, to_relay, repeated, refuse) => ended,
        ended = down(&shared, from_relay, to_client, refusals, again) => ended,
        never = renew(&shared) => match never {},
    }
}

/// From the client to the lane.
async fn up(
    shared: &Shared<'_>,
    envelope: &Envelope,
    mut client: SplitStream<ClientSocket>,
    mut relay: SplitSink<Socket, Message>,
    mut repeated: mpsc::UnboundedReceiver<(Instant, Utf8Bytes)>,
    refuse: mpsc::UnboundedSender<String>,
) -> Result<Ended, ClientError> {
    let mut backlog = Backlog::new(&shared.grant.limits);
    let mut told = false;
    loop {
        while let Some(text) = backlog.take() {
            if let Some(id) = id_of(&text) {
                shared.sent.borrow_mut().insert(id, text.clone());
            }
            relay
                .send(envelope.frame(&text))
                .await
                .map_err(|error| ClientError::Lost(error.to_string()))?;
        }
        let due = backlog.due();
        tokio::select! {
            biased;
            Some((at, text)) = repeated.recv() => backlog.again(text, at),
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            message = client.next(), if backlog.has_room() => match message {
                Some(Ok(Message::Text(text))) => {
                    if let Some(refusal) = admit(shared, envelope, &mut backlog, &mut told, confine(shared, text)) {
                        // The other way ends only with this one.
                        let _ = refuse.send(refusal);
                    }
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(Ended::ClientGone),
                Some(Ok(_)) => {}
            },
        }
    }
}

/// Takes a message of the client; the refusal of one that is too large, or whose turn would come too late.
fn admit(
    shared: &Shared<'_>,
    envelope: &Envelope,
    backlog: &mut Backlog,
    told: &mut bool,
    text: Utf8Bytes,
) -> Option<String> {
    let grant = shared.grant;
    let cap = usize::try_from(grant.limits.max_payload_bytes).unwrap_or(usize::MAX);
    let bytes = envelope.frame_len(&text);
    if bytes > cap {
        return Some(refusal(grant, too_large(grant, bytes, cap), &text));
    }
    if !*told && backlog.delay() >= NOTICED {
        *told = true;
        (shared.note)(&too_fast(grant));
    }
    let overrun = backlog.push(text.clone()).err()?;
    Some(refusal(grant, overran(grant, &overrun), &text))
}

/// From the lane to the client.
async fn down(
    shared: &Shared<'_>,
    mut relay: SplitStream<Socket>,
    mut client: SplitSink<ClientSocket, Message>,
    mut refusals: mpsc::UnboundedReceiver<String>,
    again: mpsc::UnboundedSender<(Instant, Utf8Bytes)>,
) -> Result<Ended, ClientError> {
    loop {
        let message = tokio::select! {
            Some(refusal) = refusals.recv() => Some(Message::text(refusal)),
            message = relay.next() => {
                let message = message.ok_or_else(|| ClientError::Lost("the relay closed it".to_owned()))?;
                match event(message.map_err(|error| ClientError::Lost(error.to_string()))?)? {
                    Some(CdpEvent::Message(text)) => {
                        if let Some(id) = answered(&text) {
                            shared.sent.borrow_mut().remove(&id);
                        }
                        Some(Message::Text(text))
                    }
                    Some(CdpEvent::Refused { id, error }) => refused(shared, id, *error, &again).map(Message::text),
                    Some(CdpEvent::Ended(error)) => {
                        let _ = client.send(Message::Close(None)).await;
                        return Ok(Ended::Session(format!("{}: {}", error.code, error.message)));
                    }
                    None => None,
                }
            }
        };
        if let Some(message) = message
            && client.send(message).await.is_err()
        {
            return Ok(Ended::ClientGone);
        }
    }
}

/// A refusal in the client's form; none where the message is sent once more.
fn refused(
    shared: &Shared<'_>,
    id: Option<u64>,
    error: ErrorBody,
    again: &mpsc::UnboundedSender<(Instant, Utf8Bytes)>,
) -> Option<String> {
    let text = id.and_then(|id| shared.sent.borrow_mut().remove(&id));
    if let (ErrorCode::RelayRateLimited, Some(wait), Some(text)) =
        (error.code, error.retry_after_ms, &text)
    {
        let _ = again.send((Instant::now() + Duration::from_millis(wait), text.clone()));
        return None;
    }
    if id.is_none() {
        (shared.note)(&format!("{}: {}", error.code, error.message));
    }
    Some(raw_error(
        id,
        text.and_then(|text| inner_session(&text)),
        &error,
    ))
}

/// An error as browsers write theirs: it names the protocol's own session again, or clients would not know whose it is.
fn raw_error(id: Option<u64>, inner: Option<String>, error: &ErrorBody) -> String {
    let message = format!("{}: {}", error.code, error.message);
    let mut answer = json!({ "id": id, "error": { "code": -32000, "message": message } });
    if let Some(inner) = inner {
        answer["sessionId"] = Value::String(inner);
    }
    answer.to_string()
}

/// The protocol's own session that a client's message names.
fn inner_session(text: &str) -> Option<String> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        session_id: Option<String>,
    }
    serde_json::from_str::<Named>(text).ok()?.session_id
}

/// What people are told whose client is slowed down.
fn too_fast(grant: &LegacyGrant) -> String {
    let rate = rate(grant);
    format!(
        "the client sends faster than {rate}: each message waits for its turn; relayd --limits local takes real clients"
    )
}

/// The rate in words, with the profile that sets it.
fn rate(grant: &LegacyGrant) -> String {
    let LaneLimits {
        requests_per_minute,
        burst,
        ..
    } = grant.limits;
    format!(
        "the {requests_per_minute} messages a minute (burst {burst}) of the limits profile {}",
        grant.limits_profile
    )
}

fn overran(grant: &LegacyGrant, overrun: &Overrun) -> Fault {
    let (rate, waiting, longest) = (rate(grant), overrun.waiting, grant.limits.max_timeout_ms);
    let after = u64::try_from(overrun.retry_after.as_millis())
        .unwrap_or(u64::MAX)
        .max(1);
    let message = format!(
        "the client sends faster than {rate}: {waiting} messages wait, and this one would for more than {longest} ms; \
         send it again after {after} ms, send fewer at once, or start the relay with relayd --limits local"
    );
    Fault::new(ErrorCode::RelayRateLimited, message).retry_after(after)
}

fn too_large(grant: &LegacyGrant, bytes: usize, cap: usize) -> Fault {
    let profile = &grant.limits_profile;
    let message = format!(
        "a message of /cdp may have at most {cap} bytes in the limits profile {profile}, and this one has {bytes}"
    );
    Fault::new(ErrorCode::RelayPayloadTooLarge, message)
        .with("limitBytes", cap)
        .with("bytes", bytes)
        .with("profile", profile)
}

/// What the client is answered whose message is not sent.
fn refusal(grant: &LegacyGrant, fault: Fault, text: &str) -> String {
    raw_error(
        id_of(text),
        inner_session(text),
        &legacy::body(fault, &grant.session_id),
    )
}

/// The number of a client's message: clients write it first or last, so a large one is searched as a whole only when it must be.
fn id_of(text: &str) -> Option<u64> {
    #[derive(serde::Deserialize)]
    struct Numbered {
        id: u64,
    }
    answered(text).or_else(|| {
        serde_json::from_str::<Numbered>(text)
            .ok()
            .map(|numbered| numbered.id)
    })
}

/// A message whose path parameter names the session's directory, where it named another.
fn confine(shared: &Shared<'_>, text: Utf8Bytes) -> Utf8Bytes {
    let confined = &shared.grant.browser.confined;
    if text.len() > CONFINED_UP_TO || !confined.iter().any(|param| text.contains(&param.method)) {
        return text;
    }
    let Ok(mut message) = serde_json::from_str::<Value>(&text) else {
        return text;
    };
    let rule = |param: &&ConfinedParam| {
        message["method"] == param.method.as_str() && message["params"][&param.param].is_string()
    };
    let Some(param) = confined.iter().find(rule) else {
        return text;
    };
    let asked = message["params"][&param.param].as_str().unwrap_or_default();
    if asked == param.path {
        return text;
    }
    (shared.note)(&format!(
        "{} asked for {asked}: its files are in {} instead",
        param.method, param.path
    ));
    message["params"][&param.param] = Value::String(param.path.clone());
    message.to_string().into()
}

/// Keeps the lease.
async fn renew(shared: &Shared<'_>) -> std::convert::Infallible {
    let ttl = Duration::from_millis(ops_contracts::control::legacy::LEASE_TTL_MS);
    let mut due = Instant::now() + ttl.mul_f64(RENEW_AFTER);
    loop {
        sleep_until(due).await;
        let renewed = legacy::renew(
            shared.endpoint,
            &shared.grant.session_id,
            &shared.grant.cdp_lease_id,
        )
        .await;
        if let Err(error) = &renewed {
            (shared.note)(&format!("the lease could not be renewed: {error}"));
        }
        due = Instant::now()
            + if renewed.is_ok() {
                ttl.mul_f64(RENEW_AFTER)
            } else {
                Duration::from_secs(10)
            };
    }
}
