//! What a command costs while other sessions are open: cost grows with the work, not with what is merely there. The raw client has as
//! many pages open, which shows what of the growth is the browser's.

use std::thread::sleep;

use anyhow::Result;

use super::commands::{both_goto, click_params, ours_click, ours_eval, raw_click, raw_eval};
use super::crowd::Crowd;
use super::report::{Bound, Row};
use super::{Bench, QUIET, page};

/// How many sessions are open.
const OPEN: [usize; 4] = [1, 5, 10, 20];

/// A row for each number of sessions and each of the two commands, measured in the oldest session.
pub(super) fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let url = bench.site.url(page::PATH);
    let mut crowd = Crowd::default();
    let (mut evals, mut clicks) = (Vec::new(), Vec::new());
    let params = click_params()?;
    for open in OPEN {
        crowd.grow(bench, open - 1)?;
        // A fresh document for each number, so that no earlier one's history counts; and time for the new pages to come to rest, and for
        // the context that is kept warm to be made again.
        both_goto(bench, &url)?;
        sleep(QUIET);
        let eval = bench.turns(5, 20, ours_eval, raw_eval)?;
        evals.push(Row::pair(
            format!("eval, {open} sessions open"),
            Bound::None,
            eval,
        ));
        let click = bench.turns(
            5,
            10,
            |ours, session| ours_click(ours, session, &params),
            raw_click,
        )?;
        clicks.push(Row::pair(
            format!("click, {open} sessions open"),
            Bound::None,
            click,
        ));
    }
    crowd.close(bench)?;
    evals.extend(clicks);
    Ok(evals)
}
