//! Why something that a front end does for its user failed.

use std::fmt::Display;
use std::path::Path;

use ops_client::{ClientError, Refusal, Reply};
use ops_contracts::wire::frame::{OpsError, unknown_request_id};
use ops_contracts::{ErrorCode, Fault};

/// The result of everything here that can fail.
pub type Outcome<T> = Result<T, Failure>;

/// Why it failed.
#[derive(Debug)]
pub enum Failure {
    /// Found here, before or without an answer.
    Here(Box<Fault>),
    /// Refused by the relay.
    Refused {
        /// The answer.
        reply: Box<Reply>,
        /// What helps in this place, beside the registry's remedy.
        advice: Option<String>,
    },
    /// Refused by a newer relay where there is no frame to show.
    Foreign(Box<Refusal>),
}

impl Failure {
    /// A failure found here.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Here(Box::new(Fault::new(code, message)))
    }

    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::CliUsageInvalid, message)
    }

    /// The code, where this version knows it.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Here(fault) => Some(fault.code),
            Self::Refused { reply, .. } => reply.code(),
            Self::Foreign(refusal) => refusal.known(),
        }
    }

    /// A relay's refusal, with what helps in this place.
    #[must_use]
    pub fn refused(reply: Reply) -> Self {
        let advice = match reply.code() {
            Some(
                ErrorCode::OpsSessionUnknown
                | ErrorCode::OpsLeaseExpired
                | ErrorCode::OpsSessionClosed,
            ) => Some(
                "the session is over: odb-cli open URL makes a new one under the same name"
                    .to_owned(),
            ),
            Some(ErrorCode::OpsDialogOpen) => {
                Some("odb-cli dialog accept [TEXT], or odb-cli dialog dismiss".to_owned())
            }
            Some(ErrorCode::OpsRefStale | ErrorCode::OpsElementNotFound) => {
                Some("odb-cli snapshot -i lists what can be acted on".to_owned())
            }
            _ => None,
        };
        Self::Refused {
            reply: Box::new(reply),
            advice,
        }
    }

    /// A file that can't be read.
    pub fn unreadable(path: &Path, why: impl Display) -> Self {
        let message = format!("{}: {why}", path.display());
        Self::new(ErrorCode::CliFileUnreadable, message)
    }

    /// A file that can't be written.
    pub fn unwritable(path: &Path, why: impl Display) -> Self {
        let message = format!("{}: {why}", path.display());
        Self::new(ErrorCode::CliFileUnwritable, message)
    }

    /// An answer that is not what the contract says.
    pub fn malformed(why: impl Display) -> Self {
        Self::new(ErrorCode::CliReplyInvalid, why.to_string())
    }

    /// The `ops_error` frame on one line: as it came, or as the relay would have written it.
    #[must_use]
    pub fn frame(&self) -> String {
        match self {
            Self::Refused { reply, .. } => reply.line().into_owned(),
            Self::Here(fault) => frame_of(Fault::clone(fault)),
            Self::Foreign(refusal) => {
                let fault = Fault::new(
                    ErrorCode::CliReplyInvalid,
                    format!("{}: {}", refusal.code, refusal.message),
                );
                frame_of(fault.with("code", &refusal.code))
            }
        }
    }
}

fn frame_of(fault: Fault) -> String {
    let request_id = unknown_request_id();
    OpsError {
        request_id: request_id.clone(),
        session_id: None,
        error: fault.into_body(request_id, None),
        timing: None,
    }
    .encode()
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Here(Box::new(fault))
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error.into_fault() {
            Ok(fault) => fault.into(),
            Err(refusal) => Self::Foreign(refusal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_found_here_is_a_frame_like_any_other() {
        let frame = Failure::new(ErrorCode::CliSessionMissing, "none").frame();
        let reply = Reply::parse(frame).unwrap();
        assert_eq!(reply.code(), Some(ErrorCode::CliSessionMissing));
    }
}
