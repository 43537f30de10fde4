//! A page of our own in the session's context, which nobody else sees; it ends when it is dropped.

use std::sync::Arc;

use ops_contracts::seam::adapter::{BridgeCall, Context, Effect, FrameKey, Primitive, TargetKey};
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bridge;
use crate::cx::{Cx, unexpected};
use crate::world::World;

/// The page.
pub(super) struct OwnPage {
    context: Arc<dyn Context>,
    world: Arc<World>,
    pub(super) target: TargetKey,
    pub(super) frame: FrameKey,
}

impl OwnPage {
    /// Opens a blank one.
    pub(super) async fn open(cx: &Cx) -> Outcome<Self> {
        cx.waiting_for("a page of our own");
        let concealed = cx.world.conceal();
        let Effect::Target { target, frame } =
            cx.perform(Primitive::CreateTarget { url: None }).await?
        else {
            return Err(unexpected());
        };
        concealed.keep(target);
        Ok(Self {
            context: cx.context.clone(),
            world: cx.world.clone(),
            target,
            frame,
        })
    }

    /// Calls the bridge in it.
    pub(super) async fn bridge<R: DeserializeOwned>(
        &self,
        cx: &Cx,
        name: &'static str,
        args: &impl Serialize,
    ) -> Outcome<R> {
        call(cx, (self.target, self.frame), name, args).await
    }
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

/// Calls the bridge in a frame of any page, hidden ones included.
pub(super) async fn call<R: DeserializeOwned>(
    cx: &Cx,
    (target, frame): (TargetKey, FrameKey),
    name: &'static str,
    args: &impl Serialize,
) -> Outcome<R> {
    let args =
        serde_json::value::to_raw_value(args).map_err(|_| Fault::plain(ErrorCode::OpsInternal))?;
    let call = BridgeCall {
        name,
        args,
        owner_of: None,
    };
    let Effect::Text(text) = cx
        .perform(Primitive::CallBridge {
            target,
            frame,
            call,
        })
        .await?
    else {
        return Err(unexpected());
    };
    bridge::parse(&text, 0).0
}
