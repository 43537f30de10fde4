//! Pages, contexts, pictures and input.

use std::sync::Arc;

use base64::Engine;
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{
    AdapterError, Clip, ContextStorage, Effect, Event, ImageFormat, InputAction, LifecyclePhase,
    Modifiers, MouseButton, Primitive, TargetKey,
};
use ops_contracts::wire::command::Viewport;

use super::support::{Page, Recorder, Site, context_spec, html, open, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_created_page_is_told_and_answers", created),
        trial("a_popup_belongs_to_the_page_that_opened_it", popup),
        trial(
            "a_page_behind_its_popup_still_draws_and_takes_input",
            behind,
        ),
        trial("contexts_share_neither_cookies_nor_pages", isolated),
        trial("the_profiles_own_context_keeps_to_itself", profile),
        trial("pictures_have_the_size_that_was_asked_for", pictures),
        trial("the_viewport_can_be_set", viewport),
        trial("the_wheel_scrolls", wheel),
        trial(
            "a_click_that_leaves_the_page_for_another_site_does_not_hang",
            leaving_click,
        ),
        trial("many_pages_work_at_the_same_time", many),
    ]
}

fn screenshot(
    target: TargetKey,
    format: ImageFormat,
    clip: Option<Clip>,
    full_page: bool,
) -> Primitive {
    Primitive::Screenshot {
        target,
        format,
        quality: Some(50),
        clip,
        full_page,
    }
}

async fn picture(page: &Page, primitive: Primitive) -> Vec<u8> {
    let Effect::Image(text) = page.perform(primitive).await.unwrap() else {
        panic!()
    };
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap()
}

fn png_size(file: &[u8]) -> (u32, u32) {
    assert!(file.starts_with(b"\x89PNG"));
    let number = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

fn click_at((x, y): (f64, f64)) -> Vec<InputAction> {
    let (button, click_count, modifiers) = (MouseButton::Left, 1, Modifiers::default());
    vec![
        InputAction::MouseMove {
            x,
            y,
            modifiers,
            held: None,
        },
        InputAction::MouseDown {
            x,
            y,
            button,
            click_count,
            modifiers,
        },
        InputAction::MouseUp {
            x,
            y,
            button,
            click_count,
            modifiers,
        },
    ]
}

async fn created() {
    let page = open().await;
    let site = Site::serve([("/", html("<title>new</title>"))]).await;
    let effect = page
        .perform(Primitive::CreateTarget {
            url: Some(site.url("/")),
        })
        .await
        .unwrap();
    let Effect::Target { target, frame } = effect else {
        panic!("{effect:?}")
    };
    assert!(
        page.events
            .all()
            .iter()
            .any(|event| matches!(event, Event::TargetOpened { target: new, opener: None, .. } if *new == target))
    );
    let url = site.url("/");
    page.events
        .first(|event| {
            matches!(event, Event::NavigationCommitted { target: new, url: at, .. } if *new == target && *at == url).then_some(())
        })
        .await;
    let page = Page {
        target,
        frame,
        ..page
    };
    assert_eq!(page.bridge("title", "{}").await, "\"new\"");
    page.perform(Primitive::ActivateTarget { target })
        .await
        .unwrap();
    page.perform(Primitive::CloseTarget { target })
        .await
        .unwrap();
    page.close().await;
}

async fn popup_of(
    page: &Page,
    expression: &str,
) -> (TargetKey, ops_contracts::seam::adapter::FrameKey) {
    let mark = page.events.mark();
    page.eval(expression).await;
    page.events
        .after(mark, |event| match event {
            Event::TargetOpened {
                target,
                frame,
                opener,
                ..
            } => {
                assert_eq!(*opener, Some(page.target));
                Some((*target, *frame))
            }
            _ => None,
        })
        .await
}

async fn popup() {
    let page = open().await;
    let site = Site::serve([("/", html("x")), ("/p", html("<title>popup</title>"))]).await;
    page.goto(&site.url("/")).await;
    let (target, frame) = popup_of(&page, "window.open('/p'), 1").await;
    let url = site.url("/p");
    let document = page
        .events
        .first(|event| match event {
            Event::NavigationCommitted {
                target: at,
                url: to,
                document,
                ..
            } if *at == target && *to == url => Some(*document),
            _ => None,
        })
        .await;
    // Before it is parsed it has no title yet.
    let loaded = |event: &Event| {
        matches!(event, Event::Lifecycle { document: of, phase: LifecyclePhase::Load, .. } if *of == document).then_some(())
    };
    page.events.first(loaded).await;
    let popup = Page {
        target,
        frame,
        ..page
    };
    assert_eq!(popup.bridge("title", "{}").await, "\"popup\"");
    popup.eval("setTimeout(() => close()), 1").await;
    popup
        .events
        .first(|event| {
            matches!(event, Event::TargetClosed { target: gone } if *gone == target).then_some(())
        })
        .await;
    popup.close().await;
}

async fn behind() {
    let page = open().await;
    let site = Site::serve([
        (
            "/",
            html("<button onclick=\"console.log('pressed')\">b</button>"),
        ),
        ("/p", html("p")),
    ])
    .await;
    page.goto(&site.url("/")).await;
    popup_of(&page, "window.open('/p'), 1").await;
    let file = picture(
        &page,
        screenshot(page.target, ImageFormat::Png, None, false),
    )
    .await;
    assert_eq!(png_size(&file), (800, 600));
    popup_of(&page, "window.open('/p'), 1").await;
    let at = page.center("button").await;
    page.perform(Primitive::Input {
        target: page.target,
        actions: click_at(at),
    })
    .await
    .unwrap();
    page.events
        .first(|event| {
            matches!(event, Event::Console { text, .. } if text == "pressed").then_some(())
        })
        .await;
    page.close().await;
}

async fn isolated() {
    let page = open().await;
    let site = Site::serve([("/", html("x"))]).await;
    page.goto(&site.url("/")).await;
    page.eval("document.cookie = 'a=1'").await;
    let events = Arc::new(Recorder::default());
    let other = page
        .browser
        .open_context(context_spec(), events.clone())
        .await
        .unwrap();
    let foreign = page
        .perform(super::support::evaluate(other.target, other.frame, "1"))
        .await;
    assert_eq!(foreign.unwrap_err(), AdapterError::TargetClosed);
    let other = Page {
        context: other.context,
        target: other.target,
        frame: other.frame,
        events,
        ..page
    };
    other.goto(&site.url("/")).await;
    assert_eq!(other.eval("document.cookie").await, "\"\"");
    other.close().await;
}

async fn profile() {
    let page = open().await;
    let mut spec = context_spec();
    spec.storage = ContextStorage::Profile;
    let events = Arc::new(Recorder::default());
    let own = page
        .browser
        .open_context(spec.clone(), events.clone())
        .await
        .unwrap();
    assert!(matches!(
        page.browser
            .open_context(spec.clone(), events.clone())
            .await
            .err()
            .unwrap(),
        AdapterError::AttachFailed { .. }
    ));
    let own = Page {
        context: own.context,
        target: own.target,
        frame: own.frame,
        events,
        ..page
    };
    assert_eq!(own.eval("1 + 1").await, "2");
    let Effect::Target { .. } = own
        .perform(Primitive::CreateTarget { url: None })
        .await
        .unwrap()
    else {
        panic!()
    };
    own.context.close().await;
    assert_eq!(
        own.eval_in(own.frame, "1").await.unwrap_err(),
        AdapterError::TargetClosed
    );
    let again = own
        .browser
        .open_context(spec, own.events.clone())
        .await
        .unwrap();
    let again = Page {
        context: again.context,
        target: again.target,
        frame: again.frame,
        ..own
    };
    assert_eq!(again.eval("1 + 1").await, "2");
    again.close().await;
}

async fn pictures() {
    let page = open().await;
    let site = Site::serve([(
        "/",
        html("<style>*{margin:0}</style><div style='width:700px;height:2000px;background:red'>"),
    )])
    .await;
    page.goto(&site.url("/")).await;
    let size = |file: Vec<u8>| png_size(&file);
    assert_eq!(
        size(
            picture(
                &page,
                screenshot(page.target, ImageFormat::Png, None, false)
            )
            .await
        ),
        (800, 600)
    );
    assert_eq!(
        size(picture(&page, screenshot(page.target, ImageFormat::Png, None, true)).await).1,
        2000
    );
    let clip = Clip {
        x: 10.0,
        y: 1500.0,
        width: 50.0,
        height: 40.0,
    };
    assert_eq!(
        size(
            picture(
                &page,
                screenshot(page.target, ImageFormat::Png, Some(clip), false)
            )
            .await
        ),
        (50, 40)
    );
    assert!(
        picture(
            &page,
            screenshot(page.target, ImageFormat::Jpeg, None, false)
        )
        .await
        .starts_with(b"\xff\xd8")
    );
    assert!(
        picture(
            &page,
            screenshot(page.target, ImageFormat::Webp, None, false)
        )
        .await
        .starts_with(b"RIFF")
    );
    page.close().await;
}

async fn viewport() {
    let page = open().await;
    assert_eq!(page.eval("[innerWidth, innerHeight]").await, "[800,600]");
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
    assert_eq!(
        page.eval("[innerWidth, innerHeight, devicePixelRatio]")
            .await,
        "[500,400,2]"
    );
    page.close().await;
}

async fn wheel() {
    let page = open().await;
    let site = Site::serve([(
        "/",
        html(
            "<div style='height:5000px'><script>onscroll = () => console.log('scrolled')</script>",
        ),
    )])
    .await;
    page.goto(&site.url("/")).await;
    let actions = vec![InputAction::Wheel {
        x: 100.0,
        y: 100.0,
        dx: 0.0,
        dy: 300.0,
        modifiers: Modifiers::default(),
    }];
    page.perform(Primitive::Input {
        target: page.target,
        actions,
    })
    .await
    .unwrap();
    page.events
        .first(|event| {
            matches!(event, Event::Console { text, .. } if text == "scrolled").then_some(())
        })
        .await;
    page.close().await;
}

async fn leaving_click() {
    let page = open().await;
    let site = Site::serve([
        ("/", html("<a href='http://localhost:{port}/to'>away</a>")),
        ("/to", html("to")),
    ])
    .await;
    for round in 0..5 {
        page.goto(&site.url("/")).await;
        let mark = page.events.mark();
        let at = page.center("a").await;
        let outcome = page
            .perform(Primitive::Input {
                target: page.target,
                actions: click_at(at),
            })
            .await;
        assert!(
            matches!(outcome, Ok(Effect::Done) | Err(AdapterError::DocumentGone)),
            "round {round}: {outcome:?}"
        );
        let to = site.elsewhere("/to");
        page.events
            .after(mark, |event| {
                matches!(event, Event::NavigationCommitted { url, .. } if *url == to).then_some(())
            })
            .await;
    }
    page.close().await;
}

async fn many() {
    let page = open().await;
    let contexts = futures_util::future::join_all((0..5).map(|_| async {
        let events: Arc<Recorder> = Arc::default();
        (
            page.browser
                .open_context(context_spec(), events.clone())
                .await
                .unwrap(),
            events,
        )
    }))
    .await;
    let work = contexts.iter().enumerate().map(|(number, (opened, _))| async move {
        let expression = format!("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done({number}))))");
        let drawn = opened.context.perform(super::support::evaluate(opened.target, opened.frame, &expression)).await.unwrap();
        assert!(
            matches!(drawn, Effect::Evaluated(ops_contracts::seam::adapter::Evaluated::Value(value)) if value.get() == number.to_string())
        );
        opened.context.perform(screenshot(opened.target, ImageFormat::Png, None, false)).await.unwrap();
    });
    futures_util::future::join_all(work).await;
    page.close().await;
}
