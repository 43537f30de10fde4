//! What the control plane keeps of itself on disk: the request rollups and incidents behind the scorecard.
//!
//! Everything is private to the user, and a disk that fails never stops serving: what is in memory goes on, and the loss is told.

#![deny(missing_docs)]

pub mod rollup;
