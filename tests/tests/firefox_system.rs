//! Firefox under a real relay: nothing of it outlives the relay, and what befalls it stays with its own sessions.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use conformance::site::Site;
use conformance::suite::verbs::{eval, url};
use odb_tests::relay::{Relay, RemoteSession};
use odb_tests::subjects::{kill, signal};
use ops_client::{Client, ClientError};
use ops_contracts::ErrorCode;
use ops_contracts::control::status::StatusDocument;
use ops_contracts::wire::capability::BrowserKind;
use ops_contracts::wire::command::dom::PageParams;
use ops_contracts::wire::command::session::{CreateParams, Isolation};
use ops_contracts::wire::command::{DomEval, DomTitle, NavGoto, SessionCreate};
use rustix::process::Signal;
use tempfile::TempDir;

/// How soon nothing of a killed relay is left.
const GONE_WITHIN: Duration = Duration::from_secs(2);

fn scratch() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn firefox(isolation: Isolation) -> CreateParams {
    CreateParams {
        browser: BrowserKind::Firefox,
        isolation,
        ..CreateParams::default()
    }
}

async fn title(session: &RemoteSession) -> Result<String, ErrorCode> {
    let page = PageParams::default();
    let title = session.call::<DomTitle>(&page).await;
    title
        .map(|title| title.value)
        .map_err(|error| error.code().expect("a refusal has a code"))
}

async fn status(relay: &Relay) -> StatusDocument {
    serde_json::from_str(
        &ops_client::post::status(&relay.endpoint("status"))
            .await
            .unwrap(),
    )
    .unwrap()
}

/// The process of the one Firefox in `relay` that is not among `known`, and those of its content.
async fn new_firefox(relay: &Relay, known: &[u32]) -> (u32, Vec<u32>) {
    let status = status(relay).await;
    let ours = status
        .browsers
        .iter()
        .filter(|browser| browser.product.starts_with("Firefox"))
        .filter_map(|browser| browser.pid);
    let new: Vec<u32> = ours.filter(|pid| !known.contains(pid)).collect();
    assert_eq!(
        new.len(),
        1,
        "one new Firefox beside {known:?}: {:?}",
        status.browsers
    );
    (new[0], content_of(new[0]))
}

fn content_of(browser: u32) -> Vec<u32> {
    let parent = format!("-parentPid\0{browser}\0");
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        std::fs::read(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).contains(&parent))
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_relay_leaves_no_firefox_not_even_a_stopped_one() {
    let scratch = scratch();
    let mut relay = Relay::start(&scratch);
    let client = relay.client("victim").await;
    RemoteSession::create(&client, &firefox(Isolation::Context)).await;
    let (shared, _) = new_firefox(&relay, &[]).await;
    RemoteSession::create(&client, &firefox(Isolation::Process)).await;
    let (own, _) = new_firefox(&relay, &[shared]).await;
    assert!(!content_of(shared).is_empty() && !content_of(own).is_empty());
    signal(own, Signal::STOP);
    relay.signal(Signal::KILL);
    assert_eq!(relay.ended(), None);
    assert_eq!(relay.leftovers(GONE_WITHIN).await, Vec::<u32>::new());
    assert_eq!(
        [content_of(shared), content_of(own)].concat(),
        Vec::<u32>::new()
    );

    let next = Relay::start(&scratch);
    let left = std::fs::read_dir(next.home().join("profiles"))
        .map_or(0, |entries| entries.flatten().count());
    assert_eq!(left, 0, "the next start cleans the profiles");
}

/// Two sessions that share a Firefox, and two that have nothing to do with it.
struct Household {
    relay: Relay,
    site: Site,
    sharing: [RemoteSession; 2],
    others: [RemoteSession; 2],
    shared: u32,
    /// The Firefox that one of the others has for itself.
    own: u32,
    _scratch: TempDir,
}

impl Household {
    async fn new() -> Self {
        let (scratch, site) = (scratch(), Site::start().unwrap());
        let relay = Relay::start(&scratch);
        let client = relay.client("household").await;
        let own = RemoteSession::create(&client, &firefox(Isolation::Process)).await;
        let (own_pid, _) = new_firefox(&relay, &[]).await;
        let chrome = RemoteSession::create(&client, &CreateParams::default()).await;
        let one = RemoteSession::create(&client, &firefox(Isolation::Context)).await;
        let (shared, _) = new_firefox(&relay, &[own_pid]).await;
        let other = RemoteSession::create(&client, &firefox(Isolation::Context)).await;
        let household = Self {
            relay,
            site,
            sharing: [one, other],
            others: [own, chrome],
            shared,
            own: own_pid,
            _scratch: scratch,
        };
        for session in household.sharing.iter().chain(&household.others) {
            household.visit(session).await;
        }
        household
    }

    async fn visit(&self, session: &RemoteSession) {
        assert_eq!(
            session
                .call::<NavGoto>(&url(&self.site.url("/plain")))
                .await
                .unwrap()
                .status,
            Some(200)
        );
    }

    async fn others_are_well(&self) {
        for session in &self.others {
            assert_eq!(title(session).await.as_deref(), Ok("Plain page"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_firefox_takes_only_its_own_sessions_and_the_next_command_starts_another() {
    let household = Household::new().await;
    let (one, work) = (&household.sharing[0], eval("new Promise(() => {})"));
    let pending = tokio::spawn({
        let (client, holder) = (one.client.clone(), one.made.clone());
        async move {
            let session = RemoteSession {
                client,
                made: holder,
            };
            session.call::<DomEval>(&work).await
        }
    });
    // The other session's answers go through the same socket, so the work is under way by then.
    assert_eq!(
        title(&household.sharing[1]).await.as_deref(),
        Ok("Plain page")
    );
    kill(household.shared);
    let told = pending.await.unwrap().unwrap_err().code();
    assert!(
        matches!(
            told,
            Some(ErrorCode::AdapterBrowserLost | ErrorCode::OpsSessionLost)
        ),
        "{told:?}"
    );
    let told = title(&household.sharing[1]).await;
    assert_eq!(
        told,
        Err(ErrorCode::OpsSessionLost),
        "the other one is told as well, once"
    );
    household.others_are_well().await;
    for session in &household.sharing {
        // Whoever was told goes on in a new browser.
        household.visit(session).await;
    }
    let (revived, _) = new_firefox(&household.relay, &[household.own]).await;
    assert_ne!(revived, household.shared);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_firefox_holds_up_only_its_own_sessions_and_new_ones_get_another() {
    let household = Household::new().await;
    signal(household.shared, Signal::STOP);
    let timeout = Some(Duration::from_secs(1));
    for session in &household.sharing {
        let late = session
            .client
            .call::<DomTitle>(session.holder(), &PageParams::default(), timeout)
            .await;
        let code = late.map(|_| ()).unwrap_err().code();
        assert!(
            matches!(
                code,
                Some(ErrorCode::OpsTimeout | ErrorCode::AdapterTimeout)
            ),
            "{code:?}"
        );
    }
    household.others_are_well().await;
    // Who comes anew is held up by the question whether it answers at all, and then has another.
    let client = household.relay.client("newcomer").await;
    let newcomer = RemoteSession::create(&client, &firefox(Isolation::Context)).await;
    household.visit(&newcomer).await;
    let silent: Vec<_> = status(&household.relay)
        .await
        .browsers
        .into_iter()
        .filter(|browser| !browser.responsive)
        .collect();
    assert_eq!(
        silent
            .iter()
            .map(|browser| (browser.pid, browser.sessions))
            .collect::<Vec<_>>(),
        [(Some(household.shared), 2)]
    );
    let [held_up, _] = &household.sharing;
    let late = held_up
        .client
        .call::<DomTitle>(held_up.holder(), &PageParams::default(), timeout)
        .await;
    assert_eq!(
        late.map(|_| ()).unwrap_err().code(),
        Some(ErrorCode::AdapterTimeout),
        "now that it is known to be the browser"
    );
    signal(household.shared, Signal::CONT);
    for session in &household.sharing {
        assert_eq!(
            title(session).await.as_deref(),
            Ok("Plain page"),
            "it goes on where it was"
        );
    }
}

async fn refused_session(client: &Client, params: &CreateParams) -> ClientError {
    client
        .call::<SessionCreate>(None, params, Some(odb_tests::PATIENCE))
        .await
        .map(|_| ())
        .unwrap_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_firefox_is_told_with_what_to_install_and_chromium_is_not_taken_for_it() {
    let scratch = scratch();
    let relay = Relay::start_with(&scratch, &["--firefox", "/no/such/firefox"]);
    let client = relay.client("guest").await;
    let error = refused_session(&client, &firefox(Isolation::Context)).await;
    assert_eq!(error.code(), Some(ErrorCode::AdapterBrowserMissing));
    let told = error.to_string();
    assert!(
        told.contains("/no/such/firefox") && told.contains("apt-get install firefox-esr"),
        "{told}"
    );
    RemoteSession::create(&client, &CreateParams::default()).await;
}
