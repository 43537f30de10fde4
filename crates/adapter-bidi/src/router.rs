//! What the protocol's events mean: which pages, frames and documents there are, what the seam is told of them, and
//! which work is lost with them.
//!
//! It sends nothing of its own but the bridge's renewal where a document takes over the window of the one before, and what chromedriver
//! needs to be asked or told for each page.

mod files;
mod frames;
mod intercept;
mod logs;
mod navigation;
mod network;
mod pages;
pub(crate) mod permit;
pub(crate) mod state;
mod windows;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use ops_contracts::seam::adapter::{Event as SeamEvent, EventSink as SeamSink, TargetKey};
use state::State;
use tokio::sync::watch;

use crate::connection::{CallError, Connection, Event, EventSink};
use crate::driver::Driver;

/// The sandbox that the bridge lives in.
pub(crate) const SANDBOX: &str = "odb";

/// The channel by which the bridge tells something beside its answers.
pub(crate) const TELL: &str = "odb-tell";

/// The events that are subscribed to, all for the whole browser.
pub(crate) const EVENTS: &[&str] = &[
    "browsingContext.contextCreated",
    "browsingContext.contextDestroyed",
    "browsingContext.navigationStarted",
    "browsingContext.navigationCommitted",
    "browsingContext.navigationFailed",
    "browsingContext.fragmentNavigated",
    "browsingContext.historyUpdated",
    "browsingContext.domContentLoaded",
    "browsingContext.load",
    "browsingContext.downloadWillBegin",
    "browsingContext.downloadEnd",
    "browsingContext.userPromptOpened",
    "browsingContext.userPromptClosed",
    "script.realmCreated",
    "script.realmDestroyed",
    "script.message",
    "log.entryAdded",
    "network.beforeRequestSent",
    "network.responseStarted",
    "network.responseCompleted",
    "network.fetchError",
    "network.authRequired",
    "input.fileDialogOpened",
];

/// Chromedriver's own way to tell that the renderer of a page is gone.
pub(crate) const CRASHED: &str = "goog:cdp.Inspector.targetCrashed";

/// Takes the browser's events and keeps the state that they tell of.
pub(crate) struct Router {
    /// For what goes on behind an event.
    me: Weak<Self>,
    driver: Driver,
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

/// One event being taken: the seam is told after the state's lock was released.
struct Turn<'a> {
    router: &'a Router,
    state: &'a mut State,
    connection: &'a Connection,
    told: Vec<(Arc<dyn SeamSink>, SeamEvent)>,
    changed: bool,
}

impl Router {
    pub(crate) fn new(driver: Driver) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            driver,
            state: Mutex::default(),
            changes: watch::Sender::new(0),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `check` finds something in the state. Sets no deadline.
    pub(crate) async fn until<T>(&self, mut check: impl FnMut(&mut State) -> Option<T>) -> T {
        let mut changes = self.changes.subscribe();
        loop {
            changes.borrow_and_update();
            if let Some(found) = check(&mut self.lock()) {
                return found;
            }
            if changes.changed().await.is_err() {
                // The sender is `self`: it cannot be gone while we borrow it.
                std::future::pending::<()>().await;
            }
        }
    }
}

impl EventSink for Router {
    fn event(&self, connection: &Connection, event: Event<'_>) {
        let mut state = self.lock();
        let mut turn = Turn {
            router: self,
            state: &mut state,
            connection,
            told: Vec::new(),
            changed: false,
        };
        if let Err(error) = turn.take(event) {
            tracing::warn!(%error, method = event.method, "an event of the browser is not understood");
            // What is not understood must not stop a page.
            turn.pass_broken(&event);
        }
        let Turn { told, changed, .. } = turn;
        drop(state);
        for (sink, event) in told {
            sink.emit(event);
        }
        if changed {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    fn closed(&self) {
        let sinks: Vec<Arc<dyn SeamSink>> = {
            let mut state = self.lock();
            state.lost = true;
            state
                .contexts
                .drain()
                .map(|(_, context)| context.sink)
                .collect()
        };
        for sink in sinks {
            sink.emit(SeamEvent::Disconnected {
                reason: crate::fault::SOCKET_ENDED.to_owned(),
            });
        }
        self.changes.send_modify(|count| *count += 1);
    }
}

type Taken = Result<(), CallError>;

impl Turn<'_> {
    fn take(&mut self, event: Event<'_>) -> Taken {
        match event.method {
            "browsingContext.contextCreated" => self.context_created(event.decode()?),
            "browsingContext.contextDestroyed" => self.context_destroyed(event.decode()?),
            "browsingContext.navigationStarted" => {
                let info = event.decode()?;
                self.permit(&info, false);
                self.navigation_started(&info);
            }
            "browsingContext.navigationCommitted" => {
                let info = event.decode()?;
                self.permit(&info, true);
                self.navigation_committed(info);
            }
            "browsingContext.navigationFailed" => self.navigation_aborted(&event.decode()?),
            "browsingContext.fragmentNavigated" => self.fragment_navigated(event.decode()?),
            "browsingContext.historyUpdated" => self.history_updated(event.decode()?),
            "browsingContext.domContentLoaded" | "browsingContext.load" => {
                self.lifecycle(event.method, &event.decode()?)
            }
            "browsingContext.downloadWillBegin" => self.download(event.decode()?),
            "browsingContext.downloadEnd" => self.download_ended(event.decode()?),
            "input.fileDialogOpened" => self.chooser_opened(event.decode()?),
            "browsingContext.userPromptOpened" => self.prompt_opened(event.decode()?),
            "browsingContext.userPromptClosed" => self.prompt_closed(&event.decode()?),
            "script.realmCreated" => self.realm_created(&event.decode()?),
            "script.realmDestroyed" => self.realm_destroyed(&event.decode()?),
            "script.message" => self.told_by_bridge(&event.decode()?)?,
            "log.entryAdded" => self.log_entry(event.decode()?),
            "network.beforeRequestSent" => self.request(event.decode()?),
            "network.responseStarted" => self.response(event.decode()?),
            "network.responseCompleted" => self.finished(&event.decode()?),
            "network.fetchError" => self.failed(event.decode()?),
            "network.authRequired" => self.auth_required(event.decode()?),
            CRASHED => self.renderer_gone(&event.decode()?),
            _ => {}
        }
        Ok(())
    }

    /// Tells the sink of a page's context.
    fn tell(&mut self, page: TargetKey, event: SeamEvent) {
        let context = self
            .state
            .pages
            .get(&page)
            .and_then(|page| self.state.contexts.get(&page.context));
        if let Some(context) = context {
            self.told.push((Arc::clone(&context.sink), event));
        }
    }
}
