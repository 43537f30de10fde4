//! Generators for property tests.

use ops_contracts::ErrorCode;
use ops_contracts::wire::routing::{
    ActiveSessionPolicy, CliControls, ConfigControls, Identities, IdentityNamespace, LegacyLane,
    RolloutAllowlist, RolloutIdentity, RolloutPercent, RoutingControls, RoutingMode,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

pub(crate) fn identity() -> impl Strategy<Value = RolloutIdentity> {
    // Few values besides the many, so that lists and callers meet.
    let value = prop_oneof![
        "[a-z0-9][a-z0-9._:-]{2,127}",
        select(vec!["alice-01".to_owned(), "bob-01".to_owned()])
    ];
    (select(IdentityNamespace::ALL), value)
        .prop_map(|(namespace, value)| RolloutIdentity::new(namespace, &value).unwrap())
}

pub(crate) fn percent() -> impl Strategy<Value = RolloutPercent> {
    (0_u8..=100).prop_map(|number| RolloutPercent::try_from(number).unwrap())
}

pub(crate) fn allowlist() -> impl Strategy<Value = RolloutAllowlist> {
    vec(identity(), 0..4).prop_map(|entries| {
        RolloutAllowlist::from_entries(entries.iter().map(RolloutIdentity::as_str)).unwrap()
    })
}

pub(crate) fn identities() -> impl Strategy<Value = Identities> {
    vec(identity(), 0..4).prop_map(|list| {
        list.into_iter()
            .fold(Identities::default(), Identities::with)
    })
}

pub(crate) fn legacy() -> impl Strategy<Value = LegacyLane> {
    select(vec![
        LegacyLane::Open,
        LegacyLane::Closed(ErrorCode::RelayRawCdpDisabled),
        LegacyLane::Closed(ErrorCode::RelayNonlocalCdpDisabled),
        LegacyLane::Closed(ErrorCode::RelayLegacyWindowExceeded),
    ])
}

fn cli() -> impl Strategy<Value = CliControls> {
    (
        option::of(select(RoutingMode::ALL)),
        option::of(percent()),
        option::of(allowlist()),
        option::of(select(ActiveSessionPolicy::ALL)),
    )
        .prop_map(
            |(routing_mode, rollout_percent, rollout_allowlist, active_session_policy)| {
                CliControls {
                    routing_mode,
                    rollout_percent,
                    rollout_allowlist,
                    active_session_policy,
                }
            },
        )
}

fn config() -> impl Strategy<Value = ConfigControls> {
    let downgrade = prop_oneof![4 => Just(None), 1 => Just(Some("newer".to_owned()))];
    (option::of(any::<bool>()), cli(), downgrade).prop_map(|(kill_switch, controls, downgrade)| {
        ConfigControls {
            kill_switch,
            routing_mode: controls.routing_mode,
            rollout_percent: controls.rollout_percent,
            rollout_allowlist: controls.rollout_allowlist,
            allowlist_invalid: false,
            active_session_policy: controls.active_session_policy,
            downgrade,
        }
    })
}

pub(crate) fn controls() -> impl Strategy<Value = RoutingControls> {
    (prop::bool::weighted(0.2), cli(), config()).prop_map(|(env_kill_switch, cli, config)| {
        RoutingControls {
            env_kill_switch,
            cli,
            config,
        }
    })
}

/// Versions around the train 0.2, releases and prereleases.
pub(crate) fn version() -> impl Strategy<Value = String> {
    (0_u64..4, 0_u64..3, select(vec!["", "-rc.1", "-rc.2"]))
        .prop_map(|(minor, patch, pre)| format!("0.{minor}.{patch}{pre}"))
}
