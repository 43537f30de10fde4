//! A page and its frames, as events have told of them.

use std::collections::HashMap;

use ops_contracts::seam::adapter::{
    ChooserKey, DocumentKey, FrameKey, LifecyclePhase, MouseButton, NavigationFailure, RequestKey,
    TargetKey,
};
use ops_contracts::wire::command::Point;
use ops_contracts::wire::command::nav::Redirect;
use ops_contracts::wire::command::targets::TargetInfo;
use ops_contracts::wire::ids::TargetId;
use ops_contracts::wire::receipt::DialogInfo;
use tokio::time::Instant;

/// A page.
pub(crate) struct Tab {
    pub(crate) key: TargetKey,
    pub(crate) id: TargetId,
    pub(crate) main: FrameKey,
    pub(crate) opener: Option<(TargetKey, TargetId)>,
    /// Number of the event that brought it.
    pub(crate) opened_seq: u64,
    pub(crate) title: String,
    pub(crate) crashed: bool,
    /// The name under which it was opened.
    pub(crate) name: Option<String>,
    /// The open dialog with the number of its event.
    pub(crate) dialog: Option<(u64, DialogInfo)>,
    pub(crate) nav: Navigation,
    pub(crate) requests: Requests,
    /// The file chooser that the page has asked for last, with the number of its event and whether it takes several files.
    pub(crate) chooser: Option<(u64, ChooserKey, bool)>,
    /// Where `pointer.*` has left the mouse.
    pub(crate) mouse: Mouse,
    /// Frames may still refuse what is typed, because the command that made them could not take that back.
    pub(crate) deaf: bool,
}

/// Where the mouse is in a page, and what it holds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Mouse {
    pub(crate) at: Point,
    pub(crate) held: Vec<MouseButton>,
}

impl Tab {
    pub(super) fn new(
        key: TargetKey,
        id: TargetId,
        main: FrameKey,
        opener: Option<(TargetKey, TargetId)>,
        url: &str,
        seq: u64,
    ) -> Self {
        Self {
            key,
            id,
            main,
            opener,
            opened_seq: seq,
            title: String::new(),
            crashed: false,
            name: None,
            dialog: None,
            nav: Navigation::at(url),
            requests: Requests::new(),
            chooser: None,
            mouse: Mouse::default(),
            deaf: false,
        }
    }

    /// The page as the contract tells of it.
    pub(crate) fn info(&self, current: bool) -> TargetInfo {
        TargetInfo {
            target_id: self.id.clone(),
            url: self.nav.url.clone(),
            title: self.title.clone(),
            current,
            opener_id: self.opener.as_ref().map(|(_, id)| id.clone()),
            crashed: self.crashed,
            name: self.name.clone(),
        }
    }
}

/// Where a page's main frame is and is going. Numbers are those of events, so that a command can tell what came after it.
pub(crate) struct Navigation {
    pub(crate) url: String,
    pub(crate) document: Option<DocumentKey>,
    pub(crate) phase: Option<LifecyclePhase>,
    pub(crate) requested_seq: u64,
    pub(crate) started_seq: u64,
    pub(crate) committed_seq: u64,
    pub(crate) url_changed_seq: u64,
    pub(crate) failed: Option<(u64, NavigationFailure)>,
    /// A navigation was asked for and has neither been committed nor failed.
    pub(crate) pending: Option<String>,
}

impl Navigation {
    fn at(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            document: None,
            phase: None,
            requested_seq: 0,
            started_seq: 0,
            committed_seq: 0,
            url_changed_seq: 0,
            failed: None,
            pending: None,
        }
    }

    pub(super) fn started(&mut self, seq: u64, url: String) {
        self.started_seq = seq;
        self.pending = Some(url);
    }

    pub(super) fn committed(&mut self, seq: u64, document: DocumentKey, url: String) {
        self.committed_seq = seq;
        self.document = Some(document);
        self.phase = None;
        self.url = url;
        self.pending = None;
    }

    pub(super) fn url_changed(&mut self, seq: u64, url: String) {
        self.url_changed_seq = seq;
        self.url = url;
        self.pending = None;
    }

    pub(super) fn failed(&mut self, seq: u64, failure: NavigationFailure) {
        self.failed = Some((seq, failure));
        self.pending = None;
    }

    pub(super) fn reached(&mut self, document: DocumentKey, phase: LifecyclePhase) {
        if self.document == Some(document) && self.phase.is_none_or(|known| known < phase) {
            self.phase = Some(phase);
        }
    }
}

/// The response of a document.
#[derive(Debug, Clone, Default)]
pub(crate) struct DocumentResponse {
    pub(crate) status: Option<u16>,
    pub(crate) redirects: Vec<Redirect>,
}

/// Requests of a page: what is in flight, and how its last documents were answered.
pub(crate) struct Requests {
    in_flight: HashMap<RequestKey, Option<DocumentKey>>,
    documents: Vec<(DocumentKey, DocumentResponse)>,
    idle_since: Instant,
}

const DOCUMENTS_KEPT: usize = 8;

impl Requests {
    fn new() -> Self {
        Self {
            in_flight: HashMap::new(),
            documents: Vec::new(),
            idle_since: Instant::now(),
        }
    }

    pub(super) fn sent(
        &mut self,
        request: RequestKey,
        document: Option<DocumentKey>,
        redirected_from: Option<(u16, String)>,
    ) {
        let document = document.or_else(|| self.in_flight.get(&request).copied().flatten());
        self.in_flight.insert(request, document);
        let Some(document) = document else { return };
        let response = self.response_mut(document);
        if let Some((status, url)) = redirected_from {
            response.redirects.push(Redirect { status, url });
        }
    }

    pub(super) fn answered(&mut self, request: RequestKey, status: u16) {
        if let Some(document) = self.in_flight.get(&request).copied().flatten() {
            self.response_mut(document).status = Some(status).filter(|status| *status > 0);
        }
    }

    /// A document was committed: what the one before it had under way belongs to no page any more.
    pub(super) fn committed(&mut self, document: DocumentKey) {
        let busy = !self.in_flight.is_empty();
        self.in_flight.retain(|_, of| *of == Some(document));
        if busy && self.in_flight.is_empty() {
            self.idle_since = Instant::now();
        }
    }

    pub(super) fn ended(&mut self, request: RequestKey) {
        if self.in_flight.remove(&request).is_some() && self.in_flight.is_empty() {
            self.idle_since = Instant::now();
        }
    }

    /// How a document was answered.
    pub(crate) fn response(&self, document: DocumentKey) -> DocumentResponse {
        self.documents
            .iter()
            .find(|(known, _)| *known == document)
            .map(|(_, response)| response.clone())
            .unwrap_or_default()
    }

    /// Since when no request has been in flight.
    pub(crate) fn idle_since(&self) -> Option<Instant> {
        self.in_flight.is_empty().then_some(self.idle_since)
    }

    fn response_mut(&mut self, document: DocumentKey) -> &mut DocumentResponse {
        let at = self
            .documents
            .iter()
            .position(|(known, _)| *known == document)
            .unwrap_or_else(|| {
                if self.documents.len() == DOCUMENTS_KEPT {
                    self.documents.remove(0);
                }
                self.documents.push((document, DocumentResponse::default()));
                self.documents.len() - 1
            });
        &mut self.documents[at].1
    }
}

/// A frame.
pub(crate) struct Frame {
    pub(crate) key: FrameKey,
    pub(crate) target: TargetKey,
    pub(crate) parent: Option<FrameKey>,
    /// Its number in the session; 0 for main frames.
    pub(crate) number: u32,
    pub(crate) url: String,
    /// Number of the element in the parent's document that holds it, once it was asked for.
    pub(crate) owner: Option<u32>,
    /// Number of the event that brought its document.
    pub(crate) committed_seq: u64,
}

impl Frame {
    pub(super) fn main(key: FrameKey, target: TargetKey, url: &str) -> Self {
        Self {
            key,
            target,
            parent: None,
            number: 0,
            url: url.to_owned(),
            owner: None,
            committed_seq: 0,
        }
    }

    pub(super) fn child(key: FrameKey, target: TargetKey, parent: FrameKey, number: u32) -> Self {
        Self {
            key,
            target,
            parent: Some(parent),
            number,
            url: String::new(),
            owner: None,
            committed_seq: 0,
        }
    }
}
