//! Making, telling of and ending sessions; what a session refuses.

use ops_contracts::wire::command::session::{CreateParams, SessionState};
use ops_contracts::wire::command::{
    DomText, DomTitle, Empty, NavGoto, SessionClose, SessionCreate, SessionList, SessionRenew,
    TargetsList, Viewport, dom,
};
use ops_contracts::{ErrorCode, Fault};

use super::super::check::{Outcome, contains, equal, holds, lacks, refused};
use super::super::fixture::{Failure, Fixture};
use super::super::verbs::{at, url};

pub(super) async fn create_gives_a_lease_and_a_blank_page(f: &Fixture) -> Outcome {
    let made = f
        .service_call::<SessionCreate>(&f.create_params(), f.request_id())
        .await?;
    let session = super::super::Session {
        fixture: f,
        id: made.session_id,
        lease: made.lease_id,
        target: made.target_id,
    };
    equal(made.viewport, Viewport::default())?;
    holds(
        !made.browser.product.is_empty() && !made.browser.version.is_empty(),
        "the browser's product and version are told",
    )?;
    let pages = session.call::<TargetsList>(&Empty {}).await?.targets;
    equal(pages.len(), 1)?;
    holds(
        pages[0].current && pages[0].target_id == session.target,
        "the first page is the current one",
    )?;
    equal(pages[0].url.as_str(), "about:blank")?;
    let status = session.status().await?;
    equal(status.session.state, SessionState::Active)?;
    equal(status.session_epoch, 0)?;
    equal(status.current_target, Some(session.target.clone()))?;
    holds(
        status.dialog.is_none() && status.running.is_none() && status.queued == 0,
        "nothing is under way",
    )?;
    session.call::<SessionClose>(&Empty {}).await?;
    Ok(())
}

pub(super) async fn list_never_shows_leases(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let listed = f
        .service_call::<SessionList>(&Empty {}, f.request_id())
        .await?;
    let ours = listed
        .sessions
        .iter()
        .find(|info| info.session_id == session.id);
    holds(
        ours.is_some_and(|info| info.targets == 1),
        "the session is listed with its page",
    )?;
    let reply = f.raw("session.list", "{}", None).await;
    let text = reply.outcome.map_err(fault)?.get().to_owned();
    contains(&text, session.id.as_str())?;
    lacks(&text, session.lease.as_str())
}

fn fault(fault: Fault) -> Failure {
    Failure::new(fault.to_string())
}

pub(super) async fn create_is_keyed_by_its_request_id(f: &Fixture) -> Outcome {
    let id = f.request_id();
    let first = f
        .service_call::<SessionCreate>(&f.create_params(), id.clone())
        .await?;
    let again = f
        .service_call::<SessionCreate>(&f.create_params(), id.clone())
        .await?;
    equal(&first.session_id, &again.session_id)?;
    equal(&first.lease_id, &again.lease_id)?;
    let other = CreateParams {
        lease_ttl_ms: Some(5_000),
        ..f.create_params()
    };
    refused(
        f.service_call::<SessionCreate>(&other, id).await,
        ErrorCode::OpsRequestIdReused,
    )?;
    f.service_call::<SessionList>(&Empty {}, f.request_id())
        .await?;
    let session = super::super::Session {
        fixture: f,
        id: first.session_id,
        lease: first.lease_id,
        target: first.target_id,
    };
    session.call::<SessionClose>(&Empty {}).await?;
    Ok(())
}

pub(super) async fn close_ends_the_session_and_tells_its_holder(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let events = session.listen()?;
    equal(
        session
            .call::<SessionClose>(&Empty {})
            .await?
            .targets_closed,
        1,
    )?;
    events
        .wait_for(ops_contracts::wire::frame::EventName::SessionClosed)
        .await?;
    refused(session.title().await, ErrorCode::OpsSessionClosed)?;
    let stranger = session.held_with(
        "0".repeat(64)
            .parse()
            .map_err(|_| Failure::new("no lease"))?,
    );
    refused(stranger.title().await, ErrorCode::OpsSessionUnknown)?;
    holds(
        !f.service().lease_matches(&session.id, &session.lease),
        "the lease of a closed session matches no more",
    )
}

pub(super) async fn renew_extends_the_lease(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let before = session.status().await?.session.lease_expires_at;
    let renewed = session
        .call::<SessionRenew>(&Empty {})
        .await?
        .lease_expires_at;
    holds(
        renewed >= before,
        format!("{renewed} is not before {before}"),
    )
}

pub(super) async fn the_viewport_is_as_asked_for(f: &Fixture) -> Outcome {
    let viewport = Viewport {
        width: 640,
        height: 480,
        scale: 2.0,
    };
    let session = f
        .session_with(CreateParams {
            viewport: Some(viewport),
            ..CreateParams::default()
        })
        .await?;
    equal(
        session
            .eval("[innerWidth, innerHeight, devicePixelRatio]")
            .await?
            .as_str(),
        "[640,480,2]",
    )?;
    session.goto("/plain").await?;
    equal(
        session
            .eval("[innerWidth, innerHeight, devicePixelRatio]")
            .await?
            .as_str(),
        "[640,480,2]",
    )
}

pub(super) async fn a_call_without_a_session_is_refused(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let code =
        |reply: ops_contracts::seam::port::Reply| reply.outcome.err().map(|fault| fault.code);
    equal(
        code(f.raw("dom.title", "{}", None).await),
        Some(ErrorCode::OpsSessionRequired),
    )?;
    let unknown = "0".repeat(32).parse().map_err(|_| Failure::new("no id"))?;
    equal(
        code(
            f.raw("dom.title", "{}", Some((&unknown, &session.lease)))
                .await,
        ),
        Some(ErrorCode::OpsSessionUnknown),
    )?;
    session.title().await?;
    Ok(())
}

pub(super) async fn an_unknown_command_is_refused_with_its_like(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let reply = f
        .raw("nav.gogo", "{}", Some((&session.id, &session.lease)))
        .await;
    let Err(fault) = reply.outcome else {
        return Err(Failure::new("an unknown command ran"));
    };
    equal(fault.code, ErrorCode::OpsCommandUnknown)?;
    contains(
        &serde_json::to_string(&fault.details).unwrap_or_default(),
        "nav.goto",
    )
}

pub(super) async fn a_wrong_parameter_is_named(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    for (command, params, field) in [
        ("nav.goto", "{}", "url"),
        ("nav.goto", r#"{"url":7}"#, "url"),
        (
            "nav.goto",
            r#"{"url":"about:blank","until":"load"}"#,
            "until",
        ),
        (
            "interact.click",
            r#"{"element":{"css":"a","text":"b"}}"#,
            "element",
        ),
        (
            "interact.click",
            r#"{"element":{"css":"a"},"count":4}"#,
            "count",
        ),
        ("dom.snapshot", r#"{"maxChars":1}"#, "maxChars"),
        ("nav.wait", r#"{"text":"a","timeMs":1}"#, "params"),
        ("export.screenshot", r#"{"quality":10}"#, "quality"),
    ] {
        let reply = f
            .raw(command, params, Some((&session.id, &session.lease)))
            .await;
        let Err(fault) = reply.outcome else {
            return Err(Failure::new(format!("{command} took {params}")));
        };
        equal(fault.code, ErrorCode::OpsInvalidRequest)?;
        equal(
            fault.details.get("field").and_then(|field| field.as_str()),
            Some(field),
        )?;
    }
    Ok(())
}

pub(super) async fn two_sessions_share_neither_cookies_nor_pages(f: &Fixture) -> Outcome {
    let (one, other) = (f.session().await?, f.session().await?);
    one.goto("/set-cookie?flavour=oak").await?;
    other.goto("/set-cookie?shape=vase").await?;
    let body = dom::ReadParams {
        element: Some(at("#sent")),
        max_chars: 1_000,
        target_id: None,
    };
    equal(other.call::<DomText>(&body).await?.value.as_str(), "")?;
    one.goto("/set-cookie?size=large").await?;
    equal(
        one.call::<DomText>(&body).await?.value.as_str(),
        "flavour=oak",
    )?;
    other.call::<NavGoto>(&url("about:blank")).await?;
    contains(&one.url().await?, "/set-cookie")
}

pub(super) async fn replies_tell_where_the_time_went(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    session
        .call::<DomTitle>(&dom::PageParams::default())
        .await?;
    let reply = f
        .raw("dom.title", "{}", Some((&session.id, &session.lease)))
        .await;
    equal(reply.session_id.as_ref(), Some(&session.id))?;
    let timing = reply.timing;
    equal(timing.round_trips, 1)?;
    holds(
        timing.adapter_ms <= timing.runtime_ms && timing.runtime_ms <= timing.total_ms,
        format!("{timing:?}"),
    )
}
