//! The ledger behind the scorecard: requests and sessions counted by the hour, incidents, and the disk that artifacts take. Hours are
//! kept for a month and survive restarts; what was counted since the last flush, at most ten seconds, is lost with a killed process.
//!
//! It judges nothing: that is the contract's scorecard. It knows no HTTP and counts nothing by itself.

mod disk;
mod hours;
mod incidents;
mod private;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use ops_contracts::control::incident::{Incident, NewIncident, ResolveIncident};
use ops_contracts::control::ledger::{ArtifactUsage, Ledger, RequestSample};
use ops_contracts::control::scorecard::{
    Baseline, HourCounts, Phase, ROLLBACK_TRIGGERS, ScorecardInputs, Window,
};
use ops_contracts::control::telemetry::ArtifactSet;
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::{ErrorCode, Fault, Outcome};

use hours::Hours;
use incidents::Incidents;
use parking_lot::Mutex;

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 16 << 20;

/// How long hours are kept: the longest window, and a day beside it.
const KEPT_HOURS: u64 = 31 * 24;

/// Why a file of the ledger can't be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The system refuses.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is not ours alone: a symbolic link, another user's, or open to others.
    #[error("{}: {why}", path.display())]
    Unsafe {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Its content can't be understood.
    #[error("{}: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

struct Places {
    rollups: PathBuf,
    incidents: PathBuf,
    sets: [(ArtifactSet, PathBuf); 2],
}

/// The ledger. Counting takes a lock for a moment and touches no disk; `flush` does.
pub struct RollupLedger {
    places: Option<Places>,
    hours: Mutex<Hours>,
    incidents: Mutex<Incidents>,
    usage: Mutex<Vec<ArtifactUsage>>,
    baseline: Option<Baseline>,
    /// Why the baseline that is there is not used.
    baseline_problem: Option<String>,
    lost_writes: AtomicU64,
    /// Of two flushes the later one writes last.
    flushing: Mutex<()>,
}

impl RollupLedger {
    /// A ledger that forgets everything with its end.
    #[must_use]
    pub fn in_memory(baseline: Option<Baseline>, now: Timestamp) -> Self {
        Self::over(None, Hours::starting(now), Incidents::default(), baseline)
    }

    /// The ledger below `artifacts`, made where it is missing. Blocks while it reads. A damaged file is reported and passed over.
    ///
    /// # Errors
    /// A directory or file that is a symbolic link, another user's, or open to others; a disk that can't be read.
    pub fn open(artifacts: &Path, now: Timestamp) -> Result<Self, LedgerError> {
        private::directory(artifacts)?;
        let places = Places {
            rollups: artifacts.join("ops-rollups"),
            incidents: artifacts.join("ops-incidents"),
            sets: ArtifactSet::ALL
                .iter()
                .map(|set| (*set, artifacts.join(set.as_str())))
                .collect::<Vec<_>>()
                .try_into()
                .expect("there are two sets"),
        };
        private::directory(&places.rollups)?;
        private::directory(&places.incidents)?;
        let hours = Hours::read(&places.rollups, now)?;
        let incidents = Incidents::open(&places.incidents)?;
        let gates = artifacts.join(ArtifactSet::OpsGates.as_str());
        private::directory(&gates)?;
        let (baseline, baseline_problem) = match baseline(&gates.join("baseline.json")) {
            Ok(found) => (found, None),
            Err(error @ LedgerError::Damaged { .. }) => (None, Some(error.to_string())),
            Err(error) => return Err(error),
        };
        let ledger = Self {
            baseline_problem,
            ..Self::over(Some(places), hours, incidents, baseline)
        };
        ledger.flush(now);
        Ok(ledger)
    }

    fn over(
        places: Option<Places>,
        hours: Hours,
        incidents: Incidents,
        baseline: Option<Baseline>,
    ) -> Self {
        Self {
            places,
            hours: Mutex::new(hours),
            incidents: Mutex::new(incidents),
            usage: Mutex::default(),
            baseline,
            baseline_problem: None,
            lost_writes: AtomicU64::new(0),
            flushing: Mutex::default(),
        }
    }

    /// Writes what has changed, removes what is too old, and measures the disk. Blocks. What can't be written stays in memory and is tried
    /// again with the next flush.
    pub fn flush(&self, now: Timestamp) {
        let _one_at_a_time = self.flushing.lock();
        let Some(places) = &self.places else { return };
        let changed = self.hours.lock().take_changed(now);
        for hour in changed {
            if let Err(error) = hours::write(&places.rollups, &hour) {
                self.lost_writes.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%error, "a rollup can't be written; it stays in memory");
                self.hours.lock().mark_changed(hour.hour);
            }
        }
        if let Err(error) = hours::prune(&places.rollups, now) {
            tracing::warn!(%error, "old rollups can't be removed");
        }
        let usage = places
            .sets
            .iter()
            .filter_map(|(set, path)| disk::usage(*set, path))
            .collect();
        *self.usage.lock() = usage;
    }

    /// Why the baseline that is there is not used; none where it is, and where there is none.
    #[must_use]
    pub fn baseline_problem(&self) -> Option<&str> {
        self.baseline_problem.as_deref()
    }

    /// How many writes have failed since the start.
    #[must_use]
    pub fn lost_writes(&self) -> u64 {
        self.lost_writes.load(Ordering::Relaxed)
    }
}

impl Ledger for RollupLedger {
    fn request(&self, sample: &RequestSample, at: Timestamp) {
        self.hours.lock().request(sample, at);
    }

    fn session_ended(&self, crashed: bool, at: Timestamp) {
        self.hours.lock().session_ended(crashed, at);
    }

    fn record_incident(&self, told: NewIncident, at: Timestamp) -> Outcome<Incident> {
        self.incidents
            .lock()
            .record(told, at)
            .map_err(|error| store_failed(&error))
    }

    fn resolve_incident(&self, told: &ResolveIncident, at: Timestamp) -> Outcome<Incident> {
        let resolved = self
            .incidents
            .lock()
            .resolve(told, at)
            .map_err(|error| store_failed(&error))?;
        resolved.ok_or_else(|| Fault::plain(ErrorCode::RelayIncidentUnknown).with("id", &told.id))
    }

    fn incidents(&self) -> Vec<Incident> {
        self.incidents.lock().list()
    }

    fn inputs(&self, phase: Phase, window: Window, now: Timestamp) -> ScorecardInputs {
        let incidents = self.incidents.lock().counts(window, now);
        let hours = self.hours.lock();
        let looked_at = ROLLBACK_TRIGGERS
            .iter()
            .map(|trigger| trigger.hours)
            .max()
            .unwrap_or(0);
        ScorecardInputs {
            window,
            phase,
            generated_at: now,
            recorded_since: hours.since(),
            commands: hours.commands(window, now),
            sessions: hours.sessions(window, now),
            incidents,
            baseline: self.baseline.clone(),
            hours: hours.full(looked_at, now),
        }
    }

    fn hours(&self, count: usize, now: Timestamp) -> Vec<HourCounts> {
        self.hours.lock().full(count, now)
    }

    fn baseline(&self) -> Option<&Baseline> {
        self.baseline.as_ref()
    }

    fn disk(&self) -> Vec<ArtifactUsage> {
        self.usage.lock().clone()
    }
}

fn store_failed(error: &LedgerError) -> Fault {
    tracing::warn!(%error, "the ledger can't be written");
    Fault::new(ErrorCode::RelayStoreFailed, error.to_string())
}

/// The baseline, where one was measured. One that can't be trusted is none: the gate then says so.
fn baseline(path: &Path) -> Result<Option<Baseline>, LedgerError> {
    let damaged = |why: String| LedgerError::Damaged {
        path: path.to_owned(),
        why,
    };
    let Some(text) = private::read(path, MAX_FILE)? else {
        return Ok(None);
    };
    let baseline: Baseline = serde_json::from_str(&text)
        .map_err(|error| damaged(format!("the baseline is none: {error}")))?;
    baseline
        .check()
        .map_err(|error| damaged(format!("the baseline is not used: {error}")))?;
    Ok(Some(baseline))
}

#[cfg(test)]
mod tests;
