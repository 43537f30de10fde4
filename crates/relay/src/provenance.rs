//! Events from outside: checked by the signing mode, kept for a while, and told with what their check gave. A replay is refused in every
//! mode that checks.
//!
//! What an event means is for its readers: nothing here acts on one.

use std::collections::{HashMap, VecDeque};
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use ops_contracts::control::fidelity::DataFidelity;
use ops_contracts::control::provenance::{
    EventFigures, EventList, EventRecord, Provenance, SignedEvent, SigningMode, Verification,
};
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::command::parse_json;
use ops_contracts::{ErrorCode, Fault, Outcome};
use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;
use serde_json::Value;
use sha2::Sha256;

/// How far a signature's time may be from the relay's, in milliseconds.
const WINDOW_MS: u64 = 5 * 60 * 1000;

/// The most nonces within the window. Only right signatures get here, so that nobody else can fill it.
const MOST_NONCES: usize = 65_536;

/// How many events are kept.
const KEPT: usize = 1_000;

/// What the operator has set about signatures.
#[derive(Clone, Default)]
pub struct Signing {
    /// `OPENCODE_EVENT_SIGNING_MODE`.
    pub mode: Option<SigningMode>,
    /// `OPENCODE_EVENT_SIGNING_KEY`.
    pub key: Option<String>,
}

impl Signing {
    /// The mode in force: with a key and no mode the strictest, with neither none, and nothing is taken in.
    fn effective(&self) -> Option<SigningMode> {
        self.mode.or_else(|| {
            self.key
                .as_ref()
                .map(|_| SigningMode::RequireValidSignature)
        })
    }
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signing")
            .field("mode", &self.mode)
            .field("key", &self.key.as_ref().map(|_| "…"))
            .finish()
    }
}

#[derive(Default)]
struct State {
    figures: EventFigures,
    events: VecDeque<EventRecord>,
    /// Nonces of right signatures, with their times.
    nonces: HashMap<String, Timestamp>,
    next: u64,
}

/// Takes events in.
pub(crate) struct Intake {
    signing: Signing,
    state: Mutex<State>,
}

/// What the signature covers.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Signed<'a> {
    event: &'a Value,
    provenance: SignedProvenance<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignedProvenance<'a> {
    key_id: &'a str,
    alg: &'a str,
    ts: Timestamp,
    nonce: &'a str,
}

impl Intake {
    pub(crate) fn new(signing: Signing) -> Self {
        Self {
            signing,
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Takes the text of an event in; answers its record.
    ///
    /// # Errors
    /// `relay_event_closed`, `relay_event_unsigned`, `relay_event_signature_invalid`, `relay_event_replayed`, each with the mode and why;
    /// `relay_frame_invalid` for what is no event.
    pub(crate) fn take(&self, text: &str, now: Timestamp) -> Outcome<EventRecord> {
        let taken = self.judge(text, now);
        let mut state = self.lock();
        match taken {
            Ok((event, verification)) => {
                state.figures.accepted += 1;
                state.next += 1;
                let key_id = event.provenance.map(|provenance| provenance.key_id);
                let record = EventRecord {
                    seq: state.next,
                    received_at: now,
                    verification,
                    key_id,
                    event: event.event,
                };
                state.events.push_front(record.clone());
                state.events.truncate(KEPT);
                Ok(record)
            }
            Err(fault) => {
                let figures = &mut state.figures;
                let counter = match fault.code {
                    ErrorCode::RelayEventUnsigned => &mut figures.unsigned,
                    ErrorCode::RelayEventSignatureInvalid => &mut figures.invalid_signature,
                    ErrorCode::RelayEventReplayed => &mut figures.replayed,
                    ErrorCode::RelayEventClosed => &mut figures.closed,
                    _ => &mut figures.malformed,
                };
                *counter += 1;
                Err(match self.signing.effective() {
                    Some(mode) => fault.with("signingMode", mode),
                    None => fault,
                })
            }
        }
    }

    fn judge(&self, text: &str, now: Timestamp) -> Outcome<(SignedEvent, Verification)> {
        let Some(mode) = self.signing.effective() else {
            return Err(Fault::plain(ErrorCode::RelayEventClosed));
        };
        let event = parse(text)?;
        let verification = match (mode, &event.provenance) {
            (SigningMode::Off, _) => Verification::Unchecked,
            (SigningMode::AllowUnsigned, None) => Verification::Unsigned,
            (_, None) => return Err(Fault::plain(ErrorCode::RelayEventUnsigned)),
            (_, Some(provenance)) => match self.verify(&event, provenance) {
                Ok(()) => {
                    self.fresh(provenance, now)?;
                    Verification::Verified
                }
                Err(why) if mode == SigningMode::RequireValidSignature => {
                    return Err(Fault::new(ErrorCode::RelayEventSignatureInvalid, why)
                        .with("keyId", &provenance.key_id));
                }
                Err(_) => Verification::Invalid,
            },
        };
        Ok((event, verification))
    }

    /// Whether the signature is right; else why not.
    fn verify(&self, event: &SignedEvent, provenance: &Provenance) -> Result<(), &'static str> {
        let key = self
            .signing
            .key
            .as_ref()
            .ok_or("there is no key to check a signature by: set OPENCODE_EVENT_SIGNING_KEY")?;
        let signature = unhex(&provenance.sig).ok_or("sig is not 64 lower-case hex digits")?;
        let value: Value =
            serde_json::from_str(event.event.get()).map_err(|_| "the event is no JSON")?;
        let covered = SignedProvenance {
            key_id: &provenance.key_id,
            alg: provenance.alg.as_str(),
            ts: provenance.ts,
            nonce: &provenance.nonce,
        };
        let text = serde_json_canonicalizer::to_vec(&Signed {
            event: &value,
            provenance: covered,
        });
        let text = text.map_err(|_| "the event has no canonical form")?;
        let mut mac =
            Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|_| "the key can't be used")?;
        mac.update(&text);
        mac.verify_slice(&signature)
            .map_err(|_| "the signature does not fit the event, its provenance and the key")
    }

    /// Notes the nonce of a right signature; refuses one that was there, and one from another time.
    fn fresh(&self, provenance: &Provenance, now: Timestamp) -> Outcome<()> {
        let replayed = |why: &str| {
            Fault::new(ErrorCode::RelayEventReplayed, why).with("keyId", &provenance.key_id)
        };
        let off = provenance.ts.unix_millis().abs_diff(now.unix_millis());
        if off > WINDOW_MS {
            return Err(
                replayed("it was signed too long ago, or by a clock that is ahead")
                    .with("offMs", off)
                    .with("windowMs", WINDOW_MS),
            );
        }
        let mut state = self.lock();
        if state.nonces.contains_key(&provenance.nonce) {
            return Err(replayed("its nonce was used before"));
        }
        if state.nonces.len() >= MOST_NONCES {
            state
                .nonces
                .retain(|_, ts| ts.unix_millis().abs_diff(now.unix_millis()) <= WINDOW_MS);
        }
        if state.nonces.len() >= MOST_NONCES {
            return Err(Fault::new(
                ErrorCode::RelayRateLimited,
                "too many events within the window of replays",
            )
            .retry_after(WINDOW_MS));
        }
        state.nonces.insert(provenance.nonce.clone(), provenance.ts);
        Ok(())
    }

    /// What was taken in; `base` is how far the relay's own data can be trusted.
    pub(crate) fn told(&self, base: DataFidelity) -> EventList {
        let state = self.lock();
        let unverified = state
            .events
            .iter()
            .filter(|record| record.verification != Verification::Verified)
            .count();
        let doubt = (unverified > 0).then(|| {
            format!(
                "{unverified} of {} events are not verified",
                state.events.len()
            )
        });
        EventList {
            signing_mode: self.signing.effective(),
            figures: state.figures,
            events: state.events.iter().cloned().collect(),
            data_fidelity: base.and(doubt),
        }
    }
}

fn parse(text: &str) -> Outcome<SignedEvent> {
    let invalid = |field: &str, why: &str| {
        Fault::new(ErrorCode::RelayFrameInvalid, format!("{field}: {why}")).with("field", field)
    };
    if !text.trim_start().starts_with('{') {
        return Err(invalid("body", "it is no JSON object"));
    }
    let event: SignedEvent = parse_json(text)
        .map_err(|error| invalid(&error.field, &format!("{} is expected", error.expected)))?;
    let value: Value =
        serde_json::from_str(event.event.get()).map_err(|_| invalid("event", "it is no JSON"))?;
    let kind = value
        .as_object()
        .and_then(|object| object.get("type"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !is_token(kind, 1, 128) {
        return Err(invalid(
            "event.type",
            "1 to 128 characters of A-Z a-z 0-9 . _ : - are expected",
        ));
    }
    if let Some(provenance) = &event.provenance {
        if !is_token(&provenance.nonce, 16, 64) {
            return Err(invalid(
                "provenance.nonce",
                "16 to 64 characters of A-Z a-z 0-9 . _ : - are expected",
            ));
        }
        if !is_token(&provenance.key_id, 1, 64) {
            return Err(invalid(
                "provenance.keyId",
                "1 to 64 characters of A-Z a-z 0-9 . _ : - are expected",
            ));
        }
    }
    Ok(event)
}

fn is_token(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".:_-".contains(&byte))
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let mut bytes = [0; 32];
    if pairs.len() != bytes.len() || !rest.is_empty() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
