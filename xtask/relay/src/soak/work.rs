//! The clients: each is a thread that does one kind of work again and again, over one transport, and counts what comes of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use anyhow::Result;
use conformance::site::Site;
use ops_contracts::wire::clock::Timestamp;
use parking_lot::RwLock;
use serde_json::{Value, json};

use super::Place;
use super::breaking::kill;
use super::tally::Tally;
use crate::caller::{Answer, Caller, RelayAddress, Session, Transport};
use crate::processes;
use crate::relay::Relay;

/// The pause between two rounds of a client: the work is steady, not as fast as it can be.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a client waits before it comes back to a relay that it could not reach.
const AGAIN: Duration = Duration::from_millis(500);

/// How long the shared browsers take to be there.
const SETTLED: Duration = Duration::from_secs(8);

/// How long no page hangs or crashes after one did.
const SELDOM: Duration = Duration::from_secs(5);

/// How long a browser may take until it has noticed that a renderer is gone.
const NOTICED: Duration = Duration::from_millis(500);

/// All clients, at work.
pub(super) struct Work {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    over: AtomicBool,
    relay: RwLock<(RelayAddress, u32)>,
    site: Site,
    tally: Arc<Tally>,
    odb_cli: PathBuf,
    home: PathBuf,
    now: Timestamp,
}

/// A client: its name, how it speaks, and what it does in a round with a session.
struct Job {
    name: &'static str,
    transport: Transport,
    session: fn() -> Value,
    round: fn(&Hand<'_>),
}

const JOBS: &[Job] = &[
    Job {
        name: "soak-steady",
        transport: Transport::WebSocket,
        session: || json!({"browser": "chrome", "dialogPolicy": "accept"}),
        round: everyday,
    },
    Job {
        name: "soak-firefox",
        transport: Transport::WebSocket,
        session: || json!({"browser": "firefox", "dialogPolicy": "accept"}),
        round: everyday,
    },
    Job {
        name: "soak-churn",
        transport: Transport::Http,
        session: || json!({"browser": "chrome"}),
        round: churn,
    },
];

impl Work {
    pub(super) fn start(
        place: &Place,
        relay: &Relay,
        home: &Path,
        tally: &Arc<Tally>,
        now: Timestamp,
    ) -> Result<Self> {
        let shared = Arc::new(Shared {
            over: AtomicBool::new(false),
            relay: RwLock::new((RelayAddress::of(relay)?, relay.info.pid)),
            site: Site::start()?,
            tally: tally.clone(),
            odb_cli: place.odb_cli.clone(),
            home: home.to_owned(),
            now,
        });
        let mut threads: Vec<_> = JOBS
            .iter()
            .map(|job| spawn(&shared, |shared| shared.repeat(job)))
            .collect();
        threads.push(spawn(&shared, Shared::reconnect));
        threads.push(spawn(&shared, Shared::commands));
        threads.push(spawn(&shared, Shared::trouble));
        Ok(Self { shared, threads })
    }

    /// The relay is another one now.
    pub(super) fn moved(&self, relay: &Relay) -> Result<()> {
        let mut address = self.shared.relay.write();
        *address = (RelayAddress::of(relay)?, relay.info.pid);
        Ok(())
    }

    /// Waits until every client is done with its round.
    pub(super) fn stop(self) {
        self.shared.over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            if thread.join().is_err() {
                self.shared.tally.failed("a client panicked".to_owned());
            }
        }
    }
}

fn spawn(shared: &Arc<Shared>, work: impl FnOnce(&Shared) + Send + 'static) -> JoinHandle<()> {
    let shared = shared.clone();
    std::thread::spawn(move || work(&shared))
}

/// A client with its session.
struct Hand<'a> {
    shared: &'a Shared,
    caller: &'a Caller,
    session: &'a Session,
    name: &'static str,
}

impl Hand<'_> {
    /// A command that must succeed; its result.
    fn does(&self, command: &str, params: Value) -> Option<Value> {
        let began = Instant::now();
        let answer = self.caller.call(Some(self.session), command, &params);
        self.shared.counted(self.name, command, answer, began)
    }

    fn goes(&self, path: &str) {
        self.shared.tally.did("navigation");
        self.does("nav.goto", json!({"url": self.shared.site.url(path)}));
    }
}

impl Shared {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn address(&self) -> (RelayAddress, u32) {
        let relay = self.relay.read();
        relay.clone()
    }

    fn counted(&self, name: &str, command: &str, answer: Answer, began: Instant) -> Option<Value> {
        match answer {
            Ok(result) => {
                self.tally.succeeded(Some(began.elapsed()));
                Some(result)
            }
            Err(code) => {
                self.tally.failed(format!("{name}: {command}: {code}"));
                None
            }
        }
    }

    /// A command that must fail with one of these codes.
    fn must_fail(&self, command: &str, answer: Answer, codes: &[&str]) {
        match answer {
            Err(code) if codes.contains(&code.as_str()) => self.tally.succeeded(None),
            other => self
                .tally
                .failed(format!("{command}: {other:?} in place of {codes:?}")),
        }
    }

    /// A connection; waits a little where there is none.
    fn connect(&self, name: &str, transport: Transport) -> Option<Caller> {
        let caller = Caller::connect(&self.address().0, name, transport, self.now);
        if let Err(error) = &caller {
            self.tally.failed(format!("{name}: {error:#}"));
            sleep(AGAIN);
        }
        caller.ok()
    }

    fn open(&self, name: &str, caller: &Caller, params: &Value) -> Option<Session> {
        let session = caller.create(params);
        match session {
            Ok(session) => {
                self.tally.succeeded(None);
                Some(session)
            }
            Err(code) => {
                self.tally.failed(format!("{name}: session.create: {code}"));
                sleep(AGAIN);
                None
            }
        }
    }

    fn close(&self, name: &str, caller: &Caller, session: &Session) {
        let began = Instant::now();
        let answer = caller.call(Some(session), "session.close", &json!({}));
        self.counted(name, "session.close", answer, began);
    }

    /// A job's rounds in one long session; in another where that one is lost.
    fn repeat(&self, job: &Job) {
        while !self.is_over() {
            let Some(caller) = self.connect(job.name, job.transport) else {
                continue;
            };
            let Some(session) = self.open(job.name, &caller, &(job.session)()) else {
                continue;
            };
            let hand = Hand {
                shared: self,
                caller: &caller,
                session: &session,
                name: job.name,
            };
            let pid = self.address().1;
            while !self.is_over() && self.address().1 == pid {
                (job.round)(&hand);
                sleep(PAUSE);
                let status = caller.call(Some(&session), "session.status", &json!({}));
                if status.is_err() {
                    break;
                }
            }
            if self.address().1 == pid {
                self.close(job.name, &caller, &session);
            }
        }
    }

    /// Connections that are dropped and opened again: the session must be there as it was.
    fn reconnect(&self) {
        const NAME: &str = "soak-reconnect";
        while !self.is_over() {
            let Some(caller) = self.connect(NAME, Transport::WebSocket) else {
                continue;
            };
            let Some(session) = self.open(NAME, &caller, &json!({"browser": "chrome"})) else {
                continue;
            };
            drop(caller);
            let pid = self.address().1;
            let mut works = true;
            while works && !self.is_over() && self.address().1 == pid {
                works = self.reconnected(NAME, &session);
                self.tally.reconnected(works);
                self.tally.did("reconnection");
                sleep(PAUSE);
            }
            if let Some(caller) = self.connect(NAME, Transport::Http).filter(|_| works) {
                self.close(NAME, &caller, &session);
            }
        }
    }

    fn reconnected(&self, name: &str, session: &Session) -> bool {
        let Some(caller) = self.connect(name, Transport::WebSocket) else {
            return false;
        };
        let began = Instant::now();
        let answer = caller.call(Some(session), "dom.title", &json!({}));
        self.counted(name, "dom.title", answer, began).is_some()
    }

    /// The command line as a person uses it.
    fn commands(&self) {
        let home = self.home.join("cli");
        while !self.is_over() {
            self.tally.did("session of the command line");
            let plain = self.site.url("/plain");
            let forms = self.site.url("/pages/forms.html");
            let lines: [&[&str]; 6] = [
                &["open", &plain],
                &["get", "title"],
                &["goto", &forms],
                &["fill", "label=Email", "ada@example.com"],
                &["get", "value", "label=Email"],
                &["close"],
            ];
            for line in lines {
                if !self.runs(&home, line) {
                    break;
                }
            }
            sleep(PAUSE);
        }
    }

    fn runs(&self, home: &Path, line: &[&str]) -> bool {
        let output = Command::new(&self.odb_cli)
            .args(["--relay", &self.address().0.url, "--token-file"])
            .arg(self.home.join("relay.token"))
            .arg("--home")
            .arg(home)
            .args(line)
            .stdin(Stdio::null())
            .output();
        match output {
            Ok(output) if output.status.success() => {
                self.tally.succeeded(None);
                true
            }
            Ok(output) => {
                let answer = String::from_utf8_lossy(&output.stderr);
                self.tally.failed(format!("odb-cli {line:?}: {answer}"));
                false
            }
            Err(error) => {
                self.tally.failed(format!("odb-cli: {error}"));
                false
            }
        }
    }

    /// Pages that hang and pages that crash, in a browser of their own.
    fn trouble(&self) {
        const NAME: &str = "soak-trouble";
        // The shared browsers come first: what is new after that is this client's own.
        self.rests(SETTLED);
        while !self.is_over() {
            let Some(caller) = self.connect(NAME, Transport::WebSocket) else {
                continue;
            };
            let before = browsers(&caller);
            let own = json!({"browser": "chrome", "isolation": "process"});
            let Some(session) = self.open(NAME, &caller, &own) else {
                continue;
            };
            let hand = Hand {
                shared: self,
                caller: &caller,
                session: &session,
                name: NAME,
            };
            hand.hangs();
            hand.crashes(&before);
            self.close(NAME, &caller, &session);
            self.rests(SELDOM);
        }
    }

    fn rests(&self, how_long: Duration) {
        let until = Instant::now() + how_long;
        while !self.is_over() && Instant::now() < until {
            sleep(PAUSE);
        }
    }
}

impl Hand<'_> {
    /// The page loops for ever; a command that needs it ends at its deadline, and the session goes on in another page.
    fn hangs(&self) {
        self.shared.tally.did("hung page");
        self.goes("/pages/crashy.html");
        self.does(
            "interact.click",
            json!({"element": {"text": "Loop for ever"}}),
        );
        let short = Some(Duration::from_millis(800));
        let hung = self
            .caller
            .call_within(Some(self.session), "dom.title", &json!({}), short);
        self.shared
            .must_fail("dom.title of a hung page", hung, &["ops_timeout"]);
        self.does("targets.new", json!({"use": true}));
    }

    /// The renderers are killed; a command that needs them is answer, and the session goes on in another page.
    fn crashes(&self, before: &[u32]) {
        self.shared.tally.did("crashed page");
        self.goes("/plain");
        let own = browsers(self.caller);
        let own = own.into_iter().filter(|pid| !before.contains(pid));
        let mut killed = 0;
        for process in own.flat_map(processes::descendants) {
            // Chromium rewrites the command lines of its children as one word.
            let line = process.command_line().join(" ");
            if line.contains("--type=renderer") {
                kill(process.pid);
                killed += 1;
            }
        }
        if killed == 0 {
            let answer = "no renderer of the own browser was found".to_owned();
            return self.shared.tally.failed(answer);
        }
        let crashed = self
            .caller
            .call(Some(self.session), "dom.eval", &json!({"expression": "1"}));
        let codes = ["adapter_target_crashed", "ops_nav_aborted"];
        self.shared
            .must_fail("dom.eval on a crashed page", crashed, &codes);
        // The spare renderer was killed along with the page\'s: the browser must have noticed before it gives one out.
        sleep(NOTICED);
        self.does("targets.new", json!({"use": true}));
        self.goes("/plain");
    }
}

/// The browsers that a relay tells of.
fn browsers(caller: &Caller) -> Vec<u32> {
    let status = caller.status().unwrap_or_default();
    let browsers = status["browsers"].as_array().cloned().unwrap_or_default();
    let pids = browsers.iter().filter_map(|it| it["pid"].as_u64());
    pids.filter_map(|pid| u32::try_from(pid).ok()).collect()
}

/// What people do with pages: read them, fill forms, answer dialogs, take files.
fn everyday(hand: &Hand<'_>) {
    let tally = &hand.shared.tally;
    hand.goes("/pages/forms.html");
    tally.did("form");
    hand.does(
        "interact.fill",
        json!({"element": {"label": "Email"}, "value": "ada@example.com"}),
    );
    hand.does("interact.check", json!({"element": {"label": "Check one"}}));
    hand.does(
        "interact.select",
        json!({"element": {"css": "select[name=single]"}, "options": [{"label": "Birch"}]}),
    );
    hand.does("dom.count", json!({"element": {"css": "input"}}));
    hand.does("dom.snapshot", json!({"mode": "interactive"}));
    hand.does("dom.eval", json!({"expression": "document.title"}));
    tally.did("dialog");
    hand.goes("/pages/dialogs.html");
    hand.does("interact.click", json!({"element": {"css": "#alert"}}));
    hand.does("dom.text", json!({"element": {"css": "#out"}}));
    tally.did("download");
    hand.goes("/pages/files.html");
    hand.does(
        "interact.click",
        json!({"element": {"text": "A small file"}}),
    );
    hand.does("downloads.wait", json!({}));
}

/// Tabs that come and go.
fn churn(hand: &Hand<'_>) {
    let page = |path| json!({"url": hand.shared.site.url(path), "use": true});
    hand.shared.tally.did("tabs opened and closed");
    for path in ["/plain", "/pages/table.html?rows=50", "/big?kib=64"] {
        let opened = hand.does("targets.new", page(path));
        hand.does("dom.title", json!({}));
        let Some(target) =
            opened.and_then(|opened| opened["target"]["targetId"].as_str().map(str::to_owned))
        else {
            return;
        };
        hand.does("targets.close", json!({"targetId": target}));
    }
    hand.does("targets.list", json!({}));
}
