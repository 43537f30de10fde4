use conformance::site::Site;
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{
    AdapterError, DialogKind, Effect, Event, Modifiers, NavigationFailureKind, Primitive,
};

use crate::support::{Page, click, ended, evaluate, open, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("dialogs_are_told_and_answered", answered),
        trial("a_click_that_opens_a_dialog_can_be_abandoned", abandoned),
        trial("leaving_a_page_that_asks_is_up_to_the_answer", leaving),
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

fn answer(page: &Page, accept: bool, text: Option<&str>) -> Primitive {
    Primitive::AnswerDialog {
        target: page.target,
        accept,
        text: text.map(str::to_owned),
    }
}

async fn closed(page: &Page, mark: usize) -> bool {
    page.events
        .after(mark, |event| match event {
            Event::DialogClosed { accepted, .. } => Some(*accepted),
            _ => None,
        })
        .await
}

async fn answered() {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/plain")).await;
    let none = page.perform(answer(&page, true, None)).await.unwrap_err();
    assert_eq!(none, AdapterError::DialogMissing);
    for (script, kind, accept, text, result) in [
        ("alert('a'); 1", DialogKind::Alert, true, None, "1"),
        ("confirm('a')", DialogKind::Confirm, false, None, "false"),
        (
            "prompt('a', 'b')",
            DialogKind::Prompt,
            true,
            Some("typed ✓"),
            "\"typed ✓\"",
        ),
        ("prompt('a', 'b')", DialogKind::Prompt, false, None, "null"),
    ] {
        let mark = page.events.mark();
        let context = page.context.clone();
        let call = evaluate(page.target, page.frame, script);
        let work = tokio::spawn(async move { context.perform(call).await });
        let (told, message, default) = opened(&page, mark).await;
        assert_eq!((told, &*message), (kind, "a"));
        assert_eq!(
            default.as_deref(),
            (kind == DialogKind::Prompt).then_some("b")
        );
        page.perform(answer(&page, accept, text)).await.unwrap();
        assert_eq!(closed(&page, mark).await, accept);
        let Effect::Evaluated(ops_contracts::seam::adapter::Evaluated::Value(value)) =
            ended(work).await.unwrap()
        else {
            panic!()
        };
        assert_eq!(value.get(), result, "{script}");
    }
    page.close().await;
}

async fn abandoned() {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/plain")).await;
    page.eval("document.body.innerHTML = '<button onclick=\"alert(1)\" style=\"position:fixed;inset:0\">b</button>'; 0").await;
    for _ in 0..2 {
        let mark = page.events.mark();
        {
            let actions = click((50.0, 50.0), 1, Modifiers::default());
            let mut work = page.context.perform(Primitive::Input {
                target: page.target,
                actions,
            });
            tokio::select! {
                biased;
                done = &mut work => panic!("the click ended while its dialog was open: {done:?}"),
                _ = opened(&page, mark) => {}
            }
        }
        page.perform(answer(&page, true, None)).await.unwrap();
        assert!(closed(&page, mark).await);
        assert_eq!(page.eval("2 + 2").await, "4");
    }
    page.close().await;
}

async fn leaving() {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/plain")).await;
    page.eval("onbeforeunload = (event) => { event.preventDefault(); return 'x'; }; 0")
        .await;
    let there = site.url("/json");
    for accept in [false, true] {
        let mark = page.events.mark();
        let context = page.context.clone();
        let call = Primitive::Navigate {
            target: page.target,
            url: there.clone(),
        };
        let work = tokio::spawn(async move { context.perform(call).await });
        assert_eq!(opened(&page, mark).await.0, DialogKind::Beforeunload);
        page.perform(answer(&page, accept, None)).await.unwrap();
        let Effect::Navigation { document, failure } = ended(work).await.unwrap() else {
            panic!()
        };
        assert_eq!(document.is_some(), accept);
        assert_eq!(
            failure.map(|failure| failure.kind),
            (!accept).then_some(NavigationFailureKind::Aborted)
        );
        let started = page.events.after(mark, |event| match event {
            Event::NavigationStarted { url, .. } => Some(url.clone()),
            _ => None,
        });
        assert_eq!(started.await, there);
    }
    page.close().await;
}
