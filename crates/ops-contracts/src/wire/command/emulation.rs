//! Parameters and results of `emulation.*`. What is set holds for every page of the session, those that open later too, and
//! is set again when the session gets a new browser.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{InvalidField, Params, Viewport};
use crate::wire::device;

/// Parameters of `emulation.viewport`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ViewportParams {
    /// The size.
    pub viewport: Viewport,
    /// As on a phone: the viewport meta element counts, scroll bars lie over the page.
    #[serde(default)]
    pub mobile: bool,
    /// With a touch screen.
    #[serde(default)]
    pub touch: bool,
}

impl Params for ViewportParams {
    fn validate(&self) -> Result<(), InvalidField> {
        self.viewport.validate("viewport")
    }
}

/// Parameters of `emulation.device`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceParams {
    /// Name of a preset, as `iPhone 15`; case does not matter.
    pub name: String,
    /// Held sideways: width and height change places.
    #[serde(default)]
    pub landscape: bool,
}

impl DeviceParams {
    /// The device's viewport, turned as it is held; none for a device that is not in the table.
    #[must_use]
    pub fn viewport(&self) -> Option<Viewport> {
        let upright = device::find(&self.name)?.viewport;
        let sideways = Viewport {
            width: upright.height,
            height: upright.width,
            ..upright
        };
        Some(if self.landscape { sideways } else { upright })
    }
}

impl Params for DeviceParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if device::find(&self.name).is_some() {
            return Ok(());
        }
        let names: Vec<&str> = device::DEVICES.iter().map(|device| device.name).collect();
        Err(InvalidField::new(
            "name",
            format!("one of {}", names.join(", ")),
        ))
    }
}

/// A place on the earth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Geolocation {
    /// Degrees north, -90 to 90.
    pub latitude: f64,
    /// Degrees east, -180 to 180.
    pub longitude: f64,
    /// Metres, 0 or more.
    #[serde(default = "near")]
    pub accuracy: f64,
}

fn near() -> f64 {
    10.0
}

/// Parameters of `emulation.geolocation`; exactly one of `position` and `reset`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GeolocationParams {
    /// Where the device is. A page learns it once it has the permission `geolocation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Geolocation>,
    /// Back to the browser's own.
    #[serde(default)]
    pub reset: bool,
}

impl Params for GeolocationParams {
    fn validate(&self) -> Result<(), InvalidField> {
        one_or_reset(self.position.is_some(), self.reset, "position")?;
        let Some(position) = self.position else {
            return Ok(());
        };
        let within = |value: f64, most: f64| value.is_finite() && value.abs() <= most;
        if !within(position.latitude, 90.0) {
            return Err(InvalidField::new(
                "position.latitude",
                "a number from -90 to 90",
            ));
        }
        if !within(position.longitude, 180.0) {
            return Err(InvalidField::new(
                "position.longitude",
                "a number from -180 to 180",
            ));
        }
        if !(position.accuracy.is_finite() && position.accuracy >= 0.0) {
            return Err(InvalidField::new(
                "position.accuracy",
                "a number of metres, 0 or more",
            ));
        }
        Ok(())
    }
}

fn one_or_reset(given: bool, reset: bool, field: &str) -> Result<(), InvalidField> {
    if given == reset {
        Err(InvalidField::new(
            "params",
            format!("exactly one of {field} and reset"),
        ))
    } else {
        Ok(())
    }
}

/// Parameters of `emulation.locale`; exactly one of `locale` and `reset`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LocaleParams {
    /// A BCP 47 tag, as `de-DE`: of dates and numbers, of `navigator.language` and of `Accept-Language`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Back to the browser's own.
    #[serde(default)]
    pub reset: bool,
}

impl Params for LocaleParams {
    fn validate(&self) -> Result<(), InvalidField> {
        one_or_reset(self.locale.is_some(), self.reset, "locale")?;
        let tag = |text: &str| {
            (2..=35).contains(&text.len())
                && text.split('-').all(|part| {
                    (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
                })
        };
        match &self.locale {
            Some(locale) if !tag(locale) => {
                Err(InvalidField::new("locale", "a BCP 47 tag, as de-DE"))
            }
            _ => Ok(()),
        }
    }
}

/// Parameters of `emulation.timezone`; exactly one of `timezone` and `reset`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimezoneParams {
    /// An IANA name, as `Europe/Berlin`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// Back to the browser's own.
    #[serde(default)]
    pub reset: bool,
}

impl Params for TimezoneParams {
    fn validate(&self) -> Result<(), InvalidField> {
        one_or_reset(self.timezone.is_some(), self.reset, "timezone")?;
        let name = |text: &str| {
            (1..=64).contains(&text.len())
                && text
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"/_+-".contains(&b))
        };
        match &self.timezone {
            Some(timezone) if !name(timezone) => Err(InvalidField::new(
                "timezone",
                "an IANA name, as Europe/Berlin",
            )),
            _ => Ok(()),
        }
    }
}

/// What a page is shown on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MediaType {
    /// A screen.
    Screen,
    /// Paper.
    Print,
}

/// The colour scheme that the user prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ColorScheme {
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// Whether the user wants less motion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReducedMotion {
    /// Less.
    Reduce,
    /// As it comes.
    NoPreference,
}

/// Whether the user's own colours are forced on pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ForcedColors {
    /// They are.
    Active,
    /// They are not.
    None,
}

/// How much contrast the user prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Contrast {
    /// More.
    More,
    /// Less.
    Less,
    /// As it comes.
    NoPreference,
}

/// Media type and features; what is absent is the browser's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MediaParams {
    /// What the page is shown on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaType>,
    /// `prefers-color-scheme`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color_scheme: Option<ColorScheme>,
    /// `prefers-reduced-motion`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reduced_motion: Option<ReducedMotion>,
    /// `forced-colors`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forced_colors: Option<ForcedColors>,
    /// `prefers-contrast`
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contrast: Option<Contrast>,
    /// Forgets what was set before. Without it, what is absent here stays as it was set.
    #[serde(default)]
    pub reset: bool,
}

impl Params for MediaParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if *self == Self::default() {
            return Err(InvalidField::new(
                "params",
                "at least one of media, colorScheme, reducedMotion, forcedColors, contrast and reset",
            ));
        }
        Ok(())
    }
}

impl MediaParams {
    /// These settings on top of earlier ones.
    #[must_use]
    pub fn over(self, earlier: Self) -> Self {
        let earlier = if self.reset { Self::default() } else { earlier };
        Self {
            media: self.media.or(earlier.media),
            color_scheme: self.color_scheme.or(earlier.color_scheme),
            reduced_motion: self.reduced_motion.or(earlier.reduced_motion),
            forced_colors: self.forced_colors.or(earlier.forced_colors),
            contrast: self.contrast.or(earlier.contrast),
            reset: false,
        }
    }
}

/// Parameters of `emulation.userAgent`; exactly one of `userAgent` and `reset`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UserAgentParams {
    /// The text. Client hints and `navigator.platform` are made to agree with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// `navigator.platform`, where it is to be another than the text says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// Back to the browser's own.
    #[serde(default)]
    pub reset: bool,
}

impl Params for UserAgentParams {
    fn validate(&self) -> Result<(), InvalidField> {
        one_or_reset(self.user_agent.is_some(), self.reset, "userAgent")?;
        let header = |text: &str| {
            (1..=1_024).contains(&text.len()) && text.bytes().all(|b| (b' '..0x7f).contains(&b))
        };
        if self.user_agent.as_deref().is_some_and(|text| !header(text)) {
            return Err(InvalidField::new(
                "userAgent",
                "1 to 1024 visible ASCII characters",
            ));
        }
        if self
            .platform
            .as_deref()
            .is_some_and(|text| self.reset || !header(text))
        {
            return Err(InvalidField::new(
                "platform",
                "visible ASCII characters, beside userAgent",
            ));
        }
        Ok(())
    }
}

/// What a page can be allowed.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// Where the device is.
    Geolocation,
    /// Notifications.
    Notifications,
    /// The camera.
    Camera,
    /// The microphone.
    Microphone,
    /// Reading the clipboard.
    ClipboardRead,
    /// Writing the clipboard.
    ClipboardWrite,
    /// MIDI devices.
    Midi,
    /// Sync in the background.
    BackgroundSync,
    /// Storage that is not evicted.
    PersistentStorage,
    /// Motion sensors.
    Accelerometer,
    /// Rotation sensors.
    Gyroscope,
    /// The compass.
    Magnetometer,
}

impl Permission {
    /// Its name in the Permissions API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Geolocation => "geolocation",
            Self::Notifications => "notifications",
            Self::Camera => "camera",
            Self::Microphone => "microphone",
            Self::ClipboardRead => "clipboard-read",
            Self::ClipboardWrite => "clipboard-write",
            Self::Midi => "midi",
            Self::BackgroundSync => "background-sync",
            Self::PersistentStorage => "persistent-storage",
            Self::Accelerometer => "accelerometer",
            Self::Gyroscope => "gyroscope",
            Self::Magnetometer => "magnetometer",
        }
    }
}

/// Parameters of `emulation.permissions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PermissionsParams {
    /// What is allowed without a question.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub grant: Vec<Permission>,
    /// What is refused without a question.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deny: Vec<Permission>,
    /// The origin that it is about, as `https://example.com`; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Forgets all that was allowed and refused before, for every origin.
    #[serde(default)]
    pub reset: bool,
}

impl Params for PermissionsParams {
    fn validate(&self) -> Result<(), InvalidField> {
        if self.grant.is_empty() && self.deny.is_empty() && !self.reset {
            return Err(InvalidField::new(
                "params",
                "at least one of grant, deny and reset",
            ));
        }
        if let Some(both) = self
            .grant
            .iter()
            .find(|granted| self.deny.contains(granted))
        {
            return Err(InvalidField::new(
                "deny",
                format!("{} can't be both granted and denied", both.as_str()),
            ));
        }
        let host = self.origin.as_deref().map(|origin| {
            origin
                .strip_prefix("http://")
                .or_else(|| origin.strip_prefix("https://"))
                .unwrap_or_default()
        });
        if host.is_some_and(|host| {
            host.is_empty() || host.bytes().any(|b| b <= b' ' || b"/?#@\\".contains(&b))
        }) {
            return Err(InvalidField::new(
                "origin",
                "scheme and host alone, as https://example.com",
            ));
        }
        Ok(())
    }
}

/// A permission as the current page sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PermissionSeen {
    /// The permission.
    pub permission: Permission,
    /// `granted`, `denied`, `prompt`, or `unknown` where the page can't ask.
    pub state: String,
}

/// Result of `emulation.permissions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PermissionsResult {
    /// The origin of the current page.
    pub origin: String,
    /// The permissions named, as that page sees them.
    pub seen: Vec<PermissionSeen>,
}

/// What the current page sees after the change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EmulationResult {
    /// `innerWidth`
    pub width: f64,
    /// `innerHeight`
    pub height: f64,
    /// `devicePixelRatio`
    pub scale: f64,
    /// Whether there is a touch screen.
    pub touch: bool,
    /// The client hint, where the browser has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<bool>,
    /// The locale of dates and numbers.
    pub locale: String,
    /// The timezone.
    pub timezone: String,
    /// `navigator.language`
    pub language: String,
    /// `navigator.languages`
    pub languages: Vec<String>,
    /// `navigator.userAgent`
    pub user_agent: String,
    /// `navigator.platform`
    pub platform: String,
    /// `light` or `dark`.
    pub color_scheme: String,
    /// Whether less motion is wanted.
    pub reduced_motion: bool,
    /// Whether colours are forced.
    pub forced_colors: bool,
    /// `more`, `less`, `custom` or `no-preference`.
    pub contrast: String,
    /// `screen` or `print`.
    pub media: String,
}
