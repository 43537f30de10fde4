//! `open`: a page, in the session that there is, or in a new one.

use ops_client::{RawCall, Reply, patience, post};
use ops_contracts::ErrorCode;
use ops_contracts::capability::BrowserKind;
use ops_contracts::command::session::{CreateParams, DialogPolicy};
use ops_contracts::command::{CommandName, Params};
use ops_contracts::ids::{LeaseId, SessionId};
use serde::Deserialize;

use crate::args::verb::Open;
use crate::cdp;
use crate::context::{Context, Held};
use crate::daemon::{self, Relay};
use crate::failure::{Failure, Outcome};
use crate::keep;
use crate::request::{self, Request};
use crate::state::StoredSession;

/// How long a session of the command line lives without being used: 12 hours.
const LEASE_TTL_MS: u64 = 43_200_000;

/// Runs the verb; the exit code.
pub(crate) async fn run(context: &Context<'_>, open: &Open) -> Outcome<u8> {
    let request = request::goto_url(&open.url, open.until.wait_until, context.global.tab.as_ref())?;
    let params = create_params(open)?;
    let name = context.session_name()?;
    let relay = daemon::ensure(context).await?;
    relay.preflight(context)?;
    if let Some(session) = usable(context, &name, &relay)? {
        check_flags(open, &session.params, &name)?;
        let held = Held { name: name.clone(), session, relay };
        let reply = go(context, &held, open, &request).await?;
        if !is_over(&reply) {
            return context.present(&request, reply);
        }
        let held = create(context, name, held.relay, params).await?;
        let reply = go(context, &held, open, &request).await?;
        return context.present(&request, reply);
    }
    let held = create(context, name, relay, params).await?;
    let reply = go(context, &held, open, &request).await?;
    context.present(&request, reply)
}

/// Prepares the session as the flags say and opens the page; the first refusal otherwise.
async fn go(context: &Context<'_>, held: &Held, open: &Open, request: &Request) -> Outcome<Reply> {
    if let Some(path) = &open.state {
        let (_, reply) = keep::load(context, held, path, false).await?;
        if reply.result().is_err() {
            return Ok(reply);
        }
    }
    if let Some(name) = &open.device {
        let reply = context.send(held, &request::device(name)?).await?;
        if reply.result().is_err() {
            return Ok(reply);
        }
    }
    context.send(held, request).await
}

/// The stored session, unless it ended with another relay.
fn usable(context: &Context<'_>, name: &str, relay: &Relay) -> Outcome<Option<StoredSession>> {
    let stored = context.home.session(name)?;
    Ok(stored.filter(|session| match &relay.instance_id {
        Some(instance) => *instance == session.instance_id,
        None => session.relay_url == relay.endpoint.url.to_string(),
    }))
}

/// Whether the answer says that the session is no more, before anything was done.
fn is_over(reply: &Reply) -> bool {
    matches!(reply.code(), Some(ErrorCode::OpsSessionUnknown | ErrorCode::OpsLeaseExpired | ErrorCode::OpsSessionClosed))
}

fn create_params(open: &Open) -> Outcome<CreateParams> {
    let params = CreateParams {
        browser: open.browser.unwrap_or_default(),
        headed: open.headed,
        viewport: open.viewport,
        profile: open.profile.clone(),
        dialog_policy: open.dialogs.unwrap_or_default(),
        allow_schemes: open.allow_scheme.clone(),
        lease_ttl_ms: Some(LEASE_TTL_MS),
        allow_domains: open.bounds.allow_domain.clone(),
        deny_domains: open.bounds.deny_domain.clone(),
        ..CreateParams::default()
    };
    params.validate().map_err(|error| Failure::usage(error.to_string()))?;
    Ok(params)
}

/// Flags for a new session that say otherwise than the open one was made with are refused: they would be passed over.
fn check_flags(open: &Open, made: &CreateParams, name: &str) -> Outcome<()> {
    let differs = |given: bool, flag: &'static str| given.then_some(flag);
    let flags = [
        differs(open.browser.is_some_and(|browser: BrowserKind| browser != made.browser), "--browser"),
        differs(open.headed && !made.headed, "--headed"),
        differs(open.profile.is_some() && open.profile != made.profile, "--profile"),
        differs(open.viewport.is_some() && open.viewport != made.viewport, "--viewport"),
        differs(open.dialogs.is_some_and(|policy: DialogPolicy| policy != made.dialog_policy), "--dialogs"),
        differs(open.allow_scheme.iter().any(|scheme| !made.allow_schemes.contains(scheme)), "--allow-scheme"),
        differs(!open.bounds.allow_domain.is_empty() && open.bounds.allow_domain != made.allow_domains, "--allow-domain"),
        differs(!open.bounds.deny_domain.is_empty() && open.bounds.deny_domain != made.deny_domains, "--deny-domain"),
    ];
    let flags: Vec<&str> = flags.into_iter().flatten().collect();
    if flags.is_empty() {
        return Ok(());
    }
    let flags = flags.join(", ");
    Err(Failure::usage(format!(
        "session {name:?} is open and was made without this {flags}: close it first, or use another --session"
    )))
}

/// What of `session.create`'s result is needed here; a newer relay may say more.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    session_id: SessionId,
    lease_id: LeaseId,
}

async fn create(context: &Context<'_>, name: String, relay: Relay, params: CreateParams) -> Outcome<Held> {
    let raw = serde_json::value::to_raw_value(&params).map_err(|error| Failure::usage(error.to_string()))?;
    let call = RawCall::new(CommandName::SessionCreate.as_str(), &raw);
    let reply = patience::call(&relay.endpoint, &call).await?;
    if reply.code() == Some(ErrorCode::RelayOpsRouteDisabled) {
        return Err(cdp::open_routed(context, &name, &relay).await?);
    }
    if reply.result().is_err() {
        return Err(context.refused(reply));
    }
    let (created, _) = reply.typed::<Created>()?;
    let instance_id = match &relay.instance_id {
        Some(instance) => instance.clone(),
        None => instance_of(&relay).await?,
    };
    let session = StoredSession {
        session_id: created.session_id,
        lease_id: created.lease_id,
        relay_url: relay.endpoint.url.to_string(),
        instance_id,
        created_at: (context.environment.now)(),
        params,
    };
    context.home.store_session(&name, &session)?;
    Ok(Held { name, session, relay })
}

/// The instance of a relay that has no file here.
async fn instance_of(relay: &Relay) -> Outcome<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Instance {
        instance_id: String,
    }
    let status = post::status(&relay.endpoint).await?;
    let parsed = ops_contracts::command::parse_json::<Instance>(&status);
    parsed.map(|status| status.instance_id).map_err(|error| Failure::new(ErrorCode::CliReplyInvalid, error.to_string()))
}
