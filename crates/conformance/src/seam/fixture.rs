//! What a case works with: the topic's browser, browsers of its own, a site, and contexts that are closed when it has ended.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ops_contracts::seam::adapter::{
    AdapterError, Bridge, Browser, Context, ContextSpec, ContextStorage, LaunchSpec,
};
use ops_contracts::wire::command::Viewport;
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;

use super::Subject;
use super::page::Page;
use crate::site::Site;
use crate::site::pages::Page as SitePage;
use crate::suite::Failure;

/// How long a case waits for something that must come.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The bridge of these tests: as much of one as the seam needs.
pub const BRIDGE: &str = r"(function start() { const doc = document; globalThis.__odb = { version: 1, doc, start, call(name, args, element) {
    if (doc !== document) { start(); return globalThis.__odb.call(name, args, element); }
    if (name === 'never') return new Promise(() => {});
    return JSON.stringify({
        echo: () => args.value,
        title: () => doc.title,
        url: () => location.href,
        current: () => doc === document,
        seen: () => typeof window.pageSecret,
        arm: () => { doc.addEventListener('click', (e) => globalThis.__odbTell?.('told of ' + e.clientX), { once: true }); },
        owner: () => element.localName + '#' + element.id,
        center: () => { const r = doc.querySelector(args.css).getBoundingClientRect();
                        return [r.x + r.width / 2, r.y + r.height / 2]; },
        number: () => { globalThis.__odb.numbers ??= []; const e = doc.querySelector(args.css);
                        return globalThis.__odb.numbers.push(e); },
    }[name]() ?? null); },
    element(number) { return this.numbers?.[number - 1] ?? null; } }; })();";

macro_rules! pages {
    ($($path:literal $body:literal,)+) => {
        &[$(SitePage { path: $path, content_type: "text/html; charset=utf-8", body: $body },)+]
    };
}

/// Pages beside those of the site.
const PAGES: &[SitePage] = pages! {
    "/seam/blank" "<!doctype html><title>Blank</title><body style='margin:0;height:100vh'></body>",
    "/seam/frames" "<!doctype html><iframe id=same src=/seam/inner></iframe><iframe id=other src='{{cross}}/seam/deep'></iframe>",
    "/seam/inner" "<!doctype html><title>inner</title>",
    "/seam/deep" "<!doctype html><title>deep</title><iframe id=deeper src='{{cross}}/seam/deepest'></iframe><iframe id=near src=/seam/near></iframe>",
    "/seam/deepest" "<!doctype html><title>deepest</title>",
    "/seam/near" "<!doctype html><title>near</title>",
    "/seam/waiting" "<!doctype html><iframe src=/never></iframe>",
    "/seam/form" "<!doctype html><iframe id=other width=300 height=200 src='{{cross}}/seam/field'></iframe>",
    "/seam/field" "<!doctype html><style>*{margin:0}</style><input id=field style='width:200px;height:100px' onclick=\"console.log('clicked', event.isTrusted)\">",
    "/seam/alert" "<!doctype html><button onclick=\"alert('a')\" style='position:fixed;inset:0'>b</button>",
    "/seam/asks" "<!doctype html><button style='position:fixed;inset:0'>b</button><script>onbeforeunload = (event) => { event.preventDefault(); return 'x'; }</script>",
    "/seam/away" "<!doctype html><a href='{{cross}}/plain' style='position:fixed;inset:0'>away</a>",
    "/seam/tall" "<!doctype html><style>*{margin:0}</style><div style='width:700px;height:2000px;background:red'></div>",
    "/seam/worker" "<!doctype html><script>new Worker(URL.createObjectURL(new Blob(['console.log(\"from worker\")'])))</script>",
    "/seam/upload" "<!doctype html><input type=file id=one>",
};

/// The browser that the cases of a topic share, started when the first one needs it.
pub(super) struct Browsers {
    name: &'static str,
    subject: Subject,
    /// Where the adapter keeps what belongs to its browsers.
    folder: PathBuf,
    shared: AsyncMutex<Option<Arc<dyn Browser>>>,
}

impl Browsers {
    pub(super) fn new(name: &'static str, subject: Subject, folder: PathBuf) -> Self {
        Self {
            name,
            subject,
            folder,
            shared: AsyncMutex::default(),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The shared browser; another one where it has ended.
    async fn shared(&self) -> Result<Arc<dyn Browser>, Failure> {
        let mut shared = self.shared.lock().await;
        if let Some(browser) = shared.as_ref().filter(|browser| browser.is_connected()) {
            return Ok(Arc::clone(browser));
        }
        let started = self.launch(self.subject.launch.clone()).await?;
        *shared = Some(Arc::clone(&started));
        Ok(started)
    }

    async fn launch(&self, spec: LaunchSpec) -> Result<Arc<dyn Browser>, AdapterError> {
        tokio::time::timeout(PATIENCE * 3, self.subject.adapter.launch(spec))
            .await
            .unwrap_or(Err(AdapterError::Unresponsive))
    }

    /// Ends the shared browser; then nothing of any browser may be left.
    pub(super) async fn end(&self) -> Result<(), Failure> {
        let shared = self.shared.lock().await.take();
        if let Some(browser) = &shared {
            browser.close().await;
        }
        let pid = shared.and_then(|browser| browser.info().pid);
        self.check_left(pid, &[]).await
    }

    /// Checks that closed browsers leave nothing but these files: for as long as the interface gives `close`, counted in the time that
    /// this process gets to run.
    pub(super) async fn check_left(
        &self,
        pid: Option<u32>,
        expected: &[PathBuf],
    ) -> Result<(), Failure> {
        for _ in 0..100 {
            if !pid.is_some_and(runs) && self.files() == expected {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Err(Failure::new(format!(
            "of closed browsers are left: process {pid:?}, files {:?}; expected were {expected:?}",
            self.files()
        )))
    }

    /// What the adapter keeps of its browsers.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten();
        let mut files: Vec<_> = entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .collect();
        files.sort_unstable();
        files
    }
}

/// Whether a process is there.
fn runs(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

/// What a case gets.
pub(super) struct Fixture {
    browsers: Arc<Browsers>,
    pub(super) site: Site,
    contexts: Mutex<Vec<Arc<dyn Context>>>,
    own: Mutex<Vec<Arc<dyn Browser>>>,
}

impl Fixture {
    pub(super) fn new(browsers: Arc<Browsers>) -> Result<Self, Failure> {
        let site = Site::start_with(PAGES).map_err(|error| Failure::new(error.to_string()))?;
        Ok(Self {
            browsers,
            site,
            contexts: Mutex::default(),
            own: Mutex::default(),
        })
    }

    pub(super) fn subject(&self) -> &Subject {
        self.browsers.subject()
    }

    pub(super) fn browsers(&self) -> &Browsers {
        &self.browsers
    }

    /// A page in a context of its own, in the browser that the topic shares.
    pub(super) async fn page(&self) -> Result<Page, Failure> {
        self.page_in(self.browsers.shared().await?).await
    }

    /// A page on one of the site's pages.
    pub(super) async fn page_at(&self, path: &str) -> Result<Page, Failure> {
        let page = self.page().await?;
        page.goto(&self.site.url(path)).await?;
        Ok(page)
    }

    /// A page in a context of its own, in this browser.
    pub(super) async fn page_in(&self, browser: Arc<dyn Browser>) -> Result<Page, Failure> {
        self.page_with(browser, BRIDGE.into()).await
    }

    /// The same with another bridge.
    pub(super) async fn page_bridged(&self, bridge: Bridge) -> Result<Page, Failure> {
        self.page_with(self.browsers.shared().await?, bridge).await
    }

    async fn page_with(&self, browser: Arc<dyn Browser>, bridge: Bridge) -> Result<Page, Failure> {
        let page = Page::open(browser, context_spec(bridge)).await?;
        self.contexts.lock().push(Arc::clone(&page.context));
        Ok(page)
    }

    /// A browser of the case's own, for what takes a browser with it.
    pub(super) async fn launch(&self) -> Result<Arc<dyn Browser>, Failure> {
        let started = self.try_launch(self.subject().launch.clone()).await?;
        self.own.lock().push(Arc::clone(&started));
        Ok(started)
    }

    /// Starts a browser that the case closes by itself.
    pub(super) async fn try_launch(
        &self,
        spec: LaunchSpec,
    ) -> Result<Arc<dyn Browser>, AdapterError> {
        self.browsers.launch(spec).await
    }

    /// Closes what the case has opened.
    pub(super) async fn close(self) {
        let contexts = std::mem::take(&mut *self.contexts.lock());
        for context in contexts {
            context.close().await;
        }
        let own = std::mem::take(&mut *self.own.lock());
        for browser in own {
            browser.close().await;
        }
    }
}

/// A context of its own with a small page and this bridge.
pub fn context_spec(bridge: Bridge) -> ContextSpec {
    ContextSpec {
        bridge,
        viewport: Viewport {
            width: 800,
            height: 600,
            scale: 1.0,
        },
        storage: ContextStorage::Isolated,
        proxy: None,
    }
}
