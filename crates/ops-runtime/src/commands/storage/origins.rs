//! The local storage of origins, whether a page shows them or not: where a frame is at the origin it is asked; else a page of
//! our own, which nobody else sees, goes to an empty document there.

use std::sync::Arc;

use ops_contracts::adapter::{BridgeCall, Context, Effect, FrameKey, Primitive, TargetKey};
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bridge;
use crate::cx::{Cx, unexpected};
use crate::origin;
use crate::world::World;

/// Reaches origins; ends its own page, if it needed one, when it is dropped.
pub(super) struct Origins<'a> {
    cx: &'a Cx,
    own: Option<OwnPage>,
}

struct OwnPage {
    context: Arc<dyn Context>,
    world: Arc<World>,
    target: TargetKey,
    frame: FrameKey,
}

impl Drop for OwnPage {
    fn drop(&mut self) {
        let (context, world, target) = (self.context.clone(), self.world.clone(), self.target);
        tokio::spawn(async move {
            // It may be gone already, with its browser.
            let _ = context.perform(Primitive::CloseTarget { target }).await;
            world.lock().forget_hidden(target);
        });
    }
}

impl<'a> Origins<'a> {
    pub(super) const fn new(cx: &'a Cx) -> Self {
        Self { cx, own: None }
    }

    /// Calls the bridge's `storage` at an origin.
    pub(super) async fn storage<R: DeserializeOwned>(&mut self, origin: &str, ask: &impl Serialize) -> Outcome<R> {
        if let Some((target, frame)) = self.shown(origin)
            && let Ok(result) = self.call(target, frame, ask).await
        {
            return Ok(result);
        }
        let (target, frame) = self.own_page().await?;
        let url = format!("{origin}/");
        let Effect::Navigation { failure, .. } = self.cx.perform(Primitive::VisitEmpty { target, url }).await? else {
            return Err(unexpected());
        };
        if let Some(failure) = failure {
            return Err(Fault::new(failure.code(), format!("{origin} can't be visited: {}", failure.reason)));
        }
        self.call(target, frame, ask).await
    }

    /// A frame at the origin that can be asked.
    fn shown(&self, origin: &str) -> Option<(TargetKey, FrameKey)> {
        let state = self.cx.world.lock();
        let usable = |target: TargetKey| state.tab(target).is_some_and(|tab| !tab.crashed && tab.dialog.is_none());
        let frame =
            state.frames.iter().find(|frame| origin::of_url(&frame.url).as_deref() == Some(origin) && usable(frame.target))?;
        Some((frame.target, frame.key))
    }

    async fn call<R: DeserializeOwned>(&self, target: TargetKey, frame: FrameKey, ask: &impl Serialize) -> Outcome<R> {
        let args = serde_json::value::to_raw_value(ask).map_err(|_| Fault::plain(ErrorCode::OpsInternal))?;
        let call = BridgeCall { name: "storage", args, owner_of: None };
        let Effect::Text(text) = self.cx.perform(Primitive::CallBridge { target, frame, call }).await? else {
            return Err(unexpected());
        };
        bridge::parse(&text, 0).0
    }

    async fn own_page(&mut self) -> Outcome<(TargetKey, FrameKey)> {
        if let Some(own) = &self.own {
            return Ok((own.target, own.frame));
        }
        self.cx.waiting_for("a page to reach other origins with");
        let concealed = self.cx.world.conceal();
        let Effect::Target { target, frame } = self.cx.perform(Primitive::CreateTarget { url: None }).await? else {
            return Err(unexpected());
        };
        concealed.keep(target);
        self.own = Some(OwnPage { context: self.cx.context.clone(), world: self.cx.world.clone(), target, frame });
        Ok((target, frame))
    }
}
