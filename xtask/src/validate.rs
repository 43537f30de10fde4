//! Validators: what is configured against what is declared.

mod notes;

use std::path::PathBuf;

use anyhow::Result;

use crate::workspace::{Workspace, checked};

/// What to validate.
#[derive(Debug, Clone, clap::Subcommand)]
pub(crate) enum What {
    /// The chains of adapters against the capabilities that the adapters declare
    FallbackConsistency,
    /// Each adapter: its capabilities, an expectation for every gap, and the page that lists them
    PluginCompatibility,
    /// What is published against what is declared: schemas, codes, commands, status, metrics, configuration
    ControlPlaneSchema,
    /// A change's notes: the seven headings, scores from 1 to 5, rollback and simulation for a 4 or 5; 2 where one is missing
    ChangeNotes {
        /// The file
        file: PathBuf,
    },
    /// All of them but the notes, which belong to a change
    All,
}

/// A validator that is a test of the workspace: what it checks is what the programs really compose.
struct Check {
    name: &'static str,
    package: &'static str,
    program: &'static str,
    /// The beginning of the tests' names; all of the program's when empty.
    tests: &'static str,
    says: &'static str,
}

const FALLBACK: &[Check] = &[Check {
    name: "fallback-consistency",
    package: "odb-tests",
    program: "runtime",
    tests: "capabilities::fallback_consistency",
    says: "the chains agree with what the adapters declare",
}];

const PLUGINS: &[Check] = &[Check {
    name: "plugin-compatibility",
    package: "odb-tests",
    program: "runtime",
    tests: "capabilities::",
    says: "every adapter's gaps are expected, and the page lists them",
}];

const SCHEMAS: &[Check] = &[
    Check {
        name: "control-plane-schema",
        package: "ops-contracts",
        program: "stability",
        tests: "",
        says: "released codes and commands keep their meaning",
    },
    Check {
        name: "control-plane-schema",
        package: "odb-tests",
        program: "contract",
        tests: "",
        says: "what is published is what is declared",
    },
];

pub(crate) fn run(what: &What, workspace: &Workspace) -> Result<()> {
    match what {
        What::FallbackConsistency => checks(FALLBACK, workspace),
        What::PluginCompatibility => checks(PLUGINS, workspace),
        What::ControlPlaneSchema => control_plane(workspace),
        What::ChangeNotes { file } => notes::run(file),
        What::All => all(workspace),
    }
}

/// All of them but the notes.
pub(crate) fn all(workspace: &Workspace) -> Result<()> {
    control_plane(workspace)?;
    checks(PLUGINS, workspace)
}

fn control_plane(workspace: &Workspace) -> Result<()> {
    crate::codegen::check(workspace)?;
    checks(SCHEMAS, workspace)
}

fn checks(checks: &[Check], workspace: &Workspace) -> Result<()> {
    for check in checks {
        let mut command = workspace.cargo_command();
        command
            .args(["test", "--quiet", "--package", check.package])
            .args(["--test", check.program, "--", check.tests]);
        checked(&mut command)?;
        println!("{}: {}", check.name, check.says);
    }
    Ok(())
}
