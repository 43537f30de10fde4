//! What the process was given by its surroundings, read once.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::SystemTime;

use ops_contracts::clock::Timestamp;

/// The surroundings of the process. Everything else takes them as an argument.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    /// `ODB_HOME`.
    pub(crate) odb_home: Option<PathBuf>,
    /// `XDG_STATE_HOME`.
    pub(crate) xdg_state_home: Option<PathBuf>,
    /// `HOME`.
    pub(crate) home: Option<PathBuf>,
    /// `ODB_SESSION`: the session's name when no flag names one.
    pub(crate) session: Option<String>,
    /// `ODB_BROWSER`: the browser's executable.
    pub(crate) browser: Option<PathBuf>,
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
}

impl Environment {
    #[expect(clippy::disallowed_methods, reason = "the one place of this binary that reads the environment and the clock")]
    pub(crate) fn read() -> Self {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            odb_home: var("ODB_HOME").map(PathBuf::from),
            xdg_state_home: var("XDG_STATE_HOME").map(PathBuf::from),
            home: var("HOME").map(PathBuf::from),
            session: var("ODB_SESSION").and_then(|name| name.into_string().ok()),
            browser: var("ODB_BROWSER").map(PathBuf::from),
            path: var("PATH"),
            no_color: var("NO_COLOR").is_some(),
            executable: std::env::current_exe().ok(),
            now: || Timestamp::from(SystemTime::now()),
            random,
        }
    }
}

fn random() -> Option<u128> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).ok()?;
    Some(u128::from_le_bytes(bytes))
}
