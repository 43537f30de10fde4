use conformance::site::Site;
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{
    AdapterError, Clip, Effect, Event, FrameKey, ImageFormat, Primitive, TargetKey,
};
use ops_contracts::wire::command::Viewport;

use crate::support::{Page, evaluate, open, open_in, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("pages_are_opened_told_of_and_closed", opened),
        trial("a_popup_names_its_opener_and_has_the_bridge", popup),
        trial(
            "contexts_do_not_share_cookies_and_are_gone_when_closed",
            isolated,
        ),
        trial("pictures_have_the_size_that_was_asked_for", pictures),
        trial("the_viewport_can_be_set", viewport),
    ]
}

async fn opened() {
    let page = open().await;
    let site = Site::start().unwrap();
    let url = site.url("/plain");
    let effect = page
        .perform(Primitive::CreateTarget {
            url: Some(url.clone()),
        })
        .await
        .unwrap();
    let Effect::Target { target, frame } = effect else {
        panic!("{effect:?}")
    };
    let told: Vec<_> = page
        .events
        .all()
        .into_iter()
        .filter_map(|event| match event {
            Event::TargetOpened {
                target,
                frame,
                opener,
                ..
            } => Some((target, frame, opener)),
            _ => None,
        })
        .collect();
    assert_eq!(
        told,
        [(target, frame, None)],
        "the first page is not told of, the second before its effect"
    );
    assert_eq!(page.events.committed(0, &url).await, frame);
    page.perform(Primitive::ActivateTarget {
        target: page.target,
    })
    .await
    .unwrap();
    assert!(matches!(
        page.perform(Primitive::CloseTarget { target })
            .await
            .unwrap(),
        Effect::Done
    ));
    assert!(
        page.events
            .all()
            .iter()
            .any(|event| matches!(event, Event::TargetClosed { target: gone } if *gone == target))
    );
    let gone = page
        .perform(evaluate(target, frame, "1"))
        .await
        .unwrap_err();
    assert_eq!(gone, AdapterError::TargetClosed);
    page.close().await;
}

async fn opened_by(page: &Page, mark: usize) -> (TargetKey, FrameKey, Option<TargetKey>) {
    page.events
        .after(mark, |event| match event {
            Event::TargetOpened {
                target,
                frame,
                opener,
                ..
            } => Some((*target, *frame, *opener)),
            _ => None,
        })
        .await
}

async fn popup() {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/pages/popup.html")).await;
    for url in [site.url("/plain"), site.cross_url("/plain")] {
        let mark = page.events.mark();
        page.eval(&format!("void open('{url}')")).await;
        let (target, frame, opener) = opened_by(&page, mark).await;
        assert_eq!(opener, Some(page.target));
        page.events.committed(mark, &url).await;
        let current = crate::support::bridge(target, frame, "current", "{}", None);
        let Effect::Text(text) = page.perform(current).await.unwrap() else {
            panic!()
        };
        assert_eq!(text, "true", "{url}");
        // The popup hides its opener; input brings it to the front again.
        page.input(crate::support::click((5.0, 5.0), 1, Default::default()))
            .await
            .unwrap();
        assert_eq!(page.eval("document.visibilityState").await, "\"visible\"");
        let mark = page.events.mark();
        page.perform(evaluate(target, frame, "setTimeout(() => close()); 0"))
            .await
            .unwrap();
        page.events
            .after(mark, |event| {
                matches!(event, Event::TargetClosed { target: gone } if *gone == target)
                    .then_some(())
            })
            .await;
    }
    page.close().await;
}

async fn isolated() {
    let page = open().await;
    let site = Site::start().unwrap();
    let other = open_in(page.browser.clone(), page.profiles.clone()).await;
    page.goto(&site.url("/set-cookie?who=first")).await;
    other.goto(&site.url("/plain")).await;
    assert_eq!(other.eval("document.cookie").await, "\"\"");
    assert!(page.eval("document.cookie").await.contains("who=first"));
    other.context.close().await;
    assert_eq!(
        other.eval_in(other.frame, "1").await.unwrap_err(),
        AdapterError::TargetClosed
    );
    assert_eq!(page.eval("1").await, "1");
    page.close().await;
}

/// Width and height of a PNG, from its header.
fn size(base64: &str) -> (u32, u32) {
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let bits: Vec<u8> = base64.bytes().take(32).map(value).collect();
    let bytes: Vec<u8> = bits
        .chunks(4)
        .flat_map(|c| {
            [
                c[0] << 2 | c[1] >> 4,
                c[1] << 4 | c[2] >> 2,
                c[2] << 6 | c[3],
            ]
        })
        .collect();
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

async fn picture(page: &Page, format: ImageFormat, clip: Option<Clip>, full_page: bool) -> String {
    let quality = (format != ImageFormat::Png).then_some(50);
    match page
        .perform(Primitive::Screenshot {
            target: page.target,
            format,
            quality,
            clip,
            full_page,
        })
        .await
        .unwrap()
    {
        Effect::Image(data) => data,
        other => panic!("{other:?}"),
    }
}

async fn pictures() {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/plain")).await;
    page.eval("document.body.innerHTML = '<div style=\"height:3000px\">x</div>'; document.body.style.margin = 0; 0").await;
    assert_eq!(
        size(&picture(&page, ImageFormat::Png, None, false).await),
        (800, 600)
    );
    let (width, height) = size(&picture(&page, ImageFormat::Png, None, true).await);
    assert!(width <= 800 && height == 3000, "{width}x{height}");
    let clip = Clip {
        x: 10.0,
        y: 2000.0,
        width: 50.0,
        height: 40.0,
    };
    assert_eq!(
        size(&picture(&page, ImageFormat::Png, Some(clip), false).await),
        (50, 40)
    );
    assert!(
        picture(&page, ImageFormat::Jpeg, None, false)
            .await
            .starts_with("/9j/")
    );
    assert!(
        picture(&page, ImageFormat::Webp, None, false)
            .await
            .starts_with("UklGR")
    );
    page.close().await;
}

async fn viewport() {
    let page = open().await;
    const SIZE: &str = "innerWidth + 'x' + innerHeight + '@' + devicePixelRatio";
    assert_eq!(page.eval(SIZE).await, "\"800x600@1\"");
    let viewport = Viewport {
        width: 500,
        height: 400,
        scale: 2.0,
    };
    page.perform(Primitive::SetViewport {
        target: page.target,
        viewport,
    })
    .await
    .unwrap();
    assert_eq!(page.eval(SIZE).await, "\"500x400@2\"");
    page.close().await;
}
