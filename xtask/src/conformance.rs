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
    /// Only cases whose name contains this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
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
    let program = match options.adapter {
        Adapter::Cdp => {
            command.env(CHROME.variable, setup::browser(&CHROME, environment)?);
            "conformance_cdp"
        }
        Adapter::BidiFirefox => {
            command.env(FIREFOX.variable, setup::browser(&FIREFOX, environment)?);
            "conformance_bidi_firefox"
        }
        Adapter::BidiChromedriver => {
            for family in [&CHROME, &CHROMEDRIVER] {
                command.env(family.variable, setup::browser(family, environment)?);
            }
            // By itself the program runs the pilot's topics alone.
            command.env("ODB_WHOLE_SUITE", "1");
            "conformance_bidi_chromedriver"
        }
        Adapter::Fake => "conformance_fake",
    };
    command
        .args(["test", "--package", "odb-tests", "--test", program, "--"])
        .args(&options.filter);
    checked(&mut command)
}

/// Writes `docs/capabilities.md`, from what the adapters declare and the gaps that the suite is held to.
pub(crate) fn capabilities(workspace: &Workspace) -> Result<()> {
    let mut command = workspace.cargo_command();
    checked(
        command
            .args(["test", "--package", "odb-tests", "--test", "capabilities"])
            .env("ODB_WRITE_DOCS", "1"),
    )
}
