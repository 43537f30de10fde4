//! `session …` and `close`.

use ops_client::{RawCall, Reply, patience};
use ops_contracts::wire::command::session::{
    ListResult, ObserveParams, ObserveResult, ReclaimResult,
};
use ops_contracts::wire::command::{CommandName, Empty};
use ops_contracts::{ErrorCode, Fault};

use crate::args::verb::Session;
use crate::context::{Context, DEFAULT_SESSION_FILE, Held};
use crate::daemon;
use crate::failure::{Failure, Outcome};
use crate::making;
use crate::render;
use crate::request::{Request, View};
use crate::state::StoredSession;

/// Runs the verb; the exit code. None of them starts a relay.
pub(crate) async fn run(context: &Context<'_>, verb: &Session) -> Outcome<u8> {
    if context.global.tab.is_some() {
        return Err(Failure::usage("--tab has no meaning for this verb"));
    }
    match verb {
        Session::Create { making, bounds } => making::run(context, making, bounds).await,
        Session::List => list(context).await,
        Session::Status => plain(context, CommandName::SessionStatus).await,
        Session::Renew => plain(context, CommandName::SessionRenew).await,
        Session::Observe { name, ttl } => observe(context, name.as_deref(), *ttl).await,
        Session::Reclaim => reclaim(context).await,
        Session::Use { name } => choose(context, name),
        Session::Close { name } => close(context, name.clone()).await,
    }
}

fn request(command: CommandName) -> Outcome<Request> {
    let params = serde_json::value::to_raw_value(&Empty {})
        .map_err(|error| Failure::usage(error.to_string()))?;
    Ok(Request {
        command,
        params,
        view: View::Plain,
    })
}

async fn plain(context: &Context<'_>, command: CommandName) -> Outcome<u8> {
    let request = request(command)?;
    let reply = context.send(&context.held()?, &request).await?;
    context.present(&request, reply)
}

async fn list(context: &Context<'_>) -> Outcome<u8> {
    let request = request(CommandName::SessionList)?;
    let relay = daemon::running(context)?;
    let call = RawCall {
        timeout: context.global.timeout(),
        ..RawCall::new(request.command.as_str(), &request.params)
    };
    let reply = patience::call(&relay.endpoint, &call).await?;
    let (false, Ok(Ok((result, _)))) = (
        context.out.is_json(),
        reply.result().map(|_| reply.typed::<ListResult>()),
    ) else {
        return context.present(&request, reply);
    };
    let mut named = Vec::new();
    for name in context.home.session_names()? {
        // What is on the legacy lane is not in the relay's list.
        if context.home.legacy_session(&name)?.is_some() {
            continue;
        }
        if let Some(session) = context.home.session(&name)? {
            named.push((session.session_id, name));
        }
    }
    context.out.line(&render::session::list(
        &result,
        &named,
        &context.session_name()?,
    ));
    Ok(0)
}

fn choose(context: &Context<'_>, name: &str) -> Outcome<u8> {
    if context.home.legacy_session(name)?.is_none() && context.home.session(name)?.is_none() {
        let fault = Fault::new(
            ErrorCode::CliSessionMissing,
            format!("no session {name:?} is open"),
        )
        .with("session", name);
        return Err(fault.into());
    }
    context
        .home
        .write(DEFAULT_SESSION_FILE, &format!("{name}\n"))?;
    if context.out.is_json() {
        context
            .out
            .line(&serde_json::json!({ "session": name }).to_string());
    } else {
        context.out.line(&format!(
            "commands without --session now act on session {name}"
        ));
    }
    Ok(0)
}

/// Makes an observer of the session in force, and keeps it as a session of its own name where one is given.
async fn observe(context: &Context<'_>, name: Option<&str>, ttl_ms: Option<u64>) -> Outcome<u8> {
    if let Some(name) = name
        && context.home.session(name)?.is_some()
    {
        return Err(Failure::usage(format!(
            "a session {name:?} is open here: choose another name, or close it first"
        )));
    }
    let params = serde_json::value::to_raw_value(&ObserveParams { ttl_ms })
        .map_err(|error| Failure::usage(error.to_string()))?;
    let request = Request {
        command: CommandName::SessionObserve,
        params,
        view: View::Plain,
    };
    let held = context.held()?;
    let reply = context.send(&held, &request).await?;
    let (Some(name), true) = (name, reply.result().is_ok()) else {
        return context.present(&request, reply);
    };
    let (observer, _) = reply.typed::<ObserveResult>()?;
    let session = StoredSession {
        lease_id: observer.observer_lease_id,
        ..held.session
    };
    context.home.store_session(name, &session)?;
    if context.out.is_json() {
        return context.present(&request, reply);
    }
    context.out.line(&format!(
        "session {name} reads session {}, until {}",
        held.name, observer.expires_at
    ));
    Ok(0)
}

async fn reclaim(context: &Context<'_>) -> Outcome<u8> {
    let request = request(CommandName::SessionReclaim)?;
    let mut held = context.held()?;
    let reply = context.send(&held, &request).await?;
    if reply.result().is_ok() {
        let (reclaimed, _) = reply.typed::<ReclaimResult>()?;
        held.session.lease_id = reclaimed.lease_id;
        context.home.store_session(&held.name, &held.session)?;
    }
    context.present(&request, reply)
}

/// Closes the session of a name, or the one in force, and forgets it; an observer, which can't close what it reads, is only forgotten.
pub(crate) async fn close(context: &Context<'_>, name: Option<String>) -> Outcome<u8> {
    let name = match name {
        Some(name) => name,
        None => context.session_name()?,
    };
    let request = request(CommandName::SessionClose)?;
    let held = context.held_as(name)?;
    let reply = context.send(&held, &request).await?;
    // A lease that is nobody's any more opens nothing: its name is free again.
    let over = is_gone(&reply) || reply.code() == Some(ErrorCode::OpsNotOwner);
    let observed = reply.code() == Some(ErrorCode::OpsObserverReadOnly);
    if reply.result().is_ok() || over || observed {
        forget(context, &held)?;
    }
    if !observed {
        return context.present(&request, reply);
    }
    if context.out.is_json() {
        context
            .out
            .line(&serde_json::json!({ "session": held.name, "forgotten": true }).to_string());
    } else {
        context.out.line(&format!(
            "{} is forgotten here; the session that it read goes on",
            held.name
        ));
    }
    Ok(0)
}

fn is_gone(reply: &Reply) -> bool {
    matches!(
        reply.code(),
        Some(
            ErrorCode::OpsSessionUnknown | ErrorCode::OpsLeaseExpired | ErrorCode::OpsSessionClosed
        )
    )
}

fn forget(context: &Context<'_>, held: &Held) -> Outcome<()> {
    context.home.forget_session(&held.name)?;
    if context
        .home
        .read(DEFAULT_SESSION_FILE)?
        .is_some_and(|name| name.trim() == held.name)
    {
        context.home.remove(DEFAULT_SESSION_FILE)?;
    }
    Ok(())
}
