//! Makes a scorecard again from its artifact alone, and says whether it is the same to the bit.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use ops_contracts::control::scorecard::{SCORECARD_ARTIFACT_VERSION, ScorecardArtifact, Window};
use serde_json::Value;

/// What to recompute.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The window of the artifact: 2h, 7d, 14d or 30d; another one is refused
    #[arg(long)]
    window: Window,
    /// The artifact, scorecard-summary.json
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let shown = options.input.display();
    let text =
        fs::read_to_string(&options.input).with_context(|| format!("{shown} can't be read"))?;
    let artifact =
        recompute(&text, options.window).with_context(|| format!("{shown} can't be reproduced"))?;
    let card = &artifact.scorecard;
    let ratio = card
        .latency_ratio
        .map_or_else(|| "null".to_owned(), |ratio| ratio.to_string());
    println!(
        "phase {} window {} latencyRatio {ratio} gateDecision {}: reproduced to the bit",
        card.phase, card.window, card.gate_decision
    );
    for reason in &card.reasons {
        println!("  {}: {}", reason.failure, reason.message);
    }
    Ok(())
}

/// The artifact made again of its inputs; an error where it differs from what stands there.
fn recompute(text: &str, window: Window) -> Result<ScorecardArtifact> {
    let stands: ScorecardArtifact =
        serde_json::from_str(text).context("it is no scorecard artifact")?;
    let major = |version: &str| version.split('.').next().unwrap_or_default().to_owned();
    ensure!(
        major(&stands.schema_version) == major(SCORECARD_ARTIFACT_VERSION),
        "it has version {}, and this program knows {SCORECARD_ARTIFACT_VERSION}",
        stands.schema_version
    );
    ensure!(
        stands.inputs.window == window,
        "its window is {}, not {window}",
        stands.inputs.window
    );
    if let Some(baseline) = &stands.inputs.baseline {
        baseline.check().context("its baseline is none")?;
    }
    let again = stands.again();
    let differs = difference(
        "",
        &serde_json::to_value(&stands)?,
        &serde_json::to_value(&again)?,
    );
    ensure!(differs.is_none(), "{}", differs.unwrap_or_default());
    Ok(again)
}

/// The first place in which a document differs from what it should be.
pub fn difference(path: &str, stands: &Value, should: &Value) -> Option<String> {
    match (stands, should) {
        (Value::Object(one), Value::Object(other)) if one.len() == other.len() => {
            one.iter().find_map(|(key, value)| {
                difference(
                    &format!("{path}.{key}"),
                    value,
                    other.get(key).unwrap_or(&Value::Null),
                )
            })
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => one
            .iter()
            .zip(other)
            .enumerate()
            .find_map(|(at, (one, other))| difference(&format!("{path}[{at}]"), one, other)),
        (one, other) => (one != other).then(|| {
            format!(
                "{}: {one} stands there, and the inputs give {other}",
                path.trim_start_matches('.')
            )
        }),
    }
}

#[cfg(test)]
mod tests {
    use ops_contracts::control::scorecard::{Phase, ScorecardInputs};
    use ops_contracts::wire::clock::Timestamp;

    use super::*;

    fn artifact() -> Value {
        let inputs = ScorecardInputs::unknown(
            Phase::Pilot,
            Window::D7,
            Timestamp::from_unix_millis(1_700_000_000_000),
        );
        serde_json::to_value(ScorecardArtifact::new("CYCLE-05", inputs)).unwrap()
    }

    #[track_caller]
    fn refused(change: impl FnOnce(&mut Value), says: &str) {
        let mut changed = artifact();
        change(&mut changed);
        let error = format!(
            "{:#}",
            recompute(&changed.to_string(), Window::D7).unwrap_err()
        );
        assert!(error.contains(says), "{error}");
    }

    #[test]
    fn an_artifact_is_reproduced_or_the_difference_is_named() {
        assert_eq!(
            serde_json::to_value(recompute(&artifact().to_string(), Window::D7).unwrap()).unwrap(),
            artifact()
        );
        refused(
            |value| value["scorecard"]["gateDecision"] = "pass".into(),
            "scorecard.gateDecision: \"pass\" stands there",
        );
        refused(|value| value["result"] = "pass".into(), "result");
        refused(
            |value| value["scorecard"]["latencyRatio"] = 1.0.into(),
            "scorecard.latencyRatio",
        );
        refused(
            |value| value["thresholds"]["maxErrorRatePct"] = 5.0.into(),
            "thresholds.maxErrorRatePct",
        );
        refused(|value| value["schemaVersion"] = "2.0".into(), "version 2.0");
        assert!(recompute(&artifact().to_string(), Window::D30).is_err());
        assert!(recompute("{}", Window::D7).is_err());
    }
}
