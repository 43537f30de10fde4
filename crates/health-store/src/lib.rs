//! What the control plane keeps of itself on disk: adapter health and its journal, and the request rollups and incidents behind
//! the scorecard.
//!
//! The health store is the authority on every session's circuit; it emits nothing and decides nothing about circuits. Everything
//! is private to the user and served from memory: a disk that is full, slow or read-only costs lines, which are counted and
//! told, and never an answer.

#![deny(missing_docs)]

mod dir;
mod disk;
mod error;
mod format;
pub mod journal;
mod maintain;
mod moment;
mod replay;
pub mod rollup;
mod state;
mod store;
mod writer;

pub use error::JournalError;
pub use maintain::Pruned;
pub use moment::{Moment, SystemTicks, Ticks};
pub use replay::{Damage, SegmentReport};
pub use store::{HealthStore, JournalConfig};
