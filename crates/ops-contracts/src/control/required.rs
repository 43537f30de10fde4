//! Keys that a published schema requires although their values may be null.
//!
//! An absent key and a null are one to serde's `Option`, and schemars leaves such keys out of `required`; its own attribute for
//! it forbids the null. A validator by the schema must notice a key that is missing.

use schemars::Schema;
use serde_json::{Value, json};

/// Requires every property of the object.
pub(crate) fn require_all(schema: &mut Schema) {
    let names: Vec<String> = schema
        .get("properties")
        .and_then(Value::as_object)
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default();
    require(schema, &names);
}

/// Requires the property that says until when a circuit stays open.
pub(crate) fn require_cooldown_until(schema: &mut Schema) {
    require(schema, &["cooldownUntil"]);
}

fn require(schema: &mut Schema, names: &[impl AsRef<str>]) {
    let object = schema.ensure_object();
    let required = object.entry("required").or_insert_with(|| json!([]));
    let Value::Array(required) = required else {
        return;
    };
    for name in names {
        let name = json!(name.as_ref());
        if !required.contains(&name) {
            required.push(name);
        }
    }
}
