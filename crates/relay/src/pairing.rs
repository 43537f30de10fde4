//! Pairing: a second credential beside the relay token, handed out once for a one-time code.
//!
//! Nothing is kept here: which clients are paired and which code is open is the store's to know.

use std::fmt;
use std::sync::Arc;

use ops_contracts::wire::http::PairRequest;
pub use ops_contracts::wire::http::Paired;
use ops_contracts::{ErrorCode, Fault, Outcome};

use crate::http::respond::Reply;
use crate::http::{self, Exchange};

/// Whether clients must pair, and who knows which have.
#[derive(Clone)]
pub struct Pairing {
    /// Whether every request but those to `/healthz` and `/pair` needs a pairing token.
    pub required: bool,
    /// Knows the pairings.
    pub store: Arc<dyn PairingStore>,
}

impl fmt::Debug for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pairing")
            .field("required", &self.required)
            .finish_non_exhaustive()
    }
}

/// Knows which clients are paired. Its methods may block on the disk of the relay's home.
pub trait PairingStore: Send + Sync {
    /// The id of the pairing that `token` belongs to. Compares in a time that tells nothing about how much of it is right.
    fn find(&self, token: &[u8]) -> Option<String>;

    /// Whether the pairing with this id is still there: one that was taken back is not. Must not block.
    fn holds(&self, id: &str) -> bool;

    /// Pairs a client that presents the open one-time code, which is spent by that.
    ///
    /// # Errors
    /// `relay_pairing_invalid` where no code is open, it is another, or it has expired.
    fn redeem(&self, code: &str) -> Outcome<Paired>;
}

/// No client can pair: for relays that require none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPairings;

impl PairingStore for NoPairings {
    fn find(&self, _: &[u8]) -> Option<String> {
        None
    }

    fn holds(&self, _: &str) -> bool {
        false
    }

    fn redeem(&self, _: &str) -> Outcome<Paired> {
        Err(Fault::new(
            ErrorCode::RelayPairingInvalid,
            "this relay pairs no clients",
        ))
    }
}

impl Pairing {
    /// Pairing is off, and nobody can pair.
    #[must_use]
    pub fn off() -> Self {
        Self {
            required: false,
            store: Arc::new(NoPairings),
        }
    }
}

/// `POST /pair`: a one-time code for a pairing token. Answers with what the client keeps.
///
/// # Errors
/// `relay_frame_invalid` for a body that is not `{"code": …}`, and what `redeem` refuses.
pub(crate) async fn pair(mut exchange: Exchange) -> Outcome<Reply> {
    let PairRequest { code } = exchange.json().await?;
    let store = exchange.edge().admission.pairing.store.clone();
    let redeemed = tokio::task::spawn_blocking(move || store.redeem(&code)).await;
    let paired = redeemed
        .unwrap_or_else(|_| Err(Fault::new(ErrorCode::RelayInternal, "pairing panicked")))?;
    tracing::info!(pairingId = %paired.id, "a client was paired");
    http::json(&paired)
}
