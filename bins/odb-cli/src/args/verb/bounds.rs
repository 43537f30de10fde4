//! What bounds a new session: where it may go, and how much it may do.

use clap::Args;
use ops_contracts::domains::DomainRule;

/// Bounds of a new session.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Bounds {
    /// A host that a new session may reach: example.com, *.example.com, an address; repeat it for more. No other host is reached then.
    #[arg(long, value_name = "RULE")]
    pub(crate) allow_domain: Vec<DomainRule>,
    /// A host that a new session may not reach; repeat it for more.
    #[arg(long, value_name = "RULE")]
    pub(crate) deny_domain: Vec<DomainRule>,
}
