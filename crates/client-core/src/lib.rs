//! What the front ends of the control plane share: finding and starting a relay, sessions kept under names, requests with
//! checked parameters, and results as text.
//!
//! **Invariant:** nothing here reads the environment, the clock or randomness, prints, or knows a command line's grammar:
//! a front end hands in [`Surroundings`] and shows what comes back.

#![deny(missing_docs)]

pub mod failure;
pub mod home;
pub mod legacy;
pub mod pairing;
pub mod relay;
pub mod render;
pub mod request;
pub mod session;
pub mod transfer;

mod client;
mod correlation;

pub use client::{Client, RemoteRelay, Surroundings};
pub use correlation::Correlation;
pub use failure::{Failure, Outcome};
pub use home::Home;
pub use relay::Relay;
pub use request::Request;
pub use session::OpenSession;
