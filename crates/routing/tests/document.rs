//! What a configuration document says, through precedence, about where new sessions go.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use ops_contracts::control::config::{
    BROWSER, BROWSER_ARGS, ConfigDocument, ConfigRefusal, EffectiveConfig, KILL_SWITCH,
    ParsedConfig, Source, WarningCode, controls, environment, flags, parse,
};
use ops_contracts::wire::routing::{
    AllowlistValidation, CliControls, KillSwitchSource, RolloutPercent, RoutingMode,
};
use proptest::prelude::*;
use routing::precedence;

fn parsed(text: &str) -> ParsedConfig {
    parse(text, false).unwrap()
}

fn mode(config: &ParsedConfig) -> (RoutingMode, KillSwitchSource) {
    let controls = controls(config, &environment(|_| None), &CliControls::default());
    let effective = precedence::effective(&controls);
    (effective.mode, effective.kill_switch_source)
}

#[test]
fn an_empty_document_routes_to_ops_by_default() {
    assert_eq!(
        mode(&parsed("{}")),
        (RoutingMode::Ops, KillSwitchSource::Default)
    );
}

#[test]
fn a_newer_schema_forces_the_legacy_lane_and_says_why() {
    for text in [
        r#"{"configSchemaVersion": 2}"#,
        r#"{"configSchemaVersion": 99999999999, "ops": {"routingMode": "ops"}}"#,
    ] {
        for strict in [false, true] {
            let config = parse(text, strict).unwrap();
            assert_eq!(
                mode(&config),
                (RoutingMode::LegacyCdp, KillSwitchSource::Config)
            );
            assert!(
                config.downgrade.as_deref().unwrap().contains("newer"),
                "{config:?}"
            );
            assert_eq!(config.warnings[0].code, WarningCode::DowngradeFallback);
        }
    }
    for text in [
        r#"{"configSchemaVersion": "2.0"}"#,
        r#"{"configSchemaVersion": 0}"#,
        r#"{"configSchemaVersion": -1}"#,
        r#"{"configSchemaVersion": 1.5}"#,
    ] {
        assert_eq!(mode(&parsed(text)).0, RoutingMode::LegacyCdp, "{text}");
    }
}

#[test]
fn a_routing_value_that_cannot_be_interpreted_forces_the_legacy_lane_or_is_refused_under_strict() {
    let sections = [
        r#"{"routingMode": "canary"}"#,
        r#"{"routingMode": {"default": "ops"}}"#,
        r#"{"rolloutPercent": 12.5}"#,
        r#"{"rolloutPercent": 101}"#,
        r#"{"rolloutPercent": -1}"#,
        r#"{"rolloutPercent": "50"}"#,
        r#"{"killSwitch": "on"}"#,
        r#"{"killSwitch": null}"#,
        r#"{"activeSessionPolicy": "pause"}"#,
        r#"{"rolloutAllowlist": ["bob"]}"#,
        r#"{"rolloutAllowlist": "cli:alice-01"}"#,
        r#"{"allowPrereleaseInterop": 1}"#,
        r#"{"strictConfig": "no"}"#,
        "[]",
        "null",
    ];
    for section in sections {
        let text = format!("{{\"ops\": {section}}}");
        let config = parsed(&text);
        assert_eq!(
            mode(&config),
            (RoutingMode::LegacyCdp, KillSwitchSource::Config),
            "{text}"
        );
        assert!(
            config.downgrade.as_deref().unwrap().starts_with("ops"),
            "{text}"
        );
        assert!(
            matches!(parse(&text, true), Err(ConfigRefusal::Keys { .. })),
            "{text}"
        );
    }
}

#[test]
fn a_bad_allow_list_shows_as_invalid_and_its_entries_are_not_used() {
    let config =
        parsed(r#"{"ops": {"routingMode": "auto", "rolloutAllowlist": ["cli:alice-01", "bob"]}}"#);
    let controls = controls(&config, &environment(|_| None), &CliControls::default());
    let effective = precedence::effective(&controls);
    assert_eq!(
        (effective.allowlist, effective.allowlist_validation),
        (None, AllowlistValidation::Invalid)
    );
    assert_eq!(effective.mode, RoutingMode::LegacyCdp);
}

#[test]
fn the_environment_is_a_layer_and_its_kill_switch_outranks_every_flag() {
    let layer = environment(|name| match name {
        KILL_SWITCH => Some("1".to_owned()),
        BROWSER => Some("/bin/chrome".to_owned()),
        BROWSER_ARGS => Some(" --a  --b=c ".to_owned()),
        _ => None,
    });
    assert_eq!(
        layer.document.browser.args.as_deref(),
        Some(&["--a".to_owned(), "--b=c".to_owned()][..])
    );
    let flagged = CliControls {
        routing_mode: Some(RoutingMode::Ops),
        rollout_percent: RolloutPercent::try_from(50).ok(),
        ..CliControls::default()
    };
    let effective = EffectiveConfig::resolve(&[layer.clone(), flags(&flagged)]);
    assert_eq!(effective.ops.rollout_percent.source, Source::Flag);
    let controls = controls(&ParsedConfig::default(), &layer, &flagged);
    assert_eq!(
        precedence::effective(&controls).kill_switch_source,
        KillSwitchSource::Env
    );
    assert_eq!(
        environment(|_| Some(String::new())).document,
        ConfigDocument::default()
    );
}

proptest! {
    #[test]
    fn a_document_of_a_newer_schema_never_routes_to_ops_by_itself(version in 2_u32.., routing_mode in prop::sample::select(vec!["ops", "auto", "legacy-cdp"])) {
        let text = format!(r#"{{"configSchemaVersion": {version}, "ops": {{"routingMode": "{routing_mode}"}}}}"#);
        prop_assert_eq!(mode(&parsed(&text)).0, RoutingMode::LegacyCdp);
    }
}
