//! One browser context behind the seam: primitives in, effects out.
//!
//! It looks pages and frames up in the router's state and sends what the protocol needs for a primitive, in as few
//! sequential steps as there are dependencies. It keeps nothing of its own.

mod capture;
mod cookies;
pub(crate) mod emulate;
mod files;
mod input;
mod navigate;
mod network;
mod print;
mod roots;
mod scripts;
mod targets;
mod trace;

pub(crate) use input::touches;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use chromiumoxide_cdp::cdp::browser_protocol::browser::BrowserContextId;
use chromiumoxide_cdp::cdp::browser_protocol::emulation::SetDeviceMetricsOverrideParams;
use chromiumoxide_cdp::cdp::browser_protocol::target::{
    CloseTargetParams, CreateTargetParams, DisposeBrowserContextParams,
};
use futures_util::future::join_all;
use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, BoxFuture, Context, Effect, Performed, Primitive, TargetKey,
    perform,
};
use ops_contracts::wire::command::Viewport;

use crate::browser::Shared;
use crate::connection::{CallError, Reply, Route, ScopeId};
use crate::fault;
use crate::router::state::{PROFILE, Page};

/// How long the browser may take for what no page can delay.
pub(crate) const STRUCTURE_DEADLINE: Duration = Duration::from_secs(20);
/// How long a document or a world may take to appear once it is announced.
const APPEARANCE_DEADLINE: Duration = Duration::from_secs(10);
const CLOSE_DEADLINE: Duration = Duration::from_secs(5);

/// A browser context. Dropping it disposes of it.
pub(crate) struct CdpContext {
    browser: Arc<Shared>,
    id: Arc<str>,
    closed: AtomicBool,
}

pub(crate) fn metrics_override(viewport: Viewport) -> SetDeviceMetricsOverrideParams {
    SetDeviceMetricsOverrideParams::new(viewport.width, viewport.height, viewport.scale, false)
}

/// Every page has a window of its own: what is hidden behind another page draws nothing.
pub(crate) fn create_target(
    context: Option<BrowserContextId>,
    viewport: Viewport,
) -> CreateTargetParams {
    CreateTargetParams {
        browser_context_id: context,
        new_window: Some(true),
        width: Some(viewport.width.into()),
        height: Some(viewport.height.into()),
        ..CreateTargetParams::new("about:blank")
    }
}

impl CdpContext {
    pub(crate) fn new(browser: Arc<Shared>, id: Arc<str>) -> Self {
        Self {
            browser,
            id,
            closed: AtomicBool::new(false),
        }
    }

    /// What is needed of a page, read under the state's lock.
    fn of_page<T>(&self, target: TargetKey, read: impl FnOnce(&Page) -> T) -> AdapterResult<T> {
        self.browser.router.lock().page(&self.id, target).map(read)
    }

    /// The same of a page whose renderer runs.
    fn of_living_page<T>(
        &self,
        target: TargetKey,
        read: impl FnOnce(&Page) -> T,
    ) -> AdapterResult<T> {
        self.browser
            .router
            .lock()
            .living_page(&self.id, target)
            .map(read)
    }

    /// Session and scope of what ends when the page's current document does.
    fn document_route(&self, target: TargetKey) -> AdapterResult<(Arc<str>, Option<ScopeId>)> {
        let state = self.browser.router.lock();
        let page = state.living_page(&self.id, target)?;
        let scope = state
            .frames
            .get(&page.main_frame)
            .map(|frame| frame.scope());
        Ok((Arc::clone(&page.session), scope))
    }

    /// Asks for the end of the context, once.
    fn dispose(&self) -> Vec<Reply> {
        if self.closed.swap(true, Ordering::AcqRel) {
            return Vec::new();
        }
        close_context(&self.browser, &self.id)
    }

    fn forget(&self) {
        let mut state = self.browser.router.lock();
        state.downloads.forget_context(&self.id);
        // Its folder is deleted with it, after the state is unlocked.
        let gone = state.contexts.remove(&self.id);
        drop(state);
        drop(gone);
    }
}

impl Context for CdpContext {
    fn perform(&self, primitive: Primitive) -> BoxFuture<'_, Performed> {
        let name = primitive.name();
        Box::pin(async move {
            let effect = perform(self, primitive).await;
            if let Err(error) = &effect {
                // Inside the span of whoever asked, so that the line carries the request's ids.
                tracing::debug!(primitive = name, %error, "the browser did not do it");
            }
            effect
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let disposed = self.dispose();
            // Whatever comes of it, nothing of the context can be reached any more.
            let _ = tokio::time::timeout(CLOSE_DEADLINE, join_all(disposed)).await;
            self.forget();
        })
    }
}

impl Drop for CdpContext {
    fn drop(&mut self) {
        if !self.closed.load(Ordering::Acquire) {
            self.dispose().into_iter().for_each(Reply::forget);
            self.forget();
        }
    }
}

/// Asks for the end of a context. A profile outlives its pages: there they are closed one by one.
pub(crate) fn close_context(browser: &Shared, id: &Arc<str>) -> Vec<Reply> {
    let connection = &browser.connection;
    if &**id != PROFILE {
        let params = DisposeBrowserContextParams::new(BrowserContextId::new(&**id));
        return vec![connection.exec(&params, Route::BROWSER)];
    }
    let state = browser.router.lock();
    let pages = state.pages.values().filter(|page| page.context == *id);
    let close = |page: &Page| {
        connection.exec(
            &CloseTargetParams::new(page.target_id.to_string()),
            Route::BROWSER,
        )
    };
    pages.map(close).collect()
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

/// The reply to a call that no page can delay.
async fn answered(call: &'static str, reply: Reply) -> AdapterResult<Bytes> {
    within(STRUCTURE_DEADLINE, async {
        reply.await.map_err(failed(call))
    })
    .await
}

/// The effect of a call that is done with its reply.
async fn done(call: &'static str, reply: Reply) -> Performed {
    answered(call, reply).await.map(|_| Effect::Done)
}

/// Names the call that failed.
fn failed(call: &'static str) -> impl Fn(CallError) -> AdapterError {
    move |error| fault::from_call(call, error)
}
