//! What whoever decides about a command is shown of its parameters: all code that will run, nothing that may be a secret, and
//! whether that is all.

use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The most characters of parameters that are shown.
const MOST: usize = 65_536;

/// Parameters whose texts may be secrets.
const SECRET: &[&str] = &[
    "value", "text", "password", "username", "cookies", "items", "state", "headers", "body",
];

/// The parameter of `network.route` whose fields a page is given to run: nothing in it is hidden.
const ANSWERS: &str = "fulfil";

/// The field there that names bytes that were sent before: what they are is not shown.
const BLOB: &str = "blob";

/// Parameters for whoever decides.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// JSON, cut where it is too long.
    pub(super) params: String,
    /// SHA-256 of all of it, nothing hidden.
    pub(super) sha256: String,
    /// Whether `params` is everything but what may be a secret.
    pub(super) complete: bool,
}

impl Shown {
    pub(super) fn of(params: &RawValue) -> Self {
        // What can't be read is refused by whoever would run it.
        let mut value = serde_json::from_str::<Value>(params.get()).unwrap_or_default();
        let sha256 = hex(&Sha256::digest(value.to_string()));
        let whole = hide(&mut value);
        let (params, cut) = cut(value.to_string());
        Self {
            params,
            sha256,
            complete: whole && !cut,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A text that is at most as long as is shown, and whether it had to be cut.
fn cut(text: String) -> (String, bool) {
    let length = text.chars().count();
    if length <= MOST {
        return (text, false);
    }
    let kept: String = text.chars().take(MOST).collect();
    (
        format!("{kept}… [{} more characters are not shown]", length - MOST),
        true,
    )
}

/// Hides what may be a secret; whether all code is still there. Every value is visited, also when it is known that not all is.
fn hide(value: &mut Value) -> bool {
    let mut whole = true;
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                whole &= match field {
                    Value::Object(answer) if key == ANSWERS => !answer.contains_key(BLOB),
                    _ if SECRET.contains(&key.as_str()) => {
                        *field = Value::String(shape(field));
                        true
                    }
                    field => hide(field),
                };
            }
        }
        Value::Array(items) => {
            for item in items {
                whole &= hide(item);
            }
        }
        _ => {}
    }
    whole
}

/// What a hidden value is like.
fn shape(value: &Value) -> String {
    match value {
        Value::String(text) => format!("[{} characters]", text.chars().count()),
        Value::Array(items) => format!("[{} items]", items.len()),
        _ => "[hidden]".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(params: &Value) -> Shown {
        Shown::of(&RawValue::from_string(params.to_string()).unwrap())
    }

    #[test]
    fn what_may_be_a_secret_is_hidden_from_the_list() {
        let Shown {
            params, complete, ..
        } = shown(&json!({ "element": { "css": "input" }, "value": "hunter2", "items": [1, 2] }));
        assert!(
            params.contains("input")
                && params.contains("[7 characters]")
                && params.contains("[2 items]"),
            "{params}"
        );
        assert!(complete && !params.contains("hunter2"));
    }

    #[test]
    fn code_is_shown_to_its_end() {
        let code = format!("{}; steal()", "x".repeat(20_000));
        let in_a_batch = json!({ "commands": [
            { "command": "dom.eval", "params": { "expression": code } },
            { "command": "nav.wait", "params": { "function": code } },
            { "command": "network.route", "params": { "url": "**", "fulfil": { "body": code } } },
        ] });
        let shown = shown(&in_a_batch);
        assert!(shown.complete);
        assert_eq!(shown.params.matches("; steal()").count(), 3);
    }

    #[test]
    fn what_is_not_shown_whole_says_so_and_has_another_hash() {
        let [one, other] = ["kind()", "evil()"]
            .map(|end| shown(&json!({ "expression": format!("{}{end}", "x".repeat(MOST)) })));
        assert!(!one.complete && one.params.ends_with(" more characters are not shown]"));
        assert_eq!(one.params, other.params);
        assert_ne!(one.sha256, other.sha256);
        let blob = shown(&json!({ "url": "**", "fulfil": { "blob": "b1" } }));
        assert!(!blob.complete, "{blob:?}");
        let nested = json!({ "commands": [{ "params": { "fulfil": { "blob": "b1" } } }] });
        assert!(!shown(&nested).complete);
    }

    #[test]
    fn the_hash_is_that_of_the_sorted_json() {
        let hash = |text: &str| Shown::of(&RawValue::from_string(text.to_owned()).unwrap()).sha256;
        assert_eq!(hash(r#"{ "b": 1, "a": 2 }"#), hash(r#"{"a":2,"b":1}"#));
        // echo -n '{"a":2,"b":1}' | sha256sum
        assert_eq!(
            hash(r#"{"b":1,"a":2}"#),
            "d3626ac30a87e6f7a6428233b3c68299976865fa5508e4267c5415c76af7a772"
        );
    }
}
