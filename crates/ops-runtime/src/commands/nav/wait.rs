//! `nav.wait`: until a load state, an element's state, a text, a URL, a function or a time. Survives navigations.

use std::time::Duration;

use ops_contracts::seam::adapter::{Effect, Evaluated, Primitive};
use ops_contracts::wire::command::LoadState;
use ops_contracts::wire::command::nav::{ElementState, WaitParams, WaitResult};
use ops_contracts::wire::ids::ElementRef;
use ops_contracts::wire::locator::Locator;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::bridge::BridgeLocator;
use crate::cx::{Cx, FrameAt, Page, unexpected};
use crate::pattern;

/// How often a function is asked.
const POLL: Duration = Duration::from_millis(100);
/// What is kept of the deadline so that the page's own account of a timeout arrives before it.
const MARGIN: Duration = Duration::from_millis(50);

pub(crate) async fn run(cx: &Cx, params: WaitParams) -> Outcome<WaitResult> {
    let started = Instant::now();
    if let Some(millis) = params.time_ms {
        cx.waiting_for("the time to pass");
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
    let page = cx.page(params.target_id.as_ref())?;
    let mut reference = None;
    if let Some(state) = params.load_state {
        load_state(&page, state).await?;
    } else if let Some(element) = &params.element {
        reference = in_page(&page, Some(element), params.state.unwrap_or_default(), None).await?;
    } else if let Some(text) = &params.text {
        reference = in_page(&page, None, ElementState::Visible, Some(text)).await?;
    } else if let Some(pattern) = &params.url {
        url(&page, pattern).await?;
    } else if let Some(function) = &params.function {
        truthy(&page, function).await?;
    }
    let waited_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(WaitResult {
        waited_ms,
        url: page.url(),
        reference,
    })
}

async fn load_state(page: &Page<'_>, wanted: LoadState) -> Outcome<()> {
    let (cx, key) = (page.cx, page.key);
    cx.waiting_for("the document to be loaded");
    let loaded = cx.world.until(|state| match state.tab(key) {
        None => Some(Err(Fault::plain(ErrorCode::OpsTargetClosed))),
        Some(tab) if tab.dialog.is_some() => Some(page_blocked(tab)),
        Some(tab) => (tab.nav.pending.is_none()
            && super::reached(tab) >= wanted.min(LoadState::Load))
        .then_some(Ok(())),
    });
    loaded.await?;
    if wanted == LoadState::NetworkIdle {
        cx.waiting_for("the network to be idle");
        if super::idle(page, 0).await.is_some() {
            return page.check_dialog();
        }
    }
    Ok(())
}

fn page_blocked(tab: &crate::world::Tab) -> Outcome<()> {
    let dialog = tab.dialog.as_ref().map(|(_, dialog)| dialog);
    Err(Fault::plain(ErrorCode::OpsDialogOpen).with("dialog", dialog))
}

async fn url(page: &Page<'_>, pattern: &str) -> Outcome<()> {
    let key = page.key;
    page.cx.waiting_for("the URL");
    page.cx
        .world
        .until(|state| match state.tab(key) {
            None => Some(Err(Fault::plain(ErrorCode::OpsTargetClosed))),
            Some(tab) => pattern::matches(pattern, &tab.nav.url).then_some(Ok(())),
        })
        .await
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WaitArgs<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    locator: Option<BridgeLocator>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    state: ElementState,
    timeout_ms: u64,
    next: u32,
}

#[derive(Deserialize)]
struct Waited {
    #[serde(rename = "ref")]
    reference: Option<u32>,
}

/// Waits in the page; begins anew in the next document when the page navigates meanwhile.
async fn in_page(
    page: &Page<'_>,
    element: Option<&Locator>,
    state: ElementState,
    text: Option<&str>,
) -> Outcome<Option<ElementRef>> {
    let cx = page.cx;
    cx.waiting_for("the element");
    loop {
        let frame =
            element.map_or_else(|| Ok(page.main_frame()), |element| page.frame_of(element))?;
        let left = cx.remaining().saturating_sub(MARGIN);
        let timeout_ms = u64::try_from(left.as_millis()).unwrap_or(u64::MAX);
        let args = WaitArgs {
            locator: element.map(BridgeLocator::from),
            text,
            state,
            timeout_ms,
            next: page.next_ref(frame),
        };
        match page.bridge::<Waited>(frame, "waitFor", &args).await {
            Ok(waited) => {
                return Ok(waited.reference.map(|element| ElementRef {
                    frame: frame.number,
                    element,
                }));
            }
            Err(fault) if fault.code == ErrorCode::OpsNavInterrupted => {
                settled(page, frame).await?
            }
            Err(fault) => return Err(fault),
        }
    }
}

/// After a document went away: the frame has another one, or is gone.
async fn settled(page: &Page<'_>, frame: FrameAt) -> Outcome<()> {
    let key = page.key;
    page.cx
        .world
        .until(|state| match (state.tab(key), state.frame(frame.key)) {
            (None, _) => Some(Err(Fault::plain(ErrorCode::OpsTargetClosed))),
            (_, None) => Some(Err(Fault::new(
                ErrorCode::OpsFrameUnknown,
                "the frame is gone",
            ))),
            (Some(tab), Some(_)) => tab.nav.pending.is_none().then_some(Ok(())),
        })
        .await?;
    // The new document's bridge is evaluated at its start; give a document that is being swapped the time to be there.
    tokio::time::sleep(Duration::from_millis(10)).await;
    Ok(())
}

async fn truthy(page: &Page<'_>, function: &str) -> Outcome<()> {
    page.cx.waiting_for("the function to be true");
    let expression = format!(
        "Promise.resolve((\n{function}\n)).then((value) => !!(typeof value === 'function' ? value() : value))"
    );
    loop {
        let primitive = Primitive::Evaluate {
            target: page.key,
            frame: page.main,
            expression: expression.clone(),
            await_promise: true,
        };
        match page.perform(primitive).await {
            Ok(Effect::Evaluated(Evaluated::Value(value))) if value.get() == "true" => {
                return Ok(());
            }
            Ok(Effect::Evaluated(Evaluated::Value(_) | Evaluated::Unserializable(_))) => {}
            Ok(Effect::Evaluated(Evaluated::Threw(error))) => {
                return Err(Fault::new(ErrorCode::OpsScriptFailed, error.text.clone())
                    .with("exception", error));
            }
            Err(fault) if fault.code == ErrorCode::OpsNavInterrupted => {}
            Err(fault) => return Err(fault),
            Ok(_) => return Err(unexpected()),
        }
        tokio::time::sleep(POLL).await;
    }
}
