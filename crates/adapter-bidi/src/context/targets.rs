//! Pages: opened, closed, brought to the front, resized; prompts answered.

use std::iter;
use std::sync::Arc;
use std::time::Duration;

use super::done;
use futures_util::future::join_all;
use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, Effect, FrameKey, Pages, Performed, TargetKey,
};
use ops_contracts::wire::command::Viewport;
use tokio::sync::RwLockWriteGuard;

use super::passage::dress;
use super::{BidiContext, STRUCTURE_DEADLINE, failed, within};
use crate::connection::{CallError, Outstanding, Refusal, Route};
use crate::fault::lost;
use crate::protocol::Command;
use crate::protocol::browsing_context::{
    Activate, Close, Create, HandleUserPrompt, Navigate, SetViewport, Size,
};
use crate::router::state::State;

/// How long those who act and those who open windows wait for each other. Who takes longer waits for something himself, as for
/// the answer to a prompt.
const FOCUS_TURN: Duration = Duration::from_millis(500);

/// `browsingContext.setViewport` for one page or for all of a context.
pub(crate) fn viewport_of<'a>(
    context: Option<&'a str>,
    user_context: Option<&'a str>,
    viewport: Viewport,
) -> SetViewport<'a> {
    SetViewport {
        context,
        user_contexts: user_context.map(|id| [id]),
        viewport: Size {
            width: viewport.width,
            height: viewport.height,
        },
        device_pixel_ratio: viewport.scale,
    }
}

impl Pages for BidiContext {
    async fn create_target(&self, url: Option<String>) -> Performed {
        if self.browser.router.lock().lost {
            return Err(lost());
        }
        let (target, frame) = within(STRUCTURE_DEADLINE, self.make_page()).await?;
        if let Some(url) = url {
            let id = self.main_id(target)?;
            self.browser
                .connection
                .send(
                    &Navigate {
                        context: &id,
                        url: &url,
                        wait: "none",
                    },
                    Route::page(target),
                )
                .forget();
        }
        Ok(Effect::Target { target, frame })
    }

    async fn close_target(&self, target: TargetKey) -> Performed {
        let id = self.main_id(target)?;
        let closing = self
            .browser
            .connection
            .send(&Close { context: &id }, Route::BROWSER);
        within(STRUCTURE_DEADLINE, async {
            match closing.await {
                Ok(_) => {}
                // It closed by itself meanwhile.
                Err(CallError::Refused(Refusal { error, .. })) if error == "no such frame" => {}
                Err(error) => return Err(failed(Close::METHOD)(error)),
            }
            let router = &self.browser.router;
            router
                .until(|state| (state.lost || !state.pages.contains_key(&target)).then_some(()))
                .await;
            Ok(Effect::Done)
        })
        .await
    }

    async fn activate_target(&self, target: TargetKey) -> Performed {
        let id = self.main_id(target)?;
        let raised = self
            .browser
            .connection
            .send(&Activate { context: &id }, Route::page(target));
        self.takes_focus(target);
        done(raised).await
    }

    async fn set_viewport(&self, target: TargetKey, viewport: Viewport) -> Performed {
        let id = self.main_id(target)?;
        let set = self
            .browser
            .connection
            .send(&viewport_of(Some(&id), None, viewport), Route::page(target))
            .outstanding();
        let resized = self.fit_windows(viewport);
        for reply in within(STRUCTURE_DEADLINE, async {
            Ok(join_all(iter::once(set).chain(resized)).await)
        })
        .await?
        {
            reply.map_err(failed(SetViewport::METHOD))?;
        }
        Ok(Effect::Done)
    }

    async fn answer_dialog(
        &self,
        target: TargetKey,
        accept: bool,
        text: Option<String>,
    ) -> Performed {
        let context = self
            .of_living_page(target, |_, page| page.prompt.clone())?
            .ok_or(AdapterError::DialogMissing)?;
        let answer = HandleUserPrompt {
            context: &context,
            accept,
            user_text: text,
        };
        let handled = self.browser.connection.send(&answer, Route::page(target));
        done(handled).await
    }
}

impl BidiContext {
    /// Makes a page in a window of its own: what is hidden behind another page draws nothing.
    pub(crate) async fn make_page(&self) -> AdapterResult<(TargetKey, FrameKey)> {
        let (connection, router) = (&self.browser.connection, &self.browser.router);
        let _quiet = tokio::time::timeout(FOCUS_TURN, self.browser.focus.read()).await;
        let created = connection.send(
            &Create {
                r#type: "window",
                user_context: &self.id,
            },
            Route::BROWSER,
        );
        let created = created.decode().await.map_err(failed(Create::METHOD))?;
        let known = |state: &mut State| {
            if state.lost {
                return Some(Err(lost()));
            }
            state
                .locate(&created.context)
                .map(|(frame, target)| Ok((target, frame)))
        };
        let (target, frame) = router.until(known).await?;
        let held = router
            .lock()
            .contexts
            .get(&self.id)
            .map(|context| context.held.clone())
            .unwrap_or_default();
        if !held.is_empty() {
            dress(connection, &created.context, target, held).await;
        }
        Ok((target, frame))
    }

    /// The browsing context of a page's main frame.
    pub(super) fn main_id(&self, target: TargetKey) -> AdapterResult<Arc<str>> {
        self.of_page(target, |state, page| {
            state
                .frames
                .get(&page.main_frame)
                .map(|frame| Arc::clone(&frame.id))
        })?
        .ok_or(AdapterError::TargetClosed)
    }

    /// Notes that a page has the focus from now on. True when it had not.
    fn takes_focus(&self, target: TargetKey) -> bool {
        self.browser.router.lock().active.replace(target) != Some(target)
    }

    /// Gives a page the focus: without it no element of it is told of focus, and behind another one of its window it is
    /// not drawn either.
    pub(super) async fn to_front(&self, target: TargetKey) -> AdapterResult<()> {
        if self.takes_focus(target) {
            self.activate_target(target).await?;
        }
        Ok(())
    }

    /// The turn to have the focus, while it is held; none where somebody else has it for too long.
    pub(super) async fn focus_turn(&self) -> Option<RwLockWriteGuard<'_, ()>> {
        tokio::time::timeout(FOCUS_TURN, self.browser.focus.write())
            .await
            .ok()
    }

    /// Gives a page the focus back that it was found to have lost while it was acted on: its elements are told of the focus
    /// then. A page of the same context that came to the front meanwhile keeps it, as a popup does.
    pub(super) async fn back_to_front(&self, target: TargetKey) -> AdapterResult<()> {
        let lost = {
            let mut state = self.browser.router.lock();
            let other = state.active.filter(|active| *active != target);
            let rival = other
                .and_then(|active| state.pages.get(&active))
                .is_some_and(|page| page.context == self.id);
            state.active.take_if(|_| !rival);
            !rival && state.pages.contains_key(&target)
        };
        if lost {
            self.to_front(target).await
        } else {
            Ok(())
        }
    }

    /// Makes the windows of all pages large enough for this viewport, those of pages to come too.
    pub(super) fn fit_windows(&self, viewport: Viewport) -> Vec<Outstanding> {
        let mut state = self.browser.router.lock();
        if let Some(context) = state.contexts.get_mut(&self.id) {
            context.viewport = viewport;
        }
        let ours = state
            .pages
            .iter()
            .filter(|(_, page)| page.context == self.id)
            .map(|(target, _)| *target);
        let resizing = ours.filter_map(|target| state.fitting_window(target, false));
        resizing
            .map(|resized| {
                self.browser
                    .connection
                    .send(&resized, Route::BROWSER)
                    .outstanding()
            })
            .collect()
    }
}
