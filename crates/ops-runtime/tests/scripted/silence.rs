//! A browser that runs and does not answer, over the scripted browser and in a time of the tests' own.

use std::time::Duration;

use conformance::suite::Refused;
use ops_contracts::ErrorCode;
use ops_contracts::wire::command::dom::PageParams;
use ops_contracts::wire::command::session::Isolation;
use ops_contracts::wire::command::{DomTitle, Empty, SessionStatus};

use super::fixture;

#[track_caller]
fn code<T>(outcome: Result<T, Refused>) -> Option<ErrorCode> {
    outcome.err().map(|refused| refused.fault.code)
}

/// Longer than a browser may be silent before new sessions go to another, and shorter than it may be before it is ended.
const A_WHILE: Duration = Duration::from_secs(20);
/// Longer than a browser may be silent.
const TOO_LONG: Duration = Duration::from_secs(90);

#[tokio::test(start_paused = true)]
async fn new_sessions_go_past_a_browser_that_does_not_answer_and_its_own_go_on_when_it_wakes() {
    let (f, control) = fixture();
    let first = f.session().await.unwrap();
    let stopped = control.browsers()[0];
    control.stop_browser(stopped, true);
    assert_eq!(
        code(
            first
                .call_within::<DomTitle>(1_000, &PageParams::default())
                .await
        ),
        Some(ErrorCode::OpsTimeout)
    );
    tokio::time::sleep(A_WHILE).await;

    let second = f.session().await.unwrap();
    second.title().await.unwrap();
    let told: Vec<_> = f
        .service()
        .summary()
        .browsers
        .into_iter()
        .map(|browser| (browser.pid, browser.responsive, browser.sessions))
        .collect();
    assert_eq!(
        told,
        [(Some(stopped), false, 1), (Some(stopped + 1), true, 1)]
    );

    control.stop_browser(stopped, false);
    first.title().await.unwrap();
    tokio::time::sleep(TOO_LONG).await;
    first.title().await.unwrap();
    assert!(
        f.service()
            .summary()
            .browsers
            .iter()
            .all(|browser| browser.responsive)
    );
    f.session().await.unwrap();
    assert_eq!(
        control.launches(),
        2,
        "the other one goes on taking new sessions"
    );
    first.call::<SessionStatus>(&Empty {}).await.unwrap();
    f.close().await;
    tokio::time::sleep(A_WHILE).await;
    assert!(
        !control.browsers().contains(&stopped),
        "it ends with its last session"
    );
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_wakes_before_another_was_needed_takes_new_sessions_again() {
    let (f, control) = fixture();
    let first = f.session().await.unwrap();
    control.stop_browser(control.browsers()[0], true);
    assert_eq!(
        code(
            first
                .call_within::<DomTitle>(1_000, &PageParams::default())
                .await
        ),
        Some(ErrorCode::OpsTimeout)
    );
    tokio::time::sleep(A_WHILE).await;
    assert!(!f.service().summary().browsers[0].responsive);
    control.stop_browser(control.browsers()[0], false);
    tokio::time::sleep(A_WHILE).await;
    let second = f.session().await.unwrap();
    second.title().await.unwrap();
    let browsers = f.service().summary().browsers;
    assert_eq!(
        (
            control.launches(),
            browsers.len(),
            browsers[0].responsive,
            browsers[0].sessions
        ),
        (1, 1, true, 2)
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_made_while_the_browser_falls_silent_gets_another() {
    let (f, control) = fixture();
    let first = f.session().await.unwrap();
    tokio::time::sleep(A_WHILE).await;
    control.stop_browser(control.browsers()[0], true);
    // One context is kept warm: it is handed out, and its first command tells.
    let spare = f.session().await.unwrap();
    let begun = tokio::time::Instant::now();
    let next = f.session().await.unwrap();
    next.title().await.unwrap();
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(control.launches(), 2);
    for held_up in [&first, &spare] {
        let told = held_up
            .call_within::<DomTitle>(1_000, &PageParams::default())
            .await;
        assert_eq!(
            code(told),
            Some(ErrorCode::AdapterTimeout),
            "what is known of the browser is told"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_falls_silent_under_a_long_command_is_found_before_the_deadline() {
    let (f, control) = fixture();
    let (first, second) = (f.session().await.unwrap(), f.session().await.unwrap());
    let stopped = control.browsers()[0];
    control.stop_browser(stopped, true);
    let title = PageParams::default();
    let (within_it, beyond_it) = (
        first.call_within::<DomTitle>(30_000, &title),
        second.call_within::<DomTitle>(120_000, &title),
    );
    let meanwhile = async {
        tokio::time::sleep(A_WHILE).await;
        f.session().await.unwrap().title().await.unwrap();
        assert_eq!(
            control.launches(),
            2,
            "new sessions go past it while both still wait"
        );
    };
    let began = tokio::time::Instant::now();
    let ended = async { (beyond_it.await, began.elapsed()) };
    let (within_it, (beyond_it, ended), ()) = tokio::join!(within_it, ended, meanwhile);
    assert_eq!(code(within_it), Some(ErrorCode::AdapterTimeout));
    assert_eq!(
        code(beyond_it),
        Some(ErrorCode::AdapterBrowserLost),
        "it was ended"
    );
    assert!(ended < TOO_LONG, "{ended:?}");
}

#[tokio::test(start_paused = true)]
async fn a_long_command_is_not_held_against_a_browser_that_answers() {
    let (f, control) = fixture();
    let session = f.session().await.unwrap();
    let held = control.hold("stats");
    let title = PageParams::default();
    assert_eq!(
        code(session.call_within::<DomTitle>(120_000, &title).await),
        Some(ErrorCode::OpsTimeout)
    );
    held.release();
    session.title().await.unwrap();
    assert_eq!(control.launches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_stays_silent_is_ended_and_its_sessions_are_told_once() {
    for isolation in [Isolation::Context, Isolation::Process] {
        let (f, control) = fixture();
        let mut params = f.create_params();
        params.isolation = isolation;
        let session = f.session_with(params).await.unwrap();
        let stopped = control.browsers()[0];
        control.stop_browser(stopped, true);
        assert_eq!(
            code(
                session
                    .call_within::<DomTitle>(1_000, &PageParams::default())
                    .await
            ),
            Some(ErrorCode::OpsTimeout)
        );
        tokio::time::sleep(TOO_LONG).await;
        assert!(!control.browsers().contains(&stopped));
        assert_eq!(f.service().summary().browsers, []);
        assert_eq!(code(session.title().await), Some(ErrorCode::OpsSessionLost));
        session.title().await.unwrap();
        let browsers = f.service().summary().browsers;
        assert_eq!(browsers.len(), 1);
        assert!(browsers[0].responsive);
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_does_not_answer_is_not_held_against_its_browser() {
    let (f, control) = fixture();
    let session = f.session().await.unwrap();
    let held = control.hold("stats");
    assert_eq!(
        code(
            session
                .call_within::<DomTitle>(1_000, &PageParams::default())
                .await
        ),
        Some(ErrorCode::OpsTimeout)
    );
    tokio::time::sleep(TOO_LONG).await;
    held.release();
    session.title().await.unwrap();
    assert_eq!(
        (
            control.launches(),
            f.service().summary().browsers[0].responsive
        ),
        (1, true)
    );
}

/// What five commands come to that the browser does not answer, and the one after them.
async fn unanswered(session: &conformance::suite::Session<'_>) -> Vec<Option<ErrorCode>> {
    let (mut codes, page) = (Vec::new(), PageParams::default());
    for _ in 0..6 {
        codes.push(code(session.call_within::<DomTitle>(1_000, &page).await));
    }
    codes
}

#[tokio::test(start_paused = true)]
async fn a_browser_that_others_keep_busy_opens_no_circuit_and_one_of_its_own_does() {
    let (f, control) = fixture();
    let (first, _neighbour) = (f.session().await.unwrap(), f.session().await.unwrap());
    control.stop_browser(control.browsers()[0], true);
    // The first wait that comes to its end has the browser asked.
    unanswered(&first).await;
    let timeout = Some(ErrorCode::AdapterTimeout);
    assert_eq!(unanswered(&first).await, [timeout; 6]);

    let (f, control) = fixture();
    let alone = f.session().await.unwrap();
    control.stop_browser(control.browsers()[0], true);
    unanswered(&alone).await;
    let codes = unanswered(&alone).await;
    assert_eq!(codes[5], Some(ErrorCode::OpsCircuitOpen), "{codes:?}");
}
