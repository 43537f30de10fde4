//! Builds the programs.

use std::path::PathBuf;

use anyhow::Result;

use crate::workspace::Workspace;

/// The programs, where they were built.
#[derive(Debug, Clone)]
pub(crate) struct Programs {
    pub(crate) relayd: PathBuf,
    pub(crate) odb_cli: PathBuf,
}

const PACKAGES: [&str; 4] = ["--package", "relayd", "--package", "odb-cli"];

/// Builds them for release.
pub(crate) fn release(workspace: &Workspace) -> Result<Programs> {
    workspace.cargo(["build", "--release"].iter().chain(&PACKAGES))?;
    Ok(programs(workspace, "release"))
}

/// Builds them as the tests expect them: beside the test programs.
pub(crate) fn debug(workspace: &Workspace) -> Result<Programs> {
    workspace.cargo(["build"].iter().chain(&PACKAGES))?;
    Ok(programs(workspace, "debug"))
}

fn programs(workspace: &Workspace, profile: &str) -> Programs {
    let dir = workspace.target().join(profile);
    Programs {
        relayd: dir.join("relayd"),
        odb_cli: dir.join("odb-cli"),
    }
}
