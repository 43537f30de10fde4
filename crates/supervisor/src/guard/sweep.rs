//! The start-up sweep: ends what dead owners left behind and deletes their temporary profiles.
//!
//! Touches nothing whose identity it cannot prove, and nothing whose owner lives.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use super::marker::{self, Marker};
use super::{processes, temporary};

/// What a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Temporary profiles that were deleted.
    pub removed: Vec<PathBuf>,
    /// Numbers of guards and browsers that were killed.
    pub killed: Vec<u32>,
    /// Profiles of living owners and persistent profiles, left as they are.
    pub kept: usize,
}

/// Sweeps every profile directly below `profiles_root`. A root that does not exist has nothing to sweep.
///
/// # Errors
/// When the root cannot be listed.
pub fn sweep(profiles_root: &Path) -> io::Result<SweepReport> {
    let mut report = SweepReport::default();
    let entries = match fs::read_dir(profiles_root) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(report),
        Err(error) => return Err(error),
    };
    for entry in entries.filter_map(Result::ok) {
        // A symbolic link's type is no directory: links are never followed.
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !is_directory {
            continue;
        }
        let profile = entry.path();
        if let Ok(marker) = marker::read(&profile) {
            sweep_profile(&profile, &marker, &mut report);
        }
    }
    Ok(report)
}

fn sweep_profile(profile: &Path, marker: &Marker, report: &mut SweepReport) {
    if marker.owner.is_alive() {
        report.kept += 1;
        return;
    }
    report.killed.extend(end(profile, marker));
    if marker.temporary {
        report.removed.push(profile.to_owned());
    } else {
        report.kept += 1;
    }
}

/// Ends what serves `profile`, and removes what is temporary of it. Returns the guard and the browser that were killed.
pub(super) fn end(profile: &Path, marker: &Marker) -> Vec<u32> {
    let mut killed = Vec::new();
    // Looked up before the first is killed: orphans get another parent.
    let verified = [marker.browser, marker.guard]
        .into_iter()
        .flatten()
        .filter(|process| process.serves(profile));
    let stragglers: Vec<_> = verified.flat_map(processes::descendants).collect();
    // The browser first: its guard would take a killed browser for a normal end and go by itself.
    if let Some(browser) = marker.browser.filter(|browser| browser.serves(profile))
        && let Some(group) = browser.raw()
        && rustix::process::kill_process_group(group, Signal::KILL).is_ok()
    {
        killed.push(browser.pid);
    }
    if let Some(guard) = marker.guard.filter(|guard| guard.serves(profile))
        && let Some(pid) = guard.raw()
        && rustix::process::kill_process(pid, Signal::KILL).is_ok()
    {
        killed.push(guard.pid);
    }
    processes::kill_stragglers(profile, &stragglers);
    if let Some(files) = &marker.temporary_files {
        temporary::remove(files);
    }
    if marker.temporary {
        super::remove_profile(profile);
    }
    killed
}
