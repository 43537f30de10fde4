//! The guard: a small process between its owner and one browser, which ends the browser when the owner is gone,
//! however the owner went, and the browser's state (running, stopped, hung) does not matter.
//!
//! The guard is the owner's own program, called with [`SUBCOMMAND`]. It runs in a process group of its own and puts
//! the browser into another one. A *lifetime pipe* joins it to the owner: the owner alone holds the write end, so the
//! read end reports end of file the moment the owner is gone. It knows nothing about the protocol: the two ends of
//! the debugging pipe only pass through it, from its standard streams to the browser's descriptors 3 and 4.
//!
//! It does not restart anything, and it does not ask the browser to end by itself: that is the owner's part.

mod marker;
mod processes;
mod sweep;
mod temporary;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use command_fds::{CommandFdExt, FdMapping};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

pub use marker::{MARKER_FILE, Marker};
pub use processes::ProcessId;
pub use sweep::{SweepReport, sweep};

/// The hidden subcommand by which a program becomes a guard.
pub const SUBCOMMAND: &str = "__guard";

/// The descriptor of the lifetime pipe's read end in the guard.
pub(crate) const LIFETIME_FD: i32 = 5;

/// How long the guard waits for killed processes to be gone before it leaves the rest to the next sweep.
const REAP_DEADLINE: Duration = Duration::from_millis(900);

/// How a launcher starts a guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardCommand {
    /// A program whose `main` calls [`dispatch`] before anything else.
    pub program: PathBuf,
    /// Arguments before [`SUBCOMMAND`]; for programs which take them off before they call [`run`].
    pub args_prefix: Vec<OsString>,
}

impl GuardCommand {
    /// A guard that is `program` itself, without leading arguments.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args_prefix: Vec::new(),
        }
    }
}

/// What the owner tells its guard on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GuardArgs {
    pub(crate) profile: PathBuf,
    pub(crate) browser: PathBuf,
    pub(crate) browser_args: Vec<OsString>,
}

impl GuardArgs {
    /// The arguments that [`GuardArgs::parse`] reads back, [`SUBCOMMAND`] first.
    pub(crate) fn to_args(&self) -> Vec<OsString> {
        let head = [
            OsStr::new(SUBCOMMAND),
            self.profile.as_os_str(),
            self.browser.as_os_str(),
        ];
        head.into_iter()
            .map(OsStr::to_owned)
            .chain(self.browser_args.iter().cloned())
            .collect()
    }

    fn parse(mut args: impl Iterator<Item = OsString>) -> Result<Self, GuardError> {
        let profile = args.next().ok_or(GuardError::Usage)?.into();
        let browser = args.next().ok_or(GuardError::Usage)?.into();
        Ok(Self {
            profile,
            browser,
            browser_args: args.collect(),
        })
    }
}

/// Why a guard could not do its work. Printed on standard error, which the owner reads.
#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    /// The arguments are not what a launcher writes.
    #[error("usage: {SUBCOMMAND} PROFILE BROWSER [ARGUMENT]...")]
    Usage,
    /// A descriptor, the marker or a wait failed.
    #[error("the guard cannot {what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The browser could not be started.
    #[error("the browser {} cannot be started: {source}", browser.display())]
    Spawn {
        /// The executable.
        browser: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
}

fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> GuardError {
    move |source| GuardError::Io { what, source }
}

/// True when `args` (a whole `argv`, program name first) ask this program to be a guard.
pub fn is_guard_invocation(mut args: impl Iterator<Item = OsString>) -> bool {
    args.nth(1).is_some_and(|arg| arg == SUBCOMMAND)
}

/// Runs the guard when `args` (a whole `argv`, program name first) ask for it, else returns `None`.
///
/// To be called before anything else in `main`: the guard takes over the standard streams.
pub fn dispatch(args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let mut args = args.skip(1);
    (args.next()? == SUBCOMMAND).then(|| run(args))
}

/// Guards one browser until it or the owner is gone. `args` are those after [`SUBCOMMAND`].
///
/// Returns the browser's exit code, 128 + N when signal N ended it, and 70 when the guard itself failed.
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let outcome = GuardArgs::parse(args).and_then(|args| guard(&args));
    match outcome {
        Ok(status) => ExitCode::from(exit_byte(status)),
        Err(error) => {
            say(&error);
            ExitCode::from(70)
        }
    }
}

fn exit_byte(status: ExitStatus) -> u8 {
    let number = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(1);
    u8::try_from(number).unwrap_or(u8::MAX)
}

fn guard(args: &GuardArgs) -> Result<ExitStatus, GuardError> {
    let ended = serve(args);
    if marker::read(&args.profile).is_ok_and(|marker| marker.temporary) {
        remove_profile(&args.profile);
    }
    ended
}

/// Has a browser run in a place for its temporary files.
fn serve(args: &GuardArgs) -> Result<ExitStatus, GuardError> {
    // Opening the path gives a descriptor of our own to the same pipe; the inherited number stays as it is.
    let lifetime =
        File::open(format!("/dev/fd/{LIFETIME_FD}")).map_err(io("open the lifetime pipe"))?;
    adopt_orphans();
    let temporary = temporary::create().map_err(io("make a directory for temporary files"))?;
    note(&args.profile, |marker| {
        marker.guard = ProcessId::of(rustix::process::getpid());
        marker.temporary_files = Some(temporary.clone());
    });
    let ended = supervise(args, lifetime, &temporary);
    temporary::remove(&temporary);
    ended
}

/// Starts the browser, and ends it when the owner is gone.
fn supervise(args: &GuardArgs, lifetime: File, temporary: &Path) -> Result<ExitStatus, GuardError> {
    let mut child = spawn_browser(args, temporary)?;
    let group = processes::pid_of(&child);
    note(&args.profile, |marker| {
        marker.browser = ProcessId::of(group)
    });
    if let Err(source) = wait_for_either_end(lifetime, group) {
        // A browser that cannot be watched does not run.
        say(&format_args!("the guard cannot wait: {source}"));
    }
    end_browser(&mut child, group)
}

/// Completes the profile's marker. It serves the next sweep alone; supervision does not depend on it.
fn note(profile: &Path, change: impl FnOnce(&mut Marker)) {
    if let Err(source) = marker::update(profile, change) {
        say(&format_args!(
            "the profile's marker cannot be written: {source}"
        ));
    }
}

/// Tells the owner, if it is still there: a guard must not die of a closed pipe.
fn say(what: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// Makes descendants that lose their parent ours, so that none escapes by leaving the process group.
fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_child_subreaper(Some(rustix::process::getpid())) {
        say(&format_args!("the guard cannot adopt orphans: {error}"));
    }
}

fn spawn_browser(args: &GuardArgs, temporary: &Path) -> Result<Child, GuardError> {
    let null = || File::options().read(true).write(true).open("/dev/null");
    let devnull = null().map_err(io("open /dev/null"))?;
    let to_browser = take_over(std::io::stdin().as_fd())?;
    let from_browser = take_over(std::io::stdout().as_fd())?;
    // Our own copies must go, or the owner would not see the end of file when the browser exits.
    rustix::stdio::dup2_stdin(&devnull).map_err(|error| io("release its input")(error.into()))?;
    rustix::stdio::dup2_stdout(&devnull).map_err(|error| io("release its output")(error.into()))?;
    // What it prints goes one way, so that the owner reads all of it.
    let printed = take_over(std::io::stderr().as_fd())?;
    let mut command = Command::new(&args.browser);
    command
        .args(&args.browser_args)
        .env(temporary::VARIABLE, temporary)
        .stdin(Stdio::null())
        .stdout(printed)
        .stderr(Stdio::inherit())
        .process_group(0)
        .fd_mappings(vec![
            mapping(to_browser, 3),
            mapping(from_browser, 4),
            // Hides the lifetime pipe from the browser.
            mapping(OwnedFd::from(devnull), LIFETIME_FD),
        ])
        .map_err(|_| GuardError::Usage)?;
    command.spawn().map_err(|source| GuardError::Spawn {
        browser: args.browser.clone(),
        source,
    })
}

fn take_over(stream: std::os::fd::BorrowedFd<'_>) -> Result<OwnedFd, GuardError> {
    stream
        .try_clone_to_owned()
        .map_err(io("take over its standard streams"))
}

fn mapping(parent_fd: OwnedFd, child_fd: i32) -> FdMapping {
    FdMapping {
        parent_fd,
        child_fd,
    }
}

/// Returns when the browser has exited or the owner is gone, whichever comes first.
fn wait_for_either_end(mut lifetime: File, browser: Pid) -> std::io::Result<()> {
    let (ended, either) = mpsc::channel();
    let owner_gone = ended.clone();
    let thread = || std::thread::Builder::new().stack_size(64 * 1024);
    thread().spawn(move || {
        // Nobody writes to this pipe: any return, also an error, means that it cannot be trusted any more.
        let _ = lifetime.read(&mut [0]);
        let _ = owner_gone.send(());
    })?;
    thread().spawn(move || {
        // NOWAIT leaves the process unreaped, so that its group's number cannot be given to others before we kill it.
        let exited = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(
            rustix::process::waitid(WaitId::Pid(browser), exited),
            Err(rustix::io::Errno::INTR)
        ) {}
        let _ = ended.send(());
    })?;
    let _ = either.recv();
    Ok(())
}

fn end_browser(child: &mut Child, group: Pid) -> Result<ExitStatus, GuardError> {
    // SIGKILL also ends stopped processes. An error means that nobody is left in the group.
    let _ = rustix::process::kill_process_group(group, Signal::KILL);
    let status = child.wait().map_err(io("wait for the browser"))?;
    processes::kill_children(REAP_DEADLINE);
    Ok(status)
}

/// Takes `profile` for `marker`'s owner, unless a browser uses it that another process started or that still runs. What an
/// earlier browser left among the temporary files is removed.
///
/// # Errors
/// `ResourceBusy` when the profile is in use, else what kept the marker from being written.
pub(crate) fn take(profile: &Path, marker: &Marker) -> std::io::Result<()> {
    if let Ok(earlier) = marker::read(profile) {
        let runs = earlier
            .browser
            .is_some_and(|browser| browser.serves(profile));
        if runs || (earlier.owner != marker.owner && earlier.owner.is_alive()) {
            return Err(std::io::ErrorKind::ResourceBusy.into());
        }
        if let Some(files) = earlier.temporary_files {
            temporary::remove(&files);
        }
    }
    marker::write(profile, marker)
}

/// The browser of `profile`, once its guard has started it.
pub(crate) fn browser_of(profile: &Path) -> Option<ProcessId> {
    marker::read(profile).ok()?.browser
}

/// Does what `guard` would have done at the end of its browser, where it did not: it was `killed`, or its browser still runs.
///
/// After a guard that did its work nothing is looked for: the next browser may have its profile already.
pub(crate) fn stand_in(guard: ProcessId, profile: &Path, killed: bool) {
    let marker = marker::read(profile).ok();
    let Some(marker) = marker.filter(|marker| marker.guard == Some(guard)) else {
        return;
    };
    if killed
        || marker
            .browser
            .is_some_and(|browser| browser.serves(profile))
    {
        tracing::warn!("the browser's guard is gone: the browser is killed");
        sweep::end(profile, &marker);
    }
}

/// Removes a temporary profile. The marker goes last: what stays is known to the next sweep.
pub(crate) fn remove_profile(profile: &Path) {
    insist(profile, || {
        remove_contents(profile).and_then(|()| std::fs::remove_dir_all(profile))
    });
}

/// Removes `directory` by `remove`; what is still being written to is tried again for half a second.
fn insist(directory: &Path, remove: impl Fn() -> std::io::Result<()>) {
    for _ in 0..25 {
        match remove() {
            Ok(()) => return,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !directory.exists() => {
                return;
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn remove_contents(profile: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(profile)? {
        let entry = entry?;
        let is_directory = entry.file_type()?.is_dir();
        if is_directory {
            std::fs::remove_dir_all(entry.path())?;
        } else if entry.file_name() != marker::MARKER_FILE {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guard_arguments_survive_the_command_line() {
        let args = GuardArgs {
            profile: "/p with space".into(),
            browser: "/usr/bin/chromium".into(),
            browser_args: vec!["--headless=new".into(), "--".into()],
        };
        let line = args.to_args();
        assert_eq!(line[0], SUBCOMMAND);
        assert_eq!(GuardArgs::parse(line.into_iter().skip(1)).unwrap(), args);
    }

    #[test]
    fn a_profile_is_removed_with_its_marker_and_its_contents_before_that() {
        let directory = tempfile::tempdir().unwrap();
        let profile = directory.path().join("profile");
        let filled = || {
            std::fs::create_dir_all(profile.join("deep/er")).unwrap();
            std::fs::write(profile.join("deep/er/file"), "x").unwrap();
            std::fs::write(profile.join(marker::MARKER_FILE), "{}").unwrap();
        };
        filled();
        remove_contents(&profile).unwrap();
        let left: Vec<_> = std::fs::read_dir(&profile)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, [marker::MARKER_FILE]);
        filled();
        remove_profile(&profile);
        assert!(!profile.exists());
        remove_profile(&profile);
    }

    #[test]
    fn a_profile_is_taken_unless_it_is_in_use_and_what_an_earlier_browser_left_goes() {
        let directory = tempfile::tempdir().unwrap();
        let (profile, left) = (
            directory.path().join("profile"),
            directory.path().join("odb-1-0"),
        );
        std::fs::create_dir_all(left.join("org.chromium.Chromium.x1Y2z3")).unwrap();
        std::fs::create_dir(&profile).unwrap();
        let earlier = |owner| Marker {
            owner,
            guard: None,
            browser: None,
            temporary: false,
            temporary_files: Some(left.clone()),
            created_at_ms: 5,
        };
        let ours = Marker {
            temporary_files: None,
            ..earlier(ProcessId::own())
        };

        let somebody = ProcessId::of(Pid::INIT).unwrap();
        marker::write(&profile, &earlier(somebody)).unwrap();
        assert_eq!(
            take(&profile, &ours).unwrap_err().kind(),
            std::io::ErrorKind::ResourceBusy
        );
        assert_eq!(marker::read(&profile).unwrap(), earlier(somebody));
        assert!(left.exists());

        marker::write(
            &profile,
            &earlier(ProcessId {
                start: 0,
                ..somebody
            }),
        )
        .unwrap();
        take(&profile, &ours).unwrap();
        assert_eq!(marker::read(&profile).unwrap(), ours);
        assert!(!left.exists());
    }

    #[test]
    fn only_the_first_argument_makes_a_guard() {
        let argv = |args: &[&str]| {
            args.iter()
                .map(OsString::from)
                .collect::<Vec<_>>()
                .into_iter()
        };
        assert!(is_guard_invocation(argv(&["relayd", SUBCOMMAND])));
        assert!(!is_guard_invocation(argv(&["relayd", "serve", SUBCOMMAND])));
        assert!(!is_guard_invocation(argv(&[SUBCOMMAND])));
        assert!(dispatch(argv(&["relayd", "serve"])).is_none());
    }
}
