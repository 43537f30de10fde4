//! Dialogs: reported, answered, and what waits for them.

use ops_contracts::seam::adapter::{
    AdapterError, DialogKind, Effect, Event, NavigationFailureKind, Primitive,
};

use super::super::fixture::Fixture;
use super::super::page::{Page, navigated, press, shown};
use super::scripts::lost;
use crate::suite::Failure;
use crate::suite::check::{Outcome, equal, holds};

type Opened = (DialogKind, String, Option<String>);

async fn opened(page: &Page, mark: usize) -> Result<Opened, Failure> {
    page.events
        .after(mark, "a dialog", |event| match event {
            Event::DialogOpened {
                kind,
                message,
                default_text,
                target,
            } if *target == page.target => Some((*kind, message.clone(), default_text.clone())),
            _ => None,
        })
        .await
}

fn answer(page: &Page, accept: bool, text: Option<&str>) -> Primitive {
    Primitive::AnswerDialog {
        target: page.target,
        accept,
        text: text.map(str::to_owned),
    }
}

async fn closed(page: &Page, mark: usize) -> Result<bool, Failure> {
    page.events
        .after(mark, "a dialog's end", |event| match event {
            Event::DialogClosed { accepted, .. } => Some(*accepted),
            _ => None,
        })
        .await
}

/// The value of an expression that was pending.
fn value(effect: Effect) -> Result<String, Failure> {
    match effect {
        Effect::Evaluated(evaluated) => Ok(shown(evaluated)),
        other => Err(Failure::new(format!("expected a value, found {other:?}"))),
    }
}

pub(super) async fn each_kind_is_reported_and_answered(f: &Fixture) -> Outcome {
    use DialogKind::{Alert, Confirm, Prompt};
    let page = f.page_at("/plain").await?;
    for (script, kind, accept, text, result) in [
        ("alert('m') ?? 1", Alert, true, None, "1"),
        ("confirm('m')", Confirm, false, None, "false"),
        ("confirm('m')", Confirm, true, None, "true"),
        (
            "prompt('m', 'd')",
            Prompt,
            true,
            Some("typed ✓"),
            "\"typed ✓\"",
        ),
        ("prompt('m', 'd')", Prompt, false, None, "null"),
    ] {
        let mark = page.events.mark();
        let work = page.start(page.expression(page.frame, script)).await;
        let default = (kind == Prompt).then(|| "d".to_owned());
        equal(opened(&page, mark).await?, (kind, "m".to_owned(), default))?;
        page.done(answer(&page, accept, text)).await?;
        equal(closed(&page, mark).await?, accept)?;
        equal(value(work.ended().await?)?.as_str(), result)?;
    }
    Ok(())
}

pub(super) async fn answering_where_none_is_open_is_an_error(f: &Fixture) -> Outcome {
    let page = f.page_at("/plain").await?;
    for accept in [true, false] {
        lost(
            page.perform(answer(&page, accept, None)).await,
            AdapterError::DialogMissing,
        )?;
    }
    Ok(())
}

pub(super) async fn a_click_that_opens_one_ends_when_it_is_answered(f: &Fixture) -> Outcome {
    let page = f.page_at("/seam/alert").await?;
    let click = Primitive::Input {
        target: page.target,
        actions: press((50.0, 50.0)),
    };
    let work = page.start(click).await;
    equal(opened(&page, 0).await?.0, DialogKind::Alert)?;
    page.done(answer(&page, true, None)).await?;
    holds(
        matches!(work.ended().await?, Effect::Done),
        "the click ends as others do",
    )?;
    equal(page.eval("2 + 2").await?.as_str(), "4")
}

pub(super) async fn a_click_that_opens_one_can_be_abandoned(f: &Fixture) -> Outcome {
    let page = f.page_at("/seam/alert").await?;
    for _ in 0..2 {
        let mark = page.events.mark();
        let click = Primitive::Input {
            target: page.target,
            actions: press((50.0, 50.0)),
        };
        let work = page.start(click).await;
        equal(opened(&page, mark).await?.0, DialogKind::Alert)?;
        work.abandon().await;
        page.done(answer(&page, true, None)).await?;
        holds(closed(&page, mark).await?, "it was accepted")?;
        equal(page.eval("2 + 2").await?.as_str(), "4")?;
    }
    Ok(())
}

pub(super) async fn one_of_a_frame_of_another_site_is_answered_on_its_page(f: &Fixture) -> Outcome {
    let page = f.page_at("/seam/blank").await?;
    let far = page
        .add_frame(page.frame, "far", &f.site.cross_url("/plain"))
        .await?;
    let work = page
        .start(page.expression(far, "alert('from inside') ?? 3"))
        .await;
    equal(opened(&page, 0).await?.1.as_str(), "from inside")?;
    page.done(answer(&page, true, None)).await?;
    equal(value(work.ended().await?)?.as_str(), "3")
}

pub(super) async fn leaving_a_page_that_asks_is_up_to_the_answer(f: &Fixture) -> Outcome {
    let page = f.page_at("/seam/asks").await?;
    let there = f.site.url("/plain");
    for accept in [false, true] {
        // A page may ask only after it was touched.
        page.input(press((50.0, 50.0))).await?;
        let mark = page.events.mark();
        let work = page.start(page.to(&there)).await;
        equal(opened(&page, mark).await?.0, DialogKind::Beforeunload)?;
        page.done(answer(&page, accept, None)).await?;
        let (document, failure) = navigated(work.ended().await?)?;
        equal(
            (document.is_some(), failure.map(|failure| failure.kind)),
            (accept, (!accept).then_some(NavigationFailureKind::Aborted)),
        )?;
    }
    equal(page.eval("location.pathname").await?.as_str(), "\"/plain\"")
}
