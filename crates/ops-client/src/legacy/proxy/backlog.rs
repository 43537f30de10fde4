//! What a client has sent and the lane's rate has not let go yet. Nothing is dropped: what could not go in time is handed back.

use std::collections::VecDeque;
use std::time::Duration;

use ops_contracts::wire::limits::LaneLimits;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::legacy::pace::Pace;

/// Bytes that may wait; beyond them the client's socket waits.
const ROOM: usize = 64 * 1024 * 1024;

/// Messages in the order in which they came, each with its turn.
#[derive(Debug)]
pub(super) struct Backlog {
    pace: Pace,
    /// The longest that a message may wait: as long as a command may take. Later it would be no use to who sent it.
    longest: Duration,
    waiting: VecDeque<Utf8Bytes>,
    /// What the relay refused: it goes before everything that came later.
    refused: VecDeque<Utf8Bytes>,
    bytes: usize,
    /// When the relay, which refused one, takes the next.
    not_before: Option<Instant>,
}

/// A message that would wait too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overrun {
    /// How many wait already.
    pub(super) waiting: usize,
    /// When one more would be taken.
    pub(super) retry_after: Duration,
}

impl Backlog {
    pub(super) fn new(limits: &LaneLimits) -> Self {
        let longest = Duration::from_millis(limits.max_timeout_ms);
        Self {
            pace: Pace::new(limits),
            longest,
            waiting: VecDeque::new(),
            refused: VecDeque::new(),
            bytes: 0,
            not_before: None,
        }
    }

    /// Whether another message can be read.
    pub(super) const fn has_room(&self) -> bool {
        self.bytes < ROOM
    }

    /// How long a message that comes now would wait.
    pub(super) fn delay(&self) -> Duration {
        let refused = self.not_before.map_or(Duration::ZERO, |at| {
            at.saturating_duration_since(Instant::now())
        });
        self.pace.delay(self.len()).max(refused)
    }

    /// Takes a message, unless its turn would come too late.
    pub(super) fn push(&mut self, text: Utf8Bytes) -> Result<(), Overrun> {
        let delay = self.delay();
        if delay > self.longest {
            return Err(Overrun {
                waiting: self.len(),
                retry_after: delay.saturating_sub(self.longest),
            });
        }
        self.bytes += text.len();
        self.waiting.push_back(text);
        Ok(())
    }

    /// Takes back the message that the relay refused until `at`: it goes before what came later.
    pub(super) fn again(&mut self, text: Utf8Bytes, at: Instant) {
        self.bytes += text.len();
        self.refused.push_back(text);
        self.not_before = Some(at);
    }

    fn len(&self) -> usize {
        self.refused.len() + self.waiting.len()
    }

    /// When the first message may go; none where none waits.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.len() == 0 {
            return None;
        }
        let paced = Instant::now() + self.pace.delay(0);
        Some(self.not_before.map_or(paced, |at| at.max(paced)))
    }

    /// The first message, if its turn has come.
    pub(super) fn take(&mut self) -> Option<Utf8Bytes> {
        if self.due()? > Instant::now() {
            return None;
        }
        let text = self
            .refused
            .pop_front()
            .or_else(|| self.waiting.pop_front())?;
        self.bytes -= text.len();
        self.not_before = None;
        self.pace.spend();
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strict() -> Backlog {
        Backlog::new(&LaneLimits {
            max_payload_bytes: 1,
            requests_per_minute: 30,
            burst: 5,
            max_timeout_ms: 20_000,
        })
    }

    fn taken(backlog: &mut Backlog) -> Vec<String> {
        std::iter::from_fn(|| backlog.take())
            .map(|text| text.as_str().to_owned())
            .collect()
    }

    #[tokio::test(start_paused = true)]
    async fn what_would_wait_longer_than_a_command_may_take_is_handed_back_and_says_when_to_retry()
    {
        let mut backlog = strict();
        let accepted = (0..30)
            .take_while(|number: &i32| backlog.push(number.to_string().into()).is_ok())
            .count();
        // Four at once, and nine more in twenty seconds.
        assert_eq!(accepted, 13);
        let overrun = backlog.push("late".into()).unwrap_err();
        assert_eq!(overrun.waiting, 13);
        assert_eq!(taken(&mut backlog), ["0", "1", "2", "3"]);
        tokio::time::advance(overrun.retry_after).await;
        backlog.push("late".into()).unwrap();
        assert!(backlog.push("later".into()).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn everything_goes_in_its_order_and_what_the_relay_refused_goes_first_when_it_is_taken_again()
     {
        let mut backlog = strict();
        for text in ["a", "b", "c", "d", "e", "f"] {
            backlog.push(text.into()).unwrap();
        }
        assert_eq!(taken(&mut backlog), ["a", "b", "c", "d"]);
        let at = Instant::now() + Duration::from_secs(9);
        backlog.again("c".into(), at);
        backlog.again("d".into(), at);
        assert_eq!(backlog.due(), Some(at));
        tokio::time::advance(Duration::from_secs(8)).await;
        assert_eq!(taken(&mut backlog), Vec::<String>::new());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(taken(&mut backlog), ["c", "d", "e", "f"]);
        assert_eq!(backlog.due(), None);
        assert!(backlog.has_room());
    }
}
