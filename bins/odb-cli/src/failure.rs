//! Why a verb failed, and the exit code for it.

use ops_client::{ClientError, Refusal, Reply};
use ops_contracts::wire::frame::{OpsError, unknown_request_id};
use ops_contracts::{ErrorCode, Fault};

/// The result of everything that can end a verb.
pub(crate) type Outcome<T> = Result<T, Failure>;

/// Why a verb failed.
#[derive(Debug)]
pub(crate) enum Failure {
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
    pub(crate) fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self::Here(Box::new(Fault::new(code, message)))
    }

    /// The command line is wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::CliUsageInvalid, message)
    }

    /// The code, where this version knows it.
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Here(fault) => Some(fault.code),
            Self::Refused { reply, .. } => reply.code(),
            Self::Foreign(refusal) => refusal.known(),
        }
    }

    /// 1 usage, 10 no daemon, 2 everything else.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Here(fault) => match fault.code {
                ErrorCode::CliUsageInvalid
                | ErrorCode::CliFlagUnsupported
                | ErrorCode::CliRolloutAllowlistInvalid => 1,
                ErrorCode::CliDaemonUnavailable => 10,
                _ => 2,
            },
            Self::Refused { .. } | Self::Foreign(_) => 2,
        }
    }

    /// The `ops_error` frame on one line: as it came, or as the relay would have written it.
    pub(crate) fn frame(&self) -> String {
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
    fn exit_codes_are_one_for_usage_ten_without_daemon_and_two_otherwise() {
        assert_eq!(Failure::usage("x").exit_code(), 1);
        assert_eq!(
            Failure::new(ErrorCode::CliFlagUnsupported, "x").exit_code(),
            1
        );
        assert_eq!(
            Failure::new(ErrorCode::CliDaemonUnavailable, "x").exit_code(),
            10
        );
        assert_eq!(
            Failure::new(ErrorCode::CliSessionMissing, "x").exit_code(),
            2
        );
    }

    #[test]
    fn a_failure_found_here_is_a_frame_like_any_other() {
        let frame = Failure::new(ErrorCode::CliSessionMissing, "none").frame();
        let reply = Reply::parse(frame).unwrap();
        assert_eq!(reply.code(), Some(ErrorCode::CliSessionMissing));
    }
}
