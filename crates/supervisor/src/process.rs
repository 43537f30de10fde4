//! One process behind its guard: started with the ends that lead to it, watched, and ended.
//!
//! It decides nothing about what it starts: program, arguments, environment and directory come in as a [`Plan`].

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use ops_contracts::seam::adapter::{AdapterError, AdapterResult, BoxFuture};
use ops_contracts::seam::files::{Folder, Folders};
use ops_contracts::seam::supervise::Supervised;
use parking_lot::Mutex;
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::process::Child;
use tokio::sync::watch;

use crate::directory;
use crate::environment::Variables;
use crate::folder::FoldersBelow;
use crate::guard::{self, GuardArgs, GuardCommand, LIFETIME_FD, ProcessId};
use crate::output::Output;

/// How much later than its connection a process may end. When a browser goes, its pipe ends some milliseconds before its guard does.
const GRACE: Duration = Duration::from_millis(1500);

/// Asked of the kernel for both pipes: fewer wake-ups for screenshots and snapshots.
const PIPE_SIZE: usize = 1024 * 1024;

/// What to start, and where.
pub(crate) struct Plan {
    pub(crate) program: PathBuf,
    /// One of them contains `directory`: it is how a later sweep knows the process again.
    pub(crate) args: Vec<OsString>,
    /// Its whole environment.
    pub(crate) environment: Variables,
    /// The directory that was claimed for it.
    pub(crate) directory: PathBuf,
    /// Standard input and output of the guard, which become the browser's descriptors 3 and 4.
    pub(crate) streams: [Stdio; 2],
    /// What stands before the port in its output, if it listens on one.
    pub(crate) ready: Option<&'static str>,
}

/// The ends of a pair of pipes: those of a browser, and ours.
pub(crate) struct Pipes {
    pub(crate) browser: [Stdio; 2],
    pub(crate) commands: OwnedFd,
    pub(crate) replies: OwnedFd,
}

impl Pipes {
    pub(crate) fn new() -> io::Result<Self> {
        let (commands_out, commands) = pipe_with(PipeFlags::CLOEXEC)?;
        let (replies, replies_in) = pipe_with(PipeFlags::CLOEXEC)?;
        enlarge(&commands);
        enlarge(&replies);
        Ok(Self {
            browser: [Stdio::from(commands_out), Stdio::from(replies_in)],
            commands,
            replies,
        })
    }
}

/// Enlarges a pipe's buffer where the system allows it.
fn enlarge(pipe: &OwnedFd) {
    #[cfg(target_os = "linux")]
    {
        // The limit for plain users may be lower: then the default size serves.
        let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE_SIZE);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (pipe, PIPE_SIZE);
}

/// A process behind its guard. Dropping it kills the process and everything that it started.
#[derive(Debug)]
pub(crate) struct Guarded {
    /// The only write end of the lifetime pipe: closing it is the order to kill. Guarded for the one moment in which it is taken out,
    /// which whoever kills first does.
    lifetime: Mutex<Option<OwnedFd>>,
    exit: watch::Receiver<Option<ExitStatus>>,
    directory: PathBuf,
    folders: FoldersBelow,
    output: Output,
}

/// Starts a process. To be called inside a tokio runtime.
///
/// # Errors
/// `LaunchFailed` when the guard can't be started; what that can't start shows in the end of the process.
pub(crate) fn start(guard: &GuardCommand, plan: Plan) -> AdapterResult<Arc<Guarded>> {
    spawn(guard, plan).map_err(|source| AdapterError::LaunchFailed {
        reason: format!(
            "the guard {} can't be started: {source}",
            guard.program.display()
        ),
        output: String::new(),
    })
}

fn spawn(guard: &GuardCommand, plan: Plan) -> io::Result<Arc<Guarded>> {
    let (lifetime_out, lifetime) = pipe_with(PipeFlags::CLOEXEC)?;
    let args = GuardArgs {
        profile: plan.directory.clone(),
        browser: plan.program,
        browser_args: plan.args,
    };
    let [input, output] = plan.streams;
    let mut command = Command::new(&guard.program);
    command
        .args(&guard.args_prefix)
        .args(args.to_args())
        .env_clear()
        .envs(plan.environment)
        .stdin(input)
        .stdout(output)
        .stderr(Stdio::piped())
        .process_group(0);
    let lifetime_end = FdMapping {
        parent_fd: lifetime_out,
        child_fd: LIFETIME_FD,
    };
    command
        .fd_mappings(vec![lifetime_end])
        .map_err(io::Error::other)?;
    let mut child = tokio::process::Command::from(command).spawn()?;
    let output = Output::drain(child.stderr.take(), plan.ready);
    Ok(Arc::new(Guarded {
        lifetime: Mutex::new(Some(lifetime)),
        exit: watch_exit(child, plan.directory.clone()),
        folders: FoldersBelow(plan.directory.clone()),
        directory: plan.directory,
        output,
    }))
}

/// Reports how the guard has ended, once nothing of what it guarded is left.
fn watch_exit(mut guard: Child, directory: PathBuf) -> watch::Receiver<Option<ExitStatus>> {
    let (sender, receiver) = watch::channel(None);
    // One that has ended already is nobody.
    let id = guard
        .id()
        .and_then(|pid| rustix::process::Pid::from_raw(i32::try_from(pid).ok()?))
        .and_then(ProcessId::of);
    tokio::spawn(async move {
        let status = guard
            .wait()
            .await
            .unwrap_or_else(|_| ExitStatus::from_raw(-1));
        if let Some(id) = id {
            // A guard that was killed takes nobody with it. It fails with the runtime alone: then the next sweep does it.
            let killed = status.code().is_none();
            let _ =
                tokio::task::spawn_blocking(move || guard::stand_in(id, &directory, killed)).await;
        }
        let _ = sender.send(Some(status));
    });
    receiver
}

impl Guarded {
    async fn until_ended(&self) -> Option<ExitStatus> {
        let mut exit = self.exit.clone();
        let ended = exit.wait_for(Option::is_some).await;
        ended.ok().and_then(|status| *status)
    }

    async fn explanation(&self, otherwise: String) -> AdapterError {
        let Ok(status) = tokio::time::timeout(GRACE, self.until_ended()).await else {
            return self.refused(otherwise);
        };
        self.output.finished(GRACE).await;
        let output = self.output.tail();
        let says = |words: &[&str]| words.iter().any(|word| output.contains(word));
        if says(&[
            "No usable sandbox",
            "without --no-sandbox is not supported",
            "The SUID sandbox helper binary",
        ]) {
            return AdapterError::SandboxUnavailable;
        }
        if says(&[
            "Opening in existing browser session",
            "profile appears to be in use",
            "ProcessSingleton",
        ]) {
            return directory::in_use(&self.directory);
        }
        AdapterError::LaunchFailed {
            reason: format!("the browser ended at once ({})", describe(status)),
            output,
        }
    }
}

impl Folders for Guarded {
    fn folder(&self, name: &str) -> AdapterResult<Arc<dyn Folder>> {
        self.folders.folder(name)
    }
}

impl Supervised for Guarded {
    fn pid(&self) -> Option<u32> {
        guard::browser_of(&self.directory).map(|browser| browser.pid)
    }

    fn directory(&self) -> &Path {
        &self.directory
    }

    fn kill(&self) {
        self.lifetime.lock().take();
    }

    fn ended(&self) -> BoxFuture<'_, String> {
        Box::pin(async { describe(self.until_ended().await) })
    }

    fn port(&self) -> BoxFuture<'_, Option<u16>> {
        Box::pin(self.output.port())
    }

    fn output(&self) -> String {
        self.output.tail()
    }

    fn explain(&self, otherwise: String) -> BoxFuture<'_, AdapterError> {
        Box::pin(self.explanation(otherwise))
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The guard ends with its browser's code, 128 + N for signal N.
fn describe(status: Option<ExitStatus>) -> String {
    match status.map(|status| (status.code(), status.signal())) {
        Some((Some(code @ 129..), _)) => format!("signal {}", code - 128),
        Some((Some(code), _)) => format!("exit code {code}"),
        Some((None, Some(signal))) => format!("its guard ended by signal {signal}"),
        _ => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_guard_is_reported_as_that_of_its_browser() {
        let raw = |raw| describe(Some(ExitStatus::from_raw(raw)));
        assert_eq!(raw(7 << 8), "exit code 7");
        assert_eq!(raw(137 << 8), "signal 9");
        assert_eq!(raw(9), "its guard ended by signal 9");
        assert_eq!(describe(None), "unknown");
    }
}
