//! Turns the browser's events into changes of [`State`] and into the seam's events, in the order in which they come.
//!
//! It runs on the connection's reading task: it never waits, and it sends commands only where the protocol demands an
//! immediate reaction, which is to set up what was just attached. Events go to sinks after the state is unlocked.

mod downloads;
mod empty;
mod frames;
mod intercept;
mod messages;
mod network;
mod pages;
mod scripts;
pub(crate) mod state;

use std::sync::Arc;

use ops_contracts::seam::adapter::{Event as SeamEvent, TargetKey};
use ops_contracts::seam::observed::{Observed, Telling};

use crate::connection::{CallError, Connection, Event, EventSink};
pub(crate) use intercept::apply;
pub(crate) use messages::exception_text;
pub(crate) use pages::attach_pages;
use state::{SessionKind, State};

/// The name of the bridge's world. Pages cannot see it.
pub(crate) const WORLD: &str = "odb";

/// The function by which the bridge tells what nobody has asked for.
pub(crate) const TELL: &str = "__odbTell";

/// The state of one browser, changed by its events.
pub(crate) type Router = Observed<State>;

/// One event's handling: the state, and what is to be told afterwards.
struct Turn<'a> {
    state: &'a mut State,
    connection: &'a Connection,
    telling: &'a mut Telling,
}

impl EventSink for Router {
    fn event(&self, connection: &Connection, event: Event<'_>) {
        self.turn(|state, telling| {
            let mut turn = Turn {
                state,
                connection,
                telling,
            };
            if let Err(error) = turn.take(event) {
                tracing::warn!(%error, method = event.method, "an event of the browser is not understood");
            }
        });
    }

    fn closed(&self) {
        self.turn(|state, telling| {
            state.lost = true;
            telling.lost(state.contexts.drain().map(|(_, context)| context.sink));
        });
    }
}

type Taken = Result<(), CallError>;

impl Turn<'_> {
    fn take(&mut self, event: Event<'_>) -> Taken {
        match event.method {
            "Target.attachedToTarget" => return self.attached(event),
            "Target.detachedFromTarget" => return self.detached(event),
            "Browser.downloadWillBegin" => return self.browser_download(event),
            "Browser.downloadProgress" => return self.download_progress(event),
            "Tracing.tracingComplete" => return self.trace_complete(event),
            _ => {}
        }
        // Events of the browser itself and of sessions that are gone concern nobody.
        let Some((session, entry)) = event
            .session
            .and_then(|id| self.state.sessions.get_key_value(id))
        else {
            return Ok(());
        };
        let (session, page, kind) = (Arc::clone(session), entry.page, entry.kind);
        match event.method {
            "Page.frameAttached" => self.frame_attached(page, &session, event),
            "Page.frameDetached" => self.frame_detached(page, event),
            "Page.frameNavigated" => self.frame_navigated(page, &session, event),
            "Page.frameRequestedNavigation" => self.navigation_requested(page, event),
            "Page.frameStartedNavigating" => self.navigation_started(page, event),
            "Page.navigatedWithinDocument" => self.url_changed(page, event),
            "Page.lifecycleEvent" => self.lifecycle(page, &session, event),
            "Page.javascriptDialogOpening" => self.dialog_opening(page, &session, event),
            "Page.javascriptDialogClosed" => self.dialog_closed(page, event),
            "Page.downloadWillBegin" => self.download(page, event),
            "Runtime.executionContextCreated" if kind != SessionKind::Worker => {
                self.world_created(&session, event)
            }
            "Runtime.executionContextDestroyed" => self.world_destroyed(&session, event),
            "Runtime.executionContextsCleared" => self.worlds_cleared(&session),
            "Runtime.bindingCalled" => self.told(&session, event),
            "Runtime.consoleAPICalled" => self.console(page, event),
            "Runtime.exceptionThrown" => self.exception(page, event),
            "Log.entryAdded" => self.log_entry(page, event),
            "Input.dragIntercepted" => self.drag_intercepted(page, event),
            "Page.fileChooserOpened" => self.chooser_opened(page, event),
            "Fetch.requestPaused" => self.request_paused(page, &session, event),
            "Fetch.authRequired" => self.auth_required(page, &session, event),
            "Network.requestWillBeSent" => self.request(page, &session, event),
            "Network.requestWillBeSentExtraInfo" => self.headers(page, &session, event, false),
            "Network.responseReceivedExtraInfo" => self.headers(page, &session, event, true),
            "Network.responseReceived" => self.response(page, &session, event),
            "Network.loadingFinished" => self.finished(page, event),
            "Network.loadingFailed" => self.failed(page, event),
            "Inspector.targetCrashed" => self.crashed(page, &session, kind),
            "Inspector.targetReloadedAfterCrash" => self.revived(page, kind),
            _ => Ok(()),
        }
    }

    fn tell(&mut self, page: TargetKey, event: SeamEvent) {
        if let Some(sink) = self.state.sink_of(page) {
            self.telling.tell(sink, event);
        }
    }
}
