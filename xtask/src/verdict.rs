//! How a task ends: with what code, where it is more than "it failed".

use std::fmt;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::workspace::shown;

/// What is judged can't be read as what it should be.
pub const SHAPE: u8 = 2;

/// A threshold is missed.
pub const THRESHOLD: u8 = 3;

/// A failure with a code of its own.
#[derive(Debug)]
pub struct Verdict {
    /// The code that the process ends with.
    pub code: u8,
    /// What it is about.
    pub message: String,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Verdict {}

impl Verdict {
    /// What is judged can't be read as what it should be.
    #[must_use]
    pub fn shape(message: impl Into<String>) -> Self {
        Self {
            code: SHAPE,
            message: message.into(),
        }
    }

    /// A threshold is missed.
    #[must_use]
    pub fn threshold(message: impl Into<String>) -> Self {
        Self {
            code: THRESHOLD,
            message: message.into(),
        }
    }
}

/// The code that a failed task ends with.
#[must_use]
pub fn exit_code(error: &anyhow::Error) -> u8 {
    error
        .downcast_ref::<Verdict>()
        .map_or(1, |verdict| verdict.code)
}

/// Runs a command that judges, and ends as it does.
pub(crate) fn passed_on(command: &mut Command) -> Result<()> {
    let line = shown(command);
    eprintln!("> {line}");
    let status = command
        .status()
        .with_context(|| format!("{line} could not be started"))?;
    match status.code() {
        Some(0) => Ok(()),
        Some(code @ (2 | 3)) => Err(Verdict {
            code: u8::try_from(code)?,
            message: format!("{line} ended with {code}"),
        }
        .into()),
        _ => bail!("{line} failed: {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_keeps_its_code_through_what_is_told_around_it() {
        let error: anyhow::Error = Verdict::threshold("too slow").into();
        assert_eq!(exit_code(&error.context("the gate fails")), 3);
        assert_eq!(exit_code(&anyhow::anyhow!("something else")), 1);
    }

    #[test]
    fn the_code_of_who_judges_is_passed_on() {
        let of = |script: &str| passed_on(Command::new("sh").args(["-c", script]));
        assert!(of("exit 0").is_ok());
        for code in [1, 2, 3] {
            let error = of(&format!("exit {code}")).unwrap_err();
            assert_eq!(i32::from(exit_code(&error)), code);
        }
        assert_eq!(exit_code(&of("exit 9").unwrap_err()), 1);
    }
}
