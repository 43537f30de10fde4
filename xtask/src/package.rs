//! Packages every library as a registry would take it: what it would be without, is an error here.

use anyhow::Result;

use crate::workspace::Workspace;

/// Nothing is built and nothing is sent. The packages stand in for one another, since none of them is in a registry yet.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut arguments = vec!["package", "--no-verify", "--allow-dirty", "--quiet"];
    for package in workspace.libraries() {
        arguments.extend(["--package", package.name.as_str()]);
    }
    workspace.cargo(arguments)
}
