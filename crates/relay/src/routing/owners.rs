//! For whom the sessions of this relay were made: what a change of the rollout is held against.
//!
//! It ends nothing, and it does not know when a session ends: what is no more is swept out from time to time.

use std::collections::{HashMap, HashSet};

use ops_contracts::seam::port::OpsService;
use ops_contracts::wire::ids::{LeaseId, SessionId};
use parking_lot::{Mutex, MutexGuard};

use super::Asker;

struct Owner {
    asker: Asker,
    /// By which the session is known to live.
    lease: LeaseId,
    /// Who owns the lease, as far as leases tell: the first session of the chain in which each was opened by the lease of the one
    /// before. It stays the same for all of them.
    root: SessionId,
}

/// The sessions with their owners.
#[derive(Default)]
pub(super) struct Owners(Mutex<HashMap<SessionId, Owner>>);

impl Owners {
    pub(super) fn insert(&self, session: SessionId, lease: LeaseId, asker: Asker) {
        let mut all = self.lock();
        let opened_by = asker.by_lease.as_ref().and_then(|opener| all.get(opener));
        let root = opened_by.map_or_else(|| session.clone(), |opener| opener.root.clone());
        all.insert(session, Owner { asker, lease, root });
    }

    /// The owner of a session's lease.
    pub(super) fn root(&self, session: &SessionId) -> Option<SessionId> {
        self.lock().get(session).map(|owner| owner.root.clone())
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
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_that_are_opened_by_each_others_leases_have_one_owner() {
        let owners = Owners::default();
        let session =
            |digit: char| -> SessionId { String::from(digit).repeat(32).parse().unwrap() };
        let lease = || -> LeaseId { "a".repeat(64).parse().unwrap() };
        let opened_by = |opener| Asker {
            by_lease: opener,
            ..Asker::default()
        };
        owners.insert(session('1'), lease(), opened_by(None));
        owners.insert(session('2'), lease(), opened_by(Some(session('1'))));
        owners.insert(session('3'), lease(), opened_by(Some(session('2'))));
        owners.insert(session('4'), lease(), opened_by(None));
        // The owner stays when the session that it is named after has ended.
        owners.remove(&session('1'));
        owners.insert(session('5'), lease(), opened_by(Some(session('3'))));
        for digit in ['2', '3', '5'] {
            assert_eq!(owners.root(&session(digit)), Some(session('1')), "{digit}");
        }
        assert_eq!(owners.root(&session('4')), Some(session('4')));
        assert_eq!(owners.root(&session('1')), None);
    }
}
