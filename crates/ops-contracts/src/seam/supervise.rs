//! The port by which an adapter starts processes that never outlive their owner, however the owner ends and whatever
//! state they are in. Implemented where the guard is; adapters that need it are given it.
//!
//! It knows no protocol and no browser.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ChildStderr;
use std::sync::Arc;

use crate::seam::adapter::BoxFuture;

/// Starts supervised processes.
pub trait Supervisor: Send + Sync {
    /// Claims the directory that a process is to keep its files in: `persistent`, made when it is missing, or a fresh
    /// private one that is removed with the process.
    ///
    /// # Errors
    /// When it can't be made, or a living process owns it.
    fn claim(&self, persistent: Option<&Path>) -> io::Result<PathBuf>;

    /// Starts a process in its own process group. What it prints, as output and as errors, comes through one pipe. To be
    /// called inside a tokio runtime.
    ///
    /// # Errors
    /// When the supervision can't be set up; a program that can't be started ends at once and says so in its output.
    fn spawn(&self, spec: SuperviseSpec) -> io::Result<(Arc<dyn Supervised>, ChildStderr)>;
}

/// What to start.
#[derive(Debug, Clone)]
pub struct SuperviseSpec {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments. One of them must contain `directory`: it is how a later sweep knows the process again.
    pub args: Vec<OsString>,
    /// Its whole environment.
    pub environment: Vec<(OsString, OsString)>,
    /// The directory that was claimed for it.
    pub directory: PathBuf,
}

/// A supervised process. The last handle's end ends it, with everything that it started.
pub trait Supervised: Send + Sync {
    /// Its process id, once it runs.
    fn pid(&self) -> Option<u32>;

    /// Kills it and everything that it started, at once, also when it is stopped. Harmless when it has ended.
    fn kill(&self);

    /// Waits until it has ended. Tells how, as `exit code 1` or `signal 9`.
    fn ended(&self) -> BoxFuture<'_, String>;
}
