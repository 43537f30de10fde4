//! A browser as a Rust program wants it: no relay, no network of ours, no clock, no request ids and no JSON of its own.
//!
//! A [`Browser`] makes [`Session`]s, which share nothing with each other; a session has [`Page`]s. Every method returns a typed
//! result, or the [`Fault`] with its code, its message and what to do next. Commands without a method of their own are called by
//! their type, with [`Session::call`]; [`Browser::runtime`] takes raw requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use ops_contracts::seam::adapter::Adapter;
use ops_contracts::seam::port::{Caller, OpsService};
use ops_contracts::wire::capability::BrowserKind;
use ops_contracts::wire::clock::{Clock, Timestamp};
use ops_contracts::wire::command::session::{CreateParams, Grant};
use ops_contracts::wire::command::{Command, RequestedCommand, SessionCreate};
use ops_contracts::wire::frame::{OpsCancel, OpsRequest};
use ops_contracts::wire::ids::{ClientId, RequestId};
use serde_json::value::RawValue;

use crate::runtime::{Runtime, RuntimeConfig};
use crate::secret;

mod event;
mod locate;
mod page;
mod session;

pub use event::Event;
pub use locate::IntoLocator;
pub use ops_contracts::wire::locator::Locator;
pub use ops_contracts::{ErrorCode, Fault};
pub use page::Page;
pub use session::Session;

/// What a session is asked to be: viewport, device, locale, proxy, profile, budget and more.
pub type SessionOptions = CreateParams;

/// What a method returns.
pub type Result<T> = std::result::Result<T, Fault>;

/// How long closing a browser may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// How long a browser without sessions stays: longer than its program.
const STAYS: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The clock of the system, for programs that bring none of their own.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that embedding programs pass in"
    )]
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }
}

/// How a browser is to be.
#[derive(Clone)]
pub struct BrowserOptions {
    /// The family of the browser: Chrome by default. The adapter has to support it.
    pub family: BrowserKind,
    /// Further adapters: what the first one can't do is tried with them, where the browser permits it.
    pub fallbacks: Vec<Arc<dyn Adapter>>,
    /// Executables, arguments, profiles, the most sessions, rules about hosts.
    pub runtime: RuntimeConfig,
    /// Where the time of day comes from.
    pub clock: Arc<dyn Clock>,
}

impl Default for BrowserOptions {
    fn default() -> Self {
        Self {
            family: BrowserKind::default(),
            fallbacks: Vec::new(),
            runtime: RuntimeConfig {
                browser_idle: STAYS,
                ..RuntimeConfig::default()
            },
            clock: Arc::new(SystemClock),
        }
    }
}

/// A browser. Cheap to clone: all clones are the same browser.
///
/// ```
/// # use conformance::fake::{FakeAdapter, site_double};
/// # use ops_runtime::api::{Browser, BrowserOptions, Result, SessionOptions};
/// # #[tokio::main]
/// # async fn main() -> Result<()> {
/// # let adapter = FakeAdapter::new(site_double());
/// let browser = Browser::launch(adapter, BrowserOptions::default()).await?;
/// let options = SessionOptions { headed: false, ..SessionOptions::default() };
/// let session = browser.session(options).await?;
/// println!("{}", session.page().title().await?);
/// browser.close().await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Browser {
    caller: Arc<Program>,
    family: BrowserKind,
}

impl Browser {
    /// Starts a browser through `adapter`. It has to be called within a tokio runtime.
    ///
    /// # Errors
    /// `adapter_browser_missing` where none is installed, `adapter_launch_failed`, `ops_timeout`; the message says what helps.
    pub async fn launch(adapter: impl Adapter + 'static, options: BrowserOptions) -> Result<Self> {
        let BrowserOptions {
            family,
            fallbacks,
            runtime,
            clock,
        } = options;
        let first: Arc<dyn Adapter> = Arc::new(adapter);
        let adapters = std::iter::once(first).chain(fallbacks).collect();
        let browser = Self {
            caller: Arc::new(Program::new(Runtime::new(runtime, adapters, clock))?),
            family,
        };
        // A session is what starts a browser. The browser stays for those to come; what would keep it from starting is known now.
        browser
            .session(SessionOptions::default())
            .await?
            .close()
            .await?;
        Ok(browser)
    }

    /// Makes a session: a browser context, a window and a blank page that share nothing with other sessions. It is closed by
    /// [`Session::close`], or when the last handle of it and of its pages is dropped. The browser's family stands for that of
    /// `options`.
    ///
    /// # Errors
    /// `ops_invalid_request` naming the option, `ops_not_supported` for what this browser can't do, `ops_session_limit`.
    pub async fn session(&self, options: SessionOptions) -> Result<Session> {
        let options = SessionOptions {
            browser: self.family,
            ..options
        };
        let ttl = options.lease_ttl_ms;
        let made = self
            .caller
            .call::<SessionCreate>(None, &options, None)
            .await?;
        Ok(Session::new(self.caller.clone(), made, ttl))
    }

    /// Opens a URL in a session of its own.
    ///
    /// # Errors
    /// Those of [`Browser::session`] and of [`Page::goto`].
    pub async fn open(&self, url: &str) -> Result<Page> {
        let page = self.session(SessionOptions::default()).await?.page();
        page.goto(url).await?;
        Ok(page)
    }

    /// The runtime below, which takes requests as they travel. See [`OpsService::execute`].
    #[must_use]
    pub fn runtime(&self) -> &Runtime {
        &self.caller.runtime
    }

    /// Closes every session and ends the browser, within five seconds.
    pub async fn close(self) {
        self.caller
            .runtime
            .shut_down(Instant::now() + CLOSE_WITHIN)
            .await;
    }
}

/// The program that embeds the runtime, as the runtime sees it: who calls, and under which request ids.
struct Program {
    runtime: Runtime,
    client: ClientId,
    /// Distinguishes the ids of this program's requests from those of its other runs, in logs.
    run: String,
    requests: AtomicU64,
}

impl Program {
    fn new(runtime: Runtime) -> Result<Self> {
        let client = "embedded".parse();
        Ok(Self {
            runtime,
            client: client.map_err(|_| Fault::plain(ErrorCode::OpsInternal))?,
            run: secret::nonce()?,
            requests: AtomicU64::new(1),
        })
    }

    /// An id that no request of this program had: a request with one that was used is a repetition, and is not run.
    fn request_id(&self) -> Result<RequestId> {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        format!("{}-{number}", self.run)
            .parse()
            .map_err(|_| Fault::plain(ErrorCode::OpsInternal))
    }

    async fn call<C: Command>(
        self: &Arc<Self>,
        granted: Option<&Grant>,
        params: &C::Params,
        timeout: Option<Duration>,
    ) -> Result<C::Result> {
        let params = serde_json::value::to_raw_value(params).map_err(|error| {
            Fault::new(
                ErrorCode::OpsInvalidRequest,
                format!("{}: {error}", C::NAME),
            )
        })?;
        let result = self
            .execute(C::NAME.into(), granted, params, timeout)
            .await?;
        serde_json::from_str(result.get())
            .map_err(|error| Fault::new(ErrorCode::OpsInternal, format!("{}: {error}", C::NAME)))
    }

    async fn execute(
        self: &Arc<Self>,
        command: RequestedCommand,
        granted: Option<&Grant>,
        params: Box<RawValue>,
        timeout: Option<Duration>,
    ) -> Result<Arc<RawValue>> {
        let request = OpsRequest {
            request_id: self.request_id()?,
            session_id: granted.map(|granted| granted.session_id.clone()),
            lease_id: granted.map(|granted| granted.lease_id.clone()),
            command,
            params,
            timeout_ms: timeout
                .map(|timeout| u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX)),
            boundary: false,
        };
        let mut running = Running {
            program: self.clone(),
            cancel: Some(OpsCancel {
                request_id: request.request_id.clone(),
                session_id: request.session_id.clone(),
                lease_id: request.lease_id.clone(),
            }),
        };
        let caller = Caller {
            client_id: self.client.clone(),
            admin: false,
            legacy: None,
        };
        let reply = self.runtime.execute(request, caller, Instant::now()).await;
        running.cancel = None;
        reply.outcome
    }
}

/// Cancels a command whose future is dropped, as by `tokio::time::timeout`: the runtime itself would run it to its end.
struct Running {
    program: Arc<Program>,
    cancel: Option<OpsCancel>,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Without a tokio runtime the program is ending, and the browser with it.
        if let (Some(cancel), Ok(tokio)) =
            (self.cancel.take(), tokio::runtime::Handle::try_current())
        {
            tokio.spawn(self.program.runtime.cancel(cancel));
        }
    }
}
