//! What the gates of a cycle share: where their artifacts are, how they are written, and how long they are kept.

pub(crate) mod cycle;
pub mod private;
pub(crate) mod retention;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use ops_contracts::control::cycle::{GateArtifact, GateInputs, directory_name};
use ops_contracts::control::scorecard::GateDecision;
use ops_contracts::wire::clock::Timestamp;
use serde::Serialize;

use crate::verdict::Verdict;

/// Where artifacts are, below the root.
const ARTIFACTS: &str = "artifacts/ops-gates";

/// The folder of all cycles.
#[must_use]
pub fn artifacts(root: &Path) -> PathBuf {
    root.join(ARTIFACTS)
}

/// The folder of a cycle: the given one, or a new one of this moment.
///
/// # Errors
/// Where it can't be made for this user alone.
pub fn directory(root: &Path, given: Option<&Path>, now: Timestamp) -> Result<PathBuf> {
    let directory = given.map_or_else(
        || artifacts(root).join(directory_name(now)),
        Path::to_path_buf,
    );
    private::directory(&directory)
        .with_context(|| format!("{} can't be made", directory.display()))?;
    Ok(directory)
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

/// Writes an artifact, tells its figures, and fails with the code of missed thresholds where it does not pass.
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
