//! One user context behind the seam: primitives in, effects out.
//!
//! It looks pages and frames up in the router's state and sends what the protocol needs for a primitive, in as few
//! sequential steps as there are dependencies. It keeps nothing of its own.

mod capture;
mod cookies;
mod emulate;
mod files;
mod input;
mod keys;
mod navigate;
mod network;
mod passage;
mod roots;
mod scripts;
mod targets;
mod value;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, BoxFuture, Context, Effect, FrameKey, Performed, Primitive,
    TargetKey, Traces, perform,
};

use crate::browser::Shared;
use crate::connection::{CallError, Outstanding, Reply, Route};
use crate::fault;
use crate::protocol::Command;
use crate::protocol::browser::RemoveUserContext;
use crate::protocol::browsing_context::Close;
use crate::protocol::network::{RemoveDataCollector, RemoveIntercept};
use crate::protocol::script::RemovePreloadScript;
use crate::router::state::{PROFILE, Page, State};
pub(crate) use passage::{ContextPassage, dress_later, realms_anew};
pub(crate) use scripts::{RENEWAL, preload};
pub(crate) use targets::viewport_of;

/// How long the browser may take for what no page can delay.
pub(crate) const STRUCTURE_DEADLINE: Duration = Duration::from_secs(20);
/// How long a document that was announced may take to appear.
const APPEARANCE_DEADLINE: Duration = Duration::from_secs(10);
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

/// A user context. Dropping it disposes of it.
pub(crate) struct BidiContext {
    browser: Arc<Shared>,
    id: Arc<str>,
    /// The script that puts the bridge into new documents.
    preload: std::sync::OnceLock<String>,
    /// What keeps bodies for it.
    collector: std::sync::OnceLock<String>,
    /// What pauses requests while it has rules for them. Held over the calls that add or remove it, so that policies hold one after the other:
    /// an asynchronous lock, since those calls are waited for.
    intercept: tokio::sync::Mutex<Option<String>>,
    closed: AtomicBool,
}

impl BidiContext {
    pub(crate) fn new(browser: Arc<Shared>, id: Arc<str>) -> Self {
        let (preload, collector) = Default::default();
        Self {
            browser,
            id,
            preload,
            collector,
            intercept: tokio::sync::Mutex::default(),
            closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn id(&self) -> &Arc<str> {
        &self.id
    }

    pub(crate) fn set_preload(&self, script: String) {
        // Set once, by the one who opens the context.
        let _ = self.preload.set(script);
    }

    pub(crate) fn set_collector(&self, collector: String) {
        let _ = self.collector.set(collector);
    }

    /// What is needed of a page, read under the state's lock.
    fn of_page<T>(
        &self,
        target: TargetKey,
        read: impl FnOnce(&State, &Page) -> T,
    ) -> AdapterResult<T> {
        let state = self.browser.router.lock();
        state.page(&self.id, target).map(|page| read(&state, page))
    }

    /// The same of a page whose content process runs.
    fn of_living_page<T>(
        &self,
        target: TargetKey,
        read: impl FnOnce(&State, &Page) -> T,
    ) -> AdapterResult<T> {
        let state = self.browser.router.lock();
        state
            .living_page(&self.id, target)
            .map(|page| read(&state, page))
    }

    /// Says what a refusal means where the frame or page has gone since.
    fn placed(
        &self,
        target: TargetKey,
        frame: Option<FrameKey>,
        error: AdapterError,
    ) -> AdapterError {
        if !matches!(
            error,
            AdapterError::FrameGone | AdapterError::DocumentGone | AdapterError::Protocol { .. }
        ) {
            return error;
        }
        let state = self.browser.router.lock();
        match (state.living_page(&self.id, target), frame) {
            (Err(gone), _) => gone,
            (Ok(page), Some(frame))
                if error == AdapterError::FrameGone && state.frames.contains_key(&frame) =>
            {
                // The browser has heard of its end before we did.
                if page.main_frame == frame {
                    AdapterError::TargetClosed
                } else {
                    AdapterError::FrameGone
                }
            }
            (Ok(_), None) if error == AdapterError::FrameGone => AdapterError::TargetClosed,
            _ => error,
        }
    }

    /// Asks for the end of the context, once. A profile outlives its pages: there they are closed one by one.
    fn dispose(&self) -> Vec<Outstanding> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Vec::new();
        }
        let connection = &self.browser.connection;
        if let Some(script) = self.preload.get() {
            connection
                .send(&RemovePreloadScript { script }, Route::BROWSER)
                .forget();
        }
        if let Some(collector) = self.collector.get() {
            connection
                .send(&RemoveDataCollector { collector }, Route::BROWSER)
                .forget();
        }
        if let Ok(mut intercept) = self.intercept.try_lock()
            && let Some(intercept) = intercept.take()
        {
            connection
                .send(
                    &RemoveIntercept {
                        intercept: &intercept,
                    },
                    Route::BROWSER,
                )
                .forget();
        }
        if &*self.id != PROFILE {
            let removed = connection.send(
                &RemoveUserContext {
                    user_context: &self.id,
                },
                Route::BROWSER,
            );
            return vec![removed.outstanding()];
        }
        let state = self.browser.router.lock();
        let mains = state
            .pages
            .values()
            .filter(|page| page.context == self.id)
            .filter_map(|page| state.frames.get(&page.main_frame));
        mains
            .map(|main| {
                connection
                    .send(&Close { context: &main.id }, Route::BROWSER)
                    .outstanding()
            })
            .collect()
    }

    /// Nothing of it can be reached any more, whatever the browser has told of its end.
    fn forget(&self) {
        let gone = self
            .browser
            .router
            .lock()
            .forget_context(&self.id, &self.browser.connection);
        // Its folder is deleted with it, after the state is unlocked.
        drop(gone);
    }
}

/// This protocol records no traces.
impl Traces for BidiContext {}

impl Context for BidiContext {
    fn perform(&self, primitive: Primitive) -> BoxFuture<'_, Performed> {
        Box::pin(perform(self, primitive))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let disposed = self.dispose();
            let gone = async {
                join_all(disposed).await;
                let ours = |state: &State| state.pages.values().any(|page| page.context == self.id);
                self.browser
                    .router
                    .until(|state| (state.lost || !ours(state)).then_some(()))
                    .await;
            };
            // Whatever comes of it, nothing of the context can be reached any more.
            let _ = tokio::time::timeout(CLOSE_DEADLINE, gone).await;
            self.forget();
        })
    }
}

impl Drop for BidiContext {
    fn drop(&mut self) {
        if !self.closed.load(Ordering::Acquire) {
            drop(self.dispose());
            self.forget();
        }
    }
}

/// Bounds what the browser itself must answer.
pub(crate) async fn within<T>(
    deadline: Duration,
    work: impl Future<Output = AdapterResult<T>>,
) -> AdapterResult<T> {
    tokio::time::timeout(deadline, work)
        .await
        .unwrap_or(Err(AdapterError::Unresponsive))
}

/// The reply to a command that no page can delay.
async fn answered<C: Command>(reply: Reply<C>) -> AdapterResult<Bytes> {
    let answer = async { reply.await.map_err(failed(C::METHOD)) };
    within(STRUCTURE_DEADLINE, answer).await
}

/// The effect of a command that is done with its reply.
async fn done<C: Command>(reply: Reply<C>) -> Performed {
    answered(reply).await?;
    Ok(Effect::Done)
}

/// Names the call that failed.
pub(crate) fn failed(call: &'static str) -> impl Fn(CallError) -> AdapterError {
    move |error| fault::from_call(call, error)
}
