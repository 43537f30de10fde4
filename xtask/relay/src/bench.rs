//! Measures what the control plane costs: beside a raw protocol client that does the same work, in one run, in turns, each with a
//! browser of its own of the same file and flags.
//!
//! It judges nothing but the bounds in its table, and fails only when asked to.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use ::conformance::site::Site;
use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use crate::processes;
use crate::relay::{Relay, private_folder};
use xtask::build::{self, Programs};
use xtask::environment::Environment;
use xtask::setup;
use xtask::workspace::Workspace;

mod baseline;
mod bidi;
mod commands;
mod crowd;
mod edge;
mod fleet;
mod growth;
mod health;
mod lane;
mod legacy;
mod ours;
mod page;
mod peers;
mod raw;
mod raw_bidi;
mod report;
mod starts;
mod ws;

use ours::{Ours, Session};
use raw::{RawBrowser, RawPage};
use report::Row;

/// What browsers do in the background once they or their sessions have begun is not to be measured with the next thing.
const QUIET: Duration = Duration::from_millis(1_500);

/// How to measure.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Fails where a bound is exceeded
    #[arg(long)]
    strict: bool,
    /// How often each measurement is repeated, as a multiple of the usual
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Measures this part alone; may be repeated
    #[arg(long, value_name = "PART", value_parser = ["commands", "edge", "legacy", "starts", "growth", "fleet", "health", "bidi", "peers"])]
    only: Vec<String>,
    /// Builds without optimisation: to try the bench itself, as its figures mean nothing then
    #[arg(long, hide = true)]
    debug: bool,
    /// Measures the scorecard's baseline instead: the raw sequence of each command through the legacy lane
    #[arg(long)]
    baseline: bool,
    /// Puts the baseline into a home, where relayd reads it when it starts
    #[arg(long, requires = "baseline")]
    install: bool,
    /// The home, instead of ODB_HOME
    #[arg(long, value_name = "DIR", requires = "install")]
    home: Option<PathBuf>,
    /// Lets it take the place of the baseline that is there
    #[arg(long, requires = "install")]
    replace: bool,
}

/// Both sides of the comparison, ready to be measured.
#[derive(Debug)]
struct Bench {
    site: Site,
    programs: Programs,
    /// The browser's executable.
    browser: PathBuf,
    /// The flags of both browsers, without the profile.
    flags: Vec<String>,
    relay: Relay,
    /// The relay's home.
    home: PathBuf,
    ours: Ours,
    session: Session,
    raw: RawBrowser,
    page: RawPage,
    rounds: u32,
}

pub(crate) fn run(
    options: &Options,
    workspace: &Workspace,
    environment: &Environment,
) -> Result<()> {
    ensure!(
        !cfg!(debug_assertions) || options.debug,
        "this client is not optimised and would be measured along with what it measures: use cargo xtask bench"
    );
    if options.baseline {
        return baseline::run(options, workspace, environment);
    }
    let browser = setup::browser(&setup::CHROME, environment)?;
    let programs = if options.debug {
        build::debug(workspace)?
    } else {
        build::release(workspace)?
    };
    let measure = health::program(workspace, options.debug)?;
    let home = private_folder("odb-bench-")?;
    // The legacy lane is closed unless the configuration opens it.
    let config = home.path().join("config.json");
    fs::write(&config, r#"{"allowRawCDP":true}"#)?;
    fs::set_permissions(&config, fs::Permissions::from_mode(0o600))?;
    let relay = Relay::start(&programs.relayd, home.path(), &browser)?;
    let idle = processes::resident_mib(relay.info.pid);
    let mut bench = prepare(relay, home.path(), programs, browser, options, environment)?;

    let mut rows = Vec::new();
    // What was measured is told, even if a later part can't be.
    let measured = parts(
        &mut bench,
        options,
        workspace,
        environment,
        &measure,
        idle,
        &mut rows,
    );
    println!("\n{}", report::table(&rows));
    let facts = json!({ "startedAt": environment.started.to_string(), "browser": bench.browser, "flags": bench.flags });
    let file = write(workspace, environment, &report::document(&rows, facts))?;
    println!("written to {}", file.display());
    let processes = bench.relay.processes();
    bench.relay.end(processes)?;
    measured?;
    let over: Vec<&Row> = rows
        .iter()
        .filter(|row| row.is_ok() == Some(false))
        .collect();
    ensure!(
        !options.strict || over.is_empty(),
        "{} bounds are exceeded",
        over.len()
    );
    Ok(())
}

/// Every part that is asked for, each behind the rows of the one before.
fn parts(
    bench: &mut Bench,
    options: &Options,
    workspace: &Workspace,
    environment: &Environment,
    measure: &Path,
    idle: Option<f64>,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let wanted =
        |part: &str| options.only.is_empty() || options.only.iter().any(|only| only == part);
    if wanted("commands") {
        rows.extend(commands::measure(bench)?);
    }
    let busy = processes::resident_mib(bench.relay.info.pid).filter(|_| wanted("commands"));
    if wanted("edge") {
        rows.extend(edge::measure(bench)?);
    }
    if wanted("legacy") {
        rows.extend(legacy::measure(bench)?);
    }
    if wanted("starts") {
        rows.extend(starts::measure(bench)?);
    }
    rows.extend(sizes(bench, idle, busy)?);
    if wanted("growth") {
        rows.extend(growth::measure(bench)?);
    }
    if wanted("fleet") {
        rows.extend(fleet::measure(bench)?);
    }
    if wanted("health") {
        rows.extend(health::measure(bench, measure, environment.started)?);
    }
    if wanted("bidi") {
        setup::browser(&setup::FIREFOX, environment)?;
        rows.extend(bidi::measure(bench, workspace)?);
    }
    if wanted("peers") {
        rows.extend(peers::measure(bench, workspace, environment)?);
    }
    Ok(())
}

fn prepare(
    relay: Relay,
    home: &Path,
    programs: Programs,
    browser: PathBuf,
    options: &Options,
    environment: &Environment,
) -> Result<Bench> {
    let site = Site::start_with(page::PAGES)?;
    let ours = Ours::connect(&relay, environment.started)?;
    let session = ours.create()?;
    let line = relay
        .browser()
        .context("relayd started no browser that can be found")?
        .command_line();
    let flags: Vec<String> = line
        .into_iter()
        .skip(1)
        .filter(|flag| !flag.starts_with("--user-data-dir="))
        .collect();
    let mut raw = RawBrowser::launch(&browser, &flags)?;
    let page = raw.open()?;
    sleep(QUIET);
    let home = home.to_owned();
    Ok(Bench {
        site,
        programs,
        browser,
        flags,
        relay,
        home,
        ours,
        session,
        raw,
        page,
        rounds: options.rounds,
    })
}

fn sizes(bench: &Bench, idle: Option<f64>, busy: Option<f64>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    rows.extend(idle.map(|mib| Row::value("relayd resident, idle (MiB)", mib, 15.0, "MiB")));
    rows.extend(busy.map(|mib| {
        Row::value(
            "relayd resident, after the snapshots (MiB)",
            mib,
            40.0,
            "MiB",
        )
    }));
    for (name, file) in [
        ("relayd", &bench.programs.relayd),
        ("odb-cli", &bench.programs.odb_cli),
    ] {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a file's size in MiB with one digit"
        )]
        let mib = fs::metadata(file)?.len() as f64 / 1_048_576.0;
        rows.push(Row::value(
            format!("{name} stripped (MiB)"),
            mib,
            15.0,
            "MiB",
        ));
    }
    Ok(rows)
}

fn write(
    workspace: &Workspace,
    environment: &Environment,
    document: &serde_json::Value,
) -> Result<PathBuf> {
    let dir = workspace.target().join("bench");
    fs::create_dir_all(&dir)?;
    let file = dir.join(format!(
        "{}.json",
        environment.started.to_string().replace(':', "")
    ));
    fs::write(&file, serde_json::to_string_pretty(document)? + "\n")?;
    Ok(file)
}
