//! Typed client of `/ops`: one-shot calls over HTTP, and a connection that negotiates, reconnects and reassembles chunks.
//!
//! It reads no environment, no clock of the wall, and no files but the system's list of certificate authorities. It starts no relay.
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
mod stream;
mod tls;
pub mod ws;

pub use endpoint::{Endpoint, InvalidEndpoint, RelayUrl, RequestIds, Token};
pub use error::ClientError;
pub use post::RawCall;
pub use reply::{Refusal, Reply};
pub use tls::{InvalidTrust, Trust};
pub use ws::{Client, Options};
