//! From what went wrong in the protocol to what the seam says about it.

use ops_contracts::seam::adapter::{
    AdapterError, CONNECTION_ENDED, NavigationFailure, NavigationFailureKind,
};
use ops_contracts::seam::chromium;

use crate::connection::{CallError, Refusal};

/// The seam's error for a failed `call`.
pub(crate) fn from_call(call: &str, error: CallError) -> AdapterError {
    error.of_call(call, |Refusal { error, message }| match &*error {
        "no such frame" => Ok(AdapterError::FrameGone),
        "no such node" | "stale element reference" => Ok(AdapterError::DocumentGone),
        "no such alert" => Ok(AdapterError::DialogMissing),
        "invalid session id" => Ok(lost()),
        _ if DOCUMENT_GONE.iter().any(|text| message.contains(text)) => {
            Ok(AdapterError::DocumentGone)
        }
        _ => Err(format!("{error}: {message}")),
    })
}

/// What browsers and drivers say of a window that goes away under a call.
const DOCUMENT_GONE: &[&str] = &[
    "AbortError",
    "DiscardedBrowsingContext",
    "Inspected target navigated or closed",
    "Cannot find context with specified id",
    "Execution context was destroyed",
];

/// The browser is gone.
pub(crate) fn lost() -> AdapterError {
    AdapterError::lost(CONNECTION_ENDED)
}

/// Kinds by the beginning of Firefox's names of network errors, and of what the protocol says; the first match counts.
const BY_REASON: &[(&str, NavigationFailureKind)] = &[
    ("NS_ERROR_UNKNOWN_HOST", NavigationFailureKind::Dns),
    (
        "NS_ERROR_UNKNOWN_PROXY_HOST",
        NavigationFailureKind::Connection,
    ),
    ("NS_BINDING_ABORTED", NavigationFailureKind::Aborted),
    // What came was handed on, to be kept as a file.
    ("NS_BINDING_RETARGETED", NavigationFailureKind::Aborted),
    ("NS_ERROR_ABORT", NavigationFailureKind::Aborted),
    ("NS_ERROR_CONNECTION_", NavigationFailureKind::Connection),
    ("NS_ERROR_NET_", NavigationFailureKind::Connection),
    ("NS_ERROR_PROXY_", NavigationFailureKind::Connection),
    ("NS_ERROR_OFFLINE", NavigationFailureKind::Connection),
    (
        "NS_ERROR_PORT_ACCESS_NOT_ALLOWED",
        NavigationFailureKind::Blocked,
    ),
    ("NS_ERROR_CONTENT_BLOCKED", NavigationFailureKind::Blocked),
    ("NS_ERROR_BLOCKED_", NavigationFailureKind::Blocked),
    ("NS_ERROR_DOM_BAD_URI", NavigationFailureKind::Blocked),
    ("NS_ERROR_CSP_", NavigationFailureKind::Blocked),
    ("NS_ERROR_XFO_VIOLATION", NavigationFailureKind::Blocked),
    ("NS_ERROR_UNKNOWN_PROTOCOL", NavigationFailureKind::Blocked),
    ("SEC_ERROR_", NavigationFailureKind::Certificate),
    ("SSL_ERROR_", NavigationFailureKind::Certificate),
    ("MOZILLA_PKIX_", NavigationFailureKind::Certificate),
    ("NSS_ERROR_", NavigationFailureKind::Certificate),
    (
        "Beforeunload prompt was rejected",
        NavigationFailureKind::Aborted,
    ),
    (
        "A new navigation interrupted",
        NavigationFailureKind::Aborted,
    ),
    ("deniedPortAccess", NavigationFailureKind::Blocked),
    ("dnsNotFound", NavigationFailureKind::Dns),
    ("connectionFailure", NavigationFailureKind::Connection),
    ("net", NavigationFailureKind::Connection),
    ("proxy", NavigationFailureKind::Connection),
    ("nss", NavigationFailureKind::Certificate),
    ("blockedByPolicy", NavigationFailureKind::Blocked),
    ("csp", NavigationFailureKind::Blocked),
    ("xfo", NavigationFailureKind::Blocked),
    ("unknownProtocol", NavigationFailureKind::Blocked),
];

/// The failure that the browser gives this reason for.
pub(crate) fn navigation_failure(reason: &str) -> NavigationFailure {
    let reason = reason.strip_prefix("Error: ").unwrap_or(reason);
    if reason.starts_with("net::") {
        return chromium::navigation_failure(reason);
    }
    let kind = BY_REASON
        .iter()
        .find(|(prefix, _)| reason.starts_with(prefix))
        .map_or(NavigationFailureKind::Other, |(_, kind)| *kind);
    NavigationFailure {
        kind,
        reason: reason.to_owned(),
    }
}

/// The document by which Chromium explains a failure, without saying which.
const CHROME_ERROR: &str = "chrome-error://";

/// The failure that a document explains, if it is one of the browser's own that do.
pub(crate) fn error_page(url: &str) -> Option<NavigationFailure> {
    if url.starts_with(CHROME_ERROR) {
        return Some(NavigationFailure {
            kind: NavigationFailureKind::Other,
            reason: "it could not be loaded".to_owned(),
        });
    }
    let (page, query) = url.split_once('?').unwrap_or((url, ""));
    let certificate = page == "about:certerror";
    if !certificate && page != "about:neterror" && page != "about:blocked" {
        return None;
    }
    let reason = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("e="))
        .unwrap_or(page);
    let failure = navigation_failure(reason);
    Some(if certificate {
        NavigationFailure {
            kind: NavigationFailureKind::Certificate,
            ..failure
        }
    } else {
        failure
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_errors_have_the_kind_that_callers_tell_apart() {
        for (text, kind) in [
            ("Error: NS_ERROR_UNKNOWN_HOST", NavigationFailureKind::Dns),
            (
                "Error: NS_ERROR_CONNECTION_REFUSED",
                NavigationFailureKind::Connection,
            ),
            ("NS_ERROR_NET_RESET", NavigationFailureKind::Connection),
            (
                "SEC_ERROR_UNKNOWN_ISSUER",
                NavigationFailureKind::Certificate,
            ),
            (
                "MOZILLA_PKIX_ERROR_SELF_SIGNED_CERT",
                NavigationFailureKind::Certificate,
            ),
            ("NS_BINDING_ABORTED", NavigationFailureKind::Aborted),
            ("NS_BINDING_RETARGETED", NavigationFailureKind::Aborted),
            ("deniedPortAccess", NavigationFailureKind::Blocked),
            ("NS_ERROR_REDIRECT_LOOP", NavigationFailureKind::Other),
            ("net::ERR_NAME_NOT_RESOLVED", NavigationFailureKind::Dns),
            (
                "net::ERR_CONNECTION_REFUSED",
                NavigationFailureKind::Connection,
            ),
            (
                "net::ERR_CERT_AUTHORITY_INVALID",
                NavigationFailureKind::Certificate,
            ),
            ("net::ERR_TOO_MANY_REDIRECTS", NavigationFailureKind::Other),
        ] {
            assert_eq!(navigation_failure(text).kind, kind, "{text}");
        }
    }

    #[test]
    fn error_pages_tell_why() {
        let failure = error_page("about:neterror?e=dnsNotFound&u=http%3A//nope.invalid/").unwrap();
        assert_eq!(
            (failure.kind, &*failure.reason),
            (NavigationFailureKind::Dns, "dnsNotFound")
        );
        assert_eq!(
            error_page("about:certerror?e=x").unwrap().kind,
            NavigationFailureKind::Certificate
        );
        assert!(error_page("about:blank").is_none());
        assert!(error_page("https://example.org/?e=dnsNotFound").is_none());
    }

    #[test]
    fn a_refusal_says_what_has_gone() {
        let refused = |error: &str, message: &str| {
            let (error, message) = (error.to_owned(), message.to_owned());
            from_call("x", CallError::Refused(Refusal { error, message }))
        };
        for (error, message, expected) in [
            ("no such frame", "", AdapterError::FrameGone),
            ("no such node", "", AdapterError::DocumentGone),
            ("no such alert", "", AdapterError::DialogMissing),
            ("invalid session id", "", lost()),
            ("unknown error", "AbortError", AdapterError::DocumentGone),
        ] {
            assert_eq!(refused(error, message), expected, "{error}");
        }
        assert!(matches!(
            refused("unknown error", "why"),
            AdapterError::Protocol { reason, .. } if reason == "unknown error: why"
        ));
    }
}
