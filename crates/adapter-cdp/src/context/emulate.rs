//! What a context's pages see of their device: settings as protocol calls, for the sessions that are there and, through the
//! router's set-up, for those that come later.

use ops_contracts::seam::adapter::{
    ClientHints, Effect, Emulates, Emulation, Performed, UserAgent,
};
use ops_contracts::wire::command::Viewport;
use ops_contracts::wire::command::emulation::{
    ColorScheme, Contrast, ForcedColors, Geolocation, MediaParams, MediaType, Permission,
    ReducedMotion,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{CdpContext, STRUCTURE_DEADLINE, answered, done, failed, within};
use crate::connection::{CallError, Refusal, Reply, Route};
use crate::router::state::{PROFILE, SessionKind};

/// What is emulated in a context.
#[derive(Debug, Clone, Default)]
pub(crate) struct Emulated {
    screen: Option<(Viewport, bool, bool)>,
    geolocation: Option<Geolocation>,
    locale: Option<String>,
    timezone: Option<String>,
    media: MediaParams,
    agent: Option<UserAgent>,
    certificate_errors: bool,
}

/// A protocol call: method and parameters.
pub(crate) type Call = (&'static str, Box<RawValue>);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    width: u32,
    height: u32,
    device_scale_factor: f64,
    mobile: bool,
    screen_width: u32,
    screen_height: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Touch {
    enabled: bool,
    max_touch_points: u8,
}

#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
struct Certificates {
    ignore: bool,
}

#[derive(Serialize)]
struct Locale<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Timezone<'a> {
    timezone_id: &'a str,
}

#[derive(Serialize)]
struct Media<'a> {
    media: &'a str,
    features: [Feature<'a>; 4],
}

#[derive(Serialize)]
struct Feature<'a> {
    name: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Agent<'a> {
    user_agent: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    accept_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent_metadata: Option<Metadata<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    brands: Vec<Brand<'a>>,
    full_version_list: Vec<Brand<'a>>,
    platform: &'a str,
    platform_version: &'a str,
    architecture: &'a str,
    bitness: &'a str,
    model: &'a str,
    mobile: bool,
}

#[derive(Serialize)]
struct Brand<'a> {
    brand: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PermissionSetting<'a> {
    permission: PermissionName,
    setting: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    browser_context_id: Option<&'a str>,
}

#[derive(Serialize)]
struct PermissionName {
    name: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OfContext<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) browser_context_id: Option<&'a str>,
}

fn call(method: &'static str, params: &impl Serialize) -> Option<Call> {
    serde_json::value::to_raw_value(params)
        .ok()
        .map(|params| (method, params))
}

impl Emulated {
    /// Takes a setting over.
    pub(crate) fn note(&mut self, setting: &Emulation) {
        match setting {
            Emulation::Screen {
                viewport,
                mobile,
                touch,
            } => self.screen = Some((*viewport, *mobile, *touch)),
            Emulation::Geolocation(position) => self.geolocation = *position,
            Emulation::Locale(locale) => self.locale.clone_from(locale),
            Emulation::Timezone(timezone) => self.timezone.clone_from(timezone),
            Emulation::Media(media) => self.media = *media,
            Emulation::UserAgent(agent) => self.agent.clone_from(agent),
            Emulation::CertificateErrors(taken) => self.certificate_errors = *taken,
            Emulation::Permissions { .. } | Emulation::PermissionsReset => {}
        }
    }

    /// The viewport, where one is emulated.
    pub(crate) fn viewport(&self) -> Option<Viewport> {
        self.screen.map(|(viewport, ..)| viewport)
    }

    /// The calls that a new session needs.
    pub(crate) fn all_calls(&self, kind: SessionKind) -> Vec<Call> {
        let is_page = kind == SessionKind::Page;
        let mut calls = Vec::new();
        if let Some((viewport, mobile, touch)) = self.screen {
            calls.extend(screen(viewport, mobile, touch, is_page));
        }
        if let (Some(position), true) = (self.geolocation, is_page) {
            calls.extend(geolocation(Some(position)));
        }
        if self.locale.is_some() {
            calls.extend(locale(self.locale.as_deref()));
        }
        if let Some(timezone) = &self.timezone {
            calls.extend(call(
                "Emulation.setTimezoneOverride",
                &Timezone {
                    timezone_id: timezone,
                },
            ));
        }
        if self.media != MediaParams::default() {
            calls.extend(media(self.media));
        }
        if self.agent.is_some() || self.locale.is_some() {
            calls.extend(self.agent_call());
        }
        if self.certificate_errors && is_page {
            calls.extend(certificates(true));
        }
        calls
    }

    /// The calls by which a session that is there learns of a setting that was just noted.
    pub(crate) fn calls(&self, setting: &Emulation, kind: SessionKind) -> Vec<Call> {
        let is_page = kind == SessionKind::Page;
        match setting {
            Emulation::Screen {
                viewport,
                mobile,
                touch,
            } => screen(*viewport, *mobile, *touch, is_page),
            Emulation::Geolocation(position) if is_page => {
                geolocation(*position).into_iter().collect()
            }
            Emulation::Locale(tag) => locale(tag.as_deref())
                .into_iter()
                .chain(self.agent_call())
                .collect(),
            Emulation::Timezone(timezone) => {
                let timezone_id = timezone.as_deref().unwrap_or_default();
                call("Emulation.setTimezoneOverride", &Timezone { timezone_id })
                    .into_iter()
                    .collect()
            }
            Emulation::Media(features) => media(*features).into_iter().collect(),
            Emulation::UserAgent(_) => self.agent_call().into_iter().collect(),
            Emulation::CertificateErrors(taken) if is_page => {
                certificates(*taken).into_iter().collect()
            }
            Emulation::Geolocation(_)
            | Emulation::CertificateErrors(_)
            | Emulation::Permissions { .. }
            | Emulation::PermissionsReset => Vec::new(),
        }
    }

    /// User agent and languages are one setting of the protocol; an empty text is the browser's own.
    fn agent_call(&self) -> Option<Call> {
        let agent = self.agent.as_ref();
        let params = Agent {
            user_agent: agent.map_or("", |agent| agent.text.as_str()),
            accept_language: self.locale.as_deref().map(languages),
            platform: agent.map(|agent| agent.platform.as_str()),
            user_agent_metadata: agent.and_then(|agent| agent.hints.as_ref()).map(metadata),
        };
        call("Emulation.setUserAgentOverride", &params)
    }
}

/// `de-DE` is followed by `de`, as browsers list them.
fn languages(locale: &str) -> String {
    match locale.split_once('-') {
        Some((language, _)) => format!("{locale},{language}"),
        None => locale.to_owned(),
    }
}

fn metadata(hints: &ClientHints) -> Metadata<'_> {
    let major = |version: &'_ str| version.find('.').unwrap_or(version.len());
    Metadata {
        brands: hints
            .brands
            .iter()
            .map(|(brand, version)| Brand {
                brand,
                version: &version[..major(version)],
            })
            .collect(),
        full_version_list: hints
            .brands
            .iter()
            .map(|(brand, version)| Brand { brand, version })
            .collect(),
        platform: &hints.platform,
        platform_version: &hints.platform_version,
        architecture: &hints.architecture,
        bitness: &hints.bitness,
        model: &hints.model,
        mobile: hints.mobile,
    }
}

fn screen(viewport: Viewport, mobile: bool, touch: bool, is_page: bool) -> Vec<Call> {
    let Viewport {
        width,
        height,
        scale,
    } = viewport;
    let metrics = Metrics {
        width,
        height,
        device_scale_factor: scale,
        mobile,
        screen_width: width,
        screen_height: height,
    };
    let metrics = is_page
        .then(|| call("Emulation.setDeviceMetricsOverride", &metrics))
        .flatten();
    let touch = call(
        "Emulation.setTouchEmulationEnabled",
        &Touch {
            enabled: touch,
            max_touch_points: if touch { 5 } else { 1 },
        },
    );
    metrics.into_iter().chain(touch).collect()
}

fn geolocation(position: Option<Geolocation>) -> Option<Call> {
    match position {
        Some(position) => call("Emulation.setGeolocationOverride", &position),
        None => call("Emulation.clearGeolocationOverride", &Nothing {}),
    }
}

fn certificates(ignore: bool) -> Option<Call> {
    call(
        "Security.setIgnoreCertificateErrors",
        &Certificates { ignore },
    )
}

fn locale(tag: Option<&str>) -> Option<Call> {
    call("Emulation.setLocaleOverride", &Locale { locale: tag })
}

/// An empty value is the browser's own.
fn media(wanted: MediaParams) -> Option<Call> {
    let media = match wanted.media {
        Some(MediaType::Print) => "print",
        Some(MediaType::Screen) => "screen",
        None => "",
    };
    let scheme = wanted.color_scheme.map_or("", |scheme| {
        if scheme == ColorScheme::Dark {
            "dark"
        } else {
            "light"
        }
    });
    let motion = wanted.reduced_motion.map_or("", |motion| {
        if motion == ReducedMotion::Reduce {
            "reduce"
        } else {
            "no-preference"
        }
    });
    let forced = wanted.forced_colors.map_or("", |forced| {
        if forced == ForcedColors::Active {
            "active"
        } else {
            "none"
        }
    });
    let contrast = wanted.contrast.map_or("", |contrast| match contrast {
        Contrast::More => "more",
        Contrast::Less => "less",
        Contrast::NoPreference => "no-preference",
    });
    let features = [
        Feature {
            name: "prefers-color-scheme",
            value: scheme,
        },
        Feature {
            name: "prefers-reduced-motion",
            value: motion,
        },
        Feature {
            name: "forced-colors",
            value: forced,
        },
        Feature {
            name: "prefers-contrast",
            value: contrast,
        },
    ];
    call("Emulation.setEmulatedMedia", &Media { media, features })
}

/// Sessions that share a renderer share locale and timezone: the second one is told that they are set already, which they are.
fn is_set_already(error: &CallError) -> bool {
    matches!(error, CallError::Refused(Refusal { message, .. }) if message.contains("already in effect"))
}

impl Emulates for CdpContext {
    async fn emulate(&self, setting: &Emulation) -> Performed {
        match setting {
            Emulation::Permissions { origin, allow } => {
                return self.permit(origin.as_deref(), allow).await;
            }
            Emulation::PermissionsReset => return self.reset_permissions().await,
            _ => {}
        }
        let replies: Vec<(&'static str, Reply)> = {
            let mut state = self.browser.router.lock();
            let Some(context) = state.contexts.get_mut(&self.id) else {
                return Ok(Effect::Done);
            };
            context.emulated.note(setting);
            let emulated = context.emulated.clone();
            let state = &*state;
            let pages = state
                .sessions
                .iter()
                .filter(|(_, entry)| entry.kind != SessionKind::Worker);
            let ours = pages.filter(|(_, entry)| {
                state
                    .pages
                    .get(&entry.page)
                    .is_some_and(|page| page.context == self.id && !page.crashed)
            });
            let mut batch = self.browser.connection.batch();
            let mut replies = Vec::new();
            for (session, entry) in ours {
                for (method, params) in emulated.calls(setting, entry.kind) {
                    replies.push((method, batch.call(method, &params, Route::session(session))));
                }
            }
            batch.send();
            replies
        };
        for (method, reply) in replies {
            match within(STRUCTURE_DEADLINE, async { Ok(reply.await) }).await? {
                Ok(_) | Err(CallError::Lost(_)) => {}
                Err(error) if is_set_already(&error) => {}
                Err(error) => return Err(failed(method)(error)),
            }
        }
        Ok(Effect::Done)
    }
}

impl CdpContext {
    async fn permit(&self, origin: Option<&str>, allow: &[(Permission, bool)]) -> Performed {
        const CALL: &str = "Browser.setPermission";
        let mut batch = self.browser.connection.batch();
        let calls = allow.iter().map(|(permission, allowed)| {
            let params = PermissionSetting {
                permission: PermissionName {
                    name: permission.as_str(),
                },
                setting: if *allowed { "granted" } else { "denied" },
                origin,
                browser_context_id: self.own_context(),
            };
            batch.call(CALL, &params, Route::BROWSER)
        });
        let calls: Vec<Reply> = calls.collect();
        batch.send();
        for reply in calls {
            answered(CALL, reply).await?;
        }
        Ok(Effect::Done)
    }

    async fn reset_permissions(&self) -> Performed {
        const CALL: &str = "Browser.resetPermissions";
        let params = OfContext {
            browser_context_id: self.own_context(),
        };
        let reset = self.browser.connection.call(CALL, &params, Route::BROWSER);
        done(CALL, reset).await
    }

    /// The protocol's id of the context; none for the browser's own profile.
    pub(super) fn own_context(&self) -> Option<&str> {
        (&*self.id != PROFILE).then_some(&*self.id)
    }
}
