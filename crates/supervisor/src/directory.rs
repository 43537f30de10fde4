//! The directory of one browser: claimed before it starts, private to the user, with a marker that says whose it is.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use ops_contracts::seam::adapter::{AdapterError, AdapterResult};

use crate::guard::{self, Marker, ProcessId};

/// A directory that is ours as long as we live.
#[derive(Debug)]
pub(crate) struct Claimed {
    pub(crate) path: PathBuf,
    /// It outlives its browser.
    pub(crate) persistent: bool,
}

impl Claimed {
    /// The profile of a browser that keeps a home beside it; a persistent one is the directory itself.
    pub(crate) fn profile(&self) -> PathBuf {
        if self.persistent {
            self.path.clone()
        } else {
            self.path.join("profile")
        }
    }

    /// What stands for the user's home.
    pub(crate) fn home(&self) -> PathBuf {
        self.path.join("home")
    }

    /// Makes both.
    pub(crate) fn furnish(&self) -> io::Result<()> {
        private(&self.profile(), true).and_then(|()| private(&self.home(), true))
    }

    /// Removes what would only wait for a sweep, where nothing was started.
    pub(crate) fn abandon(&self) {
        if !self.persistent {
            guard::remove_profile(&self.path);
        }
    }
}

/// Claims `persistent`, made when it is missing and kept, or a fresh directory below `root`, deleted with its browser.
///
/// # Errors
/// `LaunchFailed`, also when a living browser or another process uses the directory.
pub(crate) fn claim(persistent: Option<&Path>, root: &Path, now_ms: u64) -> AdapterResult<Claimed> {
    let path = match persistent {
        Some(path) => private(path, true)
            .map(|()| path.to_owned())
            .map_err(|source| unusable(path, &source))?,
        None => fresh(root, now_ms)?,
    };
    // Chromium resolves its profile's path; the sweep compares command lines with this one.
    let path = fs::canonicalize(&path).map_err(|source| unusable(&path, &source))?;
    let marker = Marker {
        owner: ProcessId::own(),
        guard: None,
        browser: None,
        temporary: persistent.is_none(),
        temporary_files: None,
        created_at_ms: now_ms,
    };
    guard::take(&path, &marker).map_err(|source| match source.kind() {
        io::ErrorKind::ResourceBusy => in_use(&path),
        _ => unusable(&path, &source),
    })?;
    Ok(Claimed {
        path,
        persistent: persistent.is_some(),
    })
}

/// The error of a profile that another browser has.
pub(crate) fn in_use(path: &Path) -> AdapterError {
    refused(format!(
        "another browser uses the profile {}",
        path.display()
    ))
}

fn unusable(path: &Path, source: &io::Error) -> AdapterError {
    refused(format!(
        "the profile {} can't be used: {source}",
        path.display()
    ))
}

fn refused(reason: String) -> AdapterError {
    AdapterError::LaunchFailed {
        reason,
        output: String::new(),
    }
}

/// Makes a directory that only this user can read.
pub(crate) fn private(path: &Path, recursive: bool) -> io::Result<()> {
    fs::DirBuilder::new()
        .mode(0o700)
        .recursive(recursive)
        .create(path)
}

fn fresh(root: &Path, now_ms: u64) -> AdapterResult<PathBuf> {
    private(root, true).map_err(|source| unusable(root, &source))?;
    for attempt in 0..1000 {
        let name = format!("tmp-{}-{}-{attempt}", std::process::id(), now_ms);
        let path = root.join(name);
        match private(&path, false) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(unusable(&path, &source)),
        }
    }
    Err(unusable(root, &io::Error::other("no free name")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_directories_are_fresh_private_and_marked() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let below = root.path().join("profiles");
        let one = claim(None, &below, 5).unwrap();
        let two = claim(None, &below, 5).unwrap();
        assert!(!one.persistent && one.path != two.path);
        assert_eq!(
            fs::metadata(&one.path).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert!(one.path.join(guard::MARKER_FILE).exists());
        one.abandon();
        assert!(!one.path.exists());
    }

    #[test]
    fn a_kept_profile_is_the_directory_itself_and_stays() {
        let root = tempfile::tempdir().unwrap();
        let mine = root.path().join("mine");
        let kept = claim(Some(&mine), root.path(), 5).unwrap();
        kept.furnish().unwrap();
        kept.abandon();
        assert_eq!(kept.profile(), fs::canonicalize(&mine).unwrap());
        assert!(kept.home().is_dir());
        let fresh = claim(None, root.path(), 5).unwrap();
        fresh.furnish().unwrap();
        assert_eq!(fresh.profile(), fresh.path.join("profile"));
    }
}
