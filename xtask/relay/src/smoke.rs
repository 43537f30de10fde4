//! The smoke test of the legacy lane against a relay that runs: one session, one raw command, and everything gone again.
//!
//! It starts no relay, and says in its file what it has seen, not what it hopes for.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use ops_client::legacy::{self, CdpSocket};
use ops_client::{Endpoint, RequestIds, Trust, post};
use ops_contracts::control::legacy::{LegacyGrant, LegacySelection};
use ops_contracts::wire::frame::ClientKind;
use ops_contracts::wire::routing::{RequestControls, RoutingMode};
use ops_contracts::wire::version::BINARY_VERSION;
use serde_json::{Value, json};

use crate::relay;
use xtask::environment::Environment;
use xtask::gates::private;

/// How long the command may take.
const COMMAND: Duration = Duration::from_secs(25);

/// What to try, and where to say what came of it.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The route; the smoke test knows this one
    #[arg(long, value_name = "MODE", default_value = "legacy-cdp", value_parser = ["legacy-cdp"])]
    routing: String,
    /// The raw command to send
    #[arg(long, value_name = "METHOD", default_value = "Browser.getVersion")]
    method: String,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// The relay's state directory, instead of ODB_HOME
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
}

/// What was seen, step by step.
#[derive(Debug, Default)]
struct Seen {
    before: Option<u64>,
    during: Option<u64>,
    after: Option<u64>,
    /// The grant's fields without its secret.
    lease: Value,
    /// The answer to the command.
    answer: Option<Value>,
    latency_ms: f64,
    closed: bool,
    failure: Option<String>,
}

pub(crate) fn run(options: &Options, environment: &Environment) -> Result<()> {
    let home = options
        .home
        .clone()
        .or_else(|| environment.state.clone())
        .context("no state directory: give --home, or set ODB_HOME")?;
    let endpoint = endpoint(&home, environment)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let seen = runtime.block_on(try_it(&endpoint, &options.method));
    let document = document(options, environment, &seen);
    private::write(
        &options.output,
        &(serde_json::to_string_pretty(&document)? + "\n"),
    )
    .with_context(|| format!("{} can't be written", options.output.display()))?;
    println!(
        "{} written to {}",
        document["result"],
        options.output.display()
    );
    if let Some(failure) = seen.failure {
        bail!("{failure}");
    }
    ensure!(
        document["result"] == "pass",
        "the legacy lane does not work as it should: see {}",
        options.output.display()
    );
    Ok(())
}

fn endpoint(home: &Path, environment: &Environment) -> Result<Endpoint> {
    let info =
        relay::read(home).with_context(|| format!("no relay runs for {}", home.display()))?;
    let token = home.join("relay.token");
    let token = std::fs::read_to_string(&token)
        .with_context(|| format!("{} can't be read", token.display()))?;
    let mut routing = RequestControls::default();
    routing.cli.routing_mode = Some(RoutingMode::LegacyCdp);
    Ok(Endpoint {
        url: info.relay_url.parse()?,
        trust: info
            .certificate_sha256
            .as_deref()
            .map(Trust::fingerprint)
            .transpose()?,
        token: token.trim().parse()?,
        pairing: None,
        client_id: "smoke-legacy-cdp".parse()?,
        client_kind: ClientKind::Cli,
        client_version: BINARY_VERSION.to_owned(),
        routing,
        request_ids: RequestIds::new(
            u128::from(environment.started.unix_millis()) << 32 | u128::from(std::process::id()),
        ),
    })
}

async fn try_it(endpoint: &Endpoint, method: &str) -> Seen {
    let mut seen = Seen {
        before: active(endpoint).await,
        ..Seen::default()
    };
    match legacy::open(endpoint, LegacySelection::Explicit).await {
        Ok(grant) => {
            seen.lease = json!({
                "sessionId": grant.session_id,
                "leaseOwnerId": grant.lease_owner_id,
                "leaseExpiresAt": grant.lease_expires_at,
                "legacyLeaseMode": grant.legacy_lease_mode,
            });
            seen.during = active(endpoint).await;
            let began = Instant::now();
            match command(endpoint, &grant, method).await {
                Ok(answer) => seen.answer = Some(answer),
                Err(error) => seen.failure = Some(format!("{method}: {error:#}")),
            }
            seen.latency_ms = began.elapsed().as_secs_f64() * 1000.0;
            let closed = legacy::close(endpoint, &grant.session_id, &grant.cdp_lease_id).await;
            seen.closed = closed.is_ok_and(|closed| closed.closed);
        }
        Err(error) => seen.failure = Some(format!("no legacy session: {error}")),
    }
    seen.after = active(endpoint).await;
    seen
}

async fn command(endpoint: &Endpoint, grant: &LegacyGrant, method: &str) -> Result<Value> {
    let mut socket = CdpSocket::connect(endpoint, &grant.session_id, &grant.cdp_lease_id).await?;
    let message = json!({ "id": 1, "method": method, "params": {} }).to_string();
    let text = socket.call(1, &message, COMMAND).await?;
    Ok(serde_json::from_str(&text)?)
}

async fn active(endpoint: &Endpoint) -> Option<u64> {
    let status = post::status(endpoint).await.ok()?;
    serde_json::from_str::<Value>(&status).ok()?["activeCdpSessions"].as_u64()
}

/// The file: `pass` where every step was seen to work.
fn document(options: &Options, environment: &Environment, seen: &Seen) -> Value {
    let answered = seen
        .answer
        .as_ref()
        .is_some_and(|answer| answer.get("result").is_some());
    let counted = match (seen.before, seen.during, seen.after) {
        (Some(before), Some(during), Some(after)) => during > before && after == before,
        _ => false,
    };
    let pass = answered && counted && seen.closed;
    json!({
        "result": if pass { "pass" } else { "fail" },
        "generatedAt": environment.started,
        "route": options.routing,
        "lease": seen.lease,
        "command": {
            "method": options.method,
            "success": answered,
            "latencyMs": seen.latency_ms,
            "answer": seen.answer,
        },
        "status": {
            "activeCdpSessionsBefore": seen.before,
            "activeCdpSessionsDuring": seen.during,
            "activeCdpSessionsAfter": seen.after,
        },
        "cleanup": { "success": seen.closed },
        "failure": seen.failure,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(change: impl FnOnce(&mut Seen)) -> Value {
        let options = Options {
            routing: "legacy-cdp".to_owned(),
            method: "A.b".to_owned(),
            output: PathBuf::new(),
            home: None,
        };
        let answer = Some(json!({ "id": 1, "result": {} }));
        let mut seen = Seen {
            before: Some(0),
            during: Some(1),
            after: Some(0),
            answer,
            closed: true,
            ..Seen::default()
        };
        change(&mut seen);
        document(&options, &Environment::read(), &seen)["result"].clone()
    }

    #[test]
    fn only_what_was_seen_to_work_passes() {
        assert_eq!(result(|_| ()), "pass");
        assert_eq!(result(|seen| seen.closed = false), "fail");
        assert_eq!(result(|seen| seen.after = Some(1)), "fail");
        assert_eq!(result(|seen| seen.during = Some(0)), "fail");
        assert_eq!(result(|seen| seen.before = None), "fail");
        assert_eq!(
            result(|seen| seen.answer = Some(json!({ "id": 1, "error": {} }))),
            "fail"
        );
    }
}
