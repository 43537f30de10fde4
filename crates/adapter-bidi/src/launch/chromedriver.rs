//! Starts chromedriver, and says what it is to start: Chromium over a pipe, so that no debugging port is opened beside the
//! driver's own.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use ops_contracts::adapter::{AdapterError, AdapterResult};
use ops_contracts::supervise::{SuperviseSpec, Supervisor};

use super::{Launched, arguments, failed, spawn};
use crate::protocol::session::ChromeOptions;

/// What stands before the port that chromedriver listens on.
const READY: &str = "ChromeDriver was started successfully on port ";

/// Everything that a launch needs.
pub(crate) struct Chrome<'a> {
    pub(crate) driver: PathBuf,
    pub(crate) executable: PathBuf,
    pub(crate) supervisor: &'a dyn Supervisor,
    pub(crate) profile: Option<&'a Path>,
    pub(crate) headed: bool,
    pub(crate) sandbox: bool,
    pub(crate) proxy: Option<&'a str>,
    pub(crate) proxy_bypass: &'a [String],
    pub(crate) extra_args: &'a [String],
    /// The whole environment, apart from what the launch itself adds.
    pub(crate) environment: &'a [(OsString, OsString)],
}

/// Of every launch: no traffic and no prompts of the browser's own, no throttling of pages that the window system counts as
/// hidden, and nothing that brings a document back without its events.
const ALWAYS: &[&str] = &[
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-service-autorun",
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
    "--disable-gpu",
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

/// Switches by which an argument could take the debugging connection away, open it to others, move the profile from under
/// its guard, or undo a safeguard. Matched with and without a value; a trailing `-` matches all that begin so.
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
    "browser-subprocess-path",
    "gpu-launcher",
    "renderer-cmd-prefix",
    "utility-cmd-prefix",
];

/// Starts the driver. To be called inside a tokio runtime. The browser itself is started by the session's beginning, with
/// what is returned.
pub(crate) fn launch(chrome: &Chrome<'_>) -> AdapterResult<(Launched, ChromeOptions)> {
    if let Some(argument) = forbidden(chrome.extra_args) {
        return Err(AdapterError::ArgumentForbidden { argument: argument.to_owned() });
    }
    let directory = chrome.supervisor.claim(chrome.profile).map_err(failed("its profile can't be used"))?;
    let persistent = chrome.profile.is_some();
    let profile = if persistent { directory.clone() } else { directory.join("profile") };
    let home = directory.join("home");
    for path in [&profile, &home] {
        fs::DirBuilder::new().mode(0o700).recursive(true).create(path).map_err(failed("its profile can't be written"))?;
    }
    let options = options(chrome, &profile)?;
    let mut log = OsString::from("--log-path=");
    log.push(home.join("driver.log"));
    let spec = SuperviseSpec {
        program: chrome.driver.clone(),
        // Its own failures alone are logged; without a level it would not tell its port. The path makes the process known to a
        // later sweep.
        args: vec!["--port=0".into(), "--log-level=SEVERE".into(), log],
        environment: environment(chrome.environment, &home, chrome.headed),
        directory,
    };
    Ok((spawn(chrome.supervisor, spec, READY)?, options))
}

fn options(chrome: &Chrome<'_>, profile: &Path) -> AdapterResult<ChromeOptions> {
    let mut args: Vec<String> = ALWAYS.iter().map(ToString::to_string).collect();
    if !chrome.headed {
        args.extend(["--headless=new", "--hide-scrollbars", "--mute-audio"].map(str::to_owned));
    }
    if !chrome.sandbox {
        args.push("--no-sandbox".to_owned());
    }
    if shared_memory_is_small() {
        args.push("--disable-dev-shm-usage".to_owned());
    }
    if let Some(proxy) = chrome.proxy {
        args.push(format!("--proxy-server={proxy}"));
        // Without this rule Chromium keeps loopback out of every proxy.
        let bypass: Vec<&str> = std::iter::once("<-loopback>").chain(chrome.proxy_bypass.iter().map(String::as_str)).collect();
        args.push(format!("--proxy-bypass-list={}", bypass.join(";")));
    }
    args.push(format!("--user-data-dir={}", text(profile)?));
    args.extend(chrome.extra_args.iter().cloned());
    Ok(ChromeOptions { binary: text(&chrome.executable)?, args })
}

/// Paths travel to the driver as JSON.
fn text(path: &Path) -> AdapterResult<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| AdapterError::LaunchFailed {
        reason: format!("the path {} is no text", path.display()),
        output: String::new(),
    })
}

/// Chromium keeps what its processes share in `/dev/shm`, where containers often have too little of it.
fn shared_memory_is_small() -> bool {
    const ENOUGH: u64 = 512 << 20;
    rustix::fs::statvfs("/dev/shm").is_ok_and(|shared| shared.f_blocks.saturating_mul(shared.f_frsize) < ENOUGH)
}

/// The first of `arguments` that is not allowed.
fn forbidden(arguments: &[String]) -> Option<&str> {
    arguments.iter().map(String::as_str).find(|argument| {
        let switch = argument.trim().trim_start_matches('-').to_ascii_lowercase();
        let name = switch.split('=').next().unwrap_or_default();
        name.is_empty()
            || FORBIDDEN.iter().any(|banned| if banned.ends_with('-') { name.starts_with(banned) } else { name == *banned })
    })
}

/// Homes and the place of temporary files below the claimed directory, so that nothing is read from or left in the user's.
fn environment(given: &[(OsString, OsString)], home: &Path, headed: bool) -> Vec<(OsString, OsString)> {
    let mut variables = arguments::homes(given, home, headed);
    variables.retain(|(name, _)| name != OsStr::new("TMPDIR"));
    variables.push(("TMPDIR".into(), home.as_os_str().to_owned()));
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_reach_for_the_debugging_connection_or_a_safeguard_are_refused() {
        for argument in ["--remote-debugging-port=9222", "--User-Data-Dir=/x", "--no-sandbox", "--", "", "--gpu-launcher=/bin/sh"] {
            assert!(forbidden(&[argument.to_owned()]).is_some(), "{argument}");
        }
        assert!(forbidden(&["--disable-quic".to_owned(), "--lang=de".to_owned()]).is_none());
    }
}
