//! What the tests share: an adapter whose guard is the test program, and pages in browsers of its own.

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use adapter_cdp::CdpAdapter;
use conformance::seam::{Crash, Page, Subject};
use ops_contracts::seam::adapter::{Adapter, Browser, ContextSpec, LaunchSpec};
use ops_contracts::wire::capability::BrowserKind;
use ops_contracts::wire::clock::{Clock, Timestamp};
use rustix::process::{Pid, Signal, kill_process};
use supervisor::guard::GuardCommand;
use supervisor::{BrowserSupervisor, Sandbox, SupervisorConfig};

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(1_700_000_000_000)
    }
}

pub(crate) fn config(profiles: &Path) -> SupervisorConfig {
    config_in(profiles, std::env::vars_os())
}

/// The same with these variables for the browser's environment.
pub(crate) fn config_in(
    profiles: &Path,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> SupervisorConfig {
    let guard = GuardCommand::new(std::env::current_exe().expect("the test program has a path"));
    let mut config =
        SupervisorConfig::new(guard, profiles.to_owned(), variables, Arc::new(FixedClock));
    config.sandbox = Sandbox::Off;
    config
}

/// The adapter over browsers that a supervisor with this configuration starts.
pub(crate) fn adapter(config: SupervisorConfig) -> CdpAdapter {
    CdpAdapter::new(Arc::new(BrowserSupervisor::new(config)))
}

pub(crate) fn spec() -> LaunchSpec {
    LaunchSpec {
        args: vec!["--disable-quic".to_owned()],
        ..LaunchSpec::new(BrowserKind::Chrome)
    }
}

/// What the suite of the adapter interface is run on.
pub(crate) fn subject(profiles: &Path) -> Subject {
    Subject {
        adapter: Arc::new(adapter(config(profiles))),
        launch: spec(),
        kill: Arc::new(|pid| {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).unwrap();
            kill_process(pid, Signal::KILL).unwrap();
        }),
        crash: Crash::Address("chrome://crash"),
    }
}

/// A browser of its own with one context and its first page.
pub(crate) struct Opened {
    pub(crate) page: Page,
    pub(crate) profiles: tempfile::TempDir,
}

impl std::ops::Deref for Opened {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

pub(crate) async fn open() -> Opened {
    let profiles = tempfile::tempdir().unwrap();
    let launched = adapter(config(profiles.path())).launch(spec()).await;
    open_in(launched.unwrap(), profiles).await
}

pub(crate) async fn open_in(browser: Arc<dyn Browser>, profiles: tempfile::TempDir) -> Opened {
    let page = Page::open(browser, context_spec()).await.unwrap();
    Opened { page, profiles }
}

/// No test here asks the bridge for anything.
pub(crate) fn context_spec() -> ContextSpec {
    conformance::seam::context_spec("".into())
}
