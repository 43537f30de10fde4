//! Decisions as pure functions: where a session is routed, which versions may speak to each other, which limits a profile
//! stands for, and what a configuration document says.
//!
//! **Invariant:** no I/O, no clock, no environment. What is decided here is enforced by the relay.

pub mod admission;
pub mod config;
pub mod decision;
pub mod limits;
pub mod precedence;
pub mod preflight;
pub mod rollout;
pub mod version;
pub mod window;

#[cfg(test)]
mod strategies;
