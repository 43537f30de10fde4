//! From what went wrong in the protocol to what the seam says about it.

use ops_contracts::seam::adapter::AdapterError;
use ops_contracts::seam::chromium::NOT_ACTIVE;

use crate::connection::{CallError, Refusal};

/// The code of the refusal of a session that is not there.
pub(crate) const UNKNOWN_SESSION: i64 = -32001;

/// What Chromium says when the document that a call was meant for is gone. It has one code for everything, so that the
/// text is all there is to tell them apart.
const DOCUMENT_GONE: &[&str] = &[
    "Inspected target navigated or closed",
    "Execution context was destroyed",
    "Cannot find context with specified id",
    "uniqueContextId not found",
    "Cannot find default execution context",
    "Could not find object with given id",
    "Frame with the given id was not found",
    "Node with given id does not belong to the document",
    "No node with given id found",
];

/// The seam's error for a failed `call`.
pub(crate) fn from_call(call: &str, error: CallError) -> AdapterError {
    error.of_call(call, |Refusal { code, message }| {
        // The session is unknown: its target went away before the call arrived.
        if code == UNKNOWN_SESSION {
            return Ok(AdapterError::TargetClosed);
        }
        from_refusal(&message).ok_or(message)
    })
}

fn from_refusal(message: &str) -> Option<AdapterError> {
    let says = |words: &str| message.contains(words);
    if DOCUMENT_GONE.iter().any(|words| says(words)) {
        return Some(AdapterError::DocumentGone);
    }
    if says("No dialog is showing") {
        return Some(AdapterError::DialogMissing);
    }
    if says("Target crashed") {
        return Some(AdapterError::TargetCrashed);
    }
    (says("No target with given id") || says(NOT_ACTIVE) || says("Target closed"))
        .then_some(AdapterError::TargetClosed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_has_gone() {
        let refused = |code, message: &str| {
            let message = message.to_owned();
            from_call("X.y", CallError::Refused(Refusal { code, message }))
        };
        for (code, message, expected) in [
            (
                -32000,
                "Cannot find context with specified id",
                AdapterError::DocumentGone,
            ),
            (-32000, "No dialog is showing", AdapterError::DialogMissing),
            (-32000, "Target crashed", AdapterError::TargetCrashed),
            (-32000, "Target closed", AdapterError::TargetClosed),
            (UNKNOWN_SESSION, "whatever", AdapterError::TargetClosed),
        ] {
            assert_eq!(refused(code, message), expected, "{message}");
        }
        assert!(matches!(
            refused(-32000, "No"),
            AdapterError::Protocol { reason, .. } if reason == "No"
        ));
    }
}
