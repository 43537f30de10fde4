//! What the process was given by its surroundings, read once, and its clock.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::SystemTime;

use ops_contracts::wire::clock::{Clock, Timestamp};

/// The surroundings. Everything else takes them as an argument.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    /// Every variable; what browsers need of them is the adapter's to choose.
    pub(crate) variables: Vec<(OsString, OsString)>,
    /// This program's file, which is also the guard.
    pub(crate) executable: Option<PathBuf>,
}

impl Environment {
    pub(crate) fn read() -> Self {
        Self {
            variables: std::env::vars_os().collect(),
            executable: std::env::current_exe().ok(),
        }
    }

    /// The value of a variable that is set and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&OsString> {
        self.variables
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty())
    }

    /// The same as text; what is no UTF-8 in it is replaced, so that a switch that is set is never overlooked.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        self.get(name)
            .map(|value| value.to_string_lossy().into_owned())
    }
}

/// The clock of the wall.
#[derive(Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place of this binary that reads the clock"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::from(SystemTime::now())
    }
}
