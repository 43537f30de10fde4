//! The command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Serves browsers to agents and tools over one contract, /ops.
#[derive(Debug, Parser)]
#[command(name = "relayd", version, about)]
pub(crate) struct Args {
    /// The state directory [default: $ODB_HOME, else $XDG_STATE_HOME/odb, else ~/.local/state/odb]
    #[arg(long, value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Loopback address and port, or a port alone; 0 lets the system choose [default: 9555 with --limits strict, 0 with --limits local]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// The limits profile: strict for a shared relay, local for the relay of one user
    #[arg(long, value_name = "PROFILE", default_value = "strict")]
    pub(crate) limits: String,
    /// How log lines are written to standard error
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) log_format: LogFormat,
    /// What is logged
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub(crate) log_level: LogLevel,
    /// The browser's executable [default: $ODB_BROWSER, else well-known names and places]
    #[arg(long, value_name = "PATH")]
    pub(crate) browser: Option<PathBuf>,
    /// A further argument for every browser; may be repeated. $ODB_BROWSER_ARGS adds more
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub(crate) browser_arg: Vec<String>,
    /// Whether browsers run in their sandbox; auto is on, but off for root
    #[arg(long, value_name = "MODE", default_value = "auto")]
    pub(crate) sandbox: SandboxMode,
    /// Leave after this many milliseconds without sessions and commands
    #[arg(long, value_name = "MILLISECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) idle_exit_ms: Option<u64>,
    /// A further name for which the Host header passes; may be repeated
    #[arg(long, value_name = "HOST")]
    pub(crate) allow_host: Vec<String>,
    /// The id of a browser extension that may call; may be repeated
    #[arg(long, value_name = "ID")]
    pub(crate) allow_extension: Vec<String>,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// What is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Whether browsers run in their sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SandboxMode {
    Auto,
    On,
    Off,
}
