//! What the process was given by its surroundings, read once.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ops_contracts::wire::clock::Timestamp;

/// The surroundings of the process. Everything else takes them as an argument.
#[derive(Debug, Clone)]
pub struct Environment {
    /// `PATH`.
    path: OsString,
    /// `ODB_BROWSER`: the executable of Chrome or Chromium.
    pub browser: Option<PathBuf>,
    /// `ODB_CHROMEDRIVER`: chromedriver's executable.
    pub chromedriver: Option<PathBuf>,
    /// `ODB_FIREFOX`: Firefox's executable.
    pub firefox: Option<PathBuf>,
    /// The state directory that `ODB_HOME`, `XDG_STATE_HOME` or `HOME` names.
    pub state: Option<PathBuf>,
    /// `OPENCODE_REPLAY_SEED`: what every choice follows from.
    pub replay_seed: Option<String>,
    /// `NO_COLOR`, set and not empty.
    pub no_color: bool,
    /// When the task began.
    pub started: Timestamp,
}

impl Environment {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of this program that reads the environment and the clock"
    )]
    pub fn read() -> Self {
        let var = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            path: var("PATH").unwrap_or_default(),
            browser: var("ODB_BROWSER").map(PathBuf::from),
            chromedriver: var("ODB_CHROMEDRIVER").map(PathBuf::from),
            firefox: var("ODB_FIREFOX").map(PathBuf::from),
            state: var("ODB_HOME")
                .map(PathBuf::from)
                .or_else(|| var("XDG_STATE_HOME").map(|dir| PathBuf::from(dir).join("odb")))
                .or_else(|| var("HOME").map(|dir| PathBuf::from(dir).join(".local/state/odb"))),
            replay_seed: var("OPENCODE_REPLAY_SEED")
                .map(|seed| seed.to_string_lossy().into_owned()),
            no_color: var("NO_COLOR").is_some(),
            started: Timestamp::from(SystemTime::now()),
        }
    }

    /// The program of this name on the `PATH`.
    pub fn find(&self, program: &str) -> Option<PathBuf> {
        std::env::split_paths(&self.path)
            .map(|dir| dir.join(program))
            .find(|file| is_executable(file))
    }
}

/// Whether a file is there and may be executed.
pub fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file)
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
