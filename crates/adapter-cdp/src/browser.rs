//! A running browser behind the seam: contexts opened, the process ended.

use std::sync::Arc;
use std::time::Duration;

use chromiumoxide_cdp::cdp::browser_protocol::browser::{
    BrowserContextId, CloseParams, GetVersionParams, SetDownloadBehaviorBehavior,
    SetDownloadBehaviorParams,
};
use chromiumoxide_cdp::cdp::browser_protocol::target::CreateBrowserContextParams;
use futures_util::future::join_all;
use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, BoxFuture, Browser, BrowserInfo, CONNECTION_ENDED, ContextSpec,
    ContextStorage, EventSink, NetworkPolicy, OpenedContext,
};
use ops_contracts::seam::files::Folders;
use ops_contracts::seam::supervise::Supervised;
use tokio::sync::oneshot;

use crate::connection::{CallError, Connection, Route};
use crate::context::emulate::Emulated;
use crate::context::{CdpContext, STRUCTURE_DEADLINE, close_context, create_target, within};
use crate::fault;
use crate::router::Router;
use crate::router::state::{ContextEntry, FirstPage, PROFILE};
use crate::wire;

/// How long a browser may take to write its profile when it is asked to end.
const GRACE: Duration = Duration::from_millis(1500);

/// How long its supervisor takes at most to kill it and to clean up.
const KILL_DEADLINE: Duration = Duration::from_secs(2);

/// What a browser and its contexts share. A process of ours ends with the last of them.
pub(crate) struct Shared {
    pub(crate) connection: Connection,
    pub(crate) router: Arc<Router>,
    /// None where the browser is somebody else's.
    pub(crate) process: Option<Arc<dyn Supervised>>,
    /// Where contexts keep their files.
    pub(crate) folders: Arc<dyn Folders>,
    /// Its profile outlives it.
    pub(crate) persistent: bool,
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Who watches over the browser has handles too, and is in no hurry.
        match &self.process {
            Some(process) => process.kill(),
            None => self.connection.close(),
        }
    }
}

/// Kills a browser, and waits for its end.
pub(crate) async fn end(process: &dyn Supervised) {
    process.kill();
    let _ = tokio::time::timeout(KILL_DEADLINE, process.ended()).await;
}

pub(crate) struct CdpBrowser {
    pub(crate) shared: Arc<Shared>,
    pub(crate) info: BrowserInfo,
}

impl CdpBrowser {
    async fn open(
        &self,
        spec: ContextSpec,
        events: Arc<dyn EventSink>,
    ) -> AdapterResult<OpenedContext> {
        let connection = &self.shared.connection;
        let browser_context = match spec.storage {
            ContextStorage::Isolated => Some(self.make_browser_context(spec.proxy).await?),
            ContextStorage::Profile => None,
        };
        let viewport = spec.viewport;
        let (first, opened) = oneshot::channel();
        let name = browser_context.as_deref().unwrap_or(PROFILE);
        let folder = self.shared.folders.folder(name)?;
        let kept = folder.downloads().to_string_lossy().into_owned();
        let entry = ContextEntry {
            network: NetworkPolicy::default(),
            folder,
            sink: events,
            bridge: spec.bridge.clone(),
            viewport,
            emulated: Emulated::default(),
            browser_context: browser_context.clone(),
            first: Some(first),
        };
        // From here on dropping the context disposes of it, whatever goes wrong below.
        let context = self.enter(browser_context.clone(), entry)?;
        let id = browser_context.map(|id| BrowserContextId::new(&*id));
        // What pages download stays in the context's own folder, under names of the browser's, and goes with it.
        let downloads = SetDownloadBehaviorParams {
            browser_context_id: id.clone(),
            events_enabled: Some(true),
            download_path: Some(kept),
            ..SetDownloadBehaviorParams::new(SetDownloadBehaviorBehavior::AllowAndName)
        };
        let mut batch = connection.batch();
        let downloads = batch.exec(&downloads, Route::BROWSER);
        let created = batch.exec(&create_target(id, viewport), Route::BROWSER);
        batch.send();
        for reply in [downloads, created] {
            reply.await.map_err(attach_failed)?;
        }
        let FirstPage {
            target,
            frame,
            setup,
        } = opened
            .await
            .map_err(|_| AdapterError::lost(CONNECTION_ENDED))?;
        for reply in setup {
            reply.await.map_err(attach_failed)?;
        }
        Ok(OpenedContext {
            context: Arc::new(context),
            target,
            frame,
            passage: None,
        })
    }

    async fn make_browser_context(&self, proxy: Option<String>) -> AdapterResult<Arc<str>> {
        const CALL: &str = "Target.createBrowserContext";
        // Browsers pass proxies by for loopback, unless they are told not to.
        let proxy_bypass_list = proxy.is_some().then(|| "<-loopback>".to_owned());
        let params = CreateBrowserContextParams {
            dispose_on_detach: Some(true),
            proxy_server: proxy,
            proxy_bypass_list,
            ..Default::default()
        };
        let made = self.shared.connection.exec(&params, Route::BROWSER);
        let made: wire::BrowserContextCreated = made
            .decode()
            .await
            .map_err(|error| fault::from_call(CALL, error))?;
        Ok(made.browser_context_id.into())
    }

    fn enter(
        &self,
        browser_context: Option<Arc<str>>,
        entry: ContextEntry,
    ) -> AdapterResult<CdpContext> {
        let id = browser_context.unwrap_or_else(|| PROFILE.into());
        let mut state = self.shared.router.lock();
        if state.lost {
            return Err(AdapterError::lost(CONNECTION_ENDED));
        }
        if state.contexts.contains_key(&id) {
            let reason = "the browser's profile is in use by another context".to_owned();
            return Err(AdapterError::AttachFailed { reason });
        }
        state.contexts.insert(Arc::clone(&id), entry);
        Ok(CdpContext::new(Arc::clone(&self.shared), id))
    }

    async fn end(&self) {
        let shared = &self.shared;
        let Some(process) = &shared.process else {
            return self.detach().await;
        };
        if shared.connection.is_open() && shared.persistent {
            let closing = shared.connection.exec(&CloseParams {}, Route::BROWSER);
            let ended = async {
                let _ = closing.await;
                process.ended().await
            };
            let _ = tokio::time::timeout(GRACE, ended).await;
        }
        end(&**process).await;
    }

    /// Leaves a browser that is somebody else's as it was: without what we have opened in it.
    async fn detach(&self) {
        let shared = &self.shared;
        let contexts: Vec<Arc<str>> = shared.router.lock().contexts.keys().cloned().collect();
        let closing = contexts.iter().flat_map(|id| close_context(shared, id));
        let closed = join_all(closing.collect::<Vec<_>>());
        let _ = tokio::time::timeout(GRACE, closed).await;
        shared.connection.close();
        // From here on everybody knows: nothing of it can be reached.
        shared.router.until(|state| state.lost.then_some(())).await;
    }
}

fn attach_failed(error: CallError) -> AdapterError {
    fault::from_call("Target.createTarget", error).while_attaching()
}

impl Browser for CdpBrowser {
    fn info(&self) -> &BrowserInfo {
        &self.info
    }

    fn open_context(
        &self,
        spec: ContextSpec,
        events: Arc<dyn EventSink>,
    ) -> BoxFuture<'_, AdapterResult<OpenedContext>> {
        Box::pin(within(STRUCTURE_DEADLINE, self.open(spec, events)))
    }

    fn is_connected(&self) -> bool {
        self.shared.connection.is_open()
    }

    fn ping(&self) -> BoxFuture<'_, AdapterResult<()>> {
        let reply = self
            .shared
            .connection
            .exec(&GetVersionParams {}, Route::BROWSER);
        Box::pin(async {
            reply
                .await
                .map(drop)
                .map_err(|error| fault::from_call("Browser.getVersion", error))
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.end())
    }
}
