//! The pairings of a home: who is paired, in `paired.json`, and the one-time code that `odb-cli pair` has left in
//! `pairing.json` for the next client. Of a pairing's token its hash alone is kept.
//!
//! Whoever can write the home can open a code: that is what makes a pairing a proof of the home's owner.

use std::sync::Arc;

use ops_contracts::wire::clock::{Clock, Timestamp};
use ops_contracts::wire::http::home::PAIRING_CODE;
use ops_contracts::wire::http::{OpenCode, Paired};
use ops_contracts::{ErrorCode, Fault, Outcome};
use parking_lot::{Mutex, MutexGuard};
use relay::PairingStore;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::failure::Failure;
use crate::home::{Home, random_hex};

/// The pairings' file.
const PAIRED: &str = "paired.json";

/// Bytes of a pairing's id and of its token.
const ID_BYTES: usize = 8;
const TOKEN_BYTES: usize = 32;

/// How many wrong codes spend the open one: guessing 40 bits takes more.
const GUESSES: u32 = 5;

/// A client that is paired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Grant {
    pairing_id: String,
    token_sha256: String,
    paired_at: Timestamp,
}

#[derive(Default)]
struct State {
    grants: Vec<Grant>,
    wrong: u32,
}

/// The pairings of a home.
pub(crate) struct Pairings {
    home: Arc<Home>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

impl Pairings {
    /// The pairings that the home holds.
    ///
    /// # Errors
    /// `cli_state_invalid` where their file is foreign, open to others, or not what is written there.
    pub(crate) fn open(home: Arc<Home>, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        let pairings = Self {
            home,
            clock,
            state: Mutex::default(),
        };
        pairings.refresh()?;
        Ok(pairings)
    }

    /// Reads the file anew, so that a pairing that was taken out of it is over.
    pub(crate) fn refresh(&self) -> Result<(), Failure> {
        let grants = match self.home.read(PAIRED)? {
            Some(text) => serde_json::from_str(&text)
                .map_err(|error| Failure::state(&self.home.path(PAIRED), error))?,
            None => Vec::new(),
        };
        self.lock().grants = grants;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Spends the open code if it is `code`.
    fn spend(&self, state: &mut State, code: &str) -> Outcome<()> {
        let refused = |why: &str| Err(Fault::new(ErrorCode::RelayPairingInvalid, why));
        let text = self.home.read(PAIRING_CODE).map_err(Failure::into_fault)?;
        let Some(open) = text.and_then(|text| serde_json::from_str::<OpenCode>(&text).ok()) else {
            return refused(
                "no pairing code is open: odb-cli pair, run where the relay runs, shows one",
            );
        };
        if open.expires_at <= self.clock.now() {
            self.home.remove(PAIRING_CODE);
            return refused("the pairing code has expired: odb-cli pair shows a new one");
        }
        if !bool::from(
            canonical(&open.code)
                .as_bytes()
                .ct_eq(canonical(code).as_bytes()),
        ) {
            state.wrong += 1;
            if state.wrong < GUESSES {
                return refused("the pairing code is wrong");
            }
            state.wrong = 0;
            self.home.remove(PAIRING_CODE);
            return refused(
                "the pairing code is wrong, and the open one is spent after too many wrong ones",
            );
        }
        state.wrong = 0;
        self.home.remove(PAIRING_CODE);
        Ok(())
    }
}

impl PairingStore for Pairings {
    fn find(&self, token: &[u8]) -> Option<String> {
        let hash = hash(token);
        let state = self.lock();
        // Every grant is compared, so that the time tells nothing of which one fits.
        let mut found = None;
        for grant in &state.grants {
            if bool::from(grant.token_sha256.as_bytes().ct_eq(hash.as_bytes())) {
                found = Some(&grant.pairing_id);
            }
        }
        found.cloned()
    }

    fn holds(&self, id: &str) -> bool {
        self.lock()
            .grants
            .iter()
            .any(|grant| grant.pairing_id == id)
    }

    fn redeem(&self, code: &str) -> Outcome<Paired> {
        let mut state = self.lock();
        self.spend(&mut state, code)?;
        let secret = |bytes| random_hex(bytes).map_err(Failure::into_fault);
        let paired = Paired {
            id: secret(ID_BYTES)?,
            token: secret(TOKEN_BYTES)?,
        };
        let (pairing_id, token_sha256) = (paired.id.clone(), hash(paired.token.as_bytes()));
        let mut grants = state.grants.clone();
        grants.push(Grant {
            pairing_id,
            token_sha256,
            paired_at: self.clock.now(),
        });
        let text = serde_json::to_string(&grants)
            .map_err(|error| Fault::new(ErrorCode::RelayInternal, error.to_string()))?;
        self.home
            .write(PAIRED, &(text + "\n"))
            .map_err(Failure::into_fault)?;
        state.grants = grants;
        Ok(paired)
    }
}

/// A code as it is compared: people leave the dash out and don't mind the case.
fn canonical(code: &str) -> String {
    code.chars()
        .filter(|c| !matches!(c, '-' | ' '))
        .map(|c| c.to_ascii_uppercase())
        .collect()
}

fn hash(token: &[u8]) -> String {
    Sha256::digest(token)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    struct Hand(AtomicU64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_millis(self.0.load(Ordering::Relaxed))
        }
    }

    fn pairings() -> (tempfile::TempDir, Arc<Home>, Arc<Hand>, Pairings) {
        let scratch = tempfile::tempdir().unwrap();
        let home = Arc::new(Home::take(scratch.path().join("home")).unwrap());
        let clock = Arc::new(Hand(AtomicU64::new(1_000)));
        let pairings = Pairings::open(home.clone(), clock.clone()).unwrap();
        (scratch, home, clock, pairings)
    }

    fn show(home: &Home, code: &str) {
        home.write(
            PAIRING_CODE,
            &format!(r#"{{"code":"{code}","expiresAt":"1970-01-01T00:00:02.000Z"}}"#),
        )
        .unwrap();
    }

    #[test]
    fn a_code_pairs_one_client_once_and_its_token_outlives_the_relay() {
        let (_scratch, home, clock, pairings) = pairings();
        assert_eq!(
            pairings.redeem("K7QM-2XPD").unwrap_err().code,
            ErrorCode::RelayPairingInvalid
        );
        show(&home, "K7QM-2XPD");
        let paired = pairings.redeem("k7qm2xpd").unwrap();
        assert_eq!(
            pairings.redeem("K7QM-2XPD").unwrap_err().code,
            ErrorCode::RelayPairingInvalid,
            "spent"
        );
        assert_eq!(
            pairings.find(paired.token.as_bytes()),
            Some(paired.id.clone())
        );
        assert_eq!(pairings.find(b""), None);
        let file = home.path(PAIRED);
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(
            !text.contains(&paired.token) && text.contains(&paired.id),
            "{text}"
        );
        assert_eq!(
            std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let again = Pairings::open(home.clone(), clock).unwrap();
        assert_eq!(again.find(paired.token.as_bytes()), Some(paired.id));
        home.remove(PAIRED);
        again.refresh().unwrap();
        assert_eq!(again.find(paired.token.as_bytes()), None, "taken back");
    }

    #[test]
    fn wrong_and_late_codes_spend_the_open_one() {
        let (_scratch, home, clock, pairings) = pairings();
        show(&home, "AAAA-AAAA");
        for _ in 0..GUESSES {
            assert_eq!(
                pairings.redeem("BBBB-BBBB").unwrap_err().code,
                ErrorCode::RelayPairingInvalid
            );
        }
        assert_eq!(
            pairings.redeem("AAAA-AAAA").unwrap_err().code,
            ErrorCode::RelayPairingInvalid
        );
        show(&home, "AAAA-AAAA");
        clock.0.store(2_000, Ordering::Relaxed);
        assert!(
            pairings
                .redeem("AAAA-AAAA")
                .unwrap_err()
                .message
                .contains("expired")
        );
        assert!(!home.path(PAIRING_CODE).exists());
    }
}
