//! From the protocol's description of a value to JSON, with the meaning that "by value" has elsewhere: own enumerable
//! properties, `undefined` left out of objects and `null` in lists, everything that is no plain value an empty object.

use std::collections::HashMap;

use ops_contracts::seam::adapter::{Evaluated, ScriptError};
use serde_json::value::RawValue;

use crate::connection::CallError;
use crate::protocol::script::{RemoteValue, ValueType};

/// How deep values may be nested.
const MAX_DEPTH: usize = 200;

/// Why a value has no JSON.
enum Unwritable {
    /// It refers to itself, is nested too deep, or is a kind that is no value.
    Refused(&'static str),
    /// The description is not understood.
    Broken(String),
}

impl From<serde_json::Error> for Unwritable {
    fn from(error: serde_json::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// What an expression came to.
pub(super) fn evaluated(described: &RawValue) -> Result<Evaluated, CallError> {
    let broken = |error: serde_json::Error| CallError::Decode(error.to_string());
    let value: RemoteValue<'_> = serde_json::from_str(described.get()).map_err(broken)?;
    if let Some(text) = unserializable(&value).map_err(broken)? {
        return Ok(Evaluated::Unserializable(text));
    }
    let mut writer = Writer::default();
    match writer.write(&value, 0) {
        Ok(()) => Ok(Evaluated::Value(
            RawValue::from_string(writer.out).map_err(broken)?,
        )),
        Err(Unwritable::Refused(why)) => {
            let text = format!("the value can't be returned as JSON: {why}");
            Ok(Evaluated::Threw(ScriptError {
                text,
                line: None,
                column: None,
            }))
        }
        Err(Unwritable::Broken(error)) => Err(CallError::Decode(error)),
    }
}

/// The source text of a value that JSON cannot hold.
fn unserializable(value: &RemoteValue<'_>) -> serde_json::Result<Option<String>> {
    let text = |value: &RemoteValue<'_>| match value.value {
        Some(raw) if raw.get().starts_with('"') => serde_json::from_str(raw.get()).map(Some),
        _ => Ok(None),
    };
    match value.r#type {
        ValueType::Undefined => Ok(Some("undefined".to_owned())),
        ValueType::Number => text(value),
        ValueType::Bigint => Ok(text(value)?.map(|digits: String| digits + "n")),
        _ => Ok(None),
    }
}

#[derive(Default)]
struct Writer<'a> {
    out: String,
    /// Where the JSON of each object that occurs more than once is; `None` while it is being written.
    seen: HashMap<&'a str, Option<std::ops::Range<usize>>>,
}

impl<'a> Writer<'a> {
    fn write(&mut self, value: &RemoteValue<'a>, depth: usize) -> Result<(), Unwritable> {
        if depth > MAX_DEPTH {
            return Err(Unwritable::Refused("it is nested too deep"));
        }
        match value.r#type {
            ValueType::String | ValueType::Boolean => {
                self.out.push_str(value.value.map_or("null", RawValue::get))
            }
            ValueType::Number => {
                // Those that JSON cannot hold are described by texts.
                let number = value.value.map_or("null", RawValue::get);
                self.out.push_str(match number {
                    "\"-0\"" => "-0",
                    text if text.starts_with('"') => "null",
                    number => number,
                });
            }
            ValueType::Null | ValueType::Undefined => self.out.push_str("null"),
            ValueType::Symbol => return Err(Unwritable::Refused("it is a symbol")),
            ValueType::Bigint => return Err(Unwritable::Refused("it holds a big integer")),
            ValueType::Window => return Err(Unwritable::Refused("it is a window")),
            ValueType::Array | ValueType::Object => return self.container(value, depth),
            ValueType::Function | ValueType::Promise | ValueType::Unknown => {
                self.out.push_str("{}")
            }
        }
        Ok(())
    }

    fn container(&mut self, value: &RemoteValue<'a>, depth: usize) -> Result<(), Unwritable> {
        let Some(content) = value.value else {
            let known = value
                .internal_id
                .and_then(|id| self.seen.get(id))
                .ok_or(Unwritable::Refused("it is nested too deep"))?;
            let Some(range) = known.clone() else {
                return Err(Unwritable::Refused("it refers to itself"));
            };
            self.out.extend_from_within_checked(range);
            return Ok(());
        };
        if let Some(id) = value.internal_id {
            self.seen.insert(id, None);
        }
        let start = self.out.len();
        if value.r#type == ValueType::Array {
            self.list(content, depth)?
        } else {
            self.object(content, depth)?
        }
        if let Some(id) = value.internal_id {
            self.seen.insert(id, Some(start..self.out.len()));
        }
        Ok(())
    }

    fn list(&mut self, content: &'a RawValue, depth: usize) -> Result<(), Unwritable> {
        let items: Vec<RemoteValue<'a>> = serde_json::from_str(content.get())?;
        self.out.push('[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.write(item, depth + 1)?;
        }
        self.out.push(']');
        Ok(())
    }

    fn object(&mut self, content: &'a RawValue, depth: usize) -> Result<(), Unwritable> {
        let entries: Vec<(&'a RawValue, RemoteValue<'a>)> = serde_json::from_str(content.get())?;
        self.out.push('{');
        let mut first = true;
        for (key, item) in &entries {
            if item.r#type == ValueType::Undefined {
                continue;
            }
            if !std::mem::take(&mut first) {
                self.out.push(',');
            }
            self.out.push_str(key.get());
            self.out.push(':');
            self.write(item, depth + 1)?;
        }
        self.out.push('}');
        Ok(())
    }
}

/// Repeats a part of a text that is being written.
trait Repeat {
    fn extend_from_within_checked(&mut self, range: std::ops::Range<usize>);
}

impl Repeat for String {
    fn extend_from_within_checked(&mut self, range: std::ops::Range<usize>) {
        if let Some(part) = self.get(range).map(str::to_owned) {
            self.push_str(&part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(described: &str, expected: &str) {
        let raw = RawValue::from_string(described.to_owned()).unwrap();
        let text = match evaluated(&raw).unwrap() {
            Evaluated::Value(value) => value.get().to_owned(),
            Evaluated::Unserializable(text) => format!("~{text}"),
            Evaluated::Threw(error) => format!("!{}", error.text.rsplit(": ").next().unwrap()),
        };
        assert_eq!(text, expected, "{described}");
    }

    #[test]
    fn plain_values_stay_what_they_are() {
        check(r#"{"type":"number","value":1.5}"#, "1.5");
        check(r#"{"type":"string","value":"a\"\ud800"}"#, r#""a\"\ud800""#);
        check(r#"{"type":"boolean","value":false}"#, "false");
        check(r#"{"type":"null"}"#, "null");
        check(
            r#"{"type":"node","sharedId":"x","value":{"nodeType":1}}"#,
            "{}",
        );
        check(r#"{"type":"invented"}"#, "{}");
    }

    #[test]
    fn what_json_cannot_hold_is_told_as_source() {
        check(r#"{"type":"undefined"}"#, "~undefined");
        check(r#"{"type":"number","value":"NaN"}"#, "~NaN");
        check(r#"{"type":"number","value":"-0"}"#, "~-0");
        check(r#"{"type":"bigint","value":"12"}"#, "~12n");
        check(r#"{"type":"symbol"}"#, "!it is a symbol");
    }

    #[test]
    fn containers_are_written_as_by_value_and_never_without_end() {
        let shared = r#"{"type":"array","value":[{"type":"object","value":[["q",{"type":"number","value":1}]],"internalId":"i"},{"type":"object","internalId":"i"},{"type":"undefined"}]}"#;
        check(shared, r#"[{"q":1},{"q":1},null]"#);
        let circular = r#"{"type":"object","internalId":"i","value":[["a",{"type":"object","internalId":"i"}]]}"#;
        check(circular, "!it refers to itself");
        let object = r#"{"type":"object","value":[["f",{"type":"function"}],["u",{"type":"undefined"}],["n",{"type":"number","value":"NaN"}],["d",{"type":"date","value":"x"}]]}"#;
        check(object, r#"{"f":{},"n":null,"d":{}}"#);
    }
}
