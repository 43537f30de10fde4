//! Sessions that are made here: from the flags to a session under a name.

use std::path::Path;

use ops_client::{RawCall, Reply, patience, post};
use ops_contracts::ErrorCode;
use ops_contracts::wire::command::emulation::{DeviceParams, Geolocation};
use ops_contracts::wire::command::session::{CreateParams, Proxy};
use ops_contracts::wire::command::{CommandName, Params};
use ops_contracts::wire::ids::{LeaseId, SessionId};
use serde::Deserialize;

use crate::args::verb::{Bounds, Making};
use crate::cdp;
use crate::context::{Context, Held};
use crate::daemon::{self, Relay};
use crate::failure::{Failure, Outcome};
use crate::keep;
use crate::request::{Request, View};
use crate::state::StoredSession;

/// How long a session of the command line lives without being used: 12 hours.
const LEASE_TTL_MS: u64 = 43_200_000;
/// A password longer than this is a mistake.
const MAX_PASSWORD: u64 = 4_096;

/// Runs `session create`; the exit code.
pub(crate) async fn run(context: &Context<'_>, making: &Making, bounds: &Bounds) -> Outcome<u8> {
    let params = CreateParams {
        boundary: context.global.boundary,
        ..params(making, bounds)?
    };
    let name = context.session_name()?;
    let relay = daemon::ensure(context).await?;
    relay.preflight(context)?;
    if usable(context, &name, &relay)?.is_some() {
        return Err(Failure::usage(format!(
            "session {name:?} is open: close it first, or name another with --session"
        )));
    }
    let raw = serde_json::value::to_raw_value(&params)
        .map_err(|error| Failure::usage(error.to_string()))?;
    let request = Request {
        command: CommandName::SessionCreate,
        params: raw,
        view: View::Plain,
    };
    let (held, reply) = create(context, name, relay, params).await?;
    if let Some(path) = &making.state {
        let (request, loaded) = keep::load(context, &held, path, false).await?;
        if loaded.result().is_err() {
            return context.present(&request, loaded);
        }
    }
    context.present(&request, reply)
}

/// What the flags ask for.
pub(crate) fn params(making: &Making, bounds: &Bounds) -> Outcome<CreateParams> {
    let params = CreateParams {
        browser: making.browser.unwrap_or_default(),
        adapter: making.adapter,
        isolation: making.isolation.unwrap_or_default(),
        headed: making.headed,
        viewport: making.viewport,
        profile: making.profile.clone(),
        dialog_policy: making.dialogs.unwrap_or_default(),
        allow_schemes: making.allow_scheme.clone(),
        lease_ttl_ms: Some(LEASE_TTL_MS),
        device: making.device.clone().map(|name| DeviceParams {
            name,
            landscape: making.landscape,
        }),
        locale: making.locale.clone(),
        timezone: making.timezone.clone(),
        user_agent: making.user_agent.clone(),
        color_scheme: making.color_scheme,
        geolocation: making.geolocation.map(|(latitude, longitude)| Geolocation {
            latitude,
            longitude,
            accuracy: 10.0,
        }),
        permissions: making.permission.clone(),
        proxy: proxy(making)?,
        ignore_certificate_errors: making.ignore_certificate_errors,
        allow_domains: bounds.allow_domain.clone(),
        deny_domains: bounds.deny_domain.clone(),
        budget: bounds.budget(),
        ..CreateParams::default()
    };
    params
        .validate()
        .map_err(|error| Failure::usage(error.to_string()))?;
    Ok(params)
}

fn proxy(making: &Making) -> Outcome<Option<Proxy>> {
    let Some(server) = making.proxy.clone() else {
        return Ok(None);
    };
    let password = making
        .proxy_password_file
        .as_deref()
        .map(password)
        .transpose()?;
    Ok(Some(Proxy {
        server,
        bypass: making.proxy_bypass.clone(),
        username: making.proxy_user.clone(),
        password,
    }))
}

/// The first line of a file: what stands on a command line, everyone on the machine can read.
fn password(path: &Path) -> Outcome<String> {
    use std::io::Read;
    let unreadable = |error: &dyn std::fmt::Display| {
        Failure::new(
            ErrorCode::CliFileUnreadable,
            format!("{}: {error}", path.display()),
        )
    };
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin()
            .take(MAX_PASSWORD + 1)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_PASSWORD + 1).read_to_string(&mut text))
    };
    read.map_err(|error| unreadable(&error))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// The stored session, unless it ended with another relay.
pub(crate) fn usable(
    context: &Context<'_>,
    name: &str,
    relay: &Relay,
) -> Outcome<Option<StoredSession>> {
    let stored = context.home.session(name)?;
    Ok(stored.filter(|session| match &relay.instance_id {
        Some(instance) => *instance == session.instance_id,
        None => session.relay_url == relay.endpoint.url.to_string(),
    }))
}

/// Flags for a new session that say otherwise than the open one was made with are refused: they would be passed over.
pub(crate) fn check_flags(
    making: &Making,
    bounds: &Bounds,
    made: &CreateParams,
    name: &str,
) -> Outcome<()> {
    let wanted = params(making, bounds)?.without_secrets();
    let flags = [
        (
            making.browser.is_some() && wanted.browser != made.browser,
            "--browser",
        ),
        (
            making.adapter.is_some() && wanted.adapter != made.adapter,
            "--adapter",
        ),
        (
            making.isolation.is_some() && wanted.isolation != made.isolation,
            "--isolation",
        ),
        (making.headed && !made.headed, "--headed"),
        (
            making.profile.is_some() && wanted.profile != made.profile,
            "--profile",
        ),
        (
            making.viewport.is_some() && wanted.viewport != made.viewport,
            "--viewport",
        ),
        (
            making.dialogs.is_some() && wanted.dialog_policy != made.dialog_policy,
            "--dialogs",
        ),
        (
            making.locale.is_some() && wanted.locale != made.locale,
            "--locale",
        ),
        (
            making.timezone.is_some() && wanted.timezone != made.timezone,
            "--timezone",
        ),
        (
            making.user_agent.is_some() && wanted.user_agent != made.user_agent,
            "--user-agent",
        ),
        (
            making.color_scheme.is_some() && wanted.color_scheme != made.color_scheme,
            "--color-scheme",
        ),
        (
            making.geolocation.is_some() && wanted.geolocation != made.geolocation,
            "--geolocation",
        ),
        (
            making.proxy.is_some() && wanted.proxy != made.proxy,
            "--proxy",
        ),
        (
            making.ignore_certificate_errors && !made.ignore_certificate_errors,
            "--ignore-certificate-errors",
        ),
        (
            wanted
                .permissions
                .iter()
                .any(|permission| !made.permissions.contains(permission)),
            "--permission",
        ),
        (
            wanted
                .allow_schemes
                .iter()
                .any(|scheme| !made.allow_schemes.contains(scheme)),
            "--allow-scheme",
        ),
        (
            !wanted.allow_domains.is_empty() && wanted.allow_domains != made.allow_domains,
            "--allow-domain",
        ),
        (
            !wanted.deny_domains.is_empty() && wanted.deny_domains != made.deny_domains,
            "--deny-domain",
        ),
        (
            wanted.budget.is_some() && wanted.budget != made.budget,
            "budget",
        ),
    ];
    let flags: Vec<&str> = flags
        .into_iter()
        .filter(|(differs, _)| *differs)
        .map(|(_, flag)| flag)
        .collect();
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

/// Makes a session and keeps it under a name.
pub(crate) async fn create(
    context: &Context<'_>,
    name: String,
    relay: Relay,
    params: CreateParams,
) -> Outcome<(Held, Reply)> {
    let raw = serde_json::value::to_raw_value(&params)
        .map_err(|error| Failure::usage(error.to_string()))?;
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
        params: params.without_secrets(),
    };
    context.home.store_session(&name, &session)?;
    Ok((
        Held {
            name,
            session,
            relay,
        },
        reply,
    ))
}

/// The instance of a relay that has no file here.
async fn instance_of(relay: &Relay) -> Outcome<String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Instance {
        instance_id: String,
    }
    let status = post::status(&relay.endpoint).await?;
    let parsed = ops_contracts::wire::command::parse_json::<Instance>(&status);
    parsed
        .map(|status| status.instance_id)
        .map_err(|error| Failure::new(ErrorCode::CliReplyInvalid, error.to_string()))
}
