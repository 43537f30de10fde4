//! The adapter: from a launch spec and the configuration to a browser that answers.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ops_contracts::seam::adapter::{
    Adapter, AdapterError, AdapterResult, BoxFuture, Browser, BrowserInfo, LaunchSpec,
};
use ops_contracts::seam::supervise::Supervisor;
use ops_contracts::wire::capability::{AdapterKind, BrowserKind, CapabilitySet};

use crate::browser::{BidiBrowser, GRACE, Shared};
use crate::confine::{self, proxy};
use crate::connection::{CallError, Connection, Loss, Route};
use crate::driver::Driver;
use crate::fault;
use crate::launch::{Chrome, Launch, Launched, launch, launch_chromedriver};
use crate::locate::{CHROME, CHROMEDRIVER, FIREFOX, locate};
use crate::protocol::network::AddIntercept;
use crate::protocol::session::{
    Capabilities, Capability, ChromeOptions, Granted, New, PromptBehavior, Proxy, Subscribe,
};
use crate::router::{EVENTS, Router};

/// The error of drivers whose browser could not be started.
const NOT_CREATED: &str = "session not created";

/// How long a browser may take from its start to its first answer, unless configured otherwise.
pub const LAUNCH_DEADLINE: Duration = Duration::from_secs(30);

/// Everything that the adapter is told by the program that uses it.
#[derive(Clone)]
pub struct BidiConfig {
    /// What starts browsers so that they never outlive this process.
    pub supervisor: Arc<dyn Supervisor>,
    /// The value of `PATH`, to find browsers on.
    pub path: Option<OsString>,
    /// The browsers' environment; without secrets. Homes are replaced.
    pub environment: Vec<(OsString, OsString)>,
    /// How long a browser may take from its start to its first answer.
    pub launch_deadline: Duration,
    /// Chromedriver's executable, or `chromedriver` for the first of the well-known names and places. None is started when absent:
    /// its port takes every local process.
    pub chromedriver: Option<PathBuf>,
    /// The value of `ODB_BROWSER`: the Chromium of launches that name none.
    pub chrome: Option<PathBuf>,
    /// Whether Chromium runs with its sandbox. Firefox always does.
    pub sandbox: bool,
}

impl BidiConfig {
    /// A configuration with the default deadline, without chromedriver, and the sandbox on; `PATH` is taken from `environment`.
    #[must_use]
    pub fn new(supervisor: Arc<dyn Supervisor>, environment: Vec<(OsString, OsString)>) -> Self {
        let path = environment
            .iter()
            .find(|(name, _)| name == "PATH")
            .map(|(_, value)| value.clone());
        Self {
            supervisor,
            path,
            environment,
            launch_deadline: LAUNCH_DEADLINE,
            chromedriver: None,
            chrome: None,
            sandbox: true,
        }
    }
}

/// WebDriver BiDi behind the seam, for browsers that it launches itself.
pub struct BidiAdapter {
    config: BidiConfig,
}

impl BidiAdapter {
    /// An adapter; nothing is started yet.
    #[must_use]
    pub fn new(config: BidiConfig) -> Self {
        Self { config }
    }

    /// The Firefox that a launch without an executable of its own would use.
    ///
    /// # Errors
    /// `BrowserMissing`.
    pub fn executable(&self) -> AdapterResult<PathBuf> {
        locate(&FIREFOX, None, self.config.path.as_deref())
    }

    /// The chromedriver that launches of Chromium would use.
    ///
    /// # Errors
    /// `BrowserMissing`, also where none was named.
    pub fn chromedriver(&self) -> AdapterResult<PathBuf> {
        let named = self
            .config
            .chromedriver
            .as_deref()
            .ok_or_else(|| CHROMEDRIVER.not_named())?;
        let path = Some(named).filter(|named| *named != Path::new(CHROMEDRIVER.name));
        locate(&CHROMEDRIVER, path, self.config.path.as_deref())
    }

    async fn start(&self, spec: LaunchSpec) -> AdapterResult<Arc<dyn Browser>> {
        let driver = Driver::of(spec.browser);
        if spec.confined && driver == Driver::Chromedriver {
            return Err(AdapterError::Unsupported {
                primitive: "launch of a confined browser",
            });
        }
        let (launched, begin) = match driver {
            Driver::Firefox => self.start_firefox(&spec)?,
            Driver::Chromedriver => self.start_chromedriver(&spec)?,
        };
        let started = self.connect(&launched, begin, driver, &spec).await;
        if started.is_err() {
            launched.process.kill();
        }
        started
    }

    fn start_firefox(&self, spec: &LaunchSpec) -> AdapterResult<(Launched, Capability)> {
        let proxy = spec
            .proxy
            .as_deref()
            .map(|url| proxy(url, &spec.proxy_bypass))
            .transpose()?;
        let launched = launch(&Launch {
            executable: locate(
                &FIREFOX,
                spec.executable.as_deref(),
                self.config.path.as_deref(),
            )?,
            supervisor: &*self.config.supervisor,
            profile: spec.profile.as_deref(),
            headed: spec.headed,
            confined: spec.confined,
            extra_args: &spec.args,
            environment: &self.config.environment,
        })?;
        Ok((launched, wanted(proxy, None)))
    }

    fn start_chromedriver(&self, spec: &LaunchSpec) -> AdapterResult<(Launched, Capability)> {
        let named = spec.executable.as_deref().or(self.config.chrome.as_deref());
        let (launched, options) = launch_chromedriver(&Chrome {
            driver: self.chromedriver()?,
            executable: locate(&CHROME, named, self.config.path.as_deref())?,
            supervisor: &*self.config.supervisor,
            profile: spec.profile.as_deref(),
            headed: spec.headed,
            sandbox: self.config.sandbox,
            proxy: spec.proxy.as_deref(),
            proxy_bypass: &spec.proxy_bypass,
            extra_args: &spec.args,
            environment: &self.config.environment,
        })?;
        Ok((launched, wanted(None, Some(options))))
    }

    async fn connect(
        &self,
        launched: &Launched,
        begin: Capability,
        driver: Driver,
        spec: &LaunchSpec,
    ) -> AdapterResult<Arc<dyn Browser>> {
        let (persistent, headless) = (spec.profile.is_some(), !spec.headed);
        let deadline = self.config.launch_deadline;
        let port = launched.port(deadline).await?;
        let router = Router::new(driver);
        let answered = async {
            let connection = Connection::open(port, Arc::clone(&router) as _)
                .await
                .map_err(|_| CallError::Lost(Loss::Disconnected))?;
            let granted = first_answer(&connection, begin, driver).await?;
            let way = if spec.confined {
                confine::way_past(&connection, !persistent).await?
            } else {
                None
            };
            Ok((connection, granted, way))
        };
        let (connection, granted, way) = match tokio::time::timeout(deadline, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(CallError::Lost(_))) => return Err(launched.explain().await),
            Ok(Err(CallError::Refused { error, message })) if error == NOT_CREATED => {
                return Err(launched.refused(message));
            }
            Ok(Err(error)) => return Err(fault::from_call("the session's beginning", error)),
            Err(_) => return Err(launched.unanswered(deadline)),
        };
        if let Some(way) = way {
            return Err(launched.refused(format!("the browser can't be confined: {way}")));
        }
        let process = Arc::clone(&launched.process);
        // Its one session ended with the socket: nothing can reach that browser any more.
        let (watched, orphan) = (Arc::clone(&router), Arc::clone(&process));
        tokio::spawn(async move {
            watched.until(|state| state.lost.then_some(())).await;
            if persistent {
                // It may be on its way out and write what is to be kept.
                let _ = tokio::time::timeout(GRACE, orphan.ended()).await;
            }
            orphan.kill();
        });
        let info = BrowserInfo {
            product: product(&granted.browser_name),
            version: granted.browser_version,
            pid: granted.process.or_else(|| process.pid()),
            sandboxed: driver == Driver::Firefox || self.config.sandbox,
        };
        let directory = launched.directory.clone();
        let shared = Shared {
            connection,
            router,
            process,
            driver,
            directory,
            headless,
            persistent,
            focus: Default::default(),
        };
        Ok(Arc::new(BidiBrowser::new(shared, info)))
    }
}

/// What a session begins with.
fn wanted(proxy: Option<Proxy>, chrome_options: Option<ChromeOptions>) -> Capability {
    Capability {
        accept_insecure_certs: false,
        // Prompts are the caller's to answer.
        unhandled_prompt_behavior: PromptBehavior { default: "ignore" },
        proxy,
        chrome_options,
    }
}

async fn first_answer(
    connection: &Connection,
    always_match: Capability,
    driver: Driver,
) -> Result<Granted, CallError> {
    let session = New {
        capabilities: Capabilities { always_match },
    };
    let granted = connection.send(&session, Route::BROWSER).decode().await?;
    let events = [EVENTS, driver.events()].concat();
    let subscribed = connection.send(&Subscribe { events: &events }, Route::BROWSER);
    // Without it the browser would ask in a window of its own, and the page would wait.
    let questions = connection.send(
        &AddIntercept {
            phases: ["authRequired"],
            contexts: None,
        },
        Route::BROWSER,
    );
    let began = async {
        subscribed.await?;
        questions.await
    };
    began
        .await
        .map_err(|error| told_of_age(&granted.capabilities, error))?;
    Ok(granted.capabilities)
}

/// A browser that has begun a session and then does not know what every session needs is older than what is driven here.
fn told_of_age(browser: &Granted, error: CallError) -> CallError {
    const NOT_KNOWN: [&str; 3] = [
        "invalid argument",
        "unknown command",
        "unsupported operation",
    ];
    match error {
        CallError::Refused { error, message } if NOT_KNOWN.contains(&error.as_str()) => {
            CallError::Refused {
                error: NOT_CREATED.to_owned(),
                message: format!(
                    "{} {} is too old to be driven ({message}): update it, or name a newer one",
                    product(&browser.browser_name),
                    browser.browser_version
                ),
            }
        }
        error => error,
    }
}

/// `firefox` as people write it.
fn product(name: &str) -> String {
    let mut letters = name.chars();
    letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default()
}

impl Adapter for BidiAdapter {
    fn kind(&self) -> AdapterKind {
        AdapterKind::Bidi
    }

    fn capabilities(&self, browser: BrowserKind) -> CapabilitySet {
        Driver::of(browser).capabilities()
    }

    fn passes(&self, browser: BrowserKind) -> Option<AdapterKind> {
        match Driver::of(browser) {
            Driver::Firefox => None,
            Driver::Chromedriver => Some(AdapterKind::Cdp),
        }
    }

    fn launch(&self, spec: LaunchSpec) -> BoxFuture<'_, AdapterResult<Arc<dyn Browser>>> {
        Box::pin(self.start(spec))
    }
}
