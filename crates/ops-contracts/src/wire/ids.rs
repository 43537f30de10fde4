//! Identifiers: validated newtypes from one table. An id is never a bare string past the parser.
//!
//! This module makes no ids: secrets come from the operating system, in the runtime.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a text is not the identifier that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be {rule}")]
pub struct InvalidId {
    /// Name of the identifier, as it stands on the wire (`sessionId`).
    pub kind: &'static str,
    /// The rule that the text breaks.
    pub rule: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident, $wire:literal, $rule:literal, $valid:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The identifier's text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::try_from(text.to_owned())
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) { Ok(Self(text)) } else { Err(InvalidId { kind: $wire, rule: $rule }) }
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    )+};
}

macro_rules! shown {
    ($($name:ident),+) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )+};
}

ids! {
    /// A session: 32 lower-case hex digits, made by the server.
    SessionId, "sessionId", "32 lower-case hex digits", |t| is_hex(t, 32);
    /// The capability that a session's holder presents: 64 lower-case hex digits. Never logged, listed or displayed.
    LeaseId, "leaseId", "64 lower-case hex digits", |t| is_hex(t, 64);
    /// The capability that the holder of a legacy session presents on `/cdp`: 64 lower-case hex digits. Never logged, listed or
    /// displayed. A type of its own: what opens one lane opens nothing on the other.
    CdpLeaseId, "cdpLeaseId", "64 lower-case hex digits", |t| is_hex(t, 64);
    /// A request, named by its sender; an idempotency key within a session.
    RequestId, "requestId", "1 to 128 characters of A-Z a-z 0-9 . _ : -", |t| is_token(t, 128);
    /// A client installation, named by the client.
    ClientId, "clientId", "1 to 128 characters of A-Z a-z 0-9 . _ : -", |t| is_token(t, 128);
    /// A page of a session: `t1`, `t2`, …; numbers are never reused within the session.
    TargetId, "targetId", "t followed by a number from 1", |t| is_numbered(t, "t");
    /// A frame of a session: `f0` is a target's main frame, `f1`, `f2`, … its children; numbers are never reused.
    FrameId, "frame", "f followed by a number", |t| t == "f0" || is_numbered(t, "f");
    /// Bytes that were put down for a later command: 32 lower-case hex digits, made by the server.
    BlobId, "blobId", "32 lower-case hex digits", |t| is_hex(t, 32);
}

shown!(SessionId, RequestId, ClientId, TargetId, FrameId, BlobId);

impl fmt::Debug for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LeaseId(…)")
    }
}

impl fmt::Debug for CdpLeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CdpLeaseId(…)")
    }
}

impl TargetId {
    /// The id of the session's target number `number` (from 1).
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        Self(format!("t{number}"))
    }
}

/// An element of one document: `e12` in a main frame, `f2e5` in frame 2. Numbers are never reused within a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ElementRef {
    /// Number of the frame; 0 for a target's main frame.
    pub frame: u32,
    /// Number of the element.
    pub element: u32,
}

impl fmt::Display for ElementRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.frame {
            0 => write!(f, "e{}", self.element),
            frame => write!(f, "f{frame}e{}", self.element),
        }
    }
}

impl FromStr for ElementRef {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = InvalidId {
            kind: "ref",
            rule: "e followed by a number, or f, a frame number, e and a number (e12, f2e5)",
        };
        let (frame, element) = match text.strip_prefix('f') {
            Some(rest) => rest.split_once('e').ok_or_else(|| invalid.clone())?,
            None => ("0", text.strip_prefix('e').ok_or_else(|| invalid.clone())?),
        };
        let in_frame = text.starts_with('f');
        match (number(frame), number(element)) {
            (Some(frame), Some(element)) if element > 0 && (frame > 0) == in_frame => {
                Ok(Self { frame, element })
            }
            _ => Err(invalid),
        }
    }
}

impl TryFrom<String> for ElementRef {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<ElementRef> for String {
    fn from(reference: ElementRef) -> Self {
        reference.to_string()
    }
}

impl JsonSchema for ElementRef {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ElementRef".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(f[1-9][0-9]*)?e[1-9][0-9]*$",
            "description": "A reference to one element of one document: e12 in the main frame, f2e5 in frame 2.",
        })
    }
}

fn is_hex(text: &str, len: usize) -> bool {
    text.len() == len && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_token(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".:_-".contains(&b))
}

fn is_numbered(text: &str, prefix: &str) -> bool {
    text.strip_prefix(prefix)
        .and_then(number)
        .is_some_and(|n| n > 0)
}

/// A decimal number without sign or leading zero.
fn number(digits: &str) -> Option<u32> {
    let plain =
        digits.bytes().all(|b| b.is_ascii_digit()) && (digits == "0" || !digits.starts_with('0'));
    if plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_ref(text: &str, expected: Option<(u32, u32)>) {
        let parsed = text.parse::<ElementRef>().ok();
        assert_eq!(parsed.map(|r| (r.frame, r.element)), expected, "{text}");
        if let Some(parsed) = parsed {
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn refs_round_trip_and_have_one_spelling() {
        check_ref("e12", Some((0, 12)));
        check_ref("f2e5", Some((2, 5)));
        for bad in [
            "",
            "e",
            "e0",
            "e01",
            "f0e5",
            "f2",
            "f2e",
            "fe2",
            "E12",
            "e-1",
            "e+1",
            "e99999999999",
            " e1",
            "@e1",
        ] {
            check_ref(bad, None);
        }
    }

    #[test]
    fn ids_refuse_what_is_not_theirs() {
        assert!(
            "0123456789abcdef0123456789abcdef"
                .parse::<SessionId>()
                .is_ok()
        );
        assert!(
            "0123456789ABCDEF0123456789abcdef"
                .parse::<SessionId>()
                .is_err()
        );
        assert!("t1".parse::<TargetId>().is_ok());
        assert!("t0".parse::<TargetId>().is_err());
        assert!("a b".parse::<RequestId>().is_err());
        assert!("".parse::<RequestId>().is_err());
    }

    #[test]
    fn a_lease_never_shows_itself() {
        let lease: LeaseId = "ab".repeat(32).parse().unwrap();
        assert_eq!(format!("{lease:?}"), "LeaseId(…)");
    }
}
