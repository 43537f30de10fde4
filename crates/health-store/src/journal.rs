//! The journal from outside, for people: verify it, show it, prune it. Needs no relay, and disturbs none that runs.

use std::path::Path;

use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::ids::SessionId;
use serde::Serialize;

use crate::dir;
use crate::error::JournalError;
use crate::maintain::{self, Pruned};
use crate::replay::{self, SegmentReport};
use crate::store::JournalConfig;

/// What a journal holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// Its directory.
    pub path: String,
    /// Its segments, in the order in which they were written.
    pub segments: Vec<SegmentReport>,
    /// Records that can be read.
    pub records: u64,
    /// Lines that can't be.
    pub damaged_lines: u64,
    /// Segments with a torn end. That of the segment written last may be a write under way.
    pub torn_tails: u64,
    /// Bytes of all segments.
    pub bytes: u64,
}

impl Verified {
    /// Whether every line of every segment can be read.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.segments.iter().all(SegmentReport::is_sound)
    }
}

/// The journal's directory below a home.
fn root(home: &Path) -> std::path::PathBuf {
    home.join("artifacts").join("ops-health")
}

/// Reads every line of the journal below `home`.
///
/// # Errors
/// When the directory or a file in it is not ours, open to others, a symbolic link, or unreadable.
pub fn verify(home: &Path) -> Result<Verified, JournalError> {
    let root = checked(home)?;
    let mut verified = Verified {
        path: root.display().to_string(),
        ..Verified::default()
    };
    for segment in dir::segments(&root)? {
        let report = replay::read(&segment.path(&root), |_, _, _| ())?;
        verified.records += report.records;
        verified.damaged_lines += report.damaged_lines;
        verified.torn_tails += u64::from(report.torn_bytes > 0);
        verified.bytes += report.bytes;
        verified.segments.push(report);
    }
    Ok(verified)
}

/// Which records are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this session alone.
    pub session: Option<SessionId>,
    /// Taken at this time or later.
    pub since: Option<Timestamp>,
}

/// Hands the line of every record that is wanted to `each`, in the order in which they were written. Damage is passed over.
///
/// # Errors
/// As for `verify`.
pub fn show(home: &Path, filter: &Filter, mut each: impl FnMut(&str)) -> Result<(), JournalError> {
    let root = checked(home)?;
    for segment in dir::segments(&root)? {
        replay::read(&segment.path(&root), |_, record, line| {
            let session = record
                .event
                .as_ref()
                .map(|event| &event.session_id)
                .or(record.closed.as_ref());
            let of_session = filter
                .session
                .as_ref()
                .is_none_or(|wanted| session == Some(wanted));
            if of_session && filter.since.is_none_or(|since| record.received_at >= since) {
                each(&String::from_utf8_lossy(line));
            }
        })?;
    }
    Ok(())
}

/// Removes what is older than the retention, thins out old snapshots, and brings the journal within its bound.
///
/// # Errors
/// As for `verify`; when the journal is of a newer format, or another process maintains it.
pub fn prune(home: &Path, now: Timestamp) -> Result<Pruned, JournalError> {
    let root = checked(home)?;
    let limits = JournalConfig::new(root.clone()).limits();
    maintain::run(&root, limits, now)
}

/// The journal's directory, whose parents are what they should be.
fn checked(home: &Path) -> Result<std::path::PathBuf, JournalError> {
    dir::check(&home.join("artifacts"))?;
    Ok(root(home))
}
