//! Commands to a browser that wait for their replies, and why one may never get it.
//!
//! It knows no protocol: how a command is written, what it waits for and how a refusal reads is the adapter's.

use std::collections::HashMap;
use std::fmt::Display;

use crate::seam::adapter::{AdapterError, CONNECTION_ENDED};

/// Why work that was under way will never be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// The page was closed.
    TargetClosed,
    /// The page's renderer crashed.
    TargetCrashed,
    /// The document that the work ran in was replaced.
    Navigated,
    /// The frame was removed from its page.
    FrameDetached,
    /// The browser is gone.
    Disconnected,
}

impl Loss {
    /// What the seam says of it.
    fn error(self) -> AdapterError {
        match self {
            Self::TargetClosed => AdapterError::TargetClosed,
            Self::TargetCrashed => AdapterError::TargetCrashed,
            Self::Navigated => AdapterError::DocumentGone,
            Self::FrameDetached => AdapterError::FrameGone,
            Self::Disconnected => AdapterError::lost(CONNECTION_ENDED),
        }
    }
}

/// Why a command has no result. `R` is the protocol's refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError<R: Display> {
    /// What it needed went away.
    #[error("the work was lost: {0:?}")]
    Lost(Loss),
    /// The browser's own answer.
    #[error("the browser refused: {0}")]
    Refused(R),
    /// Too much waits for the browser already.
    #[error("the browser does not read its commands")]
    Backlog,
    /// Ours was wrong.
    #[error("a command cannot be written as JSON: {0}")]
    Encode(String),
    /// The browser's was.
    #[error("the browser's reply is not understood: {0}")]
    Decode(String),
}

impl<R: Display> CallError<R> {
    /// What the seam says of it. `call` names the command; `refusal` knows what the protocol's refusals mean, and gives the reason of one
    /// that means nothing else.
    pub fn of_call(
        self,
        call: &str,
        refusal: impl FnOnce(R) -> Result<AdapterError, String>,
    ) -> AdapterError {
        let reason = match self {
            Self::Lost(loss) => return loss.error(),
            Self::Backlog => return AdapterError::Unresponsive,
            Self::Encode(reason) | Self::Decode(reason) => reason,
            Self::Refused(refused) => match refusal(refused) {
                Ok(error) => return error,
                Err(reason) => reason,
            },
        };
        AdapterError::Protocol {
            call: call.to_owned(),
            reason,
        }
    }
}

impl<R: Display> From<serde_json::Error> for CallError<R> {
    /// What came from the browser can't be read.
    fn from(error: serde_json::Error) -> Self {
        Self::Decode(error.to_string())
    }
}

/// The commands that wait on one connection, by the ids that they were sent with. `W` is who waits, and what for.
///
/// Each is handed out once, to whoever reports its outcome; a table that is closed takes no more.
#[derive(Debug)]
pub struct Calls<W> {
    waiting: HashMap<u64, W>,
    closed: bool,
}

impl<W> Default for Calls<W> {
    fn default() -> Self {
        Self {
            waiting: HashMap::new(),
            closed: false,
        }
    }
}

impl<W> Calls<W> {
    /// Enters a command before it is sent.
    ///
    /// # Errors
    /// The command, where the table is closed.
    pub fn enter(&mut self, id: u64, waiting: W) -> Result<(), W> {
        if self.closed {
            return Err(waiting);
        }
        self.waiting.insert(id, waiting);
        Ok(())
    }

    /// Takes the command of this id out: it has its reply, or nobody waits any more.
    pub fn take(&mut self, id: u64) -> Option<W> {
        self.waiting.remove(&id)
    }

    /// Takes out those that are lost together.
    pub fn lose(&mut self, belongs: impl Fn(&W) -> bool) -> Vec<W> {
        self.waiting
            .extract_if(|_, waiting| belongs(waiting))
            .map(|(_, waiting)| waiting)
            .collect()
    }

    /// Takes all of them out, for good.
    pub fn close(&mut self) -> Vec<W> {
        self.closed = true;
        self.lose(|_| true)
    }

    /// Whether commands are taken.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.closed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_handed_out_once() {
        let mut calls = Calls::default();
        calls.enter(1, "page a").unwrap();
        calls.enter(2, "page b").unwrap();
        calls.enter(3, "page b").unwrap();
        assert_eq!(calls.take(1), Some("page a"));
        assert_eq!(calls.take(1), None);
        assert_eq!(calls.lose(|page| *page == "page b"), ["page b", "page b"]);
        assert_eq!(calls.take(3), None);
        assert!(calls.is_open());
    }

    #[test]
    fn a_closed_table_gives_all_back_and_takes_no_more() {
        let mut calls = Calls::default();
        calls.enter(1, 'a').unwrap();
        assert_eq!(calls.close(), ['a']);
        assert!(!calls.is_open());
        assert_eq!(calls.enter(2, 'b'), Err('b'));
        assert_eq!(calls.close(), []);
    }

    #[test]
    fn every_cause_has_its_own_error() {
        let told = |error: CallError<&'static str>| {
            error.of_call("x", |refused| match refused {
                "no alert" => Ok(AdapterError::DialogMissing),
                other => Err(other.to_owned()),
            })
        };
        let protocol = |reason: &str| AdapterError::Protocol {
            call: "x".to_owned(),
            reason: reason.to_owned(),
        };
        for (error, expected) in [
            (
                CallError::Lost(Loss::TargetClosed),
                AdapterError::TargetClosed,
            ),
            (
                CallError::Lost(Loss::TargetCrashed),
                AdapterError::TargetCrashed,
            ),
            (CallError::Lost(Loss::Navigated), AdapterError::DocumentGone),
            (
                CallError::Lost(Loss::FrameDetached),
                AdapterError::FrameGone,
            ),
            (
                CallError::Lost(Loss::Disconnected),
                AdapterError::lost(CONNECTION_ENDED),
            ),
            (CallError::Backlog, AdapterError::Unresponsive),
            (CallError::Refused("no alert"), AdapterError::DialogMissing),
            (CallError::Refused("why not"), protocol("why not")),
            (CallError::Decode("odd".to_owned()), protocol("odd")),
            (CallError::Encode("odd".to_owned()), protocol("odd")),
        ] {
            assert_eq!(told(error), expected);
        }
    }
}
