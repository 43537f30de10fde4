use std::collections::BTreeMap;

use ops_contracts::control::cycle::{
    CheckName, CheckOutcome, CiInputs, InjectionInputs, ScenarioOutcome, SoakInputs, SoakSlice,
    THRESHOLDS, Threshold,
};
use ops_contracts::control::scorecard::{
    Baseline, BaselineCommand, CommandCounts, IncidentCounts, Phase, ScorecardInputs,
    SessionCounts, Window,
};
use ops_contracts::control::telemetry::{LATENCY_BOUNDS_MS, LatencyCounts, RouteLabel};
use ops_contracts::wire::clock::Timestamp;
use serde_json::json;
use xtask::verdict::exit_code;

use super::*;

const CYCLE: &str = "CYCLE-05";
const NOW: Timestamp = Timestamp::from_unix_millis(1_770_508_800_000);

fn ci() -> CiInputs {
    let check = |name: &CheckName| CheckOutcome {
        name: *name,
        command: "true".to_owned(),
        passed: true,
        message: None,
        seconds: 1,
    };
    CiInputs {
        commit: Some("0123abc".to_owned()),
        checks: CheckName::ALL.iter().map(check).collect(),
        tests_passed: 1_400,
        tests_failed: 0,
        line_coverage_pct: Some(97.0),
    }
}

fn latency(millis: f64, count: u64) -> LatencyCounts {
    let mut counts = LatencyCounts::default();
    (0..count).for_each(|_| counts.record(millis));
    counts
}

/// Four hours in which everything is exactly as bad as it may be.
fn soak() -> SoakInputs {
    let slice = |_| SoakSlice {
        seconds: 60,
        requests: 1_000,
        errors: 3,
        reconnects: 200,
        reconnects_failed: 1,
        resident_kib: Some(100_000),
        descriptors: Some(120),
        latency: latency(4.0, 100),
        ..SoakSlice::default()
    };
    SoakInputs {
        started_at: NOW,
        planned_seconds: 14_400,
        pieces: 1,
        version: "0.2.0".to_owned(),
        browsers: vec!["chrome".to_owned(), "firefox".to_owned()],
        broken: None,
        activities: BTreeMap::new(),
        errors: Vec::new(),
        slices: (0..240).map(slice).collect(),
    }
}

fn injection() -> InjectionInputs {
    let scenario = |at| ScenarioOutcome {
        name: format!("scenario {at}"),
        injected: "a killed browser".to_owned(),
        place: "the process".to_owned(),
        expected: "adapter_browser_lost".to_owned(),
        seen: "adapter_browser_lost".to_owned(),
        invariant: "the relay serves".to_owned(),
        held: true,
        process_crashed: false,
        lease_contaminated: false,
        note: None,
    };
    InjectionInputs {
        seed: "7".to_owned(),
        version: "0.2.0".to_owned(),
        scenarios: (0..60).map(scenario).collect(),
    }
}

fn scorecard() -> ScorecardInputs {
    let command = BaselineCommand {
        command: "dom.count".to_owned(),
        mode: "managed".to_owned(),
        latency: latency(4.0, 1_000),
    };
    ScorecardInputs {
        recorded_since: Some(Timestamp::from_unix_millis(0)),
        commands: vec![CommandCounts {
            route: RouteLabel::Ops,
            command: command.command.clone(),
            adapter: "cdp".to_owned(),
            mode: command.mode.clone(),
            requests: 1_000,
            faults: 10,
            latency: latency(4.0, 1_000),
        }],
        sessions: SessionCounts::default(),
        incidents: Some(IncidentCounts::default()),
        baseline: Some(Baseline {
            baseline_ref: "0.2.0-20260101-0123456789ab".to_owned(),
            measured_at: NOW,
            method: "a raw sequence".to_owned(),
            bounds_ms: LATENCY_BOUNDS_MS,
            commands: vec![command],
        }),
        ..ScorecardInputs::unknown(Phase::Pilot, Window::D7, NOW)
    }
}

/// A folder with a cycle that passes.
struct Cycle(tempfile::TempDir);

impl Cycle {
    fn new() -> Self {
        let cycle = Self(tempfile::tempdir().unwrap());
        cycle.put(GateName::Ci, &artifact(ci()));
        cycle.put(GateName::Soak, &artifact(soak()));
        cycle.put(GateName::FaultInjection, &artifact(injection()));
        cycle.put(
            GateName::Scorecard,
            &json!(ScorecardArtifact::new(CYCLE, scorecard())),
        );
        cycle
    }

    fn put(&self, gate: GateName, document: &Value) {
        fs::write(self.0.path().join(gate.file()), document.to_string()).unwrap();
    }

    fn document(&self, gate: GateName) -> Value {
        json(&self.0.path().join(gate.file())).unwrap()
    }

    /// The code with which it is judged.
    fn code(&self) -> u8 {
        run(&self.options(CYCLE)).map_or_else(|error| exit_code(&error), |()| 0)
    }

    fn options(&self, cycle: &str) -> Options {
        Options {
            dir: self.0.path().to_owned(),
            schema_dir: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/ops-gates"),
            cycle_id: cycle.to_owned(),
            only: Vec::new(),
        }
    }

    fn objections(&self, gate: GateName) -> Objections {
        judge(gate, &self.options(CYCLE))
    }

    #[track_caller]
    fn after(gate: GateName, change: impl FnOnce(&mut Value)) -> u8 {
        let cycle = Self::new();
        let mut document = cycle.document(gate);
        change(&mut document);
        cycle.put(gate, &document);
        cycle.code()
    }
}

fn artifact<I: GateInputs>(inputs: I) -> Value {
    let live = DataFidelity::of(false, Vec::new());
    json!(GateArtifact::new(CYCLE, NOW, inputs, live))
}

#[test]
fn a_cycle_whose_artifacts_keep_every_threshold_passes() {
    let cycle = Cycle::new();
    for gate in GateName::ALL {
        assert_eq!(cycle.objections(*gate), Objections::default(), "{gate}");
    }
    assert_eq!(cycle.code(), 0);
}

#[test]
fn what_is_missing_or_no_json_or_a_link_is_a_fault_of_shape() {
    for gate in GateName::ALL {
        let cycle = Cycle::new();
        let file = cycle.0.path().join(gate.file());
        fs::remove_file(&file).unwrap();
        assert_eq!(cycle.code(), 2, "{gate} is missing");
        fs::write(&file, "{\"gate\":").unwrap();
        assert_eq!(cycle.code(), 2, "{gate} is torn");
        fs::remove_file(&file).unwrap();
        let whole = Cycle::new();
        std::os::unix::fs::symlink(whole.0.path().join(gate.file()), &file).unwrap();
        assert_eq!(cycle.code(), 2, "{gate} is a link");
    }
    let mut options = Cycle::new().options(CYCLE);
    options.schema_dir = "/nowhere".into();
    assert_eq!(exit_code(&run(&options).unwrap_err()), 2);
}

#[test]
fn every_common_field_and_every_figure_is_required() {
    for gate in GateName::ALL {
        let whole = Cycle::new().document(*gate);
        for field in whole.as_object().unwrap().keys() {
            let without =
                |document: &mut Value| drop(document.as_object_mut().unwrap().remove(field));
            assert_eq!(Cycle::after(*gate, without), 2, "{gate} without {field}");
        }
        for figure in whole["metrics"].as_object().unwrap().keys() {
            let without = |document: &mut Value| {
                drop(document["metrics"].as_object_mut().unwrap().remove(figure));
            };
            assert_eq!(Cycle::after(*gate, without), 2, "{gate} without {figure}");
        }
    }
}

#[test]
fn another_cycle_gate_or_major_version_is_a_fault_of_shape() {
    for gate in GateName::ALL {
        for (field, value) in [
            ("cycleId", "CYCLE-06"),
            ("gate", "another"),
            ("schemaVersion", "2.0"),
            ("schemaVersion", "10.0"),
        ] {
            let code = Cycle::after(*gate, |document| document[field] = json!(value));
            assert_eq!(code, 2, "{gate}: {field} is {value}");
        }
    }
    let cycle = Cycle::new();
    cycle.put(GateName::Ci, &cycle.document(GateName::Soak));
    assert_eq!(cycle.code(), 2);
    let strange = run(&cycle.options("../etc")).unwrap_err();
    assert_eq!(exit_code(&strange), 2);
}

/// Makes inputs with which a gate's figure is just beyond its threshold, and nothing else is.
fn just_outside(row: &Threshold) -> Value {
    let (mut ci, mut soak, mut injection) = (ci(), soak(), injection());
    match row.figure {
        "checksMissing" => drop(ci.checks.pop()),
        "checksFailed" => ci.checks[0].passed = false,
        "testsPassed" => ci.tests_passed = 0,
        "testsFailed" => ci.tests_failed = 1,
        "lineCoveragePct" => ci.line_coverage_pct = Some(96.9),
        "durationSeconds" => soak.slices[0].seconds = 59,
        "opsRequests" => soak.slices.iter_mut().enumerate().for_each(|(at, slice)| {
            slice.requests = if at == 0 { 39 } else { 41 };
            slice.errors = 0;
        }),
        "errorRatePct" => soak.slices[0].errors = 4,
        "reconnectSuccessPct" => soak.slices[0].reconnects_failed = 2,
        "relayCrashes" => soak.slices[7].relay_crashes = 1,
        "runtimeCrashes" => soak.slices[7].runtime_crashes = 1,
        "residentSlopePctPerHour" => {
            for (at, slice) in (0..).zip(&mut soak.slices) {
                slice.resident_kib = Some(100_000 + at * 18);
            }
        }
        "descriptorsSlopePctPerHour" => {
            for (at, slice) in (0..).zip(&mut soak.slices) {
                slice.descriptors = Some(10_000 + at * 2);
            }
        }
        "p95Ratio" => {
            let last = soak.slices.iter_mut().rev().take(24);
            last.for_each(|slice| slice.latency = latency(9.0, 100));
        }
        "scenarios" => drop(injection.scenarios.pop()),
        "codeMatchPct" => injection.scenarios[59].seen = "ok".to_owned(),
        "processCrashes" => injection.scenarios[0].process_crashed = true,
        "leaseContaminations" => injection.scenarios[0].lease_contaminated = true,
        "invariantsBroken" => injection.scenarios[0].held = false,
        figure => panic!("no case goes beyond {figure}"),
    }
    match row.gate {
        GateName::Ci => artifact(ci),
        GateName::Soak => artifact(soak),
        _ => artifact(injection),
    }
}

#[test]
fn just_beyond_each_threshold_the_cycle_fails_by_that_threshold_alone() {
    for row in THRESHOLDS {
        let cycle = Cycle::new();
        cycle.put(row.gate, &just_outside(row));
        let objections = cycle.objections(row.gate);
        assert_eq!(objections.shape, Vec::<String>::new(), "{}", row.figure);
        let [objection] = &objections.threshold[..] else {
            panic!("{}: {objections:?}", row.figure);
        };
        assert!(objection.starts_with(row.figure), "{objection}");
        assert_eq!(cycle.code(), 3, "{}", row.figure);
    }
}

#[test]
fn the_scorecards_thresholds_are_those_of_its_phase() {
    let with = |change: fn(&mut ScorecardInputs)| {
        let (cycle, mut inputs) = (Cycle::new(), scorecard());
        change(&mut inputs);
        cycle.put(
            GateName::Scorecard,
            &json!(ScorecardArtifact::new(CYCLE, inputs)),
        );
        cycle.code()
    };
    assert_eq!(with(|_| {}), 0);
    assert_eq!(with(|inputs| inputs.commands[0].faults = 11), 3);
    assert_eq!(
        with(|inputs| inputs.commands[0].latency = latency(9.0, 1_000)),
        3
    );
    assert_eq!(
        with(|inputs| inputs.incidents = Some(IncidentCounts {
            p0p1: 1,
            open_bypasses: 0
        })),
        3
    );
    assert_eq!(with(|inputs| inputs.incidents = None), 3);
    assert_eq!(with(|inputs| inputs.baseline = None), 3);
}

#[test]
fn a_file_that_says_pass_by_thresholds_of_its_own_does_not_pass() {
    let loosened = |document: &mut Value| {
        *document = just_outside(
            THRESHOLDS
                .iter()
                .find(|row| row.figure == "errorRatePct")
                .unwrap(),
        );
        document["thresholds"]["errorRatePct"] = json!({"atMost": 5.0});
        document["failures"] = json!([]);
        document["result"] = json!("pass");
    };
    assert_eq!(Cycle::after(GateName::Soak, loosened), 3);
    // Thresholds that are not ours are refused also where the figures would do.
    let moved = |document: &mut Value| {
        document["thresholds"]["errorRatePct"] = json!({"atMost": 0.4});
    };
    assert_eq!(Cycle::after(GateName::Soak, moved), 3);
    let of_the_card = |document: &mut Value| document["thresholds"]["maxErrorRatePct"] = json!(5.0);
    assert_eq!(Cycle::after(GateName::Scorecard, of_the_card), 3);
    // Neither are figures that do not follow from what was counted.
    let polished = |document: &mut Value| document["metrics"]["opsErrors"] = json!(0);
    assert_eq!(Cycle::after(GateName::Soak, polished), 3);
}

#[test]
fn what_was_made_of_a_demonstration_is_no_evidence() {
    for gate in GateName::ALL {
        let demo = |document: &mut Value| {
            document["data_fidelity"] = json!({"level": "demo", "reasons": ["a demonstration"]});
        };
        assert_eq!(Cycle::after(*gate, demo), 3, "{gate}");
    }
}

#[test]
fn a_field_of_a_later_minor_is_passed_over() {
    let later = |document: &mut Value| {
        document["schemaVersion"] = json!("1.0");
        document["added"] = json!(true);
    };
    assert_eq!(Cycle::after(GateName::Ci, later), 0);
}
