//! The part of W3C WebDriver BiDi that is used, as the specification shapes it: commands with their parameters and
//! results, and the events' parameters. Decoding borrows where it can, ignores fields that it does not know, and takes
//! unknown values of enumerations as such.
//!
//! It knows nothing of the seam.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

pub(crate) mod browser;
pub(crate) mod browsing_context;
pub(crate) mod emulation;
pub(crate) mod input;
pub(crate) mod log;
pub(crate) mod network;
pub(crate) mod permissions;
pub(crate) mod script;
pub(crate) mod session;
pub(crate) mod storage;
pub(crate) mod vendor;

/// A command: its parameters, its name and its result's type.
pub(crate) trait Command: Serialize {
    /// Its name on the wire.
    const METHOD: &'static str;
    /// Its result, as far as it is of use.
    type Returns: DeserializeOwned;
}

/// A result of which nothing is of use.
#[derive(Debug, Deserialize)]
pub(crate) struct Empty {}

macro_rules! command {
    ($name:ident $(<$life:lifetime>)? $method:literal -> $returns:ty) => {
        impl $(<$life>)? $crate::protocol::Command for $name $(<$life>)? {
            const METHOD: &'static str = $method;
            type Returns = $returns;
        }
    };
}
pub(crate) use command;

/// A text of a closed set that may grow.
pub(crate) trait Named: Sized {
    fn named(text: &str) -> Self;
}

macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name {
            $($variant,)+
            /// A value that the specification had not when this was written.
            Unknown,
        }

        impl $crate::protocol::Named for $name {
            fn named(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)+
                    _ => Self::Unknown,
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::protocol::named(deserializer)
            }
        }
    };
}
pub(crate) use open_enum;

/// Decodes a [`Named`].
pub(crate) fn named<'de, D: Deserializer<'de>, T: Named>(deserializer: D) -> Result<T, D::Error> {
    struct Text<T>(PhantomData<T>);
    impl<T: Named> Visitor<'_> for Text<T> {
        type Value = T;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text")
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
            Ok(T::named(text))
        }
    }
    deserializer.deserialize_str(Text(PhantomData))
}
