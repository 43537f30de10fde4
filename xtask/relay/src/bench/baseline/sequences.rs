//! The raw sequence of each command: what a client of the raw protocol sends to do the same once, written as tightly as it allows.
//!
//! Commands whose time is the page's (`nav.wait`, `network.wait`, `downloads.*`), those that are answered from what the relay knows already
//! (`session.status`, `diagnostics.*`), and those that no protocol has (`export.har`, `storage.state.*`) have none.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use conformance::site::Site;
use conformance::site::pages::Page;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::lane::Lane;
use super::timed;

/// Where elements of every kind are.
const FORM: &str = "/bench/baseline.html";
const SHOP: &str = "/shop/";
const SEARCH: &str = "/shop/search";

/// The page that is served beside the bundled ones.
pub(super) static PAGES: &[Page] = &[Page {
    path: FORM,
    content_type: "text/html; charset=utf-8",
    body: HTML,
}];

const HTML: &str = "<!doctype html>
<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Baseline</title>
<style>#room { height: 2000px } #drag, #drop { width: 60px; height: 60px; background: #ccc; margin: 8px }</style></head>
<body>
<h1 id=\"head\" title=\"A heading\">Baseline</h1>
<p><label>Field <input id=\"field\" value=\"first\"></label> <button id=\"hit\" type=\"button\">Hit</button></p>
<p><label><input id=\"box\" type=\"checkbox\"> Box</label>
<label>Choice <select id=\"choice\"><option>one</option><option>two</option></select></label></p>
<div id=\"drag\"></div><div id=\"drop\"></div>
<div id=\"room\"></div><p id=\"far\">Far below</p>
</body></html>";

/// How one sample is taken.
pub(super) enum How {
    /// An expression, whose value may not be null.
    Eval(&'static str),
    /// One command on the page.
    Call(&'static str, &'static str),
    /// A sequence, as a whole.
    Run(fn(&mut Stage<'_>) -> Result<()>),
    /// A sequence with parts that do not count; it tells what does.
    Part(fn(&mut Stage<'_>) -> Result<Duration>),
}

/// The sequence of one command.
pub(super) struct Sequence {
    pub(super) command: &'static str,
    /// The page that it happens on.
    pub(super) page: &'static str,
    /// How many samples are taken.
    pub(super) times: u32,
    pub(super) how: How,
}

const fn eval(command: &'static str, expression: &'static str) -> Sequence {
    Sequence {
        command,
        page: FORM,
        times: 100,
        how: How::Eval(expression),
    }
}

const fn call(command: &'static str, method: &'static str, params: &'static str) -> Sequence {
    Sequence {
        command,
        page: FORM,
        times: 100,
        how: How::Call(method, params),
    }
}

const fn run(command: &'static str, times: u32, run: fn(&mut Stage<'_>) -> Result<()>) -> Sequence {
    Sequence {
        command,
        page: FORM,
        times,
        how: How::Run(run),
    }
}

const fn part(
    command: &'static str,
    times: u32,
    part: fn(&mut Stage<'_>) -> Result<Duration>,
) -> Sequence {
    Sequence {
        command,
        page: FORM,
        times,
        how: How::Part(part),
    }
}

/// Every sequence.
pub(super) const SEQUENCES: &[Sequence] = &[
    part("session.create", 20, |stage| {
        let mut made = None;
        let took = timed(|| stage.open(true).map(|opened| made = Some(opened)))?;
        stage.dispose(made).map(|()| took)
    }),
    part("session.close", 20, |stage| {
        let made = stage.open(true)?;
        timed(|| stage.dispose(Some(made)))
    }),
    part("targets.new", 20, |stage| {
        let mut made = None;
        let took = timed(|| stage.open(false).map(|opened| made = Some(opened)))?;
        stage.dispose(made).map(|()| took)
    }),
    part("targets.close", 20, |stage| {
        let made = stage.open(false)?;
        timed(|| stage.dispose(Some(made)))
    }),
    run("targets.list", 100, |stage| {
        stage.lane.call(None, "Target.getTargets", "{}").map(drop)
    }),
    run("targets.use", 40, |stage| {
        let params = json!({ "targetId": stage.page.target }).to_string();
        stage
            .lane
            .call(None, "Target.activateTarget", &params)
            .map(drop)
    }),
    run("nav.goto", 40, |stage| {
        stage.turns = !stage.turns;
        let path = if stage.turns { SHOP } else { SEARCH };
        stage.go(path)
    }),
    run("nav.reload", 40, |stage| {
        stage.page_call("Page.reload", "{}")?;
        stage.loaded()
    }),
    part("nav.back", 30, |stage| {
        stage.go(SHOP)?;
        stage.go(SEARCH)?;
        stage.lane.rest();
        stage.traverse_and_settle(-1)
    }),
    part("nav.forward", 30, |stage| {
        stage.go(SHOP)?;
        stage.go(SEARCH)?;
        stage.traverse_and_settle(-1)?;
        stage.traverse_and_settle(1)
    }),
    run("interact.click", 80, |stage| stage.click("#hit")),
    run("interact.hover", 80, |stage| {
        let (x, y) = stage.resolve("#hit")?;
        stage.mouse(&[("mouseMoved", x, y, 0, 0)])
    }),
    run("interact.fill", 80, |stage| {
        stage.turns = !stage.turns;
        let text = if stage.turns {
            "some text"
        } else {
            "other text"
        };
        stage.focus("e.select()")?;
        stage.page_call("Input.insertText", &json!({ "text": text }).to_string())?;
        let held = stage.eval("document.querySelector('#field').value")?;
        ensure!(held == text, "the field holds {held}");
        Ok(())
    }),
    run("interact.clear", 80, |stage| {
        stage.focus("e.select()")?;
        stage.keys(&["Backspace"])?;
        let held = stage.eval("document.querySelector('#field').value")?;
        ensure!(held == "", "the field holds {held}");
        Ok(())
    }),
    run("interact.type", 60, |stage| {
        stage.focus("e.select()")?;
        stage.keys(&["h", "e", "l", "l", "o"])
    }),
    run("interact.press", 80, |stage| stage.keys(&["Shift"])),
    run("interact.focus", 80, |stage| stage.focus("0")),
    eval(
        "interact.select",
        "(() => { const e = document.querySelector('#choice'); e.selectedIndex = 1 - e.selectedIndex; \
         e.dispatchEvent(new Event('input', { bubbles: true })); e.dispatchEvent(new Event('change', { bubbles: true })); \
         return e.value; })()",
    ),
    part("interact.check", 60, |stage| stage.tick(true)),
    part("interact.uncheck", 60, |stage| stage.tick(false)),
    eval(
        "interact.scroll",
        "(() => { const before = scrollY; scrollBy(0, before > 500 ? -800 : 800); return [before, scrollY]; })()",
    ),
    eval(
        "interact.scrollIntoView",
        "(() => { const e = document.querySelector(scrollY > 500 ? '#head' : '#far'); e.scrollIntoView(); return scrollY; })()",
    ),
    run("interact.drag", 40, |stage| {
        let ((x, y), (to_x, to_y)) = (stage.resolve("#drag")?, stage.resolve("#drop")?);
        stage.drag(x, y, to_x, to_y)
    }),
    run("pointer.move", 80, |stage| {
        stage.mouse(&[("mouseMoved", 40.0, 60.0, 0, 0)])
    }),
    part("pointer.down", 60, |stage| {
        let took = timed(|| stage.mouse(&[("mousePressed", 300.0, 400.0, 1, 1)]))?;
        stage
            .mouse(&[("mouseReleased", 300.0, 400.0, 1, 0)])
            .map(|()| took)
    }),
    part("pointer.up", 60, |stage| {
        stage.mouse(&[("mousePressed", 300.0, 400.0, 1, 1)])?;
        timed(|| stage.mouse(&[("mouseReleased", 300.0, 400.0, 1, 0)]))
    }),
    call(
        "pointer.wheel",
        "Input.dispatchMouseEvent",
        r#"{"type":"mouseWheel","x":300,"y":300,"deltaX":0,"deltaY":5}"#,
    ),
    run("pointer.drag", 40, |stage| {
        stage.drag(300.0, 300.0, 400.0, 400.0)
    }),
    eval("dom.title", "document.title"),
    eval("dom.url", "location.href"),
    eval("dom.text", "document.body.innerText"),
    eval("dom.html", "document.querySelector('#head').outerHTML"),
    eval(
        "dom.attr",
        "document.querySelector('#head').getAttribute('title')",
    ),
    eval("dom.value", "document.querySelector('#field').value"),
    eval(
        "dom.state",
        "(() => { const e = document.querySelector('#field'); \
         return [e.checkVisibility(), !e.disabled, !e.readOnly, document.activeElement === e]; })()",
    ),
    eval(
        "dom.box",
        "(() => { const b = document.querySelector('#hit').getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })()",
    ),
    eval("dom.count", "document.querySelectorAll('input').length"),
    eval(
        "dom.find",
        "[...document.querySelectorAll('button')].map(e => e.textContent)",
    ),
    eval("dom.eval", "1 + 1"),
    Sequence {
        command: "dom.snapshot",
        page: SHOP,
        times: 40,
        how: How::Call("Accessibility.getFullAXTree", "{}"),
    },
    Sequence {
        command: "export.screenshot",
        page: SHOP,
        times: 30,
        how: How::Call("Page.captureScreenshot", r#"{"format":"png"}"#),
    },
    Sequence {
        command: "export.pdf",
        page: SHOP,
        times: 20,
        how: How::Call("Page.printToPDF", "{}"),
    },
    Sequence {
        command: "export.html",
        page: SHOP,
        times: 60,
        how: How::Eval("document.documentElement.outerHTML"),
    },
    run("storage.cookies.set", 80, |stage| {
        let params = json!({ "name": "a", "value": "b", "url": stage.url(FORM) }).to_string();
        stage.page_call("Network.setCookie", &params)
    }),
    call("storage.cookies.get", "Network.getCookies", "{}"),
    run("storage.cookies.clear", 80, |stage| {
        let params = json!({ "name": "a", "url": stage.url(FORM) }).to_string();
        stage.page_call("Network.deleteCookies", &params)
    }),
    eval("storage.local.set", "(localStorage.setItem('a', 'b'), 1)"),
    eval("storage.local.get", "Object.entries(localStorage)"),
    eval("storage.local.clear", "(localStorage.clear(), 1)"),
    eval(
        "storage.session.set",
        "(sessionStorage.setItem('a', 'b'), 1)",
    ),
    eval("storage.session.get", "Object.entries(sessionStorage)"),
    eval("storage.session.clear", "(sessionStorage.clear(), 1)"),
    call(
        "network.setHeaders",
        "Network.setExtraHTTPHeaders",
        r#"{"headers":{"x-bench":"1"}}"#,
    ),
    call(
        "emulation.geolocation",
        "Emulation.setGeolocationOverride",
        r#"{"latitude":47.3,"longitude":8.5,"accuracy":1}"#,
    ),
    call(
        "emulation.media",
        "Emulation.setEmulatedMedia",
        r#"{"media":"screen"}"#,
    ),
    call(
        "emulation.viewport",
        "Emulation.setDeviceMetricsOverride",
        r#"{"width":1280,"height":720,"deviceScaleFactor":1,"mobile":false}"#,
    ),
    part("dialog.accept", 30, |stage| stage.answer(true)),
    part("dialog.dismiss", 30, |stage| stage.answer(false)),
];

/// A page that was made.
#[derive(Debug)]
pub(super) struct Made {
    context: Option<String>,
    target: String,
    session: String,
}

/// A lane with a page, and the site that the page shows.
pub(super) struct Stage<'a> {
    pub(super) lane: Lane,
    site: &'a Site,
    page: Made,
    /// For what alternates.
    turns: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ids {
    browser_context_id: Option<String>,
    target_id: Option<String>,
    session_id: Option<String>,
}

impl<'a> Stage<'a> {
    pub(super) fn set(lane: Lane, site: &'a Site) -> Result<Self> {
        let page = Made {
            context: None,
            target: String::new(),
            session: String::new(),
        };
        let mut stage = Self {
            lane,
            site,
            page,
            turns: false,
        };
        stage.page = stage.open(true)?;
        Ok(stage)
    }

    /// Takes one sample.
    pub(super) fn run(&mut self, how: &How) -> Result<Duration> {
        match how {
            How::Eval(expression) => timed(|| {
                let value = self.eval(expression)?;
                ensure!(!value.is_null(), "{expression} is null");
                Ok(())
            }),
            How::Call(method, params) => timed(|| self.page_call(method, params)),
            How::Run(run) => timed(|| run(self)),
            How::Part(part) => part(self),
        }
    }

    fn url(&self, path: &str) -> String {
        self.site.url(path)
    }

    /// A page in a window: in a context of its own, or beside the stage's.
    fn open(&mut self, isolated: bool) -> Result<Made> {
        let lane = &mut self.lane;
        let context = if isolated {
            let made: Ids = lane.read(
                None,
                "Target.createBrowserContext",
                r#"{"disposeOnDetach":true}"#,
            )?;
            Some(made.browser_context_id.context("a context has an id")?)
        } else {
            None
        };
        let within = context.as_ref().or(self.page.context.as_ref());
        let target =
            json!({ "url": "about:blank", "browserContextId": within, "newWindow": isolated });
        let made: Ids = lane.read(None, "Target.createTarget", &target.to_string())?;
        let target = made.target_id.context("a target has an id")?;
        let made: Ids = lane.read(
            None,
            "Target.attachToTarget",
            &json!({ "targetId": target, "flatten": true }).to_string(),
        )?;
        let session = made.session_id.context("an attachment has a session")?;
        let metrics = r#"{"width":1280,"height":720,"deviceScaleFactor":1,"mobile":false}"#;
        let enabled = [
            lane.send(Some(&session), "Page.enable", "{}")?,
            lane.send(Some(&session), "Runtime.enable", "{}")?,
            lane.send(Some(&session), "Network.enable", "{}")?,
            lane.send(
                Some(&session),
                "Emulation.setDeviceMetricsOverride",
                metrics,
            )?,
        ];
        enabled
            .into_iter()
            .try_for_each(|id| lane.wait(id).map(drop))?;
        Ok(Made {
            context,
            target,
            session,
        })
    }

    fn dispose(&mut self, made: Option<Made>) -> Result<()> {
        let Made {
            context, target, ..
        } = made.context("a page was made")?;
        let (method, params) = match context {
            Some(context) => (
                "Target.disposeBrowserContext",
                json!({ "browserContextId": context }),
            ),
            None => ("Target.closeTarget", json!({ "targetId": target })),
        };
        self.lane.call(None, method, &params.to_string()).map(drop)
    }

    fn page_call(&mut self, method: &str, params: &str) -> Result<()> {
        self.lane
            .call(Some(&self.page.session), method, params)
            .map(drop)
    }

    fn eval(&mut self, expression: &str) -> Result<Value> {
        self.lane.eval(&self.page.session, expression)
    }

    fn loaded(&mut self) -> Result<()> {
        self.lane.event(&self.page.session, "Page.loadEventFired")
    }

    /// Shows a page of the site, loaded.
    pub(super) fn go(&mut self, path: &str) -> Result<()> {
        let params = json!({ "url": self.url(path) }).to_string();
        let went: Value = self
            .lane
            .read(Some(&self.page.session), "Page.navigate", &params)?;
        ensure!(went.get("errorText").is_none(), "{path}: {went}");
        self.loaded()
    }

    /// Goes by one entry of the history.
    fn traverse(&mut self, by: i64) -> Result<()> {
        let history: Value =
            self.lane
                .read(Some(&self.page.session), "Page.getNavigationHistory", "{}")?;
        let index = usize::try_from(
            history["currentIndex"]
                .as_i64()
                .context("there is a current entry")?
                + by,
        )?;
        let entry = json!({ "entryId": history["entries"][index]["id"] }).to_string();
        self.page_call("Page.navigateToHistoryEntry", &entry)?;
        // A page that was kept to be gone back to is shown again without being loaded.
        self.lane.event(&self.page.session, "Page.frameNavigated")?;
        let shown = "new Promise(done => document.readyState === 'complete' ? done(1) : addEventListener('load', () => done(1)))";
        let params = json!({ "expression": shown, "awaitPromise": true }).to_string();
        self.page_call("Runtime.evaluate", &params)
    }

    /// The same, and waits until nothing of it is told any more.
    fn traverse_and_settle(&mut self, by: i64) -> Result<Duration> {
        let took = timed(|| self.traverse(by))?;
        self.eval("1")?;
        self.lane.rest();
        Ok(took)
    }

    /// Brings an element into view and tells its middle, which must be its own.
    fn resolve(&mut self, selector: &str) -> Result<(f64, f64)> {
        let found = self.eval(&format!(
            "(() => {{ const e = document.querySelector('{selector}'); e.scrollIntoView({{ block: 'nearest' }}); \
             const b = e.getBoundingClientRect(), x = b.x + b.width / 2, y = b.y + b.height / 2; \
             return [x, y, document.elementFromPoint(x, y) === e]; }})()"
        ))?;
        ensure!(found[2] == true, "something covers {selector}");
        Ok((
            found[0].as_f64().context("x is a number")?,
            found[1].as_f64().context("y is a number")?,
        ))
    }

    /// Sends mouse events together: kind, place, clicks, buttons held.
    fn mouse(&mut self, events: &[(&str, f64, f64, u8, u8)]) -> Result<()> {
        let mut sent = Vec::with_capacity(events.len());
        for (kind, x, y, clicks, buttons) in events {
            let button = if *clicks > 0 || *buttons > 0 {
                "left"
            } else {
                "none"
            };
            let params =
                json!({ "type": kind, "x": x, "y": y, "button": button, "buttons": buttons, "clickCount": clicks }).to_string();
            sent.push(self.lane.send(
                Some(&self.page.session),
                "Input.dispatchMouseEvent",
                &params,
            )?);
        }
        sent.into_iter()
            .try_for_each(|id| self.lane.wait(id).map(drop))
    }

    fn click(&mut self, selector: &str) -> Result<()> {
        let (x, y) = self.resolve(selector)?;
        self.mouse(&[
            ("mouseMoved", x, y, 0, 0),
            ("mousePressed", x, y, 1, 1),
            ("mouseReleased", x, y, 1, 0),
        ])
    }

    fn drag(&mut self, x: f64, y: f64, to_x: f64, to_y: f64) -> Result<()> {
        let (half_x, half_y) = (f64::midpoint(x, to_x), f64::midpoint(y, to_y));
        let moved = |x, y| ("mouseMoved", x, y, 0, 1);
        let ends = [("mouseMoved", x, y, 0, 0), ("mousePressed", x, y, 1, 1)];
        self.mouse(&[
            ends[0],
            ends[1],
            moved(half_x, half_y),
            moved(to_x, to_y),
            ("mouseReleased", to_x, to_y, 1, 0),
        ])
    }

    /// Focuses the field and does something with it, `e`.
    fn focus(&mut self, then: &str) -> Result<()> {
        let focused = self.eval(&format!(
            "(() => {{ const e = document.querySelector('#field'); e.focus(); {then}; return document.activeElement === e; }})()"
        ))?;
        ensure!(focused == true, "the field has no focus");
        Ok(())
    }

    /// Presses keys one after the other, sent together.
    fn keys(&mut self, keys: &[&str]) -> Result<()> {
        let mut sent = Vec::with_capacity(keys.len() * 2);
        for key in keys {
            let code = match *key {
                "Backspace" => 8,
                "Shift" => 16,
                letter => u32::from(letter.to_ascii_uppercase().as_bytes()[0]),
            };
            let text = if key.len() == 1 { *key } else { "" };
            for kind in ["keyDown", "keyUp"] {
                let mut params = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code });
                if kind == "keyDown" && !text.is_empty() {
                    params["text"] = json!(text);
                }
                sent.push(self.lane.send(
                    Some(&self.page.session),
                    "Input.dispatchKeyEvent",
                    &params.to_string(),
                )?);
            }
        }
        sent.into_iter()
            .try_for_each(|id| self.lane.wait(id).map(drop))
    }

    /// Clicks the box so that it is ticked or not, from the other state.
    fn tick(&mut self, ticked: bool) -> Result<Duration> {
        self.eval(&format!(
            "document.querySelector('#box').checked = {}",
            !ticked
        ))?;
        timed(|| {
            self.click("#box")?;
            let now = self.eval("document.querySelector('#box').checked")?;
            ensure!(now == ticked, "the box is {now}");
            Ok(())
        })
    }

    /// Opens a question and answers it; what counts is the answer, until the page goes on.
    fn answer(&mut self, accept: bool) -> Result<Duration> {
        let session = self.page.session.clone();
        let asked = self.lane.send(
            Some(&session),
            "Runtime.evaluate",
            r#"{"expression":"confirm('?')","returnByValue":true}"#,
        )?;
        self.lane.event(&session, "Page.javascriptDialogOpening")?;
        timed(|| {
            let params = json!({ "accept": accept }).to_string();
            self.lane
                .call(Some(&session), "Page.handleJavaScriptDialog", &params)?;
            self.lane.wait(asked).map(drop)
        })
    }
}
