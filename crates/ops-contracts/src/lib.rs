//! The contract of the control plane: identifiers, errors, commands, frames, the adapter seam, and the ports by which
//! the other crates are composed.
//!
//! **Invariant:** no I/O, no runtime, no clock. Everything here is data, or a trait that others implement.

#![deny(missing_docs)]

pub mod access;
pub mod adapter;
pub mod alert;
pub mod blob;
pub mod capability;
pub mod choice;
pub mod chromium;
pub mod clock;
pub mod command;
pub mod config;
pub mod device;
pub mod domains;
pub mod egress;
pub mod error;
pub mod fault;
pub mod fidelity;
pub mod frame;
pub mod health;
pub mod ids;
pub mod incident;
pub mod ledger;
pub mod legacy;
pub mod limits;
pub mod locator;
pub mod port;
pub mod provenance;
pub mod receipt;
pub mod routing;
pub mod schema;
pub mod scorecard;
pub mod status;
pub mod supervise;
pub mod telemetry;
pub mod version;
mod words;

pub use error::{Blame, ErrorCode, ErrorSource};
pub use fault::{Details, ErrorBody, Fault, Outcome};
