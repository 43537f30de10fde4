//! The processes of this machine, as far as they concern what was started here. Where there is no `/proc`, there are none.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A process that can be told from a later one with the same number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    parent: u32,
    started: u64,
}

impl Process {
    fn read(pid: u32) -> Option<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in parentheses and may hold anything.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        if *fields.first()? == "Z" {
            return None;
        }
        Some(Self {
            pid,
            parent: fields.get(1)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }

    fn is_alive(&self) -> bool {
        Self::read(self.pid).is_some_and(|now| now.started == self.started)
    }

    /// Its command line.
    pub(crate) fn command_line(&self) -> Vec<String> {
        let line = fs::read(format!("/proc/{}/cmdline", self.pid)).unwrap_or_default();
        let line = String::from_utf8_lossy(&line)
            .trim_end_matches('\0')
            .to_owned();
        line.split('\0').map(str::to_owned).collect()
    }
}

fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| Process::read(entry.ok()?.file_name().to_str()?.parse().ok()?))
        .collect()
}

/// A process's children, their children and so on.
pub(crate) fn descendants(root: u32) -> Vec<Process> {
    let mut rest = all();
    let mut found: Vec<Process> = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        let (children, others): (Vec<Process>, Vec<Process>) = rest
            .into_iter()
            .partition(|process| process.parent == parent);
        parents.extend(children.iter().map(|child| child.pid));
        found.extend(children);
        rest = others;
    }
    found
}

/// The processes that name a folder on their command line.
pub(crate) fn mentioning(folder: &Path) -> Vec<Process> {
    let folder = folder.to_string_lossy();
    let ours = std::process::id();
    all()
        .into_iter()
        .filter(|process| {
            process.pid != ours
                && process
                    .command_line()
                    .iter()
                    .any(|word| word.contains(&*folder))
        })
        .collect()
}

/// Waits until none of them is left, and tells which are.
pub(crate) fn outlive(mut processes: Vec<Process>, within: Duration) -> Vec<Process> {
    let deadline = Instant::now() + within;
    loop {
        processes.retain(Process::is_alive);
        if processes.is_empty() || Instant::now() >= deadline {
            return processes;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The program's file of a process; none where it can't be read.
pub(crate) fn program(pid: u32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// Resident memory of a process in MiB; none where it can't be read.
pub(crate) fn resident_mib(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib: f64 = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()?;
    Some(kib / 1024.0)
}

/// How many descriptors a process has open; none where it can't be read.
pub(crate) fn descriptors(pid: u32) -> Option<u64> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    u64::try_from(entries.count()).ok()
}
