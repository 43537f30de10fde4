//! Finds browsers and chromedriver: the path that was named, else well-known names on `PATH` and places outside it.
//!
//! Reads no environment itself: `ODB_BROWSER` and `PATH` come in as arguments. Starts nothing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ops_contracts::seam::adapter::{AdapterError, AdapterResult};

/// What to look for.
#[derive(Debug)]
pub(crate) struct Sought {
    name: &'static str,
    /// Names looked up in every directory of `PATH`, best first.
    names: &'static [&'static str],
    /// Places outside `PATH`, best first.
    places: &'static [&'static str],
    /// What to do where the program is missing.
    missing: &'static str,
    /// What to do where the named path is not the program.
    remedy: &'static str,
}

/// A path that somebody named. Nothing else is tried then.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Named<'a> {
    Session(&'a Path),
    Variable(&'static str, &'a Path),
    Operator(&'a Path),
}

pub(crate) const CHROME: Sought = Sought {
    name: "Chrome or Chromium",
    names: &[
        "google-chrome-stable",
        "google-chrome",
        "chromium",
        "chromium-browser",
        "chrome",
    ],
    places: &[
        "/usr/bin/google-chrome-stable",
        "/usr/bin/chromium",
        "/usr/bin/chromium-browser",
        "/opt/google/chrome/chrome",
        "/usr/lib/chromium/chromium",
        "/usr/lib/chromium-browser/chromium-browser",
        "/snap/bin/chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ],
    missing: "no Chrome or Chromium was found: install one (Debian and Ubuntu: `apt-get install chromium`) \
              or name its executable in ODB_BROWSER",
    remedy: "install one (Debian: `apt-get install chromium`) or name its executable",
};

pub(crate) const FIREFOX: Sought = Sought {
    name: "Firefox",
    names: &["firefox", "firefox-esr", "firefox-developer-edition"],
    places: &[
        "/usr/lib/firefox/firefox",
        "/usr/lib/firefox-esr/firefox-esr",
        "/usr/bin/firefox",
        "/usr/bin/firefox-esr",
        "/opt/firefox/firefox",
        "/snap/bin/firefox",
        "/Applications/Firefox.app/Contents/MacOS/firefox",
    ],
    missing: "no Firefox is there: install one (Debian: `apt-get install firefox-esr`; Ubuntu: `snap install firefox`) or name \
              its executable",
    remedy: "install one (Debian: `apt-get install firefox-esr`; Ubuntu: `snap install firefox`) or name its executable",
};

pub(crate) const CHROMEDRIVER: Sought = Sought {
    name: "chromedriver",
    names: &["chromedriver"],
    places: &[
        "/usr/bin/chromedriver",
        "/usr/lib/chromium/chromedriver",
        "/usr/lib/chromium-browser/chromedriver",
    ],
    missing: "no chromedriver is there: install the one of the browser's version (Debian: `apt-get install chromium-driver`) or \
              name its executable",
    remedy: "install the one of the browser's version (Debian: `apt-get install chromium-driver`) or name its executable",
};

/// Distribution wrappers that set desktop flags and then `exec` the program beside them.
/// Starting the program itself saves the wrapper's shell, 40 to 70 ms of every launch.
const WRAPPED: &[(&str, &str)] = &[("/usr/bin/chromium", "/usr/lib/chromium/chromium")];

/// The executable to launch: the one that was named, or the first that is there.
///
/// # Errors
/// `BrowserMissing`.
pub(crate) fn locate(
    sought: &Sought,
    named: Option<Named<'_>>,
    path: Option<&OsStr>,
) -> AdapterResult<PathBuf> {
    if let Some(named) = named {
        return if is_executable(named.path()) {
            Ok(named.path().to_owned())
        } else {
            Err(sought.not_executable(named))
        };
    }
    let directories: Vec<PathBuf> = path
        .map(|path| std::env::split_paths(path).collect())
        .unwrap_or_default();
    let on_path = sought.names.iter().flat_map(|name| {
        directories
            .iter()
            .map(move |directory| directory.join(name))
    });
    on_path
        .chain(sought.places.iter().map(PathBuf::from))
        .find(|path| is_executable(path))
        .map(unwrapped)
        .ok_or_else(|| sought.missing())
}

/// The error of a chromedriver that would be there, but that nobody said may be used.
pub(crate) fn chromedriver_not_named() -> AdapterError {
    let Sought { name, .. } = CHROMEDRIVER;
    AdapterError::BrowserMissing {
        searched: Vec::new(),
        install: format!(
            "{name} is started only where the operator names it (relayd --{name} {name}), as its port takes every local process"
        ),
    }
}

fn unwrapped(found: PathBuf) -> PathBuf {
    WRAPPED
        .iter()
        .find(|(wrapper, program)| found == Path::new(wrapper) && is_executable(Path::new(program)))
        .map_or(found, |(_, program)| PathBuf::from(program))
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

impl<'a> Named<'a> {
    fn path(self) -> &'a Path {
        match self {
            Self::Session(path) | Self::Variable(_, path) | Self::Operator(path) => path,
        }
    }
}

impl Sought {
    fn not_executable(&self, named: Named<'_>) -> AdapterError {
        let path = named.path().display().to_string();
        let Self { name, remedy, .. } = self;
        let by = match named {
            Named::Session(_) => " by the session",
            Named::Variable(variable, _) => &format!(" by {variable}"),
            Named::Operator(_) => "",
        };
        AdapterError::BrowserMissing {
            install: format!(
                "{path}, which was named{by} as {name}, is no executable file: {remedy}"
            ),
            searched: vec![path],
        }
    }

    fn missing(&self) -> AdapterError {
        let on_path = self.names.iter().map(|name| format!("{name} on PATH"));
        AdapterError::BrowserMissing {
            searched: on_path
                .chain(self.places.iter().map(ToString::to_string))
                .collect(),
            install: self.missing.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    /// Those without places outside `PATH`, where a machine may have some.
    const NO_CHROME: Sought = Sought {
        places: &[],
        ..CHROME
    };
    const NO_DRIVER: Sought = Sought {
        places: &[],
        ..CHROMEDRIVER
    };

    fn program(directory: &Path, name: &str) -> PathBuf {
        let path = directory.join(name);
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn a_named_path_is_taken_or_refused_and_nothing_else_is_tried() {
        let directory = tempfile::tempdir().unwrap();
        let path = Some(directory.path().as_os_str());
        program(directory.path(), "chromium");
        let mine = program(directory.path(), "mine");
        let found = locate(&NO_CHROME, Some(Named::Session(&mine)), path);
        assert_eq!(found, Ok(mine));
        for bad in ["/no/such/chromium", "/etc/passwd", "/tmp"] {
            let named = Named::Variable("ODB_BROWSER", Path::new(bad));
            let Err(AdapterError::BrowserMissing { searched, install }) =
                locate(&NO_CHROME, Some(named), path)
            else {
                panic!("{bad}");
            };
            assert_eq!(searched, [bad]);
            assert!(install.contains("ODB_BROWSER"), "{install}");
        }
    }

    #[test]
    fn the_better_name_wins_whatever_the_order_of_the_path() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        program(first.path(), "chromium");
        let chrome = program(second.path(), "google-chrome");
        let path = std::env::join_paths([first.path(), second.path()]).unwrap();
        assert_eq!(locate(&NO_CHROME, None, Some(&path)), Ok(chrome));
    }

    #[test]
    fn a_file_that_cannot_be_executed_is_passed_over_and_what_is_missing_says_what_to_install() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("chromium"), "").unwrap();
        let path = Some(directory.path().as_os_str());
        for (sought, package) in [(&NO_CHROME, "chromium"), (&NO_DRIVER, "chromium-driver")] {
            let Err(AdapterError::BrowserMissing { searched, install }) =
                locate(sought, None, path)
            else {
                panic!("found one");
            };
            let first = format!("{} on PATH", sought.names[0]);
            assert!(searched.contains(&first));
            assert!(install.contains(&format!("apt-get install {package}")));
        }
    }
}
