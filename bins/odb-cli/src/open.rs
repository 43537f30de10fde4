//! `open`: a page, in the session that there is, or in a new one.

use client_core::session::is_over;
use client_core::{OpenSession, Outcome, Request};
use ops_client::Reply;
use ops_contracts::wire::command::session::CreateParams;

use crate::args::verb::Open;
use crate::context::Context;
use crate::making;

/// Runs the verb; the exit code.
pub(crate) async fn run(context: &Context<'_>, open: &Open) -> Outcome<u8> {
    let tab = context.global.tab.as_ref();
    let goto = Request::goto(&open.url, open.until.wait_until, tab)?;
    let params = CreateParams {
        boundary: context.global.boundary,
        ..making::params(&open.making, &open.bounds)?
    };
    let name = context.session_name()?;
    let relay = context.ensure_relay().await?;
    relay.preflight(&context.client)?;
    let relay = match context.client.usable_session(&name, &relay)? {
        None => relay,
        Some(stored) => {
            making::check_flags(&open.making, &open.bounds, &stored.params, &name)?;
            let session = OpenSession {
                name: name.clone(),
                stored,
                relay,
                sending: context.sending(),
            };
            let reply = go(&session, open, &goto).await?;
            // Nothing was done then: the same name gets a new session.
            if !is_over(reply.code()) {
                return context.answer(goto.command, reply);
            }
            session.relay
        }
    };
    let created = context
        .client
        .create_session(name, relay, params, context.sending());
    let (session, _) = created.await?;
    let reply = go(&session, open, &goto).await?;
    context.answer(goto.command, reply)
}

/// Prepares the session as the flags say and opens the page; the first refusal otherwise.
async fn go(session: &OpenSession, open: &Open, goto: &Request) -> Outcome<Reply> {
    if let Some(path) = &open.making.state {
        let (_, reply) = session.load_state(path, false).await?;
        if reply.result().is_err() {
            return Ok(reply);
        }
    }
    let made_with = session.stored.params.device.as_ref();
    let made_with = made_with.map(|device| (&device.name, device.landscape));
    if let Some(name) = &open.making.device
        && made_with != Some((name, open.making.landscape))
    {
        let reply = session
            .send(&Request::device(name, open.making.landscape)?)
            .await?;
        if reply.result().is_err() {
            return Ok(reply);
        }
    }
    session.send(goto).await
}
