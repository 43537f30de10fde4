//! What a browser reports of its own accord. Variants are facts of the page and the network, not of a protocol.

use super::network::{Challenge, Headers, PausedRequest, RequestDetails, ResponseDetails};
use super::{
    ChooserKey, DocumentKey, DownloadKey, FrameKey, NavigationFailure, PausedKey, RequestKey,
    TargetKey,
};
use crate::wire::page::{ConsoleLevel, DialogKind, ResourceKind};

/// Takes a context's events. Called from the adapter's reader: it must return at once and never block.
pub trait EventSink: Send + Sync {
    /// Takes one event.
    fn emit(&self, event: Event);
}

/// Something that happened in a context.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// A page opened: by `create target`, or as a popup of `opener`. Emitted as soon as primitives can be sent to it, so
    /// that the action that opened a popup can tell of it.
    TargetOpened {
        /// The new page.
        target: TargetKey,
        /// Its main frame.
        frame: FrameKey,
        /// The page that opened it.
        opener: Option<TargetKey>,
        /// Its URL so far.
        url: String,
    },
    /// A page closed.
    TargetClosed {
        /// The page.
        target: TargetKey,
    },
    /// A page's renderer crashed.
    TargetCrashed {
        /// The page.
        target: TargetKey,
    },
    /// A child frame appeared.
    FrameAttached {
        /// Its page.
        target: TargetKey,
        /// The frame.
        frame: FrameKey,
        /// Its parent.
        parent: FrameKey,
    },
    /// A child frame was removed from the document (not: moved to another process).
    FrameDetached {
        /// Its page.
        target: TargetKey,
        /// The frame.
        frame: FrameKey,
    },
    /// The page asked for a navigation of a frame; `NavigationStarted` follows unless the browser drops it. Told before the
    /// answer of the call that made the page ask; an adapter that can't tell it so early leaves it out.
    NavigationRequested {
        /// Its page.
        target: TargetKey,
        /// The frame.
        frame: FrameKey,
    },
    /// A navigation of a frame was asked for, by the page or by us; it may still fail.
    NavigationStarted {
        /// Its page.
        target: TargetKey,
        /// The frame.
        frame: FrameKey,
        /// Where it is going.
        url: String,
    },
    /// A frame has a new document.
    NavigationCommitted {
        /// Its page.
        target: TargetKey,
        /// The frame.
        frame: FrameKey,
        /// The new document.
        document: DocumentKey,
        /// Its URL.
        url: String,
    },
    /// A frame's navigation ended without a new document.
    NavigationFailed {
        /// Its page.
        target: TargetKey,
        /// The frame.
        frame: FrameKey,
        /// Why.
        failure: NavigationFailure,
    },
    /// A frame's URL changed within its document (fragment, history API).
    UrlChanged {
        /// Its page.
        target: TargetKey,
        /// The frame.
        frame: FrameKey,
        /// The new URL.
        url: String,
    },
    /// A document reached a phase of its life.
    Lifecycle {
        /// Its page.
        target: TargetKey,
        /// The frame.
        frame: FrameKey,
        /// The document.
        document: DocumentKey,
        /// The phase.
        phase: LifecyclePhase,
    },
    /// A dialog opened; the page does nothing until it is answered.
    DialogOpened {
        /// Its page.
        target: TargetKey,
        /// What kind.
        kind: DialogKind,
        /// Its text.
        message: String,
        /// What a prompt proposes.
        default_text: Option<String>,
    },
    /// A dialog was answered, by us or by the browser.
    DialogClosed {
        /// Its page.
        target: TargetKey,
        /// Accepted or dismissed.
        accepted: bool,
    },
    /// The page wrote to the console.
    Console {
        /// Its page.
        target: TargetKey,
        /// The level.
        level: ConsoleLevel,
        /// The text as a console would show it.
        text: String,
        /// Where from, as `url:line:column`.
        location: Option<String>,
        /// When, in Unix milliseconds, by the browser's clock.
        timestamp_ms: u64,
    },
    /// An exception that nobody caught, or a rejection that nobody handled.
    Exception {
        /// Its page.
        target: TargetKey,
        /// Name and message.
        text: String,
        /// The stack, a frame a line.
        stack: Option<String>,
        /// Where from, as `url:line:column`.
        location: Option<String>,
        /// When, in Unix milliseconds, by the browser's clock.
        timestamp_ms: u64,
    },
    /// A request is about to be sent. A redirect gives another one with the same key.
    Request {
        /// Its page.
        target: TargetKey,
        /// Its frame, where known.
        frame: Option<FrameKey>,
        /// The request.
        request: RequestKey,
        /// The document that it will become, for a navigation.
        document: Option<DocumentKey>,
        /// Its URL.
        url: String,
        /// Its method.
        method: String,
        /// What it is for.
        kind: ResourceKind,
        /// Status and URL of the redirect that led here.
        redirected_from: Option<(u16, String)>,
    },
    /// The head of a response arrived.
    Response {
        /// Its page.
        target: TargetKey,
        /// The request.
        request: RequestKey,
        /// Status code; 0 where there is none.
        status: u16,
        /// Final URL.
        url: String,
        /// Media type.
        mime_type: String,
    },
    /// A response's body is complete.
    RequestFinished {
        /// Its page.
        target: TargetKey,
        /// The request.
        request: RequestKey,
    },
    /// A request failed.
    RequestFailed {
        /// Its page.
        target: TargetKey,
        /// The request.
        request: RequestKey,
        /// The browser's reason.
        reason: String,
        /// Whether it was cancelled rather than failed.
        cancelled: bool,
    },
    /// What is known of a request beyond its line; follows its `Request`. An adapter that knows no more leaves it out.
    RequestDetailed {
        /// The request.
        request: RequestKey,
        /// What is known.
        details: Box<RequestDetails>,
    },
    /// The headers of a request as they went over the network, with those that the browser added. May come before its `Request`.
    RequestHeaders {
        /// The request.
        request: RequestKey,
        /// All headers.
        headers: Headers,
    },
    /// What is known of a response beyond its status; follows its `Response`. An adapter that knows no more leaves it out.
    ResponseDetailed {
        /// The request.
        request: RequestKey,
        /// What is known.
        details: Box<ResponseDetails>,
    },
    /// The headers of a response as they came over the network, cookies included.
    ResponseHeaders {
        /// The request.
        request: RequestKey,
        /// All headers.
        headers: Headers,
    },
    /// How a request ended in figures; before its `RequestFinished` or `RequestFailed`.
    RequestMeasured {
        /// The request.
        request: RequestKey,
        /// Bytes that came over the network, headers included.
        transferred: Option<u64>,
        /// When it ended, in milliseconds of the clock of `RequestDetails`.
        monotonic_ms: f64,
    },
    /// A request waits for a decision, by the context's network policy.
    RequestPaused {
        /// What names it in the decision.
        paused: PausedKey,
        /// The request.
        request: PausedRequest,
    },
    /// A server or proxy asks for credentials, and the request waits for a decision.
    CredentialsAsked {
        /// What names it in the decision.
        paused: PausedKey,
        /// Who asks.
        challenge: Challenge,
    },
    /// A download began, before its `DownloadStarted`; its bytes are kept.
    DownloadBegan {
        /// The page that it began in.
        target: TargetKey,
        /// The download.
        download: DownloadKey,
        /// Where from.
        url: String,
        /// The name that the server or page proposes.
        suggested_name: String,
    },
    /// A download has come further. Its page may be gone.
    DownloadProgressed {
        /// The download.
        download: DownloadKey,
        /// Bytes that are there.
        received: u64,
        /// Its size, where it is known.
        total: Option<u64>,
        /// How far it has come.
        progress: DownloadProgress,
    },
    /// The page asked for files. Nothing is shown; the files are given by `set files`, or never.
    FileChooserOpened {
        /// Its page.
        target: TargetKey,
        /// The frame.
        frame: FrameKey,
        /// What names the chooser; the next one of the page replaces it.
        chooser: ChooserKey,
        /// Whether it takes more than one file.
        multiple: bool,
    },
    /// A download began; the navigation that led to it gets no document.
    DownloadStarted {
        /// The page that it began in.
        target: TargetKey,
        /// Where from.
        url: String,
        /// The name that the server or page proposes.
        suggested_name: String,
    },
    /// The browser is gone; nothing follows.
    Disconnected {
        /// How.
        reason: String,
    },
}

/// How far a download has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DownloadProgress {
    /// Bytes are coming.
    Running,
    /// The file is complete.
    Completed,
    /// It failed or was cancelled.
    Failed(String),
}

/// A phase in a document's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LifecyclePhase {
    /// Parsed.
    DomContentLoaded,
    /// Loaded with its subresources.
    Load,
}
