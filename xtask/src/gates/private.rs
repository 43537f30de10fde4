//! Folders and files for this user alone, whatever the umask says: it takes away what was asked for, so the mode is set once more.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

/// Makes a folder, and those above it that are missing. One that is there already becomes private; a link is refused.
///
/// # Errors
/// Where it can't be made, or is something else.
pub fn directory(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => return set(path, 0o700),
        Ok(_) => return Err(other(path, "is no folder")),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    if let Some(above) = path.parent().filter(|above| !above.as_os_str().is_empty())
        && fs::symlink_metadata(above).is_err()
    {
        directory(above)?;
    }
    DirBuilder::new().mode(0o700).create(path)?;
    set(path, 0o700)
}

/// Writes a file: whole or not at all. A link in its place is replaced, and what it points to stays as it is.
///
/// # Errors
/// Where it can't be written.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path
        .file_name()
        .ok_or_else(|| other(path, "has no name"))?
        .to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = part_of(&part, text).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        // What is left of it is of no use, and may not be there.
        let _ = fs::remove_file(&part);
    }
    written
}

fn part_of(part: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(part)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn set(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

fn other(path: &Path, what: &str) -> io::Error {
    io::Error::other(format!("{} {what}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn what_is_written_is_private_also_where_something_was_there_with_another_mode() {
        let scratch = tempfile::tempdir().unwrap();
        set(scratch.path(), 0o700).unwrap();
        let folder = scratch.path().join("a/b");
        directory(&folder).unwrap();
        assert_eq!(
            (mode(&scratch.path().join("a")), mode(&folder)),
            (0o700, 0o700)
        );
        set(&folder, 0o777).unwrap();
        directory(&folder).unwrap();
        assert_eq!(mode(&folder), 0o700);
        let file = folder.join("x.json");
        fs::write(&file, "old").unwrap();
        set(&file, 0o644).unwrap();
        write(&file, "new").unwrap();
        assert_eq!(
            (fs::read_to_string(&file).unwrap().as_str(), mode(&file)),
            ("new", 0o600)
        );
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn the_umask_of_the_process_makes_no_difference() {
        let own = std::env::current_exe().unwrap();
        let test = "gates::private::tests::what_is_written_is_private_also_where_something_was_there_with_another_mode";
        for umask in ["000", "022", "077", "377"] {
            let output = std::process::Command::new("sh")
                .args(["-c", "umask \"$1\"; exec \"$0\" --exact \"$2\""])
                .args([own.as_os_str(), umask.as_ref(), test.as_ref()])
                .output()
                .unwrap();
            let told = String::from_utf8_lossy(&output.stdout);
            assert!(told.contains("1 passed"), "umask {umask}: {told}");
        }
    }

    #[test]
    fn links_are_neither_followed_nor_taken_for_folders() {
        let scratch = tempfile::tempdir().unwrap();
        let (target, link) = (scratch.path().join("target"), scratch.path().join("link"));
        fs::write(&target, "kept").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(directory(&link).is_err());
        write(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "kept");
        assert_eq!(fs::read_to_string(&link).unwrap(), "new");
    }
}
