//! The JSON Schemas of the contract, by file name. What is generated from them is compared in CI, so that drift fails the build.

use schemars::{Schema, schema_for};
use serde_json::{Value, json};

use crate::control::access::{AccessPolicy, ConfirmationList};
use crate::control::config::ConfigDocument;
use crate::control::cycle::{
    CYCLE_ID_PATTERN, CiArtifact, GateName, InjectionArtifact, SoakArtifact, applied,
};
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
    GateName::ALL
        .iter()
        .map(|gate| (gate.schema_file().to_owned(), gate_schema(*gate)))
        .collect()
}

fn gate_schema(gate: GateName) -> Schema {
    let (mut schema, title) = match gate {
        GateName::Ci => (schema_for!(CiArtifact), "CiArtifact"),
        GateName::Soak => (schema_for!(SoakArtifact), "SoakArtifact"),
        GateName::FaultInjection => (schema_for!(InjectionArtifact), "FaultInjectionArtifact"),
        GateName::Scorecard => (schema_for!(ScorecardArtifact), "ScorecardArtifact"),
    };
    schema.insert("title".to_owned(), title.into());
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    let properties = properties.expect("an artifact has properties");
    properties["gate"] = json!({ "description": "The gate.", "const": gate.as_str() });
    properties["schemaVersion"]["pattern"] = "^1\\.[0-9]+$".into();
    properties["cycleId"]["pattern"] = CYCLE_ID_PATTERN.into();
    if gate != GateName::Scorecard {
        let figures: Vec<String> = applied(gate).into_keys().collect();
        properties["thresholds"]["required"] = json!(figures);
    }
    schema
}

fn named(name: &str, schema: Schema) -> (String, Schema) {
    (format!("{name}.schema.json"), schema)
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn every_gate_has_a_schema_that_requires_what_is_common_and_its_figures() {
        let schemas = gates();
        assert_eq!(schemas.len(), GateName::ALL.len());
        for (name, schema) in schemas {
            let schema = schema.as_value();
            let required = schema["required"].to_string();
            for field in [
                "schemaVersion",
                "cycleId",
                "generatedAt",
                "gate",
                "result",
                "inputs",
                "thresholds",
                "metrics",
                "failures",
                "data_fidelity",
            ] {
                assert!(required.contains(&format!("{field:?}")), "{name}: {field}");
            }
            let metrics = schema["properties"]["metrics"]["$ref"].as_str();
            let metrics = metrics.and_then(|path| schema.pointer(path.trim_start_matches('#')));
            let metrics = metrics.expect("the figures have a definition");
            let count = |value: &Value| value.as_array().map_or(0, Vec::len);
            let figures = metrics["properties"].as_object().expect("figures").len();
            assert_eq!(count(&metrics["required"]), figures, "{name}");
        }
    }
}
