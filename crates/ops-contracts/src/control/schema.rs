//! The JSON Schemas of the contract, by file name. What is generated from them is compared in CI, so that drift fails the build.

use schemars::{Schema, schema_for};

use crate::control::access::{AccessPolicy, ConfirmationList};
use crate::control::config::ConfigDocument;
use crate::control::health::HealthEnvelope;
use crate::control::scorecard::ScorecardArtifact;
use crate::control::status::StatusDocument;
use crate::wire::blob::BlobInfo;
use crate::wire::command::CommandName;
use crate::wire::frame::FrameType;

/// Every schema of the contract, as (file name below `schemas/ops/`, schema), in a fixed order.
#[must_use]
pub fn all() -> Vec<(String, Schema)> {
    let frames = FrameType::ALL
        .iter()
        .filter_map(|kind| Some(named(kind.as_str(), kind.schema()?)));
    let mut schemas: Vec<_> = frames.collect();
    schemas.extend([
        named(
            FrameType::AdapterHealth.as_str(),
            schema_for!(HealthEnvelope),
        ),
        named("ops_blob", schema_for!(BlobInfo)),
        named("status", schema_for!(StatusDocument)),
        named("config", schema_for!(ConfigDocument)),
        named("policy", schema_for!(AccessPolicy)),
        named("confirmations", schema_for!(ConfirmationList)),
    ]);
    for &command in CommandName::ALL {
        let (params, result) = command.schemas();
        schemas.push(named(&format!("{command}.params"), params));
        schemas.push(named(&format!("{command}.result"), result));
    }
    schemas
}

/// Every schema of a gate artifact, as (file name below `schemas/ops-gates/`, schema).
#[must_use]
pub fn gates() -> Vec<(String, Schema)> {
    vec![named("scorecard-summary", schema_for!(ScorecardArtifact))]
}

fn named(name: &str, schema: Schema) -> (String, Schema) {
    (format!("{name}.schema.json"), schema)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What a schema says of its field `type`, a reference resolved.
    fn of_type(schema: &Value) -> Value {
        let field = &schema["properties"]["type"];
        match field["$ref"].as_str() {
            Some(path) => schema.pointer(path.trim_start_matches('#')).cloned(),
            None => Some(field.clone()),
        }
        .unwrap_or_default()
    }

    #[test]
    fn every_frame_has_a_schema_that_requires_its_type() {
        let schemas = all();
        for kind in FrameType::ALL {
            let file = format!("{}.schema.json", kind.as_str());
            let found = schemas.iter().find(|(name, _)| *name == file);
            let (_, schema) = found.expect("it has a schema");
            let schema = schema.as_value();
            let required = schema["required"].as_array().expect("a list");
            assert!(required.contains(&json!("type")), "{file}: {required:?}");
            let told = of_type(schema).to_string();
            assert!(
                told.contains(&format!(r#""const":"{}""#, kind.as_str())),
                "{file}: {told}"
            );
        }
    }
}
