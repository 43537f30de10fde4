//! What a session may reach: the rules in force, and what they have refused. It outlives the session's browsers.
//!
//! It carries no traffic: the door does, which asks nobody once it has its terms.

use std::collections::VecDeque;
use std::sync::Arc;

use ops_contracts::seam::egress::{EgressTerms, EgressUpstream, EgressWitness};
use ops_contracts::wire::clock::Clock;
use ops_contracts::wire::command::session::DomainsStatus;
use ops_contracts::wire::domains::{DomainPolicy, DomainRefusal, RefusedHost, host_of_url};
use parking_lot::Mutex;

/// The most hosts that are remembered as refused.
const MAX_REFUSED: usize = 256;

/// The confinement of one session.
pub(crate) struct Confinement {
    policy: DomainPolicy,
    upstream: Option<EgressUpstream>,
    clock: Arc<dyn Clock>,
    /// The latest first.
    refused: Mutex<VecDeque<RefusedHost>>,
}

impl Confinement {
    /// A confinement by `policy`; what passes goes on to the proxy `upstream`, where there is one.
    pub(crate) fn new(
        policy: DomainPolicy,
        upstream: Option<EgressUpstream>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            policy,
            upstream,
            clock,
            refused: Mutex::default(),
        }
    }

    /// The terms of a door.
    pub(crate) fn terms(self: &Arc<Self>) -> EgressTerms {
        EgressTerms {
            policy: self.policy.clone(),
            upstream: self.upstream.clone(),
            witness: self.clone(),
        }
    }

    /// Why a URL may not be asked for, by the rules or because its address was found to be denied.
    pub(crate) fn refusal_of_url(&self, url: &str) -> Option<DomainRefusal> {
        let (host, port) = host_of_url(url)?;
        self.policy.refusal(&host, port).or_else(|| {
            let refused = self.lock();
            let known = refused
                .iter()
                .find(|known| known.port == port && known.host.eq_ignore_ascii_case(&host))?;
            Some(DomainRefusal {
                host,
                port,
                reason: known.reason,
                rule: known.rule.clone(),
            })
        })
    }

    /// The confinement as `session.status` tells of it.
    pub(crate) fn status(&self) -> DomainsStatus {
        DomainsStatus {
            rules: self.policy.layers().to_vec(),
            refused: self.lock().iter().cloned().collect(),
        }
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, VecDeque<RefusedHost>> {
        self.refused.lock()
    }
}

impl EgressWitness for Confinement {
    fn refused(&self, refusal: &DomainRefusal) {
        let now = self.clock.now();
        let mut refused = self.lock();
        let known = refused
            .iter()
            .position(|known| known.port == refusal.port && known.host == refusal.host);
        let count = known
            .and_then(|at| refused.remove(at))
            .map_or(0, |known| known.count);
        let DomainRefusal {
            host,
            port,
            reason,
            rule,
        } = refusal.clone();
        refused.push_front(RefusedHost {
            host,
            port,
            reason,
            rule,
            count: count + 1,
            last_at: now,
        });
        refused.truncate(MAX_REFUSED);
    }
}

#[cfg(test)]
mod tests {
    use ops_contracts::wire::clock::Timestamp;
    use ops_contracts::wire::domains::{DomainReason, DomainRules};

    use super::*;

    struct Noon;

    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_millis(43_200_000)
        }
    }

    #[test]
    fn what_was_refused_is_counted_by_host_and_bounded() {
        let rules = DomainRules {
            allow: Vec::new(),
            deny: vec!["bad.test".parse().unwrap()],
        };
        let confinement = Confinement::new(DomainPolicy::of([rules]), None, Arc::new(Noon));
        let refusal = |host: String| DomainRefusal {
            host,
            port: 443,
            reason: DomainReason::Denied,
            rule: None,
        };
        for n in 0..MAX_REFUSED * 2 {
            confinement.refused(&refusal(format!("h{n}")));
        }
        confinement.refused(&refusal("again".to_owned()));
        confinement.refused(&refusal("again".to_owned()));
        let status = confinement.status();
        assert_eq!(
            (status.refused.len(), status.refused[0].count),
            (MAX_REFUSED, 2)
        );
        assert!(confinement.refusal_of_url("https://bad.test/").is_some());
        assert!(
            confinement.refusal_of_url("https://again/").is_some(),
            "an address that was denied"
        );
        assert!(confinement.refusal_of_url("https://good.test/").is_none());
    }
}
