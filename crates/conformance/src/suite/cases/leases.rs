//! Who may act: leases, fencing, expiry. Request ids as idempotency keys. Cancellation and deadlines.

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::nav::WaitParams;
use ops_contracts::wire::command::session::{CreateParams, ObserveParams};
use ops_contracts::wire::command::{
    DomEval, DomTitle, Empty, InteractClick, LoadState, NavGoto, NavWait, SessionObserve,
    SessionReclaim, dom,
};
use ops_contracts::wire::frame::EventName;
use ops_contracts::wire::ids::LeaseId;

use super::super::check::{Outcome, equal, holds, refused, reported};
use super::super::fixture::{Failure, Fixture};
use super::super::verbs::{button, click, eval, time, url, url_until};

fn foreign_lease() -> Result<LeaseId, Failure> {
    "f".repeat(64).parse().map_err(|_| Failure::new("no lease"))
}

pub(super) async fn a_wrong_lease_is_refused(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let stranger = session.held_with(foreign_lease()?);
    refused(stranger.title().await, ErrorCode::OpsNotOwner)?;
    refused(
        stranger.call::<NavGoto>(&url("about:blank")).await,
        ErrorCode::OpsNotOwner,
    )?;
    refused(stranger.status().await, ErrorCode::OpsNotOwner)?;
    holds(stranger.listen().is_err(), "a stranger may not listen")?;
    holds(
        !stranger.cancel(&f.request_id()).await,
        "a stranger may not cancel",
    )?;
    let reply = f.raw("dom.title", "{}", None).await;
    equal(
        reply.outcome.err().map(|fault| fault.code),
        Some(ErrorCode::OpsSessionRequired),
    )?;
    equal(session.title().await?.as_str(), "Plain page")
}

pub(super) async fn reclaim_drops_queued_work_and_fences_off_the_old_holder(
    f: &Fixture,
) -> Outcome {
    let old = f.session().await?;
    let (first, second) = (time(60_000), time(60_000));
    let reclaim = async {
        old.until_running("nav.wait").await?;
        while old.status().await?.queued == 0 {
            tokio::task::yield_now().await;
        }
        Ok::<_, Failure>(old.call::<SessionReclaim>(&Empty {}).await?)
    };
    let (running, queued, reclaimed) = tokio::join!(
        old.call::<NavWait>(&first),
        old.call::<NavWait>(&second),
        reclaim
    );
    refused(running, ErrorCode::OpsNotOwner)?;
    refused(queued, ErrorCode::OpsNotOwner)?;
    let reclaimed = reclaimed?;
    equal(reclaimed.dropped, 2)?;
    refused(old.title().await, ErrorCode::OpsNotOwner)?;
    let new = old.held_with(reclaimed.lease_id);
    new.title().await?;
    new.call::<ops_contracts::wire::command::SessionClose>(&Empty {})
        .await?;
    Ok(())
}

pub(super) async fn an_observer_reads_and_does_not_act(f: &Fixture) -> Outcome {
    let holder = f.session().await?;
    holder.goto("/plain").await?;
    let observed = holder
        .call::<SessionObserve>(&ObserveParams::default())
        .await?;
    equal(observed.observers, 1)?;
    let observer = holder.held_with(observed.observer_lease_id);
    equal(observer.title().await?.as_str(), "Plain page")?;
    holds(
        !observer.text("h1").await?.is_empty(),
        "an observer reads the page",
    )?;
    equal(observer.status().await?.observers, 1)?;
    let read_only = ErrorCode::OpsObserverReadOnly;
    refused(
        observer.call::<NavGoto>(&url("about:blank")).await,
        read_only,
    )?;
    refused(
        observer
            .call::<InteractClick>(&click(button("Steady")))
            .await,
        read_only,
    )?;
    refused(observer.call::<DomEval>(&eval("1")).await, read_only)?;
    let script = WaitParams {
        time_ms: None,
        function: Some("document.title = 'x'".to_owned()),
        ..time(1)
    };
    refused(observer.call::<NavWait>(&script).await, read_only)?;
    refused(
        observer
            .call::<SessionObserve>(&ObserveParams::default())
            .await,
        read_only,
    )?;
    refused(observer.call::<SessionReclaim>(&Empty {}).await, read_only)?;
    for command in [
        "session.close",
        "session.renew",
        "storage.cookies.get",
        "batch.run",
        "dialog.dismiss",
    ] {
        let params = if command == "batch.run" {
            r#"{"commands":[{"command":"dom.title"}]}"#
        } else {
            "{}"
        };
        let reply = f
            .raw(command, params, Some((&observer.id, &observer.lease)))
            .await;
        equal(reply.outcome.err().map(|fault| fault.code), Some(read_only))?;
    }
    holds(
        !observer.cancel(&f.request_id()).await,
        "an observer may not cancel",
    )?;
    let new = holder.call::<SessionReclaim>(&Empty {}).await?;
    refused(observer.title().await, ErrorCode::OpsNotOwner)?;
    holder
        .held_with(new.lease_id)
        .call::<ops_contracts::wire::command::SessionClose>(&Empty {})
        .await?;
    Ok(())
}

pub(super) async fn an_expired_lease_closes_the_session(f: &Fixture) -> Outcome {
    let session = f
        .session_with(CreateParams {
            lease_ttl_ms: Some(1_000),
            ..CreateParams::default()
        })
        .await?;
    let events = session.listen()?;
    session.goto("/plain").await?;
    events.wait_for(EventName::SessionClosed).await?;
    refused(session.title().await, ErrorCode::OpsLeaseExpired)?;
    Ok(())
}

pub(super) async fn a_running_command_keeps_the_lease(f: &Fixture) -> Outcome {
    let session = f
        .session_with(CreateParams {
            lease_ttl_ms: Some(1_000),
            ..CreateParams::default()
        })
        .await?;
    session.wait(time(1_600)).await?;
    session.title().await?;
    Ok(())
}

pub(super) async fn a_retried_click_is_one_click(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/moving.html").await?;
    let (id, params) = (f.request_id(), click(button("Steady button")));
    let first = session
        .call_as::<InteractClick>(id.clone(), &params)
        .await?;
    let again = session
        .call_as::<InteractClick>(id.clone(), &params)
        .await?;
    equal(&first, &again)?;
    let other = click(button("Slide again"));
    refused(
        session.call_as::<InteractClick>(id, &other).await,
        ErrorCode::OpsRequestIdReused,
    )?;
    reported(&f.site, "steady", 1).await
}

pub(super) async fn a_duplicate_in_flight_joins_the_first(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let id = f.request_id();
    let params = eval(
        "new Promise(done => { globalThis.runs = (globalThis.runs || 0) + 1; setTimeout(() => done(runs), 200) })",
    );
    let (one, other) = tokio::join!(
        session.call_as::<DomEval>(id.clone(), &params),
        session.call_as::<DomEval>(id.clone(), &params)
    );
    equal(one?.value.get(), "1")?;
    equal(other?.value.get(), "1")?;
    equal(session.eval("globalThis.runs").await?.as_str(), "1")
}

pub(super) async fn a_refused_command_may_be_sent_again_under_its_id(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let id = f.request_id();
    let stranger = session.held_with(foreign_lease()?);
    let params = eval("6 * 7");
    refused(
        stranger.call_as::<DomEval>(id.clone(), &params).await,
        ErrorCode::OpsNotOwner,
    )?;
    equal(
        session.call_as::<DomEval>(id, &params).await?.value.get(),
        "42",
    )
}

pub(super) async fn a_repeated_read_runs_again(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let (id, page) = (f.request_id(), dom::PageParams::default());
    equal(
        session
            .call_as::<DomTitle>(id.clone(), &page)
            .await?
            .value
            .as_str(),
        "Plain page",
    )?;
    session.goto("/pages/popup-target.html").await?;
    equal(
        session.call_as::<DomTitle>(id, &page).await?.value.as_str(),
        "Popup target",
    )
}

pub(super) async fn a_running_command_can_be_cancelled(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let (id, params) = (f.request_id(), time(60_000));
    let cancel = async {
        session.until_running("nav.wait").await?;
        holds(
            session.cancel(&id).await,
            "the request is there to be cancelled",
        )
    };
    let (waited, cancelled) = tokio::join!(session.call_as::<NavWait>(id.clone(), &params), cancel);
    cancelled?;
    refused(waited, ErrorCode::OpsCancelled)?;
    session.title().await?;
    Ok(())
}

pub(super) async fn a_queued_command_can_be_cancelled(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/moving.html").await?;
    let (first, second) = (f.request_id(), f.request_id());
    let (wait, press) = (time(60_000), click(button("Steady button")));
    let cancel = async {
        session.until_running("nav.wait").await?;
        while session.status().await?.queued == 0 {
            tokio::task::yield_now().await;
        }
        holds(
            session.cancel(&second).await,
            "the queued request is there to be cancelled",
        )?;
        holds(
            session.cancel(&first).await,
            "the running request is there to be cancelled",
        )
    };
    let (waited, clicked, cancelled) = tokio::join!(
        session.call_as::<NavWait>(first.clone(), &wait),
        session.call_as::<InteractClick>(second.clone(), &press),
        cancel
    );
    cancelled?;
    refused(waited, ErrorCode::OpsCancelled)?;
    refused(clicked, ErrorCode::OpsCancelled)?;
    session.title().await?;
    reported(&f.site, "steady", 0).await
}

pub(super) async fn a_page_that_never_loads_meets_its_deadline(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let page = f.site.url("/never-loads");
    let fault = refused(
        session.call_within::<NavGoto>(3_000, &url(&page)).await,
        ErrorCode::OpsTimeout,
    )?;
    equal(
        fault
            .details
            .get("waitingFor")
            .and_then(|what| what.as_str()),
        Some("the document to be loaded"),
    )?;
    let parsed = session
        .call_within::<NavGoto>(8_000, &url_until(&page, LoadState::DomContentLoaded))
        .await?;
    equal(parsed.reached, LoadState::DomContentLoaded)?;
    equal(parsed.title.as_deref(), Some("Never loads"))?;
    let committed = session
        .call_within::<NavGoto>(8_000, &url_until(&page, LoadState::Commit))
        .await?;
    equal(committed.status, Some(200))
}

pub(super) async fn a_server_that_never_answers_meets_the_deadline(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let never = url(&f.site.url("/never"));
    let fault = refused(
        session.call_within::<NavGoto>(800, &never).await,
        ErrorCode::OpsTimeout,
    )?;
    equal(
        fault
            .details
            .get("waitingFor")
            .and_then(|what| what.as_str()),
        Some("the response"),
    )?;
    session.goto("/pages/popup-target.html").await?;
    equal(session.title().await?.as_str(), "Popup target")
}

pub(super) async fn the_queue_spends_from_the_deadline(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let (long, short) = (time(1_500), dom::PageParams::default());
    let behind = async {
        session.until_running("nav.wait").await?;
        refused(
            session.call_within::<DomTitle>(200, &short).await,
            ErrorCode::OpsTimeout,
        )
    };
    let (waited, fault) = tokio::join!(session.call::<NavWait>(&long), behind);
    waited?;
    equal(
        fault?
            .details
            .get("waitingFor")
            .and_then(|what| what.as_str()),
        Some("the queue"),
    )
}

pub(super) async fn an_expression_that_never_ends_meets_its_deadline(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    refused(
        session
            .call_within::<DomEval>(500, &eval("new Promise(() => {})"))
            .await,
        ErrorCode::OpsTimeout,
    )?;
    equal(session.title().await?.as_str(), "Plain page")
}
