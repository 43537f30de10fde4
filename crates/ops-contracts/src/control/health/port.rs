//! The ports of adapter health: where sessions report, and where status and metrics read.

use std::fmt;

use super::{AdapterHealthReport, AdapterSessionHealth, HealthEnvelope};
use crate::wire::fault::Outcome;
use crate::wire::ids::{ClientId, SessionId};

/// Takes the envelopes of the sessions of this process. Called while commands are answered: it returns at once and never fails.
pub trait HealthSink: Send + Sync {
    /// Takes an envelope.
    fn emit(&self, envelope: HealthEnvelope);

    /// The session has ended; its last state is kept for a while.
    fn session_closed(&self, session: &SessionId);

    /// Whether the operator has disabled the adapters for new sessions; envelopes tell it as their scope.
    fn operator_global(&self) -> bool;
}

/// What became of an envelope that is well formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ingested {
    /// It is the newest of its session.
    Accepted,
    /// It was taken before: delivery is at least once.
    Duplicate,
    /// A newer epoch or a higher number is known already.
    Outdated,
}

/// The authority on adapter health. Status and metrics read here, whatever state the adapters are in.
pub trait AdapterHealthStore: fmt::Debug + Send + Sync {
    /// Takes the text of an envelope from an authenticated emitter outside the process.
    ///
    /// # Errors
    /// `relay_health_invalid` naming the field, `relay_health_limit` when too many sessions are known.
    fn ingest(&self, text: &str, emitter: &ClientId) -> Outcome<Ingested>;

    /// The worst session's diagnostics and the store's figures. Its size does not grow with the sessions.
    fn report(&self) -> AdapterHealthReport;

    /// Every session whose state is kept, in the order of their ids.
    fn sessions(&self) -> Vec<AdapterSessionHealth>;

    /// Tells whether the operator's kill switch disables the adapters for new sessions. Nobody else can.
    fn set_operator_global(&self, disabled: bool);
}
