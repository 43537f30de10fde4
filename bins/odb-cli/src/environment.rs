//! What the process was given by its surroundings, read once.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::SystemTime;

use client_core::Correlation;
use ops_contracts::wire::clock::Timestamp;

/// The surroundings of the process. Everything else takes them as an argument.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    /// `ODB_HOME`.
    pub(crate) odb_home: Option<PathBuf>,
    /// `XDG_STATE_HOME`.
    pub(crate) xdg_state_home: Option<PathBuf>,
    /// `HOME`.
    pub(crate) home: Option<PathBuf>,
    /// `ODB_CA_FILE`: the certificate authority of relays that run elsewhere.
    pub(crate) ca_file: Option<PathBuf>,
    /// `ODB_SESSION`: the session's name when no flag names one.
    pub(crate) session: Option<String>,
    /// `ODB_BROWSER`: the executable of Chrome or Chromium.
    pub(crate) browser: Option<PathBuf>,
    /// `ODB_BROWSER_ARGS`: further arguments for every Chrome or Chromium.
    pub(crate) browser_args: Option<String>,
    /// `ODB_CHROMEDRIVER`: chromedriver's executable.
    pub(crate) chromedriver: Option<PathBuf>,
    /// `ODB_FIREFOX`: Firefox's executable.
    pub(crate) firefox: Option<PathBuf>,
    /// `ODB_FIREFOX_ARGS`: further arguments for every Firefox.
    pub(crate) firefox_args: Option<String>,
    /// `OPENDEVBROWSER_OPS_KILL_SWITCH`: what is set and no UTF-8 switches it on as well.
    pub(crate) kill_switch: Option<String>,
    /// `DASHBOARD_ADMIN_TOKEN`.
    pub(crate) admin_token: Option<String>,
    /// `PATH`.
    pub(crate) path: Option<OsString>,
    /// `NO_COLOR`, set and not empty.
    pub(crate) no_color: bool,
    /// This program's file.
    pub(crate) executable: Option<PathBuf>,
    /// Reads the clock of the wall.
    pub(crate) now: fn() -> Timestamp,
    /// Random bits from the operating system; none where it has none to give.
    pub(crate) random: fn() -> Option<u128>,
    /// What the requests of this run are found by.
    pub(crate) correlation: Correlation,
}

impl Environment {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of this binary that reads the environment and the clock"
    )]
    pub(crate) fn read() -> Self {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let text = |name: &str| var(name).map(|value| value.to_string_lossy().into_owned());
        Self {
            odb_home: var("ODB_HOME").map(PathBuf::from),
            xdg_state_home: var("XDG_STATE_HOME").map(PathBuf::from),
            home: var("HOME").map(PathBuf::from),
            ca_file: var("ODB_CA_FILE").map(PathBuf::from),
            session: var("ODB_SESSION").and_then(|name| name.into_string().ok()),
            browser: var(ops_contracts::control::config::BROWSER).map(PathBuf::from),
            browser_args: text(ops_contracts::control::config::BROWSER_ARGS),
            chromedriver: var(ops_contracts::control::config::CHROMEDRIVER).map(PathBuf::from),
            firefox: var(ops_contracts::control::config::FIREFOX).map(PathBuf::from),
            firefox_args: text(ops_contracts::control::config::FIREFOX_ARGS),
            kill_switch: text(ops_contracts::control::config::KILL_SWITCH),
            admin_token: text("DASHBOARD_ADMIN_TOKEN"),
            path: var("PATH"),
            no_color: var("NO_COLOR").is_some(),
            executable: std::env::current_exe().ok(),
            now: || Timestamp::from(SystemTime::now()),
            random,
            // Without randomness no relay can be called: what calls one says so first.
            correlation: Correlation::new(random().unwrap_or_default()),
        }
    }
}

impl Environment {
    /// A variable that sets a key of the configuration.
    pub(crate) fn setting(&self, name: &str) -> Option<String> {
        match name {
            ops_contracts::control::config::KILL_SWITCH => self.kill_switch.clone(),
            ops_contracts::control::config::BROWSER => {
                self.browser.as_ref().map(|path| path.display().to_string())
            }
            ops_contracts::control::config::BROWSER_ARGS => self.browser_args.clone(),
            ops_contracts::control::config::CHROMEDRIVER => self
                .chromedriver
                .as_ref()
                .map(|path| path.display().to_string()),
            ops_contracts::control::config::FIREFOX => {
                self.firefox.as_ref().map(|path| path.display().to_string())
            }
            ops_contracts::control::config::FIREFOX_ARGS => self.firefox_args.clone(),
            _ => None,
        }
    }
}

fn random() -> Option<u128> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(u128::from_le_bytes(bytes))
}
