//! What is checked without running anything: formatting, the repository's own rules, clippy, the documentation, with warnings as
//! errors, and that the libraries can be packaged.

use anyhow::Result;

use crate::workspace::{Workspace, checked};
use crate::{package, tidy};

/// The cheap checks first.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    workspace.cargo(["fmt", "--all", "--check"])?;
    tidy::run(workspace)?;
    workspace.cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ])?;
    // What rustdoc needs of other packages is what clippy has just checked.
    let mut doc = workspace.cargo_command();
    checked(
        doc.args(["doc", "--workspace", "--no-deps", "--quiet"])
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    package::run(workspace)
}
