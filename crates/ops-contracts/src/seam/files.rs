//! A context's files, those that pages download and those that are given to pages: the port by which an adapter keeps them, and what it
//! notes of downloads and of file choosers.
//!
//! The folder has to be one that the browser sees too. Who owns the browser's directory implements it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::seam::adapter::{
    AdapterResult, BoxFuture, ChooserKey, DownloadKey, Effect, FileToGive, FrameKey, TargetKey,
};
use crate::wire::page::GivenFile;
use crate::wire::text::well_formed;

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

/// An expression for the files that the input `element` holds, as the text that [`held`] reads.
pub const HELD: &str =
    "JSON.stringify(Array.from(element.files||[],f=>({name:f.name,bytes:f.size})))";

/// The files that an input holds, from what [`HELD`] came to in its page.
///
/// # Errors
/// The text is not what it comes to.
pub fn held(text: &str) -> Result<Vec<GivenFile>, serde_json::Error> {
    serde_json::from_str(&well_formed(text))
}

/// A browser's downloads, by whose they are. `D` is what the protocol has of one. They outlive their pages, and go with their context.
#[derive(Debug)]
pub struct Downloads<D> {
    known: HashMap<DownloadKey, (Arc<str>, D)>,
}

impl<D> Default for Downloads<D> {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
        }
    }
}

impl<D> Downloads<D> {
    /// Notes a download of a context.
    pub fn begun(&mut self, key: DownloadKey, context: Arc<str>, download: D) {
        self.known.insert(key, (context, download));
    }

    /// A download of this context.
    pub fn of(&mut self, context: &str, key: DownloadKey) -> Option<&mut D> {
        let (owner, download) = self.known.get_mut(&key)?;
        (**owner == *context).then_some(download)
    }

    /// The earliest that the protocol means by what it says, with its key and its context.
    pub fn find(&mut self, means: impl Fn(&D) -> bool) -> Option<(DownloadKey, Arc<str>, &mut D)> {
        self.known
            .iter_mut()
            .filter(|(_, (_, download))| means(download))
            .min_by_key(|(key, _)| **key)
            .map(|(key, (context, download))| (*key, Arc::clone(context), download))
    }

    /// Forgets one.
    pub fn remove(&mut self, key: DownloadKey) -> Option<D> {
        self.known.remove(&key).map(|(_, download)| download)
    }

    /// Forgets those of a context.
    pub fn forget_context(&mut self, context: &str) {
        self.known.retain(|_, (owner, _)| **owner != *context);
    }
}

/// The input that a page has opened a file chooser for. `N` is its element, as the protocol names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chooser<N> {
    /// The page.
    pub page: TargetKey,
    /// The frame.
    pub frame: FrameKey,
    /// The element.
    pub node: N,
}

/// The file choosers that wait for files: of each page the last.
#[derive(Debug)]
pub struct Choosers<N> {
    open: HashMap<ChooserKey, Chooser<N>>,
}

impl<N> Default for Choosers<N> {
    fn default() -> Self {
        Self {
            open: HashMap::new(),
        }
    }
}

impl<N> Choosers<N> {
    /// Notes one in place of its page's last.
    pub fn opened(&mut self, key: ChooserKey, chooser: Chooser<N>) {
        self.forget_page(chooser.page);
        self.open.insert(key, chooser);
    }

    /// One of this page.
    #[must_use]
    pub fn of(&self, page: TargetKey, key: ChooserKey) -> Option<&Chooser<N>> {
        self.open.get(&key).filter(|chooser| chooser.page == page)
    }

    /// Forgets one that got its files.
    pub fn answered(&mut self, key: ChooserKey) {
        self.open.remove(&key);
    }

    /// Forgets those of a page.
    pub fn forget_page(&mut self, page: TargetKey) {
        self.open.retain(|_, chooser| chooser.page != page);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_belongs_to_its_context_until_that_ends() {
        let mut downloads = Downloads::default();
        for (key, context) in [(1, "a"), (2, "a"), (3, "b")] {
            downloads.begun(DownloadKey(key), context.into(), "/same");
        }
        assert!(downloads.of("b", DownloadKey(1)).is_none());
        assert_eq!(downloads.of("a", DownloadKey(1)), Some(&mut "/same"));
        let (first, owner, _) = downloads.find(|url| *url == "/same").unwrap();
        assert_eq!((first, &*owner), (DownloadKey(1), "a"));
        assert_eq!(downloads.remove(first), Some("/same"));
        downloads.forget_context("a");
        assert!(downloads.of("a", DownloadKey(2)).is_none());
        assert!(downloads.of("b", DownloadKey(3)).is_some());
    }

    #[test]
    fn a_page_has_one_chooser_the_last() {
        let mut choosers = Choosers::default();
        let of = |page| Chooser {
            page: TargetKey(page),
            frame: FrameKey(0),
            node: page,
        };
        for (key, page) in [(1, 7), (2, 8), (3, 7)] {
            choosers.opened(ChooserKey(key), of(page));
        }
        assert_eq!(choosers.of(TargetKey(7), ChooserKey(1)), None);
        assert_eq!(choosers.of(TargetKey(8), ChooserKey(3)), None);
        assert_eq!(choosers.of(TargetKey(7), ChooserKey(3)), Some(&of(7)));
        choosers.answered(ChooserKey(3));
        assert_eq!(choosers.of(TargetKey(7), ChooserKey(3)), None);
        choosers.forget_page(TargetKey(8));
        assert_eq!(choosers.of(TargetKey(8), ChooserKey(2)), None);
    }

    #[test]
    fn what_an_input_holds_is_read_although_a_name_is_no_unicode() {
        let files = held(r#"[{"name":"a\ud800","bytes":3}]"#).unwrap();
        assert_eq!((&*files[0].name, files[0].bytes), ("a\u{FFFD}", 3));
        assert!(held("null").is_err());
    }
}
