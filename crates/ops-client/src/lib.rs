//! Typed client of `/ops`: one-shot calls over HTTP, and a connection that negotiates, reconnects and reassembles chunks.
//!
//! It reads no environment, no files and no clock of the wall. It starts no relay.
//!
//! **Invariants:** every wait has a deadline. A command that may have run is never sent again, unless its registry row says
//! that a second execution is harmless. A frame that this version doesn't understand in full is still an answer.

mod endpoint;
mod error;
mod http;
pub mod legacy;
pub mod patience;
pub mod post;
mod reply;
pub mod ws;

pub use endpoint::{Endpoint, InvalidEndpoint, RelayUrl, RequestIds, Token};
pub use error::ClientError;
pub use post::RawCall;
pub use reply::{Refusal, Reply};
pub use ws::{Client, Options};
