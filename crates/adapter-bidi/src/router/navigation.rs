//! Navigations: started, committed, failed, within a document; phases of documents; downloads.

use ops_contracts::seam::adapter::{
    DocumentKey, Event as SeamEvent, FrameKey, LifecyclePhase, NavigationFailure,
    NavigationFailureKind, TargetKey,
};
use ops_contracts::seam::calls::Loss;

use super::Turn;
use super::state::Progress;
use crate::fault::{error_page, navigation_failure};
use crate::protocol::browsing_context::{HistoryUpdated, NavigationInfo};

/// The document that the browser shows in place of a page whose content process is gone.
const CRASHED: &str = "about:tabcrashed";

impl Turn<'_> {
    pub(super) fn navigation_started(&mut self, info: &NavigationInfo<'_>) {
        let Some((key, target)) = self.state.locate(info.context) else {
            return;
        };
        let Some(id) = info.navigation else { return };
        self.state.navigation(target, id);
        let Some(frame) = self.state.frames.get_mut(&key) else {
            return;
        };
        // Firefox at times tells of one navigation under two ids, the second when the document before has ended its load late.
        let before = frame
            .navigating
            .replace(id.into())
            .filter(|before| **before != *id);
        if let Some(before) = before.and_then(|before| self.state.navigation(target, &before))
            && matches!(before.progress, Progress::Running(_))
        {
            before.progress = Progress::Replaced(id.into());
        }
        self.telling.changed();
        let mut url = info.url.clone();
        if url.is_empty() {
            url = self
                .state
                .pages
                .get(&target)
                .map(|page| page.asked_for.clone())
                .unwrap_or_default();
        }
        self.tell(
            target,
            SeamEvent::NavigationStarted {
                target,
                frame: key,
                url,
            },
        );
    }

    pub(super) fn navigation_committed(&mut self, info: NavigationInfo<'_>) {
        let Some((key, target)) = self.state.locate(info.context) else {
            return;
        };
        let main = self
            .state
            .pages
            .get(&target)
            .is_some_and(|page| page.main_frame == key);
        if main && info.url.starts_with(CRASHED) {
            return self.page_crashed(target);
        }
        let running = info
            .navigation
            .and_then(|id| self.state.navigation(target, id));
        let (document, reason) = match running {
            Some(navigation) => (
                Some(navigation.document),
                running_reason(&navigation.progress),
            ),
            None => (None, None),
        };
        let document = document.unwrap_or_else(|| DocumentKey(self.state.next_key()));
        let failure = error_page(&info.url).map(|page| match reason {
            Some(reason) => navigation_failure(&reason),
            None => page,
        });
        if let Some(navigation) = info
            .navigation
            .and_then(|id| self.state.navigation(target, id))
        {
            navigation.progress = failure
                .clone()
                .map_or(Progress::Committed, Progress::Failed);
        }
        self.commit(target, key, document, info.url);
        if let Some(failure) = failure {
            self.tell(
                target,
                SeamEvent::NavigationFailed {
                    target,
                    frame: key,
                    failure,
                },
            );
        }
    }

    fn commit(&mut self, target: TargetKey, key: FrameKey, document: DocumentKey, url: String) {
        let (early, old): (Vec<_>, Vec<_>) =
            self.state.children(key).into_iter().partition(|child| {
                self.state
                    .frames
                    .get(child)
                    .is_some_and(|child| !child.announced)
            });
        for child in old {
            self.remove_frames(target, child, Loss::FrameDetached, true);
        }
        self.connection.fail_document(key, Loss::Navigated);
        let Some(frame) = self.state.frames.get_mut(&key) else {
            return;
        };
        frame.document = document;
        frame.navigating = None;
        // No window was made for it: it took over the one of the blank document before, and the bridge with it.
        let stale = !std::mem::take(&mut frame.replacing);
        if let Some(page) = self.state.pages.get_mut(&target)
            && page.main_frame == key
        {
            page.crashed = false;
            page.prompt = None;
        }
        if stale {
            self.renew_bridge(key);
            self.renew_realms(target, key);
        }
        self.tell(
            target,
            SeamEvent::NavigationCommitted {
                target,
                frame: key,
                document,
                url,
            },
        );
        for child in early {
            self.announce(target, child, key);
        }
        self.telling.changed();
    }

    /// Tells of children that were there before their parent's document was committed.
    fn announce(&mut self, target: TargetKey, key: FrameKey, parent: FrameKey) {
        if let Some(frame) = self.state.frames.get_mut(&key) {
            frame.announced = true;
            self.tell(
                target,
                SeamEvent::FrameAttached {
                    target,
                    frame: key,
                    parent,
                },
            );
            for child in self.state.children(key) {
                self.announce(target, child, key);
            }
        }
    }

    /// It ended without a document, not even one that explains why.
    pub(super) fn navigation_aborted(&mut self, info: &NavigationInfo<'_>) {
        let Some((key, target)) = self.state.locate(info.context) else {
            return;
        };
        if let Some(id) = info.navigation {
            self.ended_without_document(target, key, id, "NS_BINDING_ABORTED");
        }
    }

    /// Told once, and only while no other navigation has taken over.
    pub(super) fn ended_without_document(
        &mut self,
        target: TargetKey,
        key: FrameKey,
        id: &str,
        reason: &str,
    ) {
        let failure = NavigationFailure {
            kind: NavigationFailureKind::Aborted,
            reason: reason.to_owned(),
        };
        let Some(navigation) = self.state.navigation(target, id) else {
            return;
        };
        if !matches!(navigation.progress, Progress::Running(_)) {
            return;
        }
        navigation.progress = Progress::Failed(failure.clone());
        self.telling.changed();
        let Some(frame) = self.state.frames.get_mut(&key) else {
            return;
        };
        if frame.navigating.as_deref() == Some(id) {
            frame.navigating = None;
            self.tell(
                target,
                SeamEvent::NavigationFailed {
                    target,
                    frame: key,
                    failure,
                },
            );
        }
    }

    pub(super) fn fragment_navigated(&mut self, info: NavigationInfo<'_>) {
        let Some((key, target)) = self.state.locate(info.context) else {
            return;
        };
        if let Some(navigation) = info
            .navigation
            .and_then(|id| self.state.navigation(target, id))
        {
            navigation.progress = Progress::Within;
        }
        if let Some(frame) = self.state.frames.get_mut(&key)
            && frame.navigating.as_deref() == info.navigation
        {
            frame.navigating = None;
        }
        self.telling.changed();
        self.tell(
            target,
            SeamEvent::UrlChanged {
                target,
                frame: key,
                url: info.url,
            },
        );
    }

    pub(super) fn history_updated(&mut self, updated: HistoryUpdated<'_>) {
        let Some((frame, target)) = self.state.locate(updated.context) else {
            return;
        };
        self.tell(
            target,
            SeamEvent::UrlChanged {
                target,
                frame,
                url: updated.url,
            },
        );
    }

    pub(super) fn lifecycle(&mut self, method: &str, info: &NavigationInfo<'_>) {
        let Some((key, target)) = self.state.locate(info.context) else {
            return;
        };
        let phase = if method == "browsingContext.load" {
            LifecyclePhase::Load
        } else {
            LifecyclePhase::DomContentLoaded
        };
        // A navigation that is not known any more is long over: the frame has its document.
        let page = self.state.pages.get(&target);
        let named = info
            .navigation
            .and_then(|id| page?.navigations.get(id))
            .map(|navigation| navigation.document);
        let Some(document) =
            named.or_else(|| self.state.frames.get(&key).map(|frame| frame.document))
        else {
            return;
        };
        self.tell(
            target,
            SeamEvent::Lifecycle {
                target,
                frame: key,
                document,
                phase,
            },
        );
    }
}

fn running_reason(progress: &Progress) -> Option<String> {
    match progress {
        Progress::Running(reason) => reason.clone(),
        _ => None,
    }
}
