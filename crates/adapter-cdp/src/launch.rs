//! Starts one browser through its guard and hands out the two pipes to it.
//!
//! It decides no policy: the executable, the sandbox and the profile's place come in. It speaks no protocol; whether
//! the browser answers is the caller's to find out, and [`Process::explain`] says why when it does not.

mod arguments;
mod output;
mod supervised;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use rustix::pipe::{PipeFlags, pipe_with};
use tokio::sync::watch;

use crate::guard::{self, GuardArgs, GuardCommand, LIFETIME_FD, Marker, ProcessId};
use crate::transport::{Reader, Writer, enlarge};
pub use arguments::Mode;
use output::Output;
pub use supervised::GuardSupervisor;

/// Where the browser keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Profile {
    /// A fresh directory below this one, deleted with the browser.
    Temporary(PathBuf),
    /// This directory, made when it is missing and kept.
    Persistent(PathBuf),
}

/// Everything that a launch needs.
#[derive(Debug, Clone)]
pub struct Launch<'a> {
    /// The browser's executable.
    pub executable: &'a Path,
    /// How to start the guard.
    pub guard: &'a GuardCommand,
    /// Where the profile is.
    pub profile: Profile,
    /// How the browser is to run.
    pub mode: Mode<'a>,
    /// Further arguments.
    pub extra_args: &'a [String],
    /// The whole environment of the guard and the browser; see [`browser_environment`].
    pub environment: &'a [(OsString, OsString)],
    /// Whether the user's home is out of the browser's sight: what it writes by default lands in its profile.
    pub homeless: bool,
    /// The time of day in Unix milliseconds, for the profile's marker.
    pub now_ms: u64,
}

/// Why a browser did not start, or did not stay.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// An argument would take over the debugging connection or undo a safeguard.
    #[error("the argument {0} is not allowed")]
    ArgumentForbidden(String),
    /// The profile's directory cannot be used.
    #[error("the profile {} can't be used: {source}", path.display())]
    Profile {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process uses the profile.
    #[error("another browser uses the profile {}", .0.display())]
    ProfileInUse(PathBuf),
    /// The guard could not be started.
    #[error("the guard {} can't be started: {source}", program.display())]
    Guard {
        /// The guard's program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The browser says that it has no usable sandbox.
    #[error("the browser can't set up its sandbox")]
    NoSandbox {
        /// The end of what it printed, at most 4 KiB.
        output: String,
    },
    /// The browser ended before it answered.
    #[error("the browser ended at once ({status})")]
    Exited {
        /// How, as `exit code 1` or `signal 9`.
        status: String,
        /// The end of what it printed, at most 4 KiB.
        output: String,
    },
    /// The browser runs and does not answer.
    #[error("the browser did not answer within {} ms", after.as_millis())]
    Unanswered {
        /// How long was waited.
        after: Duration,
        /// The end of what it printed, at most 4 KiB.
        output: String,
    },
}

/// A browser's process behind its guard. Dropping it kills the browser and everything that it started.
#[derive(Debug)]
pub struct Process {
    watch: Watch,
    output: Output,
}

/// What it takes to see a browser's end and to bring it about. Does not keep the browser alive.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    /// The only write end of the lifetime pipe: closing it is the order to kill.
    lifetime: Arc<Mutex<Option<OwnedFd>>>,
    exit: watch::Receiver<Option<ExitStatus>>,
    guard: ProcessId,
    profile: PathBuf,
}

/// A process and the two ends of its debugging pipe.
#[derive(Debug)]
pub struct Launched {
    /// The process.
    pub process: Process,
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
}

/// The variables that a browser needs of its user's environment. Everything else, secrets above all, stays out.
pub fn browser_environment(
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    const NAMES: &[&str] = &[
        "HOME",
        "PATH",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "DISPLAY",
        "XAUTHORITY",
        "WAYLAND_DISPLAY",
        "DBUS_SESSION_BUS_ADDRESS",
        "LD_LIBRARY_PATH",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ];
    const PREFIXES: &[&str] = &["LC_", "XDG_", "FONTCONFIG_"];
    let wanted = |name: &OsStr| {
        name.to_str().is_some_and(|name| {
            NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        })
    };
    variables.filter(|(name, _)| wanted(name)).collect()
}

/// Whether a variable tells where the user's own files are.
fn names_home(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| {
        name == "HOME"
            || (name.starts_with("XDG_") && !name.ends_with("_DIRS") && name != "XDG_RUNTIME_DIR")
    })
}

/// Starts the browser. To be called inside a tokio runtime.
///
/// # Errors
/// `ArgumentForbidden`, `Profile` and `Guard`; what goes wrong after the start shows in [`Process::explain`].
pub fn launch(launch: &Launch<'_>) -> Result<Launched, LaunchError> {
    if let Some(argument) = ops_contracts::seam::chromium::forbidden(launch.extra_args) {
        return Err(LaunchError::ArgumentForbidden(argument.to_owned()));
    }
    if let Some(argument) = arguments::way_out(launch.extra_args).filter(|_| launch.mode.confined) {
        return Err(LaunchError::ArgumentForbidden(argument.to_owned()));
    }
    let (profile, temporary) = prepare_profile(&launch.profile, launch.now_ms)?;
    let started = start(launch, &profile);
    if started.is_err() && temporary {
        guard::remove_profile(&profile);
    }
    started
}

fn start(launch: &Launch<'_>, profile: &Path) -> Result<Launched, LaunchError> {
    let failed = |source| LaunchError::Guard {
        program: launch.guard.program.clone(),
        source,
    };
    let pipe = || pipe_with(PipeFlags::CLOEXEC).map_err(|error| failed(error.into()));
    let (commands_out, commands_in) = pipe()?;
    let (replies_out, replies_in) = pipe()?;
    let (lifetime_out, lifetime_in) = pipe()?;
    enlarge(&commands_in);
    enlarge(&replies_out);
    let args = GuardArgs {
        profile: profile.to_owned(),
        browser: launch.executable.to_owned(),
        browser_args: arguments::command_line(launch.mode, profile, launch.extra_args),
    };
    let mut command = Command::new(&launch.guard.program);
    command
        .args(&launch.guard.args_prefix)
        .args(args.to_args())
        .env_clear()
        .envs(
            launch
                .environment
                .iter()
                .filter(|(name, _)| !launch.homeless || !names_home(name))
                .cloned(),
        )
        // Crash handlers leave the browser's process group: with the profile's path on their command line a sweep knows
        // them, and reports of crashes stay out of the user's own browser's.
        .env("BREAKPAD_DUMP_LOCATION", profile.join("crashes"))
        .stdin(Stdio::from(commands_out))
        .stdout(Stdio::from(replies_in))
        .stderr(Stdio::piped())
        .process_group(0);
    if launch.homeless {
        command.env("HOME", profile);
    }
    let lifetime_end = FdMapping {
        parent_fd: lifetime_out,
        child_fd: LIFETIME_FD,
    };
    command
        .fd_mappings(vec![lifetime_end])
        .map_err(|error| failed(io::Error::other(error)))?;
    let mut child = tokio::process::Command::from(command)
        .spawn()
        .map_err(failed)?;
    let output = Output::drain(child.stderr.take());
    Ok(Launched {
        reader: Reader::new(replies_out).map_err(failed)?,
        writer: Writer::new(commands_in).map_err(failed)?,
        process: Process {
            watch: Watch::new(child, lifetime_in, profile.to_owned()),
            output,
        },
    })
}

fn watch_exit(mut guard: tokio::process::Child) -> watch::Receiver<Option<ExitStatus>> {
    let (sender, receiver) = watch::channel(None);
    tokio::spawn(async move {
        let status = guard
            .wait()
            .await
            .unwrap_or_else(|_| ExitStatus::from_raw(-1));
        let _ = sender.send(Some(status));
    });
    receiver
}

/// Makes the directory, private to the user, and puts the owner's marker into it. Returns it and whether it is temporary.
fn prepare_profile(profile: &Profile, now_ms: u64) -> Result<(PathBuf, bool), LaunchError> {
    let (path, temporary) = match profile {
        Profile::Temporary(root) => (fresh_directory(root, now_ms)?, true),
        Profile::Persistent(path) => {
            make_private(path, true).map_err(|source| profile_error(path, source))?;
            (path.clone(), false)
        }
    };
    // Chromium resolves its profile's path; the sweep compares command lines with this one.
    let path = fs::canonicalize(&path).map_err(|source| profile_error(&path, source))?;
    let owner = ProcessId::own();
    let marker = Marker {
        owner,
        guard: None,
        browser: None,
        temporary,
        temporary_files: None,
        created_at_ms: now_ms,
    };
    guard::take(&path, &marker).map_err(|source| match source.kind() {
        io::ErrorKind::ResourceBusy => LaunchError::ProfileInUse(path.clone()),
        _ => profile_error(&path, source),
    })?;
    Ok((path, temporary))
}

fn profile_error(path: &Path, source: io::Error) -> LaunchError {
    LaunchError::Profile {
        path: path.to_owned(),
        source,
    }
}

fn make_private(path: &Path, recursive: bool) -> io::Result<()> {
    fs::DirBuilder::new()
        .mode(0o700)
        .recursive(recursive)
        .create(path)
}

fn fresh_directory(root: &Path, now_ms: u64) -> Result<PathBuf, LaunchError> {
    make_private(root, true).map_err(|source| profile_error(root, source))?;
    for attempt in 0..1000 {
        let name = format!("tmp-{}-{}-{attempt}", std::process::id(), now_ms);
        let path = root.join(name);
        match make_private(&path, false) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(profile_error(&path, source)),
        }
    }
    Err(profile_error(root, io::Error::other("no free name")))
}

impl Watch {
    fn new(guard: tokio::process::Child, lifetime: OwnedFd, profile: PathBuf) -> Self {
        let pid = guard
            .id()
            .and_then(|pid| rustix::process::Pid::from_raw(i32::try_from(pid).ok()?));
        Self {
            lifetime: Arc::new(Mutex::new(Some(lifetime))),
            // One that has ended already is nobody.
            guard: pid
                .and_then(ProcessId::of)
                .unwrap_or(ProcessId { pid: 0, start: 0 }),
            exit: watch_exit(guard),
            profile,
        }
    }

    /// Orders the guard to kill the browser at once. Harmless when it has ended.
    pub(crate) fn kill(&self) {
        self.lifetime
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
    }

    /// Kills a browser that has lost its guard, and removes what that would have removed.
    pub(crate) async fn kill_unguarded(&self) {
        let (guard, profile) = (self.guard, self.profile.clone());
        // It fails with the runtime alone: then the next sweep does it.
        let _ = tokio::task::spawn_blocking(move || guard::stand_in(guard, &profile)).await;
    }

    /// Waits until the guard has ended, and with it everything that it guards.
    pub(crate) async fn ended(&self) -> String {
        let mut exit = self.exit.clone();
        let status = exit
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|status| *status);
        describe(status)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Process {
    /// Orders the guard to kill the browser at once. Harmless when it has ended.
    pub fn kill(&self) {
        self.watch.kill();
    }

    pub(crate) fn watch(&self) -> Watch {
        self.watch.clone()
    }

    /// The guard's process id.
    pub fn guard_pid(&self) -> u32 {
        self.watch.guard.pid
    }

    /// The browser's process id, once the guard has started it.
    pub fn browser_pid(&self) -> Option<u32> {
        guard::browser_of(&self.watch.profile).map(|browser| browser.pid)
    }

    /// The profile's directory.
    pub fn profile(&self) -> &Path {
        &self.watch.profile
    }

    /// The end of what the browser has printed so far, at most 4 KiB.
    pub fn output(&self) -> String {
        self.output.tail()
    }

    /// Waits until the guard has ended, and with it everything that it guards. Tells how the browser ended.
    pub async fn ended(&self) -> String {
        self.watch.ended().await
    }

    /// Kills the browser, and waits for its end as long as a guard takes at most to kill it and to clean up.
    pub(crate) async fn end(&self) {
        const DEADLINE: Duration = Duration::from_secs(2);
        self.kill();
        let _ = tokio::time::timeout(DEADLINE, self.ended()).await;
    }

    /// The error that explains why the browser does not answer, after waiting `after` for an answer or an exit.
    pub async fn explain(&self, after: Duration) -> LaunchError {
        // When the browser goes, its pipe ends some milliseconds before its guard does.
        const GRACE: Duration = Duration::from_millis(1500);
        if tokio::time::timeout(GRACE, self.ended()).await.is_err() {
            let output = self.output.tail();
            return LaunchError::Unanswered { after, output };
        }
        self.output.finished(GRACE).await;
        let output = self.output.tail();
        let status = *self.watch.exit.borrow();
        let says = |words: &[&str]| words.iter().any(|word| output.contains(word));
        if says(&[
            "No usable sandbox",
            "without --no-sandbox is not supported",
            "The SUID sandbox helper binary",
        ]) {
            return LaunchError::NoSandbox { output };
        }
        if says(&[
            "Opening in existing browser session",
            "profile appears to be in use",
            "ProcessSingleton",
        ]) {
            return LaunchError::ProfileInUse(self.watch.profile.clone());
        }
        LaunchError::Exited {
            status: describe(status),
            output,
        }
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
    fn secrets_never_reach_the_browsers_environment() {
        let given = [
            "HOME",
            "LC_ALL",
            "XDG_RUNTIME_DIR",
            "DASHBOARD_ADMIN_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "ODB_BROWSER",
        ]
        .map(|name| (OsString::from(name), OsString::from("x")));
        let kept: Vec<_> = browser_environment(given.into_iter())
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(kept, ["HOME", "LC_ALL", "XDG_RUNTIME_DIR"]);
    }

    #[test]
    fn temporary_profiles_are_fresh_private_and_marked() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let profile = Profile::Temporary(root.path().join("profiles"));
        let now_ms = 5;
        let (one, temporary) = prepare_profile(&profile, now_ms).unwrap();
        let (two, _) = prepare_profile(&profile, now_ms).unwrap();
        assert!(temporary && one != two);
        assert_eq!(
            fs::metadata(&one).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert!(one.join(guard::MARKER_FILE).exists());
    }
}
