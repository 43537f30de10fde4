//! Files that are written for the user, where the user says. A symbolic link in a file's place is refused: in a directory that
//! others can write to it leads where they like.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{Error, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Who may read what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    /// The user alone: it holds cookies, tokens or what was typed.
    User,
    /// Whoever the user's mask lets.
    Mask,
}

/// An empty file to write to, in place of what stands there.
///
/// # Errors
/// When it can't be opened, and for a symbolic link.
pub(crate) fn create(path: &Path, readers: Readers) -> std::io::Result<File> {
    let file = open(OpenOptions::new().create(true), path, readers)?;
    // Pipes and devices have neither a mode of ours nor a length.
    if file.metadata()?.is_file() {
        if readers == Readers::User {
            // One that was there may be open to others. Before a byte is written.
            file.set_permissions(Permissions::from_mode(0o600))?;
        }
        file.set_len(0)?;
    }
    Ok(file)
}

/// The same where nothing may stand there.
///
/// # Errors
/// As [`create`]; for what is there already.
pub(crate) fn create_new(path: &Path, readers: Readers) -> std::io::Result<File> {
    open(OpenOptions::new().create_new(true), path, readers)
}

/// Writes a whole file.
///
/// # Errors
/// As [`create`].
pub(crate) fn write(path: &Path, readers: Readers, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
    create(path, readers)?.write_all(bytes.as_ref())
}

fn open(options: &mut OpenOptions, path: &Path, readers: Readers) -> std::io::Result<File> {
    let mode = match readers {
        Readers::User => 0o600,
        Readers::Mask => 0o666,
    };
    let opened = options
        .write(true)
        .mode(mode)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path);
    opened.map_err(|error| {
        if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
            return Error::other("it is a symbolic link: name the file that it leads to");
        }
        error
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_holds_secrets_is_the_users_alone_also_where_a_file_was() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("log.har");
        std::fs::write(&file, "longer than what comes").unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        write(&file, Readers::User, "secret").unwrap();
        assert_eq!(
            (std::fs::read(&file).unwrap().as_slice(), mode(&file)),
            (b"secret".as_slice(), 0o600)
        );
        let new = scratch.path().join("new.har");
        write(&new, Readers::User, "secret").unwrap();
        assert_eq!(mode(&new), 0o600);
        assert!(create_new(&new, Readers::Mask).is_err());
    }

    #[test]
    fn a_symbolic_link_is_not_followed() {
        let scratch = tempfile::tempdir().unwrap();
        let (file, link) = (scratch.path().join("theirs"), scratch.path().join("link"));
        std::fs::write(&file, "theirs").unwrap();
        symlink(&file, &link).unwrap();
        symlink(
            scratch.path().join("nowhere"),
            scratch.path().join("dangling"),
        )
        .unwrap();
        for readers in [Readers::User, Readers::Mask] {
            for place in [link.clone(), scratch.path().join("dangling")] {
                let refused = write(&place, readers, "ours").unwrap_err();
                assert!(refused.to_string().contains("symbolic link"), "{refused}");
                assert!(create_new(&place, readers).is_err());
            }
        }
        assert_eq!(std::fs::read(&file).unwrap(), b"theirs");
        assert!(!scratch.path().join("nowhere").exists());
    }
}
