//! Measures where a request's time goes. Calls that overlap count as one round trip.

use std::time::{Duration, Instant};

use ops_contracts::wire::frame::Timing;
use parking_lot::Mutex;

/// The meter of one request.
#[derive(Debug)]
pub(crate) struct Meter {
    received: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    started: Option<Instant>,
    active: u32,
    busy_since: Option<Instant>,
    adapter: Duration,
    round_trips: u32,
}

impl Meter {
    pub(crate) fn new(received: Instant) -> Self {
        Self {
            received,
            inner: Mutex::default(),
        }
    }

    /// The request leaves its queue.
    pub(crate) fn start(&self) {
        self.lock().started = Some(Instant::now());
    }

    /// A call to the browser is under way until the guard is dropped.
    pub(crate) fn call(&self) -> CallGuard<'_> {
        let mut inner = self.lock();
        if inner.active == 0 {
            inner.busy_since = Some(Instant::now());
            inner.round_trips += 1;
        }
        inner.active += 1;
        CallGuard(self)
    }

    /// The figures so far.
    pub(crate) fn timing(&self) -> Timing {
        let now = Instant::now();
        let inner = self.lock();
        let started = inner.started.unwrap_or(now);
        let adapter = inner.adapter + inner.busy_since.map_or(Duration::ZERO, |since| now - since);
        Timing {
            queue_ms: millis(started.saturating_duration_since(self.received)),
            runtime_ms: millis(now.saturating_duration_since(started)),
            adapter_ms: millis(adapter),
            round_trips: inner.round_trips,
            total_ms: millis(now.saturating_duration_since(self.received)),
        }
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, Inner> {
        self.inner.lock()
    }
}

/// Ends a call when dropped, also when the call is abandoned.
pub(crate) struct CallGuard<'a>(&'a Meter);

impl Drop for CallGuard<'_> {
    fn drop(&mut self) {
        let mut inner = self.0.lock();
        inner.active -= 1;
        if inner.active == 0
            && let Some(since) = inner.busy_since.take()
        {
            inner.adapter += since.elapsed();
        }
    }
}

/// Milliseconds with three decimals.
fn millis(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_calls_are_one_round_trip() {
        let meter = Meter::new(Instant::now());
        meter.start();
        let first = meter.call();
        let second = meter.call();
        drop(first);
        drop(second);
        drop(meter.call());
        assert_eq!(meter.timing().round_trips, 2);
    }
}
