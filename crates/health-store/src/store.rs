//! The store: state in memory behind one lock, the journal behind its thread.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use ops_contracts::Outcome;
use ops_contracts::control::health::{
    AdapterHealthReport, AdapterHealthStore, AdapterSessionHealth, DiskUsage, HealthEnvelope,
    HealthProvenance, HealthSink, Ingested, JournalState,
};
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::ids::{ClientId, SessionId};
use parking_lot::Mutex;

use crate::dir;
use crate::disk::Guard;
use crate::error::JournalError;
use crate::format::Record;
use crate::maintain::{self, Limits, Pruned};
use crate::moment::{Moment, Ticks};
use crate::replay;
use crate::state::{Emitter, State};
use crate::writer::{Queue, Wrap, Writer};

/// The lock that the one writer of a journal holds.
const LOCK: &str = ".writer.lock";

/// How often the journal's thread looks after the rest when nothing is to be written.
const TICK: Duration = Duration::from_secs(1);

/// How often the disk is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// How often the journal is pruned.
const PRUNE_EVERY: Duration = Duration::from_secs(24 * 60 * 60);

/// How much of the journal is replayed at most, and how far back: a session that lived tells of itself every ten seconds.
const REPLAY_BYTES: u64 = 256 * 1024 * 1024;
const REPLAY_SPAN: Duration = Duration::from_secs(60 * 60);

/// How far the wall clock may run ahead of the other before it is not trusted with deleting anything.
const CLOCK_DRIFT: Duration = Duration::from_secs(60 * 60);

/// How long the end waits for the journal.
const END_WITHIN: Duration = Duration::from_secs(5);

/// Where the journal is, and its limits. The defaults are the plan's; other figures are for tests.
#[derive(Debug, Clone)]
pub struct JournalConfig {
    /// The directory, `artifacts/ops-health` of a home.
    pub root: PathBuf,
    /// The largest segment, in bytes.
    pub segment_bytes: u64,
    /// How long segments are kept.
    pub retention: Duration,
    /// From which age on old snapshots are thinned out.
    pub compact_after: Duration,
    /// The bound of the whole, in bytes; above it the oldest go first, and an alert follows.
    pub bytes: u64,
}

impl JournalConfig {
    /// The plan's figures.
    #[must_use]
    pub const fn new(root: PathBuf) -> Self {
        Self {
            root,
            segment_bytes: 64 * 1024 * 1024,
            retention: Duration::from_secs(30 * 24 * 60 * 60),
            compact_after: Duration::from_secs(24 * 60 * 60),
            bytes: 2 * 1024 * 1024 * 1024,
        }
    }

    pub(crate) const fn limits(&self) -> Limits {
        Limits {
            retention: self.retention,
            compact_after: self.compact_after,
            bytes: self.bytes,
        }
    }
}

struct Shared {
    ticks: Arc<dyn Ticks>,
    state: Mutex<State>,
    /// Of the journal; none without one.
    queue: Option<Arc<Queue>>,
    disk: Mutex<Option<DiskUsage>>,
}

/// The health store. Dropping it writes what is queued.
pub struct HealthStore {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for HealthStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthStore")
            .field("journal", &self.shared.queue.is_some())
            .finish_non_exhaustive()
    }
}

impl HealthStore {
    /// A store without a journal.
    #[must_use]
    pub fn in_memory(ticks: Arc<dyn Ticks>) -> Self {
        Self {
            shared: Arc::new(Shared {
                ticks,
                state: Mutex::default(),
                queue: None,
                disk: Mutex::default(),
            }),
            thread: None,
        }
    }

    /// A store that replays the journal below `home` and goes on with it. A disk that does not take it leaves the state in memory.
    ///
    /// # Errors
    /// When the directory or a file in it is not ours, open to others or a symbolic link.
    pub fn open(home: &Path, ticks: Arc<dyn Ticks>) -> Result<Self, JournalError> {
        let root = home.join("artifacts").join("ops-health");
        match dir::ensure_below(home, &["artifacts", "ops-health"]) {
            Err(refused @ JournalError::Refused { .. }) => return Err(refused),
            Err(error) => tracing::error!(%error, "the health journal can't be made"),
            Ok(_) => (),
        }
        Self::with(JournalConfig::new(root), ticks)
    }

    /// The same with other limits; the directory's parent must exist.
    ///
    /// # Errors
    /// As for `open`.
    pub fn with(config: JournalConfig, ticks: Arc<dyn Ticks>) -> Result<Self, JournalError> {
        Self::wrapped(config, ticks, Box::new(|file: File| Box::new(file)))
    }

    pub(crate) fn wrapped(
        config: JournalConfig,
        ticks: Arc<dyn Ticks>,
        wrap: Wrap,
    ) -> Result<Self, JournalError> {
        let queue = Arc::new(Queue::default());
        queue.lock().figures.state = JournalState::Writing;
        let mut state = State::default();
        let now = ticks.now();
        let (held, ended) = match begin(&config, &queue, &mut state, now) {
            Ok(held) => (held, state.inherit(now)),
            Err(refused @ JournalError::Refused { .. }) => return Err(refused),
            Err(error) => {
                tracing::error!(%error, "the health journal can't be used; the state is kept in memory");
                let mut waiting = queue.lock();
                waiting.figures.reason = Some(error.to_string());
                let kept = matches!(
                    error,
                    JournalError::Newer { .. } | JournalError::Busy { .. }
                );
                waiting.figures.state = if kept {
                    JournalState::ReadOnly
                } else {
                    JournalState::Failing
                };
                drop(waiting);
                (None, state.inherit(now))
            }
        };
        for session in ended {
            queue.push(Record::closed(now.wall, session, true));
        }
        let guard = Guard::new("ops-health", &config.root, config.bytes);
        let shared = Arc::new(Shared {
            ticks,
            state: Mutex::new(state),
            queue: Some(queue.clone()),
            disk: Mutex::default(),
        });
        let writer = Writer::new(
            config.root.clone(),
            config.segment_bytes,
            wrap,
            queue.clone(),
        );
        let keeper = Keeper {
            config,
            shared: shared.clone(),
            queue,
            writer,
            guard,
            started: now,
            looked: None,
            pruned: None,
            _held: held,
        };
        let thread = std::thread::Builder::new()
            .name("health-journal".to_owned())
            .spawn(move || keeper.run());
        let thread = thread.map_err(JournalError::io(Path::new("a thread")))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Waits until everything that was accepted has been written or lost, at most `limit`; whether it has.
    pub fn settle(&self, limit: Duration) -> bool {
        self.shared
            .queue
            .as_ref()
            .is_none_or(|queue| queue.settle(limit))
    }

    fn take(&self, envelope: HealthEnvelope, from: Emitter<'_>) -> Outcome<Ingested> {
        let now = self.shared.ticks.now();
        let mut state = self.shared.state.lock();
        let verdict = state.apply(&envelope, from, now)?;
        if let (Ingested::Accepted, Some(queue)) = (verdict, &self.shared.queue) {
            let provenance = match from {
                Emitter::Process => HealthProvenance::Process,
                Emitter::Channel(_) => HealthProvenance::Channel,
            };
            // Under the state's lock: the journal has the order in which the state was made.
            queue.push(Record::event(now.wall, provenance, envelope));
        }
        Ok(verdict)
    }
}

/// Takes the writer's lock and replays. No lock where the journal may not be written.
fn begin(
    config: &JournalConfig,
    queue: &Queue,
    state: &mut State,
    now: Moment,
) -> Result<Option<File>, JournalError> {
    if !dir::check(&config.root)? {
        dir::ensure(&config.root)?;
    }
    let segments = dir::segments(&config.root)?;
    let held = dir::lock(&config.root, LOCK);
    let (mut bytes, mut chosen) = (0_u64, Vec::new());
    let mut newest: Option<Timestamp> = None;
    for segment in segments.iter().rev() {
        let path = segment.path(&config.root);
        bytes = bytes.saturating_add(std::fs::symlink_metadata(&path).map_or(0, |meta| meta.len()));
        if bytes > REPLAY_BYTES && !chosen.is_empty() {
            break;
        }
        let first = first_record(&path)?;
        chosen.push(path);
        newest = newest.or(first);
        if first
            .zip(newest)
            .is_some_and(|(first, newest)| first.plus(REPLAY_SPAN) < newest)
        {
            break;
        }
    }
    for path in chosen.iter().rev() {
        let report = replay::read_ahead(path, |record| restore(state, record, now))?;
        let mut waiting = queue.lock();
        waiting.figures.replayed_records += report.records;
        waiting.figures.damaged_lines += report.damaged_lines;
        waiting.figures.torn_tails += u64::from(report.torn_bytes > 0);
        drop(waiting);
        if !report.is_sound() {
            let (damaged, torn) = (report.damaged_lines, report.torn_bytes);
            tracing::warn!(
                path = report.path,
                damaged,
                torn,
                "the health journal has damage, which is passed over"
            );
        }
    }
    maintain::refuse_newer(&config.root, &segments)?;
    held.map(Some)
}

fn restore(state: &mut State, record: Record, now: Moment) {
    match (record.event, record.provenance, record.closed) {
        (Some(event), Some(provenance), _) => {
            state.restore(event, provenance, record.received_at, now)
        }
        (_, _, Some(session)) => {
            state.restore_end(&session, record.inherited, record.received_at, now)
        }
        _ => (),
    }
}

/// When the first record of a segment was taken.
fn first_record(path: &Path) -> Result<Option<Timestamp>, JournalError> {
    replay::first(path).map(|record| record.map(|record| record.received_at))
}

impl HealthSink for HealthStore {
    fn emit(&self, envelope: HealthEnvelope) {
        // Through the same validator as everybody's.
        if let Err(field) = envelope.check() {
            self.shared.state.lock().rejected();
            tracing::error!(sessionId = %envelope.session_id, field = field.field, "the runtime made a health envelope that is none");
            return;
        }
        if let Err(fault) = self.take(envelope, Emitter::Process) {
            tracing::warn!(code = %fault.code, "a health envelope of the runtime was refused");
        }
    }

    fn session_closed(&self, session: &SessionId) {
        let now = self.shared.ticks.now();
        let mut state = self.shared.state.lock();
        if state.close(session, now)
            && let Some(queue) = &self.shared.queue
        {
            queue.push(Record::closed(now.wall, session.clone(), false));
        }
    }

    fn operator_global(&self) -> bool {
        self.shared.state.lock().operator_global()
    }
}

impl AdapterHealthStore for HealthStore {
    fn ingest(&self, text: &str, emitter: &ClientId) -> Outcome<Ingested> {
        let envelope =
            HealthEnvelope::parse(text).inspect_err(|_| self.shared.state.lock().rejected())?;
        self.take(envelope, Emitter::Channel(emitter))
    }

    fn report(&self) -> AdapterHealthReport {
        let now = self.shared.ticks.now();
        let (worst, mut figures) = {
            let mut state = self.shared.state.lock();
            state.forget(now);
            state.summary(now)
        };
        if let Some(queue) = &self.shared.queue {
            figures.journal = queue.lock().figures.clone();
        }
        figures.disk = self.shared.disk.lock().clone();
        AdapterHealthReport { worst, figures }
    }

    fn sessions(&self) -> Vec<AdapterSessionHealth> {
        let now = self.shared.ticks.now();
        let mut state = self.shared.state.lock();
        state.forget(now);
        state.sessions(now)
    }

    fn set_operator_global(&self, disabled: bool) {
        self.shared.state.lock().set_operator_global(disabled);
    }
}

impl Drop for HealthStore {
    fn drop(&mut self) {
        let (Some(queue), Some(thread)) = (&self.shared.queue, self.thread.take()) else {
            return;
        };
        queue.end();
        // A disk that hangs must not hang the end.
        if queue.settle(END_WITHIN) {
            let _ = thread.join();
        }
    }
}

/// The journal's thread: writes, looks at the disk, forgets and prunes.
struct Keeper {
    config: JournalConfig,
    shared: Arc<Shared>,
    queue: Arc<Queue>,
    writer: Writer,
    guard: Guard,
    started: Moment,
    looked: Option<Duration>,
    pruned: Option<Duration>,
    /// The writer's lock; without it nothing is written.
    _held: Option<File>,
}

impl Keeper {
    fn run(mut self) {
        loop {
            let (records, ending) = self.queue.take(TICK);
            let now = self.shared.ticks.now();
            if self.may_write() {
                if records.is_empty() {
                    self.writer.idle(now);
                } else {
                    self.writer.write(&records, now);
                }
            }
            self.queue.taken();
            if ending && self.queue.settle(Duration::ZERO) {
                return self.writer.finish(now);
            }
            self.look_after(now);
        }
    }

    fn may_write(&mut self) -> bool {
        if self.queue.lock().figures.state == JournalState::ReadOnly {
            return false;
        }
        if self._held.is_none() {
            // The directory could not be made or locked at the start; it may have come.
            let _ = dir::ensure(&self.config.root);
            self._held = dir::lock(&self.config.root, LOCK).ok();
        }
        true
    }

    fn look_after(&mut self, now: Moment) {
        if self
            .looked
            .is_none_or(|at| now.monotonic.saturating_sub(at) >= LOOK_EVERY)
        {
            self.looked = Some(now.monotonic);
            let usage = self.guard.look(now);
            if usage.alert {
                tracing::warn!(
                    bytes = usage.usage_bytes,
                    ratio = usage.volume_usage_ratio,
                    "the health journal's disk is too full"
                );
            }
            let oversize = usage.usage_bytes > self.config.bytes;
            *self.shared.disk.lock() = Some(usage);
            self.shared.state.lock().forget(now);
            if oversize {
                self.prune(now);
            }
        }
        if self
            .pruned
            .is_none_or(|at| now.monotonic.saturating_sub(at) >= PRUNE_EVERY)
        {
            self.prune(now);
        }
    }

    fn prune(&mut self, now: Moment) {
        self.pruned = Some(now.monotonic);
        let told = Duration::from_millis(
            now.wall
                .unix_millis()
                .saturating_sub(self.started.wall.unix_millis()),
        );
        if told
            > now
                .monotonic
                .saturating_sub(self.started.monotonic)
                .saturating_add(CLOCK_DRIFT)
        {
            tracing::warn!(
                "the clock has jumped ahead: nothing is pruned until the relay starts anew"
            );
            return;
        }
        if self.queue.lock().figures.state == JournalState::ReadOnly {
            return;
        }
        match maintain::run(&self.config.root, self.config.limits(), now.wall) {
            Ok(pruned) => self.told(pruned, now),
            Err(error) => tracing::warn!(%error, "the health journal can't be pruned"),
        }
    }

    fn told(&self, pruned: Pruned, now: Moment) {
        let mut waiting = self.queue.lock();
        let figures = &mut waiting.figures;
        figures.pruned_segments += pruned.expired_segments + pruned.oversize_segments;
        figures.compacted_records += pruned.compacted_records;
        figures.last_prune_at = Some(now.wall);
        drop(waiting);
        if pruned.oversize_segments > 0 {
            tracing::warn!(
                segments = pruned.oversize_segments,
                "the health journal is above its bound: its oldest segments are gone"
            );
        }
    }
}

#[cfg(test)]
mod tests;
