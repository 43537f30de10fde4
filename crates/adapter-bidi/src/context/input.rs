//! Real input: a list of actions is one command whose sources move in step; text alone is entered as an input method
//! does.

use std::sync::Arc;

use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, Effect, FrameKey, InputAction, Inputs, Modifiers, MouseButton,
    Performed, TargetKey,
};

use super::keys;
use super::{BidiContext, failed};
use crate::connection::{Route, decode};
use crate::driver::Driver;
use crate::protocol::Command;
use crate::protocol::input::{
    KeyItem, PerformActions, PointerItem, PointerParameters, Source, WheelItem,
};
use crate::protocol::script::{Evaluate, Evaluation, RemoteValue, ValueType, WindowValue};
use crate::router::SANDBOX;

/// Frames that the focus may be nested in.
const MAX_FRAMES: usize = 64;

impl Inputs for BidiContext {
    async fn input(&self, target: TargetKey, actions: &[InputAction]) -> Performed {
        self.act(target, None, actions).await
    }

    /// Input whose end the bridge may tell of. It is waited for all the same: the browser takes no other before.
    async fn input_told(
        &self,
        target: TargetKey,
        frame: FrameKey,
        actions: &[InputAction],
    ) -> Performed {
        let told = || {
            self.browser
                .router
                .lock()
                .frames
                .get_mut(&frame)
                .and_then(|frame| frame.told.take())
        };
        drop(told());
        let done = self.act(target, Some(frame), actions).await?;
        Ok(told().map_or(done, Effect::Text))
    }
}

impl BidiContext {
    /// With `only`, a text is entered in that frame alone, by what its bridge says of the focus.
    async fn act(
        &self,
        target: TargetKey,
        only: Option<FrameKey>,
        actions: &[InputAction],
    ) -> Performed {
        let (main, held) = self.of_living_page(target, |_, page| (page.main_frame, page.held))?;
        let text: Option<Vec<&str>> = actions
            .iter()
            .map(|action| match action {
                InputAction::InsertText { text } => Some(&**text),
                _ => None,
            })
            .collect();
        let _turn = self.focus_turn().await;
        self.to_front(target).await?;
        if let Some(parts) = text {
            let text = parts.concat();
            let focused = match only {
                Some(frame) => self.insert_text_in(target, frame, &text).await?,
                None => self.insert_text(target, main, &text).await?,
            };
            if !focused {
                self.back_to_front(target).await?;
            }
            return Ok(Effect::Done);
        }
        let point = |at| self.browser.driver.point(at);
        let mut script = Script::new(held, self.browser.driver);
        if !actions.iter().any(|action| {
            matches!(
                action,
                InputAction::MouseDown { .. } | InputAction::MouseUp { .. }
            )
        }) {
            let mouse = self.browser.router.lock().mouse;
            script.resting = mouse.filter(|(page, _)| *page == target).map(|(_, at)| at);
        }
        for action in actions {
            script.add(action)?;
        }
        let at = script.at;
        let (sources, held) = script.finish();
        {
            let mut state = self.browser.router.lock();
            if let Some(page) = state.pages.get_mut(&target) {
                page.held = held;
            }
            state.mouse = at
                .map(|(x, y)| (target, (point(x), point(y))))
                .or(state.mouse);
        }
        if let Some(frame) = only.filter(|frame| *frame != main) {
            self.until_focused(target, frame).await?;
        }
        let id = self.main_id(target)?;
        let at_focus = match only {
            _ if self.browser.driver != Driver::Firefox || !actions.iter().all(is_key) => main,
            Some(frame) => frame,
            None => self.focused_frame(target, main).await?,
        };
        // In Firefox keys arrive in the process of the frame that they are sent to: the main frame's does not pass them on.
        let context = if at_focus == main {
            Arc::clone(&id)
        } else {
            self.place(target, at_focus).await?
        };
        let performed = self.browser.connection.send(
            &PerformActions {
                context: &context,
                actions: sources,
            },
            Route::document(target, at_focus),
        );
        performed
            .await
            .map_err(|error| self.placed(target, None, failed(PerformActions::METHOD)(error)))?;
        if !self.settle(target, main, &id).await? {
            self.back_to_front(target).await?;
        }
        Ok(Effect::Done)
    }

    /// Waits for a later task of the page: what its handlers have begun, a form's submission or the following of a link,
    /// was announced then. A document that went away meanwhile has handled the input all the same. False where the page was
    /// found without the focus.
    async fn settle(
        &self,
        target: TargetKey,
        main: FrameKey,
        context: &str,
    ) -> AdapterResult<bool> {
        let route = Route::document(target, main);
        let later = "new Promise((done) => { setTimeout(() => done(document.hasFocus())); })";
        match self.run(context, Some(SANDBOX), later, true, route).await {
            Ok(reply) => Ok(!is_false(&reply)?),
            Err(AdapterError::DocumentGone | AdapterError::FrameGone) => Ok(true),
            Err(error) => Err(self.placed(target, None, error)),
        }
    }

    /// Waits for a frame to have the focus that its script has taken: between processes the browser passes it on later. One that does not
    /// get it is sent the keys all the same: its page is armed against them.
    async fn until_focused(&self, target: TargetKey, frame: FrameKey) -> AdapterResult<()> {
        const FOCUSED: &str = "new Promise((done) => { let looks = 0; (function look() {\
            document.hasFocus() || looks++ > 50 ? done() : setTimeout(look, 10); })(); })";
        let context = self.place(target, frame).await?;
        let route = Route::document(target, frame);
        let reply = self
            .run(&context, Some(SANDBOX), FOCUSED, true, route)
            .await;
        reply
            .map(drop)
            .map_err(|error| self.placed(target, Some(frame), error))
    }

    /// Enters text in a frame, where its bridge finds the focus on the element that it is meant for. False where the page was found
    /// without the focus.
    async fn insert_text_in(
        &self,
        target: TargetKey,
        frame: FrameKey,
        text: &str,
    ) -> AdapterResult<bool> {
        let text = quoted(text)?;
        // The bridge tells afterwards what it has refused.
        let expression = format!(
            "typeof __odb !== 'object' || !__odb.enters || __odb.enters() ? (document.execCommand('insertText', false, {text}), document.hasFocus() || parent !== self) : true"
        );
        let context = self.place(target, frame).await?;
        let route = Route::document(target, frame);
        let reply = self
            .run(&context, Some(SANDBOX), &expression, false, route)
            .await;
        Ok(!is_false(&reply.map_err(|error| {
            self.placed(target, Some(frame), error)
        })?)?)
    }

    /// The innermost frame that has the focus.
    async fn focused_frame(&self, target: TargetKey, main: FrameKey) -> AdapterResult<FrameKey> {
        const FOCUSED: &str = "(() => { let at = document.activeElement;\
            while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement; return at?.contentWindow; })()";
        let mut frame = main;
        for _ in 0..MAX_FRAMES {
            let context = self.place(target, frame).await?;
            let route = Route::document(target, frame);
            let reply = self
                .run(&context, Some(SANDBOX), FOCUSED, false, route)
                .await;
            let reply = reply.map_err(|error| self.placed(target, Some(frame), error))?;
            let Some(context) = inner_frame(&reply)? else {
                return Ok(frame);
            };
            let inner = self.browser.router.lock().locate(&context);
            frame = inner
                .map(|(frame, _)| frame)
                .ok_or(AdapterError::FrameGone)?;
        }
        Err(AdapterError::FrameGone)
    }

    /// Enters text where the focus is, in whatever frame that is. False where that one was found without the focus.
    async fn insert_text(
        &self,
        target: TargetKey,
        main: FrameKey,
        text: &str,
    ) -> AdapterResult<bool> {
        let text = quoted(text)?;
        // A frame with the focus is what is returned; the text is entered in the innermost.
        let expression = format!(
            "(() => {{ let at = document.activeElement; while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;\
             return at?.contentWindow ?? (document.execCommand('insertText', false, {text}), document.hasFocus()); }})()"
        );
        let mut frame = main;
        for _ in 0..MAX_FRAMES {
            let context = self.place(target, frame).await?;
            let route = Route::document(target, frame);
            let reply = self
                .run(&context, Some(SANDBOX), &expression, false, route)
                .await;
            let reply = reply.map_err(|error| self.placed(target, Some(frame), error))?;
            match inner_frame(&reply)? {
                None => return Ok(!is_false(&reply)?),
                Some(context) => {
                    frame = self
                        .browser
                        .router
                        .lock()
                        .locate(&context)
                        .map(|(frame, _)| frame)
                        .ok_or(AdapterError::FrameGone)?;
                }
            }
        }
        Err(AdapterError::FrameGone)
    }
}

/// Whether an action goes where the focus is.
fn is_key(action: &InputAction) -> bool {
    matches!(
        action,
        InputAction::KeyDown { .. } | InputAction::KeyUp { .. } | InputAction::InsertText { .. }
    )
}

/// A text as a script has it.
fn quoted(text: &str) -> AdapterResult<String> {
    serde_json::to_string(text).map_err(|error| AdapterError::Protocol {
        call: "insert text".to_owned(),
        reason: error.to_string(),
    })
}

/// The browsing context that a script returned, if it returned one.
fn inner_frame(reply: &bytes::Bytes) -> AdapterResult<Option<String>> {
    let evaluation: Evaluation<'_> = decode(reply).map_err(failed(Evaluate::METHOD))?;
    if let Some(details) = evaluation.exception_details {
        return Err(AdapterError::Protocol {
            call: "insert text".to_owned(),
            reason: details.text,
        });
    }
    let Some(result) = evaluation.result else {
        return Ok(None);
    };
    let value: Result<RemoteValue<'_>, _> = serde_json::from_str(result.get());
    let window = value
        .ok()
        .filter(|value| value.r#type == ValueType::Window)
        .and_then(|value| value.value);
    Ok(window
        .and_then(|window| serde_json::from_str::<WindowValue>(window.get()).ok())
        .map(|window| window.context))
}

/// Whether a script returned `false`.
fn is_false(reply: &bytes::Bytes) -> AdapterResult<bool> {
    let evaluation: Evaluation<'_> = decode(reply).map_err(failed(Evaluate::METHOD))?;
    let value = evaluation
        .result
        .and_then(|result| serde_json::from_str::<RemoteValue<'_>>(result.get()).ok());
    Ok(value.is_some_and(|value| value.value.is_some_and(|value| value.get() == "false")))
}

/// One tick: what one source does while the others pause.
enum Tick {
    Pointer(PointerItem),
    Key(KeyItem),
    Wheel(WheelItem),
}

/// A list of actions being turned into ticks.
struct Script {
    driver: Driver,
    ticks: Vec<Tick>,
    /// Where this list has put the mouse.
    at: Option<(f64, f64)>,
    /// Where the mouse was left, for a list that only moves it: moving it there again tells a page nothing.
    resting: Option<(f64, f64)>,
    /// Modifiers held by actions of the caller.
    own: Modifiers,
    /// Modifiers held now: those, and what a mouse action asks for beside them.
    held: Modifiers,
}

impl Script {
    fn new(held: Modifiers, driver: Driver) -> Self {
        Self {
            driver,
            ticks: Vec::new(),
            at: None,
            resting: None,
            own: held,
            held,
        }
    }

    fn add(&mut self, action: &InputAction) -> AdapterResult<()> {
        match action {
            InputAction::MouseMove {
                x,
                y,
                modifiers,
                held,
            } => {
                self.hold(*modifiers);
                self.resting.take_if(|_| held.is_some());
                self.move_to(*x, *y);
            }
            InputAction::MouseDown {
                x,
                y,
                button,
                modifiers,
                ..
            } => {
                self.press(
                    *x,
                    *y,
                    *modifiers,
                    PointerItem::PointerDown {
                        button: number(*button),
                    },
                );
            }
            InputAction::MouseUp {
                x,
                y,
                button,
                modifiers,
                ..
            } => {
                self.press(
                    *x,
                    *y,
                    *modifiers,
                    PointerItem::PointerUp {
                        button: number(*button),
                    },
                );
            }
            InputAction::Wheel {
                x,
                y,
                dx,
                dy,
                modifiers,
            } => {
                self.hold(*modifiers);
                let scroll = WheelItem::Scroll {
                    x: whole(*x),
                    y: whole(*y),
                    delta_x: whole(*dx),
                    delta_y: whole(*dy),
                };
                self.ticks.push(Tick::Wheel(scroll));
            }
            InputAction::Tap { .. } => return Err(AdapterError::Unsupported { primitive: "tap" }),
            InputAction::KeyDown { key, .. } => {
                self.hold(self.own);
                let value = keys::value(key).ok_or(AdapterError::Unsupported {
                    primitive: "this key",
                })?;
                self.note(&key.key, true);
                self.ticks.push(Tick::Key(KeyItem::KeyDown { value }));
            }
            InputAction::KeyUp { key, .. } => {
                self.hold(self.own);
                let value = keys::value(key).ok_or(AdapterError::Unsupported {
                    primitive: "this key",
                })?;
                self.note(&key.key, false);
                self.ticks.push(Tick::Key(KeyItem::KeyUp { value }));
            }
            InputAction::InsertText { text } => {
                self.hold(self.own);
                for character in text.chars() {
                    let value = character.to_string();
                    self.ticks.push(Tick::Key(KeyItem::KeyDown {
                        value: value.clone(),
                    }));
                    self.ticks.push(Tick::Key(KeyItem::KeyUp { value }));
                }
            }
        }
        Ok(())
    }

    fn press(&mut self, x: f64, y: f64, modifiers: Modifiers, item: PointerItem) {
        if self.at != Some((x, y)) {
            self.move_to(x, y);
        }
        self.hold(modifiers);
        self.ticks.push(Tick::Pointer(item));
    }

    fn move_to(&mut self, x: f64, y: f64) {
        self.at = Some((x, y));
        let (x, y) = (self.driver.point(x), self.driver.point(y));
        if self.resting.take() == Some((x, y)) {
            let aside = if x > 1.0 { x - 1.0 } else { x + 1.0 };
            self.ticks
                .push(Tick::Pointer(PointerItem::PointerMove { x: aside, y }));
        }
        self.ticks
            .push(Tick::Pointer(PointerItem::PointerMove { x, y }));
    }

    /// Presses and releases modifier keys until exactly these are held: pointer events have those of the keyboard.
    fn hold(&mut self, wanted: Modifiers) {
        let each = [
            (self.held.control, wanted.control, '\u{E009}'),
            (self.held.alt, wanted.alt, '\u{E00A}'),
            (self.held.meta, wanted.meta, '\u{E03D}'),
            (self.held.shift, wanted.shift, '\u{E008}'),
        ];
        for (held, wanted, key) in each {
            let value = key.to_string();
            match (held, wanted) {
                (false, true) => self.ticks.push(Tick::Key(KeyItem::KeyDown { value })),
                (true, false) => self.ticks.push(Tick::Key(KeyItem::KeyUp { value })),
                _ => {}
            }
        }
        self.held = wanted;
    }

    /// Notes that the caller holds a modifier, or does so no longer.
    fn note(&mut self, key: &str, down: bool) {
        for modifiers in [&mut self.own, &mut self.held] {
            match key {
                "Control" => modifiers.control = down,
                "Alt" => modifiers.alt = down,
                "Meta" => modifiers.meta = down,
                "Shift" => modifiers.shift = down,
                _ => {}
            }
        }
    }

    /// The sources, each as long as its last item needs, and the modifiers that stay held.
    fn finish(mut self) -> (Vec<Source>, Modifiers) {
        self.hold(self.own);
        let (mut pointer, mut key, mut wheel) = (Vec::new(), Vec::new(), Vec::new());
        for (at, tick) in self.ticks.into_iter().enumerate() {
            match tick {
                Tick::Pointer(item) => put(&mut pointer, at, item, || PointerItem::Pause),
                Tick::Key(item) => put(&mut key, at, item, || KeyItem::Pause),
                Tick::Wheel(item) => put(&mut wheel, at, item, || WheelItem::Pause),
            }
        }
        let mut sources = Vec::with_capacity(3);
        if !pointer.is_empty() {
            let parameters = PointerParameters {
                pointer_type: "mouse",
            };
            sources.push(Source::Pointer {
                id: "mouse",
                parameters,
                actions: pointer,
            });
        }
        if !key.is_empty() {
            sources.push(Source::Key {
                id: "keyboard",
                actions: key,
            });
        }
        if !wheel.is_empty() {
            sources.push(Source::Wheel {
                id: "wheel",
                actions: wheel,
            });
        }
        (sources, self.own)
    }
}

/// Puts an item at a tick, with pauses up to it.
fn put<T>(items: &mut Vec<T>, at: usize, item: T, pause: impl Fn() -> T) {
    while items.len() < at {
        items.push(pause());
    }
    items.push(item);
}

fn number(button: MouseButton) -> u8 {
    match button {
        MouseButton::Left => 0,
        MouseButton::Middle => 1,
        MouseButton::Right => 2,
    }
}

/// The wheel takes whole numbers. Casts saturate.
#[expect(
    clippy::cast_possible_truncation,
    reason = "saturates, and no page is that long"
)]
fn whole(number: f64) -> i64 {
    number.round() as i64
}

#[cfg(test)]
mod tests {
    use ops_contracts::seam::adapter::Keystroke;

    use super::*;

    fn json(actions: &[InputAction], held: Modifiers) -> String {
        let mut script = Script::new(held, Driver::Firefox);
        for action in actions {
            script.add(action).unwrap();
        }
        serde_json::to_string(&script.finish().0).unwrap()
    }

    #[test]
    fn a_click_is_one_source_of_three_ticks() {
        let modifiers = Modifiers::default();
        let click = InputAction::click((1.5, 2.0), MouseButton::Left, 1, modifiers);
        assert_eq!(
            json(&click, modifiers),
            r#"[{"type":"pointer","id":"mouse","parameters":{"pointerType":"mouse"},"actions":[{"type":"pointerMove","x":1.0,"y":2.0},{"type":"pointerDown","button":0},{"type":"pointerUp","button":0}]}]"#
        );
    }

    #[test]
    fn a_mouse_that_is_there_already_is_moved_aside_first() {
        let modifiers = Modifiers::default();
        let mut script = Script::new(modifiers, Driver::Firefox);
        script.resting = Some((9.0, 5.0));
        script
            .add(&InputAction::MouseMove {
                x: 9.4,
                y: 5.0,
                modifiers,
                held: None,
            })
            .unwrap();
        script
            .add(&InputAction::MouseMove {
                x: 9.4,
                y: 5.0,
                modifiers,
                held: None,
            })
            .unwrap();
        let text = serde_json::to_string(&script.finish().0).unwrap();
        assert_eq!(
            (
                text.matches("pointerMove").count(),
                text.matches("\"x\":8.0").count()
            ),
            (3, 1)
        );
    }

    #[test]
    fn a_modifier_of_a_click_is_held_on_the_keyboard_and_released_again() {
        let modifiers = Modifiers {
            shift: true,
            ..Modifiers::default()
        };
        let [_, down, up] = InputAction::click((1.0, 2.0), MouseButton::Right, 1, modifiers);
        assert_eq!(
            json(&[down, up], Modifiers::default()),
            "[{\"type\":\"pointer\",\"id\":\"mouse\",\"parameters\":{\"pointerType\":\"mouse\"},\"actions\":[{\"type\":\"pointerMove\",\"x\":1.0,\"y\":2.0},{\"type\":\"pause\"},{\"type\":\"pointerDown\",\"button\":2},{\"type\":\"pointerUp\",\"button\":2}]},\
             {\"type\":\"key\",\"id\":\"keyboard\",\"actions\":[{\"type\":\"pause\"},{\"type\":\"keyDown\",\"value\":\"\u{E008}\"},{\"type\":\"pause\"},{\"type\":\"pause\"},{\"type\":\"keyUp\",\"value\":\"\u{E008}\"}]}]"
        );
    }

    #[test]
    fn a_modifier_that_the_caller_presses_stays_held_and_is_not_pressed_twice() {
        let key = |key: &str| Keystroke {
            key: key.to_owned(),
            code: String::new(),
            key_code: 0,
            location: 1,
            text: None,
        };
        let held = Modifiers {
            control: true,
            ..Modifiers::default()
        };
        let mut script = Script::new(Modifiers::default(), Driver::Firefox);
        script
            .add(&InputAction::KeyDown {
                key: key("Control"),
                modifiers: held,
            })
            .unwrap();
        script
            .add(&InputAction::MouseMove {
                x: 1.0,
                y: 1.0,
                modifiers: held,
                held: None,
            })
            .unwrap();
        let (sources, left) = script.finish();
        assert_eq!(left, held);
        let text = serde_json::to_string(&sources).unwrap();
        assert_eq!(text.matches("keyDown").count(), 1);
        assert_eq!(text.matches("keyUp").count(), 0);
        let unknown = Script::new(held, Driver::Firefox).add(&InputAction::KeyDown {
            key: key("CapsLock"),
            modifiers: held,
        });
        assert!(matches!(unknown, Err(AdapterError::Unsupported { .. })));
    }
}
