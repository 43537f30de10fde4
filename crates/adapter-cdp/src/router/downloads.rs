//! Downloads, traces, file choosers and drags, as the browser and its pages tell of them.

use std::sync::Arc;

use ops_contracts::seam::adapter::{
    ChooserKey, DownloadKey, DownloadProgress, Event as SeamEvent, TargetKey,
};

use super::state::{Chooser, Download};
use super::{Taken, Turn};
use crate::connection::Event;
use crate::wire;

impl Turn<'_> {
    /// Told by the page, and by the browser: whichever comes first.
    pub(super) fn download(&mut self, target: TargetKey, event: Event<'_>) -> Taken {
        let begin: wire::DownloadWillBegin<'_> = event.decode()?;
        self.register(target, &begin);
        let (url, suggested_name) = (begin.url, begin.suggested_filename);
        self.tell(
            target,
            SeamEvent::DownloadStarted {
                target,
                url,
                suggested_name,
            },
        );
        Ok(())
    }

    pub(super) fn browser_download(&mut self, event: Event<'_>) -> Taken {
        let begin: wire::DownloadWillBegin<'_> = event.decode()?;
        let frame = self
            .state
            .frame_ids
            .get(begin.frame_id)
            .and_then(|frame| self.state.frames.get(frame));
        if let Some(target) = frame.map(|frame| frame.page) {
            self.register(target, &begin);
        }
        Ok(())
    }

    fn register(&mut self, target: TargetKey, begin: &wire::DownloadWillBegin<'_>) {
        if self.state.downloads.contains_key(begin.guid) {
            return;
        }
        let Some(context) = self
            .state
            .pages
            .get(&target)
            .map(|page| Arc::clone(&page.context))
        else {
            return;
        };
        let download = DownloadKey(self.state.next_key());
        self.state.downloads.insert(
            begin.guid.into(),
            Download {
                key: download,
                context,
            },
        );
        let (url, suggested_name) = (begin.url.clone(), begin.suggested_filename.clone());
        self.tell(
            target,
            SeamEvent::DownloadBegan {
                target,
                download,
                url,
                suggested_name,
            },
        );
    }

    pub(super) fn download_progress(&mut self, event: Event<'_>) -> Taken {
        let told: wire::DownloadProgress<'_> = event.decode()?;
        let Some(download) = self.state.downloads.get(told.guid) else {
            return Ok(());
        };
        let (key, context) = (download.key, Arc::clone(&download.context));
        let progress = match told.state {
            "completed" => DownloadProgress::Completed,
            "canceled" => DownloadProgress::Failed("cancelled, or the connection broke".to_owned()),
            _ => DownloadProgress::Running,
        };
        let total = (told.total_bytes > 0.0).then_some(told.total_bytes as u64);
        let event = SeamEvent::DownloadProgressed {
            download: key,
            received: told.received_bytes as u64,
            total,
            progress,
        };
        // Its page may have closed since.
        if let Some(context) = self.state.contexts.get(&context) {
            self.told.push((Arc::clone(&context.sink), event));
        }
        Ok(())
    }

    pub(super) fn trace_complete(&mut self, event: Event<'_>) -> Taken {
        let complete: wire::TracingComplete = event.decode()?;
        self.state.trace = complete.stream;
        self.changed = true;
        Ok(())
    }

    /// A native drag began; its events are made by the adapter from the mouse's.
    pub(super) fn drag_intercepted(&mut self, target: TargetKey, event: Event<'_>) -> Taken {
        let begun: wire::DragIntercepted<'_> = event.decode()?;
        if let Some(page) = self.state.pages.get_mut(&target) {
            page.drag = Some((begun.data.to_owned().into(), false));
        }
        Ok(())
    }

    pub(super) fn chooser_opened(&mut self, target: TargetKey, event: Event<'_>) -> Taken {
        let opened: wire::FileChooserOpened<'_> = event.decode()?;
        let Some(frame) = self.state.frame_ids.get(opened.frame_id).copied() else {
            return Ok(());
        };
        // Without an element there is nothing that files could be given to.
        let Some(node) = opened.backend_node_id else {
            return Ok(());
        };
        let chooser = ChooserKey(self.state.next_key());
        self.state.choosers.retain(|_, known| known.page != target);
        self.state.choosers.insert(
            chooser,
            Chooser {
                page: target,
                frame,
                node,
            },
        );
        let multiple = opened.mode == "selectMultiple";
        self.tell(
            target,
            SeamEvent::FileChooserOpened {
                target,
                frame,
                chooser,
                multiple,
            },
        );
        Ok(())
    }
}
