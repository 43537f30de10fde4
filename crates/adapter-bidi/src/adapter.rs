//! The adapter: from a launch spec and the configuration to a browser that answers.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ops_contracts::adapter::{Adapter, AdapterError, AdapterResult, BoxFuture, Browser, BrowserInfo, LaunchSpec};
use ops_contracts::capability::{AdapterKind, BrowserKind, Capability, CapabilitySet};
use ops_contracts::supervise::Supervisor;

use crate::browser::{BidiBrowser, GRACE, Shared};
use crate::connection::{CallError, Connection, Loss, Route};
use crate::fault;
use crate::launch::{Launch, Launched, launch};
use crate::locate::locate;
use crate::protocol::network::AddIntercept;
use crate::protocol::session::{Capabilities, Capability as Wanted, Granted, New, PromptBehavior, Proxy, Subscribe};
use crate::router::{EVENTS, Router};

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
}

impl BidiConfig {
    /// A configuration with the default deadline; `PATH` is taken from `environment`.
    #[must_use]
    pub fn new(supervisor: Arc<dyn Supervisor>, environment: Vec<(OsString, OsString)>) -> Self {
        let path = environment.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
        Self { supervisor, path, environment, launch_deadline: LAUNCH_DEADLINE }
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

    /// The executable that a launch without one of its own would use.
    ///
    /// # Errors
    /// `BrowserMissing`.
    pub fn executable(&self) -> AdapterResult<PathBuf> {
        self.find(None)
    }

    fn find(&self, explicit: Option<&Path>) -> AdapterResult<PathBuf> {
        locate(explicit, self.config.path.as_deref())
    }

    async fn start(&self, spec: LaunchSpec) -> AdapterResult<Arc<dyn Browser>> {
        if spec.browser != BrowserKind::Firefox {
            return Err(AdapterError::Unsupported { primitive: "launch" });
        }
        let proxy = spec.proxy.as_deref().map(|url| proxy(url, &spec.proxy_bypass)).transpose()?;
        let launched = launch(&Launch {
            executable: self.find(spec.executable.as_deref())?,
            supervisor: &*self.config.supervisor,
            profile: spec.profile.as_deref(),
            headed: spec.headed,
            extra_args: &spec.args,
            environment: &self.config.environment,
        })?;
        let started = self.connect(&launched, proxy, &spec).await;
        if started.is_err() {
            launched.process.kill();
        }
        started
    }

    async fn connect(&self, launched: &Launched, proxy: Option<Proxy>, spec: &LaunchSpec) -> AdapterResult<Arc<dyn Browser>> {
        let (persistent, headless) = (spec.profile.is_some(), !spec.headed);
        let deadline = self.config.launch_deadline;
        let port = launched.port(deadline).await?;
        let router = Arc::new(Router::new());
        let answered = async {
            let connection =
                Connection::open(port, Arc::clone(&router) as _).await.map_err(|_| CallError::Lost(Loss::Disconnected))?;
            let granted = first_answer(&connection, proxy).await?;
            Ok((connection, granted))
        };
        let (connection, granted) = match tokio::time::timeout(deadline, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(CallError::Lost(_))) => return Err(launched.explain().await),
            Ok(Err(error)) => return Err(fault::from_call("the session's beginning", error)),
            Err(_) => return Err(launched.unanswered(deadline)),
        };
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
            pid: process.pid(),
            sandboxed: true,
        };
        let directory = launched.directory.clone();
        let shared = Shared { connection, router, process, directory, headless, persistent, focus: Default::default() };
        Ok(Arc::new(BidiBrowser::new(shared, info)))
    }
}

async fn first_answer(connection: &Connection, proxy: Option<Proxy>) -> Result<Granted, CallError> {
    let capability = Wanted {
        accept_insecure_certs: false,
        // Prompts are the caller's to answer.
        unhandled_prompt_behavior: PromptBehavior { default: "ignore" },
        proxy,
    };
    let session = New { capabilities: Capabilities { always_match: capability } };
    let granted = connection.send(&session, Route::BROWSER).decode().await?;
    let subscribed = connection.send(&Subscribe { events: EVENTS }, Route::BROWSER);
    // Without it the browser would ask in a window of its own, and the page would wait.
    let questions = connection.send(&AddIntercept { phases: ["authRequired"], contexts: None }, Route::BROWSER);
    subscribed.await?;
    questions.await?;
    Ok(granted.capabilities)
}

/// `firefox` as people write it.
fn product(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// A proxy for all traffic, from `scheme://host:port`.
fn proxy(url: &str, bypass: &[String]) -> AdapterResult<Proxy> {
    let refused = || AdapterError::LaunchFailed {
        reason: format!("the proxy {url} is not one that Firefox takes: expected http://, socks4:// or socks5:// with host:port"),
        output: String::new(),
    };
    let (scheme, address) = url.split_once("://").unwrap_or(("http", url));
    let address = address.trim_end_matches('/');
    if address.is_empty() || address.contains(['/', '@']) {
        return Err(refused());
    }
    let manual = Proxy { proxy_type: "manual", no_proxy: bypass.to_vec(), ..Proxy::default() };
    let address = Some(address.to_owned());
    match scheme {
        "http" => Ok(Proxy { http_proxy: address.clone(), ssl_proxy: address, ..manual }),
        "socks4" => Ok(Proxy { socks_proxy: address, socks_version: Some(4), ..manual }),
        "socks5" | "socks" => Ok(Proxy { socks_proxy: address, socks_version: Some(5), ..manual }),
        _ => Err(refused()),
    }
}

/// What Firefox can do beyond the core.
const FIREFOX: &[Capability] = &[
    Capability::Cookies,
    Capability::Origins,
    Capability::Screen,
    Capability::Geolocation,
    Capability::Locale,
    Capability::Timezone,
    Capability::UserAgent,
    Capability::Permissions,
    Capability::NetworkBodies,
    Capability::NetworkRoute,
    Capability::NetworkHeaders,
    Capability::NetworkConditions,
    Capability::Credentials,
    Capability::Downloads,
    Capability::Upload,
    Capability::Print,
    Capability::Proxy,
];

/// What it can't, with the reasons.
pub const FIREFOX_LACKS: &[(Capability, &str)] = &[
    (Capability::CertificateErrors, "the adapter takes no certificate that Firefox does not trust"),
    (Capability::ClientHints, "Firefox has no client hints, and the protocol sets no platform"),
    (Capability::Domains, "the ways past a proxy that Firefox has are not closed"),
    (Capability::Media, "the protocol sets no media features"),
    (Capability::NativeDrag, "Firefox without a display has no service that carries a native drag"),
    (Capability::NetworkSpeed, "the protocol takes the network away, and slows nothing down"),
    (Capability::Trace, "the protocol records no trace"),
    (Capability::Touch, "the adapter sends no touch input, and the protocol emulates no touch screen"),
];

impl Adapter for BidiAdapter {
    fn kind(&self) -> AdapterKind {
        AdapterKind::Bidi
    }

    fn capabilities(&self, browser: BrowserKind) -> CapabilitySet {
        match browser {
            BrowserKind::Firefox => CapabilitySet::new(CapabilitySet::core().iter().chain(FIREFOX.iter().copied())),
            BrowserKind::Chrome => CapabilitySet::new([]),
        }
    }

    fn launch(&self, spec: LaunchSpec) -> BoxFuture<'_, AdapterResult<Arc<dyn Browser>>> {
        Box::pin(self.start(spec))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_capability_is_either_there_or_lacking_for_a_reason() {
        let has = CapabilitySet::new(CapabilitySet::core().iter().chain(FIREFOX.iter().copied()));
        for capability in Capability::ALL {
            let lacks = FIREFOX_LACKS.iter().any(|(lacking, reason)| lacking == capability && !reason.is_empty());
            assert!(has.has(*capability) != lacks, "{capability:?}");
        }
    }

    #[test]
    fn proxies_are_split_by_scheme_and_others_refused() {
        let http = proxy("http://127.0.0.1:8080", &[]).unwrap();
        assert_eq!((http.http_proxy.as_deref(), http.ssl_proxy.as_deref()), (Some("127.0.0.1:8080"), Some("127.0.0.1:8080")));
        assert_eq!(proxy("socks5://h:1", &[]).unwrap().socks_version, Some(5));
        for bad in ["https://h:1", "http://", "http://user:secret@h:1", "http://h:1/path"] {
            assert!(matches!(proxy(bad, &[]), Err(AdapterError::LaunchFailed { .. })), "{bad}");
        }
    }
}
