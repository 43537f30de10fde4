use conformance::seam::{click, trial};
use conformance::site::Site;
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{AdapterError, InputAction, Keystroke, Modifiers};

use crate::support::{Opened, open};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "a_key_that_the_protocol_has_not_is_unsupported",
            unknown_key,
        ),
        trial("every_window_is_drawn_and_input_brings_the_focus", focus),
        trial("a_click_focuses_while_other_windows_open_and_close", crowd),
    ]
}

async fn stage(body: &str) -> (Opened, Site) {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/plain")).await.unwrap();
    page.eval(&format!(
        "document.body.innerHTML = {}; 0",
        serde_json::to_string(body).unwrap()
    ))
    .await
    .unwrap();
    (page, site)
}

fn key(key: &str, code: &str) -> Keystroke {
    Keystroke {
        key: key.to_owned(),
        code: code.to_owned(),
        key_code: 0,
        location: 0,
        text: None,
    }
}

fn tap(keystroke: &Keystroke, modifiers: Modifiers) -> [InputAction; 2] {
    [
        InputAction::KeyDown {
            key: keystroke.clone(),
            modifiers,
        },
        InputAction::KeyUp {
            key: keystroke.clone(),
            modifiers,
        },
    ]
}

async fn unknown_key() {
    let (page, _site) = stage("<input id=i>").await;
    let unknown = page
        .input(tap(&key("CapsLock", "CapsLock"), Modifiers::default()).to_vec())
        .await
        .unwrap_err();
    assert!(matches!(unknown, AdapterError::Unsupported { .. }));
    page.close().await;
}

async fn focus() {
    let (page, site) = stage("<input id=i>").await;
    let other = crate::support::open_in(page.browser.clone(), page.profiles.clone()).await;
    other.goto(&site.url("/plain")).await.unwrap();
    for one in [&page, &other, &page] {
        assert_eq!(
            one.eval("document.visibilityState").await.unwrap(),
            "\"visible\""
        );
        assert_eq!(
            one.eval("new Promise((done) => requestAnimationFrame(() => done(1)))")
                .await
                .unwrap(),
            "1"
        );
        one.input(tap(&key("Shift", "ShiftLeft"), Modifiers::default()).to_vec())
            .await
            .unwrap();
        let focused = "new Promise((done) => { const at = () => document.hasFocus() ? done(1) : requestAnimationFrame(at); at(); })";
        assert_eq!(one.eval(focused).await.unwrap(), "1");
    }
    page.eval("i.focus()").await.unwrap();
    page.input(tap(&key("x", "KeyX"), Modifiers::default()).to_vec())
        .await
        .unwrap();
    assert_eq!(page.eval("i.value").await.unwrap(), "\"x\"");
    other.context.close().await;
    page.close().await;
}

async fn crowd() {
    let (page, _site) = stage("<input id=i> <button id=b>b</button>").await;
    page.eval("window.focused = 0; i.addEventListener('focus', () => { focused += 1; }); 0")
        .await
        .unwrap();
    let (field, button) = (
        page.center("#i").await.unwrap(),
        page.center("#b").await.unwrap(),
    );
    for round in 1..=3 {
        let mut opening = Box::pin(crate::support::open_in(
            page.browser.clone(),
            page.profiles.clone(),
        ));
        let clicks = async {
            for at in [button, field, button] {
                page.input(click(at, 1, Modifiers::default()))
                    .await
                    .unwrap();
            }
        };
        let other = tokio::select! {
            other = &mut opening => Some(other),
            () = clicks => None,
        };
        let other = match other {
            Some(other) => other,
            None => opening.await,
        };
        page.input(click(button, 1, Modifiers::default()))
            .await
            .unwrap();
        page.eval("focused = 0").await.unwrap();
        page.input(click(field, 1, Modifiers::default()))
            .await
            .unwrap();
        let told = "new Promise((done) => { const at = () => focused > 0 ? done(1) : requestAnimationFrame(at); at(); })";
        assert_eq!(page.eval(told).await.unwrap(), "1", "round {round}");
        other.context.close().await;
    }
    page.close().await;
}
