//! `cdp …`: the legacy lane on the command line. Raw messages pass as they are; what they mean is not known here.

use std::time::Duration;

use client_core::legacy::{LegacySession, is_over};
use client_core::{Failure, Outcome};
use ops_client::Endpoint;
use ops_client::legacy::proxy::{Ended, Proxy};
use ops_client::legacy::{self, CdpSocket};
use ops_contracts::ErrorCode;
use ops_contracts::control::legacy::{LegacyGrant, LegacySelection};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tokio::signal::unix::{SignalKind, signal};

use crate::args::verb::{Cdp, CdpProxy, CdpSend};
use crate::context::Context;

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

async fn open(context: &Context<'_>) -> Outcome<u8> {
    let name = context.session_name()?;
    let relay = context.ensure_relay().await?;
    let grant = context.client.open_legacy(&name, &relay).await?;
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
    let LegacySession {
        name,
        stored,
        relay,
    } = context
        .client
        .legacy_session(context.session_name()?)
        .await?;
    let random = context.client.surroundings.random_bits()?;
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
        .map_err(|error| context.client.forget_if_over(&name, error))?;
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
        |result| client_core::render::pretty(result.get()),
    ));
    Ok(0)
}

async fn close(context: &Context<'_>) -> Outcome<u8> {
    let name = context.session_name()?;
    let closed = context.client.close_legacy(&name).await?;
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
    let relay = context.ensure_relay().await?;
    let endpoint = context.client.opted_in(&relay.endpoint)?;
    let secret = context.client.surroundings.random_bits()?;
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
