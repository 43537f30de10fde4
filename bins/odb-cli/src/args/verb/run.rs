//! The verbs that run commands of the contract as they are.

use clap::Args;

#[derive(Debug, Clone, Args)]
pub(crate) struct Batch {
    /// Goes on after an error.
    #[arg(long)]
    pub(crate) keep_going: bool,
    /// Commands in one request, 1 to 100.
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) slice: u8,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Call {
    /// The command's dotted name, as commands lists it.
    pub(crate) command: String,
    /// Its parameters as JSON, or - for stdin.
    #[arg(long, default_value = "{}", value_name = "JSON")]
    pub(crate) params: String,
}
