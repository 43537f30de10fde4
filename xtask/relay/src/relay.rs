//! A `relayd` with a home of its own, for the demo and the bench: started, found, ended, and looked after.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

use crate::processes::{self, Process};

/// How long a relay may take until it serves.
const START: Duration = Duration::from_secs(20);
/// How long it may take to end: its own drain takes at most ten seconds.
const END: Duration = Duration::from_secs(15);
/// How long a browser may outlive its relay.
const ORPHANS: Duration = Duration::from_secs(2);

/// What a running relay tells of itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Info {
    pub(crate) relay_url: String,
    /// The fingerprint of its certificate, where it speaks TLS.
    #[serde(default)]
    pub(crate) certificate_sha256: Option<String>,
    pub(crate) pid: u32,
}

/// A running relay. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Relay {
    child: Child,
    home: PathBuf,
    pub(crate) info: Info,
}

impl Relay {
    /// The command line that starts one.
    pub(crate) fn command(program: &Path, home: &Path) -> Command {
        let mut command = Command::new(program);
        command.arg("--home").arg(home).args([
            "--listen",
            "127.0.0.1:0",
            "--limits",
            "local",
            "--idle-exit-ms",
            "60000",
        ]);
        command
    }

    /// Starts one on a free port and waits until it serves.
    pub(crate) fn start(program: &Path, home: &Path, browser: &Path) -> Result<Self> {
        Self::start_with(program, home, browser, &[])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(
        program: &Path,
        home: &Path,
        browser: &Path,
        extra: &[&str],
    ) -> Result<Self> {
        let log = home.join("relayd.out");
        let out =
            File::create(&log).with_context(|| format!("{} can't be written", log.display()))?;
        let mut command = Self::command(program, home);
        command
            .args(extra)
            .env("ODB_BROWSER", browser)
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out);
        let mut child = command
            .spawn()
            .with_context(|| format!("{} could not be started", program.display()))?;
        let deadline = Instant::now() + START;
        loop {
            if let Some(info) = read(home).filter(|info| info.pid == child.id()) {
                return Ok(Self {
                    child,
                    home: home.to_owned(),
                    info,
                });
            }
            let ended = child.try_wait()?;
            if ended.is_some() || Instant::now() >= deadline {
                let _ = child.kill();
                let _ = child.wait();
                let why = ended.map_or_else(
                    || format!("did not serve within {START:?}"),
                    |status| format!("ended: {status}"),
                );
                bail!(
                    "relayd {why}\n{}",
                    fs::read_to_string(&log).unwrap_or_default()
                );
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Its token.
    pub(crate) fn token(&self) -> Result<String> {
        let file = self.home.join("relay.token");
        Ok(fs::read_to_string(&file)
            .with_context(|| format!("{} can't be read", file.display()))?
            .trim()
            .to_owned())
    }

    /// The browser that it started. The browser's guard carries the same flags, but it is the relay's own program.
    pub(crate) fn browser(&self) -> Option<Process> {
        let relay = processes::program(self.child.id());
        processes::descendants(self.child.id())
            .into_iter()
            .find(|process| {
                let line = process.command_line();
                let is_main = line.iter().any(|word| word == "--remote-debugging-pipe")
                    && !line.iter().any(|word| word.starts_with("--type="));
                is_main && processes::program(process.pid) != relay
            })
    }

    /// The processes that run because of it.
    pub(crate) fn processes(&self) -> Vec<Process> {
        let mut started = processes::descendants(self.child.id());
        let named = processes::mentioning(&self.home);
        started.extend(named);
        started.sort_by_key(|process| process.pid);
        started.dedup();
        started
    }

    /// Asks it to end where it runs still, waits, and makes sure that of `started` and of its home nothing is left.
    pub(crate) fn end(mut self, mut started: Vec<Process>) -> Result<()> {
        if self.child.try_wait()?.is_none() {
            let pid =
                Pid::from_raw(i32::try_from(self.child.id())?).context("a process has a number")?;
            // Between the look and the signal it may have ended by itself.
            let _ = kill_process(pid, Signal::TERM);
        }
        self.wait(END)?;
        started.extend(processes::mentioning(&self.home));
        let left = processes::outlive(started, ORPHANS);
        let lines: Vec<String> = left
            .iter()
            .map(|process| format!("{} {}", process.pid, process.command_line().join(" ")))
            .collect();
        ensure!(
            left.is_empty(),
            "these processes outlived relayd by {ORPHANS:?}:\n{}",
            lines.join("\n")
        );
        Ok(())
    }

    /// Whether it has ended.
    pub(crate) fn ended(&mut self) -> Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }

    fn wait(&mut self, within: Duration) -> Result<()> {
        let deadline = Instant::now() + within;
        while self.child.try_wait()?.is_none() {
            ensure!(
                Instant::now() < deadline,
                "relayd did not end within {within:?}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // After `end` it is gone already, and both calls say so.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A private folder that goes with its value: a home, or a profile.
pub(crate) fn private_folder(prefix: &str) -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new()
        .prefix(prefix)
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir()
}

/// What the relay of a home tells of itself, where one does.
pub(crate) fn read(home: &Path) -> Option<Info> {
    serde_json::from_str(&fs::read_to_string(home.join("relay.json")).ok()?).ok()
}
