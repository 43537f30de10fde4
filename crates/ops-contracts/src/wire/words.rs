//! Closed sets of words as enums, from one table each: the wire's text, parsing, and the list of what there is.
//!
//! The words' meaning is their modules'.

/// Why a text is not one of the words that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} must be one of {expected}")]
pub struct InvalidWord {
    /// What the word stands for (`routing mode`).
    pub kind: &'static str,
    /// The words that there are, with commas.
    pub expected: &'static str,
}

macro_rules! words {
    ($($(#[$meta:meta])* $name:ident $kind:literal $expected:literal { $($(#[$word_meta:meta])* $word:ident $text:literal $meaning:literal;)+ })+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum $name {
            $(#[doc = $meaning] $(#[$word_meta])* #[serde(rename = $text)] $word,)+
        }

        impl $name {
            /// Every word.
            pub const ALL: &'static [Self] = &[$(Self::$word,)+];

            /// Every word's text, with commas.
            pub const EXPECTED: &'static str = $expected;

            /// The text on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::wire::words::InvalidWord;
            fn from_str(text: &str) -> Result<Self, $crate::wire::words::InvalidWord> {
                match text {
                    $($text => Ok(Self::$word),)+
                    _ => Err($crate::wire::words::InvalidWord { kind: $kind, expected: $expected }),
                }
            }
        }
    )+};
}

pub(crate) use words;
