//! The verbs of the legacy lane.

use clap::{Args, Subcommand};

/// What to do on the legacy lane.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum Cdp {
    /// Opens a legacy session, with a browser of its own.
    Open,
    /// Sends one raw command to the legacy session and prints its result.
    Send(CdpSend),
    /// Opens an endpoint on this machine for one unmodified client, with a session of its own that goes with it.
    Proxy(CdpProxy),
    /// Closes the legacy session with its browser.
    Close,
}

/// Arguments of `cdp send`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CdpSend {
    /// The protocol's method.
    pub(crate) method: String,
    /// Its parameters as JSON.
    #[arg(default_value = "{}")]
    pub(crate) params: String,
    /// The protocol's own session, as an attachment named it.
    #[arg(long, value_name = "ID")]
    pub(crate) cdp_session: Option<String>,
}

/// Arguments of `cdp proxy`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CdpProxy {
    /// The port; the system chooses without it.
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,
    /// How long to wait for the client, in milliseconds.
    #[arg(long, default_value_t = 600_000, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=86_400_000))]
    pub(crate) wait_ms: u64,
}
