//! Prunes and compacts: what is older than the retention goes, old snapshots are thinned out, and the whole stays within its
//! bound. The segment written last is never touched, so this may run beside a writer.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use ops_contracts::control::health::HealthEvent;
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::ids::SessionId;
use serde::Serialize;

use crate::dir::{self, Segment};
use crate::disk;
use crate::error::JournalError;
use crate::format::{Header, VERSION};
use crate::replay;

/// The lock that whoever maintains the journal holds.
const LOCK: &str = ".maintenance.lock";

/// A copy that is being written; a leftover is of a process that died.
const COPY: &str = ".compacting";

/// What is kept, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) retention: Duration,
    pub(crate) compact_after: Duration,
    pub(crate) bytes: u64,
}

/// What pruning did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pruned {
    /// Segments removed because they are older than the retention.
    pub expired_segments: u64,
    /// Segments removed because the journal was above its bound, oldest first.
    pub oversize_segments: u64,
    /// Segments whose snapshots were thinned out.
    pub compacted_segments: u64,
    /// Records dropped thereby.
    pub compacted_records: u64,
    /// Damaged lines dropped thereby.
    pub dropped_damage: u64,
    /// Bytes that the journal took before.
    pub bytes_before: u64,
    /// Bytes that it takes now.
    pub bytes_after: u64,
}

/// Prunes and compacts.
pub(crate) fn run(root: &Path, limits: Limits, now: Timestamp) -> Result<Pruned, JournalError> {
    let mut pruned = Pruned::default();
    if !dir::check(root)? {
        return Ok(pruned);
    }
    let _lock = dir::lock(root, LOCK)?;
    let mut segments = dir::segments(root)?;
    refuse_newer(root, &segments)?;
    pruned.bytes_before = disk::usage(root, 4);
    // The last one may be being written.
    segments.pop();
    segments.retain(|segment| {
        let expired = segment
            .begins()
            .is_some_and(|begins| begins.plus(limits.retention.saturating_add(DAY)) <= now);
        if expired && remove(root, segment) {
            pruned.expired_segments += 1;
        }
        !expired
    });
    for segment in &segments {
        compact(root, segment, limits.compact_after, now, &mut pruned)?;
    }
    let mut bytes = disk::usage(root, 4);
    for segment in &segments {
        if bytes <= limits.bytes {
            break;
        }
        if remove(root, segment) {
            pruned.oversize_segments += 1;
        }
        bytes = disk::usage(root, 4);
    }
    pruned.bytes_after = bytes;
    Ok(pruned)
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A journal of a newer format is read and never changed.
pub(crate) fn refuse_newer(root: &Path, segments: &[Segment]) -> Result<(), JournalError> {
    segments
        .iter()
        .try_for_each(|segment| refuse_newer_file(&segment.path(root)))
}

/// The same of one segment.
pub(crate) fn refuse_newer_file(path: &Path) -> Result<(), JournalError> {
    match replay::header(path)?.map(|header| header.version) {
        Some(version) if version > VERSION => Err(JournalError::Newer {
            path: path.to_owned(),
            version,
        }),
        _ => Ok(()),
    }
}

fn remove(root: &Path, segment: &Segment) -> bool {
    let path = segment.path(root);
    let removed = std::fs::remove_file(&path);
    if let Err(error) = &removed {
        tracing::warn!(path = %path.display(), %error, "a segment can't be removed");
    }
    // The day goes with its last segment; before that it is not empty, which is what the refusal says.
    let _ = std::fs::remove_dir(root.join(&segment.day));
    removed.is_ok()
}

/// The hour of a record: of a session and hour the last snapshot is kept.
fn hour(at: Timestamp) -> u64 {
    at.unix_millis() / 3_600_000
}

fn compact(
    root: &Path,
    segment: &Segment,
    after: Duration,
    now: Timestamp,
    pruned: &mut Pruned,
) -> Result<(), JournalError> {
    let path = segment.path(root);
    let written = std::fs::symlink_metadata(&path)
        .and_then(|meta| meta.modified())
        .map_err(JournalError::io(&path))?;
    if Timestamp::from(written).plus(after) > now
        || replay::header(&path)?.is_none_or(|header| header.compacted)
    {
        return Ok(());
    }
    let mut last: HashMap<(SessionId, u64), u64> = HashMap::new();
    replay::read(&path, |line, record, _| {
        if let Some(event) = record
            .event
            .filter(|event| event.event == HealthEvent::Snapshot)
        {
            last.insert((event.session_id, hour(record.received_at)), line);
        }
    })?;
    let copy = path.with_file_name(COPY);
    // Under the lock a leftover can only be that of a process that died.
    let _ = std::fs::remove_file(&copy);
    let file = dir::open(&copy, OpenOptions::new().write(true).create_new(true))?;
    let outcome = write_copy(file, &path, &last, now).map_err(JournalError::io(&copy));
    match outcome.and_then(|counts| {
        std::fs::rename(&copy, &path)
            .map_err(JournalError::io(&path))
            .map(|()| counts)
    }) {
        Ok((dropped, damaged)) => {
            pruned.compacted_segments += 1;
            pruned.compacted_records += dropped;
            pruned.dropped_damage += damaged;
            Ok(())
        }
        Err(error) => {
            let _ = std::fs::remove_file(&copy);
            Err(error)
        }
    }
}

/// Writes what is kept; records and damaged lines that are not.
fn write_copy(
    file: File,
    path: &Path,
    last: &HashMap<(SessionId, u64), u64>,
    now: Timestamp,
) -> std::io::Result<(u64, u64)> {
    let mut out = BufWriter::with_capacity(256 * 1024, file);
    out.write_all(&Header::new(now, true).line())?;
    let (mut dropped, mut failed) = (0, None);
    let report = replay::read(path, |line, record, text| {
        let snapshot = record
            .event
            .filter(|event| event.event == HealthEvent::Snapshot);
        let kept = snapshot.is_none_or(|event| {
            last.get(&(event.session_id, hour(record.received_at))) == Some(&line)
        });
        if !kept {
            dropped += 1;
        } else if failed.is_none() {
            failed = out
                .write_all(text)
                .and_then(|()| out.write_all(b"\n"))
                .err();
        }
    });
    let report = report.map_err(std::io::Error::other)?;
    if let Some(error) = failed {
        return Err(error);
    }
    out.into_inner()?.sync_all()?;
    Ok((
        dropped,
        report.damaged_lines + u64::from(report.torn_bytes > 0),
    ))
}
