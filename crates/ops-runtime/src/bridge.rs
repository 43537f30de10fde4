//! The Rust side of the DOM bridge: its source, the form of its calls and answers, and the code of each of its refusals.
//!
//! What the functions do is told in `bridge/README.md`; this module knows no command.

use std::sync::{Arc, LazyLock};

use ops_contracts::seam::adapter::Bridge;
use ops_contracts::wire::error::ErrorCode;
use ops_contracts::wire::fault::{Fault, Outcome};
use ops_contracts::wire::ids::ElementRef;
use ops_contracts::wire::locator::{Locator, LocatorKey};
use ops_contracts::wire::receipt::ElementInfo;
use ops_contracts::wire::text::well_formed;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// The first part of the bridge, and all of it. The other parts share one scope, so their order matters.
pub(crate) static SOURCE: LazyLock<Bridge> = LazyLock::new(|| Bridge {
    start: Arc::from(include_str!("bridge/start.js")),
    started: &["stats", "deafen", "hear"],
    whole: Arc::from(concat!(
        include_str!("bridge/start.js"),
        include_str!("bridge/captured.js"),
        include_str!("bridge/helpers.js"),
        include_str!("bridge/refs.js"),
        include_str!("bridge/tree.js"),
        include_str!("bridge/visibility.js"),
        include_str!("bridge/imagemaps.js"),
        include_str!("bridge/roles.js"),
        include_str!("bridge/names.js"),
        include_str!("bridge/states.js"),
        include_str!("bridge/snapshot.js"),
        include_str!("bridge/locators.js"),
        include_str!("bridge/reading.js"),
        include_str!("bridge/actionability.js"),
        include_str!("bridge/guard.js"),
        include_str!("bridge/watching.js"),
        include_str!("bridge/forms.js"),
        include_str!("bridge/focus.js"),
        include_str!("bridge/typing.js"),
        include_str!("bridge/waiting.js"),
        include_str!("bridge/frames.js"),
        include_str!("bridge/storage.js"),
        include_str!("bridge/environment.js"),
        include_str!("bridge/metrics.js"),
        include_str!("bridge/picture.js"),
        include_str!("bridge/clone.js"),
        include_str!("bridge/component.js"),
        include_str!("bridge/call.js"),
    )),
});

/// A locator as the bridge takes it: refs are plain numbers of one frame.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BridgeLocator {
    #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
    reference: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    placeholder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alt: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    css: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    xpath: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nth: Option<i32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    exact: bool,
}

impl From<&Locator> for BridgeLocator {
    fn from(locator: &Locator) -> Self {
        let mut fields = Self {
            nth: locator.nth,
            exact: locator.exact,
            ..Self::default()
        };
        match locator.by.clone() {
            LocatorKey::Ref(reference) => fields.reference = Some(reference.element),
            LocatorKey::Role { role, name } => (fields.role, fields.name) = (Some(role), name),
            LocatorKey::Text(text) => fields.text = Some(text),
            LocatorKey::Label(text) => fields.label = Some(text),
            LocatorKey::Placeholder(text) => fields.placeholder = Some(text),
            LocatorKey::Alt(text) => fields.alt = Some(text),
            LocatorKey::Title(text) => fields.title = Some(text),
            LocatorKey::TestId(text) => fields.test_id = Some(text),
            LocatorKey::Css(text) => fields.css = Some(text),
            LocatorKey::Xpath(text) => fields.xpath = Some(text),
        }
        fields
    }
}

impl BridgeLocator {
    /// The element that a call has numbered.
    pub(crate) fn reference(number: u32) -> Self {
        Self {
            reference: Some(number),
            ..Self::default()
        }
    }
}

/// Role, name and tag, as the bridge describes an element.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Description {
    pub(crate) role: String,
    name: String,
    tag: String,
}

impl Description {
    /// The element as the contract tells of it.
    pub(crate) fn element(self, frame: u32, number: u32) -> ElementInfo {
        let reference = ElementRef {
            frame,
            element: number,
        };
        ElementInfo {
            reference,
            role: self.role,
            name: self.name,
            tag: self.tag,
        }
    }
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    ok: Option<&'a RawValue>,
    err: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: String,
    message: String,
    #[serde(default)]
    details: serde_json::Map<String, Value>,
}

/// What an answer tells beside its result.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) struct Asides {
    /// The first element number that is unused now.
    #[serde(default)]
    pub(crate) next: Option<u32>,
    /// How many elements were met that may hold a closed shadow root and were never asked about.
    #[serde(default)]
    pub(crate) hosts: u32,
}

/// Parses an answer: the result, and what is told beside it.
pub(crate) fn parse<R: DeserializeOwned>(text: &str, frame: u32) -> (Outcome<R>, Asides) {
    let text = &*well_formed(text);
    match serde_json::from_str::<Answer<'_>>(text) {
        Ok(Answer {
            ok: Some(result), ..
        }) => {
            let asides = serde_json::from_str(result.get()).unwrap_or_default();
            (
                serde_json::from_str(result.get()).map_err(|error| broken(&error.to_string())),
                asides,
            )
        }
        Ok(Answer {
            err: Some(refusal), ..
        }) => {
            let number = |key| {
                refusal
                    .details
                    .get(key)
                    .and_then(Value::as_u64)
                    .and_then(|number| u32::try_from(number).ok())
            };
            let asides = Asides {
                next: number("next"),
                hosts: number("hosts").unwrap_or_default(),
            };
            (Err(refusal.fault(frame)), asides)
        }
        Ok(_) => (
            Err(broken("neither a result nor an error")),
            Asides::default(),
        ),
        Err(error) => (Err(broken(&error.to_string())), Asides::default()),
    }
}

fn broken(why: &str) -> Fault {
    Fault::new(
        ErrorCode::OpsInternal,
        format!("the DOM bridge gave an answer of another form: {why}"),
    )
}

impl Refusal {
    fn fault(self, frame: u32) -> Fault {
        let mut fault = Fault::new(code(&self.code), self.message);
        for (key, mut value) in self.details {
            if key == "next" || key == "hosts" {
                continue;
            }
            if key == "ref"
                && let Some(named) = text_ref(&value, frame)
            {
                if fault.code == ErrorCode::OpsRefStale {
                    fault.message = format!(
                        "{} names no element of this document any more",
                        named.as_str().unwrap_or_default()
                    );
                }
                value = named;
            }
            name_refs(&mut value, frame);
            fault.details.insert(&key, value);
        }
        fault
    }
}

/// The contract's code for each refusal of the bridge.
fn code(bridge: &str) -> ErrorCode {
    match bridge {
        "stale_ref" => ErrorCode::OpsRefStale,
        "not_found" => ErrorCode::OpsElementNotFound,
        "ambiguous" => ErrorCode::OpsElementAmbiguous,
        "not_visible" => ErrorCode::OpsElementNotVisible,
        "not_enabled" => ErrorCode::OpsElementDisabled,
        "not_editable" => ErrorCode::OpsElementNotEditable,
        "covered" => ErrorCode::OpsElementCovered,
        "outside_viewport" => ErrorCode::OpsElementOutside,
        "unstable" => ErrorCode::OpsElementUnstable,
        "wrong_element_type" => ErrorCode::OpsElementWrongType,
        "option_not_found" => ErrorCode::OpsOptionNotFound,
        "invalid_selector" => ErrorCode::OpsSelectorInvalid,
        "invalid_value" => ErrorCode::OpsValueRejected,
        "no_storage" => ErrorCode::OpsStorageUnavailable,
        "gone" => ErrorCode::OpsNavInterrupted,
        "timeout" => ErrorCode::OpsTimeout,
        _ => ErrorCode::OpsInternal,
    }
}

/// What a result tells of elements, with refs as the contract writes them.
pub(crate) fn naming_refs(mut value: Value, frame: u32) -> Value {
    name_refs(&mut value, frame);
    value
}

/// Rewrites the bridge's element numbers (`"ref": 12`) as refs (`"ref": "e12"`), at any depth.
fn name_refs(value: &mut Value, frame: u32) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| name_refs(item, frame)),
        Value::Object(fields) => {
            for (key, field) in fields {
                match text_ref(field, frame) {
                    Some(named) if key == "ref" => *field = named,
                    _ => name_refs(field, frame),
                }
            }
        }
        _ => {}
    }
}

fn text_ref(value: &Value, frame: u32) -> Option<Value> {
    let element = u32::try_from(value.as_u64()?).ok()?;
    Some(ElementRef { frame, element }.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_becomes_a_fault_whose_refs_name_their_frame() {
        let text = r#"{"err":{"code":"ambiguous","message":"2 match","details":{"count":2,"next":9,"candidates":[{"ref":7,"role":"button"},{"ref":8,"by":{"ref":3}}]}}}"#;
        let (outcome, next) = parse::<Value>(text, 2);
        let fault = outcome.unwrap_err();
        assert_eq!(fault.code, ErrorCode::OpsElementAmbiguous);
        assert_eq!(
            next,
            Asides {
                next: Some(9),
                hosts: 0
            }
        );
        assert_eq!(
            fault.details.get("candidates").unwrap().to_string(),
            r#"[{"ref":"f2e7","role":"button"},{"by":{"ref":"f2e3"},"ref":"f2e8"}]"#
        );
        assert!(fault.details.get("next").is_none());
    }

    #[test]
    fn an_answer_of_another_form_is_an_error_and_no_panic() {
        for text in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"ok":{"next":-1}}"#,
            r#"{"err":{}}"#,
        ] {
            let (outcome, _) = parse::<u32>(text, 0);
            assert_eq!(outcome.unwrap_err().code, ErrorCode::OpsInternal, "{text}");
        }
        assert_eq!(parse::<u32>(r#"{"ok":7}"#, 0).0.unwrap(), 7);
        let lone = parse::<String>(r#"{"ok":"a\ud800b"}"#, 0).0.unwrap();
        assert_eq!(
            lone, "a\u{fffd}b",
            "Rust has no text for half of a character"
        );
    }
}
