//! What the tests share: an adapter whose guard is the test program, a sink that remembers, and a small web server.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapter_cdp::guard::GuardCommand;
use adapter_cdp::{CdpAdapter, CdpConfig, Sandbox};
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{
    Adapter, AdapterResult, BridgeCall, Browser, Context, ContextSpec, ContextStorage, Effect,
    Evaluated, Event, EventSink, FrameKey, LaunchSpec, Primitive, TargetKey,
};
use ops_contracts::wire::capability::BrowserKind;
use ops_contracts::wire::clock::{Clock, Timestamp};
use ops_contracts::wire::command::Viewport;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// Nothing in these tests takes longer, unless it hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The bridge of these tests: as much of one as the seam needs.
const BRIDGE: &str = r"globalThis.__odb = { version: 1, call(name, args, element) { return JSON.stringify({
    echo: () => args.value,
    title: () => document.title,
    url: () => location.href,
    seen: () => typeof window.pageSecret,
    owner: () => element.localName + '#' + element.id,
    click: () => { const r = document.querySelector(args.css).getBoundingClientRect();
                   return [r.x + r.width / 2, r.y + r.height / 2]; },
}[name]()) } }; const inner = __odb.call; __odb.call = (name, ...rest) =>
    name === 'never' ? new Promise(() => {}) : inner(name, ...rest);";

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

pub(crate) fn config(profiles: &Path) -> CdpConfig {
    config_in(profiles, std::env::vars_os())
}

/// The same with these variables for the browser's environment.
pub(crate) fn config_in(
    profiles: &Path,
    variables: impl Iterator<Item = (OsString, OsString)>,
) -> CdpConfig {
    let guard = GuardCommand::new(std::env::current_exe().expect("the test program has a path"));
    let mut config = CdpConfig::new(guard, profiles.to_owned(), variables, Arc::new(FixedClock));
    config.sandbox = Sandbox::Off;
    config
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
    let browser = CdpAdapter::new(config(profiles.path()))
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

    /// The JSON text of an expression's value.
    pub(crate) async fn eval(&self, expression: &str) -> String {
        match self.eval_in(self.frame, expression).await.unwrap() {
            Evaluated::Value(value) => value.get().to_owned(),
            Evaluated::Unserializable(text) => text,
            other => panic!("{expression}: {other:?}"),
        }
    }

    pub(crate) async fn center(&self, css: &str) -> (f64, f64) {
        let args = format!("{{\"css\":{}}}", serde_json::to_string(css).unwrap());
        serde_json::from_str(&self.bridge("click", &args).await).unwrap()
    }

    /// Starts a primitive that will not end by itself, and returns when the browser has certainly got it.
    pub(crate) async fn pending(
        &self,
        primitive: Primitive,
    ) -> tokio::task::JoinHandle<AdapterResult<Effect>> {
        let context = Arc::clone(&self.context);
        let mark = self.events.mark();
        let task = tokio::spawn(async move { context.perform(primitive).await });
        // The expression tells that it runs.
        self.events
            .after(mark, |event| match event {
                Event::Console { text, .. } if text == "running" => Some(()),
                _ => None,
            })
            .await;
        task
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

/// An expression that never comes to an end, and says that it has begun.
pub(crate) const NEVER: &str = "console.log('running'), new Promise(() => {})";

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

pub(crate) async fn ended<T>(task: tokio::task::JoinHandle<T>) -> T {
    tokio::time::timeout(PATIENCE, task)
        .await
        .expect("pending work was not ended")
        .unwrap()
}

/// A web server on a free port of 127.0.0.1, which `localhost` reaches as another site.
pub(crate) struct Site {
    pub(crate) port: u16,
}

impl Site {
    /// Serves whole HTTP responses by path. A path without one is never answered.
    pub(crate) async fn serve(responses: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let responses: Arc<HashMap<&str, String>> = Arc::new(responses.into_iter().collect());
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let responses = Arc::clone(&responses);
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        match socket.read_u8().await {
                            Ok(byte) => head.push(byte),
                            Err(_) => return,
                        }
                    }
                    let head = String::from_utf8_lossy(&head).into_owned();
                    let path = head.split(' ').nth(1).unwrap_or("/").to_owned();
                    match responses.get(&*path) {
                        Some(response) => {
                            let response = response.replace("{port}", &port.to_string());
                            let _ = socket.write_all(response.as_bytes()).await;
                            let _ = socket.shutdown().await;
                        }
                        None if path == "/favicon.ico" => {}
                        None => std::future::pending().await,
                    }
                });
            }
        });
        Self { port }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The same server as another site.
    pub(crate) fn elsewhere(&self, path: &str) -> String {
        format!("http://localhost:{}{path}", self.port)
    }
}

pub(crate) fn html(body: &str) -> String {
    response("200 OK", "Content-Type: text/html; charset=utf-8\r\n", body)
}

pub(crate) fn response(status: &str, headers: &str, body: &str) -> String {
    // No length: `{port}` is filled in later, and the connection's end ends the body.
    format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\n\r\n{body}")
}
