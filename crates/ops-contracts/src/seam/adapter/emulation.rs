//! What a context can be made to look like to its pages.

use crate::wire::capability::Capability;
use crate::wire::command::Viewport;
use crate::wire::command::emulation::{Geolocation, MediaParams, Permission};

/// A setting that holds for every page of a context, those that open later too. `None` is the browser's own.
#[derive(Debug, Clone, PartialEq)]
pub enum Emulation {
    /// The screen.
    Screen {
        /// The viewport.
        viewport: Viewport,
        /// The viewport meta element counts, scroll bars lie over the page.
        mobile: bool,
        /// With a touch screen.
        touch: bool,
    },
    /// Where the device is.
    Geolocation(Option<Geolocation>),
    /// The locale, as a BCP 47 tag.
    Locale(Option<String>),
    /// The timezone, by its IANA name.
    Timezone(Option<String>),
    /// Media type and features.
    Media(MediaParams),
    /// The user agent.
    UserAgent(Option<UserAgent>),
    /// Permissions; these add up.
    Permissions {
        /// The origin; all when absent.
        origin: Option<String>,
        /// What is allowed, and what is refused.
        allow: Vec<(Permission, bool)>,
    },
    /// All permissions as the browser has them.
    PermissionsReset,
    /// Whether certificates that can't be trusted are taken.
    CertificateErrors(bool),
}

impl Emulation {
    /// What an adapter must be capable of for it.
    #[must_use]
    pub const fn capability(&self) -> Capability {
        match self {
            Self::Screen { .. } => Capability::Screen,
            Self::Geolocation(_) => Capability::Geolocation,
            Self::Locale(_) => Capability::Locale,
            Self::Timezone(_) => Capability::Timezone,
            Self::Media(_) => Capability::Media,
            Self::UserAgent(_) => Capability::UserAgent,
            Self::Permissions { .. } | Self::PermissionsReset => Capability::Permissions,
            Self::CertificateErrors(_) => Capability::CertificateErrors,
        }
    }

    /// Whether a later setting like `other` takes this one's place.
    #[must_use]
    pub fn is_replaced_by(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Permissions { .. }, Self::Permissions { .. }) => false,
            (Self::Permissions { .. } | Self::PermissionsReset, Self::PermissionsReset) => true,
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }
}

/// A user agent with everything else that tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserAgent {
    /// `navigator.userAgent` and the header.
    pub text: String,
    /// `navigator.platform`
    pub platform: String,
    /// Client hints; none where such a browser sends none.
    pub hints: Option<ClientHints>,
}

/// User agent client hints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHints {
    /// Brands with their full versions.
    pub brands: Vec<(String, String)>,
    /// The operating system.
    pub platform: String,
    /// Its version.
    pub platform_version: String,
    /// The processor's family.
    pub architecture: String,
    /// The processor's width.
    pub bitness: String,
    /// The device's model.
    pub model: String,
    /// Whether it is a phone.
    pub mobile: bool,
}
