//! The JSON Schemas of the contract, by file name. What is generated from them is compared in CI, so that drift fails the build.

use schemars::{Schema, schema_for};

use crate::control::access::{AccessPolicy, ConfirmationList};
use crate::control::config::ConfigDocument;
use crate::control::health::HealthEnvelope;
use crate::control::scorecard::ScorecardArtifact;
use crate::control::status::StatusDocument;
use crate::wire::blob::BlobInfo;
use crate::wire::command::CommandName;
use crate::wire::frame;

/// Every schema of the contract, as (file name below `schemas/ops/`, schema), in a fixed order.
#[must_use]
pub fn all() -> Vec<(String, Schema)> {
    let mut schemas = vec![
        named("ops_hello", schema_for!(frame::OpsHello)),
        named("ops_hello_ack", schema_for!(frame::OpsHelloAck)),
        named("ops_request", schema_for!(frame::OpsRequest)),
        named("ops_response", schema_for!(frame::OpsResponse)),
        named("ops_error", schema_for!(frame::OpsError)),
        named("ops_event", schema_for!(frame::OpsEvent)),
        named("ops_chunk", schema_for!(frame::OpsChunk)),
        named("ops_cancel", schema_for!(frame::OpsCancel)),
        named("ops_ping", schema_for!(frame::OpsPing)),
        named("ops_blob", schema_for!(BlobInfo)),
        named("ops.adapter.health.v1", schema_for!(HealthEnvelope)),
        named("status", schema_for!(StatusDocument)),
        named("config", schema_for!(ConfigDocument)),
        named("policy", schema_for!(AccessPolicy)),
        named("confirmations", schema_for!(ConfirmationList)),
    ];
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
