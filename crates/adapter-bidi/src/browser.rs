//! A running browser behind the seam: contexts opened, the process ended.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, BoxFuture, Browser, BrowserInfo, ContextSpec, ContextStorage,
    EventSink, NetworkPolicy, OpenedContext,
};
use ops_contracts::seam::supervise::Supervised;

use crate::confine::proxy;
use crate::connection::{CallError, Connection, Route};
use crate::context::{
    BidiContext, ContextPassage, STRUCTURE_DEADLINE, preload, viewport_of, within,
};
use crate::driver::Driver;
use crate::fault;
use crate::protocol::browser::{
    Close, CreateUserContext, DownloadBehavior, GetUserContexts, SetDownloadBehavior,
};
use crate::protocol::network::{AddDataCollector, DataType};
use crate::protocol::script::AddPreloadScript;
use crate::router::state::{ContextEntry, PROFILE};
use crate::router::{Router, SANDBOX};

/// How long a browser may take to write its profile, where that is kept: what is cut off here is lost.
pub(crate) const GRACE: Duration = Duration::from_secs(5);
/// How long its supervisor takes at most to kill it and to clean up.
const KILL_DEADLINE: Duration = Duration::from_secs(5);

/// Bodies that are kept for those who ask for them, and the longest in bytes.
const BODIES: [DataType; 2] = [DataType::Request, DataType::Response];
const MAX_BODY: u32 = 8 << 20;

/// What a browser and its contexts share. The process ends with the last of them.
pub(crate) struct Shared {
    pub(crate) connection: Connection,
    pub(crate) router: Arc<Router>,
    pub(crate) process: Arc<dyn Supervised>,
    /// The way to it.
    pub(crate) driver: Driver,
    /// It has no display.
    pub(crate) headless: bool,
    /// Its profile outlives it.
    pub(crate) persistent: bool,
    /// Held alone by whoever acts on a page, shared by those who open windows: a window that opens takes the focus some time
    /// after it is announced. It guards no value: each holds it for the whole of what the other would disturb, or goes on without after a while.
    pub(crate) focus: tokio::sync::RwLock<()>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.process.kill();
    }
}

pub(crate) struct BidiBrowser {
    pub(crate) shared: Arc<Shared>,
    pub(crate) info: BrowserInfo,
}

impl BidiBrowser {
    async fn open(
        &self,
        spec: ContextSpec,
        events: Arc<dyn EventSink>,
    ) -> AdapterResult<OpenedContext> {
        // Loopback would go past it.
        if spec.proxy.is_some() && self.shared.driver == Driver::Chromedriver {
            return Err(AdapterError::Unsupported {
                primitive: "open context through a proxy",
            });
        }
        let proxy = spec
            .proxy
            .as_deref()
            .map(|url| proxy(url, &[]))
            .transpose()?;
        let connection = &self.shared.connection;
        let id: Arc<str> = match spec.storage {
            ContextStorage::Isolated => {
                let made = connection
                    .send(&CreateUserContext { proxy }, Route::BROWSER)
                    .decode()
                    .await;
                made.map_err(attach_failed)?.user_context.into()
            }
            ContextStorage::Profile => PROFILE.into(),
        };
        let folder = self.shared.process.folder(&id)?;
        let downloads_at = folder.downloads().to_string_lossy().into_owned();
        let entry = ContextEntry {
            sink: events,
            bridge: spec.bridge.clone(),
            expects_first: true,
            viewport: spec.viewport,
            headless: self.shared.headless,
            folder,
            network: NetworkPolicy::default(),
            everywhere: Vec::new(),
            permitted: HashSet::new(),
            held: Vec::new(),
        };
        // From here on dropping the context disposes of it, whatever goes wrong below.
        let context = self.enter(id, entry)?;
        let user_contexts = [&**context.id()];
        let declaration = preload(&spec.bridge.start);
        let arguments = self.shared.driver.preload_arguments();
        let script = AddPreloadScript {
            function_declaration: &declaration,
            arguments,
            sandbox: SANDBOX,
            user_contexts,
        };
        let script = connection.send(&script, Route::BROWSER);
        let sized = connection.send(
            &viewport_of(None, Some(context.id()), spec.viewport),
            Route::BROWSER,
        );
        let kept = DownloadBehavior {
            r#type: "allowed",
            destination_folder: &downloads_at,
        };
        let downloads = connection.send(
            &SetDownloadBehavior {
                download_behavior: kept,
                user_contexts,
            },
            Route::BROWSER,
        );
        let bodies = AddDataCollector {
            data_types: &BODIES,
            max_encoded_data_size: MAX_BODY,
            user_contexts,
        };
        let bodies = connection.send(&bodies, Route::BROWSER);
        context.set_preload(script.decode().await.map_err(attach_failed)?.script);
        sized.await.map_err(attach_failed)?;
        downloads.await.map_err(attach_failed)?;
        context.set_collector(bodies.decode().await.map_err(attach_failed)?.collector);
        let (target, frame) = context.make_page().await?;
        let passage = (self.shared.driver == Driver::Chromedriver).then(|| {
            Arc::new(ContextPassage::new(
                Arc::clone(&self.shared),
                Arc::clone(context.id()),
            )) as _
        });
        Ok(OpenedContext {
            context: Arc::new(context),
            target,
            frame,
            passage,
        })
    }

    fn enter(&self, id: Arc<str>, entry: ContextEntry) -> AdapterResult<BidiContext> {
        let mut state = self.shared.router.lock();
        if state.lost {
            return Err(fault::lost());
        }
        if state.contexts.contains_key(&id) {
            let reason = "the browser's profile is in use by another context".to_owned();
            return Err(AdapterError::AttachFailed { reason });
        }
        state.contexts.insert(Arc::clone(&id), entry);
        Ok(BidiContext::new(Arc::clone(&self.shared), id))
    }

    async fn end(&self) {
        let shared = &self.shared;
        if shared.connection.is_open() && shared.persistent {
            let closing = shared.connection.send(&Close {}, Route::BROWSER);
            let ended = async {
                let _ = closing.await;
                match shared.driver {
                    Driver::Firefox => drop(shared.process.ended().await),
                    // The driver stays when its browser has gone, and ends the connection.
                    Driver::Chromedriver => {
                        shared.router.until(|state| state.lost.then_some(())).await
                    }
                }
            };
            let _ = tokio::time::timeout(GRACE, ended).await;
        }
        shared.process.kill();
        let _ = tokio::time::timeout(KILL_DEADLINE, shared.process.ended()).await;
        shared.connection.close();
    }
}

fn attach_failed(error: CallError) -> AdapterError {
    fault::from_call("open context", error).while_attaching()
}

impl Browser for BidiBrowser {
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
        // Chromedriver answers `session.status` by itself; this one has to go through its browser.
        let reply = self
            .shared
            .connection
            .send(&GetUserContexts {}, Route::BROWSER);
        Box::pin(async {
            reply
                .await
                .map(drop)
                .map_err(|error| fault::from_call("browser.getUserContexts", error))
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.end())
    }
}
