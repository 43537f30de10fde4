//! The bridge's guard alone, in a real browser: no command leaves one behind while its page lives, so what becomes of it then shows here.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use odb_tests::raw::RawBrowser;
use serde_json::{Value, json};

/// A button in the corner, and a count of the clicks that reach the page.
const PAGE: &str = "data:text/html,<button id=hit style='position:fixed;left:0;top:0;width:90px;height:40px'>Go</button>\
    <script>let seen = 0; document.addEventListener('click', () => { seen += 1; });</script>";

/// A page whose bridge can be called.
struct Guarded {
    browser: RawBrowser,
    world: Value,
}

impl Guarded {
    fn open() -> Self {
        let mut browser = RawBrowser::start("/usr/bin/chromium");
        browser.goto(PAGE);
        let frame =
            browser.call("Page.getFrameTree", &json!({}))["frameTree"]["frame"]["id"].clone();
        let world = browser.call("Page.createIsolatedWorld", &json!({ "frameId": frame }))["executionContextId"].clone();
        let mut page = Self { browser, world };
        page.evaluate(&bridge(), true);
        page
    }

    fn evaluate(&mut self, expression: &str, bridged: bool) -> Value {
        let mut params =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        if bridged {
            params["contextId"] = self.world.clone();
        }
        let mut evaluated = self.browser.call("Runtime.evaluate", &params);
        assert!(evaluated.get("exceptionDetails").is_none(), "{evaluated}");
        evaluated["result"]["value"].take()
    }

    fn call(&mut self, name: &str, args: &Value) -> Value {
        let text = self.evaluate(&format!("__odb.call('{name}', {args})"), true);
        serde_json::from_str(text.as_str().expect("the bridge answers with text"))
            .expect("it answers with JSON")
    }

    /// Arms a guard of the button for so long, and returns its token.
    fn arm(&mut self, ms: u32) -> Value {
        let args = json!({ "locator": { "css": "#hit" }, "action": "click", "timeoutMs": 1000, "armMs": ms, "next": 1 });
        let mut armed = self.call("arm", &args);
        assert!(armed["ok"]["token"].is_string(), "{armed}");
        armed["ok"]["token"].take()
    }

    fn verdict(&mut self, token: &Value) -> Value {
        self.call("verdict", &json!({ "token": token, "timeoutMs": 10 }))
    }

    /// Clicks beside the button.
    fn miss(&mut self) {
        for (kind, button, count) in [
            ("mouseMoved", "none", 0),
            ("mousePressed", "left", 1),
            ("mouseReleased", "left", 1),
        ] {
            let event =
                json!({ "type": kind, "x": 400, "y": 300, "button": button, "clickCount": count });
            self.browser.call("Input.dispatchMouseEvent", &event);
        }
    }

    fn seen(&mut self) -> Value {
        self.evaluate("seen", false)
    }
}

#[test]
fn a_guard_keeps_what_misses_its_element_from_the_page_until_its_time_is_over() {
    let mut page = Guarded::open();
    let token = page.arm(60_000);
    page.miss();
    assert_eq!(page.seen(), json!(0));
    let verdict = page.verdict(&token);
    assert_eq!(
        (&verdict["ok"]["hit"], &verdict["ok"]["clicks"]),
        (&json!(false), &json!(0)),
        "{verdict}"
    );

    let token = page.arm(1);
    sleep(Duration::from_millis(50));
    page.miss();
    assert_eq!(page.seen(), json!(1));
    let verdict = page.verdict(&token);
    assert_eq!(verdict["err"]["code"], json!("gone"), "{verdict}");
}

#[test]
fn a_guard_whose_time_is_over_ends_with_the_next_change_of_the_page() {
    let mut page = Guarded::open();
    let token = page.arm(60_000);
    page.evaluate("document.body.append('changed')", false);
    let verdict = page.verdict(&token);
    assert_eq!(verdict["ok"]["changed"], json!(true), "{verdict}");

    let token = page.arm(1);
    sleep(Duration::from_millis(50));
    page.evaluate("document.body.append('changed')", false);
    let verdict = page.verdict(&token);
    assert_eq!(verdict["err"]["code"], json!("gone"), "{verdict}");
}

/// The script, put together as its crate does it.
fn bridge() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/ops-runtime/src");
    let list =
        fs::read_to_string(folder.join("bridge.rs")).expect("the bridge has a list of its parts");
    let (_, whole) = list.split_once("whole:").expect("the list is of the whole");
    let parts = whole.lines().filter_map(|line| {
        line.trim()
            .strip_prefix("include_str!(\"")?
            .strip_suffix("\"),")
    });
    let parts: Vec<String> = parts
        .map(|part| fs::read_to_string(folder.join(part)).expect("a part can be read"))
        .collect();
    assert!(!parts.is_empty(), "the bridge has parts");
    parts.concat()
}
