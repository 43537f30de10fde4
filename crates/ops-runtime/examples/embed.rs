//! Drives a browser from a Rust program: no relay, no network of ours, no other process than the browser and its guard.
//!
//! `cargo run -p ops-runtime --example embed -- https://example.com`

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use adapter_cdp::guard::{self, GuardCommand};
use adapter_cdp::{CdpAdapter, CdpConfig};
use ops_contracts::seam::port::{Caller, OpsService};
use ops_contracts::wire::clock::{Clock, Timestamp};
use ops_contracts::wire::command::dom::{SnapshotParams, SnapshotResult};
use ops_contracts::wire::command::nav::GotoParams;
use ops_contracts::wire::command::session::{CreateParams, CreateResult};
use ops_contracts::wire::command::{Command, DomSnapshot, LoadState, NavGoto, SessionCreate};
use ops_contracts::wire::frame::OpsRequest;
use ops_runtime::{Runtime, RuntimeConfig};

struct WallClock;

impl Clock for WallClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "an embedding program brings the clock"
    )]
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

/// Runs one command; `session` is what `session.create` returned.
async fn call<C: Command>(
    runtime: &Runtime,
    session: Option<&CreateResult>,
    params: C::Params,
) -> Result<C::Result, Box<dyn Error>> {
    let request = OpsRequest {
        // Names the request, so that a repeated one is not run again; a session sees each of ours once.
        request_id: C::NAME.as_str().parse()?,
        session_id: session.map(|session| session.session_id.clone()),
        lease_id: session.map(|session| session.lease_id.clone()),
        command: C::NAME.to_string(),
        params: serde_json::value::to_raw_value(&params)?,
        timeout_ms: None,
        boundary: false,
    };
    let caller = Caller {
        client_id: "embed".parse()?,
        admin: false,
    };
    let reply = runtime.execute(request, caller, Instant::now()).await;
    Ok(serde_json::from_str(reply.outcome?.get())?)
}

async fn drive(url: String) -> Result<(), Box<dyn Error>> {
    let profiles = std::env::temp_dir().join(format!("embed-{}", std::process::id()));
    std::fs::create_dir_all(&profiles)?;
    // The guard ends the browser even when this program is killed; it is this program itself.
    let guard = GuardCommand::new(std::env::current_exe()?);
    let adapter = CdpAdapter::new(CdpConfig::new(
        guard,
        profiles.clone(),
        std::env::vars_os(),
        Arc::new(WallClock),
    ));
    let runtime = Runtime::new(
        RuntimeConfig::default(),
        vec![Arc::new(adapter)],
        Arc::new(WallClock),
    );
    let session = call::<SessionCreate>(&runtime, None, CreateParams::default()).await?;
    let goto = GotoParams {
        url,
        wait_until: LoadState::Load,
        target_id: None,
    };
    let page = call::<NavGoto>(&runtime, Some(&session), goto).await?;
    let snapshot: SnapshotResult =
        call::<DomSnapshot>(&runtime, Some(&session), SnapshotParams::default()).await?;
    println!(
        "{} {}\n{}\n{}",
        session.browser.product, session.browser.version, page.url, snapshot.text
    );
    runtime
        .shut_down(Instant::now() + Duration::from_secs(5))
        .await;
    Ok(std::fs::remove_dir_all(profiles)?)
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    if let Some(code) = guard::dispatch(std::env::args_os()) {
        return Ok(code);
    }
    drive(
        std::env::args()
            .nth(1)
            .unwrap_or_else(|| "about:blank".to_owned()),
    )
    .await?;
    Ok(ExitCode::SUCCESS)
}
