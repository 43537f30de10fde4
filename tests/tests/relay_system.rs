//! The whole system over its public interface: real `relayd` processes, real browsers, real connections.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use conformance::site::Site;
use conformance::suite::verbs::{at, button, click, eval, time, url};
use odb_tests::PATIENCE;
use odb_tests::relay::{Relay, RemoteSession};
use odb_tests::subjects::{kill, signal};
use ops_client::{Client, ClientError, RawCall, post};
use ops_contracts::ErrorCode;
use ops_contracts::control::status::StatusDocument;
use ops_contracts::wire::command::dialog::AcceptParams;
use ops_contracts::wire::command::dom::{PageParams, ReadParams};
use ops_contracts::wire::command::session::{CreateParams, Isolation, SessionState};
use ops_contracts::wire::command::{
    Command, DialogAccept, DomEval, DomText, DomTitle, Empty, InteractClick, NavGoto, NavWait,
    SessionReclaim, SessionStatus,
};
use ops_contracts::wire::frame::EventName;
use ops_contracts::wire::ids::RequestId;
use rustix::process::Signal;
use tempfile::TempDir;

/// How soon nothing of a killed relay is left.
const GONE_WITHIN: Duration = Duration::from_secs(2);

fn scratch() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn own_process() -> CreateParams {
    CreateParams {
        isolation: Isolation::Process,
        ..CreateParams::default()
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, ClientError>, code: ErrorCode) {
    assert_eq!(result.expect_err("a refusal").code(), Some(code));
}

async fn status(relay: &Relay) -> StatusDocument {
    serde_json::from_str(&post::status(&relay.endpoint("status")).await.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_clients_at_once_cannot_touch_each_others_pages() {
    let (scratch, site) = (scratch(), Site::start().unwrap());
    let relay = Relay::start(&scratch);
    let (anna, ben) = (relay.client("anna").await, relay.client("ben").await);
    let (default, other) = (CreateParams::default(), CreateParams::default());
    let (a, b) = tokio::join!(
        RemoteSession::create(&anna, &default),
        RemoteSession::create(&ben, &other)
    );
    let (to_a, to_b) = (
        url(&site.url("/plain")),
        url(&site.url("/pages/moving.html")),
    );
    let (gone_a, gone_b) = tokio::join!(a.call::<NavGoto>(&to_a), b.call::<NavGoto>(&to_b));
    assert_eq!(
        (gone_a.unwrap().status, gone_b.unwrap().status),
        (Some(200), Some(200))
    );

    let stolen = Some((&b.made.session_id, &a.made.lease_id));
    let press = click(button("Steady button"));
    refused(
        anna.call::<InteractClick>(stolen, &press, None).await,
        ErrorCode::OpsNotOwner,
    );
    refused(
        anna.call::<SessionReclaim>(stolen, &Empty {}, None).await,
        ErrorCode::OpsNotOwner,
    );
    refused(
        anna.call::<DomTitle>(None, &PageParams::default(), None)
            .await,
        ErrorCode::OpsSessionRequired,
    );
    assert_eq!(site.reports().len(), 0);

    b.call::<InteractClick>(&press).await.unwrap();
    assert!(site.wait_for_report("steady", 1, PATIENCE).await);
    let page = PageParams::default();
    let (title_a, title_b) = tokio::join!(a.call::<DomTitle>(&page), b.call::<DomTitle>(&page));
    assert_eq!(
        (
            title_a.unwrap().value.as_str(),
            title_b.unwrap().value.as_str()
        ),
        ("Plain page", "Moving")
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dialog_in_the_middle_of_a_click_is_answered_from_a_second_connection() {
    let (scratch, site) = (scratch(), Site::start().unwrap());
    let relay = Relay::start(&scratch);
    let (one, other) = (relay.client("one").await, relay.client("other").await);
    let session = RemoteSession::create(&one, &CreateParams::default()).await;
    session
        .call::<NavGoto>(&url(&site.url("/pages/dialogs.html")))
        .await
        .unwrap();
    let second = session.over(&other);
    let mut events = other.events();
    second.call::<SessionStatus>(&Empty {}).await.unwrap();
    let answer = async {
        while events.recv().await.unwrap().event != EventName::DialogOpened {}
        second
            .call::<DialogAccept>(&AcceptParams::default())
            .await
            .unwrap()
    };
    let press = click(button("Confirm"));
    let (clicked, answered) = tokio::time::timeout(PATIENCE, async {
        tokio::join!(session.call::<InteractClick>(&press), answer)
    })
    .await
    .unwrap();
    clicked.unwrap();
    assert_eq!(
        (answered.dialog.message.as_str(), answered.accepted),
        ("Fire the kiln?", true)
    );
    assert!(site.wait_for_report("confirm-true", 1, PATIENCE).await);
}

/// A relay whose temporary files are its own, and where they are.
fn with_temporary_files(scratch: &TempDir) -> (Relay, PathBuf) {
    let temporary = scratch.path().join("t");
    std::fs::create_dir(&temporary).expect("there is room");
    let relay = Relay::start_within(
        scratch,
        &[],
        &[("TMPDIR", temporary.to_str().expect("the path is text"))],
    );
    (relay, temporary)
}

/// What is in a folder.
fn names(folder: &Path) -> Vec<OsString> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    entries.flatten().map(|entry| entry.file_name()).collect()
}

async fn killed_relay_leaves_nothing(stop_browsers: bool) {
    let scratch = scratch();
    let (mut relay, temporary) = with_temporary_files(&scratch);
    let client = relay.client("victim").await;
    let (shared, own) = (CreateParams::default(), own_process());
    for params in [&shared, &own, &own] {
        RemoteSession::create(&client, params).await;
    }
    let browsers: Vec<u32> = status(&relay)
        .await
        .browsers
        .iter()
        .filter_map(|browser| browser.pid)
        .collect();
    assert_eq!(browsers.len(), 3);
    assert!(relay.browser_processes().len() >= 3);
    assert!(
        names(&temporary).len() >= 3,
        "each browser keeps its socket there"
    );
    if stop_browsers {
        browsers.iter().for_each(|pid| signal(*pid, Signal::STOP));
    }
    relay.signal(Signal::KILL);
    assert_eq!(relay.ended(), None);
    assert_eq!(relay.leftovers(GONE_WITHIN).await, Vec::<u32>::new());
    assert_eq!(names(&temporary), Vec::<OsString>::new());

    let next = Relay::start(&scratch);
    let left = std::fs::read_dir(next.home().join("profiles"))
        .map_or(0, |entries| entries.flatten().count());
    assert_eq!(left, 0, "the next start cleans the profiles");
    RemoteSession::create(&next.client("heir").await, &CreateParams::default()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_relay_leaves_no_browser_and_the_next_start_cleans_up() {
    killed_relay_leaves_nothing(false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_relay_leaves_no_browser_that_was_stopped() {
    killed_relay_leaves_nothing(true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_is_asked_to_end_closes_its_browsers_first() {
    let scratch = scratch();
    let (mut relay, temporary) = with_temporary_files(&scratch);
    let client = relay.client("guest").await;
    RemoteSession::create(&client, &CreateParams::default()).await;
    assert!(!relay.browser_processes().is_empty() && !names(&temporary).is_empty());
    relay.signal(Signal::TERM);
    assert_eq!(relay.ended(), Some(0));
    assert_eq!(relay.leftovers(GONE_WITHIN).await, Vec::<u32>::new());
    assert_eq!(names(&temporary), Vec::<OsString>::new());
    assert!(!relay.home().join("relay.json").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_away_loses_nothing() {
    let (scratch, site) = (scratch(), Site::start().unwrap());
    let relay = Relay::start(&scratch);
    let first = relay.client("traveller").await;
    let session = RemoteSession::create(&first, &CreateParams::default()).await;
    session
        .call::<NavGoto>(&url(&site.url("/pages/moving.html")))
        .await
        .unwrap();
    let (id, params) = (
        "the-click".parse::<RequestId>().unwrap(),
        click(button("Steady button")),
    );
    let params = serde_json::value::to_raw_value(&params).unwrap();
    // Behind a command that takes a while, so that the connection is gone before the click begins.
    let wait = serde_json::value::to_raw_value(&time(300)).unwrap();
    let call = |client: Client,
                command: &'static str,
                id: Option<RequestId>,
                params: Box<serde_json::value::RawValue>| {
        let (session, lease) = (
            session.made.session_id.clone(),
            session.made.lease_id.clone(),
        );
        async move {
            let call = RawCall {
                request_id: id.as_ref(),
                session: Some((&session, &lease)),
                ..RawCall::new(command, &params)
            };
            client.call_raw(&call).await
        }
    };
    let waiting = tokio::spawn(call(first.clone(), NavWait::NAME.as_str(), None, wait));
    let clicking = tokio::spawn(call(
        first.clone(),
        InteractClick::NAME.as_str(),
        Some(id.clone()),
        params.clone(),
    ));
    let second = relay.client("traveller").await;
    let again = session.over(&second);
    while again.call::<SessionStatus>(&Empty {}).await.unwrap().queued == 0 {
        assert_eq!(site.reported("steady"), 0);
    }
    waiting.abort();
    clicking.abort();
    drop((first, session.client.clone()));
    assert!(site.wait_for_report("steady", 1, PATIENCE).await);
    let reply = call(
        second.clone(),
        InteractClick::NAME.as_str(),
        Some(id),
        params,
    )
    .await
    .unwrap();
    assert!(reply.result().is_ok(), "{}", reply.text());
    assert_eq!(
        again
            .call::<DomTitle>(&PageParams::default())
            .await
            .unwrap()
            .value,
        "Moving"
    );
    assert_eq!(site.reported("steady"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_answer_comes_in_chunks_and_whole() {
    let (scratch, site) = (scratch(), Site::start().unwrap());
    let relay = Relay::start(&scratch);
    let client = relay.client("reader").await;
    let session = RemoteSession::create(&client, &CreateParams::default()).await;
    session
        .call::<NavGoto>(&url(&site.url("/big?kib=1536")))
        .await
        .unwrap();
    let read = ReadParams {
        element: Some(at("#text")),
        max_chars: 10_000_000,
        target_id: None,
    };
    let chunked = session.call::<DomText>(&read).await.unwrap();
    assert!(
        chunked.value.len() > 1_500_000 && !chunked.truncated,
        "{}",
        chunked.value.len()
    );
    let (posted, _) =
        post::call::<DomText>(&relay.endpoint("reader"), session.holder(), &read, None)
            .await
            .unwrap();
    assert!(posted == chunked, "both ways give the same text");
    let small = session
        .call::<DomEval>(&eval("'✓'.repeat(200000)"))
        .await
        .unwrap();
    let marks: String = serde_json::from_str(small.value.get()).unwrap();
    assert_eq!(
        marks.chars().filter(|mark| *mark == '✓').count(),
        200_000,
        "cut between characters, never inside of one"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_is_served_while_the_browser_is_dead() {
    let (scratch, site) = (scratch(), Site::start().unwrap());
    let relay = Relay::start(&scratch);
    let client = relay.client("watcher").await;
    let session = RemoteSession::create(&client, &CreateParams::default()).await;
    let mut events = client.events();
    let pid = status(&relay).await.browsers[0].pid.unwrap();
    kill(pid);
    let lost = async { while events.recv().await.unwrap().event != EventName::SessionLost {} };
    tokio::time::timeout(PATIENCE, lost).await.unwrap();
    let told = status(&relay).await;
    assert_eq!(
        (told.active_ops_sessions, told.lost_ops_sessions, told.pid),
        (1, 1, relay.pid())
    );
    assert_eq!(
        session
            .call::<SessionStatus>(&Empty {})
            .await
            .unwrap()
            .session
            .state,
        SessionState::Lost
    );
    refused(
        session.call::<DomTitle>(&PageParams::default()).await,
        ErrorCode::OpsSessionLost,
    );
    assert_eq!(
        session
            .call::<NavGoto>(&url(&site.url("/plain")))
            .await
            .unwrap()
            .status,
        Some(200)
    );
    assert_eq!(status(&relay).await.lost_ops_sessions, 0);
}
