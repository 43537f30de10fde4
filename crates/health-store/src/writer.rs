//! Writes the journal, on a thread of its own behind a bounded queue.
//!
//! A batch with a fault, a transition or an end is synced at once, snapshots within ten seconds. A write that fails is undone
//! to the last whole line, counted as lost and tried again after a while; nobody waits for it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ops_contracts::control::health::{HealthEvent, JournalFigures, JournalState};
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::dir::{self, Segment};
use crate::error::JournalError;
use crate::format::{Header, Record};
use crate::maintain;
use crate::moment::Moment;
use crate::replay;

/// The most records that wait.
const CAPACITY: usize = 65_536;

/// How much is encoded before it is written.
const CHUNK: usize = 256 * 1024;

/// How long snapshots may be only in the system's memory.
const SYNC_EVERY: Duration = Duration::from_secs(10);

/// How long after a failure writing is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// A file that lines are appended to. The one of the system, or in a test one that fails.
pub(crate) trait SegmentFile: Send {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
    fn truncate(&mut self, bytes: u64) -> io::Result<()>;
}

impl SegmentFile for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&mut self, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }
}

/// Wraps the files that are opened.
pub(crate) type Wrap = Box<dyn Fn(File) -> Box<dyn SegmentFile> + Send>;

/// Where records wait, and what is told of the writer.
#[derive(Default)]
pub(crate) struct Queue {
    inner: Mutex<Waiting>,
    news: Condvar,
}

#[derive(Default)]
pub(crate) struct Waiting {
    records: Vec<Record>,
    /// Records that have been taken and are not written yet.
    writing: bool,
    ending: bool,
    pub(crate) figures: JournalFigures,
}

impl Queue {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.inner.lock()
    }

    /// Queues a record; one that finds no room is lost, and counted.
    pub(crate) fn push(&self, record: Record) {
        let mut waiting = self.lock();
        if waiting.figures.state == JournalState::ReadOnly || waiting.records.len() >= CAPACITY {
            waiting.figures.lost_records += 1;
            return;
        }
        let first = waiting.records.is_empty();
        waiting.records.push(record);
        drop(waiting);
        if first {
            self.news.notify_all();
        }
    }

    /// Waits until something is there, `limit` has passed, or the end; what is there, and whether it is the end.
    pub(crate) fn take(&self, limit: Duration) -> (Vec<Record>, bool) {
        let mut waiting = self.lock();
        let idle = |waiting: &mut Waiting| waiting.records.is_empty() && !waiting.ending;
        self.news.wait_while_for(&mut waiting, idle, limit);
        waiting.writing = !waiting.records.is_empty();
        (std::mem::take(&mut waiting.records), waiting.ending)
    }

    pub(crate) fn taken(&self) {
        self.lock().writing = false;
        self.news.notify_all();
    }

    pub(crate) fn end(&self) {
        self.lock().ending = true;
        self.news.notify_all();
    }

    /// Waits until everything that is queued now has been written or lost, at most `limit`; whether it has.
    pub(crate) fn settle(&self, limit: Duration) -> bool {
        let busy = |waiting: &mut Waiting| waiting.writing || !waiting.records.is_empty();
        let mut waiting = self.lock();
        self.news.wait_while_for(&mut waiting, busy, limit);
        // Asked again: it may have been written just as the time was over.
        !busy(&mut waiting)
    }
}

/// The segment that is written.
struct Open {
    day: String,
    path: PathBuf,
    file: Box<dyn SegmentFile>,
    /// Bytes up to the end of the last whole line.
    bytes: u64,
}

/// The writer: used by its thread alone.
pub(crate) struct Writer {
    root: PathBuf,
    segment_bytes: u64,
    wrap: Wrap,
    queue: Arc<Queue>,
    open: Option<Open>,
    buffer: Vec<u8>,
    synced: Duration,
    unsynced: bool,
    retry_at: Option<Duration>,
}

impl Writer {
    pub(crate) fn new(root: PathBuf, segment_bytes: u64, wrap: Wrap, queue: Arc<Queue>) -> Self {
        let (buffer, synced) = (Vec::with_capacity(CHUNK + 4096), Duration::ZERO);
        Self {
            root,
            segment_bytes,
            wrap,
            queue,
            open: None,
            buffer,
            synced,
            unsynced: false,
            retry_at: None,
        }
    }

    /// Writes a batch.
    pub(crate) fn write(&mut self, records: &[Record], now: Moment) {
        if self.retry_at.is_some_and(|at| now.monotonic < at) {
            self.queue.lock().figures.lost_records +=
                u64::try_from(records.len()).unwrap_or(u64::MAX);
            return;
        }
        let urgent = |record: &Record| {
            record
                .event
                .as_ref()
                .is_none_or(|event| event.event != HealthEvent::Snapshot)
        };
        let (mut rest, mut written) = (records, 0_u64);
        let mut outcome = Ok(());
        while !rest.is_empty() && outcome.is_ok() {
            self.buffer.clear();
            let mut count = 0;
            while count < rest.len() && self.buffer.len() < CHUNK {
                rest[count].write(&mut self.buffer);
                count += 1;
            }
            outcome = self.append(now);
            if outcome.is_ok() {
                written += u64::try_from(count).unwrap_or(u64::MAX);
                rest = &rest[count..];
            }
        }
        if outcome.is_ok()
            && (records.iter().any(urgent)
                || now.monotonic.saturating_sub(self.synced) >= SYNC_EVERY)
        {
            outcome = self.sync(now);
        }
        self.tell(written, rest.len(), outcome, now);
    }

    /// Syncs what has waited long enough.
    pub(crate) fn idle(&mut self, now: Moment) {
        if self.unsynced && now.monotonic.saturating_sub(self.synced) >= SYNC_EVERY {
            let outcome = self.sync(now);
            self.tell(0, 0, outcome, now);
        }
    }

    fn tell(&mut self, written: u64, lost: usize, outcome: Result<(), JournalError>, now: Moment) {
        let mut waiting = self.queue.lock();
        let figures = &mut waiting.figures;
        figures.written_records += written;
        figures.lost_records += u64::try_from(lost).unwrap_or(u64::MAX);
        match outcome {
            Ok(()) => {
                if figures.state == JournalState::Failing {
                    tracing::info!("the health journal is written again");
                }
                (figures.state, figures.reason, self.retry_at) =
                    (JournalState::Writing, None, None);
            }
            Err(error) => {
                if figures.state != JournalState::Failing {
                    tracing::error!(%error, "the health journal can't be written; its state is kept in memory");
                }
                (figures.state, figures.reason) = (JournalState::Failing, Some(error.to_string()));
                self.retry_at = Some(now.monotonic.saturating_add(RETRY_AFTER));
            }
        }
    }

    /// Appends the buffer, to the next segment where this one would get too large.
    fn append(&mut self, now: Moment) -> Result<(), JournalError> {
        let size = u64::try_from(self.buffer.len()).unwrap_or(u64::MAX);
        let mut open = match self.open.take() {
            // The day of the journal never goes back, whatever the clock does.
            Some(open)
                if open.bytes + size <= self.segment_bytes && dir::day_of(now.wall) <= open.day =>
            {
                open
            }
            Some(mut open) => {
                open.file.sync().map_err(JournalError::io(&open.path))?;
                let day = open.day.clone();
                drop(open);
                self.next(Some(&day), size, now)?
            }
            None => self.next(None, size, now)?,
        };
        match open.file.append(&self.buffer) {
            Ok(()) => {
                open.bytes += size;
                self.unsynced = true;
                self.open = Some(open);
                Ok(())
            }
            Err(error) => {
                // Half a line must not be followed by another. Where this fails too, opening cuts it off.
                if open.file.truncate(open.bytes).is_ok() {
                    let path = open.path.clone();
                    self.open = Some(open);
                    return Err(JournalError::io(&path)(error));
                }
                Err(JournalError::io(&open.path)(error))
            }
        }
    }

    /// Opens the segment for `size` more bytes: today's, or that of the latest day that was written.
    fn next(&self, written: Option<&str>, size: u64, now: Moment) -> Result<Open, JournalError> {
        dir::ensure(&self.root)?;
        let latest = match written {
            Some(day) => Some(day.to_owned()),
            None => dir::segments(&self.root)?.pop().map(|segment| segment.day),
        };
        let today = dir::day_of(now.wall);
        let day = latest.filter(|latest| *latest > today).unwrap_or(today);
        dir::ensure(&self.root.join(&day))?;
        let active = Segment {
            day: day.clone(),
            number: None,
        };
        let path = active.path(&self.root);
        if let Some(bytes) = whole_bytes(&path)? {
            if bytes + size <= self.segment_bytes {
                let file = dir::open(&path, OpenOptions::new().append(true))?;
                // A torn end was counted when it was replayed, or is that of our own failed write.
                file.set_len(bytes).map_err(JournalError::io(&path))?;
                return Ok(Open {
                    day,
                    path,
                    file: (self.wrap)(file),
                    bytes,
                });
            }
            let number = dir::next_number(&self.root, &day)?;
            let rotated = Segment {
                day: day.clone(),
                number: Some(number),
            }
            .path(&self.root);
            std::fs::rename(&path, &rotated).map_err(JournalError::io(&rotated))?;
        }
        let file = dir::open(&path, OpenOptions::new().append(true).create(true))?;
        let mut file = (self.wrap)(file);
        let header = Header::new(now.wall, false).line();
        if let Err(error) = file.truncate(0).and_then(|()| file.append(&header)) {
            // A segment without a header would be damage: better none.
            let _ = std::fs::remove_file(&path);
            return Err(JournalError::io(&path)(error));
        }
        let bytes = u64::try_from(header.len()).unwrap_or(u64::MAX);
        Ok(Open {
            day,
            path,
            file,
            bytes,
        })
    }

    fn sync(&mut self, now: Moment) -> Result<(), JournalError> {
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        open.file.sync().map_err(JournalError::io(&open.path))?;
        (self.synced, self.unsynced) = (now.monotonic, false);
        Ok(())
    }

    /// Syncs what is left.
    pub(crate) fn finish(&mut self, now: Moment) {
        if self.unsynced {
            let outcome = self.sync(now);
            self.tell(0, 0, outcome, now);
        }
    }
}

/// The bytes of a segment up to the end of its last whole line; none where it is missing or has not even a header.
fn whole_bytes(path: &Path) -> Result<Option<u64>, JournalError> {
    if !path.try_exists().map_err(JournalError::io(path))?
        && std::fs::symlink_metadata(path).is_err()
    {
        return Ok(None);
    }
    let file = dir::open(path, OpenOptions::new().read(true))?;
    maintain::refuse_newer_file(path)?;
    let bytes = file.metadata().map_err(JournalError::io(path))?.len();
    let torn = replay::torn_tail(&file, bytes).map_err(JournalError::io(path))?;
    let whole = bytes - torn;
    Ok((whole > 0).then_some(whole))
}
