use conformance::site::Site;
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{Effect, Event, NavigationFailureKind, Primitive};

use crate::support::{Page, open, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "a_navigation_ends_with_its_document_and_tells_its_status_and_redirects",
            arrives,
        ),
        trial("a_navigation_without_a_document_says_why", fails),
        trial(
            "a_navigation_within_the_document_changes_the_url_alone",
            within,
        ),
        trial("history_and_reload", history),
        trial("a_reload_can_pass_the_cache_by", uncached),
        trial(
            "a_navigation_that_is_never_answered_gives_way_to_the_next",
            superseded,
        ),
    ]
}

async fn arrives() {
    let page = open().await;
    let site = Site::start().unwrap();
    let document = page.goto(&site.url("/redirect/2")).await;
    let events = page.events.all();
    let hops: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Request {
                document: Some(of),
                redirected_from,
                url,
                ..
            } if *of == document => Some((url, redirected_from)),
            _ => None,
        })
        .collect();
    assert_eq!(hops.len(), 3, "{hops:?}");
    assert_eq!(hops[2].0, &site.url("/plain"));
    assert_eq!(hops[1].1, &Some((302, site.url("/redirect/2"))));
    let at = |wanted: fn(&Event) -> bool| events.iter().position(wanted).unwrap();
    let committed = at(|event| matches!(event, Event::NavigationCommitted { .. }));
    assert!(at(|event| matches!(event, Event::NavigationStarted { .. })) < committed);
    assert!(
        at(
            |event| matches!(event, Event::Response { status: 200, mime_type, .. } if mime_type == "text/html")
        ) < committed
    );
    assert!(committed < at(|event| matches!(event, Event::Lifecycle { .. })));
    let missing = page.goto(&site.url("/status/404")).await;
    let status = page.events.first(|event| match event {
        Event::Response { status, url, .. } if *url == site.url("/status/404") => Some(*status),
        _ => None,
    });
    assert!(missing != document && status.await == 404);
    page.close().await;
}

async fn fails() {
    let page = open().await;
    let site = Site::start().unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for (url, kind) in [
        (
            "http://nope.invalid/".to_owned(),
            NavigationFailureKind::Dns,
        ),
        (
            format!("http://{closed}/"),
            NavigationFailureKind::Connection,
        ),
        (site.url("/drop"), NavigationFailureKind::Connection),
        (site.url("/status/204"), NavigationFailureKind::Aborted),
        (
            site.url("/download/file.txt"),
            NavigationFailureKind::Aborted,
        ),
        (
            "http://127.0.0.1:1/".to_owned(),
            NavigationFailureKind::Blocked,
        ),
    ] {
        let mark = page.events.mark();
        let effect = page.navigate(&url).await;
        let Effect::Navigation {
            document: None,
            failure: Some(failure),
        } = effect
        else {
            panic!("{url}: {effect:?}")
        };
        assert_eq!(failure.kind, kind, "{url}: {}", failure.reason);
        page.events
            .after(mark, |event| {
                matches!(event, Event::NavigationFailed { .. }).then_some(())
            })
            .await;
    }
    let name = page.events.first(|event| match event {
        Event::DownloadStarted { suggested_name, .. } => Some(suggested_name.clone()),
        _ => None,
    });
    assert_eq!(name.await, "file.txt");
    page.goto(&site.url("/plain")).await;
    page.close().await;
}

async fn within() {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/plain")).await;
    let effect = page.navigate(&site.url("/plain#there")).await;
    assert!(
        matches!(
            effect,
            Effect::Navigation {
                document: None,
                failure: None
            }
        ),
        "{effect:?}"
    );
    page.eval("history.pushState(1, '', '/pushed')").await;
    for wanted in [site.url("/plain#there"), site.url("/pushed")] {
        page.events
            .first(|event| {
                matches!(event, Event::UrlChanged { url, .. } if *url == wanted).then_some(())
            })
            .await;
    }
    page.close().await;
}

async fn moved(page: &Page, delta: i32) -> bool {
    match page
        .perform(Primitive::TraverseHistory {
            target: page.target,
            delta,
        })
        .await
        .unwrap()
    {
        Effect::Moved(moved) => moved,
        other => panic!("{other:?}"),
    }
}

async fn history() {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/plain")).await;
    page.goto(&site.url("/json")).await;
    let mark = page.events.mark();
    assert!(moved(&page, -1).await);
    page.events.committed(mark, &site.url("/plain")).await;
    let mark = page.events.mark();
    assert!(moved(&page, 1).await);
    page.events.committed(mark, &site.url("/json")).await;
    assert!(!moved(&page, 1).await);
    let mark = page.events.mark();
    let done = page
        .perform(Primitive::Reload {
            target: page.target,
            ignore_cache: false,
        })
        .await
        .unwrap();
    assert!(matches!(done, Effect::Done));
    page.events.committed(mark, &site.url("/json")).await;
    page.close().await;
}

async fn uncached() {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/plain")).await;
    let mark = page.events.mark();
    page.perform(Primitive::Reload {
        target: page.target,
        ignore_cache: true,
    })
    .await
    .unwrap();
    page.events.committed(mark, &site.url("/plain")).await;
    let asked = site
        .requests()
        .iter()
        .filter(|request| request.path == "/plain")
        .count();
    assert_eq!(asked, 2);
    page.close().await;
}

async fn superseded() {
    let page = open().await;
    let site = Site::start().unwrap();
    let hangs = page
        .pending(Primitive::Navigate {
            target: page.target,
            url: site.url("/never"),
        })
        .await;
    page.goto(&site.url("/plain")).await;
    match crate::support::ended(hangs).await.unwrap() {
        Effect::Navigation {
            document: None,
            failure: Some(failure),
        } => assert_eq!(failure.kind, NavigationFailureKind::Aborted),
        other => panic!("{other:?}"),
    }
    page.close().await;
}
