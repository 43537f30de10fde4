use serde_json::json;

use super::*;

const KEY: &str = "a key that nobody guesses";
const NOW: Timestamp = Timestamp::from_unix_millis(1_700_000_000_000);

fn intake(mode: Option<SigningMode>, key: Option<&str>) -> Intake {
    Intake::new(Signing {
        mode,
        key: key.map(str::to_owned),
    })
}

fn event() -> Value {
    json!({"type": "agent.finished", "b": 2, "a": {"é": 1.50, "z": [1, null, "\u{1f600}"]}})
}

/// The body of an event as an emitter signs it: written out by hand, so that it shares no code with what is tested.
fn signed(event: &Value, key: &str, ts: Timestamp, nonce: &str) -> Value {
    let canonical = r#"{"event":{"a":{"z":[1,null,"😀"],"é":1.5},"b":2,"type":"agent.finished"},"provenance":{"alg":"hmac-sha256","keyId":"k1","nonce":"NONCE","ts":"TS"}}"#;
    let text = canonical
        .replace("NONCE", nonce)
        .replace("TS", &ts.to_string());
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    let sig: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    json!({"event": event, "provenance": {"keyId": "k1", "alg": "hmac-sha256", "ts": ts.to_string(), "nonce": nonce, "sig": sig}})
}

const NONCE: &str = "0123456789abcdef";

#[track_caller]
fn check(intake: &Intake, body: &Value, expected: Result<Verification, ErrorCode>) {
    let taken = intake.take(&body.to_string(), NOW);
    assert_eq!(
        taken
            .map(|record| record.verification)
            .map_err(|fault| fault.code),
        expected,
        "{body}"
    );
}

#[test]
fn each_mode_takes_what_it_says_and_the_default_is_the_strictest() {
    use ErrorCode::{
        RelayEventClosed as Closed, RelayEventSignatureInvalid as Bad,
        RelayEventUnsigned as Unsigned,
    };
    let unsigned = json!({"event": event()});
    let invalid = signed(&event(), "another key", NOW, NONCE);
    let valid = signed(&event(), KEY, NOW, NONCE);
    type Taken = Result<Verification, ErrorCode>;
    let table: [(Option<SigningMode>, Option<&str>, [Taken; 3]); 7] = [
        (
            Some(SigningMode::Off),
            Some(KEY),
            [Ok(Verification::Unchecked); 3],
        ),
        (
            Some(SigningMode::AllowUnsigned),
            Some(KEY),
            [
                Ok(Verification::Unsigned),
                Ok(Verification::Invalid),
                Ok(Verification::Verified),
            ],
        ),
        (
            Some(SigningMode::RequireSigned),
            Some(KEY),
            [
                Err(Unsigned),
                Ok(Verification::Invalid),
                Ok(Verification::Verified),
            ],
        ),
        (
            Some(SigningMode::RequireValidSignature),
            Some(KEY),
            [Err(Unsigned), Err(Bad), Ok(Verification::Verified)],
        ),
        (
            None,
            Some(KEY),
            [Err(Unsigned), Err(Bad), Ok(Verification::Verified)],
        ),
        (
            Some(SigningMode::RequireValidSignature),
            None,
            [Err(Unsigned), Err(Bad), Err(Bad)],
        ),
        (None, None, [Err(Closed); 3]),
    ];
    for (mode, key, expected) in table {
        let intake = intake(mode, key);
        for (body, expected) in [&unsigned, &invalid, &valid].into_iter().zip(expected) {
            check(&intake, body, expected);
        }
    }
}

#[test]
fn a_replay_is_refused_by_nonce_and_by_time() {
    for mode in [
        SigningMode::AllowUnsigned,
        SigningMode::RequireSigned,
        SigningMode::RequireValidSignature,
    ] {
        let intake = intake(Some(mode), Some(KEY));
        let body = signed(&event(), KEY, NOW, NONCE);
        check(&intake, &body, Ok(Verification::Verified));
        check(&intake, &body, Err(ErrorCode::RelayEventReplayed));
        for off in [-300_001_i64, 300_001] {
            let ts =
                Timestamp::from_unix_millis(NOW.unix_millis().checked_add_signed(off).unwrap());
            check(
                &intake,
                &signed(&event(), KEY, ts, "fedcba9876543210"),
                Err(ErrorCode::RelayEventReplayed),
            );
        }
        check(
            &intake,
            &signed(
                &event(),
                KEY,
                Timestamp::from_unix_millis(NOW.unix_millis() - 300_000),
                "fedcba9876543210",
            ),
            Ok(Verification::Verified),
        );
        assert_eq!(
            (intake
                .told(DataFidelity::of(false, Vec::new()))
                .figures
                .replayed),
            3
        );
    }
}

#[test]
fn every_part_is_covered_by_the_signature_and_the_order_of_keys_is_not() {
    let strict = intake(None, Some(KEY));
    let body = signed(&event(), KEY, NOW, NONCE);
    let changes: [(&str, Value); 5] = [
        ("/event/b", json!(3)),
        ("/event/a/z/2", json!("x")),
        ("/provenance/keyId", json!("k2")),
        ("/provenance/nonce", json!("0123456789abcdeX")),
        (
            "/provenance/ts",
            json!(Timestamp::from_unix_millis(NOW.unix_millis() + 1).to_string()),
        ),
    ];
    for (pointer, value) in changes {
        let mut forged = body.clone();
        *forged.pointer_mut(pointer).unwrap() = value;
        check(&strict, &forged, Err(ErrorCode::RelayEventSignatureInvalid));
    }
    let reordered = format!(
        r#"{{ "provenance": {}, "event": {{"type":"agent.finished","a":{{"z":[1,null,"\ud83d\ude00"],"\u00e9":15e-1}},"b":2.0}} }}"#,
        body["provenance"]
    );
    assert_eq!(
        strict
            .take(&reordered, NOW)
            .map(|record| record.verification),
        Ok(Verification::Verified)
    );
}

#[test]
fn what_is_no_event_is_refused_by_field() {
    let off = intake(Some(SigningMode::Off), None);
    let provenance = signed(&event(), KEY, NOW, NONCE)["provenance"].clone();
    let with = |key: &str, value: Value| {
        let mut provenance = provenance.clone();
        provenance[key] = value;
        json!({"event": event(), "provenance": provenance})
    };
    let bad = [
        (json!([]), "body"),
        (json!({}), "event"),
        (json!({"event": 7}), "event.type"),
        (json!({"event": {"type": ""}}), "event.type"),
        (json!({"event": {"type": "a b"}}), "event.type"),
        (json!({"event": event(), "extra": 1}), "extra"),
        (with("alg", json!("none")), "alg"),
        (with("ts", json!("yesterday")), "ts"),
        (with("nonce", json!("short")), "nonce"),
        (with("keyId", json!("")), "keyId"),
        (with("more", json!(1)), "more"),
    ];
    for (body, field) in bad {
        let fault = off.take(&body.to_string(), NOW).unwrap_err();
        assert_eq!(fault.code, ErrorCode::RelayFrameInvalid, "{body}");
        assert!(
            format!("{} {:?}", fault.message, fault.details.get("field")).contains(field),
            "{field}: {fault:?}"
        );
    }
    assert_eq!(
        off.told(DataFidelity::of(false, Vec::new()))
            .figures
            .malformed,
        11
    );
}

#[test]
fn reads_tell_how_far_they_can_be_trusted() {
    let level = |intake: &Intake, demo| {
        intake
            .told(DataFidelity::of(demo, Vec::new()))
            .data_fidelity
            .level
            .as_str()
    };
    let mixed = intake(Some(SigningMode::AllowUnsigned), Some(KEY));
    check(
        &mixed,
        &signed(&event(), KEY, NOW, NONCE),
        Ok(Verification::Verified),
    );
    assert_eq!(
        (level(&mixed, false), level(&mixed, true)),
        ("live", "demo")
    );
    check(
        &mixed,
        &json!({"event": event()}),
        Ok(Verification::Unsigned),
    );
    assert_eq!(level(&mixed, false), "degraded");
    for _ in 0..KEPT + 5 {
        mixed
            .take(&json!({"event": event()}).to_string(), NOW)
            .unwrap();
    }
    let told = mixed.told(DataFidelity::of(false, Vec::new()));
    assert_eq!((told.events.len(), told.events[0].seq), (KEPT, 1_007));
    assert!(!format!("{:?}", mixed.signing).contains(KEY));
}
