//! Runs the adapter conformance suite on one adapter.

use anyhow::Result;
use clap::ValueEnum;

use crate::environment::Environment;
use crate::setup::{self, CHROME, CHROMEDRIVER, FIREFOX};
use crate::workspace::{Workspace, checked};

/// What to run.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The adapter
    #[arg(long, value_enum)]
    adapter: Adapter,
    /// Only cases whose name contains this; with --seam, a topic or `topic.case`
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// The suite of the adapter interface, below the runtime, in place of the contract's
    #[arg(long)]
    seam: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Adapter {
    /// Chromium, over its debugging pipe
    Cdp,
    /// Firefox, over WebDriver BiDi
    BidiFirefox,
    /// Chromium, over WebDriver BiDi through chromedriver
    BidiChromedriver,
    /// The scripted fake: no browser
    Fake,
}

pub(crate) fn run(
    options: &Options,
    workspace: &Workspace,
    environment: &Environment,
) -> Result<()> {
    let mut command = workspace.cargo_command();
    match options.adapter {
        Adapter::Cdp => {
            command.env(CHROME.variable, setup::browser(&CHROME, environment)?);
        }
        Adapter::BidiFirefox => {
            command.env(FIREFOX.variable, setup::browser(&FIREFOX, environment)?);
        }
        Adapter::BidiChromedriver => {
            for family in [&CHROME, &CHROMEDRIVER] {
                command.env(family.variable, setup::browser(family, environment)?);
            }
            // By itself the program runs the pilot's topics alone.
            command.env("ODB_WHOLE_SUITE", "1");
        }
        Adapter::Fake => {}
    }
    if options.seam {
        let (package, program) = options.adapter.own_tests();
        let filter = options.filter.as_deref().unwrap_or_default();
        command
            .args(["test", "--package", package, "--test", program, "--"])
            .arg(format!("seam::{}::{filter}", options.adapter.name()));
    } else {
        command
            .args(["test", "--package", "odb-tests", "--test", "suite", "--"])
            .args(&options.filter)
            .args(others(options.adapter));
    }
    checked(&mut command)
}

impl Adapter {
    /// Its name in the expectations, and before the names of its tests.
    fn name(self) -> String {
        // No variant is hidden.
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The package and the test program in which it runs the suite of the adapter interface.
    const fn own_tests(self) -> (&'static str, &'static str) {
        match self {
            Self::Cdp => ("adapter-cdp", "real_browser"),
            Self::BidiFirefox | Self::BidiChromedriver => ("adapter-bidi", "seam"),
            Self::Fake => ("conformance", "seam"),
        }
    }
}

/// Leaves out the tests of all other adapters: they are named `ADAPTER::CASE`, and the filter may be any part of a case's name.
fn others(adapter: Adapter) -> impl Iterator<Item = String> {
    let names = Adapter::value_variants()
        .iter()
        .filter(move |other| **other != adapter)
        .map(|other| other.name());
    names
        .chain(["snapshot_parity".to_owned()])
        .flat_map(|name| ["--skip".to_owned(), format!("{name}::")])
}

/// Writes `docs/capabilities.md`, from what the adapters declare and the gaps that the suite is held to.
pub(crate) fn capabilities(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo_command();
    checked(
        command
            .args(["test", "--package", "odb-tests", "--test", "runtime"])
            .args(["--", "capabilities::"])
            .env("ODB_WRITE_DOCS", "1"),
    )
}
