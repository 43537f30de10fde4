use ops_contracts::wire::routing::{
    CliControls, ConfigControls, IdentityNamespace, RolloutPercent,
};
use proptest::prelude::*;

use super::*;
use crate::strategies;

fn caller(identities: &[&str]) -> Identities {
    identities
        .iter()
        .fold(Identities::default(), |all, identity| {
            all.with(identity.parse().unwrap())
        })
}

fn auto(percent: u8, allowlist: &str) -> RoutingControls {
    let cli = CliControls {
        routing_mode: Some(RoutingMode::Auto),
        rollout_percent: RolloutPercent::try_from(percent).ok(),
        rollout_allowlist: allowlist.parse().ok(),
        active_session_policy: None,
    };
    RoutingControls {
        cli,
        ..RoutingControls::default()
    }
}

#[track_caller]
fn check(controls: &RoutingControls, expected: (Route, DecisionReason)) {
    let decision = decide(controls, &caller(&["cli:alice-01"]), LegacyLane::Open).unwrap();
    assert_eq!((decision.route, decision.reason), expected);
}

#[test]
fn every_reason_has_its_controls() {
    check(
        &RoutingControls::default(),
        (Route::Ops, DecisionReason::ExplicitMode),
    );
    check(
        &RoutingControls {
            env_kill_switch: true,
            ..auto(100, "")
        },
        (Route::LegacyCdp, DecisionReason::KillSwitch),
    );
    let config = ConfigControls {
        kill_switch: Some(true),
        ..ConfigControls::default()
    };
    check(
        &RoutingControls {
            config,
            ..RoutingControls::default()
        },
        (Route::LegacyCdp, DecisionReason::KillSwitch),
    );
    let mut legacy = RoutingControls::default();
    legacy.cli.routing_mode = Some(RoutingMode::LegacyCdp);
    check(&legacy, (Route::LegacyCdp, DecisionReason::ExplicitMode));
    // Alice's bucket is 78.
    check(&auto(79, ""), (Route::Ops, DecisionReason::Percent));
    check(&auto(78, ""), (Route::LegacyCdp, DecisionReason::Percent));
    check(
        &auto(100, "cli:alice-01"),
        (Route::LegacyCdp, DecisionReason::Allowlist),
    );
    check(
        &auto(100, "cli:bob-01"),
        (Route::Ops, DecisionReason::Percent),
    );
}

#[test]
fn auto_without_an_identity_is_refused_and_status_still_answers() {
    let controls = auto(50, "cli:bob-01");
    let fault = decide(&controls, &Identities::default(), LegacyLane::Open).unwrap_err();
    assert_eq!(fault.code, ErrorCode::RelayRolloutIdentityMissing);
    let status = status(&controls, &Identities::default(), LegacyLane::Open);
    assert_eq!(status.effective_routing_mode, RoutingMode::Auto);
    assert_eq!(
        (
            status.ops_rollout_decision,
            status.ops_rollout_decision_reason,
            status.ops_rollout_bucket
        ),
        (None, None, None)
    );
}

#[test]
fn identities_are_taken_in_the_order_of_their_namespaces() {
    let all = [
        "lease:0123456789abcdef",
        "extension:abcdefghijklmnopabcdefghijklmnop",
        "pairing:team.a",
        "cli:alice-01",
    ];
    let expected = [
        IdentityNamespace::Lease,
        IdentityNamespace::Extension,
        IdentityNamespace::Pairing,
        IdentityNamespace::Cli,
    ];
    for (at, namespace) in expected.into_iter().enumerate() {
        let status = status(&auto(50, ""), &caller(&all[..=at]), LegacyLane::Open);
        assert_eq!(status.ops_rollout_identity_source, Some(namespace));
    }
}

#[test]
fn a_closed_legacy_lane_is_an_error_that_names_what_closes_it() {
    let closed = LegacyLane::Closed(ErrorCode::RelayRawCdpDisabled);
    let fault = decide(&auto(0, ""), &caller(&["cli:alice-01"]), closed).unwrap_err();
    assert_eq!(fault.code, ErrorCode::RelayLegacyRouteUnavailable);
    assert_eq!(
        fault.details.get("cause").unwrap(),
        "relay_raw_cdp_disabled"
    );
    assert_eq!(fault.details.get("selectedBy").unwrap(), "percent");
    let in_auto = status(&auto(0, ""), &caller(&["cli:alice-01"]), closed);
    assert_eq!(
        in_auto.ops_rollout_decision_reason,
        Some(DecisionReason::LegacyUnavailable)
    );
    let killed = status(
        &RoutingControls {
            env_kill_switch: true,
            ..RoutingControls::default()
        },
        &Identities::default(),
        closed,
    );
    assert_eq!(
        killed.ops_rollout_decision_reason,
        Some(DecisionReason::KillSwitch)
    );
}

#[test]
fn both_gates_of_the_configuration_must_be_open_to_peers_beyond_loopback() {
    let raw = LegacyLane::Closed(ErrorCode::RelayRawCdpDisabled);
    for (allow_raw, allow_non_local, loopback, expected) in [
        (false, false, true, raw),
        (false, true, true, raw),
        (false, true, false, raw),
        (true, false, true, LegacyLane::Open),
        (
            true,
            false,
            false,
            LegacyLane::Closed(ErrorCode::RelayNonlocalCdpDisabled),
        ),
        (true, true, false, LegacyLane::Open),
    ] {
        assert_eq!(legacy_lane(allow_raw, allow_non_local, loopback), expected);
    }
}

#[test]
fn status_has_every_field_under_the_plans_name() {
    let status = status(
        &auto(30, "cli:bob-01,lease:abc"),
        &caller(&["cli:alice-01"]),
        LegacyLane::Open,
    );
    let expected = serde_json::json!({
        "effectiveRoutingMode": "auto",
        "opsKillSwitchSource": "default",
        "opsRolloutPercent": 30,
        "opsRolloutAllowlistSize": 2,
        "opsRolloutAllowlistSource": "cli",
        "opsRolloutAllowlistValidation": "valid",
        "opsRolloutIdentityNamespace": "cli",
        "opsRolloutIdentitySource": "cli",
        "opsRolloutIdentityHash": "bc1d6fda532b",
        "opsRolloutBucket": 78,
        "opsRolloutDecision": "legacy-cdp",
        "opsRolloutDecisionReason": "percent",
        "opsRouteBlockedReason": null,
        "opsActiveSessionPolicy": "continue",
        "configDowngradeFallback": false,
        "configDowngradeReason": null,
    });
    assert_eq!(serde_json::to_value(&status).unwrap(), expected);
    assert_eq!(
        serde_json::from_value::<RoutingStatus>(expected).unwrap(),
        status
    );
}

#[test]
fn every_mode_reports_its_decision_and_the_callers_identity() {
    let alice = caller(&["cli:alice-01"]);
    for (controls, decision, reason) in [
        (
            RoutingControls::default(),
            Route::Ops,
            DecisionReason::ExplicitMode,
        ),
        (
            RoutingControls {
                env_kill_switch: true,
                ..RoutingControls::default()
            },
            Route::LegacyCdp,
            DecisionReason::KillSwitch,
        ),
        (auto(79, ""), Route::Ops, DecisionReason::Percent),
    ] {
        let status = status(&controls, &alice, LegacyLane::Open);
        assert_eq!(
            (
                status.ops_rollout_decision,
                status.ops_rollout_decision_reason
            ),
            (Some(decision), Some(reason))
        );
        assert_eq!(
            status.ops_rollout_identity_hash.as_deref(),
            Some("bc1d6fda532b")
        );
        assert_eq!(status.ops_rollout_bucket, Some(78));
    }
    let unknown = status(&auto(79, ""), &Identities::default(), LegacyLane::Open);
    assert_eq!(
        (
            unknown.ops_rollout_decision,
            unknown.ops_rollout_decision_reason
        ),
        (None, None),
        "in auto nothing decides about nobody"
    );
}

proptest! {
    #[test]
    fn a_decision_is_the_same_every_time(controls in strategies::controls(), identities in strategies::identities(), legacy in strategies::legacy()) {
        prop_assert_eq!(decide(&controls, &identities, legacy), decide(&controls.clone(), &identities.clone(), legacy));
    }

    #[test]
    fn nobody_is_sent_to_the_legacy_lane_without_an_explicit_control(identities in strategies::identities(), controls in strategies::controls()) {
        let explicit = controls.env_kill_switch
            || controls.config.kill_switch == Some(true)
            || controls.config.downgrade.is_some()
            || [controls.cli.routing_mode, controls.config.routing_mode].iter().flatten().any(|mode| *mode != RoutingMode::Ops)
            || controls.cli.rollout_percent.is_some() || controls.cli.rollout_allowlist.is_some()
            || controls.config.rollout_percent.is_some() || controls.config.rollout_allowlist.is_some();
        match select(&controls, &identities) {
            Ok(decision) => prop_assert!(decision.route == Route::Ops || explicit),
            Err(fault) => {
                prop_assert_eq!(fault.code, ErrorCode::RelayRolloutIdentityMissing);
                prop_assert!(explicit && identities.canonical().is_none());
            }
        }
    }

    #[test]
    fn mode_ops_never_goes_to_the_legacy_lane_and_mode_legacy_never_to_ops(controls in strategies::controls(), identities in strategies::identities()) {
        let mode = precedence::effective(&controls).mode;
        if let Ok(decision) = select(&controls, &identities) {
            let crossed = (mode == RoutingMode::Ops && decision.route != Route::Ops) || (mode == RoutingMode::LegacyCdp && decision.route != Route::LegacyCdp);
            prop_assert!(!crossed);
        }
    }

    #[test]
    fn the_state_of_the_legacy_lane_never_moves_a_session(controls in strategies::controls(), identities in strategies::identities(), legacy in strategies::legacy()) {
        match (select(&controls, &identities), decide(&controls, &identities, legacy)) {
            (Ok(selected), Ok(decided)) => prop_assert_eq!(selected, decided),
            (Ok(selected), Err(fault)) => {
                prop_assert_eq!(selected.route, Route::LegacyCdp);
                prop_assert_eq!(fault.code, ErrorCode::RelayLegacyRouteUnavailable);
            }
            (Err(selected), decided) => prop_assert_eq!(Err(selected), decided),
        }
    }

    #[test]
    fn whom_the_allow_list_names_goes_to_the_legacy_lane_in_auto(controls in strategies::controls(), identities in strategies::identities()) {
        let effective = precedence::effective(&controls);
        let named = identities.canonical().zip(effective.allowlist).is_some_and(|(identity, list)| list.contains(identity));
        if effective.mode == RoutingMode::Auto && named {
            let decision = select(&controls, &identities).unwrap();
            prop_assert_eq!((decision.route, decision.reason), (Route::LegacyCdp, DecisionReason::Allowlist));
        }
    }

    #[test]
    fn raising_the_percentage_moves_nobody_to_the_legacy_lane(
        controls in strategies::controls(), identities in strategies::identities(), one in strategies::percent(), other in strategies::percent()
    ) {
        let at = |percent| {
            let cli = CliControls { rollout_percent: Some(percent), ..controls.cli.clone() };
            select(&RoutingControls { cli, ..controls.clone() }, &identities).map(|decision| decision.route)
        };
        if at(one.min(other)) == Ok(Route::Ops) {
            prop_assert_eq!(at(one.max(other)), Ok(Route::Ops));
        }
    }

    #[test]
    fn status_agrees_with_the_decision_when_the_lane_is_open(controls in strategies::controls(), identities in strategies::identities()) {
        if let Ok(decision) = decide(&controls, &identities, LegacyLane::Open) {
            prop_assert_eq!(status(&controls, &identities, LegacyLane::Open), decision.status);
        }
    }
}
