//! Pages: opened, closed, brought to the front, resized; dialogs answered.

use std::sync::Arc;

use chromiumoxide_cdp::cdp::browser_protocol::browser::BrowserContextId;
use chromiumoxide_cdp::cdp::browser_protocol::page;
use chromiumoxide_cdp::cdp::browser_protocol::target::CloseTargetParams;
use futures_util::future::try_join_all;
use ops_contracts::seam::adapter::{
    AdapterError, CONNECTION_ENDED, Effect, Pages, Performed, TargetKey,
};
use ops_contracts::wire::command::Viewport;

use super::{
    CdpContext, STRUCTURE_DEADLINE, create_target, done, failed, metrics_override, within,
};
use crate::connection::Route;
use crate::wire;

impl Pages for CdpContext {
    async fn create_target(&self, url: Option<String>) -> Performed {
        let (connection, router) = (&self.browser.connection, &self.browser.router);
        let (viewport, browser_context) = {
            let state = router.lock();
            if state.lost {
                return Err(AdapterError::lost(CONNECTION_ENDED));
            }
            let context = state.context(&self.id)?;
            (context.viewport, context.browser_context.clone())
        };
        let params = create_target(
            browser_context.map(|id| BrowserContextId::new(&*id)),
            viewport,
        );
        let created = connection.exec(&params, Route::BROWSER);
        let (target, frame, session, setup) = within(STRUCTURE_DEADLINE, async {
            let created: wire::TargetCreated = created
                .decode()
                .await
                .map_err(failed("Target.createTarget"))?;
            router
                .until(|state| {
                    if state.lost {
                        return Some(Err(AdapterError::lost(CONNECTION_ENDED)));
                    }
                    let target = *state.targets.get(&*created.target_id)?;
                    let page = state.pages.get_mut(&target)?;
                    Some(Ok((
                        target,
                        page.main_frame,
                        Arc::clone(&page.session),
                        std::mem::take(&mut page.setup),
                    )))
                })
                .await
        })
        .await?;
        // What navigates before its events are switched on does so unseen.
        let ready = async { try_join_all(setup).await.map_err(failed("Page.enable")) };
        within(STRUCTURE_DEADLINE, ready).await?;
        if let Some(url) = url {
            connection
                .exec(&page::NavigateParams::new(url), Route::session(&session))
                .forget();
        }
        Ok(Effect::Target { target, frame })
    }

    async fn close_target(&self, target: TargetKey) -> Performed {
        let id = self.of_page(target, |page| Arc::clone(&page.target_id))?;
        let closing = self
            .browser
            .connection
            .exec(&CloseTargetParams::new(id.to_string()), Route::BROWSER);
        within(STRUCTURE_DEADLINE, async {
            closing.await.map_err(failed("Target.closeTarget"))?;
            let router = &self.browser.router;
            router
                .until(|state| (state.lost || !state.pages.contains_key(&target)).then_some(()))
                .await;
            Ok(Effect::Done)
        })
        .await
    }

    async fn activate_target(&self, target: TargetKey) -> Performed {
        let session = self.of_page(target, |page| Arc::clone(&page.session))?;
        let raised = self
            .browser
            .connection
            .exec(&page::BringToFrontParams {}, Route::session(&session));
        self.takes_front(target);
        done("Page.bringToFront", raised).await
    }

    async fn set_viewport(&self, target: TargetKey, viewport: Viewport) -> Performed {
        const CALL: &str = "Emulation.setDeviceMetricsOverride";
        let session = self.of_living_page(target, |page| Arc::clone(&page.session))?;
        let set = self
            .browser
            .connection
            .exec(&metrics_override(viewport), Route::session(&session));
        done(CALL, set).await
    }

    async fn answer_dialog(
        &self,
        target: TargetKey,
        accept: bool,
        text: Option<String>,
    ) -> Performed {
        const CALL: &str = "Page.handleJavaScriptDialog";
        let session = self
            .of_living_page(target, |page| page.dialog.clone())?
            .ok_or(AdapterError::DialogMissing)?;
        let params = page::HandleJavaScriptDialogParams {
            accept,
            prompt_text: text,
        };
        let handled = self
            .browser
            .connection
            .exec(&params, Route::session(&session));
        done(CALL, handled).await
    }
}

impl CdpContext {
    /// Notes that a page is in front of its window from now on. True when it was not.
    pub(super) fn takes_front(&self, target: TargetKey) -> bool {
        let mut state = self.browser.router.lock();
        let Some(window) = state.pages.get(&target).map(|page| page.window) else {
            return false;
        };
        state.fronts.insert(window, target) != Some(target)
    }
}
