#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! Sessions and commands above the adapter seam: leases, one owner task per session, the DOM bridge, receipts. Rust programs use
//! [`api`]; a relay uses [`Runtime`], the service behind it.
//!
//! **Invariant:** knows neither HTTP nor any browser protocol, reads neither environment nor clock: [`api::SystemClock`] is there for
//! programs to pass in.

#![deny(missing_docs)]

pub mod api;
mod blobs;
mod boundary;
mod bridge;
mod budget;
mod call;
mod chain;
mod commands;
mod confinement;
mod cx;
mod health;
mod lease;
mod meter;
mod origin;
mod pattern;
mod pool;
mod replies;
mod runtime;
mod secret;
mod session;
mod snapshots;
mod urls;
mod world;

pub use health::{BreakerRules, HealthRules};
pub use runtime::{FamilyConfig, Runtime, RuntimeConfig, UrlRules};

/// The source of the DOM bridge, for tools that compare what it tells with what a browser does.
#[must_use]
pub fn bridge_source() -> &'static str {
    &bridge::SOURCE.whole
}
