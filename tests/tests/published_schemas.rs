//! What a live relay says is what the published schemas promise, and what they take is what the programs take.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use odb_tests::relay::Relay;
use ops_client::post;
use ops_contracts::wire::frame::ClientFrame;
use serde_json::{Value, json};

fn schema(name: &str) -> jsonschema::Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../schemas/ops")
        .join(name);
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

#[track_caller]
fn fits(validator: &jsonschema::Validator, document: &Value) {
    let faults: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:?}\n{document}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_status_document_of_a_live_relay_fits_its_schema() {
    let scratch = tempfile::tempdir().unwrap();
    let relay = Relay::start_with(
        &scratch,
        &["--ops-routing", "auto", "--ops-rollout-percent", "50"],
    );
    let text = post::status(&relay.endpoint("alice-01")).await.unwrap();
    let mut document: Value = serde_json::from_str(&text).unwrap();
    let validator = schema("status.schema.json");
    fits(&validator, &document);
    document["ofTomorrow"] = json!([1]);
    fits(&validator, &document);
    document
        .as_object_mut()
        .unwrap()
        .remove("effectiveRoutingMode");
    assert!(
        !validator.is_valid(&document),
        "a field that goes missing is noticed"
    );
}

#[test]
fn the_schema_of_the_configuration_takes_what_the_programs_take() {
    let validator = schema("config.schema.json");
    for (text, taken) in [
        ("{}", true),
        (
            r#"{"configSchemaVersion":1,"pairing":"on","ops":{"routingMode":"auto","rolloutPercent":25,"rolloutAllowlist":["cli:alice-01"]}}"#,
            true,
        ),
        (
            r#"{"listen":"127.0.0.1:7000","limitsProfile":"local","browser":{"sandbox":"off","args":["--x"]}}"#,
            true,
        ),
        (r#"{"limitsProfile":"lax"}"#, false),
        (r#"{"pairing":true}"#, false),
        (r#"{"browser":{"args":"--x"}}"#, false),
        (r#"{"ops":{"rolloutPercent":101}}"#, false),
        (r#"{"ops":{"routingMode":"quantum"}}"#, false),
        (r#"{"ops":{"rolloutAllowlist":["bob"]}}"#, false),
    ] {
        let document: Value = serde_json::from_str(text).unwrap();
        assert_eq!(validator.is_valid(&document), taken, "{text}");
        let parsed = ops_contracts::control::config::parse(text, true);
        let whole =
            parsed.is_ok_and(|parsed| parsed.downgrade.is_none() && !parsed.allowlist_invalid);
        assert_eq!(whole, taken, "{text}");
    }
}

#[test]
fn frames_as_they_are_sent_fit_their_schemas_and_without_their_type_they_do_not() {
    let hello = r#"{"type":"ops_hello","contractVersion":"1.1.0","clientVersion":"0.2.0","clientKind":"other"}"#;
    let request = r#"{"type":"ops_request","requestId":"r1","command":"session.create"}"#;
    let cancel = r#"{"type":"ops_cancel","requestId":"r1"}"#;
    for text in [hello, request, cancel] {
        let sent = match ClientFrame::parse(text).unwrap() {
            ClientFrame::Hello(hello) => hello.encode(),
            ClientFrame::Request(request) => request.encode(),
            ClientFrame::Cancel(cancel) => cancel.encode(),
            other => panic!("{other:?}"),
        };
        let mut frame: Value = serde_json::from_str(&sent).unwrap();
        let name = frame["type"].as_str().unwrap().to_owned();
        let validator = schema(&format!("{name}.schema.json"));
        fits(&validator, &frame);
        frame["type"] = json!("ops_pong");
        assert!(!validator.is_valid(&frame), "{name} is told from others");
        frame.as_object_mut().unwrap().remove("type");
        assert!(!validator.is_valid(&frame), "{name} needs its type");
    }
}
