//! Which components may speak to each other on which route: SemVer trains N and N-1, prereleases, and the minimum of `/ops`.
//!
//! N is the relay's train, `major.minor`; N-1 the minor before it in the same major, which a minor of 0 does not have. Build
//! metadata never decides. The contract version binds `/ops` alone, so that the legacy lane stays open to whoever is in the window.

use ops_contracts::wire::routing::{BlockedReason, Component, Peer, Route, WindowPosition};
use ops_contracts::wire::version::CDP_LEASE_TRAIN;
use ops_contracts::{ErrorCode, Fault, Outcome};
use semver::Version;

use crate::version;

/// Whether these components may speak on `route` to a relay of `relay_version`.
///
/// On `/ops` every component but [`Component::Other`] must be in the window, and each must speak an admitted contract version.
/// `/cdp` has no contract version, so there the window binds every client: one that is no component of ours names the release
/// that it was written for. A prerelease is admitted only under `prerelease_interop`, and only where all components are the very
/// same prerelease.
///
/// A mix is admitted exactly where each of its components is by itself: all are held against the relay, and none against another.
/// So the relay, which judges each at its own hello or request, judges every mix that is connected to it.
///
/// # Errors
/// `relay_version_invalid` (on `/ops` for a client `relay_ops_version_invalid`), `relay_prerelease_unsupported`,
/// `relay_ops_version_unsupported` on `/ops`, `relay_legacy_window_exceeded` on `/cdp`. Details name the component and the window.
pub fn admit(
    route: Route,
    relay_version: &str,
    peers: &[Peer<'_>],
    prerelease_interop: bool,
) -> Outcome<()> {
    let relay = parse(
        Component::Relay,
        Some(relay_version),
        ErrorCode::RelayVersionInvalid,
    )?;
    let invalid = match route {
        Route::Ops => ErrorCode::RelayOpsVersionInvalid,
        Route::LegacyCdp => ErrorCode::RelayVersionInvalid,
    };
    let bound = peers
        .iter()
        .filter(|peer| route == Route::LegacyCdp || peer.component != Component::Other);
    let versions: Vec<(Component, Version)> = bound
        .map(|peer| {
            Ok((
                peer.component,
                parse(peer.component, peer.version, invalid)?,
            ))
        })
        .collect::<Outcome<_>>()?;
    check_prereleases(&relay, &versions, prerelease_interop)?;
    versions
        .iter()
        .try_for_each(|(component, version)| check_window(route, &relay, *component, version))?;
    match route {
        Route::Ops => peers.iter().try_for_each(check_contract),
        Route::LegacyCdp => Ok(()),
    }
}

/// Whether a relay of `relay_version` may bind the lease of a legacy client, which predates lease fields, to its connection:
/// in the train that made leases it may, in the next one where the configuration allows it, afterwards never.
///
/// A version that is no SemVer, or of another major than that train, gives no such leave.
#[must_use]
pub fn transitional_binding(relay_version: &str, allowed_by_config: bool) -> bool {
    let first = lease_train();
    let Ok(relay) = Version::parse(relay_version) else {
        return false;
    };
    match relay.minor.checked_sub(first.minor) {
        _ if relay.major != first.major => false,
        None | Some(0) => true,
        Some(1) => allowed_by_config,
        Some(_) => false,
    }
}

/// Whether a client of this version is of a train before the one that made leases, and so can't present one. A version that
/// is no SemVer is of no train.
#[must_use]
pub fn predates_leases(client_version: &str) -> bool {
    let first = lease_train();
    Version::parse(client_version)
        .is_ok_and(|client| (client.major, client.minor) < (first.major, first.minor))
}

/// The first version of the train that made leases.
fn lease_train() -> Version {
    Version::parse(&format!("{CDP_LEASE_TRAIN}.0")).expect("the train is major.minor")
}

/// Whether everything that a client can't do without is offered.
///
/// # Errors
/// `relay_capability_mismatch`; details name what is missing.
pub fn admit_capabilities(required: &[String], offered: &[String]) -> Outcome<()> {
    let missing: Vec<&String> = required
        .iter()
        .filter(|name| !offered.contains(name))
        .collect();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Fault::plain(ErrorCode::RelayCapabilityMismatch).with("missing", missing))
    }
}

/// What a refusal by `/ops` is in the status document; `None` for one that is not about versions or capabilities.
#[must_use]
pub const fn blocked_reason(refusal: &Fault) -> Option<BlockedReason> {
    match refusal.code {
        ErrorCode::RelayOpsVersionUnsupported
        | ErrorCode::RelayOpsVersionInvalid
        | ErrorCode::RelayVersionInvalid
        | ErrorCode::RelayPrereleaseUnsupported
        | ErrorCode::CliVersionUnsupported
        | ErrorCode::CliVersionInvalid => Some(BlockedReason::VersionUnsupported),
        ErrorCode::RelayCapabilityMismatch => Some(BlockedReason::CapabilityMismatch),
        _ => None,
    }
}

/// The version as SemVer, or a fault with `code` that names the component.
pub(crate) fn parse(
    component: Component,
    version: Option<&str>,
    code: ErrorCode,
) -> Outcome<Version> {
    let refused = |why: &str| {
        Fault::new(
            code,
            format!("the {component} version is not a SemVer version: {why}"),
        )
        .with("component", component)
    };
    let text = version.ok_or_else(|| refused("it is missing"))?;
    Version::parse(text).map_err(|error| refused(&error.to_string()))
}

fn check_prereleases(
    relay: &Version,
    peers: &[(Component, Version)],
    interop: bool,
) -> Outcome<()> {
    let all = || {
        std::iter::once((Component::Relay, relay)).chain(
            peers
                .iter()
                .map(|(component, version)| (*component, version)),
        )
    };
    let Some((component, version)) = all().find(|(_, version)| !version.pre.is_empty()) else {
        return Ok(());
    };
    if interop && all().all(|(_, other)| other.pre == version.pre) {
        return Ok(());
    }
    Err(Fault::new(
        ErrorCode::RelayPrereleaseUnsupported,
        format!("the {component} version {version} is a prerelease"),
    )
    .with("component", component)
    .with("version", version.to_string())
    .with("prereleaseInterop", interop))
}

/// Where a client's version is, seen from a relay's; an invalid version is outside.
#[must_use]
pub fn position(relay_version: &str, client_version: &str) -> WindowPosition {
    match (
        Version::parse(relay_version),
        Version::parse(client_version),
    ) {
        (Ok(relay), Ok(client)) => position_of(&relay, &client),
        _ => WindowPosition::Outside,
    }
}

fn position_of(relay: &Version, client: &Version) -> WindowPosition {
    if client.major != relay.major {
        WindowPosition::Outside
    } else if client.minor == relay.minor {
        WindowPosition::Current
    } else if Some(client.minor) == relay.minor.checked_sub(1) {
        WindowPosition::Previous
    } else {
        WindowPosition::Outside
    }
}

fn check_window(
    route: Route,
    relay: &Version,
    component: Component,
    version: &Version,
) -> Outcome<()> {
    if position_of(relay, version) != WindowPosition::Outside {
        return Ok(());
    }
    let code = match route {
        Route::Ops => ErrorCode::RelayOpsVersionUnsupported,
        Route::LegacyCdp => ErrorCode::RelayLegacyWindowExceeded,
    };
    let windows = version::windows(&relay.to_string());
    let message = format!(
        "the {component} version {version} is outside the compatibility window of relay {relay}"
    );
    Err(Fault::new(code, message)
        .with("component", component)
        .with("version", version.to_string())
        .with("compatibilityWindowN", windows.n)
        .with("compatibilityWindowNMinus1", windows.n_minus1))
}

fn check_contract(peer: &Peer<'_>) -> Outcome<()> {
    let contract = peer.contract.ok_or_else(|| {
        Fault::new(
            ErrorCode::RelayOpsVersionInvalid,
            format!("the {} tells no contract version", peer.component),
        )
        .with("field", "contractVersion")
    })?;
    version::admit_contract(contract).map_err(|fault| fault.with("component", peer.component))
}

#[cfg(test)]
mod tests {
    use ops_contracts::wire::version::OPS_CONTRACT_VERSION;
    use proptest::prelude::*;

    use super::*;
    use crate::strategies;

    fn peer<'a>(component: Component, version: &'a str, contract: &'a str) -> Peer<'a> {
        Peer {
            component,
            version: Some(version),
            contract: Some(contract),
        }
    }

    fn code(route: Route, relay: &str, versions: &[&str], interop: bool) -> Option<ErrorCode> {
        let components = [Component::Cli, Component::Extension];
        let peers: Vec<_> = components
            .into_iter()
            .zip(versions)
            .map(|(component, version)| peer(component, version, OPS_CONTRACT_VERSION))
            .collect();
        admit(route, relay, &peers, interop)
            .err()
            .map(|fault| fault.code)
    }

    #[track_caller]
    fn check(relay: &str, client: &str, ops: Option<ErrorCode>, legacy: Option<ErrorCode>) {
        assert_eq!(
            code(Route::Ops, relay, &[client], false),
            ops,
            "/ops: relay {relay}, client {client}"
        );
        assert_eq!(
            code(Route::LegacyCdp, relay, &[client], false),
            legacy,
            "/cdp: relay {relay}, client {client}"
        );
    }

    #[test]
    fn the_window_is_the_relays_train_and_the_one_before_it() {
        let outside = (
            Some(ErrorCode::RelayOpsVersionUnsupported),
            Some(ErrorCode::RelayLegacyWindowExceeded),
        );
        for inside in ["2.7.0", "2.7.99", "2.6.0", "2.6.3+build.5", "2.7.0+x"] {
            check("2.7.1", inside, None, None);
        }
        for beyond in ["2.8.0", "2.5.9", "1.7.1", "3.7.1", "3.0.0", "0.0.0"] {
            check("2.7.1", beyond, outside.0, outside.1);
        }
    }

    #[test]
    fn a_version_is_in_the_relays_train_in_the_one_before_it_or_outside() {
        for (client, expected) in [
            ("2.7.9", WindowPosition::Current),
            ("2.7.0-rc.1", WindowPosition::Current),
            ("2.6.0", WindowPosition::Previous),
            ("2.5.0", WindowPosition::Outside),
            ("1.7.0", WindowPosition::Outside),
            ("2.70.0", WindowPosition::Outside),
            ("2.7.next", WindowPosition::Outside),
        ] {
            assert_eq!(position("2.7.1", client), expected, "{client}");
        }
        assert_eq!(position("3.0.1", "2.9.0"), WindowPosition::Outside);
    }

    #[test]
    fn a_minor_of_zero_has_no_train_before_it() {
        let outside = (
            Some(ErrorCode::RelayOpsVersionUnsupported),
            Some(ErrorCode::RelayLegacyWindowExceeded),
        );
        check("3.0.4", "3.0.0", None, None);
        check("3.0.4", "2.9.9", outside.0, outside.1);
        check("3.0.4", "3.1.0", outside.0, outside.1);
    }

    #[test]
    fn what_is_no_semver_is_refused_by_its_code() {
        for bad in [
            "",
            "2",
            "2.7",
            "v2.7.1",
            "2.7.1.0",
            "02.7.1",
            "2.7.1-",
            "2.7.1-01",
            "2.7.1+",
            " 2.7.1",
            "99999999999999999999.0.0",
            "latest",
        ] {
            check(
                "2.7.1",
                bad,
                Some(ErrorCode::RelayOpsVersionInvalid),
                Some(ErrorCode::RelayVersionInvalid),
            );
            check(
                bad,
                "2.7.1",
                Some(ErrorCode::RelayVersionInvalid),
                Some(ErrorCode::RelayVersionInvalid),
            );
        }
    }

    #[test]
    fn prereleases_meet_only_their_exact_like_and_only_by_choice() {
        let refused = Some(ErrorCode::RelayPrereleaseUnsupported);
        for route in [Route::Ops, Route::LegacyCdp] {
            assert_eq!(
                code(route, "0.2.0", &["0.2.0-rc.1", "0.2.0"], false),
                refused
            );
            assert_eq!(
                code(route, "0.2.0", &["0.2.0-rc.1", "0.2.0"], true),
                refused
            );
            assert_eq!(
                code(route, "0.2.0-rc.1", &["0.2.0", "0.2.0"], true),
                refused
            );
            assert_eq!(
                code(route, "0.2.0-rc.1", &["0.2.0-rc.1", "0.2.0-rc.1"], false),
                refused
            );
            assert_eq!(
                code(route, "0.2.0-rc.1", &["0.2.0-rc.1", "0.2.0-rc.2"], true),
                refused
            );
            assert_eq!(
                code(route, "0.2.0-rc.1", &["0.2.0-rc.1+a", "0.2.0-rc.1+b"], true),
                None
            );
        }
    }

    #[test]
    fn the_minimum_contract_binds_ops_alone() {
        for (contract, expected) in [
            (Some("0.9.0"), ErrorCode::RelayOpsVersionUnsupported),
            (Some("2.0.0"), ErrorCode::RelayOpsVersionUnsupported),
            (Some("1.1.0-rc.1"), ErrorCode::RelayPrereleaseUnsupported),
            (Some("one"), ErrorCode::RelayOpsVersionInvalid),
            (None, ErrorCode::RelayOpsVersionInvalid),
        ] {
            for component in [Component::Cli, Component::Extension, Component::Other] {
                let peer = Peer {
                    component,
                    version: Some("0.2.0"),
                    contract,
                };
                assert_eq!(
                    admit(Route::Ops, "0.2.0", &[peer], false).unwrap_err().code,
                    expected,
                    "{contract:?}"
                );
                assert_eq!(admit(Route::LegacyCdp, "0.2.0", &[peer], false), Ok(()));
            }
        }
    }

    #[test]
    fn other_programs_are_bound_on_ops_by_the_contract_and_on_cdp_by_the_window() {
        let other = Peer {
            component: Component::Other,
            version: Some("7 of 9"),
            contract: Some("1.0.0"),
        };
        assert_eq!(admit(Route::Ops, "0.2.0", &[other], false), Ok(()));
        for (version, expected) in [
            (Some("0.1.4"), None),
            (Some("0.0.9"), Some(ErrorCode::RelayLegacyWindowExceeded)),
            (Some("7 of 9"), Some(ErrorCode::RelayVersionInvalid)),
            (None, Some(ErrorCode::RelayVersionInvalid)),
        ] {
            let peer = Peer { version, ..other };
            let refused = admit(Route::LegacyCdp, "0.2.0", &[peer], false).err();
            assert_eq!(refused.map(|fault| fault.code), expected, "{version:?}");
        }
    }

    #[test]
    fn transitional_binding_ends_two_trains_after_leases_came() {
        for (version, by_config, by_default) in [
            ("0.2.0", true, true),
            ("0.2.7", true, true),
            ("0.3.0", true, false),
            ("0.4.0", false, false),
            ("0.5.1", false, false),
            ("1.2.0", false, false),
            ("x", false, false),
        ] {
            assert_eq!(
                (
                    transitional_binding(version, true),
                    transitional_binding(version, false)
                ),
                (by_config, by_default),
                "{version}"
            );
        }
    }

    #[test]
    fn clients_of_trains_before_leases_predate_them() {
        for (version, predates) in [
            ("0.1.0", true),
            ("0.1.9+build", true),
            ("0.0.1", true),
            ("0.2.0-rc.1", false),
            ("0.2.0", false),
            ("0.3.1", false),
            ("1.0.0", false),
            ("0.1", false),
            ("", false),
        ] {
            assert_eq!(predates_leases(version), predates, "{version}");
        }
    }

    #[test]
    fn refusals_become_the_reasons_of_the_status_document() {
        let reason = |code| blocked_reason(&Fault::plain(code));
        assert_eq!(
            reason(ErrorCode::RelayOpsVersionUnsupported),
            Some(BlockedReason::VersionUnsupported)
        );
        assert_eq!(
            reason(ErrorCode::RelayCapabilityMismatch),
            Some(BlockedReason::CapabilityMismatch)
        );
        assert_eq!(reason(ErrorCode::RelayRateLimited), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_check_panic(relay in ".{0,40}", client in "[0-9v.+a-z-]{0,24}", contract in ".{0,24}", interop: bool) {
            for route in [Route::Ops, Route::LegacyCdp] {
                let _ = admit(route, &relay, &[peer(Component::Cli, &client, &contract)], interop);
                let _ = admit(route, "0.2.0", &[peer(Component::Cli, &client, &contract)], interop);
            }
        }

        #[test]
        fn what_is_admitted_is_in_the_window(relay in (0_u64..4, 0_u64..4, 0_u64..4), client in (0_u64..4, 0_u64..4, 0_u64..4)) {
            let text = |(major, minor, patch): (u64, u64, u64)| format!("{major}.{minor}.{patch}");
            let inside = relay.0 == client.0 && (relay.1 == client.1 || relay.1 == client.1 + 1);
            for route in [Route::Ops, Route::LegacyCdp] {
                prop_assert_eq!(code(route, &text(relay), &[&text(client)], false).is_none(), inside);
            }
        }

        #[test]
        fn a_mix_is_admitted_exactly_where_each_component_is(
            relay in strategies::version(), cli in strategies::version(), extension in strategies::version(),
            contract in prop::sample::select(vec!["0.9.0", "1.0.0", OPS_CONTRACT_VERSION]), interop: bool
        ) {
            let mix = [peer(Component::Cli, &cli, contract), peer(Component::Extension, &extension, OPS_CONTRACT_VERSION)];
            for route in [Route::Ops, Route::LegacyCdp] {
                let alone = mix.iter().all(|peer| admit(route, &relay, &[*peer], interop).is_ok());
                prop_assert_eq!(admit(route, &relay, &mix, interop).is_ok(), alone);
            }
        }

        #[test]
        fn build_metadata_never_decides(client in (0_u64..4, 0_u64..4, 0_u64..4), build in "[0-9A-Za-z-]{1,8}") {
            let plain = format!("{}.{}.{}", client.0, client.1, client.2);
            let built = format!("{plain}+{build}");
            for route in [Route::Ops, Route::LegacyCdp] {
                prop_assert_eq!(code(route, "1.2.0", &[&plain], false), code(route, "1.2.0", &[&built], false));
            }
        }

        #[test]
        fn a_version_that_is_accepted_round_trips(text in "(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})\\.(0|[1-9][0-9]{0,3})(-[a-z][0-9a-z.]{0,4}[a-z])?(\\+[0-9a-z]{1,6})?") {
            if let Ok(version) = parse(Component::Cli, Some(&text), ErrorCode::CliVersionInvalid) {
                prop_assert_eq!(version.to_string(), text);
            }
        }
    }
}
