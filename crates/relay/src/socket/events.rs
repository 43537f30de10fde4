//! The sessions whose events go to one socket: those on which it acted with their lease.

use std::collections::HashSet;
use std::sync::Arc;

use ops_contracts::seam::port::{OpsService, SessionEvents};
use ops_contracts::wire::frame::{EventName, OpsEvent};
use ops_contracts::wire::ids::{LeaseId, SessionId};
use parking_lot::Mutex;
use serde_json::value::RawValue;

use crate::websocket::Outbox;

/// What a socket listens to.
pub(super) struct Subscriptions {
    sessions: Mutex<HashSet<SessionId>>,
    queue: Outbox,
}

impl Subscriptions {
    pub(super) fn new(queue: Outbox) -> Self {
        Self {
            sessions: Mutex::default(),
            queue,
        }
    }

    /// Listens to a session, once.
    pub(super) fn add(
        self: &Arc<Self>,
        service: &dyn OpsService,
        session: &SessionId,
        lease: &LeaseId,
    ) {
        if !self.lock().insert(session.clone()) {
            return;
        }
        if !service.subscribe(session, lease, self.clone()) {
            self.lock().remove(session);
        }
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, HashSet<SessionId>> {
        self.sessions.lock()
    }
}

impl SessionEvents for Subscriptions {
    fn event(&self, session: &SessionId, seq: u64, event: EventName, data: Arc<RawValue>) -> bool {
        if event == EventName::SessionClosed {
            self.lock().remove(session);
        }
        let Ok(data) = RawValue::from_string(data.get().to_owned()) else {
            return true;
        };
        self.queue.push(
            OpsEvent {
                session_id: session.clone(),
                seq,
                event,
                data,
            }
            .encode(),
        )
    }
}
