//! The seam behind which protocols live: an adapter launches a browser, a browser has contexts, a context has targets
//! and performs primitives on them, and whatever happens in it arrives as events.
//!
//! No command of the contract is known here, and no word of a protocol. What is the same for all protocols is
//! implemented once, above this seam.
//!
//! Rules that every adapter keeps:
//! - *Order.* A primitive's messages are enqueued when its future is first polled; what is polled first is sent first.
//!   Callers pipeline by polling several futures together (`join!`).
//! - *Cancellation.* Dropping a future abandons the primitive; a late answer is discarded.
//! - *Loss.* A primitive whose target closed, whose renderer crashed, whose document went away or whose browser ended
//!   fails at once with the error that says so. It never waits for an answer that can't come.
//! - *Events* are emitted in the order in which the browser reported them, and before the answer of any primitive
//!   that the browser answered later.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

mod emulation;
mod error;
mod event;
mod network;
mod passage;
mod perform;
mod primitive;

pub use crate::wire::page::{
    AbortReason, Clip, ConsoleLevel, DialogKind, GivenFile, ImageFormat, Initiator, MouseButton,
    RequestTiming, ResourceKind,
};
pub use emulation::{ClientHints, Emulation, UserAgent};
pub use error::{AdapterError, CONNECTION_ENDED, NavigationFailure, NavigationFailureKind};
pub use event::{DownloadProgress, Event, EventSink, LifecyclePhase};
pub use network::{
    Challenge, Decision, Headers, NetworkConditions, NetworkPolicy, PausedRequest, RequestDetails,
    ResponseDetails,
};
pub use passage::{Passage, RawCall};
pub use perform::{
    Cookies, Emulates, Files, Inputs, Navigation, Network, Pages, Performed, Performs, Picture,
    Scripts, ShadowRoots, Traces, Views, Work, perform,
};
pub use primitive::{
    BridgeCall, Effect, Evaluated, FileToGive, FilesTo, InputAction, Keystroke, Modifiers,
    Primitive, ScriptError,
};

use crate::wire::capability::{AdapterKind, BrowserKind, CapabilitySet};
use crate::wire::command::Viewport;

/// A future that an object-safe trait can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The result of everything behind the seam.
pub type AdapterResult<T> = Result<T, AdapterError>;

macro_rules! keys {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub u64);
    )+};
}

keys! {
    /// A page, as its adapter names it; unique in the browser and never reused.
    TargetKey;
    /// A frame, as its adapter names it; unique in the browser and never reused. Stays the same over navigations, also across processes.
    FrameKey;
    /// A document: a new one with every navigation that is not within the document.
    DocumentKey;
    /// A network request; redirects of one request share the key.
    RequestKey;
    /// A request that waits for a decision.
    PausedKey;
    /// A download.
    DownloadKey;
    /// A file chooser that a page has asked for.
    ChooserKey;
}

/// A protocol driver: finds, launches and supervises browsers.
pub trait Adapter: Send + Sync {
    /// Which protocol family this is, for diagnostics and metrics.
    fn kind(&self) -> AdapterKind;

    /// What this adapter can do with such a browser.
    fn capabilities(&self, browser: BrowserKind) -> CapabilitySet;

    /// Starts a browser. Dropping the future ends whatever was started.
    ///
    /// # Errors
    /// `BrowserMissing`, `ArgumentForbidden`, `SandboxUnavailable`, `LaunchFailed`.
    fn launch(&self, spec: LaunchSpec) -> BoxFuture<'_, AdapterResult<Arc<dyn Browser>>>;

    /// The adapter that can reach the pages of such a browser of this adapter's, through the passages of its contexts; none
    /// where there is no other way to them.
    fn passes(&self, _browser: BrowserKind) -> Option<AdapterKind> {
        None
    }

    /// What this adapter can do through another one's passage to such a browser.
    fn capabilities_through(&self, _browser: BrowserKind) -> CapabilitySet {
        CapabilitySet::new([])
    }

    /// A context that performs what [`Adapter::capabilities_through`] says, and refuses all else with `Unsupported`; none
    /// where this adapter uses no passages.
    fn through(&self, _passage: Arc<dyn Passage>) -> Option<Arc<dyn Context>> {
        None
    }
}

/// What browser to start, and how. Two equal specs can share one process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LaunchSpec {
    /// The browser's family.
    pub browser: BrowserKind,
    /// The executable; found in the well-known places when absent.
    pub executable: Option<std::path::PathBuf>,
    /// With a window on the user's display instead of headless.
    pub headed: bool,
    /// Arguments for the browser beyond the adapter's own.
    pub args: Vec<String>,
    /// A profile directory that outlives the browser; a fresh temporary one when absent.
    pub profile: Option<std::path::PathBuf>,
    /// A proxy for all traffic, as `scheme://host:port`.
    pub proxy: Option<String>,
    /// Whether nothing leaves the browser but through the proxies of its contexts, or of its own: it resolves no names, and sends
    /// no datagrams. Loopback is no exception.
    pub confined: bool,
    /// Hosts that are reached without it; loopback is not among them unless it is named.
    pub proxy_bypass: Vec<String>,
}

impl LaunchSpec {
    /// A browser of this family as it is found, headless and with nothing asked of it.
    #[must_use]
    pub fn new(browser: BrowserKind) -> Self {
        Self {
            browser,
            executable: None,
            headed: false,
            args: Vec::new(),
            profile: None,
            proxy: None,
            confined: false,
            proxy_bypass: Vec::new(),
        }
    }
}

/// Facts about a running browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrowserInfo {
    /// Product name (`Chromium`).
    pub product: String,
    /// Product version (`156.0.8078.79`).
    pub version: String,
    /// Its process id, where it is ours.
    pub pid: Option<u32>,
    /// Whether its sandbox is on.
    pub sandboxed: bool,
}

/// A running browser.
pub trait Browser: Send + Sync {
    /// Facts about it.
    fn info(&self) -> &BrowserInfo;

    /// Makes a context with a window and one blank page of its own; its events go to `events`.
    ///
    /// # Errors
    /// `BrowserLost`, `AttachFailed`, `Protocol`.
    fn open_context(
        &self,
        spec: ContextSpec,
        events: Arc<dyn EventSink>,
    ) -> BoxFuture<'_, AdapterResult<OpenedContext>>;

    /// Whether it still answers for itself: false once the connection or the process has ended.
    fn is_connected(&self) -> bool;

    /// Asks it for something that no page is needed for, and returns once it has answered. Whoever asks sets the deadline.
    ///
    /// # Errors
    /// `BrowserLost`, `Protocol`, `Unresponsive`.
    fn ping(&self) -> BoxFuture<'_, AdapterResult<()>>;

    /// Ends it and everything in it, within about two seconds.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// The script that answers bridge calls, in a world of every frame that pages can't see. It defines `__odb`, with `call(name, args,
/// element?)`, with `doc`, the document that it is of, with `start()`, which makes it anew of the present one, and, once the whole is
/// there, with `version`.
#[derive(Debug, Clone)]
pub struct Bridge {
    /// What every document has before its own scripts run.
    pub start: Arc<str>,
    /// The functions that `start` answers; all others need the whole.
    pub started: &'static [&'static str],
    /// All of it, `start` included; may be evaluated at any time, behind `start` or in its place, and more than once.
    pub whole: Arc<str>,
}

impl Bridge {
    /// Whether `start` answers a function by itself.
    #[must_use]
    pub fn starts_with(&self, function: &str) -> bool {
        self.started.contains(&function) || Arc::ptr_eq(&self.start, &self.whole)
    }
}

impl From<&str> for Bridge {
    /// One that answers everything from the start.
    fn from(whole: &str) -> Self {
        let whole: Arc<str> = whole.into();
        Self {
            start: Arc::clone(&whole),
            started: &[],
            whole,
        }
    }
}

/// What a new context is to be like.
#[derive(Clone)]
pub struct ContextSpec {
    /// What answers bridge calls.
    pub bridge: Bridge,
    /// Size of the pages' viewport.
    pub viewport: Viewport,
    /// Whose cookies and storage the pages have.
    pub storage: ContextStorage,
    /// A proxy for all traffic of the context, as `http://host:port`, loopback included; the browser's own ways when absent.
    /// Adapters without the capability `network.domains` refuse one with `Unsupported`.
    pub proxy: Option<String>,
}

/// Whose cookies and storage a context has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextStorage {
    /// Its own; gone when the context is closed.
    Isolated,
    /// The browser's profile.
    Profile,
}

/// A context just made, with its first page.
pub struct OpenedContext {
    /// The context.
    pub context: Arc<dyn Context>,
    /// Its first page, blank. No `TargetOpened` event is emitted for it.
    pub target: TargetKey,
    /// The main frame of that page.
    pub frame: FrameKey,
    /// The way past this adapter, where it lets another one pass.
    pub passage: Option<Arc<dyn Passage>>,
}

/// An isolated scope of a browser: its own cookies, storage and pages. One session owns one context.
pub trait Context: Send + Sync {
    /// Performs a primitive; the effect's variant follows from the primitive.
    ///
    /// # Errors
    /// See the rules of this module.
    fn perform(&self, primitive: Primitive) -> BoxFuture<'_, AdapterResult<Effect>>;

    /// Closes the context with all its pages.
    fn close(&self) -> BoxFuture<'_, ()>;
}
