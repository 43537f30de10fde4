//! Dialogs: told, answered, and what waits for them.

use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{
    AdapterError, DialogKind, Effect, Evaluated, Event, InputAction, Modifiers, MouseButton,
    Primitive,
};

use super::support::{Page, Site, ended, evaluate, html, open, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("dialogs_are_told_and_answered", answered),
        trial(
            "a_click_that_opens_a_dialog_ends_when_it_is_answered",
            click,
        ),
        trial("answering_where_no_dialog_is_open_is_an_error", none_open),
        trial(
            "a_dialog_of_a_frame_of_another_site_is_answered_on_its_page",
            frame,
        ),
        trial("a_page_may_ask_before_it_is_left", before_unload),
    ]
}

async fn opened(page: &Page, mark: usize) -> (DialogKind, String, Option<String>) {
    page.events
        .after(mark, |event| match event {
            Event::DialogOpened {
                kind,
                message,
                default_text,
                ..
            } => Some((*kind, message.clone(), default_text.clone())),
            _ => None,
        })
        .await
}

async fn answer(page: &Page, accept: bool, text: Option<&str>) {
    let text = text.map(str::to_owned);
    page.perform(Primitive::AnswerDialog {
        target: page.target,
        accept,
        text,
    })
    .await
    .unwrap();
}

async fn answered() {
    let page = open().await;
    for (expression, kind, default, accept, text, value) in [
        ("alert('m') ?? 1", DialogKind::Alert, None, true, None, "1"),
        (
            "confirm('m')",
            DialogKind::Confirm,
            None,
            false,
            None,
            "false",
        ),
        (
            "confirm('m')",
            DialogKind::Confirm,
            None,
            true,
            None,
            "true",
        ),
        (
            "prompt('m', 'd')",
            DialogKind::Prompt,
            Some("d"),
            true,
            Some("typed"),
            "\"typed\"",
        ),
        (
            "prompt('m', 'd')",
            DialogKind::Prompt,
            Some("d"),
            false,
            None,
            "null",
        ),
    ] {
        let mark = page.events.mark();
        let context = page.context.clone();
        let call = evaluate(page.target, page.frame, expression);
        let work = tokio::spawn(async move { context.perform(call).await });
        assert_eq!(
            opened(&page, mark).await,
            (kind, "m".to_owned(), default.map(str::to_owned))
        );
        answer(&page, accept, text).await;
        let Effect::Evaluated(Evaluated::Value(got)) = ended(work).await.unwrap() else {
            panic!("{expression}")
        };
        assert_eq!(got.get(), value);
        page.events
            .after(mark, |event| {
                matches!(event, Event::DialogClosed { accepted, .. } if *accepted == accept)
                    .then_some(())
            })
            .await;
    }
    page.close().await;
}

async fn click() {
    let page = open().await;
    let site = Site::serve([("/", html("<button onclick=\"alert('a')\">b</button>"))]).await;
    page.goto(&site.url("/")).await;
    let (x, y) = page.center("button").await;
    let (button, click_count, modifiers) = (MouseButton::Left, 1, Modifiers::default());
    let actions = vec![
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
    ];
    let context = page.context.clone();
    let input = Primitive::Input {
        target: page.target,
        actions,
    };
    let work = tokio::spawn(async move { context.perform(input).await });
    assert_eq!(opened(&page, 0).await.0, DialogKind::Alert);
    answer(&page, true, None).await;
    ended(work).await.unwrap();
    page.close().await;
}

async fn none_open() {
    let page = open().await;
    let error = page
        .perform(Primitive::AnswerDialog {
            target: page.target,
            accept: true,
            text: None,
        })
        .await
        .unwrap_err();
    assert_eq!(error, AdapterError::DialogMissing);
    page.close().await;
}

async fn frame() {
    let page = open().await;
    let site = Site::serve([
        (
            "/",
            html("<iframe src='http://localhost:{port}/in'></iframe>"),
        ),
        ("/in", html("in")),
    ])
    .await;
    page.goto(&site.url("/")).await;
    let inner = site.elsewhere("/in");
    let frame = page
        .events
        .first(|event| match event {
            Event::NavigationCommitted { frame, url, .. } if *url == inner => Some(*frame),
            _ => None,
        })
        .await;
    let context = page.context.clone();
    let call = evaluate(page.target, frame, "alert('from inside') ?? 3");
    let work = tokio::spawn(async move { context.perform(call).await });
    assert_eq!(opened(&page, 0).await.1, "from inside");
    answer(&page, true, None).await;
    ended(work).await.unwrap();
    page.close().await;
}

async fn before_unload() {
    let page = open().await;
    let site = Site::serve([
        (
            "/",
            html("<button>b</button><script>onbeforeunload = e => e.preventDefault()</script>"),
        ),
        ("/next", html("n")),
    ])
    .await;
    page.goto(&site.url("/")).await;
    let (x, y) = page.center("button").await;
    let (button, click_count, modifiers) = (MouseButton::Left, 1, Modifiers::default());
    // A page may ask only after it was touched.
    let actions = vec![
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
    ];
    page.perform(Primitive::Input {
        target: page.target,
        actions,
    })
    .await
    .unwrap();
    let context = page.context.clone();
    let leave = Primitive::Navigate {
        target: page.target,
        url: site.url("/next"),
    };
    let work = tokio::spawn(async move { context.perform(leave).await });
    assert_eq!(opened(&page, 0).await.0, DialogKind::Beforeunload);
    answer(&page, true, None).await;
    assert!(matches!(
        ended(work).await.unwrap(),
        Effect::Navigation { failure: None, .. }
    ));
    assert_eq!(page.eval("location.pathname").await, "\"/next\"");
    page.close().await;
}
