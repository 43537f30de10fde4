//! Verbs of emulation as commands.

use client_core::{Failure, Outcome, Request, render};
use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::command::emulation::{
    Geolocation, GeolocationParams, LocaleParams, MediaParams, PermissionsParams, TimezoneParams,
    UserAgentParams, ViewportParams,
};
use ops_contracts::wire::ids::TargetId;

use super::{Command, of};
use crate::args::emulate::Emulate;
use crate::context::Context;
use crate::verb::{Task, Verb};

impl Verb for Emulate {
    fn task<'a>(&'a self, tab: Option<&TargetId>) -> Outcome<Task<'a>> {
        // The list of devices needs no session, so that a page does it no harm.
        let lists = matches!(self, Self::Device { name: None, .. });
        if tab.is_some() && !lists {
            return Err(Failure::usage(
                "--tab has no meaning for emulate: it holds for every page of the session",
            ));
        }
        let command = match self {
            Self::Device { name: None, .. } => return Ok(Task::program(list_devices)),
            Self::Device {
                name: Some(name),
                landscape,
            } => Request::device(name, *landscape).map(Command::from),
            Self::Viewport {
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
            Self::Geolocation { place, accuracy } => {
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
            Self::Locale { locale } => of(
                CommandName::EmulationLocale,
                &LocaleParams {
                    locale: locale.clone(),
                    reset: locale.is_none(),
                },
            ),
            Self::Timezone { timezone } => of(
                CommandName::EmulationTimezone,
                &TimezoneParams {
                    timezone: timezone.clone(),
                    reset: timezone.is_none(),
                },
            ),
            Self::Media {
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
            Self::UserAgent { text, platform } => {
                let params = UserAgentParams {
                    user_agent: text.clone(),
                    platform: platform.clone(),
                    reset: text.is_none(),
                };
                of(CommandName::EmulationUserAgent, &params)
            }
            Self::Permissions {
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
        command.map(Task::Command)
    }
}

async fn list_devices(context: &Context<'_>) -> Outcome<u8> {
    context.out.line(&render::keep::devices());
    Ok(0)
}
