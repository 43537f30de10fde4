//! The adapter: from a browser that is launched, or that is there already, to one that answers.

use std::sync::Arc;
use std::time::Duration;

use chromiumoxide_cdp::cdp::browser_protocol::browser::GetVersionParams;
use ops_contracts::seam::adapter::{
    Adapter, AdapterError, AdapterResult, BoxFuture, Browser, BrowserInfo, Context, LaunchSpec,
    Passage,
};
use ops_contracts::seam::files::Folders;
use ops_contracts::seam::supervise::{
    Endpoint, Program, Start, Supervised, Supervisor, failed, unanswered,
};
use ops_contracts::seam::transport::Transport;
use ops_contracts::wire::capability::{AdapterKind, BrowserKind, Capability, CapabilitySet};

use crate::browser::{CdpBrowser, Shared};
use crate::connection::{CallError, Connection, Route};
use crate::fault;
use crate::router::{Router, attach_pages};
use crate::through::{self, Through};
use crate::transport::{Reader, Writer, pipes};
use crate::wire;

/// How long a browser may take from its start to its first answer, unless configured otherwise.
pub const LAUNCH_DEADLINE: Duration = Duration::from_secs(20);
/// How long a browser whose connection has ended may take to end by itself.
const END_GRACE: Duration = Duration::from_secs(2);

/// CDP behind the seam, for browsers that a supervisor starts for it and for those that it is attached to.
pub struct CdpAdapter {
    supervisor: Option<Arc<dyn Supervisor>>,
    launch_deadline: Duration,
}

/// A browser that is there already.
pub struct Attachment {
    /// The channel to the browser itself, not to one of its pages.
    pub transport: Transport,
    /// Where contexts keep their files. The browser has to see the same place.
    pub folders: Arc<dyn Folders>,
    /// Its process, where that is ours: it ends with the browser's last handle, and is killed when it outlives its connection.
    /// Without it closing the browser closes our contexts and the transport, and whoever owns the process decides about the rest.
    pub process: Option<Arc<dyn Supervised>>,
}

/// What is known of a browser before it answers.
struct Reached {
    folders: Arc<dyn Folders>,
    process: Option<Arc<dyn Supervised>>,
    /// Its profile outlives it.
    persistent: bool,
    sandboxed: bool,
}

/// A connection that is closed unless its browser answers: also where nobody waits for that any more.
struct Opening {
    connection: Connection,
    answered: bool,
}

impl Drop for Opening {
    fn drop(&mut self) {
        if !self.answered {
            self.connection.close();
        }
    }
}

/// A browser that was started and has yet to answer.
pub(crate) struct Launched {
    pub(crate) process: Arc<dyn Supervised>,
    pub(crate) writer: Arc<Writer>,
    pub(crate) reader: Reader,
    sandboxed: bool,
}

impl CdpAdapter {
    /// An adapter whose browsers are started by `supervisor`; nothing is started yet.
    #[must_use]
    pub fn new(supervisor: Arc<dyn Supervisor>) -> Self {
        Self {
            supervisor: Some(supervisor),
            launch_deadline: LAUNCH_DEADLINE,
        }
    }

    /// An adapter that can be attached to browsers, and refuses to launch any.
    #[must_use]
    pub fn attaching() -> Self {
        Self {
            supervisor: None,
            launch_deadline: LAUNCH_DEADLINE,
        }
    }

    /// The same with another time that a browser may take from its start, or from the attachment, to its first answer.
    #[must_use]
    pub fn within(self, launch_deadline: Duration) -> Self {
        Self {
            launch_deadline,
            ..self
        }
    }

    /// Takes a browser that is there already. Everything that a launched one does works on it; its process id is known only
    /// where its process is ours, and whether it is sandboxed is not known. The end of the transport is the loss of the browser.
    ///
    /// # Errors
    /// `BrowserLost` when the transport ends at once, `AttachFailed` when nothing answers in time, `Protocol`; where the process
    /// is ours, `LaunchFailed` and `SandboxUnavailable` instead of the first two. The transport is closed then.
    pub async fn attach(&self, attachment: Attachment) -> AdapterResult<Arc<dyn Browser>> {
        let reached = Reached {
            folders: attachment.folders,
            process: attachment.process,
            persistent: false,
            sandboxed: false,
        };
        self.connect(attachment.transport, reached).await
    }

    async fn start(&self, spec: LaunchSpec) -> AdapterResult<Arc<dyn Browser>> {
        let Launched {
            process,
            writer,
            reader,
            sandboxed,
        } = self.spawn(&spec, false)?;
        let transport = Transport {
            outgoing: writer,
            incoming: Box::new(reader),
        };
        let reached = Reached {
            folders: process.clone(),
            process: Some(process),
            persistent: spec.profile.is_some(),
            sandboxed,
        };
        self.connect(transport, reached).await
    }

    /// Starts the process of a browser that has yet to answer; `homeless` where the user's home is to be out of its sight.
    pub(crate) fn spawn(&self, spec: &LaunchSpec, homeless: bool) -> AdapterResult<Launched> {
        const REFUSED: AdapterError = AdapterError::Unsupported {
            primitive: "launch",
        };
        if spec.browser != BrowserKind::Chrome {
            return Err(REFUSED);
        }
        let program = Program::Chrome;
        let started = self.supervisor.as_ref().ok_or(REFUSED)?.start(&Start {
            program,
            spec,
            homeless,
        })?;
        let Endpoint::Pipes { commands, replies } = started.endpoint else {
            return Err(REFUSED);
        };
        let (writer, reader) =
            pipes(commands, replies).map_err(failed("its pipes are no pipes"))?;
        Ok(Launched {
            process: started.process,
            writer,
            reader,
            sandboxed: started.sandboxed,
        })
    }

    /// How long a browser may take from its start to its first answer.
    pub(crate) fn launch_deadline(&self) -> Duration {
        self.launch_deadline
    }

    async fn connect(
        &self,
        transport: Transport,
        reached: Reached,
    ) -> AdapterResult<Arc<dyn Browser>> {
        let router = Arc::new(Router::default());
        let mut opening = Opening {
            connection: Connection::start(transport, Arc::clone(&router) as _),
            answered: false,
        };
        let connection = opening.connection.clone();
        let answer = tokio::time::timeout(self.launch_deadline, first_answer(&connection)).await;
        let failure = match answer {
            Ok(Ok(version)) => {
                opening.answered = true;
                return Ok(Self::browser(version, connection, router, reached));
            }
            Ok(Err(error)) => Some(error),
            Err(_) => None,
        };
        Err(self.explain(reached.process.as_deref(), failure).await)
    }

    /// A browser that has answered.
    fn browser(
        version: wire::Version,
        connection: Connection,
        router: Arc<Router>,
        reached: Reached,
    ) -> Arc<dyn Browser> {
        let Reached {
            folders, process, ..
        } = reached;
        if let Some(process) = &process {
            tokio::spawn(supervise(Arc::clone(process), Arc::clone(&router)));
        }
        let (product, number) = version
            .product
            .split_once('/')
            .unwrap_or((&version.product, ""));
        let info = BrowserInfo {
            product: product.to_owned(),
            version: number.to_owned(),
            pid: process.as_ref().and_then(|process| process.pid()),
            sandboxed: reached.sandboxed,
        };
        let shared = Shared {
            connection,
            router,
            process,
            folders,
            persistent: reached.persistent,
        };
        Arc::new(CdpBrowser {
            shared: Arc::new(shared),
            info,
        })
    }

    /// Why a browser did not begin to answer; `failure` is none where the time has passed.
    async fn explain(
        &self,
        process: Option<&dyn Supervised>,
        failure: Option<CallError>,
    ) -> AdapterError {
        let after = self.launch_deadline;
        match (failure, process) {
            (Some(CallError::Lost(_)), Some(process)) => process.explain(unanswered(after)).await,
            (Some(error), _) => fault::from_call("Browser.getVersion", error),
            (None, Some(process)) => process.unanswered(after),
            (None, None) => AdapterError::AttachFailed {
                reason: unanswered(after),
            },
        }
    }
}

/// One write, so that the browser is ready for pages when it has answered.
async fn first_answer(connection: &Connection) -> Result<wire::Version, CallError> {
    let mut batch = connection.batch();
    let version = batch.exec(&GetVersionParams {}, Route::BROWSER);
    let attach = batch.exec(&attach_pages(), Route::BROWSER);
    batch.send();
    let version = version.decode().await?;
    attach.await?;
    Ok(version)
}

/// Ends a browser of ours that has lost its connection and goes on. The other way round, the connection ends with the process.
async fn supervise(process: Arc<dyn Supervised>, router: Arc<Router>) {
    router.until(|state| state.lost.then_some(())).await;
    if tokio::time::timeout(END_GRACE, process.ended())
        .await
        .is_err()
    {
        tracing::warn!("the browser goes on without its debugging connection: it is killed");
        process.kill();
    }
}

impl Adapter for CdpAdapter {
    fn kind(&self) -> AdapterKind {
        AdapterKind::Cdp
    }

    fn capabilities(&self, browser: BrowserKind) -> CapabilitySet {
        match browser {
            BrowserKind::Chrome => CapabilitySet::new(Capability::ALL.iter().copied()),
            BrowserKind::Firefox => CapabilitySet::new([]),
        }
    }

    fn capabilities_through(&self, browser: BrowserKind) -> CapabilitySet {
        match browser {
            BrowserKind::Chrome => CapabilitySet::new(through::CAPABILITIES),
            BrowserKind::Firefox => CapabilitySet::new([]),
        }
    }

    fn through(&self, passage: Arc<dyn Passage>) -> Option<Arc<dyn Context>> {
        Some(Arc::new(Through::new(passage)))
    }

    fn launch(&self, spec: LaunchSpec) -> BoxFuture<'_, AdapterResult<Arc<dyn Browser>>> {
        Box::pin(self.start(spec))
    }
}
