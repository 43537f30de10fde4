//! When the lane's rate takes a message, so that nothing is ever refused for it.

use std::time::Duration;

use ops_contracts::wire::limits::LaneLimits;
use tokio::time::Instant;

/// The pace of one session. Its burst is a little below the lane's: what a slow moment delays arrives closer together.
#[derive(Debug)]
pub(super) struct Pace {
    interval: Duration,
    tolerance: Duration,
    /// When the bucket would be empty.
    next: Instant,
}

impl Pace {
    pub(super) fn new(limits: &LaneLimits) -> Self {
        // A hundredth slower than allowed: two clocks never run alike.
        let interval = Duration::from_secs(60).mul_f64(1.01) / limits.requests_per_minute.max(1);
        let burst = limits.burst
            - (limits.burst / 10)
                .max(1)
                .min(limits.burst.saturating_sub(1));
        Self {
            interval,
            tolerance: interval * burst.saturating_sub(1),
            next: Instant::now(),
        }
    }

    /// How long a message has to wait that comes after `before` others.
    pub(super) fn delay(&self, before: usize) -> Duration {
        let now = Instant::now();
        let others = self
            .interval
            .saturating_mul(u32::try_from(before).unwrap_or(u32::MAX));
        let full = self
            .next
            .saturating_duration_since(now)
            .saturating_add(others);
        full.saturating_sub(self.tolerance)
    }

    /// Counts a message that goes now.
    pub(super) fn spend(&mut self) {
        self.next = self.next.max(Instant::now()) + self.interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_lanes_rate() {
        let limits = LaneLimits {
            max_payload_bytes: 1,
            requests_per_minute: 30,
            burst: 5,
            max_timeout_ms: 1,
        };
        let mut pace = Pace::new(&limits);
        for _ in 0..4 {
            assert_eq!(pace.delay(0), Duration::ZERO);
            pace.spend();
        }
        let interval = Duration::from_millis(2020);
        assert_eq!(pace.delay(0), interval);
        assert_eq!(pace.delay(3), interval * 4);
        tokio::time::advance(interval).await;
        assert_eq!(pace.delay(0), Duration::ZERO);
        pace.spend();
        assert_eq!(pace.delay(0), interval);
    }
}
