//! What can go wrong behind the seam, by cause, and the code that each cause has in the contract.

use serde::Serialize;

use crate::wire::error::ErrorCode;
use crate::wire::fault::Fault;

/// How a browser is lost whose process may still be there.
pub const CONNECTION_ENDED: &str = "its debugging connection ended";

/// A failure behind the seam.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum AdapterError {
    /// The adapter can't do this at all; the runtime may fall back to another adapter of the session's browser.
    #[error("{primitive} is not supported by this adapter")]
    Unsupported {
        /// Name of the primitive.
        primitive: &'static str,
    },
    /// No executable was found.
    #[error("no browser was found: {install}")]
    BrowserMissing {
        /// The places that were searched.
        searched: Vec<String>,
        /// What to install, as a sentence.
        install: String,
    },
    /// An argument would open a debugging port or undo a safeguard.
    #[error(
        "the browser argument {argument} is not allowed: the debugging connection is the adapter's own"
    )]
    ArgumentForbidden {
        /// The argument.
        argument: String,
    },
    /// The browser can't set up its sandbox here.
    #[error(
        "the browser can't set up its sandbox: run as a normal user, or switch the sandbox off in the configuration"
    )]
    SandboxUnavailable,
    /// The browser did not start.
    #[error("the browser did not start: {reason}")]
    LaunchFailed {
        /// Why.
        reason: String,
        /// The end of what it printed, at most 4 KiB.
        output: String,
    },
    /// The browser ended, or its connection did.
    #[error("the browser ended: {reason}")]
    BrowserLost {
        /// How.
        reason: String,
    },
    /// The page was closed.
    #[error("the page was closed")]
    TargetClosed,
    /// The page's renderer crashed; a navigation or reload revives the page.
    #[error("the page's renderer crashed")]
    TargetCrashed,
    /// The frame is not there any more.
    #[error("the frame is gone")]
    FrameGone,
    /// The document went away while the primitive ran.
    #[error("the document went away")]
    DocumentGone,
    /// The browser does not have the bytes any more, or never had them.
    #[error("the browser does not have the bytes any more")]
    BodyGone,
    /// No dialog is open.
    #[error("no dialog is open")]
    DialogMissing,
    /// A target could not be attached.
    #[error("the page can't be attached: {reason}")]
    AttachFailed {
        /// Why.
        reason: String,
    },
    /// The browser refused a protocol call.
    #[error("the browser refused {call}: {reason}")]
    Protocol {
        /// The call, for diagnostics.
        call: String,
        /// The browser's reason.
        reason: String,
    },
    /// The browser does not answer.
    #[error("the browser does not answer")]
    Unresponsive,
}

impl AdapterError {
    /// The browser is gone, in this way.
    #[must_use]
    pub fn lost(reason: &str) -> Self {
        Self::BrowserLost {
            reason: reason.to_owned(),
        }
    }

    /// What this failure means where a page is made for a new context: a refusal, or the page's end, is that there is none.
    #[must_use]
    pub fn while_attaching(self) -> Self {
        let reason = match self {
            Self::Protocol { reason, .. } => reason,
            Self::TargetClosed => "the page closed at once".to_owned(),
            other => return other,
        };
        Self::AttachFailed { reason }
    }

    /// The code of this failure.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Unsupported { .. } => ErrorCode::OpsNotSupported,
            Self::BrowserMissing { .. } => ErrorCode::AdapterBrowserMissing,
            Self::ArgumentForbidden { .. } => ErrorCode::AdapterArgumentForbidden,
            Self::SandboxUnavailable => ErrorCode::AdapterSandboxUnavailable,
            Self::LaunchFailed { .. } => ErrorCode::AdapterLaunchFailed,
            Self::BrowserLost { .. } => ErrorCode::AdapterBrowserLost,
            Self::TargetClosed => ErrorCode::OpsTargetClosed,
            Self::TargetCrashed => ErrorCode::AdapterTargetCrashed,
            Self::FrameGone | Self::DocumentGone => ErrorCode::OpsNavInterrupted,
            Self::BodyGone => ErrorCode::OpsBodyUnavailable,
            Self::DialogMissing => ErrorCode::OpsDialogMissing,
            Self::AttachFailed { .. } => ErrorCode::AdapterAttachFailed,
            Self::Protocol { .. } => ErrorCode::AdapterProtocolError,
            Self::Unresponsive => ErrorCode::AdapterTimeout,
        }
    }
}

impl From<AdapterError> for Fault {
    fn from(error: AdapterError) -> Self {
        let fault = Self::new(error.code(), error.to_string());
        match error {
            AdapterError::Unsupported { primitive } => fault.with("primitive", primitive),
            AdapterError::BrowserMissing { searched, install } => {
                fault.with("searched", searched).with("install", install)
            }
            AdapterError::ArgumentForbidden { argument } => fault.with("argument", argument),
            AdapterError::LaunchFailed { output, .. } => fault.with("output", output),
            AdapterError::Protocol { call, .. } => fault.with("call", call),
            _ => fault,
        }
    }
}

/// Why a navigation got no document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NavigationFailure {
    /// The cause.
    pub kind: NavigationFailureKind,
    /// The browser's own name of the cause (`ERR_NAME_NOT_RESOLVED`).
    pub reason: String,
}

/// The causes that callers tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NavigationFailureKind {
    /// The host name can't be resolved.
    Dns,
    /// The server can't be reached, or broke the connection off.
    Connection,
    /// The server's certificate is not valid.
    Certificate,
    /// Ended without a document: a download, an empty response, another navigation.
    Aborted,
    /// The browser or a policy refused.
    Blocked,
    /// Anything else.
    Other,
}

impl NavigationFailure {
    /// The code of this failure.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self.kind {
            NavigationFailureKind::Dns => ErrorCode::OpsNavDnsFailed,
            NavigationFailureKind::Connection => ErrorCode::OpsNavConnectionFailed,
            NavigationFailureKind::Certificate => ErrorCode::OpsNavCertificateInvalid,
            NavigationFailureKind::Aborted => ErrorCode::OpsNavAborted,
            NavigationFailureKind::Blocked => ErrorCode::OpsUrlForbidden,
            NavigationFailureKind::Other => ErrorCode::OpsNavFailed,
        }
    }
}
