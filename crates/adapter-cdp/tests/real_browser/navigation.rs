//! Navigation: its events in order, its failures by cause.

use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{Effect, Event, NavigationFailureKind, Primitive, ResourceKind};

use super::support::{Page, Site, html, open, response, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "a_navigation_tells_its_request_response_document_and_phases_in_order",
            in_order,
        ),
        trial(
            "a_redirect_keeps_its_request_and_tells_where_it_came_from",
            redirect,
        ),
        trial("an_error_status_is_a_document_like_any_other", error_status),
        trial(
            "a_navigation_that_fails_says_why_and_gets_no_document",
            failures,
        ),
        trial(
            "a_navigation_within_the_document_changes_the_url_alone",
            within_document,
        ),
        trial(
            "history_moves_by_entries_and_tells_when_there_is_none",
            history,
        ),
        trial("a_reload_gives_a_new_document", reload),
        trial("a_download_is_told_and_nothing_is_navigated", download),
    ]
}

async fn navigate(page: &Page, url: &str) -> Effect {
    page.perform(Primitive::Navigate {
        target: page.target,
        url: url.to_owned(),
    })
    .await
    .unwrap()
}

async fn in_order() {
    let page = open().await;
    let site = Site::serve([("/", html("<p>x"))]).await;
    let mark = page.events.mark();
    let Effect::Navigation {
        document: Some(wanted),
        failure: None,
    } = navigate(&page, &site.url("/")).await
    else {
        panic!()
    };
    // Committed before the primitive's answer.
    assert!(page.events.all()[mark..].iter().any(
        |event| matches!(event, Event::NavigationCommitted { document, .. } if *document == wanted)
    ));
    page.events.after(mark, |event| matches!(event, Event::Lifecycle { document, phase: ops_contracts::seam::adapter::LifecyclePhase::Load, .. } if *document == wanted).then_some(())).await;
    let words: Vec<&str> = page.events.all()[mark..]
        .iter()
        .filter_map(|event| match event {
            Event::NavigationStarted { .. } => Some("started"),
            Event::Request {
                document: Some(document),
                kind: ResourceKind::Document,
                method,
                ..
            } if *document == wanted && method == "GET" => Some("request"),
            Event::Response { status: 200, .. } => Some("response"),
            Event::NavigationCommitted { document, .. } if *document == wanted => Some("committed"),
            Event::Lifecycle { document, .. } if *document == wanted => Some("phase"),
            _ => None,
        })
        .collect();
    assert_eq!(
        words,
        [
            "started",
            "request",
            "response",
            "committed",
            "phase",
            "phase"
        ]
    );
    page.close().await;
}

async fn redirect() {
    let page = open().await;
    let site = Site::serve([
        ("/a", response("302 Found", "Location: /b\r\n", "")),
        ("/b", html("b")),
    ])
    .await;
    page.goto(&site.url("/a")).await;
    let requests: Vec<_> = page
        .events
        .all()
        .into_iter()
        .filter_map(|event| match event {
            Event::Request {
                request,
                url,
                redirected_from,
                kind: ResourceKind::Document,
                ..
            } => Some((request, url, redirected_from)),
            _ => None,
        })
        .collect();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].0, requests[1].0);
    assert_eq!(requests[1].2, Some((302, site.url("/a"))));
    assert_eq!(page.eval("location.pathname").await, "\"/b\"");
    page.close().await;
}

async fn error_status() {
    let page = open().await;
    let site = Site::serve([(
        "/",
        response(
            "404 Not Found",
            "Content-Type: text/html\r\n",
            "<title>none</title>",
        ),
    )])
    .await;
    page.goto(&site.url("/")).await;
    assert_eq!(page.bridge("title", "{}").await, "\"none\"");
    page.events
        .first(|event| matches!(event, Event::Response { status: 404, .. }).then_some(()))
        .await;
    page.close().await;
}

async fn failures() {
    let page = open().await;
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let refused = format!("http://{}/", free.local_addr().unwrap());
    drop(free);
    let site = Site::serve([("/204", response("204 No Content", "", ""))]).await;
    for (url, kind) in [
        (
            "http://does-not-exist.invalid/".to_owned(),
            NavigationFailureKind::Dns,
        ),
        (refused, NavigationFailureKind::Connection),
        (site.url("/204"), NavigationFailureKind::Aborted),
        ("not a url".to_owned(), NavigationFailureKind::Other),
    ] {
        let effect = navigate(&page, &url).await;
        let Effect::Navigation {
            document: None,
            failure: Some(failure),
        } = effect
        else {
            panic!("{url}: {effect:?}")
        };
        assert_eq!(failure.kind, kind, "{url}: {failure:?}");
    }
    assert_eq!(page.eval("1 + 1").await, "2");
    let kinds: Vec<_> = page
        .events
        .all()
        .into_iter()
        .filter_map(|event| match event {
            Event::NavigationFailed { failure, frame, .. } if frame == page.frame => {
                Some(failure.kind)
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        kinds,
        [
            NavigationFailureKind::Dns,
            NavigationFailureKind::Connection,
            NavigationFailureKind::Aborted
        ]
    );
    page.close().await;
}

async fn within_document() {
    let page = open().await;
    let site = Site::serve([("/", html("x"))]).await;
    page.goto(&site.url("/")).await;
    let mark = page.events.mark();
    let effect = navigate(&page, &site.url("/#part")).await;
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
    page.eval("history.pushState(0, '', '/pushed')").await;
    let pushed = site.url("/pushed");
    page.events
        .after(mark, |event| {
            matches!(event, Event::UrlChanged { url, .. } if *url == pushed).then_some(())
        })
        .await;
    let later = page.events.all().split_off(mark);
    assert!(!later.iter().any(|event| matches!(
        event,
        Event::NavigationCommitted { .. } | Event::NavigationStarted { .. }
    )));
    page.close().await;
}

async fn history() {
    let page = open().await;
    let site = Site::serve([("/1", html("1")), ("/2", html("2"))]).await;
    page.goto(&site.url("/1")).await;
    page.goto(&site.url("/2")).await;
    let mark = page.events.mark();
    let back = Primitive::TraverseHistory {
        target: page.target,
        delta: -1,
    };
    assert!(matches!(
        page.perform(back).await.unwrap(),
        Effect::Moved(true)
    ));
    let one = site.url("/1");
    page.events
        .after(mark, |event| {
            matches!(event, Event::NavigationCommitted { url, .. } if *url == one).then_some(())
        })
        .await;
    assert_eq!(page.eval("location.pathname").await, "\"/1\"");
    for delta in [-5, 7] {
        let none = Primitive::TraverseHistory {
            target: page.target,
            delta,
        };
        assert!(matches!(
            page.perform(none).await.unwrap(),
            Effect::Moved(false)
        ));
    }
    page.close().await;
}

async fn reload() {
    let page = open().await;
    let site = Site::serve([("/", html("x"))]).await;
    page.goto(&site.url("/")).await;
    page.eval("window.old = 1").await;
    let mark = page.events.mark();
    page.perform(Primitive::Reload {
        target: page.target,
        ignore_cache: true,
    })
    .await
    .unwrap();
    page.events
        .after(mark, |event| {
            matches!(event, Event::NavigationCommitted { .. }).then_some(())
        })
        .await;
    assert_eq!(page.eval("typeof old").await, "\"undefined\"");
    page.close().await;
}

async fn download() {
    let page = open().await;
    let headers = "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=\"x.bin\"\r\n";
    let site = Site::serve([("/", response("200 OK", headers, "abc"))]).await;
    let effect = navigate(&page, &site.url("/")).await;
    let Effect::Navigation {
        document: None,
        failure: Some(failure),
    } = effect
    else {
        panic!("{effect:?}")
    };
    assert_eq!(failure.kind, NavigationFailureKind::Aborted);
    let name = page.events.first(|event| match event {
        Event::DownloadStarted { suggested_name, .. } => Some(suggested_name.clone()),
        _ => None,
    });
    assert_eq!(name.await, "x.bin");
    page.close().await;
}
