//! The local storage of origins, whether a page shows them or not: where a frame is at the origin it is asked; else a page of
//! our own, which nobody else sees, goes to an empty document there.

use ops_contracts::seam::adapter::{Effect, FrameKey, Primitive, TargetKey};
use ops_contracts::{Fault, Outcome};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::commands::own_page::{self, OwnPage};
use crate::cx::{Cx, unexpected};
use crate::origin;

/// Reaches origins; ends its own page, if it needed one, when it is dropped.
pub(super) struct Origins<'a> {
    cx: &'a Cx,
    own: Option<OwnPage>,
}

impl<'a> Origins<'a> {
    pub(super) const fn new(cx: &'a Cx) -> Self {
        Self { cx, own: None }
    }

    /// Calls the bridge's `storage` at an origin.
    pub(super) async fn storage<R: DeserializeOwned>(
        &mut self,
        origin: &str,
        ask: &impl Serialize,
    ) -> Outcome<R> {
        if let Some((target, frame)) = self.shown(origin)
            && let Ok(result) = own_page::call(self.cx, (target, frame), "storage", ask).await
        {
            return Ok(result);
        }
        let (target, frame) = self.own_page().await?;
        let url = format!("{origin}/");
        let Effect::Navigation { failure, .. } = self
            .cx
            .perform(Primitive::VisitEmpty { target, url })
            .await?
        else {
            return Err(unexpected());
        };
        if let Some(failure) = failure {
            return Err(Fault::new(
                failure.code(),
                format!("{origin} can't be visited: {}", failure.reason),
            ));
        }
        own_page::call(self.cx, (target, frame), "storage", ask).await
    }

    /// A frame at the origin that can be asked.
    fn shown(&self, origin: &str) -> Option<(TargetKey, FrameKey)> {
        let state = self.cx.world.lock();
        let usable = |target: TargetKey| {
            state
                .tab(target)
                .is_some_and(|tab| !tab.crashed && tab.dialog.is_none())
        };
        let frame = state.frames.iter().find(|frame| {
            origin::of_url(&frame.url).as_deref() == Some(origin) && usable(frame.target)
        })?;
        Some((frame.target, frame.key))
    }

    async fn own_page(&mut self) -> Outcome<(TargetKey, FrameKey)> {
        if self.own.is_none() {
            self.own = Some(OwnPage::open(self.cx).await?);
        }
        self.own
            .as_ref()
            .map(|own| (own.target, own.frame))
            .ok_or_else(unexpected)
    }
}
