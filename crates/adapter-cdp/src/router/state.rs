//! What is known of a browser: its contexts, pages, frames and documents, by our keys and by the protocol's ids.
//!
//! Plain data with lookups. It is changed by the router alone, in the order of events.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, Bridge, CONNECTION_ENDED, DocumentKey, EventSink as SeamSink,
    FrameKey, NetworkPolicy, PausedKey, RequestKey, TargetKey,
};
use ops_contracts::seam::files::{Choosers, Downloads, Folder};
use ops_contracts::wire::command::Viewport;
use ops_contracts::wire::text::cut_bytes;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::connection::{Reply, ScopeId};
use crate::context::emulate::Emulated;

/// Our name of the context that is the browser's own profile.
pub(crate) const PROFILE: &str = "profile";
/// How many documents and requests of a page are remembered at most.
const REMEMBERED: usize = 4096;
/// The longest URL of a document that is remembered, in bytes: data URLs may be megabytes.
const MAX_URL: usize = 8_192;

#[derive(Default)]
pub(crate) struct State {
    keys: u64,
    pub(crate) contexts: HashMap<Arc<str>, ContextEntry>,
    pub(crate) pages: HashMap<TargetKey, Page>,
    /// Pages by the protocol's target id.
    pub(crate) targets: HashMap<Box<str>, TargetKey>,
    pub(crate) sessions: HashMap<Arc<str>, Session>,
    pub(crate) frames: HashMap<FrameKey, Frame>,
    pub(crate) frame_ids: HashMap<Box<str>, FrameKey>,
    /// Which page of a window is in front; windows are named by the page that they were opened for.
    pub(crate) fronts: HashMap<TargetKey, TargetKey>,
    /// Requests that wait for a decision.
    pub(crate) paused: HashMap<PausedKey, Paused>,
    /// Requests that were asked for credentials, by the protocol's id.
    asked: VecDeque<Box<str>>,
    /// The protocol's id of each download, which is also the name of its file.
    pub(crate) downloads: Downloads<Box<str>>,
    /// File choosers, each with the id that the browser has for the input.
    pub(crate) choosers: Choosers<i64>,
    /// The stream of a trace that has been put together.
    pub(crate) trace: Option<String>,
    /// Set once, when the connection has ended.
    pub(crate) lost: bool,
}

/// What `open_context` waits for: the page and the replies of its setup.
pub(crate) struct FirstPage {
    pub(crate) target: TargetKey,
    pub(crate) frame: FrameKey,
    pub(crate) setup: Vec<Reply>,
}

pub(crate) struct ContextEntry {
    pub(crate) sink: Arc<dyn SeamSink>,
    pub(crate) bridge: Bridge,
    pub(crate) viewport: Viewport,
    /// What its pages are made to see.
    pub(crate) emulated: Emulated,
    /// The protocol's id of it; none for the browser's own profile, where all pages are that no other context claims.
    pub(crate) browser_context: Option<Arc<str>>,
    /// What holds for all requests.
    pub(crate) network: NetworkPolicy,
    /// Where its files are.
    pub(crate) folder: Arc<dyn Folder>,
    /// Taken by the context's first page, which is announced to nobody else.
    pub(crate) first: Option<oneshot::Sender<FirstPage>>,
}

/// A request that waits for a decision.
pub(crate) struct Paused {
    pub(crate) page: TargetKey,
    pub(crate) session: Arc<str>,
    pub(crate) id: Box<str>,
}

/// Requests of a page by the protocol's ids, the oldest forgotten first.
#[derive(Default)]
pub(crate) struct Requests {
    keys: HashMap<Box<str>, RequestKey>,
    ids: HashMap<RequestKey, (Box<str>, Arc<str>)>,
    order: VecDeque<RequestKey>,
}

impl Requests {
    /// The protocol's id of a request, and the session that told of it.
    pub(crate) fn id(&self, key: RequestKey) -> Option<(Box<str>, Arc<str>)> {
        self.ids.get(&key).cloned()
    }

    fn insert(&mut self, id: &str, key: RequestKey, session: &Arc<str>) {
        self.keys.insert(id.into(), key);
        self.ids.insert(key, (id.into(), Arc::clone(session)));
        self.order.push_back(key);
        if self.order.len() > REMEMBERED
            && let Some((id, _)) = self
                .order
                .pop_front()
                .and_then(|oldest| self.ids.remove(&oldest))
        {
            self.keys.remove(&id);
        }
    }
}

/// An attached protocol session.
pub(crate) struct Session {
    pub(crate) page: TargetKey,
    pub(crate) kind: SessionKind,
    /// The session that it is nested in; none for pages.
    pub(crate) parent: Option<Arc<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionKind {
    Page,
    Frame,
    Worker,
}

pub(crate) struct Page {
    pub(crate) context: Arc<str>,
    pub(crate) target_id: Arc<str>,
    pub(crate) session: Arc<str>,
    pub(crate) main_frame: FrameKey,
    pub(crate) window: TargetKey,
    pub(crate) crashed: bool,
    /// Whatever it asks for is answered with an empty document.
    pub(crate) empty: bool,
    pub(crate) documents: Documents,
    pub(crate) requests: Requests,
    /// What is dragged, while a native drag is under way, and whether the page was entered with it.
    pub(crate) drag: Option<(Arc<RawValue>, bool)>,
    /// The session that reported the open dialog.
    pub(crate) dialog: Option<Arc<str>>,
    /// The replies of its setup, until whoever made the page waits for them.
    pub(crate) setup: Vec<Reply>,
}

pub(crate) struct Frame {
    pub(crate) id: Box<str>,
    pub(crate) page: TargetKey,
    pub(crate) parent: Option<FrameKey>,
    pub(crate) session: Arc<str>,
    pub(crate) document: DocumentKey,
    /// The loader of `document`; unknown until the first event that names it.
    pub(crate) loader_known: bool,
    /// Its renderer, which is not its page's, crashed.
    pub(crate) crashed: bool,
    pub(crate) main: Option<World>,
    pub(crate) bridge: Option<World>,
    /// The element that holds this frame, as an object of the parent's bridge world.
    pub(crate) owner: Option<OwnerHandle>,
    /// The world that was given the whole bridge.
    pub(crate) whole: Option<Arc<str>>,
    /// What its bridge has told unasked, until it is looked at.
    pub(crate) told: Option<String>,
}

/// An execution context of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct World {
    pub(crate) session: Arc<str>,
    pub(crate) id: i64,
    /// Unique over processes, unlike `id`.
    pub(crate) unique: Arc<str>,
}

#[derive(Debug, Clone)]
pub(crate) struct OwnerHandle {
    pub(crate) world: Arc<str>,
    pub(crate) object: Arc<str>,
}

/// Documents by the protocol's loader ids, the oldest forgotten first.
#[derive(Default)]
pub(crate) struct Documents {
    entries: HashMap<Box<str>, Document>,
    order: VecDeque<Box<str>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) key: DocumentKey,
    pub(crate) frame: FrameKey,
    pub(crate) committed: bool,
    /// Where its navigation began to go.
    pub(crate) url: String,
}

impl Documents {
    pub(crate) fn get(&self, loader: &str) -> Option<&Document> {
        self.entries.get(loader)
    }

    pub(crate) fn started(&mut self, loader: &str, url: &str) {
        if let Some(document) = self.entries.get_mut(loader) {
            document.url = cut_bytes(url.to_owned(), MAX_URL);
        }
    }

    pub(crate) fn insert(&mut self, loader: &str, document: Document) {
        if self.entries.insert(loader.into(), document).is_none() {
            self.order.push_back(loader.into());
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
    }

    pub(crate) fn commit(&mut self, loader: &str) {
        if let Some(document) = self.entries.get_mut(loader) {
            document.committed = true;
        }
    }
}

impl Frame {
    /// The scope in which work of its current document runs.
    pub(crate) fn scope(&self) -> ScopeId {
        ScopeId(self.document.0)
    }
}

impl State {
    pub(crate) fn next_key(&mut self) -> u64 {
        self.keys += 1;
        self.keys
    }

    /// A context that is not closed.
    pub(crate) fn context(&self, id: &str) -> AdapterResult<&ContextEntry> {
        self.contexts.get(id).ok_or(AdapterError::TargetClosed)
    }

    /// The same, to be changed.
    pub(crate) fn context_mut(&mut self, id: &str) -> AdapterResult<&mut ContextEntry> {
        self.contexts.get_mut(id).ok_or(AdapterError::TargetClosed)
    }

    /// Whoever is told of a page.
    pub(crate) fn sink_of(&self, page: TargetKey) -> Option<&Arc<dyn SeamSink>> {
        let context = &self.pages.get(&page)?.context;
        self.contexts.get(context).map(|context| &context.sink)
    }

    /// The page of a context, or why it cannot be used.
    pub(crate) fn page(&self, context: &str, target: TargetKey) -> Result<&Page, AdapterError> {
        if self.lost {
            return Err(AdapterError::lost(CONNECTION_ENDED));
        }
        self.pages
            .get(&target)
            .filter(|page| &*page.context == context)
            .ok_or(AdapterError::TargetClosed)
    }

    /// The same, and its renderer runs.
    pub(crate) fn living_page(
        &self,
        context: &str,
        target: TargetKey,
    ) -> Result<&Page, AdapterError> {
        let page = self.page(context, target)?;
        if page.crashed {
            return Err(AdapterError::TargetCrashed);
        }
        Ok(page)
    }

    /// A frame of a living page.
    pub(crate) fn frame(
        &self,
        context: &str,
        target: TargetKey,
        frame: FrameKey,
    ) -> Result<&Frame, AdapterError> {
        self.living_page(context, target)?;
        let living = |frame: &&Frame| frame.page == target && !frame.crashed;
        self.frames
            .get(&frame)
            .filter(living)
            .ok_or(AdapterError::FrameGone)
    }

    pub(crate) fn frame_by_id(&mut self, id: &str) -> Option<(FrameKey, &mut Frame)> {
        let key = *self.frame_ids.get(id)?;
        Some((key, self.frames.get_mut(&key)?))
    }

    pub(crate) fn insert_frame(
        &mut self,
        id: &str,
        page: TargetKey,
        parent: Option<FrameKey>,
        session: Arc<str>,
    ) -> FrameKey {
        let key = FrameKey(self.next_key());
        let document = DocumentKey(self.next_key());
        self.frame_ids.insert(id.into(), key);
        let frame = Frame {
            id: id.into(),
            page,
            parent,
            session,
            document,
            loader_known: false,
            crashed: false,
            main: None,
            bridge: None,
            owner: None,
            told: None,
            whole: None,
        };
        self.frames.insert(key, frame);
        key
    }

    /// The document that `loader` loads into `frame`; known from now on.
    pub(crate) fn document(
        &mut self,
        page: TargetKey,
        frame: FrameKey,
        loader: &str,
    ) -> Option<DocumentKey> {
        if let Some(document) = self.pages.get(&page)?.documents.get(loader) {
            return Some(document.key);
        }
        let key = DocumentKey(self.next_key());
        let document = Document {
            key,
            frame,
            committed: false,
            url: String::new(),
        };
        self.pages
            .get_mut(&page)?
            .documents
            .insert(loader, document);
        Some(key)
    }

    /// The key of a request; a new one when the id is seen first.
    pub(crate) fn request(
        &mut self,
        page: TargetKey,
        session: &Arc<str>,
        id: &str,
    ) -> Option<RequestKey> {
        if let Some(key) = self.pages.get(&page)?.requests.keys.get(id) {
            return Some(*key);
        }
        let key = RequestKey(self.next_key());
        self.pages.get_mut(&page)?.requests.insert(id, key, session);
        Some(key)
    }

    /// The key of a request that was seen before.
    pub(crate) fn known_request(&self, page: TargetKey, id: &str) -> Option<RequestKey> {
        self.pages.get(&page)?.requests.keys.get(id).copied()
    }

    /// Notes that a request is asked for credentials; whether it is the first time.
    pub(crate) fn asked(&mut self, id: &str) -> bool {
        if self.asked.iter().any(|known| **known == *id) {
            return false;
        }
        self.asked.push_back(id.into());
        if self.asked.len() > REMEMBERED {
            self.asked.pop_front();
        }
        true
    }

    /// A frame's descendants, deepest first.
    pub(crate) fn descendants(&self, frame: FrameKey) -> Vec<FrameKey> {
        let mut found = Vec::new();
        let mut next = vec![frame];
        while let Some(parent) = next.pop() {
            let children = self
                .frames
                .iter()
                .filter(|(_, child)| child.parent == Some(parent));
            next.extend(children.map(|(key, _)| *key));
            found.push(parent);
        }
        found.reverse();
        found.pop();
        found
    }
}
