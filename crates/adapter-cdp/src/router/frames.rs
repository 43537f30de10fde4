//! Frames and their documents: attached, navigating, committed, loaded, removed.

use std::sync::Arc;

use ops_contracts::seam::adapter::{
    DocumentKey, Event as SeamEvent, FrameKey, LifecyclePhase, TargetKey,
};
use ops_contracts::seam::calls::Loss;

use super::{Taken, Turn};
use crate::connection::Event;
use crate::router::state::Document;
use crate::wire;

impl Turn<'_> {
    pub(super) fn frame_attached(
        &mut self,
        target: TargetKey,
        session: &Arc<str>,
        event: Event<'_>,
    ) -> Taken {
        let attached: wire::FrameAttached<'_> = event.decode()?;
        let Some(parent) = self.state.frame_ids.get(attached.parent_frame_id).copied() else {
            return Ok(());
        };
        if let Some((_, known)) = self.state.frame_by_id(attached.frame_id) {
            known.session = Arc::clone(session);
            return Ok(());
        }
        let frame =
            self.state
                .insert_frame(attached.frame_id, target, Some(parent), Arc::clone(session));
        self.tell(
            target,
            SeamEvent::FrameAttached {
                target,
                frame,
                parent,
            },
        );
        Ok(())
    }

    pub(super) fn frame_detached(&mut self, target: TargetKey, event: Event<'_>) -> Taken {
        let detached: wire::FrameDetached<'_> = event.decode()?;
        // A swap only moves the frame to another process.
        if detached.reason == Some("swap") {
            return Ok(());
        }
        let Some(frame) = self.state.frame_ids.get(detached.frame_id).copied() else {
            return Ok(());
        };
        if self
            .state
            .pages
            .get(&target)
            .is_some_and(|page| page.main_frame != frame)
        {
            self.remove_descendants(target, frame);
            self.remove_frame(target, frame);
        }
        Ok(())
    }

    fn remove_descendants(&mut self, target: TargetKey, frame: FrameKey) {
        for descendant in self.state.descendants(frame) {
            self.remove_frame(target, descendant);
        }
    }

    fn remove_frame(&mut self, target: TargetKey, frame: FrameKey) {
        let Some(removed) = self.state.frames.remove(&frame) else {
            return;
        };
        self.state.frame_ids.remove(&removed.id);
        self.connection
            .fail_scope(removed.scope(), Loss::FrameDetached);
        self.tell(target, SeamEvent::FrameDetached { target, frame });
        self.telling.changed();
    }

    pub(super) fn frame_navigated(
        &mut self,
        target: TargetKey,
        session: &Arc<str>,
        event: Event<'_>,
    ) -> Taken {
        let wire::FrameNavigated { frame: info } = event.decode()?;
        let frame = match self.state.frame_ids.get(info.id) {
            Some(frame) => *frame,
            // A frame that came back from another process; its parent is known.
            None => match info
                .parent_id
                .and_then(|id| self.state.frame_ids.get(id))
                .copied()
            {
                Some(parent) => {
                    let frame =
                        self.state
                            .insert_frame(info.id, target, Some(parent), Arc::clone(session));
                    self.tell(
                        target,
                        SeamEvent::FrameAttached {
                            target,
                            frame,
                            parent,
                        },
                    );
                    frame
                }
                None => return Ok(()),
            },
        };
        let url = info.url + info.url_fragment.as_deref().unwrap_or_default();
        self.commit(target, frame, session, info.loader_id, url);
        Ok(())
    }

    fn commit(
        &mut self,
        target: TargetKey,
        frame: FrameKey,
        session: &Arc<str>,
        loader: &str,
        url: String,
    ) {
        let Some(document) = self.state.document(target, frame, loader) else {
            return;
        };
        self.remove_descendants(target, frame);
        self.replace_document(target, frame, session, document);
        if let Some(page) = self.state.pages.get_mut(&target) {
            page.documents.commit(loader);
            if page.main_frame == frame {
                page.crashed = false;
            }
        }
        self.tell(
            target,
            SeamEvent::NavigationCommitted {
                target,
                frame,
                document,
                url,
            },
        );
        self.telling.changed();
    }

    fn replace_document(
        &mut self,
        target: TargetKey,
        key: FrameKey,
        session: &Arc<str>,
        document: DocumentKey,
    ) {
        let Some(frame) = self
            .state
            .frames
            .get_mut(&key)
            .filter(|frame| frame.page == target)
        else {
            return;
        };
        let before = frame.scope();
        frame.document = document;
        frame.loader_known = true;
        frame.crashed = false;
        frame.session = Arc::clone(session);
        // Worlds of this session were taken away by events before this one, if they were: the first navigation of a
        // popup keeps its window, and with it its worlds.
        frame.main.take_if(|world| world.session != *session);
        frame.bridge.take_if(|world| world.session != *session);
        if before != frame.scope() {
            self.connection.fail_scope(before, Loss::Navigated);
        }
    }

    pub(super) fn navigation_requested(&mut self, target: TargetKey, event: Event<'_>) -> Taken {
        let requested: wire::FrameRequestedNavigation<'_> = event.decode()?;
        if matches!(requested.disposition, "currentTab" | "download")
            && let Some(frame) = self.state.frame_ids.get(requested.frame_id).copied()
        {
            self.tell(target, SeamEvent::NavigationRequested { target, frame });
        }
        Ok(())
    }

    pub(super) fn navigation_started(&mut self, target: TargetKey, event: Event<'_>) -> Taken {
        let started: wire::FrameStartedNavigating<'_> = event.decode()?;
        if matches!(
            started.navigation_type,
            "sameDocument" | "historySameDocument"
        ) {
            return Ok(());
        }
        if let Some(frame) = self.state.frame_ids.get(started.frame_id).copied() {
            self.state.document(target, frame, started.loader_id);
            let url = started.url;
            if let Some(page) = self.state.pages.get_mut(&target) {
                page.documents.started(started.loader_id, &url);
            }
            self.tell(target, SeamEvent::NavigationStarted { target, frame, url });
        }
        Ok(())
    }

    pub(super) fn url_changed(&mut self, target: TargetKey, event: Event<'_>) -> Taken {
        let changed: wire::NavigatedWithinDocument<'_> = event.decode()?;
        if let Some(frame) = self.state.frame_ids.get(changed.frame_id).copied() {
            let url = changed.url;
            self.tell(target, SeamEvent::UrlChanged { target, frame, url });
        }
        Ok(())
    }

    pub(super) fn lifecycle(
        &mut self,
        target: TargetKey,
        session: &Arc<str>,
        event: Event<'_>,
    ) -> Taken {
        let lifecycle: wire::LifecycleEvent<'_> = event.decode()?;
        let Some(frame) = self.state.frame_ids.get(lifecycle.frame_id).copied() else {
            return Ok(());
        };
        self.learn_first_loader(target, frame, lifecycle.loader_id);
        if lifecycle.name != "init" {
            self.catch_up(target, frame, session, lifecycle.loader_id);
        }
        let phase = match lifecycle.name {
            "DOMContentLoaded" => LifecyclePhase::DomContentLoaded,
            "load" => LifecyclePhase::Load,
            _ => return Ok(()),
        };
        if let Some(document) = self.state.document(target, frame, lifecycle.loader_id) {
            self.tell(
                target,
                SeamEvent::Lifecycle {
                    target,
                    frame,
                    document,
                    phase,
                },
            );
        }
        Ok(())
    }

    /// A document that was committed while its page was being set up was never announced: it shows in its phases alone.
    fn catch_up(&mut self, target: TargetKey, frame: FrameKey, session: &Arc<str>, loader: &str) {
        let page = self.state.pages.get(&target);
        let missed = page
            .and_then(|page| page.documents.get(loader))
            .filter(|document| !document.committed);
        if let Some(url) = missed.map(|document| document.url.clone()) {
            self.commit(target, frame, session, loader, url);
        }
    }

    /// A frame's first document is there before any event names its loader.
    fn learn_first_loader(&mut self, target: TargetKey, key: FrameKey, loader: &str) {
        let Some(frame) = self
            .state
            .frames
            .get_mut(&key)
            .filter(|frame| !frame.loader_known)
        else {
            return;
        };
        let first = Document {
            key: frame.document,
            frame: key,
            committed: true,
            url: String::new(),
        };
        if let Some(page) = self.state.pages.get_mut(&target)
            && page.documents.get(loader).is_none()
        {
            frame.loader_known = true;
            page.documents.insert(loader, first);
        }
    }
}
