//! What is read of the protocol's events and replies: small structs with exactly the fields that are used, so that
//! unknown and new ones never matter. Strings that Chromium may escape are owned, ids are borrowed.

mod dom;
mod network;
mod page;
mod runtime;
mod storage;
mod target;

pub(crate) use dom::*;
pub(crate) use network::*;
pub(crate) use page::*;
pub(crate) use runtime::*;
pub(crate) use storage::*;
pub(crate) use target::*;
