//! What each verb sends.

use std::ffi::OsString;

use super::*;
use crate::args::{self, NoVerb};

fn parsed(words: &[&str]) -> Result<Command, Failure> {
    let line = std::iter::once("odb-cli")
        .chain(words.iter().copied())
        .map(OsString::from);
    let cli = match args::parse(line) {
        Ok(cli) => cli,
        Err(NoVerb::Wrong(failure)) => return Err(failure),
        Err(NoVerb::Shown(text)) => panic!("{text}"),
    };
    cli.verb.one_command(cli.global.tab.as_ref())
}

#[track_caller]
fn check(words: &[&str], command: &str, params: &str) {
    let found = parsed(words).unwrap_or_else(|failure| panic!("{words:?}: {failure:?}"));
    assert_eq!(
        (found.request.command.as_str(), found.request.params.get()),
        (command, params),
        "{words:?}"
    );
    // What is sent is what the relay takes.
    ops_contracts::wire::command::Call::parse(found.request.command, &found.request.params)
        .unwrap();
}

#[track_caller]
fn refuses(words: &[&str], needle: &str) {
    let failure = parsed(words).expect_err("not refused");
    assert_eq!(crate::app::exit_code(&failure), 1, "{failure:?}");
    assert!(
        format!("{failure:?}").contains(needle),
        "{needle:?} in {failure:?}"
    );
}

#[test]
fn verbs_that_navigate() {
    check(
        &["goto", "https://a.b/c?d"],
        "nav.goto",
        r#"{"url":"https://a.b/c?d","waitUntil":"load"}"#,
    );
    check(
        &["navigate", "a.b", "--wait-until", "commit"],
        "nav.goto",
        r#"{"url":"https://a.b","waitUntil":"commit"}"#,
    );
    check(
        &["goto", "a.b", "--tab", "t2"],
        "nav.goto",
        r#"{"url":"https://a.b","waitUntil":"load","targetId":"t2"}"#,
    );
    check(&["back"], "nav.back", r#"{"waitUntil":"load"}"#);
    check(
        &["forward", "--wait-until", "networkidle"],
        "nav.forward",
        r#"{"waitUntil":"networkidle"}"#,
    );
    check(
        &["reload", "--ignore-cache"],
        "nav.reload",
        r#"{"waitUntil":"load","ignoreCache":true}"#,
    );
    refuses(&["goto"], "required");
    refuses(&["goto", "a.b", "--wait-until", "never"], "networkidle");
}

#[test]
fn verbs_that_wait() {
    check(&["wait", "#a"], "nav.wait", r##"{"element":{"css":"#a"}}"##);
    check(
        &["wait", "@e5", "--state", "hidden"],
        "nav.wait",
        r#"{"element":{"ref":"e5"},"state":"hidden"}"#,
    );
    check(
        &["wait", "--load", "networkidle"],
        "nav.wait",
        r#"{"loadState":"networkidle"}"#,
    );
    check(
        &["wait", "--text", "Thank you"],
        "nav.wait",
        r#"{"text":"Thank you"}"#,
    );
    check(
        &["wait", "--url", "**/done"],
        "nav.wait",
        r#"{"url":"**/done"}"#,
    );
    check(
        &["wait", "--function", "x > 1"],
        "nav.wait",
        r#"{"function":"x > 1"}"#,
    );
    check(&["wait", "--time", "50"], "nav.wait", r#"{"timeMs":50}"#);
    check(&["wait", "50"], "nav.wait", r#"{"timeMs":50}"#);
    refuses(&["wait"], "exactly one");
    refuses(&["wait", "#a", "--text", "b"], "exactly one");
    refuses(&["wait", "--text", "b", "--state", "hidden"], "required");
    refuses(&["wait", "@x"], "no locator");
    refuses(&["wait", "--text", " "], "not empty");
}

#[test]
fn verbs_that_read() {
    let snapshot = |mode: &str, rest: &str| {
        format!(r#"{{"mode":"{mode}","maxChars":8000{rest},"urls":false}}"#)
    };
    check(&["snapshot"], "dom.snapshot", &snapshot("full", ""));
    check(
        &["snapshot", "-i"],
        "dom.snapshot",
        &snapshot("interactive", ""),
    );
    check(
        &["snapshot", "--outline"],
        "dom.snapshot",
        &snapshot("outline", ""),
    );
    check(
        &["snapshot", "--cursor", "c9", "--element", "role=form"],
        "dom.snapshot",
        &snapshot("full", r#","cursor":"c9","element":{"role":"form"}"#),
    );
    check(
        &["snapshot", "--max-chars", "400", "--urls"],
        "dom.snapshot",
        r#"{"mode":"full","maxChars":400,"urls":true}"#,
    );
    check(
        &["find", "text=Add"],
        "dom.find",
        r#"{"element":{"text":"Add"},"limit":20}"#,
    );
    check(
        &["find", "f2e5", "--limit", "3"],
        "dom.find",
        r#"{"element":{"ref":"f2e5"},"limit":3}"#,
    );
    check(
        &["eval", "1 + 1"],
        "dom.eval",
        r#"{"expression":"1 + 1","awaitPromise":true}"#,
    );
    check(
        &["eval", "x", "--frame", "f2", "--no-await"],
        "dom.eval",
        r#"{"expression":"x","awaitPromise":false,"frame":"f2"}"#,
    );
    refuses(&["snapshot", "-i", "--outline"], "cannot be used");
    refuses(&["snapshot", "--max-chars", "5"], "200 to");
    refuses(&["find", ""], "must not be empty");
}

#[test]
fn facts_and_questions() {
    check(&["get", "title"], "dom.title", "{}");
    check(
        &["get", "url", "--tab", "t3"],
        "dom.url",
        r#"{"targetId":"t3"}"#,
    );
    check(&["get", "text"], "dom.text", r#"{"maxChars":100000}"#);
    check(
        &["get", "text", "#a", "--max-chars", "9"],
        "dom.text",
        r##"{"element":{"css":"#a"},"maxChars":9}"##,
    );
    check(
        &["get", "html", "main", "--inner"],
        "dom.html",
        r#"{"element":{"css":"main"},"outer":false,"maxChars":1000000}"#,
    );
    check(
        &["get", "attr", "@e3", "href"],
        "dom.attr",
        r#"{"element":{"ref":"e3"},"name":"href"}"#,
    );
    check(
        &["get", "value", "label=Email"],
        "dom.value",
        r#"{"element":{"label":"Email"}}"#,
    );
    check(
        &["get", "count", ".a"],
        "dom.count",
        r#"{"element":{"css":".a"}}"#,
    );
    check(
        &["get", "box", "e1"],
        "dom.box",
        r#"{"element":{"ref":"e1"}}"#,
    );
    check(
        &["is", "visible", "#a"],
        "dom.state",
        r##"{"element":{"css":"#a"}}"##,
    );
    assert_eq!(
        parsed(&["is", "checked", "#a"]).unwrap().view,
        View::Is(client_core::render::Question::Checked)
    );
    refuses(&["get", "attr", "@e3"], "attribute's name");
    refuses(&["get", "value"], "takes a locator");
    refuses(&["get", "title", "#a"], "takes no locator");
    refuses(&["get", "text", "#a", "b"], "no attribute name");
    refuses(&["get", "colour"], "invalid value");
    refuses(&["is", "visible"], "required");
}

#[test]
fn verbs_that_act() {
    let click = |rest: &str| format!(r#"{{"element":{{"ref":"e3"}},{rest}}}"#);
    check(
        &["click", "@e3"],
        "interact.click",
        &click(r#""button":"left","count":1"#),
    );
    check(
        &["click", "@e3", "--double"],
        "interact.click",
        &click(r#""button":"left","count":2"#),
    );
    check(
        &[
            "click",
            "@e3",
            "--button",
            "right",
            "--count",
            "3",
            "--modifier",
            "Shift",
            "--modifier",
            "Alt",
            "--position",
            "1.5,2",
        ],
        "interact.click",
        &click(
            r#""button":"right","count":3,"modifiers":["Shift","Alt"],"position":{"x":1.5,"y":2.0}"#,
        ),
    );
    check(
        &["hover", "@e3", "--modifier", "Meta"],
        "interact.hover",
        &click(r#""modifiers":["Meta"]"#),
    );
    check(
        &["fill", "@e3", "a b"],
        "interact.fill",
        &click(r#""value":"a b""#),
    );
    check(
        &["fill", "@e3", "-5"],
        "interact.fill",
        &click(r#""value":"-5""#),
    );
    check(
        &["fill", "@e3", "--", "--x"],
        "interact.fill",
        &click(r#""value":"--x""#),
    );
    check(
        &["type", "hello"],
        "interact.type",
        r#"{"text":"hello","delayMs":0}"#,
    );
    check(
        &["type", "@e3", "hello", "--delay", "9"],
        "interact.type",
        &click(r#""text":"hello","delayMs":9"#),
    );
    check(
        &["press", "Control+a"],
        "interact.press",
        r#"{"key":"Control+a"}"#,
    );
    check(
        &["press", "Enter", "#q"],
        "interact.press",
        r##"{"key":"Enter","element":{"css":"#q"}}"##,
    );
    for (verb, command) in [
        ("clear", "interact.clear"),
        ("check", "interact.check"),
        ("uncheck", "interact.uncheck"),
        ("focus", "interact.focus"),
        ("scroll-into-view", "interact.scrollIntoView"),
    ] {
        check(
            &[verb, "role=button[name=\"Save\"]"],
            command,
            r#"{"element":{"role":"button","name":"Save","exact":true}}"#,
        );
    }
    refuses(&["click", "@e3", "--count", "4"], "4 is not in 1..=3");
    refuses(
        &["click", "@e3", "--count", "2", "--double"],
        "cannot be used",
    );
    refuses(&["click", "@e3", "--position", "1"], "2 numbers");
    refuses(&["fill", "@e3"], "required");
    refuses(&["click", "@e3", "--force"], "cli_flag_unsupported");
}

#[test]
fn selecting_and_scrolling() {
    check(
        &["select", "#c", "de", "fr"],
        "interact.select",
        r##"{"element":{"css":"#c"},"options":[{"any":"de"},{"any":"fr"}]}"##,
    );
    check(
        &["select", "#c", "--label", "A", "--index", "2"],
        "interact.select",
        r##"{"element":{"css":"#c"},"options":[{"label":"A"},{"index":2}]}"##,
    );
    let page = |rest: &str| format!("{{{rest}}}");
    check(
        &["scroll", "down", "300"],
        "interact.scroll",
        &page(r#""dx":0.0,"dy":300.0"#),
    );
    check(
        &["scroll", "left"],
        "interact.scroll",
        &page(r#""dx":-500.0,"dy":-0.0"#).replace("-0.0", "0.0"),
    );
    check(
        &["scroll", "bottom"],
        "interact.scroll",
        &page(r#""dx":0.0,"dy":0.0,"to":"bottom""#),
    );
    check(
        &["scroll", "--dx", "-5", "--dy", "7"],
        "interact.scroll",
        &page(r#""dx":-5.0,"dy":7.0"#),
    );
    check(
        &["scroll", "#l", "--to", "top"],
        "interact.scroll",
        &page(r##""element":{"css":"#l"},"dx":0.0,"dy":0.0,"to":"top""##),
    );
    check(
        &["scroll", "#l", "up", "10"],
        "interact.scroll",
        &page(r##""element":{"css":"#l"},"dx":0.0,"dy":-10.0"##),
    );
    refuses(&["select", "#c"], "at least one");
    refuses(&["scroll"], "either to");
    refuses(&["scroll", "down", "-3"], "-3 is below zero");
    refuses(
        &["open", "--max-targets", "-3", "example.com"],
        "-3 is below zero",
    );
    refuses(&["scroll", "down", "x"], "scroll takes");
    refuses(&["scroll", "#a", "#b"], "scroll takes");
    refuses(&["scroll", "down", "--dy", "3"], "scroll takes");
    refuses(&["scroll", "--to", "top", "--dx", "3"], "cannot be used");
}

#[test]
fn pictures_pages_dialogs_and_logs() {
    check(
        &["screenshot"],
        "export.screenshot",
        r#"{"fullPage":false,"format":"png"}"#,
    );
    check(
        &["screenshot", "a.JPG", "--full", "--quality", "80"],
        "export.screenshot",
        r#"{"fullPage":true,"format":"jpeg","quality":80}"#,
    );
    check(
        &["screenshot", "--element", "#a"],
        "export.screenshot",
        r##"{"fullPage":false,"element":{"css":"#a"},"format":"png"}"##,
    );
    check(
        &[
            "screenshot",
            "a.png",
            "--clip",
            "0,1,2,3.5",
            "--format",
            "webp",
        ],
        "export.screenshot",
        r#"{"fullPage":false,"clip":{"x":0.0,"y":1.0,"width":2.0,"height":3.5},"format":"webp"}"#,
    );
    check(&["tabs"], "targets.list", "{}");
    check(&["tabs", "list"], "targets.list", "{}");
    check(
        &["tabs", "new", "a.b"],
        "targets.new",
        r#"{"url":"https://a.b","waitUntil":"load","use":true}"#,
    );
    check(
        &["tabs", "new"],
        "targets.new",
        r#"{"waitUntil":"load","use":true}"#,
    );
    check(
        &["tabs", "use", "t2"],
        "targets.use",
        r#"{"targetId":"t2"}"#,
    );
    check(&["tabs", "close"], "targets.close", "{}");
    check(
        &["tabs", "close", "--tab", "t2"],
        "targets.close",
        r#"{"targetId":"t2"}"#,
    );
    check(&["dialog"], "dialog.status", "{}");
    check(
        &["dialog", "accept", "yes"],
        "dialog.accept",
        r#"{"text":"yes"}"#,
    );
    check(&["dialog", "accept"], "dialog.accept", "{}");
    check(&["dialog", "dismiss"], "dialog.dismiss", "{}");
    check(
        &["console"],
        "diagnostics.console",
        r#"{"sinceSeq":0,"limit":100}"#,
    );
    check(
        &["errors", "--since", "4", "--limit", "2", "--tab", "t1"],
        "diagnostics.errors",
        r#"{"sinceSeq":4,"limit":2,"targetId":"t1"}"#,
    );
    refuses(
        &["screenshot", "--full", "--element", "#a"],
        "cannot be used",
    );
    refuses(&["screenshot", "--quality", "8"], "jpeg or webp");
    refuses(&["tabs", "use", "2"], "followed by a number");
    refuses(&["dialog", "accept", "--tab", "t1"], "no meaning");
    refuses(&["console", "--limit", "0"], "1 to 1000");
}

#[test]
fn verbs_that_are_not_one_command_of_a_session_are_none() {
    for words in [
        ["open", "a.b"].as_slice(),
        &["batch"],
        &["call", "dom.title"],
        &["session", "list"],
        &["status"],
        &["stop"],
        &["doctor"],
    ] {
        let line = std::iter::once("odb-cli")
            .chain(words.iter().copied())
            .map(OsString::from);
        let Ok(cli) = args::parse(line) else {
            panic!("{words:?}")
        };
        let refused = cli.verb.one_command(None).unwrap_err();
        assert!(
            format!("{refused:?}").contains("more, or other"),
            "{words:?}"
        );
    }
}

#[test]
fn verbs_of_cookies_and_storage() {
    check(&["cookies"], "storage.cookies.get", "{}");
    check(
        &["cookies", "get", "sid", "--url", "https://a.b/"],
        "storage.cookies.get",
        r#"{"url":"https://a.b/","name":"sid"}"#,
    );
    check(
        &[
            "cookies",
            "set",
            "sid",
            "-x",
            "--domain",
            ".a.b",
            "--secure",
            "--same-site",
            "None",
        ],
        "storage.cookies.set",
        r#"{"cookies":[{"name":"sid","value":"-x","domain":".a.b","httpOnly":false,"secure":true,"sameSite":"None"}]}"#,
    );
    check(
        &["cookies", "clear", "sid"],
        "storage.cookies.clear",
        r#"{"name":"sid"}"#,
    );
    check(&["storage", "local"], "storage.local.get", "{}");
    check(
        &["storage", "session", "get", "k", "--tab", "t2"],
        "storage.session.get",
        r#"{"name":"k","targetId":"t2"}"#,
    );
    check(
        &["storage", "local", "set", "k", "-1"],
        "storage.local.set",
        r#"{"items":[{"name":"k","value":"-1"}]}"#,
    );
    check(
        &["storage", "session", "clear"],
        "storage.session.clear",
        "{}",
    );
    refuses(&["cookies", "set", "sid"], "required");
    refuses(&["cookies", "set", "a;b", "x"], "cookies[0].name");
    refuses(
        &[
            "cookies",
            "set",
            "a",
            "x",
            "--same-site",
            "None",
            "--url",
            "http://a.b/",
        ],
        "sameSite",
    );
    refuses(&["cookies", "--tab", "t1"], "--tab");
    refuses(&["storage"], "verb");
}

#[test]
fn verbs_of_emulation() {
    check(
        &["emulate", "viewport", "390x844@3", "--mobile", "--touch"],
        "emulation.viewport",
        r#"{"viewport":{"width":390,"height":844,"scale":3.0},"mobile":true,"touch":true}"#,
    );
    check(
        &["emulate", "device", "pixel 8"],
        "emulation.device",
        r#"{"name":"pixel 8","landscape":false}"#,
    );
    check(
        &["set", "geolocation", "-33.9,18.4"],
        "emulation.geolocation",
        r#"{"position":{"latitude":-33.9,"longitude":18.4,"accuracy":10.0},"reset":false}"#,
    );
    check(
        &["emulate", "locale"],
        "emulation.locale",
        r#"{"reset":true}"#,
    );
    check(
        &["emulate", "timezone", "Asia/Tokyo"],
        "emulation.timezone",
        r#"{"timezone":"Asia/Tokyo","reset":false}"#,
    );
    check(
        &["emulate", "media", "--color-scheme", "dark"],
        "emulation.media",
        r#"{"colorScheme":"dark","reset":false}"#,
    );
    check(
        &["emulate", "user-agent", "x"],
        "emulation.userAgent",
        r#"{"userAgent":"x","reset":false}"#,
    );
    check(
        &[
            "emulate",
            "permissions",
            "--grant",
            "camera",
            "--deny",
            "midi",
        ],
        "emulation.permissions",
        r#"{"grant":["camera"],"deny":["midi"],"reset":false}"#,
    );
    refuses(&["emulate", "device", "Nokia 3310"], "iPhone 15");
    refuses(&["emulate", "viewport", "0x5"], "viewport");
    refuses(&["emulate", "geolocation", "91,0"], "latitude");
    refuses(&["emulate", "media"], "at least one");
    refuses(&["emulate", "permissions"], "at least one");
}

#[test]
fn verbs_of_documents_and_measurements() {
    check(
        &["performance", "--tab", "t3"],
        "diagnostics.performance",
        r#"{"targetId":"t3"}"#,
    );
    check(&["html"], "export.html", "{}");
    check(
        &["tabs", "named", "cart", "a.b"],
        "targets.named",
        r#"{"name":"cart","url":"https://a.b","waitUntil":"load","use":true}"#,
    );
    check(
        &[
            "pdf", "x.pdf", "--paper", "letter", "--pages", "1-2", "--margin", "0",
        ],
        "export.pdf",
        r#"{"paper":"letter","landscape":false,"margins":{"top":0.0,"right":0.0,"bottom":0.0,"left":0.0},"background":false,"pages":"1-2","preferCssSize":false}"#,
    );
    refuses(&["pdf", "--scale", "3"], "scale");
    refuses(&["pdf", "--pages", "2-1"], "pages");
    refuses(&["pdf", "--margin", "11"], "margins");
    refuses(&["tabs", "named", "a b"], "name");
}
