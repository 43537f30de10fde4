//! A running browser behind the seam: contexts opened, the process ended.

use std::sync::Arc;
use std::time::Duration;

use chromiumoxide_cdp::cdp::browser_protocol::browser::{
    BrowserContextId, CloseParams, GetVersionParams, SetDownloadBehaviorBehavior,
    SetDownloadBehaviorParams,
};
use chromiumoxide_cdp::cdp::browser_protocol::target::CreateBrowserContextParams;
use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, BoxFuture, Browser, BrowserInfo, ContextSpec, ContextStorage,
    EventSink, NetworkPolicy, OpenedContext,
};
use tokio::sync::oneshot;

use crate::connection::{Connection, Route};
use crate::context::emulate::Emulated;
use crate::context::{CdpContext, Folder, STRUCTURE_DEADLINE, create_target, within};
use crate::fault;
use crate::launch::{Process, Profile};
use crate::router::Router;
use crate::router::state::{ContextEntry, FirstPage, PROFILE};
use crate::wire;

/// How long a browser may take to write its profile when it is asked to end.
const GRACE: Duration = Duration::from_millis(1500);

/// What a browser and its contexts share. The process ends with the last of them.
pub(crate) struct Shared {
    pub(crate) connection: Connection,
    pub(crate) router: Arc<Router>,
    pub(crate) process: Process,
    pub(crate) profile: Profile,
}

pub(crate) struct CdpBrowser {
    shared: Arc<Shared>,
    info: BrowserInfo,
}

impl CdpBrowser {
    pub(crate) fn new(shared: Shared, info: BrowserInfo) -> Self {
        Self {
            shared: Arc::new(shared),
            info,
        }
    }

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
        let folder = Folder::make(shared_profile(&self.shared), name).map_err(|error| {
            AdapterError::AttachFailed {
                reason: format!("no folder for its files: {error}"),
            }
        })?;
        let folder = Arc::new(folder);
        let kept = folder.downloads();
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
            download_path: Some(kept.to_string_lossy().into_owned()),
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
            .map_err(|_| fault::lost("its debugging connection ended"))?;
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
            return Err(fault::lost("its debugging connection ended"));
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
        if shared.connection.is_open() && matches!(shared.profile, Profile::Persistent(_)) {
            let closing = shared.connection.exec(&CloseParams {}, Route::BROWSER);
            let ended = async {
                let _ = closing.await;
                shared.process.ended().await
            };
            let _ = tokio::time::timeout(GRACE, ended).await;
        }
        shared.process.end().await;
    }
}

fn shared_profile(shared: &Shared) -> &std::path::Path {
    shared.process.profile()
}

fn attach_failed(error: crate::connection::CallError) -> AdapterError {
    match fault::from_call("Target.createTarget", error) {
        AdapterError::Protocol { reason, .. } => AdapterError::AttachFailed { reason },
        AdapterError::TargetClosed => AdapterError::AttachFailed {
            reason: "the page closed at once".to_owned(),
        },
        other => other,
    }
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
