//! What is known of a context: its pages, frames, documents, dialogs, requests and logs, built from the adapter's events.
//!
//! Events are applied where they arrive, before any later answer of the browser is delivered, so a command that has an
//! answer sees everything that happened before it. Commands wait by predicates over this state (`until`); nothing here
//! calls the browser.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use ops_contracts::seam::adapter::{
    Decision, DocumentKey, DownloadKey, DownloadProgress, Event, EventSink, FrameKey, PausedKey,
    RequestKey, ResourceKind, TargetKey,
};
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::command::diagnostics::{ConsoleEntry, ErrorEntry};
use ops_contracts::wire::command::downloads::{DownloadEntry, DownloadState};
use ops_contracts::wire::command::session::DialogPolicy;
use ops_contracts::wire::frame::EventName;
use ops_contracts::wire::receipt::{DialogInfo, DownloadInfo};
use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, watch};

pub(crate) mod bounds;
mod concealed;
mod log;
pub(crate) mod network;
pub(crate) mod routes;
mod tab;

pub(crate) use log::Log;
use network::{NetworkLog, Sent};
use routes::Routes;
pub(crate) use tab::{Frame, Mouse, Tab};

/// Something that the session's owner must do because of an event.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Answer a dialog by policy.
    AnswerDialog {
        /// The page.
        target: TargetKey,
        /// Accept or dismiss.
        accept: bool,
    },
    /// Decide on a request that waits.
    Decide {
        /// The request.
        paused: PausedKey,
        /// The decision.
        decision: Decision,
    },
    /// Close a page that the session's budget has no room for.
    CloseTarget(TargetKey),
    /// End a download that is larger than any that is kept.
    CancelDownload(DownloadKey),
    /// Tell those who listen to the session.
    Tell(EventName, Arc<RawValue>),
    /// The browser is gone.
    Lost,
}

/// The state of a context, shared by the adapter's reader, the session's owner and its commands.
pub(crate) struct World {
    state: Mutex<State>,
    version: watch::Sender<u64>,
    effects: mpsc::UnboundedSender<Effect>,
}

/// Everything known of a context.
pub(crate) struct State {
    /// Number of the last event.
    pub(crate) seq: u64,
    /// The pages, oldest first.
    pub(crate) tabs: Vec<Tab>,
    /// The page that commands without a target act on.
    pub(crate) current: Option<TargetKey>,
    /// Frames that are there, main frames included.
    pub(crate) frames: Vec<Frame>,
    /// Console messages.
    pub(crate) console: Log<ConsoleEntry>,
    /// Uncaught exceptions.
    pub(crate) errors: Log<ErrorEntry>,
    /// Downloads, with the event's number and the page.
    pub(crate) downloads: VecDeque<(u64, TargetKey, DownloadInfo)>,
    /// Downloads whose bytes are kept, oldest first.
    pub(crate) kept: Vec<Kept>,
    /// Requests.
    pub(crate) network: NetworkLog,
    /// What the session has said about its requests.
    pub(crate) routes: Routes,
    /// Why the browser is gone.
    pub(crate) lost: Option<String>,
    /// What happens to dialogs.
    pub(crate) dialog_policy: DialogPolicy,
    /// Numbers that are never reused in the session.
    pub(crate) numbers: Numbers,
    /// Origins that frames have been at.
    pub(crate) visited: BTreeSet<String>,
    /// The most pages at a time.
    pub(crate) max_targets: Option<u32>,
    /// Pages of our own.
    hidden: concealed::Hidden,
}

/// A download whose bytes are kept.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) key: DownloadKey,
    pub(crate) entry: DownloadEntry,
    /// It was waited for or read.
    pub(crate) seen: bool,
}

/// The most bytes of one download.
const MAX_DOWNLOAD: u64 = 2 << 30;

/// The next unused numbers of a session; they outlive its browser.
#[derive(Debug, Clone)]
pub(crate) struct Numbers {
    target: u32,
    frame: u32,
    download: u32,
    /// Next element number by frame number; index 0 is shared by all main frames.
    refs: std::collections::HashMap<u32, u32>,
}

impl Default for Numbers {
    fn default() -> Self {
        Self {
            target: 1,
            frame: 1,
            download: 1,
            refs: std::collections::HashMap::new(),
        }
    }
}

impl Numbers {
    fn take(counter: &mut u32) -> u32 {
        let number = *counter;
        *counter += 1;
        number
    }

    /// The first element number in this frame that no element ever had.
    pub(crate) fn next_ref(&self, frame: u32) -> u32 {
        self.refs.get(&frame).copied().unwrap_or(1)
    }

    /// Notes the element numbers below `next` as used.
    pub(crate) fn used_refs(&mut self, frame: u32, next: u32) {
        let known = self.refs.entry(frame).or_insert(1);
        *known = (*known).max(next);
    }
}

const MAX_DOWNLOADS_KEPT: usize = 100;
const MAX_LOG: usize = 1_000;
/// The most bytes that the texts of a log own together.
const MAX_LOG_BYTES: usize = 4 << 20;
const MAX_VISITED: usize = 16_384;
/// The longest origin that is remembered, in bytes: a host name has at most 255.
const MAX_ORIGIN: usize = 320;

impl World {
    /// A world without pages, and the receiver of its effects.
    pub(crate) fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<Effect>) {
        let (effects, receiver) = mpsc::unbounded_channel();
        let state = State {
            seq: 0,
            tabs: Vec::new(),
            current: None,
            frames: Vec::new(),
            console: Log::new(MAX_LOG, MAX_LOG_BYTES),
            errors: Log::new(MAX_LOG, MAX_LOG_BYTES),
            downloads: VecDeque::new(),
            kept: Vec::new(),
            network: NetworkLog::default(),
            routes: Routes::default(),
            lost: None,
            dialog_policy: DialogPolicy::Ask,
            numbers: Numbers::default(),
            visited: BTreeSet::new(),
            max_targets: None,
            hidden: concealed::Hidden::default(),
        };
        (
            Arc::new(Self {
                state: Mutex::new(state),
                version: watch::Sender::new(0),
                effects,
            }),
            receiver,
        )
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Adds the page that the context was opened with, numbered on from `numbers`.
    pub(crate) fn begin(
        &self,
        numbers: Numbers,
        policy: DialogPolicy,
        target: TargetKey,
        frame: FrameKey,
    ) {
        let mut state = self.lock();
        state.numbers = numbers;
        state.dialog_policy = policy;
        state.add_tab(target, frame, None, "about:blank");
        state.current = Some(target);
    }

    /// Waits until `find` finds something in the state. Ends only with the caller's deadline otherwise.
    pub(crate) async fn until<T>(&self, mut find: impl FnMut(&State) -> Option<T>) -> T {
        let mut version = self.version.subscribe();
        loop {
            version.borrow_and_update();
            if let Some(found) = find(&self.lock()) {
                return found;
            }
            if version.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Wakes those who wait, after a change that is not an event's.
    pub(crate) fn touch(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    fn effect(&self, effect: Effect) {
        // The receiver is the session's owner; without one there is nobody to tell.
        drop(self.effects.send(effect));
    }

    fn tell(&self, name: EventName, data: &impl Serialize) {
        if let Ok(raw) = serde_json::value::to_raw_value(data) {
            self.effect(Effect::Tell(name, raw.into()));
        }
    }
}

impl EventSink for World {
    fn emit(&self, event: Event) {
        let event = bounds::bounded(event);
        let mut state = self.lock();
        state.seq += 1;
        self.apply(&mut state, event);
        drop(state);
        self.touch();
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TargetData {
    target_id: ops_contracts::wire::ids::TargetId,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AnsweredData {
    target_id: ops_contracts::wire::ids::TargetId,
    accepted: bool,
}

#[derive(Serialize)]
struct ReasonData<'a> {
    reason: &'a str,
}

impl World {
    fn apply(&self, state: &mut State, event: Event) {
        let Some(event) = state.hold_back(event) else {
            return;
        };
        match event {
            Event::TargetOpened {
                target,
                frame,
                opener,
                url,
            } => {
                let tab = state.add_tab(target, frame, opener, &url);
                let info = tab.info(false);
                self.tell(EventName::TargetOpened, &info);
                if state
                    .max_targets
                    .is_some_and(|most| state.tabs.len() > most as usize)
                {
                    self.effect(Effect::CloseTarget(target));
                }
            }
            Event::RequestPaused { paused, request } => {
                let decision = state.routes.decide(&request);
                self.effect(Effect::Decide { paused, decision });
            }
            Event::CredentialsAsked { paused, challenge } => {
                let decision = state.routes.answer(&challenge);
                self.effect(Effect::Decide { paused, decision });
            }
            Event::DownloadProgressed {
                download,
                received,
                total,
                progress,
            } => {
                if received > MAX_DOWNLOAD && progress == DownloadProgress::Running {
                    self.effect(Effect::CancelDownload(download));
                }
                state.download_progressed(download, received, total, progress);
            }
            Event::TargetClosed { target } => {
                let seq = state.seq;
                state.network.page_closed(target, seq);
                if let Some(target_id) = state.remove_tab(target) {
                    self.tell(EventName::TargetClosed, &TargetData { target_id });
                }
            }
            Event::TargetCrashed { target } => {
                if let Some(tab) = state.tab_mut(target) {
                    tab.crashed = true;
                    tab.dialog = None;
                    let target_id = tab.id.clone();
                    self.tell(EventName::TargetCrashed, &TargetData { target_id });
                }
            }
            Event::DialogOpened {
                target,
                kind,
                message,
                default_text,
            } => self.dialog_opened(state, target, kind, message, default_text),
            Event::DialogClosed { target, accepted } => {
                if let Some(tab) = state.tab_mut(target)
                    && tab.dialog.take().is_some()
                {
                    let target_id = tab.id.clone();
                    self.tell(
                        EventName::DialogClosed,
                        &AnsweredData {
                            target_id,
                            accepted,
                        },
                    );
                }
            }
            Event::Disconnected { reason } => {
                self.tell(EventName::SessionLost, &ReasonData { reason: &reason });
                state.lost.get_or_insert(reason);
                self.effect(Effect::Lost);
            }
            other => state.note(other),
        }
    }

    fn dialog_opened(
        &self,
        state: &mut State,
        target: TargetKey,
        kind: ops_contracts::seam::adapter::DialogKind,
        message: String,
        default_text: Option<String>,
    ) {
        let policy = state.dialog_policy;
        let seq = state.seq;
        let Some(tab) = state.tab_mut(target) else {
            return;
        };
        match policy {
            DialogPolicy::Ask => {
                let info = DialogInfo {
                    kind,
                    message,
                    default_text,
                    target_id: tab.id.clone(),
                };
                self.tell(EventName::DialogOpened, &info);
                tab.dialog = Some((seq, info));
            }
            DialogPolicy::Accept => self.effect(Effect::AnswerDialog {
                target,
                accept: true,
            }),
            DialogPolicy::Dismiss => self.effect(Effect::AnswerDialog {
                target,
                accept: false,
            }),
        }
    }
}

impl State {
    pub(crate) fn tab(&self, target: TargetKey) -> Option<&Tab> {
        self.tabs.iter().find(|tab| tab.key == target)
    }

    pub(crate) fn tab_mut(&mut self, target: TargetKey) -> Option<&mut Tab> {
        self.tabs.iter_mut().find(|tab| tab.key == target)
    }

    pub(crate) fn frame(&self, frame: FrameKey) -> Option<&Frame> {
        self.frames.iter().find(|known| known.key == frame)
    }

    /// The dialog that waits for an answer, in any page.
    pub(crate) fn open_dialog(&self) -> Option<(TargetKey, &DialogInfo)> {
        self.tabs
            .iter()
            .find_map(|tab| tab.dialog.as_ref().map(|(_, info)| (tab.key, info)))
    }

    fn add_tab(
        &mut self,
        key: TargetKey,
        main: FrameKey,
        opener: Option<TargetKey>,
        url: &str,
    ) -> &Tab {
        let id = ops_contracts::wire::ids::TargetId::from_number(Numbers::take(
            &mut self.numbers.target,
        ));
        let opener = opener
            .and_then(|opener| self.tab(opener))
            .map(|tab| (tab.key, tab.id.clone()));
        self.frames.push(Frame::main(main, key, url));
        self.tabs
            .push(Tab::new(key, id, main, opener, url, self.seq));
        if self.current.is_none() {
            self.current = Some(key);
        }
        &self.tabs[self.tabs.len() - 1]
    }

    fn remove_tab(&mut self, key: TargetKey) -> Option<ops_contracts::wire::ids::TargetId> {
        let at = self.tabs.iter().position(|tab| tab.key == key)?;
        let tab = self.tabs.remove(at);
        self.frames.retain(|frame| frame.target != key);
        if self.current == Some(key) {
            // The opener if it is still there, as a browser does; else the newest.
            let opener = tab
                .opener
                .as_ref()
                .map(|(opener, _)| *opener)
                .filter(|opener| self.tab(*opener).is_some());
            self.current = opener.or_else(|| self.tabs.last().map(|tab| tab.key));
        }
        Some(tab.id)
    }

    /// Applies an event that changes nothing but this state: one of frames and navigations, or of what follows.
    fn note(&mut self, event: Event) {
        let seq = self.seq;
        match event {
            Event::FrameAttached {
                target,
                frame,
                parent,
            } => {
                if self.frame(frame).is_none() {
                    let number = Numbers::take(&mut self.numbers.frame);
                    self.frames
                        .push(Frame::child(frame, target, parent, number));
                }
            }
            Event::FrameDetached { frame, .. } => self.remove_frame(frame),
            Event::UrlChanged { target, frame, url } => {
                self.note_url(frame, &url);
                if let Some(tab) = self.main_tab(target, frame) {
                    tab.nav.url_changed(seq, url);
                }
            }
            Event::NavigationRequested { target, frame } => {
                if let Some(tab) = self.main_tab(target, frame) {
                    tab.nav.requested_seq = seq;
                }
            }
            Event::NavigationStarted { target, frame, url } => {
                if let Some(tab) = self.main_tab(target, frame) {
                    tab.nav.started(seq, url);
                }
            }
            Event::NavigationCommitted {
                target,
                frame,
                document,
                url,
            } => self.committed(target, frame, document, url),
            Event::NavigationFailed {
                target,
                frame,
                failure,
            } => {
                if let Some(tab) = self.main_tab(target, frame) {
                    tab.nav.failed(seq, failure);
                }
            }
            Event::Lifecycle {
                target,
                frame,
                document,
                phase,
            } => {
                if let Some(tab) = self.main_tab(target, frame) {
                    tab.nav.reached(document, phase);
                }
            }
            other => self.note_files(other),
        }
    }

    /// Applies an event of downloads and file choosers, or of what follows.
    fn note_files(&mut self, event: Event) {
        let seq = self.seq;
        match event {
            Event::DownloadStarted {
                target,
                url,
                suggested_name,
            } => self.navigation_became_download(target, url, suggested_name),
            Event::DownloadBegan {
                target,
                download,
                url,
                suggested_name,
            } => self.download_began(target, download, url, suggested_name),
            Event::FileChooserOpened {
                target,
                chooser,
                multiple,
                ..
            } => {
                if let Some(tab) = self.tab_mut(target) {
                    tab.chooser = Some((seq, chooser, multiple));
                }
            }
            other => self.note_log(other),
        }
    }

    /// Applies an event of the console, or of the network.
    fn note_log(&mut self, event: Event) {
        match event {
            Event::Console {
                target,
                level,
                text,
                location,
                timestamp_ms,
            } => {
                let Some(target_id) = self.tab(target).map(|tab| tab.id.clone()) else {
                    return;
                };
                let at = Timestamp::from_unix_millis(timestamp_ms);
                self.console.push(|seq| ConsoleEntry {
                    seq,
                    target_id,
                    level,
                    text,
                    location,
                    at,
                });
            }
            Event::Exception {
                target,
                text,
                stack,
                location,
                timestamp_ms,
            } => {
                let Some(target_id) = self.tab(target).map(|tab| tab.id.clone()) else {
                    return;
                };
                let at = Timestamp::from_unix_millis(timestamp_ms);
                self.errors.push(|seq| ErrorEntry {
                    seq,
                    target_id,
                    text,
                    stack,
                    location,
                    at,
                });
            }
            network => self.note_network(network),
        }
    }

    /// A frame has another document.
    fn committed(
        &mut self,
        target: TargetKey,
        frame: FrameKey,
        document: DocumentKey,
        url: String,
    ) {
        let seq = self.seq;
        self.remove_children(frame);
        self.note_url(frame, &url);
        self.note_visit(target, &url);
        if let Some(frame) = self.frames.iter_mut().find(|known| known.key == frame) {
            frame.committed_seq = seq;
        }
        if let Some(tab) = self.main_tab(target, frame) {
            tab.crashed = false;
            tab.title.clear();
            tab.chooser = None;
            tab.requests.committed(document);
            tab.nav.committed(seq, document, url);
        }
    }

    /// What was to be a document has become a file.
    fn navigation_became_download(
        &mut self,
        target: TargetKey,
        url: String,
        suggested_name: String,
    ) {
        let seq = self.seq;
        if let Some(tab) = self.tab_mut(target) {
            // What was to be a document has become a file.
            tab.nav.pending = None;
        }
        let kept = self
            .kept
            .iter()
            .rev()
            .find(|kept| kept.entry.url == url && kept.entry.suggested_name == suggested_name);
        let download = kept.map(|kept| kept.entry.download);
        // What a popup turned into belongs to the page that opened it.
        let opener = self
            .tab(target)
            .and_then(|tab| tab.opener.as_ref())
            .map(|(opener, _)| *opener);
        let never_loaded = self
            .tab(target)
            .is_some_and(|tab| tab.nav.url.is_empty() || tab.nav.url == "about:blank");
        let told = opener.filter(|_| never_loaded).unwrap_or(target);
        self.downloads.push_back((
            seq,
            told,
            DownloadInfo {
                download,
                url,
                suggested_name,
            },
        ));
        if self.downloads.len() > MAX_DOWNLOADS_KEPT {
            self.downloads.pop_front();
        }
    }

    /// A file is being downloaded.
    fn download_began(
        &mut self,
        target: TargetKey,
        download: DownloadKey,
        url: String,
        suggested_name: String,
    ) {
        let Some(target_id) = self.tab(target).map(|tab| tab.id.clone()) else {
            return;
        };
        let number = Numbers::take(&mut self.numbers.download);
        let entry = DownloadEntry {
            download: number,
            target_id,
            url,
            suggested_name,
            state: DownloadState::Running,
            received_bytes: 0,
            total_bytes: None,
            failure: None,
            saved: false,
        };
        self.kept.push(Kept {
            key: download,
            entry,
            seen: false,
        });
    }

    fn note_network(&mut self, event: Event) {
        let at = self.seq;
        match event {
            Event::Request {
                target,
                frame,
                request,
                document,
                url,
                method,
                kind,
                redirected_from,
            } => {
                if let Some(target_id) = self.tab(target).map(|tab| tab.id.clone()) {
                    let known = frame.and_then(|frame| self.frame(frame));
                    let frame = known.and_then(|frame| format!("f{}", frame.number).parse().ok());
                    let redirected_from = redirected_from.clone();
                    let sent = Sent {
                        key: request,
                        target,
                        target_id,
                        frame,
                        method,
                        url,
                        kind,
                        redirected_from,
                    };
                    self.network.sent(sent, at);
                }
                self.note_load(target, frame, (request, document), kind, redirected_from);
            }
            Event::RequestDetailed { request, details } => self.network.detailed(request, *details),
            Event::RequestHeaders { request, headers } => {
                self.network.headers(request, headers, false)
            }
            Event::ResponseHeaders { request, headers } => {
                self.network.headers(request, headers, true)
            }
            Event::ResponseDetailed { request, details } => {
                self.network.response_detailed(request, *details)
            }
            Event::RequestMeasured {
                request,
                transferred,
                monotonic_ms,
            } => {
                self.network.measured(request, transferred, monotonic_ms);
            }
            Event::Response {
                target,
                request,
                status,
                mime_type,
                ..
            } => {
                self.network.answered(request, status, mime_type, at);
                if let Some(tab) = self.tab_mut(target) {
                    tab.requests.answered(request, status);
                }
            }
            Event::RequestFinished { target, request } => {
                self.network.finished(request, at);
                if let Some(tab) = self.tab_mut(target) {
                    tab.requests.ended(request);
                }
            }
            Event::RequestFailed {
                target,
                request,
                reason,
                cancelled,
            } => {
                self.network.failed(request, reason, cancelled, at);
                if let Some(tab) = self.tab_mut(target) {
                    tab.requests.ended(request);
                }
            }
            _ => {}
        }
    }

    /// What a request means for whether its page is loading.
    fn note_load(
        &mut self,
        target: TargetKey,
        frame: Option<FrameKey>,
        (request, document): (RequestKey, Option<DocumentKey>),
        kind: ResourceKind,
        redirected_from: Option<(u16, String)>,
    ) {
        // Streams stay open for as long as the page likes: they say nothing about whether it is still loading.
        if matches!(kind, ResourceKind::Websocket | ResourceKind::Eventsource) {
            return;
        }
        let main = frame.is_none_or(|frame| self.main_tab(target, frame).is_some());
        if let Some(tab) = self.tab_mut(target) {
            tab.requests
                .sent(request, document.filter(|_| main), redirected_from);
        }
    }

    fn download_progressed(
        &mut self,
        key: DownloadKey,
        received: u64,
        total: Option<u64>,
        progress: DownloadProgress,
    ) {
        let Some(kept) = self.kept.iter_mut().find(|kept| kept.key == key) else {
            return;
        };
        let entry = &mut kept.entry;
        entry.received_bytes = received;
        entry.total_bytes = total.or(entry.total_bytes);
        match progress {
            DownloadProgress::Running => {}
            DownloadProgress::Completed => entry.state = DownloadState::Completed,
            DownloadProgress::Failed(reason) => {
                entry.state = DownloadState::Failed;
                entry.failure = Some(reason);
            }
        }
    }

    /// The page, if `frame` is its main frame.
    fn main_tab(&mut self, target: TargetKey, frame: FrameKey) -> Option<&mut Tab> {
        self.tab_mut(target).filter(|tab| tab.main == frame)
    }

    fn note_visit(&mut self, target: TargetKey, url: &str) {
        if self.visited.len() < MAX_VISITED
            && self.tab(target).is_some()
            && let Some(origin) = crate::origin::of_url(url)
            && origin.len() <= MAX_ORIGIN
        {
            self.visited.insert(origin);
        }
    }

    fn note_url(&mut self, frame: FrameKey, url: &str) {
        if let Some(frame) = self.frames.iter_mut().find(|known| known.key == frame) {
            frame.url = bounds::frame_url(url, frame.parent.is_none());
        }
    }

    fn remove_frame(&mut self, key: FrameKey) {
        self.remove_children(key);
        self.frames
            .retain(|frame| frame.key != key || frame.parent.is_none());
    }

    fn remove_children(&mut self, parent: FrameKey) {
        let children: Vec<_> = self
            .frames
            .iter()
            .filter(|frame| frame.parent == Some(parent))
            .map(|frame| frame.key)
            .collect();
        for child in children {
            self.remove_frame(child);
        }
    }
}
