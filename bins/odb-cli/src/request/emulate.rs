//! Verbs of emulation as commands.

use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::command::emulation::{
    DeviceParams, Geolocation, GeolocationParams, LocaleParams, MediaParams, PermissionsParams,
    TimezoneParams, UserAgentParams, ViewportParams,
};
use ops_contracts::wire::ids::TargetId;

use super::{Command, of};
use crate::args::emulate::Emulate;
use client_core::{Failure, Outcome};

/// The command of a verb; none where it only lists.
pub(super) fn emulate(verb: &Emulate, tab: Option<&TargetId>) -> Outcome<Option<Command>> {
    if tab.is_some() {
        return Err(Failure::usage(
            "--tab has no meaning for emulate: it holds for every page of the session",
        ));
    }
    let request = match verb {
        Emulate::Device { name: None, .. } => return Ok(None),
        Emulate::Device {
            name: Some(name),
            landscape,
        } => of(
            CommandName::EmulationDevice,
            &DeviceParams {
                name: name.clone(),
                landscape: *landscape,
            },
        ),
        Emulate::Viewport {
            size,
            mobile,
            touch,
        } => of(
            CommandName::EmulationViewport,
            &ViewportParams {
                viewport: *size,
                mobile: *mobile,
                touch: *touch,
            },
        ),
        Emulate::Geolocation { place, accuracy } => {
            let position = place.map(|(latitude, longitude)| Geolocation {
                latitude,
                longitude,
                accuracy: *accuracy,
            });
            of(
                CommandName::EmulationGeolocation,
                &GeolocationParams {
                    position,
                    reset: place.is_none(),
                },
            )
        }
        Emulate::Locale { locale } => of(
            CommandName::EmulationLocale,
            &LocaleParams {
                locale: locale.clone(),
                reset: locale.is_none(),
            },
        ),
        Emulate::Timezone { timezone } => of(
            CommandName::EmulationTimezone,
            &TimezoneParams {
                timezone: timezone.clone(),
                reset: timezone.is_none(),
            },
        ),
        Emulate::Media {
            color_scheme,
            reduced_motion,
            forced_colors,
            contrast,
            media,
            reset,
        } => {
            let params = MediaParams {
                media: *media,
                color_scheme: *color_scheme,
                reduced_motion: *reduced_motion,
                forced_colors: *forced_colors,
                contrast: *contrast,
                reset: *reset,
            };
            of(CommandName::EmulationMedia, &params)
        }
        Emulate::UserAgent { text, platform } => {
            let params = UserAgentParams {
                user_agent: text.clone(),
                platform: platform.clone(),
                reset: text.is_none(),
            };
            of(CommandName::EmulationUserAgent, &params)
        }
        Emulate::Permissions {
            grant,
            deny,
            origin,
            reset,
        } => {
            let params = PermissionsParams {
                grant: grant.clone(),
                deny: deny.clone(),
                origin: origin.clone(),
                reset: *reset,
            };
            of(CommandName::EmulationPermissions, &params)
        }
    };
    request.map(Some)
}
