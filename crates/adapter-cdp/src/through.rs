//! What this adapter does in pages that another adapter drives, through that one's passage: settings of the device and touches.
//!
//! It opens nothing, hears no events and keeps no pages of its own.

use std::sync::Arc;

use futures_util::future::try_join_all;
use ops_contracts::seam::adapter::{
    AdapterError, AdapterResult, BoxFuture, Context, Effect, Emulation, InputAction, Passage,
    Performed, Primitive, RawCall, TargetKey,
};
use ops_contracts::wire::capability::Capability;
use parking_lot::Mutex;

use crate::context::emulate::Emulated;
use crate::context::touches;
use crate::router::state::SessionKind;

/// What can be done so.
pub(crate) const CAPABILITIES: [Capability; 3] = [
    Capability::Media,
    Capability::ClientHints,
    Capability::Touch,
];

/// A context of another adapter.
pub(crate) struct Through {
    passage: Arc<dyn Passage>,
    /// Guards what pages are made to see. Held while a setting is noted and left for pages to come, so that of two settings at once
    /// the later one is what they get; open pages are sent it after the lock is released.
    emulated: Mutex<Emulated>,
}

impl Through {
    pub(crate) fn new(passage: Arc<dyn Passage>) -> Self {
        Self {
            passage,
            emulated: Mutex::default(),
        }
    }

    /// Every page is told at once, and pages to come as they open.
    async fn emulate(&self, setting: &Emulation) -> Performed {
        let calls = {
            let mut emulated = self.emulated.lock();
            emulated.note(setting);
            self.passage.hold(emulated.all_calls(SessionKind::Page));
            emulated.calls(setting, SessionKind::Page)
        };
        let pages = self.passage.pages();
        let told = pages
            .iter()
            .flat_map(|page| calls.iter().map(|call| self.tell(*page, call.clone())));
        try_join_all(told).await?;
        Ok(Effect::Done)
    }

    /// A page that closes meanwhile needs no setting.
    async fn tell(&self, page: TargetKey, call: RawCall) -> AdapterResult<()> {
        match self.passage.call(page, call).await {
            Ok(_) | Err(AdapterError::TargetClosed) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn touch(&self, target: TargetKey, actions: &[InputAction]) -> Performed {
        let calls = touches(actions).ok_or(AdapterError::Unsupported { primitive: "input" })?;
        try_join_all(
            calls
                .into_iter()
                .map(|call| self.passage.call(target, call)),
        )
        .await?;
        Ok(Effect::Done)
    }

    async fn dispatch(&self, primitive: Primitive) -> Performed {
        match primitive {
            Primitive::Emulate {
                setting:
                    setting @ (Emulation::Media(_) | Emulation::UserAgent(_) | Emulation::Screen { .. }),
            } => self.emulate(&setting).await,
            Primitive::Input { target, actions }
            | Primitive::InputTold {
                target, actions, ..
            } => self.touch(target, &actions).await,
            lacking => Err(AdapterError::Unsupported {
                primitive: lacking.name(),
            }),
        }
    }
}

impl Context for Through {
    fn perform(&self, primitive: Primitive) -> BoxFuture<'_, Performed> {
        Box::pin(self.dispatch(primitive))
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        // The context is the other adapter's to close.
        Box::pin(async {})
    }
}
