//! Requests: logged, waited for, answered, refused and changed; what the server saw is compared.

use ops_contracts::ErrorCode;
use ops_contracts::seam::adapter::{AbortReason, ResourceKind};
use ops_contracts::wire::command::batch::{BatchItem, RunParams};
use ops_contracts::wire::command::har::HarParams;
use ops_contracts::wire::command::network::{
    CredentialsParams, Fulfil, Header, HeadersParams, LogParams, LogResult, Modify, OfflineParams,
    RequestFilter, RequestMoment, RequestState, RouteParams, UnrouteParams, WaitParams,
};
use ops_contracts::wire::command::{
    BatchRun, DiagnosticsNetwork, ExportHar, NetworkCredentials, NetworkOffline, NetworkRoute,
    NetworkSetHeaders, NetworkUnroute, NetworkWait,
};
use serde_json::json;
use serde_json::value::RawValue;

use super::super::check::{
    Outcome, contains, equal, holds, lacks, refused, refused_with, reported,
};
use super::super::fixture::{Failure, Fixture, PATIENCE, Session};
use super::super::verbs::button;

const PAGE: &str = "/pages/network.html";

fn url(pattern: &str) -> RequestFilter {
    RequestFilter {
        url: Some(pattern.to_owned()),
        ..RequestFilter::default()
    }
}

fn ours(pattern: &str) -> RouteParams {
    let fulfil = Fulfil {
        body: Some(r#"{"name":"ours"}"#.to_owned()),
        ..Fulfil::default()
    };
    RouteParams {
        url: pattern.to_owned(),
        fulfil: Some(fulfil),
        ..RouteParams::default()
    }
}

async fn log(session: &Session<'_>, filter: RequestFilter) -> Result<LogResult, Failure> {
    Ok(session
        .call::<DiagnosticsNetwork>(&LogParams {
            filter,
            headers: true,
            ..LogParams::default()
        })
        .await?)
}

async fn ended(session: &Session<'_>, pattern: &str) -> Outcome {
    let params = WaitParams {
        event: RequestMoment::Finished,
        filter: url(pattern),
        since_seq: Some(0),
        ..WaitParams::default()
    };
    session.call::<NetworkWait>(&params).await?;
    Ok(())
}

pub(super) async fn requests_are_logged_with_what_is_known_of_them(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    session.click(button("Fetch JSON")).await?;
    ended(&session, "/json").await?;
    let read = log(&session, url("/json")).await?;
    let entry = read
        .entries
        .first()
        .ok_or_else(|| Failure::new("the request is not in the log"))?;
    equal(
        (entry.method.as_str(), entry.url.as_str()),
        ("GET", f.site.url("/json").as_str()),
    )?;
    equal(
        (entry.kind, entry.state, entry.status),
        (ResourceKind::Fetch, RequestState::Finished, Some(200)),
    )?;
    equal(entry.mime_type.as_deref(), Some("application/json"))?;
    holds(
        entry.transferred_bytes.is_some_and(|bytes| bytes > 20),
        "its size is told",
    )?;
    holds(
        entry.duration_ms.is_some() && entry.timing.is_some(),
        "its timing is told",
    )?;
    equal(
        entry
            .initiator
            .as_ref()
            .map(|initiator| initiator.kind.as_str()),
        Some("script"),
    )?;
    holds(
        entry
            .response_headers
            .as_ref()
            .is_some_and(|headers| !headers.is_empty()),
        "its headers are told",
    )?;
    let after = LogParams {
        since_seq: read.next_seq,
        ..LogParams::default()
    };
    equal(
        session
            .call::<DiagnosticsNetwork>(&after)
            .await?
            .entries
            .len(),
        0,
    )?;
    let first = session
        .call::<DiagnosticsNetwork>(&LogParams {
            limit: 1,
            ..LogParams::default()
        })
        .await?;
    equal(
        (first.entries.len(), first.next_seq, first.entries[0].kind),
        (1, 1, ResourceKind::Document),
    )?;
    let filter = RequestFilter {
        status: Some("2xx".to_owned()),
        method: Some("get".to_owned()),
        ..url("**/pages/*.js")
    };
    equal(log(&session, filter).await?.entries.len(), 1)
}

pub(super) async fn secrets_are_hidden_unless_asked_for(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/set-cookie?sid=s3cret").await?;
    session.goto(PAGE).await?;
    session.click(button("Post JSON")).await?;
    ended(&session, "/echo").await?;
    let seq = log(&session, url("/echo")).await?.entries[0].seq;
    let one = LogParams {
        seq: Some(seq),
        body: true,
        ..LogParams::default()
    };
    let shown = session.call::<DiagnosticsNetwork>(&one).await?;
    let text = serde_json::to_string(&(&shown.entries, &shown.request_body)).unwrap_or_default();
    for secret in ["s3cret", "k3y", "hunter2"] {
        lacks(&text, secret)?;
    }
    contains(&text, "ada")?;
    let shown = session
        .call::<DiagnosticsNetwork>(&LogParams {
            secrets: true,
            ..one
        })
        .await?;
    let text = serde_json::to_string(&(&shown.entries, &shown.request_body)).unwrap_or_default();
    for secret in ["s3cret", "k3y", "hunter2"] {
        contains(&text, secret)?;
    }
    Ok(())
}

pub(super) async fn bodies_are_read_and_cut(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/big?kib=100").await?;
    session.goto(PAGE).await?;
    session.click(button("Fetch JSON")).await?;
    ended(&session, "/json").await?;
    let seq = log(&session, url("/json")).await?.entries[0].seq;
    let one = LogParams {
        seq: Some(seq),
        body: true,
        ..LogParams::default()
    };
    let body = session
        .call::<DiagnosticsNetwork>(&one)
        .await?
        .response_body
        .ok_or_else(|| Failure::new("no body"))?;
    contains(body.text.as_deref().unwrap_or_default(), "Kiln & Oak")?;
    holds(!body.truncated, "it is whole")?;
    let few = LogParams {
        max_body_bytes: Some(10),
        ..one.clone()
    };
    let cut = session
        .call::<DiagnosticsNetwork>(&few)
        .await?
        .response_body
        .ok_or_else(|| Failure::new("no body"))?;
    equal(
        (cut.text.map(|text| text.len()), cut.truncated, cut.bytes),
        (Some(10), true, body.bytes),
    )?;
    let none = session
        .call::<DiagnosticsNetwork>(&LogParams {
            seq: Some(9_999),
            ..one
        })
        .await;
    refused(none, ErrorCode::OpsRequestUnknown).map(drop)
}

pub(super) async fn redirects_and_failures_are_entries_of_their_own(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/redirect/2").await?;
    let hops = log(
        &session,
        RequestFilter {
            kinds: vec![ResourceKind::Document],
            ..RequestFilter::default()
        },
    )
    .await?
    .entries;
    let hops: Vec<_> = hops
        .iter()
        .filter(|entry| !entry.url.starts_with("about:"))
        .collect();
    equal(
        hops.iter().map(|hop| hop.status).collect::<Vec<_>>(),
        vec![Some(302), Some(302), Some(200)],
    )?;
    equal(hops[2].redirected_from, Some(hops[1].seq))?;
    session.goto(PAGE).await?;
    session.click(button("Fetch in vain")).await?;
    ended(&session, "/drop").await?;
    let failed = log(&session, url("/drop")).await?.entries.remove(0);
    holds(
        failed.state == RequestState::Failed && failed.failure.is_some() && failed.status.is_none(),
        format!("{failed:?}"),
    )
}

pub(super) async fn a_response_is_waited_for_with_its_action_in_a_batch(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    let item = |command: &str, params: serde_json::Value| {
        let params = RawValue::from_string(params.to_string()).ok();
        BatchItem {
            command: command.to_owned(),
            params,
        }
    };
    let commands = vec![
        item(
            "interact.click",
            json!({ "element": { "role": "button", "name": "Fetch slowly" } }),
        ),
        item(
            "network.wait",
            json!({ "filter": { "url": "/slow", "status": "2xx" } }),
        ),
    ];
    let ran = session
        .call::<BatchRun>(&RunParams {
            commands,
            stop_on_error: true,
        })
        .await?;
    equal((ran.succeeded, ran.failed), (2, 0))?;
    contains(
        ran.results[1]
            .result
            .as_ref()
            .map_or("", |result| result.get()),
        "/slow?ms=300",
    )
}

pub(super) async fn a_wait_runs_beside_the_page_queue(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    let waits = WaitParams {
        event: RequestMoment::Finished,
        filter: url("**/json"),
        ..WaitParams::default()
    };
    let (waited, clicked) = tokio::join!(
        session.call::<NetworkWait>(&waits),
        session.click(button("Fetch JSON"))
    );
    clicked?;
    equal(waited?.request.status, Some(200))?;
    let never = WaitParams {
        filter: url("/nowhere"),
        ..WaitParams::default()
    };
    let fault = refused(
        session.call_within::<NetworkWait>(300, &never).await,
        ErrorCode::OpsTimeout,
    )?;
    contains(&fault.message, "request")
}

pub(super) async fn a_request_is_answered_without_a_server(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    let made = session
        .call::<NetworkRoute>(&RouteParams {
            times: Some(1),
            ..ours("**/json")
        })
        .await?;
    equal(made.routes.len(), 1)?;
    session.click(button("Fetch JSON")).await?;
    reported(&f.site, "page-ours", 1).await?;
    equal(f.site.hits("/json"), 0)?;
    // It held once.
    session.click(button("Fetch JSON")).await?;
    reported(&f.site, "page-Kiln & Oak", 1).await?;
    session.call::<NetworkRoute>(&ours("/json")).await?;
    session.click(button("Fetch from the other site")).await?;
    reported(&f.site, "cross-ours", 1).await?;
    let page = Fulfil {
        status: 404,
        body: Some("<title>Ours</title>".to_owned()),
        ..Fulfil::default()
    };
    let whole = RouteParams {
        url: "**/plain".to_owned(),
        fulfil: Some(page),
        ..RouteParams::default()
    };
    session.call::<NetworkRoute>(&whole).await?;
    let arrived = session.goto("/plain").await?;
    equal(
        (arrived.status, arrived.title.as_deref()),
        (Some(404), Some("Ours")),
    )
}

pub(super) async fn a_request_is_refused_or_changed(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    let abort = RouteParams {
        url: "/json".to_owned(),
        abort: Some(AbortReason::ConnectionRefused),
        ..RouteParams::default()
    };
    session.call::<NetworkRoute>(&abort).await?;
    session.click(button("Fetch JSON")).await?;
    reported(&f.site, "page-TypeError", 1).await?;
    let failure = log(&session, url("/json")).await?.entries[0]
        .failure
        .clone();
    contains(failure.as_deref().unwrap_or_default(), "CONNECTION_REFUSED")?;
    let modify = Modify {
        method: Some("PUT".to_owned()),
        set_headers: vec![Header {
            name: "X-Odb-Test".to_owned(),
            value: "changed".to_owned(),
        }],
        body: Some("another body".to_owned()),
        ..Modify::default()
    };
    let change = RouteParams {
        url: "**/echo*".to_owned(),
        method: Some("post".to_owned()),
        modify: Some(modify),
        ..RouteParams::default()
    };
    session.call::<NetworkRoute>(&change).await?;
    session.click(button("Post JSON")).await?;
    reported(&f.site, "PUT changed another body", 1).await
}

pub(super) async fn rules_hold_for_frames_popups_and_workers(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.call::<NetworkRoute>(&ours("**/json")).await?;
    session.goto(PAGE).await?;
    for (name, id) in [
        ("Fetch in a worker", "worker-ours"),
        ("Fetch in a frame", "frame-ours"),
        ("Fetch in a popup", "popup-ours"),
    ] {
        session.click(button(name)).await?;
        reported(&f.site, id, 1).await?;
    }
    equal(f.site.hits("/json"), 0)
}

pub(super) async fn rules_are_taken_back(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    let made = session.call::<NetworkRoute>(&ours("**/json")).await?;
    session.click(button("Fetch JSON")).await?;
    reported(&f.site, "page-ours", 1).await?;
    let gone = session
        .call::<NetworkUnroute>(&UnrouteParams {
            route: Some(made.route),
            url: None,
        })
        .await?;
    equal(
        (gone.removed.len(), gone.removed[0].hits, gone.routes.len()),
        (1, 1, 0),
    )?;
    session.click(button("Fetch JSON")).await?;
    reported(&f.site, "page-Kiln & Oak", 1).await?;
    let unknown = UnrouteParams {
        route: Some(77),
        url: None,
    };
    refused(
        session.call::<NetworkUnroute>(&unknown).await,
        ErrorCode::OpsRouteUnknown,
    )?;
    // Taking all back is no error where there is none.
    equal(
        session
            .call::<NetworkUnroute>(&UnrouteParams::default())
            .await?
            .removed
            .len(),
        0,
    )
}

pub(super) async fn headers_are_added_to_every_request(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let headers = vec![Header {
        name: "X-Odb-Test".to_owned(),
        value: "everywhere".to_owned(),
    }];
    equal(
        session
            .call::<NetworkSetHeaders>(&HeadersParams { headers })
            .await?
            .names,
        vec!["X-Odb-Test".to_owned()],
    )?;
    session.goto(PAGE).await?;
    for (name, id) in [
        ("Fetch JSON", "page-Kiln & Oak"),
        ("Fetch in a frame", "frame-Kiln & Oak"),
        ("Fetch in a popup", "popup-Kiln & Oak"),
        ("Fetch in a worker", "worker-Kiln & Oak"),
    ] {
        session.click(button(name)).await?;
        reported(&f.site, id, 1).await?;
    }
    let bare: Vec<_> = f
        .site
        .requests()
        .into_iter()
        .filter(|request| request.header("x-odb-test") != Some("everywhere"))
        .collect();
    holds(
        bare.is_empty(),
        format!("requests without the header: {bare:?}"),
    )?;
    session
        .call::<NetworkSetHeaders>(&HeadersParams {
            headers: Vec::new(),
        })
        .await?;
    f.site.forget_requests();
    session.goto("/plain").await?;
    equal(f.site.requests()[0].header("x-odb-test"), None)
}

pub(super) async fn the_network_is_taken_away_and_given_back(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    let off = session
        .call::<NetworkOffline>(&OfflineParams {
            offline: true,
            ..OfflineParams::default()
        })
        .await?;
    equal((off.offline, off.slowed), (true, false))?;
    session.click(button("Fetch JSON")).await?;
    ended(&session, "/json").await?;
    equal(f.site.hits("/json"), 0)?;
    refused_with(
        session.goto("/plain").await,
        &[ErrorCode::OpsNavConnectionFailed, ErrorCode::OpsNavFailed],
    )?;
    session
        .call::<NetworkOffline>(&OfflineParams::default())
        .await?;
    equal(session.goto("/plain").await?.status, Some(200))
}

pub(super) async fn a_slow_network_is_slow(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let slow = OfflineParams {
        latency_ms: Some(200.0),
        ..OfflineParams::default()
    };
    holds(
        session.call::<NetworkOffline>(&slow).await?.slowed,
        "it is slow",
    )?;
    session.goto("/status/404").await?;
    let taken = log(&session, url("/status/404")).await?.entries[0].duration_ms;
    holds(
        taken.is_some_and(|taken| taken >= 150.0),
        format!("it took {taken:?} ms"),
    )
}

pub(super) async fn credentials_are_given_to_those_who_ask(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let given = |password: &str, origin: Option<String>| CredentialsParams {
        username: Some("ada".into()),
        password: Some(password.into()),
        origin,
        proxy: false,
    };
    session
        .call::<NetworkCredentials>(&given("wrong", None))
        .await?;
    equal(session.goto("/basic-auth").await?.status, Some(401))?;
    let told = session
        .call::<NetworkCredentials>(&given("oak", Some(f.site.url(""))))
        .await?;
    equal(told.origins, vec!["*".to_owned(), f.site.url("")])?;
    equal(session.goto("/basic-auth?again").await?.status, Some(200))?;
    contains(&session.text("main").await?, "ada")?;
    let none = session
        .call::<NetworkCredentials>(&CredentialsParams::default())
        .await?;
    equal(none.origins.len(), 0)
}

pub(super) async fn a_request_that_nobody_decides_on_goes_on(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto(PAGE).await?;
    // A rule of another method pauses the request and does not fit it.
    let other = RouteParams {
        method: Some("DELETE".to_owned()),
        ..ours("**")
    };
    session.call::<NetworkRoute>(&other).await?;
    session.click(button("Fetch JSON")).await?;
    reported(&f.site, "page-Kiln & Oak", 1).await?;
    // What the browser does not take must not leave the page waiting either.
    let broken = Modify {
        url: Some("https://[broken".to_owned()),
        ..Modify::default()
    };
    let change = RouteParams {
        url: "**/json".to_owned(),
        modify: Some(broken),
        ..RouteParams::default()
    };
    session.call::<NetworkRoute>(&change).await?;
    session.click(button("Fetch JSON")).await?;
    holds(
        f.site.wait_for_report("page-TypeError", 1, PATIENCE).await,
        "the request failed instead of waiting",
    )
}

pub(super) async fn an_archive_is_valid_and_hides_secrets(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/set-cookie?sid=s3cret").await?;
    session.goto("/redirect/1").await?;
    session.goto(PAGE).await?;
    for name in ["Fetch JSON", "Post JSON", "Fetch in vain"] {
        session.click(button(name)).await?;
    }
    for path in ["/json", "/echo", "/drop"] {
        ended(&session, path).await?;
    }
    let params = HarParams {
        bodies: true,
        ..HarParams::default()
    };
    let archive = session.call::<ExportHar>(&params).await?;
    let har =
        serde_json::to_value(&archive.har).map_err(|error| Failure::new(error.to_string()))?;
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../../har-1.2.schema.json")).unwrap_or_default();
    let validator =
        jsonschema::validator_for(&schema).map_err(|error| Failure::new(error.to_string()))?;
    let wrong: Vec<String> = validator
        .iter_errors(&har)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    holds(wrong.is_empty(), wrong.join("\n"))?;
    contains(&har.to_string(), "Kiln & Oak")?;
    let entries = &archive.har.log.entries;
    // What the server makes of a secret is the page's text; what was sent is hidden.
    let sent = entries
        .iter()
        .find(|entry| entry.request.url.contains("/echo"))
        .ok_or_else(|| Failure::new("no request to /echo"))?;
    let sent =
        serde_json::to_string(&sent.request).map_err(|error| Failure::new(error.to_string()))?;
    contains(&sent, "ada")?;
    for secret in ["k3y", "hunter2", "s3cret"] {
        lacks(&sent, secret)?;
    }
    let hop = entries
        .iter()
        .find(|entry| entry.response.status == 302)
        .ok_or_else(|| Failure::new("no redirect"))?;
    equal(&hop.response.redirect_url, &f.site.url("/plain"))?;
    holds(
        entries
            .iter()
            .any(|entry| entry.request.url.ends_with("/drop") && entry.response.status == 0),
        "the failure is in it",
    )?;
    let few = session
        .call::<ExportHar>(&HarParams {
            max_entries: 1,
            ..HarParams::default()
        })
        .await?;
    equal(few.har.log.entries.len(), 1)?;
    // The page may have asked for its icon since.
    holds(
        few.left_out >= entries.len() as u64 - 1,
        format!("{} left out", few.left_out),
    )?;
    refused(
        session
            .call::<ExportHar>(&HarParams {
                max_entries: 0,
                ..HarParams::default()
            })
            .await,
        ErrorCode::OpsInvalidRequest,
    )
    .map(drop)
}

/// Parameters that make no sense: command, parameters, and the field that a refusal names.
const WRONG: &[(&str, &str, &str)] = &[
    ("network.route", "{}", "url"),
    ("network.route", r#"{"url":null,"abort":"failed"}"#, "url"),
    ("network.route", r#"{"url":" ","abort":"failed"}"#, "url"),
    ("network.route", r#"{"url":"**"}"#, "params"),
    (
        "network.route",
        r#"{"url":"**","abort":"failed","modify":{"method":"PUT"}}"#,
        "params",
    ),
    (
        "network.route",
        r#"{"url":"**","abort":"nothing"}"#,
        "abort",
    ),
    (
        "network.route",
        r#"{"url":"**","abort":"failed","times":0}"#,
        "times",
    ),
    (
        "network.route",
        r#"{"url":"**","abort":"failed","kinds":["pictures"]}"#,
        "kinds[0]",
    ),
    (
        "network.route",
        r#"{"url":"**","fulfil":{"status":99}}"#,
        "fulfil.status",
    ),
    (
        "network.route",
        r#"{"url":"**","fulfil":{"body":"a","bodyBase64":"YQ=="}}"#,
        "fulfil",
    ),
    (
        "network.route",
        r#"{"url":"**","fulfil":{"bodyBase64":"%"}}"#,
        "fulfil.bodyBase64",
    ),
    (
        "network.route",
        r#"{"url":"**","fulfil":{"headers":[{"name":"a b","value":"c"}]}}"#,
        "fulfil.headers[0].name",
    ),
    (
        "network.route",
        "{\"url\":\"**\",\"fulfil\":{\"headers\":[{\"name\":\"a\",\"value\":\"c\\r\\nd\"}]}}",
        "fulfil.headers[0].value",
    ),
    ("network.route", r#"{"url":"**","modify":{}}"#, "modify"),
    (
        "network.route",
        r#"{"url":"**","modify":{"url":"file:///etc/passwd"}}"#,
        "modify.url",
    ),
    ("network.unroute", r#"{"route":1,"url":"**"}"#, "params"),
    ("network.setHeaders", "{}", "headers"),
    (
        "network.setHeaders",
        r#"{"headers":[{"name":"","value":""}]}"#,
        "headers[0].name",
    ),
    (
        "network.offline",
        r#"{"offline":true,"latencyMs":5}"#,
        "params",
    ),
    (
        "network.offline",
        r#"{"offline":false,"latencyMs":-1}"#,
        "latencyMs",
    ),
    ("network.credentials", r#"{"username":"ada"}"#, "params"),
    (
        "network.credentials",
        r#"{"username":"ada","password":"x","origin":"example.com"}"#,
        "origin",
    ),
    (
        "network.wait",
        r#"{"filter":{"status":"6xx"}}"#,
        "filter.status",
    ),
    (
        "network.wait",
        r#"{"event":"request","filter":{"status":"200"}}"#,
        "filter.status",
    ),
    ("diagnostics.network", r#"{"body":true}"#, "body"),
    ("diagnostics.network", r#"{"limit":0}"#, "limit"),
];

pub(super) async fn wrong_rules_are_refused_by_name(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let long = format!(r#"{{"url":"{}","abort":"failed"}}"#, "x".repeat(5_000));
    let too_long = [("network.route", long.as_str(), "url")];
    for &(command, params, field) in WRONG.iter().chain(&too_long) {
        let holder = Some((&session.id, &session.lease));
        let fault = f.raw(command, params, holder).await.outcome.err();
        let fault = fault.ok_or_else(|| Failure::new(format!("{command} {params} was taken")))?;
        equal(
            (fault.code, command),
            (ErrorCode::OpsInvalidRequest, command),
        )?;
        let named = fault.details.get("field");
        equal(named.and_then(|field| field.as_str()), Some(field))?;
    }
    equal(session.goto("/plain").await?.status, Some(200))
}
