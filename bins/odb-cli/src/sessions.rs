//! `session …` and `close`.

use client_core::session::Closed;
use client_core::{Failure, Outcome, render};
use ops_contracts::wire::command::{CommandName, Empty};

use crate::args::verb::Session;
use crate::context::Context;
use crate::making;
use crate::request::of;

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

async fn plain(context: &Context<'_>, command: CommandName) -> Outcome<u8> {
    context.run(&of(command, &Empty {})?).await
}

async fn list(context: &Context<'_>) -> Outcome<u8> {
    let (list, reply) = context
        .client
        .list_sessions(context.global.timeout())
        .await?;
    let (false, Some(list)) = (context.out.is_json(), list) else {
        return context.answer(CommandName::SessionList, reply);
    };
    let named = context.client.home.named_sessions()?;
    context.out.line(&render::session::list(
        &list,
        &named,
        &context.session_name()?,
    ));
    Ok(0)
}

fn choose(context: &Context<'_>, name: &str) -> Outcome<u8> {
    context.client.home.choose_session(name)?;
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
    let home = &context.client.home;
    if let Some(name) = name
        && home.session(name)?.is_some()
    {
        return Err(Failure::usage(format!(
            "a session {name:?} is open here: choose another name, or close it first"
        )));
    }
    let session = context.session()?;
    let (observer, reply) = session.observe(home, name, ttl_ms).await?;
    match (name, observer) {
        (Some(name), Some(observer)) if !context.out.is_json() => {
            context.out.line(&format!(
                "session {name} reads session {}, until {}",
                session.name, observer.expires_at
            ));
            Ok(0)
        }
        _ => context.answer(CommandName::SessionObserve, reply),
    }
}

async fn reclaim(context: &Context<'_>) -> Outcome<u8> {
    let mut session = context.session()?;
    let reply = session.reclaim(&context.client.home).await?;
    context.answer(CommandName::SessionReclaim, reply)
}

/// Closes the session in force; the exit code.
pub(crate) async fn close_current(context: &Context<'_>) -> Outcome<u8> {
    close(context, None).await
}

/// Closes the session of a name, or the one in force, and forgets it; an observer, which can't close what it reads, is only forgotten.
async fn close(context: &Context<'_>, name: Option<String>) -> Outcome<u8> {
    let name = match name {
        Some(name) => name,
        None => context.session_name()?,
    };
    let session = context.client.session(name, context.sending())?;
    match session.close(&context.client.home).await? {
        Closed::Answered(reply) => context.answer(CommandName::SessionClose, reply),
        Closed::Forgotten if context.out.is_json() => {
            let json = serde_json::json!({ "session": session.name, "forgotten": true });
            context.out.line(&json.to_string());
            Ok(0)
        }
        Closed::Forgotten => {
            context.out.line(&format!(
                "{} is forgotten here; the session that it read goes on",
                session.name
            ));
            Ok(0)
        }
    }
}
