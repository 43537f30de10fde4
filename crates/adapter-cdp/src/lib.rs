//! CDP behind the adapter seam, managed mode: finds, launches and supervises Chrome or Chromium, speaks to it over a
//! debugging pipe, and turns the seam's primitives into protocol calls and protocol events into the seam's.
//!
//! It implements no command of the contract, keeps no session and opens no port.

pub mod guard;
pub mod launch;
pub mod locate;

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

pub use adapter::{CdpAdapter, CdpConfig, LAUNCH_DEADLINE, Sandbox};
pub use legacy::LegacyLauncher;
