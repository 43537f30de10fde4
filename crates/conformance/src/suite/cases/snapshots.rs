//! Snapshots: changes since an earlier one, texts found in them, parts of large ones, states, and what they cost.

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::dom::{DEFAULT_SNAPSHOT_CHARS, SnapshotParams, SnapshotResult};
use ops_contracts::wire::command::{DomSnapshot, InteractClick};

use super::super::check::{Outcome, contains, equal, holds, lacks, refused};
use super::super::fixture::{Failure, Fixture, Session};
use super::super::verbs::{at, button, click, whole};

async fn since(session: &Session<'_>, id: &str) -> Result<SnapshotResult, Failure> {
    Ok(session
        .call::<DomSnapshot>(&SnapshotParams {
            since: Some(id.to_owned()),
            ..whole()
        })
        .await?)
}

/// What a client makes of an earlier snapshot's text and a change.
fn applied(earlier: &str, change: &str) -> Option<String> {
    let earlier: Vec<&str> = earlier.lines().collect();
    let (mut result, mut at) = (Vec::new(), 0);
    for line in change.lines() {
        let Some(hunk) = line.strip_prefix("@@ ") else {
            result.push(line);
            continue;
        };
        let mut numbers = hunk
            .split(' ')
            .map(|part| part.trim_start_matches('-').parse::<usize>());
        let (start, gone) = (numbers.next()?.ok()? - 1, numbers.next()?.ok()?);
        result.extend(earlier.get(at..start)?);
        at = start + gone;
    }
    result.extend(earlier.get(at..)?);
    Some(result.join("\n"))
}

pub(super) async fn a_change_is_the_difference_of_two_snapshots(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/table.html?rows=200").await?;
    let first = session.call::<DomSnapshot>(&whole()).await?;
    equal((first.delta.is_none(), first.omitted), (true, 0))?;
    let same = since(&session, &first.id).await?;
    equal(
        (
            same.text.as_str(),
            same.delta.map(|delta| (delta.removed, delta.added)),
        ),
        ("", Some((0, 0))),
    )?;
    for script in [
        "document.querySelector('#row-120 button').textContent = 'Changed'",
        "document.querySelector('#row-7').remove()",
        "document.querySelector('tbody').append(document.querySelector('#row-9'), document.createElement('hr'))",
        "document.querySelector('#row-30 input').checked = true; document.querySelector('#row-31 button').disabled = true",
    ] {
        let earlier = session.call::<DomSnapshot>(&whole()).await?;
        session.eval(script).await?;
        let change = since(&session, &earlier.id).await?;
        let now = session.call::<DomSnapshot>(&whole()).await?;
        equal(
            change.delta.as_ref().map(|delta| delta.since.clone()),
            Some(earlier.id.clone()),
        )?;
        equal(applied(&earlier.text, &change.text), Some(now.text.clone()))
            .map_err(|_| Failure::new(script))?;
        holds(
            change.text.len() * 10 <= now.text.len(),
            format!(
                "{script}: {} of {} bytes",
                change.text.len(),
                now.text.len()
            ),
        )?;
    }
    let unknown = since(&session, "s999999").await?;
    equal((unknown.delta.is_none(), unknown.lines > 100), (true, true))?;
    session.goto("/plain").await?;
    holds(
        since(&session, &first.id).await?.delta.is_none(),
        "a change of another document is none",
    )?;
    for params in [
        r#"{"since":"x"}"#,
        r#"{"since":"s1","cursor":"1.1.f"}"#,
        r#"{"since":"s1","find":"x"}"#,
        r#"{"find":" "}"#,
    ] {
        let reply = f
            .raw("dom.snapshot", params, Some((&session.id, &session.lease)))
            .await;
        equal(
            reply.outcome.err().map(|fault| fault.code),
            Some(ErrorCode::OpsInvalidRequest),
        )
        .map_err(|_| Failure::new(params))?;
    }
    Ok(())
}

pub(super) async fn a_text_is_found_with_what_it_is_in(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/table.html?rows=200").await?;
    let find = |text: &str| SnapshotParams {
        find: Some(text.to_owned()),
        ..SnapshotParams::default()
    };
    let found = session.call::<DomSnapshot>(&find("edit 150")).await?;
    equal((found.matches, found.cursor), (Some(1), None))?;
    contains(&found.text, "button \"Edit 150\"")?;
    contains(&found.text, "- table")?;
    lacks(&found.text, "Edit 151")?;
    equal(
        found.omitted as usize,
        found.lines as usize - found.text.lines().count(),
    )?;
    session
        .click(session.ref_in(&found.text, "\"Edit 150\"")?)
        .await?;
    let none = session.call::<DomSnapshot>(&find("no such text")).await?;
    equal((none.matches, none.text.as_str()), (Some(0), ""))
}

pub(super) async fn the_parts_of_a_large_page_make_the_whole(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/table.html?rows=300").await?;
    let all = session.call::<DomSnapshot>(&whole()).await?;
    let (mut text, mut cursor, mut parts) = (String::new(), None, 0);
    loop {
        let part = session
            .call::<DomSnapshot>(&SnapshotParams {
                cursor,
                ..SnapshotParams::default()
            })
            .await?;
        parts += 1;
        holds(
            part.text.chars().count() <= DEFAULT_SNAPSHOT_CHARS as usize,
            "a part keeps its budget",
        )?;
        equal(
            part.omitted as usize,
            part.lines as usize - part.text.lines().count(),
        )?;
        text = if text.is_empty() {
            part.text
        } else {
            text + "\n" + &part.text
        };
        cursor = part.cursor;
        if cursor.is_none() || parts > 50 {
            break;
        }
    }
    holds(parts > 3, format!("{parts} parts"))?;
    equal(text == all.text, true)
}

/// Sequential steps of a snapshot.
async fn steps(f: &Fixture, session: &Session<'_>) -> Result<u32, Failure> {
    let reply = f
        .raw(
            "dom.snapshot",
            r#"{"maxChars":5000000}"#,
            Some((&session.id, &session.lease)),
        )
        .await;
    reply
        .outcome
        .map_err(|fault| Failure::new(fault.to_string()))?;
    Ok(reply.timing.round_trips)
}

pub(super) async fn a_snapshot_takes_three_steps_at_most(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    for page in [
        "/pages/table.html?rows=100",
        "/pages/frames.html",
        "/pages/thousand-frames.html?n=12",
        "/pages/shadow.html",
    ] {
        session.goto(page).await?;
        for round in ["first", "second"] {
            let steps = steps(f, &session).await?;
            holds(
                steps <= 3,
                format!("{page}: {steps} steps for the {round} snapshot"),
            )?;
        }
    }
    session.call::<DomSnapshot>(&whole()).await?;
    equal(steps(f, &session).await?, 1)
}

pub(super) async fn states_hints_and_owners_are_shown(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let shows = async |page: &str, lines: &[&str]| {
        session.goto(page).await?;
        let text = session
            .call::<DomSnapshot>(&SnapshotParams {
                urls: true,
                ..whole()
            })
            .await?
            .text;
        lines.iter().try_for_each(|line| contains(&text, line))
    };
    shows(
        "/pages/ax/settings.html",
        &[
            "textbox \"Name *\" [required] [description=\"As it should appear\"]",
            "textbox \"E-mail\" [required] [invalid] [description=\"That is no address\"]",
            "textbox \"Account id\" [readonly]",
            "textbox \"Plan\" [disabled]",
            "checkbox \"All of them\" [checked=mixed]",
            "radio \"Off\" [checked] [disabled]",
            "textbox \"Password\"",
            "option \"Moon\" [disabled]",
        ],
    )
    .await?;
    shows(
        "/pages/ax/widgets.html",
        &[
            "[pressed=mixed]",
            "spinbutton \"Size\"",
            "12 points",
            "treeitem \"main.rs\" [level=2]",
            "menuitem \"Print\" [disabled]",
            "button \"Font Sans ▸\" [collapsed] [haspopup=listbox]",
        ],
    )
    .await?;
    shows(
        "/pages/ax/header.html",
        &[
            "link \"src\" [current=page] [url=",
            "tab \"Code\" [selected]",
            "button \"Search\"",
        ],
    )
    .await?;
    shows(
        "/pages/ax/overlays.html",
        &[
            "- button \"First\"",
            "option \"Adopted\"",
            "link \"Bar one\"",
            "link \"link in editor\"",
            "searchbox \"Find in page\"",
        ],
    )
    .await?;
    let text = session.call::<DomSnapshot>(&whole()).await?.text;
    let place = |name: &str| {
        text.find(name)
            .ok_or_else(|| Failure::new(format!("{name} is not there")))
    };
    holds(
        place("\"Owned first\"")? < place("\"Owned second\"")?,
        "owned elements are in their owner's order",
    )?;
    session
        .call::<InteractClick>(&click(at("role=button[name=\"Owned second\"]")))
        .await?;
    refused(
        session.click(button("Gone")).await,
        ErrorCode::OpsElementNotFound,
    )
    .map(drop)
}
