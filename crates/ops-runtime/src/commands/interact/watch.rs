//! What the documents of a page saw while pointer input was sent: events by kind, with the element that each reached.

use ops_contracts::Outcome;
use ops_contracts::wire::command::interact::DragSide;
use ops_contracts::wire::receipt::ElementInfo;
use serde::Deserialize;
use serde_json::json;

use crate::bridge::Description;
use crate::cx::{FrameAt, Page};

/// One kind of event that was seen.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Seen {
    pub(super) r#type: String,
    element: Option<Numbered>,
    pub(super) on_target: bool,
    pub(super) count: u32,
}

#[derive(Debug, Clone, Deserialize)]
struct Numbered {
    #[serde(rename = "ref")]
    number: u32,
    #[serde(flatten)]
    description: Description,
}

impl Numbered {
    fn info(self, frame: FrameAt) -> ElementInfo {
        self.description.element(frame.number, self.number)
    }
}

/// What a frame's document saw.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Watched {
    pub(super) events: Vec<Seen>,
    pub(super) changed: bool,
}

#[derive(Deserialize)]
struct Under {
    element: Option<Numbered>,
}

impl Watched {
    pub(super) fn saw(&self, kind: &str) -> Option<&Seen> {
        self.events.iter().find(|seen| seen.r#type == kind)
    }

    /// The kinds of events, in the order of their first.
    pub(super) fn kinds(&self) -> Vec<String> {
        self.events.iter().map(|seen| seen.r#type.clone()).collect()
    }

    /// Those of `kinds` that were seen, and the element that the first of them reached.
    pub(super) fn side(&self, frame: FrameAt, kinds: &[&str]) -> DragSide {
        let seen = || {
            self.events
                .iter()
                .filter(|seen| kinds.contains(&seen.r#type.as_str()))
        };
        DragSide {
            element: seen()
                .find_map(|seen| seen.element.clone())
                .map(|element| element.info(frame)),
            events: seen().map(|seen| seen.r#type.clone()).collect(),
        }
    }
}

/// Begins to write down what arrives in a frame's document.
pub(super) async fn begin(page: &Page<'_>, frame: FrameAt) -> Outcome<()> {
    page.bridge::<serde::de::IgnoredAny>(frame, "watch", &json!({}))
        .await
        .map(drop)
}

/// What arrived since; nothing where the document went away or a dialog blocks it, which the receipt tells.
pub(super) async fn end(page: &Page<'_>, frame: FrameAt, target: Option<u32>) -> Option<Watched> {
    let args = json!({ "target": target, "next": page.next_ref(frame) });
    page.bridge(frame, "watched", &args).await.ok()
}

/// What arrived so far; the watch goes on.
pub(super) async fn peek(page: &Page<'_>, frame: FrameAt) -> Option<Watched> {
    page.bridge(
        frame,
        "watched",
        &json!({ "peek": true, "next": page.next_ref(frame) }),
    )
    .await
    .ok()
}

/// The element of the main document that a pointer at this point is over.
pub(super) async fn under(page: &Page<'_>, x: f64, y: f64) -> Outcome<Option<ElementInfo>> {
    let frame = page.main_frame();
    let args = json!({ "x": x, "y": y, "next": page.next_ref(frame) });
    let under: Under = page.bridge(frame, "under", &args).await?;
    Ok(under.element.map(|element| element.info(frame)))
}
