//! CDP behind the seam: speaks to Chrome or Chromium over a transport, a debugging pipe or any other channel of messages, and
//! turns the seam's primitives into protocol calls and protocol events into the seam's.
//!
//! It implements no command of the contract, keeps no session, opens no port, and starts no process: browsers come from a
//! [`Supervisor`](ops_contracts::seam::supervise::Supervisor), or are there already.

mod adapter;
mod browser;
mod connection;
mod context;
mod fault;
mod legacy;
mod router;
mod through;
mod transport;
mod wire;

pub use adapter::{Attachment, CdpAdapter, LAUNCH_DEADLINE};
pub use legacy::LegacyLauncher;
