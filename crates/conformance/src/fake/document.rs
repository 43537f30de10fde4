//! A document of the fake: its elements as they are now, their refs, and finding them.

use serde_json::{Value, json};

use super::script::{Act, Element, Page};
use ops_contracts::seam::adapter::DocumentKey;

/// A refusal of the bridge: its code, a message, details.
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) details: Value,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            details: json!({}),
        }
    }
}

pub(super) type Found<T> = Result<T, Refusal>;

/// An element with its number, once it has one.
pub(super) struct Live {
    pub(super) element: Element,
    pub(super) number: Option<u32>,
    pub(super) connected: bool,
}

/// A press that is watched.
pub(super) struct Armed {
    pub(super) token: String,
    pub(super) at: usize,
    pub(super) clicks: u32,
    pub(super) changed: bool,
}

pub(super) struct Document {
    pub(super) key: DocumentKey,
    pub(super) url: String,
    pub(super) title: String,
    pub(super) elements: Vec<Live>,
    pub(super) focus: Option<usize>,
    /// The focused control's text is selected: what is entered replaces it.
    pub(super) selected: bool,
    pub(super) armed: Option<Armed>,
    /// Grows with every change of what the page shows.
    pub(super) changes: u64,
}

impl Document {
    pub(super) fn new(key: DocumentKey, url: &str, page: &Page) -> Self {
        let live = |element: &Element| Live {
            element: element.clone(),
            number: None,
            connected: true,
        };
        Self {
            key,
            url: url.to_owned(),
            title: page.title.to_owned(),
            elements: page.elements.iter().map(live).collect(),
            focus: None,
            selected: false,
            armed: None,
            changes: 0,
        }
    }

    /// The number of an element; `next` is the first unused one.
    pub(super) fn number(&mut self, at: usize, next: &mut u32) -> u32 {
        *self.elements[at].number.get_or_insert_with(|| {
            *next += 1;
            *next - 1
        })
    }

    pub(super) fn by_id(&self, id: &str) -> Option<usize> {
        self.elements
            .iter()
            .position(|live| live.connected && live.element.id == id)
    }

    /// All elements that a locator matches.
    pub(super) fn all(&self, locator: &Value) -> Found<Vec<usize>> {
        let text = |key: &str| locator.get(key).and_then(Value::as_str);
        let exact = locator
            .get("exact")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        let like = |held: &str, wanted: &str| {
            if exact {
                held == wanted
            } else {
                held.to_lowercase().contains(&wanted.to_lowercase())
            }
        };
        if let Some(reference) = locator.get("ref").and_then(Value::as_u64) {
            return self.by_ref(reference).map(|at| vec![at]);
        }
        let css = text("css");
        if css.is_some_and(|css| css.contains('[')) {
            return Err(Refusal::new(
                "invalid_selector",
                "the fake knows #id and tag alone",
            ));
        }
        let matches = |element: &Element| {
            if let Some(role) = text("role") {
                element.role == role && text("name").is_none_or(|name| like(&element.name, name))
            } else if let Some(label) = text("label") {
                element.value.is_some() && like(&element.name, label)
                    || element.checked.is_some() && like(&element.name, label)
            } else if let Some(wanted) = text("text") {
                like(&element.text, wanted)
            } else if let Some(css) = css {
                css.strip_prefix('#')
                    .map_or(element.tag == css, |id| element.id == id)
            } else {
                false
            }
        };
        let found = self
            .elements
            .iter()
            .enumerate()
            .filter(|(_, live)| live.connected && matches(&live.element));
        let found: Vec<usize> = found.map(|(at, _)| at).collect();
        let Some(nth) = locator.get("nth").and_then(Value::as_i64) else {
            return Ok(found);
        };
        let at = if nth < 0 {
            i64::try_from(found.len()).unwrap_or(0) + nth
        } else {
            nth
        };
        Ok(usize::try_from(at)
            .ok()
            .and_then(|at| found.get(at))
            .map(|at| vec![*at])
            .unwrap_or_default())
    }

    fn by_ref(&self, reference: u64) -> Found<usize> {
        let found = self
            .elements
            .iter()
            .position(|live| live.connected && live.number.map(u64::from) == Some(reference));
        found.ok_or_else(|| Refusal {
            details: json!({ "ref": reference }),
            ..Refusal::new(
                "stale_ref",
                format!("ref {reference} names no element of this document any more"),
            )
        })
    }

    /// The one element that a locator matches.
    pub(super) fn one(&mut self, locator: &Value, next: &mut u32) -> Found<usize> {
        let found = self.all(locator)?;
        match found.as_slice() {
            [] => Err(Refusal {
                details: json!({ "locator": locator }),
                ..Refusal::new("not_found", "no element matches")
            }),
            [one] => Ok(*one),
            many => {
                let candidates: Vec<Value> =
                    many.iter().map(|at| self.describe(*at, next)).collect();
                let details =
                    json!({ "count": many.len(), "candidates": candidates, "next": *next });
                Err(Refusal {
                    details,
                    ..Refusal::new("ambiguous", format!("{} elements match", many.len()))
                })
            }
        }
    }

    pub(super) fn describe(&mut self, at: usize, next: &mut u32) -> Value {
        let number = self.number(at, next);
        let element = &self.elements[at].element;
        json!({ "ref": number, "role": element.role, "name": element.name, "tag": element.tag, "text": element.text, "visible": element.visible })
    }

    /// Clicks an element, and tells what the page does about it.
    pub(super) fn click(&mut self, at: usize) -> Vec<Act> {
        let Some(live) = self.elements.get_mut(at).filter(|live| live.connected) else {
            return Vec::new();
        };
        let acts = live.element.on_click.clone();
        let mut changed = !acts.is_empty();
        if let Some(checked) = &mut live.element.checked {
            *checked = !*checked;
            changed = true;
        }
        if let Some(armed) = self.armed.as_mut().filter(|armed| armed.at == at) {
            armed.clicks += 1;
            armed.changed |= changed;
        }
        self.changes += 1;
        acts
    }

    /// Enters text into what has the focus.
    pub(super) fn enter(&mut self, text: &str) -> Vec<Act> {
        let selected = std::mem::take(&mut self.selected);
        let focused = self.focus.and_then(|at| self.elements.get_mut(at));
        if let Some(value) = focused.and_then(|live| live.element.value.as_mut()) {
            if selected {
                value.clear();
            }
            value.push_str(text);
        }
        self.changes += 1;
        Vec::new()
    }

    pub(super) fn change(&mut self, act: Act) {
        self.changes += 1;
        match act {
            Act::Say(text) => {
                if let Some(out) = self.by_id("out") {
                    self.elements[out].element.text = text;
                }
            }
            Act::Remove(id) => {
                if let Some(at) = self.by_id(id) {
                    self.elements[at].connected = false;
                }
            }
            Act::Enable(id) => {
                if let Some(at) = self.by_id(id) {
                    self.elements[at].element.disabled = false;
                }
            }
            _ => {}
        }
    }
}
