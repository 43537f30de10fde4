//! What can go wrong with a call, and the contract's code for it.

use std::io;
use std::time::Duration;

use ops_contracts::{ErrorCode, Fault};

use crate::reply::Refusal;

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there, or the address can't be reached. Nothing was sent.
    #[error("no relay answers at {url}: {source}")]
    Unreachable {
        /// The address.
        url: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The relay's certificate does not pass, or there is no TLS where there should be. Nothing was sent.
    #[error("the relay at {url} is not trusted: {why}")]
    Untrusted {
        /// The address.
        url: String,
        /// What does not pass.
        why: String,
    },
    /// The relay refused with a code of this contract version.
    #[error("{code}: {}", refusal.message)]
    Refused {
        /// The code.
        code: ErrorCode,
        /// The error as it came.
        refusal: Box<Refusal>,
    },
    /// The relay refused with a code that this version doesn't know.
    #[error("{}: {}", .0.code, .0.message)]
    Foreign(Box<Refusal>),
    /// The connection ended after the request was, or may have been, sent.
    #[error("the connection ended before the answer came ({0}); the command may have run")]
    Lost(String),
    /// The request was sent and no answer came in time.
    #[error("no answer came within {} ms; the command may have run", .0.as_millis())]
    Deadline(Duration),
    /// The request could not be sent in time.
    #[error("the request could not be sent within {} ms", .0.as_millis())]
    NotSent(Duration),
    /// The answer is not of this contract.
    #[error("{0}")]
    ReplyInvalid(String),
    /// The relay speaks another major version of the contract.
    #[error("the relay speaks contract {relay}, this client {own}")]
    Version {
        /// The relay's contract version.
        relay: String,
        /// This client's.
        own: &'static str,
    },
    /// The client was closed, or gave up reconnecting.
    #[error("the client is closed: {0}")]
    Closed(String),
}

impl ClientError {
    /// The contract's code; none where the relay sent one that this version doesn't know.
    #[must_use]
    pub const fn code(&self) -> Option<ErrorCode> {
        Some(match self {
            Self::Unreachable { .. } | Self::NotSent(_) | Self::Closed(_) => {
                ErrorCode::CliDaemonUnavailable
            }
            Self::Untrusted { .. } => ErrorCode::CliRelayUntrusted,
            Self::Refused { code, .. } => *code,
            Self::Foreign(_) => return None,
            Self::Lost(_) | Self::Deadline(_) => ErrorCode::CliReplyLost,
            Self::ReplyInvalid(_) => ErrorCode::CliReplyInvalid,
            Self::Version { .. } => ErrorCode::CliVersionUnsupported,
        })
    }

    /// The error as a fault of the contract; `Err` with the refusal where its code is unknown to this version.
    ///
    /// # Errors
    /// The refusal as it came.
    pub fn into_fault(self) -> Result<Fault, Box<Refusal>> {
        let code = self.code();
        match (self, code) {
            (Self::Refused { code, refusal }, _) => Ok(Fault {
                code,
                message: refusal.message,
                retry_after_ms: refusal.retry_after_ms,
                details: refusal.details.unwrap_or_default(),
            }),
            (Self::Foreign(refusal), _) => Err(refusal),
            (other, Some(code)) => Ok(Fault::new(code, other.to_string())),
            (other, None) => Ok(Fault::new(ErrorCode::CliReplyInvalid, other.to_string())),
        }
    }
}

impl From<Refusal> for ClientError {
    fn from(refusal: Refusal) -> Self {
        match refusal.code.parse() {
            Ok(code) => Self::Refused {
                code,
                refusal: Box::new(refusal),
            },
            Err(_) => Self::Foreign(Box::new(refusal)),
        }
    }
}
