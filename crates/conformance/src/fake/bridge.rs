//! The fake's side of the DOM bridge: the functions that the runtime calls, answered from tables.

use serde_json::{Value, json};

use super::document::{Armed, Document, Found, Refusal};

const INTERACTIVE: [&str; 5] = ["button", "link", "textbox", "checkbox", "combobox"];

/// What a call comes to: an answer's JSON text, or a wait for the page to change.
pub(super) enum Reply {
    Text(String),
    Wait,
}

/// Answers one call.
pub(super) fn call(document: &mut Document, name: &str, args: &Value) -> Reply {
    let mut next = args
        .get("next")
        .and_then(Value::as_u64)
        .and_then(|next| u32::try_from(next).ok())
        .unwrap_or(1);
    if name == "waitFor" {
        return match wait(document, args, &mut next) {
            Some(answer) => Reply::Text(text(answer, next)),
            None => Reply::Wait,
        };
    }
    if let Some(reply) = of_seam_suite(document, name, args) {
        return reply;
    }
    Reply::Text(text(answer(document, name, args, &mut next), next))
}

/// The functions of the bridge that the suite of the adapter interface brings along.
fn of_seam_suite(document: &Document, name: &str, args: &Value) -> Option<Reply> {
    let value = match name {
        "title" => json!(document.title),
        "url" => json!(document.url),
        "current" => json!(true),
        "number" => json!(1),
        "echo" => args.get("value").cloned().unwrap_or_default(),
        "never" => return Some(Reply::Wait),
        _ => return None,
    };
    Some(Reply::Text(value.to_string()))
}

/// The answer of a wait whose time has passed.
pub(super) fn timed_out() -> String {
    text(Err(Refusal::new("timeout", "waited in vain")), 1)
}

fn text(answer: Found<Value>, next: u32) -> String {
    match answer {
        Ok(mut value) => {
            if let Some(fields) = value.as_object_mut() {
                fields.insert("next".to_owned(), next.into());
            }
            json!({ "ok": value }).to_string()
        }
        Err(refusal) => {
            json!({ "err": { "code": refusal.code, "message": refusal.message, "details": refusal.details } }).to_string()
        }
    }
}

fn answer(document: &mut Document, name: &str, args: &Value, next: &mut u32) -> Found<Value> {
    match name {
        "stats" => Ok(json!({ "title": document.title, "url": document.url })),
        "snapshot" => Ok(snapshot(document, args, next)),
        "find" => find(document, args, next),
        "read" => read(document, args, next),
        "arm" | "prepare" => arm(document, args, next),
        "verdict" => verdict(document, args),
        "fill" => fill(document, args, next),
        "select" => select(document, args, next),
        "disarm" => {
            document.armed = None;
            Ok(json!({}))
        }
        "scrollBy" => {
            Ok(json!({ "before": { "x": 0, "y": 0 }, "after": { "x": 0, "y": 0 }, "moved": false }))
        }
        _ => of_element(document, name, args, next),
    }
}

/// The functions that do something small with one element.
fn of_element(document: &mut Document, name: &str, args: &Value, next: &mut u32) -> Found<Value> {
    let at = element(document, args, next)?;
    let number = document.number(at, next);
    let desc = document.describe(at, next);
    let moved = document.focus != Some(at);
    let live = &document.elements[at];
    match name {
        "describe" => Ok(desc),
        "readback" => {
            let value = live.element.value.clone().unwrap_or_default();
            let matches = args
                .get("expect")
                .and_then(Value::as_str)
                .map(|expected| expected == value);
            Ok(json!({ "value": value, "matches": matches, "focused": !moved, "valid": true }))
        }
        "checkState" => match live.element.checked {
            Some(checked) => Ok(json!({ "checked": checked, "ref": number, "desc": desc })),
            None => Err(Refusal::new(
                "wrong_element_type",
                "the element can't be checked",
            )),
        },
        "focus" => {
            let value = live.element.value.clone();
            document.focus = Some(at);
            document.selected = false;
            Ok(
                json!({ "ref": number, "desc": desc, "focused": true, "moved": moved, "value": value }),
            )
        }
        "scrollIntoView" => Ok(json!({ "ref": number, "scrolled": false, "visible": true })),
        "box" => Ok(place(at)),
        _ => Err(Refusal::new(
            "internal",
            format!("the fake does not know the bridge function {name}"),
        )),
    }
}

fn element(document: &mut Document, args: &Value, next: &mut u32) -> Found<usize> {
    match (args.get("locator"), args.get("ref")) {
        (Some(locator), _) => document.one(&locator.clone(), next),
        (None, Some(reference)) => document.one(&json!({ "ref": reference }), next),
        (None, None) => Err(Refusal::new(
            "invalid_selector",
            "a locator object is missing",
        )),
    }
}

/// Elements stand one below the other; an action's point tells its element.
fn place(at: usize) -> Value {
    json!({ "x": 10, "y": 20 * at, "width": 100, "height": 20 })
}

/// The element at a point.
pub(super) fn at_point(y: f64) -> usize {
    (y.max(0.0) / 20.0) as usize
}

fn snapshot(document: &mut Document, args: &Value, next: &mut u32) -> Value {
    let mode = args.get("mode").and_then(Value::as_str).unwrap_or("full");
    let prefix = args
        .get("prefix")
        .and_then(Value::as_str)
        .unwrap_or("e")
        .to_owned();
    let mut lines = Vec::new();
    for at in 0..document.elements.len() {
        let element = &document.elements[at].element;
        let wanted = match mode {
            "interactive" => INTERACTIVE.contains(&element.role),
            "outline" => element.role == "heading",
            _ => true,
        };
        if !wanted || !element.visible || !document.elements[at].connected {
            continue;
        }
        let number = document.number(at, next);
        let element = &document.elements[at].element;
        let name = if element.name.is_empty() {
            String::new()
        } else {
            format!(" \"{}\"", element.name)
        };
        lines.push(format!("- {}{name} [ref={prefix}{number}]", element.role));
    }
    let nodes = lines.len();
    json!({ "lines": lines, "frames": [], "title": document.title, "url": document.url, "nodes": nodes, "truncated": false })
}

fn find(document: &mut Document, args: &Value, next: &mut u32) -> Found<Value> {
    let found = document.all(args.get("locator").unwrap_or(&Value::Null))?;
    let limit = args
        .get("limit")
        .and_then(Value::as_u64)
        .and_then(|limit| usize::try_from(limit).ok())
        .unwrap_or(50);
    let matches: Vec<Value> = found
        .iter()
        .take(limit)
        .map(|at| document.describe(*at, next))
        .collect();
    Ok(json!({ "count": found.len(), "matches": matches }))
}

fn read(document: &mut Document, args: &Value, next: &mut u32) -> Found<Value> {
    let what = args.get("what").and_then(Value::as_str).unwrap_or_default();
    if what == "count" {
        return Ok(
            json!({ "value": document.all(args.get("locator").unwrap_or(&Value::Null))?.len() }),
        );
    }
    if args.get("locator").is_none() {
        let texts = document
            .elements
            .iter()
            .filter(|live| live.connected && live.element.visible);
        let texts: Vec<&str> = texts.map(|live| live.element.text.as_str()).collect();
        let whole = texts.join("\n");
        let max = args
            .get("maxChars")
            .and_then(Value::as_u64)
            .and_then(|max| usize::try_from(max).ok())
            .unwrap_or(usize::MAX);
        let cut: String = whole.chars().take(max).collect();
        return Ok(json!({ "truncated": cut.len() < whole.len(), "value": cut }));
    }
    let at = element(document, args, next)?;
    let focused = document.focus == Some(at);
    let element = &document.elements[at].element;
    Ok(match what {
        "text" => json!({ "value": element.text }),
        "value" => match &element.value {
            Some(value) => json!({ "value": value }),
            None => {
                return Err(Refusal::new(
                    "wrong_element_type",
                    "the element has no value",
                ));
            }
        },
        "state" => json!({ "value": {
            "visible": element.visible, "enabled": !element.disabled, "checked": element.checked,
            "editable": element.value.is_some() && !element.disabled, "focused": focused,
        } }),
        "box" => json!({ "value": place(at) }),
        "attr" => {
            json!({ "value": (args.get("attr").and_then(Value::as_str) == Some("id")).then_some(&element.id) })
        }
        "html" => json!({ "value": element.text }),
        _ => json!({ "value": format!("<{0}>{1}</{0}>", element.tag, element.text) }),
    })
}

fn actionable(document: &Document, at: usize) -> Found<()> {
    let element = &document.elements[at].element;
    if !element.visible {
        return Err(Refusal::new("not_visible", "the element is not visible"));
    }
    if element.disabled {
        return Err(Refusal::new("not_enabled", "the element is disabled"));
    }
    Ok(())
}

fn arm(document: &mut Document, args: &Value, next: &mut u32) -> Found<Value> {
    let at = element(document, args, next)?;
    actionable(document, at)?;
    let element = &document.elements[at].element;
    if let Some(by) = element.covered_by {
        let details = json!({ "by": { "role": "", "name": "", "tag": by } });
        return Err(Refusal {
            details,
            ..Refusal::new("covered", format!("the element is covered by {by}"))
        });
    }
    let checks = args.get("action").and_then(Value::as_str) == Some("check");
    if checks && element.checked.is_none() {
        return Err(Refusal::new(
            "wrong_element_type",
            "the element can't be checked",
        ));
    }
    let desc = document.describe(at, next);
    let number = document.number(at, next);
    let token = format!("a{}", document.changes);
    document.armed = Some(Armed {
        token: token.clone(),
        at,
        clicks: 0,
        changed: false,
    });
    Ok(
        json!({ "ref": number, "x": 60, "y": 20 * at + 10, "animating": false, "desc": desc, "token": token }),
    )
}

fn verdict(document: &mut Document, args: &Value) -> Found<Value> {
    let Some(armed) = document
        .armed
        .take()
        .filter(|armed| args.get("token").and_then(Value::as_str) == Some(&armed.token))
    else {
        return Err(Refusal::new(
            "internal",
            "no guard is armed under this token",
        ));
    };
    let expected = args.get("expect").and_then(Value::as_u64).unwrap_or(0);
    let events: &[&str] = if armed.clicks > 0 {
        &["mousedown", "mouseup", "click"]
    } else {
        &["mousemove"]
    };
    let checked = document.elements[armed.at].element.checked;
    Ok(json!({
        "hit": u64::from(armed.clicks) >= expected, "missed": null, "events": events, "clicks": armed.clicks,
        "changed": armed.changed, "valueChanged": false, "focusChanged": false, "checked": checked,
    }))
}

fn fill(document: &mut Document, args: &Value, next: &mut u32) -> Found<Value> {
    let at = element(document, args, next)?;
    actionable(document, at)?;
    let number = document.number(at, next);
    let wanted = args
        .get("value")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let Some(before) = document.elements[at].element.value.clone() else {
        return Err(Refusal::new(
            "wrong_element_type",
            "the element takes no text",
        ));
    };
    let desc = document.describe(at, next);
    document.focus = Some(at);
    document.selected = true;
    let mode = if before == wanted { "noop" } else { "insert" };
    Ok(json!({ "ref": number, "desc": desc, "mode": mode, "before": before, "value": wanted }))
}

fn select(document: &mut Document, args: &Value, next: &mut u32) -> Found<Value> {
    let at = element(document, args, next)?;
    let number = document.number(at, next);
    let desc = document.describe(at, next);
    let element = &mut document.elements[at].element;
    if element.options.is_empty() {
        return Err(Refusal::new(
            "wrong_element_type",
            "the element has no options",
        ));
    }
    let wanted = args
        .get("values")
        .and_then(|values| values.get(0))
        .cloned()
        .unwrap_or_default();
    let is = |key: &str, held: &str| {
        wanted.get(key).and_then(Value::as_str).or(wanted.as_str()) == Some(held)
    };
    let chosen = element
        .options
        .iter()
        .enumerate()
        .find(|(index, (value, label))| {
            is("value", value)
                || is("label", label)
                || wanted.get("index").and_then(Value::as_u64) == u64::try_from(*index).ok()
        });
    let Some((index, (value, label))) = chosen else {
        let details = json!({ "options": element.options });
        return Err(Refusal {
            details,
            ..Refusal::new("option_not_found", "there is no such option")
        });
    };
    let changed = element.value.replace((*value).to_owned()).as_deref() != Some(*value);
    Ok(
        json!({ "ref": number, "desc": desc, "selected": [{ "value": value, "label": label, "index": index }], "changed": changed }),
    )
}

/// The end of a wait, if it has come.
fn wait(document: &mut Document, args: &Value, next: &mut u32) -> Option<Found<Value>> {
    if let Some(text) = args.get("text").and_then(Value::as_str) {
        let shown =
            |element: &super::script::Element| element.visible && element.text.contains(text);
        let at = document
            .elements
            .iter()
            .position(|live| live.connected && shown(&live.element))?;
        let number = document.number(at, next);
        return Some(Ok(json!({ "ref": number })));
    }
    let found = match document.all(args.get("locator").unwrap_or(&Value::Null)) {
        Ok(found) => found,
        Err(refusal) => return Some(Err(refusal)),
    };
    let state = args
        .get("state")
        .and_then(Value::as_str)
        .unwrap_or("visible");
    let first = found.first().copied();
    let element = first.map(|at| &document.elements[at].element);
    let reached = match (state, element) {
        ("detached", element) => element.is_none(),
        ("hidden", element) => element.is_none_or(|element| !element.visible),
        (_, None) => false,
        ("attached", Some(_)) => true,
        ("enabled", Some(element)) => element.visible && !element.disabled,
        ("disabled", Some(element)) => element.disabled,
        ("checked", Some(element)) => element.checked == Some(true),
        ("unchecked", Some(element)) => element.checked == Some(false),
        (_, Some(element)) => element.visible,
    };
    reached.then(|| Ok(json!({ "ref": first.map(|at| document.number(at, next)) })))
}
