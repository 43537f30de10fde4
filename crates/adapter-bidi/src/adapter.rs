//! The adapter: from a launch spec to a browser that answers.

use std::sync::Arc;
use std::time::Duration;

use ops_contracts::seam::adapter::{
    Adapter, AdapterError, AdapterResult, BoxFuture, Browser, BrowserInfo, LaunchSpec,
};
use ops_contracts::seam::calls::Loss;
use ops_contracts::seam::supervise::{Endpoint, Start, Started, Supervisor};
use ops_contracts::wire::capability::{AdapterKind, BrowserKind, CapabilitySet};

use crate::browser::{BidiBrowser, GRACE, Shared};
use crate::confine::{self, proxy};
use crate::connection::{CallError, Connection, Refusal, Route};
use crate::driver::Driver;
use crate::fault;
use crate::protocol::network::AddIntercept;
use crate::protocol::session::{
    Capabilities, Capability, ChromeOptions, Granted, New, PromptBehavior, Proxy, Subscribe,
};
use crate::router::{EVENTS, Router};

/// The error of drivers whose browser could not be started.
const NOT_CREATED: &str = "session not created";

/// How long a browser may take from its start to its first answer, unless configured otherwise.
pub const LAUNCH_DEADLINE: Duration = Duration::from_secs(30);

/// WebDriver BiDi behind the seam, for browsers that a supervisor starts for it.
pub struct BidiAdapter {
    supervisor: Arc<dyn Supervisor>,
    launch_deadline: Duration,
}

impl BidiAdapter {
    /// An adapter whose browsers are started by `supervisor`; nothing is started yet.
    #[must_use]
    pub fn new(supervisor: Arc<dyn Supervisor>) -> Self {
        Self {
            supervisor,
            launch_deadline: LAUNCH_DEADLINE,
        }
    }

    /// The same with another time that a browser may take from its start to its first answer.
    #[must_use]
    pub fn within(self, launch_deadline: Duration) -> Self {
        Self {
            launch_deadline,
            ..self
        }
    }

    async fn start(&self, spec: LaunchSpec) -> AdapterResult<Arc<dyn Browser>> {
        let driver = Driver::of(spec.browser);
        if spec.confined && driver == Driver::Chromedriver {
            return Err(AdapterError::Unsupported {
                primitive: "launch of a confined browser",
            });
        }
        let through = spec.proxy.as_deref();
        let through = through.filter(|_| driver == Driver::Firefox);
        let through = through
            .map(|url| proxy(url, &spec.proxy_bypass))
            .transpose()?;
        let started = self.supervisor.start(&Start {
            program: driver.program(),
            spec: &spec,
            homeless: true,
        })?;
        let options = match &started.endpoint {
            Endpoint::Driver { binary, args } => Some(ChromeOptions {
                binary: binary.clone(),
                args: args.clone(),
            }),
            _ => None,
        };
        let connected = self
            .connect(&started, wanted(through, options), driver, &spec)
            .await;
        if connected.is_err() {
            started.process.kill();
        }
        connected
    }

    async fn connect(
        &self,
        launched: &Started,
        begin: Capability,
        driver: Driver,
        spec: &LaunchSpec,
    ) -> AdapterResult<Arc<dyn Browser>> {
        let (persistent, headless) = (spec.profile.is_some(), !spec.headed);
        let (process, deadline) = (Arc::clone(&launched.process), self.launch_deadline);
        let lost = || process.explain("the browser refused its debugging connection".to_owned());
        let port = match tokio::time::timeout(deadline, process.port()).await {
            Ok(Some(port)) => port,
            Ok(None) => return Err(lost().await),
            Err(_) => return Err(process.unanswered(deadline)),
        };
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
            Ok(Err(CallError::Lost(_))) => return Err(lost().await),
            Ok(Err(CallError::Refused(Refusal { error, message }))) if error == NOT_CREATED => {
                return Err(process.refused(message));
            }
            Ok(Err(error)) => return Err(fault::from_call("the session's beginning", error)),
            Err(_) => return Err(process.unanswered(deadline)),
        };
        if let Some(way) = way {
            return Err(process.refused(format!("the browser can't be confined: {way}")));
        }
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
            sandboxed: launched.sandboxed,
        };
        let shared = Shared {
            connection,
            router,
            process,
            driver,
            headless,
            persistent,
            focus: Default::default(),
        };
        Ok(Arc::new(BidiBrowser {
            shared: Arc::new(shared),
            info,
        }))
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
        CallError::Refused(Refusal { error, message }) if NOT_KNOWN.contains(&error.as_str()) => {
            CallError::Refused(Refusal {
                error: NOT_CREATED.to_owned(),
                message: format!(
                    "{} {} is too old to be driven ({message}): update it, or name a newer one",
                    product(&browser.browser_name),
                    browser.browser_version
                ),
            })
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
