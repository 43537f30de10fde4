//! What adapters can do, as data, and which of it every adapter must be able to do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A protocol family. Internal: it appears in diagnostics and metrics, never in a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AdapterKind {
    /// Chrome DevTools Protocol.
    Cdp,
    /// WebDriver BiDi.
    Bidi,
}

impl AdapterKind {
    /// Every family.
    pub const ALL: [Self; 2] = [Self::Cdp, Self::Bidi];

    /// The value of the `adapter` label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cdp => "cdp",
            Self::Bidi => "bidi",
        }
    }
}

/// A browser family.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BrowserKind {
    /// Chrome, Chromium and their kin.
    #[default]
    Chrome,
    /// Firefox.
    Firefox,
}

impl BrowserKind {
    /// The family's name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chrome => "chrome",
            Self::Firefox => "firefox",
        }
    }
}

/// Whether every adapter must offer a capability.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CapabilityClass {
    /// Works on every adapter.
    Core,
    /// Depends on the adapter.
    Extended,
}

macro_rules! capabilities {
    ($($name:ident $text:literal $class:ident $meaning:literal;)+) => {
        /// Something that an adapter can do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        pub enum Capability {
            $(#[doc = $meaning] #[serde(rename = $text)] $name,)+
        }

        impl Capability {
            /// Every capability.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its name on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// Its class.
            #[must_use]
            pub const fn class(self) -> CapabilityClass {
                match self { $(Self::$name => CapabilityClass::$class,)+ }
            }

            /// What it means.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)+ }
            }
        }
    };
}

capabilities! {
    Targets "targets" Core "Pages can be opened, listed, brought to the front and closed";
    Navigation "navigation" Core "Pages can be navigated, reloaded and moved in their history";
    NavigationStatus "navigation.status" Core "A navigation tells its HTTP status and redirects";
    Bridge "bridge" Core "The DOM bridge runs in every frame, out of the page's sight";
    Script "script" Core "Expressions can be evaluated in the page's own world";
    Input "input" Core "Mouse and keyboard input is real";
    Screenshot "screenshot" Core "Pictures of the viewport, of elements and of whole pages";
    Dialogs "dialogs" Core "Dialogs are seen and answered";
    Console "console" Core "Console messages and uncaught exceptions are seen";
    Cookies "cookies" Extended "Cookies of the session can be read, set and removed";
    Origins "storage.origins" Extended "The storage of origins that no page shows can be reached";
    Screen "emulation.screen" Extended "Viewport, mobile layout and touch screen of all pages can be set";
    Geolocation "emulation.geolocation" Extended "The place of the device can be set";
    Locale "emulation.locale" Extended "The locale can be set";
    Timezone "emulation.timezone" Extended "The timezone can be set";
    Media "emulation.media" Extended "Media type and features can be set";
    UserAgent "emulation.userAgent" Extended "The user agent can be set";
    ClientHints "emulation.clientHints" Extended "Platform and client hints follow the user agent";
    Permissions "permissions" Extended "Permissions can be granted and denied";
    NetworkBodies "network.bodies" Extended "Bodies of responses can be read";
    NetworkRoute "network.route" Extended "Requests can be answered, refused and changed";
    NetworkHeaders "network.headers" Extended "Headers can be added to every request";
    NetworkConditions "network.conditions" Extended "The network can be taken away";
    NetworkSpeed "network.speed" Extended "The network can be slowed down";
    Credentials "network.credentials" Extended "Questions of servers and proxies for credentials are answered";
    Downloads "downloads" Extended "Downloads are kept and can be read";
    Upload "upload" Extended "Files can be given to inputs and choosers";
    NativeDrag "drag.native" Extended "What a page drags natively can be dropped";
    Touch "touch" Extended "Touch input is real";
    Print "print" Extended "Pages can be printed as PDF documents";
    Domains "network.domains" Extended "Everything that a session asks for can be confined to domains";
    Trace "trace" Extended "What the browser does can be recorded";
    Proxy "proxy" Extended "All traffic of a session can go through a proxy of its own";
    CertificateErrors "certificate.errors" Extended "Certificates that can't be trusted can be taken";
    Viewport "viewport" Core "The viewport's size can be set";
}

/// What one adapter can do with one browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapabilitySet(Vec<Capability>);

impl CapabilitySet {
    /// The set of these.
    #[must_use]
    pub fn new(capabilities: impl IntoIterator<Item = Capability>) -> Self {
        let mut list: Vec<_> = capabilities.into_iter().collect();
        list.sort_unstable();
        list.dedup();
        Self(list)
    }

    /// All that the contract marks as core.
    #[must_use]
    pub fn core() -> Self {
        Self::new(
            Capability::ALL
                .iter()
                .copied()
                .filter(|c| c.class() == CapabilityClass::Core),
        )
    }

    /// Whether it holds `capability`.
    #[must_use]
    pub fn has(&self, capability: Capability) -> bool {
        self.0.binary_search(&capability).is_ok()
    }

    /// Its members in order.
    pub fn iter(&self) -> impl Iterator<Item = Capability> + '_ {
        self.0.iter().copied()
    }
}
