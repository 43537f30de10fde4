//! The judgement: inputs to figures, figures to a decision. Pure, and the same on every machine: sums of whole numbers, then a fixed
//! sequence of divisions, rounded to six digits so that their text reads back as the same number.

use std::collections::BTreeMap;

use super::{
    Baseline, CommandCounts, Figures, Gate, GateDecision, GateFailure, GateReason, HourCounts,
    ROLLBACK_TRIGGERS, RollbackTrigger, Scorecard, ScorecardInputs, TriggerKind, TriggerState,
    Window,
};
use crate::control::telemetry::{
    LATENCY_BOUNDS, LATENCY_BOUNDS_MS, LatencyCounts, RouteLabel, quantile, to_f64,
};
use crate::wire::clock::Timestamp;

const HOUR_MS: u64 = 3_600_000;

/// Judges a window.
#[must_use]
pub fn evaluate(inputs: &ScorecardInputs) -> Scorecard {
    let figures = figures(inputs);
    let triggers: Vec<TriggerState> = ROLLBACK_TRIGGERS
        .iter()
        .map(|trigger| triggered(trigger, inputs))
        .collect();
    let mut reasons = judge(&figures, inputs.phase.gate(), baseline(inputs).is_some());
    if !is_covered(inputs.recorded_since, inputs.generated_at, inputs.window) {
        let since = inputs
            .recorded_since
            .map_or_else(|| "never".to_owned(), |since| since.to_string());
        reasons.push(GateReason {
            failure: GateFailure::WindowNotCovered,
            message: format!(
                "the window is {} and there are records since {since}",
                inputs.window
            ),
        });
    }
    for met in triggers.iter().filter(|trigger| trigger.triggered) {
        reasons.push(GateReason {
            failure: GateFailure::RollbackTriggered,
            message: met.message.clone(),
        });
    }
    let organic = latency(
        inputs
            .commands
            .iter()
            .filter(|counts| counts.route == RouteLabel::Cdp),
    );
    Scorecard {
        window: inputs.window,
        phase: inputs.phase,
        ops_error_rate_pct: figures.ops_error_rate_pct,
        ops_p95_latency_ms: figures.ops_p95_latency_ms,
        cdp_baseline_p95_latency_ms: figures.cdp_baseline_p95_latency_ms,
        latency_ratio: figures.latency_ratio,
        crash_free_session_rate_pct: figures.crash_free_session_rate_pct,
        p0p1_incident_count: figures.p0p1_incident_count,
        baseline_ref: baseline(inputs).map(|baseline| baseline.baseline_ref.clone()),
        generated_at: inputs.generated_at,
        gate_decision: if reasons.is_empty() {
            GateDecision::Pass
        } else {
            GateDecision::Fail
        },
        reasons,
        rollback_triggers: triggers,
        organic_cdp_p95_latency_ms: organic.p95().map(rounded),
    }
}

/// The figures of a window.
#[must_use]
pub fn figures(inputs: &ScorecardInputs) -> Figures {
    let (requests, faults) = served(&inputs.commands);
    let (ops, base) = compared(&inputs.commands, baseline(inputs));
    let sessions = inputs.sessions;
    let crash_free = sessions.ended.saturating_sub(sessions.crashed);
    Figures {
        ops_error_rate_pct: percent(faults, requests),
        ops_p95_latency_ms: ops,
        cdp_baseline_p95_latency_ms: base,
        latency_ratio: ratio(ops, base),
        crash_free_session_rate_pct: percent(crash_free, sessions.ended),
        p0p1_incident_count: inputs.incidents.map(|incidents| incidents.p0p1),
    }
}

/// What a gate objects to in figures; empty where it passes. What a threshold needs and is not known is an objection.
#[must_use]
pub fn judge(figures: &Figures, gate: &Gate, has_baseline: bool) -> Vec<GateReason> {
    let mut reasons = Vec::new();
    let mut object = |failure, message: String| reasons.push(GateReason { failure, message });
    match figures.ops_error_rate_pct {
        None => object(
            GateFailure::MissingRequests,
            "no request was served in the window".to_owned(),
        ),
        Some(rate) if rate > gate.max_error_rate_pct => {
            object(
                GateFailure::ErrorRate,
                format!(
                    "{rate} % of requests failed, at most {} % may",
                    gate.max_error_rate_pct
                ),
            );
        }
        Some(_) => {}
    }
    match figures.latency_ratio {
        _ if !has_baseline => object(
            GateFailure::MissingBaseline,
            "no baseline: cargo xtask bench --baseline measures one".to_owned(),
        ),
        None => object(
            GateFailure::MissingLatency,
            "no command of the baseline was served in the window".to_owned(),
        ),
        Some(ratio) if ratio > gate.max_latency_ratio => {
            object(
                GateFailure::LatencyRatio,
                format!(
                    "p95 is {ratio} times the baseline, at most {} may be",
                    gate.max_latency_ratio
                ),
            );
        }
        Some(_) => {}
    }
    if let Some(least) = gate.min_crash_free_session_rate_pct {
        match figures.crash_free_session_rate_pct {
            None => object(
                GateFailure::MissingSessions,
                "no session ended in the window".to_owned(),
            ),
            Some(rate) if rate < least => object(
                GateFailure::CrashFreeRate,
                format!("{rate} % of sessions did not crash, at least {least} % must"),
            ),
            Some(_) => {}
        }
    }
    if let Some(most) = gate.max_p0p1_incidents {
        match figures.p0p1_incident_count {
            None => object(
                GateFailure::MissingIncidents,
                "the record of incidents can't be read".to_owned(),
            ),
            Some(count) if count > most => object(
                GateFailure::Incidents,
                format!("{count} P0 or P1 incidents were recorded, at most {most} may be"),
            ),
            Some(_) => {}
        }
    }
    reasons
}

/// The baseline, where its counts are by our bounds.
fn baseline(inputs: &ScorecardInputs) -> Option<&Baseline> {
    inputs
        .baseline
        .as_ref()
        .filter(|baseline| baseline.bounds_ms == LATENCY_BOUNDS_MS && !baseline.commands.is_empty())
}

fn is_covered(since: Option<Timestamp>, now: Timestamp, window: Window) -> bool {
    let start = now.unix_millis().saturating_sub(window.hours() * HOUR_MS);
    // Records are by the full hour.
    since.is_some_and(|since| since.unix_millis() <= start.saturating_add(HOUR_MS))
}

fn on_ops(counts: &&CommandCounts) -> bool {
    counts.route == RouteLabel::Ops
}

/// Requests on `/ops`, and the faults among them.
fn served(commands: &[CommandCounts]) -> (u64, u64) {
    commands
        .iter()
        .filter(on_ops)
        .fold((0, 0), |(requests, faults), counts| {
            (requests + counts.requests, faults + counts.faults)
        })
}

fn latency<'a>(commands: impl Iterator<Item = &'a CommandCounts>) -> LatencyCounts {
    commands.fold(LatencyCounts::default(), |mut sum, counts| {
        sum.add(&counts.latency);
        sum
    })
}

/// p95 on `/ops` and of the baseline, over the same mixture of commands.
fn compared(commands: &[CommandCounts], baseline: Option<&Baseline>) -> (Option<f64>, Option<f64>) {
    let Some(baseline) = baseline else {
        return (
            latency(commands.iter().filter(on_ops)).p95().map(rounded),
            None,
        );
    };
    let mut by_command: BTreeMap<(&str, &str), LatencyCounts> = BTreeMap::new();
    for counts in commands.iter().filter(on_ops) {
        by_command
            .entry((&counts.command, &counts.mode))
            .or_default()
            .add(&counts.latency);
    }
    let (mut ours, mut theirs) = (LatencyCounts::default(), [0.0; LATENCY_BOUNDS + 1]);
    for row in &baseline.commands {
        let samples = row.latency.total();
        let Some(counts) = by_command
            .get(&(row.command.as_str(), row.mode.as_str()))
            .filter(|_| samples > 0)
        else {
            continue;
        };
        ours.add(counts);
        let weight = to_f64(counts.total()) / to_f64(samples);
        for (sum, count) in theirs.iter_mut().zip(&row.latency.0) {
            *sum += to_f64(*count) * weight;
        }
    }
    (
        ours.p95().map(rounded),
        quantile(&theirs, 0.95).map(rounded),
    )
}

fn ratio(ops: Option<f64>, base: Option<f64>) -> Option<f64> {
    match (ops, base) {
        (Some(ops), Some(base)) if base > 0.0 => Some(rounded(ops / base)),
        _ => None,
    }
}

fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| rounded(to_f64(part) * 100.0 / to_f64(whole)))
}

/// Six digits behind the point.
fn rounded(figure: f64) -> f64 {
    (figure * 1_000_000.0).round() / 1_000_000.0
}

fn triggered(trigger: &RollbackTrigger, inputs: &ScorecardInputs) -> TriggerState {
    if trigger.kind == TriggerKind::Bypass {
        let open = inputs
            .incidents
            .map_or(0, |incidents| incidents.open_bypasses);
        let message = format!("{open} confirmed bypasses of authentication or ownership are open");
        return TriggerState {
            kind: trigger.kind,
            triggered: to_f64(open) > trigger.above,
            message,
        };
    }
    let value = |hour: &HourCounts| match trigger.kind {
        TriggerKind::ErrorRate => {
            let (requests, faults) = served(&hour.commands);
            percent(faults, requests)
        }
        _ => {
            let (ops, base) = compared(&hour.commands, baseline(inputs));
            ratio(ops, base)
        }
    };
    let last: Vec<Option<f64>> = (0..trigger.hours)
        .map(|back| hour_at(inputs, back).and_then(value))
        .collect();
    let met = last
        .iter()
        .all(|value| value.is_some_and(|value| value > trigger.above));
    let shown: Vec<String> = last
        .iter()
        .map(|value| value.map_or_else(|| "unknown".to_owned(), |value| value.to_string()))
        .collect();
    let what = if trigger.kind == TriggerKind::ErrorRate {
        "error rates in per cent"
    } else {
        "p95 as a multiple of the baseline"
    };
    let message = format!(
        "{what} in the last {} full hours: {}; above {} in each calls for a rollback",
        trigger.hours,
        shown.join(", "),
        trigger.above
    );
    TriggerState {
        kind: trigger.kind,
        triggered: met,
        message,
    }
}

/// The full hour that ended `back` hours before the current one began; none where nothing was served in it.
fn hour_at(inputs: &ScorecardInputs, back: usize) -> Option<&HourCounts> {
    let back = u64::try_from(back).unwrap_or(u64::MAX);
    let current = inputs.generated_at.unix_millis() / HOUR_MS;
    let wanted = current.checked_sub(back.checked_add(1)?)?;
    inputs
        .hours
        .iter()
        .find(|hour| hour.hour.unix_millis() / HOUR_MS == wanted)
}
