//! One command from its frame to its answer, the same for both transports: admit, run, compose, count, log.
//!
//! It reads and writes no socket.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use ops_contracts::seam::port::{Caller, EndSessions, Reply, Served};
use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::command::session::Grant;
use ops_contracts::wire::frame::{OpsCancel, OpsRequest, RESPONSE_CAP, Timing};
use ops_contracts::wire::ids::{LeaseId, RequestId, SessionId};
use ops_contracts::{ErrorCode, Fault, Outcome};

use crate::access::ToConfirm;
use crate::gate::{self, Facts, Permit};
use crate::metrics::Series;
use crate::rate::{self, Bucket, Charge, Payer};
use crate::reply;
use crate::routing::Asker;
use crate::server::Edge;

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

/// What a refused or failed request is told and counted by.
pub(crate) struct Failed {
    pub(crate) request: RequestId,
    pub(crate) session: Option<SessionId>,
    /// The command's name as it was sent.
    pub(crate) command: Option<CommandName>,
    pub(crate) fault: Fault,
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
    let outcome = check(edge, permit, &request, command, owned.as_ref(), bytes);
    match outcome {
        Ok((timeout_ms, confirm)) => {
            request.timeout_ms = Some(timeout_ms);
            let caller = Caller {
                client_id: permit.client().clone(),
                admin: permit.is_admin(),
                legacy: Some(edge.routing.legacy_for(permit.asker(), permit.component())),
            };
            let opening = (command == Some(CommandName::SessionCreate))
                .then(|| opener(edge, permit, owned.as_ref()));
            Ok(Admitted {
                request,
                command,
                caller,
                received,
                opening,
                confirm,
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

/// The deadline of a request that may run, in milliseconds, and who has to agree before.
fn check(
    edge: &Edge,
    permit: &Permit,
    request: &OpsRequest,
    command: Option<CommandName>,
    owned: Option<&(SessionId, LeaseId)>,
    bytes: usize,
) -> Outcome<(u64, Option<ToConfirm>)> {
    let payer = owned.map_or(Payer::Peer(permit.client()), |(session, _)| {
        Payer::Session(session)
    });
    let charge = Charge {
        payer,
        bucket: Bucket::of(command),
        cost: rate::cost(command, &request.params),
    };
    let opening =
        (command == Some(CommandName::SessionCreate)).then(|| opener(edge, permit, owned));
    let opening = opening.as_ref();
    let facts = Facts {
        payload: u64::try_from(bytes).ok(),
        charge: Some(charge),
        opening,
        ..Facts::default()
    };
    gate::message(permit, &facts, &edge.policy)?;
    if edge.draining.load(Ordering::Acquire) {
        return Err(ErrorCode::RelayOpsDraining.into());
    }
    let confirm = edge
        .access
        .judge(permit, request)
        .map_err(|fault| fault.with("gate", "policy"))?;
    Ok((deadline(edge, request.timeout_ms, command)?, confirm))
}

/// Who asks for a session. One that holds another session's lease is vouched for by the owner of that, where nothing ranks before
/// it.
fn opener(edge: &Edge, permit: &Permit, owned: Option<&(SessionId, LeaseId)>) -> Asker {
    let mut asker = permit.asker().clone();
    if let Some((session, _)) = owned {
        asker.by_lease = Some(session.clone());
        if let Some(owner) = edge.routing.lease_owner(session) {
            asker.identities = asker.identities.with(owner);
        }
    }
    asker
}

fn deadline(edge: &Edge, asked: Option<u64>, command: Option<CommandName>) -> Outcome<u64> {
    let cap = edge.policy.limits.ops.max_timeout_ms;
    match asked {
        Some(asked) if asked > cap => {
            let message =
                format!("timeoutMs is {asked} and may be at most {cap}: repeat the wait instead");
            let profile = &edge.policy.limits.name;
            Err(Fault::new(ErrorCode::RelayTimeoutCapExceeded, message)
                .with("timeoutMs", asked)
                .with("capMs", cap)
                .with("profile", profile))
        }
        Some(asked) => Ok(asked),
        None => Ok(command.map_or(cap, |command| command.spec().default_timeout_ms.min(cap))),
    }
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
    if let Some(ask) = &confirm
        && let Err(fault) = confirmed(&edge, ask, &mut request, &caller).await
    {
        let failed = Failed {
            request: request.request_id,
            session: request.session_id,
            command,
            fault,
        };
        return fail(&edge, failed, None, None, received);
    }
    let (id, session) = (request.request_id.clone(), request.session_id.clone());
    let limit = Duration::from_millis(request.timeout_ms.unwrap_or(0))
        .saturating_add(edge.config.timeouts.grace);
    let execution = edge.service.execute(request, caller, received);
    // A bug in the runtime must neither hang nor take down the connection of its client.
    let guarded = tokio::time::timeout(limit, AssertUnwindSafe(execution).catch_unwind());
    let reached = Some(edge.metrics.served(None));
    match guarded.await {
        Ok(Ok(reply)) => finish(
            &edge,
            id,
            session,
            command,
            routed(&edge, opening.as_ref(), reply),
            received,
        ),
        Ok(Err(_)) => fail(
            &edge,
            failed_inside(id, session, command, "the runtime panicked"),
            reached,
            None,
            received,
        ),
        Err(_) => {
            let failed = failed_inside(
                id,
                session,
                command,
                "the runtime did not keep the request's deadline",
            );
            fail(&edge, failed, reached, None, received)
        }
    }
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
    edge.access.confirmed(edge, ask, request, deadline).await?;
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

fn failed_inside(
    request: RequestId,
    session: Option<SessionId>,
    command: Option<CommandName>,
    why: &str,
) -> Failed {
    Failed {
        request,
        session,
        command,
        fault: Fault::new(ErrorCode::RelayInternal, why),
    }
}

fn finish(
    edge: &Edge,
    id: RequestId,
    asked: Option<SessionId>,
    command: Option<CommandName>,
    reply: Reply,
    received: Instant,
) -> Answer {
    let session = reply.session_id.or(asked);
    let served = Some(edge.metrics.served(reply.served));
    let timing = Timing {
        total_ms: millis_since(received),
        ..reply.timing
    };
    let result = match reply.outcome {
        Ok(result) => result,
        Err(fault) => {
            return fail(
                edge,
                Failed {
                    request: id,
                    session,
                    command,
                    fault,
                },
                served,
                Some(timing),
                received,
            );
        }
    };
    let text = reply::response(&id, session.as_ref(), &result, &timing);
    if text.len() > RESPONSE_CAP {
        let message = format!(
            "the response has {} bytes and may have at most {RESPONSE_CAP}",
            text.len()
        );
        let fault = Fault::new(ErrorCode::RelayResponseTooLarge, message)
            .with("bytes", text.len())
            .with("limitBytes", RESPONSE_CAP);
        return fail(
            edge,
            Failed {
                request: id,
                session,
                command,
                fault,
            },
            served,
            Some(timing),
            received,
        );
    }
    edge.count(Series::ops(command, served), None, timing.total_ms);
    log(id.clone(), session, command, None, timing.total_ms);
    Answer {
        request: id,
        text,
        code: None,
        retry_after_ms: None,
        granted: reply.granted,
    }
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
    edge.count_refusal(&fault);
    let (code, retry_after_ms) = (fault.code, fault.retry_after_ms);
    let total_ms = millis_since(received);
    edge.count(Series::ops(command, served), Some(code), total_ms);
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
    let payer = owned.map_or(Payer::Peer(permit.client()), |(session, _)| {
        Payer::Session(session)
    });
    let charge = Charge {
        payer,
        bucket: Bucket::Control,
        cost: 1,
    };
    let facts = Facts {
        payload: u64::try_from(bytes).ok(),
        charge: Some(charge),
        ..Facts::default()
    };
    gate::message(permit, &facts, &edge.policy)?;
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

/// Hands a health envelope to the store.
///
/// # Errors
/// That of the gates, `relay_health_invalid` naming the field, or `relay_frame_type_unknown` where the relay keeps no health.
pub(crate) fn health(edge: &Edge, permit: &Permit, text: &str) -> Outcome<()> {
    let charge = Charge {
        payer: Payer::Peer(permit.client()),
        bucket: Bucket::Control,
        cost: 1,
    };
    let facts = Facts {
        payload: u64::try_from(text.len()).ok(),
        charge: Some(charge),
        ..Facts::default()
    };
    gate::message(permit, &facts, &edge.policy)?;
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
