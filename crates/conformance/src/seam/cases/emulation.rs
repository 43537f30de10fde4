//! What a context can be made to look like: for pages that are there, and for those that come later.

use ops_contracts::seam::adapter::{Effect, Emulation, Primitive, UserAgent};
use ops_contracts::wire::command::emulation::{ColorScheme, Geolocation, MediaParams, Permission};

use super::super::fixture::Fixture;
use super::super::page::Page;
use crate::suite::Failure;
use crate::suite::check::{Outcome, contains, equal};

/// Applies a setting, and checks what an expression comes to on this page and on one that is opened later.
async fn holds_everywhere(
    f: &Fixture,
    setting: Emulation,
    expression: &str,
    value: &str,
) -> Outcome {
    let page = f.page_at("/plain").await?;
    page.emulate(setting).await?;
    equal(page.eval(expression).await?.as_str(), value)?;
    let later = another(&page).await?;
    later.goto(&f.site.url("/plain")).await?;
    equal(later.eval(expression).await?.as_str(), value)
}

/// A page of the same context that opens now.
async fn another(page: &Page) -> Result<Page, Failure> {
    match page.perform(Primitive::CreateTarget { url: None }).await? {
        Effect::Target { target, frame } => Ok(page.at(target, frame)),
        other => Err(Failure::new(format!("{other:?}"))),
    }
}

pub(super) async fn the_locale_holds_for_pages_now_and_later(f: &Fixture) -> Outcome {
    let locale = Emulation::Locale(Some("de-DE".to_owned()));
    holds_everywhere(f, locale, "(1.5).toLocaleString()", "\"1,5\"").await
}

pub(super) async fn the_timezone_holds_for_pages_now_and_later(f: &Fixture) -> Outcome {
    let timezone = Emulation::Timezone(Some("Asia/Tokyo".to_owned()));
    holds_everywhere(f, timezone, "new Date().getTimezoneOffset()", "-540").await
}

pub(super) async fn media_features_hold_for_pages_now_and_later(f: &Fixture) -> Outcome {
    let dark = Emulation::Media(MediaParams {
        color_scheme: Some(ColorScheme::Dark),
        ..MediaParams::default()
    });
    let asked = "matchMedia('(prefers-color-scheme: dark)').matches";
    holds_everywhere(f, dark, asked, "true").await
}

pub(super) async fn the_user_agent_reaches_the_server(f: &Fixture) -> Outcome {
    let agent = Emulation::UserAgent(Some(UserAgent {
        text: "Seam/1.0".to_owned(),
        platform: "Linux x86_64".to_owned(),
        hints: None,
    }));
    holds_everywhere(f, agent, "navigator.userAgent", "\"Seam/1.0\"").await?;
    let seen = f
        .site
        .requests()
        .pop()
        .ok_or_else(|| Failure::new("the server was not asked"))?;
    contains(&format!("{seen:?}"), "Seam/1.0")
}

pub(super) async fn the_place_is_told_where_it_may_be(f: &Fixture) -> Outcome {
    let page = f.page_at("/plain").await?;
    let place = Geolocation {
        latitude: 47.5,
        longitude: 8.25,
        accuracy: 10.0,
    };
    page.emulate(Emulation::Geolocation(Some(place))).await?;
    let asked = "new Promise((done) => navigator.geolocation.getCurrentPosition(\
        ({ coords }) => done(`${coords.latitude} ${coords.longitude}`), (error) => done(`code ${error.code}`)))";
    for (allowed, answer) in [(true, "\"47.5 8.25\""), (false, "\"code 1\"")] {
        page.emulate(Emulation::Permissions {
            origin: None,
            allow: vec![(Permission::Geolocation, allowed)],
        })
        .await?;
        equal(page.eval(asked).await?.as_str(), answer)?;
    }
    Ok(())
}
