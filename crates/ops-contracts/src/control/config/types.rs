//! The types of single settings.

use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::words::words;

words! {
    /// A limits profile by name.
    LimitsProfileName "limits profile" "strict, local" {
        Strict "strict" "For a relay that others may share.";
        Local "local" "For the relay of one user.";
    }

    /// How log lines are written.
    LogFormat "log format" "text, json" {
        Text "text" "For people.";
        Json "json" "One JSON object a line.";
    }

    /// What is logged.
    LogLevel "log level" "off, error, warn, info, debug, trace" {
        Off "off" "Nothing.";
        Error "error" "Failures.";
        Warn "warn" "What an operator should look at, too.";
        Info "info" "What happens, too.";
        Debug "debug" "Why it happens, too.";
        Trace "trace" "Everything.";
    }

    /// Whether clients must pair.
    PairingMode "pairing mode" "auto, on, off" {
        Auto "auto" "Off where the relay listens on loopback alone, on elsewhere.";
        On "on" "They must.";
        Off "off" "They need not.";
    }

    /// Whether browsers run in their sandbox.
    SandboxMode "sandbox mode" "auto, on, off" {
        Auto "auto" "On, but off with a warning where the user is root and the browser can't set it up.";
        On "on" "Always.";
        Off "off" "Never.";
    }

    /// A warning's code; outside the registry of errors, as nothing is refused.
    WarningCode "warning code" "config_unknown_key_ignored, config_downgrade_fallback" {
        UnknownKeyIgnored "config_unknown_key_ignored" "A key is not known to this version and is ignored.";
        DowngradeFallback "config_downgrade_fallback" "Routing controls can't be interpreted; new sessions go to the legacy lane.";
    }
}

impl PairingMode {
    /// Whether clients of a relay that listens on loopback or beyond must pair.
    #[must_use]
    pub const fn required(self, loopback: bool) -> bool {
        match self {
            Self::Auto => !loopback,
            Self::On => true,
            Self::Off => false,
        }
    }
}

/// Why a text is not the name that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(&'static str);

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident $rule:literal $pattern:literal $valid:expr;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schemars(extend("pattern" = $pattern))]
        pub struct $name(String);

        impl $name {
            /// The name's text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;
            fn try_from(text: String) -> Result<Self, InvalidName> {
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) { Ok(Self(text)) } else { Err(InvalidName($rule)) }
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;
            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }
    )+};
}

names! {
    /// A name for which `Host` passes, with a port or without; no wildcard, no scheme, no path.
    AllowedHost "a host is 1 to 255 letters, digits and . - : [ ]" r"^[A-Za-z0-9.:\[\]-]{1,255}$"
        |t| (1..=255).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_alphanumeric() || b".:[]-".contains(&b));
    /// The id of a browser extension.
    ExtensionId "an extension id is 32 letters a to p" r"^[a-p]{32}$"
        |t| t.len() == 32 && t.bytes().all(|b| matches!(b, b'a'..=b'p'));
}
