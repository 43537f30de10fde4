//! Acting where pages make it hard: lists of their own, zoom and scale, panes, editors, elements that vanish or are replaced.

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::interact::{ClickParams, OptionChoice};
use ops_contracts::wire::command::session::CreateParams;
use ops_contracts::wire::command::{
    InteractClick, InteractPress, InteractSelect, InteractType, Point, Viewport,
};

use super::super::check::{Outcome, contains, equal, holds, refused, reported};
use super::super::fixture::{Failure, Fixture};
use super::super::verbs::{at, button, click, keys, press, select};

fn any(text: &str) -> Vec<OptionChoice> {
    vec![OptionChoice::Any(text.to_owned())]
}

pub(super) async fn lists_of_the_pages_own_are_chosen_from(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/acting.html").await?;
    for (list, option, report) in [
        (
            "role=combobox[name=\"Fruit\"]",
            OptionChoice::Value("b".to_owned()),
            "fruit-Birne",
        ),
        (
            "label=City",
            OptionChoice::Label("Basel".to_owned()),
            "city-Basel",
        ),
        ("#size", OptionChoice::Index(1), "size-Large"),
        (
            "role=combobox[name=\"Shy\"]",
            OptionChoice::Label("Late".to_owned()),
            "shy-Late",
        ),
    ] {
        let named = |failure: Failure| Failure::new(format!("{list}: {failure}"));
        let result = session
            .call::<InteractSelect>(&select(list, vec![option]))
            .await
            .map_err(|refused| named(refused.into()))?;
        holds(
            result.receipt.changed == Some(true) && result.selected.len() == 1,
            format!("{result:?}"),
        )?;
        reported(&f.site, report, 1).await.map_err(named)?;
    }
    let tags = vec![
        OptionChoice::Label("Green".to_owned()),
        OptionChoice::Value("b".to_owned()),
    ];
    let result = session
        .call::<InteractSelect>(&select("#tags", tags))
        .await?;
    equal(
        result
            .selected
            .iter()
            .map(|option| option.label.as_str())
            .collect::<Vec<_>>(),
        vec!["Green", "Blue"],
    )?;
    equal(session.text("#out").await?.as_str(), "tags Green,Blue")
}

pub(super) async fn a_choice_that_was_not_made_is_an_error(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/acting.html").await?;
    let fault = refused(
        session
            .call::<InteractSelect>(&select("#tags", any("Pink")))
            .await,
        ErrorCode::OpsOptionNotFound,
    )?;
    contains(
        &serde_json::to_string(&fault.details).unwrap_or_default(),
        "Green",
    )?;
    refused(
        session
            .call::<InteractSelect>(&select("#tags", any("Grey")))
            .await,
        ErrorCode::OpsElementDisabled,
    )?;
    refused(
        session
            .call::<InteractSelect>(&select("#deaf", any("Nothing")))
            .await,
        ErrorCode::OpsValueRejected,
    )?;
    refused(
        session
            .call::<InteractSelect>(&select("h1", any("x")))
            .await,
        ErrorCode::OpsElementWrongType,
    )?;
    Ok(())
}

pub(super) async fn zoomed_and_scaled_elements_are_hit(f: &Fixture) -> Outcome {
    for scale in [1.0, 2.0] {
        let viewport = Viewport {
            width: 900,
            height: 600,
            scale,
        };
        let session = f
            .session_with(CreateParams {
                viewport: Some(viewport),
                ..f.create_params()
            })
            .await?;
        session.goto("/pages/acting.html").await?;
        session.click(button("Zoomed")).await?;
        session.click(button("Scaled")).await?;
        equal(
            session
                .fill("label=Zoomed field", "in")
                .await?
                .value
                .as_str(),
            "in",
        )?;
    }
    reported(&f.site, "zoomed", 2).await?;
    reported(&f.site, "scaled", 2).await
}

pub(super) async fn areas_of_a_picture_are_shown_and_clicked(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/acting.html").await?;
    let text = session.snapshot().await?.text;
    for (name, report) in [("North", "north"), ("East", "east"), ("South", "south")] {
        contains(&text, &format!("- link \"{name}\""))?;
        let receipt = session
            .click(at(&format!("role=link[name=\"{name}\"]")))
            .await?
            .receipt;
        equal(receipt.clicks, Some(1))?;
        holds(receipt.url_after.ends_with(report), "the link is followed")?;
        reported(&f.site, report, 1).await?;
    }
    let corner = ClickParams {
        position: Some(Point { x: 20.0, y: 20.0 }),
        ..click(at("css=img"))
    };
    let fault = refused(
        session.call::<InteractClick>(&corner).await,
        ErrorCode::OpsElementCovered,
    )?;
    let by = fault
        .details
        .get("by")
        .map(ToString::to_string)
        .unwrap_or_default();
    let north = session.find(at("css=area[alt=North]")).await?.matches[0].reference;
    contains(&by, &format!("\"ref\":\"{north}\""))?;
    holds(
        !text.contains("Nowhere"),
        "an area that no picture shows is not there",
    )?;
    refused(
        session.click(at("css=area[alt=Nowhere]")).await,
        ErrorCode::OpsElementNotVisible,
    )
    .map(drop)
}

pub(super) async fn what_takes_no_pointer_is_told_as_that(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/acting.html").await?;
    for (element, why) in [
        ("css=[inert] button", "it is inert"),
        ("css=[style*=pointer]", "pointer-events: none"),
    ] {
        let fault = refused(
            session.click(at(element)).await,
            ErrorCode::OpsElementCovered,
        )?;
        contains(&fault.message, why)?;
    }
    Ok(())
}

pub(super) async fn a_pane_is_scrolled_until_its_header_is_out_of_the_way(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/acting.html").await?;
    session.click(button("Far in pane")).await?;
    reported(&f.site, "in-pane", 1).await?;
    reported(&f.site, "pane-header", 0).await
}

pub(super) async fn what_vanishes_under_the_pointer_is_told_and_nothing_else_clicked(
    f: &Fixture,
) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/acting.html").await?;
    refused(
        session.click(button("Vanishing")).await,
        ErrorCode::OpsElementNotFound,
    )?;
    reported(&f.site, "vanishing", 0).await?;
    reported(&f.site, "beneath", 0).await
}

pub(super) async fn what_is_rendered_again_under_the_pointer_is_clicked_once(
    f: &Fixture,
) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/acting.html").await?;
    let receipt = session.click(button("Swap")).await?.receipt;
    equal(receipt.clicks, Some(1))?;
    reported(&f.site, "new", 1).await?;
    reported(&f.site, "old", 0).await
}

pub(super) async fn whatever_a_click_comes_to_is_in_its_receipt(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/acting.html").await?;
    for (name, said) in [
        ("Stops", "stopped"),
        ("Late", "late"),
        ("Promises", "promised"),
    ] {
        let receipt = session.click(button(name)).await?.receipt;
        equal(
            (name, receipt.changed, receipt.clicks, receipt.navigated),
            (name, Some(true), Some(1), false),
        )?;
        equal(session.text("#out").await?.as_str(), said)?;
    }
    for name in ["Leaves", "Holder"] {
        session.goto("/pages/acting.html").await?;
        let receipt = session.click(button(name)).await?.receipt;
        equal(
            (name, receipt.navigated, receipt.document_changed),
            (name, true, true),
        )?;
        equal(&receipt.url_after, &f.site.url("/plain"))?;
    }
    // Browsers differ in whether a button leaves a click to the link around it; the receipt says what this one did.
    session.goto("/pages/acting.html").await?;
    let receipt = session.click(button("In a link")).await?.receipt;
    equal(
        session.eval("location.pathname").await?.as_str() == "\"/plain\"",
        receipt.navigated,
    )
}

pub(super) async fn editors_are_typed_into_and_filled(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/acting.html").await?;
    equal(
        session.fill("#editor", "New text").await?.value.as_str(),
        "New text",
    )?;
    session
        .call::<InteractType>(&keys(Some("#editor"), "! é👩\u{200d}👧"))
        .await?;
    contains(&session.text("#editor").await?, "New text! é👩\u{200d}👧")?;
    session.call::<InteractPress>(&press("Control+a")).await?;
    session
        .call::<InteractType>(&keys(Some("#editor"), "first\nnext"))
        .await?;
    equal(
        session
            .eval("at('editor').innerText.split(/\\n+/).filter(Boolean).length")
            .await?
            .as_str(),
        "2",
    )?;
    session.fill("#step", "75").await?;
    equal(session.text("#out").await?.as_str(), "step 75")?;
    refused(
        session.fill("#step", "30").await,
        ErrorCode::OpsValueRejected,
    )
    .map(drop)
}

pub(super) async fn a_chord_formats_what_is_selected_in_an_editor(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/acting.html").await?;
    session.fill("#editor", "New text").await?;
    session.call::<InteractPress>(&press("Control+a")).await?;
    session.call::<InteractPress>(&press("Control+b")).await?;
    holds(
        session.count("css=#editor b").await? > 0,
        "the chord made it bold",
    )
}
