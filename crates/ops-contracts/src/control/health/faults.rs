//! Which errors count towards a session's circuit, and why: one row per code.
//!
//! Codes whose blame is not the adapter's take the reason of their blame; those whose blame is have rows of their own.

use serde::Serialize;

use crate::wire::error::{Blame, ErrorCode};

/// What an error says about the adapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultClass {
    /// A fault of the adapter: counted.
    Adapter,
    /// A fault that was counted when it happened, told again: not counted twice.
    Told,
    /// The page's doing: the adapter has done its work.
    Page,
    /// The caller's doing: the adapter was not asked, or asked for what can't be.
    Caller,
    /// An operator's policy or setting: nothing is broken.
    Operator,
    /// The control plane's own failure: another browser would not help.
    Relay,
}

impl FaultClass {
    /// Whether the error counts towards the circuit.
    #[must_use]
    pub const fn counts(self) -> bool {
        matches!(self, Self::Adapter)
    }

    /// The class's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Adapter => "adapter",
            Self::Told => "told",
            Self::Page => "page",
            Self::Caller => "caller",
            Self::Operator => "operator",
            Self::Relay => "relay",
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultRow {
    /// The code.
    pub code: ErrorCode,
    /// What it says about the adapter.
    pub class: FaultClass,
    /// Why.
    pub reason: &'static str,
}

/// The row of a code.
#[must_use]
pub const fn fault_row(code: ErrorCode) -> FaultRow {
    use ErrorCode as Code;
    let (class, reason) = match (code, code.row().blame) {
        (Code::OpsSessionLost, _) => (
            FaultClass::Told,
            "tells of a loss that was counted when the browser ended",
        ),
        (Code::OpsCircuitOpen, _) => (
            FaultClass::Told,
            "is the circuit's own refusal: counting it would keep the circuit open for ever",
        ),
        (Code::AdapterBrowserLost, _) => (
            FaultClass::Adapter,
            "a browser must not end by itself; each loss counts once for each session on it",
        ),
        (Code::AdapterTargetCrashed, _) => (
            FaultClass::Page,
            "a page can crash the process that runs it; the browser and its adapter have done their work",
        ),
        (Code::AdapterLaunchFailed, _) => (
            FaultClass::Adapter,
            "a session that lost its browser can't be given another",
        ),
        (Code::AdapterAttachFailed, _) => (
            FaultClass::Adapter,
            "the browser runs, but its pages can't be driven",
        ),
        (Code::AdapterProtocolError, _) => (
            FaultClass::Adapter,
            "the adapter sent what the browser refuses: one of the two is at fault, never the caller",
        ),
        (Code::AdapterTimeout, _) => (
            FaultClass::Adapter,
            "the browser itself does not answer; a slow page is ops_timeout",
        ),
        (_, Blame::Adapter) => (FaultClass::Adapter, "the browser or its adapter failed"),
        (_, Blame::Page) => (
            FaultClass::Page,
            "the page, its server or the given time is at fault; the browser has answered",
        ),
        (_, Blame::Caller) => (FaultClass::Caller, "the request is at fault"),
        (_, Blame::Operator) => (FaultClass::Operator, "a policy, limit or setting refuses"),
        (_, Blame::Relay) => (
            FaultClass::Relay,
            "the control plane failed, not the browser",
        ),
    };
    FaultRow {
        code,
        class,
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_towards_the_circuit_is_this_list_and_nothing_else() {
        let counted: Vec<_> = ErrorCode::ALL
            .iter()
            .filter(|code| fault_row(**code).class.counts())
            .map(|code| code.as_str())
            .collect();
        let expected = [
            "adapter_launch_failed",
            "adapter_browser_lost",
            "adapter_attach_failed",
            "adapter_protocol_error",
            "adapter_timeout",
        ];
        assert_eq!(counted, expected);
        assert!(
            ErrorCode::ALL
                .iter()
                .all(|code| !fault_row(*code).reason.is_empty())
        );
    }
}
