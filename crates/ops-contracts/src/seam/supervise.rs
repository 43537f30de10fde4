//! The port by which an adapter gets browsers: found, started with the flags that they need, and ended with their owner,
//! however the owner ends and whatever state they are in. Implemented where the guard is; adapters are given it.
//!
//! It knows programs and processes, and no protocol: what an adapter gets is a way to send messages and a process.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::seam::adapter::{AdapterError, AdapterResult, BoxFuture, LaunchSpec};
use crate::seam::files::Folders;

/// Width and height of the screen of a Firefox without a display: what does not fit into a window gets no input.
pub const SCREEN: (u32, u32) = (1920, 1080);

/// A program that an adapter can speak to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Program {
    /// Chrome or Chromium, which takes commands over two pipes.
    Chrome,
    /// Firefox, which listens on a port.
    Firefox,
    /// Chromedriver, which listens on a port and starts Chrome or Chromium.
    Chromedriver,
}

/// Finds and starts programs under supervision.
pub trait Supervisor: Send + Sync {
    /// The executable that a start without one of its own would use.
    ///
    /// # Errors
    /// `BrowserMissing`.
    fn locate(&self, program: Program) -> AdapterResult<PathBuf>;

    /// Starts a program, which may not listen yet. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// `BrowserMissing`, `ArgumentForbidden`, `LaunchFailed`. What goes wrong after the start shows in [`Supervised::explain`].
    fn start(&self, start: &Start<'_>) -> AdapterResult<Started>;
}

/// What to start.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// The program.
    pub program: Program,
    /// How its browser is to be.
    pub spec: &'a LaunchSpec,
    /// Whether the user's home is out of the browser's sight, so that what it writes by default lands in its own directory.
    /// Firefox and chromedriver never see it.
    pub homeless: bool,
}

/// A program that was started.
pub struct Started {
    /// Its process. The last handle's end ends it, with everything that it started.
    pub process: Arc<dyn Supervised>,
    /// How to send it messages.
    pub endpoint: Endpoint,
    /// Whether the browser has its sandbox.
    pub sandboxed: bool,
}

/// How messages reach a program.
#[derive(Debug)]
pub enum Endpoint {
    /// Over two pipes, which nobody else has.
    Pipes {
        /// The end to write to.
        commands: OwnedFd,
        /// The end to read from.
        replies: OwnedFd,
    },
    /// Over the port on loopback that [`Supervised::port`] reports.
    Port,
    /// The same; a session of the driver has to begin with what it is to start.
    Driver {
        /// The browser's executable.
        binary: String,
        /// The browser's arguments.
        args: Vec<String>,
    },
}

/// A supervised process, with a directory of its own for everything that it writes. Its folders are below that directory.
pub trait Supervised: Folders {
    /// The process id of what was started, once it runs.
    fn pid(&self) -> Option<u32>;

    /// Its directory: the profile that was named, or a private one that goes with the process.
    fn directory(&self) -> &Path;

    /// Kills it and everything that it started, at once, also when it is stopped. Harmless when it has ended.
    fn kill(&self);

    /// Waits until it and everything that it started has ended. Reports how, as `exit code 1` or `signal 9`.
    fn ended(&self) -> BoxFuture<'_, String>;

    /// Waits for the port that it prints; none when its output ended before.
    fn port(&self) -> BoxFuture<'_, Option<u16>>;

    /// The end of what it has printed, at most 4 KiB.
    fn output(&self) -> String;

    /// The error of a process whose connection ended before it answered: `SandboxUnavailable`, or `LaunchFailed` with how it
    /// ended. Where it goes on, the reason is `otherwise`.
    fn explain(&self, otherwise: String) -> BoxFuture<'_, AdapterError>;

    /// The error of a process that can't be used for this reason.
    fn refused(&self, reason: String) -> AdapterError {
        AdapterError::LaunchFailed {
            reason,
            output: self.output(),
        }
    }

    /// The error of a process that has not answered after this time.
    fn unanswered(&self, after: Duration) -> AdapterError {
        self.refused(unanswered(after))
    }
}

/// The reason of a launch that was given up after this time.
#[must_use]
pub fn unanswered(after: Duration) -> String {
    format!("the browser did not answer within {} ms", after.as_millis())
}

/// A launch that failed before anything ran.
pub fn failed(what: &'static str) -> impl Fn(io::Error) -> AdapterError {
    move |error| AdapterError::LaunchFailed {
        reason: format!("{what}: {error}"),
        output: String::new(),
    }
}
