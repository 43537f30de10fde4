//! The legacy lane as users of today's tools meet it: a real relay, a real browser, the real proxy, and unmodified clients from npm.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use conformance::site::Site;
use odb_tests::relay::{Relay, configure, program};
use ops_client::{legacy, post};
use ops_contracts::ErrorCode;
use ops_contracts::control::legacy::LegacySelection;
use ops_contracts::wire::command::dom::PageParams;
use ops_contracts::wire::command::session::CreateParams;
use ops_contracts::wire::command::{DomTitle, SessionCreate};
use ops_contracts::wire::routing::RoutingMode;
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

/// How long a client may take for its whole script.
const SCRIPT: Duration = Duration::from_secs(90);

/// Where `cargo xtask setup` puts the clients.
fn clients() -> PathBuf {
    let test = std::env::current_exe().expect("a test program has a path");
    let target = test
        .ancestors()
        .nth(3)
        .expect("a test program is in target/<profile>/deps");
    let modules = target.join("clients/node_modules");
    assert!(
        modules.is_dir(),
        "{} is missing: cargo xtask setup installs the clients",
        modules.display()
    );
    modules
}

fn relay(scratch: &TempDir, limits: &str) -> Relay {
    configure(scratch, r#"{"allowRawCDP":true}"#);
    Relay::start_as(scratch, limits, &[])
}

/// A running proxy.
struct Proxy {
    child: Child,
    told: Value,
}

impl Proxy {
    fn start(home: &Path) -> Self {
        let mut child = Command::new(program("odb-cli"))
            .arg("--home")
            .arg(home)
            .args(["--output", "json", "cdp", "proxy", "--wait-ms", "60000"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("odb-cli starts");
        let mut line = String::new();
        let mut told = BufReader::new(child.stdout.take().expect("its output is piped"));
        told.read_line(&mut line).expect("it tells where it is");
        Self {
            told: serde_json::from_str(&line).expect("one line of JSON"),
            child,
        }
    }

    /// What it noted for people until it ended with its client.
    fn notes(mut self) -> String {
        let mut notes = String::new();
        let mut told = self.child.stderr.take().expect("its notes are piped");
        assert!(ended(&mut self.child, SCRIPT).success());
        told.read_to_string(&mut notes)
            .expect("its notes are UTF-8");
        notes
    }

    fn url(&self, key: &str) -> &str {
        self.told[key].as_str().expect("an address")
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // It may have ended with its client.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits for a process within a time; killed after it.
fn ended(child: &mut Child, within: Duration) -> ExitStatus {
    let deadline = Instant::now() + within;
    loop {
        if let Some(status) = child.try_wait().expect("a child can be waited for") {
            return status;
        }
        if Instant::now() >= deadline {
            let _ = child.kill();
            return child.wait().expect("a child can be waited for");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn run_script(name: &str, arguments: &[&str]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("clients")
        .join(name);
    let mut node = Command::new("node");
    node.arg(script)
        .args(arguments)
        .env("NODE_PATH", clients())
        .stdin(Stdio::null());
    let mut child = node
        .spawn()
        .expect("node starts: cargo xtask setup installs it");
    let status = ended(&mut child, SCRIPT);
    assert!(status.success(), "{name}: {status}");
}

async fn active_cdp_sessions(relay: &Relay) -> u64 {
    let status: Value =
        serde_json::from_str(&post::status(&relay.endpoint("status")).await.unwrap()).unwrap();
    status["activeCdpSessions"].as_u64().unwrap()
}

/// Drives a page through the proxy with a script, and sees that lease and browser go with the client.
async fn drive(script: &str, key: &str) {
    let (scratch, site) = (tempfile::tempdir().unwrap(), Site::start().unwrap());
    let relay = relay(&scratch, "local");
    let mut proxy = Proxy::start(relay.home());
    let picture = scratch.path().join("picture.png");
    let url = site.url("");
    run_script(
        script,
        &[
            proxy.url(key),
            url.trim_end_matches('/'),
            picture.to_str().unwrap(),
        ],
    );
    assert!(std::fs::read(&picture).unwrap().starts_with(b"\x89PNG"));
    assert!(ended(&mut proxy.child, SCRIPT).success());
    assert_eq!(active_cdp_sessions(&relay).await, 0);
    assert_eq!(
        relay.leftovers(Duration::from_secs(2)).await,
        Vec::<u32>::new()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn puppeteer_core_drives_a_page_through_the_proxy() {
    drive("puppeteer.cjs", "webSocketUrl").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn playwright_core_drives_a_page_through_the_proxy() {
    drive("playwright.cjs", "httpUrl").await;
}

/// Runs a client's script under the narrowest limits; what the proxy noted meanwhile.
fn meets_strict(script: &str, key: &str) -> String {
    let scratch = tempfile::tempdir().unwrap();
    let relay = relay(&scratch, "strict");
    let proxy = Proxy::start(relay.home());
    run_script(script, &[proxy.url(key)]);
    proxy.notes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_strict_a_client_meets_an_error_that_names_the_limit() {
    let notes = meets_strict("strict.cjs", "webSocketUrl");
    assert!(
        notes.contains("30 messages a minute (burst 5) of the limits profile strict"),
        "{notes}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_strict_playwrights_own_error_names_the_limit() {
    let notes = meets_strict("strict-playwright.cjs", "httpUrl");
    assert!(
        notes.contains("30 messages a minute (burst 5) of the limits profile strict"),
        "{notes}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_relay_leaves_no_legacy_browser() {
    let scratch = tempfile::tempdir().unwrap();
    let mut relay = relay(&scratch, "local");
    let mut endpoint = relay.endpoint("killer");
    endpoint.routing.cli.routing_mode = Some(RoutingMode::LegacyCdp);
    legacy::open(&endpoint, LegacySelection::Explicit)
        .await
        .unwrap();
    assert!(!relay.browser_processes().is_empty());
    relay.signal(Signal::KILL);
    relay.ended();
    assert_eq!(
        relay.leftovers(Duration::from_secs(2)).await,
        Vec::<u32>::new()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_opens_one_lane_opens_nothing_on_the_other() {
    let scratch = tempfile::tempdir().unwrap();
    let relay = relay(&scratch, "local");
    let ops = relay.endpoint("both");
    let mut cdp = relay.endpoint("both");
    cdp.routing.cli.routing_mode = Some(RoutingMode::LegacyCdp);
    let grant = legacy::open(&cdp, LegacySelection::Explicit).await.unwrap();
    let (made, _) = post::call::<SessionCreate>(&ops, None, &CreateParams::default(), None)
        .await
        .unwrap();
    let as_lease = grant.cdp_lease_id.as_str().parse().unwrap();
    let params = PageParams::default();
    let title = |session| post::call::<DomTitle>(&ops, Some(session), &params, None);
    let code = title((&grant.session_id, &as_lease))
        .await
        .unwrap_err()
        .code();
    assert_eq!(code, Some(ErrorCode::OpsSessionUnknown));
    let code = title((&made.session_id, &as_lease))
        .await
        .unwrap_err()
        .code();
    assert_eq!(code, Some(ErrorCode::OpsNotOwner));
    let as_cdp = made.lease_id.as_str().parse().unwrap();
    for session in [&made.session_id, &grant.session_id] {
        let refused = legacy::renew(&cdp, session, &as_cdp).await.unwrap_err();
        assert_eq!(refused.code(), Some(ErrorCode::RelayCdpNotOwner));
    }
}
