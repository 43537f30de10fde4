//! Whatever can be lost ends the work that waits for it, at once and with its own error; and nothing stays behind.

use ops_contracts::seam::adapter::{AdapterError, AdapterResult, Event, FrameKey, Primitive};

use super::super::Crash;
use super::super::fixture::Fixture;
use super::super::page::{NEVER, Page, Pending};
use super::scripts::lost;
use crate::suite::Failure;
use crate::suite::check::{Outcome, equal, holds};

async fn pending(page: &Page, frame: FrameKey) -> Result<Pending, Failure> {
    page.pending(frame, page.expression(frame, NEVER)).await
}

#[track_caller]
fn browser_lost<T: std::fmt::Debug>(outcome: AdapterResult<T>) -> Outcome {
    holds(
        matches!(outcome, Err(AdapterError::BrowserLost { .. })),
        format!("expected a lost browser, found {outcome:?}"),
    )
}

pub(super) async fn closing_the_page_ends_pending_work(f: &Fixture) -> Outcome {
    let page = f.page().await?;
    let work = pending(&page, page.frame).await?;
    page.done(Primitive::CloseTarget {
        target: page.target,
    })
    .await?;
    lost(work.ended().await, AdapterError::TargetClosed)?;
    page.closed(0).await?;
    lost(page.eval("1").await, AdapterError::TargetClosed)
}

pub(super) async fn closing_the_context_ends_pending_work_and_its_pages(f: &Fixture) -> Outcome {
    let page = f.page().await?;
    let other = f.page_in(page.browser.clone()).await?;
    let work = pending(&page, page.frame).await?;
    page.context.close().await;
    lost(work.ended().await, AdapterError::TargetClosed)?;
    lost(page.eval("1").await, AdapterError::TargetClosed)?;
    holds(page.browser.is_connected(), "the browser goes on")?;
    equal(other.eval("1").await?.as_str(), "1")
}

pub(super) async fn a_navigation_ends_pending_work(f: &Fixture) -> Outcome {
    let page = f.page_at("/plain").await?;
    for url in [
        f.site.url("/plain"),
        f.site.cross_url("/plain"),
        f.site.url("/plain"),
    ] {
        let evaluation = pending(&page, page.frame).await?;
        let call = page.call(page.frame, "never", "{}", None);
        let call = page.pending(page.frame, call).await?;
        page.goto(&url).await?;
        lost(evaluation.ended().await, AdapterError::DocumentGone)?;
        lost(call.ended().await, AdapterError::DocumentGone)?;
        equal(page.bridge("current", "{}").await?.as_str(), "true")?;
    }
    Ok(())
}

pub(super) async fn removing_a_frame_ends_pending_work_in_it(f: &Fixture) -> Outcome {
    let page = f.page_at("/seam/blank").await?;
    for url in [f.site.url("/plain"), f.site.cross_url("/plain")] {
        let frame = page.add_frame(page.frame, "it", &url).await?;
        let work = pending(&page, frame).await?;
        page.eval("document.getElementById('it').remove()").await?;
        let outcome = work.ended().await;
        holds(
            matches!(
                outcome,
                Err(AdapterError::FrameGone | AdapterError::DocumentGone)
            ),
            format!("{outcome:?}"),
        )?;
    }
    Ok(())
}

pub(super) async fn navigating_a_frame_of_another_site_ends_pending_work_in_it(
    f: &Fixture,
) -> Outcome {
    let page = f.page_at("/seam/blank").await?;
    let far = page
        .add_frame(page.frame, "far", &f.site.cross_url("/plain"))
        .await?;
    let work = pending(&page, far).await?;
    let here = f.site.url("/plain");
    page.eval(&format!("document.getElementById('far').src = '{here}'"))
        .await?;
    lost(work.ended().await, AdapterError::DocumentGone)
}

/// Crashes the renderer of a page, which has its browser to itself.
async fn crash(f: &Fixture, page: &Page) -> Outcome {
    match (f.subject().crash, page.browser.info().pid) {
        (Crash::Address(address), _) => {
            // What the navigation itself comes to is of no interest.
            drop(page.perform(page.to(address)).await);
            Ok(())
        }
        (Crash::Kill(kill), Some(pid)) => {
            kill(pid);
            Ok(())
        }
        (Crash::Kill(_), None) => Err(Failure::new("the browser has no pid")),
    }
}

pub(super) async fn a_crash_ends_pending_work_and_a_navigation_revives_the_page(
    f: &Fixture,
) -> Outcome {
    let page = f.page_in(f.launch().await?).await?;
    page.goto(&f.site.url("/plain")).await?;
    let work = pending(&page, page.frame).await?;
    crash(f, &page).await?;
    lost(work.ended().await, AdapterError::TargetCrashed)?;
    page.events
        .after(0, "a crash", |event| {
            matches!(event, Event::TargetCrashed { target } if *target == page.target).then_some(())
        })
        .await?;
    lost(page.eval("1").await, AdapterError::TargetCrashed)?;
    page.goto(&f.site.url("/plain")).await?;
    equal(page.bridge("title", "{}").await?.as_str(), "\"Plain page\"")
}

pub(super) async fn the_end_of_the_browser_ends_pending_work_and_is_reported_to_every_context(
    f: &Fixture,
) -> Outcome {
    let browser = f.launch().await?;
    let page = f.page_in(browser.clone()).await?;
    let other = f.page_in(browser.clone()).await?;
    let work = pending(&page, page.frame).await?;
    let pid = browser
        .info()
        .pid
        .ok_or_else(|| Failure::new("a browser of ours has a pid"))?;
    (f.subject().kill)(pid);
    browser_lost(work.ended().await)?;
    for one in [&page, &other] {
        one.events
            .after(0, "the browser's end", |event| {
                matches!(event, Event::Disconnected { .. }).then_some(())
            })
            .await?;
        browser_lost(one.eval("1").await)?;
    }
    holds(!browser.is_connected(), "the browser is lost")?;
    browser_lost(browser.ping().await)
}

pub(super) async fn a_dropped_primitive_is_abandoned_and_the_page_goes_on(f: &Fixture) -> Outcome {
    let page = f.page().await?;
    pending(&page, page.frame).await?.abandon().await;
    equal(page.eval("2 + 2").await?.as_str(), "4")
}

pub(super) async fn a_closed_browser_leaves_nothing(f: &Fixture) -> Outcome {
    // The browser that the topic shares may have files of its own.
    let before = f.browsers().files();
    let browser = f.try_launch(f.subject().launch.clone()).await?;
    let page = f.page_in(browser.clone()).await?;
    let work = pending(&page, page.frame).await?;
    browser.close().await;
    browser_lost(work.ended().await)?;
    holds(!browser.is_connected(), "the browser is closed")?;
    f.browsers().check_left(browser.info().pid, &before).await
}
