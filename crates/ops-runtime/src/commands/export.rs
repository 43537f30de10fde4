//! `export.*`: pictures, printed documents, and the document itself.

use ops_contracts::seam::adapter::{Clip, Effect, Primitive};
use ops_contracts::wire::command::dom::BoxResult;
use ops_contracts::wire::command::export::{
    Annotation, HtmlParams, HtmlResult, PdfParams, PdfResult, ScreenshotParams, ScreenshotResult,
};
use ops_contracts::wire::locator::Locator;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Deserialize;
use serde_json::json;

use super::interact::frames::to_viewport;
use crate::bridge::BridgeLocator;
use crate::cx::{Cx, Page, unexpected};

mod annotate;
pub(super) mod clone;

pub(crate) async fn screenshot(cx: &Cx, params: ScreenshotParams) -> Outcome<ScreenshotResult> {
    let page = cx.page(params.target_id.as_ref())?;
    cx.waiting_for("the picture");
    let clip = match &params.element {
        Some(element) => Some(element_clip(&page, element).await?),
        None => params.clip,
    };
    let labels = if params.annotated {
        Some(labels(&page, &params, clip).await?)
    } else {
        None
    };
    let primitive = Primitive::Screenshot {
        target: page.key,
        format: params.format,
        quality: params.quality,
        clip,
        full_page: params.full_page,
    };
    let Effect::Image(data) = page.perform(primitive).await? else {
        return Err(unexpected());
    };
    let (data, annotations) = match labels {
        Some((width, labels)) => {
            let data = annotate::draw(
                &page,
                &data,
                (params.format, params.quality, width),
                &labels,
            )
            .await?;
            (data, labels)
        }
        None => (data, Vec::new()),
    };
    Ok(ScreenshotResult {
        format: params.format,
        bytes: decoded_len(&data),
        data,
        annotations,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Extent {
    width: f64,
    height: f64,
    x: f64,
    y: f64,
    doc_width: f64,
    doc_height: f64,
}

/// The width of the picture in CSS pixels, and what is to be written on it.
async fn labels(
    page: &Page<'_>,
    params: &ScreenshotParams,
    clip: Option<Clip>,
) -> Outcome<(f64, Vec<Annotation>)> {
    let Extent {
        width,
        height,
        x,
        y,
        doc_width,
        doc_height,
    } = page.bridge(page.main_frame(), "extent", &json!({})).await?;
    let part = match clip {
        Some(clip) => Clip {
            x: clip.x - x,
            y: clip.y - y,
            ..clip
        },
        None if params.full_page => Clip {
            x: -x,
            y: -y,
            width: doc_width,
            height: doc_height,
        },
        None => Clip {
            x: 0.0,
            y: 0.0,
            width,
            height,
        },
    };
    Ok((part.width, annotate::find(page, part).await?))
}

pub(crate) async fn pdf(cx: &Cx, params: PdfParams) -> Outcome<PdfResult> {
    let page = cx.page(params.target_id.as_ref())?;
    cx.waiting_for("the page to be printed");
    let printed = page
        .perform(Primitive::Print {
            target: page.key,
            options: Box::new(params),
        })
        .await;
    let Effect::Image(data) = printed.map_err(no_such_page)? else {
        return Err(unexpected());
    };
    Ok(PdfResult {
        bytes: decoded_len(&data),
        data,
    })
}

/// How many pages there are, only printing tells.
fn no_such_page(fault: Fault) -> Fault {
    if fault.code == ErrorCode::AdapterProtocolError && fault.message.contains("Page range") {
        return Fault::new(
            ErrorCode::OpsInvalidRequest,
            "export.pdf: pages: the document has no such page",
        )
        .with("command", "export.pdf")
        .with("field", "pages")
        .with("expected", "pages that the document has");
    }
    fault
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Whole {
    html: String,
    shadow_roots: u32,
}

pub(crate) async fn html(cx: &Cx, params: HtmlParams) -> Outcome<HtmlResult> {
    let page = cx.page(params.target_id.as_ref())?;
    cx.waiting_for("the document");
    let Whole { html, shadow_roots } = page
        .bridge(page.main_frame(), "wholeHtml", &json!({}))
        .await?;
    Ok(HtmlResult {
        bytes: html.len() as u64,
        html,
        shadow_roots,
    })
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
    page.bridge::<serde::de::IgnoredAny>(
        frame,
        "scrollIntoView",
        &json!({ "locator": locator, "next": page.next_ref(frame) }),
    )
    .await?;
    let args = json!({ "locator": locator, "next": page.next_ref(frame) });
    let still = json!({ "dx": 0, "dy": 0 });
    let (area, scrolled) = tokio::join!(
        page.bridge::<BoxResult>(frame, "box", &args),
        page.bridge::<Scrolled>(page.main_frame(), "scrollBy", &still)
    );
    let (area, scrolled) = (area?, scrolled?.before);
    if area.width < 1.0 || area.height < 1.0 {
        return Err(Fault::new(
            ErrorCode::OpsElementNotVisible,
            "the element has no area to take a picture of",
        ));
    }
    let origin = to_viewport(page, frame, (area.x, area.y), false).await?;
    Ok(Clip {
        x: origin.x + scrolled.x,
        y: origin.y + scrolled.y,
        width: area.width,
        height: area.height,
    })
}

/// Bytes that a base64 text decodes to.
fn decoded_len(base64: &str) -> u64 {
    let padding = base64.bytes().rev().take_while(|b| *b == b'=').count();
    (base64.len() / 4 * 3 - padding) as u64
}
