//! What a command works with: its session's context and world, its deadline, its meter; and `Page`, the page it acts on.

use std::sync::Arc;
use std::time::Duration;

use ops_contracts::seam::adapter::{
    AdapterError, BridgeCall, Context, Effect, FrameKey, Primitive, TargetKey,
};
use ops_contracts::wire::capability::Capability;
use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::ids::{FrameId, RequestId, TargetId};
use ops_contracts::wire::locator::{Locator, LocatorKey};
use ops_contracts::wire::routing::LegacyLane;
use ops_contracts::{ErrorCode, Fault, Outcome};
use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::bridge;
use crate::call::{self, CallContext};
use crate::meter::Meter;
use crate::session::Session;
use crate::world::World;

/// How deeply closed shadow roots are looked for inside each other.
const SHADOW_DEPTH: u32 = 4;

/// The surroundings of one command.
pub(crate) struct Cx {
    pub(crate) session: Arc<Session>,
    pub(crate) context: Arc<dyn Context>,
    pub(crate) world: Arc<World>,
    pub(crate) meter: Arc<Meter>,
    pub(crate) deadline: Instant,
    /// The request that the command answers.
    pub(crate) request: RequestId,
    /// Number of the last event before the request began; a batch has one for all its commands.
    pub(crate) mark: u64,
    /// Whether its caller could have a new session of the legacy lane; nothing where there is no such lane.
    legacy: Option<LegacyLane>,
    waiting_for: Mutex<&'static str>,
    /// The page that the command has turned to, unless its renderer was dead already.
    alive: Mutex<Option<TargetKey>>,
}

/// A page that a command acts on.
pub(crate) struct Page<'a> {
    pub(crate) cx: &'a Cx,
    pub(crate) key: TargetKey,
    pub(crate) id: TargetId,
    pub(crate) main: FrameKey,
}

/// A frame with its number in refs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FrameAt {
    pub(crate) key: FrameKey,
    pub(crate) number: u32,
}

impl Cx {
    pub(crate) fn new(session: Arc<Session>, call: CallContext) -> Self {
        let CallContext {
            request,
            deadline,
            meter,
            legacy,
        } = call;
        let live = session.live();
        let mark = live.world.lock().seq;
        Self {
            session,
            context: live.context,
            world: live.world,
            meter,
            deadline,
            mark,
            request,
            legacy,
            waiting_for: Mutex::new("the browser"),
            alive: Mutex::default(),
        }
    }

    /// Refuses a command that the session's adapter can't perform, before anything of it is tried.
    ///
    /// # Errors
    /// `ops_not_supported`, naming the capability.
    pub(crate) fn capable(&self, name: CommandName) -> Outcome<()> {
        let plan = &self.session.plan;
        match name
            .spec()
            .needs
            .iter()
            .find(|need| !plan.capabilities.has(**need))
        {
            Some(need) => {
                let message = format!(
                    "{name} needs {}, which this session's browser does not offer",
                    need.as_str()
                );
                Err(Fault::new(ErrorCode::OpsNotSupported, message)
                    .with("capability", need)
                    .with("browser", plan.params.browser))
            }
            None => Ok(()),
        }
    }

    /// Refuses what needs more than its command does in general.
    ///
    /// # Errors
    /// `ops_not_supported`, naming the capability.
    pub(crate) fn needs(&self, need: Capability) -> Outcome<()> {
        if self.session.plan.capabilities.has(need) {
            return Ok(());
        }
        let message = format!(
            "this needs {}, which this session's browser does not offer",
            need.as_str()
        );
        Err(Fault::new(ErrorCode::OpsNotSupported, message)
            .with("capability", need)
            .with("browser", self.session.plan.params.browser))
    }

    /// Time left until the deadline.
    pub(crate) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Notes what is being waited for, for the error at the deadline.
    pub(crate) fn waiting_for(&self, what: &'static str) {
        *self.waiting_for.lock() = what;
    }

    /// Forgets what the command before it in a batch was about.
    pub(crate) fn begin(&self) {
        *self.alive.lock() = None;
    }

    /// The page that the command is about, whose renderer was alive when it began.
    pub(crate) fn alive(&self) -> Option<TargetKey> {
        *self.alive.lock()
    }

    /// The fault of a command whose deadline has passed.
    pub(crate) fn timed_out(&self) -> Fault {
        let what = *self.waiting_for.lock();
        Fault::new(
            ErrorCode::OpsTimeout,
            format!("the deadline passed while waiting for {what}"),
        )
        .with("waitingFor", what)
    }

    /// The refusal of an operation that the session's adapters can't do, as it is for a caller beside the legacy lane.
    pub(crate) fn beside_legacy(&self, fault: Fault) -> Fault {
        if fault.code != ErrorCode::OpsNotSupported || self.legacy.is_none() {
            return fault;
        }
        call::beside_legacy(fault, self.legacy).with("browser", self.session.plan.params.browser)
    }

    /// The page named, or the current one, whatever state it is in.
    pub(crate) fn any_page(&self, id: Option<&TargetId>) -> Outcome<Page<'_>> {
        let state = self.world.lock();
        if let Some(reason) = &state.lost {
            return Err(Fault::new(
                ErrorCode::OpsSessionLost,
                format!("the session lost its browser: {reason}"),
            ));
        }
        let tab = match id {
            Some(id) => state.tabs.iter().find(|tab| tab.id == *id),
            None => state.current.and_then(|current| state.tab(current)),
        };
        if let Some(tab) = tab {
            *self.alive.lock() = (!tab.crashed).then_some(tab.key);
        }
        match (tab, id) {
            (Some(tab), _) => Ok(Page {
                cx: self,
                key: tab.key,
                id: tab.id.clone(),
                main: tab.main,
            }),
            (None, Some(id)) => {
                let open: Vec<_> = state.tabs.iter().map(|tab| tab.id.clone()).collect();
                Err(Fault::new(
                    ErrorCode::OpsTargetUnknown,
                    format!("the session has no page {id}"),
                )
                .with("targets", open))
            }
            (None, None) => Err(Fault::new(
                ErrorCode::OpsTargetUnknown,
                "the session has no page: open one with targets.new",
            )),
        }
    }

    /// The page named, or the current one; refused while a dialog blocks it or its renderer is dead.
    pub(crate) fn page(&self, id: Option<&TargetId>) -> Outcome<Page<'_>> {
        let page = self.any_page(id)?;
        page.check_dialog()?;
        if self
            .world
            .lock()
            .tab(page.key)
            .is_some_and(|tab| tab.crashed)
        {
            return Err(Fault::plain(ErrorCode::AdapterTargetCrashed).with("targetId", &page.id));
        }
        page.check_files()?;
        Ok(page)
    }

    /// Performs a primitive and meters it.
    pub(crate) async fn perform(&self, primitive: Primitive) -> Result<Effect, AdapterError> {
        let guard = self.meter.call();
        let effect = self.context.perform(primitive).await;
        drop(guard);
        if let Err(error) = &effect {
            tracing::debug!(code = error.code().as_str(), %error, "a primitive failed");
        }
        effect
    }
}

impl Page<'_> {
    /// Refuses while a dialog blocks the page.
    pub(crate) fn check_dialog(&self) -> Outcome<()> {
        match self
            .cx
            .world
            .lock()
            .tab(self.key)
            .and_then(|tab| tab.dialog.as_ref())
        {
            Some((_, dialog)) => Err(Fault::plain(ErrorCode::OpsDialogOpen).with("dialog", dialog)),
            None => Ok(()),
        }
    }

    /// Refuses while a frame of the page shows a file that is never shown: pages can go where no command may.
    fn check_files(&self) -> Outcome<()> {
        let state = self.cx.world.lock();
        let mut of_page = state.frames.iter().filter(|frame| frame.target == self.key);
        let plan = &self.cx.session.plan;
        of_page.try_for_each(|frame| plan.check_file(&frame.url))
    }

    /// Performs a primitive that a dialog would block: when one opens meanwhile, that is the error, at once.
    pub(crate) async fn perform(&self, primitive: Primitive) -> Outcome<Effect> {
        let key = self.key;
        let blocked = self.cx.world.until(|state| {
            state
                .tab(key)
                .and_then(|tab| tab.dialog.as_ref())
                .map(|(_, dialog)| dialog.clone())
        });
        tokio::select! {
            biased;
            effect = self.cx.perform(primitive) => Ok(effect?),
            dialog = blocked => Err(Fault::plain(ErrorCode::OpsDialogOpen).with("dialog", dialog)),
        }
    }

    /// Calls a bridge function in a frame; a dialog that opens meanwhile is the error.
    pub(crate) async fn bridge<R: DeserializeOwned>(
        &self,
        frame: FrameAt,
        name: &'static str,
        args: &impl Serialize,
    ) -> Outcome<R> {
        for _ in 0..SHADOW_DEPTH {
            let effect = self
                .perform(self.bridge_call(frame, name, args, None)?)
                .await?;
            let (outcome, hosts) = self.bridge_answer_with_hosts(frame, effect)?;
            if !hosts || !self.reveal(frame).await {
                return outcome;
            }
        }
        let effect = self
            .perform(self.bridge_call(frame, name, args, None)?)
            .await?;
        self.bridge_answer(frame, effect)
    }

    /// Lets the adapter show the bridge closed shadow roots that it has asked for; whether it saw new ones.
    async fn reveal(&self, frame: FrameAt) -> bool {
        let primitive = Primitive::RevealShadowRoots {
            target: self.key,
            frame: frame.key,
        };
        matches!(self.perform(primitive).await, Ok(Effect::Revealed(roots)) if roots > 0)
    }

    /// The same without regard to dialogs, for actions that report them.
    pub(crate) async fn bridge_through<R: DeserializeOwned>(
        &self,
        frame: FrameAt,
        name: &'static str,
        args: &impl Serialize,
    ) -> Outcome<R> {
        let effect = self
            .cx
            .perform(self.bridge_call(frame, name, args, None)?)
            .await?;
        self.bridge_answer(frame, effect)
    }

    pub(crate) fn bridge_call(
        &self,
        frame: FrameAt,
        name: &'static str,
        args: &impl Serialize,
        owner_of: Option<FrameKey>,
    ) -> Outcome<Primitive> {
        let args = serde_json::value::to_raw_value(args)
            .map_err(|_| Fault::plain(ErrorCode::OpsInternal))?;
        Ok(Primitive::CallBridge {
            target: self.key,
            frame: frame.key,
            call: BridgeCall {
                name,
                args,
                owner_of,
            },
        })
    }

    pub(crate) fn bridge_answer<R: DeserializeOwned>(
        &self,
        frame: FrameAt,
        effect: Effect,
    ) -> Outcome<R> {
        self.bridge_answer_with_hosts(frame, effect)?.0
    }

    /// An answer, and whether elements were met that may hold closed shadow roots.
    fn bridge_answer_with_hosts<R: DeserializeOwned>(
        &self,
        frame: FrameAt,
        effect: Effect,
    ) -> Outcome<(Outcome<R>, bool)> {
        let Effect::Text(text) = effect else {
            return Err(unexpected());
        };
        let (outcome, asides) = bridge::parse(&text, frame.number);
        if let Some(next) = asides.next {
            self.cx.world.lock().numbers.used_refs(frame.number, next);
        }
        Ok((outcome, asides.hosts > 0))
    }

    /// The first element number in this frame that no element ever had.
    pub(crate) fn next_ref(&self, frame: FrameAt) -> u32 {
        self.cx.world.lock().numbers.next_ref(frame.number)
    }

    /// The page's main frame.
    pub(crate) fn main_frame(&self) -> FrameAt {
        FrameAt {
            key: self.main,
            number: 0,
        }
    }

    /// The frame named.
    pub(crate) fn frame(&self, id: &FrameId) -> Outcome<FrameAt> {
        let number = id.as_str()[1..].parse().unwrap_or(u32::MAX);
        self.frame_number(number).ok_or_else(|| {
            Fault::new(
                ErrorCode::OpsFrameUnknown,
                format!("page {} has no frame {id}", self.id),
            )
            .with("frames", self.frame_ids())
        })
    }

    /// The frame that a locator is to be resolved in.
    pub(crate) fn frame_of(&self, locator: &Locator) -> Outcome<FrameAt> {
        match (&locator.by, &locator.frame) {
            (LocatorKey::Ref(reference), _) => {
                self.frame_number(reference.frame).ok_or_else(|| {
                    Fault::new(
                        ErrorCode::OpsRefStale,
                        format!("{reference} is an element of a frame that is gone"),
                    )
                    .with("ref", reference)
                })
            }
            (_, Some(frame)) => self.frame(frame),
            _ => Ok(self.main_frame()),
        }
    }

    fn frame_number(&self, number: u32) -> Option<FrameAt> {
        if number == 0 {
            return Some(self.main_frame());
        }
        let state = self.cx.world.lock();
        state
            .frames
            .iter()
            .find(|frame| frame.target == self.key && frame.number == number)
            .map(|frame| FrameAt {
                key: frame.key,
                number,
            })
    }

    fn frame_ids(&self) -> Vec<String> {
        let state = self.cx.world.lock();
        state
            .frames
            .iter()
            .filter(|frame| frame.target == self.key)
            .map(|frame| format!("f{}", frame.number))
            .collect()
    }

    /// The page's URL, as events have told it.
    pub(crate) fn url(&self) -> String {
        self.cx
            .world
            .lock()
            .tab(self.key)
            .map(|tab| tab.nav.url.clone())
            .unwrap_or_default()
    }
}

/// The fault of an effect that does not follow from its primitive.
pub(crate) fn unexpected() -> Fault {
    Fault::new(
        ErrorCode::OpsInternal,
        "the adapter gave an effect that does not belong to the primitive",
    )
}
