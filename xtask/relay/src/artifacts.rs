//! Judges the artifacts of a cycle: each must be there, fit its schema and follow from its own inputs, and the thresholds are ours.
//!
//! What a file says of its thresholds, failures or result is compared with what its inputs give; it decides nothing.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use ops_contracts::control::cycle::{
    CiArtifact, GateArtifact, GateInputs, GateName, InjectionArtifact, SoakArtifact, is_cycle_id,
};
use ops_contracts::control::fidelity::{DataFidelity, FidelityLevel};
use ops_contracts::control::scorecard::{GateDecision, ScorecardArtifact};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use xtask::scorecard::difference;
use xtask::verdict::Verdict;

/// What to judge.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The folder of the cycle
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The folder of the schemas
    #[arg(long, value_name = "DIR", default_value = "schemas/ops-gates")]
    schema_dir: PathBuf,
    /// The cycle that every artifact must belong to
    #[arg(long, value_name = "ID")]
    cycle_id: String,
    /// Only these gates; all of them are needed to promote a version
    #[arg(long, value_name = "GATE", value_delimiter = ',')]
    only: Vec<GateName>,
}

/// What is said against an artifact.
#[derive(Debug, Default, PartialEq, Eq)]
struct Objections {
    /// It is not what it should be.
    shape: Vec<String>,
    /// It misses a threshold, or claims what its inputs do not give.
    threshold: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    ensure!(
        is_cycle_id(&options.cycle_id),
        Verdict::shape("--cycle-id: 1 to 64 characters of A-Z a-z 0-9 . _ : -")
    );
    let (mut shape, mut threshold) = (0, 0);
    let is_asked =
        |gate: &&GateName| options.only.is_empty() || options.only.iter().any(|it| it == *gate);
    for &gate in GateName::ALL.iter().filter(is_asked) {
        let objections = judge(gate, options);
        let says = match (objections.shape.len(), objections.threshold.len()) {
            (0, 0) => "pass",
            (0, _) => "fails: a threshold is missed",
            _ => "fails: it is not what it should be",
        };
        println!("{gate}: {says}");
        for objection in objections.shape.iter().chain(&objections.threshold) {
            println!("  {objection}");
        }
        shape += objections.shape.len();
        threshold += objections.threshold.len();
    }
    let directory = options.dir.display();
    ensure!(
        shape == 0,
        Verdict::shape(format!(
            "{directory}: {shape} faults of shape, {threshold} of thresholds"
        ))
    );
    ensure!(
        threshold == 0,
        Verdict::threshold(format!("{directory}: {threshold} thresholds are missed"))
    );
    Ok(())
}

fn judge(gate: GateName, options: &Options) -> Objections {
    let judged = read(gate, options).and_then(|document| {
        of_cycle(gate, &document, &options.cycle_id)?;
        match gate {
            GateName::Ci => typed(&document, CiArtifact::again),
            GateName::Soak => typed(&document, SoakArtifact::again),
            GateName::FaultInjection => typed(&document, InjectionArtifact::again),
            GateName::Scorecard => typed(&document, ScorecardArtifact::again),
        }
    });
    judged.unwrap_or_else(|error| Objections {
        shape: vec![format!("{error:#}")],
        ..Objections::default()
    })
}

/// The document, as far as its schema admits it.
fn read(gate: GateName, options: &Options) -> Result<Value> {
    let schema = json(&options.schema_dir.join(gate.schema_file()))?;
    let validator = jsonschema::validator_for(&schema)
        .with_context(|| format!("{} is no schema", gate.schema_file()))?;
    let document = json(&options.dir.join(gate.file()))?;
    let faults = validator.iter_errors(&document).take(10);
    let faults: Vec<String> = faults
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect();
    ensure!(
        faults.is_empty(),
        "{} does not fit its schema: {}",
        gate.file(),
        faults.join("; ")
    );
    Ok(document)
}

/// A file of ours: neither a link nor a folder.
fn json(file: &Path) -> Result<Value> {
    let shown = file.display();
    let found = fs::symlink_metadata(file).with_context(|| format!("{shown} is missing"))?;
    ensure!(found.is_file(), "{shown} is no plain file");
    let text = fs::read_to_string(file).with_context(|| format!("{shown} can't be read"))?;
    serde_json::from_str(&text).with_context(|| format!("{shown} is no JSON"))
}

/// Whether it belongs to the gate and the cycle, whatever the schema admits.
fn of_cycle(gate: GateName, document: &Value, cycle: &str) -> Result<()> {
    let is = |field: &str, should: &str| {
        let stated = document[field].as_str().unwrap_or("nothing");
        ensure!(stated == should, "its {field} is {stated}, not {should}");
        Ok(())
    };
    is("gate", gate.as_str())?;
    is("cycleId", cycle)?;
    let version = document["schemaVersion"].as_str().unwrap_or_default();
    ensure!(
        version.split('.').next() == Some("1"),
        "its schemaVersion is {version}, and this program knows 1.x"
    );
    Ok(())
}

/// An artifact that can be made again.
trait Artifact: Serialize + DeserializeOwned {
    fn failures(&self) -> Vec<String>;
    fn decision(&self) -> GateDecision;
    fn fidelity(&self) -> &DataFidelity;
}

impl<I: GateInputs> Artifact for GateArtifact<I, I::Figures> {
    fn failures(&self) -> Vec<String> {
        self.failures.iter().map(|it| it.message.clone()).collect()
    }

    fn decision(&self) -> GateDecision {
        self.result
    }

    fn fidelity(&self) -> &DataFidelity {
        &self.data_fidelity
    }
}

impl Artifact for ScorecardArtifact {
    fn failures(&self) -> Vec<String> {
        self.failures.iter().map(|it| it.message.clone()).collect()
    }

    fn decision(&self) -> GateDecision {
        self.result
    }

    fn fidelity(&self) -> &DataFidelity {
        &self.data_fidelity
    }
}

/// What is said against a document that has the form of its type.
fn typed<A: Artifact>(document: &Value, again: impl Fn(&A) -> A) -> Result<Objections> {
    let stands: A = serde_json::from_value(document.clone()).context("it is no such artifact")?;
    let should = again(&stands);
    let mut threshold = should.failures();
    if should.decision() != GateDecision::Pass && threshold.is_empty() {
        threshold.push("it is not passed".to_owned());
    }
    // Fields that a later minor has added are no difference: both sides are what this program knows of it.
    let stated = serde_json::to_value(&stands)?;
    threshold.extend(difference("", &stated, &serde_json::to_value(&should)?));
    let fidelity = should.fidelity();
    if fidelity.level != FidelityLevel::Live {
        let why = fidelity.reasons.join("; ");
        threshold.push(format!("its data are {}: {why}", fidelity.level));
    }
    Ok(Objections {
        threshold,
        ..Objections::default()
    })
}

#[cfg(test)]
mod tests;
