//! The opening of a session as one pure decision: routing, then on the selected route versions and capabilities. This is the
//! compatibility matrix.
//!
//! A refusal on one route never leads to the other.

use ops_contracts::Outcome;
use ops_contracts::wire::routing::{
    Identities, LegacyLane, Peer, Route, RoutingControls, RoutingDecision,
};

use crate::{decision, window};

/// Everything by which the opening of a session is decided.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    /// The controls in force for the request.
    pub controls: &'a RoutingControls,
    /// The caller's identities.
    pub identities: &'a Identities,
    /// Whether the configuration's gates leave the legacy lane open to the caller.
    pub legacy: LegacyLane,
    /// The relay's version.
    pub relay_version: &'a str,
    /// The other components.
    pub peers: &'a [Peer<'a>],
    /// `ops.allowPrereleaseInterop`.
    pub prerelease_interop: bool,
    /// Capabilities that the client can't do without.
    pub required: &'a [String],
    /// Capabilities on offer.
    pub offered: &'a [String],
}

/// Decides about the opening. On the legacy lane the decision tells as well why `/ops` would have been closed.
///
/// # Errors
/// Those of [`decision::decide`], then those of [`window::admit`] for the selected route, then `relay_capability_mismatch`.
pub fn open(opening: &Opening<'_>) -> Outcome<RoutingDecision> {
    let mut decision = decision::decide(opening.controls, opening.identities, opening.legacy)?;
    match decision.route {
        Route::Ops => ops(opening)?,
        Route::LegacyCdp => {
            window::admit(
                Route::LegacyCdp,
                opening.relay_version,
                opening.peers,
                opening.prerelease_interop,
            )?;
            decision.status.ops_route_blocked_reason =
                ops(opening).err().as_ref().and_then(window::blocked_reason);
        }
    }
    Ok(decision)
}

fn ops(opening: &Opening<'_>) -> Outcome<()> {
    window::admit(
        Route::Ops,
        opening.relay_version,
        opening.peers,
        opening.prerelease_interop,
    )?;
    window::admit_capabilities(opening.required, opening.offered)
}

#[cfg(test)]
mod tests {
    use ops_contracts::ErrorCode;
    use ops_contracts::wire::routing::{
        BlockedReason, CliControls, Component, DecisionReason, RolloutPercent, RoutingMode,
    };
    use ops_contracts::wire::version::{OPS_CONTRACT_VERSION, OPS_MIN_COMPAT_VERSION};
    use proptest::prelude::*;

    use super::*;
    use crate::strategies;

    const BELOW_MIN: &str = "0.9.0";

    /// How a row of the matrix asks for its route. The caller's bucket is 78.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Asked {
        Ops,
        Legacy,
        AutoOps,
        AutoLegacy,
        AutoListed,
    }

    impl Asked {
        fn controls(self) -> RoutingControls {
            let percent = |number| RolloutPercent::try_from(number).ok();
            let auto = CliControls {
                routing_mode: Some(RoutingMode::Auto),
                ..CliControls::default()
            };
            let cli = match self {
                Self::Ops => CliControls {
                    routing_mode: Some(RoutingMode::Ops),
                    ..CliControls::default()
                },
                Self::Legacy => CliControls {
                    routing_mode: Some(RoutingMode::LegacyCdp),
                    ..CliControls::default()
                },
                Self::AutoOps => CliControls {
                    rollout_percent: percent(79),
                    ..auto
                },
                Self::AutoLegacy => CliControls {
                    rollout_percent: percent(78),
                    ..auto
                },
                Self::AutoListed => CliControls {
                    rollout_allowlist: "cli:alice-01".parse().ok(),
                    ..auto
                },
            };
            RoutingControls {
                cli,
                ..RoutingControls::default()
            }
        }
    }

    /// A row: CLI, relay and extension as (version, contract), what the client needs, how the route is asked for.
    struct Row {
        name: &'static str,
        cli: (&'static str, &'static str),
        relay: &'static str,
        extension: (&'static str, &'static str),
        required: &'static [&'static str],
        asked: &'static [Asked],
        expected: Expected,
    }

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Expected {
        Ops,
        /// The legacy lane, with the reason why `/ops` is closed.
        Legacy(Option<BlockedReason>),
        Refused(ErrorCode),
    }

    const N: (&str, &str) = ("0.2.3", OPS_CONTRACT_VERSION);
    const N_MINUS_1: (&str, &str) = ("0.1.9", OPS_MIN_COMPAT_VERSION);
    const TO_OPS: &[Asked] = &[Asked::Ops, Asked::AutoOps];
    const TO_LEGACY: &[Asked] = &[Asked::Legacy, Asked::AutoLegacy, Asked::AutoListed];
    const ANY: &[Asked] = &[
        Asked::Ops,
        Asked::AutoOps,
        Asked::Legacy,
        Asked::AutoLegacy,
        Asked::AutoListed,
    ];

    /// The plan's compatibility matrix, row by row, each with its mixes.
    const MATRIX: &[Row] = &[
        Row {
            name: "1 all N, at least /ops min",
            cli: N,
            relay: "0.2.0",
            extension: N,
            required: &[],
            asked: TO_OPS,
            expected: Expected::Ops,
        },
        Row {
            name: "1 CLI N-1",
            cli: N_MINUS_1,
            relay: "0.2.0",
            extension: N,
            required: &["input"],
            asked: TO_OPS,
            expected: Expected::Ops,
        },
        Row {
            name: "1 extension N-1",
            cli: N,
            relay: "0.2.0",
            extension: N_MINUS_1,
            required: &[],
            asked: TO_OPS,
            expected: Expected::Ops,
        },
        Row {
            name: "1 CLI and extension N-1",
            cli: N_MINUS_1,
            relay: "0.2.0",
            extension: N_MINUS_1,
            required: &[],
            asked: TO_OPS,
            expected: Expected::Ops,
        },
        Row {
            name: "2 CLI is a prerelease",
            cli: ("0.2.0-rc.1", OPS_CONTRACT_VERSION),
            relay: "0.2.0",
            extension: N,
            required: &[],
            asked: ANY,
            expected: Expected::Refused(ErrorCode::RelayPrereleaseUnsupported),
        },
        Row {
            name: "2 relay is a prerelease",
            cli: N,
            relay: "0.2.0-rc.1",
            extension: N,
            required: &[],
            asked: ANY,
            expected: Expected::Refused(ErrorCode::RelayPrereleaseUnsupported),
        },
        Row {
            name: "2 extension is a prerelease",
            cli: N,
            relay: "0.2.0",
            extension: ("0.2.0-rc.1", OPS_CONTRACT_VERSION),
            required: &[],
            asked: ANY,
            expected: Expected::Refused(ErrorCode::RelayPrereleaseUnsupported),
        },
        Row {
            name: "2 all are the same prerelease, without interop",
            cli: ("0.2.0-rc.1", OPS_CONTRACT_VERSION),
            relay: "0.2.0-rc.1",
            extension: ("0.2.0-rc.1", OPS_CONTRACT_VERSION),
            required: &[],
            asked: ANY,
            expected: Expected::Refused(ErrorCode::RelayPrereleaseUnsupported),
        },
        Row {
            name: "3 CLI below /ops min",
            cli: ("0.2.0", BELOW_MIN),
            relay: "0.2.0",
            extension: N,
            required: &[],
            asked: TO_OPS,
            expected: Expected::Refused(ErrorCode::RelayOpsVersionUnsupported),
        },
        Row {
            name: "4 CLI below /ops min on the legacy lane",
            cli: ("0.1.0", BELOW_MIN),
            relay: "0.2.0",
            extension: N,
            required: &[],
            asked: TO_LEGACY,
            expected: Expected::Legacy(Some(BlockedReason::VersionUnsupported)),
        },
        Row {
            name: "4 extension below /ops min on the legacy lane",
            cli: N,
            relay: "0.2.0",
            extension: ("0.1.0", BELOW_MIN),
            required: &[],
            asked: TO_LEGACY,
            expected: Expected::Legacy(Some(BlockedReason::VersionUnsupported)),
        },
        Row {
            name: "4 nobody below /ops min on the legacy lane",
            cli: N,
            relay: "0.2.0",
            extension: N,
            required: &[],
            asked: TO_LEGACY,
            expected: Expected::Legacy(None),
        },
        Row {
            name: "5 CLI below N-1",
            cli: ("0.0.9", OPS_CONTRACT_VERSION),
            relay: "0.2.0",
            extension: N,
            required: &[],
            asked: TO_LEGACY,
            expected: Expected::Refused(ErrorCode::RelayLegacyWindowExceeded),
        },
        Row {
            name: "5 CLI above N",
            cli: ("0.3.0", OPS_CONTRACT_VERSION),
            relay: "0.2.0",
            extension: N,
            required: &[],
            asked: TO_LEGACY,
            expected: Expected::Refused(ErrorCode::RelayLegacyWindowExceeded),
        },
        Row {
            name: "5 extension below N-1",
            cli: N,
            relay: "0.2.0",
            extension: ("0.0.1", OPS_CONTRACT_VERSION),
            required: &[],
            asked: TO_LEGACY,
            expected: Expected::Refused(ErrorCode::RelayLegacyWindowExceeded),
        },
        Row {
            name: "5 no N-1 where the minor is 0",
            cli: ("0.9.0", OPS_CONTRACT_VERSION),
            relay: "1.0.0",
            extension: ("1.0.0", OPS_CONTRACT_VERSION),
            required: &[],
            asked: TO_LEGACY,
            expected: Expected::Refused(ErrorCode::RelayLegacyWindowExceeded),
        },
        Row {
            name: "6 a capability is missing",
            cli: N,
            relay: "0.2.0",
            extension: N_MINUS_1,
            required: &["input", "telepathy"],
            asked: TO_OPS,
            expected: Expected::Refused(ErrorCode::RelayCapabilityMismatch),
        },
        Row {
            name: "7 /ops rejects a version in auto",
            cli: N_MINUS_1,
            relay: "0.2.0",
            extension: ("0.1.0", BELOW_MIN),
            required: &[],
            asked: &[Asked::AutoOps],
            expected: Expected::Refused(ErrorCode::RelayOpsVersionUnsupported),
        },
        Row {
            name: "7 /ops rejects a capability in auto",
            cli: N,
            relay: "0.2.0",
            extension: N,
            required: &["telepathy"],
            asked: &[Asked::AutoOps],
            expected: Expected::Refused(ErrorCode::RelayCapabilityMismatch),
        },
    ];

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn run(row: &Row, asked: Asked, interop: bool) -> Outcome<RoutingDecision> {
        let peers = [
            Peer {
                component: Component::Cli,
                version: Some(row.cli.0),
                contract: Some(row.cli.1),
            },
            Peer {
                component: Component::Extension,
                version: Some(row.extension.0),
                contract: Some(row.extension.1),
            },
        ];
        open(&Opening {
            controls: &asked.controls(),
            identities: &Identities::default().with("cli:alice-01".parse().unwrap()),
            legacy: LegacyLane::Open,
            relay_version: row.relay,
            peers: &peers,
            prerelease_interop: interop,
            required: &strings(row.required),
            offered: &strings(&["input", "screenshot"]),
        })
    }

    fn reason(asked: Asked) -> DecisionReason {
        match asked {
            Asked::Ops | Asked::Legacy => DecisionReason::ExplicitMode,
            Asked::AutoOps | Asked::AutoLegacy => DecisionReason::Percent,
            Asked::AutoListed => DecisionReason::Allowlist,
        }
    }

    #[test]
    fn every_row_of_the_compatibility_matrix_holds() {
        for row in MATRIX {
            for &asked in row.asked {
                let outcome = run(row, asked, false);
                let name = format!("{} ({asked:?})", row.name);
                match (row.expected, outcome) {
                    (Expected::Refused(code), Err(fault)) => assert_eq!(fault.code, code, "{name}"),
                    (Expected::Ops, Ok(decision)) => {
                        assert_eq!(
                            (decision.route, decision.reason),
                            (Route::Ops, reason(asked)),
                            "{name}"
                        );
                    }
                    (Expected::Legacy(blocked), Ok(decision)) => {
                        assert_eq!(
                            (decision.route, decision.reason),
                            (Route::LegacyCdp, reason(asked)),
                            "{name}"
                        );
                        assert_eq!(decision.status.ops_route_blocked_reason, blocked, "{name}");
                        assert_eq!(
                            decision.status.ops_rollout_decision_reason,
                            Some(reason(asked)),
                            "{name}"
                        );
                    }
                    (expected, outcome) => panic!("{name}: {expected:?}, but {outcome:?}"),
                }
            }
        }
        for number in 1..=7 {
            assert!(
                MATRIX
                    .iter()
                    .any(|row| row.name.starts_with(&number.to_string())),
                "row {number} of the matrix has no case"
            );
        }
    }

    #[test]
    fn with_interop_components_of_the_same_prerelease_are_served() {
        let row = MATRIX
            .iter()
            .find(|row| row.name.starts_with("2 all"))
            .unwrap();
        assert_eq!(run(row, Asked::Ops, true).unwrap().route, Route::Ops);
        assert_eq!(
            run(row, Asked::Legacy, true).unwrap().route,
            Route::LegacyCdp
        );
    }

    proptest! {
        #[test]
        fn a_refusal_by_ops_never_opens_the_legacy_lane(
            controls in strategies::controls(), identities in strategies::identities(), legacy in strategies::legacy(),
            version in "0\\.[0-3]\\.[0-9]", contract in "[0-2]\\.[0-2]\\.0", telepathy: bool
        ) {
            let peers = [Peer { component: Component::Cli, version: Some(&version), contract: Some(&contract) }];
            let required = strings(if telepathy { &["telepathy"] } else { &[] });
            let opening = Opening {
                controls: &controls, identities: &identities, legacy, relay_version: "0.2.0", peers: &peers,
                prerelease_interop: false, required: &required, offered: &[],
            };
            let selected = decision::select(&controls, &identities).map(|decision| decision.route);
            match open(&opening) {
                Ok(opened) => prop_assert_eq!(Ok(opened.route), selected),
                Err(fault) => prop_assert!(selected.is_ok() || fault.code == ErrorCode::RelayRolloutIdentityMissing),
            }
        }
    }
}
