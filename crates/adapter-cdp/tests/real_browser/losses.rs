//! Whatever can be lost ends the work that waits for it, at once and with its own error.

use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{AdapterError, Event, FrameKey, Primitive};
use rustix::process::{Pid, Signal, kill_process};

use super::support::{NEVER, Page, Site, bridge, ended, evaluate, html, open, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("closing_the_target_ends_pending_work", target_closed),
        trial(
            "closing_the_context_ends_pending_work_and_its_pages",
            context_closed,
        ),
        trial(
            "a_renderer_crash_ends_pending_work_and_a_navigation_revives_the_page",
            crash,
        ),
        trial("a_navigation_to_the_same_site_ends_pending_work", same_site),
        trial("a_navigation_to_another_site_ends_pending_work", cross_site),
        trial("a_navigation_ends_pending_bridge_calls", bridge_call),
        trial("removing_a_frame_ends_pending_work_in_it", frame_removed),
        trial(
            "navigating_a_frame_of_another_site_ends_pending_work_in_it",
            frame_navigated,
        ),
        trial(
            "the_end_of_the_browser_ends_pending_work_and_is_told",
            browser_killed,
        ),
        trial(
            "a_dropped_primitive_is_abandoned_and_the_page_goes_on",
            dropped,
        ),
    ]
}

async fn site() -> Site {
    let frames =
        "<iframe id=near src=/b></iframe><iframe id=far src='http://localhost:{port}/b'></iframe>";
    Site::serve([("/a", html(frames)), ("/b", html("<title>b</title>"))]).await
}

async fn pending(
    page: &Page,
    frame: FrameKey,
) -> tokio::task::JoinHandle<
    ops_contracts::seam::adapter::AdapterResult<ops_contracts::seam::adapter::Effect>,
> {
    page.pending(evaluate(page.target, frame, NEVER)).await
}

async fn target_closed() {
    let page = open().await;
    let work = pending(&page, page.frame).await;
    page.perform(Primitive::CloseTarget {
        target: page.target,
    })
    .await
    .unwrap();
    assert_eq!(ended(work).await.unwrap_err(), AdapterError::TargetClosed);
    page.events
        .first(|event| {
            matches!(event, Event::TargetClosed { target } if *target == page.target).then_some(())
        })
        .await;
    assert_eq!(
        page.eval_in(page.frame, "1").await.unwrap_err(),
        AdapterError::TargetClosed
    );
    page.close().await;
}

async fn context_closed() {
    let page = open().await;
    let work = pending(&page, page.frame).await;
    page.context.close().await;
    assert_eq!(ended(work).await.unwrap_err(), AdapterError::TargetClosed);
    assert_eq!(
        page.eval_in(page.frame, "1").await.unwrap_err(),
        AdapterError::TargetClosed
    );
    assert!(page.browser.is_connected());
    page.close().await;
}

async fn crash() {
    let page = open().await;
    let site = site().await;
    page.goto(&site.url("/b")).await;
    let work = pending(&page, page.frame).await;
    // What the navigation itself comes to is of no interest.
    let _ = page
        .perform(Primitive::Navigate {
            target: page.target,
            url: "chrome://crash".to_owned(),
        })
        .await;
    assert_eq!(ended(work).await.unwrap_err(), AdapterError::TargetCrashed);
    page.events
        .first(|event| {
            matches!(event, Event::TargetCrashed { target } if *target == page.target).then_some(())
        })
        .await;
    assert_eq!(
        page.eval_in(page.frame, "1").await.unwrap_err(),
        AdapterError::TargetCrashed
    );
    page.goto(&site.url("/b")).await;
    assert_eq!(page.bridge("title", "{}").await, "\"b\"");
    page.close().await;
}

async fn same_site() {
    let page = open().await;
    let site = site().await;
    page.goto(&site.url("/a")).await;
    let work = pending(&page, page.frame).await;
    page.goto(&site.url("/b")).await;
    assert_eq!(ended(work).await.unwrap_err(), AdapterError::DocumentGone);
    page.close().await;
}

async fn cross_site() {
    let page = open().await;
    let site = site().await;
    page.goto(&site.url("/a")).await;
    let work = pending(&page, page.frame).await;
    page.goto(&site.elsewhere("/b")).await;
    assert_eq!(ended(work).await.unwrap_err(), AdapterError::DocumentGone);
    assert_eq!(page.bridge("title", "{}").await, "\"b\"");
    page.close().await;
}

async fn bridge_call() {
    let page = open().await;
    let site = site().await;
    for url in [site.url("/b"), site.elsewhere("/b"), site.url("/b")] {
        let context = page.context.clone();
        let call = bridge(page.target, page.frame, "never", "{}", None);
        let work = tokio::spawn(async move { context.perform(call).await });
        // Sent in order on one connection: when this one is answered the other has begun.
        tokio::task::yield_now().await;
        page.bridge("url", "{}").await;
        page.goto(&url).await;
        assert_eq!(ended(work).await.unwrap_err(), AdapterError::DocumentGone);
    }
    page.close().await;
}

async fn frames(page: &Page, site: &Site) -> (FrameKey, FrameKey) {
    page.goto(&site.url("/a")).await;
    let find = |wanted: String| {
        page.events.first(move |event| match event {
            Event::NavigationCommitted { frame, url, .. } if *url == wanted => Some(*frame),
            _ => None,
        })
    };
    (find(site.url("/b")).await, find(site.elsewhere("/b")).await)
}

async fn frame_removed() {
    let page = open().await;
    let site = site().await;
    let (near, far) = frames(&page, &site).await;
    for (frame, id) in [(near, "near"), (far, "far")] {
        let work = pending(&page, frame).await;
        page.eval(&format!("{id}.remove()")).await;
        let error = ended(work).await.unwrap_err();
        assert!(
            matches!(error, AdapterError::FrameGone | AdapterError::DocumentGone),
            "{id}: {error:?}"
        );
    }
    page.close().await;
}

async fn frame_navigated() {
    let page = open().await;
    let site = site().await;
    let (_, far) = frames(&page, &site).await;
    let work = pending(&page, far).await;
    page.eval(&format!("far.src = '{}'", site.url("/b"))).await;
    assert_eq!(ended(work).await.unwrap_err(), AdapterError::DocumentGone);
    page.close().await;
}

async fn browser_killed() {
    let page = open().await;
    let work = pending(&page, page.frame).await;
    let pid = i32::try_from(page.browser.info().pid.unwrap()).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    assert!(matches!(
        ended(work).await.unwrap_err(),
        AdapterError::BrowserLost { .. }
    ));
    page.events
        .first(|event| matches!(event, Event::Disconnected { .. }).then_some(()))
        .await;
    assert!(!page.browser.is_connected());
    assert!(matches!(
        page.eval_in(page.frame, "1").await.unwrap_err(),
        AdapterError::BrowserLost { .. }
    ));
    page.close().await;
}

async fn dropped() {
    let page = open().await;
    let work = pending(&page, page.frame).await;
    work.abort();
    assert!(work.await.unwrap_err().is_cancelled());
    assert_eq!(page.eval("2 + 2").await, "4");
    page.close().await;
}
