//! Refs and snapshots: stable, stale when they should be, never reused; budgets, cursors, modes, frames, shadow roots.

use std::collections::BTreeSet;

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::dom::{SnapshotMode, SnapshotParams};
use ops_contracts::wire::command::{DomSnapshot, NavBack, nav};

use super::super::check::{Outcome, contains, equal, holds, lacks, refused, reported};
use super::super::fixture::{Failure, Fixture};
use super::super::verbs::{at, button, in_mode, whole};

/// The refs of a snapshot, in order.
fn refs(text: &str) -> Vec<String> {
    text.split("[ref=")
        .skip(1)
        .filter_map(|rest| rest.split(']').next())
        .map(str::to_owned)
        .collect()
}

fn numbers(refs: &[String]) -> BTreeSet<u32> {
    refs.iter()
        .filter_map(|reference| reference.strip_prefix('e')?.parse().ok())
        .collect()
}

pub(super) async fn an_element_keeps_its_ref(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let first = session.snapshot().await?;
    let second = session.snapshot().await?;
    equal(&first.text, &second.text)?;
    let found = session.find(button("A button")).await?;
    let by_snapshot = session.ref_in(&first.text, "\"A button\"")?;
    equal(at(&format!("@{}", found.matches[0].reference)), by_snapshot)
}

pub(super) async fn a_navigation_makes_refs_stale(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let old = session.ref_in(&session.snapshot().await?.text, "\"A button\"")?;
    session.goto("/plain").await?;
    let fault = refused(session.click(old.clone()).await, ErrorCode::OpsRefStale)?;
    equal(
        fault
            .details
            .get("ref")
            .and_then(|text| text.as_str())
            .map(|text| at(&format!("@{text}"))),
        Some(old),
    )
}

pub(super) async fn a_removed_element_is_stale(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/timers.html").await?;
    let found = session.find(at("#vanishing")).await?;
    let old = at(&format!("@{}", found.matches[0].reference));
    session.click(button("Remove in 300 ms")).await?;
    session
        .wait(super::super::verbs::until(
            "#vanishing",
            nav::ElementState::Detached,
        ))
        .await?;
    refused(session.click(old).await, ErrorCode::OpsRefStale)?;
    Ok(())
}

pub(super) async fn no_number_names_a_second_element(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    let mut seen = BTreeSet::new();
    for path in [
        "/plain",
        "/pages/popup-target.html",
        "/plain",
        "/pages/moving.html",
    ] {
        session.goto(path).await?;
        let now = numbers(&refs(&session.snapshot().await?.text));
        holds(!now.is_empty(), "the page has refs")?;
        let again: Vec<_> = now.intersection(&seen).collect();
        holds(
            again.is_empty(),
            format!("numbers used twice over documents: {again:?}"),
        )?;
        seen.extend(now);
    }
    Ok(())
}

pub(super) async fn going_back_does_not_revive_refs_of_another_document(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    session.goto("/pages/moving.html").await?;
    let there = session.ref_in(&session.snapshot().await?.text, "\"Steady button\"")?;
    session
        .call::<NavBack>(&nav::TraverseParams::default())
        .await?;
    refused(session.click(there).await, ErrorCode::OpsRefStale)?;
    reported(&f.site, "steady", 0).await
}

pub(super) async fn a_budget_leaves_out_whole_lines_and_counts_them(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/table.html?rows=120").await?;
    let full = session.snapshot().await?;
    equal((full.omitted, full.cursor.as_deref()), (0, None))?;
    let lines: Vec<&str> = full.text.lines().collect();
    equal(full.lines as usize, lines.len())?;
    let (mut cursor, mut read, mut parts) = (None, Vec::new(), 0);
    loop {
        let part = session
            .call::<DomSnapshot>(&SnapshotParams {
                max_chars: 2_000,
                cursor,
                ..SnapshotParams::default()
            })
            .await?;
        holds(part.text.chars().count() <= 2_000, "the budget is kept")?;
        let own: Vec<String> = part.text.lines().map(str::to_owned).collect();
        equal(part.lines as usize, lines.len())?;
        equal(part.omitted as usize, lines.len() - own.len())?;
        read.extend(own);
        parts += 1;
        match part.cursor {
            Some(next) if parts < 100 => cursor = Some(next),
            _ => break,
        }
    }
    holds(parts > 2, "the page is larger than the budget")?;
    equal(read, lines)?;
    session
        .click(session.ref_in(&full.text, "\"Edit 1\"")?)
        .await?;
    reported(&f.site, "edit-1", 1).await
}

pub(super) async fn a_cursor_of_another_document_is_stale(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/table.html?rows=120").await?;
    let params = SnapshotParams {
        max_chars: 500,
        ..SnapshotParams::default()
    };
    let cursor = session.call::<DomSnapshot>(&params).await?.cursor;
    holds(cursor.is_some(), "there is more")?;
    session.goto("/pages/table.html?rows=120").await?;
    refused(
        session
            .call::<DomSnapshot>(&SnapshotParams {
                cursor,
                ..params.clone()
            })
            .await,
        ErrorCode::OpsRefStale,
    )?;
    let nonsense = SnapshotParams {
        cursor: Some("nonsense".to_owned()),
        ..params
    };
    refused(
        session.call::<DomSnapshot>(&nonsense).await,
        ErrorCode::OpsInvalidRequest,
    )?;
    Ok(())
}

pub(super) async fn modes_show_what_they_say(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/plain").await?;
    let full = session
        .call::<DomSnapshot>(&in_mode(SnapshotMode::Full))
        .await?
        .text;
    let interactive = session
        .call::<DomSnapshot>(&in_mode(SnapshotMode::Interactive))
        .await?
        .text;
    let outline = session
        .call::<DomSnapshot>(&in_mode(SnapshotMode::Outline))
        .await?
        .text;
    for part in [
        "heading \"Plain page\"",
        "link \"A link\"",
        "button \"A button\"",
        "textbox \"An input\"",
    ] {
        contains(&full, part)?;
    }
    contains(&interactive, "button \"A button\"")?;
    lacks(&interactive, "heading")?;
    contains(&outline, "heading \"Plain page\"")?;
    lacks(&outline, "button")
}

pub(super) async fn a_snapshot_of_an_element_shows_what_is_in_it(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/forms.html").await?;
    let group = SnapshotParams {
        element: Some(at("role=group[name=\"Selects\"]")),
        ..whole()
    };
    let part = session.call::<DomSnapshot>(&group).await?.text;
    contains(&part, "Single")?;
    lacks(&part, "Email")?;
    let urls = SnapshotParams {
        urls: true,
        ..whole()
    };
    session.goto("/plain").await?;
    contains(
        &session.call::<DomSnapshot>(&urls).await?.text,
        "/pages/dialogs.html",
    )
}

pub(super) async fn frames_of_any_depth_and_origin_are_in_one_snapshot(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/frames.html").await?;
    let snapshot = session.snapshot().await?;
    equal(snapshot.frames, 5)?;
    equal(snapshot.unreadable_frames.len(), 0)?;
    let mut depth = 0;
    for name in ["Top", "Inner", "Nested", "Far", "Farthest"] {
        let line = snapshot
            .text
            .lines()
            .find(|line| line.contains(&format!("\"{name} button\"")));
        let line =
            line.ok_or_else(|| Failure::new(format!("no {name} button in:\n{}", snapshot.text)))?;
        let indent = line.len() - line.trim_start().len();
        holds(
            depth == 0 || indent > depth,
            format!("{name} is nested deeper than what holds it"),
        )?;
        depth = indent;
    }
    Ok(())
}

pub(super) async fn elements_of_frames_are_clicked_by_ref(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/frames.html").await?;
    let snapshot = session.snapshot().await?;
    for (name, id) in [
        ("Top", "top"),
        ("Inner", "inner"),
        ("Nested", "nested"),
        ("Far", "far"),
        ("Farthest", "farthest"),
    ] {
        let element = session.ref_in(&snapshot.text, &format!("\"{name} button\""))?;
        session.click(element).await?;
        reported(&f.site, id, 1).await?;
    }
    equal(f.site.reports().len(), 5)
}

pub(super) async fn elements_of_frames_are_filled_and_read_by_ref(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/frames.html").await?;
    let snapshot = session.snapshot().await?;
    for name in ["Inner", "Nested", "Far", "Farthest"] {
        let element = session
            .ref_in(&snapshot.text, &format!("\"{name} name\""))?
            .to_string();
        equal(session.fill(&element, name).await?.value.as_str(), name)?;
        equal(session.value(&element).await?.as_str(), name)?;
    }
    Ok(())
}

pub(super) async fn many_frames_are_read_at_once(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/thousand-frames.html?n=60").await?;
    let snapshot = session.snapshot().await?;
    equal((snapshot.frames, snapshot.unreadable_frames.len()), (61, 0))?;
    let last = session.ref_in(&snapshot.text, "\"Press 60\"")?;
    session.click(last).await?;
    reported(&f.site, "frame-60", 1).await
}

pub(super) async fn a_removed_frame_makes_its_refs_stale(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/frames.html").await?;
    let element = session.ref_in(&session.snapshot().await?.text, "\"Farthest button\"")?;
    session
        .eval("document.getElementById('inner').remove()")
        .await?;
    refused(session.click(element).await, ErrorCode::OpsRefStale)?;
    equal(session.snapshot().await?.frames, 1)
}

pub(super) async fn shadow_roots_are_shown_and_acted_in(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/shadow.html").await?;
    let snapshot = session.snapshot().await?;
    for (name, id) in [
        ("Outer shadow button", "outer-shadow"),
        ("Inner shadow button", "inner-shadow"),
        ("Slotted button", "slotted"),
    ] {
        session
            .click(session.ref_in(&snapshot.text, &format!("\"{name}\""))?)
            .await?;
        reported(&f.site, id, 1).await?;
    }
    session.click(button("Inner shadow button")).await?;
    reported(&f.site, "inner-shadow", 2).await?;
    session.fill("label=Inner name", "oak").await?;
    equal(session.text("#out").await?.as_str(), "inner-shadow: oak")?;
    equal(session.count("css=section button").await?, 3)
}

pub(super) async fn closed_shadow_roots_are_shown_and_acted_in(f: &Fixture) -> Outcome {
    let session = f.session().await?;
    session.goto("/pages/shadow.html").await?;
    session.click(button("Closed shadow button")).await?;
    reported(&f.site, "closed-shadow", 1).await?;
    let snapshot = session.snapshot().await?;
    session
        .click(session.ref_in(&snapshot.text, "\"Closed shadow button\"")?)
        .await?;
    reported(&f.site, "closed-shadow", 2).await?;
    session.fill("label=Closed name", "elm").await?;
    equal(session.value("label=Closed name").await?.as_str(), "elm")?;
    equal(session.text("#out").await?.as_str(), "closed-shadow: elm")?;
    equal(session.count("css=section button").await?, 3)?;
    session.goto("/pages/ax/shadow.html").await?;
    let snapshot = session.snapshot().await?;
    for name in [
        "Inside closed",
        "Nested closed",
        "Declared closed",
        "Closed field",
    ] {
        contains(&snapshot.text, &format!("\"{name}\""))?;
    }
    Ok(())
}
