//! Longer runs of the fuzz targets, which are tests: each for so many seconds, keeping what comes to something new in its corpus.

use anyhow::Result;

use crate::workspace::{Workspace, checked};

/// How long to fuzz.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Seconds for each target
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Only targets whose name contains this
    #[arg(long, default_value = "")]
    target: String,
}

/// The variable that says how long each target runs.
const SECONDS: &str = "ODB_FUZZ_SECONDS";

/// Where the targets are: package, and the test program that has them, if not the package's own.
const PLACES: &[&[&str]] = &[
    &["-p", "odb-tests", "--test", "contract"],
    &["-p", "relay", "--lib"],
];

pub(crate) fn run(options: &Options, workspace: &Workspace) -> Result<()> {
    for place in PLACES {
        let mut tests = workspace.cargo_command();
        tests
            .arg("test")
            .args(*place)
            .arg("--")
            .args(["--nocapture", "--test-threads=1"]);
        tests
            .arg(format!("fuzz_{}", options.target))
            .env(SECONDS, options.seconds.to_string());
        checked(&mut tests)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_targets_know_the_variable() {
        assert_eq!(super::SECONDS, conformance::fuzz::SECONDS);
    }
}
