//! Processes by number and start time, so that a number given out again is never mistaken for the process it was.
//!
//! Reads `/proc`; where there is none, nothing can be identified and nothing is killed on a guess.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions};
use serde::{Deserialize, Serialize};

/// One process of this boot of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProcessId {
    /// Its number.
    pub pid: u32,
    /// When it started, in clock ticks since boot.
    pub start: u64,
}

impl ProcessId {
    /// The living process that has this number now.
    pub(crate) fn of(pid: Pid) -> Option<Self> {
        let number = u32::try_from(pid.as_raw_nonzero().get()).ok()?;
        let stat = Stat::read(number)?;
        (stat.state != 'Z').then_some(Self {
            pid: number,
            start: stat.start,
        })
    }

    /// The calling process. Where it cannot be read, a process that no sweep takes for a living one.
    pub(crate) fn own() -> Self {
        Self::of(rustix::process::getpid()).unwrap_or(Self {
            pid: std::process::id(),
            start: 0,
        })
    }

    pub(crate) fn is_alive(self) -> bool {
        Stat::read(self.pid).is_some_and(|stat| stat.start == self.start && stat.state != 'Z')
    }

    /// True when it lives and an argument of its command line contains `path`.
    pub(crate) fn serves(self, path: &Path) -> bool {
        self.is_alive() && arguments(self.pid).any(|argument| contains(&argument, path))
    }

    fn kill(self) {
        if let Some(pid) = self.raw().filter(|_| self.is_alive()) {
            // It may be gone by now, which is what was wanted.
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
    }

    pub(crate) fn raw(self) -> Option<Pid> {
        i32::try_from(self.pid).ok().and_then(Pid::from_raw)
    }
}

pub(super) fn pid_of(child: &Child) -> Pid {
    Pid::from_child(child)
}

struct Stat {
    state: char,
    parent: u32,
    start: u64,
}

impl Stat {
    fn read(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The command's name stands in parentheses and may contain anything, also parentheses: fields count from the last one.
    fn parse(text: &str) -> Option<Self> {
        let mut fields = text.get(text.rfind(')')? + 1..)?.split_ascii_whitespace();
        Some(Self {
            state: fields.next()?.chars().next()?,
            parent: fields.next()?.parse().ok()?,
            start: fields.nth(17)?.parse().ok()?,
        })
    }
}

/// Kills and reaps every child of this process, those it adopted too, until none is left or `deadline` has passed.
pub(super) fn kill_children(deadline: Duration) {
    let until = Instant::now() + deadline;
    loop {
        for pid in children() {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(2)),
            Ok(None) | Err(_) => return,
        }
    }
}

fn children() -> Vec<Pid> {
    let own = std::process::id();
    let ours =
        |pid: &u32| Stat::read(*pid).is_some_and(|stat| stat.parent == own && stat.state != 'Z');
    numbers()
        .filter(ours)
        .filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?))
        .collect()
}

/// Kills whatever a browser left outside its process group: processes with an option that names its profile, and `stragglers`.
pub(super) fn kill_stragglers(profile: &Path, stragglers: &[ProcessId]) {
    let named = |pid: &u32| {
        arguments(*pid).any(|argument| argument.starts_with(b"--") && contains(&argument, profile))
    };
    let named = numbers()
        .filter(named)
        .filter_map(|pid| ProcessId::of(Pid::from_raw(i32::try_from(pid).ok()?)?));
    let others: Vec<ProcessId> = named.chain(stragglers.iter().copied()).collect();
    for process in others {
        process.kill();
    }
}

/// Everything that descends from `root` now.
pub(super) fn descendants(root: ProcessId) -> Vec<ProcessId> {
    let all: Vec<(u32, Stat)> = numbers()
        .filter_map(|pid| Some((pid, Stat::read(pid)?)))
        .collect();
    let mut found = Vec::new();
    let mut next = vec![root.pid];
    while let Some(parent) = next.pop() {
        for (pid, stat) in all.iter().filter(|(_, stat)| stat.parent == parent) {
            next.push(*pid);
            found.push(ProcessId {
                pid: *pid,
                start: stat.start,
            });
        }
    }
    found
}

/// The numbers of all processes.
fn numbers() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn arguments(pid: u32) -> impl Iterator<Item = Vec<u8>> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0)
        .map(<[u8]>::to_vec)
        .collect::<Vec<_>>()
        .into_iter()
}

fn contains(argument: &[u8], path: &Path) -> bool {
    memchr::memmem::find(argument, path.as_os_str().as_bytes()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let text = "12 (a) b (c)) S 7 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4242 9 9";
        let stat = Stat::parse(text).unwrap();
        assert_eq!((stat.state, stat.parent, stat.start), ('S', 7, 4242));
    }

    #[test]
    fn a_process_is_known_by_its_start_as_well_as_its_number() {
        let own = ProcessId::own();
        assert!(own.is_alive());
        assert!(
            !ProcessId {
                start: own.start + 1,
                ..own
            }
            .is_alive()
        );
        assert!(!own.serves(Path::new("/no/such/profile")));
    }
}
