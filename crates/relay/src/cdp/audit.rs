//! The audit log: one line for each command, with who, what and the decision; never a parameter.

use ops_contracts::ErrorCode;
use ops_contracts::control::legacy::{CdpDecision, LegacyLeaseMode};
use ops_contracts::wire::ids::{RequestId, SessionId};

/// What a line tells.
pub(super) struct Line<'a> {
    pub(super) request: &'a RequestId,
    /// The session, where the sender has shown that it is its own.
    pub(super) session: Option<&'a SessionId>,
    /// The method, where the message was understood.
    pub(super) method: Option<&'a str>,
    pub(super) decision: CdpDecision,
    pub(super) code: Option<ErrorCode>,
    pub(super) mode: LegacyLeaseMode,
}

/// Writes a line. What is to be looked at stands out by its level.
pub(super) fn write(line: &Line<'_>) {
    let Line {
        request,
        session,
        method,
        decision,
        code,
        mode,
    } = line;
    let session = session.map(tracing::field::display);
    let code = code.map(tracing::field::display);
    let (method, deprecated) = (
        method.unwrap_or("none"),
        *mode == LegacyLeaseMode::Transitional,
    );
    macro_rules! told {
        ($level:ident) => {
            tracing::$level!(
                target: "audit",
                requestId = %request,
                sessionId = session,
                %method,
                %decision,
                code,
                leaseMode = %mode,
                deprecated,
                "cdp"
            )
        };
    }
    match decision {
        CdpDecision::Allow => told!(info),
        CdpDecision::Observe | CdpDecision::Deny => told!(warn),
    }
}
