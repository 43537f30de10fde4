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
        let Ok(line) = fs::read(format!("/proc/{}/cmdline", self.pid)) else {
            return false;
        };
        let path = path.as_os_str().as_bytes();
        self.is_alive()
            && line
                .split(|byte| *byte == 0)
                .any(|argument| memchr::memmem::find(argument, path).is_some())
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
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| Stat::read(*pid).is_some_and(|stat| stat.parent == own && stat.state != 'Z'))
        .filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?))
        .collect()
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
        assert!(!ProcessId { start: own.start + 1, ..own }.is_alive());
        assert!(!own.serves(Path::new("/no/such/profile")));
    }
}
