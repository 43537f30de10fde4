//! Formatting, clippy with warnings as errors, and the repository's own rules.

use anyhow::Result;

use crate::tidy;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    workspace.cargo(["fmt", "--all", "--check"])?;
    workspace.cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])?;
    tidy::run(workspace)
}
