//! What the tests share: an adapter whose guard is the test program, and a sink that remembers.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapter_cdp::CdpAdapter;
use conformance::seam::{Crash, Subject};
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{
    Adapter, AdapterResult, Browser, Context, ContextSpec, ContextStorage, Effect, Evaluated,
    Event, EventSink, FrameKey, LaunchSpec, Primitive, TargetKey,
};
use ops_contracts::wire::capability::BrowserKind;
use ops_contracts::wire::clock::{Clock, Timestamp};
use ops_contracts::wire::command::Viewport;
use rustix::process::{Pid, Signal, kill_process};
use supervisor::guard::GuardCommand;
use supervisor::{BrowserSupervisor, Sandbox, SupervisorConfig};
use tokio::sync::Notify;

/// Nothing in these tests takes longer, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(1_700_000_000_000)
    }
}

/// One test: a name and an async body on a runtime of its own.
pub(crate) fn trial<F>(name: &str, body: impl FnOnce() -> F + Send + 'static) -> Trial
where
    F: Future<Output = ()> + Send + 'static,
{
    Trial::test(name, move || {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let task = runtime.spawn(async {
            tokio::time::timeout(PATIENCE * 2, body())
                .await
                .expect("the test hangs")
        });
        runtime
            .block_on(task)
            .map_err(|error| error.to_string().into())
    })
}

pub(crate) fn config(profiles: &Path) -> SupervisorConfig {
    config_in(profiles, std::env::vars_os())
}

/// The same with these variables for the browser's environment.
pub(crate) fn config_in(
    profiles: &Path,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> SupervisorConfig {
    let guard = GuardCommand::new(std::env::current_exe().expect("the test program has a path"));
    let mut config =
        SupervisorConfig::new(guard, profiles.to_owned(), variables, Arc::new(FixedClock));
    config.sandbox = Sandbox::Off;
    config
}

/// The adapter over browsers that a supervisor with this configuration starts.
pub(crate) fn adapter(config: SupervisorConfig) -> CdpAdapter {
    CdpAdapter::new(Arc::new(BrowserSupervisor::new(config)))
}

pub(crate) fn spec() -> LaunchSpec {
    LaunchSpec {
        browser: BrowserKind::Chrome,
        executable: None,
        headed: false,
        args: vec!["--disable-quic".to_owned()],
        profile: None,
        proxy: None,
        confined: false,
        proxy_bypass: Vec::new(),
    }
}

/// What the suite of the adapter interface is run on.
pub(crate) fn subject(profiles: &Path) -> Subject {
    Subject {
        adapter: Arc::new(adapter(config(profiles))),
        launch: spec(),
        kill: Arc::new(|pid| {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).unwrap();
            kill_process(pid, Signal::KILL).unwrap();
        }),
        crash: Crash::Address("chrome://crash"),
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
    pub(crate) profiles: tempfile::TempDir,
}

pub(crate) async fn open() -> Page {
    let profiles = tempfile::tempdir().unwrap();
    let browser = adapter(config(profiles.path()))
        .launch(spec())
        .await
        .unwrap();
    open_in(browser, profiles).await
}

pub(crate) async fn open_in(browser: Arc<dyn Browser>, profiles: tempfile::TempDir) -> Page {
    open_with(context_spec(), browser, profiles).await
}

pub(crate) async fn open_with(
    spec: ContextSpec,
    browser: Arc<dyn Browser>,
    profiles: tempfile::TempDir,
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
        bridge: "".into(),
        viewport: Viewport {
            width: 800,
            height: 600,
            scale: 1.0,
        },
        storage: ContextStorage::Isolated,
        proxy: None,
    }
}

impl Page {
    pub(crate) async fn perform(&self, primitive: Primitive) -> AdapterResult<Effect> {
        tokio::time::timeout(PATIENCE, self.context.perform(primitive))
            .await
            .expect("the primitive hangs")
    }

    pub(crate) async fn goto(&self, url: &str) {
        let mark = self.events.mark();
        let effect = self
            .perform(Primitive::Navigate {
                target: self.target,
                url: url.to_owned(),
            })
            .await
            .unwrap();
        let Effect::Navigation {
            document: Some(wanted),
            failure: None,
        } = effect
        else {
            panic!("{url}: {effect:?}");
        };
        self.events
            .after(mark, |event| match event {
                Event::Lifecycle {
                    document, phase, ..
                } if *document == wanted => {
                    (*phase == ops_contracts::seam::adapter::LifecyclePhase::Load).then_some(())
                }
                _ => None,
            })
            .await;
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

    /// The JSON text of an expression's value.
    pub(crate) async fn eval(&self, expression: &str) -> String {
        match self.eval_in(self.frame, expression).await.unwrap() {
            Evaluated::Value(value) => value.get().to_owned(),
            Evaluated::Unserializable(text) => text,
            other => panic!("{expression}: {other:?}"),
        }
    }

    pub(crate) async fn close(self) {
        self.browser.close().await;
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
