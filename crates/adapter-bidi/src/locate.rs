//! Finds Firefox: the path that was named, else well-known names on `PATH` and places outside it.
//!
//! Reads no environment itself and starts nothing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ops_contracts::adapter::AdapterError;

/// Names looked up in every directory of `PATH`, best first.
const NAMES: &[&str] = &["firefox", "firefox-esr", "firefox-developer-edition"];

/// Places outside `PATH`, best first.
const PLACES: &[&str] = &[
    "/usr/lib/firefox/firefox",
    "/usr/lib/firefox-esr/firefox-esr",
    "/usr/bin/firefox",
    "/usr/bin/firefox-esr",
    "/opt/firefox/firefox",
    "/snap/bin/firefox",
    "/Applications/Firefox.app/Contents/MacOS/firefox",
];

/// The executable to launch: `explicit`, or the first that is there.
///
/// # Errors
/// `BrowserMissing`.
pub(crate) fn locate(explicit: Option<&Path>, path: Option<&OsStr>) -> Result<PathBuf, AdapterError> {
    locate_in(explicit, path, PLACES)
}

fn locate_in(explicit: Option<&Path>, path: Option<&OsStr>, places: &[&str]) -> Result<PathBuf, AdapterError> {
    if let Some(named) = explicit {
        return if is_executable(named) { Ok(named.to_owned()) } else { Err(not_executable(named)) };
    }
    let directories: Vec<PathBuf> = path.map(|path| std::env::split_paths(path).collect()).unwrap_or_default();
    let on_path = NAMES.iter().flat_map(|name| directories.iter().map(move |directory| directory.join(name)));
    on_path.chain(places.iter().map(PathBuf::from)).find(|candidate| is_executable(candidate)).ok_or_else(missing)
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// What to do about a missing browser.
const REMEDY: &str = "install one (Debian: `apt-get install firefox-esr`; Ubuntu: `snap install firefox`) or name its executable";

fn not_executable(path: &Path) -> AdapterError {
    let named = path.display().to_string();
    AdapterError::BrowserMissing {
        install: format!("{named}, which was named as Firefox, is no executable file: {REMEDY}"),
        searched: vec![named],
    }
}

fn missing() -> AdapterError {
    let on_path = NAMES.iter().map(|name| format!("{name} on PATH"));
    AdapterError::BrowserMissing {
        searched: on_path.chain(PLACES.iter().map(ToString::to_string)).collect(),
        install: format!("no Firefox is there: {REMEDY}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_path_is_taken_or_refused_and_nothing_else_is_tried() {
        let shell = Path::new("/bin/sh");
        assert_eq!(locate_in(Some(shell), None, &[]).unwrap(), shell);
        for bad in ["/no/such/firefox", "/etc/passwd", "/tmp"] {
            let Err(AdapterError::BrowserMissing { searched, .. }) = locate_in(Some(Path::new(bad)), None, PLACES) else {
                panic!("{bad}");
            };
            assert_eq!(searched, [bad]);
        }
    }

    #[test]
    fn a_missing_browser_says_what_to_install() {
        let Err(AdapterError::BrowserMissing { searched, install }) = locate_in(None, Some(OsStr::new("/no/such")), &[]) else {
            panic!("found one");
        };
        assert!(searched.contains(&"firefox-esr on PATH".to_owned()) && install.contains("apt-get install firefox-esr"));
    }
}
