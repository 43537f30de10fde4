//! `--health-tuning`: other figures of the circuit breaker, so that a test of a whole relay need not wait for minutes, or no word of
//! health at all, so that the bench can tell what it costs. Hidden from the help, since whoever serves others has no reason to change the plan's figures; shown as a warning where it is used.

use std::time::Duration;

use ops_runtime::HealthRules;

use crate::failure::Failure;

const EXPECTED: &str = "off, or threshold, windowMs, cooldownMs, successes and snapshotMs, each as NAME=NUMBER from 1 with commas between them";

/// How health is kept where that is not the plan's way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tuning {
    pub(crate) rules: HealthRules,
    /// Whether sessions tell their health and the relay keeps it.
    pub(crate) told: bool,
}

/// The rules with the figures of `text` in place of the plan's.
///
/// # Errors
/// `cli_usage_invalid`, naming what is not understood.
pub(crate) fn parse(text: &str) -> Result<Tuning, Failure> {
    let mut rules = HealthRules::default();
    if text == "off" {
        return Ok(Tuning { rules, told: false });
    }
    for part in text.split(',') {
        let wrong = || Failure::usage(format!("--health-tuning takes {EXPECTED}, not {part:?}"));
        let (name, number) = part.split_once('=').ok_or_else(wrong)?;
        let number: u32 = number
            .parse()
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(wrong)?;
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
    Ok(Tuning { rules, told: true })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_are_named_change_and_the_others_stay() {
        let Tuning { rules, told } = parse("cooldownMs=1500,successes=3").ok().unwrap();
        let plan = HealthRules::default();
        assert_eq!(
            (rules.breaker.cooldown, rules.breaker.successes),
            (Duration::from_millis(1_500), 3)
        );
        assert_eq!(
            (
                rules.breaker.threshold,
                rules.breaker.window,
                rules.snapshot_every
            ),
            (5, plan.breaker.window, plan.snapshot_every)
        );
        assert!(told && !parse("off").ok().unwrap().told);
        for wrong in [
            "",
            "cooldownMs",
            "cooldownMs=0",
            "cooldownMs=-1",
            "cooldown=5",
            "successes=3,",
            "off,successes=3",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
