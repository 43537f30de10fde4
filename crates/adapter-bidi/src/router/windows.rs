//! Windows that are large enough: the part of a viewport that its window does not show gets no input.

use ops_contracts::seam::adapter::TargetKey;
use ops_contracts::seam::supervise::SCREEN;

use super::state::State;
use crate::protocol::browser::SetClientWindowState;

/// What a window has around its page at most, in CSS pixels.
const AROUND: (u32, u32) = (40, 160);

impl State {
    /// The command that makes a page's window large enough for its viewport, where it may not be: a popup has the size that
    /// its page asked for.
    pub(crate) fn fitting_window(
        &self,
        target: TargetKey,
        popup: bool,
    ) -> Option<SetClientWindowState<'_>> {
        let page = self.pages.get(&target)?;
        let context = self.contexts.get(&page.context)?;
        let (width, height) = (
            context.viewport.width + AROUND.0,
            context.viewport.height + AROUND.1,
        );
        let fits = context.headless && !popup && width <= SCREEN.0 && height <= SCREEN.1;
        let client_window = page.window.as_deref().filter(|_| !fits)?;
        Some(SetClientWindowState {
            client_window,
            state: "normal",
            width,
            height,
        })
    }
}
