//! Typing and pressing keys, with real key events.

use std::time::Duration;

use ops_contracts::seam::adapter::{InputAction, Modifiers, Primitive};
use ops_contracts::wire::command::interact::{ActionResult, PressParams, TypeParams};
use ops_contracts::wire::locator::Locator;
use ops_contracts::wire::receipt::ElementInfo;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Deserialize;
use serde_json::json;

use super::keys;
use super::observe::Observation;
use crate::bridge::{BridgeLocator, Description};
use crate::cx::{Cx, FrameAt, Page};

/// Characters in one batch: enough to hide the round trip, few enough that a dialog or cancel comes through.
const BATCH: usize = 200;

#[derive(Deserialize)]
struct Focused {
    #[serde(rename = "ref")]
    number: u32,
    desc: Description,
    focused: bool,
    moved: bool,
    value: Option<String>,
}

/// An element that has the focus now.
pub(super) struct FocusedElement {
    pub(super) element: ElementInfo,
    /// Whether the focus was elsewhere before.
    pub(super) moved: bool,
    /// What is in it, where it is to be typed into and that may be seen.
    value: Option<String>,
    frame: FrameAt,
    number: u32,
}

/// Focuses an element for an action and makes sure that it has the focus.
pub(super) async fn focus(
    page: &Page<'_>,
    element: &Locator,
    action: &str,
) -> Outcome<FocusedElement> {
    page.cx.waiting_for("the element");
    let frame = page.frame_of(element)?;
    let caret = if action == "type" { "end" } else { "" };
    let args = json!({ "locator": BridgeLocator::from(element), "action": action, "caret": caret, "next": page.next_ref(frame) });
    let focused: Focused = page.bridge(frame, "focus", &args).await?;
    let element = focused.desc.element(frame.number, focused.number);
    if !focused.focused {
        return Err(Fault::new(
            ErrorCode::OpsElementNotEditable,
            "the element does not take the focus",
        )
        .with("element", element));
    }
    Ok(FocusedElement {
        element,
        moved: focused.moved,
        value: focused.value,
        frame,
        number: focused.number,
    })
}

#[derive(Deserialize)]
struct Value {
    value: Option<String>,
}

/// The value of a text control, where it has one that may be seen.
async fn value(page: &Page<'_>, focused: &FocusedElement) -> Option<String> {
    let args = json!({ "ref": focused.number });
    page.bridge_through::<Value>(focused.frame, "readback", &args)
        .await
        .ok()
        .and_then(|read| read.value)
}

pub(crate) async fn type_text(cx: &Cx, params: TypeParams) -> Outcome<ActionResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let observed = Observation::begin(&page);
    let focused = match &params.element {
        Some(element) => Some(focus(&page, element, "type").await?),
        None => None,
    };
    cx.waiting_for("the keys to be handled");
    let delay = Duration::from_millis(params.delay_ms);
    let characters: Vec<char> = params.text.chars().collect();
    for part in characters.chunks(if delay.is_zero() { BATCH } else { 1 }) {
        let actions = keys::text(part);
        if !dispatch(&page, &observed, actions).await? {
            break;
        }
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
    }
    let changed = match &focused {
        Some(
            focused @ FocusedElement {
                value: Some(before),
                ..
            },
        ) if page.check_dialog().is_ok() => {
            value(&page, focused).await.map(|after| after != *before)
        }
        _ => None,
    };
    if params.text.contains('\n') {
        observed.handled(&page).await;
    }
    let element = focused.map(|focused| focused.element);
    Ok(ActionResult {
        receipt: observed.receipt(&page, element, changed, 1).await,
    })
}

pub(crate) async fn press(cx: &Cx, params: PressParams) -> Outcome<ActionResult> {
    let actions = keys::chord(&params.key)?;
    let page = cx.page(params.target_id.as_ref())?;
    let observed = Observation::begin(&page);
    let focused = match &params.element {
        Some(element) => Some(focus(&page, element, "focus").await?),
        None => None,
    };
    cx.waiting_for("the keys to be handled");
    if dispatch(&page, &observed, actions).await? {
        observed.handled(&page).await;
    }
    Ok(ActionResult {
        receipt: observed
            .receipt(&page, focused.map(|focused| focused.element), None, 1)
            .await,
    })
}

/// Sends input; false when a dialog opened meanwhile, or the page went away under it.
async fn dispatch(
    page: &Page<'_>,
    observed: &Observation,
    actions: Vec<InputAction>,
) -> Outcome<bool> {
    observed
        .through_dialogs(
            page,
            Primitive::Input {
                target: page.key,
                actions,
            },
        )
        .await
}

/// Deletes what is selected.
pub(super) fn delete() -> Vec<InputAction> {
    keys::press("Delete", Modifiers::default()).unwrap_or_default()
}
