//! Every page command of the registry in a real browser, interrupted in the middle: the page goes elsewhere or crashes, somebody
//! cancels, the browser is killed. Each ends in time with a code that says so, and its session goes on. A command that is added is
//! tested with it: here in one of these ways, in all of them with the scripted browser of the runtime's own tests.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use conformance::site::Site;
use conformance::suite::verbs::{eval, url};
use odb_tests::PATIENCE;
use odb_tests::relay::{Relay, RemoteSession};
use odb_tests::subjects::signal;
use ops_client::{Client, RawCall};
use ops_contracts::ErrorCode::{self, *};
use ops_contracts::ErrorSource;
use ops_contracts::wire::command::session::CreateParams;
use ops_contracts::wire::command::targets::NewParams;
use ops_contracts::wire::command::{
    CommandName, DomEval, Empty, Lane, LoadState, NavGoto, SessionStatus, TargetsNew,
};
use ops_contracts::wire::ids::RequestId;
use rustix::process::Signal;
use serde_json::value::RawValue;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

/// Ways of interrupting: each is tried on one command in so many.
const WAYS: usize = 4;
/// How many pages are loaded or made at a time.
const BESIDE: usize = 4;
/// The deadline of a command that must end before it, whatever it waits for.
const LONG: Duration = Duration::from_secs(25);
/// What such a command may take at most: it is told of what happened, it does not find out by its deadline.
const TOLD_WITHIN: Duration = Duration::from_secs(15);
/// More commands than this of each way turn to their page.
const MANY: usize = 8;

/// A relay, a site, and one client for all sessions.
struct Stage {
    _scratch: TempDir,
    relay: Relay,
    site: Site,
    client: Client,
}

/// A command that runs in a session.
struct Running {
    name: CommandName,
    session: RemoteSession,
    request: RequestId,
    task: JoinHandle<Option<ErrorCode>>,
}

impl Stage {
    async fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let relay = Relay::start(&scratch);
        let client = relay.client("interrupter").await;
        Self {
            _scratch: scratch,
            relay,
            site: Site::start().unwrap(),
            client,
        }
    }

    /// Does something with each of some things, a few at a time; what came of it, in their order.
    async fn each<T, U>(&self, things: &[T], work: impl AsyncFn(&T) -> U) -> Vec<U> {
        let places = Semaphore::new(BESIDE);
        let (places, work) = (&places, &work);
        let all = things.iter().map(|thing| async move {
            let _place = places.acquire().await;
            work(thing).await
        });
        futures_util::future::join_all(all).await
    }

    async fn sessions(&self, count: usize) -> Vec<RemoteSession> {
        let params = CreateParams::default();
        self.each(&vec![(); count], async |()| {
            RemoteSession::create(&self.client, &params).await
        })
        .await
    }

    /// Brings each session to a page, in which a command can begin.
    async fn at_a_page(&self, sessions: &[RemoteSession]) {
        self.each(sessions, async |session| self.goes_on(session).await)
            .await;
    }

    /// Sends a command's example; its code when it has ended, none where it succeeded.
    fn start(&self, name: CommandName, session: &RemoteSession, within: Duration) -> Running {
        let request: RequestId = format!("interrupted-{name}").parse().unwrap();
        let session = session.over(&self.client);
        let params = RawValue::from_string(
            name.example()
                .params_at(self.site.url("").trim_end_matches('/')),
        )
        .unwrap();
        let (client, made, id) = (self.client.clone(), session.made.clone(), request.clone());
        let task = tokio::spawn(async move {
            let holder = Some((&made.session_id, &made.lease_id));
            let call = RawCall {
                request_id: Some(&id),
                session: holder,
                timeout: Some(within),
                ..RawCall::new(name.as_str(), &params)
            };
            let reply = client
                .call_raw(&call)
                .await
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            reply.result().err().map(|refused| {
                refused
                    .known()
                    .unwrap_or_else(|| panic!("{name}: {}", refused.code))
            })
        });
        Running {
            name,
            session,
            request,
            task,
        }
    }

    fn signal_renderers(&self, number: Signal) {
        self.relay
            .renderers()
            .into_iter()
            .for_each(|pid| signal(pid, number));
    }

    /// The session serves: its page, or a new one where a command has closed it.
    async fn goes_on(&self, session: &RemoteSession) {
        let (page, deadline) = (
            url(&self.site.url("/pages/forms.html")),
            Instant::now() + PATIENCE,
        );
        let new = NewParams {
            url: None,
            wait_until: LoadState::Load,
            make_current: true,
        };
        loop {
            if session
                .call::<SessionStatus>(&Empty {})
                .await
                .unwrap()
                .current_target
                .is_none()
            {
                // A session that has lost its browser gets a page with the next one.
                let _ = session.call::<TargetsNew>(&new).await;
            }
            match session.call::<NavGoto>(&page).await {
                Ok(_) => return,
                Err(error) => assert!(
                    Instant::now() < deadline,
                    "the session does not go on: {error}"
                ),
            }
        }
    }
}

/// The commands of pages that are interrupted in one of the ways.
fn commands(way: usize) -> Vec<CommandName> {
    CommandName::ALL
        .iter()
        .copied()
        .filter(|name| name.spec().lane == Lane::Page)
        .skip(way)
        .step_by(WAYS)
        .collect()
}

impl Running {
    /// Waits until it runs; whether it does, and has not ended already.
    async fn is_under_way(&self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while !self.task.is_finished() {
            assert!(
                Instant::now() < deadline,
                "{} neither runs nor ends",
                self.name
            );
            if self
                .session
                .call::<SessionStatus>(&Empty {})
                .await
                .unwrap()
                .running
                .as_deref()
                == Some(self.name.as_str())
            {
                return true;
            }
        }
        false
    }

    /// How it ended, in time.
    async fn ended(self) -> (CommandName, Option<ErrorCode>) {
        let code = tokio::time::timeout(TOLD_WITHIN, self.task)
            .await
            .unwrap_or_else(|_| panic!("{} does not end", self.name));
        let code = code.unwrap();
        assert_ne!(code, Some(OpsInternal), "{}", self.name);
        (self.name, code)
    }
}

/// Runs commands under pages that answer nothing, each in a session of its own, has `interrupt` do something about it, and judges
/// how those ended that were under way; how many there were.
async fn interrupt_all(
    names: &[CommandName],
    interrupt: impl AsyncFn(&Stage, &[Running]),
    expected: &[ErrorCode],
) -> usize {
    let stage = Stage::new().await;
    let sessions = stage.sessions(names.len()).await;
    stage.at_a_page(&sessions).await;
    stage.signal_renderers(Signal::STOP);
    let running: Vec<_> = names
        .iter()
        .zip(&sessions)
        .map(|(name, session)| stage.start(*name, session, LONG))
        .collect();
    let under_way = stage.each(&running, Running::is_under_way).await;
    interrupt(&stage, &running).await;
    let ended = futures_util::future::join_all(running.into_iter().map(Running::ended)).await;
    stage.signal_renderers(Signal::CONT);
    let mut interrupted = 0;
    for ((name, code), was) in ended.into_iter().zip(under_way) {
        let Some(code) = code else { continue };
        // Some end by themselves, with what they have to say; none may blame its deadline or the browser for what happened.
        let told = expected.contains(&code);
        assert!(
            told || (code != OpsTimeout && code.source() != ErrorSource::Adapter),
            "{name}: {code}"
        );
        interrupted += usize::from(told && was);
    }
    stage.at_a_page(&sessions).await;
    interrupted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_command_says_so_though_its_page_answers_nothing() {
    let cancel = async |stage: &Stage, running: &[Running]| {
        for one in running {
            stage
                .client
                .cancel(&one.request, one.session.holder())
                .await
                .unwrap();
        }
    };
    let cancelled = interrupt_all(&commands(0), cancel, &[OpsCancelled]).await;
    assert!(cancelled > MANY, "{cancelled}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_whose_page_crashes_is_told() {
    let crash = async |stage: &Stage, _: &[Running]| stage.signal_renderers(Signal::KILL);
    let crashed = interrupt_all(&commands(1), crash, &[AdapterTargetCrashed, OpsNavAborted]).await;
    assert!(crashed > MANY, "{crashed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_whose_browser_is_killed_is_told() {
    let kill = async |stage: &Stage, _: &[Running]| stage.relay.kill_browsers();
    let lost = interrupt_all(&commands(2), kill, &[AdapterBrowserLost, OpsSessionLost]).await;
    assert!(lost > MANY, "{lost}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_whose_page_goes_elsewhere_ends_in_time() {
    let stage = Stage::new().await;
    let names = commands(3);
    let sessions = stage.sessions(names.len()).await;
    let away = eval("void setTimeout(() => location.assign('/plain?away'), 5)");
    stage.at_a_page(&sessions).await;
    let pairs: Vec<_> = names.into_iter().zip(&sessions).collect();
    let gone = async |(name, session): &(CommandName, &RemoteSession)| {
        session.call::<DomEval>(&away).await.unwrap();
        let (name, code) = stage
            .start(*name, session, Duration::from_secs(4))
            .ended()
            .await;
        assert!(
            !code.is_some_and(|code| code.as_str().starts_with("adapter_")),
            "{name}: {code:?}"
        );
    };
    stage.each(&pairs, gone).await;
    stage.at_a_page(&sessions).await;
}
