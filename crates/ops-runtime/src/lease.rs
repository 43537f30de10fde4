//! A session's lease as a value: who may act, until when, and the fence between successive holders.
//!
//! Makes no secrets and reads no clock: both come in.

use std::time::Duration;

use ops_contracts::wire::ids::LeaseId;
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
    /// Those who may read, and until when.
    observers: Vec<(LeaseId, Instant)>,
}

/// The most observers of one session.
const MAX_OBSERVERS: usize = 16;

/// Whether a lease of an observer is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Observer {
    /// It is none of this session's.
    Unknown,
    /// Its time has passed.
    Expired,
    /// It may read.
    Valid,
}

impl Lease {
    pub(crate) fn new(current: LeaseId, ttl: Duration, now: Instant) -> Self {
        Self {
            current,
            fence: 0,
            ttl,
            expires: now + ttl,
            observers: Vec::new(),
        }
    }

    /// Whether `presented` is the current lease, in constant time.
    pub(crate) fn matches(&self, presented: &LeaseId) -> bool {
        self.current
            .as_str()
            .as_bytes()
            .ct_eq(presented.as_str().as_bytes())
            .into()
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

    /// Lets a further lease read until `until`.
    ///
    /// # Errors
    /// `ops_budget_exhausted` when there are as many as there may be.
    pub(crate) fn let_observe(
        &mut self,
        lease: LeaseId,
        until: Instant,
        now: Instant,
    ) -> Outcome<()> {
        self.observers.retain(|(_, until)| *until > now);
        if self.observers.len() >= MAX_OBSERVERS {
            let fault = Fault::new(
                ErrorCode::OpsBudgetExhausted,
                format!("a session has at most {MAX_OBSERVERS} observers"),
            );
            let fault = fault
                .with("budget", "observers")
                .with("limit", MAX_OBSERVERS)
                .with("used", self.observers.len());
            return Err(fault);
        }
        self.observers.push((lease, until));
        Ok(())
    }

    /// What `presented` is as an observer's lease; all are compared, each in constant time.
    pub(crate) fn observer(&self, presented: Option<&LeaseId>, now: Instant) -> Observer {
        let Some(presented) = presented else {
            return Observer::Unknown;
        };
        let same = |lease: &LeaseId| {
            bool::from(
                lease
                    .as_str()
                    .as_bytes()
                    .ct_eq(presented.as_str().as_bytes()),
            )
        };
        self.observers
            .iter()
            .fold(Observer::Unknown, |seen, (lease, until)| {
                match same(lease) {
                    true if *until > now && !self.expired(now) => Observer::Valid,
                    true => Observer::Expired,
                    false => seen,
                }
            })
    }

    /// Observers whose leases are valid.
    pub(crate) fn observers(&self, now: Instant) -> u32 {
        u32::try_from(
            self.observers
                .iter()
                .filter(|(_, until)| *until > now)
                .count(),
        )
        .unwrap_or(u32::MAX)
    }

    /// Replaces the lease: what the old holder sent before and sends from now on is refused.
    pub(crate) fn replace(&mut self, next: LeaseId, now: Instant) {
        self.current = next;
        self.fence += 1;
        self.observers.clear();
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
        assert_eq!(
            lease.admit(Some(&id('a')), start + ttl).unwrap(),
            0,
            "use extends"
        );
        let late = start + ttl * 2;
        assert_eq!(
            lease.admit(Some(&id('a')), late).unwrap_err().code,
            ErrorCode::OpsLeaseExpired
        );
        assert_eq!(
            lease.admit(Some(&id('b')), start).unwrap_err().code,
            ErrorCode::OpsNotOwner
        );
        assert_eq!(
            lease.admit(None, start).unwrap_err().code,
            ErrorCode::OpsNotOwner
        );
    }

    #[test]
    fn observers_are_known_until_their_time_and_gone_with_the_lease() {
        let start = Instant::now();
        let (minute, late) = (Duration::from_secs(60), start + Duration::from_secs(61));
        let mut lease = Lease::new(id('a'), minute * 10, start);
        lease.let_observe(id('b'), start + minute, start).unwrap();
        assert_eq!(lease.observer(Some(&id('b')), start), Observer::Valid);
        assert_eq!(lease.observer(Some(&id('a')), start), Observer::Unknown);
        assert_eq!(lease.observer(None, start), Observer::Unknown);
        assert_eq!(lease.observer(Some(&id('b')), late), Observer::Expired);
        assert!(
            lease.admit(Some(&id('b')), start).is_err(),
            "an observer is no holder"
        );
        for _ in 1..MAX_OBSERVERS {
            lease.let_observe(id('c'), start + minute, start).unwrap();
        }
        assert_eq!(
            lease.let_observe(id('d'), late, start).unwrap_err().code,
            ErrorCode::OpsBudgetExhausted
        );
        lease.let_observe(id('d'), late + minute, late).unwrap();
        assert_eq!(lease.observers(late), 1);
        lease.replace(id('e'), late);
        assert_eq!(lease.observer(Some(&id('d')), late), Observer::Unknown);
    }

    #[test]
    fn a_replaced_lease_is_fenced_off() {
        let start = Instant::now();
        let mut lease = Lease::new(id('a'), Duration::from_secs(10), start);
        lease.replace(id('b'), start);
        assert_eq!(
            lease.admit(Some(&id('a')), start).unwrap_err().code,
            ErrorCode::OpsNotOwner
        );
        assert_eq!(lease.admit(Some(&id('b')), start).unwrap(), 1);
    }
}
