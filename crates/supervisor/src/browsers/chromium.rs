//! Chrome and Chromium: what every command line has, what the options add, what keeps a confined browser in, and what nobody
//! may add.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use ops_contracts::seam::adapter::{AdapterResult, LaunchSpec};
use ops_contracts::seam::supervise::{Endpoint, Start, failed};

use super::{flag, is_listed, permit};
use crate::directory::Claimed;
use crate::environment::{self, Variables};
use crate::process::{Pipes, Plan};

/// Switches of every launch: debugging over a pipe, a profile without first-run pages, no traffic and no prompts of the browser's
/// own, and no throttling of pages that the window system counts as hidden. None of them ignores certificate errors or opens a port.
const ALWAYS: &[&str] = &[
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
const HEADLESS: &[&str] = &["--headless=new", "--hide-scrollbars", "--mute-audio"];

/// Below this many free bytes in `/dev/shm`, which containers often have, a browser that uses it crashes.
const ENOUGH_SHARED_MEMORY: u64 = 512 * 1024 * 1024;

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

/// Refuses a launch with arguments that nobody may add.
///
/// # Errors
/// `ArgumentForbidden`.
pub(crate) fn permitted(spec: &LaunchSpec) -> AdapterResult<()> {
    permit(spec, forbidden, WAYS_OUT)
}

/// The first of `arguments` that is not allowed.
fn forbidden(arguments: &[String]) -> Option<&str> {
    arguments.iter().map(String::as_str).find(|argument| {
        let name = flag(argument);
        // A lone `--` ends the switches: what follows is URLs, which nobody asked for.
        name.is_empty() || is_listed(FORBIDDEN, &name)
    })
}

/// The end of every command line: the features to do without, and what a caller adds. Of two lists of features the browser takes the
/// last alone, so those of the caller's lists join ours.
fn added(extra: &[String]) -> impl Iterator<Item = String> {
    let (lists, others): (Vec<_>, Vec<_>) = extra
        .iter()
        .partition(|argument| flag(argument) == "disable-features");
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
fn proxied(proxy: &str, bypass: &[String]) -> [String; 2] {
    // Without the first rule Chromium keeps loopback out of every proxy.
    let rules: Vec<&str> = std::iter::once("<-loopback>")
        .chain(bypass.iter().map(String::as_str))
        .collect();
    [
        format!("--proxy-server={proxy}"),
        format!("--proxy-bypass-list={}", rules.join(";")),
    ]
}

/// What a launch may vary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mode<'a> {
    /// With windows on the user's display instead of headless.
    pub(crate) headed: bool,
    /// With the browser's sandbox.
    pub(crate) sandbox: bool,
    /// With the GPU process' hardware acceleration.
    pub(crate) gpu: bool,
    /// A proxy for all traffic, as `scheme://host:port`.
    pub(crate) proxy: Option<&'a str>,
    /// Whether nothing may leave but through proxies.
    pub(crate) confined: bool,
    /// Hosts that are reached without it.
    pub(crate) proxy_bypass: &'a [String],
}

/// Of a confined launch. A proxy resolves names by itself; with these the browser can't, whatever asks it to (prefetching,
/// preconnecting, WebRTC), except for the loopback address of the proxies. Neither WebRTC nor QUIC sends datagrams.
const CONFINED: &[&str] = &[
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--proxy-bypass-list=<-loopback>",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--dns-prefetch-disable",
    "--no-pings",
];

/// Switches by which a confined browser would find another way out.
const WAYS_OUT: &[&str] = &[
    "proxy-server",
    "proxy-pac-url",
    "proxy-auto-detect",
    "proxy-bypass-list",
    "no-proxy-server",
    "host-resolver-rules",
    "host-rules",
    "webrtc-ip-handling-policy",
    "force-webrtc-ip-handling-policy",
    "enable-quic",
    "origin-to-force-quic-on",
    "load-extension",
];

/// How to start the browser, and the pipes to it.
///
/// # Errors
/// `LaunchFailed` when there are no pipes to be had.
pub(crate) fn plan(
    start: &Start<'_>,
    program: PathBuf,
    sandbox: bool,
    gpu: bool,
    given: &Variables,
    claimed: &Claimed,
) -> AdapterResult<(Plan, Endpoint)> {
    let Pipes {
        browser,
        commands,
        replies,
    } = Pipes::new().map_err(failed("its pipes can't be made"))?;
    let mode = Mode {
        headed: start.spec.headed,
        sandbox,
        gpu,
        proxy: start.spec.proxy.as_deref(),
        confined: start.spec.confined,
        proxy_bypass: &start.spec.proxy_bypass,
    };
    let directory = &claimed.path;
    let mut args = command_line(mode, directory, &start.spec.args);
    args.push("--no-startup-window".into());
    let mut variables = if start.homeless {
        environment::homeless(given, directory)
    } else {
        given.clone()
    };
    // Crash handlers leave the browser's process group: with the profile's path on their command line a sweep knows
    // them, and reports of crashes stay out of the user's own browser's.
    let crashes = directory.join("crashes");
    variables.push(("BREAKPAD_DUMP_LOCATION".into(), crashes.into()));
    let plan = Plan {
        program,
        args,
        environment: variables,
        directory: directory.clone(),
        streams: browser,
        ready: None,
    };
    Ok((plan, Endpoint::Pipes { commands, replies }))
}

/// The whole command line without the program's name.
pub(crate) fn command_line(mode: Mode<'_>, profile: &Path, extra: &[String]) -> Vec<OsString> {
    let mut line: Vec<OsString> = ALWAYS.iter().map(OsString::from).collect();
    if !mode.headed {
        line.extend(HEADLESS.iter().map(OsString::from));
    }
    if !mode.sandbox {
        line.push("--no-sandbox".into());
    }
    if !mode.gpu {
        line.push("--disable-gpu".into());
    }
    if shared_memory_is_small() {
        line.push("--disable-dev-shm-usage".into());
    }
    if mode.confined {
        line.extend(CONFINED.iter().map(OsString::from));
    }
    if let Some(proxy) = mode.proxy {
        line.extend(proxied(proxy, mode.proxy_bypass).map(OsString::from));
    }
    let mut data_dir = OsString::from("--user-data-dir=");
    data_dir.push(profile);
    line.push(data_dir);
    line.extend(added(extra).map(OsString::from));
    line
}

fn shared_memory_is_small() -> bool {
    let free = rustix::fs::statvfs("/dev/shm")
        .map(|shared| shared.f_bavail.saturating_mul(shared.f_frsize));
    free.is_ok_and(|free| free < ENOUGH_SHARED_MEMORY)
}

#[cfg(test)]
mod tests {
    use super::super::listed;
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
    fn the_mode_decides_the_switches() {
        let bypass = ["*.test".to_owned()];
        let proxy = Some("socks5://127.0.0.1:1");
        let mode = Mode {
            headed: false,
            sandbox: true,
            gpu: false,
            proxy,
            proxy_bypass: &bypass,
            confined: false,
        };
        let line = command_line(mode, Path::new("/p"), &["--lang=de".to_owned()]);
        let has = |argument: &str| line.iter().any(|given| given == argument);
        assert!(
            has("--headless=new")
                && has("--disable-gpu")
                && has("--user-data-dir=/p")
                && has("--lang=de")
        );
        assert!(
            has("--proxy-server=socks5://127.0.0.1:1")
                && has("--proxy-bypass-list=<-loopback>;*.test")
        );
        assert!(!has("--no-sandbox") && !has(CONFINED[0]));
        let headed = Mode {
            headed: true,
            sandbox: false,
            ..mode
        };
        let line = command_line(headed, Path::new("/p"), &[]);
        assert!(!line.iter().any(|given| given == "--headless=new"));
        assert!(line.iter().any(|given| given == "--no-sandbox"));
    }

    #[test]
    fn a_confined_browser_has_no_other_way_out() {
        let mode = Mode {
            headed: false,
            sandbox: true,
            gpu: false,
            proxy: None,
            proxy_bypass: &[],
            confined: true,
        };
        let line = command_line(mode, Path::new("/p"), &[]);
        assert!(
            CONFINED
                .iter()
                .all(|switch| line.iter().any(|given| given == switch))
        );
        for out in [
            "--proxy-server=x",
            "-Proxy-Bypass-List=*",
            " --no-proxy-server",
            "--host-resolver-rules=MAP a b",
        ] {
            assert_eq!(
                listed(&["--lang=de".to_owned(), out.to_owned()], WAYS_OUT),
                Some(out)
            );
        }
        assert_eq!(listed(&["--lang=de".to_owned()], WAYS_OUT), None);
    }
}
