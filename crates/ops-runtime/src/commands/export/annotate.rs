//! Pictures on which the refs of what can be acted on are written. The labels are drawn on the picture, never into the page.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use ops_contracts::seam::adapter::{Clip, ImageFormat};
use ops_contracts::wire::command::dom::{SnapshotMode, SnapshotParams};
use ops_contracts::wire::command::export::Annotation;
use ops_contracts::wire::ids::ElementRef;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Deserialize;
use serde_json::json;

use crate::commands::dom::snapshot;
use crate::commands::interact::frames::to_viewport;
use crate::cx::{FrameAt, Page};

/// The most labels of a picture: more could not be told apart.
const MAX_LABELS: usize = 500;

#[derive(Deserialize)]
struct Boxed {
    #[serde(rename = "ref")]
    reference: u32,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    visible: bool,
}

#[derive(Deserialize)]
struct Drawn {
    r#type: String,
    data: String,
}

/// What can be acted on within a part of the viewport, with its place in that part.
pub(super) async fn find(page: &Page<'_>, part: Clip) -> Outcome<Vec<Annotation>> {
    let params = SnapshotParams {
        mode: SnapshotMode::Interactive,
        max_chars: 1_000_000,
        target_id: Some(page.id.clone()),
        ..SnapshotParams::default()
    };
    let text = snapshot::run(page.cx, params).await?.text;
    let mut by_frame: BTreeMap<u32, Vec<(ElementRef, &str)>> = BTreeMap::new();
    for (reference, line) in text
        .lines()
        .filter_map(|line| Some((reference_in(line)?, line.trim().trim_start_matches("- "))))
    {
        by_frame
            .entry(reference.frame)
            .or_default()
            .push((reference, line));
    }
    let read = by_frame
        .iter()
        .map(|(number, elements)| in_frame(page, *number, elements, part));
    let mut found: Vec<Annotation> = join_all(read)
        .await
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    found.truncate(MAX_LABELS);
    Ok(found)
}

fn reference_in(line: &str) -> Option<ElementRef> {
    line.rsplit_once("[ref=")?.1.split(']').next()?.parse().ok()
}

/// A frame that went away meanwhile, or that is covered, has nothing on the picture.
async fn in_frame(
    page: &Page<'_>,
    number: u32,
    elements: &[(ElementRef, &str)],
    part: Clip,
) -> Outcome<Vec<Annotation>> {
    let frame = match number {
        0 => page.main_frame(),
        _ => page.frame(
            &format!("f{number}")
                .parse()
                .map_err(|_| Fault::plain(ErrorCode::OpsInternal))?,
        )?,
    };
    let refs: Vec<u32> = elements
        .iter()
        .map(|(reference, _)| reference.element)
        .collect();
    let boxes: Vec<Boxed> = page
        .bridge(frame, "boxes", &json!({ "refs": refs }))
        .await?;
    let offset = origin(page, frame).await?;
    let annotate = |boxed: Boxed| {
        let (reference, line) = elements
            .iter()
            .find(|(reference, _)| reference.element == boxed.reference)?;
        let area = Clip {
            x: boxed.x + offset.0 - part.x,
            y: boxed.y + offset.1 - part.y,
            width: boxed.width,
            height: boxed.height,
        };
        let within = area.x < part.width
            && area.y < part.height
            && area.x + area.width > 0.0
            && area.y + area.height > 0.0;
        let sized = boxed.visible && boxed.width >= 1.0 && boxed.height >= 1.0;
        (within && sized).then(|| Annotation {
            reference: *reference,
            line: (*line).to_owned(),
            area,
        })
    };
    Ok(boxes.into_iter().filter_map(annotate).collect())
}

async fn origin(page: &Page<'_>, frame: FrameAt) -> Outcome<(f64, f64)> {
    if frame.key == page.main {
        return Ok((0.0, 0.0));
    }
    let origin = to_viewport(page, frame, (0.0, 0.0), false).await?;
    Ok((origin.x, origin.y))
}

/// The picture with the labels on it.
pub(super) async fn draw(
    page: &Page<'_>,
    data: &str,
    (format, quality, width): (ImageFormat, Option<u8>, f64),
    labels: &[Annotation],
) -> Outcome<String> {
    let kind = match format {
        ImageFormat::Png => "image/png",
        ImageFormat::Jpeg => "image/jpeg",
        ImageFormat::Webp => "image/webp",
    };
    let labels: Vec<_> = labels
        .iter()
        .map(|label| {
            let Clip { x, y, width, height } = label.area;
            json!({ "text": label.reference.to_string(), "x": x, "y": y, "width": width, "height": height })
        })
        .collect();
    let args =
        json!({ "data": data, "type": kind, "quality": quality, "width": width, "labels": labels });
    let drawn: Drawn = page.bridge(page.main_frame(), "annotate", &args).await?;
    if drawn.r#type != kind {
        return Err(Fault::new(
            ErrorCode::OpsNotSupported,
            format!("the browser can't draw on a picture of the type {kind}"),
        ));
    }
    Ok(drawn.data)
}
