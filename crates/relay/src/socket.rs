//! A WebSocket on `/ops`: the hello, then requests side by side. The reader never waits for a command.
//!
//! Closing the socket cancels nothing: commands run on, and their results wait under their request ids.

mod events;

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::upgrade::Upgraded;
use ops_contracts::control::telemetry::RouteLabel;
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
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::edge::Edge;
use crate::gate::{ClientVersions, Facts, Field, Permit, Phase, checks};
use crate::ops::{self, Answer, Failed};
use crate::peers::Seat;
use crate::rate::Bucket;
use crate::reply;
use crate::routing::BLOCKED_REASON;
use crate::websocket::{self, Beat, Ending, Incoming, Outbox, Reader, Setup, Unreadable};
use events::Subscriptions;

/// The most requests of one connection that run at once.
const MAX_IN_FLIGHT: usize = 1024;

/// Frames that may wait to be written.
const FRAMES: usize = 1024;

/// How long a socket waits for answers when the relay ends: the runtime has shut down by then.
const SETTLE: Duration = Duration::from_secs(1);

/// Serves a socket until one side ends it.
pub(crate) async fn serve(edge: Arc<Edge>, permit: Permit, upgraded: Upgraded) {
    let setup = Setup {
        cap: edge.admission.limits.ops.max_payload_bytes,
        frames: FRAMES,
        beat: Beat::Frame,
    };
    let (outbox, mut reader) = websocket::open(upgraded, setup, &edge.config.timeouts).await;
    let let_in = permit.clone();
    let ending = tokio::select! {
        ending = Session::run(&edge, permit, &mut reader, &outbox) => ending,
        // What runs already runs on, as when a socket breaks; its answers are for nobody.
        () = edge.unpaired(&let_in) => Some((CloseCode::Policy, "the pairing was taken back")),
    };
    reader.close(outbox, ending).await;
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
        let _seat = match seat(edge, &permit) {
            Ok(seat) => seat,
            Err(fault) => {
                send_error(outbox, unknown_request_id(), fault).await;
                return Some((CloseCode::Again, "too many connections"));
            }
        };
        let session = Self {
            edge: edge.clone(),
            permit,
            subscriptions: Arc::new(Subscriptions::new(outbox.clone())),
            outbox: outbox.clone(),
            in_flight: Arc::new(watch::Sender::new(0)),
        };
        tokio::select! {
            ending = session.read(reader) => ending,
            () = outbox.broken() => None,
            () = edge.lifetime.closing() => {
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
            let ended = match reader.next().await {
                Incoming::Text(text) => self.take(text.as_str()).await,
                Incoming::Binary => {
                    let fault = Fault::new(ErrorCode::RelayFrameInvalid, "frames are text");
                    self.refuse(unknown_request_id(), fault).await;
                    None
                }
                Incoming::Ping => match self.charge_read() {
                    Ok(()) => None,
                    Err(fault) => {
                        self.refuse(unknown_request_id(), fault).await;
                        Some((CloseCode::Policy, "too many pings"))
                    }
                },
                Incoming::Silent => Some((CloseCode::Policy, "the peer is silent")),
                Incoming::Closed => return None,
                Incoming::Unreadable(why) => {
                    return unreadable(&self.edge, &self.outbox, why).await;
                }
            };
            if ended.is_some() {
                return ended;
            }
        }
    }

    async fn refuse(&self, request: RequestId, fault: Fault) {
        send_error(&self.outbox, request, fault).await;
    }

    /// Handles one frame; an ending where the socket can't go on.
    async fn take(&self, text: &str) -> Option<Ending> {
        let facts = Facts {
            payload: u64::try_from(text.len()).ok(),
            ..Facts::on(RouteLabel::Ops)
        };
        let admission = &self.edge.admission;
        if let Err(fault) = admission.pass(&self.permit, &[Phase::Message], &facts) {
            let id = request_id_of(text).unwrap_or_else(unknown_request_id);
            self.refuse(id, fault).await;
            return Unreadable::TooLong(None).ending();
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
    fn charge_read(&self) -> Outcome<()> {
        let admission = &self.edge.admission;
        admission.charge(&self.permit, RouteLabel::Ops, Bucket::Reads)
    }

    /// Answers a frame that asks for nothing to be run; whoever sends too many of them is told so instead.
    async fn answer_at_once(&self, frame: Outcome<ClientFrame>, text: &str) {
        let fault = match self.charge_read().and(frame) {
            Ok(ClientFrame::Ping(ping)) => {
                let pong = encode_heartbeat(FrameType::Pong, &ping);
                return self.outbox.send(None, pong).await;
            }
            Ok(_) => Fault::new(
                ErrorCode::RelayFrameInvalid,
                "ops_hello was already answered",
            ),
            Err(fault) => fault,
        };
        let id = request_id_of(text).unwrap_or_else(unknown_request_id);
        self.refuse(id, fault).await;
    }

    async fn request(&self, request: OpsRequest, bytes: usize) {
        let received = Instant::now();
        let Some(running) = Running::begin(&self.in_flight) else {
            let refused = ops::refuse(&self.edge, too_many(request), received);
            return self.answer(refused).await;
        };
        match ops::admit(&self.edge, &self.permit, request, bytes, received) {
            Ok(admitted) => self.begin(admitted, running),
            Err(failed) => {
                let refused = ops::refuse(&self.edge, *failed, received);
                self.answer(refused).await;
            }
        }
    }

    async fn answer(&self, answer: Answer) {
        self.outbox.send(Some(answer.request), answer.text).await;
    }

    /// Runs a request beside the others.
    fn begin(&self, admitted: ops::Admitted, running: Running) {
        if let Some((session, lease)) = &admitted.owned {
            self.subscriptions.add(&*self.edge.service, session, lease);
        }
        let (edge, outbox) = (self.edge.clone(), self.outbox.clone());
        let subscriptions = self.subscriptions.clone();
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
            self.refuse(unknown_request_id(), fault).await;
        }
    }

    /// A cancel has no answer of its own: the cancelled request has.
    async fn cancel(&self, cancel: &OpsCancel, bytes: usize) {
        if let Err(fault) = ops::cancel(&self.edge, &self.permit, cancel, bytes).await {
            // Under the cancelled request's own id this would pass for its answer.
            let fault = fault.with("cancel", &cancel.request_id);
            self.refuse(unknown_request_id(), fault).await;
        }
    }
}

/// The place of a connection among its client's.
fn seat(edge: &Edge, permit: &Permit) -> Outcome<Seat> {
    let seat = edge.peers.seat(permit.client())?;
    Ok(match (permit.kind(), permit.version()) {
        (Some(ClientKind::Extension), Some(version)) => seat.of_extension(version),
        _ => seat,
    })
}

async fn send_error(outbox: &Outbox, request: RequestId, fault: Fault) {
    let text = reply::error(request, None, fault, None);
    outbox.send(None, text).await;
}

/// The refusal of a request beyond those that may run.
fn too_many(request: OpsRequest) -> Failed {
    let message = format!("{MAX_IN_FLIGHT} requests of this connection run already");
    let fault = Fault::new(ErrorCode::RelayRateLimited, message);
    Failed {
        session: request.session_id,
        command: request.command.known(),
        ..Failed::unread(request.request_id, fault.retry_after(50))
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
    let hello = match timeout(edge.config.timeouts.hello, first_frame(reader)).await {
        Ok(First::Text(text)) => first_hello(&text),
        Ok(First::Unreadable(why)) => return Err(unreadable(edge, outbox, why).await),
        Ok(First::Nothing) => return Err(None),
        Ok(First::Binary) => Err(hello_required("the first frame is not ops_hello")),
        Err(_) => Err(hello_required("no ops_hello came in time")),
    };
    match hello.and_then(|hello| accept_hello(edge, permit, hello)) {
        Ok((permit, ack)) => {
            outbox.send(None, ack.encode()).await;
            Ok(permit)
        }
        Err(fault) => {
            edge.traffic.refused(&fault);
            tracing::info!(target: "ops", code = %fault.code, "hello refused");
            send_error(outbox, unknown_request_id(), fault).await;
            Err(Some((CloseCode::Policy, "the hello was refused")))
        }
    }
}

/// What a peer says first.
enum First {
    Text(String),
    Binary,
    Nothing,
    Unreadable(Unreadable),
}

async fn first_frame(reader: &mut Reader) -> First {
    loop {
        match reader.next().await {
            Incoming::Text(text) => return First::Text(text.to_string()),
            Incoming::Binary => return First::Binary,
            Incoming::Ping => {}
            Incoming::Closed | Incoming::Silent => return First::Nothing,
            Incoming::Unreadable(why) => return First::Unreadable(why),
        }
    }
}

fn first_hello(text: &str) -> Outcome<OpsHello> {
    match ClientFrame::parse(text) {
        Ok(ClientFrame::Hello(hello)) => Ok(hello),
        Err(fault) if fault.code == ErrorCode::RelayFrameInvalid => Err(fault),
        _ => Err(hello_required("the first frame is not ops_hello")),
    }
}

fn hello_required(why: &str) -> Fault {
    Fault::new(ErrorCode::RelayHelloRequired, why)
}

fn accept_hello(edge: &Edge, permit: Permit, hello: OpsHello) -> Outcome<(Permit, OpsHelloAck)> {
    let versions = ClientVersions {
        contract: Field::One(&hello.contract_version),
        kind: Some(hello.client_kind),
        client: Some(&hello.client_version),
    };
    let facts = Facts {
        versions: Some(versions),
        ..Facts::on(RouteLabel::Ops)
    };
    edge.admission.pass(&permit, &[Phase::Client], &facts)?;
    offers(edge, &hello.capabilities)?;
    let client_id = match &hello.client_id {
        Some(client_id) => client_id.clone(),
        None => made_client_id()?,
    };
    let named = hello.client_id.as_ref();
    let permit = permit.greeted(named, client_id, hello.routing.clone());
    let permit = permit.of_component(hello.client_kind, hello.client_version.clone());
    let ack = ack(edge, &permit, versions, &hello.capabilities);
    Ok((permit, ack))
}

/// Whether the relay has all of the capabilities that a client can't do without.
///
/// # Errors
/// `relay_capability_mismatch` naming those that are missing.
fn offers(edge: &Edge, wanted: &[String]) -> Outcome<()> {
    let offered = &edge.config.capabilities;
    let missing = wanted.iter().filter(|wanted| !offered.contains(wanted));
    let missing: Vec<&String> = missing.collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Fault::plain(ErrorCode::RelayCapabilityMismatch)
        .with("missing", missing)
        .with(BLOCKED_REASON, BlockedReason::CapabilityMismatch))
}

fn ack(
    edge: &Edge,
    permit: &Permit,
    versions: ClientVersions<'_>,
    wanted: &[String],
) -> OpsHelloAck {
    let config = &edge.config;
    let (asker, offered) = (permit.asker(), &config.capabilities);
    let rollout = edge.routing.status(asker, versions.peer(), wanted, offered);
    let heartbeat = config.timeouts.heartbeat.as_millis();
    OpsHelloAck {
        relay_version: config.versions.relay.clone(),
        ops_contract_version: OPS_CONTRACT_VERSION.to_owned(),
        ops_min_contract_version: OPS_MIN_COMPAT_VERSION.to_owned(),
        status_schema_version: STATUS_SCHEMA_VERSION.to_owned(),
        version_scheme: VERSION_SCHEME.to_owned(),
        compatibility_window_n: config.versions.window_n.clone(),
        compatibility_window_n_minus1: config.versions.window_n_minus1.clone(),
        client_id: permit.client().clone(),
        capabilities: offered.clone(),
        limits: edge.admission.limits.clone(),
        heartbeat_interval_ms: u64::try_from(heartbeat).unwrap_or(u64::MAX),
        rollout: Some(rollout),
    }
}

fn made_client_id() -> Outcome<ClientId> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random)
        .map_err(|_| Fault::new(ErrorCode::RelayInternal, "the system has no randomness"))?;
    format!("client-{:032x}", u128::from_be_bytes(random))
        .parse()
        .map_err(|_| Fault::plain(ErrorCode::RelayInternal))
}

/// Reports to the peer what was wrong with what it sent, as far as there is an error for it.
async fn unreadable(edge: &Edge, outbox: &Outbox, why: Unreadable) -> Option<Ending> {
    let fault = match why {
        Unreadable::TooLong(_) => checks::too_large(None, RouteLabel::Ops, &edge.admission),
        Unreadable::NotUtf8 => Fault::new(ErrorCode::RelayFrameInvalid, "the frame is not UTF-8"),
        Unreadable::Malformed | Unreadable::Broken => return why.ending(),
    };
    send_error(outbox, unknown_request_id(), fault).await;
    why.ending()
}
