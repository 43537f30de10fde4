//! Navigation of a page's main frame, by URL, by reload and in its history.

use std::time::{Duration, Instant};

use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, DocumentKey, Effect, Navigation, NavigationFailure,
    NavigationFailureKind, Performed, TargetKey,
};
use ops_contracts::seam::calls::Loss;
use ops_contracts::seam::chromium::NOT_ACTIVE;

use super::{BidiContext, STRUCTURE_DEADLINE, answered, failed, within};
use crate::connection::{CallError, Refusal, Route};
use crate::fault::{lost, navigation_failure};
use crate::protocol::Command;
use crate::protocol::browsing_context::{Navigate, Reload, TraverseHistory};
use crate::protocol::network::SetCacheBehavior;
use crate::router::state::{Progress, State};

/// How long to wait before a page that is being exchanged is asked again.
const EXCHANGE: Duration = Duration::from_millis(10);

impl Navigation for BidiContext {
    async fn navigate(&self, target: TargetKey, url: &str) -> Performed {
        let id = self.main_id(target)?;
        if let Some(page) = self.browser.router.lock().pages.get_mut(&target) {
            url.clone_into(&mut page.asked_for);
        }
        let command = Navigate {
            context: &id,
            url,
            wait: "none",
        };
        let navigated = match self.past_exchange(target, &command).await {
            Ok(navigated) => navigated,
            Err(CallError::Refused(Refusal { error, message })) if error == "unknown error" => {
                return Ok(without_document(navigation_failure(&message)));
            }
            Err(CallError::Refused(Refusal { error, .. })) if error == "invalid argument" => {
                let reason = "invalid URL".to_owned();
                return Ok(without_document(NavigationFailure {
                    kind: NavigationFailureKind::Other,
                    reason,
                }));
            }
            Err(error) => return Err(self.placed(target, None, failed(Navigate::METHOD)(error))),
        };
        let Some(navigation) = navigated.navigation else {
            return Ok(Effect::Navigation {
                document: None,
                failure: None,
            });
        };
        let outcome = within(
            STRUCTURE_DEADLINE,
            self.browser
                .router
                .until(|state| self.outcome(state, target, &navigation)),
        );
        let (document, failure) = outcome.await?;
        Ok(Effect::Navigation { document, failure })
    }

    /// Done when it has begun: the command's own reply comes with the new document.
    async fn reload(&self, target: TargetKey, ignore_cache: bool) -> Performed {
        let id = self.main_id(target)?;
        let connection = &self.browser.connection;
        let cache = |cache_behavior| SetCacheBehavior {
            cache_behavior,
            contexts: [&id],
        };
        let begun = self
            .browser
            .router
            .lock()
            .pages
            .get_mut(&target)
            .map(|page| {
                // Where it goes is where it is; the browser does not say while a prompt asks.
                page.asked_for.clear();
            });
        begun.ok_or(AdapterError::TargetClosed)?;
        if ignore_cache {
            let bypass = connection.send(&cache("bypass"), Route::page(target));
            answered(bypass).await?;
        }
        let command = Reload {
            context: &id,
            wait: "none",
        };
        let reloaded = self.past_exchange(target, &command).await;
        if ignore_cache {
            connection
                .send(&cache("default"), Route::page(target))
                .forget();
        }
        match reloaded {
            Ok(_) => Ok(Effect::Done),
            // It failed, or stayed where it was; events tell of it.
            Err(CallError::Refused(Refusal { error, .. })) if error == "unknown error" => {
                Ok(Effect::Done)
            }
            Err(error) => Err(self.placed(target, None, failed(Reload::METHOD)(error))),
        }
    }

    async fn traverse_history(&self, target: TargetKey, delta: i32) -> Performed {
        let id = self.main_id(target)?;
        let command = TraverseHistory {
            context: &id,
            delta,
        };
        match self.past_exchange(target, &command).await {
            Ok(_) => Ok(Effect::Moved(true)),
            Err(CallError::Refused(Refusal { error, .. })) if error == "no such history entry" => {
                Ok(Effect::Moved(false))
            }
            Err(CallError::Lost(Loss::Disconnected)) => Err(lost()),
            Err(error) => Err(self.placed(target, None, failed(TraverseHistory::METHOD)(error))),
        }
    }

    async fn visit_empty(&self, target: TargetKey, url: &str) -> Performed {
        self.open_empty(target, url).await
    }
}

impl BidiContext {
    /// Sends a command, again and again while Chromium refuses it because it exchanges the page's document: it has done nothing then. A page
    /// that is closed is known to the router in a moment.
    async fn past_exchange<C: Command>(
        &self,
        target: TargetKey,
        command: &C,
    ) -> Result<C::Returns, CallError> {
        let until = Instant::now() + STRUCTURE_DEADLINE;
        loop {
            let reply = self.browser.connection.send(command, Route::page(target));
            match reply.decode().await {
                Err(CallError::Refused(Refusal { message, .. }))
                    if message.contains(NOT_ACTIVE)
                        && self.main_id(target).is_ok()
                        && Instant::now() < until =>
                {
                    tokio::time::sleep(EXCHANGE).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// How a navigation ended. The reply comes after the events that tell of it, a download's beginning apart.
    fn outcome(
        &self,
        state: &mut State,
        target: TargetKey,
        navigation: &str,
    ) -> Option<AdapterResult<(Option<DocumentKey>, Option<NavigationFailure>)>> {
        match state.living_page(&self.id, target) {
            Err(error) => Some(Err(error)),
            Ok(page) => match page.navigations.last(navigation) {
                None => Some(Ok((None, None))),
                Some(known) => match &known.progress {
                    Progress::Running(_) | Progress::Replaced(_) => None,
                    Progress::Committed => Some(Ok((Some(known.document), None))),
                    Progress::Within => Some(Ok((None, None))),
                    Progress::Failed(failure) => Some(Ok((None, Some(failure.clone())))),
                },
            },
        }
    }
}

fn without_document(failure: NavigationFailure) -> Effect {
    Effect::Navigation {
        document: None,
        failure: Some(failure),
    }
}
