//! The port by which an adapter keeps a context's files: those that pages download, and those that are given to pages.
//!
//! The folder has to be one that the browser sees too. Who owns the browser's directory implements it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::seam::adapter::{AdapterResult, BoxFuture, Effect, FileToGive};

/// Makes folders, below one place.
pub trait Folders: Send + Sync {
    /// An empty folder with this name, which nobody but this user can read. What an earlier one of the name has left is gone.
    ///
    /// # Errors
    /// `AttachFailed`.
    fn folder(&self, name: &str) -> AdapterResult<Arc<dyn Folder>>;
}

/// A context's folder. The last handle's end deletes it with everything in it.
pub trait Folder: Send + Sync {
    /// Where the browser puts what pages download.
    fn downloads(&self) -> &Path;

    /// Up to `max` bytes of a file below [`Folder::downloads`] from `offset` on, as [`Effect::Bytes`].
    ///
    /// # Errors
    /// `BodyGone` when there is no such file, `Protocol`, `Unresponsive`.
    fn read(&self, file: PathBuf, offset: u64, max: u64) -> BoxFuture<'_, AdapterResult<Effect>>;

    /// Writes files, each of which keeps its name. Returns their paths.
    ///
    /// # Errors
    /// `Protocol`, `Unresponsive`.
    fn write(&self, files: Vec<FileToGive>) -> BoxFuture<'_, AdapterResult<Vec<String>>>;
}
