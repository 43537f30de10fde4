//! What a session may use up in its life. Counts; time comes in.
//!
//! Closing, renewing and asking for the state are free, and so is answering a dialog: a session without means can be ended in order.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ops_contracts::wire::command::session::{Budget, BudgetStatus, BudgetUse};
use ops_contracts::wire::command::{Call, CommandName};
use ops_contracts::{ErrorCode, Fault, Outcome};
use tokio::time::Instant;

/// The means of one session.
pub(crate) struct Means {
    budget: Budget,
    begun: Instant,
    commands: AtomicU64,
    result_bytes: AtomicU64,
}

impl Means {
    pub(crate) fn new(budget: Budget, now: Instant) -> Self {
        Self {
            budget,
            begun: now,
            commands: AtomicU64::new(0),
            result_bytes: AtomicU64::new(0),
        }
    }

    /// The most pages at a time.
    pub(crate) const fn max_targets(&self) -> Option<u32> {
        self.budget.max_targets
    }

    /// Takes a command out of the budget; a batch costs what its commands cost.
    ///
    /// # Errors
    /// `ops_budget_exhausted` with the budget's name, its limit and what was used.
    pub(crate) fn spend(&self, call: &Call, now: Instant) -> Outcome<()> {
        let cost = match call {
            Call::BatchRun(batch) => batch.commands.len() as u64,
            call if is_free(call.name()) => return Ok(()),
            _ => 1,
        };
        let elapsed = millis(now.saturating_duration_since(self.begun));
        within("durationMs", self.budget.max_duration_ms, elapsed, 0)?;
        within(
            "resultBytes",
            self.budget.max_result_bytes,
            self.result_bytes.load(Ordering::Relaxed),
            0,
        )?;
        let limit = self.budget.max_commands;
        let most = limit.unwrap_or(u64::MAX);
        let spent = self
            .commands
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(cost).filter(|after| *after <= most)
            });
        spent
            .map(drop)
            .map_err(|used| exhausted("commands", most, used).with("asked", cost))
    }

    /// Notes the bytes of a result.
    pub(crate) fn returned(&self, call: CommandName, bytes: usize) {
        if !is_free(call) {
            self.result_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// Refuses a page beyond the budget.
    ///
    /// # Errors
    /// `ops_budget_exhausted`.
    pub(crate) fn room_for_page(&self, open: usize) -> Outcome<()> {
        within("targets", self.max_targets().map(u64::from), open as u64, 0)
    }

    /// The budget and its use; `None` where there is none.
    pub(crate) fn status(&self, targets: usize, now: Instant) -> Option<BudgetStatus> {
        let Budget {
            max_commands,
            max_targets,
            max_result_bytes,
            max_duration_ms,
        } = self.budget;
        let used = |limit: Option<u64>, used: u64| limit.map(|limit| BudgetUse { limit, used });
        (self.budget != Budget::default()).then(|| BudgetStatus {
            commands: used(max_commands, self.commands.load(Ordering::Relaxed)),
            targets: used(max_targets.map(u64::from), targets as u64),
            result_bytes: used(max_result_bytes, self.result_bytes.load(Ordering::Relaxed)),
            duration_ms: used(
                max_duration_ms,
                millis(now.saturating_duration_since(self.begun)),
            ),
        })
    }
}

fn within(budget: &'static str, limit: Option<u64>, used: u64, asked: u64) -> Outcome<()> {
    match limit {
        Some(limit) if used.saturating_add(asked) >= limit => Err(exhausted(budget, limit, used)),
        _ => Ok(()),
    }
}

fn exhausted(budget: &'static str, limit: u64, used: u64) -> Fault {
    let message = format!("the session's budget of {budget} is {limit}, and {used} are used");
    Fault::new(ErrorCode::OpsBudgetExhausted, message)
        .with("budget", budget)
        .with("limit", limit)
        .with("used", used)
}

fn is_free(name: CommandName) -> bool {
    matches!(name.spec().group(), "session" | "dialog")
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    fn call(name: CommandName, params: &str) -> Call {
        Call::parse(name, &RawValue::from_string(params.to_owned()).unwrap()).unwrap()
    }

    #[track_caller]
    fn refused(outcome: Outcome<()>, budget: &str, limit: u64, used: u64) {
        let fault = outcome.unwrap_err();
        let fact = |name: &str| fault.details.get(name).cloned().unwrap();
        assert_eq!(fault.code, ErrorCode::OpsBudgetExhausted);
        assert_eq!(
            (fact("budget"), fact("limit"), fact("used")),
            (budget.into(), limit.into(), used.into())
        );
    }

    #[test]
    fn each_budget_refuses_by_its_name_and_what_ends_a_session_is_free() {
        let now = Instant::now();
        let title = call(CommandName::DomTitle, "{}");
        let three = Budget {
            max_commands: Some(3),
            ..Budget::default()
        };
        let means = Means::new(three, now);
        let batch = r#"{"commands":[{"command":"dom.title"},{"command":"dom.url"}]}"#;
        means
            .spend(&call(CommandName::BatchRun, batch), now)
            .unwrap();
        refused(
            means.spend(&call(CommandName::BatchRun, batch), now),
            "commands",
            3,
            2,
        );
        means.spend(&title, now).unwrap();
        refused(means.spend(&title, now), "commands", 3, 3);
        means
            .spend(&call(CommandName::SessionClose, "{}"), now)
            .unwrap();
        means
            .spend(&call(CommandName::DialogDismiss, "{}"), now)
            .unwrap();

        let means = Means::new(
            Budget {
                max_result_bytes: Some(10),
                ..Budget::default()
            },
            now,
        );
        means.spend(&title, now).unwrap();
        means.returned(CommandName::SessionStatus, 1_000);
        means.returned(CommandName::DomTitle, 12);
        refused(means.spend(&title, now), "resultBytes", 10, 12);

        let means = Means::new(
            Budget {
                max_duration_ms: Some(1_000),
                ..Budget::default()
            },
            now,
        );
        means
            .spend(&title, now + Duration::from_millis(999))
            .unwrap();
        refused(
            means.spend(&title, now + Duration::from_millis(1_000)),
            "durationMs",
            1_000,
            1_000,
        );

        let means = Means::new(
            Budget {
                max_targets: Some(2),
                ..Budget::default()
            },
            now,
        );
        means.room_for_page(1).unwrap();
        refused(means.room_for_page(2), "targets", 2, 2);
        assert_eq!(
            means.status(2, now).unwrap().targets,
            Some(BudgetUse { limit: 2, used: 2 })
        );
        assert_eq!(Means::new(Budget::default(), now).status(1, now), None);
    }
}
