//! What is known of a browser: contexts of the seam, pages, frames, navigations and requests.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;

use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, Bridge, DocumentKey, DownloadKey, EventSink, FrameKey, Headers,
    Modifiers, NavigationFailure, NetworkPolicy, PausedKey, RawCall, RequestKey, TargetKey,
};
use ops_contracts::seam::calls::Loss;
use ops_contracts::seam::files::{Choosers, Downloads, Folder};
use ops_contracts::wire::command::Viewport;

use crate::connection::Connection;

/// The user context that stands for the browser's profile.
pub(crate) const PROFILE: &str = "default";

/// Navigations kept of a page after they ended: enough for the reply of a command that asked for one.
const NAVIGATIONS_KEPT: usize = 256;

/// Requests of a page whose ids are kept for their bodies.
const ANSWERED_KEPT: usize = 1_000;

/// Everything.
#[derive(Default)]
pub(crate) struct State {
    /// The socket has ended.
    pub(crate) lost: bool,
    /// By user context.
    pub(crate) contexts: HashMap<Arc<str>, ContextEntry>,
    pub(crate) pages: HashMap<TargetKey, Page>,
    pub(crate) frames: HashMap<FrameKey, Frame>,
    /// By id of the browsing context.
    pub(crate) frame_ids: HashMap<Arc<str>, FrameKey>,
    /// The frame of each present realm.
    pub(crate) realms: HashMap<Box<str>, FrameKey>,
    /// The page that has the focus, as far as is known: the browser gives it to one window, and to one page in it.
    pub(crate) active: Option<TargetKey>,
    /// Where the mouse was left, in pixels of a page.
    pub(crate) mouse: Option<(TargetKey, (f64, f64))>,
    pub(crate) downloads: Downloads<Download>,
    /// File choosers, each with the input as a node of its frame's document.
    pub(crate) choosers: Choosers<Arc<str>>,
    pub(crate) paused: HashMap<PausedKey, Paused>,
    /// Requests that were made to fail, with the names of the reasons that were asked for.
    pub(crate) refused: HashMap<Box<str>, &'static str>,
    last_key: u64,
}

/// A context of the seam.
pub(crate) struct ContextEntry {
    pub(crate) sink: Arc<dyn EventSink>,
    /// The script of its documents.
    pub(crate) bridge: Bridge,
    /// The first page has not been made yet: it is not told of.
    pub(crate) expects_first: bool,
    /// The size of its pages' viewports.
    pub(crate) viewport: Viewport,
    /// Its windows have the size of the screen at least.
    pub(crate) headless: bool,
    /// Where its files are. Deleted with the last handle.
    pub(crate) folder: Arc<dyn Folder>,
    /// What holds for its requests.
    pub(crate) network: NetworkPolicy,
    /// Permissions of every origin that its pages come to: name and state.
    pub(crate) everywhere: Vec<(&'static str, &'static str)>,
    /// Permissions that differ from the browser's own: origin and name.
    pub(crate) permitted: HashSet<(String, &'static str)>,
    /// Calls of the browser's own protocol that every page gets as it opens.
    pub(crate) held: Vec<RawCall>,
}

/// A page: a top-level browsing context.
pub(crate) struct Page {
    pub(crate) context: Arc<str>,
    pub(crate) main_frame: FrameKey,
    /// Another page has opened it.
    pub(crate) popup: bool,
    /// Chromedriver's own session with it, once it has told.
    pub(crate) session: Option<Box<str>>,
    pub(crate) crashed: bool,
    /// The browsing context whose prompt waits for an answer.
    pub(crate) prompt: Option<Arc<str>>,
    pub(crate) navigations: Navigations,
    pub(crate) requests: HashMap<Box<str>, Request>,
    pub(crate) answered: Answered,
    /// Requests that were asked for credentials.
    pub(crate) challenged: HashSet<Box<str>>,
    /// The window that shows it.
    pub(crate) window: Option<Box<str>>,
    /// Every request of it is answered here, with an empty document.
    pub(crate) empty: bool,
    /// Where a command sends the main frame, for navigations that are announced without saying.
    pub(crate) asked_for: String,
    /// Modifier keys that were pressed and not released.
    pub(crate) held: Modifiers,
}

/// A request that is under way.
pub(crate) struct Request {
    pub(crate) key: RequestKey,
    /// Status and URL of the response that is a redirect.
    pub(crate) redirect: Option<(u16, String)>,
    /// How many redirects led to it.
    pub(crate) redirects: u32,
}

/// The browser's ids of a page's latest requests.
#[derive(Default)]
pub(crate) struct Answered {
    ids: HashMap<RequestKey, Box<str>>,
    order: VecDeque<RequestKey>,
}

impl Answered {
    pub(crate) fn insert(&mut self, key: RequestKey, id: &str) {
        if self.ids.insert(key, id.into()).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > ANSWERED_KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }

    pub(crate) fn id(&self, key: RequestKey) -> Option<Box<str>> {
        self.ids.get(&key).cloned()
    }
}

/// A request that waits for a decision.
pub(crate) struct Paused {
    pub(crate) page: TargetKey,
    pub(crate) id: Box<str>,
    pub(crate) headers: Headers,
}

/// A download.
pub(crate) struct Download {
    /// The navigation that led to it.
    pub(crate) navigation: Option<Box<str>>,
    pub(crate) url: String,
    pub(crate) kept: Kept,
    /// It was cancelled: the browser can't be told, so its file is deleted when it ends.
    pub(crate) unwanted: bool,
}

/// Where a download's bytes are.
pub(crate) enum Kept {
    /// Still coming.
    Running,
    /// Complete, in this file.
    At(PathBuf),
    /// Lost.
    Nowhere,
}

/// A frame: a browsing context.
pub(crate) struct Frame {
    pub(crate) id: Arc<str>,
    pub(crate) page: TargetKey,
    pub(crate) parent: Option<FrameKey>,
    pub(crate) document: DocumentKey,
    /// The realms of its present window: the page's own and the bridge's.
    pub(crate) realm: Option<Box<str>>,
    pub(crate) sandbox: Option<Box<str>>,
    /// The bridge's realm has the whole bridge. It may be told of late that a realm is another one.
    pub(crate) whole: bool,
    /// The window is gone and the next document is not committed: what is there now is of no document of the page.
    pub(crate) replacing: bool,
    /// The seam knows of it. A child that appears before its parent's commit is told of after it.
    pub(crate) announced: bool,
    /// The navigation under way.
    pub(crate) navigating: Option<Box<str>>,
    /// The element that holds it, as a node of its parent's document.
    pub(crate) owner: Option<Arc<str>>,
    /// Of its document, where that has one.
    pub(crate) origin: Option<String>,
    /// What the bridge has told beside its answers and nobody has taken yet.
    pub(crate) told: Option<String>,
}

/// How a navigation ended, if it did.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Progress {
    /// It is under way. The reason that the network gave, if it failed there.
    Running(Option<String>),
    /// It has a document.
    Committed,
    /// It has the document that explains its failure, or none.
    Failed(NavigationFailure),
    /// It stayed within its document.
    Within,
    /// Another navigation took over before it ended.
    Replaced(Box<str>),
}

/// A navigation.
#[derive(Debug, Clone)]
pub(crate) struct Navigation {
    pub(crate) document: DocumentKey,
    pub(crate) progress: Progress,
}

/// A page's navigations, its frames' included, by the browser's id.
#[derive(Default)]
pub(crate) struct Navigations {
    known: HashMap<Box<str>, Navigation>,
    order: VecDeque<Box<str>>,
}

impl Navigations {
    pub(crate) fn get(&self, id: &str) -> Option<&Navigation> {
        self.known.get(id)
    }

    /// The navigation that the one of this id came to: itself, or what took over from it, as far as that is known.
    pub(crate) fn last(&self, id: &str) -> Option<&Navigation> {
        let mut navigation = self.get(id)?;
        // Each took over from one before it, so that there are at most as many steps as navigations.
        for _ in 0..self.known.len() {
            match &navigation.progress {
                Progress::Replaced(by) => navigation = self.get(by)?,
                _ => break,
            }
        }
        Some(navigation)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut Navigation> {
        self.known.get_mut(id)
    }

    fn insert(&mut self, id: &str, document: DocumentKey) -> &mut Navigation {
        if self.order.len() >= NAVIGATIONS_KEPT
            && let Some(at) = self.order.iter().position(|id| {
                !matches!(
                    self.known.get(id),
                    Some(Navigation {
                        progress: Progress::Running(_),
                        ..
                    })
                )
            })
            && let Some(oldest) = self.order.remove(at)
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(id.into());
        self.known.entry(id.into()).or_insert(Navigation {
            document,
            progress: Progress::Running(None),
        })
    }
}

impl State {
    pub(crate) fn next_key(&mut self) -> u64 {
        self.last_key += 1;
        self.last_key
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
    pub(crate) fn sink_of(&self, page: TargetKey) -> Option<&Arc<dyn EventSink>> {
        let context = &self.pages.get(&page)?.context;
        self.contexts.get(context).map(|context| &context.sink)
    }

    /// A page of a context.
    pub(crate) fn page(&self, context: &str, target: TargetKey) -> AdapterResult<&Page> {
        if self.lost {
            return Err(crate::fault::lost());
        }
        self.pages
            .get(&target)
            .filter(|page| &*page.context == context)
            .ok_or(AdapterError::TargetClosed)
    }

    /// The same, if its content process runs.
    pub(crate) fn living_page(&self, context: &str, target: TargetKey) -> AdapterResult<&Page> {
        let page = self.page(context, target)?;
        if page.crashed {
            Err(AdapterError::TargetCrashed)
        } else {
            Ok(page)
        }
    }

    /// A frame of a living page.
    pub(crate) fn frame(
        &self,
        context: &str,
        target: TargetKey,
        frame: FrameKey,
    ) -> AdapterResult<&Frame> {
        self.living_page(context, target)?;
        self.frames
            .get(&frame)
            .filter(|known| known.page == target)
            .ok_or(AdapterError::FrameGone)
    }

    /// The frame and page of a browsing context.
    pub(crate) fn locate(&self, context: &str) -> Option<(FrameKey, TargetKey)> {
        let key = *self.frame_ids.get(context)?;
        Some((key, self.frames.get(&key)?.page))
    }

    /// A navigation of a page, known from its first mention on.
    pub(crate) fn navigation(&mut self, page: TargetKey, id: &str) -> Option<&mut Navigation> {
        if self.pages.get(&page)?.navigations.get(id).is_none() {
            let document = DocumentKey(self.next_key());
            self.pages.get_mut(&page)?.navigations.insert(id, document);
        }
        self.pages.get_mut(&page)?.navigations.get_mut(id)
    }

    /// Makes a frame.
    pub(crate) fn insert_frame(
        &mut self,
        id: &str,
        page: TargetKey,
        parent: Option<FrameKey>,
        announced: bool,
    ) -> FrameKey {
        let (key, document) = (FrameKey(self.next_key()), DocumentKey(self.next_key()));
        let id: Arc<str> = id.into();
        let frame = Frame {
            id: Arc::clone(&id),
            page,
            parent,
            document,
            realm: None,
            sandbox: None,
            whole: false,
            replacing: false,
            announced,
            navigating: None,
            owner: None,
            origin: None,
            told: None,
        };
        self.frames.insert(key, frame);
        self.frame_ids.insert(id, key);
        key
    }

    /// Takes a frame out, with its realms.
    pub(crate) fn remove_frame(&mut self, key: FrameKey) -> Option<Frame> {
        let frame = self.frames.remove(&key)?;
        if self.frame_ids.get(&frame.id) == Some(&key) {
            self.frame_ids.remove(&frame.id);
        }
        for realm in [&frame.realm, &frame.sandbox].into_iter().flatten() {
            self.realms.remove(realm);
        }
        Some(frame)
    }

    pub(crate) fn children(&self, parent: FrameKey) -> Vec<FrameKey> {
        self.frames
            .iter()
            .filter(|(_, frame)| frame.parent == Some(parent))
            .map(|(key, _)| *key)
            .collect()
    }

    /// Forgets a download, and deletes what is there of it.
    pub(crate) fn forget_download(&mut self, key: DownloadKey) {
        let gone = self.downloads.remove(key).map(|gone| gone.kept);
        if let Some(Kept::At(path)) = gone {
            let _ = std::fs::remove_file(path);
        }
    }

    /// Takes a context out, with all its pages; what waits for them fails. Its files are deleted with what is returned.
    pub(crate) fn forget_context(
        &mut self,
        context: &str,
        connection: &Connection,
    ) -> Option<ContextEntry> {
        let gone = self.contexts.remove(context);
        self.downloads.forget_context(context);
        let pages: Vec<_> = self
            .pages
            .extract_if(|_, page| &*page.context == context)
            .map(|(key, _)| key)
            .collect();
        for page in pages {
            connection.fail_page(page, Loss::TargetClosed);
            let frames: Vec<_> = self
                .frames
                .iter()
                .filter(|(_, frame)| frame.page == page)
                .map(|(key, _)| *key)
                .collect();
            for frame in frames {
                self.remove_frame(frame);
            }
            self.forget_page(page);
        }
        gone
    }

    /// What waits for a page that is gone waits no longer.
    pub(crate) fn forget_page(&mut self, page: TargetKey) {
        self.choosers.forget_page(page);
        self.paused.retain(|_, paused| paused.page != page);
    }
}
