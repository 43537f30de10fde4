//! Navigation: its events in order, its failures by cause.

use ops_contracts::seam::adapter::{
    Effect, Event, LifecyclePhase, NavigationFailureKind, Primitive, ResourceKind,
};

use super::super::fixture::Fixture;
use super::super::page::{Page, navigated};
use crate::suite::Failure;
use crate::suite::check::{Outcome, equal, holds};

pub(super) async fn events_come_in_their_order_and_before_the_answer(f: &Fixture) -> Outcome {
    let page = f.page().await?;
    let mark = page.events.mark();
    let (document, failure) = page.navigate(&f.site.url("/plain")).await?;
    equal(failure, None)?;
    let committed = page.events.all(mark, |event| match event {
        Event::NavigationCommitted { document, .. } => Some(*document),
        _ => None,
    });
    equal(Vec::from_iter(document), committed)?;
    page.events
        .after(mark, "a load", |event| {
            matches!(event, Event::Lifecycle { phase: LifecyclePhase::Load, document: of, .. } if Some(*of) == document)
                .then_some(())
        })
        .await?;
    let words = page.events.all(mark, |event| match event {
        Event::NavigationStarted { .. } => Some("started"),
        Event::Request {
            document: of @ Some(_),
            kind: ResourceKind::Document,
            method,
            ..
        } if *of == document && method == "GET" => Some("request"),
        Event::Response {
            status: 200,
            url,
            mime_type,
            ..
        } if *url == f.site.url("/plain") && mime_type == "text/html" => Some("response"),
        Event::NavigationCommitted { .. } => Some("committed"),
        Event::Lifecycle { document: of, .. } if Some(*of) == document => Some("phase"),
        _ => None,
    });
    // A browser that tells of the start with the request's own event may report either first.
    let (mut beginning, rest) = (words.clone(), ["response", "committed", "phase", "phase"]);
    let end = beginning.split_off(2.min(words.len()));
    beginning.sort_unstable();
    equal(
        (beginning, end),
        (vec!["request", "started"], rest.to_vec()),
    )
}

pub(super) async fn a_redirect_keeps_its_request_and_says_where_it_came_from(
    f: &Fixture,
) -> Outcome {
    let page = f.page().await?;
    page.goto(&f.site.url("/redirect/3")).await?;
    let hops = page.events.all(0, |event| match event {
        Event::Request {
            request,
            url,
            redirected_from,
            kind: ResourceKind::Document,
            ..
        } => Some((*request, url.clone(), redirected_from.clone())),
        _ => None,
    });
    let key = hops.first().map(|(key, ..)| *key);
    holds(
        hops.iter().all(|(of, ..)| Some(*of) == key),
        format!("redirects of one request share its key: {hops:?}"),
    )?;
    let path = |at: usize| f.site.url(&format!("/redirect/{at}"));
    let found: Vec<_> = hops.into_iter().map(|(_, url, from)| (url, from)).collect();
    let expected = [
        (path(3), None),
        (path(2), Some((302, path(3)))),
        (path(1), Some((302, path(2)))),
        (f.site.url("/plain"), Some((302, path(1)))),
    ];
    equal(found, expected.to_vec())
}

pub(super) async fn an_error_status_is_a_document_like_any_other(f: &Fixture) -> Outcome {
    let page = f.page_at("/status/404").await?;
    equal(
        page.bridge("title", "{}").await?.as_str(),
        "\"404 Not Found\"",
    )?;
    let url = f.site.url("/status/404");
    let status = page.events.all(0, |event| match event {
        Event::Response {
            status, url: of, ..
        } if *of == url => Some(*status),
        _ => None,
    });
    equal(status, vec![404])
}

pub(super) async fn a_navigation_without_a_document_says_why(f: &Fixture) -> Outcome {
    use NavigationFailureKind::{Aborted, Connection, Dns};
    let page = f.page_at("/plain").await?;
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map_err(|error| Failure::new(error.to_string()))?;
    for (url, kind) in [
        ("http://nowhere.invalid/".to_owned(), Dns),
        (format!("http://{closed}/"), Connection),
        (f.site.url("/drop"), Connection),
        (f.site.url("/status/204"), Aborted),
    ] {
        let mark = page.events.mark();
        let (document, failure) = page.navigate(&url).await?;
        equal(
            (document, failure.as_ref().map(|failure| failure.kind)),
            (None, Some(kind)),
        )
        .map_err(|wrong| Failure::new(format!("{url}: {wrong}, {failure:?}")))?;
        let told = page.events.after(mark, "the failure", |event| match event {
            Event::NavigationFailed { failure, frame, .. } if *frame == page.frame => {
                Some(failure.kind)
            }
            _ => None,
        });
        equal(told.await?, kind)?;
    }
    page.goto(&f.site.url("/plain")).await.map(drop)
}

pub(super) async fn an_address_that_is_none_is_a_failure_of_its_own(f: &Fixture) -> Outcome {
    let page = f.page_at("/plain").await?;
    let (document, failure) = page.navigate("not a url").await?;
    equal(
        (document, failure.map(|failure| failure.kind)),
        (None, Some(NavigationFailureKind::Other)),
    )
}

pub(super) async fn a_navigation_within_the_document_changes_the_url_alone(f: &Fixture) -> Outcome {
    let page = f.page_at("/plain").await?;
    let mark = page.events.mark();
    equal(
        page.navigate(&f.site.url("/plain#there")).await?,
        (None, None),
    )?;
    page.eval("history.pushState(1, '', '/pushed')").await?;
    for wanted in [f.site.url("/plain#there"), f.site.url("/pushed")] {
        page.events
            .after(mark, &wanted, |event| {
                matches!(event, Event::UrlChanged { url, .. } if *url == wanted).then_some(())
            })
            .await?;
    }
    let documents = page.events.all(mark, |event| {
        matches!(event, Event::NavigationCommitted { .. }).then_some(())
    });
    equal(documents.len(), 0)
}

async fn moved(page: &Page, delta: i32) -> Result<bool, Failure> {
    let traverse = Primitive::TraverseHistory {
        target: page.target,
        delta,
    };
    match page.perform(traverse).await? {
        Effect::Moved(moved) => Ok(moved),
        other => Err(Failure::new(format!("expected a move, found {other:?}"))),
    }
}

pub(super) async fn history_moves_by_entries_and_says_when_there_is_none(f: &Fixture) -> Outcome {
    let page = f.page().await?;
    let (one, other) = (f.site.url("/plain"), f.site.url("/status/404"));
    page.goto(&one).await?;
    page.goto(&other).await?;
    for (delta, url) in [(-1, &one), (1, &other)] {
        let mark = page.events.mark();
        holds(moved(&page, delta).await?, "there is such an entry")?;
        equal(page.events.committed(mark, url).await?, page.frame)?;
    }
    for delta in [1, -7] {
        holds(!moved(&page, delta).await?, "there is no such entry")?;
    }
    Ok(())
}

pub(super) async fn a_reload_gives_a_new_document_past_the_cache(f: &Fixture) -> Outcome {
    let page = f.page_at("/plain").await?;
    page.eval("window.old = 1").await?;
    let mark = page.events.mark();
    let reload = Primitive::Reload {
        target: page.target,
        ignore_cache: true,
    };
    page.done(reload).await?;
    page.events.committed(mark, &f.site.url("/plain")).await?;
    equal(page.eval("typeof old").await?.as_str(), "\"undefined\"")?;
    equal(f.site.hits("/plain"), 2)
}

pub(super) async fn one_that_is_never_answered_gives_way_to_the_next(f: &Fixture) -> Outcome {
    let page = f.page_at("/plain").await?;
    let hangs = page.start(page.to(&f.site.url("/never"))).await;
    let asked = f
        .site
        .wait_for_hits("/never", 1, super::super::fixture::PATIENCE);
    holds(asked.await, "the server was asked")?;
    page.goto(&f.site.url("/status/404")).await?;
    let (document, failure) = navigated(hangs.ended().await?)?;
    equal(
        (document, failure.map(|failure| failure.kind)),
        (None, Some(NavigationFailureKind::Aborted)),
    )
}

pub(super) async fn a_download_is_reported_and_nothing_is_navigated(f: &Fixture) -> Outcome {
    let page = f.page_at("/plain").await?;
    let (document, failure) = page.navigate(&f.site.url("/download/file.txt")).await?;
    equal(
        (document, failure.map(|failure| failure.kind)),
        (None, Some(NavigationFailureKind::Aborted)),
    )?;
    let name = page.events.after(0, "a download", |event| match event {
        Event::DownloadStarted { suggested_name, .. } => Some(suggested_name.clone()),
        _ => None,
    });
    equal(name.await?.as_str(), "file.txt")?;
    equal(page.bridge("title", "{}").await?.as_str(), "\"Plain page\"")
}
