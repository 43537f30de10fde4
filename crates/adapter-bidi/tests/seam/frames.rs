use conformance::site::Site;
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{AdapterError, Effect, Event, FrameKey};

use crate::support::{Page, bridge, open, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "nested_frames_of_any_site_answer_the_bridge_of_their_own_document",
            nested,
        ),
        trial("a_frame_knows_the_element_that_holds_it", owners),
        trial(
            "a_frame_keeps_its_key_when_it_moves_to_another_process_and_back",
            moves,
        ),
        trial("a_removed_frame_is_gone_with_its_children", removed),
    ]
}

async fn owner(page: &Page, frame: FrameKey, child: FrameKey) -> String {
    match page
        .perform(bridge(page.target, frame, "owner", "{}", Some(child)))
        .await
        .unwrap()
    {
        Effect::Text(text) => text,
        other => panic!("{other:?}"),
    }
}

async fn add_frame(page: &Page, frame: FrameKey, id: &str, url: &str) -> FrameKey {
    let mark = page.events.mark();
    let script = format!(
        "document.body.append(Object.assign(document.createElement('iframe'), {{ id: '{id}', src: '{url}' }})); 0"
    );
    page.eval_in(frame, &script).await.unwrap();
    page.events.committed(mark, url).await
}

async fn nested() {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/pages/frames.html")).await;
    let frames: Vec<_> = page
        .events
        .all()
        .into_iter()
        .filter_map(|event| match event {
            Event::NavigationCommitted { frame, url, .. } => Some((frame, url)),
            _ => None,
        })
        .collect();
    assert!(frames.len() >= 4, "{frames:?}");
    for (frame, url) in &frames {
        // A frame of the same site takes over the window of the blank document before it.
        assert_eq!(
            page.bridge_in(*frame, "current", "{}").await.unwrap(),
            "true",
            "{url}"
        );
    }
    page.close().await;
}

async fn owners() {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/plain")).await;
    let near = add_frame(&page, page.frame, "near", &site.url("/json")).await;
    let far = add_frame(&page, page.frame, "far", &site.cross_url("/plain")).await;
    let deep = add_frame(&page, far, "deep", &site.url("/plain")).await;
    for _ in 0..2 {
        assert_eq!(owner(&page, page.frame, near).await, "\"iframe#near\"");
        assert_eq!(owner(&page, page.frame, far).await, "\"iframe#far\"");
        assert_eq!(owner(&page, far, deep).await, "\"iframe#deep\"");
    }
    let wrong = page
        .perform(bridge(page.target, page.frame, "owner", "{}", Some(deep)))
        .await;
    assert_eq!(wrong.unwrap_err(), AdapterError::FrameGone);
    let parents: Vec<_> = page
        .events
        .all()
        .into_iter()
        .filter_map(|event| match event {
            Event::FrameAttached { frame, parent, .. } => Some((frame, parent)),
            _ => None,
        })
        .collect();
    assert_eq!(
        parents,
        [(near, page.frame), (far, page.frame), (deep, far)]
    );
    page.close().await;
}

async fn moves() {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/plain")).await;
    let frame = add_frame(&page, page.frame, "it", &site.url("/plain")).await;
    for url in [
        site.cross_url("/plain"),
        site.url("/json"),
        site.cross_url("/json"),
        site.url("/plain"),
    ] {
        let mark = page.events.mark();
        page.eval(&format!("document.getElementById('it').src = '{url}'"))
            .await;
        assert_eq!(page.events.committed(mark, &url).await, frame);
        assert_eq!(
            page.bridge_in(frame, "current", "{}").await.unwrap(),
            "true",
            "{url}"
        );
    }
    assert!(
        !page
            .events
            .all()
            .iter()
            .any(|event| matches!(event, Event::FrameDetached { .. }))
    );
    page.close().await;
}

async fn removed() {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/plain")).await;
    let far = add_frame(&page, page.frame, "far", &site.cross_url("/plain")).await;
    let deep = add_frame(&page, far, "deep", &site.url("/plain")).await;
    page.eval("document.getElementById('far').remove()").await;
    for gone in [far, deep] {
        page.events
            .first(|event| {
                matches!(event, Event::FrameDetached { frame, .. } if *frame == gone).then_some(())
            })
            .await;
        assert_eq!(
            page.bridge_in(gone, "title", "{}").await.unwrap_err(),
            AdapterError::FrameGone
        );
    }
    page.close().await;
}
