//! Browsing contexts made and destroyed: pages and frames; prompts.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ops_contracts::seam::adapter::{
    DialogKind, Event as SeamEvent, FrameKey, Modifiers, TargetKey,
};
use ops_contracts::seam::calls::Loss;

use super::Turn;
use super::state::{Answered, Navigations, Page};
use crate::connection::Route;
use crate::context::{STRUCTURE_DEADLINE, dress_later};
use crate::driver::Driver;
use crate::protocol::browsing_context::{Info, PromptType, UserPromptClosed, UserPromptOpened};
use crate::protocol::vendor::{GetSession, TargetCrashed};

impl Turn<'_> {
    pub(super) fn context_created(&mut self, info: Info<'_>) {
        if self.state.frame_ids.contains_key(info.context) {
            return;
        }
        match info.parent {
            None => self.page_created(info),
            Some(parent) => {
                if let Some((parent, page)) = self.state.locate(parent) {
                    self.frame_created(info.context, page, parent);
                }
            }
        }
    }

    fn page_created(&mut self, info: Info<'_>) {
        let context = info
            .user_context
            .and_then(|id| self.state.contexts.get_key_value(id));
        let Some(context) = context.map(|(id, _)| Arc::clone(id)) else {
            // Nobody's: the browser's own window.
            return;
        };
        let opener = info
            .original_opener
            .and_then(|id| self.state.locate(id))
            .map(|(_, page)| page);
        let target = TargetKey(self.state.next_key());
        let frame = self.state.insert_frame(info.context, target, None, true);
        let page = Page {
            context: Arc::clone(&context),
            main_frame: frame,
            popup: opener.is_some(),
            session: None,
            crashed: false,
            prompt: None,
            navigations: Navigations::default(),
            requests: HashMap::new(),
            answered: Answered::default(),
            challenged: HashSet::new(),
            window: info.client_window.map(Into::into),
            empty: false,
            asked_for: String::new(),
            held: Modifiers::default(),
        };
        self.state.pages.insert(target, page);
        if self.router.driver == Driver::Chromedriver {
            self.learn_session(info.context, target);
        }
        self.pass_by_cache(&context, info.context);
        if let Some(resized) = self.state.fitting_window(target, opener.is_some()) {
            self.connection.send(&resized, Route::BROWSER).forget();
        }
        // Who makes a page sees to it himself.
        let held = self
            .state
            .contexts
            .get(&context)
            .map(|entry| &entry.held)
            .filter(|held| !held.is_empty());
        if let Some(held) = held.filter(|_| opener.is_some()) {
            dress_later(self.connection, info.context, target, held.clone());
        }
        // Whatever opens takes the focus; a window that is opened without never gets it.
        self.state.active = Some(target);
        self.telling.changed();
        let first = self
            .state
            .contexts
            .get_mut(&context)
            .is_some_and(|entry| std::mem::take(&mut entry.expects_first));
        if !first {
            self.tell(
                target,
                SeamEvent::TargetOpened {
                    target,
                    frame,
                    opener,
                    url: info.url,
                },
            );
        }
    }

    /// Asks for the driver's own session with a page: its renderer's end is told under that name alone.
    fn learn_session(&self, page: &str, target: TargetKey) {
        let (router, connection, page) = (
            self.router.me.clone(),
            self.connection.clone(),
            page.to_owned(),
        );
        tokio::spawn(async move {
            let asked = connection
                .send(&GetSession { context: &page }, Route::page(target))
                .decode();
            // A page that is gone again has none.
            let Ok(Ok(told)) = tokio::time::timeout(STRUCTURE_DEADLINE, asked).await else {
                return;
            };
            if let Some(router) = router.upgrade()
                && let Some(page) = router.lock().pages.get_mut(&target)
            {
                page.session = Some(told.session.into());
            }
        });
    }

    /// Frames of other sites have sessions of their own, which are nobody's here: the page lives on without them.
    pub(super) fn renderer_gone(&mut self, crashed: &TargetCrashed<'_>) {
        let of = |page: &Page| page.session.as_deref() == Some(crashed.session);
        let target = self
            .state
            .pages
            .iter()
            .find(|(_, page)| of(page))
            .map(|(target, _)| *target);
        if let Some(target) = target {
            self.page_crashed(target);
        }
    }

    fn frame_created(&mut self, id: &str, page: TargetKey, parent: FrameKey) {
        // A child of the document to come: the seam takes all children away when that is committed.
        let early = self
            .state
            .frames
            .get(&parent)
            .is_some_and(|parent| parent.replacing || !parent.announced);
        let frame = self.state.insert_frame(id, page, Some(parent), !early);
        if !early {
            self.tell(
                page,
                SeamEvent::FrameAttached {
                    target: page,
                    frame,
                    parent,
                },
            );
        }
        self.telling.changed();
    }

    pub(super) fn context_destroyed(&mut self, info: Info<'_>) {
        let Some((frame, page)) = self.state.locate(info.context) else {
            return;
        };
        self.telling.changed();
        if self
            .state
            .pages
            .get(&page)
            .is_some_and(|known| known.main_frame == frame)
        {
            self.page_closed(page);
        } else {
            self.remove_frames(page, frame, Loss::FrameDetached, true);
        }
    }

    /// Removes a frame and everything under it.
    pub(super) fn remove_frames(
        &mut self,
        page: TargetKey,
        frame: FrameKey,
        loss: Loss,
        tell: bool,
    ) {
        for child in self.state.children(frame) {
            self.remove_frames(page, child, loss, tell);
        }
        let Some(gone) = self.state.remove_frame(frame) else {
            return;
        };
        self.connection.fail_document(frame, loss);
        if tell && gone.announced {
            self.tell(
                page,
                SeamEvent::FrameDetached {
                    target: page,
                    frame,
                },
            );
        }
    }

    fn page_closed(&mut self, target: TargetKey) {
        self.tell(target, SeamEvent::TargetClosed { target });
        self.connection.fail_page(target, Loss::TargetClosed);
        self.state.forget_page(target);
        if let Some(page) = self.state.pages.remove(&target) {
            self.remove_frames(target, page.main_frame, Loss::TargetClosed, false);
            // Where the focus goes with a window that closes is the browser's choice, even when that one did not have it.
            self.state.active = None;
        }
    }

    /// The page's content process is gone, and the browser shows a document of its own in place of the page's.
    pub(super) fn page_crashed(&mut self, target: TargetKey) {
        self.connection.fail_page(target, Loss::TargetCrashed);
        if let Some(page) = self.state.pages.get_mut(&target) {
            page.crashed = true;
            page.prompt = None;
            page.held = Modifiers::default();
            let main = page.main_frame;
            for child in self.state.children(main) {
                self.remove_frames(target, child, Loss::TargetCrashed, true);
            }
        }
        self.telling.changed();
        self.tell(target, SeamEvent::TargetCrashed { target });
    }

    pub(super) fn prompt_opened(&mut self, opened: UserPromptOpened<'_>) {
        let Some((_, target)) = self.state.locate(opened.context) else {
            return;
        };
        let kind = match opened.r#type {
            PromptType::Confirm => DialogKind::Confirm,
            PromptType::Prompt => DialogKind::Prompt,
            PromptType::Beforeunload => DialogKind::Beforeunload,
            PromptType::Alert | PromptType::Unknown => DialogKind::Alert,
        };
        if let Some(page) = self.state.pages.get_mut(&target) {
            page.prompt = Some(opened.context.into());
        }
        let default_text =
            (kind == DialogKind::Prompt).then(|| opened.default_value.unwrap_or_default());
        // Browsers word the question themselves, and differently.
        let message = if kind == DialogKind::Beforeunload {
            String::new()
        } else {
            opened.message
        };
        self.tell(
            target,
            SeamEvent::DialogOpened {
                target,
                kind,
                message,
                default_text,
            },
        );
        self.telling.changed();
    }

    pub(super) fn prompt_closed(&mut self, closed: &UserPromptClosed<'_>) {
        let Some((_, target)) = self.state.locate(closed.context) else {
            return;
        };
        if let Some(page) = self.state.pages.get_mut(&target) {
            page.prompt = None;
        }
        self.tell(
            target,
            SeamEvent::DialogClosed {
                target,
                accepted: closed.accepted,
            },
        );
        self.telling.changed();
    }
}
