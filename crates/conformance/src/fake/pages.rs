//! The fake's double of the test site: the same paths, titles, names and reports, as far as cases need them that do not
//! depend on layout or scripts.

use ops_contracts::seam::adapter::{
    ConsoleLevel, DialogKind, LifecyclePhase, NavigationFailureKind,
};

use super::script::{Act, Answer, Dialog, Element, Page, Script, Scripted};

fn did(id: &str) -> [Act; 2] {
    [Act::Say(id.to_owned()), Act::Report(id.to_owned())]
}

fn lab(title: &'static str) -> Page {
    Page::new(title)
        .with(Element::new("heading", "h1", title))
        .with(Element::text("out", ""))
}

fn dialog(
    kind: DialogKind,
    message: &'static str,
    then: fn(bool, Option<&str>) -> Vec<Act>,
) -> Act {
    let default_text = (kind == DialogKind::Prompt).then_some("Lake");
    Act::Ask(Dialog {
        kind,
        message,
        default_text,
        then,
    })
}

/// The script of the double.
#[must_use]
pub fn site_double() -> Script {
    let script = plain_pages(Script::new());
    let script = script
        .page("/pages/dialogs.html", dialogs())
        .page("/pages/moving.html", moving())
        .page("/pages/popup.html", popups())
        .page("/pages/popup-target.html", popup_target())
        .page("/pages/console.html", console())
        .page("/pages/timers.html", timers());
    [3, 30, 120].into_iter().fold(script, |script, rows| {
        script.page(&format!("/pages/table.html?rows={rows}"), table(rows))
    })
}

fn plain_pages(script: Script) -> Script {
    let status = |title, status| {
        Page::new(title)
            .answer(Answer::Document(status))
            .with(Element::text(
                "out",
                "Answered with this status on purpose.",
            ))
    };
    let fails = |kind, reason| Page::new("").answer(Answer::Fails(kind, reason));
    script
        .page("/plain", plain())
        .page("/status/404", status("404 Not Found", 404))
        .page("/status/500", status("500 Internal Server Error", 500))
        .page(
            "/status/204",
            fails(NavigationFailureKind::Aborted, "ABORTED"),
        )
        // The double has no root: a case that asks for one asks a port where nobody listens.
        .page(
            "/",
            fails(NavigationFailureKind::Connection, "CONNECTION_REFUSED"),
        )
        .page(
            "/drop",
            fails(NavigationFailureKind::Connection, "EMPTY_RESPONSE"),
        )
        .page(
            "http://nowhere.invalid/",
            fails(NavigationFailureKind::Dns, "NAME_NOT_RESOLVED"),
        )
        .page(
            "/redirect/3",
            Page::new("").answer(Answer::Redirect("/redirect/2")),
        )
        .page(
            "/redirect/2",
            Page::new("").answer(Answer::Redirect("/redirect/1")),
        )
        .page(
            "/redirect/1",
            Page::new("").answer(Answer::Redirect("/plain")),
        )
        .page(
            "/download/file.txt",
            Page::new("").answer(Answer::Download("file.txt")),
        )
        .page("/never", Page::new("").answer(Answer::Never))
        .page(
            "/never-loads",
            lab("Never loads").loads(Some(LifecyclePhase::DomContentLoaded)),
        )
        .page("data:text/html,<title>Data</title>", Page::new("Data"))
        .expression("6 * 7", Scripted::Json("42"))
        .expression("new Promise(() => {})", Scripted::Never)
        .expression("for (;;);", Scripted::Never)
        .expression(
            "null.x",
            Scripted::Throws("TypeError: null has no properties"),
        )
}

fn plain() -> Page {
    Page::new("Plain page")
        .with(Element::new("heading", "h1", "Plain page"))
        .with(Element::new("link", "a", "A link").does([Act::Go("/pages/dialogs.html")]))
        .with(Element::button("A button").does([Act::Say("pressed".to_owned())]))
        .with(Element::input("An input"))
        .with(Element::text("out", ""))
}

fn dialogs() -> Page {
    let answered = |accepted: bool, _: Option<&str>| {
        did(if accepted {
            "confirm-true"
        } else {
            "confirm-false"
        })
        .to_vec()
    };
    let prompted = |accepted: bool, text: Option<&str>| {
        let value = if accepted {
            format!("{:?}", text.unwrap_or("Lake"))
        } else {
            "null".to_owned()
        };
        vec![
            Act::Say(format!("prompt: {value}")),
            Act::Report("prompt".to_owned()),
        ]
    };
    let second = |_: bool, _: Option<&str>| {
        vec![dialog(DialogKind::Alert, "Second", |_, _| {
            vec![Act::Say("both".to_owned())]
        })]
    };
    lab("Dialogs")
        .with(
            Element::button("Alert").does([dialog(DialogKind::Alert, "Kiln is hot", |_, _| {
                did("alert").to_vec()
            })]),
        )
        .with(Element::button("Confirm").does([dialog(
            DialogKind::Confirm,
            "Fire the kiln?",
            answered,
        )]))
        .with(Element::button("Prompt").does([dialog(
            DialogKind::Prompt,
            "Name of the glaze?",
            prompted,
        )]))
        .with(Element::button("Two alerts").does([dialog(DialogKind::Alert, "First", second)]))
}

fn moving() -> Page {
    lab("Moving")
        .with(Element::button("Slide again").does([Act::Say("sliding".to_owned())]))
        .with(Element::button("Steady button").does(did("steady")))
        .with(Element::button("Runaway button").covered("button"))
}

fn popups() -> Page {
    lab("Popups").with(
        Element::button("window.open").does([Act::Open("/pages/popup-target.html?from=open")]),
    )
}

fn popup_target() -> Page {
    lab("Popup target")
        .with(Element::text("opener", "yes"))
        .with(Element::button("Popup button").does(did("popup")))
        .with(Element::button("Close").does([Act::Close]))
}

fn console() -> Page {
    let log = |level, text: &str| Act::Log(level, text.to_owned());
    let flood = (0..1_000).map(|n| Act::Log(ConsoleLevel::Log, format!("flood {n}")));
    [
        log(ConsoleLevel::Log, "loaded 42 true null undefined"),
        log(ConsoleLevel::Info, "an object {name: 'Moon Vase'}"),
        log(ConsoleLevel::Warn, "a warning on load"),
        log(ConsoleLevel::Error, "an error on load"),
        log(ConsoleLevel::Debug, "formatted text and 7"),
        Act::Throw("RangeError: thrown on load"),
        Act::Throw("Error: rejected on load"),
    ]
    .into_iter()
    .fold(lab("Console"), Page::on_load)
    .with(Element::button("Warn").does([log(ConsoleLevel::Warn, "button warning")]))
    .with(Element::button("Throw").does([Act::Throw("TypeError: thrown by button")]))
    .with(Element::button("Flood").does(flood))
}

fn timers() -> Page {
    lab("Timers")
        .with(Element::button("Remove in 300 ms").does([Act::Remove("vanishing")]))
        .with(Element::button("Enable in 300 ms").does([Act::Enable("gate")]))
        .with(Element::button("Navigate in 300 ms").does([Act::Go("/plain")]))
        .with(Element::text("vanishing", "Vanishing text"))
        .with(Element::text("hidden", "Hidden text").hidden())
        .with(
            Element::button("Gated button")
                .id("gate")
                .disabled()
                .does(did("enabled")),
        )
}

fn table(rows: u32) -> Page {
    (1..=rows).fold(lab("Table"), |page, row| {
        page.with(Element::check_box(format!("Select row {row}")))
            .with(Element::new("link", "a", format!("Order {row}")))
            .with(Element::button(format!("Edit {row}")).does(did(&format!("edit-{row}"))))
    })
}

/// The double of the site with what the suite of the adapter interface has beside it.
#[must_use]
pub fn seam_double() -> Script {
    let alert = Element::button("b").does([dialog(DialogKind::Alert, "a", |_, _| Vec::new())]);
    let script = site_double()
        .page("/seam/blank", Page::new("Blank"))
        .page(
            "/seam/alert",
            Page::new("")
                .with(Element::text("one", ""))
                .with(Element::text("other", ""))
                .with(alert),
        )
        .page(CRASHES, Page::new("").answer(Answer::Crashes));
    let values = [
        ("1", "1"),
        ("1 + 1", "2"),
        ("2 + 2", "4"),
        ("'é\\u2713\"'", "\"é✓\\\"\""),
        ("null", "null"),
        (
            "({a: [1, {b: true}, 'x', null]})",
            r#"{"a":[1,{"b":true},"x",null]}"#,
        ),
    ];
    let script = values.into_iter().fold(script, |script, (text, json)| {
        script.expression(text, Scripted::Json(json))
    });
    let sources = ["undefined", "NaN", "-0", "12n"];
    let script = sources.into_iter().fold(script, |script, text| {
        script.expression(text, Scripted::Unserializable(text))
    });
    let asks = |kind, value| {
        let default_text = (kind == DialogKind::Prompt).then_some("d");
        let asked = Dialog {
            kind,
            message: "m",
            default_text,
            then: |_, _| Vec::new(),
        };
        Scripted::Asks(asked, value)
    };
    script
        .expression(
            "(() => { const a = {}; a.a = a; return a; })()",
            Scripted::Throws("TypeError: cyclic object value"),
        )
        .expression(
            "history.pushState(1, '', '/pushed')",
            Scripted::Does(Act::Route("/pushed")),
        )
        .expression(
            "alert('m') ?? 1",
            asks(DialogKind::Alert, |_, _| "1".to_owned()),
        )
        .expression(
            "confirm('m')",
            asks(DialogKind::Confirm, |accepted, _| accepted.to_string()),
        )
        .expression(
            "prompt('m', 'd')",
            asks(DialogKind::Prompt, |accepted, text| {
                let text = accepted.then(|| text.unwrap_or("d"));
                serde_json::json!(text).to_string()
            }),
        )
}

/// An address of [`seam_double`] that crashes the page which is sent there.
pub const CRASHES: &str = "http://crashes.invalid/";
