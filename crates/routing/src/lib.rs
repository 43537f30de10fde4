//! Decisions as pure functions: which limits a profile stands for, and which versions may speak to each other.
//!
//! **Invariant:** no I/O, no clock, no environment. What is decided here is enforced by the relay.

pub mod limits;
pub mod version;
