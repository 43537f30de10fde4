//! The port that carries a protocol's messages between an adapter and a browser: two pipes, a socket, or a channel through
//! somebody else. Each message is one JSON text in UTF-8.
//!
//! It knows no method and no id. Messages arrive whole, in the order in which they were sent, or the transport has ended.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::seam::adapter::BoxFuture;

/// Both directions of a channel of messages.
pub struct Transport {
    /// The way to the browser.
    pub outgoing: Arc<dyn Outgoing>,
    /// The way from the browser.
    pub incoming: Box<dyn Incoming>,
}

/// The way to the browser, shared by all who send.
pub trait Outgoing: Send + Sync {
    /// Sends messages, each followed by a NUL byte, in order with all others. Never waits: what the channel does not take
    /// at once is kept, within bounds. Whole messages are refused, or none.
    ///
    /// # Errors
    /// [`SendError`]; nothing of `messages` has been sent then.
    fn send(&self, messages: &[u8]) -> Result<(), SendError>;

    /// Refuses everything from now on, and ends the channel. Harmless when it has ended.
    fn close(&self);
}

/// The way from the browser, owned by one task.
pub trait Incoming: Send {
    /// The next message, without a NUL. `None` when the channel has ended, which is the loss of the browser. Dropping the
    /// future loses no message.
    fn next(&mut self) -> BoxFuture<'_, io::Result<Option<Bytes>>>;
}

/// Why messages could not be handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// The channel has ended.
    #[error("the browser's debugging connection is closed")]
    Closed,
    /// More is waiting for the browser than is kept.
    #[error("the browser does not read: too many bytes are waiting for it")]
    Backlog,
}

/// The messages that [`Outgoing::send`] was given, one by one. JSON text has no NUL in it.
pub fn messages(sent: &[u8]) -> impl Iterator<Item = &[u8]> {
    sent.split(|byte| *byte == 0)
        .filter(|message| !message.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_in_one_piece_is_messages_again() {
        let sent = messages(b"{\"id\":1}\0{\"id\":2}\0").collect::<Vec<_>>();
        assert_eq!(sent, [&b"{\"id\":1}"[..], b"{\"id\":2}"]);
        assert_eq!(messages(b"").count(), 0);
    }
}
