//! Which acting calls are repetitions. A value: time comes in.
//!
//! A client that lost an answer sends the same call again, and must not click twice. A client that has looked at the page in
//! between means it. Whether an answer arrived can't be known here, so the snapshot that an acting call brings along counts as no
//! look: a look is any other call that was answered.

use std::collections::VecDeque;
use std::time::Duration;

use ops_contracts::wire::ids::RequestId;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

/// For how long the same steps count as a repetition, where the client gives no key.
pub(crate) const WINDOW: Duration = Duration::from_secs(60);

/// For how long a call under a client's own key can be answered again. The relay keeps what it came to for five minutes; what is sent
/// to it later would run, so a call that is older than this is not sent at all.
const ANSWERED_FOR: Duration = Duration::from_secs(240);

/// How many calls under keys are kept whole, so that they can be answered again.
const MAX_WHOLE: usize = 64;

/// How many keys are known to have been used.
const MAX_KEYS: usize = 4_096;

/// The request id of steps that came without a key.
pub(crate) fn derived(handle: &str, steps: &str, look: u64) -> RequestId {
    id("d", &[handle, steps, &look.to_string()])
}

/// The request id of a client's own key.
pub(crate) fn keyed(handle: &str, key: &str) -> RequestId {
    id("k", &[handle, key])
}

fn id(kind: &str, parts: &[&str]) -> RequestId {
    let mut hash = Sha256::new();
    for part in parts {
        // The length before each part: no two lists of parts are the same bytes.
        hash.update(part.len().to_le_bytes());
        hash.update(part.as_bytes());
    }
    let digest = hash.finalize();
    let hex: String = digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("mcp-{kind}-{hex}")
        .parse()
        .expect("letters, dashes and hex digits are a request id")
}

/// A call as it was sent first.
#[derive(Debug, Clone)]
struct Sent {
    steps: String,
    params: Box<RawValue>,
    request_id: RequestId,
    at: Instant,
}

/// A key whose call can't be answered again: it was used this long ago.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Spent(pub(crate) Duration);

/// What an acting call is to send.
#[derive(Debug)]
pub(crate) struct Ticket {
    /// Its request id.
    pub(crate) request_id: RequestId,
    /// Its parameters: those of the first time, where it is a repetition, for the relay compares them.
    pub(crate) params: Box<RawValue>,
    /// How long ago the first time was.
    pub(crate) repeats: Option<Duration>,
}

/// The memory of one session.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    look: u64,
    last: Option<Sent>,
    keyed: VecDeque<Sent>,
    /// Keys whose calls can't be answered again, the oldest first.
    spent: VecDeque<(RequestId, Instant)>,
}

impl Repeats {
    /// The client has learnt something new: the same steps mean something else from now on.
    pub(crate) fn looked(&mut self) {
        self.look += 1;
        self.last = None;
    }

    /// What is to be sent for `steps`, the canonical text of a call without its session and key.
    ///
    /// # Errors
    /// The key was used too long ago for its answer to be kept: sent again, the call would run.
    pub(crate) fn admit(
        &mut self,
        handle: &str,
        steps: &str,
        key: Option<&str>,
        params: Box<RawValue>,
        now: Instant,
    ) -> Result<Ticket, Spent> {
        self.spend(now);
        let earlier = match key {
            Some(key) => {
                let id = keyed(handle, key);
                if let Some((_, at)) = self.spent.iter().find(|(spent, _)| *spent == id) {
                    return Err(Spent(now - *at));
                }
                self.keyed.iter().find(|sent| sent.request_id == id)
            }
            None => self.last.as_ref().filter(|sent| now - sent.at < WINDOW),
        };
        if let Some(sent) = earlier.filter(|sent| sent.steps == steps) {
            return Ok(Ticket {
                request_id: sent.request_id.clone(),
                params: sent.params.clone(),
                repeats: Some(now - sent.at),
            });
        }
        // Other steps, and those of longer ago, are another call: the look's number makes their id another one.
        self.looked();
        let request_id = match key {
            Some(key) => keyed(handle, key),
            None => derived(handle, steps, self.look),
        };
        let sent = Sent {
            steps: steps.to_owned(),
            params: params.clone(),
            request_id: request_id.clone(),
            at: now,
        };
        match key {
            Some(_) => self.remember(sent),
            None => self.last = Some(sent),
        }
        Ok(Ticket {
            request_id,
            params,
            repeats: None,
        })
    }

    /// Keeps no more of calls that can't be answered again than that their keys were used.
    fn spend(&mut self, now: Instant) {
        while let Some(oldest) = self.keyed.front()
            && (now - oldest.at >= ANSWERED_FOR || self.keyed.len() > MAX_WHOLE)
        {
            let spent = (oldest.request_id.clone(), oldest.at);
            self.keyed.pop_front();
            if self.spent.len() == MAX_KEYS {
                self.spent.pop_front();
            }
            self.spent.push_back(spent);
        }
    }

    /// The call did nothing, and its answer said so: the same steps may run.
    pub(crate) fn did_nothing(&mut self, request_id: &RequestId) {
        if self
            .last
            .as_ref()
            .is_some_and(|sent| sent.request_id == *request_id)
        {
            self.looked();
        }
    }

    fn remember(&mut self, sent: Sent) {
        // A key that comes again with other steps stays with its first ones: the relay refuses the others.
        if self
            .keyed
            .iter()
            .any(|known| known.request_id == sent.request_id)
        {
            return;
        }
        self.keyed.push_back(sent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    fn admit(repeats: &mut Repeats, steps: &str, key: Option<&str>, now: Instant) -> Ticket {
        repeats
            .admit("s_a", steps, key, raw(&format!("{steps:?}")), now)
            .unwrap()
    }

    #[test]
    fn a_blind_repetition_has_the_same_id_and_parameters() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        let first = admit(&mut repeats, "click e1", None, now);
        assert_eq!(first.repeats, None);
        let again = repeats
            .admit("s_a", "click e1", None, raw("1"), now + SECOND)
            .unwrap();
        assert_eq!(again.request_id, first.request_id);
        assert_eq!(again.params.get(), first.params.get());
        assert_eq!(again.repeats, Some(SECOND));
    }

    #[test]
    fn a_repetition_after_a_look_runs() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        let first = admit(&mut repeats, "click e1", None, now);
        repeats.looked();
        let second = admit(&mut repeats, "click e1", None, now + SECOND);
        assert_eq!(second.repeats, None);
        assert_ne!(second.request_id, first.request_id);
    }

    #[test]
    fn a_repetition_after_other_steps_or_after_the_window_runs() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        let first = admit(&mut repeats, "click e1", None, now);
        let other = admit(&mut repeats, "click e2", None, now);
        let third = admit(&mut repeats, "click e1", None, now + SECOND);
        let late = admit(&mut repeats, "click e1", None, now + SECOND + WINDOW);
        let ids = [&first, &other, &third, &late].map(|ticket| ticket.request_id.as_str());
        let unique: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(unique.len(), 4, "{ids:?}");
        assert!(late.repeats.is_none() && third.repeats.is_none());
    }

    #[test]
    fn a_key_of_the_client_holds_over_looks_and_beside_other_keys() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        let first = admit(&mut repeats, "click e1", Some("order 1"), now);
        admit(&mut repeats, "click e1", Some("order 2"), now);
        repeats.looked();
        let again = admit(&mut repeats, "click e1", Some("order 1"), now + WINDOW * 2);
        assert_eq!(again.request_id, first.request_id);
        assert!(again.repeats.is_some());
    }

    #[test]
    fn a_key_whose_answer_is_kept_no_more_is_not_sent_again() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        let order = |repeats: &mut Repeats, key: &str, now| {
            let ticket = repeats.admit("s_a", "click e1", Some(key), raw("1"), now);
            ticket.map(|ticket| ticket.repeats)
        };
        assert_eq!(order(&mut repeats, "first", now), Ok(None));
        let late = now + ANSWERED_FOR;
        assert_eq!(order(&mut repeats, "first", late), Err(Spent(ANSWERED_FOR)));
        // Nor one that had to make room for others within the time.
        for number in 0..=MAX_WHOLE {
            assert_eq!(order(&mut repeats, &number.to_string(), late), Ok(None));
        }
        assert_eq!(order(&mut repeats, "0", late), Err(Spent(Duration::ZERO)));
        assert_eq!(order(&mut repeats, "1", late), Ok(Some(Duration::ZERO)));
    }

    #[test]
    fn a_key_with_other_steps_is_sent_as_it_is_for_the_relay_to_refuse() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        let first = admit(&mut repeats, "click e1", Some("k"), now);
        let other = admit(&mut repeats, "click e2", Some("k"), now);
        assert_eq!(other.request_id, first.request_id);
        assert_ne!(other.params.get(), first.params.get());
        let again = admit(&mut repeats, "click e1", Some("k"), now);
        assert_eq!(again.params.get(), first.params.get());
    }

    #[test]
    fn what_did_nothing_may_be_sent_again() {
        let (mut repeats, now) = (Repeats::default(), Instant::now());
        let first = admit(&mut repeats, "click e1", None, now);
        repeats.did_nothing(&first.request_id);
        assert!(admit(&mut repeats, "click e1", None, now).repeats.is_none());
    }

    #[test]
    fn ids_depend_on_handle_steps_and_look_and_on_nothing_else() {
        let id = derived("s_a", "click", 3);
        assert_eq!(id, derived("s_a", "click", 3));
        for other in [
            derived("s_b", "click", 3),
            derived("s_a", "click ", 3),
            derived("s_a", "click", 4),
            derived("s_aclick", "", 3),
            keyed("s_a", "click"),
        ] {
            assert_ne!(id, other);
        }
    }
}
