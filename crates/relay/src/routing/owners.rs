//! For whom the sessions of this relay were made: what a change of the rollout is held against.
//!
//! It ends nothing, and it does not know when a session ends: what is no more is swept out from time to time.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ops_contracts::seam::port::OpsService;
use ops_contracts::wire::ids::{LeaseId, SessionId};

use super::Asker;

struct Owner {
    asker: Asker,
    /// By which the session is known to live.
    lease: LeaseId,
}

/// The sessions with their owners.
#[derive(Default)]
pub(super) struct Owners(Mutex<HashMap<SessionId, Owner>>);

impl Owners {
    pub(super) fn insert(&self, session: SessionId, lease: LeaseId, asker: Asker) {
        self.lock().insert(session, Owner { asker, lease });
    }

    pub(super) fn remove(&self, session: &SessionId) {
        self.lock().remove(session);
    }

    /// The session has another lease now; whom it was made for stays.
    pub(super) fn reclaimed(&self, session: &SessionId, lease: LeaseId) {
        if let Some(owner) = self.lock().get_mut(session) {
            owner.lease = lease;
        }
    }

    /// The sessions whose owners `moved` says yes to.
    pub(super) fn of(&self, moved: impl Fn(&Asker) -> bool) -> HashSet<SessionId> {
        self.lock()
            .iter()
            .filter(|(_, owner)| moved(&owner.asker))
            .map(|(session, _)| session.clone())
            .collect()
    }

    /// Forgets sessions that are no more.
    pub(super) fn sweep(&self, service: &dyn OpsService) {
        self.lock()
            .retain(|session, owner| service.lease_matches(session, &owner.lease));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Owner>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
