//! What is broken on purpose, so that one sees that the gate can fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use anyhow::Result;
use ops_contracts::wire::clock::Timestamp;
use rustix::process::{Pid, Signal, kill_process};

use super::Break;
use crate::caller::{Caller, RelayAddress, Transport};
use crate::processes;
use crate::relay::Relay;

/// How often a connection is lost.
const DRIP: Duration = Duration::from_millis(200);

/// How often the browser is killed.
const KILL: Duration = Duration::from_secs(2);

/// A thread that breaks something until it is stopped.
pub(super) struct Breaking {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Breaking {
    pub(super) fn stop(self) {
        self.over.store(true, Ordering::Relaxed);
        // It ends with its next look, and what it returns is nothing.
        let _ = self.thread.map(JoinHandle::join);
    }
}

pub(super) fn start(
    what: Option<Break>,
    relay: &Relay,
    planned: Duration,
    now: Timestamp,
) -> Result<Breaking> {
    let over = Arc::new(AtomicBool::new(false));
    let (is_over, pid) = (over.clone(), relay.info.pid);
    let address = RelayAddress::of(relay)?;
    let thread = what.map(|what| {
        std::thread::spawn(move || match what {
            Break::Crash => crash(pid, planned / 3, &is_over),
            Break::Leak => leak(&address, now, &is_over),
            Break::Errors => errors(pid, &is_over),
        })
    });
    Ok(Breaking { over, thread })
}

fn crash(pid: u32, after: Duration, over: &AtomicBool) {
    let at = Instant::now() + after;
    while Instant::now() < at && !over.load(Ordering::Relaxed) {
        sleep(DRIP);
    }
    if !over.load(Ordering::Relaxed) {
        kill(pid);
    }
}

fn leak(address: &RelayAddress, now: Timestamp, over: &AtomicBool) {
    let mut held = Vec::new();
    while !over.load(Ordering::Relaxed) {
        held.extend(Caller::connect(
            address,
            "soak-leak",
            Transport::WebSocket,
            now,
        ));
        sleep(DRIP);
    }
}

fn errors(relay: u32, over: &AtomicBool) {
    let program = processes::program(relay);
    while !over.load(Ordering::Relaxed) {
        let browser = processes::descendants(relay).into_iter().find(|process| {
            let line = process.command_line();
            line.iter().any(|word| word == "--remote-debugging-pipe")
                && !line.iter().any(|word| word.starts_with("--type="))
                && processes::program(process.pid) != program
        });
        if let Some(browser) = browser {
            kill(browser.pid);
        }
        sleep(KILL);
    }
}

/// Kills a process that this soak has started.
pub(super) fn kill(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    // It may have ended already.
    let _ = pid.map(|pid| kill_process(pid, Signal::KILL));
}
