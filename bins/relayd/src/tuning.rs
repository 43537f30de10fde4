//! `--health-tuning`: other figures of the circuit breaker, so that a test of a whole relay need not wait for minutes. Hidden from
//! the help, since whoever serves others has no reason to change the plan's figures; shown as a warning where it is used.

use std::time::Duration;

use ops_runtime::HealthRules;

use crate::failure::Failure;

const EXPECTED: &str =
    "threshold, windowMs, cooldownMs, successes and snapshotMs, each as NAME=NUMBER from 1 with commas between them";

/// The rules with the figures of `text` in place of the plan's.
///
/// # Errors
/// `cli_usage_invalid`, naming what is not understood.
pub(crate) fn parse(text: &str) -> Result<HealthRules, Failure> {
    let mut rules = HealthRules::default();
    for part in text.split(',') {
        let wrong = || Failure::usage(format!("--health-tuning takes {EXPECTED}, not {part:?}"));
        let (name, number) = part.split_once('=').ok_or_else(wrong)?;
        let number: u32 = number.parse().ok().filter(|number| *number > 0).ok_or_else(wrong)?;
        let span = Duration::from_millis(u64::from(number));
        match name {
            "threshold" => rules.breaker.threshold = number,
            "windowMs" => rules.breaker.window = span,
            "cooldownMs" => rules.breaker.cooldown = span,
            "successes" => rules.breaker.successes = number,
            "snapshotMs" => rules.snapshot_every = span,
            _ => return Err(wrong()),
        }
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_are_named_change_and_the_others_stay() {
        let rules = parse("cooldownMs=1500,successes=3").ok().unwrap();
        let plan = HealthRules::default();
        assert_eq!((rules.breaker.cooldown, rules.breaker.successes), (Duration::from_millis(1_500), 3));
        assert_eq!(
            (rules.breaker.threshold, rules.breaker.window, rules.snapshot_every),
            (5, plan.breaker.window, plan.snapshot_every)
        );
        for wrong in ["", "cooldownMs", "cooldownMs=0", "cooldownMs=-1", "cooldown=5", "successes=3,"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
