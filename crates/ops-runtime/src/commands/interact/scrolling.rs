//! Scrolling the page, a container, or until an element is in view.

use ops_contracts::Outcome;
use ops_contracts::wire::command::Point;
use ops_contracts::wire::command::interact::{
    ElementParams, ScrollEdge, ScrollParams, ScrollResult,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::bridge::BridgeLocator;
use crate::cx::Cx;

/// Further than any page is long.
const TO_THE_END: f64 = 1e9;

#[derive(Serialize)]
struct Args {
    #[serde(skip_serializing_if = "Option::is_none")]
    locator: Option<BridgeLocator>,
    dx: f64,
    dy: f64,
    next: u32,
}

pub(crate) async fn scroll(cx: &Cx, params: ScrollParams) -> Outcome<ScrollResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let frame = params
        .element
        .as_ref()
        .map_or_else(|| Ok(page.main_frame()), |element| page.frame_of(element))?;
    let (dx, dy) = match params.to {
        Some(ScrollEdge::Top) => (0.0, -TO_THE_END),
        Some(ScrollEdge::Bottom) => (0.0, TO_THE_END),
        None => (params.dx, params.dy),
    };
    let args = Args {
        locator: params.element.as_ref().map(BridgeLocator::from),
        dx,
        dy,
        next: page.next_ref(frame),
    };
    cx.waiting_for("the page to scroll");
    page.bridge(frame, "scrollBy", &args).await
}

#[derive(Deserialize)]
struct Scrolled {
    scrolled: bool,
}

#[derive(Deserialize)]
struct At {
    before: Point,
}

pub(crate) async fn scroll_into_view(cx: &Cx, params: ElementParams) -> Outcome<ScrollResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let frame = page.frame_of(&params.element)?;
    cx.waiting_for("the page to scroll");
    let still = json!({ "dx": 0, "dy": 0 });
    let args =
        json!({ "locator": BridgeLocator::from(&params.element), "next": page.next_ref(frame) });
    // Polled in order, so the three are handled in order: where it was, the scrolling, where it is.
    let (before, scrolled, after) = tokio::join!(
        page.bridge::<At>(frame, "scrollBy", &still),
        page.bridge::<Scrolled>(frame, "scrollIntoView", &args),
        page.bridge::<At>(frame, "scrollBy", &still),
    );
    Ok(ScrollResult {
        before: before?.before,
        after: after?.before,
        moved: scrolled?.scrolled,
    })
}
