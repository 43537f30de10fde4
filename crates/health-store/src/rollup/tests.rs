use std::os::unix::fs::{PermissionsExt, symlink};

use ops_contracts::control::incident::{IncidentKind, IncidentSource, Severity};
use ops_contracts::control::scorecard::{GateDecision, GateFailure, evaluate};
use ops_contracts::control::telemetry::RouteLabel;
use tempfile::TempDir;

use super::*;

const HOUR: u64 = 3_600_000;
const NOW: Timestamp = Timestamp::from_unix_millis(1_700_000_000_000);

fn ago(hours: u64) -> Timestamp {
    Timestamp::from_unix_millis(NOW.unix_millis() - hours * HOUR)
}

fn scratch() -> (TempDir, PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let artifacts = scratch.path().join("artifacts");
    (scratch, artifacts)
}

fn sample(command: &'static str, fault: bool) -> RequestSample {
    RequestSample {
        route: RouteLabel::Ops,
        command,
        adapter: "cdp",
        mode: "managed",
        fault,
        total_ms: 4.0,
    }
}

fn incident(severity: Severity, kind: IncidentKind, confirmed: bool) -> NewIncident {
    NewIncident {
        severity,
        route: RouteLabel::Ops,
        source: IncidentSource::Operator,
        kind,
        confirmed,
        summary: "it broke".to_owned(),
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path)
        .unwrap()
        .permissions()
        .mode()
        & 0o777
}

/// Everything below a directory.
fn below(dir: &Path) -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            found.push(path);
        }
    }
    found
}

#[test]
fn every_window_survives_a_restart() {
    let (_scratch, artifacts) = scratch();
    let ledger = RollupLedger::open(&artifacts, ago(29 * 24)).unwrap();
    for (hours, fault) in [
        (0, false),
        (1, true),
        (24, false),
        (8 * 24, true),
        (20 * 24, false),
    ] {
        ledger.request(&sample("interact.click", fault), ago(hours));
        ledger.session_ended(fault, ago(hours));
        ledger.flush(ago(hours));
    }
    let of = |ledger: &RollupLedger| {
        Window::ALL
            .iter()
            .map(|window| ledger.inputs(Phase::Pilot, *window, NOW))
            .collect::<Vec<_>>()
    };
    let before = of(&ledger);
    drop(ledger);
    let again = RollupLedger::open(&artifacts, NOW).unwrap();
    assert_eq!(of(&again), before);
    let counts: Vec<(u64, u64)> = before
        .iter()
        .map(|inputs| (inputs.commands[0].requests, inputs.commands[0].faults))
        .collect();
    assert_eq!(counts, [(2, 1), (3, 1), (4, 2), (5, 2)]);
    assert_eq!(before[3].sessions.crashed, 2);
    assert!(before[3].recorded_since.unwrap() <= ago(29 * 24));
    assert_eq!(
        before[0].hours.len(),
        1,
        "the hour that runs is not full: {:?}",
        before[0].hours
    );
}

#[test]
fn files_are_the_users_alone_and_old_ones_go() {
    let (_scratch, artifacts) = scratch();
    let ledger = RollupLedger::open(&artifacts, ago(33 * 24)).unwrap();
    ledger.request(&sample("dom.eval", false), ago(33 * 24));
    ledger.flush(ago(33 * 24));
    let days = || {
        std::fs::read_dir(artifacts.join("ops-rollups"))
            .unwrap()
            .count()
    };
    assert_eq!(days(), 1);
    ledger.request(&sample("dom.eval", false), NOW);
    ledger
        .record_incident(incident(Severity::P2, IncidentKind::Other, false), NOW)
        .unwrap();
    ledger.flush(NOW);
    assert_eq!(days(), 1, "the day of a month ago is gone");
    assert_eq!(
        ledger.inputs(Phase::Pilot, Window::D30, NOW).commands[0].requests,
        1
    );
    for path in below(&artifacts) {
        assert_eq!(
            mode(&path),
            if path.is_dir() { 0o700 } else { 0o600 },
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_damaged_or_newer_hour_is_passed_over_and_the_others_stay() {
    let (_scratch, artifacts) = scratch();
    let ledger = RollupLedger::open(&artifacts, ago(5)).unwrap();
    for hours in [3, 2, 1] {
        ledger.request(&sample("dom.eval", false), ago(hours));
        ledger.flush(ago(hours));
    }
    let files: Vec<PathBuf> = below(&artifacts.join("ops-rollups"))
        .into_iter()
        .filter(|path| path.is_file())
        .collect();
    let holding = |text: &str| {
        files
            .iter()
            .filter(|path| std::fs::read_to_string(path).unwrap().contains(text))
            .collect::<Vec<_>>()
    };
    let counted = holding("dom.eval");
    std::fs::write(counted[0], "{\"formatVersion\":1,").unwrap();
    let newer = std::fs::read_to_string(counted[1])
        .unwrap()
        .replace("\"formatVersion\":1", "\"formatVersion\":9");
    std::fs::write(counted[1], newer).unwrap();
    let again = RollupLedger::open(&artifacts, NOW).unwrap();
    assert_eq!(
        again.inputs(Phase::Pilot, Window::D7, NOW).commands[0].requests,
        1
    );
}

#[test]
fn links_and_open_directories_are_refused() {
    let (scratch, artifacts) = scratch();
    drop(RollupLedger::open(&artifacts, NOW).unwrap());
    let rollups = artifacts.join("ops-rollups");
    std::fs::set_permissions(&rollups, PermissionsExt::from_mode(0o750)).unwrap();
    assert!(matches!(
        RollupLedger::open(&artifacts, NOW),
        Err(LedgerError::Unsafe { .. })
    ));
    std::fs::set_permissions(&rollups, PermissionsExt::from_mode(0o700)).unwrap();
    let elsewhere = scratch.path().join("elsewhere");
    std::fs::rename(artifacts.join("ops-incidents"), &elsewhere).unwrap();
    symlink(&elsewhere, artifacts.join("ops-incidents")).unwrap();
    assert!(matches!(
        RollupLedger::open(&artifacts, NOW),
        Err(LedgerError::Unsafe { .. })
    ));
}

#[test]
fn incidents_are_kept_counted_and_resolved_once() {
    let (_scratch, artifacts) = scratch();
    let ledger = RollupLedger::open(&artifacts, ago(24)).unwrap();
    let counts = |ledger: &RollupLedger| {
        let incidents = ledger
            .inputs(Phase::Pilot, Window::D7, NOW)
            .incidents
            .unwrap();
        (incidents.p0p1, incidents.open_bypasses)
    };
    ledger
        .record_incident(incident(Severity::P3, IncidentKind::Latency, true), ago(3))
        .unwrap();
    ledger
        .record_incident(
            incident(Severity::P1, IncidentKind::Availability, true),
            ago(24 * 8),
        )
        .unwrap();
    assert_eq!(
        counts(&ledger),
        (0, 0),
        "neither a nuisance nor one before the window counts"
    );
    let bypass = ledger
        .record_incident(
            incident(Severity::P2, IncidentKind::LeaseBypass, true),
            ago(2),
        )
        .unwrap();
    assert_eq!(
        (bypass.id.as_str(), bypass.told.severity),
        ("inc-3", Severity::P0)
    );
    assert_eq!(counts(&ledger), (1, 1));
    drop(ledger);
    let ledger = RollupLedger::open(&artifacts, NOW).unwrap();
    assert_eq!((counts(&ledger), ledger.incidents().len()), ((1, 1), 3));
    let told = ResolveIncident {
        id: bypass.id,
        note: Some("tokens rotated".to_owned()),
    };
    let resolved = ledger.resolve_incident(&told, ago(1)).unwrap();
    assert_eq!(
        ledger.resolve_incident(&told, NOW).unwrap(),
        resolved,
        "the first resolution stands"
    );
    assert_eq!(
        counts(&ledger),
        (1, 0),
        "a resolved bypass triggers nothing, but was an incident"
    );
    let unknown = ResolveIncident {
        id: "inc-9".to_owned(),
        note: None,
    };
    assert_eq!(
        ledger.resolve_incident(&unknown, NOW).unwrap_err().code,
        ErrorCode::RelayIncidentUnknown
    );
}

#[test]
fn a_torn_incident_is_cut_and_a_damaged_one_fails_the_gate() {
    let (_scratch, artifacts) = scratch();
    let ledger = RollupLedger::open(&artifacts, NOW).unwrap();
    ledger
        .record_incident(incident(Severity::P1, IncidentKind::Other, false), NOW)
        .unwrap();
    drop(ledger);
    let log = artifacts.join("ops-incidents/incidents.jsonl");
    let whole = std::fs::read_to_string(&log).unwrap();
    std::fs::write(&log, format!("{whole}{{\"formatVersion\":1,\"inci")).unwrap();
    let ledger = RollupLedger::open(&artifacts, NOW).unwrap();
    assert_eq!(std::fs::read_to_string(&log).unwrap(), whole);
    assert_eq!(ledger.incidents().len(), 1);
    drop(ledger);
    std::fs::write(&log, format!("garbage\n{whole}")).unwrap();
    let ledger = RollupLedger::open(&artifacts, NOW).unwrap();
    let scorecard = evaluate(&ledger.inputs(Phase::Pilot, Window::D7, NOW));
    assert!(
        scorecard
            .reasons
            .iter()
            .any(|reason| reason.failure == GateFailure::MissingIncidents)
    );
    assert_eq!(
        (scorecard.p0p1_incident_count, scorecard.gate_decision),
        (None, GateDecision::Fail)
    );
}

#[test]
fn a_disk_that_refuses_costs_no_counts() {
    let (_scratch, artifacts) = scratch();
    let ledger = RollupLedger::open(&artifacts, ago(1)).unwrap();
    let rollups = artifacts.join("ops-rollups");
    std::fs::remove_dir_all(&rollups).unwrap();
    std::fs::write(&rollups, "in the way").unwrap();
    ledger.request(&sample("dom.eval", false), NOW);
    ledger.flush(NOW);
    assert!(ledger.lost_writes() > 0);
    assert_eq!(
        ledger.inputs(Phase::Pilot, Window::H2, NOW).commands[0].requests,
        1
    );
    std::fs::remove_file(&rollups).unwrap();
    std::fs::create_dir(&rollups).unwrap();
    std::fs::set_permissions(&rollups, PermissionsExt::from_mode(0o700)).unwrap();
    ledger.flush(NOW);
    drop(ledger);
    let again = RollupLedger::open(&artifacts, NOW).unwrap();
    assert_eq!(
        again.inputs(Phase::Pilot, Window::H2, NOW).commands[0].requests,
        1
    );
}

#[test]
fn the_disk_is_measured_by_set() {
    let (_scratch, artifacts) = scratch();
    let ledger = RollupLedger::open(&artifacts, NOW).unwrap();
    let gates = artifacts.join("ops-gates/20260208T000000Z");
    std::fs::create_dir(&gates).unwrap();
    std::fs::write(gates.join("ci-summary.json"), vec![b'x'; 12_345]).unwrap();
    ledger.flush(NOW);
    let usage = ledger.disk();
    assert_eq!(
        usage
            .iter()
            .map(|usage| usage.artifact_set)
            .collect::<Vec<_>>(),
        ArtifactSet::ALL
    );
    let gates = usage
        .iter()
        .find(|usage| usage.artifact_set == ArtifactSet::OpsGates)
        .unwrap();
    assert_eq!(gates.bytes, 12_345);
    assert!(
        (0.0..=1.0).contains(&gates.used_ratio) && gates.mount.starts_with('/'),
        "{gates:?}"
    );
}
