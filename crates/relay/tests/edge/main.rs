//! The relay over real sockets, with a scripted service behind it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod blobs;
mod cdp;
mod client;
mod dashboard;
mod ending;
mod health;
mod http;
mod limits;
mod metrics;
mod orchestration;
mod routing;
mod scorecard;
mod service;
mod socket;
mod tls;
