//! Pointer actions, optimistically: one bridge call resolves the element, scrolls, finds the hit point and arms the
//! guard; one batch of input follows at once, and when the browser has confirmed it, the verdict. What does not land on the
//! element is swallowed by the guard, and the action is tried again when the element has come to rest.

use std::time::Duration;

use ops_contracts::seam::adapter::{AdapterError, Effect, InputAction, Primitive};
use ops_contracts::wire::command::Point;
use ops_contracts::wire::locator::{Locator, LocatorKey};
use ops_contracts::wire::receipt::{ElementInfo, Receipt};
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::frames::to_viewport;
use super::observe::Observation;
use crate::bridge::{self, BridgeLocator, Description};
use crate::cx::{FrameAt, Page};

/// How long an action waits for an element that is not there, covered, disabled or moving, before that is the error.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two tries.
pub(super) const PAUSE: Duration = Duration::from_millis(50);
/// How long the events of a batch may take to arrive.
const ARRIVAL: Duration = Duration::from_secs(5);

/// A pointer action.
pub(super) struct Plan {
    /// The bridge's name of the action.
    pub(super) action: &'static str,
    /// Where in the element's box.
    pub(super) position: Option<Point>,
    /// Clicks that must arrive.
    pub(super) clicks: u32,
    /// Whether the input is one click of the primary button, after which the page is sent no further event.
    pub(super) single: bool,
}

/// What came of it.
pub(super) struct Acted {
    pub(super) receipt: Receipt,
    /// Where the element is, for a look afterwards.
    pub(super) frame: FrameAt,
    /// Its number there.
    pub(super) number: u32,
    /// Its checked state as the verdict saw it.
    pub(super) checked: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArmArgs<'a> {
    locator: BridgeLocator,
    action: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Point>,
    stable: bool,
    timeout_ms: u64,
    arm_ms: u64,
    single: bool,
    next: u32,
}

#[derive(Deserialize)]
struct Armed {
    #[serde(rename = "ref")]
    number: u32,
    x: f64,
    y: f64,
    animating: bool,
    desc: Description,
    token: String,
    /// Whether the page may tell of its end itself: what the element's handlers do is all that comes of it.
    #[serde(default)]
    tells: bool,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    hit: bool,
    missed: Option<Value>,
    events: Vec<String>,
    changed: bool,
    value_changed: bool,
    focus_changed: bool,
    clicks: u32,
    #[serde(default)]
    checked: Option<Value>,
}

/// What one try came to.
enum Try {
    /// The events arrived, or the page went elsewhere or closed while they did.
    Done(Option<Verdict>),
    /// Other elements were hit and saw nothing of it.
    Missed(Fault),
}

/// Acts on an element with the input that `input` makes of the hit point.
pub(super) async fn act(
    page: &Page<'_>,
    element: &Locator,
    plan: &Plan,
    input: impl Fn(f64, f64) -> Vec<InputAction>,
) -> Outcome<Acted> {
    let give_up = patience(page);
    let mut stable = false;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let observed = Observation::begin(page);
        let fault = match arm(page, element, plan, stable).await {
            Ok((_, armed)) if armed.animating && !stable => {
                stable = true;
                attempts -= 1;
                continue;
            }
            Ok((frame, armed)) => match send(page, &observed, frame, &armed, plan, &input).await {
                Ok(Try::Done(verdict)) => {
                    return Ok(
                        done(page, &observed, (frame, armed), plan, verdict, attempts).await,
                    );
                }
                Ok(Try::Missed(fault)) => fault,
                Err(fault) => fault,
            },
            Err(fault) => fault,
        };
        if !may_pass(&fault, element) || Instant::now() >= give_up {
            return Err(fault.with("attempts", attempts));
        }
        // What was replaced does not move: waiting for it to rest would give it the time to be replaced again.
        stable = fault.code != ErrorCode::OpsRefStale;
        page.cx.waiting_for("the element to be ready");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn done(
    page: &Page<'_>,
    observed: &Observation,
    (frame, armed): (FrameAt, Armed),
    plan: &Plan,
    verdict: Option<Verdict>,
    attempts: u32,
) -> Acted {
    let info: ElementInfo = armed.desc.element(frame.number, armed.number);
    let changed = verdict
        .as_ref()
        .map(|verdict| verdict.changed || verdict.value_changed || verdict.focus_changed);
    let clicks = verdict
        .as_ref()
        .filter(|_| plan.clicks > 0)
        .map(|verdict| verdict.clicks);
    let checked = verdict
        .and_then(|verdict| verdict.checked)
        .and_then(|checked| checked.as_bool());
    let receipt = Receipt {
        clicks,
        ..observed.receipt(page, Some(info), changed, attempts).await
    };
    Acted {
        receipt,
        frame,
        number: armed.number,
        checked,
    }
}

/// Until when an action waits for its element; the rest of the deadline is for the action itself.
pub(super) fn patience(page: &Page<'_>) -> Instant {
    (Instant::now() + PATIENCE).min(page.cx.deadline - page.cx.remaining() / 5)
}

/// Whether waiting may help: the page is at fault, and it may change. What a locator found and the page replaced before anything was
/// sent is found again; a ref names one element alone.
pub(super) fn may_pass(fault: &Fault, element: &Locator) -> bool {
    match fault.code {
        ErrorCode::OpsElementNotFound | ErrorCode::OpsRefStale => {
            !matches!(element.by, LocatorKey::Ref(_))
        }
        ErrorCode::OpsElementNotVisible
        | ErrorCode::OpsElementDisabled
        | ErrorCode::OpsElementCovered
        | ErrorCode::OpsElementUnstable
        | ErrorCode::OpsElementOutside => true,
        ErrorCode::OpsNavInterrupted => !matches!(element.by, LocatorKey::Ref(_)),
        _ => false,
    }
}

async fn arm(
    page: &Page<'_>,
    element: &Locator,
    plan: &Plan,
    stable: bool,
) -> Outcome<(FrameAt, Armed)> {
    page.cx.waiting_for("the element");
    let frame = page.frame_of(element)?;
    let args = ArmArgs {
        locator: element.into(),
        action: plan.action,
        position: plan.position,
        stable,
        timeout_ms: 1_000,
        arm_ms: u64::try_from((ARRIVAL * 2).as_millis()).unwrap_or(u64::MAX),
        single: plan.single,
        next: page.next_ref(frame),
    };
    Ok((frame, page.bridge(frame, "arm", &args).await?))
}

/// Sends the input and hears the verdict: from the page itself in the turn of the last handler, where that is all that comes of
/// it and nothing keeps the event from getting there; else after the browser has confirmed the input, when all handlers have
/// run. Asked for together with the input, the verdict would have to wait for a task of its own, and Chromium holds those back
/// until the frame after a click.
async fn send(
    page: &Page<'_>,
    observed: &Observation,
    frame: FrameAt,
    armed: &Armed,
    plan: &Plan,
    input: &impl Fn(f64, f64) -> Vec<InputAction>,
) -> Outcome<Try> {
    let at = match to_viewport(page, frame, (armed.x, armed.y), true).await {
        Ok(at) => at,
        Err(fault) => {
            disarm(page, frame, armed).await;
            return Err(fault);
        }
    };
    page.cx.waiting_for("the events to arrive");
    let actions = input(at.x, at.y);
    let batch = if armed.tells {
        Primitive::InputTold {
            target: page.key,
            frame: frame.key,
            actions,
        }
    } else {
        Primitive::Input {
            target: page.key,
            actions,
        }
    };
    let wait = u64::try_from(ARRIVAL.min(page.cx.remaining()).as_millis()).unwrap_or(u64::MAX);
    let args = json!({ "token": armed.token, "expect": plan.clicks, "timeoutMs": wait, "next": page.next_ref(frame) });
    let both = async {
        match page.cx.perform(batch).await {
            Ok(told @ Effect::Text(_)) => (Ok(Effect::Done), page.bridge_answer(frame, told)),
            sent => (
                sent,
                page.bridge_through::<Verdict>(frame, "verdict", &args)
                    .await,
            ),
        }
    };
    let (sent, verdict) = tokio::select! {
        biased;
        both = both => both,
        _ = observed.dialog(page) => return Ok(Try::Done(None)),
    };
    match sent {
        // The page went away under the input: the receipt tells how.
        Ok(_)
        | Err(AdapterError::TargetClosed | AdapterError::DocumentGone | AdapterError::FrameGone) => {
        }
        Err(error) => return Err(error.into()),
    }
    judge(page, frame, observed, verdict)
}

fn judge(
    page: &Page<'_>,
    frame: FrameAt,
    observed: &Observation,
    verdict: Outcome<Verdict>,
) -> Outcome<Try> {
    match verdict {
        Ok(verdict) if verdict.hit => Ok(Try::Done(Some(verdict))),
        Ok(verdict) if verdict.missed.is_some() => {
            let by = verdict
                .missed
                .and_then(|missed| missed.get("desc").cloned())
                .map(|by| bridge::naming_refs(by, frame.number));
            let fault = Fault::new(
                ErrorCode::OpsElementCovered,
                "another element was under the pointer when the events arrived; it did not see them",
            );
            Ok(Try::Missed(fault.with("by", by)))
        }
        Ok(verdict) if page.cx.world.lock().tab(page.key).is_none() => Ok(Try::Done(Some(verdict))),
        Ok(verdict) => Err(nowhere(&verdict)),
        Err(fault)
            if matches!(
                fault.code,
                ErrorCode::OpsNavInterrupted | ErrorCode::OpsTargetClosed
            ) && observed.going_elsewhere(page) =>
        {
            Ok(Try::Done(None))
        }
        Err(fault) => Err(fault),
    }
}

/// The browser handled the input, but the element's document saw none of it: another document did, and it can't be
/// told what it made of it. Trying again could act twice.
fn nowhere(verdict: &Verdict) -> Fault {
    Fault::new(
        ErrorCode::OpsInputMisdirected,
        "the events did not arrive in the element's document; a frame above it may have taken them",
    )
    .with("delivered", "unknown")
    .with("events", &verdict.events)
}

async fn disarm(page: &Page<'_>, frame: FrameAt, armed: &Armed) {
    // Failing means that the document is gone, and the guard with it.
    drop(
        page.bridge_through::<serde::de::IgnoredAny>(
            frame,
            "disarm",
            &json!({ "token": armed.token }),
        )
        .await,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_replaced_is_found_again_by_a_locator_and_never_by_a_ref() {
        let stale = Fault::plain(ErrorCode::OpsRefStale);
        let locator = |text: &str| text.parse::<Locator>().expect("it is a locator");
        assert!(
            may_pass(&stale, &locator("role=button[name=\"Save\"]"))
                && may_pass(&stale, &locator("css=#save"))
        );
        assert!(!may_pass(&stale, &locator("e12")));
        let unknown = nowhere(&Verdict::default());
        assert!(!unknown.code.retryable() && !may_pass(&unknown, &locator("css=#save")));
    }
}
