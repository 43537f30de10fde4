//! What every adapter that starts Chromium or Chrome has to agree on: where it is, what its command line always has, what nobody
//! may add, and what its errors mean.
//!
//! It knows no protocol, and starts nothing.

use crate::seam::adapter::{NavigationFailure, NavigationFailureKind};

/// Names looked up in every directory of `PATH`, best first.
pub const NAMES: &[&str] = &[
    "google-chrome-stable",
    "google-chrome",
    "chromium",
    "chromium-browser",
    "chrome",
];

/// Places outside `PATH`, best first.
pub const PLACES: &[&str] = &[
    "/usr/bin/google-chrome-stable",
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/opt/google/chrome/chrome",
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium-browser/chromium-browser",
    "/snap/bin/chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/// Switches of every launch: debugging over a pipe, a profile without first-run pages, no traffic and no prompts of the browser's
/// own, and no throttling of pages that the window system counts as hidden. None of them ignores certificate errors or opens a port.
pub const ALWAYS: &[&str] = &[
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-service-autorun",
    // A page that comes back out of this cache brings no new worlds and no events.
    "--disable-back-forward-cache",
    "--disable-background-networking",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-breakpad",
    "--disable-client-side-phishing-detection",
    "--disable-component-extensions-with-background-pages",
    "--disable-component-update",
    "--disable-crash-reporter",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-field-trial-config",
    "--disable-hang-monitor",
    "--disable-prompt-on-repost",
    "--disable-renderer-backgrounding",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--force-color-profile=srgb",
    "--metrics-recording-only",
    "--password-store=basic",
    "--use-mock-keychain",
];

/// Features that every launch does without: traffic and prompts of the browser's own, and documents that it loads for its own
/// windows. The last two drop down from the address bar, which no session uses: Chromium 156 loads both for each window, in a
/// renderer of their own that takes most of a second of processor time.
const DISABLED_FEATURES: &[&str] = &[
    "Translate",
    "MediaRouter",
    "OptimizationHints",
    "DialMediaRouteProvider",
    "GlobalMediaControls",
    "AcceptCHFrame",
    "AutofillServerCommunication",
    "CertificateTransparencyComponentUpdater",
    "PreloadTopChromeWebUI",
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
];

/// Switches of a launch without windows.
pub const HEADLESS: &[&str] = &["--headless=new", "--hide-scrollbars", "--mute-audio"];

/// Below this many free bytes in `/dev/shm`, which containers often have, a browser that uses it crashes.
pub const ENOUGH_SHARED_MEMORY: u64 = 512 * 1024 * 1024;

/// Switches by which an argument could take the debugging connection away, open it to others, move the profile from
/// under its guard, or undo a safeguard. Matched with and without a value; a trailing `-` matches all that begin so.
const FORBIDDEN: &[&str] = &[
    "remote-debugging-",
    "user-data-dir",
    "remote-allow-origins",
    "ignore-certificate-errors",
    "allow-insecure-localhost",
    "disable-web-security",
    "no-sandbox",
    "no-zygote-sandbox",
    "disable-gpu-sandbox",
    "disable-namespace-sandbox",
    "disable-seccomp-filter-sandbox",
    "disable-setuid-sandbox",
    "single-process",
    // These start other programs in the browser's name.
    "browser-subprocess-path",
    "gpu-launcher",
    "renderer-cmd-prefix",
    "utility-cmd-prefix",
];

/// The name of an argument's switch. Chromium takes one or two dashes, and spaces around a switch are of no help to it.
#[must_use]
pub fn switch(argument: &str) -> String {
    let switch = argument.trim().trim_start_matches('-').to_ascii_lowercase();
    switch.split('=').next().unwrap_or_default().to_owned()
}

/// The first of `arguments` that is not allowed.
#[must_use]
pub fn forbidden(arguments: &[String]) -> Option<&str> {
    arguments.iter().map(String::as_str).find(|argument| {
        let name = switch(argument);
        // A lone `--` ends the switches: what follows is URLs, which nobody asked for.
        name.is_empty()
            || FORBIDDEN.iter().any(|banned| {
                if banned.ends_with('-') {
                    name.starts_with(banned)
                } else {
                    name == *banned
                }
            })
    })
}

/// The end of every command line: the features to do without, and what a caller adds. Of two lists of features the browser takes the
/// last alone, so those of the caller's lists join ours.
pub fn added(extra: &[String]) -> impl Iterator<Item = String> {
    let (lists, others): (Vec<_>, Vec<_>) = extra
        .iter()
        .partition(|argument| switch(argument) == "disable-features");
    let theirs = lists
        .into_iter()
        .filter_map(|list| list.split_once('='))
        .map(|(_, features)| features.trim());
    let all: Vec<&str> = DISABLED_FEATURES
        .iter()
        .copied()
        .chain(theirs.filter(|features| !features.is_empty()))
        .collect();
    std::iter::once(format!("--disable-features={}", all.join(",")))
        .chain(others.into_iter().cloned())
}

/// The switches that send all traffic to a proxy, `scheme://host:port`, but that of the `bypass`ed hosts.
#[must_use]
pub fn proxied(proxy: &str, bypass: &[String]) -> [String; 2] {
    // Without the first rule Chromium keeps loopback out of every proxy.
    let rules: Vec<&str> = std::iter::once("<-loopback>")
        .chain(bypass.iter().map(String::as_str))
        .collect();
    [
        format!("--proxy-server={proxy}"),
        format!("--proxy-bypass-list={}", rules.join(";")),
    ]
}

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
    fn arguments_that_reach_for_the_debugging_connection_or_a_safeguard_are_refused() {
        let refused = |argument: &str| forbidden(&[argument.to_owned()]).is_some();
        for argument in [
            "--remote-debugging-port=9222",
            "-remote-debugging-port=0",
            " --Remote-Debugging-Address=0.0.0.0",
            "--remote-debugging-pipe",
            "--user-data-dir=/tmp/x",
            "--ignore-certificate-errors",
            "--no-sandbox",
            "--gpu-launcher=/bin/sh",
            "--",
            "",
        ] {
            assert!(refused(argument), "{argument}");
        }
        for argument in [
            "--lang=de",
            "--window-size=1,2",
            "--disable-quic",
            "--ignore-certificate-errors-spki-list=x",
        ] {
            assert!(!refused(argument), "{argument}");
        }
    }

    #[test]
    fn features_that_a_caller_does_without_join_ours() {
        let extra = [
            "--lang=de",
            "--disable-features=One,Two",
            "-disable-features= Three ",
            "--disable-features=",
        ]
        .map(str::to_owned);
        let added: Vec<String> = added(&extra).collect();
        assert_eq!(
            added,
            [
                format!(
                    "--disable-features={},One,Two,Three",
                    DISABLED_FEATURES.join(",")
                ),
                "--lang=de".to_owned()
            ]
        );
    }

    #[test]
    fn a_proxy_takes_loopback_too() {
        let switches = [
            "--proxy-server=socks5://127.0.0.1:1",
            "--proxy-bypass-list=<-loopback>;*.test",
        ];
        assert_eq!(
            proxied("socks5://127.0.0.1:1", &["*.test".to_owned()]),
            switches
        );
    }

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
