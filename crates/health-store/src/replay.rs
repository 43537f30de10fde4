//! Reads segments: what is in them, what is damaged, and where a torn end begins. Changes nothing.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::mpsc::sync_channel;

use serde::Serialize;

use crate::dir;
use crate::error::JournalError;
use crate::format::{Header, Record, VERSION};

/// The most damaged lines of a segment that are named one by one.
const NAMED: usize = 100;

/// A line that is no record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Damage {
    /// Its number, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub why: &'static str,
}

/// What is in a segment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SegmentReport {
    /// Its path.
    pub path: String,
    /// Its format; null where its header can't be read.
    pub version: Option<u32>,
    /// Whether snapshots have been thinned out.
    pub compacted: bool,
    /// Its size in bytes.
    pub bytes: u64,
    /// Records that can be read.
    pub records: u64,
    /// Lines that can't be, the header among them.
    pub damaged_lines: u64,
    /// The first of these.
    pub damage: Vec<Damage>,
    /// Bytes behind the last whole line: a write that was cut off.
    pub torn_bytes: u64,
}

impl SegmentReport {
    /// Whether every line can be read.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damaged_lines == 0 && self.torn_bytes == 0 && self.version.is_some()
    }

    /// Whether this version may not change it.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        self.version.is_some_and(|version| version > VERSION)
    }

    fn damaged(&mut self, line: u64, why: &'static str) {
        self.damaged_lines += 1;
        if self.damage.len() < NAMED {
            self.damage.push(Damage { line, why });
        }
    }
}

/// Reads a segment; `each` takes every record with its line.
pub(crate) fn read(
    path: &Path,
    mut each: impl FnMut(u64, Record, &[u8]),
) -> Result<SegmentReport, JournalError> {
    let file = dir::open(path, OpenOptions::new().read(true))?;
    let mut report = SegmentReport {
        path: path.display().to_string(),
        ..SegmentReport::default()
    };
    let mut reader = BufReader::with_capacity(256 * 1024, file);
    let (mut split, mut number) = (Vec::new(), 0_u64);
    loop {
        let ready = reader.fill_buf().map_err(JournalError::io(path))?;
        if ready.is_empty() {
            report.torn_bytes = length(&split);
            report.bytes += report.torn_bytes;
            return Ok(report);
        }
        let Some(end) = memchr::memchr(b'\n', ready) else {
            split.extend_from_slice(ready);
            let read = ready.len();
            reader.consume(read);
            continue;
        };
        // Most lines are whole in the buffer and are read where they are.
        let line = if split.is_empty() {
            &ready[..end]
        } else {
            split.extend_from_slice(&ready[..end]);
            &split
        };
        number += 1;
        report.bytes += length(line) + 1;
        take(&mut report, number, line, &mut each);
        split.clear();
        reader.consume(end + 1);
    }
}

/// Records that go from one thread to the other at once, and how many such lots may wait.
const LOT: usize = 256;
const LOTS: usize = 8;

/// Reads a segment in a thread of its own, while `each` takes its records in order on this one.
pub(crate) fn read_ahead(
    path: &Path,
    mut each: impl FnMut(Record),
) -> Result<SegmentReport, JournalError> {
    std::thread::scope(|scope| {
        let (send, lots) = sync_channel::<Vec<Record>>(LOTS);
        let reading = scope.spawn(move || {
            let mut lot = Vec::with_capacity(LOT);
            let report = read(path, |_, record, _| {
                lot.push(record);
                if lot.len() == LOT {
                    // The other side takes all until this one ends.
                    drop(send.send(std::mem::replace(&mut lot, Vec::with_capacity(LOT))));
                }
            });
            drop(send.send(lot));
            report
        });
        lots.into_iter().flatten().for_each(&mut each);
        reading
            .join()
            .unwrap_or_else(|panicked| std::panic::resume_unwind(panicked))
    })
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn take(
    report: &mut SegmentReport,
    number: u64,
    line: &[u8],
    each: &mut impl FnMut(u64, Record, &[u8]),
) {
    if number == 1 {
        return match Header::parse(line) {
            Some(header) => {
                (report.version, report.compacted) = (Some(header.version), header.compacted)
            }
            None => report.damaged(number, "the line is no header"),
        };
    }
    match Record::parse(line) {
        Ok(record) => {
            report.records += 1;
            each(number, record, line);
        }
        Err(why) => report.damaged(number, why),
    }
}

/// The header of a segment, where it can be read.
pub(crate) fn header(path: &Path) -> Result<Option<Header>, JournalError> {
    let file = dir::open(path, OpenOptions::new().read(true))?;
    let mut line = Vec::new();
    let limited = std::io::Read::take(file, 4096);
    BufReader::new(limited)
        .read_until(b'\n', &mut line)
        .map_err(JournalError::io(path))?;
    Ok(Header::parse(line.strip_suffix(b"\n").unwrap_or(&line)))
}

/// Bytes behind the last line's end.
pub(crate) fn torn_tail(file: &std::fs::File, bytes: u64) -> std::io::Result<u64> {
    use std::os::unix::fs::FileExt;
    let mut buffer = [0_u8; 4096];
    let mut end = bytes;
    while end > 0 {
        let start = end.saturating_sub(4096);
        let part = &mut buffer[..usize::try_from(end - start).unwrap_or(0)];
        file.read_exact_at(part, start)?;
        if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(bytes - start - u64::try_from(at + 1).unwrap_or(0));
        }
        end = start;
    }
    Ok(bytes)
}

/// The first record of a segment that can be read.
pub(crate) fn first(path: &Path) -> Result<Option<Record>, JournalError> {
    let file = dir::open(path, OpenOptions::new().read(true))?;
    let mut reader = BufReader::with_capacity(16 * 1024, file);
    let mut line = Vec::new();
    while reader
        .read_until(b'\n', &mut line)
        .map_err(JournalError::io(path))?
        > 0
    {
        if let Ok(record) = Record::parse(line.strip_suffix(b"\n").unwrap_or(&line)) {
            return Ok(Some(record));
        }
        line.clear();
    }
    Ok(None)
}
