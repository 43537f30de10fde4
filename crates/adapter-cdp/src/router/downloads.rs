//! Downloads, traces, file choosers and drags, as the browser and its pages tell of them.

use std::sync::Arc;

use ops_contracts::seam::adapter::{
    ChooserKey, DownloadKey, DownloadProgress, Event as SeamEvent, TargetKey,
};
use ops_contracts::seam::files::Chooser;

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
        let known = self.state.downloads.find(|guid| **guid == *begin.guid);
        if known.is_some() {
            return;
        }
        let Some(page) = self.state.pages.get(&target) else {
            return;
        };
        let context = Arc::clone(&page.context);
        let download = DownloadKey(self.state.next_key());
        let guid = begin.guid.into();
        self.state.downloads.begun(download, context, guid);
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
        let known = self.state.downloads.find(|guid| **guid == *told.guid);
        let Some((download, context, _)) = known else {
            return Ok(());
        };
        let progress = match told.state {
            "completed" => DownloadProgress::Completed,
            "canceled" => DownloadProgress::Failed("cancelled, or the connection broke".to_owned()),
            _ => DownloadProgress::Running,
        };
        let total = (told.total_bytes > 0.0).then_some(told.total_bytes as u64);
        let event = SeamEvent::DownloadProgressed {
            download,
            received: told.received_bytes as u64,
            total,
            progress,
        };
        // Its page may have closed since.
        if let Some(context) = self.state.contexts.get(&context) {
            self.telling.tell(&context.sink, event);
        }
        Ok(())
    }

    pub(super) fn trace_complete(&mut self, event: Event<'_>) -> Taken {
        let complete: wire::TracingComplete = event.decode()?;
        self.state.trace = complete.stream;
        self.telling.changed();
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
        let opened_for = Chooser {
            page: target,
            frame,
            node,
        };
        self.state.choosers.opened(chooser, opened_for);
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
