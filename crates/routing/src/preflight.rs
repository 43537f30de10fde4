//! What a command line checks before it sends anything: its routing flags, and its version against what the relay told.
//!
//! Only `cli_*` codes are raised here. Prereleases and the window of the legacy lane are the relay's to refuse.

use std::fmt::Display;
use std::str::FromStr;

use ops_contracts::wire::routing::{
    CliControls, Component, Identities, InvalidAllowlist, RequestControls, RolloutAllowlist, Route,
    RoutingControls, RoutingMode,
};
use ops_contracts::{ErrorCode, Fault, Outcome};

use crate::{decision, precedence, version, window};

/// The routing flags as they were given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RoutingFlags<'a> {
    /// `--ops-routing`.
    pub ops_routing: Option<&'a str>,
    /// `--force-legacy-cdp`.
    pub force_legacy_cdp: bool,
    /// `--ops-rollout-percent`.
    pub ops_rollout_percent: Option<&'a str>,
    /// `--ops-rollout-allowlist`.
    pub ops_rollout_allowlist: Option<&'a str>,
    /// `--ops-active-session-policy`.
    pub ops_active_session_policy: Option<&'a str>,
}

/// The flags as controls. Rollout flags beside an explicit mode are kept: precedence ranks them.
///
/// # Errors
/// `cli_usage_invalid` naming the flag, also where `--force-legacy-cdp` contradicts `--ops-routing`; `cli_rollout_allowlist_invalid`
/// with every bad entry.
pub fn controls(flags: &RoutingFlags<'_>) -> Outcome<CliControls> {
    Ok(CliControls {
        routing_mode: routing_mode(flags)?,
        rollout_percent: flag("--ops-rollout-percent", flags.ops_rollout_percent)?,
        rollout_allowlist: flags.ops_rollout_allowlist.map(allowlist).transpose()?,
        active_session_policy: flag(
            "--ops-active-session-policy",
            flags.ops_active_session_policy,
        )?,
    })
}

fn routing_mode(flags: &RoutingFlags<'_>) -> Outcome<Option<RoutingMode>> {
    let mode = flag("--ops-routing", flags.ops_routing)?;
    match (flags.force_legacy_cdp, mode) {
        (false, mode) => Ok(mode),
        (true, None | Some(RoutingMode::LegacyCdp)) => Ok(Some(RoutingMode::LegacyCdp)),
        (true, Some(mode)) => Err(Fault::new(
            ErrorCode::CliUsageInvalid,
            format!("--force-legacy-cdp contradicts --ops-routing={mode}"),
        )
        .with("flag", "--force-legacy-cdp")),
    }
}

fn flag<T: FromStr<Err: Display>>(name: &str, text: Option<&str>) -> Outcome<Option<T>> {
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|error: T::Err| {
        Fault::new(ErrorCode::CliUsageInvalid, format!("{name}: {error}")).with("flag", name)
    })
}

fn allowlist(text: &str) -> Outcome<RolloutAllowlist> {
    text.parse()
        .map_err(|invalid: InvalidAllowlist| allowlist_fault(&invalid.entries))
}

/// The refusal of an allow list with these bad entries, for flags and for `odb-cli config validate`.
#[must_use]
pub fn allowlist_fault(entries: &[String]) -> Fault {
    Fault::new(
        ErrorCode::CliRolloutAllowlistInvalid,
        format!("allow list entries that are no rollout identities: {entries:?}"),
    )
    .with("entries", entries)
}

/// What a relay told about itself, in its hello answer or its status document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RelayVersions<'a> {
    /// `relayVersion`.
    pub relay: &'a str,
    /// `opsContractVersion`.
    pub contract: &'a str,
    /// `opsMinContractVersion`.
    pub min_contract: &'a str,
}

/// Where a caller's own controls send its sessions; `None` where the relay's controls decide as well: in `auto`, without a
/// percentage or an allow list of the caller's.
///
/// The kill switch of the caller's environment outranks its flags. A caller without an identity in `auto` goes nowhere, which is
/// for the relay to say.
#[must_use]
pub fn route(asked: &RequestControls, identities: &Identities) -> Option<Route> {
    let controls = RoutingControls::default().for_request(asked);
    let rollout =
        controls.cli.rollout_percent.is_some() || controls.cli.rollout_allowlist.is_some();
    if precedence::effective(&controls).mode == RoutingMode::Auto && !rollout {
        return None;
    }
    let decided = decision::select(&controls, identities).ok();
    decided.map(|decision| decision.route)
}

/// Whether a client of these versions may try `route` with that relay.
///
/// # Errors
/// `cli_version_invalid` where a version is no SemVer; `cli_version_unsupported` where `/ops` would refuse the client.
pub fn versions(
    route: Route,
    client: &str,
    contract: &str,
    relay: &RelayVersions<'_>,
) -> Outcome<()> {
    let parse =
        |component, text| window::parse(component, Some(text), ErrorCode::CliVersionInvalid);
    let own = parse(Component::Cli, client)?;
    parse(Component::Relay, relay.relay)?;
    let (spoken, newest, oldest) = (
        parse(Component::Cli, contract)?,
        parse(Component::Relay, relay.contract)?,
        parse(Component::Relay, relay.min_contract)?,
    );
    if route == Route::LegacyCdp {
        return Ok(());
    }
    let windows = version::windows(relay.relay);
    let train = Some(format!("{}.{}", own.major, own.minor));
    let in_window = train == windows.n || train == windows.n_minus1;
    let spoken_there = spoken.cmp_precedence(&oldest).is_ge()
        && spoken.major == newest.major
        && spoken.minor <= newest.minor;
    if in_window && spoken_there {
        return Ok(());
    }
    let message = if in_window {
        format!(
            "contract version {spoken} is not supported: relay {} speaks {oldest} to {newest}",
            relay.relay
        )
    } else {
        format!(
            "version {own} is outside the compatibility window of relay {}",
            relay.relay
        )
    };
    Err(Fault::new(ErrorCode::CliVersionUnsupported, message)
        .with("cliVersion", client)
        .with("contractVersion", contract)
        .with("relayVersion", relay.relay)
        .with("opsMinContractVersion", relay.min_contract)
        .with("opsContractVersion", relay.contract)
        .with("compatibilityWindowN", windows.n)
        .with("compatibilityWindowNMinus1", windows.n_minus1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn refused(flags: RoutingFlags<'_>, code: ErrorCode) -> Fault {
        let fault = controls(&flags).unwrap_err();
        assert_eq!(fault.code, code, "{flags:?}");
        fault
    }

    #[test]
    fn flags_become_controls() {
        let flags = RoutingFlags {
            ops_routing: Some("auto"),
            ops_rollout_percent: Some("25"),
            ops_rollout_allowlist: Some("cli:alice-01,pairing:team.a"),
            ops_active_session_policy: Some("drain"),
            force_legacy_cdp: false,
        };
        let controls = controls(&flags).unwrap();
        assert_eq!(
            serde_json::to_string(&controls).unwrap(),
            r#"{"routingMode":"auto","rolloutPercent":25,"rolloutAllowlist":["cli:alice-01","pairing:team.a"],"activeSessionPolicy":"drain"}"#
        );
    }

    #[test]
    fn bad_flags_are_refused_and_named() {
        let base = RoutingFlags::default();
        let usage = ErrorCode::CliUsageInvalid;
        refused(
            RoutingFlags {
                ops_routing: Some("cdp"),
                ..base
            },
            usage,
        );
        refused(
            RoutingFlags {
                ops_rollout_percent: Some("101"),
                ..base
            },
            usage,
        );
        let fault = refused(
            RoutingFlags {
                ops_active_session_policy: Some("stop"),
                ..base
            },
            usage,
        );
        assert_eq!(
            fault.details.get("flag").unwrap(),
            "--ops-active-session-policy"
        );
        let fault = refused(
            RoutingFlags {
                ops_rollout_allowlist: Some("bob,cli:alice-01,x:y"),
                ..base
            },
            ErrorCode::CliRolloutAllowlistInvalid,
        );
        assert_eq!(
            fault.details.get("entries").unwrap(),
            &serde_json::json!(["bob", "x:y"])
        );
    }

    #[test]
    fn forcing_the_legacy_lane_is_an_alias_that_bears_no_contradiction() {
        for mode in [None, Some("legacy-cdp")] {
            let flags = RoutingFlags {
                force_legacy_cdp: true,
                ops_routing: mode,
                ..RoutingFlags::default()
            };
            assert_eq!(
                controls(&flags).unwrap().routing_mode,
                Some(RoutingMode::LegacyCdp)
            );
        }
        for mode in ["ops", "auto"] {
            refused(
                RoutingFlags {
                    force_legacy_cdp: true,
                    ops_routing: Some(mode),
                    ..RoutingFlags::default()
                },
                ErrorCode::CliUsageInvalid,
            );
        }
    }

    #[track_caller]
    fn check_versions(route: Route, client: &str, contract: &str, expected: Option<ErrorCode>) {
        let relay = RelayVersions {
            relay: "0.2.1",
            contract: "1.1.0",
            min_contract: "1.0.0",
        };
        assert_eq!(
            versions(route, client, contract, &relay)
                .err()
                .map(|fault| fault.code),
            expected,
            "{client} {contract}"
        );
    }

    #[test]
    fn only_the_ops_route_is_gated_by_the_clients_version() {
        let unsupported = Some(ErrorCode::CliVersionUnsupported);
        for (client, contract, expected) in [
            ("0.2.9", "1.1.0", None),
            ("0.1.0", "1.0.0", None),
            ("0.1.0", "0.9.0", unsupported),
            ("0.2.0", "1.2.0", unsupported),
            ("0.3.0", "1.1.0", unsupported),
            ("1.2.0", "1.1.0", unsupported),
        ] {
            check_versions(Route::Ops, client, contract, expected);
            check_versions(Route::LegacyCdp, client, contract, None);
        }
        for route in [Route::Ops, Route::LegacyCdp] {
            check_versions(route, "0.2", "1.1.0", Some(ErrorCode::CliVersionInvalid));
            check_versions(route, "0.2.0", "1", Some(ErrorCode::CliVersionInvalid));
        }
    }

    #[test]
    fn the_callers_own_controls_decide_the_route_where_they_can() {
        // The bucket of cli:alice-01 is 78.
        let alice = Identities::default().with("cli:alice-01".parse().unwrap());
        for (flags, kill_switch, expected) in [
            (RoutingFlags::default(), false, Some(Route::Ops)),
            (RoutingFlags::default(), true, Some(Route::LegacyCdp)),
            (mode("ops"), true, Some(Route::LegacyCdp)),
            (mode("legacy-cdp"), false, Some(Route::LegacyCdp)),
            (mode("auto"), false, None),
            (percent("79"), false, Some(Route::Ops)),
            (percent("78"), false, Some(Route::LegacyCdp)),
        ] {
            let asked = RequestControls {
                kill_switch,
                cli: controls(&flags).unwrap(),
            };
            assert_eq!(route(&asked, &alice), expected, "{flags:?} {kill_switch}");
        }
        let asked = RequestControls {
            cli: controls(&percent("79")).unwrap(),
            ..RequestControls::default()
        };
        assert_eq!(route(&asked, &Identities::default()), None);
    }

    fn mode(mode: &str) -> RoutingFlags<'_> {
        RoutingFlags {
            ops_routing: Some(mode),
            ..RoutingFlags::default()
        }
    }

    fn percent(percent: &str) -> RoutingFlags<'_> {
        RoutingFlags {
            ops_rollout_percent: Some(percent),
            ..RoutingFlags::default()
        }
    }

    proptest! {
        #[test]
        fn no_flag_makes_the_check_panic_and_accepted_lists_round_trip(text in "[a-zA-Z0-9:,._ -]{0,60}", mode in ".{0,12}") {
            let flags = RoutingFlags {
                ops_routing: Some(&mode), ops_rollout_percent: Some(&mode), ops_rollout_allowlist: Some(&text), ops_active_session_policy: Some(&mode),
                force_legacy_cdp: false,
            };
            let _ = controls(&flags);
            let flags = RoutingFlags { ops_rollout_allowlist: Some(&text), ..RoutingFlags::default() };
            if let Ok(accepted) = controls(&flags) {
                let list = accepted.rollout_allowlist.unwrap();
                prop_assert_eq!(list.to_string().parse(), Ok(list));
            }
        }
    }
}
