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
use super::typing::{self, Deaf, Typed};
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
    token: Option<String>,
}

/// An element that has the focus now.
pub(super) struct FocusedElement {
    pub(super) element: ElementInfo,
    /// Whether the focus was elsewhere before.
    pub(super) moved: bool,
    /// What is in it, where it is to be typed into and that may be seen.
    value: Option<String>,
    frame: FrameAt,
    /// Names the guard of what is typed, where one was asked for.
    token: Option<String>,
}

/// Focuses an element for an action and makes sure that it has the focus. With `guard`, what is typed goes there or nowhere.
pub(super) async fn focus(
    page: &Page<'_>,
    element: &Locator,
    (action, guard): (&str, bool),
) -> Outcome<FocusedElement> {
    page.cx.waiting_for("the element");
    let frame = page.frame_of(element)?;
    let caret = if action == "type" { "end" } else { "" };
    let args = json!({ "locator": BridgeLocator::from(element), "action": action, "caret": caret, "guard": guard,
        "next": page.next_ref(frame) });
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
        token: focused.token,
    })
}

/// An element that is typed into: it has the focus, and no other frame of its page hears anything.
struct Target {
    focused: FocusedElement,
    deaf: Deaf,
    /// Keys that were pressed.
    keys: usize,
}

impl Target {
    async fn focus(page: &Page<'_>, element: &Locator, action: &str) -> Outcome<Self> {
        let mut deaf = Deaf::beside(page.frame_of(element)?.key);
        let (focused, ()) = tokio::join!(focus(page, element, (action, true)), deaf.extend(page));
        match focused {
            Ok(focused) => Ok(Self {
                focused,
                deaf,
                keys: 0,
            }),
            Err(fault) => {
                deaf.end(page).await;
                Err(fault)
            }
        }
    }

    /// Sends input to it; false when a dialog opened meanwhile, or the page went away under it.
    async fn send(
        &mut self,
        page: &Page<'_>,
        observed: &Observation,
        actions: Vec<InputAction>,
    ) -> Outcome<bool> {
        // A frame that was made or loaded since the last keys hears as well as any.
        self.deaf.extend(page).await;
        self.keys += typing::presses(&actions);
        typing::send(page, observed, self.focused.frame.key, actions).await
    }

    /// What became of what was sent.
    async fn arrived(&self, page: &Page<'_>, observed: &Observation) -> Outcome<Option<Typed>> {
        let token = self.focused.token.as_deref().unwrap_or_default();
        let FocusedElement { frame, element, .. } = &self.focused;
        tokio::select! {
            biased;
            // Nothing can be asked before it is answered.
            _ = observed.dialog(page) => {
                typing::leave(page);
                Ok(None)
            }
            typed = typing::arrived(page, *frame, (token, self.keys), &self.deaf, element) => typed,
        }
    }
}

pub(crate) async fn type_text(cx: &Cx, params: TypeParams) -> Outcome<ActionResult> {
    let page = cx.page(params.target_id.as_ref())?;
    typing::clear(&page).await;
    let observed = Observation::begin(&page);
    let characters: Vec<char> = params.text.chars().collect();
    let delay = Duration::from_millis(params.delay_ms);
    let (element, changed) = match &params.element {
        Some(element) => type_into(&page, &observed, element, (&characters, delay)).await?,
        None => {
            type_on(&page, &observed, (&characters, delay)).await?;
            (None, None)
        }
    };
    if params.text.contains('\n') {
        observed.handled(&page).await;
    }
    Ok(ActionResult {
        receipt: observed.receipt(&page, element, changed, 1).await,
    })
}

/// Types into an element. After a tab, which the caller sends to leave it, keys follow the focus.
async fn type_into(
    page: &Page<'_>,
    observed: &Observation,
    element: &Locator,
    (characters, delay): (&[char], Duration),
) -> Outcome<(Option<ElementInfo>, Option<bool>)> {
    let mut target = Target::focus(page, element, "type").await?;
    page.cx.waiting_for("the keys to be handled");
    let own = characters
        .iter()
        .position(|one| *one == '\t')
        .map_or(characters.len(), |at| at + 1);
    let mut going_on = true;
    for part in parts(&characters[..own], delay) {
        going_on = target.send(page, observed, keys::text(part)).await?;
        if !going_on {
            break;
        }
        pause(delay).await;
    }
    let typed = target.arrived(page, observed).await?;
    if going_on && own < characters.len() {
        type_on(page, observed, (&characters[own..], delay)).await?;
    }
    let FocusedElement { element, value, .. } = target.focused;
    let changed = value
        .zip(typed.and_then(|typed| typed.value))
        .map(|(before, after)| before != after);
    Ok((Some(element), changed))
}

/// Types wherever the focus is.
async fn type_on(
    page: &Page<'_>,
    observed: &Observation,
    (characters, delay): (&[char], Duration),
) -> Outcome<()> {
    page.cx.waiting_for("the keys to be handled");
    for part in parts(characters, delay) {
        if !dispatch(page, observed, keys::text(part)).await? {
            break;
        }
        pause(delay).await;
    }
    Ok(())
}

fn parts(characters: &[char], delay: Duration) -> std::slice::Chunks<'_, char> {
    characters.chunks(if delay.is_zero() { BATCH } else { 1 })
}

async fn pause(delay: Duration) {
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
}

pub(crate) async fn press(cx: &Cx, params: PressParams) -> Outcome<ActionResult> {
    let actions = keys::chord(&params.key)?;
    let page = cx.page(params.target_id.as_ref())?;
    typing::clear(&page).await;
    let observed = Observation::begin(&page);
    let element = match &params.element {
        Some(element) => Some(press_on(&page, &observed, element, actions).await?),
        None => {
            cx.waiting_for("the keys to be handled");
            if dispatch(&page, &observed, actions).await? {
                observed.handled(&page).await;
            }
            None
        }
    };
    Ok(ActionResult {
        receipt: observed.receipt(&page, element, None, 1).await,
    })
}

async fn press_on(
    page: &Page<'_>,
    observed: &Observation,
    element: &Locator,
    actions: Vec<InputAction>,
) -> Outcome<ElementInfo> {
    let mut target = Target::focus(page, element, "focus").await?;
    page.cx.waiting_for("the keys to be handled");
    if target.send(page, observed, actions).await? {
        let (typed, ()) = tokio::join!(target.arrived(page, observed), observed.handled(page));
        typed?;
    } else {
        typing::leave(page);
    }
    Ok(target.focused.element)
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
