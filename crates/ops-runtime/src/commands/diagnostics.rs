//! `diagnostics.*`: the session's logs, read from a cursor on.

use ops_contracts::Outcome;
use ops_contracts::wire::command::diagnostics::{ConsoleResult, ErrorsResult, LogParams};
use ops_contracts::wire::command::performance::{PerformanceParams, PerformanceResult};
use ops_contracts::wire::ids::TargetId;

use crate::cx::Cx;

pub(crate) async fn console(cx: &Cx, params: LogParams) -> Outcome<ConsoleResult> {
    let state = cx.world.lock();
    let (entries, next_seq, lost) =
        state
            .console
            .read(params.since_seq, params.limit as usize, |entry| {
                wanted(&params, &entry.target_id)
            });
    Ok(ConsoleResult {
        entries,
        next_seq,
        lost,
    })
}

pub(crate) async fn errors(cx: &Cx, params: LogParams) -> Outcome<ErrorsResult> {
    let state = cx.world.lock();
    let (entries, next_seq, lost) =
        state
            .errors
            .read(params.since_seq, params.limit as usize, |entry| {
                wanted(&params, &entry.target_id)
            });
    Ok(ErrorsResult {
        entries,
        next_seq,
        lost,
    })
}

fn wanted(params: &LogParams, target: &TargetId) -> bool {
    params.target_id.as_ref().is_none_or(|id| id == target)
}

pub(crate) async fn performance(cx: &Cx, params: PerformanceParams) -> Outcome<PerformanceResult> {
    let page = cx.page(params.target_id.as_ref())?;
    cx.waiting_for("the page's measurements");
    page.bridge(page.main_frame(), "metrics", &serde_json::json!({}))
        .await
}
