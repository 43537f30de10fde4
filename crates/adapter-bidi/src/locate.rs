//! Finds browsers and chromedriver: the path that was named, else well-known names on `PATH` and places outside it.
//!
//! Reads no environment itself and starts nothing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ops_contracts::seam::adapter::AdapterError;
use ops_contracts::seam::chromium;

/// A program: what it is called, and how one gets it.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// Names looked up in every directory of `PATH`, best first.
    names: &'static [&'static str],
    /// Places outside `PATH`, best first.
    places: &'static [&'static str],
    remedy: &'static str,
}

pub(crate) const FIREFOX: Program = Program {
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
    remedy: "install one (Debian: `apt-get install firefox-esr`; Ubuntu: `snap install firefox`) or name its executable",
};

pub(crate) const CHROME: Program = Program {
    name: "Chrome or Chromium",
    names: chromium::NAMES,
    places: chromium::PLACES,
    remedy: "install one (Debian: `apt-get install chromium`) or name its executable",
};

pub(crate) const CHROMEDRIVER: Program = Program {
    name: "chromedriver",
    names: &["chromedriver"],
    places: &[
        "/usr/bin/chromedriver",
        "/usr/lib/chromium/chromedriver",
        "/usr/lib/chromium-browser/chromedriver",
    ],
    remedy: "install the one of the browser's version (Debian: `apt-get install chromium-driver`) or name its executable",
};

/// The executable to launch: `explicit`, or the first that is there.
///
/// # Errors
/// `BrowserMissing`.
pub(crate) fn locate(
    program: &Program,
    explicit: Option<&Path>,
    path: Option<&OsStr>,
) -> Result<PathBuf, AdapterError> {
    if let Some(named) = explicit {
        return if is_executable(named) {
            Ok(named.to_owned())
        } else {
            Err(program.not_executable(named))
        };
    }
    let directories: Vec<PathBuf> = path
        .map(|path| std::env::split_paths(path).collect())
        .unwrap_or_default();
    let on_path = program.names.iter().flat_map(|name| {
        directories
            .iter()
            .map(move |directory| directory.join(name))
    });
    let candidates = on_path.chain(program.places.iter().map(PathBuf::from));
    candidates
        .into_iter()
        .find(|candidate| is_executable(candidate))
        .ok_or_else(|| program.missing())
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path)
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

impl Program {
    /// It would be there, but nobody said that it may be used.
    pub(crate) fn not_named(&self) -> AdapterError {
        let Self { name, .. } = self;
        AdapterError::BrowserMissing {
            searched: Vec::new(),
            install: format!(
                "{name} is started only where the operator names it (relayd --{name} {name}), as its port takes every local process"
            ),
        }
    }

    fn not_executable(&self, path: &Path) -> AdapterError {
        let named = path.display().to_string();
        let Self { name, remedy, .. } = self;
        AdapterError::BrowserMissing {
            install: format!("{named}, which was named as {name}, is no executable file: {remedy}"),
            searched: vec![named],
        }
    }

    fn missing(&self) -> AdapterError {
        let Self { name, remedy, .. } = self;
        let on_path = self.names.iter().map(|name| format!("{name} on PATH"));
        AdapterError::BrowserMissing {
            searched: on_path
                .chain(self.places.iter().map(ToString::to_string))
                .collect(),
            install: format!("no {name} is there: {remedy}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of which there is none.
    const NOWHERE: Program = Program {
        places: &[],
        ..CHROMEDRIVER
    };

    #[test]
    fn a_named_path_is_taken_or_refused_and_nothing_else_is_tried() {
        let shell = Path::new("/bin/sh");
        assert_eq!(locate(&NOWHERE, Some(shell), None).unwrap(), shell);
        for bad in ["/no/such/firefox", "/etc/passwd", "/tmp"] {
            let Err(AdapterError::BrowserMissing { searched, .. }) =
                locate(&FIREFOX, Some(Path::new(bad)), None)
            else {
                panic!("{bad}");
            };
            assert_eq!(searched, [bad]);
        }
    }

    #[test]
    fn a_missing_program_says_what_to_install() {
        let Err(AdapterError::BrowserMissing { searched, install }) =
            locate(&NOWHERE, None, Some(OsStr::new("/no/such")))
        else {
            panic!("found one");
        };
        assert!(
            searched.contains(&"chromedriver on PATH".to_owned())
                && install.contains("apt-get install chromium-driver")
        );
    }
}
