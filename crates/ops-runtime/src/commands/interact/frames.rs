//! From a point in a frame to the point in the page's viewport, through every frame in between.

use ops_contracts::seam::adapter::FrameKey;
use ops_contracts::wire::command::Point;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::bridge;
use crate::cx::{FrameAt, Page};

#[derive(Deserialize)]
struct Adopted {
    #[serde(rename = "ref")]
    reference: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mapped {
    x: f64,
    y: f64,
    hit_ok: bool,
    covered: Option<Value>,
}

/// Number of the element that holds a child frame, in its parent's document; asked for once a document.
pub(crate) async fn owner_of(page: &Page<'_>, child: FrameKey) -> Outcome<u32> {
    let (parent, known) = parent_of(page, child)?;
    if let Some(known) = known {
        return Ok(known);
    }
    let call = page.bridge_call(
        parent,
        "adopt",
        &json!({ "next": page.next_ref(parent) }),
        Some(child),
    )?;
    let adopted: Adopted = page.bridge_answer(parent, page.perform(call).await?)?;
    if let Some(frame) = page
        .cx
        .world
        .lock()
        .frames
        .iter_mut()
        .find(|frame| frame.key == child)
    {
        frame.owner = Some(adopted.reference);
    }
    Ok(adopted.reference)
}

fn parent_of(page: &Page<'_>, child: FrameKey) -> Outcome<(FrameAt, Option<u32>)> {
    let gone = || Fault::new(ErrorCode::OpsFrameUnknown, "the frame is gone");
    let state = page.cx.world.lock();
    let frame = state.frame(child).ok_or_else(gone)?;
    let parent = frame
        .parent
        .and_then(|parent| state.frame(parent))
        .ok_or_else(gone)?;
    Ok((
        FrameAt {
            key: parent.key,
            number: parent.number,
        },
        frame.owner,
    ))
}

/// Maps a point of a frame's viewport to the page's. With `reach`, the frames on the way are scrolled until the point
/// can be hit, and what covers it is the error.
pub(crate) async fn to_viewport(
    page: &Page<'_>,
    frame: FrameAt,
    point: (f64, f64),
    reach: bool,
) -> Outcome<Point> {
    let (mut frame, mut point) = (
        frame,
        Point {
            x: point.0,
            y: point.1,
        },
    );
    while frame.key != page.main {
        let reference = owner_of(page, frame.key).await?;
        let (parent, _) = parent_of(page, frame.key)?;
        let args = json!({ "ref": reference, "x": point.x, "y": point.y, "scroll": reach, "next": page.next_ref(parent) });
        let mapped: Mapped = page.bridge(parent, "point", &args).await?;
        if reach && !mapped.hit_ok {
            let fault = Fault::new(
                ErrorCode::OpsElementCovered,
                "the frame that holds the element is covered at this point, or can't be scrolled there",
            );
            return Err(match mapped.covered {
                Some(by) => fault.with("by", bridge::naming_refs(by, parent.number)),
                None => fault,
            });
        }
        point = Point {
            x: mapped.x,
            y: mapped.y,
        };
        frame = parent;
    }
    Ok(point)
}
