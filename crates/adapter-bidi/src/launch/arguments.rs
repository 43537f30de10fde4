//! The browser's command line and environment: what every launch needs, and what nobody may add.

use std::ffi::OsString;
use std::path::Path;

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

/// The first of `arguments` that would let a confined browser out.
pub(super) fn way_out(arguments: &[String]) -> Option<&str> {
    arguments
        .iter()
        .map(String::as_str)
        .find(|argument| WAYS_OUT.contains(&&*flag(argument)))
}

/// The name of an argument's flag. Firefox takes one or two dashes.
fn flag(argument: &str) -> String {
    let flag = argument.trim().trim_start_matches('-').to_ascii_lowercase();
    flag.split('=').next().unwrap_or_default().to_owned()
}

/// The first of `arguments` that is not allowed.
pub(super) fn forbidden(arguments: &[String]) -> Option<&str> {
    arguments.iter().map(String::as_str).find(|argument| {
        let name = flag(argument);
        // What is no flag would be opened as a page.
        !argument.trim().starts_with('-')
            || name.is_empty()
            || FORBIDDEN.iter().any(|banned| {
                if banned.ends_with('-') {
                    name.starts_with(banned)
                } else {
                    name == *banned
                }
            })
    })
}

/// The whole command line without the program's name.
pub(super) fn command_line(headed: bool, profile: &Path, extra: &[String]) -> Vec<OsString> {
    let mut line: Vec<OsString> = Vec::with_capacity(6 + extra.len());
    if !headed {
        line.push("--headless".into());
    }
    line.extend(["--no-remote", "--remote-debugging-port=0", "--profile"].map(OsString::from));
    line.push(profile.into());
    line.extend(extra.iter().map(OsString::from));
    line
}

/// Width and height of the screen of a browser without a display: what does not fit into a window gets no input.
pub(crate) const SCREEN: (u32, u32) = (1920, 1080);

/// The environment: homes of its own, and no crash reporter.
pub(super) fn environment(
    given: &[(OsString, OsString)],
    home: &Path,
    headed: bool,
) -> Vec<(OsString, OsString)> {
    let mut variables = homes(given, home, headed);
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
    variables.extend(fixed.map(|(name, value)| (name.into(), value.into())));
    variables.extend(
        screen
            .into_iter()
            .filter(|_| !headed)
            .map(|(name, side)| (name.into(), side.into())),
    );
    variables
}

/// The given variables with all homes at `home`, so that nothing is read from or left in the user's.
pub(super) fn homes(
    given: &[(OsString, OsString)],
    home: &Path,
    headed: bool,
) -> Vec<(OsString, OsString)> {
    const HOMES: &[&str] = &[
        "HOME",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
    ];
    const DISPLAY: &[&str] = &["DISPLAY", "WAYLAND_DISPLAY"];
    let replaced = |name: &OsString| {
        HOMES.iter().any(|own| name == own) || (!headed && DISPLAY.iter().any(|own| name == own))
    };
    let mut variables: Vec<_> = given
        .iter()
        .filter(|(name, _)| !replaced(name))
        .cloned()
        .collect();
    variables.extend(
        HOMES
            .iter()
            .map(|name| (OsString::from(name), home.as_os_str().to_owned())),
    );
    variables
}

#[cfg(test)]
mod tests {
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
                way_out(&["--private-window".to_owned(), out.to_owned()]),
                Some(out)
            );
        }
        assert_eq!(way_out(&["--private-window".to_owned()]), None);
    }

    #[test]
    fn the_users_home_is_not_the_browsers() {
        let given = [("HOME", "/root"), ("LANG", "C"), ("DISPLAY", ":0")]
            .map(|(n, v)| (n.into(), v.into()));
        let set = environment(&given, Path::new("/scratch"), false);
        let value = |name: &str| {
            set.iter()
                .find(|(given, _)| given == name)
                .map(|(_, value)| value.clone())
        };
        assert_eq!(value("HOME"), Some("/scratch".into()));
        assert_eq!(value("LANG"), Some("C".into()));
        assert_eq!(value("DISPLAY"), None);
    }
}
