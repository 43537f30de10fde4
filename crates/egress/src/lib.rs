//! The way out of a confined session: a small forward proxy for each browser context, which decides by host on every tunnel and
//! every plain request, resolves the names itself, and serves nobody but the browser that it was opened for.
//!
//! It sees hosts and ports. It ends no TLS, reads no body, keeps no log, and knows neither sessions nor commands.

mod dial;
mod door;
mod forward;
mod peer;
mod upstream;

pub use door::LocalEgress;
pub use upstream::{InvalidUpstream, Upstream};
