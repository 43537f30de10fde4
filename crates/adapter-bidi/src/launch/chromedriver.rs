//! Starts chromedriver, and says what it is to start: Chromium over a pipe, so that no debugging port is opened beside the
//! driver's own.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use ops_contracts::seam::adapter::{AdapterError, AdapterResult};
use ops_contracts::seam::chromium;
use ops_contracts::seam::supervise::{SuperviseSpec, Supervisor};

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

/// Starts the driver. To be called inside a tokio runtime. The browser itself is started by the session's beginning, with
/// what is returned.
pub(crate) fn launch(chrome: &Chrome<'_>) -> AdapterResult<(Launched, ChromeOptions)> {
    if let Some(argument) = chromium::forbidden(chrome.extra_args) {
        return Err(AdapterError::ArgumentForbidden {
            argument: argument.to_owned(),
        });
    }
    let directory = chrome
        .supervisor
        .claim(chrome.profile)
        .map_err(failed("its profile can't be used"))?;
    let persistent = chrome.profile.is_some();
    let profile = if persistent {
        directory.clone()
    } else {
        directory.join("profile")
    };
    let home = directory.join("home");
    for path in [&profile, &home] {
        fs::DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(path)
            .map_err(failed("its profile can't be written"))?;
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
    let mut args: Vec<String> = chromium::ALWAYS
        .iter()
        .chain(&["--disable-gpu"])
        .map(ToString::to_string)
        .collect();
    if !chrome.headed {
        args.extend(chromium::HEADLESS.iter().map(ToString::to_string));
    }
    if !chrome.sandbox {
        args.push("--no-sandbox".to_owned());
    }
    if shared_memory_is_small() {
        args.push("--disable-dev-shm-usage".to_owned());
    }
    if let Some(proxy) = chrome.proxy {
        args.extend(chromium::proxied(proxy, chrome.proxy_bypass));
    }
    args.push(format!("--user-data-dir={}", text(profile)?));
    args.extend(chromium::added(chrome.extra_args));
    Ok(ChromeOptions {
        binary: text(&chrome.executable)?,
        args,
    })
}

/// Paths travel to the driver as JSON.
fn text(path: &Path) -> AdapterResult<String> {
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| AdapterError::LaunchFailed {
            reason: format!("the path {} is no text", path.display()),
            output: String::new(),
        })
}

fn shared_memory_is_small() -> bool {
    let free = rustix::fs::statvfs("/dev/shm")
        .map(|shared| shared.f_bavail.saturating_mul(shared.f_frsize));
    free.is_ok_and(|free| free < chromium::ENOUGH_SHARED_MEMORY)
}

/// Homes and the place of temporary files below the claimed directory, so that nothing is read from or left in the user's.
fn environment(
    given: &[(OsString, OsString)],
    home: &Path,
    headed: bool,
) -> Vec<(OsString, OsString)> {
    let mut variables = arguments::homes(given, home, headed);
    variables.retain(|(name, _)| name != OsStr::new("TMPDIR"));
    variables.push(("TMPDIR".into(), home.as_os_str().to_owned()));
    variables
}
