//! The browser's command line: what every launch needs, what the options add, and what nobody may add.
//!
//! Nothing here ignores certificate errors or opens a port.

use std::ffi::OsString;
use std::path::Path;

/// What a launch may vary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode<'a> {
    /// With windows on the user's display instead of headless.
    pub headed: bool,
    /// With the browser's sandbox.
    pub sandbox: bool,
    /// With the GPU process' hardware acceleration.
    pub gpu: bool,
    /// A proxy for all traffic, as `scheme://host:port`.
    pub proxy: Option<&'a str>,
    /// Whether nothing may leave but through proxies.
    pub confined: bool,
    /// Hosts that are reached without it.
    pub proxy_bypass: &'a [String],
}

/// Of every launch: a profile without first-run pages, no traffic and no prompts of the browser's own, and no
/// throttling of pages that the window system counts as hidden.
const ALWAYS: &[&str] = &[
    "--remote-debugging-pipe",
    "--no-startup-window",
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
    "--disable-ipc-flooding-protection",
    "--disable-prompt-on-repost",
    "--disable-renderer-backgrounding",
    "--disable-search-engine-choice-screen",
    "--disable-sync",
    "--disable-features=Translate,MediaRouter,OptimizationHints,DialMediaRouteProvider,GlobalMediaControls,\
     AcceptCHFrame,AutofillServerCommunication,CertificateTransparencyComponentUpdater,PreloadTopChromeWebUI",
    "--force-color-profile=srgb",
    "--metrics-recording-only",
    "--password-store=basic",
    "--use-mock-keychain",
];

/// Switches by which an argument could take the debugging connection away, open it to others, move the profile from
/// under its guard, or undo a safeguard. Matched with and without a value.
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

/// The first of `arguments` that would let a confined browser out.
pub(super) fn way_out(arguments: &[String]) -> Option<&str> {
    arguments.iter().map(String::as_str).find(|argument| {
        let switch = argument.trim().trim_start_matches('-').to_ascii_lowercase();
        let name = switch.split('=').next().unwrap_or_default();
        WAYS_OUT.contains(&name)
    })
}

/// The first of `arguments` that is not allowed.
pub(super) fn forbidden(arguments: &[String]) -> Option<&str> {
    arguments.iter().map(String::as_str).find(|argument| {
        // Chromium takes one or two dashes, and spaces around a switch are of no help to it.
        let switch = argument.trim().trim_start_matches('-').to_ascii_lowercase();
        let name = switch.split('=').next().unwrap_or_default();
        // A lone `--` ends the switches: what follows is URLs, which nobody asked for.
        name.is_empty()
            || FORBIDDEN.iter().any(|banned| match banned.strip_suffix('-') {
                Some(_) => name.starts_with(banned),
                None => name == *banned,
            })
    })
}

/// The whole command line without the program's name.
pub(super) fn command_line(mode: Mode<'_>, profile: &Path, extra: &[String]) -> Vec<OsString> {
    let mut line: Vec<OsString> = ALWAYS.iter().map(OsString::from).collect();
    if !mode.headed {
        line.extend(["--headless=new", "--hide-scrollbars", "--mute-audio"].map(OsString::from));
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
        line.push(format!("--proxy-server={proxy}").into());
        // Without this rule Chromium keeps loopback out of every proxy.
        let bypass: Vec<&str> = std::iter::once("<-loopback>").chain(mode.proxy_bypass.iter().map(String::as_str)).collect();
        line.push(format!("--proxy-bypass-list={}", bypass.join(";")).into());
    }
    let mut data_dir = OsString::from("--user-data-dir=");
    data_dir.push(profile);
    line.push(data_dir);
    line.extend(extra.iter().map(OsString::from));
    line
}

/// Containers often have 64 MiB there, and a browser crashes when it is full.
fn shared_memory_is_small() -> bool {
    const ENOUGH: u64 = 512 * 1024 * 1024;
    rustix::fs::statvfs("/dev/shm").is_ok_and(|file_system| file_system.f_bavail.saturating_mul(file_system.f_frsize) < ENOUGH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(argument: &str) -> bool {
        forbidden(&[argument.to_owned()]).is_some()
    }

    #[test]
    fn arguments_that_reach_for_the_debugging_connection_or_a_safeguard_are_refused() {
        for argument in [
            "--remote-debugging-port=9222",
            "-remote-debugging-port=0",
            " --Remote-Debugging-Address=0.0.0.0",
            "--remote-debugging-pipe",
            "--user-data-dir=/tmp/x",
            "--ignore-certificate-errors",
            "--no-sandbox",
            "--",
            "",
        ] {
            assert!(refused(argument), "{argument}");
        }
        for argument in ["--lang=de", "--window-size=1,2", "--ignore-certificate-errors-spki-list=x"] {
            assert!(!refused(argument), "{argument}");
        }
    }

    #[test]
    fn the_mode_decides_the_switches() {
        let bypass = ["*.test".to_owned()];
        let proxy = Some("socks5://127.0.0.1:1");
        let mode = Mode { headed: false, sandbox: true, gpu: false, proxy, proxy_bypass: &bypass, confined: false };
        let line = command_line(mode, Path::new("/p"), &["--lang=de".to_owned()]);
        let has = |argument: &str| line.iter().any(|given| given == argument);
        assert!(has("--headless=new") && has("--disable-gpu") && has("--user-data-dir=/p") && has("--lang=de"));
        assert!(has("--proxy-server=socks5://127.0.0.1:1") && has("--proxy-bypass-list=<-loopback>;*.test"));
        assert!(!has("--no-sandbox") && !has(CONFINED[0]));
        let headed = Mode { headed: true, sandbox: false, ..mode };
        let line = command_line(headed, Path::new("/p"), &[]);
        assert!(!line.iter().any(|given| given == "--headless=new"));
        assert!(line.iter().any(|given| given == "--no-sandbox"));
    }

    #[test]
    fn a_confined_browser_has_no_other_way_out() {
        let mode = Mode { headed: false, sandbox: true, gpu: false, proxy: None, proxy_bypass: &[], confined: true };
        let line = command_line(mode, Path::new("/p"), &[]);
        assert!(CONFINED.iter().all(|switch| line.iter().any(|given| given == switch)));
        for out in ["--proxy-server=x", "-Proxy-Bypass-List=*", " --no-proxy-server", "--host-resolver-rules=MAP a b"] {
            assert_eq!(way_out(&["--lang=de".to_owned(), out.to_owned()]), Some(out));
        }
        assert_eq!(way_out(&["--lang=de".to_owned()]), None);
    }
}
