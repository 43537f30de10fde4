//! The adapter: from a launch spec and the configuration to a browser that answers.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chromiumoxide_cdp::cdp::browser_protocol::browser::GetVersionParams;
use ops_contracts::seam::adapter::{
    Adapter, AdapterError, AdapterResult, BoxFuture, Browser, BrowserInfo, Context, LaunchSpec,
    Passage,
};
use ops_contracts::wire::capability::{AdapterKind, BrowserKind, Capability, CapabilitySet};
use ops_contracts::wire::clock::Clock;

use crate::browser::{CdpBrowser, Shared};
use crate::connection::{CallError, Connection, Route};
use crate::fault;
use crate::guard::{self, GuardCommand, SweepReport};
use crate::launch::{self, Launch, LaunchError, Launched, Mode, Profile};
use crate::locate::{Search, locate};
use crate::router::{Router, attach_pages};
use crate::through::{self, Through};
use crate::wire;

/// How long a browser may take from its start to its first answer, unless configured otherwise.
pub const LAUNCH_DEADLINE: Duration = Duration::from_secs(20);
/// How long a browser whose connection has ended may take to end by itself.
const END_GRACE: Duration = Duration::from_secs(2);

/// Whether browsers run with their sandbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sandbox {
    /// On, but off with a warning for root, for whom Chromium refuses to start with it.
    #[default]
    Auto,
    /// On; where it cannot be set up, the launch fails.
    On,
    /// Off.
    Off,
}

impl Sandbox {
    /// Whether browsers of the calling user are sandboxed under this policy.
    #[must_use]
    pub fn is_on(self) -> bool {
        match self {
            Self::On => true,
            Self::Off => false,
            Self::Auto => !rustix::process::geteuid().is_root(),
        }
    }
}

/// Everything that the adapter is told by the program that uses it.
#[derive(Clone)]
pub struct CdpConfig {
    /// How to start a guard: a program whose `main` calls [`guard::dispatch`] first.
    pub guard: GuardCommand,
    /// The directory below which temporary profiles are made.
    pub profiles: PathBuf,
    /// The value of `ODB_BROWSER`.
    pub browser: Option<OsString>,
    /// The value of `PATH`.
    pub path: Option<OsString>,
    /// The browsers' whole environment; see [`launch::browser_environment`].
    pub environment: Vec<(OsString, OsString)>,
    /// Whether browsers are sandboxed.
    pub sandbox: Sandbox,
    /// Whether browsers use the GPU.
    pub gpu: bool,
    /// How long a browser may take from its start to its first answer.
    pub launch_deadline: Duration,
    /// The time of day, for profile markers.
    pub clock: Arc<dyn Clock>,
}

impl CdpConfig {
    /// A configuration with the process' own `environment` filtered for browsers, `ODB_BROWSER` and `PATH` taken from
    /// it, the sandbox on `auto`, no GPU and the default deadline.
    pub fn new(
        guard: GuardCommand,
        profiles: PathBuf,
        environment: impl Iterator<Item = (OsString, OsString)>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let environment: Vec<_> = environment.collect();
        let value = |name: &str| {
            environment
                .iter()
                .find(|(given, _)| given == name)
                .map(|(_, value)| value.clone())
        };
        Self {
            guard,
            profiles,
            browser: value("ODB_BROWSER"),
            path: value("PATH"),
            environment: launch::browser_environment(environment.into_iter()),
            sandbox: Sandbox::Auto,
            gpu: false,
            launch_deadline: LAUNCH_DEADLINE,
            clock,
        }
    }
}

/// CDP behind the seam, for browsers that it launches itself.
pub struct CdpAdapter {
    config: CdpConfig,
}

impl CdpAdapter {
    /// An adapter; nothing is started yet.
    #[must_use]
    pub fn new(config: CdpConfig) -> Self {
        Self { config }
    }

    /// Ends what dead owners left behind below the profiles' directory. To be called once, before the first launch.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub fn sweep(&self) -> std::io::Result<SweepReport> {
        guard::sweep(&self.config.profiles)
    }

    /// The executable that a launch without one of its own would use.
    ///
    /// # Errors
    /// `BrowserMissing`.
    pub fn executable(&self) -> AdapterResult<PathBuf> {
        self.find(None)
    }

    fn find(&self, explicit: Option<&std::path::Path>) -> AdapterResult<PathBuf> {
        let search = Search {
            explicit,
            environment: self.config.browser.as_deref(),
            path: self.config.path.as_deref(),
        };
        Ok(locate(search)?)
    }

    async fn start(&self, spec: LaunchSpec) -> AdapterResult<Arc<dyn Browser>> {
        if spec.browser != BrowserKind::Chrome {
            return Err(AdapterError::Unsupported {
                primitive: "launch",
            });
        }
        let (launched, profile) = self.spawn(&spec, false)?;
        self.connect(launched, profile, self.config.sandbox.is_on())
            .await
    }

    /// Starts the process of a browser that has yet to answer; `homeless` where the user's home is to be out of its sight.
    pub(crate) fn spawn(
        &self,
        spec: &LaunchSpec,
        homeless: bool,
    ) -> AdapterResult<(Launched, Profile)> {
        let executable = self.find(spec.executable.as_deref())?;
        let sandbox = self.config.sandbox.is_on();
        if !sandbox && self.config.sandbox == Sandbox::Auto {
            tracing::warn!("the browser runs without its sandbox, because this user is root");
        }
        let profile = match &spec.profile {
            Some(directory) => Profile::Persistent(directory.clone()),
            None => Profile::Temporary(self.config.profiles.clone()),
        };
        let launched = launch::launch(&Launch {
            executable: &executable,
            guard: &self.config.guard,
            profile: profile.clone(),
            mode: Mode {
                headed: spec.headed,
                sandbox,
                gpu: self.config.gpu,
                proxy: spec.proxy.as_deref(),
                confined: spec.confined,
                proxy_bypass: &spec.proxy_bypass,
            },
            extra_args: &spec.args,
            environment: &self.config.environment,
            homeless,
            now_ms: self.config.clock.now().unix_millis(),
        })?;
        Ok((launched, profile))
    }

    /// How long a browser may take from its start to its first answer.
    pub(crate) fn launch_deadline(&self) -> Duration {
        self.config.launch_deadline
    }

    async fn connect(
        &self,
        launched: Launched,
        profile: Profile,
        sandboxed: bool,
    ) -> AdapterResult<Arc<dyn Browser>> {
        let Launched {
            process,
            reader,
            writer,
        } = launched;
        let router = Arc::new(Router::new());
        let connection = Connection::start(reader, writer, Arc::clone(&router) as _);
        let deadline = self.config.launch_deadline;
        let version = match tokio::time::timeout(deadline, first_answer(&connection)).await {
            Ok(Ok(version)) => version,
            Ok(Err(CallError::Lost(_))) => return Err(process.explain(deadline).await.into()),
            Ok(Err(error)) => return Err(fault::from_call("Browser.getVersion", error)),
            Err(_) => {
                let output = process.output();
                return Err(LaunchError::Unanswered {
                    after: deadline,
                    output,
                }
                .into());
            }
        };
        tokio::spawn(supervise(
            process.watch(),
            connection.clone(),
            Arc::clone(&router),
        ));
        let (product, number) = version
            .product
            .split_once('/')
            .unwrap_or((&version.product, ""));
        let info = BrowserInfo {
            product: product.to_owned(),
            version: number.to_owned(),
            pid: process.browser_pid(),
            sandboxed,
        };
        let shared = Shared {
            connection,
            router,
            process,
            profile,
        };
        Ok(Arc::new(CdpBrowser::new(shared, info)))
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

/// Ends the one when the other has ended: a browser without its connection, and a connection without its guard.
async fn supervise(process: launch::Watch, connection: Connection, router: Arc<Router>) {
    tokio::select! {
        () = router.until(|state| state.lost.then_some(())) => {
            if tokio::time::timeout(END_GRACE, process.ended()).await.is_err() {
                tracing::warn!("the browser goes on without its debugging connection: it is killed");
                process.kill();
            }
        }
        how = process.ended() => {
            if connection.is_open() {
                tracing::warn!(how, "the browser's guard is gone: the browser is killed");
                process.kill_unguarded().await;
            }
        }
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
