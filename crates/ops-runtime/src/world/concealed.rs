//! Pages of our own, which nobody else sees: while one is being opened, pages that nothing has opened wait unannounced.

use ops_contracts::seam::adapter::{Event, TargetKey};

use super::{State, World};

/// What is kept from everybody.
#[derive(Default)]
pub(crate) struct Hidden {
    opening: bool,
    waiting: Vec<Event>,
    pages: Vec<TargetKey>,
}

/// Pages that open are held back until this is dropped.
pub(crate) struct Concealed<'a>(&'a World);

impl World {
    /// Holds pages back that open from now on and that no page has opened.
    pub(crate) fn conceal(&self) -> Concealed<'_> {
        self.lock().hidden.opening = true;
        Concealed(self)
    }
}

impl Concealed<'_> {
    /// This one stays hidden.
    pub(crate) fn keep(self, page: TargetKey) {
        let mut state = self.0.lock();
        state.hidden.pages.push(page);
        state.hidden.waiting.retain(
            |event| !matches!(event, Event::TargetOpened { target, .. } if *target == page),
        );
    }
}

impl Drop for Concealed<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.hidden.opening = false;
        for event in std::mem::take(&mut state.hidden.waiting) {
            self.0.apply(&mut state, event);
        }
        drop(state);
        self.0.touch();
    }
}

impl State {
    /// Takes an event that is to wait; gives back one that is not.
    pub(super) fn hold_back(&mut self, event: Event) -> Option<Event> {
        if self.hidden.opening && matches!(event, Event::TargetOpened { opener: None, .. }) {
            self.hidden.waiting.push(event);
            return None;
        }
        Some(event)
    }

    /// A hidden page is gone.
    pub(crate) fn forget_hidden(&mut self, page: TargetKey) {
        self.hidden.pages.retain(|hidden| *hidden != page);
    }
}
