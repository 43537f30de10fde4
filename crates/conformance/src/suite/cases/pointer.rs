//! The mouse by points, drags of both kinds, taps: what the page did, and what was told of it.

use ops_contracts::ErrorCode;
use ops_contracts::seam::adapter::MouseButton;
use ops_contracts::wire::command::dom::BoxResult;
use ops_contracts::wire::command::interact::{DragParams, TapParams};
use ops_contracts::wire::command::pointer::{self, ButtonParams, MoveParams, WheelParams};
use ops_contracts::wire::command::{
    DomBox, InteractDrag, InteractTap, Point, PointerDown, PointerDrag, PointerMove, PointerUp,
    PointerWheel,
};

use super::super::check::{Outcome, contains, equal, holds, refused, reported};
use super::super::fixture::{Failure, Fixture, Session};
use super::super::verbs::{at, button, read};

const PAGE: &str = "/pages/drag.html";

fn drag(source: &str, target: &str) -> DragParams {
    DragParams {
        source: at(source),
        target: at(target),
        source_position: None,
        target_position: None,
        modifiers: Vec::new(),
        steps: 8,
        target_id: None,
    }
}

async fn middle(session: &Session<'_>, element: &str) -> Result<Point, Failure> {
    let BoxResult {
        x,
        y,
        width,
        height,
        ..
    } = session.call::<DomBox>(&read(element)).await?;
    Ok(Point {
        x: x + width / 2.0,
        y: y + height / 2.0,
    })
}

fn to(point: Point) -> MoveParams {
    MoveParams {
        x: point.x,
        y: point.y,
        steps: 1,
        modifiers: Vec::new(),
        target_id: None,
    }
}

pub(super) async fn a_card_is_dragged_natively_and_both_ends_are_told(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    let dragged = session
        .call::<InteractDrag>(&drag("#kiln", "#done"))
        .await?;
    reported(&f.site, "kiln-to-done", 1).await?;
    holds(dragged.native, "it was a native drag")?;
    equal(
        dragged.source.element.map(|element| element.name),
        Some("Fire the kiln".to_owned()),
    )?;
    equal(
        dragged.target.element.map(|element| element.name),
        Some("Done".to_owned()),
    )?;
    for (events, kind) in [
        (&dragged.source.events, "dragstart"),
        (&dragged.target.events, "dragover"),
        (&dragged.target.events, "drop"),
    ] {
        holds(
            events.iter().any(|event| event == kind),
            format!("{kind} in {events:?}"),
        )?;
    }
    equal(dragged.receipt.changed, Some(true))?;
    contains(&session.text("#log").await?, "dragend kiln move")
}

pub(super) async fn a_target_that_is_far_down_is_reached(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    session.call::<InteractDrag>(&drag("#oak", "#far")).await?;
    reported(&f.site, "oak-to-far", 1).await
}

pub(super) async fn a_drop_that_the_page_does_not_take_is_an_error(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    let fault = refused(
        session
            .call::<InteractDrag>(&drag("#kiln", "#closed"))
            .await,
        ErrorCode::OpsDropRefused,
    )?;
    holds(fault.details.get("events").is_some(), "the events are told")?;
    equal(f.site.reports().len(), 0)?;
    // Nothing stays pressed, and the session goes on.
    session
        .call::<InteractDrag>(&drag("#kiln", "#done"))
        .await?;
    reported(&f.site, "kiln-to-done", 1).await
}

pub(super) async fn what_follows_the_mouse_is_dragged_without_a_drop(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    let mut params = drag("#knob", "#track");
    params.target_position = Some(Point { x: 220.0, y: 10.0 });
    let dragged = session.call::<InteractDrag>(&params).await?;
    holds(!dragged.native, "it was no native drag")?;
    equal(
        session
            .eval("document.getElementById('knob').getAttribute('aria-valuenow')")
            .await?
            .as_str(),
        "\"200\"",
    )?;
    reported(&f.site, "heat-200", 1).await
}

pub(super) async fn an_end_that_is_not_there_is_an_error_before_anything_is_pressed(
    f: &Fixture,
) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    refused(
        session
            .call::<InteractDrag>(&drag("#kiln", "#nowhere"))
            .await,
        ErrorCode::OpsElementNotFound,
    )?;
    refused(
        session
            .call::<InteractDrag>(&drag("#nothing", "#done"))
            .await,
        ErrorCode::OpsElementNotFound,
    )?;
    equal(session.text("#log").await?.as_str(), "")
}

pub(super) async fn a_drag_goes_from_point_to_point(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    let (from, to) = (
        middle(&session, "#kiln").await?,
        middle(&session, "#done").await?,
    );
    let params = pointer::DragParams {
        from,
        to,
        button: MouseButton::Left,
        steps: 4,
        modifiers: Vec::new(),
        target_id: None,
    };
    let dragged = session.call::<PointerDrag>(&params).await?;
    equal((dragged.native, dragged.dropped), (true, Some(true)))?;
    reported(&f.site, "kiln-to-done", 1).await?;
    let (from, to) = (
        middle(&session, "#oak").await?,
        middle(&session, "#closed").await?,
    );
    let dragged = session
        .call::<PointerDrag>(&pointer::DragParams { from, to, ..params })
        .await?;
    equal((dragged.native, dragged.dropped), (true, Some(false)))
}

pub(super) async fn the_mouse_is_moved_pressed_and_released_step_by_step(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    let knob = middle(&session, "#knob").await?;
    let moved = session.call::<PointerMove>(&to(knob)).await?;
    equal(
        moved.receipt.element.map(|element| element.name),
        Some("Heat".to_owned()),
    )?;
    refused(
        session.call::<PointerUp>(&ButtonParams::default()).await,
        ErrorCode::OpsInvalidRequest,
    )?;
    let down = session
        .call::<PointerDown>(&ButtonParams::default())
        .await?;
    equal(down.held, vec![MouseButton::Left])?;
    holds(
        down.events.iter().any(|event| event == "mousedown"),
        "the press arrived",
    )?;
    refused(
        session.call::<PointerDown>(&ButtonParams::default()).await,
        ErrorCode::OpsInvalidRequest,
    )?;
    let target = Point {
        x: knob.x + 120.0,
        y: knob.y,
    };
    let moved = session
        .call::<PointerMove>(&MoveParams {
            steps: 5,
            ..to(target)
        })
        .await?;
    equal(
        (moved.position, moved.held.len(), moved.receipt.changed),
        (target, 1, Some(true)),
    )?;
    let up = session.call::<PointerUp>(&ButtonParams::default()).await?;
    holds(
        up.held.is_empty() && up.events.iter().any(|event| event == "mouseup"),
        "the release arrived",
    )?;
    reported(&f.site, "heat-120", 1).await
}

pub(super) async fn the_wheel_turns_where_the_mouse_is(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    let at = Point { x: 60.0, y: 50.0 };
    let params = WheelParams {
        dy: 240.0,
        at: Some(at),
        ..WheelParams::default()
    };
    let turned = session.call::<PointerWheel>(&params).await?;
    holds(
        turned.events.iter().any(|event| event == "wheel"),
        "the wheel arrived",
    )?;
    equal(turned.position, at)?;
    contains(&session.text("#log").await?, "wheel 0 240 at 60,50")?;
    let none = session.call::<PointerWheel>(&WheelParams::default()).await;
    refused(none, ErrorCode::OpsInvalidRequest).map(drop)
}

pub(super) async fn a_tap_is_a_touch_and_a_click(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    let params = TapParams {
        element: button("Tap me"),
        modifiers: Vec::new(),
        position: None,
        target_id: None,
    };
    let receipt = session.call::<InteractTap>(&params).await?.receipt;
    equal(
        (receipt.clicks, receipt.element.map(|element| element.name)),
        (Some(1), Some("Tap me".to_owned())),
    )?;
    reported(&f.site, "tapped", 1).await?;
    let log = session.text("#log").await?;
    for part in [
        "touchstart touch true",
        "touchend touch true",
        "click touch true",
    ] {
        contains(&log, part)?;
    }
    Ok(())
}

pub(super) async fn wrong_points_and_steps_are_refused_by_name(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let holder = Some((&session.id, &session.lease));
    for (command, params, field) in [
        ("pointer.move", r#"{"x":1}"#, "y"),
        ("pointer.move", r#"{"x":"1","y":2}"#, "x"),
        ("pointer.move", r#"{"x":null,"y":2}"#, "x"),
        ("pointer.move", r#"{"x":1e300,"y":2}"#, "x"),
        ("pointer.move", r#"{"x":1,"y":2,"steps":0}"#, "steps"),
        ("pointer.down", r#"{"button":"fourth"}"#, "button"),
        ("pointer.up", r#"{"clickCount":4}"#, "clickCount"),
        ("pointer.wheel", r#"{"dy":"far"}"#, "dy"),
        ("pointer.drag", r#"{"from":{"x":1,"y":1}}"#, "to"),
        ("interact.drag", r##"{"source":{"css":"#kiln"}}"##, "target"),
        (
            "interact.drag",
            r##"{"source":{"css":"#kiln"},"target":{"css":"#done"},"steps":101}"##,
            "steps",
        ),
        ("interact.tap", r#"{"element":{}}"#, "element"),
    ] {
        let fault = f.raw(command, params, holder).await.outcome.err();
        let fault = fault.ok_or_else(|| Failure::new(format!("{command} {params} was taken")))?;
        equal(fault.code, ErrorCode::OpsInvalidRequest)?;
        equal(
            fault.details.get("field").and_then(|field| field.as_str()),
            Some(field),
        )?;
    }
    // The session is as usable as before.
    session
        .call::<PointerMove>(&to(Point { x: 1.0, y: 1.0 }))
        .await?;
    Ok(())
}
