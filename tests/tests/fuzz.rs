//! Fuzz targets for the parsers of outside bytes, each with a property beyond not panicking. That of the Host and Origin
//! headers is beside the gates; `cargo xtask fuzz` runs all of them for longer.

use std::path::{Path, PathBuf};

use conformance::fuzz::{Target, run};
use ops_contracts::ErrorCode;
use ops_contracts::control::config;
use ops_contracts::wire::command::{Call, CommandName};
use ops_contracts::wire::frame::{ClientFrame, RelayFrame};
use ops_contracts::wire::routing::{
    Component, Identities, LegacyLane, Peer, RolloutAllowlist, RolloutIdentity, Route,
};
use routing::preflight::RelayVersions;
use routing::{decision, preflight, window};
use serde_json::value::RawValue;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn fuzz(name: &'static str, words: &'static [&'static str], check: impl Fn(&str) -> String) {
    let target = Target {
        name,
        corpora: corpora(),
        words,
    };
    // What is no UTF-8 is refused before these parsers see it.
    run(&target, |input| {
        std::str::from_utf8(input).map_or_else(|_| "no text".to_owned(), &check)
    });
}

#[test]
fn fuzz_frames_are_refused_with_a_code_or_survive_a_round_trip() {
    let words: &[&str] = &[
        r#""type":"ops_request""#,
        r#""type":"ops_cancel""#,
        r#""type":"ops_hello""#,
        r#""type":"ops_ping""#,
        r#""type":"ops.adapter.health.v1""#,
        r#""requestId":"r1""#,
        r#""sessionId":"abababababababababababababababab""#,
        r#""command":"dom.eval""#,
        r#""params":{}"#,
        r#""timeoutMs":1"#,
        "null",
        "{",
        "}",
        "[",
        "]",
        "\\ud800",
        "1e999",
        "-0",
        ",",
        ":",
    ];
    fuzz("frames", words, |text| {
        let _ = RelayFrame::parse(text);
        match ClientFrame::parse(text) {
            Ok(ClientFrame::Request(request)) => {
                let again = ClientFrame::parse(&request.encode())
                    .expect("what was read can be written and read");
                assert!(
                    matches!(again, ClientFrame::Request(ref twin) if twin.request_id == request.request_id)
                );
                "a request".to_owned()
            }
            Ok(_) => "another frame".to_owned(),
            Err(fault) => {
                assert!(
                    matches!(
                        fault.code,
                        ErrorCode::RelayFrameInvalid | ErrorCode::RelayFrameTypeUnknown
                    ),
                    "{fault:?}"
                );
                format!(
                    "{} {}",
                    fault.code,
                    fault
                        .details
                        .get("field")
                        .map(ToString::to_string)
                        .unwrap_or_default()
                )
            }
        }
    });
}

#[test]
fn fuzz_parameters_of_every_command_are_refused_with_a_code_or_taken() {
    let words: &[&str] = &[
        r#""element":"#,
        r#"{"ref":"e1"}"#,
        r#"{"role":"button","name":"X"}"#,
        r#""url":"http://a/""#,
        r#""expression":"1""#,
        r#""text":"x""#,
        r#""timeMs":1"#,
        r#""commands":[]"#,
        r#""targetId":"t1""#,
        "null",
        "-1",
        "1e400",
        "{",
        "}",
        ",",
        ":",
    ];
    fuzz("params", words, |text| {
        let Ok(params) = RawValue::from_string(text.to_owned()) else {
            return "no JSON".to_owned();
        };
        let taken = CommandName::ALL
            .iter()
            .filter(|name| match Call::parse(**name, &params) {
                Ok(call) => call.name() == **name,
                Err(fault) => {
                    assert_eq!(fault.code.source().as_str(), "ops", "{fault:?}");
                    false
                }
            });
        taken
            .map(|name| name.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    });
}

#[test]
fn fuzz_configurations_that_strict_takes_are_taken_without_it_and_never_open_more_than_they_say() {
    let words: &[&str] = &[
        r#""ops":{"#,
        r#""routingMode":"auto""#,
        r#""killSwitch":true"#,
        r#""rolloutPercent":50"#,
        r#""rolloutAllowlist":["cli:abc"]"#,
        r#""allowRawCDP":true"#,
        r#""listen":"127.0.0.1:1""#,
        r#""configSchemaVersion":1"#,
        r#""configSchemaVersion":99"#,
        r#""pairing":"on""#,
        "null",
        "101",
        "-1",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
    ];
    fuzz("config", words, |text| {
        let strict = config::parse(text, true);
        match config::parse(text, false) {
            Ok(parsed) => {
                let controls =
                    config::controls(&parsed, &config::environment(|_| None), &Default::default());
                let status = decision::status(&controls, &Identities::default(), LegacyLane::Open);
                assert_eq!(parsed.downgrade.is_some(), status.config_downgrade_fallback);
                if parsed.downgrade.is_some() {
                    assert_eq!(
                        status.effective_routing_mode.as_str(),
                        "legacy-cdp",
                        "what can't be read is not guessed"
                    );
                }
                assert!(
                    !parsed.document.allow_raw_cdp.unwrap_or(false) || text.contains("allowRawCDP")
                );
                format!(
                    "taken {} {} {}",
                    strict.is_ok(),
                    status.effective_routing_mode,
                    parsed.warnings.len().min(3)
                )
            }
            Err(refusal) => {
                assert!(strict.is_err(), "strict takes nothing more");
                let text = refusal.to_string();
                text.split(':')
                    .next()
                    .unwrap_or_default()
                    .chars()
                    .filter(|c| !c.is_ascii_digit())
                    .collect()
            }
        }
    });
}

#[test]
fn fuzz_identities_that_are_taken_are_canonical() {
    let words: &[&str] = &[
        "cli:",
        "pairing:",
        "extension:",
        "lease:",
        "CLI:",
        ",",
        ":",
        ".",
        "_",
        "-",
        "\u{212a}",
        "\u{130}",
        " ",
        "\0",
    ];
    fuzz("identities", words, |text| {
        if let Ok(list) = text.parse::<RolloutAllowlist>() {
            assert_eq!(
                list.to_string().parse::<RolloutAllowlist>().as_ref(),
                Ok(&list)
            );
        }
        match text.parse::<RolloutIdentity>() {
            Ok(identity) => {
                let shown = identity.to_string();
                assert_eq!(shown, shown.to_ascii_lowercase());
                assert_eq!(shown.parse(), Ok(identity.clone()));
                assert!(routing::rollout::bucket(&identity) < 100);
                let (namespace, value) = shown.split_once(':').expect("a namespace and a value");
                assert!(
                    (3..=128).contains(&value.len()) && value.is_ascii(),
                    "{shown}"
                );
                namespace.to_owned()
            }
            Err(_) => format!(
                "{} list",
                if text.parse::<RolloutAllowlist>().is_ok() {
                    "a"
                } else {
                    "no"
                }
            ),
        }
    });
}

#[test]
fn fuzz_versions_are_admitted_inside_the_window_alone() {
    let words: &[&str] = &[
        "0.2.0",
        "0.1.9",
        "1.0.0",
        "-rc.1",
        "+build",
        ".",
        "0",
        "00",
        "18446744073709551616",
        "v",
        " ",
    ];
    fuzz("versions", words, |text| {
        let mut came_to = String::new();
        for route in [Route::Ops, Route::LegacyCdp] {
            let peer = Peer {
                component: Component::Cli,
                version: Some(text),
                contract: Some("1.0.0"),
            };
            let admitted = window::admit(route, "0.2.0", &[peer], false);
            if admitted.is_ok() {
                assert!(
                    text.starts_with("0.2.") || text.starts_with("0.1."),
                    "{text}"
                );
            }
            let _ = window::admit(route, text, &[peer], true);
            let _ = window::transitional_binding(text, true);
            let relay = RelayVersions {
                relay: text,
                contract: text,
                min_contract: text,
            };
            let _ = preflight::versions(route, text, text, &relay);
            came_to.push_str(
                admitted
                    .err()
                    .map_or("admitted", |fault| fault.code.as_str()),
            );
            came_to.push(' ');
        }
        came_to
    });
}
