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

/// What a lease that was presented is to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The current lease: its holder may act.
    Holder,
    /// The current lease, but its time has passed.
    HolderExpired,
    /// The lease of an observer, who may read.
    Observer,
    /// The lease of an observer whose time has passed.
    ObserverExpired,
    /// None of this session's.
    Stranger,
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

    /// Finds out what a lease is; one of the holder's is extended by its time to live. All leases are compared, each in constant time.
    pub(crate) fn judge(&mut self, presented: Option<&LeaseId>, now: Instant) -> Standing {
        let Some(presented) = presented else {
            return Standing::Stranger;
        };
        let (expired, observer) = (self.expired(now), self.observer(presented, now));
        if !self.matches(presented) {
            return observer;
        }
        if expired {
            return Standing::HolderExpired;
        }
        self.expires = now + self.ttl;
        Standing::Holder
    }

    /// Admits a holder and extends the lease by its time to live.
    ///
    /// # Errors
    /// `ops_not_owner` for another lease, `ops_lease_expired` for one that has run out.
    pub(crate) fn admit(&mut self, presented: Option<&LeaseId>, now: Instant) -> Outcome<()> {
        match self.judge(presented, now) {
            Standing::Holder => Ok(()),
            Standing::HolderExpired => Err(Fault::plain(ErrorCode::OpsLeaseExpired)),
            Standing::Observer | Standing::ObserverExpired | Standing::Stranger => {
                Err(Fault::plain(ErrorCode::OpsNotOwner))
            }
        }
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

    fn observer(&self, presented: &LeaseId, now: Instant) -> Standing {
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
            .fold(Standing::Stranger, |seen, (lease, until)| {
                match same(lease) {
                    true if *until > now && !self.expired(now) => Standing::Observer,
                    true => Standing::ObserverExpired,
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
        lease.admit(Some(&id('a')), start + ttl / 2).unwrap();
        lease
            .admit(Some(&id('a')), start + ttl)
            .expect("use extends");
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
        assert_eq!(lease.judge(Some(&id('b')), start), Standing::Observer);
        assert_eq!(lease.judge(Some(&id('a')), start), Standing::Holder);
        assert_eq!(lease.judge(None, start), Standing::Stranger);
        assert_eq!(lease.judge(Some(&id('b')), late), Standing::ObserverExpired);
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
        assert_eq!(lease.judge(Some(&id('d')), late), Standing::Stranger);
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
        lease.admit(Some(&id('b')), start).unwrap();
        assert_eq!(lease.fence(), 1);
    }
}
