//! What the health store tells, as it stands in the status document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CircuitState, DecimalU64, DisableReason, HealthProvenance, HealthScope};
use crate::wire::capability::AdapterKind;
use crate::wire::clock::Timestamp;
use crate::wire::ids::SessionId;
use crate::wire::words::words;

/// The diagnostics of one session, or of the worst one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdapterDiagnostics {
    /// The circuit's state.
    pub adapter_circuit_state: CircuitState,
    /// Why the adapter is disabled; null where it is not.
    pub adapter_disable_reason: Option<DisableReason>,
    /// Faults within the window.
    pub adapter_fault_count_window: u32,
    /// Until when an open circuit stays open; null where none is.
    pub adapter_cooldown_until: Option<Timestamp>,
    /// How far the disabling reaches.
    pub adapter_scope: HealthScope,
    /// Whether what is known is old: no snapshot for thirty seconds.
    pub adapter_health_stale: bool,
    /// When the emitter was last heard, by the relay's clock; null where never.
    pub adapter_health_last_seen_at: Option<Timestamp>,
}

impl Default for AdapterDiagnostics {
    fn default() -> Self {
        Self {
            adapter_circuit_state: CircuitState::Closed,
            adapter_disable_reason: None,
            adapter_fault_count_window: 0,
            adapter_cooldown_until: None,
            adapter_scope: HealthScope::Session,
            adapter_health_stale: false,
            adapter_health_last_seen_at: None,
        }
    }
}

/// The health of the adapter behind one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdapterSessionHealth {
    /// The session.
    pub session_id: SessionId,
    /// The protocol family.
    pub adapter: AdapterKind,
    /// How it is known who reports.
    pub provenance: HealthProvenance,
    /// The circuit's state.
    pub adapter_circuit_state: CircuitState,
    /// Why the adapter is disabled; null where it is not.
    pub adapter_disable_reason: Option<DisableReason>,
    /// Faults within the window.
    pub adapter_fault_count_window: u32,
    /// Until when an open circuit stays open; null where none is.
    pub adapter_cooldown_until: Option<Timestamp>,
    /// How far the disabling reaches.
    pub adapter_scope: HealthScope,
    /// Whether what is known is old: no snapshot for thirty seconds, or told to an earlier relay.
    pub adapter_health_stale: bool,
    /// When the emitter was last heard, by the relay's clock.
    pub adapter_health_last_seen_at: Timestamp,
    /// The window's length in seconds.
    pub window_seconds: u32,
    /// Successful commands since the last fault.
    pub consecutive_successes: u32,
    /// The emitter's epoch.
    pub session_epoch: DecimalU64,
    /// The highest number seen within the epoch.
    pub seq: DecimalU64,
    /// When the session ended, or the relay noticed that its emitter is gone for good; null while it lives.
    pub closed_at: Option<Timestamp>,
}

/// The worst session's diagnostics, and the store's figures.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AdapterHealthReport {
    /// Of the worst session; of nobody where there is none.
    pub worst: AdapterDiagnostics,
    /// How the store itself does.
    pub figures: HealthFigures,
}

/// How the health store does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthFigures {
    /// Sessions whose state is kept.
    pub sessions: u32,
    /// Of these, those that are not closed and whose circuit is open.
    pub open_circuits: u32,
    /// Of these, those that are not closed and whose circuit is half open.
    pub half_open_circuits: u32,
    /// Of these, those that are not closed and stale.
    pub stale_sessions: u32,
    /// What became of the envelopes.
    pub envelopes: EnvelopeFigures,
    /// The journal.
    pub journal: JournalFigures,
    /// The disk below the journal; null where there is no journal.
    pub disk: Option<DiskUsage>,
}

/// What became of the envelopes since the relay started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvelopeFigures {
    /// Taken.
    pub accepted: u64,
    /// Seen before.
    pub duplicate: u64,
    /// Of an older epoch or a lower number.
    pub outdated: u64,
    /// Not well formed, or claiming what their emitter may not.
    pub rejected: u64,
}

words! {
    /// What the journal does.
    JournalState "journal state" "off, writing, failing, read_only" {
        Off "off" "There is none: the state is kept in memory alone.";
        Writing "writing" "What is accepted is written.";
        Failing "failing" "The last write failed; the state is kept in memory, what is lost is counted, and writing is tried again.";
        ReadOnly "read_only" "It can be read but not written: its format is newer, or another process writes it.";
    }
}

/// The journal in figures, since the relay started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JournalFigures {
    /// What it does.
    pub state: JournalState,
    /// Why it does not write; null where it does.
    pub reason: Option<String>,
    /// Records written.
    pub written_records: u64,
    /// Records that were to be written and could not be.
    pub lost_records: u64,
    /// Records replayed at the start.
    pub replayed_records: u64,
    /// Lines found damaged at the start, and skipped.
    pub damaged_lines: u64,
    /// Torn ends cut off at the start.
    pub torn_tails: u64,
    /// Segments removed by age or for room.
    pub pruned_segments: u64,
    /// Records dropped by compaction.
    pub compacted_records: u64,
    /// When old segments were last looked through; null where never.
    pub last_prune_at: Option<Timestamp>,
}

impl Default for JournalFigures {
    fn default() -> Self {
        Self {
            state: JournalState::Off,
            reason: None,
            written_records: 0,
            lost_records: 0,
            replayed_records: 0,
            damaged_lines: 0,
            torn_tails: 0,
            pruned_segments: 0,
            compacted_records: 0,
            last_prune_at: None,
        }
    }
}

/// The disk below a set of artifacts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DiskUsage {
    /// The set: `ops-health` or `ops-gates`.
    pub artifact_set: String,
    /// Its directory.
    pub path: String,
    /// Where the volume below it is mounted.
    pub mount: String,
    /// Bytes that the set takes.
    pub usage_bytes: u64,
    /// How full the volume is, 0 to 1.
    pub volume_usage_ratio: f64,
    /// Above this the set is too large.
    pub limit_bytes: u64,
    /// Above this the volume is too full.
    pub limit_ratio: f64,
    /// Since when a limit has been exceeded without a break; null where none is.
    pub breached_since: Option<Timestamp>,
    /// Whether it has been for fifteen minutes.
    pub alert: bool,
}
