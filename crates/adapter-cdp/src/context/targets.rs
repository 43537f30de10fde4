//! Pages: opened, closed, brought to the front, resized; dialogs answered.

use std::sync::Arc;

use ops_contracts::adapter::{AdapterError, AdapterResult, Effect, TargetKey};
use ops_contracts::command::Viewport;
use serde::Serialize;
use serde_json::json;

use super::{CdpContext, STRUCTURE_DEADLINE, failed, metrics_override, within};
use crate::connection::Route;
use crate::fault::lost;
use crate::wire;

/// `Target.createTarget`. Every page has a window of its own: what is hidden behind another page draws nothing.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateTarget<'a> {
    pub(crate) url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) browser_context_id: Option<&'a str>,
    pub(crate) new_window: bool,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl CdpContext {
    pub(super) async fn create_target(&self, url: Option<String>) -> AdapterResult<Effect> {
        let (connection, router) = (&self.browser.connection, &self.browser.router);
        let (viewport, browser_context) = {
            let state = router.lock();
            if state.lost {
                return Err(lost("its debugging connection ended"));
            }
            let context = state.contexts.get(&self.id).ok_or(AdapterError::TargetClosed)?;
            (context.viewport, context.browser_context.clone())
        };
        let params = CreateTarget {
            url: url.as_deref().unwrap_or("about:blank"),
            browser_context_id: browser_context.as_deref(),
            new_window: true,
            width: viewport.width,
            height: viewport.height,
        };
        let created = connection.call("Target.createTarget", &params, Route::BROWSER);
        within(STRUCTURE_DEADLINE, async {
            let created: wire::TargetCreated = created.decode().await.map_err(failed("Target.createTarget"))?;
            router
                .until(|state| {
                    if state.lost {
                        return Some(Err(lost("its debugging connection ended")));
                    }
                    let target = *state.targets.get(&*created.target_id)?;
                    let frame = state.pages.get(&target)?.main_frame;
                    Some(Ok(Effect::Target { target, frame }))
                })
                .await
        })
        .await
    }

    pub(super) async fn close_target(&self, target: TargetKey) -> AdapterResult<Effect> {
        let id = self.of_page(target, |page| Arc::clone(&page.target_id))?;
        let params = json!({ "targetId": &*id });
        let closing = self.browser.connection.call("Target.closeTarget", &params, Route::BROWSER);
        within(STRUCTURE_DEADLINE, async {
            closing.await.map_err(failed("Target.closeTarget"))?;
            self.browser
                .router
                .until(|state| (state.lost || !state.pages.contains_key(&target)).then_some(()))
                .await;
            Ok(Effect::Done)
        })
        .await
    }

    pub(super) async fn activate_target(&self, target: TargetKey) -> AdapterResult<Effect> {
        let session = self.of_page(target, |page| Arc::clone(&page.session))?;
        let raised = self.browser.connection.call("Page.bringToFront", &json!({}), Route::session(&session));
        self.takes_front(target);
        within(STRUCTURE_DEADLINE, async { raised.await.map_err(failed("Page.bringToFront")) }).await?;
        Ok(Effect::Done)
    }

    /// Notes that a page is in front of its window from now on. True when it was not.
    pub(super) fn takes_front(&self, target: TargetKey) -> bool {
        let mut state = self.browser.router.lock();
        let Some(window) = state.pages.get(&target).map(|page| page.window) else {
            return false;
        };
        state.fronts.insert(window, target) != Some(target)
    }

    pub(super) async fn set_viewport(&self, target: TargetKey, viewport: Viewport) -> AdapterResult<Effect> {
        const CALL: &str = "Emulation.setDeviceMetricsOverride";
        let session = self.of_living_page(target, |page| Arc::clone(&page.session))?;
        let set = self.browser.connection.call(CALL, &metrics_override(viewport), Route::session(&session));
        within(STRUCTURE_DEADLINE, async { set.await.map_err(failed(CALL)) }).await?;
        Ok(Effect::Done)
    }

    pub(super) async fn answer_dialog(&self, target: TargetKey, accept: bool, text: Option<String>) -> AdapterResult<Effect> {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct HandleDialog {
            accept: bool,
            #[serde(skip_serializing_if = "Option::is_none")]
            prompt_text: Option<String>,
        }
        const CALL: &str = "Page.handleJavaScriptDialog";
        let session = self.of_living_page(target, |page| page.dialog.clone())?.ok_or(AdapterError::DialogMissing)?;
        let params = HandleDialog {
            accept,
            prompt_text: text,
        };
        let handled = self.browser.connection.call(CALL, &params, Route::session(&session));
        within(STRUCTURE_DEADLINE, async { handled.await.map_err(failed(CALL)) }).await?;
        Ok(Effect::Done)
    }
}
