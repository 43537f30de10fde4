//! `emulation.*`: how the session's pages see their device. Each command tells what the current page sees afterwards, and is an
//! error where that is not what was asked for.

use std::time::Duration;

use ops_contracts::seam::adapter::{Emulation, Primitive, UserAgent};
use ops_contracts::wire::capability::Capability;
use ops_contracts::wire::command::Viewport;
use ops_contracts::wire::command::emulation::{
    ColorScheme, Contrast, DeviceParams, EmulationResult, ForcedColors, GeolocationParams,
    LocaleParams, MediaParams, MediaType, Permission, PermissionSeen, PermissionsParams,
    PermissionsResult, ReducedMotion, TimezoneParams, UserAgentParams, ViewportParams,
};
use ops_contracts::wire::device as presets;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Deserialize;
use serde_json::json;

use crate::cx::{Cx, Page};
use agent::user_agent as agent_of;

mod agent;

/// How often a page is asked whether it sees the change, and how long between.
const LOOKS: u32 = 100;
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// What is emulated in a session, in the order in which it was set: it is set again in a new browser.
#[derive(Debug, Clone, Default)]
pub(crate) struct Emulated(Vec<Emulation>);

impl Emulated {
    fn note(&mut self, setting: Emulation) {
        self.0.retain(|earlier| !earlier.is_replaced_by(&setting));
        if setting != Emulation::PermissionsReset {
            self.0.push(setting);
        }
    }

    /// What was set, for a new browser.
    pub(crate) fn settings(&self) -> impl Iterator<Item = Emulation> + use<> {
        self.0.clone().into_iter()
    }

    fn media(&self) -> MediaParams {
        self.0
            .iter()
            .find_map(|setting| {
                if let Emulation::Media(media) = setting {
                    Some(*media)
                } else {
                    None
                }
            })
            .unwrap_or_default()
    }
}

pub(crate) async fn viewport(cx: &Cx, params: ViewportParams) -> Outcome<EmulationResult> {
    let page = cx.page(None)?;
    let ViewportParams {
        viewport,
        mobile,
        touch,
    } = params;
    set(
        cx,
        Emulation::Screen {
            viewport,
            mobile,
            touch,
        },
    )
    .await?;
    seen(&page, |seen| has_screen(seen, viewport, mobile)).await
}

/// A phone lays a page out wider than its screen when the page does not say otherwise.
fn has_screen(seen: &EmulationResult, viewport: Viewport, mobile: bool) -> bool {
    let near = |a: f64, b: f64| (a - b).abs() < 0.01;
    near(seen.scale, viewport.scale)
        && (mobile
            || (near(seen.width, f64::from(viewport.width))
                && near(seen.height, f64::from(viewport.height))))
}

pub(crate) async fn device(cx: &Cx, params: DeviceParams) -> Outcome<EmulationResult> {
    let page = cx.page(None)?;
    let Some(preset) = presets::find(&params.name) else {
        return Err(
            Fault::new(ErrorCode::OpsInvalidRequest, "there is no such device")
                .with("field", "name"),
        );
    };
    let viewport = params.viewport().unwrap_or(preset.viewport);
    let text = preset
        .user_agent
        .replace("{chrome}", &own_major(&page).await?);
    let agent = agent_of(&text, None);
    set(
        cx,
        Emulation::Screen {
            viewport,
            mobile: preset.mobile,
            touch: preset.touch,
        },
    )
    .await?;
    set(cx, Emulation::UserAgent(Some(agent))).await?;
    seen(&page, |seen| {
        has_screen(seen, viewport, preset.mobile) && seen.user_agent == text
    })
    .await
}

/// The browser's own major version.
async fn own_major(page: &Page<'_>) -> Outcome<String> {
    let version = page.cx.session.live().version;
    Ok(version.split('.').next().unwrap_or_default().to_owned())
}

pub(crate) async fn geolocation(cx: &Cx, params: GeolocationParams) -> Outcome<EmulationResult> {
    let page = cx.page(None)?;
    set(cx, Emulation::Geolocation(params.position)).await?;
    seen(&page, |_| true).await
}

pub(crate) async fn locale(cx: &Cx, params: LocaleParams) -> Outcome<EmulationResult> {
    let page = cx.page(None)?;
    if !knows(&page, json!({ "locale": params.locale }))
        .await?
        .locale
    {
        return Err(unknown(
            "locale",
            "a locale that the browser knows, as de-DE",
        ));
    }
    set(cx, Emulation::Locale(params.locale.clone())).await?;
    let wanted = params.locale;
    seen(&page, |seen| {
        wanted
            .as_ref()
            .is_none_or(|wanted| seen.language.eq_ignore_ascii_case(wanted))
    })
    .await
}

pub(crate) async fn timezone(cx: &Cx, params: TimezoneParams) -> Outcome<EmulationResult> {
    let page = cx.page(None)?;
    let known = knows(&page, json!({ "timezone": params.timezone }))
        .await?
        .timezone;
    if params.timezone.is_some() && known.is_none() {
        return Err(unknown(
            "timezone",
            "a timezone that the browser knows, as Europe/Berlin",
        ));
    }
    set(cx, Emulation::Timezone(params.timezone)).await?;
    seen(&page, |seen| {
        known.as_ref().is_none_or(|known| seen.timezone == *known)
    })
    .await
}

pub(crate) async fn media(cx: &Cx, params: MediaParams) -> Outcome<EmulationResult> {
    let page = cx.page(None)?;
    let whole = params.over(cx.session.emulated().media());
    set(cx, Emulation::Media(whole)).await?;
    seen(&page, |seen| has_media(seen, whole)).await
}

fn has_media(seen: &EmulationResult, wanted: MediaParams) -> bool {
    let scheme = wanted
        .color_scheme
        .is_none_or(|scheme| (seen.color_scheme == "dark") == (scheme == ColorScheme::Dark));
    let motion = wanted
        .reduced_motion
        .is_none_or(|motion| seen.reduced_motion == (motion == ReducedMotion::Reduce));
    let forced = wanted
        .forced_colors
        .is_none_or(|forced| seen.forced_colors == (forced == ForcedColors::Active));
    let contrast = wanted.contrast.is_none_or(|contrast| {
        seen.contrast
            == match contrast {
                Contrast::More => "more",
                Contrast::Less => "less",
                Contrast::NoPreference => "no-preference",
            }
    });
    let media = wanted
        .media
        .is_none_or(|media| (seen.media == "print") == (media == MediaType::Print));
    scheme && motion && forced && contrast && media
}

pub(crate) async fn user_agent(cx: &Cx, params: UserAgentParams) -> Outcome<EmulationResult> {
    let page = cx.page(None)?;
    if params.platform.is_some() {
        cx.needs(Capability::ClientHints)?;
    }
    let platform = cx.session.plan.capabilities.has(Capability::ClientHints);
    let agent: Option<UserAgent> = params
        .user_agent
        .as_deref()
        .map(|text| agent_of(text, params.platform.as_deref()));
    set(cx, Emulation::UserAgent(agent.clone())).await?;
    let agrees = |seen: &EmulationResult, agent: &UserAgent| {
        seen.user_agent == agent.text && (!platform || seen.platform == agent.platform)
    };
    seen(&page, |seen| {
        agent.as_ref().is_none_or(|agent| agrees(seen, agent))
    })
    .await
}

#[derive(Deserialize)]
struct States {
    origin: String,
    states: std::collections::BTreeMap<String, String>,
}

pub(crate) async fn permissions(cx: &Cx, params: PermissionsParams) -> Outcome<PermissionsResult> {
    let page = cx.page(None)?;
    if params.reset {
        set(cx, Emulation::PermissionsReset).await?;
    }
    let allow: Vec<(Permission, bool)> = params
        .grant
        .iter()
        .map(|name| (*name, true))
        .chain(params.deny.iter().map(|name| (*name, false)))
        .collect();
    if !allow.is_empty() {
        set(
            cx,
            Emulation::Permissions {
                origin: params.origin.clone(),
                allow: allow.clone(),
            },
        )
        .await?;
    }
    let names: Vec<&str> = allow.iter().map(|(name, _)| name.as_str()).collect();
    let States { origin, mut states } = page
        .bridge(page.main_frame(), "permissions", &json!({ "names": names }))
        .await?;
    let seen = allow.iter().map(|(permission, _)| PermissionSeen {
        permission: *permission,
        state: states
            .remove(permission.as_str())
            .unwrap_or_else(|| "unknown".to_owned()),
    });
    Ok(PermissionsResult {
        origin,
        seen: seen.collect(),
    })
}

/// Sets it in the browser, and remembers it for the next one.
pub(super) async fn set(cx: &Cx, setting: Emulation) -> Outcome<()> {
    cx.waiting_for("the browser to change what its pages see");
    cx.perform(Primitive::Emulate {
        setting: setting.clone(),
    })
    .await?;
    cx.session
        .change_emulated(|emulated| emulated.note(setting));
    Ok(())
}

#[derive(Deserialize)]
struct Known {
    timezone: Option<String>,
    locale: bool,
}

async fn knows(page: &Page<'_>, what: serde_json::Value) -> Outcome<Known> {
    page.bridge(page.main_frame(), "knows", &what).await
}

fn unknown(field: &str, expected: &str) -> Fault {
    Fault::new(
        ErrorCode::OpsInvalidRequest,
        format!("emulation.{field}: {field}: {expected}"),
    )
    .with("command", format!("emulation.{field}"))
    .with("field", field)
    .with("expected", expected)
}

/// What the page sees, once it is as `expected` says; the renderer hears of some changes a moment after the browser has them.
async fn seen(
    page: &Page<'_>,
    expected: impl Fn(&EmulationResult) -> bool,
) -> Outcome<EmulationResult> {
    page.cx.waiting_for("the page to see the change");
    let none = json!({});
    let mut last: EmulationResult = page.bridge(page.main_frame(), "environment", &none).await?;
    for _ in 0..LOOKS {
        if expected(&last) {
            return Ok(last);
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
        last = page.bridge(page.main_frame(), "environment", &none).await?;
    }
    Err(Fault::plain(ErrorCode::OpsEmulationRefused).with("seen", last))
}
