//! What it costs to begin: a process of the command line, a session, and everything from nothing.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::Bench;
use super::raw::RawBrowser;
use super::report::{Bound, Row};
use crate::relay::{self, private_folder};
use crate::samples::Samples;

/// What the browsers do in the background after a session was made or closed is not to be measured with the next one.
const QUIET: Duration = Duration::from_millis(600);

pub(super) fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    Ok(vec![create(bench)?, process(bench)?, nothing(bench)?])
}

fn timed<T>(samples: &mut Samples, run: impl FnOnce() -> Result<T>) -> Result<T> {
    let began = Instant::now();
    let result = run()?;
    samples.add(began.elapsed());
    Ok(result)
}

/// `session.create` where a browser runs, beside a context, a window and an attachment made by hand.
fn create(bench: &mut Bench) -> Result<Row> {
    let (mut ours, mut raw) = (Samples::default(), Samples::default());
    for _ in 0..10 * bench.rounds {
        sleep(QUIET);
        let session = timed(&mut ours, || bench.ours.create())?;
        bench.ours.close(&session)?;
        sleep(QUIET);
        let page = timed(&mut raw, || bench.raw.open())?;
        bench.raw.close(&page)?;
    }
    Ok(Row::pair(
        "session.create, browser running",
        Bound::Times(0.2),
        (ours, raw),
    ))
}

/// A whole process that reads the title, beside one that only tells its version.
fn process(bench: &mut Bench) -> Result<Row> {
    let url = bench.site.url("/plain");
    let cli = |words: &[&str]| cli(bench, &bench.home, words);
    cli(&["open", &url])?;
    let (mut title, mut version) = (Samples::default(), Samples::default());
    for round in 0..=30 * bench.rounds {
        let (mut warming, mut also) = (Samples::default(), Samples::default());
        let (title, version) = if round == 0 {
            (&mut warming, &mut also)
        } else {
            (&mut title, &mut version)
        };
        let read = timed(title, || cli(&["get", "title"]))?;
        ensure!(read.trim() == "Plain page", "the title is {read:?}");
        timed(version, || cli(&["--version"]))?;
    }
    cli(&["close"])?;
    Ok(Row::pair(
        "odb-cli get title, beside odb-cli --version",
        Bound::Times(2.5),
        (title, version),
    ))
}

/// From no relay and no browser to the first page's title.
fn nothing(bench: &mut Bench) -> Result<Row> {
    let url = bench.site.url("/plain");
    let (mut ours, mut raw) = (Samples::default(), Samples::default());
    for _ in 0..5 * bench.rounds {
        sleep(QUIET);
        let home = private_folder("odb-bench-")?;
        let read = timed(&mut ours, || {
            cli(bench, home.path(), &["open", &url])?;
            cli(bench, home.path(), &["get", "title"])
        });
        // The relay that it started must not outlive a failure either.
        let stopped = cli(bench, home.path(), &["stop"]);
        let read = read?;
        stopped?;
        ensure!(read.trim() == "Plain page", "the title is {read:?}");
        ensure!(
            relay::read(home.path()).is_none(),
            "odb-cli stop left a relay"
        );
        sleep(QUIET);
        let (title, browser) = timed(&mut raw, || {
            let mut browser = RawBrowser::launch(&bench.browser, &bench.flags)?;
            let page = browser.open()?;
            browser.goto(&page, &url)?;
            Ok((browser.eval(&page, "document.title")?, browser))
        })?;
        drop(browser);
        ensure!(title == json!("Plain page"), "the title is {title}");
    }
    Ok(Row::pair(
        "nothing to first title, by odb-cli",
        Bound::Times(1.15),
        (ours, raw),
    ))
}

/// Runs `odb-cli` and returns what it prints.
pub(super) fn cli(bench: &Bench, home: &Path, words: &[&str]) -> Result<String> {
    let mut command = Command::new(&bench.programs.odb_cli);
    command
        .args(words)
        .env("ODB_HOME", home)
        .env("ODB_BROWSER", &bench.browser)
        .stdin(Stdio::null());
    let output = command
        .output()
        .with_context(|| format!("{} could not be started", bench.programs.odb_cli.display()))?;
    let notes = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "odb-cli {} failed: {notes}",
        words.join(" ")
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
