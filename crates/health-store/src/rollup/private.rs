//! Directories and files that are the user's alone: made so, and refused where they are not.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use super::LedgerError;

pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> LedgerError + '_ {
    move |source| LedgerError::Io {
        path: path.to_owned(),
        source,
    }
}

fn refused(path: &Path, why: impl Into<String>) -> LedgerError {
    LedgerError::Unsafe {
        path: path.to_owned(),
        why: why.into(),
    }
}

fn no_follow() -> i32 {
    // Without NONBLOCK a FIFO in the file's place would hang.
    (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()
}

/// A directory with mode 0700, made where it is missing.
pub(super) fn directory(path: &Path) -> Result<(), LedgerError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io(path)(error)),
    }
    let meta = std::fs::symlink_metadata(path).map_err(io(path))?;
    if !meta.is_dir() {
        return Err(refused(
            path,
            "it is no directory, or a symbolic link to one",
        ));
    }
    check(&meta, path)
}

fn check(meta: &Metadata, path: &Path) -> Result<(), LedgerError> {
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused(path, "it belongs to another user"));
    }
    let mode = meta.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(refused(
            path,
            format!(
                "its mode is {mode:03o}; take the rights of others away once you trust what is in it"
            ),
        ));
    }
    Ok(())
}

fn check_file(file: &File, path: &Path) -> Result<(), LedgerError> {
    let meta = file.metadata().map_err(io(path))?;
    if !meta.is_file() {
        return Err(refused(path, "it is no plain file"));
    }
    check(&meta, path)
}

/// The text of a file; `None` where there is none. At most `limit` bytes are read: what is longer is no text of ours.
pub(super) fn read(path: &Path, limit: u64) -> Result<Option<String>, LedgerError> {
    let file = match OpenOptions::new()
        .read(true)
        .custom_flags(no_follow())
        .open(path)
    {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io(path)(error)),
    };
    check_file(&file, path)?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(io(path))?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// A file to append to, made where it is missing.
pub(super) fn append(path: &Path) -> Result<File, LedgerError> {
    let mut options = OpenOptions::new();
    let file = options
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(no_follow())
        .open(path)
        .map_err(io(path))?;
    check_file(&file, path)?;
    Ok(file)
}

/// Writes a file whole or not at all.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), LedgerError> {
    let temporary = path.with_extension("tmp");
    // A leftover can only be that of a process that died while it wrote.
    let _ = std::fs::remove_file(&temporary);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_data()
        });
    let written = written.and_then(|()| std::fs::rename(&temporary, path));
    written.map_err(|source| {
        // A part of a file would only take room of a disk that is full already.
        let _ = std::fs::remove_file(&temporary);
        io(path)(source)
    })
}
