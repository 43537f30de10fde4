//! The circuit breaker of one session, as a value: faults and successes go in with the time, transitions come out.
//!
//! It does not know what a fault is, reads no clock and tells nobody; the table of what counts is the contract's.
//!
//! Closed: commands run. Open, after five faults within a rolling minute: they are refused until the cooldown has passed.
//! Half open: one command at a time is admitted; ten successes in a row close the circuit, any fault opens it again.

use std::collections::VecDeque;
use std::time::Duration;

use ops_contracts::control::health::{
    COOLDOWN, CircuitState, DisableReason, FAULT_THRESHOLD, SUCCESSES_TO_CLOSE, WINDOW_SECONDS,
};
use tokio::time::Instant;

/// The most faults that are remembered: far more than a window of real ones has, and a bound on what a storm can take.
const MOST_FAULTS: usize = 1_000;

/// What the breaker goes by. The defaults are the plan's; other figures are for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerRules {
    /// Faults within the window that open the circuit; at least 1.
    pub threshold: u32,
    /// The rolling window.
    pub window: Duration,
    /// How long the circuit stays open.
    pub cooldown: Duration,
    /// Consecutive successes that close a half-open circuit; at least 1.
    pub successes: u32,
}

impl Default for BreakerRules {
    fn default() -> Self {
        Self {
            threshold: FAULT_THRESHOLD,
            window: Duration::from_secs(u64::from(WINDOW_SECONDS)),
            cooldown: COOLDOWN,
            successes: SUCCESSES_TO_CLOSE,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen { probing: bool },
}

/// Leave to run a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Admitted {
    /// Whether it is the one command that a half-open circuit admits; its place must be given back.
    pub(crate) probe: bool,
    /// Whether the circuit has just become half open with it.
    pub(crate) transition: bool,
}

/// No leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    /// When a retry makes sense; none where that depends on the probe that runs.
    pub(crate) retry_after: Option<Duration>,
}

/// A session's breaker. A new session, which is what restarting one means, has a new one.
#[derive(Debug, Clone)]
pub(crate) struct Breaker {
    rules: BreakerRules,
    state: State,
    /// When the latest faults were, at most as many as open the circuit.
    faults: VecDeque<Instant>,
    successes: u32,
}

impl Breaker {
    pub(crate) fn new(rules: BreakerRules) -> Self {
        Self {
            rules,
            state: State::Closed,
            faults: VecDeque::new(),
            successes: 0,
        }
    }

    /// Asks for leave to run a command.
    pub(crate) fn admit(&mut self, now: Instant) -> Result<Admitted, Refused> {
        match self.state {
            State::Closed => Ok(Admitted {
                probe: false,
                transition: false,
            }),
            State::Open { until } if now < until => Err(Refused {
                retry_after: Some(until - now),
            }),
            State::Open { .. } => {
                self.successes = 0;
                self.state = State::HalfOpen { probing: true };
                Ok(Admitted {
                    probe: true,
                    transition: true,
                })
            }
            State::HalfOpen { probing: true } => Err(Refused { retry_after: None }),
            State::HalfOpen { probing: false } => {
                self.state = State::HalfOpen { probing: true };
                Ok(Admitted {
                    probe: true,
                    transition: false,
                })
            }
        }
    }

    /// Gives the place of a probe back, whatever came of it.
    pub(crate) fn release(&mut self) {
        if let State::HalfOpen { probing } = &mut self.state {
            *probing = false;
        }
    }

    /// A command has succeeded; whether that closed the circuit.
    pub(crate) fn succeed(&mut self) -> bool {
        if matches!(self.state, State::Open { .. }) {
            return false;
        }
        self.successes = self.successes.saturating_add(1);
        let closes =
            matches!(self.state, State::HalfOpen { .. }) && self.successes >= self.rules.successes;
        if closes {
            self.state = State::Closed;
            self.faults.clear();
        }
        closes
    }

    /// The adapter has failed; whether that opened the circuit. A fault while it is open is counted and changes nothing.
    pub(crate) fn fault(&mut self, now: Instant) -> bool {
        self.successes = 0;
        self.forget_old(now);
        if self.faults.len() >= MOST_FAULTS {
            self.faults.pop_front();
        }
        self.faults.push_back(now);
        let opens = match self.state {
            State::Closed => {
                self.faults.len() >= usize::try_from(self.rules.threshold).unwrap_or(usize::MAX)
            }
            State::HalfOpen { .. } => true,
            State::Open { .. } => false,
        };
        if opens {
            self.state = State::Open {
                until: now + self.rules.cooldown,
            };
        }
        opens
    }

    /// Faults within the window, at most [`MOST_FAULTS`] of them.
    pub(crate) fn faults(&mut self, now: Instant) -> u32 {
        self.forget_old(now);
        u32::try_from(self.faults.len()).unwrap_or(u32::MAX)
    }

    fn forget_old(&mut self, now: Instant) {
        let window = self.rules.window;
        while self
            .faults
            .front()
            .is_some_and(|at| now.saturating_duration_since(*at) >= window)
        {
            self.faults.pop_front();
        }
    }

    pub(crate) const fn state(&self) -> CircuitState {
        match self.state {
            State::Closed => CircuitState::Closed,
            State::Open { .. } => CircuitState::Open,
            State::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }

    /// When the cooldown of an open circuit ends.
    pub(crate) const fn cooldown_until(&self) -> Option<Instant> {
        match self.state {
            State::Open { until } => Some(until),
            _ => None,
        }
    }

    pub(crate) const fn reason(&self) -> DisableReason {
        match self.state {
            State::Closed => DisableReason::Unknown,
            _ => DisableReason::FaultThreshold,
        }
    }

    pub(crate) const fn successes(&self) -> u32 {
        self.successes
    }

    pub(crate) const fn rules(&self) -> BreakerRules {
        self.rules
    }
}

#[cfg(test)]
mod tests;
