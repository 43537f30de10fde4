//! Time as the store needs it: the wall's for people and file names, and one that never jumps for ages.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ops_contracts::wire::clock::{Clock, Timestamp};

/// A point in time by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The time of day; it may jump either way.
    pub wall: Timestamp,
    /// Time since some fixed point; it only grows.
    pub monotonic: Duration,
}

/// Tells both times.
pub trait Ticks: Send + Sync {
    /// Now.
    fn now(&self) -> Moment;
}

/// The time of the system.
pub struct SystemTicks {
    clock: Arc<dyn Clock>,
    since: Instant,
}

impl SystemTicks {
    /// Reads the time of day from `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            since: Instant::now(),
        }
    }
}

impl Ticks for SystemTicks {
    fn now(&self) -> Moment {
        Moment {
            wall: self.clock.now(),
            monotonic: self.since.elapsed(),
        }
    }
}
