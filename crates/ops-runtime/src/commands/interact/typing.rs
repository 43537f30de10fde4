//! What is typed goes to the element that was asked for, or nowhere: its frame is armed by the call that focuses it, the other frames of
//! the page are made deaf meanwhile, and what arrived is asked for afterwards. The bridge's README tells how.

use std::time::Duration;

use futures_util::future::join_all;
use ops_contracts::seam::adapter::{FrameKey, InputAction, Primitive};
use ops_contracts::wire::receipt::ElementInfo;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::observe::Observation;
use crate::bridge;
use crate::cx::{FrameAt, Page};

/// How long a frame may take to be made deaf. One that is too busy for that has been told, and hears of it before any key.
const DEAF_WITHIN: Duration = Duration::from_millis(300);

/// The frames of a page that hear nothing while another one is typed into, each with the event that brought its document.
pub(super) struct Deaf {
    typed: FrameKey,
    frames: Vec<(FrameAt, u64)>,
}

#[derive(Deserialize)]
struct Heard {
    refused: u32,
}

/// What became of keys that were sent.
#[derive(Deserialize)]
pub(super) struct Typed {
    whole: bool,
    keys: u32,
    to: Option<Value>,
    /// What is in the element, where that may be seen.
    pub(super) value: Option<String>,
}

impl Deaf {
    /// Nobody yet, while `typed` is typed into.
    pub(super) fn beside(typed: FrameKey) -> Self {
        Self {
            typed,
            frames: Vec::new(),
        }
    }

    /// Makes those frames deaf that are not, or whose document is another one by now.
    pub(super) async fn extend(&mut self, page: &Page<'_>) {
        let fresh: Vec<_> = others(page, self.typed)
            .into_iter()
            .filter(|known| !self.frames.contains(known))
            .collect();
        let args = json!({ "forMs": until(page) });
        let deafen = fresh.iter().map(|(frame, _)| async {
            let deafen = page.bridge_through::<IgnoredAny>(*frame, "deafen", &args);
            // A frame that is gone hears nothing either.
            drop(tokio::time::timeout(DEAF_WITHIN, deafen).await);
        });
        join_all(deafen).await;
        self.frames
            .retain(|(known, _)| !fresh.iter().any(|(frame, _)| frame.key == known.key));
        self.frames.extend(fresh);
    }

    /// Ends it; how much was refused meanwhile.
    pub(super) async fn end(&self, page: &Page<'_>) -> u32 {
        hear(page, self.frames.iter().map(|(frame, _)| *frame)).await
    }
}

/// How long guards may last that nobody takes back, in milliseconds.
fn until(page: &Page<'_>) -> u64 {
    u64::try_from(page.cx.remaining().as_millis()).unwrap_or(u64::MAX)
}

fn others(page: &Page<'_>, typed: FrameKey) -> Vec<(FrameAt, u64)> {
    let state = page.cx.world.lock();
    let of_page = state
        .frames
        .iter()
        .filter(|frame| frame.target == page.key && frame.key != typed);
    of_page
        .map(|frame| {
            let at = FrameAt {
                key: frame.key,
                number: frame.number,
            };
            (at, frame.committed_seq)
        })
        .collect()
}

async fn hear(page: &Page<'_>, frames: impl Iterator<Item = FrameAt>) -> u32 {
    let none = json!({});
    let none = &none;
    let heard = frames.map(|frame| async move {
        let hear = page.bridge_through::<Heard>(frame, "hear", none);
        let heard = tokio::time::timeout(DEAF_WITHIN, hear).await;
        heard
            .ok()
            .and_then(Result::ok)
            .map_or(0, |heard| heard.refused)
    });
    join_all(heard).await.into_iter().sum()
}

/// Lets all frames of the page hear again where an earlier command could not: a dialog was in its way.
pub(super) async fn clear(page: &Page<'_>) {
    let left = page
        .cx
        .world
        .lock()
        .tab_mut(page.key)
        .is_some_and(|tab| std::mem::take(&mut tab.deaf));
    if left {
        let mut frames: Vec<_> = others(page, page.main)
            .into_iter()
            .map(|(frame, _)| frame)
            .collect();
        frames.push(page.main_frame());
        hear(page, frames.into_iter()).await;
    }
}

/// Notes that the guards of this command are left to the next one.
pub(super) fn leave(page: &Page<'_>) {
    if let Some(tab) = page.cx.world.lock().tab_mut(page.key) {
        tab.deaf = true;
    }
}

/// Sends input that is meant for an element of `frame`; false when a dialog opened meanwhile, or the page went away under it.
pub(super) async fn send(
    page: &Page<'_>,
    observed: &Observation,
    frame: FrameKey,
    actions: Vec<InputAction>,
) -> Outcome<bool> {
    let target = page.key;
    let input = Primitive::InputTold {
        target,
        frame,
        actions,
    };
    observed.through_dialogs(page, input).await
}

/// How many keys a list of actions presses.
pub(super) fn presses(actions: &[InputAction]) -> usize {
    let pressed = actions
        .iter()
        .filter(|action| matches!(action, InputAction::KeyDown { .. }));
    pressed.count()
}

/// What became of the keys that were sent to `element`; nothing where its document is gone, which took what it was given with it.
///
/// # Errors
/// `ops_focus_moved` where they did not all arrive.
pub(super) async fn arrived(
    page: &Page<'_>,
    frame: FrameAt,
    (token, keys): (&str, usize),
    deaf: &Deaf,
    element: &ElementInfo,
) -> Outcome<Option<Typed>> {
    let args = json!({ "token": token, "keys": keys, "next": page.next_ref(frame) });
    let (typed, refused) = tokio::join!(
        page.bridge_through::<Typed>(frame, "typed", &args),
        deaf.end(page)
    );
    let typed = match typed {
        Ok(typed) => Some(typed),
        Err(fault) if is_gone(&fault) => None,
        Err(fault) => return Err(fault),
    };
    if refused == 0 && typed.as_ref().is_none_or(|typed| typed.whole) {
        return Ok(typed);
    }
    let fault = moved(element);
    let fault = match &typed {
        Some(typed) => fault.with("keysArrived", typed.keys).with("keysSent", keys),
        None => fault,
    };
    let to = typed.and_then(|typed| typed.to);
    Err(fault.with("focus", to.map(|to| bridge::naming_refs(to, frame.number))))
}

/// The fault of input that did not reach its element.
pub(super) fn moved(element: &ElementInfo) -> Fault {
    Fault::plain(ErrorCode::OpsFocusMoved).with("element", element)
}

fn is_gone(fault: &Fault) -> bool {
    matches!(
        fault.code,
        ErrorCode::OpsNavInterrupted
            | ErrorCode::OpsTargetClosed
            | ErrorCode::OpsFrameUnknown
            | ErrorCode::OpsRefStale
    )
}
