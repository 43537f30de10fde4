//! What Chromium's console has beyond text and level: format, place and stack, and messages of the browser's own.

use conformance::seam::trial;
use conformance::site::Site;
use conformance::site::pages::Page as SitePage;
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{ConsoleLevel, Event};

use super::support::open;

const PAGES: &[SitePage] = &[SitePage {
    path: "/told",
    content_type: "text/html; charset=utf-8",
    body: "<script>console.warn('w %d', 7, {a: 1});\nsetTimeout(() => { throw new TypeError('boom') })</script><img src=/status/404>",
}];

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial(
        "console_messages_and_exceptions_have_their_place",
        console,
    )]
}

async fn console() {
    let page = open().await;
    let site = Site::start_with(PAGES).unwrap();
    page.goto(&site.url("/told")).await.unwrap();
    let location = page.events.after(0, "the warning", |event| match event {
        Event::Console {
            level: ConsoleLevel::Warn,
            text,
            location,
            timestamp_ms,
            ..
        } if text == "w 7 {a: 1}" => {
            assert!(*timestamp_ms > 1_600_000_000_000);
            location.clone()
        }
        _ => None,
    });
    assert_eq!(
        location.await.unwrap(),
        format!("{}:1:17", site.url("/told"))
    );
    let (text, stack) = page
        .events
        .after(0, "the exception", |event| match event {
            Event::Exception { text, stack, .. } => Some((text.clone(), stack.clone())),
            _ => None,
        })
        .await
        .unwrap();
    assert_eq!(text, "TypeError: boom");
    assert!(stack.unwrap().starts_with("at http://127.0.0.1:"));
    page.events
        .after(0, "the failed load", |event| match event {
            Event::Console {
                level: ConsoleLevel::Error,
                text,
                ..
            } if text.contains("404") => Some(()),
            _ => None,
        })
        .await
        .unwrap();
    page.browser.close().await;
}
