//! `interact.*`: acting on elements as a person does, and telling what was observed.

use ops_contracts::Outcome;
use ops_contracts::seam::adapter::{InputAction, Modifiers, MouseButton};
use ops_contracts::wire::command::interact::{
    ActionResult, ClickParams, ElementParams, HoverParams, Modifier, TapParams,
};

use crate::cx::Cx;

pub(crate) mod dragging;
mod forms;
pub(crate) mod frames;
mod keyboard;
mod keys;
mod listbox;
pub(crate) mod mouse;
mod observe;
mod pointer;
mod scrolling;
mod typing;
mod upload;
mod watch;

pub(crate) use dragging::drag;
pub(crate) use forms::{check, clear, fill, select, uncheck};
pub(crate) use keyboard::{press, type_text};
pub(crate) use scrolling::{scroll, scroll_into_view};
pub(crate) use upload::upload;

pub(crate) async fn click(cx: &Cx, params: ClickParams) -> Outcome<ActionResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let modifiers = held(&params.modifiers);
    let (button, count) = (params.button, params.count);
    let plan = pointer::Plan {
        action: "click",
        position: params.position,
        clicks: u32::from(count),
        single: count == 1 && button == MouseButton::Left,
    };
    let acted = pointer::act(&page, &params.element, &plan, |x, y| {
        clicks((x, y), button, count, modifiers)
    })
    .await?;
    Ok(ActionResult {
        receipt: acted.receipt,
    })
}

pub(crate) async fn hover(cx: &Cx, params: HoverParams) -> Outcome<ActionResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let modifiers = held(&params.modifiers);
    let plan = pointer::Plan {
        action: "hover",
        position: params.position,
        clicks: 0,
        single: false,
    };
    let moved = |x, y| {
        vec![InputAction::MouseMove {
            x,
            y,
            modifiers,
            held: None,
        }]
    };
    let acted = pointer::act(&page, &params.element, &plan, moved).await?;
    Ok(ActionResult {
        receipt: acted.receipt,
    })
}

pub(crate) async fn tap(cx: &Cx, params: TapParams) -> Outcome<ActionResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let modifiers = held(&params.modifiers);
    let plan = pointer::Plan {
        action: "tap",
        position: params.position,
        clicks: 1,
        single: false,
    };
    let acted = pointer::act(&page, &params.element, &plan, |x, y| {
        vec![InputAction::Tap { x, y, modifiers }]
    })
    .await?;
    Ok(ActionResult {
        receipt: acted.receipt,
    })
}

pub(crate) async fn focus(cx: &Cx, params: ElementParams) -> Outcome<ActionResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let observed = observe::Observation::begin(&page);
    let focused = keyboard::focus(&page, &params.element, ("focus", false)).await?;
    Ok(ActionResult {
        receipt: observed
            .receipt(&page, Some(focused.element), Some(focused.moved), 1)
            .await,
    })
}

fn held(modifiers: &[Modifier]) -> Modifiers {
    Modifiers {
        alt: modifiers.contains(&Modifier::Alt),
        control: modifiers.contains(&Modifier::Control),
        meta: modifiers.contains(&Modifier::Meta),
        shift: modifiers.contains(&Modifier::Shift),
    }
}

/// The mouse events of `count` clicks at a point.
fn clicks(
    (x, y): (f64, f64),
    button: MouseButton,
    count: u8,
    modifiers: Modifiers,
) -> Vec<InputAction> {
    let mut actions = vec![InputAction::MouseMove {
        x,
        y,
        modifiers,
        held: None,
    }];
    for click_count in 1..=count {
        actions.push(InputAction::MouseDown {
            x,
            y,
            button,
            click_count,
            modifiers,
        });
        actions.push(InputAction::MouseUp {
            x,
            y,
            button,
            click_count,
            modifiers,
        });
    }
    actions
}
