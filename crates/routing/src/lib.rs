//! Decisions as pure functions: where a session is routed, and which versions may speak to each other.
//!
//! **Invariant:** no I/O, no clock, no environment. What is decided here is enforced by the relay.

pub mod decision;
pub mod precedence;
pub mod preflight;
pub mod rollout;
pub mod version;
pub mod window;

#[cfg(test)]
mod strategies;
