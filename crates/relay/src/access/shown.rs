//! What whoever decides about a command is shown of its parameters: all code that will run, nothing that may be a secret, and
//! whether that is all.

use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::secret::FORMAT;
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

/// The most characters of parameters that are shown.
const MOST: usize = 65_536;

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
    /// What is shown of the parameters of a command.
    pub(super) fn of(command: &str, params: &RawValue) -> Self {
        // What can't be read is refused by whoever would run it.
        let mut value = serde_json::from_str::<Value>(params.get()).unwrap_or_default();
        let sha256 = hex(&Sha256::digest(value.to_string()));
        let whole = hide_params(command, &mut value);
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

/// Hides what may be a secret in the parameters of a command; whether all code is still there.
///
/// What a secret is the schema of the parameters says, by its format. What no schema knows is hidden: nobody has said that it is
/// none. It can't be run either.
fn hide_params(command: &str, params: &mut Value) -> bool {
    let Some(name) = CommandName::find(command) else {
        *params = Value::String(shape(params));
        return false;
    };
    let (schema, _) = name.schemas();
    let root = schema.as_value();
    hide(params, &[root], root)
}

/// The same below a value that one of these schemas describes. Every value is visited, also when it is known that not all is shown.
fn hide(value: &mut Value, schemas: &[&Value], root: &Value) -> bool {
    let schemas = resolved(schemas, root);
    if schemas
        .iter()
        .any(|schema| schema.get("format").is_some_and(|it| it == FORMAT))
    {
        *value = Value::String(shape(value));
        return true;
    }
    match value {
        Value::Object(fields) => {
            // A step of a batch: its parameters are its command's.
            let command = fields
                .get("command")
                .and_then(Value::as_str)
                .map(str::to_owned);
            let mut whole = true;
            for (key, field) in fields {
                let known = below(&schemas, key);
                whole &= match (&command, field) {
                    (Some(command), field) if key == "params" => hide_params(command, field),
                    (_, Value::Object(answer)) if key == ANSWERS => !answer.contains_key(BLOB),
                    (_, field) if known.is_empty() => {
                        *field = Value::String(shape(field));
                        false
                    }
                    (_, field) => hide(field, &known, root),
                };
            }
            whole
        }
        Value::Array(items) => {
            let known: Vec<&Value> = schemas.iter().filter_map(|it| it.get("items")).collect();
            items
                .iter_mut()
                .fold(true, |whole, item| hide(item, &known, root) & whole)
        }
        _ => true,
    }
}

/// The schemas themselves, with those that they refer to or are made of.
fn resolved<'s>(schemas: &[&'s Value], root: &'s Value) -> Vec<&'s Value> {
    let mut all: Vec<&Value> = schemas.to_vec();
    let mut at = 0;
    // Schemas may refer in a circle: each is looked at once.
    while let Some(&schema) = all.get(at) {
        let named = schema.get("$ref").and_then(Value::as_str);
        let named = named.and_then(|name| root.pointer(name.strip_prefix('#')?));
        let parts = ["anyOf", "oneOf", "allOf"].into_iter();
        let parts = parts
            .filter_map(|key| schema.get(key)?.as_array())
            .flatten();
        for part in named.into_iter().chain(parts) {
            if !all.iter().any(|known| std::ptr::eq(*known, part)) {
                all.push(part);
            }
        }
        at += 1;
    }
    all
}

/// What the schemas say of a field.
fn below<'s>(schemas: &[&'s Value], key: &str) -> Vec<&'s Value> {
    let named = |schema: &'s Value| schema.get("properties")?.get(key);
    let known: Vec<&Value> = schemas.iter().filter_map(|schema| named(schema)).collect();
    if !known.is_empty() {
        return known;
    }
    let others = |schema: &'s Value| {
        schema
            .get("additionalProperties")
            .filter(|it| **it != false)
    };
    schemas.iter().filter_map(|schema| others(schema)).collect()
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

    fn shown(command: &str, params: &Value) -> Shown {
        Shown::of(command, &RawValue::from_string(params.to_string()).unwrap())
    }

    #[test]
    fn what_may_be_a_secret_is_hidden_and_what_it_is_for_is_shown() {
        let params = json!({ "element": { "text": "Password" }, "value": "hunter2" });
        let fill = shown("interact.fill", &params);
        assert!(fill.params.contains("Password"), "{}", fill.params);
        assert!(fill.params.contains("[7 characters]"), "{}", fill.params);
        assert!(fill.complete && !fill.params.contains("hunter2"));
        let items = json!({ "items": [{ "name": "theme", "value": "hunter2" }] });
        let items = shown("storage.local.set", &items);
        assert!(items.params.contains("theme") && !items.params.contains("hunter2"));
        let proxy = json!({ "proxy": { "server": "http://p:1", "username": "hunter2" } });
        let proxy = shown("session.create", &proxy);
        assert!(proxy.params.contains("http://p:1") && !proxy.params.contains("hunter2"));
        let headers = json!({ "headers": [{ "name": "authorization", "value": "hunter2" }] });
        assert!(
            !shown("network.setHeaders", &headers)
                .params
                .contains("hunter2")
        );
    }

    #[test]
    fn what_no_schema_knows_is_hidden_and_not_called_complete() {
        let unknown = shown("interact.fill", &json!({ "valeu": "hunter2" }));
        assert!(!unknown.complete && !unknown.params.contains("hunter2"));
        let nothing = shown("interact.filll", &json!({ "value": "hunter2" }));
        assert!(!nothing.complete && !nothing.params.contains("hunter2"));
        let nested = json!({ "commands": [{ "command": "x.y", "params": { "a": "hunter2" } }] });
        assert!(!shown("batch.run", &nested).params.contains("hunter2"));
    }

    #[test]
    fn code_is_shown_to_its_end() {
        let code = format!("{}; steal()", "x".repeat(20_000));
        let in_a_batch = json!({ "commands": [
            { "command": "dom.eval", "params": { "expression": code } },
            { "command": "nav.wait", "params": { "function": code } },
            { "command": "network.route", "params": { "url": "**", "fulfil": { "body": code } } },
        ] });
        let shown = shown("batch.run", &in_a_batch);
        assert!(shown.complete, "{}", &shown.params[..400]);
        assert_eq!(shown.params.matches("; steal()").count(), 3);
    }

    #[test]
    fn what_is_not_shown_whole_says_so_and_has_another_hash() {
        let [one, other] = ["kind()", "evil()"].map(|end| {
            let expression = format!("{}{end}", "x".repeat(MOST));
            shown("dom.eval", &json!({ "expression": expression }))
        });
        assert!(!one.complete && one.params.ends_with(" more characters are not shown]"));
        assert_eq!(one.params, other.params);
        assert_ne!(one.sha256, other.sha256);
        let blob = json!({ "url": "**", "fulfil": { "blob": "b1" } });
        assert!(!shown("network.route", &blob).complete);
        let nested = json!({ "commands": [{ "command": "network.route", "params": blob }] });
        assert!(!shown("batch.run", &nested).complete);
    }

    #[test]
    fn the_hash_is_that_of_the_sorted_json() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let hash = |text: &str| Shown::of("dom.eval", &raw(text)).sha256;
        assert_eq!(hash(r#"{ "b": 1, "a": 2 }"#), hash(r#"{"a":2,"b":1}"#));
        // echo -n '{"a":2,"b":1}' | sha256sum
        assert_eq!(
            hash(r#"{"b":1,"a":2}"#),
            "d3626ac30a87e6f7a6428233b3c68299976865fa5508e4267c5415c76af7a772"
        );
    }
}
