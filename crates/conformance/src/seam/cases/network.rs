//! Requests: paused and decided on, with headers added, without a network, read, and asked for credentials.

use std::time::Duration;

use ops_contracts::seam::adapter::{
    AbortReason, AdapterError, Decision, Effect, Event, NetworkConditions, NetworkPolicy,
    PausedKey, Primitive, RequestKey,
};

use super::super::fixture::Fixture;
use super::super::page::Page;
use super::scripts::lost;
use crate::suite::Failure;
use crate::suite::check::{Outcome, contains, equal, holds};

async fn set(page: &Page, policy: NetworkPolicy) -> Outcome {
    page.done(Primitive::SetNetworkPolicy { policy }).await
}

async fn decide(page: &Page, paused: PausedKey, decision: Decision) -> Outcome {
    page.done(Primitive::Decide { paused, decision }).await
}

async fn paused(page: &Page, mark: usize) -> Result<PausedKey, Failure> {
    page.events
        .after(mark, "a paused request", |event| match event {
            Event::RequestPaused { paused, .. } => Some(*paused),
            _ => None,
        })
        .await
}

/// Begins to fetch what the policy pauses; what comes of it is `window.got`.
async fn fetch(page: &Page) -> Result<PausedKey, Failure> {
    let mark = page.events.mark();
    page.eval("window.got = fetch('/json?paused').then(async (r) => `${r.status} ${await r.text()}`, (e) => e.name); 0")
        .await?;
    paused(page, mark).await
}

pub(super) async fn a_paused_request_is_answered_refused_or_sent_on(f: &Fixture) -> Outcome {
    let page = f.page_at("/plain").await?;
    let pause = vec!["**/json?paused".to_owned()];
    set(
        &page,
        NetworkPolicy {
            pause,
            ..NetworkPolicy::default()
        },
    )
    .await?;
    let fulfil = Decision::Fulfil {
        status: 203,
        headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
        body: b"made up".to_vec(),
    };
    let on = Decision::Continue {
        url: None,
        method: None,
        headers: None,
        body: None,
    };
    for (decision, begins) in [
        (fulfil, "\"203 made up"),
        (Decision::Abort(AbortReason::Failed), "\"TypeError"),
        (on, "\"200 {"),
    ] {
        equal(f.site.hits("/json"), 0)?;
        let key = fetch(&page).await?;
        decide(&page, key, decision).await?;
        let got = page.eval("window.got").await?;
        holds(
            got.starts_with(begins),
            format!("{got} does not begin with {begins}"),
        )?;
    }
    equal(f.site.hits("/json"), 1)?;
    set(&page, NetworkPolicy::default()).await?;
    contains(
        &page
            .eval("fetch('/json?paused').then((r) => r.status + '!')")
            .await?,
        "200!",
    )
}

pub(super) async fn headers_are_added_to_every_request(f: &Fixture) -> Outcome {
    let page = f.page_at("/plain").await?;
    let headers = vec![("x-odb-test".to_owned(), "added".to_owned())];
    set(
        &page,
        NetworkPolicy {
            headers,
            ..NetworkPolicy::default()
        },
    )
    .await?;
    f.site.forget_requests();
    page.goto(&f.site.url("/json")).await?;
    page.eval("fetch('/plain').then((r) => r.status)").await?;
    for path in ["/json", "/plain"] {
        let requests = f.site.requests();
        let request = requests.iter().find(|request| request.path == path);
        let request = request.ok_or_else(|| Failure::new(format!("{path} was not asked for")))?;
        contains(&format!("{request:?}"), "added")?;
    }
    Ok(())
}

pub(super) async fn the_network_can_be_taken_away(f: &Fixture) -> Outcome {
    let page = f.page_at("/plain").await?;
    let offline = NetworkConditions {
        offline: true,
        latency_ms: 0.0,
        download: None,
        upload: None,
    };
    set(
        &page,
        NetworkPolicy {
            conditions: Some(offline),
            ..NetworkPolicy::default()
        },
    )
    .await?;
    let reach = "fetch('/json').then((r) => String(r.status), (e) => e.name)";
    equal(page.eval(reach).await?.as_str(), "\"TypeError\"")?;
    set(&page, NetworkPolicy::default()).await?;
    equal(page.eval(reach).await?.as_str(), "\"200\"")
}

/// Waits until the body of the response to a request for this URL is there.
async fn finished(page: &Page, wanted: &str) -> Result<RequestKey, Failure> {
    let key = page.events.after(0, wanted, |event| match event {
        Event::Request { request, url, .. } if url == wanted => Some(*request),
        _ => None,
    });
    let key = key.await?;
    page.events
        .after(0, "its end", |event| {
            matches!(event, Event::RequestFinished { request, .. } if *request == key).then_some(())
        })
        .await?;
    Ok(key)
}

pub(super) async fn bodies_of_responses_can_be_read(f: &Fixture) -> Outcome {
    let page = f.page_at("/plain").await?;
    let read = |request| Primitive::ResponseBody {
        target: page.target,
        request,
    };
    let nobodys = page.perform(read(RequestKey(u64::MAX))).await;
    lost(nobodys, AdapterError::BodyGone)?;
    let text = page.eval("fetch('/json').then((r) => r.text())").await?;
    let request = finished(&page, &f.site.url("/json")).await?;
    match page.perform(read(request)).await? {
        Effect::Bytes { bytes, end } => {
            let body = serde_json::Value::from(String::from_utf8_lossy(&bytes)).to_string();
            equal((body, end), (text, true))
        }
        other => Err(Failure::new(format!("{other:?}"))),
    }
}

pub(super) async fn questions_for_credentials_are_answered(f: &Fixture) -> Outcome {
    let page = f.page_at("/plain").await?;
    set(
        &page,
        NetworkPolicy {
            authenticate: true,
            ..NetworkPolicy::default()
        },
    )
    .await?;
    let work = page.start(page.to(&f.site.url("/basic-auth"))).await;
    let (key, challenge) = page
        .events
        .after(0, "a question for credentials", |event| match event {
            Event::CredentialsAsked { paused, challenge } => Some((*paused, challenge.clone())),
            _ => None,
        })
        .await?;
    equal((challenge.proxy, challenge.again), (false, false))?;
    let credentials = Decision::Credentials {
        username: "ada".to_owned(),
        password: "oak".to_owned(),
    };
    decide(&page, key, credentials).await?;
    holds(
        matches!(
            work.ended().await?,
            Effect::Navigation { failure: None, .. }
        ),
        "the navigation goes on",
    )?;
    let inside = async {
        while page.bridge("title", "{}").await.ok().as_deref() != Some("\"Inside\"") {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(super::super::fixture::PATIENCE, inside)
        .await
        .map_err(|_| Failure::new("the page behind the question did not come"))
}
