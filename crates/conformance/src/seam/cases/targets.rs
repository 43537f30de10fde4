//! Pages, popups and contexts.

use ops_contracts::seam::adapter::{
    AdapterError, Effect, Event, FrameKey, ImageFormat, Primitive, TargetKey,
};

use super::super::fixture::Fixture;
use super::super::page::{Page, press};
use super::views::{picture, png_size};
use crate::suite::Failure;
use crate::suite::check::{Outcome, contains, equal};

type Opened = (TargetKey, FrameKey, Option<TargetKey>);

fn opened(event: &Event) -> Option<Opened> {
    match event {
        Event::TargetOpened {
            target,
            frame,
            opener,
            ..
        } => Some((*target, *frame, *opener)),
        _ => None,
    }
}

/// Opens a popup by script and returns it.
async fn popup(page: &Page, url: &str) -> Result<Page, Failure> {
    let mark = page.events.mark();
    page.eval(&format!("void window.open('{url}')")).await?;
    let (target, frame, opener) = page.events.after(mark, "a popup", opened).await?;
    equal(opener, Some(page.target))?;
    Ok(page.at(target, frame))
}

pub(super) async fn a_created_page_is_reported_before_its_effect_and_closed(
    f: &Fixture,
) -> Outcome {
    let page = f.page().await?;
    let url = f.site.url("/plain");
    let create = Primitive::CreateTarget {
        url: Some(url.clone()),
    };
    let Effect::Target { target, frame } = page.perform(create).await? else {
        return Err(Failure::new("expected a page"));
    };
    // The first page of a context is not reported.
    equal(page.events.all(0, opened), vec![(target, frame, None)])?;
    equal(page.events.committed(0, &url).await?, frame)?;
    let new = page.at(target, frame);
    equal(new.bridge("title", "{}").await?.as_str(), "\"Plain page\"")?;
    for target in [page.target, target] {
        page.done(Primitive::ActivateTarget { target }).await?;
    }
    page.done(Primitive::CloseTarget { target }).await?;
    let closed = page.events.all(0, |event| match event {
        Event::TargetClosed { target } => Some(*target),
        _ => None,
    });
    equal(closed, vec![target])?;
    equal(new.eval("1").await.err(), Some(AdapterError::TargetClosed))?;
    equal(page.eval("1").await?.as_str(), "1")
}

pub(super) async fn a_popup_belongs_to_the_page_that_opened_it(f: &Fixture) -> Outcome {
    let page = f.page_at("/seam/blank").await?;
    for url in [f.site.url("/plain"), f.site.cross_url("/plain")] {
        let popup = popup(&page, &url).await?;
        equal(page.events.committed(0, &url).await?, popup.frame)?;
        equal(popup.bridge("current", "{}").await?.as_str(), "true")?;
        let mark = page.events.mark();
        popup.eval("setTimeout(() => close()); 0").await?;
        popup.closed(mark).await?;
    }
    Ok(())
}

pub(super) async fn a_page_behind_its_popup_still_draws_and_takes_input(f: &Fixture) -> Outcome {
    let page = f.page_at("/seam/blank").await?;
    page.eval("onclick = () => console.log('pressed'); 0")
        .await?;
    popup(&page, &f.site.url("/plain")).await?;
    let file = picture(&page, ImageFormat::Png, None, false).await?;
    equal(png_size(&file)?, (800, 600))?;
    popup(&page, &f.site.url("/plain")).await?;
    page.input(press((50.0, 50.0))).await?;
    equal(page.events.console(0, "pressed").await?, page.target)?;
    equal(
        page.eval("document.visibilityState").await?.as_str(),
        "\"visible\"",
    )
}

pub(super) async fn contexts_share_neither_cookies_nor_pages(f: &Fixture) -> Outcome {
    let page = f.page_at("/set-cookie?who=first").await?;
    let other = f.page_in(page.browser.clone()).await?;
    let foreign = page.at(other.target, other.frame);
    equal(
        foreign.eval("1").await.err(),
        Some(AdapterError::TargetClosed),
    )?;
    other.goto(&f.site.url("/plain")).await?;
    equal(other.eval("document.cookie").await?.as_str(), "\"\"")?;
    contains(&page.eval("document.cookie").await?, "who=first")?;
    other.context.close().await;
    equal(
        other.eval("1").await.err(),
        Some(AdapterError::TargetClosed),
    )?;
    equal(page.eval("1").await?.as_str(), "1")
}

pub(super) async fn contexts_draw_at_the_same_time(f: &Fixture) -> Outcome {
    let first = f.page().await?;
    let mut pages = vec![first.clone()];
    for _ in 0..3 {
        pages.push(f.page_in(first.browser.clone()).await?);
    }
    let drawn = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done('drawn'))))";
    let work: Vec<_> = pages
        .into_iter()
        .map(|page| {
            tokio::spawn(async move {
                equal(page.eval(drawn).await?.as_str(), "\"drawn\"")?;
                picture(&page, ImageFormat::Png, None, false).await
            })
        })
        .collect();
    for one in work {
        let file = one
            .await
            .map_err(|error| Failure::new(error.to_string()))??;
        equal(png_size(&file)?, (800, 600))?;
    }
    Ok(())
}
