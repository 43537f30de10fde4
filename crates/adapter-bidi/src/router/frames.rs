//! Realms: which window a frame shows, and what is lost when it goes.

use ops_contracts::seam::adapter::{FrameKey, TargetKey};
use ops_contracts::seam::calls::Loss;

use super::{SANDBOX, TELL, Taken, Turn};
use crate::connection::{CallError, Route};
use crate::context::{RENEWAL, dress_later, realms_anew};
use crate::driver::Driver;
use crate::protocol::script::{ContextTarget, Evaluate, Message, RealmCreated, RealmDestroyed};

impl Turn<'_> {
    pub(super) fn realm_created(&mut self, created: &RealmCreated<'_>) {
        let Some((key, _)) = created
            .context
            .and_then(|context| self.state.locate(context))
        else {
            return;
        };
        let bridge = match created.sandbox {
            None => false,
            Some(sandbox) if sandbox == SANDBOX => true,
            Some(_) => return,
        };
        let Some(frame) = self.state.frames.get_mut(&key) else {
            return;
        };
        frame.whole &= !bridge;
        let place = if bridge {
            &mut frame.sandbox
        } else {
            &mut frame.realm
        };
        let before = place.replace(created.realm.into());
        if let Some(before) = before {
            self.state.realms.remove(&before);
        }
        self.state.realms.insert(created.realm.into(), key);
        self.telling.changed();
    }

    /// No page has the function: it is in the bridge's sandboxes alone.
    pub(super) fn told_by_bridge(&mut self, message: &Message<'_>) -> Taken {
        let Some(text) = message.data.value.filter(|_| message.channel == TELL) else {
            return Ok(());
        };
        let text = serde_json::from_str(text.get())
            .map_err(|error| CallError::Decode(error.to_string()))?;
        let frame = self
            .state
            .realms
            .get(message.source.realm)
            .and_then(|key| self.state.frames.get_mut(key));
        if let Some(frame) =
            frame.filter(|frame| frame.sandbox.as_deref() == Some(message.source.realm))
        {
            frame.told = Some(text);
            self.telling.changed();
        }
        Ok(())
    }

    pub(super) fn realm_destroyed(&mut self, destroyed: &RealmDestroyed<'_>) {
        // Realms that were replaced are told of late, when they are collected: they are not in the table any more.
        let Some(key) = self.state.realms.remove(destroyed.realm) else {
            return;
        };
        let Some(frame) = self.state.frames.get_mut(&key) else {
            return;
        };
        if frame.realm.as_deref() == Some(destroyed.realm) {
            frame.realm = None;
        } else {
            frame.sandbox = None;
            frame.whole = false;
        }
        frame.replacing = true;
        self.telling.changed();
        if frame.navigating.is_some() {
            self.connection.fail_document(key, Loss::Navigated);
        }
        // Otherwise the page crashed or closed, or the frame was removed: the event that says which follows.
    }

    /// Evaluates the bridge again in a document that took over its predecessor's window, and with it the bridge's
    /// sandbox: scripts for new documents run once a window.
    pub(super) fn renew_bridge(&self, key: FrameKey) {
        let Some(frame) = self.state.frames.get(&key) else {
            return;
        };
        let renewal = Evaluate {
            expression: RENEWAL,
            target: ContextTarget {
                context: &frame.id,
                sandbox: Some(SANDBOX),
            },
            await_promise: false,
            user_activation: false,
            serialization_options: None,
        };
        self.connection.send(&renewal, Route::BROWSER).forget();
    }

    /// Has the browser tell of a popup's realms again. Chromedriver forgets them when the popup's first document takes over the
    /// window of the blank one, since Chromium makes no others, and holds every script back that is sent there.
    pub(super) fn renew_realms(&self, target: TargetKey, key: FrameKey) {
        let popup = self
            .state
            .pages
            .get(&target)
            .is_some_and(|page| page.popup && page.main_frame == key);
        if !popup || self.router.driver != Driver::Chromedriver {
            return;
        }
        if let Some(frame) = self.state.frames.get(&key) {
            dress_later(self.connection, &frame.id, target, realms_anew());
        }
    }
}
