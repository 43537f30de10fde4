//! Sessions that are made here: from the flags to a session under a name.

use std::path::Path;

use client_core::{Failure, Outcome};
use ops_contracts::wire::command::emulation::{DeviceParams, Geolocation};
use ops_contracts::wire::command::session::{CreateParams, Proxy};
use ops_contracts::wire::command::{CommandName, Params};

use crate::args::verb::{Bounds, Making};
use crate::context::Context;

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
    let client = &context.client;
    let name = context.session_name()?;
    let relay = context.ensure_relay().await?;
    relay.preflight(client)?;
    if client.usable_session(&name, &relay)?.is_some() {
        return Err(Failure::usage(format!(
            "session {name:?} is open: close it first, or name another with --session"
        )));
    }
    let created = client.create_session(name, relay, params, context.sending());
    let (session, reply) = created.await?;
    if let Some(path) = &making.state {
        let (request, loaded) = session.load_state(path, false).await?;
        if loaded.result().is_err() {
            return context.answer(request.command, loaded);
        }
    }
    context.answer(CommandName::SessionCreate, reply)
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
        username: making.proxy_user.clone().map(Into::into),
        password: password.map(Into::into),
    }))
}

/// The first line of a file: what stands on a command line, everyone on the machine can read.
fn password(path: &Path) -> Outcome<String> {
    use std::io::Read;
    let mut text = String::new();
    let read = if path == Path::new("-") {
        std::io::stdin()
            .take(MAX_PASSWORD + 1)
            .read_to_string(&mut text)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(MAX_PASSWORD + 1).read_to_string(&mut text))
    };
    read.map_err(|error| Failure::unreadable(path, error))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
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
    ];
    let flags: Vec<&str> = flags
        .into_iter()
        .chain(bounds_that_differ(&wanted, made))
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

/// The bounds among them.
fn bounds_that_differ(wanted: &CreateParams, made: &CreateParams) -> [(bool, &'static str); 3] {
    [
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
    ]
}
