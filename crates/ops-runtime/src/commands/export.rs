//! `export.*`: pictures.

use ops_contracts::adapter::{Clip, Effect, Primitive};
use ops_contracts::command::dom::BoxResult;
use ops_contracts::command::export::{ScreenshotParams, ScreenshotResult};
use ops_contracts::locator::Locator;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Deserialize;
use serde_json::json;

use super::interact::frames::to_viewport;
use crate::bridge::BridgeLocator;
use crate::cx::{Cx, Page, unexpected};

pub(crate) async fn screenshot(cx: &Cx, params: ScreenshotParams) -> Outcome<ScreenshotResult> {
    let page = cx.page(params.target_id.as_ref())?;
    cx.waiting_for("the picture");
    let clip = match &params.element {
        Some(element) => Some(element_clip(&page, element).await?),
        None => params.clip,
    };
    let primitive = Primitive::Screenshot {
        target: page.key,
        format: params.format,
        quality: params.quality,
        clip,
        full_page: params.full_page,
    };
    let Effect::Image(data) = page.perform(primitive).await? else { return Err(unexpected()) };
    Ok(ScreenshotResult { format: params.format, bytes: decoded_len(&data), data })
}

#[derive(Deserialize)]
struct Scrolled {
    before: Offset,
}

#[derive(Deserialize)]
struct Offset {
    x: f64,
    y: f64,
}

/// Where an element is in the document, scrolled into the viewport.
async fn element_clip(page: &Page<'_>, element: &Locator) -> Outcome<Clip> {
    let frame = page.frame_of(element)?;
    let locator = BridgeLocator::from(element);
    page.bridge::<serde::de::IgnoredAny>(frame, "scrollIntoView", &json!({ "locator": locator, "next": page.next_ref(frame) }))
        .await?;
    let args = json!({ "locator": locator, "next": page.next_ref(frame) });
    let still = json!({ "dx": 0, "dy": 0 });
    let (area, scrolled) =
        tokio::join!(page.bridge::<BoxResult>(frame, "box", &args), page.bridge::<Scrolled>(page.main_frame(), "scrollBy", &still));
    let (area, scrolled) = (area?, scrolled?.before);
    if area.width < 1.0 || area.height < 1.0 {
        return Err(Fault::new(ErrorCode::OpsElementNotVisible, "the element has no area to take a picture of"));
    }
    let origin = to_viewport(page, frame, (area.x, area.y), false).await?;
    Ok(Clip { x: origin.x + scrolled.x, y: origin.y + scrolled.y, width: area.width, height: area.height })
}

/// Bytes that a base64 text decodes to.
fn decoded_len(base64: &str) -> u64 {
    let padding = base64.bytes().rev().take_while(|b| *b == b'=').count();
    (base64.len() / 4 * 3 - padding) as u64
}
