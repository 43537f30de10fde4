//! Commands on a page that is there already: each beside the protocol calls that do the same.

use std::thread::sleep;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use ops_contracts::wire::command::{
    DomEval, DomSnapshot, DomTitle, ExportScreenshot, InteractClick, InteractFill, NavGoto, dom,
    export, interact, nav,
};
use ops_contracts::wire::locator::Locator;
use serde_json::{Value, json};

use super::ours::{Ours, Session};
use super::raw::{RawBrowser, RawPage};
use super::report::{Bound, Row};
use super::{Bench, QUIET, page};
use crate::samples::Samples;

/// Finds the button, brings it into view, and tells its middle and whether the middle is its own.
const RESOLVE: &str = "(() => { const e = document.querySelector('#hit'); e.scrollIntoView({ block: 'nearest' }); \
    const b = e.getBoundingClientRect(), x = b.x + b.width / 2, y = b.y + b.height / 2; \
    return { x, y, hit: document.elementFromPoint(x, y) === e }; })()";

/// Focuses the field and selects what it holds.
const FOCUS: &str = "(() => { const e = document.querySelector('#field'); e.focus(); e.select(); return document.activeElement === e; })()";

const READ: &str = "document.querySelector('#field').value";

/// The large page, and how many nodes of it can be acted on.
pub(super) const TABLE: &str = "/pages/table.html?rows=1000";

/// Every row of this part, in the order of the table.
pub(super) fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let form = bench.site.url(page::PATH);
    both_goto(bench, &form)?;
    let mut rows = vec![
        Row::pair(
            "eval, added by the hop",
            Bound::Adds(0.25),
            bench.turns(15, 40, ours_eval, raw_eval)?,
        ),
        Row::pair(
            "title, added by the hop",
            Bound::Adds(0.25),
            bench.turns(15, 40, ours_title, raw_title)?,
        ),
    ];
    rows.extend(click(bench)?);
    rows.push(fill(bench)?);
    rows.extend(goto(bench)?);
    rows.push(screenshot(bench)?);
    rows.extend(snapshot(bench)?);
    Ok(rows)
}

impl Bench {
    /// Measures both in turns; who begins changes from round to round. The first round is for warming up.
    pub(super) fn turns(
        &mut self,
        rounds: u32,
        times: u32,
        mut ours: impl FnMut(&Ours, &Session) -> Result<()>,
        mut raw: impl FnMut(&mut RawBrowser, &RawPage) -> Result<()>,
    ) -> Result<(Samples, Samples)> {
        let (mut of_ours, mut of_raw) = (Samples::default(), Samples::default());
        for round in 0..=rounds * self.rounds {
            for turn in 0..2 {
                let ours_now = (round + turn) % 2 == 0;
                for _ in 0..times {
                    let began = Instant::now();
                    if ours_now {
                        ours(&self.ours, &self.session)?;
                    } else {
                        raw(&mut self.raw, &self.page)?;
                    }
                    let took = began.elapsed();
                    if round > 0 {
                        if ours_now { &mut of_ours } else { &mut of_raw }.add(took);
                    }
                }
            }
        }
        Ok((of_ours, of_raw))
    }
}

/// Brings both sides to a page.
pub(super) fn both_goto(bench: &mut Bench, url: &str) -> Result<()> {
    ours_goto(&bench.ours, &bench.session, url)?;
    bench.raw.goto(&bench.page, url)
}

pub(super) fn ours_goto(ours: &Ours, session: &Session, url: &str) -> Result<()> {
    let params = nav::GotoParams {
        url: url.to_owned(),
        wait_until: Default::default(),
        target_id: None,
    };
    let went = ours.call::<NavGoto>(Some(session), &params)?;
    ensure!(went.status == Some(200), "{url} answered {:?}", went.status);
    Ok(())
}

pub(super) fn ours_eval(ours: &Ours, session: &Session) -> Result<()> {
    let evaluated = evaluate(ours, session, "1 + 1")?;
    ensure!(evaluated == json!(2), "1 + 1 is {evaluated}");
    Ok(())
}

fn evaluate(ours: &Ours, session: &Session, expression: &str) -> Result<Value> {
    let params = dom::EvalParams {
        expression: expression.to_owned(),
        await_promise: false,
        frame: None,
        target_id: None,
    };
    let evaluated = ours.call::<DomEval>(Some(session), &params)?;
    Ok(serde_json::from_str(evaluated.value.get())?)
}

pub(super) fn raw_eval(raw: &mut RawBrowser, page: &RawPage) -> Result<()> {
    let value = raw.eval_as_user(page, "1 + 1")?;
    ensure!(value == json!(2), "1 + 1 is {value}");
    Ok(())
}

fn ours_title(ours: &Ours, session: &Session) -> Result<()> {
    let title = ours.call::<DomTitle>(Some(session), &dom::PageParams::default())?;
    ensure!(title.value == "Bench", "the title is {:?}", title.value);
    Ok(())
}

fn raw_title(raw: &mut RawBrowser, page: &RawPage) -> Result<()> {
    let title = raw.eval(page, "document.title")?;
    ensure!(title == json!("Bench"), "the title is {title}");
    Ok(())
}

pub(super) fn css(selector: &str) -> Result<Locator> {
    Ok(format!("css={selector}").parse()?)
}

pub(super) fn click_params() -> Result<interact::ClickParams> {
    let (button, modifiers) = (Default::default(), Vec::new());
    Ok(interact::ClickParams {
        element: css("#hit")?,
        button,
        count: 1,
        modifiers,
        position: None,
        target_id: None,
    })
}

pub(super) fn ours_click(
    ours: &Ours,
    session: &Session,
    params: &interact::ClickParams,
) -> Result<()> {
    ours.call::<InteractClick>(Some(session), params).map(drop)
}

pub(super) fn raw_click(raw: &mut RawBrowser, page: &RawPage) -> Result<()> {
    let asked = raw_point(raw, page)?;
    let point = raw.value(asked)?;
    raw_mouse(raw, page, &point)?
        .into_iter()
        .try_for_each(|id| raw.wait(id).map(drop))
}

/// Asks where the button is, without waiting.
pub(super) fn raw_point(raw: &mut RawBrowser, page: &RawPage) -> Result<u64> {
    raw.send_eval(page, RESOLVE)
}

/// Sends a click there, without waiting.
pub(super) fn raw_mouse(raw: &mut RawBrowser, page: &RawPage, point: &Value) -> Result<[u64; 3]> {
    ensure!(point["hit"] == json!(true), "something covers the button");
    let event = |kind: &str, count: u8, buttons: u8| {
        let button = if count > 0 { "left" } else { "none" };
        json!({ "type": kind, "x": point["x"], "y": point["y"], "button": button, "buttons": buttons, "clickCount": count })
    };
    Ok([
        raw.send(
            Some(page),
            "Input.dispatchMouseEvent",
            &event("mouseMoved", 0, 0),
        )?,
        raw.send(
            Some(page),
            "Input.dispatchMouseEvent",
            &event("mousePressed", 1, 1),
        )?,
        raw.send(
            Some(page),
            "Input.dispatchMouseEvent",
            &event("mouseReleased", 1, 0),
        )?,
    ])
}

/// Beside a raw client that clicks, and beside one that then asks the page what has come of it, which ours always does.
fn click(bench: &mut Bench) -> Result<[Row; 2]> {
    let params = click_params()?;
    let ours = |ours: &Ours, session: &Session| ours_click(ours, session, &params);
    let bare = bench.turns(12, 15, ours, raw_click)?;
    let told = bench.turns(12, 15, ours, |raw, page| {
        raw_click(raw, page)?;
        raw.eval(page, "clicks").map(drop)
    })?;
    let expected = json!(2 * (12 * bench.rounds + 1) * 15);
    let counted = (
        evaluate(&bench.ours, &bench.session, "clicks")?,
        bench.raw.eval(&bench.page, "clicks")?,
    );
    ensure!(
        counted == (expected.clone(), expected),
        "the pages counted {counted:?} clicks"
    );
    Ok([
        Row::pair("click", Bound::Times(1.5), bare),
        Row::pair("click, to one that reads back", Bound::Times(1.3), told),
    ])
}

fn fill(bench: &mut Bench) -> Result<Row> {
    let (mut ours_number, mut raw_number) = (0, 0);
    let element = css("#field")?;
    let ours = |ours: &Ours, session: &Session| {
        ours_number += 1;
        let value = format!("value {ours_number}");
        let params = interact::FillParams {
            element: element.clone(),
            value: value.into(),
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
    let raw = |raw: &mut RawBrowser, page: &RawPage| {
        raw_number += 1;
        let value = format!("value {raw_number}");
        ensure!(
            raw.eval(page, FOCUS)? == json!(true),
            "the field has no focus"
        );
        // Input takes another way to the page than scripts do: read back before it is confirmed, the old value is found.
        raw.call(Some(page), "Input.insertText", &json!({ "text": value }))?;
        let held = raw.eval(page, READ)?;
        ensure!(held == json!(value), "the raw field holds {held}");
        Ok(())
    };
    Ok(Row::pair(
        "fill",
        Bound::Times(1.3),
        bench.turns(12, 15, ours, raw)?,
    ))
}

/// Beside a raw client that waits for the load, and beside one that also tells the response's status, which ours always does. It tells
/// the title too, and pays for that itself: a client that asks for a title after the load waits for the first paint.
fn goto(bench: &mut Bench) -> Result<[Row; 2]> {
    let urls = [bench.site.url("/shop/"), bench.site.url("/shop/search")];
    let mut ours_next = urls.iter().cycle();
    let mut ours = |ours: &Ours, session: &Session| {
        ours_goto(
            ours,
            session,
            ours_next.next().context("there is a next URL")?,
        )
    };
    let (mut bare_next, mut told_next) = (urls.iter().cycle(), urls.iter().cycle());
    let bare = |raw: &mut RawBrowser, page: &RawPage| {
        raw.goto(page, bare_next.next().context("there is a next URL")?)
    };
    let bare = bench.turns(30, 2, &mut ours, bare)?;
    let watched = bench.raw.open()?;
    bench.raw.watch_network(&watched)?;
    sleep(QUIET);
    let told = |raw: &mut RawBrowser, _: &RawPage| {
        let url = told_next.next().context("there is a next URL")?;
        let status = raw.goto_told(&watched, url)?;
        ensure!(status == Some(200), "{url}: {status:?}");
        Ok(())
    };
    let told = bench.turns(30, 2, &mut ours, told);
    bench.raw.close(&watched)?;
    let row = |name, samples| Row::pair(name, Bound::Times(1.15), samples);
    Ok([
        row("goto", bare),
        row("goto, to one that tells the status", told?),
    ])
}

fn screenshot(bench: &mut Bench) -> Result<Row> {
    let shop = bench.site.url("/shop/");
    both_goto(bench, &shop)?;
    let params = export::ScreenshotParams::default();
    let ours = |ours: &Ours, session: &Session| {
        ours.call::<ExportScreenshot>(Some(session), &params)
            .map(drop)
    };
    let raw = |raw: &mut RawBrowser, page: &RawPage| {
        raw.call(
            Some(page),
            "Page.captureScreenshot",
            &json!({ "format": "png" }),
        )
        .map(drop)
    };
    Ok(Row::pair(
        "screenshot",
        Bound::Times(1.15),
        bench.turns(15, 2, ours, raw)?,
    ))
}

fn snapshot(bench: &mut Bench) -> Result<Vec<Row>> {
    let table = bench.site.url(TABLE);
    both_goto(bench, &table)?;
    let mut rows = Vec::new();
    for (name, mode) in [
        ("full", dom::SnapshotMode::Full),
        ("interactive", dom::SnapshotMode::Interactive),
    ] {
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
        let raw = |raw: &mut RawBrowser, page: &RawPage| {
            raw.call(Some(page), "Accessibility.getFullAXTree", &json!({}))
                .map(drop)
        };
        let samples = bench.turns(10, 1, ours, raw)?;
        rows.push(Row::pair(
            format!("snapshot of 1,000 rows, {name}"),
            Bound::Times(0.35),
            samples,
        ));
    }
    rows.extend(changes(bench)?);
    Ok(rows)
}

/// What has changed since the last snapshot, beside a whole snapshot of the same page; each after one change, which the page has to be
/// laid out for.
fn changes(bench: &Bench) -> Result<[Row; 2]> {
    let (mut of_changes, mut of_wholes, mut share) =
        (Samples::default(), Samples::default(), 0.0_f64);
    let whole = dom::SnapshotParams {
        max_chars: 10_000_000,
        ..Default::default()
    };
    let taken = |params: &dom::SnapshotParams, text: &str| {
        let change = format!("document.querySelector('#row-500 button').textContent = '{text}'");
        evaluate(&bench.ours, &bench.session, &change)?;
        let began = Instant::now();
        let snapshot = bench
            .ours
            .call::<DomSnapshot>(Some(&bench.session), params)?;
        anyhow::Ok((snapshot, began.elapsed()))
    };
    for round in 0..=15 * bench.rounds {
        let (full, took_whole) = taken(&whole, &format!("Whole {round}"))?;
        let params = dom::SnapshotParams {
            since: Some(full.id),
            ..whole.clone()
        };
        let (delta, took_change) = taken(&params, &format!("Change {round}"))?;
        ensure!(
            delta.delta.is_some_and(|delta| delta.added == 1),
            "one line has changed: {}",
            delta.text
        );
        // The first round is for warming up.
        if round > 0 {
            of_changes.add(took_change);
            of_wholes.add(took_whole);
        }
        #[expect(clippy::cast_precision_loss, reason = "lengths of texts below 2^52")]
        let percent = delta.text.len() as f64 * 100.0 / full.text.len() as f64;
        share = share.max(percent);
    }
    Ok([
        Row::pair(
            "snapshot of one change, to a whole one",
            Bound::Times(1.1),
            (of_changes, of_wholes),
        ),
        Row::value("snapshot of one change (% of the bytes)", share, 10.0, "%"),
    ])
}
