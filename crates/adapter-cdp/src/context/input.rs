//! Real input: every action of a list goes out in one write, and the list is done when the page has handled the last.

use std::sync::Arc;

use chromiumoxide_cdp::cdp::browser_protocol::page::BringToFrontParams;
use ops_contracts::seam::adapter::{
    Effect, FrameKey, InputAction, Inputs, Keystroke, Modifiers, MouseButton, Performed, RawCall,
    TargetKey,
};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::{CdpContext, failed};
use crate::connection::{Batch, Reply, Route};
use crate::router::state::State;

/// `Input.dispatchMouseEvent`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MouseEvent {
    r#type: &'static str,
    x: f64,
    y: f64,
    modifiers: u8,
    button: &'static str,
    buttons: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    click_count: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta_x: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta_y: Option<f64>,
}

/// `Input.dispatchKeyEvent`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyEvent<'a> {
    r#type: &'static str,
    modifiers: u8,
    key: &'a str,
    code: &'a str,
    windows_virtual_key_code: u16,
    location: u8,
    is_keypad: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
}

/// `Input.dispatchDragEvent`.
#[derive(Serialize)]
struct DragEvent<'a> {
    r#type: &'a str,
    x: f64,
    y: f64,
    modifiers: u8,
    data: &'a RawValue,
}

/// `Input.dispatchTouchEvent`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TouchEvent {
    r#type: &'static str,
    touch_points: Vec<TouchPoint>,
    modifiers: u8,
}

#[derive(Serialize)]
struct TouchPoint {
    x: f64,
    y: f64,
}

#[derive(Serialize)]
struct InsertText<'a> {
    text: &'a str,
}

impl Inputs for CdpContext {
    async fn input(&self, target: TargetKey, actions: &[InputAction]) -> Performed {
        let (session, scope) = self.document_route(target)?;
        let route = Route {
            session: Some(&session),
            scope,
        };
        if self.of_page(target, |page| page.drag.is_some())? {
            return self.drag(target, actions, route).await;
        }
        let mut batch = self.browser.connection.batch();
        if actions
            .iter()
            .any(|action| matches!(action, InputAction::MouseMove { held: Some(_), .. }))
        {
            // What the system would drag is dragged by us: without a person at the mouse it would never be dropped.
            batch
                .call(
                    "Input.setInterceptDrags",
                    &json!({ "enabled": true }),
                    route,
                )
                .forget();
        }
        if self.takes_front(target) {
            // A page behind another one handles no input.
            batch.exec(&BringToFrontParams {}, route).forget();
        }
        let replies: Vec<Reply> = actions
            .iter()
            .map(|action| add(&mut batch, action, route))
            .collect();
        batch.send();
        for reply in replies {
            reply.await.map_err(failed("input"))?;
        }
        Ok(Effect::Done)
    }

    /// The same, or as soon as the bridge tells of it: the confirmation takes another way, and is later more often than not. What
    /// it has told of earlier input came before it answered the call that armed it for this.
    async fn input_told(
        &self,
        target: TargetKey,
        frame: FrameKey,
        actions: &[InputAction],
    ) -> Performed {
        let told = |state: &mut State| {
            state
                .frames
                .get_mut(&frame)
                .and_then(|frame| frame.told.take())
        };
        drop(told(&mut self.browser.router.lock()));
        tokio::select! {
            biased;
            text = self.browser.router.until(told) => Ok(Effect::Text(text)),
            done = self.input(target, actions) => done,
        }
    }
}

impl CdpContext {
    /// The mouse while a native drag is under way: moves and the release are the drag's, one after the other, since the page
    /// says after each what it would make of a drop.
    async fn drag(
        &self,
        target: TargetKey,
        actions: &[InputAction],
        route: Route<'_>,
    ) -> Performed {
        const CALL: &str = "Input.dispatchDragEvent";
        for action in actions {
            let dragged = self.of_page(target, |page| page.drag.clone())?;
            let (at, kinds): (_, &[&str]) = match (action, &dragged) {
                (
                    InputAction::MouseMove {
                        x, y, modifiers, ..
                    },
                    Some((_, true)),
                ) => ((*x, *y, *modifiers), &["dragOver"]),
                (
                    InputAction::MouseMove {
                        x, y, modifiers, ..
                    },
                    Some((_, false)),
                ) => ((*x, *y, *modifiers), &["dragEnter", "dragOver"]),
                (
                    InputAction::MouseUp {
                        x, y, modifiers, ..
                    },
                    Some(_),
                ) => ((*x, *y, *modifiers), &["drop"]),
                (other, _) => {
                    let mut batch = self.browser.connection.batch();
                    let reply = add(&mut batch, other, route);
                    batch.send();
                    reply.await.map_err(failed("input"))?;
                    continue;
                }
            };
            let Some((data, _)) = dragged else { continue };
            let over = matches!(action, InputAction::MouseUp { .. });
            if let Some(page) = self.browser.router.lock().pages.get_mut(&target) {
                page.drag = if over {
                    None
                } else {
                    Some((Arc::clone(&data), true))
                };
            }
            for r#type in kinds {
                let (x, y, modifiers) = at;
                let event = DragEvent {
                    r#type,
                    x,
                    y,
                    modifiers: bits(modifiers),
                    data: &data,
                };
                self.browser
                    .connection
                    .call(CALL, &event, route)
                    .await
                    .map_err(failed(CALL))?;
            }
        }
        Ok(Effect::Done)
    }
}

fn add(batch: &mut Batch<'_>, action: &InputAction, route: Route<'_>) -> Reply {
    match action {
        InputAction::KeyDown { key, modifiers } => {
            // Without text it must be a raw key, or the page gets an empty keypress.
            let kind = if key.text.is_some() {
                "keyDown"
            } else {
                "rawKeyDown"
            };
            batch.call(
                "Input.dispatchKeyEvent",
                &key_event(kind, key, *modifiers, key.text.as_deref()),
                route,
            )
        }
        InputAction::KeyUp { key, modifiers } => batch.call(
            "Input.dispatchKeyEvent",
            &key_event("keyUp", key, *modifiers, None),
            route,
        ),
        InputAction::InsertText { text } => {
            batch.call("Input.insertText", &InsertText { text }, route)
        }
        InputAction::Tap { x, y, modifiers } => {
            let event = |r#type, touch_points| TouchEvent {
                r#type,
                touch_points,
                modifiers: bits(*modifiers),
            };
            batch
                .call(
                    "Input.dispatchTouchEvent",
                    &event("touchStart", vec![TouchPoint { x: *x, y: *y }]),
                    route,
                )
                .forget();
            batch.call(
                "Input.dispatchTouchEvent",
                &event("touchEnd", Vec::new()),
                route,
            )
        }
        mouse => batch.call("Input.dispatchMouseEvent", &mouse_event(mouse), route),
    }
}

fn key_event<'a>(
    kind: &'static str,
    key: &'a Keystroke,
    modifiers: Modifiers,
    text: Option<&'a str>,
) -> KeyEvent<'a> {
    KeyEvent {
        r#type: kind,
        modifiers: bits(modifiers),
        key: &key.key,
        code: &key.code,
        windows_virtual_key_code: key.key_code,
        // The protocol has no place for the numeric pad: it is a flag of its own.
        location: if key.location == 3 { 0 } else { key.location },
        is_keypad: key.location == 3,
        text,
    }
}

fn mouse_event(action: &InputAction) -> MouseEvent {
    let event = |kind, x, y, modifiers, button: Option<MouseButton>| MouseEvent {
        r#type: kind,
        x,
        y,
        modifiers: bits(modifiers),
        button: button.map_or("none", name),
        buttons: 0,
        click_count: None,
        delta_x: None,
        delta_y: None,
    };
    match *action {
        InputAction::MouseDown {
            x,
            y,
            button,
            click_count,
            modifiers,
        } => MouseEvent {
            buttons: mask(button),
            click_count: Some(click_count),
            ..event("mousePressed", x, y, modifiers, Some(button))
        },
        InputAction::MouseUp {
            x,
            y,
            button,
            click_count,
            modifiers,
        } => MouseEvent {
            click_count: Some(click_count),
            ..event("mouseReleased", x, y, modifiers, Some(button))
        },
        InputAction::Wheel {
            x,
            y,
            dx,
            dy,
            modifiers,
        } => MouseEvent {
            delta_x: Some(dx),
            delta_y: Some(dy),
            ..event("mouseWheel", x, y, modifiers, None)
        },
        InputAction::MouseMove {
            x,
            y,
            modifiers,
            held,
        } => MouseEvent {
            buttons: held.map_or(0, mask),
            ..event("mouseMoved", x, y, modifiers, held)
        },
        // The caller has taken the keys out; a move to the corner would be the harmless reading of anything else.
        _ => event("mouseMoved", 0.0, 0.0, Modifiers::default(), None),
    }
}

/// The calls of a list that touches alone; none where it does anything else.
pub(crate) fn touches(actions: &[InputAction]) -> Option<Vec<RawCall>> {
    let mut calls = Vec::with_capacity(actions.len() * 2);
    for action in actions {
        let InputAction::Tap { x, y, modifiers } = action else {
            return None;
        };
        let event = |r#type, touch_points| TouchEvent {
            r#type,
            touch_points,
            modifiers: bits(*modifiers),
        };
        for event in [
            event("touchStart", vec![TouchPoint { x: *x, y: *y }]),
            event("touchEnd", Vec::new()),
        ] {
            calls.push((
                "Input.dispatchTouchEvent",
                serde_json::value::to_raw_value(&event).ok()?,
            ));
        }
    }
    Some(calls)
}

fn bits(modifiers: Modifiers) -> u8 {
    u8::from(modifiers.alt)
        | u8::from(modifiers.control) << 1
        | u8::from(modifiers.meta) << 2
        | u8::from(modifiers.shift) << 3
}

fn name(button: MouseButton) -> &'static str {
    match button {
        MouseButton::Left => "left",
        MouseButton::Middle => "middle",
        MouseButton::Right => "right",
    }
}

fn mask(button: MouseButton) -> u8 {
    match button {
        MouseButton::Left => 1,
        MouseButton::Right => 2,
        MouseButton::Middle => 4,
    }
}
