//! The variables that browsers get: what they need of their user's, and homes of their own where the user's is to stay out.

use std::ffi::{OsStr, OsString};
use std::path::Path;

/// Names and values.
pub(crate) type Variables = Vec<(OsString, OsString)>;

/// The variables that a browser needs of its user's environment. Everything else, secrets above all, stays out.
pub(crate) fn for_browsers(variables: impl Iterator<Item = (OsString, OsString)>) -> Variables {
    const NAMES: &[&str] = &[
        "HOME",
        "PATH",
        "USER",
        "LOGNAME",
        "SHELL",
        "LANG",
        "LANGUAGE",
        "TZ",
        "TMPDIR",
        "DISPLAY",
        "XAUTHORITY",
        "WAYLAND_DISPLAY",
        "DBUS_SESSION_BUS_ADDRESS",
        "LD_LIBRARY_PATH",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ];
    const PREFIXES: &[&str] = &["LC_", "XDG_", "FONTCONFIG_"];
    let wanted = |name: &OsStr| {
        name.to_str().is_some_and(|name| {
            NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        })
    };
    variables.filter(|(name, _)| wanted(name)).collect()
}

/// The given variables with the user's files out of sight: the home is `home`, and nothing else leads to another.
pub(crate) fn homeless(given: &[(OsString, OsString)], home: &Path) -> Variables {
    let names_home = |name: &OsStr| {
        name.to_str().is_some_and(|name| {
            name == "HOME"
                || (name.starts_with("XDG_")
                    && !name.ends_with("_DIRS")
                    && name != "XDG_RUNTIME_DIR")
        })
    };
    let mut variables = without(given, names_home);
    variables.push(("HOME".into(), home.into()));
    variables
}

/// The given variables with all homes at `home`, so that nothing is read from or left in the user's; without a display
/// unless it is `headed`.
pub(crate) fn homes(given: &[(OsString, OsString)], home: &Path, headed: bool) -> Variables {
    const HOMES: &[&str] = &[
        "HOME",
        "XDG_CONFIG_HOME",
        "XDG_CACHE_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
    ];
    const DISPLAY: &[&str] = &["DISPLAY", "WAYLAND_DISPLAY"];
    let mut variables = without(given, |name| {
        HOMES.iter().any(|own| name == *own) || (!headed && DISPLAY.iter().any(|own| name == *own))
    });
    variables.extend(
        HOMES
            .iter()
            .map(|name| (OsString::from(name), home.as_os_str().to_owned())),
    );
    variables
}

fn without(given: &[(OsString, OsString)], unwanted: impl Fn(&OsStr) -> bool) -> Variables {
    let kept = given.iter().filter(|(name, _)| !unwanted(name));
    kept.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_never_reach_the_browsers_environment() {
        let given = [
            "HOME",
            "LC_ALL",
            "XDG_RUNTIME_DIR",
            "DASHBOARD_ADMIN_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "ODB_BROWSER",
        ]
        .map(|name| (OsString::from(name), OsString::from("x")));
        let kept: Vec<_> = for_browsers(given.into_iter())
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(kept, ["HOME", "LC_ALL", "XDG_RUNTIME_DIR"]);
    }

    #[test]
    fn the_users_home_is_not_the_browsers() {
        let given = [
            ("HOME", "/mine"),
            ("XDG_DOWNLOAD_DIR", "/mine/downloads"),
            ("LANG", "C"),
            ("DISPLAY", ":0"),
        ]
        .map(|(name, value)| (name.into(), value.into()));
        let value = |set: &Variables, name: &str| {
            let found = set.iter().find(|(given, _)| given == name);
            found.map(|(_, value)| value.clone())
        };
        let set = homes(&given, Path::new("/scratch"), false);
        assert_eq!(value(&set, "HOME"), Some("/scratch".into()));
        assert_eq!(value(&set, "LANG"), Some("C".into()));
        assert_eq!(value(&set, "DISPLAY"), None);
        let set = homeless(&given, Path::new("/scratch"));
        assert_eq!(value(&set, "HOME"), Some("/scratch".into()));
        assert_eq!(value(&set, "XDG_DOWNLOAD_DIR"), None);
        assert_eq!(value(&set, "DISPLAY"), Some(":0".into()));
    }
}
