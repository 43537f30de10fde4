//! What bounds a new session: where it may go, and how much it may do.

use clap::Args;
use ops_contracts::wire::command::session::Budget;
use ops_contracts::wire::domains::DomainRule;

/// Bounds of a new session.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Bounds {
    /// A host that a new session may reach: example.com, *.example.com, an address; repeat it for more. No other host is reached then.
    #[arg(long, value_name = "RULE")]
    pub(crate) allow_domain: Vec<DomainRule>,
    /// A host that a new session may not reach; repeat it for more.
    #[arg(long, value_name = "RULE")]
    pub(crate) deny_domain: Vec<DomainRule>,
    /// The most commands of a new session.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_commands: Option<u64>,
    /// The most pages of a new session at a time.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_targets: Option<u32>,
    /// The most bytes of results of a new session.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_result_bytes: Option<u64>,
    /// How long a new session may act, in milliseconds.
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u64).range(1_000..))]
    pub(crate) max_duration: Option<u64>,
}

impl Bounds {
    /// The budget, where one is given.
    pub(crate) fn budget(&self) -> Option<Budget> {
        let budget = Budget {
            max_commands: self.max_commands,
            max_targets: self.max_targets,
            max_result_bytes: self.max_result_bytes,
            max_duration_ms: self.max_duration,
        };
        (budget != Budget::default()).then_some(budget)
    }
}
