use serde_json::{Value, json};

use super::*;

pub(super) fn sample() -> Value {
    json!({
        "type": "ops.adapter.health.v1", "event": "snapshot", "emittedAt": "2026-11-22T03:00:00.000Z",
        "sessionId": "0123456789abcdef0123456789abcdef", "adapter": "cdp", "route": "ops", "circuitState": "closed",
        "faultCountWindow": 0, "windowSeconds": 60, "cooldownUntil": null, "disableReason": "unknown", "scope": "session",
        "consecutiveSuccesses": 3, "sessionEpoch": "0", "seq": "18446744073709551615",
    })
}

fn parse(value: &Value) -> Result<HealthEnvelope, (ErrorCode, String)> {
    HealthEnvelope::parse(&value.to_string()).map_err(|fault| {
        (
            fault.code,
            fault
                .details
                .get("field")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
        )
    })
}

#[test]
fn an_envelope_round_trips_with_its_large_numbers_as_strings() {
    let envelope = parse(&sample()).unwrap();
    assert_eq!(
        (envelope.seq, envelope.kind.as_str()),
        (DecimalU64(u64::MAX), "ops.adapter.health.v1")
    );
    assert_eq!(serde_json::to_value(&envelope).unwrap(), sample());
    let mut without = sample();
    without.as_object_mut().unwrap().remove("windowSeconds");
    assert_eq!(parse(&without).unwrap().window_seconds, 60);
}

#[test]
fn every_key_but_the_window_and_the_request_is_required() {
    for key in sample()
        .as_object()
        .unwrap()
        .keys()
        .filter(|key| *key != "windowSeconds")
    {
        let mut missing = sample();
        missing.as_object_mut().unwrap().remove(key);
        let (code, _) = parse(&missing).unwrap_err();
        assert_eq!(code, ErrorCode::RelayHealthInvalid, "{key}");
    }
}

#[track_caller]
fn check_refused(change: &[(&str, Value)], field: &str) {
    let mut envelope = sample();
    for (key, value) in change {
        envelope[*key] = value.clone();
    }
    assert_eq!(
        parse(&envelope),
        Err((ErrorCode::RelayHealthInvalid, field.to_owned())),
        "{change:?}"
    );
}

#[test]
fn hostile_envelopes_are_refused_and_the_field_is_named() {
    let soon = || json!("2026-11-22T03:02:00Z");
    check_refused(&[("type", json!("ops.adapter.health.v2"))], "type");
    check_refused(&[("event", json!("Snapshot"))], "event");
    for wrong in [
        json!("yesterday"),
        json!("2026-11-22T03:00:00+01:00"),
        json!(1_700_000_000),
        json!(null),
        json!("2026-13-40T99:00:00Z"),
    ] {
        check_refused(&[("emittedAt", wrong)], "emittedAt");
    }
    for wrong in [
        json!("../../etc/passwd"),
        json!(""),
        json!("0123456789ABCDEF0123456789abcdef"),
        json!(["0123456789abcdef0123456789abcdef"]),
    ] {
        check_refused(&[("sessionId", wrong)], "sessionId");
    }
    for wrong in [
        json!("a b"),
        json!("x".repeat(129)),
        json!("\u{0}"),
        json!({}),
    ] {
        check_refused(&[("requestId", wrong)], "requestId");
    }
    check_refused(&[("adapter", json!("webdriver"))], "adapter");
    check_refused(&[("route", json!("cdp"))], "route");
    check_refused(&[("circuitState", json!("half-open"))], "circuitState");
    for wrong in [
        json!(-1),
        json!(1.5),
        json!("1"),
        json!(4_294_967_296_u64),
        json!(1e300),
    ] {
        check_refused(&[("faultCountWindow", wrong.clone())], "faultCountWindow");
        check_refused(&[("consecutiveSuccesses", wrong)], "consecutiveSuccesses");
    }
    for wrong in [json!(0), json!(86_401), json!(null)] {
        check_refused(&[("windowSeconds", wrong)], "windowSeconds");
    }
    for wrong in [
        json!(1),
        json!("01"),
        json!("+1"),
        json!("-1"),
        json!(""),
        json!(" 1"),
        json!("1e3"),
        json!("18446744073709551616"),
    ] {
        check_refused(&[("sessionEpoch", wrong.clone())], "sessionEpoch");
        check_refused(&[("seq", wrong)], "seq");
    }
    check_refused(&[("disableReason", json!(null))], "disableReason");
    check_refused(&[("scope", json!("global"))], "scope");
    check_refused(&[("circuitState", json!("open"))], "cooldownUntil");
    check_refused(&[("cooldownUntil", soon())], "cooldownUntil");
    check_refused(
        &[
            ("circuitState", json!("open")),
            ("cooldownUntil", json!("9999-12-31T23:59:59Z")),
        ],
        "cooldownUntil",
    );
    check_refused(
        &[("disableReason", json!("operator_global"))],
        "disableReason",
    );
    let mut extra = sample();
    extra["leaseId"] = json!("a".repeat(64));
    assert_eq!(parse(&extra).unwrap_err().0, ErrorCode::RelayHealthInvalid);
    for text in [
        "",
        "{",
        "[]",
        "null",
        "\"x\"",
        "{}{}",
        r#"{"type":"ops.adapter.health.v1","type":"ops.adapter.health.v1"}"#,
    ] {
        assert_eq!(
            HealthEnvelope::parse(text).unwrap_err().code,
            ErrorCode::RelayHealthInvalid,
            "{text}"
        );
    }
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(HealthEnvelope::parse(&deep).is_err());
    let mut nested = sample();
    nested["cooldownUntil"] = json!({});
    assert!(parse(&nested).is_err());
}

#[test]
fn a_positional_array_of_the_right_values_is_no_envelope() {
    let values: Vec<Value> = sample().as_object().unwrap().values().cloned().collect();
    assert!(HealthEnvelope::parse(&Value::Array(values).to_string()).is_err());
}
