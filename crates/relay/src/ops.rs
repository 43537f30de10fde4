//! One command from its frame to its answer, the same for both transports: admit, run, compose, count, log.
//!
//! It reads and writes no socket.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use ops_contracts::control::telemetry::RouteLabel;
use ops_contracts::seam::port::{Caller, EndSessions, Reply, Served};
use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::command::session::Grant;
use ops_contracts::wire::frame::{OpsCancel, OpsRequest, RESPONSE_CAP, Timing};
use ops_contracts::wire::ids::{LeaseId, RequestId, SessionId};
use ops_contracts::{ErrorCode, Fault, Outcome};

use crate::access::ToConfirm;
use crate::edge::Edge;
use crate::gate::{Facts, Opening, Permit, Phase, Time};
use crate::metrics::Series;
use crate::rate::{self, Bucket, Charge, Payer};
use crate::reply;
use crate::routing::Asker;

/// A request that passed the gates, ready to run.
pub(crate) struct Admitted {
    request: OpsRequest,
    command: Option<CommandName>,
    caller: Caller,
    received: Instant,
    /// Who asks for a session, where one is asked for.
    opening: Option<Asker>,
    /// Who has to agree before it runs.
    confirm: Option<ToConfirm>,
    /// The session whose lease the sender holds.
    pub(crate) owned: Option<(SessionId, LeaseId)>,
}

impl Admitted {
    pub(crate) fn request_id(&self) -> &RequestId {
        &self.request.request_id
    }
}

/// An answer, ready to be sent.
pub(crate) struct Answer {
    pub(crate) request: RequestId,
    /// The frame's text.
    pub(crate) text: String,
    /// The error's code; `None` for a success.
    pub(crate) code: Option<ErrorCode>,
    pub(crate) retry_after_ms: Option<u64>,
    /// The session that the sender holds from now on.
    pub(crate) granted: Option<Grant>,
}

/// What a refused or failed request is answered and counted by.
pub(crate) struct Failed {
    pub(crate) request: RequestId,
    pub(crate) session: Option<SessionId>,
    /// The command's name as it was sent.
    pub(crate) command: Option<CommandName>,
    pub(crate) fault: Fault,
}

impl Failed {
    /// Of a request of which nothing but its id is known.
    pub(crate) fn unread(request: RequestId, fault: Fault) -> Self {
        Self {
            request,
            session: None,
            command: None,
            fault,
        }
    }
}

/// Runs the gates of a message of `bytes` bytes and settles its deadline.
pub(crate) fn admit(
    edge: &Edge,
    permit: &Permit,
    mut request: OpsRequest,
    bytes: usize,
    received: Instant,
) -> Result<Admitted, Box<Failed>> {
    let command = request.command.known();
    let owned = request.session_id.clone().zip(request.lease_id.clone());
    let owned = owned.filter(|(session, lease)| edge.service.lease_matches(session, lease));
    let session = owned.as_ref().map(|(session, _)| session);
    let opening =
        (command == Some(CommandName::SessionCreate)).then(|| opener(edge, permit, session));
    let charge = Charge {
        bucket: Bucket::of(command),
        cost: rate::cost(command, &request.params),
        ..payable(permit, session)
    };
    let facts = Facts {
        payload: u64::try_from(bytes).ok(),
        charge: Some(charge),
        opening: opening.as_ref().map(Opening::Ops),
        request: Some(&request),
        time: Some(Time {
            asked: request.timeout_ms,
            default: command.map(|command| command.spec().default_timeout_ms),
        }),
        ..Facts::on(RouteLabel::Ops)
    };
    let phases = [Phase::Session, Phase::Message, Phase::Command];
    match edge.admission.pass(permit, &phases, &facts) {
        Ok(found) => {
            request.timeout_ms = Some(found.timeout_ms);
            Ok(Admitted {
                request,
                command,
                caller: caller(edge, permit),
                received,
                opening,
                confirm: found.confirm,
                owned,
            })
        }
        Err(fault) => Err(Box::new(Failed {
            request: request.request_id,
            session: request.session_id,
            command,
            fault,
        })),
    }
}

/// Who asks, for the service.
fn caller(edge: &Edge, permit: &Permit) -> Caller {
    let legacy = edge.routing.legacy_for(permit.asker(), permit.component());
    Caller {
        client_id: permit.client().clone(),
        admin: permit.is_admin(),
        legacy: Some(legacy),
    }
}

/// The charge of one command: of the session whose lease the sender holds, else of the sender.
fn payable<'a>(permit: &'a Permit, session: Option<&'a SessionId>) -> Charge<'a> {
    let charge = Charge::of(permit, Bucket::Commands);
    match session {
        Some(session) => Charge {
            payer: Payer::Session(session),
            ..charge
        },
        None => charge,
    }
}

/// Who asks for a session. One that holds another session's lease is vouched for by the owner of that, where nothing ranks before
/// it.
fn opener(edge: &Edge, permit: &Permit, owned: Option<&SessionId>) -> Asker {
    let mut asker = permit.asker().clone();
    if let Some(session) = owned {
        asker.by_lease = Some(session.clone());
        if let Some(owner) = edge.routing.lease_owner(session) {
            asker.identities = asker.identities.with(owner);
        }
    }
    asker
}

/// Runs an admitted request to its answer. Dropping the future abandons the answer, not the command.
pub(crate) async fn run(edge: Arc<Edge>, admitted: Admitted) -> Answer {
    let Admitted {
        mut request,
        command,
        caller,
        received,
        opening,
        confirm,
        ..
    } = admitted;
    let asked = match &confirm {
        Some(ask) => confirmed(&edge, ask, &mut request, &caller).await,
        None => Ok(()),
    };
    let subject = Subject {
        request: request.request_id.clone(),
        session: request.session_id.clone(),
        command,
    };
    if let Err(fault) = asked {
        return fail(&edge, subject.failed(fault), None, None, received);
    }
    match execute(&edge, request, caller, received).await {
        Ok(reply) => {
            let reply = routed(&edge, opening.as_ref(), reply);
            finish(&edge, subject, reply, received)
        }
        Err(fault) => {
            let reached = Some(edge.traffic.metrics.served(None));
            fail(&edge, subject.failed(fault), reached, None, received)
        }
    }
}

/// What an answer is about.
struct Subject {
    request: RequestId,
    session: Option<SessionId>,
    command: Option<CommandName>,
}

impl Subject {
    fn failed(self, fault: Fault) -> Failed {
        Failed {
            request: self.request,
            session: self.session,
            command: self.command,
            fault,
        }
    }
}

/// Has the service run a request. A bug in the runtime must neither hang nor take down the connection of its client.
///
/// # Errors
/// `relay_internal` where it panics or does not keep the deadline.
async fn execute(
    edge: &Edge,
    request: OpsRequest,
    caller: Caller,
    received: Instant,
) -> Outcome<Reply> {
    let limit = Duration::from_millis(request.timeout_ms.unwrap_or(0))
        .saturating_add(edge.config.timeouts.grace);
    let execution = edge.service.execute(request, caller, received);
    let guarded = AssertUnwindSafe(execution).catch_unwind();
    let why = match tokio::time::timeout(limit, guarded).await {
        Ok(Ok(reply)) => return Ok(reply),
        Ok(Err(_)) => "the runtime panicked",
        Err(_) => "the runtime did not keep the request's deadline",
    };
    Err(Fault::new(ErrorCode::RelayInternal, why))
}

/// Waits until another credential has approved of a request. What is left of its deadline is left for the command.
async fn confirmed(
    edge: &Edge,
    ask: &ToConfirm,
    request: &mut OpsRequest,
    caller: &Caller,
) -> Outcome<()> {
    // Nobody is asked about what would be refused anyway: without a lease no place among those who wait is taken.
    edge.service.admits(request, caller)?;
    let deadline =
        tokio::time::Instant::now() + Duration::from_millis(request.timeout_ms.unwrap_or(0));
    let (access, now) = (&edge.admission.access, edge.now());
    access.confirmed(ask, request, now, deadline).await?;
    let left = deadline.saturating_duration_since(tokio::time::Instant::now());
    request.timeout_ms = Some(u64::try_from(left.as_millis()).unwrap_or(u64::MAX).max(1));
    Ok(())
}

/// Notes whose session was made. One that routing no longer gives to its asker is ended instead of given out: it was made
/// while the controls changed, and is none of the sessions that the active-session policy lets go on.
fn routed(edge: &Edge, opening: Option<&Asker>, reply: Reply) -> Reply {
    let Some(Grant {
        session_id,
        lease_id,
    }) = &reply.granted
    else {
        return reply;
    };
    let Some(asker) = opening else {
        edge.routing.reclaimed(session_id, lease_id);
        return reply;
    };
    match edge.routing.made(session_id, lease_id, asker) {
        Ok(()) => reply,
        Err(fault) => {
            tokio::spawn(
                edge.service
                    .end_these(EndSessions::Terminate, &HashSet::from([session_id.clone()])),
            );
            Reply {
                session_id: None,
                granted: None,
                outcome: Err(fault.with("gate", "route")),
                ..reply
            }
        }
    }
}

fn finish(edge: &Edge, asked: Subject, reply: Reply, received: Instant) -> Answer {
    let subject = Subject {
        session: reply.session_id.or(asked.session),
        ..asked
    };
    let served = Some(edge.traffic.metrics.served(reply.served));
    let timing = Timing {
        total_ms: millis_since(received),
        ..reply.timing
    };
    let (request, session) = (&subject.request, subject.session.as_ref());
    let composed = reply.outcome.and_then(|result| {
        let text = reply::response(request, session, &result, &timing);
        fits(&text).map(|()| text)
    });
    let text = match composed {
        Ok(text) => text,
        Err(fault) => return fail(edge, subject.failed(fault), served, Some(timing), received),
    };
    let Subject {
        request,
        session,
        command,
    } = subject;
    let series = Series::ops(command, served);
    edge.traffic.ended(series, None, timing.total_ms);
    log(request.clone(), session, command, None, timing.total_ms);
    Answer {
        request,
        text,
        code: None,
        retry_after_ms: None,
        granted: reply.granted,
    }
}

/// Whether a response is within the cap of all responses.
fn fits(text: &str) -> Outcome<()> {
    let bytes = text.len();
    if bytes <= RESPONSE_CAP {
        return Ok(());
    }
    let message = format!("the response has {bytes} bytes and may have at most {RESPONSE_CAP}");
    Err(Fault::new(ErrorCode::RelayResponseTooLarge, message)
        .with("bytes", bytes)
        .with("limitBytes", RESPONSE_CAP))
}

/// The line of a request, in a task of its own: that is behind the task that sends the answer.
fn log(
    request: RequestId,
    session: Option<SessionId>,
    command: Option<CommandName>,
    code: Option<ErrorCode>,
    total_ms: f64,
) {
    tokio::spawn(async move {
        tracing::info!(
            target: "ops",
            requestId = %request,
            sessionId = session.as_ref().map(tracing::field::display),
            command = %command.map_or("other", CommandName::as_str),
            outcome = %if code.is_none() { "success" } else { "error" },
            code = code.map(tracing::field::display),
            totalMs = total_ms,
            "request"
        );
    });
}

/// The answer to a request that the edge refuses.
pub(crate) fn refuse(edge: &Edge, failed: Failed, received: Instant) -> Answer {
    fail(edge, failed, None, None, received)
}

fn fail(
    edge: &Edge,
    failed: Failed,
    served: Option<Served>,
    timing: Option<Timing>,
    received: Instant,
) -> Answer {
    let Failed {
        request,
        session,
        command,
        fault,
    } = failed;
    edge.traffic.refused(&fault);
    let (code, retry_after_ms) = (fault.code, fault.retry_after_ms);
    let total_ms = millis_since(received);
    edge.traffic
        .ended(Series::ops(command, served), Some(code), total_ms);
    log(
        request.clone(),
        session.clone(),
        command,
        Some(code),
        total_ms,
    );
    let text = reply::error(request.clone(), session, fault, timing);
    Answer {
        request,
        text,
        code: Some(code),
        retry_after_ms,
        granted: None,
    }
}

/// Cancels a request; whether there was one to cancel.
pub(crate) async fn cancel(
    edge: &Edge,
    permit: &Permit,
    cancel: &OpsCancel,
    bytes: usize,
) -> Outcome<bool> {
    let owned = cancel.session_id.as_ref().zip(cancel.lease_id.as_ref());
    let owned = owned.filter(|(session, lease)| edge.service.lease_matches(session, lease));
    let charge = Charge {
        bucket: Bucket::Control,
        ..payable(permit, owned.map(|(session, _)| session))
    };
    message(edge, permit, charge, bytes)?;
    let cancelled = edge.service.cancel(cancel.clone()).await;
    tracing::info!(
        target: "ops",
        requestId = %cancel.request_id,
        sessionId = cancel.session_id.as_ref().map(tracing::field::display),
        cancelled,
        "cancel"
    );
    Ok(cancelled)
}

/// Runs the gates of a message that runs no command.
fn message(edge: &Edge, permit: &Permit, charge: Charge<'_>, bytes: usize) -> Outcome<()> {
    let facts = Facts {
        payload: u64::try_from(bytes).ok(),
        charge: Some(charge),
        ..Facts::on(RouteLabel::Ops)
    };
    let passed = edge.admission.pass(permit, &[Phase::Message], &facts);
    passed.map(drop)
}

/// Hands a health envelope to the store.
///
/// # Errors
/// That of the gates, `relay_health_invalid` naming the field, or `relay_frame_type_unknown` where the relay keeps no health.
pub(crate) fn health(edge: &Edge, permit: &Permit, text: &str) -> Outcome<()> {
    let charge = Charge::of(permit, Bucket::Control);
    message(edge, permit, charge, text.len())?;
    let none = || {
        Fault::new(
            ErrorCode::RelayFrameTypeUnknown,
            "this relay keeps no adapter health",
        )
    };
    edge.health()
        .ok_or_else(none)?
        .ingest(text, permit.client())
        .map(drop)
}

/// Milliseconds since `start`, to the microsecond.
pub(crate) fn millis_since(start: Instant) -> f64 {
    (start.elapsed().as_secs_f64() * 1_000_000.0).round() / 1_000.0
}
