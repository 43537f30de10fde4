//! Where an event from outside comes from: its provenance, the modes in which signatures are asked for, and what their check gives.
//!
//! Checking is the relay's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::control::fidelity::DataFidelity;
use crate::wire::clock::Timestamp;
use crate::wire::words::words;

words! {
    /// Which events are taken in; `OPENCODE_EVENT_SIGNING_MODE`.
    SigningMode "event signing mode" "off, allow-unsigned, require-signed, require-valid-signature" {
        Off "off" "All are taken, nothing is checked, and each is marked as unchecked.";
        AllowUnsigned "allow-unsigned" "All are taken; what is signed is checked and marked.";
        RequireSigned "require-signed" "Unsigned ones are refused; an invalid signature is marked.";
        RequireValidSignature "require-valid-signature" "Unsigned ones and invalid signatures are refused.";
    }

    /// What the check of an event gave.
    Verification "verification" "verified, unsigned, invalid, unchecked" {
        Verified "verified" "Its signature is right and fresh.";
        Unsigned "unsigned" "It has none.";
        Invalid "invalid" "Its signature is wrong, or there is no key to check it by.";
        Unchecked "unchecked" "Nothing was checked.";
    }

    /// How an event is signed.
    SigningAlgorithm "signing algorithm" "hmac-sha256" {
        HmacSha256 "hmac-sha256" "HMAC with SHA-256 over the canonical JSON (RFC 8785) of event and provenance without `sig`.";
    }
}

/// Who signed an event, when, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provenance {
    /// The signer's name for the key.
    pub key_id: String,
    /// How it is signed.
    pub alg: SigningAlgorithm,
    /// When it was signed; at most five minutes from the relay's clock.
    pub ts: Timestamp,
    /// Used once: 16 to 64 characters of A-Z a-z 0-9 . _ : -
    pub nonce: String,
    /// The signature as 64 lower-case hex digits.
    pub sig: String,
}

/// The body of `POST /api/orchestration`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignedEvent {
    /// The event: an object with a `type`.
    pub event: Box<RawValue>,
    /// Where it comes from.
    #[serde(default)]
    pub provenance: Option<Provenance>,
}

/// An event that was taken in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventRecord {
    /// Its number, in the order of arrival.
    pub seq: u64,
    /// When it arrived.
    pub received_at: Timestamp,
    /// What its check gave.
    pub verification: Verification,
    /// The key that its signer names.
    pub key_id: Option<String>,
    /// The event as it was sent.
    pub event: Box<RawValue>,
}

/// What was refused, by reason, since the relay started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventFigures {
    /// Taken in.
    pub accepted: u64,
    /// Refused as unsigned.
    pub unsigned: u64,
    /// Refused for the signature.
    pub invalid_signature: u64,
    /// Refused as a replay: the nonce was used, or the time is too far off.
    pub replayed: u64,
    /// Refused as no event.
    pub malformed: u64,
    /// Refused because nothing is taken in.
    pub closed: u64,
}

/// The answer of `GET /api/orchestration`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventList {
    /// The mode in force; null where nothing is taken in.
    pub signing_mode: Option<SigningMode>,
    /// What became of what was sent.
    pub figures: EventFigures,
    /// The newest first; the last thousand are kept.
    pub events: Vec<EventRecord>,
    /// How far the list can be trusted.
    #[serde(rename = "data_fidelity")]
    pub data_fidelity: DataFidelity,
}
