//! The contract of the control plane, in three rooms with arrows only from later to earlier: [`wire`], what travels;
//! [`seam`], the ports by which crates are composed; [`control`], the operations plane as data and pure rules.
//!
//! **Invariant:** no I/O, no runtime, no clock. Everything here is data, a pure rule, or a trait that others implement.

#![deny(missing_docs)]

pub mod control;
pub mod seam;
pub mod wire;

pub use wire::error::{Blame, ErrorCode, ErrorSource};
pub use wire::fault::{Details, ErrorBody, Fault, Outcome};
