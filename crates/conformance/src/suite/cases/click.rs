//! The optimistic click: it lands on the element or on nothing, once or not at all, and says what it saw.

use ops_contracts::ErrorCode;
use ops_contracts::seam::adapter::MouseButton;
use ops_contracts::wire::command::interact::{HoverParams, Modifier};
use ops_contracts::wire::command::{InteractClick, InteractHover, Point};
use ops_contracts::wire::receipt::Settled;

use super::super::check::{Outcome, contains, equal, holds, refused, refused_with, reported};
use super::super::fixture::{Failure, Fixture};
use super::super::verbs::{at, button, click};

pub(super) async fn a_plain_click_is_told_as_it_was(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let receipt = session.click(button("A button")).await?.receipt;
    let element = receipt
        .element
        .clone()
        .ok_or_else(|| Failure::new("no element in the receipt"))?;
    equal(
        (
            element.role.as_str(),
            element.name.as_str(),
            element.tag.as_str(),
        ),
        ("button", "A button", "button"),
    )?;
    equal(
        (receipt.navigated, receipt.document_changed, receipt.changed),
        (false, false, Some(true)),
    )?;
    equal(
        (receipt.attempts, receipt.settled_by),
        (1, Settled::Handled),
    )?;
    equal(&receipt.url_after, &f.site.url("/plain"))?;
    equal(session.text("#out").await?.as_str(), "pressed")
}

pub(super) async fn a_click_that_changes_nothing_says_so(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    equal(
        session.click(at("role=heading")).await?.receipt.changed,
        Some(false),
    )
}

pub(super) async fn a_link_is_followed_and_the_receipt_says_where(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let receipt = session
        .click(at("role=link[name=\"A link\"]"))
        .await?
        .receipt;
    equal(
        (
            receipt.navigated,
            receipt.document_changed,
            receipt.settled_by,
        ),
        (true, true, Settled::Navigation),
    )?;
    equal(&receipt.url_before, &f.site.url("/plain"))?;
    equal(&receipt.url_after, &f.site.url("/pages/dialogs.html"))?;
    session
        .wait(ops_contracts::wire::command::nav::WaitParams {
            load_state: Some(Default::default()),
            ..Default::default()
        })
        .await?;
    equal(session.title().await?.as_str(), "Dialogs")
}

pub(super) async fn a_route_within_the_document_is_a_navigation_without_a_new_one(
    f: &Fixture,
) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/spa.html").await?;
    for (link, part) in [("Slow route", "?route=slow"), ("Part", "#part")] {
        let receipt = session
            .click(at(&format!("role=link[name=\"{link}\"]")))
            .await?
            .receipt;
        equal((receipt.navigated, receipt.document_changed), (true, false))?;
        contains(&receipt.url_after, part)?;
    }
    session.click(at("role=link[name=\"About\"]")).await?;
    session
        .wait(ops_contracts::wire::command::nav::WaitParams {
            text: Some("Route about".to_owned()),
            ..Default::default()
        })
        .await?;
    session.click(button("Act here")).await?;
    reported(&f.site, "route-about", 1).await
}

pub(super) async fn a_covered_element_is_not_clicked(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/cover.html").await?;
    let fault = refused(
        session.click(button("Covered button")).await,
        ErrorCode::OpsElementCovered,
    )?;
    contains(
        &serde_json::to_string(&fault.details).unwrap_or_default(),
        "div",
    )?;
    equal(f.site.reports().len(), 0)
}

pub(super) async fn a_click_waits_for_what_covers_for_a_moment(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/cover.html").await?;
    session.click(button("Cover for a second")).await?;
    let receipt = session
        .click(button("Soon uncovered button"))
        .await?
        .receipt;
    holds(receipt.attempts > 1, "it took more than one try")?;
    reported(&f.site, "uncovered", 1).await
}

pub(super) async fn what_lets_clicks_through_or_covers_half_is_no_obstacle(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/cover.html").await?;
    for (element, id) in [
        (button("Button under glass"), "through"),
        (button("Half covered button"), "split"),
        (button("Button with a child"), "child"),
        (
            at("role=link[name=\"A link that is long enough to be wrapped over two lines\"]"),
            "wrapped",
        ),
        (button("Button under header"), "under-header"),
    ] {
        session.click(element).await?;
        reported(&f.site, id, 1).await?;
    }
    reported(&f.site, "overlay", 0).await?;
    reported(&f.site, "header", 0).await
}

pub(super) async fn a_moving_element_is_clicked_once(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/moving.html").await?;
    session.click(button("Slide again")).await?;
    session.click(button("Sliding button")).await?;
    reported(&f.site, "slider", 1).await
}

pub(super) async fn an_element_that_is_replaced_again_and_again_is_clicked_once(
    f: &Fixture,
) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/moving.html").await?;
    session.click(button("Ticking button")).await?;
    reported(&f.site, "ticking", 1).await
}

pub(super) async fn an_element_that_is_replaced_on_press_is_pressed_once(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/moving.html").await?;
    // What was pressed is gone before the release: no click comes of it, and the receipt says so.
    let receipt = session.click(button("Replaced on press")).await?.receipt;
    equal((receipt.clicks, receipt.changed), (Some(0), Some(true)))?;
    let log = session.text("#log").await?;
    equal(log.matches("replaced on mousedown").count(), 1)?;
    reported(&f.site, "replaced", 0).await
}

pub(super) async fn an_element_that_flees_is_an_error_and_nothing_is_clicked(
    f: &Fixture,
) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/moving.html").await?;
    let codes = [ErrorCode::OpsElementCovered, ErrorCode::OpsElementUnstable];
    refused_with(session.click(button("Runaway button")).await, &codes)?;
    equal(f.site.reports().len(), 0)
}

pub(super) async fn an_element_that_changes_places_is_still_the_one(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/moving.html").await?;
    session.click(button("Swapped button")).await?;
    reported(&f.site, "swapped", 1).await?;
    reported(&f.site, "decoy", 0).await
}

pub(super) async fn disabled_and_hidden_elements_have_their_codes(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/timers.html").await?;
    refused(
        session.click(button("Gated button")).await,
        ErrorCode::OpsElementDisabled,
    )?;
    refused(
        session.click(at("#hidden")).await,
        ErrorCode::OpsElementNotVisible,
    )?;
    refused(
        session.click(button("No such button")).await,
        ErrorCode::OpsElementNotFound,
    )?;
    reported(&f.site, "enabled", 0).await?;
    session.click(button("Enable in 300 ms")).await?;
    session.click(button("Gated button")).await?;
    reported(&f.site, "enabled", 1).await
}

const WATCH: &str = "globalThis.log = []; const inside = e => { const box = e.target.getBoundingClientRect(); \
    return [Math.ceil(e.clientX - box.x), Math.ceil(e.clientY - box.y)] }; for (const kind of ['click', 'dblclick', 'contextmenu', 'auxclick', 'mousedown']) \
    document.querySelector('button').addEventListener(kind, e => { e.preventDefault(); log.push([e.type, e.button, e.detail, \
    +e.ctrlKey, +e.shiftKey, e.isTrusted, ...inside(e)].join(' ')) }); 1";

pub(super) async fn button_count_modifiers_and_position_are_real(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    session.eval(WATCH).await?;
    let mut twice = click(button("A button"));
    twice.count = 2;
    twice.position = Some(Point { x: 5.0, y: 6.0 });
    session.call::<InteractClick>(&twice).await?;
    let log = session.eval("log.splice(0).join('; ')").await?;
    for part in [
        "click 0 1 0 0 true 5 6",
        "click 0 2 0 0 true",
        "dblclick 0 2",
    ] {
        contains(&log, part)?;
    }
    let mut right = click(button("A button"));
    right.button = MouseButton::Right;
    right.modifiers = vec![Modifier::Control, Modifier::Shift];
    session.call::<InteractClick>(&right).await?;
    contains(
        &session.eval("log.join('; ')").await?,
        "contextmenu 2 0 1 1 true",
    )
}

pub(super) async fn hovering_moves_the_mouse_there(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    session.eval("document.querySelector('button').addEventListener('mouseenter', e => { document.getElementById('out').textContent = 'over ' + e.isTrusted }); 1").await?;
    let hover = HoverParams {
        element: button("A button"),
        modifiers: vec![],
        position: None,
        target_id: None,
    };
    let receipt = session.call::<InteractHover>(&hover).await?.receipt;
    equal(
        receipt.element.map(|element| element.name),
        Some("A button".to_owned()),
    )?;
    equal(session.text("#out").await?.as_str(), "over true")
}

pub(super) async fn what_is_far_down_is_scrolled_to(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/table.html?rows=300").await?;
    session.click(button("Edit 290")).await?;
    reported(&f.site, "edit-290", 1).await?;
    session.goto("/pages/long.html").await?;
    session.click(button("Deep button")).await?;
    reported(&f.site, "deep", 1).await
}

pub(super) async fn a_link_to_a_download_is_told(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    session
        .eval("document.querySelector('a').href = '/download/file.txt'")
        .await?;
    let receipt = session
        .click(at("role=link[name=\"A link\"]"))
        .await?
        .receipt;
    equal(
        receipt
            .downloads
            .iter()
            .map(|download| download.suggested_name.as_str())
            .collect::<Vec<_>>(),
        vec!["file.txt"],
    )?;
    equal(receipt.document_changed, false)
}
