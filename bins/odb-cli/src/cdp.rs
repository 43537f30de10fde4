//! `cdp …`: the legacy lane on the command line. Raw messages pass as they are; what they mean is not known here.

use std::time::Duration;

use ops_client::legacy::proxy::{Ended, Proxy};
use ops_client::legacy::{self, CdpSocket};
use ops_client::{ClientError, Endpoint};
use ops_contracts::control::legacy::{LEASE_TTL_MS, LegacyGrant, LegacySelection};
use ops_contracts::wire::routing::{Route, RoutingMode};
use ops_contracts::{ErrorCode, Fault};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::verb::{Cdp, CdpProxy, CdpSend};
use crate::context::Context;
use crate::daemon::{self, Relay};
use crate::failure::{Failure, Outcome};
use crate::state::StoredLegacy;

/// How much longer than a command's time its answer is waited for: the relay's own coded answer must get through.
const GRACE: Duration = Duration::from_secs(5);

/// The longest that a command of the lane may take in any limits profile.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(20);

/// Runs the verb; the exit code.
pub(crate) async fn run(context: &Context<'_>, verb: &Cdp) -> Outcome<u8> {
    match verb {
        Cdp::Open => open(context).await,
        Cdp::Send(send) => self::send(context, send).await,
        Cdp::Proxy(proxy) => self::proxy(context, proxy).await,
        Cdp::Close => close(context).await,
    }
}

/// The relay as it is called for the lane: who names the lane has opted in, unless flags or a kill switch say where to go.
fn opted_in(context: &Context<'_>, endpoint: &Endpoint) -> Outcome<Endpoint> {
    let mut endpoint = endpoint.clone();
    let cli = &mut endpoint.routing.cli;
    match cli.routing_mode {
        Some(RoutingMode::Ops) => {
            return Err(Failure::usage(
                "--ops-routing=ops and cdp contradict each other",
            ));
        }
        None if cli.rollout_percent.is_none()
            && cli.rollout_allowlist.is_none()
            && !context.routing.kill_switch =>
        {
            cli.routing_mode = Some(RoutingMode::LegacyCdp);
        }
        _ => {}
    }
    Ok(endpoint)
}

/// The stored legacy session, unless it ended with another relay.
fn usable(context: &Context<'_>, name: &str, relay: &Relay) -> Outcome<Option<StoredLegacy>> {
    let stored = context.home.legacy_session(name)?;
    Ok(stored.filter(|session| session.relay_url == relay.endpoint.url.to_string()))
}

fn store(context: &Context<'_>, name: &str, relay: &Relay, grant: &LegacyGrant) -> Outcome<()> {
    let stored = StoredLegacy {
        route: Route::LegacyCdp,
        session_id: grant.session_id.clone(),
        cdp_lease_id: grant.cdp_lease_id.clone(),
        lease_expires_at: grant.lease_expires_at,
        relay_url: relay.endpoint.url.to_string(),
        created_at: (context.environment.now)(),
    };
    context.home.store_legacy(name, &stored)
}

async fn open(context: &Context<'_>) -> Outcome<u8> {
    let name = context.session_name()?;
    let relay = daemon::ensure(context).await?;
    let taken =
        context.home.legacy_session(&name)?.is_none() && context.home.session(&name)?.is_some();
    if taken
        || usable(context, &name, &relay)?
            .is_some_and(|stored| stored.lease_expires_at > (context.environment.now)())
    {
        return Err(Failure::usage(format!(
            "session {name:?} is open: close it first, or use another --session"
        )));
    }
    let grant = legacy::open(
        &opted_in(context, &relay.endpoint)?,
        LegacySelection::Explicit,
    )
    .await?;
    store(context, &name, &relay, &grant)?;
    if context.out.is_json() {
        let shown = json!({
            "session": name,
            "sessionId": grant.session_id,
            "leaseOwnerId": grant.lease_owner_id,
            "leaseExpiresAt": grant.lease_expires_at,
            "legacyLeaseMode": grant.legacy_lease_mode,
            "browser": grant.browser,
        });
        context.out.line(&shown.to_string());
    } else {
        context.out.line(&format!(
            "legacy session {name}: {}, leased until {}",
            grant.browser.product, grant.lease_expires_at
        ));
    }
    Ok(0)
}

/// Opens a legacy session for a verb that routing sent here. What the verb is told: it can't go on.
pub(crate) async fn open_routed(
    context: &Context<'_>,
    name: &str,
    relay: &Relay,
) -> Outcome<Failure> {
    let grant = legacy::open(&relay.endpoint, LegacySelection::Routing).await?;
    store(context, name, relay, &grant)?;
    let message = format!(
        "routing sent session {name:?} to the legacy lane: it is open there, and nothing was navigated; \
         odb-cli cdp send, cdp proxy and cdp close are what works on it"
    );
    let fault = Fault::new(ErrorCode::CliVerbUnavailableOnLegacy, message);
    Ok(fault
        .with("session", name)
        .with("sessionId", &grant.session_id)
        .with("opened", true)
        .into())
}

/// The stored legacy session with its relay, its lease renewed where half of its time has passed.
async fn held(context: &Context<'_>) -> Outcome<(String, Relay, StoredLegacy)> {
    let name = context.session_name()?;
    let missing = |why: String| {
        Failure::from(Fault::new(ErrorCode::CliSessionMissing, why).with("session", &name))
    };
    let relay = daemon::running(context)?;
    let mut stored = usable(context, &name, &relay)?.ok_or_else(|| {
        missing(format!(
            "no legacy session {name:?} is open: odb-cli cdp open makes one"
        ))
    })?;
    let half = Duration::from_millis(LEASE_TTL_MS / 2);
    if stored.lease_expires_at < (context.environment.now)().plus(half) {
        let renewed =
            legacy::renew(&relay.endpoint, &stored.session_id, &stored.cdp_lease_id).await;
        stored.lease_expires_at = renewed
            .map_err(|error| over(context, &name, error))?
            .lease_expires_at;
        context.home.store_legacy(&name, &stored)?;
    }
    Ok((name, relay, stored))
}

/// A session that is over is forgotten; its code is handed on.
fn over(context: &Context<'_>, name: &str, error: ClientError) -> Failure {
    if is_over(&error) {
        // The refusal is what the user has to know.
        let _ = context.home.forget_session(name);
    }
    error.into()
}

fn is_over(error: &ClientError) -> bool {
    use ErrorCode::{
        AdapterBrowserLost, RelayCdpLeaseExpired, RelayCdpNotOwner, RelayOpsTerminated,
    };
    matches!(
        error.code(),
        Some(AdapterBrowserLost | RelayCdpLeaseExpired | RelayCdpNotOwner | RelayOpsTerminated)
    )
}

async fn send(context: &Context<'_>, send: &CdpSend) -> Outcome<u8> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        result: Option<&'a RawValue>,
        error: Option<BrowserError>,
    }
    #[derive(Deserialize)]
    struct BrowserError {
        code: i64,
        message: String,
    }
    let params = RawValue::from_string(send.params.trim().to_owned());
    let params =
        params.map_err(|error| Failure::usage(format!("the parameters are no JSON: {error}")))?;
    let (name, relay, stored) = held(context).await?;
    let random = (context.environment.random)()
        .ok_or_else(|| Failure::new(ErrorCode::CliStateInvalid, "the system has no random bits"))?;
    // Several commands at once must not share a number.
    let id = u64::try_from(random & 0x3fff_ffff).unwrap_or(1);
    let mut message = json!({ "id": id, "method": send.method, "params": params });
    if let Some(session) = &send.cdp_session {
        message["sessionId"] = json!(session);
    }
    let within = context.global.timeout().unwrap_or(COMMAND_TIMEOUT) + GRACE;
    let mut socket =
        CdpSocket::connect(&relay.endpoint, &stored.session_id, &stored.cdp_lease_id).await?;
    let text = socket
        .call(id, &message.to_string(), within)
        .await
        .map_err(|error| over(context, &name, error))?;
    let answer: Answer<'_> = serde_json::from_str(&text)
        .map_err(|error| Failure::new(ErrorCode::CliReplyInvalid, error.to_string()))?;
    if context.out.is_json() {
        context.out.line(&text);
        return Ok(if answer.error.is_some() { 2 } else { 0 });
    }
    if let Some(error) = answer.error {
        let message = format!(
            "the browser refused {}: {} ({})",
            send.method, error.message, error.code
        );
        return Err(Failure::new(ErrorCode::AdapterProtocolError, message));
    }
    context.out.line(&answer.result.map_or_else(
        || "{}".to_owned(),
        |result| crate::render::pretty(result.get()),
    ));
    Ok(0)
}

async fn close(context: &Context<'_>) -> Outcome<u8> {
    let name = context.session_name()?;
    let relay = daemon::running(context)?;
    let stored = usable(context, &name, &relay)?;
    let missing = || {
        Fault::new(
            ErrorCode::CliSessionMissing,
            format!("no legacy session {name:?} is open"),
        )
        .with("session", &name)
    };
    let stored = stored.ok_or_else(missing)?;
    let closed = legacy::close(&relay.endpoint, &stored.session_id, &stored.cdp_lease_id).await;
    let closed = closed.map_err(|error| over(context, &name, error))?;
    context.home.forget_session(&name)?;
    if context.out.is_json() {
        context.out.line(
            &json!({ "session": name, "sessionId": closed.session_id, "closed": closed.closed })
                .to_string(),
        );
    } else {
        context.out.line(&format!("closed legacy session {name}"));
    }
    Ok(0)
}

async fn proxy(context: &Context<'_>, flags: &CdpProxy) -> Outcome<u8> {
    let relay = daemon::ensure(context).await?;
    let endpoint = opted_in(context, &relay.endpoint)?;
    let secret = (context.environment.random)()
        .ok_or_else(|| Failure::new(ErrorCode::CliStateInvalid, "the system has no random bits"))?;
    let mut ends = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    let grant = legacy::open(&endpoint, LegacySelection::Explicit).await?;
    let (session, lease) = (grant.session_id.clone(), grant.cdp_lease_id.clone());
    let signalled = async {
        let [interrupt, terminate] = &mut ends;
        match (interrupt, terminate) {
            (Ok(interrupt), Ok(terminate)) => {
                tokio::select! { _ = interrupt.recv() => (), _ = terminate.recv() => () }
            }
            _ => std::future::pending().await,
        }
    };
    let served = tokio::select! {
        served = serve(context, flags, endpoint.clone(), grant, secret) => served,
        () = signalled => Ok(None),
    };
    // Whatever ended it, the session goes with the proxy.
    let closed = legacy::close(&endpoint, &session, &lease).await;
    match served? {
        Some(Ended::NoClient) => {
            context.out.note(&format!(
                "no client came within {} ms: the session is closed",
                flags.wait_ms
            ));
            return Ok(2);
        }
        Some(Ended::Session(why)) => context.out.note(&format!("the session ended: {why}")),
        Some(Ended::ClientGone) => context
            .out
            .note("the client has gone, and the session with it"),
        None => {}
    }
    match closed {
        Err(error) if !is_over(&error) => Err(error.into()),
        _ => Ok(0),
    }
}

async fn serve(
    context: &Context<'_>,
    flags: &CdpProxy,
    endpoint: Endpoint,
    grant: LegacyGrant,
    secret: u128,
) -> Outcome<Option<Ended>> {
    let directory = grant.browser.directory.clone();
    let (profile, product) = (grant.limits_profile.clone(), grant.browser.product.clone());
    let proxy = Proxy::bind(endpoint, grant, flags.port, secret)
        .await
        .map_err(|error| {
            Failure::new(
                ErrorCode::CliUsageInvalid,
                format!(
                    "port {} of this machine can't be listened on: {error}",
                    flags.port
                ),
            )
        })?;
    if context.out.is_json() {
        let shown = json!({
            "httpUrl": proxy.http_url(),
            "webSocketUrl": proxy.web_socket_url(),
            "directory": directory,
            "limitsProfile": profile,
            "browser": product,
        });
        context.out.line(&shown.to_string());
    } else {
        context
            .out
            .line(&format!("{}\n{}", proxy.http_url(), proxy.web_socket_url()));
        context.out.note(&format!("{product} for one client, limits {profile}; files of downloads and uploads are in {directory}"));
    }
    let wait = Duration::from_millis(flags.wait_ms);
    Ok(Some(proxy.run(wait, |note| context.out.note(note)).await?))
}
