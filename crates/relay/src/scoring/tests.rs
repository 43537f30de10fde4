use ops_contracts::control::ledger::RequestSample;
use ops_contracts::control::scorecard::HourCounts;

use super::*;

/// A ledger that knows nothing but how much of the disk is taken.
#[derive(Default)]
struct Disk(Mutex<Vec<ArtifactUsage>>);

impl Disk {
    fn takes(&self, artifact_set: ArtifactSet, bytes: u64, used_ratio: f64) {
        *self.0.lock() = vec![ArtifactUsage {
            artifact_set,
            path: artifact_set.to_string(),
            bytes,
            mount: "/".to_owned(),
            used_ratio,
        }];
    }
}

impl Ledger for Disk {
    fn request(&self, _: &RequestSample, _: Timestamp) {}
    fn session_ended(&self, _: bool, _: Timestamp) {}
    fn record_incident(&self, _: NewIncident, _: Timestamp) -> Outcome<Incident> {
        Err(Fault::new(ErrorCode::RelayStoreFailed, "not here"))
    }
    fn resolve_incident(&self, _: &ResolveIncident, _: Timestamp) -> Outcome<Incident> {
        Err(Fault::new(ErrorCode::RelayStoreFailed, "not here"))
    }
    fn incidents(&self) -> Vec<Incident> {
        Vec::new()
    }
    fn inputs(&self, phase: Phase, window: Window, now: Timestamp) -> ScorecardInputs {
        ScorecardInputs::unknown(phase, window, now)
    }
    fn hours(&self, _: usize, _: Timestamp) -> Vec<HourCounts> {
        Vec::new()
    }
    fn baseline(&self) -> Option<&Baseline> {
        None
    }
    fn disk(&self) -> Vec<ArtifactUsage> {
        self.0.lock().clone()
    }
}

const MINUTE: u64 = 60_000;

fn at(minute: u64) -> Timestamp {
    Timestamp::from_unix_millis(1_700_000_000_000 + minute * MINUTE)
}

#[test]
fn a_disk_alert_is_raised_after_fifteen_minutes_above_a_limit() {
    let gib = 1_073_741_824;
    for (set, limit, alert) in [
        (ArtifactSet::OpsHealth, 2 * gib, AlertName::HealthDisk),
        (ArtifactSet::OpsGates, 5 * gib, AlertName::GatesDisk),
    ] {
        let disk = Arc::new(Disk::default());
        let scoring = Scoring::new(Some(disk.clone()), Phase::Pilot, at(0));
        let raised = |minute| {
            scoring.refresh(at(minute));
            let raised = scoring.alerts(at(minute)).into_iter();
            raised.map(|alert| alert.name).collect::<Vec<_>>()
        };
        disk.takes(set, limit, 0.80);
        assert_eq!(
            (raised(0), raised(60)),
            (vec![], vec![]),
            "{set} at its limits"
        );
        disk.takes(set, limit + 1, 0.1);
        assert_eq!((raised(61), raised(75)), (vec![], vec![]), "{set}");
        assert_eq!(raised(76), [alert], "{set} by its size");
        // What was below in between counts from the beginning.
        disk.takes(set, limit, 0.1);
        assert_eq!(raised(77), []);
        disk.takes(set, 0, 0.81);
        assert_eq!((raised(78), raised(92)), (vec![], vec![]), "{set}");
        assert_eq!(raised(93), [alert], "{set} by its volume");
    }
}
