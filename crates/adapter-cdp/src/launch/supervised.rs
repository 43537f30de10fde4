//! The guard for processes of others: the port through which other adapters start their browsers under it.
//!
//! It knows nothing of those processes: they get no debugging pipe, and what they print goes to the caller.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, Command, Stdio};
use std::sync::Arc;

use command_fds::{CommandFdExt, FdMapping};
use ops_contracts::seam::adapter::BoxFuture;
use ops_contracts::seam::supervise::{SuperviseSpec, Supervised, Supervisor};
use ops_contracts::wire::clock::Clock;
use rustix::pipe::{PipeFlags, pipe_with};
use std::os::unix::process::CommandExt;

use super::{Profile, Watch, prepare_profile};
use crate::guard::{self, GuardArgs, GuardCommand, LIFETIME_FD};

/// Starts processes under a guard, for adapters other than this crate's own.
pub struct GuardSupervisor {
    guard: GuardCommand,
    directories: PathBuf,
    clock: Arc<dyn Clock>,
}

impl GuardSupervisor {
    /// A supervisor whose fresh directories are below `directories`, which [`guard::sweep`] sweeps.
    #[must_use]
    pub fn new(guard: GuardCommand, directories: PathBuf, clock: Arc<dyn Clock>) -> Self {
        Self {
            guard,
            directories,
            clock,
        }
    }
}

impl Supervisor for GuardSupervisor {
    fn claim(&self, persistent: Option<&Path>) -> io::Result<PathBuf> {
        let profile = match persistent {
            Some(directory) => Profile::Persistent(directory.to_owned()),
            None => Profile::Temporary(self.directories.clone()),
        };
        let (path, _) =
            prepare_profile(&profile, self.clock.now().unix_millis()).map_err(io::Error::other)?;
        Ok(path)
    }

    fn spawn(&self, spec: SuperviseSpec) -> io::Result<(Arc<dyn Supervised>, ChildStderr)> {
        let (lifetime_out, lifetime_in) = pipe_with(PipeFlags::CLOEXEC)?;
        let args = GuardArgs {
            profile: spec.directory.clone(),
            browser: spec.program,
            browser_args: spec.args,
        };
        let mut command = Command::new(&self.guard.program);
        command
            .args(&self.guard.args_prefix)
            .args(args.to_args())
            .env_clear()
            .envs(spec.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
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
        let stderr = child
            .stderr
            .take()
            .ok_or_else(|| io::Error::other("its output can't be read"))?
            .into_owned_fd()?;
        let watch = Watch::new(child, lifetime_in, spec.directory);
        // A guard that is killed takes nobody with it.
        let orphaned = watch.clone();
        tokio::spawn(async move {
            orphaned.ended().await;
            orphaned.kill_unguarded().await;
        });
        Ok((Arc::new(Guarded(watch)), ChildStderr::from(stderr)))
    }
}

struct Guarded(Watch);

impl Supervised for Guarded {
    fn pid(&self) -> Option<u32> {
        guard::browser_of(&self.0.profile).map(|browser| browser.pid)
    }

    fn kill(&self) {
        self.0.kill();
    }

    fn ended(&self) -> BoxFuture<'_, String> {
        Box::pin(self.0.ended())
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.0.kill();
    }
}
