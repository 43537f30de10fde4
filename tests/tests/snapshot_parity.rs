//! The same page gives the same snapshot in Chromium and in Firefox, on the markup on which roles and names are compared with
//! the browser's own. Lines that differ are listed with their reason in `snapshot_parity.json`; one that is not listed fails,
//! and so does a listed one that is none any more.

use std::collections::{BTreeSet, HashMap};

use conformance::site::Site;
use conformance::site::pages::Page;
use conformance::suite::{Fixture, Subject};
use libtest_mimic::Failed;
use odb_tests::{Suite, async_trial, subjects};
use ops_contracts::wire::command::DomSnapshot;
use ops_contracts::wire::command::dom::{SnapshotMode, SnapshotParams};

macro_rules! corpus {
    ($($name:literal,)+) => {
        &[$(Page {
            path: concat!("/bridge/", $name),
            content_type: "text/html; charset=utf-8",
            body: include_str!(concat!("../../crates/conformance/pages/bridge/", $name)),
        },)+]
    };
}

/// Pages of the site itself.
const OWN: &[&str] = &[
    "/pages/ax/header.html",
    "/pages/ax/settings.html",
    "/pages/ax/widgets.html",
    "/pages/ax/grids.html",
    "/pages/ax/overlays.html",
    "/pages/ax/shadow.html",
    "/pages/ax/frames.html",
    "/pages/acting.html",
    "/pages/dialogs.html",
    "/pages/drag.html",
    "/pages/forms.html",
    "/pages/moving.html",
    "/pages/spa.html",
    "/pages/table.html",
    "/pages/tour/apply.html",
    "/pages/tour/editor.html",
    "/pages/tour/media.html",
    "/pages/tour/nested.html",
    "/shop/",
    "/shop/product/speckled-mug",
];

/// The share of lines that must be equal, those that are listed included.
const EQUAL: f64 = 98.0;

/// A line that one browser has and the other has not.
#[derive(Debug, serde::Deserialize)]
struct Known {
    page: String,
    /// `-` before what Chromium has, `+` before what Firefox has.
    line: String,
    reason: String,
}

/// The rest of the corpus; `waiting` and `animated` are left out, since they change while they are read.
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

pub(crate) fn suite() -> Suite {
    Suite::of_trials(vec![async_trial(
        "snapshot_parity::the_corpus_has_the_same_lines_in_both_browsers",
        corpus,
    )])
}

async fn corpus() -> Result<(), Failed> {
    let profiles = tempfile::tempdir()?;
    let (chromium, firefox) = (
        subjects::cdp(profiles.path().join("a")),
        subjects::bidi_firefox(profiles.path().join("b")),
    );
    let (one, other) = tokio::join!(snapshots(chromium), snapshots(firefox));
    let known: Vec<Known> = serde_json::from_str(include_str!("snapshot_parity.json"))?;
    let (mut lines, mut differing) = (0, BTreeSet::new());
    for ((page, one), other) in paths().zip(one?).zip(other?) {
        lines += one.lines().count();
        differing.extend(
            different(&one, &other)
                .into_iter()
                .map(|line| (page.to_owned(), line)),
        );
    }
    let equal = 100.0 - 100.0 * differing.len() as f64 / lines as f64;
    println!("{equal:.2} % of {lines} lines are equal");
    let mut wrong: Vec<String> = Vec::new();
    for known in &known {
        let differs = differing.remove(&(known.page.clone(), known.line.clone()));
        println!("{}: {} ({})", known.page, known.line, known.reason);
        if !differs {
            wrong.push(format!(
                "{}: is equal, and listed as different: {}",
                known.page, known.line
            ));
        }
    }
    wrong.extend(
        differing
            .into_iter()
            .map(|(page, line)| format!("{page}: differs, and is not listed: {line}")),
    );
    if equal < EQUAL {
        wrong.push(format!("only {equal:.2} % of {lines} lines are equal"));
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(wrong.join("\n").into())
    }
}

fn paths() -> impl Iterator<Item = &'static str> {
    PAGES
        .iter()
        .map(|page| page.path)
        .chain(OWN.iter().copied())
}

async fn snapshots(subject: Subject) -> Result<Vec<String>, String> {
    let mut fixture = Fixture::new(subject, "parity").map_err(|error| error.to_string())?;
    fixture.site = Site::start_with(PAGES).map_err(|error| error.to_string())?;
    let mut texts = Vec::new();
    let session = fixture.session().await.map_err(|error| error.to_string())?;
    for page in paths() {
        session
            .goto(page)
            .await
            .map_err(|error| error.to_string())?;
        let params = SnapshotParams {
            mode: SnapshotMode::Full,
            max_chars: 1_000_000,
            ..SnapshotParams::default()
        };
        let snapshot = session
            .call::<DomSnapshot>(&params)
            .await
            .map_err(|error| error.to_string())?;
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
        out.push_str(if at == 0 {
            part
        } else {
            part.trim_start_matches(|c: char| c.is_ascii_alphanumeric())
        });
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
    let mut lines: Vec<_> = counts
        .into_iter()
        .filter(|(_, count)| *count != 0)
        .collect();
    lines.sort_unstable();
    lines
        .into_iter()
        .map(|(line, count)| format!("{} {line}", if count > 0 { "-" } else { "+" }))
        .collect()
}
