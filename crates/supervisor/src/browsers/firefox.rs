//! Firefox: its command line, environment and profile, and what nobody may add to them.

mod profile;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use ops_contracts::seam::adapter::{AdapterResult, LaunchSpec};
use ops_contracts::seam::supervise::{Endpoint, SCREEN, Start, failed};

use super::{flag, is_listed, permit};
use crate::directory::Claimed;
use crate::environment::{self, Variables};
use crate::process::Plan;

/// What stands before the port that Firefox listens on.
const READY: &str = "WebDriver BiDi listening on ws://127.0.0.1:";

/// Flags by which an argument could take the debugging connection away, open it to others, or move the profile from
/// under its supervisor. Matched without dashes and value, in lower case; a trailing `-` matches all that begin so.
const FORBIDDEN: &[&str] = &[
    "remote-debugging-",
    "remote-allow-",
    "marionette",
    "start-debugger-server",
    "jsdebugger",
    "profile",
    "p",
    "profilemanager",
    "createprofile",
    "migration",
    "no-remote",
    "new-instance",
    "headless",
];

/// Flags by which a confined browser would find another way out: they bring programs, code or preferences that are not those of
/// its profile.
const WAYS_OUT: &[&str] = &[
    "app",
    "appomni",
    "backgroundtask",
    "contentproc",
    "greomni",
    "override",
    "safe-mode",
    "xpcshell",
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
        // What is no flag would be opened as a page.
        !argument.trim().starts_with('-') || name.is_empty() || is_listed(FORBIDDEN, &name)
    })
}

/// How to start the browser, with its profile written.
///
/// # Errors
/// `LaunchFailed` when the profile can't be written or can't be confined.
pub(crate) fn plan(
    start: &Start<'_>,
    program: PathBuf,
    given: &Variables,
    claimed: &Claimed,
) -> AdapterResult<(Plan, Endpoint)> {
    let spec = start.spec;
    claimed
        .furnish()
        .and_then(|()| profile::prepare(&claimed.profile(), spec.confined))
        .map_err(failed("its profile can't be written"))?;
    let plan = Plan {
        program,
        args: command_line(spec.headed, &claimed.profile(), &spec.args),
        environment: variables(given, &claimed.home(), spec.headed),
        directory: claimed.path.clone(),
        streams: [Stdio::null(), Stdio::null()],
        ready: Some(READY),
    };
    Ok((plan, Endpoint::Port))
}

/// The whole command line without the program's name.
fn command_line(headed: bool, profile: &Path, extra: &[String]) -> Vec<OsString> {
    let mut line: Vec<OsString> = Vec::with_capacity(6 + extra.len());
    if !headed {
        line.push("--headless".into());
    }
    line.extend(["--no-remote", "--remote-debugging-port=0", "--profile"].map(OsString::from));
    line.push(profile.into());
    line.extend(extra.iter().map(OsString::from));
    line
}

/// The environment: homes of its own, and no crash reporter.
fn variables(given: &Variables, home: &Path, headed: bool) -> Variables {
    let mut set = environment::homes(given, home, headed);
    let fixed = [
        ("MOZ_CRASHREPORTER_DISABLE", "1"),
        ("MOZ_DISABLE_AUTO_SAFE_MODE", "1"),
        ("MOZ_NO_REMOTE", "1"),
    ];
    // Without a display: the screen, and with it the windows.
    let screen = [
        ("MOZ_HEADLESS_WIDTH", SCREEN.0),
        ("MOZ_HEADLESS_HEIGHT", SCREEN.1),
    ]
    .map(|(name, side)| (name, side.to_string()));
    set.extend(fixed.map(|(name, value)| (name.into(), value.into())));
    set.extend(
        screen
            .into_iter()
            .filter(|_| !headed)
            .map(|(name, side)| (name.into(), side.into())),
    );
    set
}

#[cfg(test)]
mod tests {
    use super::super::listed;
    use super::*;

    #[test]
    fn arguments_that_reach_for_the_debugging_connection_or_the_profile_are_refused() {
        for argument in [
            "--remote-debugging-port=9222",
            "-remote-debugging-port",
            "--Remote-Allow-Hosts=x",
            "--marionette",
            "-P",
            "--profile",
            "--",
            "",
            "https://example.org",
        ] {
            assert!(forbidden(&[argument.to_owned()]).is_some(), "{argument}");
        }
        assert!(forbidden(&["--private-window".to_owned(), "-safe-mode".to_owned()]).is_none());
    }

    #[test]
    fn a_confined_browser_takes_no_other_program_code_or_preferences() {
        for out in [
            "--app=/x/application.ini",
            "-GREomni",
            " --backgroundtask",
            "-safe-mode",
        ] {
            assert_eq!(
                listed(&["--private-window".to_owned(), out.to_owned()], WAYS_OUT),
                Some(out)
            );
        }
        assert_eq!(listed(&["--private-window".to_owned()], WAYS_OUT), None);
    }
}
