//! Finds the browser's executable: the configured path, then the environment's, then well-known names and places.
//!
//! Reads no environment itself: `ODB_BROWSER` and `PATH` come in as arguments. Starts nothing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use ops_contracts::seam::chromium::{NAMES, PLACES};

/// What the caller knows about where a browser may be.
#[derive(Debug, Clone, Copy, Default)]
pub struct Search<'a> {
    /// The path from a flag or a session's parameters. When set, nothing else is tried.
    pub explicit: Option<&'a Path>,
    /// The value of `ODB_BROWSER`. When set and not empty, nothing after it is tried.
    pub environment: Option<&'a OsStr>,
    /// The value of `PATH`.
    pub path: Option<&'a OsStr>,
}

/// Why no executable was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocateError {
    /// A path was named, and there is no executable file.
    #[error("the browser named by {source_name} is not an executable file: {}", path.display())]
    NotExecutable {
        /// Who named it: `the session` or `ODB_BROWSER`.
        source_name: &'static str,
        /// The path as named.
        path: PathBuf,
    },
    /// Nothing was named, and nothing was found.
    #[error(
        "no Chrome or Chromium was found: install one (Debian and Ubuntu: `apt-get install chromium`) \
         or name its executable in ODB_BROWSER"
    )]
    Missing,
}

impl LocateError {
    /// Where was looked, for diagnostics.
    pub fn searched(&self) -> Vec<String> {
        match self {
            Self::NotExecutable { path, .. } => vec![path.display().to_string()],
            Self::Missing => {
                let on_path = NAMES.iter().map(|name| format!("{name} on PATH"));
                on_path
                    .chain(PLACES.iter().map(ToString::to_string))
                    .collect()
            }
        }
    }
}

/// Distribution wrappers that set desktop flags and then `exec` the program beside them.
/// Starting the program itself saves the wrapper's shell, 40 to 70 ms of every launch.
const WRAPPED: &[(&str, &str)] = &[("/usr/bin/chromium", "/usr/lib/chromium/chromium")];

/// The executable to launch.
///
/// # Errors
/// [`LocateError::NotExecutable`] when a named path is no executable file; [`LocateError::Missing`] when
/// nothing was named and no well-known place has one.
pub fn locate(search: Search<'_>) -> Result<PathBuf, LocateError> {
    locate_in(search, PLACES)
}

fn locate_in(search: Search<'_>, places: &[&str]) -> Result<PathBuf, LocateError> {
    if let Some(path) = search.explicit {
        return named("the session", path);
    }
    if let Some(value) = search.environment.filter(|value| !value.is_empty()) {
        return named("ODB_BROWSER", Path::new(value));
    }
    let directories: Vec<PathBuf> = search
        .path
        .map(|path| std::env::split_paths(path).collect())
        .unwrap_or_default();
    let on_path = NAMES.iter().flat_map(|name| {
        directories
            .iter()
            .map(move |directory| directory.join(name))
    });
    on_path
        .chain(places.iter().map(PathBuf::from))
        .find(|path| is_executable(path))
        .map(unwrapped)
        .ok_or(LocateError::Missing)
}

fn named(source_name: &'static str, path: &Path) -> Result<PathBuf, LocateError> {
    if is_executable(path) {
        return Ok(path.to_owned());
    }
    Err(LocateError::NotExecutable {
        source_name,
        path: path.to_owned(),
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn program(directory: &Path, name: &str) -> PathBuf {
        let path = directory.join(name);
        fs::write(&path, "#!/bin/sh\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn an_explicit_path_wins_over_the_environment_and_the_path() {
        let directory = tempfile::tempdir().unwrap();
        let mine = program(directory.path(), "mine");
        let other = program(directory.path(), "chromium");
        let search = Search {
            explicit: Some(&mine),
            environment: Some(other.as_os_str()),
            path: Some(directory.path().as_os_str()),
        };
        assert_eq!(locate_in(search, &[]), Ok(mine));
    }

    #[test]
    fn the_environment_wins_over_the_path_and_is_never_replaced_by_it() {
        let directory = tempfile::tempdir().unwrap();
        program(directory.path(), "chromium");
        let search = Search {
            environment: Some(OsStr::new("/nowhere/chrome")),
            path: Some(directory.path().as_os_str()),
            ..Search::default()
        };
        assert_eq!(
            locate_in(search, &[]),
            Err(LocateError::NotExecutable {
                source_name: "ODB_BROWSER",
                path: "/nowhere/chrome".into()
            })
        );
    }

    #[test]
    fn the_better_name_wins_whatever_the_order_of_the_path() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        program(first.path(), "chromium");
        let chrome = program(second.path(), "google-chrome");
        let path = std::env::join_paths([first.path(), second.path()]).unwrap();
        let search = Search {
            path: Some(&path),
            ..Search::default()
        };
        assert_eq!(locate_in(search, &[]), Ok(chrome));
    }

    #[test]
    fn a_file_that_cannot_be_executed_is_passed_over_and_nothing_says_what_to_install() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("chromium"), "").unwrap();
        let search = Search {
            path: Some(directory.path().as_os_str()),
            ..Search::default()
        };
        let error = locate_in(search, &[]).unwrap_err();
        assert_eq!(error, LocateError::Missing);
        assert!(error.to_string().contains("apt-get install chromium"));
    }
}
