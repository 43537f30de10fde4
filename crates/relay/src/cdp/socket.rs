//! A WebSocket on `/cdp`: frames with session and lease around raw messages, or, where the timeline of leases still allows it,
//! raw messages whose lease is bound to the connection.
//!
//! The reader waits for no answer. Closing the socket ends a session that is bound to it, and no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::{SplitSink, SplitStream};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use ops_contracts::control::legacy::{CdpDecision, LegacyLeaseMode, LegacySelection};
use ops_contracts::wire::ids::{RequestId, SessionId};
use ops_contracts::wire::routing::LegacyLane;
use ops_contracts::{ErrorCode, Fault, Outcome};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError};
use tokio_tungstenite::tungstenite::protocol::{
    Message, Role, WebSocketConfig, frame::coding::CloseCode,
};

use super::audit::{self, Line};
use super::frame::{self, About, Command, Form, Incoming};
use super::handshake;
use super::outlet::Outlet;
use super::session::{Ending, Passed, Session};
use crate::gate::{Permit, checks};
use crate::rate::{Bucket, Charge, Payer};
use crate::server::Edge;

/// How far above the cap a message is still read, so that its refusal can name the command.
const SLACK: usize = 64 * 1024;

/// Buffers of one connection.
const BUFFER: usize = 16 * 1024;

pub(super) type Writer = SplitSink<WebSocketStream<TokioIo<Upgraded>>, Message>;
type Reader = SplitStream<WebSocketStream<TokioIo<Upgraded>>>;

/// Numbers connections, so that sessions can tell them apart.
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

/// Serves a socket until one side ends it.
pub(crate) async fn serve(edge: Arc<Edge>, permit: Permit, upgraded: Upgraded) {
    let cap = usize::try_from(edge.lane.limits().cdp.max_payload_bytes)
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
    let number = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    let (outlet, writing) = Outlet::start(number, writer, &edge.config.timeouts);
    let let_in = permit.clone();
    let mut connection = Connection {
        predates_leases: edge.routing.predates_leases(permit.version()),
        edge: edge.clone(),
        permit,
        number,
        outlet: outlet.clone(),
        bound: None,
        known: Vec::new(),
    };
    let (code, reason) = tokio::select! {
        ending = connection.read(&mut reader) => ending,
        () = outlet.broken() => (CloseCode::Again, "the peer does not keep up"),
        () = edge.closing() => (CloseCode::Away, "the relay ends"),
        () = edge.unpaired(&let_in) => (CloseCode::Policy, "the pairing was taken back"),
    };
    connection.leave().await;
    if outlet.is_broken() {
        // The peer takes nothing: there is no way to tell it more.
        return writing.abort();
    }
    outlet.close(code, reason);
    // The writer bounds each of its writes.
    let Ok(writer) = writing.await else { return };
    if let Ok(mut socket) = writer.reunite(reader) {
        let _ = timeout(edge.config.timeouts.write, socket.get_mut().shutdown()).await;
    }
}

/// Why a socket ends, as it is told to the peer.
type Close = (CloseCode, &'static str);

struct Connection {
    edge: Arc<Edge>,
    permit: Permit,
    number: u64,
    outlet: Outlet,
    /// Whether the client names a version that predates leases.
    predates_leases: bool,
    /// The session whose lease is bound to this connection.
    bound: Option<Arc<Session>>,
    /// Sessions that this connection listens to.
    known: Vec<Arc<Session>>,
}

/// Whether the version window of the lane refuses by this code.
const fn is_about_versions(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::RelayVersionInvalid
            | ErrorCode::RelayPrereleaseUnsupported
            | ErrorCode::RelayLegacyWindowExceeded
    )
}

/// A refusal, with what is known of the command that met it.
struct Refused<'a> {
    fault: Fault,
    request: RequestId,
    session: Option<&'a SessionId>,
    command: Option<&'a Command<'a>>,
    /// The command's number where there is no more of it.
    id: Option<u64>,
    label: &'static str,
    received: Instant,
    /// Whether the frame was written for leases.
    leased: bool,
}

impl Connection {
    async fn read(&mut self, reader: &mut Reader) -> Close {
        loop {
            let text = match timeout(self.edge.config.timeouts.silence, reader.next()).await {
                Err(_) => return (CloseCode::Policy, "the peer is silent"),
                Ok(Some(Ok(Message::Text(text)))) => text,
                Ok(Some(Ok(Message::Binary(_)))) => {
                    return (CloseCode::Unsupported, "frames are text");
                }
                Ok(Some(Ok(Message::Ping(_)))) => {
                    match handshake::charge(&self.edge, &self.permit, Bucket::Reads) {
                        Ok(()) => continue,
                        Err(fault) => {
                            self.refuse(Refused::unread(self, fault));
                            return (CloseCode::Policy, "too many pings");
                        }
                    }
                }
                Ok(Some(Ok(Message::Pong(_) | Message::Frame(_)))) => continue,
                Ok(Some(Ok(Message::Close(_))) | None) => return (CloseCode::Normal, ""),
                Ok(Some(Err(error))) => return self.unreadable(&error),
            };
            self.take(text.as_str()).await;
        }
    }

    /// Tells the peer what was wrong with what it sent, as far as it can be told.
    fn unreadable(&self, error: &WsError) -> Close {
        match error {
            WsError::Capacity(CapacityError::MessageTooLong { size, .. }) => {
                let fault =
                    checks::too_large_for_legacy(u64::try_from(*size).ok(), &self.edge.policy);
                self.refuse(Refused::unread(self, fault));
                (CloseCode::Size, "the message is too large")
            }
            WsError::Utf8(_) => {
                self.refuse(Refused::unread(
                    self,
                    Fault::new(ErrorCode::RelayFrameInvalid, "the frame is not UTF-8"),
                ));
                (CloseCode::Invalid, "the frame is not UTF-8")
            }
            WsError::Protocol(_) => (
                CloseCode::Protocol,
                "the frame breaks the WebSocket protocol",
            ),
            _ => (CloseCode::Normal, ""),
        }
    }

    async fn take(&mut self, text: &str) {
        let received = Instant::now();
        let incoming = match frame::parse(text) {
            Ok(incoming) => incoming,
            Err(fault) => {
                return self.refuse(Refused {
                    received,
                    ..Refused::unread(self, fault)
                });
            }
        };
        let raw = incoming.message.map_or(text, |message| message.get());
        let command = frame::command(raw);
        let id = command
            .as_ref()
            .map_or_else(|_| frame::id_of(raw), |command| Some(command.borrowed().id));
        let request = self.request_id(&incoming, id);
        let leased = incoming.is_leased();
        let session = match self
            .gates(&incoming, text.len(), command.as_ref().err())
            .await
        {
            Ok(session) => session,
            Err(fault) => {
                let command = command.as_ref().ok();
                return self.refuse(Refused {
                    fault,
                    request,
                    session: None,
                    command,
                    id,
                    label: "other",
                    received,
                    leased,
                });
            }
        };
        let session_id = Some(session.id());
        let command = match command {
            Ok(command) => command,
            Err(fault) => {
                return self.refuse(Refused {
                    fault,
                    request,
                    session: session_id,
                    command: None,
                    id,
                    label: "other",
                    received,
                    leased,
                });
            }
        };
        self.run(&session, &command, raw, request, &incoming, received);
    }

    /// Judges a command and sends it.
    fn run(
        &self,
        session: &Arc<Session>,
        command: &Command<'_>,
        raw: &str,
        request: RequestId,
        incoming: &Incoming<'_>,
        received: Instant,
    ) {
        let borrowed = command.borrowed();
        let refuse = |fault: Fault, request: RequestId, label: &'static str| {
            let session = Some(session.id());
            self.refuse(Refused {
                fault,
                request,
                session,
                command: Some(command),
                id: Some(borrowed.id),
                label,
                received,
                leased: incoming.is_leased(),
            });
        };
        let verdict = match session.browser() {
            Ok(browser) => browser.judge(&borrowed),
            Err(fault) => return refuse(fault, request, "other"),
        };
        if verdict.decision == CdpDecision::Deny {
            let message = format!(
                "{} is denied on this lane: {}",
                borrowed.method, verdict.why
            );
            let fault = Fault::new(ErrorCode::RelayCdpMethodDenied, message)
                .with("method", borrowed.method);
            return refuse(fault, request, verdict.label);
        }
        let within = match self.deadline(incoming.timeout_ms) {
            Ok(within) => within,
            Err(fault) => return refuse(fault, request, verdict.label),
        };
        let outlet = self.outlet.with_form(self.form(incoming.is_leased()));
        session.listen(&outlet);
        let passed = Passed {
            command: borrowed,
            text: raw,
            request: request.clone(),
            label: verdict.label,
            received,
            within,
        };
        match session.send(passed, &outlet) {
            Ok(()) => audit::write(&Line {
                request: &request,
                session: Some(session.id()),
                method: Some(borrowed.method),
                decision: verdict.decision,
                code: None,
                mode: session.mode(),
            }),
            Err(fault) => refuse(fault, request, verdict.label),
        }
    }

    /// The gates of a frame, in their order: route, payload, then the lease, and the rate of the session that it proves. Who proves
    /// none is charged as a peer, and so is who has a session opened.
    async fn gates(
        &mut self,
        incoming: &Incoming<'_>,
        bytes: usize,
        invalid: Option<&Fault>,
    ) -> Outcome<Arc<Session>> {
        if let LegacyLane::Closed(code) = self.edge.routing.legacy_lane(self.permit.asker().local) {
            return Err(Fault::plain(code).with("gate", "route"));
        }
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        if bytes > self.edge.lane.limits().cdp.max_payload_bytes {
            return Err(checks::too_large_for_legacy(Some(bytes), &self.edge.policy));
        }
        let session = match self.session(incoming, invalid) {
            Ok(Some(session)) => session,
            Ok(None) => self.bind().await?,
            Err(fault) => {
                handshake::charge(&self.edge, &self.permit, Bucket::Commands)?;
                return Err(fault);
            }
        };
        let command = Charge {
            payer: Payer::Session(session.id()),
            bucket: Bucket::Commands,
            cost: 1,
        };
        handshake::pay(&self.edge, &command)?;
        handshake::refuse_while_draining(&self.edge)?;
        if self.bound.is_none() && self.known.iter().all(|known| known.id() != session.id()) {
            self.known.push(session.clone());
        }
        Ok(session)
    }

    /// The session that a frame names, or the one that is bound to this connection; `None` where one is to be bound to it.
    /// What is `invalid` opens none.
    fn session(
        &self,
        incoming: &Incoming<'_>,
        invalid: Option<&Fault>,
    ) -> Outcome<Option<Arc<Session>>> {
        let lease = |fault: Fault| fault.with("gate", "lease");
        if incoming.is_leased() {
            let (session, id) = (
                incoming.session_id.as_deref(),
                incoming.cdp_lease_id.as_deref(),
            );
            return self
                .edge
                .lane
                .owned(session, id, self.permit.client())
                .map(Some)
                .map_err(lease);
        }
        if let Some(bound) = &self.bound {
            return bound.alive().map(|()| Some(bound.clone())).map_err(lease);
        }
        if let Some(fault) = invalid {
            return Err(fault.clone());
        }
        Ok(None)
    }

    /// Opens a session whose lease is bound to this connection, through the gates of the handshake. A refusal is charged as
    /// well, and all of them come before a browser is started.
    async fn bind(&mut self) -> Outcome<Arc<Session>> {
        let judged = handshake::judge(
            &self.edge,
            &self.permit,
            LegacyLeaseMode::Transitional,
            LegacySelection::Explicit,
        );
        handshake::charge(&self.edge, &self.permit, Bucket::Commands)?;
        let binds = self.edge.routing.binds_to_connection(self.permit.version());
        match judged {
            // A client that can't be bound has to make a lease first, whatever its version: the handshake judges that.
            Err(fault) if binds || !is_about_versions(fault.code) => return Err(fault),
            _ => {}
        }
        if !binds {
            let message = "the message carries no lease: POST /cdp/sessions makes one, and every command carries sessionId and cdpLeaseId";
            return Err(Fault::new(ErrorCode::RelayCdpNotOwner, message)
                .with("field", "cdpLeaseId")
                .with("gate", "lease"));
        }
        handshake::refuse_while_draining(&self.edge)?;
        let session = self
            .edge
            .lane
            .open(
                &self.edge,
                self.permit.client(),
                LegacyLeaseMode::Transitional,
            )
            .await?;
        self.bound = Some(session.clone());
        Ok(session)
    }

    fn deadline(&self, asked: Option<u64>) -> Outcome<Duration> {
        let limits = self.edge.lane.limits();
        let cap = limits.cdp.max_timeout_ms;
        match asked {
            Some(asked) if asked > cap => {
                let message = format!(
                    "timeoutMs is {asked} and may be at most {cap} in the limits profile {}",
                    limits.name
                );
                Err(Fault::new(ErrorCode::RelayTimeoutCapExceeded, message)
                    .with("timeoutMs", asked)
                    .with("capMs", cap)
                    .with("profile", &limits.name))
            }
            asked => Ok(Duration::from_millis(asked.unwrap_or(cap))),
        }
    }

    fn request_id(&self, incoming: &Incoming<'_>, id: Option<u64>) -> RequestId {
        let named = incoming
            .request_id
            .as_deref()
            .and_then(|text| text.parse().ok());
        named.unwrap_or_else(|| match id {
            Some(id) => format!("cdp-{}-{id}", self.number)
                .parse()
                .unwrap_or_else(|_| self.edge.make_request_id()),
            None => self.edge.make_request_id(),
        })
    }

    fn refuse(&self, refused: Refused<'_>) {
        let Refused {
            fault,
            request,
            session,
            command,
            id,
            label,
            received,
            leased,
        } = refused;
        let code = fault.code;
        self.edge.count_refusal(&fault);
        self.edge
            .count_legacy(label, Some(code), crate::ops::millis_since(received));
        audit::write(&Line {
            request: &request,
            session,
            method: command.map(|command| command.borrowed().method),
            decision: CdpDecision::Deny,
            code: Some(code),
            mode: if self.predates_leases && !leased {
                LegacyLeaseMode::Transitional
            } else {
                LegacyLeaseMode::Explicit
            },
        });
        let form = self.form(leased);
        let about = About {
            session,
            id,
            inner: command.and_then(|command| command.borrowed().session),
        };
        self.outlet
            .push(frame::error(&form, &request, about, fault));
    }

    /// How the sender of a frame reads: one that was not written for leases is answered with their deprecation, whatever comes
    /// of it.
    fn form(&self, leased: bool) -> Form {
        match (leased, self.predates_leases) {
            (true, _) => Form::Explicit,
            (false, true) => Form::Raw(frame::deprecation()),
            (false, false) => Form::Leaseless(frame::deprecation()),
        }
    }

    /// Stops listening, and ends the session that is bound to this connection.
    async fn leave(&mut self) {
        for session in self.known.drain(..) {
            session.leave(self.number);
        }
        if let Some(bound) = self.bound.take() {
            bound.leave(self.number);
            bound.end(Ending::Closed).await;
        }
    }
}

impl Refused<'_> {
    /// Of a frame that could not be read.
    fn unread(connection: &Connection, fault: Fault) -> Self {
        let request = connection.edge.make_request_id();
        Self {
            fault,
            request,
            session: None,
            command: None,
            id: None,
            label: "other",
            received: Instant::now(),
            // Unread, it is taken for what such a client writes.
            leased: !connection.predates_leases,
        }
    }
}
