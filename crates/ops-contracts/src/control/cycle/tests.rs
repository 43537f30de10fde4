use serde_json::json;

use super::*;
use crate::control::telemetry::LatencyCounts;

/// Figures that keep every threshold of a gate, as close to each as they can be.
fn just_inside(gate: GateName) -> serde_json::Value {
    let rows = THRESHOLDS.iter().filter(|row| row.gate == gate);
    let figure = |bound| match bound {
        Bound::AtLeast(figure) | Bound::AtMost(figure) => figure,
    };
    rows.map(|row| (row.figure.to_owned(), json!(figure(row.bound))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[test]
fn every_threshold_is_kept_at_its_figure_and_missed_just_beyond() {
    for row in THRESHOLDS {
        let inside = just_inside(row.gate);
        assert_eq!(judge(row.gate, &inside), [], "{}", row.figure);
        let beyond = match row.bound {
            Bound::AtLeast(least) => least - 0.001,
            Bound::AtMost(most) => most + 0.001,
        };
        let mut outside = inside.clone();
        outside[row.figure] = json!(beyond);
        let missed = judge(row.gate, &outside);
        assert_eq!(missed.len(), 1, "{}: {missed:?}", row.figure);
        assert_eq!(missed[0].figure, row.figure);
        let mut unknown = inside;
        unknown[row.figure] = serde_json::Value::Null;
        assert_eq!(
            judge(row.gate, &unknown).is_empty(),
            row.may_be_absent,
            "{}",
            row.figure
        );
    }
}

/// The figures of the specification, letter for letter.
#[test]
fn the_thresholds_of_the_plan_are_the_plans() {
    let planned = [
        ("opsRequests", Bound::AtLeast(10_000.0)),
        ("errorRatePct", Bound::AtMost(0.3)),
        ("reconnectSuccessPct", Bound::AtLeast(99.5)),
        ("relayCrashes", Bound::AtMost(0.0)),
        ("runtimeCrashes", Bound::AtMost(0.0)),
        ("durationSeconds", Bound::AtLeast(4.0 * 3_600.0)),
        ("codeMatchPct", Bound::AtLeast(100.0)),
        ("processCrashes", Bound::AtMost(0.0)),
        ("leaseContaminations", Bound::AtMost(0.0)),
        ("lineCoveragePct", Bound::AtLeast(97.0)),
    ];
    for (figure, bound) in planned {
        let row = THRESHOLDS.iter().find(|row| row.figure == figure);
        let row = row.expect("the plan's threshold is in the table");
        assert_eq!((row.bound, row.whose), (bound, Whose::Plan), "{figure}");
    }
}

#[test]
fn every_threshold_is_of_a_figure_that_its_gate_has() {
    let figures = |gate| {
        let inputs = match gate {
            GateName::Ci => json!(ci().figures()),
            GateName::Soak => json!(soak(Vec::new()).figures()),
            _ => json!(injection(&[]).figures()),
        };
        inputs.as_object().expect("figures are an object").clone()
    };
    for row in THRESHOLDS {
        assert!(figures(row.gate).contains_key(row.figure), "{}", row.figure);
    }
}

#[test]
fn directories_are_named_by_the_second_and_foreign_names_are_not_ours() {
    let began = Timestamp::from_unix_millis(1_770_508_800_999);
    assert_eq!(directory_name(began), "20260208T000000Z");
    assert_eq!(
        directory_time("20260208T000000Z"),
        Some(Timestamp::from_unix_millis(1_770_508_800_000))
    );
    for foreign in [
        "",
        "baseline.json",
        "20260208T000000",
        "20260208T000000Z.old",
        "20261308T000000Z",
        "20260208t000000z",
        "2026020éT00000Z",
    ] {
        assert_eq!(directory_time(foreign), None, "{foreign}");
    }
}

fn ci() -> CiInputs {
    let check = |name: &CheckName| CheckOutcome {
        name: *name,
        command: String::new(),
        passed: true,
        message: None,
        seconds: 1,
    };
    CiInputs {
        commit: None,
        checks: CheckName::ALL.iter().map(check).collect(),
        tests_passed: 1,
        tests_failed: 0,
        line_coverage_pct: None,
    }
}

fn soak(slices: Vec<SoakSlice>) -> SoakInputs {
    SoakInputs {
        started_at: Timestamp::from_unix_millis(0),
        planned_seconds: 0,
        pieces: 1,
        version: String::new(),
        browsers: Vec::new(),
        broken: None,
        activities: BTreeMap::new(),
        errors: Vec::new(),
        slices,
    }
}

fn injection(seen: &[(&str, &str)]) -> InjectionInputs {
    let scenario = |(expected, seen): &(&str, &str)| ScenarioOutcome {
        name: String::new(),
        injected: String::new(),
        place: String::new(),
        expected: (*expected).to_owned(),
        seen: (*seen).to_owned(),
        invariant: String::new(),
        held: true,
        process_crashed: false,
        lease_contaminated: false,
        note: None,
    };
    InjectionInputs {
        seed: String::new(),
        version: String::new(),
        scenarios: seen.iter().map(scenario).collect(),
    }
}

#[test]
fn a_check_that_did_not_run_or_failed_is_counted() {
    let artifact = |inputs| {
        CiArtifact::new(
            "none",
            Timestamp::from_unix_millis(0),
            inputs,
            DataFidelity::of(false, Vec::new()),
        )
    };
    assert_eq!(artifact(ci()).result, GateDecision::Pass);
    let mut fewer = ci();
    fewer.checks.pop();
    let missed = artifact(fewer);
    assert_eq!(
        (missed.result, missed.failures[0].figure.as_str()),
        (GateDecision::Fail, "checksMissing")
    );
    let mut failed = ci();
    failed.checks[0].passed = false;
    assert_eq!(artifact(failed).failures[0].figure, "checksFailed");
    let uncovered = CiInputs {
        line_coverage_pct: Some(96.9),
        ..ci()
    };
    assert_eq!(artifact(uncovered).failures[0].figure, "lineCoveragePct");
}

#[test]
fn one_code_that_is_not_the_expected_one_fails_the_gate() {
    let all = vec![("ops_timeout", "ops_timeout"); 60];
    assert_eq!(
        judge(GateName::FaultInjection, &injection(&all).figures()),
        []
    );
    let mut one_off = all;
    one_off[59].1 = "ok";
    let missed = judge(GateName::FaultInjection, &injection(&one_off).figures());
    assert_eq!(missed.len(), 1);
    assert_eq!(missed[0].figure, "codeMatchPct");
}

/// Four hours of minutes, with what memory and descriptors do in each.
fn hours(resident: impl Fn(u64) -> u64, latency: impl Fn(u64) -> f64) -> SoakFigures {
    let slice = |minute| {
        let mut counts = LatencyCounts::default();
        (0..60).for_each(|_| counts.record(latency(minute)));
        SoakSlice {
            seconds: 60,
            requests: 60,
            reconnects: 1,
            resident_kib: Some(resident(minute)),
            descriptors: Some(100),
            latency: counts,
            ..SoakSlice::default()
        }
    };
    soak((0..240).map(slice).collect()).figures()
}

#[test]
fn four_even_hours_pass_and_a_leak_or_slowing_down_does_not() {
    let missed = |figures: &SoakFigures| -> Vec<String> {
        let missed = judge(GateName::Soak, figures);
        missed.into_iter().map(|miss| miss.figure).collect()
    };
    let even = hours(|minute| 100_000 + minute % 7, |_| 4.0);
    assert_eq!(missed(&even), Vec::<String>::new());
    // A first half that warms up is no leak.
    let warm = hours(|minute| 50_000 + minute.min(120) * 400, |_| 4.0);
    assert_eq!(missed(&warm), Vec::<String>::new());
    // Two per cent an hour, with peaks.
    let leak = hours(
        |minute| 100_000 + minute * 34 + if minute % 9 == 0 { 20_000 } else { 0 },
        |_| 4.0,
    );
    assert_eq!(missed(&leak), ["residentSlopePctPerHour"]);
    let slower = hours(|_| 100_000, |minute| if minute < 200 { 4.0 } else { 9.0 });
    assert_eq!(missed(&slower), ["p95Ratio"]);
}

#[test]
fn what_was_not_measured_is_told_as_null_and_fails() {
    let nothing = soak(Vec::new());
    let figures = json!(nothing.figures());
    assert_eq!(figures["residentSlopePctPerHour"], json!(null));
    let missed = judge(GateName::Soak, &figures);
    let unmeasured = missed
        .iter()
        .filter(|miss| miss.message.contains("not measured"))
        .count();
    assert_eq!(unmeasured, 5, "{missed:?}");
}
