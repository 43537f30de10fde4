//! What breaks: browsers, renderers and busy pages; who notices, how fast, and how it goes on.

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::session::{CreateParams, Isolation, SessionState};
use ops_contracts::wire::command::targets::CloseParams;
use ops_contracts::wire::command::{DomEval, Empty, NavWait, TargetsClose, TargetsList};
use ops_contracts::wire::frame::EventName;

use super::super::check::{Outcome, equal, holds, refused};
use super::super::fixture::{Failure, Fixture, Session};
use super::super::verbs::{eval, time};

/// A session in a browser process of its own, and that process' id.
async fn alone(f: &Fixture) -> Result<(Session<'_>, u32), Failure> {
    let before: Vec<_> = f
        .service()
        .summary()
        .browsers
        .into_iter()
        .filter_map(|browser| browser.pid)
        .collect();
    let session = f
        .session_with(CreateParams {
            isolation: Isolation::Process,
            ..CreateParams::default()
        })
        .await?;
    let browsers = f.service().summary().browsers;
    let mut new = browsers
        .iter()
        .filter_map(|browser| browser.pid)
        .filter(|pid| !before.contains(pid));
    match (new.next(), new.next()) {
        (Some(pid), None) => Ok((session, pid)),
        _ => Err(Failure::new(format!(
            "one new browser was expected: {browsers:?}"
        ))),
    }
}

pub(super) async fn a_browser_killed_under_a_command_is_told_at_once(f: &Fixture) -> Outcome {
    let _turn = f.subject.exclusive.lock().await;
    let other = f.session().await?;
    other.goto("/plain").await?;
    let (session, pid) = alone(f).await?;
    session.goto("/plain").await?;
    let old = session.ref_in(&session.snapshot().await?.text, "\"A button\"")?;
    let events = session.listen()?;
    let hanging = eval("new Promise(() => {})");
    let kill = async {
        session.until_running("dom.eval").await?;
        (f.subject.kill_browser)(pid);
        Ok::<_, Failure>(())
    };
    let (ran, killed) = tokio::join!(session.call::<DomEval>(&hanging), kill);
    killed?;
    let fault = refused(ran, ErrorCode::AdapterBrowserLost)?;
    holds(
        fault.code.retryable(),
        "the code says that a retry may help",
    )?;
    events.wait_for(EventName::SessionLost).await?;
    refused(
        session.call::<TargetsList>(&Empty {}).await,
        ErrorCode::OpsSessionLost,
    )?;
    equal(session.status().await?.session.state, SessionState::Lost)?;
    equal(session.goto("/plain").await?.status, Some(200))?;
    let status = session.status().await?;
    equal(
        (status.session.state, status.session_epoch),
        (SessionState::Active, 1),
    )?;
    refused(session.click(old).await, ErrorCode::OpsRefStale)?;
    equal(other.title().await?.as_str(), "Plain page")
}

pub(super) async fn a_browser_killed_between_commands_is_told_once(f: &Fixture) -> Outcome {
    let _turn = f.subject.exclusive.lock().await;
    drop(f.session().await?);
    let (session, pid) = alone(f).await?;
    session.goto("/plain").await?;
    let events = session.listen()?;
    (f.subject.kill_browser)(pid);
    events.wait_for(EventName::SessionLost).await?;
    let fault = refused(session.title().await, ErrorCode::OpsSessionLost)?;
    holds(
        fault.code.retryable(),
        "the code says that a retry may help",
    )?;
    session.goto("/plain").await?;
    equal(session.title().await?.as_str(), "Plain page")
}

pub(super) async fn a_killed_browser_takes_only_its_own_sessions(f: &Fixture) -> Outcome {
    let _turn = f.subject.exclusive.lock().await;
    let others = [f.session().await?, f.session().await?];
    for other in &others {
        other.goto("/plain").await?;
    }
    let (session, pid) = alone(f).await?;
    let events = session.listen()?;
    (f.subject.kill_browser)(pid);
    events.wait_for(EventName::SessionLost).await?;
    for other in &others {
        equal(other.title().await?.as_str(), "Plain page")?;
        equal(other.status().await?.session_epoch, 0)?;
    }
    Ok(())
}

pub(super) async fn a_crashed_renderer_is_told_and_revived(f: &Fixture) -> Outcome {
    let _turn = f.subject.exclusive.lock().await;
    let other = f.session().await?;
    let (session, pid) = alone(f).await?;
    other.goto("/plain").await?;
    session.goto("/plain").await?;
    let events = session.listen()?;
    (f.subject.end_renderers)(pid);
    events.wait_for(EventName::TargetCrashed).await?;
    refused(session.title().await, ErrorCode::AdapterTargetCrashed)?;
    equal(
        session.call::<TargetsList>(&Empty {}).await?.targets[0].crashed,
        true,
    )?;
    session.goto("/plain").await?;
    equal(session.title().await?.as_str(), "Plain page")?;
    equal(other.title().await?.as_str(), "Plain page")
}

pub(super) async fn a_page_that_loops_for_ever_blocks_nobody_else(f: &Fixture) -> Outcome {
    let (session, other) = (f.session().await?, f.session().await?);
    session.goto("/plain").await?;
    refused(
        session
            .call_within::<DomEval>(500, &eval("for (;;);"))
            .await,
        ErrorCode::OpsTimeout,
    )?;
    other.goto("/plain").await?;
    equal(other.title().await?.as_str(), "Plain page")?;
    equal(session.status().await?.session.state, SessionState::Active)?;
    session
        .call_within::<TargetsClose>(8_000, &CloseParams::default())
        .await?;
    Ok(())
}

pub(super) async fn a_long_wait_of_one_session_does_not_hold_up_another(f: &Fixture) -> Outcome {
    let (waiting, other) = (f.session().await?, f.session().await?);
    let id = f.request_id();
    let long = time(60_000);
    let work = async {
        waiting.until_running("nav.wait").await?;
        other.goto("/plain").await?;
        let title = other.title().await?;
        holds(waiting.cancel(&id).await, "it waits still")?;
        Ok::<_, Failure>(title)
    };
    let (waited, title) = tokio::join!(waiting.call_as::<NavWait>(id.clone(), &long), work);
    refused(waited, ErrorCode::OpsCancelled)?;
    equal(title?.as_str(), "Plain page")
}
