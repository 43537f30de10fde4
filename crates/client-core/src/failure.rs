//! Why something that a front end does for its user failed.

use std::fmt::Display;
use std::path::Path;

use ops_client::{ClientError, Refusal, Reply};
use ops_contracts::wire::frame::OpsError;
use ops_contracts::{ErrorCode, Fault};

use crate::correlation::Correlation;

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

    /// The `ops_error` frame on one line: as it came, or as the relay would have written it, with the ids of the run that it
    /// happened in.
    #[must_use]
    pub fn frame(&self, run: &Correlation) -> String {
        match self {
            Self::Refused { reply, .. } => reply.line().into_owned(),
            Self::Here(fault) => frame_of(Fault::clone(fault), run),
            Self::Foreign(refusal) => {
                let fault = Fault::new(
                    ErrorCode::CliReplyInvalid,
                    format!("{}: {}", refusal.code, refusal.message),
                );
                frame_of(fault.with("code", &refusal.code), run)
            }
        }
    }
}

fn frame_of(fault: Fault, run: &Correlation) -> String {
    let (request_id, session_id) = (run.request_id(), run.session_id().cloned());
    OpsError {
        request_id: request_id.clone(),
        session_id: session_id.clone(),
        error: fault.into_body(request_id, session_id),
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
        let run = Correlation::new(7);
        let sent = run.request_ids().next_id();
        let session = "5e".repeat(16).parse().unwrap();
        run.about(&session);
        let failure = Failure::new(ErrorCode::CliSessionMissing, "none");
        let reply = Reply::parse(failure.frame(&run)).unwrap();
        let frame: serde_json::Value = serde_json::from_str(&reply.line()).unwrap();
        assert_eq!(frame["requestId"], sent.as_str());
        assert_eq!(frame["error"]["requestId"], sent.as_str());
        assert_eq!(frame["error"]["sessionId"], "5e".repeat(16));
        assert_eq!(reply.code(), Some(ErrorCode::CliSessionMissing));
    }
}
