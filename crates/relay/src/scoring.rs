//! The relay's side of the scorecard: what is counted goes to the ledger, and what the ledger knows is judged every few seconds, so that
//! reading the status costs nothing.
//!
//! It keeps nothing on disk and judges by no rule of its own.

use std::collections::HashMap;
use std::sync::Arc;

use ops_contracts::control::alert::{
    AlertName, DISK_HOLD, RaisedAlert, VOLUME_LIMIT_RATIO, disk_limit_bytes,
};
use ops_contracts::control::incident::{Incident, NewIncident, ResolveIncident};
use ops_contracts::control::ledger::{ArtifactUsage, Ledger, RequestSample};
use ops_contracts::control::scorecard::{
    Baseline, Phase, Scorecard, ScorecardArtifact, ScorecardInputs, TriggerKind, Window, evaluate,
};
use ops_contracts::control::telemetry::ArtifactSet;
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::{ErrorCode, Fault, Outcome};
use parking_lot::{Mutex, RwLock};

/// The scorecard of one relay.
pub(crate) struct Scoring {
    ledger: Option<Arc<dyn Ledger>>,
    phase: Phase,
    card: RwLock<Arc<Scorecard>>,
    /// Since when a set has been above its limits.
    breached: Mutex<HashMap<ArtifactSet, Timestamp>>,
}

impl Scoring {
    pub(crate) fn new(ledger: Option<Arc<dyn Ledger>>, phase: Phase, now: Timestamp) -> Self {
        let card = RwLock::new(Arc::new(evaluate(&inputs(
            ledger.as_deref(),
            phase,
            phase.window(),
            now,
        ))));
        Self {
            ledger,
            phase,
            card,
            breached: Mutex::default(),
        }
    }

    /// Whether there is anything that keeps counts.
    pub(crate) fn is_kept(&self) -> bool {
        self.ledger.is_some()
    }

    pub(crate) fn request(&self, sample: &RequestSample, at: Timestamp) {
        if let Some(ledger) = &self.ledger {
            ledger.request(sample, at);
        }
    }

    pub(crate) fn session_ended(&self, crashed: bool, at: Timestamp) {
        if let Some(ledger) = &self.ledger {
            ledger.session_ended(crashed, at);
        }
    }

    /// Judges anew.
    pub(crate) fn refresh(&self, now: Timestamp) {
        let card = Arc::new(evaluate(&inputs(
            self.ledger.as_deref(),
            self.phase,
            self.phase.window(),
            now,
        )));
        *self.card.write() = card;
        let disk = self.disk();
        let mut breached = self.breached.lock();
        for usage in &disk {
            if is_above(usage) {
                breached.entry(usage.artifact_set).or_insert(now);
            } else {
                breached.remove(&usage.artifact_set);
            }
        }
    }

    /// The scorecard as it was judged last.
    pub(crate) fn card(&self) -> Arc<Scorecard> {
        self.card.read().clone()
    }

    /// The scorecard of a window, with everything that it is made of.
    pub(crate) fn artifact(
        &self,
        cycle: &str,
        window: Option<Window>,
        now: Timestamp,
    ) -> ScorecardArtifact {
        let window = window.unwrap_or_else(|| self.phase.window());
        ScorecardArtifact::new(
            cycle,
            inputs(self.ledger.as_deref(), self.phase, window, now),
        )
    }

    pub(crate) fn disk(&self) -> Vec<ArtifactUsage> {
        self.ledger
            .as_ref()
            .map(|ledger| ledger.disk())
            .unwrap_or_default()
    }

    pub(crate) fn baseline(&self) -> Option<&Baseline> {
        self.ledger.as_ref()?.baseline()
    }

    pub(crate) fn incidents(&self) -> Vec<Incident> {
        self.ledger
            .as_ref()
            .map(|ledger| ledger.incidents())
            .unwrap_or_default()
    }

    /// What is raised now.
    pub(crate) fn alerts(&self, now: Timestamp) -> Vec<RaisedAlert> {
        let card = self.card();
        let met = card
            .rollback_triggers
            .iter()
            .filter(|trigger| trigger.triggered);
        let mut raised: Vec<RaisedAlert> = met
            .map(|trigger| RaisedAlert::new(alert_of(trigger.kind), trigger.message.clone()))
            .collect();
        let breached = self.breached.lock();
        for usage in self.disk() {
            let held = breached
                .get(&usage.artifact_set)
                .is_some_and(|since| since.plus(DISK_HOLD) <= now);
            if held {
                let message = format!(
                    "{} takes {} bytes of at most {}, and its volume is {:.0} % full",
                    usage.path,
                    usage.bytes,
                    disk_limit_bytes(usage.artifact_set),
                    usage.used_ratio * 100.0
                );
                let name = if usage.artifact_set == ArtifactSet::OpsHealth {
                    AlertName::HealthDisk
                } else {
                    AlertName::GatesDisk
                };
                raised.push(RaisedAlert::new(name, message));
            }
        }
        raised
    }

    /// Records an incident, and judges anew.
    ///
    /// # Errors
    /// `relay_store_failed`.
    pub(crate) async fn record(
        self: &Arc<Self>,
        told: NewIncident,
        now: Timestamp,
    ) -> Outcome<Incident> {
        self.keep(now, move |ledger| ledger.record_incident(told, now))
            .await
    }

    /// Resolves an incident, and judges anew.
    ///
    /// # Errors
    /// `relay_incident_unknown`; `relay_store_failed`.
    pub(crate) async fn resolve(
        self: &Arc<Self>,
        told: ResolveIncident,
        now: Timestamp,
    ) -> Outcome<Incident> {
        self.keep(now, move |ledger| ledger.resolve_incident(&told, now))
            .await
    }

    /// Off the event loop: keeping waits for the disk.
    async fn keep(
        self: &Arc<Self>,
        now: Timestamp,
        act: impl FnOnce(&dyn Ledger) -> Outcome<Incident> + Send + 'static,
    ) -> Outcome<Incident> {
        let Some(ledger) = self.ledger.clone() else {
            return Err(Fault::new(
                ErrorCode::RelayStoreFailed,
                "this relay keeps no incidents",
            ));
        };
        let kept = tokio::task::spawn_blocking(move || act(&*ledger)).await;
        let kept = kept.unwrap_or_else(|_| {
            Err(Fault::new(
                ErrorCode::RelayInternal,
                "keeping the incident panicked",
            ))
        })?;
        self.refresh(now);
        Ok(kept)
    }
}

fn inputs(
    ledger: Option<&dyn Ledger>,
    phase: Phase,
    window: Window,
    now: Timestamp,
) -> ScorecardInputs {
    ledger.map_or_else(
        || ScorecardInputs::unknown(phase, window, now),
        |ledger| ledger.inputs(phase, window, now),
    )
}

const fn alert_of(kind: TriggerKind) -> AlertName {
    match kind {
        TriggerKind::ErrorRate => AlertName::ErrorRate,
        TriggerKind::Bypass => AlertName::Bypass,
        TriggerKind::Latency => AlertName::Latency,
    }
}

fn is_above(usage: &ArtifactUsage) -> bool {
    usage.bytes > disk_limit_bytes(usage.artifact_set) || usage.used_ratio > VOLUME_LIMIT_RATIO
}

#[cfg(test)]
mod tests;
