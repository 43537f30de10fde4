//! What the errors of Chromium and Chrome mean, which every adapter to them has to agree on.
//!
//! It knows no protocol.

use crate::seam::adapter::{NavigationFailure, NavigationFailureKind};

/// How the browser refuses a call while it exchanges a page's document for another, and after the page is closed. It has done nothing then.
pub const NOT_ACTIVE: &str = "Not attached to an active page";

/// Kinds by the beginning of the names of network errors; the first match counts.
const FAILURES: &[(&str, NavigationFailureKind)] = &[
    ("ERR_NAME_", NavigationFailureKind::Dns),
    ("ERR_DNS_", NavigationFailureKind::Dns),
    ("ERR_ICANN_NAME_COLLISION", NavigationFailureKind::Dns),
    ("ERR_CERT", NavigationFailureKind::Certificate),
    ("ERR_SSL_", NavigationFailureKind::Certificate),
    (
        "ERR_BAD_SSL_CLIENT_AUTH_CERT",
        NavigationFailureKind::Certificate,
    ),
    ("ERR_ABORTED", NavigationFailureKind::Aborted),
    ("ERR_BLOCKED_", NavigationFailureKind::Blocked),
    ("ERR_ACCESS_DENIED", NavigationFailureKind::Blocked),
    ("ERR_UNSAFE_", NavigationFailureKind::Blocked),
    ("ERR_NETWORK_ACCESS_DENIED", NavigationFailureKind::Blocked),
    ("ERR_DISALLOWED_URL_SCHEME", NavigationFailureKind::Blocked),
    ("ERR_UNKNOWN_URL_SCHEME", NavigationFailureKind::Blocked),
    ("ERR_CONNECTION_", NavigationFailureKind::Connection),
    ("ERR_ADDRESS_", NavigationFailureKind::Connection),
    ("ERR_TIMED_OUT", NavigationFailureKind::Connection),
    ("ERR_EMPTY_RESPONSE", NavigationFailureKind::Connection),
    (
        "ERR_INTERNET_DISCONNECTED",
        NavigationFailureKind::Connection,
    ),
    ("ERR_NETWORK_", NavigationFailureKind::Connection),
    ("ERR_PROXY_", NavigationFailureKind::Connection),
    ("ERR_TUNNEL_", NavigationFailureKind::Connection),
    ("ERR_SOCKS_", NavigationFailureKind::Connection),
    ("ERR_HTTP2_", NavigationFailureKind::Connection),
    ("ERR_QUIC_", NavigationFailureKind::Connection),
    (
        "ERR_INVALID_HTTP_RESPONSE",
        NavigationFailureKind::Connection,
    ),
];

/// The failure that a network error's text stands for, `net::ERR_NAME_NOT_RESOLVED` or the same without `net::`.
#[must_use]
pub fn navigation_failure(text: &str) -> NavigationFailure {
    let reason = text.strip_prefix("net::").unwrap_or(text);
    let found = FAILURES
        .iter()
        .find(|(prefix, _)| reason.starts_with(prefix));
    NavigationFailure {
        kind: found.map_or(NavigationFailureKind::Other, |(_, kind)| *kind),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn net_errors_have_the_kind_that_callers_tell_apart() {
        for (text, kind) in [
            ("net::ERR_NAME_NOT_RESOLVED", NavigationFailureKind::Dns),
            (
                "net::ERR_CONNECTION_REFUSED",
                NavigationFailureKind::Connection,
            ),
            (
                "net::ERR_CERT_AUTHORITY_INVALID",
                NavigationFailureKind::Certificate,
            ),
            ("net::ERR_ABORTED", NavigationFailureKind::Aborted),
            ("ERR_BLOCKED_BY_CLIENT", NavigationFailureKind::Blocked),
            ("net::ERR_TOO_MANY_REDIRECTS", NavigationFailureKind::Other),
        ] {
            let failure = navigation_failure(text);
            assert_eq!(failure.kind, kind, "{text}");
            assert!(failure.reason.starts_with("ERR_"));
        }
    }
}
