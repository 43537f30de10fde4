//! Execution contexts: which worlds a frame has, and what is lost with them.

use std::sync::Arc;

use super::{Taken, Turn, WORLD};
use crate::connection::Event;
use crate::router::state::{Frame, World};
use crate::wire;
use ops_contracts::seam::calls::Loss;

impl Turn<'_> {
    pub(super) fn world_created(&mut self, session: &Arc<str>, event: Event<'_>) -> Taken {
        let wire::ContextCreated { context } = event.decode()?;
        let Some(aux) = context.aux_data else {
            return Ok(());
        };
        let Some((_, frame)) = aux.frame_id.and_then(|id| self.state.frame_by_id(id)) else {
            return Ok(());
        };
        let world = World {
            session: Arc::clone(session),
            id: context.id,
            unique: context.unique_id.into(),
        };
        if aux.is_default {
            frame.session = Arc::clone(session);
            frame.main = Some(world);
        } else if context.name == WORLD {
            frame.bridge = Some(world);
        } else {
            return Ok(());
        }
        self.telling.changed();
        Ok(())
    }

    /// No page has the function: it is in the bridge's worlds alone.
    pub(super) fn told(&mut self, session: &Arc<str>, event: Event<'_>) -> Taken {
        let called: wire::BindingCalled = event.decode()?;
        let of = |frame: &&mut Frame| {
            frame.bridge.as_ref().is_some_and(|world| {
                world.session == *session && world.id == called.execution_context_id
            })
        };
        if let Some(frame) = self.state.frames.values_mut().find(of) {
            frame.told = Some(called.payload);
            self.telling.changed();
        }
        Ok(())
    }

    pub(super) fn world_destroyed(&mut self, session: &Arc<str>, event: Event<'_>) -> Taken {
        let destroyed: wire::ContextDestroyed = event.decode()?;
        let id = destroyed.execution_context_id;
        self.drop_worlds(Loss::Navigated, |world| {
            world.session == *session && world.id == id
        });
        Ok(())
    }

    pub(super) fn worlds_cleared(&mut self, session: &Arc<str>) -> Taken {
        self.forget_worlds(session, Loss::Navigated);
        Ok(())
    }

    /// Everything that ran in a session's worlds is lost.
    pub(super) fn forget_worlds(&mut self, session: &str, loss: Loss) {
        self.drop_worlds(loss, |world| &*world.session == session);
    }

    fn drop_worlds(&mut self, loss: Loss, gone: impl Fn(&World) -> bool) {
        for frame in self.state.frames.values_mut() {
            if drop_worlds_of(frame, &gone) {
                self.connection.fail_scope(frame.scope(), loss);
            }
        }
    }
}

fn drop_worlds_of(frame: &mut Frame, gone: impl Fn(&World) -> bool) -> bool {
    let main = frame.main.take_if(|world| gone(world)).is_some();
    let bridge = frame.bridge.take_if(|world| gone(world)).is_some();
    main || bridge
}
