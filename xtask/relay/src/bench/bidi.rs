//! The second adapter: through `/ops` on Firefox, beside a raw client of its protocol that makes the same calls on a Firefox of its
//! own, and beside Chromium through `/ops`.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use ops_contracts::wire::capability::BrowserKind;
use ops_contracts::wire::command::{DomEval, DomSnapshot, InteractFill, dom, interact};
use serde_json::json;

use super::commands::{TABLE, click_params, css, ours_click, ours_eval, ours_goto};
use super::ours::{Ours, Session};
use super::raw_bidi::{Model, RawFirefox};
use super::report::{Bound, Row};
use super::{Bench, page, starts};
use crate::relay::private_folder;
use crate::samples::Samples;
use xtask::workspace::Workspace;

/// What a browser does in the background after it was started or ended is not to be measured with the next one.
const QUIET: Duration = Duration::from_millis(600);

/// Finds the button, brings it into view, and tells its middle and whether the middle is its own.
const RESOLVE: &str = "(() => { const e = document.querySelector('#hit'); e.scrollIntoView({ block: 'nearest' }); \
    const b = e.getBoundingClientRect(), x = Math.floor(b.x + b.width / 2), y = Math.floor(b.y + b.height / 2); \
    return JSON.stringify({ x, y, hit: document.elementFromPoint(x, y) === e }); })()";
/// What the handlers of the click have begun was announced when a later task runs.
const LATER: &str = "new Promise((done) => { setTimeout(() => done(document.hasFocus())); })";
const CLICKS: &str = "clicks";
const FOCUS: &str = "(() => { const e = document.querySelector('#field'); e.focus(); e.select(); return document.activeElement === e; })()";
const READ: &str = "document.querySelector('#field').value";
/// Where the bridge is read, by both.
const SANDBOX: &str = "odb-bench";

/// The three that are compared, each with a page.
struct Sides<'a> {
    ours: &'a Ours,
    firefox: Session,
    chromium: Session,
    raw: RawFirefox,
    page: String,
    rounds: u32,
}

/// What was measured of each.
#[derive(Default)]
struct Three {
    firefox: Samples,
    raw: Samples,
    chromium: Samples,
}

impl Three {
    fn rows(self, name: &str, bound: Bound, beside: Bound) -> [Row; 2] {
        let firefox = self.firefox.clone();
        [
            Row::pair(format!("Firefox: {name}"), bound, (self.firefox, self.raw)),
            Row::pair(
                format!("Firefox to Chromium: {name}"),
                beside,
                (firefox, self.chromium),
            ),
        ]
    }
}

impl Sides<'_> {
    /// Measures all three in turns; who begins changes from round to round. The first round is for warming up.
    fn turns(
        &mut self,
        rounds: u32,
        times: u32,
        mut ours: impl FnMut(&Ours, &Session) -> Result<()>,
        mut raw: impl FnMut(&mut RawFirefox, &str) -> Result<()>,
    ) -> Result<Three> {
        let mut three = Three::default();
        for round in 0..=rounds * self.rounds {
            for turn in 0..3 {
                for _ in 0..times {
                    let began = Instant::now();
                    let samples = match (round + turn) % 3 {
                        0 => ours(self.ours, &self.firefox).map(|()| &mut three.firefox),
                        1 => raw(&mut self.raw, &self.page).map(|()| &mut three.raw),
                        _ => ours(self.ours, &self.chromium).map(|()| &mut three.chromium),
                    }?;
                    let took = began.elapsed();
                    if round > 0 {
                        samples.add(took);
                    }
                }
            }
        }
        Ok(three)
    }

    fn goto(&mut self, url: &str) -> Result<()> {
        ours_goto(self.ours, &self.firefox, url)?;
        ours_goto(self.ours, &self.chromium, url)?;
        self.raw.goto(&self.page, url)
    }
}

/// Every row of this part, in the order of the table.
pub(super) fn measure(bench: &Bench, workspace: &Workspace) -> Result<Vec<Row>> {
    let firefox = bench.ours.create_in(BrowserKind::Firefox)?;
    let model = Model::of(bench.relay.info.pid)?;
    let mut raw = RawFirefox::launch(&model)?;
    let page = raw.open()?;
    let chromium = bench.session.clone();
    let mut sides = Sides {
        ours: &bench.ours,
        firefox,
        chromium,
        raw,
        page,
        rounds: bench.rounds,
    };
    sides.goto(&bench.site.url(page::PATH))?;
    let raw_eval = |raw: &mut RawFirefox, page: &str| {
        let value = raw.eval(page, None, "1 + 1")?;
        ensure!(value == json!(2), "1 + 1 is {value}");
        Ok(())
    };
    let mut rows = Vec::new();
    rows.extend(sides.turns(15, 40, ours_eval, raw_eval)?.rows(
        "eval",
        Bound::Adds(0.25),
        Bound::None,
    ));
    rows.extend(click(&mut sides)?.rows("click", Bound::Times(1.15), Bound::None));
    rows.extend(fill(&mut sides)?.rows("fill", Bound::Times(1.15), Bound::None));
    sides.goto(&bench.site.url(TABLE))?;
    let bridge = bridge(workspace)?;
    sides
        .raw
        .eval(&sides.page, Some(SANDBOX), &format!("{bridge}\n0"))?;
    for (name, mode) in [
        ("full", dom::SnapshotMode::Full),
        ("interactive", dom::SnapshotMode::Interactive),
    ] {
        rows.extend(snapshot(&mut sides, name, mode)?.rows(
            &format!("snapshot, {name}"),
            Bound::Times(1.15),
            Bound::Times(5.0),
        ));
    }
    bench.ours.close(&sides.firefox)?;
    drop(sides);
    rows.extend(nothing(bench, &model)?.rows(
        "nothing to first title",
        Bound::Times(1.15),
        Bound::None,
    ));
    Ok(rows)
}

fn click(sides: &mut Sides<'_>) -> Result<Three> {
    let params = click_params()?;
    let raw = |raw: &mut RawFirefox, page: &str| {
        let point = raw.eval(page, None, RESOLVE)?;
        let point: serde_json::Value =
            serde_json::from_str(point.as_str().context("a point is told as text")?)?;
        ensure!(point["hit"] == json!(true), "something covers the button");
        let to = json!({ "type": "pointerMove", "x": point["x"], "y": point["y"] });
        let actions = json!([to, { "type": "pointerDown", "button": 0 }, { "type": "pointerUp", "button": 0 }]);
        let mouse = json!({ "type": "pointer", "id": "mouse", "parameters": { "pointerType": "mouse" }, "actions": actions });
        raw.call(
            "input.performActions",
            &json!({ "context": page, "actions": [mouse] }),
        )?;
        ensure!(
            raw.eval(page, None, LATER)? == json!(true),
            "the raw page has no focus"
        );
        raw.eval(page, None, CLICKS).map(drop)
    };
    let three = sides.turns(
        12,
        15,
        |ours, session| ours_click(ours, session, &params),
        raw,
    )?;
    let expected = json!((12 * sides.rounds + 1) * 15);
    for session in [&sides.firefox, &sides.chromium] {
        let params = dom::EvalParams {
            expression: CLICKS.to_owned(),
            await_promise: false,
            frame: None,
            target_id: None,
        };
        let counted = sides.ours.call::<DomEval>(Some(session), &params)?.value;
        ensure!(
            serde_json::from_str::<serde_json::Value>(counted.get())? == expected,
            "the page counted {counted} clicks, not {expected}"
        );
    }
    let counted = sides.raw.eval(&sides.page, None, CLICKS)?;
    ensure!(
        counted == expected,
        "the raw page counted {counted} clicks, not {expected}"
    );
    Ok(three)
}

fn fill(sides: &mut Sides<'_>) -> Result<Three> {
    let (mut number, mut raw_number) = (0, 0);
    let element = css("#field")?;
    let ours = |ours: &Ours, session: &Session| {
        number += 1;
        let params = interact::FillParams {
            element: element.clone(),
            value: format!("value {number}").into(),
            target_id: None,
        };
        let filled = ours.call::<InteractFill>(Some(session), &params)?;
        ensure!(
            *filled.value == *params.value,
            "the field holds {:?}",
            filled.value
        );
        Ok(())
    };
    let raw = |raw: &mut RawFirefox, page: &str| {
        raw_number += 1;
        let value = format!("value {raw_number}");
        ensure!(
            raw.eval(page, None, FOCUS)? == json!(true),
            "the field has no focus"
        );
        let insert = format!("document.execCommand('insertText', false, '{value}')");
        ensure!(
            raw.eval(page, None, &insert)? == json!(true),
            "the text is not taken"
        );
        let held = raw.eval(page, None, READ)?;
        ensure!(held == json!(value), "the raw field holds {held}");
        Ok(())
    };
    sides.turns(12, 15, ours, raw)
}

/// Of a thousand rows, some 5,000 elements. The raw client makes the call of the control plane's own script.
fn snapshot(sides: &mut Sides<'_>, name: &str, mode: dom::SnapshotMode) -> Result<Three> {
    let params = dom::SnapshotParams {
        mode,
        max_chars: 10_000_000,
        ..Default::default()
    };
    let ours = |ours: &Ours, session: &Session| {
        let taken = ours.call::<DomSnapshot>(Some(session), &params)?;
        ensure!(
            taken.omitted == 0 && taken.lines >= 3_000,
            "{} lines, {} omitted",
            taken.lines,
            taken.omitted
        );
        Ok(())
    };
    let args =
        json!({ "mode": name, "prefix": "e", "next": 1, "urls": false, "maxNodes": 1_000_000 });
    let call = format!("__odb.call('snapshot', {args})");
    let raw = |raw: &mut RawFirefox, page: &str| {
        let taken = raw.eval(page, Some(SANDBOX), &call)?;
        let length = taken.as_str().context("a snapshot is a text")?.len();
        ensure!(length > 100_000, "the raw snapshot has {length} bytes");
        Ok(())
    };
    sides.turns(10, 1, ours, raw)
}

/// The script that reads pages, put together as its crate does it.
fn bridge(workspace: &Workspace) -> Result<String> {
    let folder = workspace.root.join("crates/ops-runtime/src");
    let list = fs::read_to_string(folder.join("bridge.rs"))?;
    let parts = list.lines().filter_map(|line| {
        line.trim()
            .strip_prefix("include_str!(\"")?
            .strip_suffix("\"),")
    });
    let parts: Vec<String> = parts
        .map(|part| fs::read_to_string(folder.join(part)))
        .collect::<Result<_, _>>()?;
    ensure!(!parts.is_empty(), "the script has parts");
    Ok(parts.concat())
}

/// From no relay and no browser to the first page's title, by the command line.
fn nothing(bench: &Bench, model: &Model) -> Result<Three> {
    let url = bench.site.url("/plain");
    let mut three = Three::default();
    for _ in 0..5 * bench.rounds {
        for (samples, browser) in [
            (&mut three.firefox, "firefox"),
            (&mut three.chromium, "chrome"),
        ] {
            sleep(QUIET);
            let home = private_folder("odb-bench-")?;
            let began = Instant::now();
            let read = first_title(bench, home.path(), browser, &url);
            samples.add(began.elapsed());
            // The relay that it started must not outlive a failure either.
            let stopped = starts::cli(bench, home.path(), &["stop"]);
            let read = read?;
            stopped?;
            ensure!(read.trim() == "Plain page", "the title is {read:?}");
        }
        sleep(QUIET);
        let began = Instant::now();
        let mut firefox = RawFirefox::launch(model)?;
        let page = firefox.open()?;
        firefox.goto(&page, &url)?;
        let title = firefox.eval(&page, None, "document.title")?;
        three.raw.add(began.elapsed());
        ensure!(title == json!("Plain page"), "the title is {title}");
    }
    Ok(three)
}

fn first_title(bench: &Bench, home: &Path, browser: &str, url: &str) -> Result<String> {
    starts::cli(bench, home, &["open", "--browser", browser, url])?;
    starts::cli(bench, home, &["get", "title"])
}
