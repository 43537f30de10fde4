//! `open`: a page, in the session that there is, or in a new one.

use ops_client::Reply;
use ops_contracts::ErrorCode;
use ops_contracts::wire::command::session::CreateParams;

use crate::args::verb::Open;
use crate::context::{Context, Held};
use crate::daemon;
use crate::failure::Outcome;
use crate::keep;
use crate::making;
use crate::request::{self, Request};

/// Runs the verb; the exit code.
pub(crate) async fn run(context: &Context<'_>, open: &Open) -> Outcome<u8> {
    let request = request::goto_url(
        &open.url,
        open.until.wait_until,
        context.global.tab.as_ref(),
    )?;
    let params = CreateParams {
        boundary: context.global.boundary,
        ..making::params(&open.making, &open.bounds)?
    };
    let name = context.session_name()?;
    let relay = daemon::ensure(context).await?;
    relay.preflight(context)?;
    let relay = match making::usable(context, &name, &relay)? {
        None => relay,
        Some(session) => {
            making::check_flags(&open.making, &open.bounds, &session.params, &name)?;
            let held = Held {
                name: name.clone(),
                session,
                relay,
            };
            let reply = go(context, &held, open, &request).await?;
            if !is_over(&reply) {
                return context.present(&request, reply);
            }
            held.relay
        }
    };
    let (held, _) = making::create(context, name, relay, params).await?;
    let reply = go(context, &held, open, &request).await?;
    context.present(&request, reply)
}

/// Prepares the session as the flags say and opens the page; the first refusal otherwise.
async fn go(context: &Context<'_>, held: &Held, open: &Open, request: &Request) -> Outcome<Reply> {
    if let Some(path) = &open.making.state {
        let (_, reply) = keep::load(context, held, path, false).await?;
        if reply.result().is_err() {
            return Ok(reply);
        }
    }
    let made_so = held
        .session
        .params
        .device
        .as_ref()
        .map(|device| (&device.name, device.landscape));
    if let Some(name) = &open.making.device
        && made_so != Some((name, open.making.landscape))
    {
        let reply = context
            .send(held, &request::device(name, open.making.landscape)?)
            .await?;
        if reply.result().is_err() {
            return Ok(reply);
        }
    }
    context.send(held, request).await
}

/// Whether the answer says that the session is no more, before anything was done.
fn is_over(reply: &Reply) -> bool {
    matches!(
        reply.code(),
        Some(
            ErrorCode::OpsSessionUnknown | ErrorCode::OpsLeaseExpired | ErrorCode::OpsSessionClosed
        )
    )
}
