//! A WebSocket on `/ops`: the hello, then requests side by side. The reader never waits for a command.
//!
//! Closing the socket cancels nothing: commands run on, and their results wait under their request ids.

mod events;
mod outbox;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::{SplitSink, SplitStream};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use ops_contracts::wire::command::session::Grant;
use ops_contracts::wire::frame::{
    ClientFrame, ClientKind, FrameType, OpsCancel, OpsHello, OpsHelloAck, OpsRequest,
    encode_heartbeat, request_id_of, unknown_request_id,
};
use ops_contracts::wire::ids::{ClientId, RequestId};
use ops_contracts::wire::routing::BlockedReason;
use ops_contracts::wire::version::{
    OPS_CONTRACT_VERSION, OPS_MIN_COMPAT_VERSION, STATUS_SCHEMA_VERSION, VERSION_SCHEME,
};
use ops_contracts::{ErrorCode, Fault, Outcome};
use tokio::io::AsyncWriteExt;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError};
use tokio_tungstenite::tungstenite::protocol::{
    Message, Role, WebSocketConfig, frame::coding::CloseCode,
};

use crate::gate::{self, ClientVersions, Facts, Field, Permit, checks};
use crate::ops::{self, Failed};
use crate::rate::{Bucket, Charge, Payer};
use crate::routing::BLOCKED_REASON;
use crate::server::Edge;
use events::Subscriptions;
use outbox::Outbox;

/// How far above the cap a message is still read, so that its refusal can name the request.
const SLACK: usize = 64 * 1024;

/// The most requests of one connection that run at once.
const MAX_IN_FLIGHT: usize = 1024;

/// How long a socket waits for answers when the relay ends: the runtime has shut down by then.
const SETTLE: Duration = Duration::from_secs(1);

/// Buffers of one connection; many connections are idle.
const BUFFER: usize = 16 * 1024;

type Socket = WebSocketStream<TokioIo<Upgraded>>;
type Writer = SplitSink<Socket, Message>;
type Reader = SplitStream<Socket>;

/// Why a socket ends, as it is told to the peer.
type Ending = (CloseCode, &'static str);

/// Serves a socket until one side ends it.
pub(crate) async fn serve(edge: Arc<Edge>, permit: Permit, upgraded: Upgraded) {
    let cap = usize::try_from(edge.policy.limits.ops.max_payload_bytes)
        .unwrap_or(usize::MAX)
        .saturating_add(SLACK);
    let config = WebSocketConfig::default()
        .max_message_size(Some(cap))
        .max_frame_size(Some(cap))
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER);
    let socket =
        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await;
    let (writer, mut reader) = socket.split();
    let (outbox, writing) = Outbox::start(writer, &edge.config.timeouts);
    let let_in = permit.clone();
    let ending = tokio::select! {
        ending = Session::run(&edge, permit, &mut reader, &outbox) => ending,
        // What runs already runs on, as when a socket breaks; its answers are for nobody.
        () = edge.unpaired(&let_in) => Some((CloseCode::Policy, "the pairing was taken back")),
    };
    if outbox.is_broken() {
        // The peer takes nothing: there is no way to tell it more.
        return writing.abort();
    }
    outbox.close(ending).await;
    drop(outbox);
    // The writer bounds each of its writes.
    let Ok(writer) = writing.await else { return };
    if let Ok(mut socket) = writer.reunite(reader) {
        let _ = timeout(edge.config.timeouts.write, socket.get_mut().shutdown()).await;
    }
}

/// The state of one socket after its hello.
struct Session {
    edge: Arc<Edge>,
    permit: Permit,
    outbox: Outbox,
    subscriptions: Arc<Subscriptions>,
    /// Requests that run.
    in_flight: Arc<watch::Sender<usize>>,
}

impl Session {
    async fn run(
        edge: &Arc<Edge>,
        permit: Permit,
        reader: &mut Reader,
        outbox: &Outbox,
    ) -> Option<Ending> {
        let permit = match greet(edge, permit, reader, outbox).await {
            Ok(permit) => permit,
            Err(ending) => return ending,
        };
        let _seat = match edge.peers.seat(permit.client()) {
            Ok(seat) => match (permit.kind(), permit.version()) {
                (Some(ClientKind::Extension), Some(version)) => seat.of_extension(version),
                _ => seat,
            },
            Err(fault) => {
                outbox.send_error(unknown_request_id(), fault).await;
                return Some((CloseCode::Again, "too many connections"));
            }
        };
        let session = Self {
            edge: edge.clone(),
            permit,
            subscriptions: Arc::new(Subscriptions::new(outbox.events())),
            outbox: outbox.clone(),
            in_flight: Arc::new(watch::Sender::new(0)),
        };
        tokio::select! {
            ending = session.read(reader) => ending,
            () = outbox.broken() => None,
            () = edge.closing() => {
                session.settle().await;
                Some((CloseCode::Away, "the relay ends"))
            }
        }
    }

    /// Lets the answers of requests that have just ended go out before the close.
    async fn settle(&self) {
        let mut running = self.in_flight.subscribe();
        let _ = timeout(SETTLE, running.wait_for(|running| *running == 0)).await;
    }

    async fn read(&self, reader: &mut Reader) -> Option<Ending> {
        loop {
            let message = match timeout(self.edge.config.timeouts.silence, reader.next()).await {
                Ok(message) => message,
                Err(_) => return Some((CloseCode::Policy, "the peer is silent")),
            };
            let text = match message {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Binary(_))) => {
                    let fault = Fault::new(ErrorCode::RelayFrameInvalid, "frames are text");
                    self.outbox.send_error(unknown_request_id(), fault).await;
                    continue;
                }
                Some(Ok(Message::Ping(_))) => match self.pinged() {
                    Ok(()) => continue,
                    Err(fault) => {
                        self.outbox.send_error(unknown_request_id(), fault).await;
                        return Some((CloseCode::Policy, "too many pings"));
                    }
                },
                Some(Ok(Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(_))) | None => return None,
                Some(Err(error)) => return unreadable(&self.edge, &self.outbox, &error).await,
            };
            if let Some(ending) = self.take(text.as_str()).await {
                return Some(ending);
            }
        }
    }

    /// Handles one frame; an ending where the socket can't go on.
    async fn take(&self, text: &str) -> Option<Ending> {
        let facts = Facts {
            payload: u64::try_from(text.len()).ok(),
            ..Facts::default()
        };
        if let Err(fault) = gate::message(&self.permit, &facts, &self.edge.policy) {
            self.outbox
                .send_error(
                    request_id_of(text).unwrap_or_else(unknown_request_id),
                    fault,
                )
                .await;
            return Some((CloseCode::Size, "the message is too large"));
        }
        match ClientFrame::parse(text) {
            Ok(ClientFrame::Request(request)) => self.request(request, text.len()).await,
            Ok(ClientFrame::Cancel(cancel)) => self.cancel(&cancel, text.len()).await,
            Ok(ClientFrame::Pong(_)) => (),
            Ok(ClientFrame::AdapterHealth) => self.health(text).await,
            other => self.answer_at_once(other, text).await,
        }
        None
    }

    /// Charges what asks for nothing to be run, and is answered none the less.
    fn pinged(&self) -> Outcome<()> {
        let charge = Charge {
            payer: Payer::Peer(self.permit.client()),
            bucket: Bucket::Reads,
            cost: 1,
        };
        gate::message(
            &self.permit,
            &Facts {
                charge: Some(charge),
                ..Facts::default()
            },
            &self.edge.policy,
        )
    }

    /// Answers a frame that asks for nothing to be run; whoever sends too many of them is told so instead.
    async fn answer_at_once(&self, frame: Outcome<ClientFrame>, text: &str) {
        let fault = match self.pinged().and(frame) {
            Ok(ClientFrame::Ping(ping)) => {
                return self
                    .outbox
                    .send(None, encode_heartbeat(FrameType::Pong, &ping))
                    .await;
            }
            Ok(_) => Fault::new(
                ErrorCode::RelayFrameInvalid,
                "ops_hello was already answered",
            ),
            Err(fault) => fault,
        };
        self.outbox
            .send_error(
                request_id_of(text).unwrap_or_else(unknown_request_id),
                fault,
            )
            .await;
    }

    async fn request(&self, request: OpsRequest, bytes: usize) {
        let received = Instant::now();
        let id = request.request_id.clone();
        let Some(running) = Running::begin(&self.in_flight) else {
            let fault = Fault::new(
                ErrorCode::RelayRateLimited,
                format!("{MAX_IN_FLIGHT} requests of this connection run already"),
            );
            let failed = Failed {
                request: id,
                session: request.session_id,
                command: request.command.known(),
                fault: fault.retry_after(50),
            };
            let answer = ops::refuse(&self.edge, failed, received);
            return self.outbox.send(Some(answer.request), answer.text).await;
        };
        let admitted = match ops::admit(&self.edge, &self.permit, request, bytes, received) {
            Ok(admitted) => admitted,
            Err(failed) => {
                let answer = ops::refuse(&self.edge, *failed, received);
                return self.outbox.send(Some(answer.request), answer.text).await;
            }
        };
        if let Some((session, lease)) = &admitted.owned {
            self.subscriptions.add(&*self.edge.service, session, lease);
        }
        let (edge, outbox, subscriptions) = (
            self.edge.clone(),
            self.outbox.clone(),
            self.subscriptions.clone(),
        );
        tokio::spawn(async move {
            let _running = running;
            let answer = ops::run(edge.clone(), admitted).await;
            outbox.send(Some(answer.request), answer.text).await;
            // After the reply: no event of a session comes before its holder knows the session.
            if let Some(Grant {
                session_id,
                lease_id,
            }) = answer.granted
            {
                subscriptions.add(&*edge.service, &session_id, &lease_id);
            }
        });
    }

    /// A health envelope of an emitter outside this process. What is taken has no answer; a refusal names session and number, since
    /// under the id of the request that an envelope tells of it would pass for that one's answer.
    async fn health(&self, text: &str) {
        if let Err(fault) = ops::health(&self.edge, &self.permit, text) {
            self.outbox.send_error(unknown_request_id(), fault).await;
        }
    }

    /// A cancel has no answer of its own: the cancelled request has.
    async fn cancel(&self, cancel: &OpsCancel, bytes: usize) {
        if let Err(fault) = ops::cancel(&self.edge, &self.permit, cancel, bytes).await {
            // Under the cancelled request's own id this would pass for its answer.
            self.outbox
                .send_error(
                    unknown_request_id(),
                    fault.with("cancel", &cancel.request_id),
                )
                .await;
        }
    }
}

/// A request that runs, counted while it does.
struct Running(Arc<watch::Sender<usize>>);

impl Running {
    fn begin(count: &Arc<watch::Sender<usize>>) -> Option<Self> {
        let mut begun = false;
        count.send_if_modified(|running| {
            begun = *running < MAX_IN_FLIGHT;
            *running += usize::from(begun);
            begun
        });
        begun.then(|| Self(count.clone()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|running| *running -= 1);
    }
}

/// Exchanges hello and ack; an ending where the peer may not go on.
async fn greet(
    edge: &Edge,
    permit: Permit,
    reader: &mut Reader,
    outbox: &Outbox,
) -> Result<Permit, Option<Ending>> {
    let refused = |fault: Fault| async {
        edge.count_refusal(&fault);
        tracing::info!(target: "ops", code = %fault.code, "hello refused");
        outbox.send_error(unknown_request_id(), fault).await;
        Some((CloseCode::Policy, "the hello was refused"))
    };
    let required = |why: &str| Fault::new(ErrorCode::RelayHelloRequired, why);
    let message = match timeout(edge.config.timeouts.hello, first_message(reader)).await {
        Ok(Some(Ok(message))) => message,
        Ok(Some(Err(error))) => return Err(unreadable(edge, outbox, &error).await),
        Ok(None) => return Err(None),
        Err(_) => return Err(refused(required("no ops_hello came in time")).await),
    };
    let hello = match message.to_text().map(ClientFrame::parse) {
        Ok(Ok(ClientFrame::Hello(hello))) if message.is_text() => hello,
        Ok(Err(fault)) if fault.code == ErrorCode::RelayFrameInvalid => {
            return Err(refused(fault).await);
        }
        _ => return Err(refused(required("the first frame is not ops_hello")).await),
    };
    match accept_hello(edge, permit, hello) {
        Ok((permit, ack)) => {
            outbox.send(None, ack.encode()).await;
            Ok(permit)
        }
        Err(fault) => Err(refused(fault).await),
    }
}

async fn first_message(reader: &mut Reader) -> Option<Result<Message, WsError>> {
    loop {
        match reader.next().await? {
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => (),
            Ok(Message::Close(_)) => return None,
            other => return Some(other),
        }
    }
}

fn accept_hello(edge: &Edge, permit: Permit, hello: OpsHello) -> Outcome<(Permit, OpsHelloAck)> {
    let versions = ClientVersions {
        contract: Field::One(&hello.contract_version),
        kind: Some(hello.client_kind),
        client: Some(&hello.client_version),
    };
    gate::hello(&permit, versions, &edge.policy)?;
    let missing: Vec<&String> = hello
        .capabilities
        .iter()
        .filter(|wanted| !edge.config.capabilities.contains(wanted))
        .collect();
    if !missing.is_empty() {
        return Err(Fault::plain(ErrorCode::RelayCapabilityMismatch)
            .with("missing", missing)
            .with(BLOCKED_REASON, BlockedReason::CapabilityMismatch));
    }
    let client_id = match &hello.client_id {
        Some(client_id) => client_id.clone(),
        None => made_client_id()?,
    };
    let permit = permit.greeted(
        hello.client_id.as_ref(),
        client_id.clone(),
        hello.routing.clone(),
    );
    let permit = permit.of_component(hello.client_kind, hello.client_version.clone());
    let config = &edge.config;
    let ack = OpsHelloAck {
        relay_version: config.versions.relay.clone(),
        ops_contract_version: OPS_CONTRACT_VERSION.to_owned(),
        ops_min_contract_version: OPS_MIN_COMPAT_VERSION.to_owned(),
        status_schema_version: STATUS_SCHEMA_VERSION.to_owned(),
        version_scheme: VERSION_SCHEME.to_owned(),
        compatibility_window_n: config.versions.window_n.clone(),
        compatibility_window_n_minus1: config.versions.window_n_minus1.clone(),
        client_id,
        capabilities: config.capabilities.clone(),
        limits: edge.policy.limits.clone(),
        heartbeat_interval_ms: u64::try_from(config.timeouts.heartbeat.as_millis())
            .unwrap_or(u64::MAX),
        rollout: Some(edge.routing.status(
            permit.asker(),
            versions.peer(),
            &hello.capabilities,
            &config.capabilities,
        )),
    };
    Ok((permit, ack))
}

fn made_client_id() -> Outcome<ClientId> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random)
        .map_err(|_| Fault::new(ErrorCode::RelayInternal, "the system has no randomness"))?;
    format!("client-{:032x}", u128::from_be_bytes(random))
        .parse()
        .map_err(|_| Fault::plain(ErrorCode::RelayInternal))
}

/// Tells the peer what was wrong with what it sent, as far as it can be told.
async fn unreadable(edge: &Edge, outbox: &Outbox, error: &WsError) -> Option<Ending> {
    let unknown: fn() -> RequestId = unknown_request_id;
    match error {
        WsError::Capacity(CapacityError::MessageTooLong { .. }) => {
            outbox
                .send_error(unknown(), checks::too_large(None, &edge.policy))
                .await;
            Some((CloseCode::Size, "the message is too large"))
        }
        WsError::Utf8(_) => {
            outbox
                .send_error(
                    unknown(),
                    Fault::new(ErrorCode::RelayFrameInvalid, "the frame is not UTF-8"),
                )
                .await;
            Some((CloseCode::Invalid, "the frame is not UTF-8"))
        }
        WsError::Protocol(_) => Some((
            CloseCode::Protocol,
            "the frame breaks the WebSocket protocol",
        )),
        _ => None,
    }
}
