//! Emulation, as pages and servers see it.

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::emulation::{
    ColorScheme, DeviceParams, ForcedColors, Geolocation, GeolocationParams, LocaleParams,
    MediaParams, MediaType, Permission, PermissionsParams, ReducedMotion, TimezoneParams,
    UserAgentParams, ViewportParams,
};
use ops_contracts::wire::command::session::CreateParams;
use ops_contracts::wire::command::targets::NewParams;
use ops_contracts::wire::command::{
    EmulationDevice, EmulationGeolocation, EmulationLocale, EmulationMedia, EmulationPermissions,
    EmulationTimezone, EmulationUserAgent, EmulationViewport, LoadState, TargetsNew, Viewport,
};

use crate::suite::check::{Outcome, contains, equal, holds, lacks, refused};
use crate::suite::fixture::{Fixture, Session};
use crate::suite::verbs::button;

async fn header(session: &Session<'_>, name: &str) -> Result<String, crate::suite::Failure> {
    session.goto("/echo").await?;
    Ok(session
        .eval(&format!(
            "JSON.parse(document.body.innerText).headers['{name}'] || ''"
        ))
        .await?)
}

/// Opens a second page of the session and makes it the current one.
async fn second_page(session: &Session<'_>) -> Outcome {
    let url = Some(session.fixture.site.url("/plain"));
    session
        .call::<TargetsNew>(&NewParams {
            url,
            wait_until: LoadState::Load,
            make_current: true,
        })
        .await?;
    Ok(())
}

pub(super) async fn a_viewport_holds_for_every_page(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let viewport = Viewport {
        width: 500,
        height: 400,
        scale: 2.0,
    };
    let seen = session
        .call::<EmulationViewport>(&ViewportParams {
            viewport,
            mobile: false,
            touch: false,
        })
        .await?;
    equal((seen.width, seen.height, seen.scale), (500.0, 400.0, 2.0))?;
    let expression = "[innerWidth, innerHeight, devicePixelRatio, screen.width]";
    equal(session.eval(expression).await?.as_str(), "[500,400,2,500]")?;
    second_page(&session).await?;
    equal(session.eval(expression).await?.as_str(), "[500,400,2,500]")
}

pub(super) async fn the_whole_of_a_large_viewport_takes_input(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let viewport = Viewport {
        width: 2200,
        height: 1500,
        scale: 1.0,
    };
    session
        .call::<EmulationViewport>(&ViewportParams {
            viewport,
            mobile: false,
            touch: false,
        })
        .await?;
    let corner = "document.body.insertAdjacentHTML('beforeend', '<button onclick=\"this.textContent=1\" style=\"position:fixed;right:4px;bottom:4px\">Corner</button>')";
    session.eval(corner).await?;
    equal(
        session.click(button("Corner")).await?.receipt.clicks,
        Some(1),
    )?;
    equal(
        session
            .eval("document.querySelector('button[style]').textContent")
            .await?
            .as_str(),
        "\"1\"",
    )
}

pub(super) async fn a_touch_screen_is_seen_by_pages(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let viewport = Viewport {
        width: 500,
        height: 400,
        scale: 2.0,
    };
    let seen = session
        .call::<EmulationViewport>(&ViewportParams {
            viewport,
            mobile: false,
            touch: true,
        })
        .await?;
    holds(seen.touch, "the page sees it")?;
    second_page(&session).await?;
    equal(
        session.eval("navigator.maxTouchPoints > 0").await?.as_str(),
        "true",
    )
}

pub(super) async fn a_device_agrees_with_itself(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let pixel = DeviceParams {
        name: "pixel 8".to_owned(),
        landscape: false,
    };
    let seen = session.call::<EmulationDevice>(&pixel).await?;
    equal(
        (seen.scale, seen.touch, seen.mobile),
        (2.625, true, Some(true)),
    )?;
    contains(&seen.user_agent, "Android")?;
    contains(&header(&session, "user-agent").await?, "Mobile Safari")?;
    equal(
        header(&session, "sec-ch-ua-mobile").await?.as_str(),
        "\"?1\"",
    )?;
    contains(&header(&session, "sec-ch-ua-platform").await?, "Android")?;
    equal(
        session
            .eval("[navigator.userAgentData.mobile, navigator.userAgentData.platform]")
            .await?
            .as_str(),
        r#"[true,"Android"]"#,
    )?;
    equal(
        session
            .eval("matchMedia('(pointer: coarse)').matches")
            .await?
            .as_str(),
        "true",
    )?;
    let sideways = DeviceParams {
        landscape: true,
        ..pixel
    };
    session.call::<EmulationDevice>(&sideways).await?;
    equal(
        session
            .eval("[screen.width, screen.height]")
            .await?
            .as_str(),
        "[915,412]",
    )?;
    let phone = DeviceParams {
        name: "iPhone 15".to_owned(),
        landscape: false,
    };
    contains(
        &session.call::<EmulationDevice>(&phone).await?.user_agent,
        "iPhone",
    )?;
    equal(header(&session, "sec-ch-ua").await?.as_str(), "\"\"")?;
    let unknown = DeviceParams {
        name: "Nokia 3310".to_owned(),
        landscape: false,
    };
    let fault = refused(
        session.call::<EmulationDevice>(&unknown).await,
        ErrorCode::OpsInvalidRequest,
    )?;
    contains(&fault.message, "iPhone 15")
}

pub(super) async fn the_place_is_told_to_who_may_know_it(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let position = Some(Geolocation {
        latitude: 52.52,
        longitude: 13.405,
        accuracy: 5.0,
    });
    session
        .call::<EmulationGeolocation>(&GeolocationParams {
            position,
            reset: false,
        })
        .await?;
    let granted = PermissionsParams {
        grant: vec![Permission::Geolocation],
        ..Default::default()
    };
    let seen = session.call::<EmulationPermissions>(&granted).await?;
    equal(seen.seen[0].state.as_str(), "granted")?;
    let ask = "new Promise(done => navigator.geolocation.getCurrentPosition(p => done([p.coords.latitude, p.coords.longitude, p.coords.accuracy]), e => done(e.code)))";
    equal(session.eval(ask).await?.as_str(), "[52.52,13.405,5]")?;
    let denied = PermissionsParams {
        deny: vec![Permission::Geolocation],
        ..Default::default()
    };
    equal(
        session.call::<EmulationPermissions>(&denied).await?.seen[0]
            .state
            .as_str(),
        "denied",
    )?;
    equal(session.eval(ask).await?.as_str(), "1")?;
    let both = PermissionsParams {
        grant: vec![Permission::Camera],
        deny: vec![Permission::Camera],
        ..Default::default()
    };
    refused(
        session.call::<EmulationPermissions>(&both).await,
        ErrorCode::OpsInvalidRequest,
    )?;
    session
        .call::<EmulationPermissions>(&PermissionsParams {
            reset: true,
            ..Default::default()
        })
        .await?;
    let state = "navigator.permissions.query({ name: 'geolocation' }).then(p => p.state)";
    lacks(&session.eval(state).await?, "granted")
}

pub(super) async fn a_locale_reaches_dates_scripts_and_servers(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let before = session.eval("navigator.language").await?;
    let german = LocaleParams {
        locale: Some("de-DE".to_owned()),
        reset: false,
    };
    let seen = session.call::<EmulationLocale>(&german).await?;
    equal(
        (seen.locale.as_str(), seen.language.as_str()),
        ("de-DE", "de-DE"),
    )?;
    contains(&header(&session, "accept-language").await?, "de-DE")?;
    equal(
        session.eval("(1234.5).toLocaleString()").await?.as_str(),
        "\"1.234,5\"",
    )?;
    second_page(&session).await?;
    equal(
        session
            .eval("[navigator.language, (1.5).toLocaleString()]")
            .await?
            .as_str(),
        r#"["de-DE","1,5"]"#,
    )?;
    for bad in ["xx-nowhere-at-all", "Deutsch!", ""] {
        let params = LocaleParams {
            locale: Some(bad.to_owned()),
            reset: false,
        };
        refused(
            session.call::<EmulationLocale>(&params).await,
            ErrorCode::OpsInvalidRequest,
        )?;
    }
    session
        .call::<EmulationLocale>(&LocaleParams {
            locale: None,
            reset: true,
        })
        .await?;
    session.goto("/plain").await?;
    equal(session.eval("navigator.language").await?, before)
}

pub(super) async fn a_timezone_moves_the_clock(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let far = TimezoneParams {
        timezone: Some("Asia/Kolkata".to_owned()),
        reset: false,
    };
    session.call::<EmulationTimezone>(&far).await?;
    equal(
        session
            .eval("new Date(0).getHours() * 60 + new Date(0).getMinutes()")
            .await?
            .as_str(),
        "330",
    )?;
    second_page(&session).await?;
    equal(
        session
            .eval("new Date(0).getTimezoneOffset()")
            .await?
            .as_str(),
        "-330",
    )?;
    let nowhere = TimezoneParams {
        timezone: Some("Europe/Atlantis".to_owned()),
        reset: false,
    };
    let fault = refused(
        session.call::<EmulationTimezone>(&nowhere).await,
        ErrorCode::OpsInvalidRequest,
    )?;
    equal(
        fault.details.get("field").and_then(|field| field.as_str()),
        Some("timezone"),
    )?;
    equal(
        session
            .eval("new Date(0).getTimezoneOffset()")
            .await?
            .as_str(),
        "-330",
    )
}

pub(super) async fn media_features_add_up_until_they_are_reset(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let dark = MediaParams {
        color_scheme: Some(ColorScheme::Dark),
        ..Default::default()
    };
    equal(
        session
            .call::<EmulationMedia>(&dark)
            .await?
            .color_scheme
            .as_str(),
        "dark",
    )?;
    let still = MediaParams {
        reduced_motion: Some(ReducedMotion::Reduce),
        forced_colors: Some(ForcedColors::Active),
        media: Some(MediaType::Print),
        ..Default::default()
    };
    let seen = session.call::<EmulationMedia>(&still).await?;
    equal(
        (
            seen.color_scheme.as_str(),
            seen.reduced_motion,
            seen.forced_colors,
            seen.media.as_str(),
        ),
        ("dark", true, true, "print"),
    )?;
    second_page(&session).await?;
    let queries = "['(prefers-color-scheme: dark)', '(prefers-reduced-motion: reduce)', 'print'].map(q => matchMedia(q).matches)";
    equal(session.eval(queries).await?.as_str(), "[true,true,true]")?;
    let seen = session
        .call::<EmulationMedia>(&MediaParams {
            reset: true,
            ..Default::default()
        })
        .await?;
    equal(
        (seen.reduced_motion, seen.forced_colors, seen.media.as_str()),
        (false, false, "screen"),
    )
}

pub(super) async fn a_user_agent_brings_its_client_hints(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let text = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.6099.43 Safari/537.36";
    let params = UserAgentParams {
        user_agent: Some(text.to_owned()),
        platform: Some("Win32".to_owned()),
        ..Default::default()
    };
    let seen = session.call::<EmulationUserAgent>(&params).await?;
    equal(
        (seen.user_agent.as_str(), seen.platform.as_str()),
        (text, "Win32"),
    )?;
    contains(&header(&session, "sec-ch-ua").await?, "120")?;
    contains(&header(&session, "sec-ch-ua-platform").await?, "Windows")?;
    second_page(&session).await?;
    equal(
        session.eval("navigator.platform").await?.as_str(),
        "\"Win32\"",
    )
}

pub(super) async fn a_user_agent_reaches_pages_and_servers(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let own = session.eval("navigator.userAgent").await?;
    let text = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 test";
    let params = UserAgentParams {
        user_agent: Some(text.to_owned()),
        ..Default::default()
    };
    equal(
        session
            .call::<EmulationUserAgent>(&params)
            .await?
            .user_agent
            .as_str(),
        text,
    )?;
    equal(header(&session, "user-agent").await?, format!("\"{text}\""))?;
    second_page(&session).await?;
    equal(
        session.eval("navigator.userAgent").await?,
        format!("\"{text}\""),
    )?;
    session
        .call::<EmulationUserAgent>(&UserAgentParams {
            reset: true,
            ..Default::default()
        })
        .await?;
    session.goto("/plain").await?;
    equal(session.eval("navigator.userAgent").await?, own)
}

pub(super) async fn a_new_browser_is_as_the_lost_one_was(f: &Fixture) -> Outcome {
    let _alone = f.subject.exclusive.clone().lock_owned().await;
    let process = ops_contracts::wire::command::session::Isolation::Process;
    let before: Vec<_> = f
        .service()
        .summary()
        .browsers
        .iter()
        .filter_map(|browser| browser.pid)
        .collect();
    let params = ops_contracts::wire::command::session::CreateParams {
        isolation: process,
        ..f.create_params()
    };
    let session = f.session_with(params).await?;
    session.goto("/plain").await?;
    session
        .call::<EmulationTimezone>(&TimezoneParams {
            timezone: Some("Asia/Tokyo".to_owned()),
            reset: false,
        })
        .await?;
    let pids = f.service().summary().browsers;
    let pid = pids
        .iter()
        .filter_map(|browser| browser.pid)
        .find(|pid| !before.contains(pid));
    let Some(pid) = pid else {
        return Err(crate::suite::Failure::new(
            "the session has no browser of its own",
        ));
    };
    (f.subject.kill_browser)(pid);
    // One command is told of the loss, the next one gets a new browser.
    let mut zone = String::new();
    for _ in 0..3 {
        if let Ok(seen) = session
            .eval("Intl.DateTimeFormat().resolvedOptions().timeZone")
            .await
        {
            zone = seen;
            break;
        }
    }
    holds(
        zone == "\"Asia/Tokyo\"",
        format!("the new browser's timezone is {zone}"),
    )
}

pub(super) async fn a_session_begins_as_it_was_asked_for(f: &Fixture) -> Outcome {
    let params = CreateParams {
        device: Some(DeviceParams {
            name: "iPhone 15".to_owned(),
            landscape: true,
        }),
        locale: Some("fr-FR".to_owned()),
        timezone: Some("Asia/Kolkata".to_owned()),
        user_agent: Some("Kiln/1.0 (Linux)".to_owned()),
        color_scheme: Some(ColorScheme::Dark),
        geolocation: Some(Geolocation {
            latitude: 47.37,
            longitude: 8.54,
            accuracy: 3.0,
        }),
        permissions: vec![Permission::Geolocation],
        ..CreateParams::default()
    };
    let session = f.session_with(params).await?;
    session.goto("/plain").await?;
    let seen = "[screen.width, screen.height, navigator.language, new Date(0).getTimezoneOffset(), navigator.userAgent, \
                matchMedia('(prefers-color-scheme: dark)').matches]";
    let expected = r#"[852,393,"fr-FR",-330,"Kiln/1.0 (Linux)",true]"#;
    equal(session.eval(seen).await?.as_str(), expected)?;
    let ask = "new Promise(done => navigator.geolocation.getCurrentPosition(p => done(p.coords.latitude), e => done(e.code)))";
    equal(session.eval(ask).await?.as_str(), "47.37")?;
    equal(
        header(&session, "user-agent").await?.as_str(),
        "\"Kiln/1.0 (Linux)\"",
    )?;
    contains(&header(&session, "accept-language").await?, "fr-FR")?;
    second_page(&session).await?;
    equal(session.eval(seen).await?.as_str(), expected)?;
    let phone = f
        .session_with(CreateParams {
            viewport: None,
            ..CreateParams::default()
        })
        .await?;
    lacks(&phone.eval("navigator.userAgent").await?, "Kiln")
}

pub(super) async fn a_session_that_can_not_be_so_is_not_made(f: &Fixture) -> Outcome {
    let before = f.service().summary().sessions;
    let nowhere = CreateParams {
        timezone: Some("Europe/Atlantis".to_owned()),
        ..CreateParams::default()
    };
    let fault = refused(
        f.session_with(nowhere).await.map(|_| ()),
        ErrorCode::OpsInvalidRequest,
    )?;
    equal(
        fault.details.get("field").and_then(|field| field.as_str()),
        Some("timezone"),
    )?;
    equal(
        fault.details.get("command").and_then(|name| name.as_str()),
        Some("session.create"),
    )?;
    contains(&fault.message, "session.create: timezone")?;
    holds(
        f.service().summary().sessions <= before,
        "no session is left behind",
    )
}
