//! `emulation.*`: overrides for all pages of a user context; `null` takes one back.

use serde::Serialize;

use super::{Empty, command};

/// `emulation.setGeolocationOverride`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetGeolocationOverride<'a> {
    pub(crate) coordinates: Option<Coordinates>,
    pub(crate) user_contexts: [&'a str; 1],
}
command!(SetGeolocationOverride<'a> "emulation.setGeolocationOverride" -> Empty);

#[derive(Serialize)]
pub(crate) struct Coordinates {
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
    /// Metres.
    pub(crate) accuracy: f64,
}

/// `emulation.setLocaleOverride`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetLocaleOverride<'a> {
    pub(crate) locale: Option<&'a str>,
    pub(crate) user_contexts: [&'a str; 1],
}
command!(SetLocaleOverride<'a> "emulation.setLocaleOverride" -> Empty);

/// `emulation.setNetworkConditions`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetNetworkConditions<'a> {
    pub(crate) network_conditions: Option<Conditions>,
    pub(crate) user_contexts: [&'a str; 1],
}
command!(SetNetworkConditions<'a> "emulation.setNetworkConditions" -> Empty);

#[derive(Serialize)]
pub(crate) struct Conditions {
    pub(crate) r#type: &'static str,
}

/// `emulation.setScreenSettingsOverride`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetScreenSettingsOverride<'a> {
    pub(crate) screen_area: Option<ScreenArea>,
    pub(crate) user_contexts: [&'a str; 1],
}
command!(SetScreenSettingsOverride<'a> "emulation.setScreenSettingsOverride" -> Empty);

#[derive(Serialize)]
pub(crate) struct ScreenArea {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// `emulation.setTimezoneOverride`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetTimezoneOverride<'a> {
    pub(crate) timezone: Option<&'a str>,
    pub(crate) user_contexts: [&'a str; 1],
}
command!(SetTimezoneOverride<'a> "emulation.setTimezoneOverride" -> Empty);

/// `emulation.setUserAgentOverride`
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetUserAgentOverride<'a> {
    pub(crate) user_agent: Option<&'a str>,
    pub(crate) user_contexts: [&'a str; 1],
}
command!(SetUserAgentOverride<'a> "emulation.setUserAgentOverride" -> Empty);
