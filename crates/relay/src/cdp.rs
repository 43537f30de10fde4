//! The legacy lane `/cdp`: raw protocol messages for those who need them, each session in a browser process of its own, behind
//! gates, leases and limits that are never wider than those of `/ops`.
//!
//! It knows no protocol: what a command may do the browser's own port says. Nothing of `/ops` opens anything here, and nothing
//! of here opens anything there: sessions and leases live in registries of their own.

mod audit;
mod frame;
mod handshake;
mod lane;
mod outlet;
mod session;
mod socket;

pub(crate) use handshake::{close, open, renew};
pub(crate) use lane::Lane;
pub(crate) use session::Session;
pub(crate) use socket::serve;
