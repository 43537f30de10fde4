//! A scripted browser behind the adapter seam: for faults that a real one can't be made to show, and for fast tests that
//! always go the same way. What its pages hold and do is a [`Script`]; what breaks, and when, is said through [`Control`].
//!
//! It has no script engine and no layout: expressions and elements are tables, an element's place is a number. What
//! depends on either is tested on real browsers alone.

mod bridge;
mod context;
mod document;
mod pages;
mod script;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use ops_contracts::seam::adapter::{
    Adapter, AdapterError, AdapterResult, BoxFuture, Browser, BrowserInfo, ContextSpec, Event,
    EventSink, FrameKey, LaunchSpec, OpenedContext, TargetKey,
};
use ops_contracts::wire::capability::{AdapterKind, BrowserKind, CapabilitySet};
use parking_lot::Mutex;
use tokio::sync::watch;

use context::FakeContext;

pub use pages::{CRASHES, seam_double, site_double};
pub use script::{Act, Answer, Dialog, Element, Page, Script, Scripted};

/// The first process id; above what systems give, so that no real process is ever meant.
const FIRST_PID: u32 = 1 << 30;

/// What all parts of a fake share.
pub(crate) struct Stage {
    script: Script,
    keys: AtomicU64,
    launches: AtomicU32,
    state: Mutex<StageState>,
}

#[derive(Default)]
struct StageState {
    troubles: HashMap<String, VecDeque<Trouble>>,
    performed: Vec<String>,
    browsers: HashMap<u32, Arc<FakeBrowser>>,
    refused_launches: VecDeque<AdapterError>,
}

/// Something that goes wrong with one primitive.
enum Trouble {
    Fail(AdapterError),
    Say(String),
    Hold(watch::Receiver<bool>, watch::Sender<bool>),
    EndBrowser,
}

impl Stage {
    fn key(&self) -> u64 {
        self.keys.fetch_add(1, Ordering::Relaxed)
    }
}

/// The adapter.
pub struct FakeAdapter {
    stage: Arc<Stage>,
}

impl FakeAdapter {
    /// An adapter whose browsers know these pages.
    #[must_use]
    pub fn new(script: Script) -> Self {
        let stage = Stage {
            script,
            keys: AtomicU64::new(1),
            launches: AtomicU32::new(0),
            state: Mutex::default(),
        };
        Self {
            stage: Arc::new(stage),
        }
    }

    /// The handle by which a test breaks things.
    #[must_use]
    pub fn control(&self) -> Control {
        Control {
            stage: self.stage.clone(),
        }
    }
}

impl Adapter for FakeAdapter {
    fn kind(&self) -> AdapterKind {
        AdapterKind::Cdp
    }

    fn capabilities(&self, browser: BrowserKind) -> CapabilitySet {
        if browser == BrowserKind::Chrome {
            CapabilitySet::core()
        } else {
            CapabilitySet::new([])
        }
    }

    fn launch(&self, spec: LaunchSpec) -> BoxFuture<'_, AdapterResult<Arc<dyn Browser>>> {
        Box::pin(async move {
            if spec.browser != BrowserKind::Chrome {
                return Err(AdapterError::Unsupported {
                    primitive: "launch",
                });
            }
            let number = self.stage.launches.fetch_add(1, Ordering::Relaxed);
            let mut state = self.stage.state.lock();
            if let Some(error) = state.refused_launches.pop_front() {
                return Err(error);
            }
            let pid = FIRST_PID + number;
            let info = BrowserInfo {
                product: "Fake".to_owned(),
                version: "1.0".to_owned(),
                pid: Some(pid),
                sandboxed: false,
            };
            let process = Arc::new(Process {
                pid,
                ended: watch::Sender::new(None),
                runs: watch::Sender::new(true),
            });
            let browser = Arc::new(FakeBrowser {
                stage: self.stage.clone(),
                info,
                process,
                sinks: Mutex::default(),
            });
            state.browsers.insert(pid, browser.clone());
            Ok(browser as Arc<dyn Browser>)
        })
    }
}

/// A scripted browser.
pub(crate) struct FakeBrowser {
    stage: Arc<Stage>,
    info: BrowserInfo,
    process: Arc<Process>,
    sinks: Mutex<Vec<Arc<dyn EventSink>>>,
}

/// What a browser and its contexts know of its process.
pub(crate) struct Process {
    pid: u32,
    /// Why it has ended, once it has.
    ended: watch::Sender<Option<String>>,
    /// False while it is stopped.
    runs: watch::Sender<bool>,
}

impl Process {
    fn lost(&self) -> AdapterResult<()> {
        let reason = self.ended.borrow().clone();
        reason.map_or(Ok(()), |reason| Err(AdapterError::BrowserLost { reason }))
    }

    /// Waits while it is stopped.
    async fn answers(&self) -> AdapterResult<()> {
        let (mut runs, mut ended) = (self.runs.subscribe(), self.ended.subscribe());
        // Neither sender goes before the process.
        tokio::select! {
            _ = runs.wait_for(|runs| *runs) => {}
            _ = ended.wait_for(Option::is_some) => {}
        }
        self.lost()
    }
}

impl FakeBrowser {
    fn end(&self, reason: &str) {
        let first = self.process.ended.send_if_modified(|ended| {
            ended.is_none() && ended.replace(reason.to_owned()).is_none()
        });
        if first {
            for sink in self.sinks.lock().drain(..) {
                sink.emit(Event::Disconnected {
                    reason: reason.to_owned(),
                });
            }
        }
    }
}

impl Browser for FakeBrowser {
    fn info(&self) -> &BrowserInfo {
        &self.info
    }

    fn open_context(
        &self,
        _: ContextSpec,
        events: Arc<dyn EventSink>,
    ) -> BoxFuture<'_, AdapterResult<OpenedContext>> {
        Box::pin(async move {
            self.process.answers().await?;
            self.sinks.lock().push(events.clone());
            let (target, frame) = (TargetKey(self.stage.key()), FrameKey(self.stage.key()));
            let context = FakeContext::new(
                self.stage.clone(),
                self.process.clone(),
                events,
                target,
                frame,
            );
            Ok(OpenedContext {
                context: Arc::new(context),
                target,
                frame,
                passage: None,
            })
        })
    }

    fn is_connected(&self) -> bool {
        self.process.lost().is_ok()
    }

    fn ping(&self) -> BoxFuture<'_, AdapterResult<()>> {
        Box::pin(self.process.answers())
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.end("it was closed");
            self.stage.state.lock().browsers.remove(&self.process.pid);
        })
    }
}

/// Breaks things in a fake, and tells what it was asked to do. A primitive is named as in its diagnostics (`navigate`,
/// `input`); a bridge call by its function (`arm`).
#[derive(Clone)]
pub struct Control {
    stage: Arc<Stage>,
}

/// A primitive that is held up until the test lets it go on.
pub struct Held {
    go: watch::Sender<bool>,
    reached: watch::Receiver<bool>,
}

impl Held {
    /// Waits until the primitive has arrived.
    pub async fn reached(&mut self) {
        // An error means that the primitive is over already.
        let _ = self.reached.wait_for(|reached| *reached).await;
    }

    /// Lets it go on.
    pub fn release(self) {
        self.go.send_replace(true);
    }
}

impl Control {
    /// The next such primitive fails.
    pub fn fail(&self, primitive: &str, error: AdapterError) {
        self.trouble(primitive, Trouble::Fail(error));
    }

    /// The next such bridge call is answered with this text, whatever it asks.
    pub fn say(&self, function: &str, text: &str) {
        self.trouble(function, Trouble::Say(text.to_owned()));
    }

    /// The next such primitive waits until it is released, or until its page is lost; for ever when the handle is dropped.
    #[must_use]
    pub fn hold(&self, primitive: &str) -> Held {
        let (go, released) = watch::channel(false);
        let (arrived, reached) = watch::channel(false);
        self.trouble(primitive, Trouble::Hold(released, arrived));
        Held { go, reached }
    }

    /// The browser ends when it is asked for the next such primitive.
    pub fn end_browser_at(&self, primitive: &str) {
        self.trouble(primitive, Trouble::EndBrowser);
    }

    fn trouble(&self, primitive: &str, trouble: Trouble) {
        self.stage
            .state
            .lock()
            .troubles
            .entry(primitive.to_owned())
            .or_default()
            .push_back(trouble);
    }

    /// The next launch fails.
    pub fn refuse_launch(&self, error: AdapterError) {
        self.stage.state.lock().refused_launches.push_back(error);
    }

    /// Ends a browser as if its process had been killed.
    pub fn end_browser(&self, pid: u32) {
        let browser = self.stage.state.lock().browsers.remove(&pid);
        if let Some(browser) = browser {
            browser.end("its process was killed");
        }
    }

    /// Stops a browser's process, or lets it go on: one that is stopped answers nothing.
    pub fn stop_browser(&self, pid: u32, stop: bool) {
        if let Some(browser) = self.stage.state.lock().browsers.get(&pid) {
            browser.process.runs.send_replace(!stop);
        }
    }

    /// The browsers that have been started and not ended.
    #[must_use]
    pub fn browsers(&self) -> Vec<u32> {
        let mut pids: Vec<u32> = self.stage.state.lock().browsers.keys().copied().collect();
        pids.sort_unstable();
        pids
    }

    /// How many browsers were started or refused to start.
    #[must_use]
    pub fn launches(&self) -> u32 {
        self.stage.launches.load(Ordering::Relaxed)
    }

    /// What was asked of all contexts so far, in order, the warming of spare ones not included.
    #[must_use]
    pub fn performed(&self) -> Vec<String> {
        self.stage.state.lock().performed.clone()
    }

    /// Forgets what was asked so far.
    pub fn forget(&self) {
        self.stage.state.lock().performed.clear();
    }
}
