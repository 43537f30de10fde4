//! Browsers as processes, behind the [`Supervisor`](ops_contracts::seam::supervise::Supervisor) of the adapter interface:
//! found, started with the flags that they need, guarded so that none outlives its owner, and swept where that failed.
//!
//! It speaks no protocol of a browser and sends none a message: what comes out is a process and the way to it.

pub mod guard;

mod browsers;
mod directory;
mod environment;
mod folder;
mod locate;
mod output;
mod process;
mod supervisor;

pub use folder::FoldersBelow;
pub use supervisor::{BrowserSupervisor, Sandbox, SupervisorConfig};
