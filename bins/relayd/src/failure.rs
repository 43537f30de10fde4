//! Why the program ends without having served, with its code and exit status.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use ops_contracts::{ErrorCode, Fault};

/// The command line or the environment is wrong.
const USAGE: u8 = 1;
/// Anything else.
pub(crate) const EXECUTION: u8 = 2;

/// The end of the program.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Help or version was asked for, or the command line is not understood; the text is clap's.
    Arguments(clap::Error),
    /// A coded failure.
    Coded(Fault),
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Coded(Fault::new(ErrorCode::CliUsageInvalid, message))
    }

    /// The relay can't start.
    pub(crate) fn start(message: impl Into<String>) -> Self {
        Self::Coded(Fault::new(ErrorCode::RelayStartFailed, message))
    }

    /// A file of the home can't be used.
    pub(crate) fn state(path: &Path, why: impl std::fmt::Display) -> Self {
        let shown = path.display();
        Self::Coded(
            Fault::new(ErrorCode::CliStateInvalid, format!("{shown}: {why}"))
                .with("path", shown.to_string()),
        )
    }

    /// The failure as a fault, for who can't end the program.
    pub(crate) fn into_fault(self) -> Fault {
        match self {
            Self::Arguments(error) => Fault::new(ErrorCode::CliUsageInvalid, error.to_string()),
            Self::Coded(fault) => fault,
        }
    }

    /// Tells it on standard error, with what to do next.
    pub(crate) fn report(self) -> ExitCode {
        match self {
            Self::Arguments(error) => {
                // Nobody may be reading.
                let _ = error.print();
                ExitCode::from(if error.use_stderr() { USAGE } else { 0 })
            }
            Self::Coded(fault) => {
                let remedy = fault.code.row().remedy;
                let _ = writeln!(
                    std::io::stderr(),
                    "relayd: {} ({})\n  {remedy}",
                    fault.message,
                    fault.code
                );
                let usage = matches!(
                    fault.code,
                    ErrorCode::CliUsageInvalid
                        | ErrorCode::CliRolloutAllowlistInvalid
                        | ErrorCode::AdapterArgumentForbidden
                );
                ExitCode::from(if usage { USAGE } else { EXECUTION })
            }
        }
    }
}
