//! `status`, `dashboard`, `stop` and `serve`. None but the last starts a relay.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};

use client_core::render;
use client_core::{Failure, Outcome};
use ops_client::post;
use ops_contracts::ErrorCode;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::Deserialize;

use crate::context::Context;

/// How long a relay may take to end: it drains for up to ten seconds.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// Shows the status document; the exit code.
pub(crate) async fn status(context: &Context<'_>) -> Outcome<u8> {
    let relay = context.client.running()?;
    let document = post::status(&relay.endpoint).await?;
    if context.out.is_json() {
        context
            .out
            .line(&document.trim().replace(['\n', '\r'], " "));
    } else {
        context.out.line(&render::status::text(&document));
    }
    Ok(0)
}

/// Prints where the dashboard is and a code for one browser; the exit code.
pub(crate) async fn dashboard(context: &Context<'_>) -> Outcome<u8> {
    let relay = context.client.running()?;
    let login = post::dashboard_code(&relay.endpoint).await?;
    if context.out.is_json() {
        let json = serde_json::to_string(&login)
            .map_err(|error| Failure::new(ErrorCode::CliReplyInvalid, error.to_string()))?;
        context.out.line(&json);
    } else {
        context
            .out
            .line(&format!("{}\nlogin code: {}", login.url, login.code));
        context.out.note(&format!(
            "the code is good for one browser and {} s",
            login.expires_in_ms / 1_000
        ));
    }
    Ok(0)
}

/// Runs the relay in place of this process; returns only where it can't.
pub(crate) fn serve(context: &Context<'_>, flags: &[OsString]) -> Outcome<u8> {
    let error = context.client.relayd()?.args(flags).exec();
    Err(Failure::new(
        ErrorCode::CliDaemonUnavailable,
        format!("relayd can't be started: {error}"),
    ))
}

/// Ends the relay of this home and waits until it has ended; the exit code.
pub(crate) async fn stop(context: &Context<'_>) -> Outcome<u8> {
    let relay = context.client.running()?;
    let pid = relay.pid.ok_or_else(|| {
        Failure::usage("stop ends the relay of this home, not one that --relay names")
    })?;
    // The descriptor stands for the process that has the number now; who that is, the relay itself says.
    let process =
        pidfd_open(pid, PidfdFlags::empty()).map_err(|error| cant_stop(pid, &error.to_string()))?;
    let is_ours = match post::status(&relay.endpoint).await {
        Ok(document) => pid_of(&document) == Some(pid.as_raw_pid()),
        // A relay that hangs can't say who it is, and is the one that must be stoppable.
        Err(_) => runs_relayd(pid),
    };
    if !is_ours {
        return Err(cant_stop(pid, "that process is not the relay of this home"));
    }
    pidfd_send_signal(&process, Signal::TERM)
        .map_err(|error| cant_stop(pid, &error.to_string()))?;
    if !has_ended(&process, STOP_TIMEOUT).map_err(|error| cant_stop(pid, &error.to_string()))? {
        return Err(cant_stop(
            pid,
            &format!("it has not ended within {} s", STOP_TIMEOUT.as_secs()),
        ));
    }
    if context.out.is_json() {
        context
            .out
            .line(&serde_json::json!({ "stopped": true, "pid": pid.as_raw_pid() }).to_string());
    } else {
        context
            .out
            .line(&format!("stopped relayd (pid {})", pid.as_raw_pid()));
    }
    Ok(0)
}

/// Waits until a process has ended, also one whose parent doesn't ask for its status. Blocks: nothing else runs here.
fn has_ended(process: &OwnedFd, within: Duration) -> rustix::io::Result<bool> {
    let deadline = Instant::now() + within;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left).map_err(|_| Errno::INVAL)?;
        match poll(&mut [PollFd::new(process, PollFlags::IN)], Some(&timeout)) {
            Err(Errno::INTR) => {}
            outcome => return outcome.map(|ready| ready > 0),
        }
    }
}

fn cant_stop(pid: Pid, why: &str) -> Failure {
    Failure::new(
        ErrorCode::CliStopFailed,
        format!("relayd (pid {}) can't be stopped: {why}", pid.as_raw_pid()),
    )
}

/// Whether the process runs a program of the relay's name.
fn runs_relayd(pid: Pid) -> bool {
    let program = std::fs::read_link(format!("/proc/{}/exe", pid.as_raw_pid()));
    // The system marks a program whose file was replaced since.
    let name = program.ok().and_then(|path| {
        Some(
            path.file_name()?
                .to_str()?
                .trim_end_matches(" (deleted)")
                .to_owned(),
        )
    });
    name.as_deref() == Some("relayd")
}

fn pid_of(document: &str) -> Option<i32> {
    #[derive(Deserialize)]
    struct Process {
        pid: i32,
    }
    serde_json::from_str::<Process>(document)
        .ok()
        .map(|process| process.pid)
}
