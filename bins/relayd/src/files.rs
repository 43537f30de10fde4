//! Files that an operator names: read at the start and with a reload, wherever they are. What stands in a file's place is looked
//! at before it is read: nothing there makes the program wait, and nobody else writes what it goes by.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// The largest file that is read.
const MAX_FILE: u64 = 1 << 20;

/// Who may do what with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Whether others may read it.
    pub(crate) readable: bool,
    /// Whether it may be reached through a symbolic link.
    pub(crate) linked: bool,
}

/// The bytes of a file.
///
/// # Errors
/// Why it can't be used: it is missing, no plain file, another user's, open to others, or above 1 MiB.
pub(crate) fn read(path: &Path, terms: Terms) -> Result<Vec<u8>, String> {
    // Without NONBLOCK a FIFO in the file's place would hang whoever opens it.
    let flags = if terms.linked {
        OFlags::NONBLOCK
    } else {
        OFlags::NONBLOCK | OFlags::NOFOLLOW
    };
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    let file = opened.map_err(|error| why(&error))?;
    let meta = file.metadata().map_err(|error| why(&error))?;
    check(&meta, terms)?;
    read_whole(file)
}

fn why(error: &std::io::Error) -> String {
    if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
        return "it is a symbolic link".to_owned();
    }
    error.to_string()
}

fn check(meta: &Metadata, terms: Terms) -> Result<(), String> {
    if !meta.is_file() {
        return Err("it is no plain file".to_owned());
    }
    // Root can write every file anyway.
    if ![rustix::process::geteuid().as_raw(), 0].contains(&meta.uid()) {
        return Err("it belongs to another user".to_owned());
    }
    let mode = meta.mode() & 0o777;
    let (forbidden, fixed) = if terms.readable {
        (0o022, "go-w")
    } else {
        (0o077, "600")
    };
    if mode & forbidden != 0 {
        return Err(format!(
            "it is open to others, its mode is {mode:03o}: chmod {fixed} it once you trust what is in it"
        ));
    }
    Ok(())
}

fn read_whole(file: File) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    // One byte more than is taken, so that no part of a longer file passes for the whole.
    let read = file.take(MAX_FILE + 1).read_to_end(&mut bytes);
    read.map_err(|error| why(&error))?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= MAX_FILE => Ok(bytes),
        _ => Err(format!("it has more than {MAX_FILE} bytes")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    const POLICY: Terms = Terms {
        readable: true,
        linked: false,
    };
    const KEY: Terms = Terms {
        readable: false,
        linked: true,
    };

    #[track_caller]
    fn refused(path: &Path, terms: Terms, expected: &str) {
        let why = read(path, terms).unwrap_err();
        assert!(why.contains(expected), "{why}");
    }

    #[test]
    fn what_is_no_plain_file_is_refused_at_once() {
        let scratch = tempfile::tempdir().unwrap();
        let fifo = scratch.path().join("fifo");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        for terms in [POLICY, KEY] {
            refused(&fifo, terms, "no plain file");
            refused(scratch.path(), terms, "no plain file");
            refused(Path::new("/dev/zero"), terms, "no plain file");
            refused(&scratch.path().join("missing"), terms, "No such file");
        }
    }

    #[test]
    fn what_others_can_write_is_refused_and_what_they_can_read_where_it_is_secret() {
        let scratch = tempfile::tempdir().unwrap();
        let (file, link) = (scratch.path().join("file"), scratch.path().join("link"));
        std::fs::write(&file, "text").unwrap();
        symlink(&file, &link).unwrap();
        let set = |mode| std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        for mode in [0o664, 0o646, 0o666, 0o620] {
            set(mode);
            refused(&file, POLICY, "chmod go-w");
            refused(&file, KEY, "chmod 600");
        }
        set(0o644);
        assert_eq!(read(&file, POLICY).unwrap(), b"text");
        refused(&file, KEY, "chmod 600");
        set(0o600);
        assert_eq!(read(&link, KEY).unwrap(), b"text");
        refused(&link, POLICY, "symbolic link");
    }

    #[test]
    fn a_file_is_read_whole_or_not_at_all() {
        let scratch = tempfile::tempdir().unwrap();
        let file = scratch.path().join("file");
        let length = usize::try_from(MAX_FILE).unwrap();
        std::fs::write(&file, vec![b' '; length]).unwrap();
        assert_eq!(read(&file, POLICY).unwrap().len(), length);
        std::fs::write(&file, vec![b' '; length + 1]).unwrap();
        refused(&file, POLICY, "more than");
    }
}
