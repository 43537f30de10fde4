//! What the legacy lane costs: one raw protocol call on a pipe, the same call through the lane of the relay, and through the proxy
//! for unmodified clients, which stands before the lane. Each has a browser of its own, started for it, with one page.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use ops_client::Endpoint;
use ops_client::legacy;
use ops_contracts::control::legacy::{LegacyGrant, LegacySelection};
use ops_contracts::wire::routing::RoutingMode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Bench;
use super::commands::raw_eval;
use super::lane::Lane;
use super::raw::RawBrowser;
use super::report::{Bound, Row};
use crate::samples::Samples;

/// How long the proxy may outlive its client.
const PATIENCE: Duration = Duration::from_secs(20);

/// Calls in a row on one side.
const CALLS: u32 = 40;

/// How long a round of them takes at least: at the rate of the limits profile `local` nothing has to wait for its turn.
const ROUND: Duration = Duration::from_millis(CALLS as u64 * 1000 / 500);

/// The two rows of the lane.
pub(super) fn measure(bench: &Bench) -> Result<[Row; 2]> {
    let url = bench.site.url(super::page::PATH);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut endpoint = bench.ours.endpoint().clone();
    endpoint.routing.cli.routing_mode = Some(RoutingMode::LegacyCdp);
    let grant = runtime
        .block_on(legacy::open(&endpoint, LegacySelection::Explicit))
        .context("no legacy session")?;
    let measured = turns(bench, &endpoint, &grant, &url);
    runtime
        .block_on(legacy::close(
            &endpoint,
            &grant.session_id,
            &grant.cdp_lease_id,
        ))
        .context("the session does not close")?;
    let [raw, lane, proxy] = measured?;
    Ok([
        Row::pair(
            "raw call, added by the legacy lane",
            Bound::Adds(0.15),
            (lane.clone(), raw),
        ),
        Row::pair(
            "raw call, added by the proxy to the lane",
            Bound::Adds(0.15),
            (proxy, lane),
        ),
    ])
}

/// Measures the three in turns; who begins changes from round to round. The first round is for warming up.
fn turns(
    bench: &Bench,
    endpoint: &Endpoint,
    grant: &LegacyGrant,
    url: &str,
) -> Result<[Samples; 3]> {
    let mut raw = RawBrowser::launch(&bench.browser, &bench.flags)?;
    let page = raw.open_plain()?;
    raw.goto(&page, url)?;
    let mut lane = Page::open(Lane::connect(endpoint, &bench.relay.token()?, grant)?, url)
        .context("through the lane")?;
    let proxy = Proxy::start(bench)?;
    let mut proxied =
        Page::open(Lane::connect_proxy(&proxy.address)?, url).context("through the proxy")?;
    let mut samples = [Samples::default(), Samples::default(), Samples::default()];
    for round in 0..=15 * bench.rounds as usize {
        let began = Instant::now();
        for turn in 0..samples.len() {
            let side = (round + turn) % samples.len();
            for _ in 0..CALLS {
                let began = Instant::now();
                match side {
                    0 => raw_eval(&mut raw, &page)?,
                    1 => lane.eval()?,
                    _ => proxied.eval()?,
                }
                let took = began.elapsed();
                if round > 0 {
                    samples[side].add(took);
                }
            }
        }
        sleep(ROUND.saturating_sub(began.elapsed()));
    }
    drop(proxied);
    proxy.end()?;
    Ok(samples)
}

/// A page on the other end, attached.
struct Page {
    lane: Lane,
    session: String,
}

impl Page {
    fn open(mut lane: Lane, url: &str) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Made {
            target_id: Option<String>,
            session_id: Option<String>,
        }
        let made: Made = lane.read(None, "Target.createTarget", r#"{"url":"about:blank"}"#)?;
        let target = made.target_id.context("a target has an id")?;
        let attach = json!({ "targetId": target, "flatten": true }).to_string();
        let made: Made = lane.read(None, "Target.attachToTarget", &attach)?;
        let session = made.session_id.context("an attachment has a session")?;
        lane.call(Some(&session), "Page.enable", "{}")?;
        lane.call(Some(&session), "Runtime.enable", "{}")?;
        lane.call(
            Some(&session),
            "Page.navigate",
            &json!({ "url": url }).to_string(),
        )?;
        lane.event(&session, "Page.loadEventFired")?;
        Ok(Self { lane, session })
    }

    fn eval(&mut self) -> Result<()> {
        let value = self.lane.eval(&self.session, "1 + 1")?;
        ensure!(value == json!(2), "1 + 1 is {value}");
        Ok(())
    }
}

/// A running `odb-cli cdp proxy`; killed when it is dropped.
struct Proxy {
    child: Child,
    address: String,
}

impl Proxy {
    fn start(bench: &Bench) -> Result<Self> {
        let mut command = Command::new(&bench.programs.odb_cli);
        command.arg("--home").arg(&bench.home).args([
            "--output",
            "json",
            "cdp",
            "proxy",
            "--wait-ms",
            "20000",
        ]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut child = command.spawn().context("odb-cli could not be started")?;
        let told = child.stdout.take();
        let mut proxy = Self {
            child,
            address: String::new(),
        };
        let mut line = String::new();
        BufReader::new(told.context("its output is piped")?).read_line(&mut line)?;
        let told: Value =
            serde_json::from_str(&line).with_context(|| format!("the proxy tells {line:?}"))?;
        proxy.address = told["webSocketUrl"]
            .as_str()
            .context("the proxy tells its address")?
            .to_owned();
        Ok(proxy)
    }

    /// It goes with its client, and its session with it.
    fn end(mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            ensure!(Instant::now() < deadline, "the proxy outlives its client");
            sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended with its client.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
