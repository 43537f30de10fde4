//! Rollout identities, allow lists of them, and the rollout percentage: text that comes from outside, checked once.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::IdentityNamespace;

/// How much of a refused entry an error shows, in characters.
const SHOWN: usize = 64;

/// The identity's form for programs that check before they send. Upper case is accepted and made lower case.
const PATTERN: &str = "^([Cc][Ll][Ii]|[Pp][Aa][Ii][Rr][Ii][Nn][Gg]|[Ee][Xx][Tt][Ee][Nn][Ss][Ii][Oo][Nn]|[Ll][Ee][Aa][Ss][Ee]):[A-Za-z0-9][A-Za-z0-9._:-]{2,127}$";

/// A canonical rollout identity, `namespace:value` in lower case. The value has 3 to 128 characters of a-z 0-9 . _ : -
/// and begins with a letter or digit.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RolloutIdentity {
    text: String,
    namespace: IdentityNamespace,
}

/// A text that is no rollout identity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a rollout identity is cli:, pairing:, extension: or lease: and then 3 to 128 characters of a-z 0-9 . _ : - of which the first is a letter or digit"
)]
pub struct InvalidIdentity;

impl RolloutIdentity {
    /// The identity `value` in `namespace`, in lower case.
    ///
    /// # Errors
    /// Where `value` is too short or too long or has other characters.
    pub fn new(namespace: IdentityNamespace, value: &str) -> Result<Self, InvalidIdentity> {
        // Unicode has characters whose lower case is an ASCII letter; they are refused, not folded.
        let value = value.to_ascii_lowercase();
        if !is_value(&value) {
            return Err(InvalidIdentity);
        }
        Ok(Self {
            text: format!("{namespace}:{value}"),
            namespace,
        })
    }

    /// The whole identity.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its namespace.
    #[must_use]
    pub const fn namespace(&self) -> IdentityNamespace {
        self.namespace
    }
}

fn is_value(text: &str) -> bool {
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = text.as_bytes();
    (3..=128).contains(&bytes.len())
        && bytes.first().is_some_and(plain)
        && bytes.iter().all(|b| plain(b) || b"._:-".contains(b))
}

impl FromStr for RolloutIdentity {
    type Err = InvalidIdentity;

    fn from_str(text: &str) -> Result<Self, InvalidIdentity> {
        let (namespace, value) = text.split_once(':').ok_or(InvalidIdentity)?;
        let namespace = namespace
            .to_ascii_lowercase()
            .parse()
            .map_err(|_| InvalidIdentity)?;
        Self::new(namespace, value)
    }
}

impl TryFrom<String> for RolloutIdentity {
    type Error = InvalidIdentity;
    fn try_from(text: String) -> Result<Self, InvalidIdentity> {
        text.parse()
    }
}

impl From<RolloutIdentity> for String {
    fn from(identity: RolloutIdentity) -> Self {
        identity.text
    }
}

impl fmt::Display for RolloutIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for RolloutIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RolloutIdentity({})", self.text)
    }
}

impl JsonSchema for RolloutIdentity {
    fn schema_name() -> Cow<'static, str> {
        "RolloutIdentity".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": PATTERN,
            "description": "A rollout identity: namespace:value.",
        })
    }
}

/// Identities that a rollout sends to the legacy lane.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct RolloutAllowlist(BTreeSet<RolloutIdentity>);

/// An allow list with entries that are no identities.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("allow list entries that are no rollout identities: {entries:?}")]
pub struct InvalidAllowlist {
    /// Every such entry, cut after 64 characters.
    pub entries: Vec<String>,
}

impl RolloutAllowlist {
    /// The list of these entries; repeated ones count once.
    ///
    /// # Errors
    /// Every entry that is no identity.
    pub fn from_entries<'a>(
        entries: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidAllowlist> {
        let mut list = BTreeSet::new();
        let mut invalid = Vec::new();
        for entry in entries {
            match entry.parse() {
                Ok(identity) => {
                    list.insert(identity);
                }
                Err(InvalidIdentity) => invalid.push(entry.chars().take(SHOWN).collect()),
            }
        }
        if invalid.is_empty() {
            Ok(Self(list))
        } else {
            Err(InvalidAllowlist { entries: invalid })
        }
    }

    /// Whether it holds `identity`.
    #[must_use]
    pub fn contains(&self, identity: &RolloutIdentity) -> bool {
        self.0.contains(identity)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Entries with commas between them, without spaces; the empty text is the empty list.
impl FromStr for RolloutAllowlist {
    type Err = InvalidAllowlist;

    fn from_str(text: &str) -> Result<Self, InvalidAllowlist> {
        if text.is_empty() {
            Ok(Self::default())
        } else {
            Self::from_entries(text.split(','))
        }
    }
}

impl TryFrom<Vec<String>> for RolloutAllowlist {
    type Error = InvalidAllowlist;
    fn try_from(entries: Vec<String>) -> Result<Self, InvalidAllowlist> {
        Self::from_entries(entries.iter().map(String::as_str))
    }
}

impl From<RolloutAllowlist> for Vec<String> {
    fn from(list: RolloutAllowlist) -> Self {
        list.0.into_iter().map(String::from).collect()
    }
}

impl fmt::Display for RolloutAllowlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, identity) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str(",")?;
            }
            f.write_str(identity.as_str())?;
        }
        Ok(())
    }
}

impl JsonSchema for RolloutAllowlist {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RolloutAllowlist".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Vec::<RolloutIdentity>::json_schema(generator)
    }
}

/// How many of a hundred buckets go to `/ops`: 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct RolloutPercent(u8);

/// A number that is no rollout percentage.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a rollout percentage is a whole number from 0 to 100")]
pub struct InvalidPercent;

impl RolloutPercent {
    /// Every session to `/ops`; the default.
    pub const ALL: Self = Self(100);

    /// The number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl Default for RolloutPercent {
    fn default() -> Self {
        Self::ALL
    }
}

impl TryFrom<u8> for RolloutPercent {
    type Error = InvalidPercent;
    fn try_from(number: u8) -> Result<Self, InvalidPercent> {
        if number <= 100 {
            Ok(Self(number))
        } else {
            Err(InvalidPercent)
        }
    }
}

impl From<RolloutPercent> for u8 {
    fn from(percent: RolloutPercent) -> Self {
        percent.0
    }
}

/// Digits alone, without sign or leading zero.
impl FromStr for RolloutPercent {
    type Err = InvalidPercent;

    fn from_str(text: &str) -> Result<Self, InvalidPercent> {
        let number: u8 = text.parse().map_err(|_| InvalidPercent)?;
        if number.to_string() == text {
            Self::try_from(number)
        } else {
            Err(InvalidPercent)
        }
    }
}

impl fmt::Display for RolloutPercent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl JsonSchema for RolloutPercent {
    fn schema_name() -> Cow<'static, str> {
        "RolloutPercent".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "integer", "minimum": 0, "maximum": 100, "description": "How many of a hundred buckets go to /ops." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let parsed = text.parse::<RolloutIdentity>().ok();
        assert_eq!(
            parsed.as_ref().map(RolloutIdentity::as_str),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn identities_are_what_the_plans_expression_accepts() {
        check("cli:alice-01", Some("cli:alice-01"));
        check("CLI:Alice-01", Some("cli:alice-01"));
        check("pairing:team.a", Some("pairing:team.a"));
        check("lease:a:b", Some("lease:a:b"));
        check("extension:0__", Some("extension:0__"));
        for bad in [
            "",
            "cli",
            "cli:",
            "cli:ab",
            "cli:-abc",
            "cli:.abc",
            "cli:a c",
            "user:alice",
            ":alice",
            "cli:alice\n",
            " cli:alice",
            "cli:alic\u{e9}",
        ] {
            check(bad, None);
        }
        // The Kelvin sign's lower case is k.
        check("cli:\u{212a}elvin", None);
        check(
            &format!("cli:{}", "a".repeat(128)),
            Some(&format!("cli:{}", "a".repeat(128))),
        );
        check(&format!("cli:{}", "a".repeat(129)), None);
    }

    #[test]
    fn an_allow_list_names_every_bad_entry_and_counts_repeated_ones_once() {
        let list: RolloutAllowlist = "cli:alice-01,CLI:ALICE-01,pairing:team.a".parse().unwrap();
        assert_eq!(
            (list.len(), list.to_string()),
            (2, "cli:alice-01,pairing:team.a".to_owned())
        );
        assert!("".parse::<RolloutAllowlist>().unwrap().is_empty());
        let invalid = "cli:alice-01,, cli:bob-01,nobody"
            .parse::<RolloutAllowlist>()
            .unwrap_err();
        assert_eq!(invalid.entries, ["", " cli:bob-01", "nobody"]);
    }

    #[test]
    fn a_percentage_has_one_spelling() {
        for good in ["0", "7", "100"] {
            assert_eq!(good.parse::<RolloutPercent>().unwrap().to_string(), good);
        }
        for bad in [
            "", "101", "-1", "+1", "07", "1.0", "1e1", " 1", "300", "ten",
        ] {
            assert!(bad.parse::<RolloutPercent>().is_err(), "{bad:?}");
        }
    }
}
