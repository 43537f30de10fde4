//! The journal's directory: days, segments, and who may be in it. Everything is private to the user and never reached through
//! a symbolic link; what is not so is refused, not mended.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ops_contracts::wire::clock::Timestamp;
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use crate::error::JournalError;

/// The file that is written.
const ACTIVE: &str = "adapter-health.jsonl";

/// A segment. The order is the order in which segments were written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Segment {
    /// `YYYYMMDD`.
    pub(crate) day: String,
    /// From 1 for those that were rotated; the day's last one is not.
    pub(crate) number: Option<u32>,
}

impl Segment {
    pub(crate) fn path(&self, root: &Path) -> PathBuf {
        let day = root.join(&self.day);
        match self.number {
            Some(number) => day.join(format!("adapter-health-{number:04}.jsonl")),
            None => day.join(ACTIVE),
        }
    }

    /// The order in which segments were written: of a day the one without a number is the last.
    fn key(&self) -> (&str, u32) {
        (&self.day, self.number.unwrap_or(u32::MAX))
    }

    fn of(day: &str, name: &str) -> Option<Self> {
        if name == ACTIVE {
            return Some(Self {
                day: day.to_owned(),
                number: None,
            });
        }
        let digits = name
            .strip_prefix("adapter-health-")?
            .strip_suffix(".jsonl")?;
        let plain = digits.len() >= 4 && digits.bytes().all(|b| b.is_ascii_digit());
        let number = if plain { digits.parse().ok() } else { None };
        number.map(|number| Self {
            day: day.to_owned(),
            number: Some(number),
        })
    }

    /// When its day began.
    pub(crate) fn begins(&self) -> Option<Timestamp> {
        let (year, rest) = self.day.split_at_checked(4)?;
        let (month, day) = rest.split_at_checked(2)?;
        Timestamp::try_from(format!("{year}-{month}-{day}T00:00:00Z")).ok()
    }
}

/// The day of a time, `YYYYMMDD`.
pub(crate) fn day_of(time: Timestamp) -> String {
    time.to_string()
        .chars()
        .take(10)
        .filter(char::is_ascii_digit)
        .collect()
}

/// Makes the directory where it is missing, and checks it.
pub(crate) fn ensure(path: &Path) -> Result<(), JournalError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            Err(JournalError::io(path)(error))
        }
        _ => check(path).map(drop),
    }
}

/// Makes `below` under the home, one directory after the other, each checked.
pub(crate) fn ensure_below(home: &Path, below: &[&str]) -> Result<PathBuf, JournalError> {
    let mut path = home.to_owned();
    for part in below {
        path.push(part);
        ensure(&path)?;
    }
    Ok(path)
}

/// Checks a directory; false where there is none.
pub(crate) fn check(path: &Path) -> Result<bool, JournalError> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if !meta.is_dir() => Err(JournalError::refused(
            path,
            "it is no directory, or a symbolic link to one",
        )),
        Ok(meta) => private(&meta, path, "700").map(|()| true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(JournalError::io(path)(error)),
    }
}

fn private(meta: &Metadata, path: &Path, expected: &str) -> Result<(), JournalError> {
    if meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(JournalError::refused(path, "it belongs to another user"));
    }
    let mode = meta.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(JournalError::refused(
            path,
            format!("its mode is {mode:03o}; chmod {expected} it once you trust what is in it"),
        ));
    }
    Ok(())
}

/// Opens a file that is a plain one, ours and private.
pub(crate) fn open(path: &Path, options: &mut OpenOptions) -> Result<File, JournalError> {
    // Without NONBLOCK a FIFO in the file's place would hang.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = options
        .mode(0o600)
        .custom_flags(flags)
        .open(path)
        .map_err(|error| {
            if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) {
                return JournalError::refused(path, "it is a symbolic link");
            }
            JournalError::io(path)(error)
        })?;
    let meta = file.metadata().map_err(JournalError::io(path))?;
    if !meta.is_file() {
        return Err(JournalError::refused(path, "it is no plain file"));
    }
    private(&meta, path, "600")?;
    Ok(file)
}

/// The segments in the order in which they were written; none where there is no directory. What is no segment is left alone.
pub(crate) fn segments(root: &Path) -> Result<Vec<Segment>, JournalError> {
    let mut found = Vec::new();
    if !check(root)? {
        return Ok(found);
    }
    for day in names(root)? {
        if day.len() != 8 || !day.bytes().all(|b| b.is_ascii_digit()) {
            continue;
        }
        let path = root.join(&day);
        if check(&path)? {
            found.extend(
                names(&path)?
                    .iter()
                    .filter_map(|name| Segment::of(&day, name)),
            );
        }
    }
    found.sort_by(|a, b| a.key().cmp(&b.key()));
    Ok(found)
}

fn names(path: &Path) -> Result<Vec<String>, JournalError> {
    let entries = std::fs::read_dir(path).map_err(JournalError::io(path))?;
    Ok(entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect())
}

/// The next number of a day.
pub(crate) fn next_number(root: &Path, day: &str) -> Result<u32, JournalError> {
    let numbers = segments(root)?
        .into_iter()
        .filter(|segment| segment.day == day)
        .filter_map(|segment| segment.number);
    Ok(numbers.max().unwrap_or(0).saturating_add(1))
}

/// Takes a lock for as long as the value lives.
pub(crate) fn lock(root: &Path, name: &str) -> Result<File, JournalError> {
    let path = root.join(name);
    let file = open(
        &path,
        OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false),
    )?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(Errno::WOULDBLOCK) => Err(JournalError::Busy { path }),
        Err(error) => Err(JournalError::io(&path)(error.into())),
    }
}
