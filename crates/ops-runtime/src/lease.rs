//! A session's lease as a value: who may act, until when, and the fence between successive holders.
//!
//! Makes no secrets and reads no clock: both come in.

use std::time::Duration;

use ops_contracts::ids::LeaseId;
use ops_contracts::{ErrorCode, Fault, Outcome};
use subtle::ConstantTimeEq;
use tokio::time::Instant;

/// The lease of one session.
#[derive(Debug)]
pub(crate) struct Lease {
    current: LeaseId,
    fence: u64,
    ttl: Duration,
    expires: Instant,
}

impl Lease {
    pub(crate) fn new(current: LeaseId, ttl: Duration, now: Instant) -> Self {
        Self { current, fence: 0, ttl, expires: now + ttl }
    }

    /// Whether `presented` is the current lease, in constant time.
    pub(crate) fn matches(&self, presented: &LeaseId) -> bool {
        self.current.as_str().as_bytes().ct_eq(presented.as_str().as_bytes()).into()
    }

    /// Admits a holder and extends the lease by its time to live. Returns the fence that the work is bound to.
    ///
    /// # Errors
    /// `ops_not_owner` for another lease, `ops_lease_expired` for one that has run out.
    pub(crate) fn admit(&mut self, presented: Option<&LeaseId>, now: Instant) -> Outcome<u64> {
        if !presented.is_some_and(|lease| self.matches(lease)) {
            return Err(Fault::plain(ErrorCode::OpsNotOwner));
        }
        if self.expired(now) {
            return Err(Fault::plain(ErrorCode::OpsLeaseExpired));
        }
        self.expires = now + self.ttl;
        Ok(self.fence)
    }

    /// Replaces the lease: what the old holder sent before and sends from now on is refused.
    pub(crate) fn replace(&mut self, next: LeaseId, now: Instant) {
        self.current = next;
        self.fence += 1;
        self.expires = now + self.ttl;
    }

    /// Extends a lease that is in use.
    pub(crate) fn touch(&mut self, now: Instant) {
        self.expires = self.expires.max(now + self.ttl);
    }

    pub(crate) const fn id(&self) -> &LeaseId {
        &self.current
    }

    pub(crate) const fn fence(&self) -> u64 {
        self.fence
    }

    pub(crate) const fn expires(&self) -> Instant {
        self.expires
    }

    pub(crate) fn expired(&self, now: Instant) -> bool {
        now >= self.expires
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(c: char) -> LeaseId {
        c.to_string().repeat(64).parse().unwrap()
    }

    #[test]
    fn a_lease_admits_its_holder_until_it_expires_and_use_extends_it() {
        let start = Instant::now();
        let ttl = Duration::from_secs(10);
        let mut lease = Lease::new(id('a'), ttl, start);
        assert_eq!(lease.admit(Some(&id('a')), start + ttl / 2).unwrap(), 0);
        assert_eq!(lease.admit(Some(&id('a')), start + ttl).unwrap(), 0, "use extends");
        let late = start + ttl * 2;
        assert_eq!(lease.admit(Some(&id('a')), late).unwrap_err().code, ErrorCode::OpsLeaseExpired);
        assert_eq!(lease.admit(Some(&id('b')), start).unwrap_err().code, ErrorCode::OpsNotOwner);
        assert_eq!(lease.admit(None, start).unwrap_err().code, ErrorCode::OpsNotOwner);
    }

    #[test]
    fn a_replaced_lease_is_fenced_off() {
        let start = Instant::now();
        let mut lease = Lease::new(id('a'), Duration::from_secs(10), start);
        lease.replace(id('b'), start);
        assert_eq!(lease.admit(Some(&id('a')), start).unwrap_err().code, ErrorCode::OpsNotOwner);
        assert_eq!(lease.admit(Some(&id('b')), start).unwrap(), 1);
    }
}
