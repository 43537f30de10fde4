//! JSON Schemas as tables for people. Knows the subset that the contract's types produce.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Result, ensure};
use serde_json::{Map, Value};

use super::cell;

/// Types that several commands share, by name, described once.
#[derive(Debug, Default)]
pub(super) struct Shared {
    types: BTreeMap<String, Value>,
}

impl Shared {
    /// Takes over the definitions of a schema.
    pub(super) fn collect(&mut self, schema: &Value) -> Result<()> {
        let Some(definitions) = schema.get("$defs").and_then(Value::as_object) else {
            return Ok(());
        };
        for (name, definition) in definitions {
            let known = self
                .types
                .entry(name.clone())
                .or_insert_with(|| definition.clone());
            ensure!(
                known == definition,
                "two types of the contract are called {name}: the documentation can't tell them apart"
            );
        }
        Ok(())
    }

    /// The section that describes them.
    pub(super) fn section(&self) -> String {
        let mut section = String::from("\n## Types\n");
        for (name, schema) in &self.types {
            let _ = write!(section, "\n### {name}\n\n{}\n", description(schema));
            if name == "ErrorCode" {
                section.push_str("\nThe codes are listed in [errors.md](errors.md).\n");
            } else if has_fields(schema) {
                section.push_str(&fields(schema, "field"));
            } else {
                section.push_str(&plain(schema));
            }
        }
        section
    }
}

fn description(schema: &Value) -> String {
    schema
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .replace("\n\n", " ")
        .replace('\n', " ")
}

/// Whether a schema is an object with named fields.
pub(super) fn has_fields(schema: &Value) -> bool {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .is_some_and(|fields| !fields.is_empty())
}

/// The table of an object's fields.
pub(super) fn fields(schema: &Value, title: &str) -> String {
    let mut table = format!(
        "\n| {title} | type | required | default | meaning |\n| --- | --- | --- | --- | --- |\n"
    );
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let all = || {
        schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
    };
    let is_required = |name: &str| required.contains(&name);
    let ordered = all()
        .filter(|(name, _)| is_required(name))
        .chain(all().filter(|(name, _)| !is_required(name)));
    for (name, field) in ordered {
        let needed = if is_required(name) { "yes" } else { "no" };
        let default = field.get("default").filter(|default| !default.is_null());
        let default = default.map_or(String::new(), |default| format!("`{default}`"));
        let (default, meaning) = (cell(&default), cell(&description(field)));
        let _ = writeln!(
            table,
            "| `{name}` | {} | {needed} | {default} | {meaning} |",
            type_of(field)
        );
    }
    table
}

/// A type without fields: its values, one a line, or its form.
fn plain(schema: &Value) -> String {
    let Some(choices) = schema
        .get("oneOf")
        .or_else(|| schema.get("anyOf"))
        .and_then(Value::as_array)
    else {
        return format!("\n{}\n", capital(&type_of(schema)));
    };
    let mut table = String::from("\n| value | meaning |\n| --- | --- |\n");
    for choice in choices {
        let _ = writeln!(
            table,
            "| {} | {} |",
            type_of(choice),
            cell(&description(choice))
        );
    }
    table
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

/// A type in a few words.
pub(super) fn type_of(schema: &Value) -> String {
    let Some(schema) = schema.as_object() else {
        return "anything".to_owned();
    };
    if let Some(name) = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|path| path.rsplit('/').next())
    {
        return format!("[{name}](#{})", name.to_lowercase());
    }
    if let Some(choices) = schema
        .get("anyOf")
        .or_else(|| schema.get("oneOf"))
        .and_then(Value::as_array)
    {
        return choices.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    if let Some(value) = schema.get("const") {
        return format!("`{value}`");
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values
            .iter()
            .map(|value| format!("`{value}`"))
            .collect::<Vec<_>>()
            .join(" or ");
    }
    match schema.get("type") {
        Some(Value::Array(types)) => types
            .iter()
            .filter_map(Value::as_str)
            .map(|name| of_name(name, schema))
            .collect::<Vec<_>>()
            .join(" or "),
        Some(Value::String(name)) => of_name(name, schema),
        _ => "anything".to_owned(),
    }
}

fn of_name(name: &str, schema: &Map<String, Value>) -> String {
    match name {
        "array" => format!(
            "list of {}",
            schema
                .get("items")
                .map_or_else(|| "anything".to_owned(), type_of)
        ),
        "object" => match schema
            .get("properties")
            .and_then(Value::as_object)
            .filter(|fields| !fields.is_empty())
        {
            Some(fields) => {
                let fields: Vec<String> = fields
                    .iter()
                    .map(|(name, field)| format!("`{name}`: {}", type_of(field)))
                    .collect();
                format!("{{{}}}", fields.join(", "))
            }
            None => "object".to_owned(),
        },
        "string" => match (schema.get("format"), schema.get("pattern")) {
            (Some(Value::String(format)), _) => format!("string ({format})"),
            (_, Some(Value::String(pattern))) => format!("string matching `{}`", cell(pattern)),
            _ => "string".to_owned(),
        },
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_told_in_a_few_words() {
        assert_eq!(
            type_of(&json!({ "$ref": "#/$defs/Locator" })),
            "[Locator](#locator)"
        );
        assert_eq!(
            type_of(&json!({ "type": ["integer", "null"], "format": "uint32" })),
            "integer or null"
        );
        assert_eq!(
            type_of(&json!({ "type": "array", "items": { "type": "string" } })),
            "list of string"
        );
        assert_eq!(
            type_of(&json!({ "anyOf": [{ "$ref": "#/$defs/Point" }, { "type": "null" }] })),
            "[Point](#point) or null"
        );
        assert_eq!(
            type_of(&json!({ "enum": ["a", "b"] })),
            "`\"a\"` or `\"b\"`"
        );
        assert_eq!(type_of(&json!(true)), "anything");
    }
}
