//! The gate of every change: the repository's own checks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{GateInputs, GateName};
use crate::control::required;
use crate::wire::words::words;

words! {
    /// A check of the gate.
    CheckName "check" "codegen, lint, validators, build, suites, test" {
        Codegen "codegen" "What is generated is up to date, so that no schema drifts.";
        Lint "lint" "Formatting, the repository's rules, clippy, documentation, packages.";
        Validators "validators" "Configuration, adapter chains, adapters and change notes agree with what is declared.";
        Build "build" "The programs build.";
        Suites "suites" "What was released keeps its form: schemas, codes, commands, status.";
        Test "test" "Every test of the workspace.";
    }
}

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckOutcome {
    /// Which one.
    pub name: CheckName,
    /// The command that does the same.
    pub command: String,
    /// Whether it found nothing.
    pub passed: bool,
    /// What it found, where it did.
    pub message: Option<String>,
    /// How long it took.
    pub seconds: u64,
}

/// What the gate's judgement is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CiInputs {
    /// The commit that was checked, and whether files differed from it; null outside a repository.
    pub commit: Option<String>,
    /// The checks that ran.
    pub checks: Vec<CheckOutcome>,
    /// Tests that passed.
    pub tests_passed: u64,
    /// Tests that failed.
    pub tests_failed: u64,
    /// Lines of production code that tests run, in per cent; null where it was not measured in this run.
    pub line_coverage_pct: Option<f64>,
}

/// The gate's figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = required::require_all)]
pub struct CiFigures {
    /// Checks that passed.
    pub checks_passed: u64,
    /// Checks that failed.
    pub checks_failed: u64,
    /// Checks that were not run.
    pub checks_missing: u64,
    /// Tests that passed.
    pub tests_passed: u64,
    /// Tests that failed.
    pub tests_failed: u64,
    /// Lines of production code that tests run, in per cent; null where it was not measured in this run.
    pub line_coverage_pct: Option<f64>,
}

impl GateInputs for CiInputs {
    const GATE: GateName = GateName::Ci;
    type Figures = CiFigures;

    fn figures(&self) -> CiFigures {
        let count = |passed: bool| {
            let found = self.checks.iter().filter(|check| check.passed == passed);
            u64::try_from(found.count()).unwrap_or(u64::MAX)
        };
        let is_missing = |name: &&CheckName| !self.checks.iter().any(|check| check.name == **name);
        let missing = CheckName::ALL.iter().filter(is_missing).count();
        CiFigures {
            checks_passed: count(true),
            checks_failed: count(false),
            checks_missing: u64::try_from(missing).unwrap_or(u64::MAX),
            tests_passed: self.tests_passed,
            tests_failed: self.tests_failed,
            line_coverage_pct: self.line_coverage_pct,
        }
    }
}
