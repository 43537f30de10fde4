//! Validators: what is configured against what is declared.

use anyhow::Result;

use crate::workspace::{Workspace, checked};

/// What to validate.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub(crate) enum What {
    /// The chains of adapters against the capabilities that the adapters declare
    FallbackConsistency,
}

pub(crate) fn run(what: What, workspace: &Workspace) -> Result<()> {
    match what {
        What::FallbackConsistency => {
            let mut command = workspace.cargo_command();
            let test = [
                "test",
                "--quiet",
                "--package",
                "odb-tests",
                "--test",
                "runtime",
                "--",
                "--exact",
                "capabilities::fallback_consistency",
            ];
            checked(command.args(test))?;
            println!("fallback-consistency: the chains agree with what the adapters declare");
            Ok(())
        }
    }
}
