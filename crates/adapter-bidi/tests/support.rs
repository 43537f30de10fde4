//! What the tests share: an adapter whose guard is the test program, a sink that remembers, and a page to act on.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapter_bidi::BidiAdapter;
use conformance::seam::{Crash, Subject};
use libtest_mimic::{Arguments, Trial};
use ops_contracts::seam::adapter::{
    Adapter, AdapterResult, BridgeCall, Browser, Context, ContextSpec, ContextStorage, DocumentKey,
    Effect, Evaluated, Event, EventSink, FrameKey, InputAction, LaunchSpec, LifecyclePhase,
    Modifiers, MouseButton, Primitive, TargetKey,
};
use ops_contracts::seam::supervise::{Program, Supervisor};
use ops_contracts::wire::capability::BrowserKind;
use ops_contracts::wire::clock::{Clock, Timestamp};
use ops_contracts::wire::command::Viewport;
use rustix::process::{Pid, Signal, kill_process};
use supervisor::guard::{self, GuardCommand};
use supervisor::{BrowserSupervisor, Sandbox, SupervisorConfig};
use tokio::sync::Notify;

/// Nothing in these tests takes longer, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// An expression that never settles.
pub(crate) const NEVER: &str = "new Promise(() => {})";

/// The bridge of these tests: as much of one as the seam needs.
const BRIDGE: &str = r"(function start() { const doc = document; globalThis.__odb = { version: 1, doc, start, call(name, args, element) {
    if (doc !== document) { start(); return globalThis.__odb.call(name, args, element); }
    if (name === 'never') return new Promise(() => {});
    return JSON.stringify({
        echo: () => args.value,
        title: () => doc.title,
        current: () => doc === document,
        seen: () => typeof window.pageSecret,
        tell: () => { doc.addEventListener('click', (e) => __odbTell('told of ' + e.clientX), { once: true }); },
        owner: () => element.localName + '#' + element.id,
        center: () => { const r = doc.querySelector(args.css).getBoundingClientRect();
                        return [r.x + r.width / 2, r.y + r.height / 2]; },
    }[name]() ?? null); } }; })();";

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(1_700_000_000_000)
    }
}

/// Runs the tests.
pub(crate) fn main(own: Vec<Trial>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    let mut trials = conformance::seam::trials("bidi-firefox", firefox, &arguments);
    trials.extend(conformance::seam::trials(
        "bidi-chromedriver",
        chromedriver,
        &arguments,
    ));
    trials.extend(own);
    // Each test has a browser of its own.
    arguments.test_threads = arguments.test_threads.or(Some(2));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Firefox, for the suite of the adapter interface.
fn firefox(profiles: &Path) -> Subject {
    Subject {
        adapter: Arc::new(adapter(config(profiles))),
        launch: spec(),
        kill: Arc::new(kill),
        crash: Crash::Kill(kill_renderers),
    }
}

/// Chromium through chromedriver, for the same.
fn chromedriver(profiles: &Path) -> Subject {
    let chromedriver = named("ODB_CHROMEDRIVER").or_else(|| Some("chromedriver".into()));
    let config = SupervisorConfig {
        chromedriver,
        ..config(profiles)
    };
    Subject {
        adapter: Arc::new(adapter(config)),
        launch: LaunchSpec {
            browser: BrowserKind::Chrome,
            ..spec()
        },
        kill: Arc::new(kill),
        crash: Crash::Address("chrome://crash"),
    }
}

/// The program that a variable names.
#[expect(
    clippy::disallowed_methods,
    reason = "a test program reads its environment, as every program does"
)]
fn named(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
}

/// Sends SIGKILL.
fn kill(pid: u32) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
}

/// Ends the processes of a Firefox that show pages: it has no address that crashes one.
fn kill_renderers(browser: u32) {
    for process in content_processes(browser) {
        kill_process(process, Signal::KILL).unwrap();
    }
}

/// The content processes of a browser that show pages.
fn content_processes(browser: u32) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").unwrap();
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let parent = format!("-parentPid {browser} ");
    let shows = |pid: &i32| {
        std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| {
            // Their processes rewrite their titles: spaces stand where the arguments ended.
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            line.contains(&parent) && line.contains("-isForBrowser")
        })
    };
    pids.filter(shows).filter_map(Pid::from_raw).collect()
}

/// The role that this process was started for, if it is not to run tests.
pub(crate) fn other_role() -> Option<ExitCode> {
    guard::dispatch(std::env::args_os()).or_else(crate::seam::supervision::owner_role)
}

/// One test: a name and an async body on a runtime of its own.
pub(crate) fn trial<F>(name: &str, body: impl FnOnce() -> F + Send + 'static) -> Trial
where
    F: Future<Output = ()> + Send + 'static,
{
    Trial::test(name, move || {
        let runtime = runtime()?;
        let task = runtime.spawn(async {
            tokio::time::timeout(PATIENCE * 3, body())
                .await
                .expect("the test hangs")
        });
        runtime
            .block_on(task)
            .map_err(|error| error.to_string().into())
    })
}

pub(crate) fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
}

pub(crate) fn config(profiles: &Path) -> SupervisorConfig {
    let guard = GuardCommand::new(std::env::current_exe().expect("the test program has a path"));
    let (variables, clock) = (std::env::vars_os(), Arc::new(FixedClock));
    SupervisorConfig {
        sandbox: Sandbox::Off,
        ..SupervisorConfig::new(guard, profiles.to_owned(), variables, clock)
    }
}

/// The adapter over browsers that a supervisor with this configuration starts.
pub(crate) fn adapter(config: SupervisorConfig) -> BidiAdapter {
    BidiAdapter::new(Arc::new(BrowserSupervisor::new(config)))
}

/// The Firefox that a launch finds by itself.
pub(crate) fn executable() -> PathBuf {
    BrowserSupervisor::new(config(Path::new("/nowhere")))
        .locate(Program::Firefox)
        .expect("Firefox is installed")
}

pub(crate) fn spec() -> LaunchSpec {
    LaunchSpec {
        browser: BrowserKind::Firefox,
        executable: None,
        headed: false,
        args: Vec::new(),
        profile: None,
        proxy: None,
        confined: false,
        proxy_bypass: Vec::new(),
    }
}

/// Remembers every event and lets a test wait for one.
#[derive(Default)]
pub(crate) struct Recorder {
    events: Mutex<Vec<Event>>,
    more: Notify,
}

impl EventSink for Recorder {
    fn emit(&self, event: Event) {
        self.events.lock().unwrap().push(event);
        self.more.notify_waiters();
    }
}

impl Recorder {
    pub(crate) fn all(&self) -> Vec<Event> {
        self.events.lock().unwrap().clone()
    }

    /// How many events there are now; waits from here see later ones only.
    pub(crate) fn mark(&self) -> usize {
        self.events.lock().unwrap().len()
    }

    pub(crate) async fn after<T>(&self, mark: usize, pick: impl Fn(&Event) -> Option<T>) -> T {
        let search = async {
            loop {
                let more = self.more.notified();
                tokio::pin!(more);
                more.as_mut().enable();
                if let Some(found) = self.events.lock().unwrap()[mark..].iter().find_map(&pick) {
                    return found;
                }
                more.await;
            }
        };
        match tokio::time::timeout(PATIENCE, search).await {
            Ok(found) => found,
            Err(_) => panic!("no such event among {:#?}", &self.all()[mark..]),
        }
    }

    pub(crate) async fn first<T>(&self, pick: impl Fn(&Event) -> Option<T>) -> T {
        self.after(0, pick).await
    }
}

/// A browser with one context and its first page.
pub(crate) struct Page {
    pub(crate) browser: Arc<dyn Browser>,
    pub(crate) context: Arc<dyn Context>,
    pub(crate) events: Arc<Recorder>,
    pub(crate) target: TargetKey,
    pub(crate) frame: FrameKey,
    pub(crate) profiles: Arc<tempfile::TempDir>,
}

pub(crate) async fn open() -> Page {
    let profiles = Arc::new(tempfile::tempdir().unwrap());
    let browser = adapter(config(profiles.path()))
        .launch(spec())
        .await
        .unwrap();
    open_in(browser, profiles).await
}

pub(crate) async fn open_in(browser: Arc<dyn Browser>, profiles: Arc<tempfile::TempDir>) -> Page {
    open_with(context_spec(), browser, profiles).await
}

pub(crate) async fn open_with(
    spec: ContextSpec,
    browser: Arc<dyn Browser>,
    profiles: Arc<tempfile::TempDir>,
) -> Page {
    let events = Arc::new(Recorder::default());
    let opened = browser.open_context(spec, events.clone()).await.unwrap();
    Page {
        browser,
        context: opened.context,
        events,
        target: opened.target,
        frame: opened.frame,
        profiles,
    }
}

pub(crate) fn context_spec() -> ContextSpec {
    ContextSpec {
        bridge: BRIDGE.into(),
        viewport: Viewport {
            width: 800,
            height: 600,
            scale: 1.0,
        },
        storage: ContextStorage::Isolated,
        proxy: None,
    }
}

pub(crate) fn bridge(
    target: TargetKey,
    frame: FrameKey,
    name: &'static str,
    args: &str,
    owner_of: Option<FrameKey>,
) -> Primitive {
    let args = serde_json::value::RawValue::from_string(args.to_owned()).unwrap();
    Primitive::CallBridge {
        target,
        frame,
        call: BridgeCall {
            name,
            args,
            owner_of,
        },
    }
}

pub(crate) fn evaluate(target: TargetKey, frame: FrameKey, expression: &str) -> Primitive {
    Primitive::Evaluate {
        target,
        frame,
        expression: expression.to_owned(),
        await_promise: true,
    }
}

/// Move, press and release at a point.
pub(crate) fn click((x, y): (f64, f64), click_count: u8, modifiers: Modifiers) -> Vec<InputAction> {
    let button = MouseButton::Left;
    vec![
        InputAction::MouseMove {
            x,
            y,
            modifiers,
            held: None,
        },
        InputAction::MouseDown {
            x,
            y,
            button,
            click_count,
            modifiers,
        },
        InputAction::MouseUp {
            x,
            y,
            button,
            click_count,
            modifiers,
        },
    ]
}

impl Page {
    pub(crate) async fn perform(&self, primitive: Primitive) -> AdapterResult<Effect> {
        tokio::time::timeout(PATIENCE, self.context.perform(primitive))
            .await
            .expect("the primitive hangs")
    }

    pub(crate) async fn navigate(&self, url: &str) -> Effect {
        self.perform(Primitive::Navigate {
            target: self.target,
            url: url.to_owned(),
        })
        .await
        .unwrap()
    }

    /// Goes there and waits until it is loaded.
    pub(crate) async fn goto(&self, url: &str) -> DocumentKey {
        let mark = self.events.mark();
        let effect = self.navigate(url).await;
        let Effect::Navigation {
            document: Some(wanted),
            failure: None,
        } = effect
        else {
            panic!("{url}: {effect:?}")
        };
        self.events
            .after(mark, |event| match event {
                Event::Lifecycle {
                    document, phase, ..
                } => (*document == wanted && *phase == LifecyclePhase::Load).then_some(()),
                _ => None,
            })
            .await;
        wanted
    }

    pub(crate) async fn bridge_in(
        &self,
        frame: FrameKey,
        name: &'static str,
        args: &str,
    ) -> AdapterResult<String> {
        match self
            .perform(bridge(self.target, frame, name, args, None))
            .await?
        {
            Effect::Text(text) => Ok(text),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn bridge(&self, name: &'static str, args: &str) -> String {
        self.bridge_in(self.frame, name, args).await.unwrap()
    }

    pub(crate) async fn eval_in(
        &self,
        frame: FrameKey,
        expression: &str,
    ) -> AdapterResult<Evaluated> {
        match self
            .perform(evaluate(self.target, frame, expression))
            .await?
        {
            Effect::Evaluated(evaluated) => Ok(evaluated),
            other => panic!("{other:?}"),
        }
    }

    /// The JSON of an expression's value, or what it is instead.
    pub(crate) async fn eval(&self, expression: &str) -> String {
        match self.eval_in(self.frame, expression).await.unwrap() {
            Evaluated::Value(value) => value.get().to_owned(),
            other => format!("{other:?}"),
        }
    }

    pub(crate) async fn center(&self, css: &str) -> (f64, f64) {
        let args = serde_json::json!({ "css": css }).to_string();
        serde_json::from_str(&self.bridge("center", &args).await).unwrap()
    }

    pub(crate) async fn input(&self, actions: Vec<InputAction>) -> AdapterResult<Effect> {
        self.perform(Primitive::Input {
            target: self.target,
            actions,
        })
        .await
    }

    /// Starts a primitive and returns when the browser has begun with it.
    pub(crate) async fn pending(
        &self,
        primitive: Primitive,
    ) -> tokio::task::JoinHandle<AdapterResult<Effect>> {
        let context = self.context.clone();
        let (began, begun) = tokio::sync::oneshot::channel();
        let work = tokio::spawn(async move {
            let mut work = context.perform(primitive);
            let first = futures_poll(&mut work).await;
            let _ = began.send(());
            match first {
                Some(done) => done,
                None => work.await,
            }
        });
        begun.await.unwrap();
        // Sent in order on one connection: when this one is answered the other has begun.
        self.eval("1").await;
        work
    }

    pub(crate) async fn close(self) {
        self.context.close().await;
        self.browser.close().await;
        let left = std::fs::read_dir(self.profiles.path()).unwrap().count();
        assert_eq!(left, 0, "the profile is removed with its browser");
    }
}

/// Polls once.
async fn futures_poll<T>(work: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    std::future::poll_fn(|cx| match std::pin::Pin::new(&mut *work).poll(cx) {
        std::task::Poll::Ready(done) => std::task::Poll::Ready(Some(done)),
        std::task::Poll::Pending => std::task::Poll::Ready(None),
    })
    .await
}

/// What came of pending work, which must end by itself.
pub(crate) async fn ended(
    work: tokio::task::JoinHandle<AdapterResult<Effect>>,
) -> AdapterResult<Effect> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .expect("the work hangs")
        .unwrap()
}
