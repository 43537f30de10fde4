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

use std::sync::{Arc, Weak};

use ops_contracts::seam::adapter::{Event as SeamEvent, TargetKey};
use ops_contracts::seam::observed::{Observed, Telling};
use parking_lot::MappedMutexGuard;
use state::State;

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
    observed: Observed<State>,
}

/// One event being taken: the seam is told after the state's lock was released.
struct Turn<'a> {
    router: &'a Router,
    state: &'a mut State,
    connection: &'a Connection,
    telling: &'a mut Telling,
}

impl Router {
    pub(crate) fn new(driver: Driver) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: me.clone(),
            driver,
            observed: Observed::default(),
        })
    }

    /// See [`Observed::lock`].
    pub(crate) fn lock(&self) -> MappedMutexGuard<'_, State> {
        self.observed.lock()
    }

    /// See [`Observed::until`].
    pub(crate) async fn until<T>(&self, check: impl FnMut(&mut State) -> Option<T>) -> T {
        self.observed.until(check).await
    }
}

impl EventSink for Router {
    fn event(&self, connection: &Connection, event: Event<'_>) {
        self.observed.turn(|state, telling| {
            let mut turn = Turn {
                router: self,
                state,
                connection,
                telling,
            };
            if let Err(error) = turn.take(event) {
                tracing::warn!(%error, method = event.method, "an event of the browser is not understood");
                // What is not understood must not stop a page.
                turn.pass_broken(&event);
            }
        });
    }

    fn closed(&self) {
        self.observed.turn(|state, telling| {
            state.lost = true;
            telling.lost(state.contexts.drain().map(|(_, context)| context.sink));
        });
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
        if let Some(sink) = self.state.sink_of(page) {
            self.telling.tell(sink, event);
        }
    }
}
