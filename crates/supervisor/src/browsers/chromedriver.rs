//! Chromedriver, and what it is to start: Chromium over a pipe, so that no debugging port is opened beside the driver's own.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use ops_contracts::seam::adapter::{AdapterError, AdapterResult};
use ops_contracts::seam::supervise::{Endpoint, Start, failed};

use super::chromium::{self, Mode};
use crate::directory::Claimed;
use crate::environment::{self, Variables};
use crate::process::Plan;

/// What stands before the port that chromedriver listens on.
const READY: &str = "ChromeDriver was started successfully on port ";

/// How to start the driver. The browser itself is started by the session's beginning, with what is returned.
pub(crate) fn plan(
    start: &Start<'_>,
    driver: PathBuf,
    browser: &Path,
    sandbox: bool,
    given: &Variables,
    claimed: &Claimed,
) -> AdapterResult<(Plan, Endpoint)> {
    claimed
        .furnish()
        .map_err(failed("its profile can't be written"))?;
    let home = claimed.home();
    let mode = Mode {
        headed: start.spec.headed,
        sandbox,
        gpu: false,
        proxy: start.spec.proxy.as_deref(),
        proxy_bypass: &start.spec.proxy_bypass,
        // The driver's contexts have no proxies of their own: its browsers are never confined.
        confined: false,
    };
    let args = chromium::command_line(mode, &claimed.profile(), &start.spec.args);
    let args: AdapterResult<Vec<String>> = args.iter().map(|argument| text(argument)).collect();
    let mut log = OsString::from("--log-path=");
    log.push(home.join("driver.log"));
    let plan = Plan {
        program: driver,
        // Its own failures alone are logged; without a level it would not print its port. The path makes the process known to a
        // later sweep.
        args: vec!["--port=0".into(), "--log-level=SEVERE".into(), log],
        environment: environment(given, &home, start.spec.headed),
        directory: claimed.path.clone(),
        streams: [Stdio::null(), Stdio::null()],
        ready: Some(READY),
    };
    let endpoint = Endpoint::Driver {
        binary: text(browser.as_os_str())?,
        args: args?,
    };
    Ok((plan, endpoint))
}

/// Paths travel to the driver as JSON.
fn text(given: &OsStr) -> AdapterResult<String> {
    given
        .to_str()
        .map(str::to_owned)
        .ok_or_else(|| AdapterError::LaunchFailed {
            reason: format!("the path {} is no text", given.display()),
            output: String::new(),
        })
}

/// Homes and the place of temporary files below the claimed directory, so that nothing is read from or left in the user's.
fn environment(given: &Variables, home: &Path, headed: bool) -> Variables {
    let mut variables = environment::homes(given, home, headed);
    variables.retain(|(name, _)| name != OsStr::new("TMPDIR"));
    variables.push(("TMPDIR".into(), home.as_os_str().to_owned()));
    variables
}
