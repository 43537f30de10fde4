//! Input batches: mouse, keys, text, wheel and touch, as pages see them.

use ops_contracts::seam::adapter::{
    AdapterError, Effect, InputAction, Keystroke, Modifiers, Primitive,
};

use super::super::fixture::Fixture;
use super::super::page::{Page, click, press, shown};
use crate::suite::Failure;
use crate::suite::check::{Outcome, equal, holds};

const LISTEN: &str = "window.seen = []; for (const kind of ['click', 'dblclick', 'keydown', 'input', 'wheel', 'touchstart'])\
     addEventListener(kind, (e) => seen.push([kind, e.target.id ?? '', e.key ?? e.detail ?? '', e.shiftKey ?? false, e.isTrusted].join(' ')), true); 0";

const NONE: Modifiers = Modifiers {
    alt: false,
    control: false,
    meta: false,
    shift: false,
};

/// A page that shows `body` and writes down its events.
async fn stage(f: &Fixture, body: &str) -> Result<Page, Failure> {
    let page = f.page_at("/seam/blank").await?;
    let body = serde_json::Value::from(body);
    page.eval(&format!("document.body.innerHTML = {body}; 0"))
        .await?;
    page.eval(LISTEN).await?;
    Ok(page)
}

async fn seen(page: &Page) -> Result<Vec<String>, Failure> {
    let text = page.eval("seen.splice(0)").await?;
    serde_json::from_str(&text).map_err(|error| Failure::new(error.to_string()))
}

pub(super) async fn clicks_are_real_and_carry_their_count_and_modifiers(f: &Fixture) -> Outcome {
    let page = stage(f, "<button id=a>a</button> <button id=b>b</button>").await?;
    let (a, b) = (page.center("#a").await?, page.center("#b").await?);
    for at in [a, b, b] {
        page.input(press(at)).await?;
    }
    let one = |id: &str| format!("click {id} 1 false true");
    equal(seen(&page).await?, vec![one("a"), one("b"), one("b")])?;
    let mut double = press(a);
    double.extend(click(a, 2, NONE).into_iter().skip(1));
    page.input(double).await?;
    let twice = [
        "click a 1 false true",
        "click a 2 false true",
        "dblclick a 2 false true",
    ];
    equal(seen(&page).await?, twice.to_vec())?;
    let shift = Modifiers {
        shift: true,
        ..NONE
    };
    page.input(click(a, 1, shift)).await?;
    page.input(press(a)).await?;
    let mut clicks = seen(&page).await?;
    clicks.retain(|line| line.starts_with("click"));
    equal(clicks, vec!["click a 1 true true", "click a 1 false true"])
}

fn key(key: &str, code: &str, key_code: u16, text: Option<&str>) -> Keystroke {
    Keystroke {
        key: key.to_owned(),
        code: code.to_owned(),
        key_code,
        location: 0,
        text: text.map(str::to_owned),
    }
}

fn stroke(key: &Keystroke, modifiers: Modifiers) -> [InputAction; 2] {
    let released = Keystroke {
        text: None,
        ..key.clone()
    };
    [
        InputAction::KeyDown {
            key: key.clone(),
            modifiers,
        },
        InputAction::KeyUp {
            key: released,
            modifiers,
        },
    ]
}

pub(super) async fn keys_and_chords_reach_the_focus(f: &Fixture) -> Outcome {
    let page = stage(f, "<input id=i>").await?;
    page.eval("i.focus()").await?;
    let mut actions = Vec::new();
    for (name, code, key_code, text) in [
        ("a", "KeyA", 65, Some("a")),
        ("b", "KeyB", 66, Some("b")),
        ("ArrowLeft", "ArrowLeft", 37, None),
        ("c", "KeyC", 67, Some("c")),
    ] {
        actions.extend(stroke(&key(name, code, key_code, text), NONE));
    }
    actions.push(InputAction::InsertText {
        text: "é✓".to_owned(),
    });
    page.input(actions).await?;
    equal(page.eval("i.value").await?.as_str(), "\"acé✓b\"")?;
    let held = Modifiers {
        shift: true,
        ..NONE
    };
    let shift = key("Shift", "ShiftLeft", 16, None);
    let mut chord = vec![InputAction::KeyDown {
        key: shift.clone(),
        modifiers: held,
    }];
    // To the beginning with what is between selected, and gone.
    chord.extend(stroke(&key("Home", "Home", 36, None), held));
    chord.push(InputAction::KeyUp {
        key: shift,
        modifiers: NONE,
    });
    chord.extend(stroke(&key("Delete", "Delete", 46, None), NONE));
    page.input(chord).await?;
    equal(page.eval("i.value").await?.as_str(), "\"b\"")
}

pub(super) async fn text_is_inserted_without_key_events(f: &Fixture) -> Outcome {
    let page = stage(f, "<textarea id=t></textarea>").await?;
    page.eval("t.focus()").await?;
    let long = "line ✓ 😀\n".repeat(500);
    page.input(vec![InputAction::InsertText { text: long.clone() }])
        .await?;
    equal(
        page.eval("t.value").await?,
        serde_json::Value::from(long).to_string(),
    )?;
    let events = seen(&page).await?;
    holds(
        !events.is_empty()
            && events
                .iter()
                .all(|line| line.starts_with("input t") && line.ends_with("true")),
        format!("{events:?}"),
    )
}

pub(super) async fn clicks_and_text_reach_a_frame_of_another_site(f: &Fixture) -> Outcome {
    let page = f.page_at("/seam/form").await?;
    let frame = page
        .events
        .committed(0, &f.site.cross_url("/seam/field"))
        .await?;
    let (x, y) = page.center("#other").await?;
    // Until the frame is drawn for the first time a browser may not know that it is there.
    super::views::picture(&page, Default::default(), None, false).await?;
    page.input(press((x - 50.0, y - 50.0))).await?;
    page.events.console(0, "clicked true").await?;
    // Between processes the focus may follow the click a moment later.
    let focused = "new Promise((done) => { const at = () => document.hasFocus() && document.activeElement === field ? done(1) : setTimeout(at, 5); at(); })";
    page.eval_in(frame, focused).await?;
    let mut actions = vec![InputAction::InsertText {
        text: "é✓".to_owned(),
    }];
    actions.extend(stroke(&key("a", "KeyA", 65, Some("a")), NONE));
    page.input(actions).await?;
    let value = shown(page.eval_in(frame, "field.value").await?);
    equal(value.as_str(), "\"é✓a\"")
}

pub(super) async fn the_wheel_scrolls(f: &Fixture) -> Outcome {
    let page = stage(f, "<div style='height:5000px'>x</div>").await?;
    page.input(vec![InputAction::Wheel {
        x: 100.0,
        y: 100.0,
        dx: 0.0,
        dy: 240.0,
        modifiers: NONE,
    }])
    .await?;
    let scrolled = "new Promise((done) => { const at = () => scrollY > 0 ? done(true) : requestAnimationFrame(at); at(); })";
    equal(page.eval(scrolled).await?.as_str(), "true")?;
    equal(seen(&page).await?, vec!["wheel  0 false true"])
}

pub(super) async fn a_click_that_leaves_the_page_does_not_hang(f: &Fixture) -> Outcome {
    let page = f.page().await?;
    for _ in 0..3 {
        page.goto(&f.site.url("/seam/away")).await?;
        let mark = page.events.mark();
        let outcome = page.input(press((50.0, 50.0))).await;
        holds(
            matches!(outcome, Ok(Effect::Done) | Err(AdapterError::DocumentGone)),
            format!("{outcome:?}"),
        )?;
        page.events
            .committed(mark, &f.site.cross_url("/plain"))
            .await?;
    }
    Ok(())
}

pub(super) async fn a_tap_is_a_touch_and_a_click(f: &Fixture) -> Outcome {
    let page = stage(f, "<button id=a>a</button>").await?;
    let (x, y) = page.center("#a").await?;
    let tap = InputAction::Tap {
        x,
        y,
        modifiers: NONE,
    };
    page.done(Primitive::Input {
        target: page.target,
        actions: vec![tap],
    })
    .await?;
    let seen = seen(&page).await?;
    let kinds: Vec<_> = seen
        .iter()
        .filter_map(|line| Some(line.split_once(' ')?.0))
        .collect();
    equal(kinds, vec!["touchstart", "click"])
}
