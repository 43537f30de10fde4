//! From what went wrong in the protocol to what the seam says about it.

use ops_contracts::seam::adapter::AdapterError;

use crate::connection::{CallError, Loss};

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
    let protocol = |reason: String| AdapterError::Protocol {
        call: call.to_owned(),
        reason,
    };
    match error {
        CallError::Lost(Loss::TargetClosed) => AdapterError::TargetClosed,
        CallError::Lost(Loss::TargetCrashed) => AdapterError::TargetCrashed,
        CallError::Lost(Loss::Navigated) => AdapterError::DocumentGone,
        CallError::Lost(Loss::FrameDetached) => AdapterError::FrameGone,
        CallError::Lost(Loss::Disconnected) => lost("its debugging connection ended"),
        CallError::Backlog => AdapterError::Unresponsive,
        CallError::Encode(reason) | CallError::Decode(reason) => protocol(reason),
        // The session is unknown: its target went away before the call arrived.
        CallError::Refused { code: -32001, .. } => AdapterError::TargetClosed,
        CallError::Refused { message, .. } => {
            from_refusal(&message).unwrap_or_else(|| protocol(message))
        }
    }
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
    (says("No target with given id")
        || says("Not attached to an active page")
        || says("Target closed"))
    .then_some(AdapterError::TargetClosed)
}

/// The browser is gone.
pub(crate) fn lost(reason: &str) -> AdapterError {
    AdapterError::BrowserLost {
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_loss_has_its_own_error() {
        let code = |error| from_call("X.y", error).code();
        let refused = |message: &str| CallError::Refused {
            code: -32000,
            message: message.to_owned(),
        };
        assert_eq!(
            code(CallError::Lost(Loss::Navigated)),
            AdapterError::DocumentGone.code()
        );
        assert_eq!(
            code(refused("Cannot find context with specified id")),
            AdapterError::DocumentGone.code()
        );
        assert_eq!(
            code(refused("No dialog is showing")),
            AdapterError::DialogMissing.code()
        );
        assert_eq!(code(CallError::Lost(Loss::Disconnected)), lost("").code());
    }
}
