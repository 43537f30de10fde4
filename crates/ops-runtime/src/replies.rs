//! Remembers the results of commands that must not run twice, by request id. A value: time comes in.
//!
//! Bounds: 64 KiB a result, 1 MiB a session, five minutes. A result that is too large is remembered as such: its
//! duplicate is refused instead of run again. Where a session's results come to more than their bound, the oldest results go
//! first and leave behind that their commands ran; commands are forgotten only where that alone is too much.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::ids::RequestId;
use ops_contracts::{ErrorCode, Fault};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::call::Answer;

const MAX_RESULT: usize = 64 * 1024;
const MAX_TOTAL: usize = 1024 * 1024;
const KEPT_FOR: Duration = Duration::from_secs(5 * 60);
/// What an entry costs beside its result, so that many small ones stay bounded too.
const ENTRY_COST: usize = 256;

/// The longest parameters that are kept as they were sent.
const MAX_SENT: usize = 2 * 1024;

/// Command and parameters of a request, to be told from another's. Key order and white space of the parameters do not matter.
#[derive(Debug)]
pub(crate) enum Fingerprint {
    /// As they were sent: they are compared only where an id comes twice, which few do, and hashing costs as much as running some.
    Sent(CommandName, Box<RawValue>),
    /// What is too long to be kept.
    Hash([u8; 32]),
}

impl Fingerprint {
    pub(crate) fn of(command: CommandName, params: Box<RawValue>) -> Self {
        if params.get().len() > MAX_SENT {
            Self::Hash(hash(command, &params))
        } else {
            Self::Sent(command, params)
        }
    }

    fn matches(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sent(a, _), Self::Sent(b, _)) if a != b => false,
            (Self::Sent(_, a), Self::Sent(_, b)) if a.get() == b.get() => true,
            _ => self.hash() == other.hash(),
        }
    }

    fn hash(&self) -> [u8; 32] {
        match self {
            Self::Sent(command, params) => hash(*command, params),
            Self::Hash(hash) => *hash,
        }
    }

    /// Bytes that it keeps.
    fn size(&self) -> usize {
        match self {
            Self::Sent(_, params) => params.get().len(),
            Self::Hash(hash) => hash.len(),
        }
    }
}

fn hash(command: CommandName, params: &RawValue) -> [u8; 32] {
    // serde_json's map is ordered by key, so writing a parsed value gives one spelling.
    let canonical =
        serde_json::from_str::<serde_json::Value>(params.get()).map(|value| value.to_string());
    let mut hash = Sha256::new();
    hash.update(command.as_str().as_bytes());
    hash.update([0]);
    hash.update(
        canonical
            .as_deref()
            .unwrap_or_else(|_| params.get())
            .as_bytes(),
    );
    hash.finalize().into()
}

fn not_kept() -> Fault {
    Fault::new(
        ErrorCode::OpsResultTooLarge,
        "the command ran, but its result was too large to be kept for a repeated request",
    )
}

/// What to do with a request whose id may have been seen.
pub(crate) enum Admission {
    /// It is new: run it, then call `finish`.
    Run,
    /// It ran: this is what it came to.
    Done(Answer),
    /// It is running: wait for what it comes to.
    Join(watch::Receiver<Option<Answer>>),
    /// The id was used for another request.
    Reused,
}

enum State {
    Running(watch::Sender<Option<Answer>>),
    Done(Answer, usize),
}

struct Entry {
    fingerprint: Fingerprint,
    state: State,
}

/// The memory of one session.
#[derive(Default)]
pub(crate) struct Replies {
    entries: HashMap<RequestId, Entry>,
    finished: VecDeque<(Instant, RequestId)>,
    /// How many of `finished`, from the front, have lost their results.
    without_result: usize,
    total: usize,
}

impl Replies {
    /// Looks a request up, and notes it as running when it is new.
    pub(crate) fn admit(
        &mut self,
        id: &RequestId,
        fingerprint: Fingerprint,
        now: Instant,
    ) -> Admission {
        self.forget_old(now);
        match self.entries.get(id) {
            Some(entry) if !entry.fingerprint.matches(&fingerprint) => Admission::Reused,
            Some(Entry {
                state: State::Done(outcome, _),
                ..
            }) => Admission::Done(outcome.clone()),
            Some(Entry {
                state: State::Running(done),
                ..
            }) => Admission::Join(done.subscribe()),
            None => {
                let (done, _) = watch::channel(None);
                self.entries.insert(
                    id.clone(),
                    Entry {
                        fingerprint,
                        state: State::Running(done),
                    },
                );
                Admission::Run
            }
        }
    }

    /// Notes what a request came to and tells those who wait for it.
    pub(crate) fn finish(&mut self, id: &RequestId, outcome: &Answer, now: Instant) {
        let Some(entry) = self.entries.get_mut(id) else {
            return;
        };
        let kept_of_request = ENTRY_COST + entry.fingerprint.size();
        let size = kept_of_request
            + outcome
                .as_ref()
                .map_or(0, |answered| answered.result.get().len());
        let (kept, cost) = if size > MAX_RESULT {
            (Err(not_kept()), kept_of_request)
        } else {
            (outcome.clone(), size)
        };
        if let State::Running(done) = std::mem::replace(&mut entry.state, State::Done(kept, cost)) {
            done.send_replace(Some(outcome.clone()));
        }
        self.total += cost;
        self.finished.push_back((now, id.clone()));
        while self.total > MAX_TOTAL {
            if self.without_result < self.finished.len() {
                self.drop_oldest_result();
            } else {
                self.forget_oldest();
            }
        }
    }

    /// Drops the oldest result that is kept. That its command ran stays known, so that a duplicate does not run it again.
    fn drop_oldest_result(&mut self) {
        let oldest = self.finished.get(self.without_result);
        self.without_result += 1;
        let Some(entry) = oldest.and_then(|(_, id)| self.entries.get_mut(id)) else {
            return;
        };
        if let State::Done(answer, cost) = &mut entry.state {
            // A refusal is small, and stays what the command came to.
            if answer.is_ok() {
                *answer = Err(not_kept());
                entry.fingerprint = Fingerprint::Hash(entry.fingerprint.hash());
                self.total -= *cost;
                *cost = ENTRY_COST + entry.fingerprint.size();
                self.total += *cost;
            }
        }
    }

    /// Forgets a request that was refused before it ran, so that it can be sent again.
    pub(crate) fn withdraw(&mut self, id: &RequestId, fault: &Fault) {
        if let Some(Entry {
            state: State::Running(done),
            ..
        }) = self.entries.remove(id)
        {
            done.send_replace(Some(Err(fault.clone())));
        }
    }

    fn forget_old(&mut self, now: Instant) {
        while self
            .finished
            .front()
            .is_some_and(|(at, _)| now.saturating_duration_since(*at) > KEPT_FOR)
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        let Some((_, id)) = self.finished.pop_front() else {
            return;
        };
        self.without_result = self.without_result.saturating_sub(1);
        if let Some(Entry {
            state: State::Done(_, cost),
            ..
        }) = self.entries.remove(&id)
        {
            self.total -= cost;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::Answered;

    const X: CommandName = CommandName::InteractClick;
    const Y: CommandName = CommandName::InteractFill;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    fn answered(json: &str) -> Answer {
        Ok(Answered {
            result: raw(json).into(),
            granted: None,
        })
    }

    fn id(n: usize) -> RequestId {
        format!("r{n}").parse().unwrap()
    }

    #[test]
    fn a_fingerprint_ignores_order_and_space() {
        let long = "x".repeat(MAX_SENT);
        for more in ["", &long] {
            let of = |command, params: &str| {
                Fingerprint::of(command, raw(&params.replace("LONG", more)))
            };
            let a = of(X, r#"{"a":1,"b":[1,2],"c":"LONG"}"#);
            assert!(a.matches(&of(X, r#"{"a":1,"b":[1,2],"c":"LONG"}"#)));
            assert!(a.matches(&of(X, r#"{ "c": "LONG", "b": [1, 2], "a": 1 }"#)));
            assert!(!a.matches(&of(Y, r#"{"a":1,"b":[1,2],"c":"LONG"}"#)));
            assert!(!a.matches(&of(X, r#"{"a":1,"b":[2,1],"c":"LONG"}"#)));
        }
        // White space alone may make the one too long to be kept.
        let spaced = format!("{{{}}}", " ".repeat(MAX_SENT));
        assert!(Fingerprint::of(X, raw("{}")).matches(&Fingerprint::of(X, raw(&spaced))));
    }

    #[test]
    fn a_duplicate_gets_the_first_result_and_another_body_is_refused() {
        let now = Instant::now();
        let print = || Fingerprint::of(X, raw("{}"));
        let mut replies = Replies::default();
        assert!(matches!(
            replies.admit(&id(1), print(), now),
            Admission::Run
        ));
        assert!(matches!(
            replies.admit(&id(1), print(), now),
            Admission::Join(_)
        ));
        assert!(matches!(
            replies.admit(&id(1), Fingerprint::of(Y, raw("{}")), now),
            Admission::Reused
        ));
        replies.finish(&id(1), &answered("7"), now);
        let Admission::Done(Ok(kept)) = replies.admit(&id(1), print(), now) else {
            panic!("not remembered")
        };
        assert_eq!(kept.result.get(), "7");
        assert!(matches!(
            replies.admit(&id(1), print(), now + KEPT_FOR * 2),
            Admission::Run
        ));
    }

    #[test]
    fn memory_is_bounded_and_a_large_result_is_not_run_again() {
        let now = Instant::now();
        let print = || Fingerprint::of(X, raw("{}"));
        let mut replies = Replies::default();
        let big: Answer = answered(&format!("\"{}\"", "x".repeat(60 * 1024)));
        for n in 0..100 {
            assert!(matches!(
                replies.admit(&id(n), print(), now),
                Admission::Run
            ));
            replies.finish(&id(n), &big, now);
            assert!(replies.total <= MAX_TOTAL);
        }
        assert!(
            matches!(replies.admit(&id(99), print(), now), Admission::Done(Ok(_))),
            "the newest results are kept"
        );
        assert!(
            matches!(replies.admit(&id(0), print(), now), Admission::Done(Err(fault)) if fault.code == ErrorCode::OpsResultTooLarge),
            "a command whose result had to go is not run again"
        );
        assert!(matches!(
            replies.admit(&id(0), Fingerprint::of(Y, raw("{}")), now),
            Admission::Reused
        ));
        let huge: Answer = answered(&format!("\"{}\"", "x".repeat(MAX_RESULT)));
        assert!(matches!(
            replies.admit(&id(1000), print(), now),
            Admission::Run
        ));
        replies.finish(&id(1000), &huge, now);
        assert!(matches!(
            replies.admit(&id(1000), print(), now),
            Admission::Done(Err(_))
        ));
        for n in 2_000..10_000 {
            replies.admit(&id(n), print(), now);
            replies.finish(&id(n), &big, now);
        }
        assert!(replies.total <= MAX_TOTAL && replies.entries.len() < 5_000);
        replies.admit(&id(1), print(), now + KEPT_FOR * 2);
        assert_eq!((replies.total, replies.without_result), (0, 0));
    }
}
