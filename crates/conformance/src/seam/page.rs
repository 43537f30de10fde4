//! A page under test: primitives with a deadline, what they come to, and the events of its context.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, BridgeCall, Browser, Context, ContextSpec, DocumentKey, Effect,
    Emulation, Evaluated, Event, EventSink, FrameKey, InputAction, LifecyclePhase, Modifiers,
    MouseButton, NavigationFailure, Primitive, TargetKey,
};
use parking_lot::{Mutex, MutexGuard};
use serde_json::value::RawValue;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::fixture::PATIENCE;
use crate::suite::Failure;

/// An expression that never settles.
pub const NEVER: &str = "new Promise(() => {})";

impl From<AdapterError> for Failure {
    #[track_caller]
    fn from(error: AdapterError) -> Self {
        let at = std::panic::Location::caller();
        let file = at.file().rsplit('/').next().unwrap_or_default();
        Self {
            message: format!("{file}:{}: {error} ({error:?})", at.line()),
            code: Some(error.code()),
        }
    }
}

/// Remembers every event and lets a case wait for one.
#[derive(Default)]
pub struct Recorder {
    events: Mutex<Vec<Event>>,
    more: Notify,
}

impl EventSink for Recorder {
    fn emit(&self, event: Event) {
        self.lock().push(event);
        self.more.notify_waiters();
    }
}

impl Recorder {
    fn lock(&self) -> MutexGuard<'_, Vec<Event>> {
        self.events.lock()
    }

    /// How many events there are now; waits from here see later ones only.
    pub fn mark(&self) -> usize {
        self.lock().len()
    }

    /// What `pick` takes of the events from a mark on, so far.
    pub fn all<T>(&self, mark: usize, pick: impl Fn(&Event) -> Option<T>) -> Vec<T> {
        self.lock()[mark..].iter().filter_map(pick).collect()
    }

    /// Waits for the first event from a mark on that `pick` takes.
    pub async fn after<T>(
        &self,
        mark: usize,
        what: &str,
        pick: impl Fn(&Event) -> Option<T>,
    ) -> Result<T, Failure> {
        let search = async {
            loop {
                let more = self.more.notified();
                tokio::pin!(more);
                // Before the look at what is there, or an event in between would be slept over.
                more.as_mut().enable();
                if let Some(found) = self.lock()[mark..].iter().find_map(&pick) {
                    return found;
                }
                more.await;
            }
        };
        tokio::time::timeout(PATIENCE, search).await.map_err(|_| {
            let seen = self.lock()[mark..].to_vec();
            Failure::new(format!("no event came of {what}; these did: {seen:?}"))
        })
    }

    /// The frame that commits this URL.
    pub async fn committed(&self, mark: usize, wanted: &str) -> Result<FrameKey, Failure> {
        self.after(mark, wanted, |event| match event {
            Event::NavigationCommitted { frame, url, .. } if url == wanted => Some(*frame),
            _ => None,
        })
        .await
    }

    /// Waits for this text on the console.
    pub async fn console(&self, mark: usize, wanted: &str) -> Result<TargetKey, Failure> {
        self.after(mark, wanted, |event| match event {
            Event::Console { target, text, .. } if text == wanted => Some(*target),
            _ => None,
        })
        .await
    }
}

/// A context with its first page.
#[derive(Clone)]
pub struct Page {
    /// Its browser.
    pub browser: Arc<dyn Browser>,
    /// Its context.
    pub context: Arc<dyn Context>,
    /// What its context told.
    pub events: Arc<Recorder>,
    /// The page.
    pub target: TargetKey,
    /// Its main frame.
    pub frame: FrameKey,
}

/// Work that has begun and has not ended.
pub struct Pending(JoinHandle<AdapterResult<Effect>>);

impl Pending {
    /// What comes of it; it must end by itself.
    pub async fn ended(self) -> AdapterResult<Effect> {
        match tokio::time::timeout(PATIENCE, self.0).await {
            Ok(Ok(outcome)) => outcome,
            // A cancelled or panicked task, or one that hangs, is none of the seam's errors.
            _ => Err(AdapterError::Unresponsive),
        }
    }

    /// Drops it.
    pub async fn abandon(self) {
        self.0.abort();
        // It was aborted: that is its outcome.
        let _ = self.0.await;
    }
}

impl Page {
    /// Opens a context in a browser; a browser that hangs is `Unresponsive`.
    pub async fn open(browser: Arc<dyn Browser>, spec: ContextSpec) -> AdapterResult<Self> {
        let events = Arc::new(Recorder::default());
        let opening = browser.open_context(spec, events.clone());
        let opened = tokio::time::timeout(PATIENCE * 2, opening)
            .await
            .unwrap_or(Err(AdapterError::Unresponsive))?;
        Ok(Self {
            browser,
            context: opened.context,
            events,
            target: opened.target,
            frame: opened.frame,
        })
    }

    /// Another page of the same context.
    pub fn at(&self, target: TargetKey, frame: FrameKey) -> Self {
        Self {
            target,
            frame,
            ..self.clone()
        }
    }

    /// Performs a primitive; one that hangs is `Unresponsive`, which no case expects.
    pub async fn perform(&self, primitive: Primitive) -> AdapterResult<Effect> {
        tokio::time::timeout(PATIENCE, self.context.perform(primitive))
            .await
            .unwrap_or(Err(AdapterError::Unresponsive))
    }

    /// Performs a primitive whose effect is `Done`.
    pub async fn done(&self, primitive: Primitive) -> Result<(), Failure> {
        match self.perform(primitive).await? {
            Effect::Done => Ok(()),
            other => Err(Failure::new(format!("expected Done, found {other:?}"))),
        }
    }

    /// Starts a primitive beside the case, and returns when it has been sent.
    pub async fn start(&self, primitive: Primitive) -> Pending {
        let context = Arc::clone(&self.context);
        let (began, begun) = oneshot::channel();
        let work = tokio::spawn(async move {
            let mut work = context.perform(primitive);
            // Messages are enqueued by the first poll.
            let first = poll_fn(|cx| match work.as_mut().poll(cx) {
                Poll::Ready(done) => Poll::Ready(Some(done)),
                Poll::Pending => Poll::Ready(None),
            })
            .await;
            // The case waits for this, or has ended.
            let _ = began.send(());
            match first {
                Some(done) => done,
                None => work.await,
            }
        });
        // An error means that the task is over, which its outcome tells.
        let _ = begun.await;
        Pending(work)
    }

    /// Starts a primitive in a frame, and returns when the browser has begun with it: what is sent later is answered later.
    pub async fn pending(&self, frame: FrameKey, primitive: Primitive) -> Result<Pending, Failure> {
        let work = self.start(primitive).await;
        self.eval_in(frame, "1").await?;
        Ok(work)
    }

    /// Goes there, and returns what came of it.
    pub async fn navigate(
        &self,
        url: &str,
    ) -> Result<(Option<DocumentKey>, Option<NavigationFailure>), Failure> {
        navigated(self.perform(self.to(url)).await?)
    }

    /// The primitive that sends the page there.
    pub fn to(&self, url: &str) -> Primitive {
        Primitive::Navigate {
            target: self.target,
            url: url.to_owned(),
        }
    }

    /// Goes there and waits until it is loaded.
    pub async fn goto(&self, url: &str) -> Result<DocumentKey, Failure> {
        let mark = self.events.mark();
        let (Some(wanted), None) = self.navigate(url).await? else {
            return Err(Failure::new(format!("{url} gave no document")));
        };
        self.events
            .after(mark, "a load", |event| match event {
                Event::Lifecycle {
                    document, phase, ..
                } => (*document == wanted && *phase == LifecyclePhase::Load).then_some(()),
                _ => None,
            })
            .await?;
        Ok(wanted)
    }

    /// A call of the bridge.
    pub fn call(
        &self,
        frame: FrameKey,
        name: &'static str,
        args: &str,
        owner_of: Option<FrameKey>,
    ) -> Primitive {
        let args = RawValue::from_string(args.to_owned()).unwrap_or_default();
        Primitive::CallBridge {
            target: self.target,
            frame,
            call: BridgeCall {
                name,
                args,
                owner_of,
            },
        }
    }

    /// What the bridge of a frame answers.
    pub async fn bridge_in(
        &self,
        frame: FrameKey,
        name: &'static str,
        args: &str,
    ) -> AdapterResult<String> {
        match self.perform(self.call(frame, name, args, None)).await? {
            Effect::Text(text) => Ok(text),
            _ => Err(AdapterError::Unresponsive),
        }
    }

    /// What the bridge of the main frame answers.
    pub async fn bridge(&self, name: &'static str, args: &str) -> AdapterResult<String> {
        self.bridge_in(self.frame, name, args).await
    }

    /// Name and id of the element that holds a frame.
    pub async fn owner(&self, frame: FrameKey, child: FrameKey) -> AdapterResult<String> {
        match self
            .perform(self.call(frame, "owner", "{}", Some(child)))
            .await?
        {
            Effect::Text(text) => Ok(text),
            _ => Err(AdapterError::Unresponsive),
        }
    }

    /// The primitive that evaluates an expression.
    pub fn expression(&self, frame: FrameKey, expression: &str) -> Primitive {
        Primitive::Evaluate {
            target: self.target,
            frame,
            expression: expression.to_owned(),
            await_promise: true,
        }
    }

    /// What an expression comes to in a frame.
    pub async fn eval_in(&self, frame: FrameKey, expression: &str) -> AdapterResult<Evaluated> {
        match self.perform(self.expression(frame, expression)).await? {
            Effect::Evaluated(evaluated) => Ok(evaluated),
            _ => Err(AdapterError::Unresponsive),
        }
    }

    /// The JSON of an expression's value, or what it is instead.
    pub async fn eval(&self, expression: &str) -> AdapterResult<String> {
        self.eval_in(self.frame, expression).await.map(shown)
    }

    /// The middle of an element.
    pub async fn center(&self, css: &str) -> Result<(f64, f64), Failure> {
        let args = serde_json::json!({ "css": css }).to_string();
        let text = self.bridge("center", &args).await?;
        serde_json::from_str(&text).map_err(|error| Failure::new(format!("{error}: {text}")))
    }

    /// Dispatches input.
    pub async fn input(&self, actions: Vec<InputAction>) -> AdapterResult<Effect> {
        self.perform(Primitive::Input {
            target: self.target,
            actions,
        })
        .await
    }

    /// Applies an emulation.
    pub async fn emulate(&self, setting: Emulation) -> Result<(), Failure> {
        self.done(Primitive::Emulate { setting }).await
    }

    /// Adds a frame to a document, and returns it when it is there.
    pub async fn add_frame(
        &self,
        parent: FrameKey,
        id: &str,
        url: &str,
    ) -> Result<FrameKey, Failure> {
        let mark = self.events.mark();
        let script = format!(
            "document.body.append(Object.assign(document.createElement('iframe'), {{ id: '{id}', src: '{url}' }})); 0"
        );
        self.eval_in(parent, &script).await?;
        self.events.committed(mark, url).await
    }

    /// Waits until a page is closed.
    pub async fn closed(&self, mark: usize) -> Result<(), Failure> {
        self.events
            .after(mark, "a page's end", |event| {
                matches!(event, Event::TargetClosed { target } if *target == self.target)
                    .then_some(())
            })
            .await
    }
}

/// What an expression came to, as text.
pub(super) fn shown(evaluated: Evaluated) -> String {
    match evaluated {
        // The same value has many texts: browsers escape as they like.
        Evaluated::Value(value) => serde_json::from_str::<serde_json::Value>(value.get())
            .map_or_else(|error| error.to_string(), |value| value.to_string()),
        Evaluated::Unserializable(text) => text,
        Evaluated::Threw(error) => format!("threw {}", error.text),
    }
}

/// The document or the failure of a navigation.
pub(super) fn navigated(
    effect: Effect,
) -> Result<(Option<DocumentKey>, Option<NavigationFailure>), Failure> {
    match effect {
        Effect::Navigation { document, failure } => Ok((document, failure)),
        other => Err(Failure::new(format!(
            "expected a navigation, found {other:?}"
        ))),
    }
}

/// Move, press and release at a point.
pub fn click(at: (f64, f64), click_count: u8, modifiers: Modifiers) -> Vec<InputAction> {
    InputAction::click(at, MouseButton::Left, click_count, modifiers).to_vec()
}

/// A plain click.
pub(super) fn press(at: (f64, f64)) -> Vec<InputAction> {
    click(at, 1, Modifiers::default())
}
