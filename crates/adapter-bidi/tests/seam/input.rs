use conformance::site::Site;
use libtest_mimic::Trial;
use ops_contracts::seam::adapter::{AdapterError, InputAction, Keystroke, Modifiers};

use crate::support::{Page, click, open, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "clicks_are_real_and_carry_their_count_and_modifiers",
            clicks,
        ),
        trial("keys_and_chords_reach_the_focus", keys),
        trial(
            "text_is_inserted_without_key_events_also_in_a_frame_of_another_site",
            text,
        ),
        trial("the_wheel_scrolls", wheel),
        trial("every_window_is_drawn_and_input_brings_the_focus", focus),
        trial("a_click_focuses_while_other_windows_open_and_close", crowd),
    ]
}

const LISTEN: &str = "window.seen = []; for (const kind of ['click', 'dblclick', 'keydown', 'input', 'wheel'])\
     addEventListener(kind, (e) => seen.push([kind, e.target.id ?? '', e.key ?? e.detail ?? '', e.shiftKey ?? false, e.isTrusted].join(' ')), true); 0";

async fn stage(body: &str) -> (Page, Site) {
    let page = open().await;
    let site = Site::start().unwrap();
    page.goto(&site.url("/plain")).await;
    page.eval(&format!(
        "document.body.innerHTML = {}; 0",
        serde_json::to_string(body).unwrap()
    ))
    .await;
    page.eval(LISTEN).await;
    (page, site)
}

async fn seen(page: &Page) -> Vec<String> {
    serde_json::from_str(&page.eval("seen.splice(0)").await).unwrap()
}

async fn clicks() {
    let (page, _site) = stage("<button id=a>a</button> <button id=b>b</button>").await;
    let none = Modifiers::default();
    let (a, b) = (page.center("#a").await, page.center("#b").await);
    page.input(click(a, 1, none)).await.unwrap();
    page.input(click(b, 1, none)).await.unwrap();
    page.input(click(b, 1, none)).await.unwrap();
    assert_eq!(
        seen(&page).await,
        [
            "click a 1 false true",
            "click b 1 false true",
            "click b 1 false true"
        ]
    );
    let mut double = click(a, 1, none);
    double.extend(click(a, 2, none).into_iter().skip(1));
    page.input(double).await.unwrap();
    assert_eq!(
        seen(&page).await,
        [
            "click a 1 false true",
            "click a 2 false true",
            "dblclick a 2 false true"
        ]
    );
    page.input(click(
        a,
        1,
        Modifiers {
            shift: true,
            ..none
        },
    ))
    .await
    .unwrap();
    page.input(click(a, 1, none)).await.unwrap();
    let clicks: Vec<_> = seen(&page)
        .await
        .into_iter()
        .filter(|line| line.starts_with("click"))
        .collect();
    assert_eq!(clicks, ["click a 1 true true", "click a 1 false true"]);
    page.close().await;
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

async fn keys() {
    let (page, _site) = stage("<input id=i>").await;
    page.eval("i.focus()").await;
    let none = Modifiers::default();
    let mut actions = Vec::new();
    for (name, code) in [
        ("a", "KeyA"),
        ("b", "KeyB"),
        ("ArrowLeft", "ArrowLeft"),
        ("c", "KeyC"),
    ] {
        actions.extend(tap(&key(name, code), none));
    }
    actions.push(InputAction::InsertText {
        text: "é✓".to_owned(),
    });
    page.input(actions).await.unwrap();
    assert_eq!(page.eval("i.value").await, "\"acé✓b\"");
    let held = Modifiers {
        control: true,
        ..none
    };
    let control = key("Control", "ControlLeft");
    let mut chord = vec![InputAction::KeyDown {
        key: control.clone(),
        modifiers: held,
    }];
    chord.extend(tap(&key("a", "KeyA"), held));
    chord.push(InputAction::KeyUp {
        key: control,
        modifiers: none,
    });
    chord.extend(tap(&key("Delete", "Delete"), none));
    page.input(chord).await.unwrap();
    assert_eq!(page.eval("i.value").await, "\"\"");
    let unknown = page
        .input(tap(&key("CapsLock", "CapsLock"), none).to_vec())
        .await
        .unwrap_err();
    assert!(matches!(unknown, AdapterError::Unsupported { .. }));
    page.close().await;
}

async fn text() {
    let (page, site) = stage("<textarea id=t></textarea>").await;
    page.eval("t.focus()").await;
    let long = "line ✓ 😀\n".repeat(500);
    page.input(vec![InputAction::InsertText { text: long.clone() }])
        .await
        .unwrap();
    assert_eq!(
        page.eval("t.value").await,
        serde_json::to_string(&long).unwrap()
    );
    assert!(
        seen(&page)
            .await
            .iter()
            .all(|line| line.starts_with("input") && line.ends_with("true"))
    );
    let url = site.cross_url("/plain");
    page.eval(&format!(
        "document.body.innerHTML = '<iframe id=far src=\"{url}\"></iframe>'; 0"
    ))
    .await;
    let far = page.events.committed(0, &url).await;
    page.eval_in(
        far,
        "document.body.innerHTML = '<input id=i>'; i.focus(); 0",
    )
    .await
    .unwrap();
    page.input(vec![InputAction::InsertText {
        text: "there".to_owned(),
    }])
    .await
    .unwrap();
    assert!(format!("{:?}", page.eval_in(far, "i.value").await.unwrap()).contains("there"));
    page.close().await;
}

async fn wheel() {
    let (page, _site) = stage("<div style='height:5000px'>x</div>").await;
    let modifiers = Modifiers::default();
    page.input(vec![InputAction::Wheel {
        x: 100.0,
        y: 100.0,
        dx: 0.0,
        dy: 240.0,
        modifiers,
    }])
    .await
    .unwrap();
    assert_eq!(seen(&page).await, ["wheel  0 false true"]);
    assert_eq!(
        page.eval("new Promise((done) => { const at = () => scrollY > 0 ? done(true) : requestAnimationFrame(at); at(); })").await,
        "true"
    );
    page.close().await;
}

async fn focus() {
    let (page, site) = stage("<input id=i>").await;
    let other = crate::support::open_in(page.browser.clone(), page.profiles.clone()).await;
    other.goto(&site.url("/plain")).await;
    for one in [&page, &other, &page] {
        assert_eq!(one.eval("document.visibilityState").await, "\"visible\"");
        assert_eq!(
            one.eval("new Promise((done) => requestAnimationFrame(() => done(1)))")
                .await,
            "1"
        );
        one.input(tap(&key("Shift", "ShiftLeft"), Modifiers::default()).to_vec())
            .await
            .unwrap();
        let focused = "new Promise((done) => { const at = () => document.hasFocus() ? done(1) : requestAnimationFrame(at); at(); })";
        assert_eq!(one.eval(focused).await, "1");
    }
    page.eval("i.focus()").await;
    page.input(tap(&key("x", "KeyX"), Modifiers::default()).to_vec())
        .await
        .unwrap();
    assert_eq!(page.eval("i.value").await, "\"x\"");
    other.context.close().await;
    page.close().await;
}

async fn crowd() {
    let (page, _site) = stage("<input id=i> <button id=b>b</button>").await;
    page.eval("window.focused = 0; i.addEventListener('focus', () => { focused += 1; }); 0")
        .await;
    let (field, button) = (page.center("#i").await, page.center("#b").await);
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
        page.eval("focused = 0").await;
        page.input(click(field, 1, Modifiers::default()))
            .await
            .unwrap();
        let told = "new Promise((done) => { const at = () => focused > 0 ? done(1) : requestAnimationFrame(at); at(); })";
        assert_eq!(page.eval(told).await, "1", "round {round}");
        other.context.close().await;
    }
    page.close().await;
}
