//! Frames of any depth and site.

use ops_contracts::seam::adapter::{AdapterError, Event, FrameKey};

use super::super::fixture::Fixture;
use super::super::page::Page;
use super::scripts::lost;
use crate::suite::Failure;
use crate::suite::check::{Outcome, equal};

/// A page with frames in frames, and those: of the same site, of another one, and two in that.
async fn nested(f: &Fixture) -> Result<(Page, [FrameKey; 4]), Failure> {
    let page = f.page_at("/seam/frames").await?;
    let mut frames = Vec::new();
    for url in [
        f.site.url("/seam/inner"),
        f.site.cross_url("/seam/deep"),
        f.site.url("/seam/deepest"),
        f.site.cross_url("/seam/near"),
    ] {
        frames.push(page.events.committed(0, &url).await?);
    }
    let frames = frames
        .try_into()
        .map_err(|frames| Failure::new(format!("{frames:?}")))?;
    Ok((page, frames))
}

pub(super) async fn nested_ones_of_any_site_answer_the_bridge_of_their_document(
    f: &Fixture,
) -> Outcome {
    let (page, frames) = nested(f).await?;
    page.eval("window.pageSecret = 1").await?;
    for (frame, title) in frames.into_iter().zip(["inner", "deep", "deepest", "near"]) {
        // A frame of the same site may take over the window of the blank document before it.
        equal(
            page.bridge_in(frame, "current", "{}").await?.as_str(),
            "true",
        )?;
        let found = page.bridge_in(frame, "title", "{}").await?;
        equal(found, format!("\"{title}\""))?;
        let seen = page.bridge_in(frame, "seen", "{}").await?;
        equal(seen.as_str(), "\"undefined\"")?;
    }
    Ok(())
}

pub(super) async fn each_knows_the_element_that_holds_it(f: &Fixture) -> Outcome {
    let (page, [inner, deep, deepest, near]) = nested(f).await?;
    // Once to find it, and once from what is known of it.
    for _ in 0..2 {
        for (parent, frame, owner) in [
            (page.frame, inner, "\"iframe#same\""),
            (page.frame, deep, "\"iframe#other\""),
            (deep, deepest, "\"iframe#deeper\""),
            (deep, near, "\"iframe#near\""),
        ] {
            equal(page.owner(parent, frame).await?.as_str(), owner)?;
        }
    }
    // It is no direct child.
    lost(
        page.owner(page.frame, deepest).await,
        AdapterError::FrameGone,
    )?;
    let mut edges = page.events.all(0, |event| match event {
        Event::FrameAttached { frame, parent, .. } => Some((*frame, *parent)),
        _ => None,
    });
    edges.sort_unstable();
    let mut expected = vec![
        (inner, page.frame),
        (deep, page.frame),
        (deepest, deep),
        (near, deep),
    ];
    expected.sort_unstable();
    equal(edges, expected)
}

pub(super) async fn one_keeps_its_key_when_it_moves_to_another_process_and_back(
    f: &Fixture,
) -> Outcome {
    let page = f.page_at("/seam/blank").await?;
    let frame = page
        .add_frame(page.frame, "it", &f.site.url("/seam/near"))
        .await?;
    for url in [
        f.site.cross_url("/seam/near"),
        f.site.url("/seam/inner"),
        f.site.cross_url("/seam/inner"),
        f.site.url("/seam/near"),
    ] {
        let mark = page.events.mark();
        page.eval(&format!("document.getElementById('it').src = '{url}'"))
            .await?;
        equal(page.events.committed(mark, &url).await?, frame)?;
        equal(
            page.bridge_in(frame, "current", "{}").await?.as_str(),
            "true",
        )?;
        let there = page.bridge_in(frame, "url", "{}").await?;
        equal(there, format!("\"{url}\""))?;
    }
    let detached = page.events.all(0, |event| {
        matches!(event, Event::FrameDetached { .. }).then_some(())
    });
    equal(detached.len(), 0)
}

pub(super) async fn a_removed_one_is_gone_with_its_children(f: &Fixture) -> Outcome {
    let (page, [inner, deep, deepest, near]) = nested(f).await?;
    page.eval("document.getElementById('other').remove()")
        .await?;
    for gone in [deep, deepest, near] {
        page.events
            .after(0, "a frame's end", |event| {
                matches!(event, Event::FrameDetached { frame, .. } if *frame == gone).then_some(())
            })
            .await?;
        lost(
            page.bridge_in(gone, "title", "{}").await,
            AdapterError::FrameGone,
        )?;
    }
    let left = page.bridge_in(inner, "title", "{}").await?;
    equal(left.as_str(), "\"inner\"")
}

pub(super) async fn one_that_waits_for_its_first_document_answers_the_bridge(
    f: &Fixture,
) -> Outcome {
    let page = f.page().await?;
    page.navigate(&f.site.url("/seam/waiting")).await?;
    let frame = page
        .events
        .after(0, "a frame", |event| match event {
            Event::FrameAttached { frame, .. } => Some(*frame),
            _ => None,
        })
        .await?;
    for _ in 0..2 {
        let url = page.bridge_in(frame, "url", "{}").await?;
        equal(url.as_str(), "\"about:blank\"")?;
    }
    Ok(())
}
