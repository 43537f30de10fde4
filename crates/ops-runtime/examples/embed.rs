//! Drives a browser from a Rust program: no relay, no network of ours, no other process than the browser and its guard.
//!
//! `cargo run -p ops-runtime --example embed -- https://example.com`

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use adapter_cdp::guard::{self, GuardCommand};
use adapter_cdp::{CdpAdapter, CdpConfig};
use ops_contracts::seam::adapter::Adapter;
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

/// A runtime, and the number of requests that it was sent.
struct Embedded {
    runtime: Runtime,
    requests: AtomicU64,
}

impl Embedded {
    fn new(adapter: Arc<dyn Adapter>) -> Self {
        Self {
            runtime: Runtime::new(RuntimeConfig::default(), vec![adapter], Arc::new(WallClock)),
            requests: AtomicU64::new(0),
        }
    }

    /// Runs one command; `session` is what `session.create` returned.
    async fn call<C: Command>(
        &self,
        session: Option<&CreateResult>,
        params: C::Params,
    ) -> Result<C::Result, Box<dyn Error>> {
        // The id is the key of idempotency: the same one again is answered with the first result and runs nothing.
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        let request = OpsRequest {
            request_id: format!("embed-{number}").parse()?,
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
        let reply = self.runtime.execute(request, caller, Instant::now()).await;
        Ok(serde_json::from_str(reply.outcome?.get())?)
    }
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
    let embedded = Embedded::new(Arc::new(adapter));
    let session = embedded
        .call::<SessionCreate>(None, CreateParams::default())
        .await?;
    let goto = GotoParams {
        url,
        wait_until: LoadState::Load,
        target_id: None,
    };
    let page = embedded.call::<NavGoto>(Some(&session), goto).await?;
    let snapshot: SnapshotResult = embedded
        .call::<DomSnapshot>(Some(&session), SnapshotParams::default())
        .await?;
    println!(
        "{} {}\n{}\n{}",
        session.browser.product, session.browser.version, page.url, snapshot.text
    );
    embedded
        .runtime
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

#[cfg(test)]
mod tests {
    use conformance::fake::{FakeAdapter, site_double};
    use ops_contracts::wire::command::TargetsNew;
    use ops_contracts::wire::command::targets::NewParams;

    use super::*;

    #[tokio::test]
    async fn two_equal_commands_both_run() {
        let embedded = Embedded::new(Arc::new(FakeAdapter::new(site_double())));
        let params = CreateParams::default();
        let session = embedded.call::<SessionCreate>(None, params).await.unwrap();
        let params = NewParams {
            url: None,
            wait_until: LoadState::Load,
            make_current: true,
        };
        let mut opened = Vec::new();
        for _ in 0..2 {
            let page = embedded.call::<TargetsNew>(Some(&session), params.clone());
            opened.push(page.await.unwrap().target.target_id);
        }
        assert_ne!(
            opened[0], opened[1],
            "the second was answered with the first one's result"
        );
    }
}
