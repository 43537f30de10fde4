//! Why a journal can't be used.

use std::io;
use std::path::{Path, PathBuf};

use ops_contracts::{ErrorCode, Fault};

/// Why a journal can't be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// A file or directory is not ours, open to others, or reached through a symbolic link.
    #[error("{}: {why}", path.display())]
    Refused {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A segment has a format that this version does not write.
    #[error("{}: the journal has format {version}, which is newer than this version writes; it can be read, and nothing is changed", path.display())]
    Newer {
        /// The segment.
        path: PathBuf,
        /// Its format.
        version: u32,
    },
    /// Another process maintains or writes the journal.
    #[error("{}: another process is at work on the journal", path.display())]
    Busy {
        /// The lock's file.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl JournalError {
    pub(crate) fn io(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn refused(path: &Path, why: impl Into<String>) -> Self {
        Self::Refused {
            path: path.to_owned(),
            why: why.into(),
        }
    }

    /// The code of this failure.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Refused { .. } => ErrorCode::CliStateInvalid,
            Self::Newer { .. } => ErrorCode::CliJournalNewer,
            Self::Busy { .. } => ErrorCode::RelayHomeBusy,
            Self::Io { .. } => ErrorCode::CliFileUnreadable,
        }
    }
}

impl From<JournalError> for Fault {
    fn from(error: JournalError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}
