//! Whether a path is in a directory, symbolic links followed. It opens and changes nothing.

use std::path::{Component, Path};

/// Whether `path` is absolute and in `directory`, or that directory itself. What does not exist yet is judged by what does.
pub(super) fn is_inside(path: &Path, directory: &Path) -> bool {
    let plain = path.is_absolute()
        && path
            .components()
            .all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if !plain {
        return false;
    }
    let Ok(directory) = directory.canonicalize() else {
        return false;
    };
    // A dangling link has no canonical path, and stands for a place that nobody has looked at.
    let existing = path
        .ancestors()
        .find(|ancestor| ancestor.symlink_metadata().is_ok());
    existing
        .and_then(|ancestor| ancestor.canonicalize().ok())
        .is_some_and(|real| real.starts_with(&directory))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_dots_do_not_lead_out() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = scratch.path().join("in");
        std::fs::create_dir(&directory).unwrap();
        std::os::unix::fs::symlink("/etc", directory.join("link")).unwrap();
        std::os::unix::fs::symlink("/nowhere/at/all", directory.join("dangling")).unwrap();
        let inside = |path: &str| is_inside(&directory.join(path), &directory);
        assert!(inside("a") && inside("a/b") && is_inside(&directory, &directory));
        for out in ["link/passwd", "dangling", "dangling/x", "../x", "a/../../x"] {
            assert!(!inside(out), "{out}");
        }
        assert!(!is_inside(Path::new("in/a"), &directory));
        assert!(!is_inside(scratch.path(), &directory));
    }
}
