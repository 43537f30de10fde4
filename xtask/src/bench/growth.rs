//! What a command costs while other sessions are open: cost grows with the work, not with what is merely there.

use std::time::Instant;

use anyhow::Result;

use super::commands::{click_params, ours_click, ours_eval, ours_goto};
use super::report::Row;
use super::{Bench, page};
use crate::samples::Samples;

/// How many sessions are open.
const OPEN: [usize; 4] = [1, 5, 10, 20];

const TIMES: u32 = 100;

/// A row for each number of sessions and each of the two commands. The last one made is measured, on a page like all others.
pub(super) fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let url = bench.site.url(page::PATH);
    ours_goto(&bench.ours, &bench.session, &url)?;
    let mut others = Vec::new();
    let (mut evals, mut clicks) = (Vec::new(), Vec::new());
    let params = click_params()?;
    for open in OPEN {
        while others.len() + 1 < open {
            let session = bench.ours.create()?;
            ours_goto(&bench.ours, &session, &url)?;
            others.push(session);
        }
        let timed = |run: &dyn Fn() -> Result<()>| -> Result<Samples> {
            let mut samples = Samples::default();
            for time in 0..TIMES + 10 {
                let began = Instant::now();
                run()?;
                if time >= 10 {
                    samples.add(began.elapsed());
                }
            }
            Ok(samples)
        };
        evals.push(Row::single(format!("eval, {open} sessions open"), timed(&|| ours_eval(&bench.ours, &bench.session))?));
        clicks.push(Row::single(
            format!("click, {open} sessions open"),
            timed(&|| ours_click(&bench.ours, &bench.session, &params))?,
        ));
    }
    for session in &others {
        bench.ours.close(session)?;
    }
    evals.extend(clicks);
    Ok(evals)
}
