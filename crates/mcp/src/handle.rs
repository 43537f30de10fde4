//! What stands for a session and its lease outside of this process: a word that opens nothing elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use ops_contracts::ErrorCode;
use ops_contracts::wire::ids::{LeaseId, SessionId};
use parking_lot::{Mutex, MutexGuard};
use serde_json::{Map, Value};

use crate::link::Link;
use crate::repeat::Repeats;
use crate::trouble::Trouble;

/// How many sessions one server has at most: a model that forgets to close them gets an error that says so.
const MAX_SESSIONS: usize = 32;

/// A session that was opened here.
#[derive(Debug)]
pub(crate) struct Held {
    /// The word.
    pub(crate) handle: String,
    /// The session and its lease, which no answer shows.
    pub(crate) ids: (SessionId, LeaseId),
    /// The connection to its relay.
    pub(crate) link: Arc<Link>,
    memory: Mutex<Memory>,
}

/// What is remembered of a session between calls.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Its acting calls.
    pub(crate) repeats: Repeats,
    /// The last snapshot that was answered.
    pub(crate) seen: Option<Seen>,
}

/// A snapshot that the client may know.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Its name.
    pub(crate) id: String,
    /// What it was asked for with, without cursor, since and find: a change is one of the same view alone.
    pub(crate) view: Map<String, Value>,
}

impl Held {
    pub(crate) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock()
    }
}

/// The sessions of this server.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    held: Mutex<BTreeMap<String, Arc<Held>>>,
}

impl Sessions {
    fn held(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Held>>> {
        self.held.lock()
    }

    /// Whether another session may be opened.
    pub(crate) fn check_room(&self) -> Result<(), Trouble> {
        if self.held().len() < MAX_SESSIONS {
            return Ok(());
        }
        Err(Trouble::new(
            ErrorCode::OpsSessionLimit,
            format!("{MAX_SESSIONS} sessions are open here"),
        )
        .hint("browser_close those that are done with"))
    }

    /// Keeps a session under a new handle.
    pub(crate) fn keep(
        &self,
        random: u128,
        ids: (SessionId, LeaseId),
        link: Arc<Link>,
    ) -> Arc<Held> {
        let held = Arc::new(Held {
            handle: word(random),
            ids,
            link,
            memory: Mutex::default(),
        });
        self.held().insert(held.handle.clone(), held.clone());
        held
    }

    /// The session of a handle.
    pub(crate) fn find(&self, handle: &str) -> Result<Arc<Held>, Trouble> {
        self.held()
            .get(handle)
            .cloned()
            .ok_or_else(|| unknown(handle))
    }

    /// Forgets a session that is over.
    pub(crate) fn forget(&self, handle: &str) {
        self.held().remove(handle);
    }

    /// Takes all sessions out, to be closed.
    pub(crate) fn take_all(&self) -> Vec<Arc<Held>> {
        std::mem::take(&mut *self.held()).into_values().collect()
    }
}

fn unknown(handle: &str) -> Trouble {
    let shown: String = handle.chars().take(40).collect();
    Trouble::new(
        ErrorCode::CliSessionMissing,
        format!("no session {shown:?} is open: it was closed, has expired, or was never opened by this server"),
    )
    .hint("browser_open gives a new session; refs and pages of an old one are gone")
}

/// `s_` and eleven letters and digits without those that look alike: 55 bits.
fn word(random: u128) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
    let digits = (0..11).map(|place| {
        let digit = usize::try_from((random >> (place * 5)) & 31).unwrap_or(0);
        char::from(LETTERS[digit])
    });
    format!("s_{}", digits.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_a_short_word_of_its_own() {
        let (one, other) = (word(7), word(7 << 5));
        assert_eq!(one.len(), 13);
        assert!(one.starts_with("s_") && one != other, "{one} {other}");
    }

    #[test]
    fn an_unknown_handle_says_how_to_go_on() {
        let trouble = Sessions::default().find("s_gone").unwrap_err();
        assert_eq!(trouble.code, "cli_session_missing");
        assert!(trouble.hint.contains("browser_open"), "{}", trouble.hint);
    }
}
