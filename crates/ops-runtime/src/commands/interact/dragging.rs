//! Drags: a button pressed on one element and released on another. Whether the page makes a native drag of it, with
//! `dragstart` and `drop`, or follows the mouse itself, is the page's business; what both ends saw is told.

use std::time::Duration;

use ops_contracts::seam::adapter::{InputAction, Modifiers, MouseButton, Primitive};
use ops_contracts::wire::capability::Capability;
use ops_contracts::wire::command::Point;
use ops_contracts::wire::command::interact::{DragParams, DragResult, DragSide};
use ops_contracts::wire::command::pointer;
use ops_contracts::wire::locator::Locator;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Deserialize;
use serde_json::json;

use super::mouse::path;
use super::observe::Observation;
use super::pointer::{PAUSE, may_pass, patience};
use super::watch::{self, Watched};
use super::{frames, held, mouse};
use crate::bridge::{BridgeLocator, Description};
use crate::cx::{Cx, FrameAt, Page};
use crate::world::Mouse;

/// What an end of a drag receives.
const TAKEN: &[&str] = &["pointerdown", "mousedown", "dragstart"];
const DROPPED: &[&str] = &["dragenter", "dragover", "drop", "pointerup", "mouseup"];

#[derive(Deserialize)]
struct Prepared {
    #[serde(rename = "ref")]
    number: u32,
    x: f64,
    y: f64,
    desc: Description,
}

/// An element that is ready to be dragged or dropped on, and where.
struct End {
    frame: FrameAt,
    number: u32,
    description: Description,
    at: Point,
}

pub(crate) async fn drag(cx: &Cx, params: DragParams) -> Outcome<DragResult> {
    let page = cx.page(params.target_id.as_ref())?;
    // What is wrong with the target is said before anything is pressed.
    find(&page, &params.target, params.target_position, "hover").await?;
    let source = find(&page, &params.source, params.source_position, "drag").await?;
    let observed = Observation::begin(&page);
    let target_frame = page.frame_of(&params.target)?;
    watch::begin(&page, source.frame).await?;
    if target_frame != source.frame {
        watch::begin(&page, target_frame).await?;
    }
    cx.waiting_for("the page to handle the drag");
    let (target, native) = carry(&page, &observed, &source, &params).await?;
    mouse::note(
        &page,
        Mouse {
            at: target.at,
            held: Vec::new(),
        },
    );
    if native {
        ended(&page, source.frame).await;
    }
    let same = target.frame == source.frame;
    let landed = watch::end(&page, target.frame, Some(target.number)).await;
    let left = if same {
        None
    } else {
        watch::end(&page, source.frame, None).await
    };
    let taken = if same { landed.as_ref() } else { left.as_ref() };
    let changed = [taken, landed.as_ref()]
        .into_iter()
        .flatten()
        .map(|watched| watched.changed)
        .reduce(|a, b| a || b);
    let receipt = observed
        .receipt(
            &page,
            Some(
                source
                    .description
                    .clone()
                    .element(source.frame.number, source.number),
            ),
            changed,
            1,
        )
        .await;
    check(taken, landed.as_ref(), native)?;
    let side = |watched: Option<&Watched>, end: &End, kinds| DragSide {
        element: Some(
            end.description
                .clone()
                .element(end.frame.number, end.number),
        ),
        events: watched
            .map(|watched| watched.side(end.frame, kinds).events)
            .unwrap_or_default(),
    };
    Ok(DragResult {
        source: side(taken, &source, TAKEN),
        target: side(landed.as_ref(), &target, DROPPED),
        native,
        receipt,
    })
}

/// Takes the source, carries it to the target and drops it there. Answers the target, and whether the browser made a native drag of it.
async fn carry(
    page: &Page<'_>,
    observed: &Observation,
    source: &End,
    params: &DragParams,
) -> Outcome<(End, bool)> {
    let modifiers = held(&params.modifiers);
    let button = MouseButton::Left;
    send(page, observed, press(source.at, button, modifiers)).await?;
    let native = under_way(page, observed, source.frame, source.at, (button, modifiers)).await?;
    // The way to the target may have to be scrolled free, which moves the source: it is held already.
    let target = match find(page, &params.target, params.target_position, "hover").await {
        Ok(target) => target,
        Err(fault) => {
            // Nothing may stay pressed.
            drop(send(page, observed, vec![release(source.at, button, modifiers)]).await);
            return Err(fault);
        }
    };
    send(
        page,
        observed,
        moves(source.at, target.at, params.steps, button, modifiers),
    )
    .await?;
    if native {
        over(page, observed, target.frame, target.at, (button, modifiers)).await?;
    }
    send(page, observed, vec![release(target.at, button, modifiers)]).await?;
    Ok((target, native))
}

/// Refuses to call a drag done whose drop the page did not take, or whose press reached nothing.
fn check(taken: Option<&Watched>, landed: Option<&Watched>, native: bool) -> Outcome<()> {
    let (Some(taken), Some(landed)) = (taken, landed) else {
        return Ok(());
    };
    let dropped = landed.saw("drop").is_some_and(|seen| seen.on_target);
    if native && !dropped {
        return Err(Fault::new(
            ErrorCode::OpsDropRefused,
            "the drag began, but the target did not take what was dropped",
        )
        .with("events", landed.kinds()));
    }
    if !native && taken.saw("mousedown").is_none() && taken.saw("pointerdown").is_none() {
        return Err(Fault::new(
            ErrorCode::OpsInputMisdirected,
            "the press did not arrive in the source's document",
        )
        .with("delivered", "unknown"));
    }
    Ok(())
}

pub(crate) async fn between_points(
    cx: &Cx,
    params: pointer::DragParams,
) -> Outcome<pointer::DragResult> {
    let page = cx.page(params.target_id.as_ref())?;
    let (main, modifiers, button) = (page.main_frame(), held(&params.modifiers), params.button);
    let observed = Observation::begin(&page);
    watch::begin(&page, main).await?;
    cx.waiting_for("the page to handle the drag");
    send(&page, &observed, press(params.from, button, modifiers)).await?;
    let native = under_way(&page, &observed, main, params.from, (button, modifiers)).await?;
    send(
        &page,
        &observed,
        moves(params.from, params.to, params.steps, button, modifiers),
    )
    .await?;
    if native {
        over(&page, &observed, main, params.to, (button, modifiers)).await?;
    }
    send(
        &page,
        &observed,
        vec![release(params.to, button, modifiers)],
    )
    .await?;
    mouse::note(
        &page,
        Mouse {
            at: params.to,
            held: Vec::new(),
        },
    );
    if native {
        ended(&page, main).await;
    }
    let watched = watch::end(&page, main, None).await;
    let none = DragSide {
        element: None,
        events: Vec::new(),
    };
    let side = |kinds| {
        watched
            .as_ref()
            .map_or_else(|| none.clone(), |watched| watched.side(main, kinds))
    };
    let (source, target) = (side(TAKEN), side(DROPPED));
    let dropped = native.then(|| {
        watched
            .as_ref()
            .is_some_and(|watched| watched.saw("drop").is_some())
    });
    let changed = watched.as_ref().map(|watched| watched.changed);
    let receipt = observed
        .receipt(&page, source.element.clone(), changed, 1)
        .await;
    Ok(pointer::DragResult {
        source,
        target,
        native,
        dropped,
        receipt,
    })
}

/// Waits until an element can be hit, as other actions do, and tells where in the page's viewport.
async fn find(
    page: &Page<'_>,
    element: &Locator,
    position: Option<Point>,
    action: &str,
) -> Outcome<End> {
    page.cx.waiting_for("the element");
    let give_up = patience(page);
    let mut stable = false;
    loop {
        match prepare(page, element, position, action, stable).await {
            Err(fault) if may_pass(&fault, element) && tokio::time::Instant::now() < give_up => {
                stable = true;
                tokio::time::sleep(PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

async fn prepare(
    page: &Page<'_>,
    element: &Locator,
    position: Option<Point>,
    action: &str,
    stable: bool,
) -> Outcome<End> {
    let frame = page.frame_of(element)?;
    let locator = BridgeLocator::from(element);
    let args = json!({ "locator": locator, "action": action, "position": position, "stable": stable, "timeoutMs": 1_000,
        "next": page.next_ref(frame) });
    let ready: Prepared = page.bridge(frame, "prepare", &args).await?;
    let at = frames::to_viewport(page, frame, (ready.x, ready.y), true).await?;
    Ok(End {
        frame,
        number: ready.number,
        description: ready.desc,
        at,
    })
}

async fn send(page: &Page<'_>, observed: &Observation, actions: Vec<InputAction>) -> Outcome<()> {
    observed
        .through_dialogs(
            page,
            Primitive::Input {
                target: page.key,
                actions,
            },
        )
        .await
        .map(drop)
}

/// How far the mouse moves before browsers make a drag of a press, in CSS pixels.
const BEGINS: f64 = 5.0;

/// The press and the first move, which makes a drag of it: what is scrolled afterwards does not change what is dragged.
fn press(Point { x, y }: Point, button: MouseButton, modifiers: Modifiers) -> Vec<InputAction> {
    vec![
        InputAction::MouseMove {
            x,
            y,
            modifiers,
            held: None,
        },
        InputAction::MouseDown {
            x,
            y,
            button,
            click_count: 1,
            modifiers,
        },
        InputAction::MouseMove {
            x: x + BEGINS,
            y: y + BEGINS,
            modifiers,
            held: Some(button),
        },
    ]
}

/// Whether the press became a native drag, and then waits until it is under way: a browser begins one beside the page, and
/// what the mouse does before belongs to no drag.
async fn under_way(
    page: &Page<'_>,
    observed: &Observation,
    frame: FrameAt,
    from: Point,
    (button, modifiers): (MouseButton, Modifiers),
) -> Outcome<bool> {
    let begun = |watched: &Watched| watched.saw("dragstart").is_some();
    let moving =
        |watched: &Watched| watched.saw("dragenter").is_some() || watched.saw("dragover").is_some();
    for round in 0..ROUNDS {
        match watch::peek(page, frame).await {
            Some(watched) if begun(&watched) && page.cx.needs(Capability::NativeDrag).is_err() => {
                // Nothing may stay pressed.
                drop(send(page, observed, vec![release(from, button, modifiers)]).await);
                return page.cx.needs(Capability::NativeDrag).map(|()| true);
            }
            Some(watched) if begun(&watched) && !moving(&watched) => {
                let away = BEGINS + f64::from(round % 2);
                let (x, y) = (from.x + away, from.y + away);
                send(
                    page,
                    observed,
                    vec![InputAction::MouseMove {
                        x,
                        y,
                        modifiers,
                        held: Some(button),
                    }],
                )
                .await?;
                tokio::time::sleep(BETWEEN).await;
            }
            Some(watched) => return Ok(begun(&watched)),
            // The page went elsewhere, or a dialog opened: the receipt tells.
            None => return Ok(false),
        }
    }
    Ok(true)
}

/// Waits until the page has said what it makes of a drop here: the browser asks it beside the input, and takes the last answer.
async fn over(
    page: &Page<'_>,
    observed: &Observation,
    frame: FrameAt,
    Point { x, y }: Point,
    (button, modifiers): (MouseButton, Modifiers),
) -> Outcome<()> {
    let count = |watched: &Watched| watched.saw("dragover").map_or(0, |seen| seen.count);
    let Some(before) = watch::peek(page, frame)
        .await
        .map(|watched| count(&watched))
    else {
        return Ok(());
    };
    for _ in 0..ROUNDS / 2 {
        send(
            page,
            observed,
            vec![InputAction::MouseMove {
                x,
                y,
                modifiers,
                held: Some(button),
            }],
        )
        .await?;
        tokio::time::sleep(BETWEEN).await;
        match watch::peek(page, frame).await {
            Some(watched) if count(&watched) < before + 2 => {}
            _ => return Ok(()),
        }
    }
    Ok(())
}

/// Waits until the source was told that its drag is over.
async fn ended(page: &Page<'_>, frame: FrameAt) {
    for _ in 0..ROUNDS {
        match watch::peek(page, frame).await {
            Some(watched) if watched.saw("dragend").is_none() => tokio::time::sleep(BETWEEN).await,
            _ => return,
        }
    }
}

/// How often a drag is looked at before it is taken as it is, and the time between.
const ROUNDS: u8 = 100;
const BETWEEN: Duration = Duration::from_millis(10);

/// The way there; its end twice, since pages ask for more than one `dragover` before they take a drop.
fn moves(
    from: Point,
    to: Point,
    steps: u8,
    button: MouseButton,
    modifiers: Modifiers,
) -> Vec<InputAction> {
    path(from, to, steps)
        .chain(std::iter::once(to))
        .map(|Point { x, y }| InputAction::MouseMove {
            x,
            y,
            modifiers,
            held: Some(button),
        })
        .collect()
}

fn release(Point { x, y }: Point, button: MouseButton, modifiers: Modifiers) -> InputAction {
    InputAction::MouseUp {
        x,
        y,
        button,
        click_count: 1,
        modifiers,
    }
}
