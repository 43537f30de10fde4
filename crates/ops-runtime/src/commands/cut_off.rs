//! Ends a command whose browser is lost or whose page has crashed, where it waits for what will not come any more.
//!
//! Whatever the browser itself refuses, the adapter tells at once; what a command waits for without having asked the browser, such as
//! a page that is closing or a URL, would otherwise end with its deadline alone.

use std::time::Duration;

use ops_contracts::{ErrorCode, Fault, Outcome};

use crate::cx::Cx;
use crate::world::State;

/// How long a command may take to say by itself what has happened: it knows more.
const GRACE: Duration = Duration::from_millis(250);

/// Runs a command, but not past the end of what it is about.
pub(super) async fn unless_cut_off<T>(
    cx: &Cx,
    run: impl Future<Output = Outcome<T>>,
) -> Outcome<T> {
    tokio::select! {
        biased;
        outcome = run => match outcome {
            Err(fault) if fault.code == ErrorCode::AdapterProtocolError => Err(explained(cx, fault).await),
            outcome => outcome,
        },
        fault = cut_off(cx) => Err(fault),
    }
}

/// A browser may refuse what it can't do any more before it tells why.
async fn explained(cx: &Cx, refusal: Fault) -> Fault {
    tokio::time::timeout(GRACE, cx.world.until(|state| happened(cx, state)))
        .await
        .unwrap_or(refusal)
}

async fn cut_off(cx: &Cx) -> Fault {
    loop {
        cx.world.until(|state| happened(cx, state)).await;
        tokio::time::sleep(GRACE).await;
        // A navigation may have given the page another renderer meanwhile.
        if let Some(fault) = happened(cx, &cx.world.lock()) {
            return fault;
        }
    }
}

fn happened(cx: &Cx, state: &State) -> Option<Fault> {
    if let Some(reason) = &state.lost {
        return Some(Fault::new(
            ErrorCode::AdapterBrowserLost,
            format!("the browser ended: {reason}"),
        ));
    }
    let tab = state.tab(cx.alive()?).filter(|tab| tab.crashed)?;
    Some(Fault::plain(ErrorCode::AdapterTargetCrashed).with("targetId", &tab.id))
}
