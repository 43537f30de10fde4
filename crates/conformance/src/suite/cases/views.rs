//! Scrolling, waiting, pictures, logs and batches.

use ops_contracts::ErrorCode;
use ops_contracts::seam::adapter::{Clip, ConsoleLevel, ImageFormat};
use ops_contracts::wire::command::batch::{BatchItem, RunParams};
use ops_contracts::wire::command::diagnostics::LogParams;
use ops_contracts::wire::command::export::{ScreenshotParams, ScreenshotResult};
use ops_contracts::wire::command::interact::{ScrollEdge, ScrollParams};
use ops_contracts::wire::command::nav::{ElementState, WaitParams};
use ops_contracts::wire::command::{
    BatchRun, DiagnosticsConsole, DiagnosticsErrors, ExportScreenshot, InteractScroll,
    InteractScrollIntoView, LoadState, NavWait,
};
use serde_json::value::RawValue;

use super::super::check::{Outcome, contains, equal, holds, refused, reported};
use super::super::fixture::{Failure, Fixture, Session};
use super::super::verbs::{at, button, element, until};

pub(super) async fn scrolling_tells_from_where_to_where(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/table.html?rows=200").await?;
    let by = ScrollParams {
        dy: 300.0,
        ..ScrollParams::default()
    };
    let scrolled = session.call::<InteractScroll>(&by).await?;
    equal(
        (scrolled.before.y, scrolled.after.y, scrolled.moved),
        (0.0, 300.0, true),
    )?;
    let bottom = ScrollParams {
        to: Some(ScrollEdge::Bottom),
        ..ScrollParams::default()
    };
    holds(
        session.call::<InteractScroll>(&bottom).await?.moved,
        "it moved",
    )?;
    holds(
        !session.call::<InteractScroll>(&bottom).await?.moved,
        "it is at the end",
    )?;
    let top = ScrollParams {
        to: Some(ScrollEdge::Top),
        ..ScrollParams::default()
    };
    equal(session.call::<InteractScroll>(&top).await?.after.y, 0.0)?;
    equal(session.eval("scrollY").await?.as_str(), "0")
}

pub(super) async fn containers_scroll_on_their_own(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/long.html").await?;
    let inner = ScrollParams {
        element: Some(at("#inner")),
        dy: 150.0,
        ..ScrollParams::default()
    };
    let scrolled = session.call::<InteractScroll>(&inner).await?;
    equal(
        (scrolled.moved, scrolled.after.y - scrolled.before.y),
        (true, 150.0),
    )?;
    equal(
        session
            .eval("[document.getElementById('inner').scrollTop, scrollY]")
            .await?
            .as_str(),
        "[150,0]",
    )
}

pub(super) async fn an_element_is_scrolled_into_view(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/table.html?rows=200").await?;
    let there = element("role=button[name=\"Edit 150\"]");
    let scrolled = session.call::<InteractScrollIntoView>(&there).await?;
    holds(
        scrolled.moved && scrolled.after.y > scrolled.before.y,
        format!("{scrolled:?}"),
    )?;
    let area = session
        .call::<ops_contracts::wire::command::DomBox>(&super::super::verbs::read(
            "role=button[name=\"Edit 150\"]",
        ))
        .await?;
    holds(area.y >= 0.0 && area.y < 720.0, format!("{area:?}"))?;
    holds(
        !session.call::<InteractScrollIntoView>(&there).await?.moved,
        "it is in view already",
    )
}

pub(super) async fn each_thing_can_be_waited_for(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/timers.html").await?;
    let text = |text: &str| WaitParams {
        text: Some(text.to_owned()),
        ..WaitParams::default()
    };
    let with_url = |url: &str| WaitParams {
        url: Some(url.to_owned()),
        ..WaitParams::default()
    };
    for (press, wait) in [
        (
            "Show in 300 ms",
            until(
                "role=button[name=\"Appeared button\"]",
                ElementState::Visible,
            ),
        ),
        (
            "Remove in 300 ms",
            until("#vanishing", ElementState::Detached),
        ),
        ("Enable in 300 ms", until("#gate", ElementState::Enabled)),
        ("Change text in 300 ms", text("Changed text")),
        ("Change URL in 300 ms", with_url("**?changed=yes")),
        ("Unhide in 300 ms", until("#hidden", ElementState::Visible)),
    ] {
        session.click(button(press)).await?;
        session
            .wait(wait)
            .await
            .map_err(|refused| Failure::new(format!("{press}: {refused}")))?;
    }
    session
        .wait(WaitParams {
            function: Some("() => globalThis.settled".to_owned()),
            ..WaitParams::default()
        })
        .await?;
    session
        .wait(WaitParams {
            load_state: Some(LoadState::NetworkIdle),
            ..WaitParams::default()
        })
        .await?;
    let waited = session.wait(until("#text", ElementState::Attached)).await?;
    holds(waited.reference.is_some(), "the element's ref is told")?;
    session.click(button("Navigate in 300 ms")).await?;
    session.wait(with_url("/plain")).await?;
    Ok(())
}

pub(super) async fn a_wait_in_vain_is_a_timeout(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    for wait in [
        until("#nothing", ElementState::Visible),
        until("h1", ElementState::Hidden),
        WaitParams {
            text: Some("no such text".to_owned()),
            ..WaitParams::default()
        },
        WaitParams {
            url: Some("elsewhere".to_owned()),
            ..WaitParams::default()
        },
        WaitParams {
            function: Some("false".to_owned()),
            ..WaitParams::default()
        },
    ] {
        refused(
            session.call_within::<NavWait>(300, &wait).await,
            ErrorCode::OpsTimeout,
        )?;
    }
    let throws = WaitParams {
        function: Some("null.x".to_owned()),
        ..WaitParams::default()
    };
    refused(session.wait(throws).await, ErrorCode::OpsScriptFailed)?;
    equal(session.title().await?.as_str(), "Plain page")
}

pub(super) async fn a_wait_survives_a_navigation(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/timers.html").await?;
    session.click(button("Navigate in 300 ms")).await?;
    session
        .wait(until(
            "role=button[name=\"A button\"]",
            ElementState::Visible,
        ))
        .await?;
    equal(session.title().await?.as_str(), "Plain page")
}

/// Width and height of a PNG, from its header.
fn png_size(picture: &ScreenshotResult) -> Result<(u32, u32), Failure> {
    let bytes = decode(&picture.data)?;
    equal(bytes.len() as u64, picture.bytes)?;
    holds(
        bytes.starts_with(b"\x89PNG\r\n\x1a\n") && bytes.len() > 24,
        "the picture is a PNG",
    )?;
    let number = |at: usize| {
        bytes[at..at + 4]
            .iter()
            .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
    };
    Ok((number(16), number(20)))
}

pub(super) fn decode(base64: &str) -> Result<Vec<u8>, Failure> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut held, mut bytes) = (0u32, 0, Vec::with_capacity(base64.len() * 3 / 4));
    for letter in base64.trim_end_matches('=').bytes() {
        let value = ALPHABET
            .iter()
            .position(|known| *known == letter)
            .ok_or_else(|| Failure::new("the picture is no base64"))?;
        bits = bits << 6 | u32::try_from(value).unwrap_or_default();
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held & 0xff) as u8);
        }
    }
    Ok(bytes)
}

async fn shot(
    session: &Session<'_>,
    params: ScreenshotParams,
) -> Result<ScreenshotResult, Failure> {
    Ok(session.call::<ExportScreenshot>(&params).await?)
}

pub(super) async fn pictures_have_the_size_of_what_they_show(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/table.html?rows=60").await?;
    equal(
        png_size(&shot(&session, ScreenshotParams::default()).await?)?,
        (1280, 720),
    )?;
    let full = png_size(
        &shot(
            &session,
            ScreenshotParams {
                full_page: true,
                ..Default::default()
            },
        )
        .await?,
    )?;
    let size = session
        .eval("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        .await?;
    equal(format!("[{},{}]", full.0, full.1), size)?;
    holds(full.1 > 720, "the page is longer than the viewport")?;
    let clip = Clip {
        x: 10.0,
        y: 900.0,
        width: 300.0,
        height: 200.0,
    };
    equal(
        png_size(
            &shot(
                &session,
                ScreenshotParams {
                    clip: Some(clip),
                    ..Default::default()
                },
            )
            .await?,
        )?,
        (300, 200),
    )?;
    let area = session
        .call::<ops_contracts::wire::command::DomBox>(&super::super::verbs::read(
            "role=button[name=\"Edit 50\"]",
        ))
        .await?;
    let params = ScreenshotParams {
        element: Some(button("Edit 50")),
        ..Default::default()
    };
    let (width, height) = png_size(&shot(&session, params).await?)?;
    let near = |pixels: u32, css: f64| (f64::from(pixels) - css).abs() <= 1.5;
    holds(
        near(width, area.width) && near(height, area.height),
        format!("{width}x{height} of {area:?}"),
    )
}

pub(super) async fn pictures_come_in_each_format(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/shop/").await?;
    for (format, magic) in [
        (ImageFormat::Jpeg, b"\xff\xd8\xff".as_slice()),
        (ImageFormat::Webp, b"RIFF"),
    ] {
        let fine = shot(
            &session,
            ScreenshotParams {
                format,
                quality: Some(95),
                ..Default::default()
            },
        )
        .await?;
        let coarse = shot(
            &session,
            ScreenshotParams {
                format,
                quality: Some(5),
                ..Default::default()
            },
        )
        .await?;
        holds(
            decode(&fine.data)?.starts_with(magic),
            format!("the picture is a {format:?}"),
        )?;
        holds(
            coarse.bytes < fine.bytes,
            "a lower quality is a smaller file",
        )?;
        equal(fine.format, format)?;
    }
    Ok(())
}

pub(super) async fn a_page_in_the_background_is_pictured(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let new = ops_contracts::wire::command::targets::NewParams {
        url: Some(f.site.url("/shop/")),
        wait_until: LoadState::Load,
        make_current: true,
    };
    session
        .call::<ops_contracts::wire::command::TargetsNew>(&new)
        .await?;
    let params = ScreenshotParams {
        target_id: Some(session.target.clone()),
        ..Default::default()
    };
    equal(png_size(&shot(&session, params).await?)?, (1280, 720))
}

pub(super) async fn console_messages_are_read_from_a_cursor_on(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/console.html").await?;
    let first = session
        .call::<DiagnosticsConsole>(&LogParams::default())
        .await?;
    let found: Vec<_> = first
        .entries
        .iter()
        .map(|entry| (entry.level, entry.text.as_str()))
        .collect();
    for (level, text) in [
        (ConsoleLevel::Log, "loaded 42 true null undefined"),
        (ConsoleLevel::Warn, "a warning on load"),
        (ConsoleLevel::Error, "an error on load"),
        (ConsoleLevel::Debug, "formatted text and 7"),
    ] {
        holds(
            found.contains(&(level, text)),
            format!("{text:?} is among {found:?}"),
        )?;
    }
    let object = first
        .entries
        .iter()
        .find(|entry| entry.text.starts_with("an object"));
    contains(
        &object.map(|entry| entry.text.clone()).unwrap_or_default(),
        "Moon Vase",
    )?;
    equal(
        first
            .entries
            .iter()
            .all(|entry| entry.target_id == session.target),
        true,
    )?;
    session.click(button("Warn")).await?;
    let after = LogParams {
        since_seq: first.next_seq,
        ..LogParams::default()
    };
    let second = session.call::<DiagnosticsConsole>(&after).await?;
    equal(
        second
            .entries
            .iter()
            .map(|entry| entry.text.as_str())
            .collect::<Vec<_>>(),
        vec!["button warning"],
    )?;
    equal((second.entries[0].seq, second.lost), (first.next_seq, 0))?;
    session.click(button("Flood")).await?;
    session.click(button("Flood")).await?;
    let flooded = session
        .call::<DiagnosticsConsole>(&LogParams { limit: 10, ..after })
        .await?;
    equal(flooded.entries.len(), 10)?;
    holds(flooded.lost > 0, "what fell out is counted")
}

pub(super) async fn uncaught_exceptions_are_read(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/console.html").await?;
    let mut first = session
        .call::<DiagnosticsErrors>(&LogParams::default())
        .await?;
    // A rejection counts as unhandled some tasks later, which may be after the page has loaded.
    for _ in 0..100 {
        if first.entries.len() > 1 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        first = session
            .call::<DiagnosticsErrors>(&LogParams::default())
            .await?;
    }
    let texts: Vec<_> = first
        .entries
        .iter()
        .map(|entry| entry.text.as_str())
        .collect();
    holds(
        texts.iter().any(|text| text.contains("thrown on load")),
        format!("{texts:?}"),
    )?;
    holds(
        texts.iter().any(|text| text.contains("rejected on load")),
        format!("{texts:?}"),
    )?;
    session.click(button("Throw")).await?;
    let after = LogParams {
        since_seq: first.next_seq,
        ..LogParams::default()
    };
    let second = session.call::<DiagnosticsErrors>(&after).await?;
    equal(second.entries.len(), 1)?;
    contains(&second.entries[0].text, "TypeError: thrown by button")
}

fn item(command: &str, params: &str) -> BatchItem {
    BatchItem {
        command: command.to_owned(),
        params: RawValue::from_string(params.to_owned()).ok(),
    }
}

pub(super) async fn a_batch_gives_each_command_its_result(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let goto = item(
        "nav.goto",
        &format!(r#"{{"url":"{}"}}"#, f.site.url("/pages/moving.html")),
    );
    let press = item(
        "interact.click",
        r#"{"element":{"role":"button","name":"Steady button"}}"#,
    );
    let wrong = item("interact.click", r##"{"element":{"ref":"e99999"}}"##);
    let run = |commands, stop_on_error| RunParams {
        commands,
        stop_on_error,
    };
    let all = session
        .call::<BatchRun>(&run(
            vec![goto, press.clone(), item("dom.title", "{}")],
            true,
        ))
        .await?;
    equal((all.succeeded, all.failed, all.skipped), (3, 0, 0))?;
    contains(
        all.results[2]
            .result
            .as_ref()
            .map(|result| result.get())
            .unwrap_or_default(),
        "Moving",
    )?;
    reported(&f.site, "steady", 1).await?;
    let stopped = session
        .call::<BatchRun>(&run(vec![wrong.clone(), press.clone()], true))
        .await?;
    equal(
        (stopped.succeeded, stopped.failed, stopped.skipped),
        (0, 1, 1),
    )?;
    equal(
        stopped.results[0].error.as_ref().map(|error| error.code),
        Some(ErrorCode::OpsRefStale),
    )?;
    holds(
        stopped.results[1].result.is_none() && stopped.results[1].error.is_none(),
        "what was skipped has neither",
    )?;
    let going_on = session
        .call::<BatchRun>(&run(vec![wrong, press], false))
        .await?;
    equal(
        (going_on.succeeded, going_on.failed, going_on.skipped),
        (1, 1, 0),
    )?;
    reported(&f.site, "steady", 2).await
}

pub(super) async fn a_batch_is_checked_before_it_begins(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/moving.html").await?;
    let press = item(
        "interact.click",
        r#"{"element":{"role":"button","name":"Steady button"}}"#,
    );
    for (bad, code) in [
        (item("nav.gogo", "{}"), ErrorCode::OpsCommandUnknown),
        (item("nav.goto", "{}"), ErrorCode::OpsInvalidRequest),
        (
            item("batch.run", r#"{"commands":[]}"#),
            ErrorCode::OpsInvalidRequest,
        ),
        (item("session.close", "{}"), ErrorCode::OpsInvalidRequest),
    ] {
        let params = RunParams {
            commands: vec![press.clone(), bad],
            stop_on_error: true,
        };
        let fault = refused(session.call::<BatchRun>(&params).await, code)?;
        equal(
            fault.details.get("index").and_then(|at| at.as_u64()),
            Some(1),
        )?;
    }
    reported(&f.site, "steady", 0).await
}
