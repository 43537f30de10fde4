//! A server of the Model Context Protocol over the `/ops` contract.
//!
//! **Invariants:** no lease enters an answer; every text that a page wrote stands between the marks of the process' own fence;
//! an acting call that is repeated blindly does not act again; every wait has a deadline. No adapter and no runtime is known here.

#![deny(missing_docs)]

mod act;
mod answer;
mod args;
mod call;
pub mod connect;
mod fence;
mod handle;
mod link;
mod receipt;
mod repeat;
mod server;
mod snapshot;
pub mod tool;
mod tools;
mod trouble;

pub use server::{Settings, serve_stdio};
