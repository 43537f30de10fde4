//! What the gates of a cycle share: where their artifacts are, how they are written, and how long they are kept.

pub(crate) mod cycle;
pub mod private;
pub(crate) mod retention;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use ops_contracts::control::cycle::{GateArtifact, GateInputs, directory_name, is_cycle_id};
use ops_contracts::control::scorecard::GateDecision;
use ops_contracts::wire::clock::Timestamp;
use serde::Serialize;

use crate::verdict::Verdict;

/// Where artifacts are, below the root.
const ARTIFACTS: &str = "artifacts/ops-gates";

/// The cycle that a gate's artifact belongs to, and where it goes.
#[derive(Debug, clap::Args)]
pub struct Cycle {
    /// The cycle that the artifacts belong to
    #[arg(long = "cycle-id", value_name = "ID", default_value = "none", value_parser = cycle_id)]
    pub id: String,
    /// The folder of the cycle; a new one of this moment when absent
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

impl Cycle {
    /// The folder of the cycle: the given one, or a new one of this moment.
    ///
    /// # Errors
    /// Where it can't be made for this user alone.
    pub fn directory(&self, root: &Path, now: Timestamp) -> Result<PathBuf> {
        let new = || artifacts(root).join(directory_name(now));
        let directory = self.dir.clone().unwrap_or_else(new);
        private::directory(&directory)
            .with_context(|| format!("{} can't be made", directory.display()))?;
        Ok(directory)
    }
}

/// A cycle's id, as the command line names it.
///
/// # Errors
/// What an id looks like.
pub fn cycle_id(text: &str) -> Result<String, String> {
    if is_cycle_id(text) {
        return Ok(text.to_owned());
    }
    Err("1 to 64 characters of A-Z a-z 0-9 . _ : -".to_owned())
}

/// The folder of all cycles.
#[must_use]
pub fn artifacts(root: &Path) -> PathBuf {
    root.join(ARTIFACTS)
}

/// Writes an artifact into the folder of its cycle; where it is.
///
/// # Errors
/// Where it can't be written.
pub fn write<I, F>(directory: &Path, artifact: &GateArtifact<I, F>) -> Result<PathBuf>
where
    I: GateInputs<Figures = F> + Serialize,
    F: Serialize,
{
    let file = directory.join(artifact.gate.file());
    let text = serde_json::to_string_pretty(artifact)? + "\n";
    private::write(&file, &text).with_context(|| format!("{} can't be written", file.display()))?;
    Ok(file)
}

/// Writes an artifact, prints its figures, and fails with the code of missed thresholds where it does not pass.
///
/// # Errors
/// Where it can't be written or is not passed.
pub fn conclude<I>(directory: &Path, artifact: &GateArtifact<I, I::Figures>) -> Result<()>
where
    I: GateInputs + Serialize,
    I::Figures: Serialize,
{
    let file = write(directory, artifact)?;
    println!(
        "{}: {} ({})",
        artifact.gate,
        artifact.result,
        file.display()
    );
    for miss in &artifact.failures {
        println!("  {}", miss.message);
    }
    for reason in &artifact.data_fidelity.reasons {
        println!("  {}: {reason}", artifact.data_fidelity.level);
    }
    ensure!(
        artifact.result == GateDecision::Pass,
        Verdict::threshold(format!("the gate {} is not passed", artifact.gate))
    );
    Ok(())
}
