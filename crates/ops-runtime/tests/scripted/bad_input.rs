//! Bad input to every command of the registry, made out of its own schema: what is wrong is refused at once, with the code that
//! says so, and the session goes on. A command that is added is tested with it.

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::{Call, CommandName, Lane, SessionClose};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::fixture;

fn parse(name: CommandName, params: &Value) -> Result<Call, (ErrorCode, String)> {
    let raw = RawValue::from_string(params.to_string()).unwrap();
    Call::parse(name, &raw).map_err(|fault| {
        let field = fault
            .details
            .get("field")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        assert!(
            !field.is_empty(),
            "{name}: {} names no field",
            fault.message
        );
        (fault.code, field)
    })
}

#[track_caller]
fn refused(name: CommandName, params: &Value) {
    let shown: String = params.to_string().chars().take(300).collect();
    match parse(name, params) {
        Err((code, _)) => assert_eq!(code, ErrorCode::OpsInvalidRequest, "{name} {shown}"),
        Ok(_) => panic!("{name} takes {shown}"),
    }
}

/// The parameters' schema and its definitions.
fn schema(name: CommandName) -> (Map<String, Value>, Value) {
    let schema = serde_json::to_value(name.schemas().0).unwrap();
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    (properties, schema.get("$defs").cloned().unwrap_or_default())
}

/// The schemas that a property may have, references resolved.
fn alternatives(schema: &Value, definitions: &Value) -> Vec<Value> {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap_or_default();
        return definitions
            .get(name)
            .map(|found| alternatives(found, definitions))
            .unwrap_or_default();
    }
    for key in ["anyOf", "oneOf", "allOf"] {
        if let Some(list) = schema.get(key).and_then(Value::as_array) {
            return list
                .iter()
                .flat_map(|item| alternatives(item, definitions))
                .collect();
        }
    }
    vec![schema.clone()]
}

/// The JSON types that a property may have; none where the schema does not say.
fn types(alternatives: &[Value]) -> Vec<String> {
    let of = |schema: &Value| match schema.get("type") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => many
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ if schema.get("const").is_some() || schema.get("enum").is_some() => {
            vec!["string".to_owned()]
        }
        _ => Vec::new(),
    };
    alternatives.iter().flat_map(of).collect()
}

fn is_closed(alternatives: &[Value]) -> bool {
    alternatives.iter().all(|schema| {
        schema.get("const").is_some()
            || schema.get("enum").is_some()
            || schema.get("type").and_then(Value::as_str) == Some("null")
    })
}

#[test]
fn parameters_that_are_no_object_are_refused() {
    for &name in CommandName::ALL {
        for params in [
            json!(null),
            json!([]),
            json!([{}]),
            json!(7),
            json!("{}"),
            json!(true),
        ] {
            refused(name, &params);
        }
    }
}

#[test]
fn an_unknown_parameter_is_refused_and_named() {
    for &name in CommandName::ALL {
        let (code, field) = parse(name, &json!({ "noSuchParameter": 1 })).unwrap_err();
        assert_eq!(code, ErrorCode::OpsInvalidRequest, "{name}");
        assert!(
            field == "noSuchParameter" || field == "params",
            "{name}: {field}"
        );
    }
}

#[test]
fn a_value_of_the_wrong_type_is_refused() {
    let samples = [
        ("string", json!("x")),
        ("boolean", json!(true)),
        ("object", json!({ "surely": "not" })),
        ("array", json!([[[]]])),
        ("number", json!(1.5)),
    ];
    let mut tried = 0;
    for &name in CommandName::ALL {
        let (properties, definitions) = schema(name);
        for (field, schema) in &properties {
            let alternatives = alternatives(schema, &definitions);
            let allowed = types(&alternatives);
            if allowed.is_empty() {
                continue;
            }
            for (kind, value) in &samples {
                // An integer takes no fraction, which is what the number here has.
                let fits = allowed.iter().any(|allowed| allowed == kind);
                if !fits {
                    refused(name, &json!({ field: value }));
                    tried += 1;
                }
            }
        }
    }
    assert!(tried > 200, "{tried}");
}

#[test]
fn an_unknown_word_and_a_number_out_of_range_are_refused() {
    let mut tried = 0;
    for &name in CommandName::ALL {
        let (properties, definitions) = schema(name);
        for (field, schema) in &properties {
            let alternatives = alternatives(schema, &definitions);
            let allowed = types(&alternatives);
            if is_closed(&alternatives) && allowed.iter().any(|kind| kind == "string") {
                refused(name, &json!({ field: "no-such-word" }));
                tried += 1;
            }
            if allowed.iter().any(|kind| kind == "integer") {
                for number in [json!(-1_000_000_000_000_i64), json!(1e300), json!(0.5)] {
                    refused(name, &json!({ field: number }));
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn enormous_and_odd_strings_neither_panic_nor_take_long() {
    let huge = "x".repeat(1 << 20);
    let odd = [
        "",
        " ",
        "\u{0}",
        "\u{1b}[31m",
        "\u{202e}\u{feff}",
        "'\";--",
        "../../etc/passwd",
        "é\u{301}🔑",
        huge.as_str(),
    ];
    for &name in CommandName::ALL {
        let (properties, definitions) = schema(name);
        for (field, schema) in &properties {
            if types(&alternatives(schema, &definitions))
                .iter()
                .any(|kind| kind == "string")
            {
                for text in odd {
                    // Whether it is taken is the command's business; a refusal names its field, which `parse` checks.
                    drop(parse(name, &json!({ field: text })));
                }
            }
        }
    }
}

fn of_sessions() -> impl Iterator<Item = CommandName> {
    CommandName::ALL
        .iter()
        .copied()
        .filter(|name| name.spec().lane != Lane::Service)
}

#[tokio::test]
async fn every_command_is_refused_without_its_session_and_by_another_holder() {
    let f = fixture().0;
    let session = f.session().await.unwrap();
    let (unknown, foreign) = (
        "0".repeat(32).parse().unwrap(),
        "1".repeat(64).parse().unwrap(),
    );
    for name in of_sessions() {
        let params = example(name);
        let code =
            |reply: ops_contracts::seam::port::Reply| reply.outcome.err().map(|fault| fault.code);
        assert_eq!(
            code(f.raw(name.as_str(), &params, None).await),
            Some(ErrorCode::OpsSessionRequired),
            "{name}"
        );
        let reply = f
            .raw(name.as_str(), &params, Some((&unknown, &session.lease)))
            .await;
        assert_eq!(code(reply), Some(ErrorCode::OpsSessionUnknown), "{name}");
        let reply = f
            .raw(name.as_str(), &params, Some((&session.id, &foreign)))
            .await;
        assert_eq!(code(reply), Some(ErrorCode::OpsNotOwner), "{name}");
    }
    session.title().await.unwrap();
    f.close().await;
}

#[tokio::test]
async fn every_command_of_a_closed_session_says_so_and_a_bad_one_harms_nothing() {
    let f = fixture().0;
    let session = f.session().await.unwrap();
    for name in of_sessions() {
        let reply = f
            .raw(
                name.as_str(),
                r#"{"noSuchParameter":1}"#,
                Some((&session.id, &session.lease)),
            )
            .await;
        assert_eq!(
            reply.outcome.err().map(|fault| fault.code),
            Some(ErrorCode::OpsInvalidRequest),
            "{name}"
        );
    }
    session.title().await.unwrap();
    session
        .call::<SessionClose>(&Default::default())
        .await
        .unwrap();
    for name in of_sessions() {
        let reply = f
            .raw(
                name.as_str(),
                &example(name),
                Some((&session.id, &session.lease)),
            )
            .await;
        assert_eq!(
            reply.outcome.err().map(|fault| fault.code),
            Some(ErrorCode::OpsSessionClosed),
            "{name}"
        );
    }
}

/// Parameters that the command takes: those of its documented example.
fn example(name: CommandName) -> String {
    name.example().params_at("http://localhost:8080")
}
