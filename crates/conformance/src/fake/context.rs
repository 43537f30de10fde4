//! A context of the fake: performs primitives on scripted pages, in the order in which they are first polled, and emits
//! what a browser would report.

mod navigate;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, BoxFuture, BridgeCall, Context, DocumentKey, Effect, Evaluated,
    Event, EventSink, FrameKey, InputAction, MouseButton, Primitive, RequestKey, ScriptError,
    TargetKey,
};
use parking_lot::Mutex;
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

use self::navigate::beside;
use super::bridge::{self, Reply};
use super::document::Document;
use super::script::{Act, Dialog, Page, Scripted};
use super::{Process, Stage, Trouble};

/// A picture of nothing: a transparent PNG of one pixel, as base64.
const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

#[derive(Clone)]
pub(super) struct FakeContext {
    inner: Arc<Inner>,
}

struct Inner {
    stage: Arc<Stage>,
    process: Arc<Process>,
    events: Arc<dyn EventSink>,
    tabs: Mutex<BTreeMap<TargetKey, Tab>>,
    version: watch::Sender<u64>,
}

struct Tab {
    frame: FrameKey,
    document: Document,
    history: Vec<String>,
    at: usize,
    crashed: bool,
    asked: Option<(Dialog, Vec<Act>)>,
    /// How the last dialog was answered.
    answered: Option<(bool, Option<String>)>,
}

impl FakeContext {
    pub(super) fn new(
        stage: Arc<Stage>,
        process: Arc<Process>,
        events: Arc<dyn EventSink>,
        target: TargetKey,
        frame: FrameKey,
    ) -> Self {
        let tab = Tab::blank(frame, DocumentKey(stage.key()));
        let tabs = Mutex::new(BTreeMap::from([(target, tab)]));
        Self {
            inner: Arc::new(Inner {
                stage,
                process,
                events,
                tabs,
                version: watch::Sender::new(0),
            }),
        }
    }
}

impl Tab {
    fn blank(frame: FrameKey, key: DocumentKey) -> Self {
        let document = Document::new(key, "about:blank", &Page::new(""));
        Self {
            frame,
            document,
            history: vec!["about:blank".to_owned()],
            at: 0,
            crashed: false,
            asked: None,
            answered: None,
        }
    }
}

impl Context for FakeContext {
    fn perform(&self, primitive: Primitive) -> BoxFuture<'_, AdapterResult<Effect>> {
        let inner = self.inner.clone();
        Box::pin(async move { inner.perform(primitive).await })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.inner.tabs.lock().clear();
            self.inner.touch();
        })
    }
}

fn name(primitive: &Primitive) -> &'static str {
    match primitive {
        Primitive::CallBridge { call, .. } => call.name,
        other => other.name(),
    }
}

const fn target(primitive: &Primitive) -> Option<TargetKey> {
    match primitive {
        Primitive::CreateTarget { .. }
        | Primitive::StartTrace { .. }
        | Primitive::StopTrace { .. }
        | Primitive::ReadCookies
        | Primitive::WriteCookies { .. }
        | Primitive::RemoveCookies { .. }
        | Primitive::Emulate { .. }
        | Primitive::SetNetworkPolicy { .. }
        | Primitive::Decide { .. }
        | Primitive::ReadDownload { .. }
        | Primitive::CancelDownload { .. } => None,
        Primitive::CloseTarget { target }
        | Primitive::ActivateTarget { target }
        | Primitive::Navigate { target, .. }
        | Primitive::Reload { target, .. }
        | Primitive::TraverseHistory { target, .. }
        | Primitive::CallBridge { target, .. }
        | Primitive::RevealShadowRoots { target, .. }
        | Primitive::Evaluate { target, .. }
        | Primitive::Input { target, .. }
        | Primitive::InputTold { target, .. }
        | Primitive::Screenshot { target, .. }
        | Primitive::AnswerDialog { target, .. }
        | Primitive::VisitEmpty { target, .. }
        | Primitive::ResponseBody { target, .. }
        | Primitive::SetFiles { target, .. }
        | Primitive::Print { target, .. }
        | Primitive::SetViewport { target, .. } => Some(*target),
    }
}

/// What runs in a document and ends with it, and waits while a dialog is open.
const fn in_document(primitive: &Primitive) -> bool {
    matches!(
        primitive,
        Primitive::CallBridge { .. } | Primitive::Evaluate { .. }
    )
}

impl Inner {
    async fn perform(self: Arc<Self>, primitive: Primitive) -> AdapterResult<Effect> {
        let (key, target) = (name(&primitive), target(&primitive));
        let revives = matches!(
            primitive,
            Primitive::Navigate { .. } | Primitive::Reload { .. } | Primitive::CloseTarget { .. }
        );
        self.process.answers().await?;
        self.check(target, None, revives)?;
        let trouble = {
            let mut state = self.stage.state.lock();
            state.performed.push(key.to_owned());
            state
                .troubles
                .get_mut(key)
                .and_then(std::collections::VecDeque::pop_front)
        };
        let document = target
            .filter(|_| in_document(&primitive))
            .and_then(|target| self.document(target));
        match trouble {
            Some(Trouble::Fail(error)) => return Err(error),
            Some(Trouble::Say(text)) => return Ok(Effect::Text(text)),
            Some(Trouble::Hold(mut released, arrived)) => {
                arrived.send_replace(true);
                let go_on = async {
                    if released.wait_for(|go| *go).await.is_err() {
                        std::future::pending::<()>().await;
                    }
                };
                self.unless_lost(target, document, revives, go_on).await?;
            }
            Some(Trouble::EndBrowser) => {
                let browser = self.stage.state.lock().browsers.remove(&self.process.pid);
                if let Some(browser) = browser {
                    browser.end("its process was killed");
                }
                self.check(target, None, revives)?;
            }
            None => {}
        }
        if in_document(&primitive) {
            self.until_answered(target, document).await?;
        }
        self.run(primitive, document).await
    }

    async fn run(
        &self,
        primitive: Primitive,
        document: Option<DocumentKey>,
    ) -> AdapterResult<Effect> {
        match primitive {
            Primitive::CreateTarget { url } => {
                let (target, frame) = self.open(None, "about:blank");
                if let Some(url) = url {
                    self.navigate(target, &url).await?;
                }
                Ok(Effect::Target { target, frame })
            }
            Primitive::CloseTarget { target } => {
                self.close_tab(target);
                Ok(Effect::Done)
            }
            Primitive::Navigate { target, url } => self.navigate(target, &url).await,
            Primitive::Reload { target, .. } => {
                let url = self.with_tab(target, |tab| tab.document.url.clone())?;
                self.go(target, &url, false).await?;
                Ok(Effect::Done)
            }
            Primitive::TraverseHistory { target, delta } => self.traverse(target, delta).await,
            Primitive::CallBridge { target, call, .. } => self.bridge(target, document, call).await,
            Primitive::Evaluate {
                target, expression, ..
            } => self.evaluate(target, document, &expression).await,
            Primitive::Input { target, actions }
            | Primitive::InputTold {
                target, actions, ..
            } => {
                if actions
                    .iter()
                    .any(|action| matches!(action, InputAction::Tap { .. }))
                {
                    return Err(AdapterError::Unsupported {
                        primitive: "touch input",
                    });
                }
                for action in actions {
                    self.input(target, action);
                }
                self.until_answered(Some(target), None).await?;
                Ok(Effect::Done)
            }
            Primitive::Screenshot { .. } => Ok(Effect::Image(PICTURE.to_owned())),
            Primitive::AnswerDialog {
                target,
                accept,
                text,
            } => self.answer(target, accept, text.as_deref()),
            Primitive::RevealShadowRoots { .. } => Ok(Effect::Revealed(0)),
            unsupported @ (Primitive::ReadCookies
            | Primitive::WriteCookies { .. }
            | Primitive::RemoveCookies { .. }
            | Primitive::VisitEmpty { .. }
            | Primitive::Print { .. }
            | Primitive::StartTrace { .. }
            | Primitive::StopTrace { .. }
            | Primitive::Emulate { .. }) => Err(AdapterError::Unsupported {
                primitive: unsupported.name(),
            }),
            Primitive::ActivateTarget { .. } | Primitive::SetViewport { .. } => Ok(Effect::Done),
            // It has no network and no files: its capabilities say so.
            other @ (Primitive::SetNetworkPolicy { .. }
            | Primitive::Decide { .. }
            | Primitive::ResponseBody { .. }
            | Primitive::ReadDownload { .. }
            | Primitive::CancelDownload { .. }
            | Primitive::SetFiles { .. }) => Err(AdapterError::Unsupported {
                primitive: other.name(),
            }),
        }
    }

    fn touch(&self) {
        self.version.send_modify(|version| *version += 1);
    }

    fn with_tab<T>(&self, target: TargetKey, act: impl FnOnce(&mut Tab) -> T) -> AdapterResult<T> {
        self.tabs
            .lock()
            .get_mut(&target)
            .map(act)
            .ok_or(AdapterError::TargetClosed)
    }

    fn document(&self, target: TargetKey) -> Option<DocumentKey> {
        self.with_tab(target, |tab| tab.document.key).ok()
    }

    /// Whether what a primitive needs is still there.
    fn check(
        &self,
        target: Option<TargetKey>,
        document: Option<DocumentKey>,
        revives: bool,
    ) -> AdapterResult<()> {
        self.process.lost()?;
        let Some(target) = target else { return Ok(()) };
        self.with_tab(target, |tab| match document {
            _ if tab.crashed && !revives => Err(AdapterError::TargetCrashed),
            Some(document) if document != tab.document.key => Err(AdapterError::DocumentGone),
            _ => Ok(()),
        })?
    }

    /// Waits for `ready`, or fails as soon as what the primitive needs is gone.
    async fn unless_lost<T>(
        &self,
        target: Option<TargetKey>,
        document: Option<DocumentKey>,
        revives: bool,
        ready: impl Future<Output = T>,
    ) -> AdapterResult<T> {
        let (mut version, mut ended) = (self.version.subscribe(), self.process.ended.subscribe());
        let lost = async {
            loop {
                if let Err(error) = self.check(target, document, revives) {
                    return error;
                }
                tokio::select! {
                    _ = version.changed() => {}
                    _ = ended.changed() => {}
                }
            }
        };
        tokio::select! {
            biased;
            error = lost => Err(error),
            ready = ready => Ok(ready),
        }
    }

    /// Waits while a dialog is open.
    async fn until_answered(
        &self,
        target: Option<TargetKey>,
        document: Option<DocumentKey>,
    ) -> AdapterResult<()> {
        let Some(target) = target else { return Ok(()) };
        let mut version = self.version.subscribe();
        let asked = || {
            self.with_tab(target, |tab| tab.asked.is_some())
                .unwrap_or(false)
        };
        let answered = async {
            while asked() {
                if version.changed().await.is_err() {
                    return;
                }
            }
        };
        match self
            .unless_lost(Some(target), document, false, answered)
            .await
        {
            // A page that its own click closed has handled the click.
            Err(AdapterError::TargetClosed) if document.is_none() => Ok(()),
            outcome => outcome,
        }
    }

    fn open(&self, opener: Option<TargetKey>, url: &str) -> (TargetKey, FrameKey) {
        let (target, frame) = (TargetKey(self.stage.key()), FrameKey(self.stage.key()));
        self.tabs
            .lock()
            .insert(target, Tab::blank(frame, DocumentKey(self.stage.key())));
        self.events.emit(Event::TargetOpened {
            target,
            frame,
            opener,
            url: url.to_owned(),
        });
        (target, frame)
    }

    fn close_tab(&self, target: TargetKey) {
        if self.tabs.lock().remove(&target).is_some() {
            self.events.emit(Event::TargetClosed { target });
            self.touch();
        }
    }

    /// Ends the renderer of a page.
    pub(super) fn crash(&self, target: TargetKey) {
        drop(self.with_tab(target, |tab| tab.crashed = true));
        self.events.emit(Event::TargetCrashed { target });
        self.touch();
    }

    async fn bridge(
        &self,
        target: TargetKey,
        document: Option<DocumentKey>,
        call: BridgeCall,
    ) -> AdapterResult<Effect> {
        let args: Value = serde_json::from_str(call.args.get()).unwrap_or_default();
        // It was meant for the document whose guard was armed: a navigation that the action began has replaced it.
        if call.name == "verdict" && self.with_tab(target, |tab| tab.document.armed.is_none())? {
            return Err(AdapterError::DocumentGone);
        }
        let mut version = self.version.subscribe();
        let asked = || {
            self.with_tab(target, |tab| {
                bridge::call(&mut tab.document, call.name, &args)
            })
        };
        let answered = async {
            loop {
                match asked()? {
                    Reply::Text(text) => return Ok(text),
                    // It ends with the fake at the latest.
                    Reply::Wait => drop(version.changed().await),
                }
            }
        };
        let within = Duration::from_millis(
            args.get("timeoutMs")
                .and_then(Value::as_u64)
                .unwrap_or(60_000),
        );
        match tokio::time::timeout(
            within,
            self.unless_lost(Some(target), document, false, answered),
        )
        .await
        {
            Ok(text) => Ok(Effect::Text(text??)),
            Err(_) => Ok(Effect::Text(bridge::timed_out())),
        }
    }

    async fn evaluate(
        &self,
        target: TargetKey,
        document: Option<DocumentKey>,
        expression: &str,
    ) -> AdapterResult<Effect> {
        let evaluated = match self.stage.script.value(expression) {
            Some(Scripted::Json(json)) => {
                Evaluated::Value(RawValue::from_string((*json).to_owned()).unwrap_or_default())
            }
            Some(Scripted::Unserializable(text)) => Evaluated::Unserializable((*text).to_owned()),
            Some(Scripted::Throws(text)) => Evaluated::Threw(ScriptError {
                text: (*text).to_owned(),
                line: None,
                column: None,
            }),
            Some(Scripted::Never) => {
                self.unless_lost(Some(target), document, false, std::future::pending::<()>())
                    .await?;
                Evaluated::Unserializable("undefined".to_owned())
            }
            Some(Scripted::Asks(dialog, value)) => {
                self.act(target, vec![Act::Ask(dialog.clone())]);
                self.until_answered(Some(target), document).await?;
                let (accepted, text) = self
                    .with_tab(target, |tab| tab.answered.take())?
                    .unwrap_or_default();
                let json = value(accepted, text.as_deref());
                Evaluated::Value(RawValue::from_string(json).unwrap_or_default())
            }
            Some(Scripted::Does(act)) => {
                self.act(target, vec![act.clone()]);
                Evaluated::Value(RawValue::NULL.to_owned())
            }
            None => {
                let text = format!("ReferenceError: the fake has no script for {expression}");
                Evaluated::Threw(ScriptError {
                    text,
                    line: None,
                    column: None,
                })
            }
        };
        Ok(Effect::Evaluated(evaluated))
    }

    fn input(&self, target: TargetKey, action: InputAction) {
        let acts = self.with_tab(target, |tab| match action {
            InputAction::MouseUp {
                y,
                button: MouseButton::Left,
                ..
            } => tab.document.click(bridge::at_point(y)),
            InputAction::InsertText { text } => tab.document.enter(&text),
            InputAction::KeyDown { key, .. } => match key.key.as_str() {
                "Delete" | "Backspace" if tab.document.selected => tab.document.enter(""),
                _ => tab.document.enter(key.text.as_deref().unwrap_or_default()),
            },
            _ => Vec::new(),
        });
        self.act(target, acts.unwrap_or_default());
    }

    fn answer(
        &self,
        target: TargetKey,
        accepted: bool,
        text: Option<&str>,
    ) -> AdapterResult<Effect> {
        let asked = self.with_tab(target, |tab| {
            tab.answered = Some((accepted, text.map(str::to_owned)));
            tab.asked.take()
        })?;
        let Some((dialog, rest)) = asked else {
            return Err(AdapterError::DialogMissing);
        };
        self.events.emit(Event::DialogClosed { target, accepted });
        self.act(
            target,
            (dialog.then)(accepted, text)
                .into_iter()
                .chain(rest)
                .collect(),
        );
        self.touch();
        Ok(Effect::Done)
    }

    /// Does what a page does, until it asks something.
    fn act(&self, target: TargetKey, acts: Vec<Act>) {
        let mut acts = acts.into_iter();
        while let Some(act) = acts.next() {
            if let Act::Ask(dialog) = act {
                let opened = Event::DialogOpened {
                    target,
                    kind: dialog.kind,
                    message: dialog.message.to_owned(),
                    default_text: dialog.default_text.map(str::to_owned),
                };
                let rest = acts.collect();
                if self
                    .with_tab(target, |tab| tab.asked = Some((dialog, rest)))
                    .is_ok()
                {
                    self.events.emit(opened);
                }
                break;
            }
            self.do_one(target, act);
        }
        self.touch();
    }

    fn do_one(&self, target: TargetKey, act: Act) {
        let Ok((frame, here)) = self.with_tab(target, |tab| (tab.frame, tab.document.url.clone()))
        else {
            return;
        };
        match act {
            Act::Report(id) => drop(tokio::spawn(report(here, id))),
            Act::Go(path) => {
                let url = beside(&here, path);
                let page = self.page(&url);
                self.events.emit(Event::NavigationStarted {
                    target,
                    frame,
                    url: url.clone(),
                });
                let keys = (
                    DocumentKey(self.stage.key()),
                    RequestKey(self.stage.key()),
                    200,
                );
                // The page was there a moment ago; if it is not, nobody waits for it.
                drop(self.commit(target, frame, keys, &url, &page, true));
            }
            Act::Route(path) => {
                let url = beside(&here, path);
                drop(self.with_tab(target, |tab| url.clone_into(&mut tab.document.url)));
                self.events.emit(Event::UrlChanged { target, frame, url });
            }
            Act::Open(path) => {
                let url = beside(&here, path);
                let (popup, frame) = self.open(Some(target), "about:blank");
                let page = self.page(&url);
                let keys = (
                    DocumentKey(self.stage.key()),
                    RequestKey(self.stage.key()),
                    200,
                );
                drop(self.commit(popup, frame, keys, &url, &page, true));
            }
            Act::Log(level, text) => self.events.emit(Event::Console {
                target,
                level,
                text,
                location: None,
                timestamp_ms: 0,
            }),
            Act::Throw(text) => {
                let text = text.to_owned();
                self.events.emit(Event::Exception {
                    target,
                    text,
                    stack: None,
                    location: None,
                    timestamp_ms: 0,
                });
            }
            Act::Close => self.close_tab(target),
            Act::Crash => self.crash(target),
            Act::Say(_) | Act::Remove(_) | Act::Enable(_) => {
                drop(self.with_tab(target, |tab| tab.document.change(act)))
            }
            // It ends the list, which is done by the caller.
            Act::Ask(_) => {}
        }
    }
}

impl Tab {
    fn push(&mut self, url: &str) {
        self.history.truncate(self.at + 1);
        self.history.push(url.to_owned());
        self.at = self.history.len() - 1;
    }
}

/// Tells the server of `here` what happened, as the site's pages do.
async fn report(here: String, id: String) {
    let Some(host) = here
        .strip_prefix("http://")
        .and_then(|rest| rest.split('/').next())
    else {
        return;
    };
    let Ok(mut stream) = tokio::net::TcpStream::connect(host).await else {
        return;
    };
    let request = format!(
        "POST /report?id={id} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    if stream.write_all(request.as_bytes()).await.is_ok() {
        // The server closes the connection when it has answered.
        drop(stream.read_to_end(&mut Vec::new()).await);
    }
}
