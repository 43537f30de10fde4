//! Navigation of a page's main frame, by URL, by reload and in its history.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chromiumoxide_cdp::cdp::browser_protocol::page::{
    GetNavigationHistoryParams, NavigateParams, NavigateToHistoryEntryParams, ReloadParams,
};
use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, DocumentKey, Effect, Navigation, NavigationFailure,
    NavigationFailureKind, Performed, TargetKey,
};
use ops_contracts::seam::chromium::navigation_failure;

use super::{APPEARANCE_DEADLINE, CdpContext, STRUCTURE_DEADLINE, failed, within};
use crate::connection::{CallError, Refusal, Route};
use crate::router::state::State;
use crate::wire;

/// How long to wait before a page that is being exchanged is asked again.
const EXCHANGE: Duration = Duration::from_millis(10);

impl Navigation for CdpContext {
    async fn navigate(&self, target: TargetKey, url: &str) -> Performed {
        const CALL: &str = "Page.navigate";
        let session = self.of_page(target, |page| Arc::clone(&page.session))?;
        let (connection, params) = (&self.browser.connection, NavigateParams::new(url));
        let navigate = || async {
            let navigated = connection.exec(&params, Route::session(&session));
            match navigated.decode::<wire::Navigated>().await {
                Err(CallError::Refused(Refusal { message, .. }))
                    if message.contains("Cannot navigate to invalid URL") =>
                {
                    Ok(None)
                }
                other => other.map(Some).map_err(failed(CALL)),
            }
        };
        let Some(navigated) = self.past_exchange(target, navigate).await? else {
            return Ok(failure(NavigationFailureKind::Other, "ERR_INVALID_URL"));
        };
        let failure = navigated
            .error_text
            .as_deref()
            .filter(|text| !text.is_empty())
            .map(navigation_failure);
        let aborted = failure
            .as_ref()
            .is_some_and(|failure| failure.kind == NavigationFailureKind::Aborted);
        let document = match navigated.loader_id.filter(|_| !aborted) {
            Some(loader) => Some(self.committed(target, &loader).await?),
            // It stayed within the document, or got none.
            None => None,
        };
        // The page that explains a failure is a document too, but not the one that was asked for.
        let document = document.filter(|_| failure.is_none());
        Ok(Effect::Navigation { document, failure })
    }

    async fn reload(&self, target: TargetKey, ignore_cache: bool) -> Performed {
        const CALL: &str = "Page.reload";
        let session = self.of_page(target, |page| Arc::clone(&page.session))?;
        let params = ReloadParams {
            ignore_cache: Some(ignore_cache),
            ..Default::default()
        };
        let connection = &self.browser.connection;
        let reload = || async {
            let reloaded = connection.exec(&params, Route::session(&session));
            reloaded.await.map_err(failed(CALL))
        };
        self.past_exchange(target, reload).await?;
        Ok(Effect::Done)
    }

    async fn traverse_history(&self, target: TargetKey, delta: i32) -> Performed {
        let step = || self.move_in_history(target, delta);
        within(STRUCTURE_DEADLINE, self.past_exchange(target, step)).await
    }

    async fn visit_empty(&self, target: TargetKey, url: &str) -> Performed {
        self.open_empty(target, url).await
    }
}

impl CdpContext {
    /// Repeats a call that the browser refuses while it exchanges the page's document: it says that the page is closed and has done
    /// nothing. A page that is closed indeed is known to the router in a moment.
    async fn past_exchange<T, F>(&self, target: TargetKey, call: impl Fn() -> F) -> AdapterResult<T>
    where
        F: Future<Output = AdapterResult<T>>,
    {
        let until = Instant::now() + STRUCTURE_DEADLINE;
        loop {
            match call().await {
                Err(AdapterError::TargetClosed)
                    if self.of_page(target, |_| ()).is_ok() && Instant::now() < until =>
                {
                    tokio::time::sleep(EXCHANGE).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Waits until the document of `loader` is committed: the browser says so first, the renderer a moment later.
    async fn committed(&self, target: TargetKey, loader: &str) -> AdapterResult<DocumentKey> {
        let check = |state: &mut State| match state.living_page(&self.id, target) {
            Err(error) => Some(Err(error)),
            Ok(page) => {
                let document = page.documents.get(loader)?;
                let current = state.frames.get(&page.main_frame)?.document;
                // Keys grow: a later document means that this one came and went.
                (document.committed || current > document.key).then_some(Ok(document.key))
            }
        };
        within(APPEARANCE_DEADLINE, self.browser.router.until(check)).await
    }

    async fn move_in_history(&self, target: TargetKey, delta: i32) -> Performed {
        const READ: &str = "Page.getNavigationHistory";
        const GO: &str = "Page.navigateToHistoryEntry";
        let session = self.of_page(target, |page| Arc::clone(&page.session))?;
        let (connection, route) = (&self.browser.connection, Route::session(&session));
        let history = connection.exec(&GetNavigationHistoryParams {}, route);
        let history: wire::NavigationHistory = history.decode().await.map_err(failed(READ))?;
        let index = usize::try_from(history.current_index + i64::from(delta));
        let Some(entry) = index.ok().and_then(|index| history.entries.get(index)) else {
            return Ok(Effect::Moved(false));
        };
        let moved = connection.exec(&NavigateToHistoryEntryParams::new(entry.id), route);
        match moved.await.map_err(failed(GO)) {
            // Going there may replace the document that the call was made from.
            Ok(_) | Err(AdapterError::DocumentGone) => Ok(Effect::Moved(true)),
            Err(error) => Err(error),
        }
    }
}

fn failure(kind: NavigationFailureKind, reason: &str) -> Effect {
    Effect::Navigation {
        document: None,
        failure: Some(NavigationFailure {
            kind,
            reason: reason.to_owned(),
        }),
    }
}
