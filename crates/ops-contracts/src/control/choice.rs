//! Choices that could as well be made otherwise: reproducible by a seed, and told to a log where one is kept.
//!
//! Secrets are none: tokens, leases, ids, codes and nonces always come from the operating system. Each session draws from a stream of its
//! own, named by its ordinal, so that what one session does changes no other's choices.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};

/// One decision. It names sessions by their ordinals and tells no time, so that two runs can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision<'a> {
    /// The session's ordinal, from 1 in the order in which they were made; 0 for the relay itself.
    pub session: u64,
    /// What was decided on.
    pub what: &'static str,
    /// What came out.
    pub outcome: &'a str,
    /// How many there were to choose from, where it was a choice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
}

/// Keeps decisions. Called while commands are answered: it returns at once and never fails.
pub trait DecisionLog: fmt::Debug + Send + Sync {
    /// Takes a decision.
    fn decided(&self, decision: &Decision<'_>);
}

/// Where choices come from.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    seed: u64,
    log: Option<Arc<dyn DecisionLog>>,
}

impl Choices {
    /// Choices that a number determines.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self { seed, log: None }
    }

    /// Choices that a text determines, such as the value of `OPENCODE_REPLAY_SEED`.
    #[must_use]
    pub fn of_text(seed: &str) -> Self {
        let hash = Sha256::digest(seed.as_bytes());
        Self::seeded(
            hash.iter()
                .take(8)
                .fold(0, |number, byte| number << 8 | u64::from(*byte)),
        )
    }

    /// The same, told to a log.
    #[must_use]
    pub fn logged(self, log: Arc<dyn DecisionLog>) -> Self {
        Self {
            log: Some(log),
            ..self
        }
    }

    /// The choices of one session.
    #[must_use]
    pub fn stream(&self, session: u64) -> Stream {
        let state = mixed(self.seed ^ mixed(session.wrapping_add(0x9e37_79b9_7f4a_7c15)));
        Stream {
            state,
            session,
            log: self.log.clone(),
        }
    }
}

/// The choices of one session, one after the other.
#[derive(Debug, Clone)]
pub struct Stream {
    state: u64,
    session: u64,
    log: Option<Arc<dyn DecisionLog>>,
}

impl Stream {
    /// A number below `bound`; 0 where there is nothing to choose from.
    pub fn below(&mut self, what: &'static str, bound: u64) -> u64 {
        if bound < 2 {
            return 0;
        }
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        // The remainder prefers small numbers by less than one part in 2^40 for every bound that is used.
        let chosen = mixed(self.state) % bound;
        if let Some(log) = &self.log {
            log.decided(&Decision {
                session: self.session,
                what,
                outcome: &chosen.to_string(),
                of: Some(bound),
            });
        }
        chosen
    }

    /// Tells what followed from the state of things alone.
    pub fn decided(&self, what: &'static str, outcome: &str) {
        if let Some(log) = &self.log {
            log.decided(&Decision {
                session: self.session,
                what,
                outcome,
                of: None,
            });
        }
    }
}

/// The output function of splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators").
const fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<String>>);

    impl DecisionLog for Kept {
        fn decided(&self, decision: &Decision<'_>) {
            self.0
                .lock()
                .unwrap()
                .push(serde_json::to_string(decision).unwrap());
        }
    }

    fn drawn(choices: &Choices, session: u64) -> Vec<u64> {
        let mut stream = choices.stream(session);
        (0..8).map(|_| stream.below("x", 1_000)).collect()
    }

    #[test]
    fn a_seed_determines_every_choice_and_sessions_do_not_share_theirs() {
        let (one, again, other) = (
            Choices::of_text("seed"),
            Choices::of_text("seed"),
            Choices::of_text("seeds"),
        );
        assert_eq!(drawn(&one, 1), drawn(&again, 1));
        assert_ne!(drawn(&one, 1), drawn(&one, 2));
        assert_ne!(drawn(&one, 1), drawn(&other, 1));
        assert!(drawn(&one, 3).iter().all(|chosen| *chosen < 1_000));
        assert_eq!(
            (one.stream(1).below("x", 0), one.stream(1).below("x", 1)),
            (0, 0)
        );
    }

    #[test]
    fn what_is_decided_is_told_without_ids_and_times() {
        let log = Arc::new(Kept::default());
        let mut stream = Choices::of_text("seed").logged(log.clone()).stream(3);
        let chosen = stream.below("circuit.retry", 100);
        stream.decided("circuit.state", "open");
        let expected = [
            format!(r#"{{"session":3,"what":"circuit.retry","outcome":"{chosen}","of":100}}"#),
            r#"{"session":3,"what":"circuit.state","outcome":"open"}"#.to_owned(),
        ];
        assert_eq!(*log.0.lock().unwrap(), expected);
    }
}
