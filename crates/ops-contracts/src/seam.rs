//! The ports by which crates are composed: adapters with their primitives and events, the way out of confined sessions,
//! the starting of browsers, what carries their messages, and the runtime as the relay sees it. Beside them stands what every adapter
//! keeps in the same way, whatever its protocol: commands that wait, what was observed, files.
//!
//! **Invariant:** nothing here names a module of `control`.

pub mod adapter;
pub mod calls;
pub mod chromium;
pub mod egress;
pub mod files;
pub mod observed;
pub mod port;
pub mod supervise;
pub mod transport;
