//! `pointer.*`: the mouse itself, by points of the page's viewport. Nothing is resolved and nothing is guarded: what the
//! pointer was over and what arrived is told.

use std::time::Duration;

use ops_contracts::Outcome;
use ops_contracts::seam::adapter::{InputAction, Primitive};
use ops_contracts::wire::command::Point;
use ops_contracts::wire::command::pointer::{ButtonParams, MoveParams, PointerResult, WheelParams};
use ops_contracts::{ErrorCode, Fault};

use super::observe::Observation;
use super::{held, watch};
use crate::cx::{Cx, Page};
use crate::world::Mouse;

pub(crate) async fn move_to(cx: &Cx, params: MoveParams) -> Outcome<PointerResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let (mouse, modifiers) = (mouse(&page), held(&params.modifiers));
    let to = Point {
        x: params.x,
        y: params.y,
    };
    let button = mouse.held.first().copied();
    let actions = path(mouse.at, to, params.steps)
        .map(|Point { x, y }| InputAction::MouseMove {
            x,
            y,
            modifiers,
            held: button,
        })
        .collect();
    perform(&page, actions, Mouse { at: to, ..mouse }).await
}

pub(crate) async fn press(cx: &Cx, params: ButtonParams) -> Outcome<PointerResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let mut mouse = mouse(&page);
    if mouse.held.contains(&params.button) {
        return Err(Fault::new(
            ErrorCode::OpsInvalidRequest,
            "the button is pressed already: release it with pointer.up first",
        )
        .with("field", "button")
        .with("held", &mouse.held));
    }
    mouse.held.push(params.button);
    let Point { x, y } = mouse.at;
    let (button, click_count, modifiers) =
        (params.button, params.click_count, held(&params.modifiers));
    perform(
        &page,
        vec![InputAction::MouseDown {
            x,
            y,
            button,
            click_count,
            modifiers,
        }],
        mouse,
    )
    .await
}

pub(crate) async fn release(cx: &Cx, params: ButtonParams) -> Outcome<PointerResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let mut mouse = mouse(&page);
    if !mouse.held.contains(&params.button) {
        return Err(Fault::new(
            ErrorCode::OpsInvalidRequest,
            "the button is not pressed: press it with pointer.down first",
        )
        .with("field", "button")
        .with("held", &mouse.held));
    }
    mouse.held.retain(|held| *held != params.button);
    let Point { x, y } = mouse.at;
    let (button, click_count, modifiers) =
        (params.button, params.click_count, held(&params.modifiers));
    perform(
        &page,
        vec![InputAction::MouseUp {
            x,
            y,
            button,
            click_count,
            modifiers,
        }],
        mouse,
    )
    .await
}

pub(crate) async fn wheel(cx: &Cx, params: WheelParams) -> Outcome<PointerResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let mut mouse = mouse(&page);
    let modifiers = held(&params.modifiers);
    let mut actions = Vec::new();
    if let Some(at) = params.at {
        mouse.at = at;
        actions.push(InputAction::MouseMove {
            x: at.x,
            y: at.y,
            modifiers,
            held: mouse.held.first().copied(),
        });
    }
    let Point { x, y } = mouse.at;
    actions.push(InputAction::Wheel {
        x,
        y,
        dx: params.dx,
        dy: params.dy,
        modifiers,
    });
    acted(&page, actions, mouse, Some("wheel")).await
}

fn mouse(page: &Page<'_>) -> Mouse {
    page.cx
        .world
        .lock()
        .tab(page.key)
        .map(|tab| tab.mouse.clone())
        .unwrap_or_default()
}

/// Notes where the mouse is and what is held, for the next command.
pub(super) fn note(page: &Page<'_>, mouse: Mouse) {
    if let Some(tab) = page.cx.world.lock().tab_mut(page.key) {
        tab.mouse = mouse;
    }
}

/// The points on a straight way, the last one included.
pub(super) fn path(from: Point, to: Point, steps: u8) -> impl Iterator<Item = Point> {
    let count = f64::from(steps.max(1));
    (1..=steps.max(1)).map(move |step| {
        let part = f64::from(step) / count;
        Point {
            x: from.x + (to.x - from.x) * part,
            y: from.y + (to.y - from.y) * part,
        }
    })
}

/// How often it is looked for an event that the browser has confirmed before the page saw it, and the time between.
const ROUNDS: u8 = 25;
const BETWEEN: Duration = Duration::from_millis(10);

async fn perform(
    page: &Page<'_>,
    actions: Vec<InputAction>,
    mouse: Mouse,
) -> Outcome<PointerResult> {
    acted(page, actions, mouse, None).await
}

async fn acted(
    page: &Page<'_>,
    actions: Vec<InputAction>,
    mouse: Mouse,
    expected: Option<&str>,
) -> Outcome<PointerResult> {
    page.cx.waiting_for("the page to handle the pointer");
    let main = page.main_frame();
    let observed = Observation::begin(page);
    let (under, watching) = tokio::join!(
        watch::under(page, mouse.at.x, mouse.at.y),
        watch::begin(page, main)
    );
    let under = under?;
    watching?;
    let sent = observed
        .through_dialogs(
            page,
            Primitive::Input {
                target: page.key,
                actions,
            },
        )
        .await;
    note(page, mouse.clone());
    let mut rounds = if sent? { ROUNDS } else { 0 };
    while let (Some(expected), 1..) = (expected, rounds) {
        match watch::peek(page, main).await {
            Some(watched) if watched.saw(expected).is_none() => tokio::time::sleep(BETWEEN).await,
            _ => break,
        }
        rounds -= 1;
    }
    let watched = watch::end(page, main, None).await;
    let changed = watched.as_ref().map(|watched| watched.changed);
    let receipt = observed.receipt(page, under, changed, 1).await;
    let events = watched.map(|watched| watched.kinds()).unwrap_or_default();
    Ok(PointerResult {
        position: mouse.at,
        held: mouse.held,
        events,
        receipt,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_ends_exactly_where_it_should() {
        let (from, to) = (Point { x: 1.0, y: 2.0 }, Point { x: 4.0, y: 8.0 });
        let points: Vec<_> = path(from, to, 3).collect();
        assert_eq!(
            points,
            [Point { x: 2.0, y: 4.0 }, Point { x: 3.0, y: 6.0 }, to]
        );
        assert_eq!(path(from, to, 0).collect::<Vec<_>>(), [to]);
    }
}
