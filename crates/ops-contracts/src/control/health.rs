//! Adapter health: the envelope `ops.adapter.health.v1`, what it may say, which errors are an adapter's faults, and the ports
//! between those who emit envelopes and the store that is the authority on them.
//!
//! The circuit breaker is the runtime's; keeping, replaying and judging age is the store's.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::control::required;
use crate::wire::capability::AdapterKind;
use crate::wire::clock::Timestamp;
use crate::wire::command::{InvalidField, parse_json};
use crate::wire::error::ErrorCode;
use crate::wire::fault::{Fault, Outcome};
use crate::wire::ids::{RequestId, SessionId};
use crate::wire::words::words;

mod faults;
mod port;
mod report;

pub use faults::{FaultClass, FaultRow, fault_row};
pub use port::{AdapterHealthStore, HealthSink, Ingested};
pub use report::{
    AdapterDiagnostics, AdapterHealthReport, AdapterSessionHealth, DiskUsage, EnvelopeFigures,
    HealthFigures, JournalFigures, JournalState,
};

/// Faults within the window after which a session's circuit opens.
pub const FAULT_THRESHOLD: u32 = 5;

/// The rolling window over which faults are counted, in seconds.
pub const WINDOW_SECONDS: u32 = 60;

/// How long a circuit stays open before a probe is admitted.
pub const COOLDOWN: Duration = Duration::from_secs(120);

/// Consecutive successes after which a half-open circuit closes.
pub const SUCCESSES_TO_CLOSE: u32 = 10;

/// The longest time between two snapshots of a session.
pub const SNAPSHOT_INTERVAL: Duration = Duration::from_secs(10);

/// Without a snapshot for this long a session's health is stale.
pub const STALE_AFTER: Duration = Duration::from_secs(30);

/// How long the state of a closed session is kept.
pub const CLOSED_RETENTION: Duration = Duration::from_secs(15 * 60);

/// The farthest that `cooldownUntil` may lie behind `emittedAt`.
pub const LONGEST_COOLDOWN: Duration = Duration::from_secs(60 * 60);

words! {
    /// The `type` of the envelope; another version has another type.
    EnvelopeType "type" "ops.adapter.health.v1" {
        V1 "ops.adapter.health.v1" "The first version.";
    }

    /// The route whose health an envelope tells.
    EnvelopeRoute "route" "ops" {
        Ops "ops" "The contract `/ops`.";
    }

    /// What an envelope is.
    HealthEvent "event" "snapshot, fault, transition" {
        Snapshot "snapshot" "The state, told at least every ten seconds.";
        Fault "fault" "The adapter failed; told before the failure becomes a client's error.";
        Transition "transition" "The circuit has just changed its state.";
    }

    /// The state of a session's circuit.
    CircuitState "circuit state" "closed, open, half_open" {
        Closed "closed" "Commands run.";
        Open "open" "Page commands are refused until the cooldown has passed.";
        HalfOpen "half_open" "One page command at a time is admitted to find out whether the adapter has recovered.";
    }

    /// Why an adapter is disabled, or was last.
    DisableReason "disable reason" "fault_threshold, operator_global, manual_reset, session_restart, unknown" {
        FaultThreshold "fault_threshold" "Too many faults within the window, or one while the circuit was half open.";
        OperatorGlobal "operator_global" "The operator's kill switch.";
        ManualReset "manual_reset" "An operator has closed the circuit.";
        SessionRestart "session_restart" "The session was started anew, and its circuit with it.";
        Unknown "unknown" "Nothing has disabled it, or the emitter can't tell.";
    }

    /// How far a disabled adapter reaches.
    HealthScope "scope" "session, operator_global" {
        Session "session" "One session.";
        OperatorGlobal "operator_global" "All new sessions, by the operator's explicit action.";
    }

    /// How it is known who emitted an envelope.
    HealthProvenance "provenance" "process, channel" {
        Process "process" "The runtime of the relay's own process.";
        Channel "channel" "An authenticated connection to `/ops`.";
    }
}

/// A number of 64 bits that travels as a decimal string, since readers in JavaScript lose whole numbers above 2^53.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DecimalU64(pub u64);

impl fmt::Display for DecimalU64 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for DecimalU64 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DecimalU64 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let canonical =
            text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
        let number = if canonical { text.parse().ok() } else { None };
        number.map(Self).ok_or_else(|| {
            serde::de::Error::custom("not a decimal string of an unsigned 64-bit number")
        })
    }
}

impl JsonSchema for DecimalU64 {
    fn schema_name() -> Cow<'static, str> {
        "DecimalU64".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(0|[1-9][0-9]{0,19})$",
            "description": "An unsigned 64-bit number as a decimal string.",
        })
    }
}

/// One report on the health of the adapter behind a session. The form is fixed: a key that it does not have is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(transform = required::require_cooldown_until)]
pub struct HealthEnvelope {
    /// The version of this form.
    #[serde(rename = "type")]
    pub kind: EnvelopeType,
    /// What is told.
    pub event: HealthEvent,
    /// When, by the emitter's clock.
    pub emitted_at: Timestamp,
    /// The session.
    pub session_id: SessionId,
    /// The request that met the fault or caused the transition; absent where none did, and in snapshots.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// The protocol family.
    pub adapter: AdapterKind,
    /// The route.
    pub route: EnvelopeRoute,
    /// The circuit's state.
    pub circuit_state: CircuitState,
    /// Faults within the window.
    pub fault_count_window: u32,
    /// The window's length in seconds.
    #[serde(default = "window_seconds")]
    pub window_seconds: u32,
    /// Until when an open circuit stays open; null where it is not open.
    #[serde(deserialize_with = "Option::deserialize")]
    pub cooldown_until: Option<Timestamp>,
    /// Why the adapter is disabled.
    pub disable_reason: DisableReason,
    /// How far that reaches.
    pub scope: HealthScope,
    /// Successful commands since the last fault.
    pub consecutive_successes: u32,
    /// Grows by one whenever the emitter restarts or binds itself anew to the session.
    pub session_epoch: DecimalU64,
    /// Grows within the epoch, from "0".
    pub seq: DecimalU64,
}

const fn window_seconds() -> u32 {
    WINDOW_SECONDS
}

impl HealthEnvelope {
    /// Parses and checks an envelope.
    ///
    /// # Errors
    /// `relay_health_invalid`, naming the field.
    pub fn parse(text: &str) -> Outcome<Self> {
        // Serde would take an array as well, by position.
        if !text.trim_start().starts_with('{') {
            return Err(invalid(&InvalidField::new("envelope", "a JSON object")));
        }
        // The path of a wrong field is found in a second pass: envelopes are right, as a rule.
        let envelope: Self = match serde_json::from_str(text) {
            Ok(envelope) => envelope,
            Err(_) => parse_json(text).map_err(|field| invalid(&field))?,
        };
        envelope.check().map_err(|field| invalid(&field))?;
        Ok(envelope)
    }

    /// Checks what the types don't say.
    ///
    /// # Errors
    /// The field that contradicts the others, and what it should be.
    pub fn check(&self) -> Result<(), InvalidField> {
        let rule = |holds: bool, field: &str, expected: &str| {
            if holds {
                Ok(())
            } else {
                Err(InvalidField::new(field, expected))
            }
        };
        let global = self.scope == HealthScope::OperatorGlobal;
        let latest = self.emitted_at.plus(LONGEST_COOLDOWN);
        let cooling = self.cooldown_until.is_some();
        rule(
            (1..=86_400).contains(&self.window_seconds),
            "windowSeconds",
            "1 to 86400",
        )?;
        rule(
            self.cooldown_until.is_none_or(|until| until <= latest),
            "cooldownUntil",
            "at most an hour after emittedAt",
        )?;
        match self.circuit_state {
            CircuitState::Open => rule(
                cooling || global,
                "cooldownUntil",
                "a time, as the circuit is open",
            )?,
            CircuitState::Closed => {
                rule(!cooling, "cooldownUntil", "null, as the circuit is closed")?
            }
            CircuitState::HalfOpen => (),
        }
        let reason = self.disable_reason == DisableReason::OperatorGlobal;
        rule(
            !reason || global,
            "disableReason",
            "another reason, as the scope is session",
        )
    }
}

/// The refusal of an envelope.
#[must_use]
pub fn invalid(field: &InvalidField) -> Fault {
    Fault::new(
        ErrorCode::RelayHealthInvalid,
        format!("the health envelope is not taken: {field}"),
    )
    .with("field", &field.field)
    .with("expected", &field.expected)
}

#[cfg(test)]
mod tests;
