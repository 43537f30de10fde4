//! Downloads and file choosers, as the browser and its pages tell of them.

use std::sync::Arc;

use ops_contracts::seam::adapter::{ChooserKey, DownloadKey, DownloadProgress, Event as SeamEvent};
use ops_contracts::seam::files::Chooser;

use super::Turn;
use super::state::{Download, Kept};
use crate::protocol::browsing_context::{DownloadEnd, DownloadStatus, DownloadWillBegin};
use crate::protocol::input::FileDialogOpened;

/// The longest part of a URL that a download is known by, in bytes: data URLs may be megabytes.
const MAX_URL: usize = 8_192;

fn known_by(url: &str) -> &str {
    &url[..url.floor_char_boundary(MAX_URL)]
}

impl Turn<'_> {
    pub(super) fn download(&mut self, begin: DownloadWillBegin<'_>) {
        let Some((frame, target)) = self.state.locate(begin.context) else {
            return;
        };
        let Some(page) = self.state.pages.get(&target) else {
            return;
        };
        let context = Arc::clone(&page.context);
        let download = DownloadKey(self.state.next_key());
        let begun = Download {
            navigation: begin.navigation.map(Into::into),
            url: known_by(&begin.url).to_owned(),
            kept: Kept::Running,
            unwanted: false,
        };
        self.state.downloads.begun(download, context, begun);
        let (url, suggested_name) = (begin.url, begin.suggested_filename);
        self.tell(
            target,
            SeamEvent::DownloadBegan {
                target,
                download,
                url: url.clone(),
                suggested_name: suggested_name.clone(),
            },
        );
        self.tell(
            target,
            SeamEvent::DownloadStarted {
                target,
                url,
                suggested_name,
            },
        );
        if let Some(id) = begin.navigation {
            self.ended_without_document(target, frame, id, "download");
        }
    }

    /// Its page may have closed since: it is known by its navigation, or by its URL.
    pub(super) fn download_ended(&mut self, end: DownloadEnd<'_>) {
        let means = |download: &Download| match (end.navigation, &download.kept) {
            (Some(id), Kept::Running) => download.navigation.as_deref() == Some(id),
            (None, Kept::Running) => {
                download.navigation.is_none() && download.url == known_by(&end.url)
            }
            _ => false,
        };
        let Some((key, context, download)) = self.state.downloads.find(means) else {
            return;
        };
        let path = end
            .filepath
            .filter(|_| end.status == DownloadStatus::Complete);
        let size = path
            .as_ref()
            .and_then(|path| std::fs::metadata(path).ok())
            .map(|file| file.len());
        let (received, progress) = match (path, size) {
            (Some(path), Some(size)) => {
                download.kept = Kept::At(path.into());
                (size, DownloadProgress::Completed)
            }
            _ => {
                download.kept = Kept::Nowhere;
                (
                    0,
                    DownloadProgress::Failed("cancelled, or the connection broke".to_owned()),
                )
            }
        };
        let unwanted = download.unwanted;
        if unwanted {
            self.state.forget_download(key);
        } else if let Some(context) = self.state.contexts.get(&context) {
            let event = SeamEvent::DownloadProgressed {
                download: key,
                received,
                total: size,
                progress,
            };
            self.telling.tell(&context.sink, event);
        }
        self.telling.changed();
    }

    pub(super) fn chooser_opened(&mut self, opened: FileDialogOpened<'_>) {
        let Some((frame, target)) = self.state.locate(opened.context) else {
            return;
        };
        // Without an element there is nothing that files could be given to.
        let Some(node) = opened.element.and_then(|element| element.shared_id) else {
            return;
        };
        let chooser = ChooserKey(self.state.next_key());
        let opened_for = Chooser {
            page: target,
            frame,
            node: node.into(),
        };
        self.state.choosers.opened(chooser, opened_for);
        self.tell(
            target,
            SeamEvent::FileChooserOpened {
                target,
                frame,
                chooser,
                multiple: opened.multiple,
            },
        );
    }
}
