//! The browser's command line: what every launch needs, what the options add, and what keeps a confined browser in.

use std::ffi::OsString;
use std::path::Path;

use ops_contracts::seam::chromium;

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
    arguments
        .iter()
        .map(String::as_str)
        .find(|argument| WAYS_OUT.contains(&&*chromium::switch(argument)))
}

/// The whole command line without the program's name.
pub(super) fn command_line(mode: Mode<'_>, profile: &Path, extra: &[String]) -> Vec<OsString> {
    let mut line: Vec<OsString> = chromium::ALWAYS.iter().map(OsString::from).collect();
    line.push("--no-startup-window".into());
    if !mode.headed {
        line.extend(chromium::HEADLESS.iter().map(OsString::from));
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
        line.extend(chromium::proxied(proxy, mode.proxy_bypass).map(OsString::from));
    }
    let mut data_dir = OsString::from("--user-data-dir=");
    data_dir.push(profile);
    line.push(data_dir);
    line.extend(chromium::added(extra).map(OsString::from));
    line
}

fn shared_memory_is_small() -> bool {
    let free = rustix::fs::statvfs("/dev/shm")
        .map(|shared| shared.f_bavail.saturating_mul(shared.f_frsize));
    free.is_ok_and(|free| free < chromium::ENOUGH_SHARED_MEMORY)
}

#[cfg(test)]
mod tests {
    use super::*;

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
                way_out(&["--lang=de".to_owned(), out.to_owned()]),
                Some(out)
            );
        }
        assert_eq!(way_out(&["--lang=de".to_owned()]), None);
    }
}
