//! Ending the sessions that are there, over the scripted browser: what runs, what waits, what comes, and what is counted.

use conformance::suite::verbs::url;
use ops_contracts::ErrorCode;
use ops_contracts::seam::port::EndSessions;
use ops_contracts::wire::command::{NavGoto, SessionStatus};
use ops_contracts::wire::frame::EventName;

use super::fixture;

#[track_caller]
fn code<T>(outcome: Result<T, conformance::suite::Refused>) -> Option<ErrorCode> {
    outcome.err().map(|refused| refused.fault.code)
}

#[tokio::test]
async fn a_drain_lets_what_runs_end_refuses_the_rest_and_closes() {
    let (f, control) = fixture();
    let (busy, idle) = (f.session().await.unwrap(), f.session().await.unwrap());
    let events = busy.listen().unwrap();
    let mut held = control.hold("navigate");
    let page = url(&f.site.url("/plain"));
    let second = async {
        held.reached().await;
        // Waits behind the navigation that runs, and is refused by the drain.
        let waiting = busy.call::<NavGoto>(&page);
        let drain = async {
            loop {
                let status = busy
                    .call::<SessionStatus>(&Default::default())
                    .await
                    .unwrap();
                if status.queued == 1 {
                    break;
                }
                tokio::task::yield_now().await;
            }
            let ending = f.service().end_sessions(EndSessions::Drain);
            let late = code(busy.call::<NavGoto>(&page).await);
            assert_eq!(late, Some(ErrorCode::RelayOpsDraining));
            busy.call::<SessionStatus>(&Default::default())
                .await
                .unwrap();
            held.release();
            ending.await
        };
        tokio::join!(waiting, drain)
    };
    let (first, (waiting, ended)) = tokio::join!(busy.call::<NavGoto>(&page), second);
    assert_eq!(code(first), None, "what ran has ended by itself");
    assert_eq!(code(waiting), Some(ErrorCode::RelayOpsDraining));
    assert_eq!(ended, 2);
    events.wait_for(EventName::SessionClosed).await.unwrap();
    for session in [&busy, &idle] {
        assert_eq!(
            code(session.call::<NavGoto>(&page).await),
            Some(ErrorCode::OpsSessionClosed)
        );
    }
    assert_eq!(f.service().summary().sessions, 0);
    f.session().await.unwrap();
}

#[tokio::test]
async fn a_termination_fails_what_runs_and_what_waits_and_overtakes_a_drain() {
    let (f, control) = fixture();
    let session = f.session().await.unwrap();
    let mut held = control.hold("navigate");
    let page = url(&f.site.url("/plain"));
    let end = async {
        held.reached().await;
        let drain = f.service().end_sessions(EndSessions::Drain);
        let terminated = f.service().end_sessions(EndSessions::Terminate).await;
        (drain.await, terminated)
    };
    let (running, ended) = tokio::join!(session.call::<NavGoto>(&page), end);
    assert_eq!(code(running), Some(ErrorCode::RelayOpsTerminated));
    assert_eq!(ended, (0, 1), "a session is counted once, by what ended it");
    assert_eq!(
        code(session.call::<NavGoto>(&page).await),
        Some(ErrorCode::RelayOpsTerminated)
    );
    assert_eq!(f.service().end_sessions(EndSessions::Terminate).await, 0);
}

#[tokio::test]
async fn a_termination_fails_commands_that_wait_in_the_queue() {
    let (f, control) = fixture();
    let session = f.session().await.unwrap();
    let mut held = control.hold("navigate");
    let page = url(&f.site.url("/plain"));
    let end = async {
        held.reached().await;
        let waiting = session.call::<NavGoto>(&page);
        let end = async {
            while session
                .call::<SessionStatus>(&Default::default())
                .await
                .unwrap()
                .queued
                == 0
            {
                tokio::task::yield_now().await;
            }
            f.service().end_sessions(EndSessions::Terminate).await
        };
        tokio::join!(waiting, end)
    };
    let (running, (waiting, ended)) = tokio::join!(session.call::<NavGoto>(&page), end);
    assert_eq!(
        (code(running), code(waiting)),
        (
            Some(ErrorCode::RelayOpsTerminated),
            Some(ErrorCode::RelayOpsTerminated)
        )
    );
    assert_eq!(ended, 1);
}
