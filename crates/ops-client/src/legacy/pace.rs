//! Sends no faster than the lane's rate takes, so that nothing is ever refused for it.

use std::time::Duration;

use ops_contracts::limits::LaneLimits;
use tokio::time::{Instant, sleep_until};

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
        let burst = limits.burst - (limits.burst / 10).max(1).min(limits.burst.saturating_sub(1));
        Self { interval, tolerance: interval * burst.saturating_sub(1), next: Instant::now() }
    }

    /// How long the next message has to wait.
    pub(super) fn delay(&self) -> Duration {
        let now = Instant::now();
        let due = self.next.max(now).checked_sub(self.tolerance);
        due.map_or(Duration::ZERO, |due| due.saturating_duration_since(now))
    }

    /// Waits until one more message may go.
    pub(super) async fn wait(&mut self) {
        let now = Instant::now();
        self.next = self.next.max(now);
        if let Some(due) = self.next.checked_sub(self.tolerance).filter(|due| *due > now) {
            sleep_until(due).await;
        }
        self.next += self.interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_goes_at_once_and_the_rest_at_the_lanes_rate() {
        let limits = LaneLimits { max_payload_bytes: 1, requests_per_minute: 30, burst: 5, max_timeout_ms: 1 };
        let mut pace = Pace::new(&limits);
        let began = Instant::now();
        for _ in 0..4 {
            pace.wait().await;
        }
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert!(pace.delay() <= Duration::from_secs(3), "{:?}", pace.delay());
        pace.wait().await;
        pace.wait().await;
        assert!(began.elapsed() >= Duration::from_secs(4), "{:?}", began.elapsed());
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}
