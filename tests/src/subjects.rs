//! What the conformance suite is run on: the runtime over each adapter, composed here as a program would.

use std::path::PathBuf;
use std::sync::Arc;

use adapter_bidi::BidiAdapter;
use adapter_cdp::CdpAdapter;
use conformance::suite::Subject;
use ops_contracts::seam::adapter::Adapter;
use ops_contracts::wire::capability::BrowserKind;
use ops_contracts::wire::command::session::UrlScheme;
use ops_runtime::{FamilyConfig, Runtime, RuntimeConfig, UrlRules};
use rustix::process::{Pid, Signal, kill_process};
use supervisor::guard::GuardCommand;
use supervisor::{BrowserSupervisor, Sandbox, SupervisorConfig};

use crate::SystemClock;

/// The runtime over CDP, with profiles below `profiles` and the calling program as guard.
///
/// # Panics
/// When the calling program has no path.
pub fn cdp(profiles: PathBuf) -> Subject {
    let [cdp, _] = adapters(profiles);
    over("cdp", cdp, Arc::new(kill))
}

/// The runtime over WebDriver BiDi with Firefox, with profiles below `profiles` and the calling program as guard.
///
/// # Panics
/// When the calling program has no path.
pub fn bidi_firefox(profiles: PathBuf) -> Subject {
    let [_, adapter] = adapters(profiles);
    let firefox = FamilyConfig {
        executable: named("ODB_FIREFOX"),
        ..FamilyConfig::default()
    };
    let config = RuntimeConfig {
        firefox,
        ..RuntimeConfig::default()
    };
    let subject = with("bidi-firefox", adapter, Arc::new(kill), config);
    Subject {
        browser: BrowserKind::Firefox,
        ..subject
    }
}

/// The runtime over WebDriver BiDi with Chromium behind chromedriver, with profiles below `profiles` and the calling program as
/// guard.
///
/// # Panics
/// When the calling program has no path.
pub fn bidi_chromedriver(profiles: PathBuf) -> Subject {
    let [_, bidi] = adapters(profiles);
    over("bidi-chromedriver", bidi, Arc::new(kill))
}

/// The same with the adapter behind it that does what chromedriver lacks.
///
/// # Panics
/// When the calling program has no path.
pub fn chain(profiles: PathBuf) -> Subject {
    let [cdp, bidi] = adapters(profiles);
    let config = RuntimeConfig {
        urls: urls(),
        ..RuntimeConfig::default()
    };
    let runtime = Runtime::new(config, vec![bidi, cdp], Arc::new(SystemClock));
    Subject {
        service: Arc::new(runtime),
        adapter: None,
        name: "chain",
        browser: BrowserKind::Chrome,
        kill_browser: Arc::new(kill),
        end_renderers: Arc::new(end_renderers),
        exclusive: Arc::default(),
    }
}

/// The adapters as `relayd` ranks them, with profiles below `profiles` and the calling program as guard.
///
/// # Panics
/// When the calling program has no path.
pub fn adapters(profiles: PathBuf) -> [Arc<dyn Adapter>; 2] {
    let supervisor = Arc::new(supervisor(profiles));
    [
        Arc::new(CdpAdapter::new(supervisor.clone())),
        Arc::new(BidiAdapter::new(supervisor)),
    ]
}

/// What starts their browsers, with chromedriver permitted and the calling program as guard.
fn supervisor(profiles: PathBuf) -> BrowserSupervisor {
    let guard = GuardCommand::new(std::env::current_exe().expect("a test program has a path"));
    BrowserSupervisor::new(SupervisorConfig {
        chromedriver: named("ODB_CHROMEDRIVER").or_else(|| Some("chromedriver".into())),
        sandbox: Sandbox::Off,
        ..SupervisorConfig::new(guard, profiles, std::env::vars_os(), Arc::new(SystemClock))
    })
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

/// The runtime over any adapter for Chromium.
pub fn over(
    name: &'static str,
    adapter: Arc<dyn Adapter>,
    kill_browser: Arc<dyn Fn(u32) + Send + Sync>,
) -> Subject {
    let chrome = FamilyConfig {
        args: vec!["--disable-quic".to_owned()],
        ..FamilyConfig::default()
    };
    with(
        name,
        adapter,
        kill_browser,
        RuntimeConfig {
            chrome,
            ..RuntimeConfig::default()
        },
    )
}

fn with(
    name: &'static str,
    adapter: Arc<dyn Adapter>,
    kill_browser: Arc<dyn Fn(u32) + Send + Sync>,
    config: RuntimeConfig,
) -> Subject {
    let config = RuntimeConfig {
        urls: urls(),
        ..config
    };
    let runtime = Runtime::new(config, vec![adapter.clone()], Arc::new(SystemClock));
    Subject {
        service: Arc::new(runtime),
        adapter: Some(adapter),
        name,
        browser: BrowserKind::Chrome,
        kill_browser,
        end_renderers: Arc::new(end_renderers),
        exclusive: Arc::default(),
    }
}

/// What the suite's sessions may ask for beyond the web.
fn urls() -> UrlRules {
    UrlRules {
        schemes: vec![UrlScheme::Data],
        hidden: Vec::new(),
    }
}

/// Ends the processes that run the pages of a browser, which goes on without them.
///
/// # Panics
/// When the processes of the machine can't be listed.
pub fn end_renderers(browser: u32) {
    let listed = std::process::Command::new("ps")
        .args(["-A", "-o", "pid=", "-o", "pgid=", "-o", "args="])
        .output()
        .expect("ps runs");
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    let processes: Vec<(u32, u32, &str)> = text
        .lines()
        .filter_map(|line| {
            let (pid, rest) = line.trim_start().split_once(' ')?;
            let (group, args) = rest.trim_start().split_once(' ')?;
            Some((pid.parse().ok()?, group.parse().ok()?, args))
        })
        .collect();
    let group = processes
        .iter()
        .find(|(pid, ..)| *pid == browser)
        .map(|(_, group, _)| *group);
    for (pid, of, args) in processes {
        if Some(of) == group && args.contains("--type=renderer") {
            kill(pid);
        }
    }
}

/// Sends SIGKILL.
pub fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

/// Sends a signal; a process that is gone already is no error.
pub fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}
