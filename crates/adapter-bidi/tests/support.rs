//! What the tests share: an adapter whose guard is the test program, and pages in browsers of its own.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use adapter_bidi::BidiAdapter;
use conformance::seam::{BRIDGE, Crash, Page, Subject};
use libtest_mimic::{Arguments, Trial};
use ops_contracts::seam::adapter::{Adapter, Browser, ContextSpec, LaunchSpec};
use ops_contracts::seam::supervise::{Program, Supervisor};
use ops_contracts::wire::capability::BrowserKind;
use ops_contracts::wire::clock::{Clock, Timestamp};
use rustix::process::{Pid, Signal, kill_process};
use supervisor::guard::{self, GuardCommand};
use supervisor::{BrowserSupervisor, Sandbox, SupervisorConfig};

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(1_700_000_000_000)
    }
}

/// Runs the tests.
pub(crate) fn main(own: Vec<Trial>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    let mut trials = conformance::seam::trials("bidi-firefox", firefox, &arguments);
    trials.extend(conformance::seam::trials(
        "bidi-chromedriver",
        chromedriver,
        &arguments,
    ));
    trials.extend(own);
    // Each test has a browser of its own.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Firefox, for the suite of the adapter interface.
fn firefox(profiles: &Path) -> Subject {
    Subject {
        adapter: Arc::new(adapter(config(profiles))),
        launch: spec(),
        kill: Arc::new(kill),
        crash: Crash::Kill(kill_renderers),
    }
}

/// Chromium through chromedriver, for the same.
fn chromedriver(profiles: &Path) -> Subject {
    let chromedriver = named("ODB_CHROMEDRIVER").or_else(|| Some("chromedriver".into()));
    let config = SupervisorConfig {
        chromedriver,
        ..config(profiles)
    };
    Subject {
        adapter: Arc::new(adapter(config)),
        launch: LaunchSpec {
            browser: BrowserKind::Chrome,
            ..spec()
        },
        kill: Arc::new(kill),
        crash: Crash::Address("chrome://crash"),
    }
}

/// The program that a variable names.
#[expect(
    clippy::disallowed_methods,
    reason = "a test program reads its environment, as every program does"
)]
fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

/// Sends SIGKILL.
fn kill(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

/// Ends the processes of a Firefox that show pages: it has no address that crashes one.
fn kill_renderers(browser: u32) {
    for process in content_processes(browser) {
        kill_process(process, Signal::KILL).unwrap();
    }
}

/// The content processes of a browser that show pages.
fn content_processes(browser: u32) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let parent = format!("-parentPid {browser} ");
    let shows = |pid: &i32| {
        std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
            // Their processes rewrite their titles: spaces stand where the arguments ended.
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            line.contains(&parent) && line.contains("-isForBrowser")
        })
    };
    pids.filter(shows).filter_map(Pid::from_raw).collect()
}

/// The role that this process was started for, if it is not to run tests.
pub(crate) fn other_role() -> Option<ExitCode> {
    guard::dispatch(std::env::args_os()).or_else(crate::seam::supervision::owner_role)
}

pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

pub(crate) fn config(profiles: &Path) -> SupervisorConfig {
    let guard = GuardCommand::new(std::env::current_exe().expect("the test program has a path"));
    let (variables, clock) = (std::env::vars_os(), Arc::new(FixedClock));
    SupervisorConfig {
        sandbox: Sandbox::Off,
        ..SupervisorConfig::new(guard, profiles.to_owned(), variables, clock)
    }
}

/// The adapter over browsers that a supervisor with this configuration starts.
pub(crate) fn adapter(config: SupervisorConfig) -> BidiAdapter {
    BidiAdapter::new(Arc::new(BrowserSupervisor::new(config)))
}

/// The Firefox that a launch finds by itself.
pub(crate) fn executable() -> PathBuf {
    BrowserSupervisor::new(config(Path::new("/nowhere")))
        .locate(Program::Firefox)
        .expect("Firefox is installed")
}

pub(crate) fn spec() -> LaunchSpec {
    LaunchSpec::new(BrowserKind::Firefox)
}

/// A browser of its own with one context and its first page.
pub(crate) struct Opened {
    pub(crate) page: Page,
    pub(crate) profiles: Arc<tempfile::TempDir>,
}

pub(crate) async fn open() -> Opened {
    let profiles = Arc::new(tempfile::tempdir().unwrap());
    let browser = adapter(config(profiles.path()))
        .launch(spec())
        .await
        .unwrap();
    open_in(browser, profiles).await
}

pub(crate) async fn open_in(browser: Arc<dyn Browser>, profiles: Arc<tempfile::TempDir>) -> Opened {
    open_with(context_spec(), browser, profiles).await
}

pub(crate) async fn open_with(
    spec: ContextSpec,
    browser: Arc<dyn Browser>,
    profiles: Arc<tempfile::TempDir>,
) -> Opened {
    let page = Page::open(browser, spec).await.unwrap();
    Opened { page, profiles }
}

pub(crate) fn context_spec() -> ContextSpec {
    conformance::seam::context_spec(BRIDGE.into())
}

impl std::ops::Deref for Opened {
    type Target = Page;

    fn deref(&self) -> &Page {
        &self.page
    }
}

impl Opened {
    pub(crate) async fn close(self) {
        self.context.close().await;
        self.browser.close().await;
        let left = std::fs::read_dir(self.profiles.path()).unwrap().count();
        assert_eq!(left, 0, "the profile is removed with its browser");
    }
}
