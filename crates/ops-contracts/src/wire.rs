//! What travels between a client and the relay: ids, errors, commands with their parameters and results, frames, locators,
//! receipts, capabilities, versions, and the facts of routing that hello and status show.
//!
//! **Invariant:** nothing here names a module of `seam` or `control`.

pub mod blob;
pub mod capability;
pub mod clock;
pub mod command;
pub mod device;
pub mod domains;
pub mod error;
pub mod fault;
pub mod frame;
pub mod http;
pub mod ids;
pub mod limits;
pub mod locator;
pub mod page;
pub mod receipt;
pub mod routing;
pub mod secret;
pub mod text;
pub mod version;
pub(crate) mod words;
