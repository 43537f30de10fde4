//! The edge of the control plane: `/ops` over HTTP and WebSocket, `/pair`, `/status`, `/metrics`, `/healthz`, `/admin` and
//! `/dashboard`, behind gates and limits.
//!
//! It runs no command and knows no browser: what is admitted goes to an [`OpsService`](ops_contracts::seam::port::OpsService).
//!
//! **Invariant:** a handler runs only with a permit, and only the gates make permits. No token, lease or body is ever logged.
//!
//! **Invariant:** closing a connection cancels nothing.

#![deny(missing_docs)]

mod access;
mod admin;
mod cdp;
mod config;
mod connection;
mod dashboard;
mod edge;
mod endpoint;
mod gate;
mod http;
mod metrics;
mod ops;
mod pairing;
mod peers;
mod pool;
mod provenance;
mod rate;
mod reply;
mod routing;
mod scoring;
mod server;
mod socket;
mod status;
mod stream;
mod tls;
mod websocket;

pub use access::ReadAccess;
pub use config::{Labels, RelayConfig, Timeouts, Token, Versions};
pub use pairing::{NoPairings, Paired, Pairing, PairingStore};
pub use provenance::Signing;
pub use routing::{LegacyGates, ReadSettings, RoutingSettings, RoutingSetup};
pub use server::{Control, Ended, Relay};
pub use tls::{Tls, TlsError};
