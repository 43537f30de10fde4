//! The runtime, its adapters and its bridge in this process.

mod accessibility;
mod capabilities;
mod guard;
mod ops_browser_manager;
