//! Who may send how much: token buckets per session for holders of its lease, else per peer.
//!
//! Commands that help a client out of trouble have buckets of their own, so that a flood of others can't lock them out.

use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};
use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::ids::{ClientId, SessionId};
use ops_contracts::wire::limits::LaneLimits;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::gate::Permit;

/// How many times the rate of commands a peer may read at: a scraper, a dashboard and a person poll side by side.
const READS: u32 = 4;

/// What a message costs whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Charge<'a> {
    /// Who pays.
    pub(crate) payer: Payer<'a>,
    /// Which of the payer's buckets.
    pub(crate) bucket: Bucket,
    /// How many requests it counts as.
    pub(crate) cost: u32,
}

impl<'a> Charge<'a> {
    /// One request of a peer.
    pub(crate) fn of(permit: &'a Permit, bucket: Bucket) -> Self {
        Self {
            payer: Payer::Peer(permit.client()),
            bucket,
            cost: 1,
        }
    }
}

/// Who pays for a message.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Payer<'a> {
    /// A session whose lease the sender holds.
    Session(&'a SessionId),
    /// The sender.
    Peer(&'a ClientId),
}

/// A bucket of a payer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bucket {
    /// Commands at large.
    Commands,
    /// Status, renew, close, cancel and dialogs.
    Control,
    /// The status document, the metrics, and frames that ask for nothing to be run.
    Reads,
}

impl Bucket {
    pub(crate) fn of(command: Option<CommandName>) -> Self {
        match command {
            Some(
                CommandName::SessionStatus
                | CommandName::SessionRenew
                | CommandName::SessionClose
                | CommandName::DialogStatus
                | CommandName::DialogAccept
                | CommandName::DialogDismiss,
            ) => Self::Control,
            _ => Self::Commands,
        }
    }
}

/// How many requests a command counts as: a batch as its number of commands.
pub(crate) fn cost(command: Option<CommandName>, params: &RawValue) -> u32 {
    #[derive(Deserialize)]
    struct Batch {
        commands: Vec<IgnoredAny>,
    }
    if command != Some(CommandName::BatchRun) {
        return 1;
    }
    let count = serde_json::from_str::<Batch>(params.get()).map_or(1, |batch| batch.commands.len());
    u32::try_from(count).unwrap_or(u32::MAX).max(1)
}

struct Buckets {
    sessions: DefaultKeyedRateLimiter<SessionId>,
    peers: DefaultKeyedRateLimiter<ClientId>,
}

impl Buckets {
    fn new(quota: Quota) -> Self {
        Self {
            sessions: DefaultKeyedRateLimiter::keyed(quota),
            peers: DefaultKeyedRateLimiter::keyed(quota),
        }
    }

    fn retain_recent(&self) {
        self.sessions.retain_recent();
        self.peers.retain_recent();
    }
}

/// Every bucket.
pub(crate) struct Rates {
    commands: Buckets,
    control: Buckets,
    reads: Buckets,
    burst: u32,
    clock: DefaultClock,
}

impl Rates {
    pub(crate) fn new(limits: &LaneLimits) -> Self {
        // A limit of nothing would refuse everything for ever; one is the least that governor can express.
        let at_least_one = |figure: u32| NonZeroU32::new(figure).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_minute(at_least_one(limits.requests_per_minute))
            .allow_burst(at_least_one(limits.burst));
        let share = |figure: u32| at_least_one(figure.saturating_mul(READS));
        let reads =
            Quota::per_minute(share(limits.requests_per_minute)).allow_burst(share(limits.burst));
        Self {
            commands: Buckets::new(quota),
            control: Buckets::new(quota),
            reads: Buckets::new(reads),
            burst: quota.burst_size().get(),
            clock: DefaultClock::default(),
        }
    }

    /// Takes the charge from its bucket.
    pub(crate) fn charge(&self, charge: &Charge<'_>) -> Outcome<()> {
        let buckets = match charge.bucket {
            Bucket::Commands => &self.commands,
            Bucket::Control => &self.control,
            Bucket::Reads => &self.reads,
        };
        let cost = NonZeroU32::new(charge.cost).unwrap_or(NonZeroU32::MIN);
        let taken = match charge.payer {
            Payer::Session(session) => buckets.sessions.check_key_n(session, cost),
            Payer::Peer(client) => buckets.peers.check_key_n(client, cost),
        };
        match taken {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => {
                let wait = until.wait_time_from(self.clock.now());
                let millis = u64::try_from(wait.as_millis())
                    .unwrap_or(u64::MAX)
                    .saturating_add(1);
                Err(Fault::new(
                    ErrorCode::RelayRateLimited,
                    format!("too many requests: the next one passes in {millis} ms"),
                )
                .retry_after(millis))
            }
            Err(_) => {
                let burst = self.burst;
                let message = format!(
                    "a batch of {cost} commands can never pass: at most {burst} may come at once"
                );
                Err(Fault::new(ErrorCode::RelayBatchTooLarge, message)
                    .with("commands", cost)
                    .with("limit", burst))
            }
        }
    }

    /// Forgets payers whose buckets are full again.
    pub(crate) fn retain_recent(&self) {
        self.commands.retain_recent();
        self.control.retain_recent();
        self.reads.retain_recent();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates() -> Rates {
        Rates::new(&LaneLimits {
            max_payload_bytes: 1,
            requests_per_minute: 1,
            burst: 3,
            max_timeout_ms: 1,
        })
    }

    fn charge<'a>(client: &'a ClientId, bucket: Bucket, cost: u32) -> Charge<'a> {
        Charge {
            payer: Payer::Peer(client),
            bucket,
            cost,
        }
    }

    #[test]
    fn a_payer_has_its_burst_and_then_waits_while_others_and_control_pass() {
        let rates = rates();
        let (one, two): (ClientId, ClientId) = ("one".parse().unwrap(), "two".parse().unwrap());
        for _ in 0..3 {
            assert_eq!(rates.charge(&charge(&one, Bucket::Commands, 1)), Ok(()));
        }
        let fault = rates
            .charge(&charge(&one, Bucket::Commands, 1))
            .unwrap_err();
        assert_eq!(fault.code, ErrorCode::RelayRateLimited);
        assert!(
            fault
                .retry_after_ms
                .is_some_and(|wait| (1..=60_001).contains(&wait))
        );
        assert_eq!(rates.charge(&charge(&two, Bucket::Commands, 1)), Ok(()));
        assert_eq!(rates.charge(&charge(&one, Bucket::Control, 1)), Ok(()));
        let session: SessionId = "ab".repeat(16).parse().unwrap();
        let by_lease = Charge {
            payer: Payer::Session(&session),
            bucket: Bucket::Commands,
            cost: 1,
        };
        assert_eq!(rates.charge(&by_lease), Ok(()));
    }

    #[test]
    fn a_batch_counts_as_its_commands() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let batch = Some(CommandName::BatchRun);
        assert_eq!(
            cost(
                batch,
                &raw(r#"{"commands":[{"command":"a"},{"command":"b"},7]}"#)
            ),
            3
        );
        assert_eq!(cost(batch, &raw(r#"{"commands":[]}"#)), 1);
        assert_eq!(cost(batch, &raw("{}")), 1);
        assert_eq!(
            cost(Some(CommandName::DomEval), &raw(r#"{"commands":[1,2]}"#)),
            1
        );
        let client: ClientId = "one".parse().unwrap();
        let fault = rates()
            .charge(&charge(&client, Bucket::Commands, 4))
            .unwrap_err();
        assert_eq!(
            (fault.code, fault.retry_after_ms),
            (ErrorCode::RelayBatchTooLarge, None)
        );
        assert_eq!(
            (fault.details.get("commands"), fault.details.get("limit")),
            (Some(&4.into()), Some(&3.into()))
        );
    }
}
