//! The marker file in a profile's directory: who owns it, and which processes serve it.
//!
//! Written by the owner before it starts a guard and completed by the guard; read by the sweep. Not a lock.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::processes::ProcessId;

/// The name of the marker file inside a profile directory.
pub const MARKER_FILE: &str = "odb-profile.json";

/// The most bytes of it that are read; ours have some hundred.
const MAX_BYTES: u64 = 1 << 16;

/// The content of the marker file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Marker {
    /// The process that launched the browser; while it lives the profile is in use.
    pub owner: ProcessId,
    /// The guard, once it runs.
    pub guard: Option<ProcessId>,
    /// The browser's first process, which leads its process group, once it runs.
    pub browser: Option<ProcessId>,
    /// True when the profile is to be deleted with its browser.
    pub temporary: bool,
    /// Where its temporary files are, once a guard has made the directory; it goes with the browser.
    #[serde(default)]
    pub temporary_files: Option<PathBuf>,
    /// When the profile was opened, in milliseconds since the Unix epoch.
    pub created_at_ms: u64,
}

/// Reads the marker of `profile`.
pub(crate) fn read(profile: &Path) -> io::Result<Marker> {
    // What stands in the file's place must not hang the sweep, which every start waits for.
    let file = fs::OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NONBLOCK | OFlags::NOFOLLOW).bits().cast_signed())
        .open(profile.join(MARKER_FILE))?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("the marker is no plain file"));
    }
    let mut text = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut text)?;
    serde_json::from_slice(&text).map_err(io::Error::from)
}

/// Replaces the marker of `profile` as a whole, readable by its user alone.
pub(crate) fn write(profile: &Path, marker: &Marker) -> io::Result<()> {
    let unfinished = profile.join("odb-profile.json.new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(&serde_json::to_vec(marker)?)?;
    fs::rename(&unfinished, profile.join(MARKER_FILE))
}

/// Changes the marker of `profile`.
pub(super) fn update(profile: &Path, change: impl FnOnce(&mut Marker)) -> io::Result<()> {
    let mut marker = read(profile)?;
    change(&mut marker);
    write(profile, &marker)
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    #[test]
    fn what_is_no_marker_is_refused_at_once() {
        let scratch = tempfile::tempdir().unwrap();
        let place = scratch.path().join(MARKER_FILE);
        mknodat(CWD, &place, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert!(read(scratch.path()).is_err());
        fs::remove_file(&place).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &place).unwrap();
        assert!(read(scratch.path()).is_err());
    }
}
