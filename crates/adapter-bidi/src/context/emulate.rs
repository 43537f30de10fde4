//! What a context's pages see of their device: overrides of the whole user context, which hold for its pages to come too.

use std::collections::HashSet;

use futures_util::future::join_all;
use ops_contracts::seam::adapter::{
    AdapterError, Effect, Emulates, Emulation, Performed, TargetKey,
};
use ops_contracts::wire::command::Viewport;
use ops_contracts::wire::command::emulation::{Geolocation, Permission};

use super::{BidiContext, STRUCTURE_DEADLINE, failed, viewport_of, within};
use crate::connection::{CallError, Outstanding, Refusal, Route};
use crate::protocol::Command;
use crate::protocol::emulation::{
    Coordinates, ScreenArea, SetGeolocationOverride, SetLocaleOverride, SetScreenSettingsOverride,
    SetTimezoneOverride, SetUserAgentOverride,
};
use crate::router::permit::set_permission;
use crate::router::state::State;

impl Emulates for BidiContext {
    async fn emulate(&self, setting: &Emulation) -> Performed {
        let replies = match setting {
            Emulation::Screen { touch: true, .. } => return lacking("a touch screen"),
            Emulation::Screen { mobile: true, .. } => return lacking("a phone's layout"),
            Emulation::UserAgent(Some(agent)) if agent.hints.is_some() => {
                return lacking("client hints");
            }
            Emulation::CertificateErrors(_) => {
                return lacking("certificates that can't be trusted");
            }
            Emulation::Media(_) => return lacking("media features"),
            Emulation::Permissions { origin, allow } => {
                return self.permit(origin.as_deref(), allow).await;
            }
            Emulation::PermissionsReset => return self.reset_permissions().await,
            Emulation::Screen { viewport, .. } => self.resize(*viewport),
            Emulation::Geolocation(place) => vec![self.locate(*place)],
            Emulation::Locale(locale) => vec![self.everywhere(&SetLocaleOverride {
                locale: locale.as_deref(),
                user_contexts: [&self.id],
            })],
            Emulation::Timezone(timezone) => vec![self.everywhere(&SetTimezoneOverride {
                timezone: timezone.as_deref(),
                user_contexts: [&self.id],
            })],
            Emulation::UserAgent(agent) => vec![self.everywhere(&SetUserAgentOverride {
                user_agent: agent.as_ref().map(|agent| &*agent.text),
                user_contexts: [&self.id],
            })],
        };
        settled(replies, "this emulation").await
    }
}

/// The protocol has no means for this.
fn lacking(primitive: &'static str) -> Performed {
    Err(AdapterError::Unsupported { primitive })
}

impl BidiContext {
    /// Sends an override of the whole user context.
    fn everywhere<C: Command>(&self, command: &C) -> Outstanding {
        self.browser
            .connection
            .send(command, Route::BROWSER)
            .outstanding()
    }

    /// The screen of all pages has this size, and every viewport fills it.
    fn resize(&self, viewport: Viewport) -> Vec<Outstanding> {
        let screen_area = Some(ScreenArea {
            width: viewport.width,
            height: viewport.height,
        });
        let mut replies = self.fit_windows(viewport);
        replies.push(self.everywhere(&viewport_of(None, Some(&self.id), viewport)));
        replies.push(self.everywhere(&SetScreenSettingsOverride {
            screen_area,
            user_contexts: [&self.id],
        }));
        replies
    }

    fn locate(&self, place: Option<Geolocation>) -> Outstanding {
        let coordinates = place.map(|place| Coordinates {
            latitude: place.latitude,
            longitude: place.longitude,
            accuracy: place.accuracy,
        });
        self.everywhere(&SetGeolocationOverride {
            coordinates,
            user_contexts: [&self.id],
        })
    }

    async fn permit(&self, origin: Option<&str>, allow: &[(Permission, bool)]) -> Performed {
        // The browser's Permissions API has no such names: they can't be set, whatever is answered.
        if allow.iter().any(|(permission, _)| {
            matches!(permission, Permission::Camera | Permission::Microphone)
        }) {
            return lacking("permissions for camera and microphone");
        }
        let replies = {
            let mut state = self.browser.router.lock();
            let origins: HashSet<String> = match origin {
                Some(origin) => HashSet::from([origin.to_owned()]),
                None => self.origins(&state),
            };
            let entry = state.context_mut(&self.id)?;
            let mut replies = Vec::new();
            for (permission, allowed) in allow {
                let (name, wanted) = (
                    permission.as_str(),
                    if *allowed { "granted" } else { "denied" },
                );
                if origin.is_none() {
                    entry.everywhere.retain(|(known, _)| *known != name);
                    entry.everywhere.push((name, wanted));
                }
                for origin in &origins {
                    entry.permitted.insert((origin.clone(), name));
                    replies.push(
                        set_permission(&self.browser.connection, &self.id, origin, name, wanted)
                            .outstanding(),
                    );
                }
            }
            replies
        };
        settled(replies, "this permission").await
    }

    /// The origins of its frames, and those that permissions were set for.
    fn origins(&self, state: &State) -> HashSet<String> {
        let ours = |page: &TargetKey| {
            state
                .pages
                .get(page)
                .is_some_and(|page| page.context == self.id)
        };
        let shown = state
            .frames
            .values()
            .filter(|frame| ours(&frame.page))
            .filter_map(|frame| frame.origin.clone());
        let set = state
            .contexts
            .get(&self.id)
            .into_iter()
            .flat_map(|entry| entry.permitted.iter().map(|(origin, _)| origin.clone()));
        shown.chain(set).collect()
    }

    async fn reset_permissions(&self) -> Performed {
        let replies = {
            let mut state = self.browser.router.lock();
            let entry = state.context_mut(&self.id)?;
            entry.everywhere.clear();
            let set = std::mem::take(&mut entry.permitted);
            let reset = |(origin, name): &(String, &'static str)| {
                set_permission(&self.browser.connection, &self.id, origin, name, "prompt")
                    .outstanding()
            };
            set.iter().map(reset).collect()
        };
        settled(replies, "this permission").await
    }
}

/// `what` names the setting where the browser does not have it.
async fn settled(replies: Vec<Outstanding>, what: &'static str) -> Performed {
    for reply in within(STRUCTURE_DEADLINE, async { Ok(join_all(replies).await) }).await? {
        match reply {
            Ok(_) => {}
            Err(CallError::Refused(Refusal { error, .. }))
                if error == "unsupported operation" || error == "unknown command" =>
            {
                return Err(AdapterError::Unsupported { primitive: what });
            }
            Err(error) => return Err(failed(what)(error)),
        }
    }
    Ok(Effect::Done)
}
