//! The same page gives the same snapshot in Chromium and in Firefox. This program is its browsers' guard.

use std::collections::HashMap;
use std::process::ExitCode;

use conformance::site::Site;
use conformance::site::pages::Page;
use conformance::suite::{Fixture, Subject};
use libtest_mimic::{Arguments, Failed};
use odb_tests::{async_trial, subjects};
use ops_contracts::command::DomSnapshot;
use ops_contracts::command::dom::{SnapshotMode, SnapshotParams};

macro_rules! corpus {
    ($($name:literal,)+) => {
        &[$(Page {
            path: concat!("/bridge/", $name),
            content_type: "text/html; charset=utf-8",
            body: include_str!(concat!("../../crates/conformance/pages/bridge/", $name)),
        },)+]
    };
}

/// The corpus; `waiting` and `animated` are left out, since they change while they are read.
const PAGES: &[Page] = corpus! {
    "click-handlers.html",
    "clobbered-form.html",
    "covered.html",
    "custom-widgets.html",
    "editables.html",
    "frames.html",
    "hidden-states.html",
    "labels.html",
    "modal.html",
    "names.html",
    "selects.html",
    "shadow-roots.html",
    "sticky-header.html",
    "tables.html",
};

fn main() -> ExitCode {
    if let Some(code) = adapter_cdp::guard::dispatch(std::env::args_os()) {
        return code;
    }
    let trial = async_trial("the_corpus_has_the_same_lines_in_both_browsers", corpus);
    libtest_mimic::run(&Arguments::from_args(), vec![trial]).exit_code()
}

async fn corpus() -> Result<(), Failed> {
    let profiles = tempfile::tempdir()?;
    let (chromium, firefox) = (subjects::cdp(profiles.path().join("a")), subjects::bidi_firefox(profiles.path().join("b")));
    let (one, other) = tokio::join!(snapshots(chromium), snapshots(firefox));
    let (mut lines, mut differing) = (0, Vec::new());
    for ((page, one), other) in PAGES.iter().zip(one?).zip(other?) {
        lines += one.lines().count();
        differing.extend(different(&one, &other).into_iter().map(|line| format!("{}: {line}", page.path)));
    }
    let equal = 100.0 - 100.0 * differing.len() as f64 / lines as f64;
    println!("{equal:.2} % of {lines} lines are equal\n{}", differing.join("\n"));
    if equal < 98.0 { Err(format!("{equal:.2} % of {lines} lines are equal:\n{}", differing.join("\n")).into()) } else { Ok(()) }
}

async fn snapshots(subject: Subject) -> Result<Vec<String>, String> {
    let mut fixture = Fixture::new(subject, "parity").map_err(|error| error.to_string())?;
    fixture.site = Site::start_with(PAGES).map_err(|error| error.to_string())?;
    let mut texts = Vec::new();
    let session = fixture.session().await.map_err(|error| error.to_string())?;
    for page in PAGES {
        session.goto(page.path).await.map_err(|error| error.to_string())?;
        let params = SnapshotParams { mode: SnapshotMode::Full, max_chars: 1_000_000, ..SnapshotParams::default() };
        let snapshot = session.call::<DomSnapshot>(&params).await.map_err(|error| error.to_string())?;
        texts.push(unnumbered(&snapshot.text));
    }
    drop(session);
    fixture.close().await;
    fixture.service().shut_down(std::time::Instant::now()).await;
    Ok(texts)
}

/// Refs are numbered in the order in which elements are met, so that one line more shifts all that follow.
fn unnumbered(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, part) in text.split("[ref=").enumerate() {
        out.push_str(if at == 0 { part } else { part.trim_start_matches(|c: char| c.is_ascii_alphanumeric()) });
    }
    out
}

/// The lines that one has more of than the other, by side.
fn different(one: &str, other: &str) -> Vec<String> {
    let mut counts: HashMap<&str, i32> = HashMap::new();
    for line in one.lines() {
        *counts.entry(line).or_default() += 1;
    }
    for line in other.lines() {
        *counts.entry(line).or_default() -= 1;
    }
    let mut lines: Vec<_> = counts.into_iter().filter(|(_, count)| *count != 0).collect();
    lines.sort_unstable();
    lines.into_iter().map(|(line, count)| format!("{} {line}", if count > 0 { "-" } else { "+" })).collect()
}
