//! A WebSocket on `/cdp`: frames with session and lease around raw messages, or, where the timeline of leases still allows it,
//! raw messages whose lease is bound to the connection.
//!
//! The reader waits for no answer. Closing the socket ends a session that is bound to it, and no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hyper::upgrade::Upgraded;
use ops_contracts::control::legacy::{CdpDecision, LegacyLeaseMode, LegacySelection};
use ops_contracts::control::telemetry::RouteLabel;
use ops_contracts::wire::ids::{RequestId, SessionId};
use ops_contracts::{ErrorCode, Fault, Outcome};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::audit::{self, Line};
use super::frame::{self, About, Command, Form};
use super::outlet::Outlet;
use super::session::{Ending, Passed, Session};
use crate::edge::Edge;
use crate::gate::{Facts, Opening, Permit, Phase, Proof, Time, checks};
use crate::rate::{Bucket, Charge};
use crate::websocket::{self, Beat, Incoming, Reader, Setup, Unreadable};

/// Frames that may wait to be written: as many as the queue's bytes allow, for a page's events come in storms.
const FRAMES: usize = 128 * 1024;

/// Numbers connections, so that sessions can tell them apart.
static CONNECTIONS: AtomicU64 = AtomicU64::new(1);

/// Serves a socket until one side ends it.
pub(crate) async fn serve(edge: Arc<Edge>, permit: Permit, upgraded: Upgraded) {
    let setup = Setup {
        cap: edge.admission.limits.cdp.max_payload_bytes,
        frames: FRAMES,
        beat: Beat::Ping,
    };
    let (outbox, mut reader) = websocket::open(upgraded, setup, &edge.config.timeouts).await;
    let number = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    let let_in = permit.clone();
    let mut connection = Connection {
        predates_leases: edge.routing.predates_leases(permit.version()),
        edge: edge.clone(),
        permit,
        number,
        outlet: Outlet::new(number, outbox.clone()),
        bound: None,
        known: Vec::new(),
    };
    let ending = tokio::select! {
        ending = connection.read(&mut reader) => ending,
        () = outbox.broken() => (CloseCode::Again, "the peer does not keep up"),
        () = edge.lifetime.closing() => (CloseCode::Away, "the relay ends"),
        () = edge.unpaired(&let_in) => (CloseCode::Policy, "the pairing was taken back"),
    };
    connection.leave().await;
    drop(connection);
    reader.close(outbox, Some(ending)).await;
}

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

/// What is known of a frame while it is judged; a refusal names it.
struct Subject<'a> {
    request: RequestId,
    session: Option<SessionId>,
    command: Option<&'a Command<'a>>,
    /// The command's number, also where there is no more of it.
    id: Option<u64>,
    /// What it is counted under.
    label: &'static str,
    received: Instant,
    /// Whether it was written for leases.
    leased: bool,
}

impl Connection {
    async fn read(&mut self, reader: &mut Reader) -> websocket::Ending {
        loop {
            match reader.next().await {
                Incoming::Text(text) => self.take(text.as_str()).await,
                Incoming::Binary => return (CloseCode::Unsupported, "frames are text"),
                Incoming::Ping => {
                    let admission = &self.edge.admission;
                    let paid = admission.charge(&self.permit, RouteLabel::Cdp, Bucket::Reads);
                    if let Err(fault) = paid {
                        self.refuse(&self.unread(), fault);
                        return (CloseCode::Policy, "too many pings");
                    }
                }
                Incoming::Silent => return (CloseCode::Policy, "the peer is silent"),
                Incoming::Closed => return (CloseCode::Normal, ""),
                Incoming::Unreadable(why) => return self.unreadable(why),
            }
        }
    }

    /// Reports to the peer what was wrong with what it sent, as far as there is an error for it.
    fn unreadable(&self, why: Unreadable) -> websocket::Ending {
        match why {
            Unreadable::TooLong(bytes) => {
                let fault = checks::too_large(bytes, RouteLabel::Cdp, &self.edge.admission);
                self.refuse(&self.unread(), fault);
            }
            Unreadable::NotUtf8 => {
                let fault = Fault::new(ErrorCode::RelayFrameInvalid, "the frame is not UTF-8");
                self.refuse(&self.unread(), fault);
            }
            Unreadable::Malformed | Unreadable::Broken => {}
        }
        why.ending().unwrap_or((CloseCode::Normal, ""))
    }

    async fn take(&mut self, text: &str) {
        let received = Instant::now();
        let frame = match frame::parse(text) {
            Ok(frame) => frame,
            Err(fault) => {
                let subject = Subject {
                    received,
                    ..self.unread()
                };
                return self.refuse(&subject, fault);
            }
        };
        let raw = frame.message.map_or(text, |message| message.get());
        let command = frame::command(raw);
        let id = match &command {
            Ok(command) => Some(command.borrowed().id),
            Err(_) => frame::id_of(raw),
        };
        let mut subject = Subject {
            request: self.request_id(&frame, id),
            session: None,
            command: command.as_ref().ok(),
            id,
            label: "other",
            received,
            leased: frame.is_leased(),
        };
        let session = match self
            .session(&frame, text.len(), command.as_ref().err())
            .await
        {
            Ok(session) => session,
            Err(fault) => return self.refuse(&subject, fault),
        };
        subject.session = Some(session.id().clone());
        let sent = match &command {
            Ok(command) => self.send(&session, command, raw, frame.timeout_ms, &mut subject),
            Err(fault) => Err(fault.clone()),
        };
        if let Err(fault) = sent {
            self.refuse(&subject, fault);
        }
    }

    /// Has the browser's own port judge a command, and sends it.
    fn send(
        &self,
        session: &Arc<Session>,
        command: &Command<'_>,
        raw: &str,
        timeout_ms: Option<u64>,
        subject: &mut Subject<'_>,
    ) -> Outcome<()> {
        let command = command.borrowed();
        let verdict = session.browser()?.judge(&command);
        subject.label = verdict.label;
        if verdict.decision == CdpDecision::Deny {
            let (method, why) = (command.method, verdict.why);
            let message = format!("{method} is denied on this lane: {why}");
            let fault = Fault::new(ErrorCode::RelayCdpMethodDenied, message);
            return Err(fault.with("method", method));
        }
        let within = self.time(timeout_ms)?;
        let outlet = self.outlet.with_form(self.form(subject.leased));
        session.listen(&outlet);
        let passed = Passed {
            command,
            text: raw,
            request: subject.request.clone(),
            label: verdict.label,
            received: subject.received,
            within,
        };
        session.send(passed, &outlet)?;
        audit::write(&Line {
            request: &subject.request,
            session: Some(session.id()),
            method: Some(command.method),
            decision: verdict.decision,
            code: None,
            mode: session.mode(),
        });
        Ok(())
    }

    /// How long a command may take, unless nothing new is begun.
    fn time(&self, asked: Option<u64>) -> Outcome<Duration> {
        let time = Time {
            asked,
            default: None,
        };
        let facts = Facts {
            time: Some(time),
            ..Facts::on(RouteLabel::Cdp)
        };
        let admission = &self.edge.admission;
        let found = admission.pass(&self.permit, &[Phase::Command], &facts)?;
        Ok(Duration::from_millis(found.timeout_ms))
    }

    /// The session whose lease a frame proves, or that is bound to this connection. What is `invalid` has none opened.
    async fn session(
        &mut self,
        frame: &frame::Incoming<'_>,
        bytes: usize,
        invalid: Option<&Fault>,
    ) -> Outcome<Arc<Session>> {
        let named = frame.is_leased().then_some(Proof::Named {
            session: frame.session_id.as_deref(),
            lease: frame.cdp_lease_id.as_deref(),
        });
        let facts = Facts {
            payload: u64::try_from(bytes).ok(),
            charge: Some(Charge::of(&self.permit, Bucket::Commands)),
            lease: named.or(self.bound.as_ref().map(Proof::Bound)),
            ..Facts::on(RouteLabel::Cdp)
        };
        let phases = [Phase::Lane, Phase::Message];
        let found = self.edge.admission.pass(&self.permit, &phases, &facts)?;
        let session = match (found.session, invalid) {
            (Some(session), _) => session,
            (None, Some(fault)) => return Err(fault.clone()),
            (None, None) => return self.bind().await,
        };
        if self.bound.is_none() && self.known.iter().all(|known| known.id() != session.id()) {
            self.known.push(session.clone());
        }
        Ok(session)
    }

    /// Opens a session whose lease is bound to this connection, through the gates of the handshake: all of them come before a
    /// browser is started, and the frame that asks for it has been paid.
    async fn bind(&mut self) -> Outcome<Arc<Session>> {
        let mode = LegacyLeaseMode::Transitional;
        let facts = Facts {
            opening: Some(Opening::Cdp(mode, LegacySelection::Explicit)),
            ..Facts::on(RouteLabel::Cdp)
        };
        let edge = &self.edge;
        edge.admission
            .pass(&self.permit, &[Phase::Session], &facts)?;
        let session = edge.legacy.open(self.permit.client(), mode).await?;
        self.bound = Some(session.clone());
        Ok(session)
    }

    fn request_id(&self, frame: &frame::Incoming<'_>, id: Option<u64>) -> RequestId {
        let named = frame
            .request_id
            .as_deref()
            .and_then(|text| text.parse().ok());
        named.unwrap_or_else(|| match id {
            Some(id) => format!("cdp-{}-{id}", self.number)
                .parse()
                .unwrap_or_else(|_| self.edge.ids.make()),
            None => self.edge.ids.make(),
        })
    }

    fn refuse(&self, subject: &Subject<'_>, fault: Fault) {
        let traffic = &self.edge.traffic;
        let took = crate::ops::millis_since(subject.received);
        traffic.refused(&fault);
        traffic.legacy_ended(subject.label, Some(fault.code), took);
        let command = subject.command.map(Command::borrowed);
        let is_bound = self.predates_leases && !subject.leased;
        audit::write(&Line {
            request: &subject.request,
            session: subject.session.as_ref(),
            method: command.map(|command| command.method),
            decision: CdpDecision::Deny,
            code: Some(fault.code),
            mode: if is_bound {
                LegacyLeaseMode::Transitional
            } else {
                LegacyLeaseMode::Explicit
            },
        });
        let about = About {
            session: subject.session.as_ref(),
            id: subject.id,
            inner: command.and_then(|command| command.session),
        };
        let form = self.form(subject.leased);
        self.outlet
            .push(frame::error(&form, &subject.request, about, fault));
    }

    /// Of a frame that could not be read: it is taken for what such a client writes.
    fn unread(&self) -> Subject<'static> {
        Subject {
            request: self.edge.ids.make(),
            session: None,
            command: None,
            id: None,
            label: "other",
            received: Instant::now(),
            leased: !self.predates_leases,
        }
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
