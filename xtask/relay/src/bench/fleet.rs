//! Many sessions of one browser at once, beside a raw client with as many contexts; and the sequential round trips to the browser that
//! a command takes, which no machine's speed changes.

use std::time::Instant;

use anyhow::{Result, ensure};
use ops_contracts::wire::command::{
    Command, DomSnapshot, InteractClick, InteractFill, dom, interact,
};

use super::commands::{both_goto, click_params, ours_goto, raw_mouse, raw_point};
use super::crowd::Crowd;
use super::raw::{RawBrowser, RawPage};
use super::report::{Bound, Row};
use super::{Bench, QUIET, page};
use crate::processes::Process;
use crate::samples::Samples;

/// Sessions that click.
const OPEN: usize = 50;

/// Clicks of each in a round.
const CLICKS: u32 = 4;

const ROUNDS: u32 = 10;

/// Renderers beside one for each session that clicks: of the bench's own session, of the context that is kept warm, and the one that
/// Chromium has ready for the next page.
const BESIDES: usize = 3;

/// By this flag a renderer is known.
const RENDERER: &str = "--type=renderer";

/// A throughput of at least 0.8 is a time of at most this.
const TIMES: f64 = 1.25;

/// Every row of this part.
pub(super) fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::from(trips(bench)?);
    rows.extend(together(bench)?);
    Ok(rows)
}

/// What commands take in sequence; the second time, when nothing has to be made ready any more.
fn trips(bench: &mut Bench) -> Result<[Row; 3]> {
    let form = bench.site.url(page::PATH);
    both_goto(bench, &form)?;
    let fill = interact::FillParams {
        element: "css=#field".parse()?,
        value: "value".into(),
        target_id: None,
    };
    let click = of::<InteractClick>(bench, &click_params()?)?.1;
    let filled = of::<InteractFill>(bench, &fill)?.1;
    let frames = bench.site.url(page::FRAMES);
    ours_goto(&bench.ours, &bench.session, &frames)?;
    let params = dom::SnapshotParams {
        max_chars: 10_000_000,
        ..Default::default()
    };
    let (taken, snapshot) = of::<DomSnapshot>(bench, &params)?;
    ensure!(
        taken.omitted == 0 && taken.lines >= 10_000,
        "{} lines, {} omitted",
        taken.lines,
        taken.omitted
    );
    let row = |name: &str, trips: u32, most: f64| Row::value(name, f64::from(trips), most, "");
    Ok([
        row("round trips of a click", click, 3.0),
        row("round trips of a fill", filled, 3.0),
        row(
            "round trips of a snapshot of 10,000 nodes in 21 frames",
            snapshot,
            3.0,
        ),
    ])
}

fn of<C: Command>(bench: &Bench, params: &C::Params) -> Result<(C::Result, u32)> {
    bench.ours.call::<C>(Some(&bench.session), params)?;
    let (result, timing) = bench.ours.told::<C>(Some(&bench.session), params)?;
    Ok((result, timing.round_trips))
}

/// All sessions click at once, each one click after the other: beside a raw client that clicks, and beside one that then asks each page
/// what has come of it, which ours always does. Pages get faster with their first clicks, so each comparison has pages of its own.
fn together(bench: &mut Bench) -> Result<[Row; 3]> {
    let name = format!("{OPEN} sessions, {CLICKS} clicks in each");
    let (bare, _) = beside(bench, raw_click_all)?;
    let (told, renderers) = beside(bench, |raw, pages| {
        raw_click_all(raw, pages)?;
        let asked: Vec<u64> = pages
            .iter()
            .map(|page| raw.send_eval(page, "clicks"))
            .collect::<Result<_>>()?;
        asked.into_iter().try_for_each(|id| raw.value(id).map(drop))
    })?;
    let row = |name: String, samples| Row::pair(name, Bound::Times(TIMES), samples);
    let (renderers, most) = (
        f64::from(u32::try_from(renderers)?),
        f64::from(u32::try_from(OPEN + BESIDES)?),
    );
    Ok([
        row(name.clone(), bare),
        row(format!("{name}, to one that reads back"), told),
        Row::value(format!("renderers of {OPEN} sessions"), renderers, most, ""),
    ])
}

/// Opens as many sessions and raw pages, has both click in turns, and closes them.
fn beside(
    bench: &mut Bench,
    raw_click: impl FnMut(&mut RawBrowser, &[RawPage]) -> Result<()>,
) -> Result<((Samples, Samples), usize)> {
    let mut crowd = Crowd::default();
    crowd.grow(bench, OPEN)?;
    std::thread::sleep(QUIET);
    let samples = rounds(bench, &crowd, raw_click)?;
    // Chromium writes a renderer's command line anew, as one string.
    let is_renderer = |process: &Process| {
        process
            .command_line()
            .iter()
            .any(|flags| flags.contains(RENDERER))
    };
    let renderers = bench
        .relay
        .processes()
        .into_iter()
        .filter(is_renderer)
        .count();
    crowd.close(bench)?;
    std::thread::sleep(QUIET);
    Ok((samples, renderers))
}

fn rounds(
    bench: &mut Bench,
    crowd: &Crowd,
    mut raw_click: impl FnMut(&mut RawBrowser, &[RawPage]) -> Result<()>,
) -> Result<(Samples, Samples)> {
    let params = click_params()?;
    let (mut ours, mut raw) = (Samples::default(), Samples::default());
    for round in 0..=ROUNDS * bench.rounds {
        for turn in 0..2 {
            let ours_now = (round + turn) % 2 == 0;
            let began = Instant::now();
            if ours_now {
                bench
                    .ours
                    .repeat::<InteractClick>(&crowd.sessions, &params, CLICKS)?;
            } else {
                (0..CLICKS).try_for_each(|_| raw_click(&mut bench.raw, &crowd.pages))?;
            }
            // The first round is for warming up.
            if round > 0 {
                if ours_now { &mut ours } else { &mut raw }.add(began.elapsed());
            }
        }
    }
    Ok((ours, raw))
}

/// One click in each page; no page waits for another's answer.
fn raw_click_all(raw: &mut RawBrowser, pages: &[RawPage]) -> Result<()> {
    let asked: Vec<u64> = pages
        .iter()
        .map(|page| raw_point(raw, page))
        .collect::<Result<_>>()?;
    let mut sent = Vec::with_capacity(3 * pages.len());
    for (page, id) in pages.iter().zip(asked) {
        let point = raw.value(id)?;
        sent.extend(raw_mouse(raw, page, &point)?);
    }
    sent.into_iter().try_for_each(|id| raw.wait(id).map(drop))
}
