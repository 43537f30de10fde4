use crate::wire::routing::ActiveSessionPolicy;
use crate::{ErrorCode, ErrorSource};
use proptest::prelude::*;

use super::*;

fn parsed(text: &str) -> ParsedConfig {
    parse(text, false).unwrap()
}

fn warned(config: &ParsedConfig) -> Vec<&str> {
    config
        .warnings
        .iter()
        .map(|warning| warning.key.as_str())
        .collect()
}

const FULL: &str = r#"{
    "configSchemaVersion": 1,
    "allowRawCDP": true,
    "allowNonLocalCdp": true,
    "allowLegacyCdpTransitionalBinding": true,
    "listen": "127.0.0.1:7000",
    "allowedHosts": ["relay.example:7000"],
    "extensionAllowlist": ["abcdefghijklmnopabcdefghijklmnop"],
    "limitsProfile": "local",
    "logFormat": "json",
    "logLevel": "debug",
    "tlsCertFile": "/etc/relay/cert.pem",
    "tlsKeyFile": "/etc/relay/key.pem",
    "tokenFile": "/etc/relay/token",
    "pairing": "on",
    "policy": "/etc/relay/policy.json",
    "scorecardPhase": "hardened",
    "browser": {
        "path": "/usr/bin/chromium", "args": ["--lang=de"], "chromedriver": "/usr/bin/chromedriver", "sandbox": "off",
        "allowDomains": ["*.example.com"], "denyDomains": ["ads.example.com"], "allowSchemes": ["data"]
    },
    "firefox": { "path": "/usr/bin/firefox-esr", "args": ["-safe-mode"] },
    "ops": {
        "killSwitch": true,
        "routingMode": "auto",
        "rolloutPercent": 25,
        "rolloutAllowlist": ["cli:alice-01"],
        "activeSessionPolicy": "drain",
        "allowPrereleaseInterop": true,
        "strictConfig": true
    }
}"#;

#[test]
fn a_document_with_every_key_is_read_under_strict_and_round_trips() {
    let config = parsed(FULL);
    assert!(config.warnings.is_empty() && config.downgrade.is_none());
    let again = serde_json::to_string(&config.document).unwrap();
    assert_eq!(parsed(&again), config);
    assert_eq!(
        serde_json::from_str::<Value>(&again).unwrap(),
        serde_json::from_str::<Value>(FULL).unwrap()
    );
    let effective = EffectiveConfig::resolve(&[Layer {
        source: Source::File,
        document: config.document,
    }]);
    assert!(
        effective
            .explain()
            .iter()
            .all(|row| row.source == Source::File)
    );
}

#[test]
fn an_empty_document_is_all_defaults() {
    assert_eq!(parsed("{}"), ParsedConfig::default());
}

#[test]
fn unknown_keys_are_warned_about_one_by_one_and_refused_together_under_strict() {
    let text = r#"{"allowRawCdp": true, "future": {"a": 1}, "ops": {"canary": 3}, "browser": {"Path": "x"}}"#;
    let config = parsed(text);
    assert_eq!(
        warned(&config),
        ["allowRawCdp", "browser.Path", "future", "ops.canary"]
    );
    assert!(
        config
            .warnings
            .iter()
            .all(|warning| warning.code == WarningCode::UnknownKeyIgnored)
    );
    assert_eq!(
        config.warnings[0].to_string(),
        "config_unknown_key_ignored: the key \"allowRawCdp\" is not known to this version and is ignored; did you mean allowRawCDP?"
    );
    assert_eq!(
        (config.document.allow_raw_cdp, config.downgrade),
        (None, None)
    );
    let strict = text.replace("\"canary\": 3", "\"canary\": 3, \"strictConfig\": true");
    for refusal in [
        parse(text, true).unwrap_err(),
        parse(&strict, false).unwrap_err(),
    ] {
        let fault = refusal.fault(ErrorSource::Relay);
        assert_eq!(fault.code, ErrorCode::RelayConfigInvalid);
        assert_eq!(
            fault.details.get("unknownKeys").unwrap(),
            &serde_json::json!(["allowRawCdp", "browser.Path", "future", "ops.canary"])
        );
    }
}

#[test]
fn every_bad_value_is_named_with_what_fits() {
    let text = r#"{"allowRawCDP": "yes", "listen": "here", "logLevel": "loud", "limitsProfile": null, "allowedHosts": ["a b"], "browser": {"args": "--x"}, "extensionAllowlist": {}}"#;
    let fault = parse(text, false).unwrap_err().fault(ErrorSource::Cli);
    assert_eq!(fault.code, ErrorCode::CliConfigInvalid);
    let bad = fault
        .details
        .get("badValues")
        .and_then(Value::as_array)
        .unwrap();
    let keys: Vec<_> = bad
        .iter()
        .map(|value| value["key"].as_str().unwrap())
        .collect();
    assert_eq!(
        keys,
        [
            "allowRawCDP",
            "listen",
            "allowedHosts",
            "extensionAllowlist",
            "limitsProfile",
            "logLevel",
            "browser.args"
        ]
    );
    assert!(
        fault.message.starts_with(
            "allowRawCDP must be true or false, not \"yes\"; listen must be an IP address"
        ),
        "{}",
        fault.message
    );
}

#[test]
fn keys_that_stand_twice_are_refused_wherever_they_stand() {
    let text = r#"{"ops": {"killSwitch": true, "killSwitch": false}, "listen": "127.0.0.1:1", "listen": "127.0.0.1:2", "future": [{"a": 1, "a": 2}]}"#;
    let refusal = parse(text, false).unwrap_err();
    assert_eq!(
        refusal,
        ConfigRefusal::DuplicateKeys(vec![
            "ops.killSwitch".to_owned(),
            "listen".to_owned(),
            "future[0].a".to_owned()
        ])
    );
}

#[test]
fn what_is_no_json_object_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "{}}",
        "{'a':1}",
        "{\"a\":1,}",
        "\u{feff}{}",
        "nonsense",
    ] {
        assert!(
            matches!(parse(text, false), Err(ConfigRefusal::Syntax { .. })),
            "{text:?}"
        );
    }
    for text in ["null", "[]", "7", "\"{}\""] {
        assert_eq!(
            parse(text, false),
            Err(ConfigRefusal::NotAnObject),
            "{text:?}"
        );
    }
    assert!(parse(&"[".repeat(100_000), false).is_err());
    assert!(
        parse(
            &format!("{}1{}", "{\"a\":".repeat(5_000), "}".repeat(5_000)),
            false
        )
        .is_err()
    );
    assert_eq!(
        parse(&" ".repeat(MAX_BYTES + 1), false),
        Err(ConfigRefusal::TooLarge)
    );
}

#[test]
fn the_rest_of_a_document_counts_when_its_routing_is_not_interpreted() {
    let config = parsed(
        r#"{"configSchemaVersion": 7, "allowRawCDP": true, "ops": {"quorum": 3, "activeSessionPolicy": "drain"}}"#,
    );
    assert_eq!(config.document.allow_raw_cdp, Some(true));
    assert_eq!(
        config.document.ops.active_session_policy,
        Some(ActiveSessionPolicy::Drain)
    );
    assert_eq!(warned(&config), ["ops.quorum", "ops"]);
}

#[test]
fn the_kill_switch_of_the_environment_is_on_unless_it_plainly_is_not() {
    for off in [None, Some(""), Some(" "), Some("0"), Some("false")] {
        assert!(!env_kill_switch(off), "{off:?}");
    }
    for on in ["1", "true", "yes", "on", "2", "off?"] {
        assert!(env_kill_switch(Some(on)), "{on}");
    }
}

#[test]
fn every_variable_sets_the_key_that_the_table_names() {
    for variable in VARIABLES {
        let layer = environment(|name| (name == variable.name).then(|| "1".to_owned()));
        let set: Vec<_> = EffectiveConfig::resolve(&[layer])
            .explain()
            .into_iter()
            .filter(|row| row.source == Source::Environment)
            .map(|row| row.key)
            .collect();
        assert_eq!(set, [variable.key]);
    }
}

/// Any JSON, with the document's own keys often among the others.
fn json() -> impl Strategy<Value = Value> {
    let keys: Vec<String> = EffectiveConfig::resolve(&[])
        .explain()
        .iter()
        .map(|row| row.key.rsplit('.').next().unwrap().to_owned())
        .collect();
    let key = prop_oneof![3 => prop::sample::select(keys), 2 => prop::sample::select(vec!["ops".to_owned(), "browser".to_owned()]), 1 => ".{0,8}"];
    let words = [
        "ops",
        "auto",
        "legacy-cdp",
        "drain",
        "local",
        "on",
        "off",
        "cli:alice-01",
        "127.0.0.1:80",
    ]
    .map(str::to_owned)
    .to_vec();
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..200).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop::sample::select(words).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".{0,200}", strict: bool) {
        let _ = parse(&text, strict);
    }

    #[test]
    fn no_broken_document_makes_the_reader_panic(at in 0..FULL.len(), length in 0_usize..20, junk in "[{}\\[\\]:,\"0-9a-z\\\\]{0,6}") {
        let mut text = FULL.to_owned();
        let end = (at + length).min(text.len());
        text.replace_range(at..end, &junk);
        let _ = parse(&text, false);
    }

    #[test]
    fn an_accepted_document_round_trips_and_strict_accepts_only_what_needs_no_warning(value in json()) {
        let text = value.to_string();
        if let Ok(config) = parse(&text, false) {
            let again = parse(&serde_json::to_string(&config.document).unwrap(), false).unwrap();
            prop_assert_eq!(&again.document.browser, &config.document.browser);
            prop_assert_eq!(&again.document.ops, &config.document.ops);
            if config.downgrade.is_none() {
                prop_assert_eq!(again.document, config.document.clone());
            }
            let unknown = config.warnings.iter().any(|warning| warning.code == WarningCode::UnknownKeyIgnored);
            if parse(&text, true).is_ok() {
                prop_assert!(!unknown);
            }
        }
    }

    #[test]
    fn a_document_that_cannot_be_interpreted_hands_its_reason_to_the_controls(value in json()) {
        if let Ok(config) = parse(&value.to_string(), false) {
            let controls = controls(&config, &environment(|_| None), &CliControls::default());
            prop_assert_eq!(controls.config.downgrade, config.downgrade);
        }
    }
}
