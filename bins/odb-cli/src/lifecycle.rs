//! `status`, `stop` and `serve`. The first two never start a relay.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::time::Duration;

use ops_client::post;
use ops_contracts::ErrorCode;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::Deserialize;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::timeout;

use crate::context::Context;
use crate::daemon;
use crate::failure::{Failure, Outcome};
use crate::render;

/// How long a relay may take to end: it drains for up to ten seconds.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);

/// Shows the status document; the exit code.
pub(crate) async fn status(context: &Context<'_>) -> Outcome<u8> {
    let relay = daemon::running(context)?;
    let document = post::status(&relay.endpoint).await?;
    if context.out.is_json() {
        context.out.line(&document.trim().replace(['\n', '\r'], " "));
    } else {
        context.out.line(&render::status::text(&document));
    }
    Ok(0)
}

/// Runs the relay in place of this process; returns only where it can't.
pub(crate) fn serve(context: &Context<'_>, flags: &[OsString]) -> Outcome<u8> {
    let error = daemon::relayd(context)?.args(flags).exec();
    Err(Failure::new(ErrorCode::CliDaemonUnavailable, format!("relayd can't be started: {error}")))
}

/// Ends the relay of this home and waits until it has ended; the exit code.
pub(crate) async fn stop(context: &Context<'_>) -> Outcome<u8> {
    let relay = daemon::running(context)?;
    let pid = relay.pid.ok_or_else(|| Failure::usage("stop ends the relay of this home, not one that --relay names"))?;
    // The descriptor stands for the process that has the number now; who that is, the relay itself says.
    let process = pidfd_open(pid, PidfdFlags::NONBLOCK).map_err(|error| cant_stop(pid, &error.to_string()))?;
    let document = post::status(&relay.endpoint).await?;
    if pid_of(&document) != Some(pid.as_raw_pid()) {
        return Err(cant_stop(pid, "it is not the relay that answers"));
    }
    pidfd_send_signal(&process, Signal::TERM).map_err(|error| cant_stop(pid, &error.to_string()))?;
    let watched = AsyncFd::with_interest(process, Interest::READABLE).map_err(|error| cant_stop(pid, &error.to_string()))?;
    match timeout(STOP_TIMEOUT, watched.readable()).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return Err(cant_stop(pid, &error.to_string())),
        Err(_) => return Err(cant_stop(pid, &format!("it has not ended within {} s", STOP_TIMEOUT.as_secs()))),
    }
    if context.out.is_json() {
        context.out.line(&serde_json::json!({ "stopped": true, "pid": pid.as_raw_pid() }).to_string());
    } else {
        context.out.line(&format!("stopped relayd (pid {})", pid.as_raw_pid()));
    }
    Ok(0)
}

fn cant_stop(pid: Pid, why: &str) -> Failure {
    Failure::new(ErrorCode::CliReplyInvalid, format!("relayd (pid {}) can't be stopped: {why}", pid.as_raw_pid()))
}

fn pid_of(document: &str) -> Option<i32> {
    #[derive(Deserialize)]
    struct Process {
        pid: i32,
    }
    serde_json::from_str::<Process>(document).ok().map(|process| process.pid)
}
