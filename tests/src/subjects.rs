//! What the conformance suite is run on: the runtime over each adapter, composed here as a program would.

use std::path::PathBuf;
use std::sync::Arc;

use adapter_cdp::guard::GuardCommand;
use adapter_cdp::{CdpAdapter, CdpConfig, Sandbox};
use conformance::suite::Subject;
use ops_contracts::adapter::Adapter;
use ops_contracts::capability::BrowserKind;
use ops_runtime::{Runtime, RuntimeConfig};
use rustix::process::{Pid, Signal, kill_process};

use crate::SystemClock;

/// The runtime over CDP, with profiles below `profiles` and the calling program as guard.
///
/// # Panics
/// When the calling program has no path.
pub fn cdp(profiles: PathBuf) -> Subject {
    let guard = GuardCommand::new(std::env::current_exe().expect("a test program has a path"));
    let mut config = CdpConfig::new(guard, profiles, std::env::vars_os(), Arc::new(SystemClock));
    config.sandbox = Sandbox::Off;
    over("cdp", Arc::new(CdpAdapter::new(config)), Arc::new(kill))
}

/// The runtime over any adapter.
pub fn over(name: &'static str, adapter: Arc<dyn Adapter>, kill_browser: Arc<dyn Fn(u32) + Send + Sync>) -> Subject {
    let config = RuntimeConfig { browser_args: vec!["--disable-quic".to_owned()], ..RuntimeConfig::default() };
    let runtime = Runtime::new(config, vec![adapter.clone()], Arc::new(SystemClock));
    Subject {
        service: Arc::new(runtime),
        adapter: Some(adapter),
        name,
        browser: BrowserKind::Chrome,
        kill_browser,
        exclusive: Arc::default(),
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
