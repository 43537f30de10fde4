//! What stands between the adapter and a browser, and what each way can do: Firefox speaks the protocol itself, for Chromium
//! chromedriver does.
//!
//! It holds facts alone and starts nothing.

use ops_contracts::seam::adapter::AbortReason;
use ops_contracts::seam::supervise::Program;
use ops_contracts::wire::capability::{BrowserKind, Capability, CapabilitySet};

use crate::protocol::script::{Channel, ChannelName};
use crate::router::{CRASHED, TELL};

/// A way to a browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    /// The browser itself.
    Firefox,
    /// Chromedriver, which starts Chromium.
    Chromedriver,
}

impl Driver {
    /// The way to browsers of a family.
    pub(crate) const fn of(browser: BrowserKind) -> Self {
        match browser {
            BrowserKind::Firefox => Self::Firefox,
            BrowserKind::Chrome => Self::Chromedriver,
        }
    }

    /// The program that is started for it.
    pub(crate) const fn program(self) -> Program {
        match self {
            Self::Firefox => Program::Firefox,
            Self::Chromedriver => Program::Chromedriver,
        }
    }

    /// What the adapter can do this way.
    pub(crate) fn capabilities(self) -> CapabilitySet {
        let lacks = self.lacks();
        CapabilitySet::new(
            Capability::ALL
                .iter()
                .copied()
                .filter(|has| lacks.iter().all(|(lacking, _)| lacking != has)),
        )
    }

    const fn lacks(self) -> &'static [(Capability, &'static str)] {
        match self {
            Self::Firefox => FIREFOX_LACKS,
            Self::Chromedriver => CHROMEDRIVER_LACKS,
        }
    }

    /// The point that the browser is given for a point of the page. Firefox's events have whole coordinates, and it rounds a
    /// half up, out of elements that begin at one.
    pub(crate) fn point(self, at: f64) -> f64 {
        match self {
            Self::Firefox => (at - 0.5).ceil(),
            Self::Chromedriver => at,
        }
    }

    /// What the script is given that puts the bridge into documents: on Firefox, the way to tell at once what has come of input.
    /// Chromedriver would listen on it by a call that stays open in every document.
    pub(crate) const fn preload_arguments(self) -> &'static [Channel] {
        match self {
            Self::Firefox => &[Channel {
                r#type: "channel",
                value: ChannelName { channel: TELL },
            }],
            Self::Chromedriver => &[],
        }
    }

    /// The events that this way has beside those of the specification.
    pub(crate) const fn events(self) -> &'static [&'static str] {
        match self {
            Self::Firefox => &[],
            Self::Chromedriver => &[CRASHED],
        }
    }

    /// The browser's own name of a failure.
    pub(crate) const fn error_name(self, reason: AbortReason) -> &'static str {
        match (self, reason) {
            (Self::Firefox, AbortReason::Failed) => "NS_ERROR_FAILURE",
            (Self::Firefox, AbortReason::Aborted) => "NS_BINDING_ABORTED",
            (Self::Firefox, AbortReason::TimedOut) => "NS_ERROR_NET_TIMEOUT",
            (Self::Firefox, AbortReason::AccessDenied) => "NS_ERROR_BLOCKED_BY_POLICY",
            (Self::Firefox, AbortReason::BlockedByClient) => "NS_ERROR_CONTENT_BLOCKED",
            (Self::Firefox, AbortReason::ConnectionRefused) => "NS_ERROR_CONNECTION_REFUSED",
            (Self::Firefox, AbortReason::NameNotResolved) => "NS_ERROR_UNKNOWN_HOST",
            (Self::Firefox, AbortReason::InternetDisconnected) => "NS_ERROR_OFFLINE",
            (Self::Chromedriver, AbortReason::Failed) => "net::ERR_FAILED",
            (Self::Chromedriver, AbortReason::Aborted) => "net::ERR_ABORTED",
            (Self::Chromedriver, AbortReason::TimedOut) => "net::ERR_TIMED_OUT",
            (Self::Chromedriver, AbortReason::AccessDenied) => "net::ERR_ACCESS_DENIED",
            (Self::Chromedriver, AbortReason::BlockedByClient) => "net::ERR_BLOCKED_BY_CLIENT",
            (Self::Chromedriver, AbortReason::ConnectionRefused) => "net::ERR_CONNECTION_REFUSED",
            (Self::Chromedriver, AbortReason::NameNotResolved) => "net::ERR_NAME_NOT_RESOLVED",
            (Self::Chromedriver, AbortReason::InternetDisconnected) => {
                "net::ERR_INTERNET_DISCONNECTED"
            }
        }
    }
}

/// What can't be done with Firefox, with the reasons.
pub const FIREFOX_LACKS: &[(Capability, &str)] = &[
    (
        Capability::CertificateErrors,
        "the adapter takes no certificate that Firefox does not trust",
    ),
    (
        Capability::ClientHints,
        "Firefox has no client hints, and the protocol sets no platform",
    ),
    (Capability::Media, "the protocol sets no media features"),
    (
        Capability::NativeDrag,
        "Firefox without a display has no service that carries a native drag",
    ),
    (
        Capability::NetworkSpeed,
        "the protocol takes the network away, and slows nothing down",
    ),
    (Capability::Trace, "the protocol records no trace"),
    (
        Capability::Touch,
        "the adapter sends no touch input, and the protocol emulates no touch screen",
    ),
];

/// What can't be done through chromedriver, with the reasons.
pub const CHROMEDRIVER_LACKS: &[(Capability, &str)] = &[
    (
        Capability::CertificateErrors,
        "the protocol takes untrusted certificates for a whole browser alone",
    ),
    (
        Capability::ClientHints,
        "the protocol sets no client hints and no platform",
    ),
    (
        Capability::Domains,
        "the protocol gives a context no proxy that loopback is no exception to",
    ),
    (Capability::Media, "the protocol sets no media features"),
    (
        Capability::NativeDrag,
        "the driver's input carries no native drag",
    ),
    (
        Capability::NetworkSpeed,
        "the protocol takes the network away, and slows nothing down",
    ),
    (Capability::Trace, "the protocol records no trace"),
    (Capability::Touch, "the adapter sends no touch input"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_core_is_there_and_what_lacks_has_its_reason() {
        for driver in [Driver::Firefox, Driver::Chromedriver] {
            let has = driver.capabilities();
            assert!(
                CapabilitySet::core().iter().all(|core| has.has(core)),
                "{driver:?}"
            );
            assert!(
                driver
                    .lacks()
                    .iter()
                    .all(|(lacking, reason)| !has.has(*lacking) && !reason.is_empty()),
                "{driver:?}"
            );
            assert_eq!(
                has.iter().count() + driver.lacks().len(),
                Capability::ALL.len(),
                "{driver:?}"
            );
        }
    }

    #[test]
    fn points_are_those_that_the_browser_hits() {
        assert_eq!(
            (
                Driver::Firefox.point(9.5),
                Driver::Firefox.point(9.4),
                Driver::Chromedriver.point(9.5)
            ),
            (9.0, 9.0, 9.5)
        );
    }
}
