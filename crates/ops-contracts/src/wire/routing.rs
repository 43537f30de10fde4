//! What routing decides and by which facts: modes, routes, reasons, controls by source, rollout identities, versions.
//!
//! The decisions themselves are `routing`'s; gates, counters and drain are the relay's.

mod identity;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::wire::error::ErrorCode;
use crate::wire::fault::Outcome;
use crate::wire::frame::ClientKind;
use crate::wire::words::words;

pub use crate::wire::words::InvalidWord;
pub use identity::{
    InvalidAllowlist, InvalidIdentity, InvalidPercent, RolloutAllowlist, RolloutIdentity,
    RolloutPercent,
};

words! {
    /// How new sessions are routed.
    #[derive(Default)]
    RoutingMode "routing mode" "ops, legacy-cdp, auto" {
        #[default] Ops "ops" "To `/ops`.";
        LegacyCdp "legacy-cdp" "To the legacy lane.";
        Auto "auto" "By allow list and rollout percentage.";
    }

    /// Where a session goes.
    Route "route" "ops, legacy-cdp" {
        Ops "ops" "`/ops`.";
        LegacyCdp "legacy-cdp" "The legacy lane, `/cdp`.";
    }

    /// Why a session goes there.
    DecisionReason "decision reason" "explicit_mode, kill_switch, allowlist, percent, legacy_unavailable" {
        ExplicitMode "explicit_mode" "A mode was set, or it is the default.";
        KillSwitch "kill_switch" "A kill switch is on, or the configuration can't be interpreted.";
        Allowlist "allowlist" "The identity is in the allow list.";
        Percent "percent" "The identity's bucket is below the percentage, or not.";
        LegacyUnavailable "legacy_unavailable" "The legacy lane was selected and can't be used.";
    }

    /// Which control forces the legacy lane.
    KillSwitchSource "kill switch source" "env, cli, config, default" {
        Env "env" "The kill switch of the environment.";
        Cli "cli" "A route flag of the command line.";
        Config "config" "The kill switch or the routing mode of the configuration.";
        Default "default" "None.";
    }

    /// Where the allow list comes from.
    AllowlistSource "allow list source" "cli, config, default" {
        Cli "cli" "The command line.";
        Config "config" "The configuration.";
        Default "default" "Nowhere: it is empty.";
    }

    /// What the check of the allow list gave.
    AllowlistValidation "allow list validation" "valid, invalid, not_set" {
        Valid "valid" "Every entry is an identity.";
        Invalid "invalid" "Some entry is none.";
        NotSet "not_set" "There is no list.";
    }

    /// What vouches for an identity; in the order of priority.
    IdentityNamespace "identity namespace" "cli, pairing, extension, lease" {
        Cli "cli" "An authenticated command line session.";
        Pairing "pairing" "An authenticated pairing.";
        Extension "extension" "An extension's installation.";
        Lease "lease" "The owner of a lease.";
    }

    /// What becomes of active `/ops` sessions when routing changes.
    #[derive(Default)]
    ActiveSessionPolicy "active session policy" "continue, drain, terminate" {
        #[default] Continue "continue" "They go on until they disconnect.";
        Drain "drain" "New commands are refused; the running one ends, then the session closes.";
        Terminate "terminate" "They are closed at once.";
    }

    /// Whether active `/ops` sessions are being ended.
    #[derive(Default)]
    DrainState "drain state" "inactive, draining, terminating" {
        #[default] Inactive "inactive" "They are not.";
        Draining "draining" "Their running commands may end.";
        Terminating "terminating" "They are closed at once.";
    }

    /// Why `/ops` is closed to a client.
    BlockedReason "blocked reason" "version_unsupported, capability_mismatch" {
        VersionUnsupported "version_unsupported" "A version is not admitted.";
        CapabilityMismatch "capability_mismatch" "A capability that it needs is not offered.";
    }

    /// A component whose version matters.
    Component "component" "relay, cli, extension, other" {
        Relay "relay" "The relay.";
        Cli "cli" "The command line.";
        Extension "extension" "The browser extension.";
        Other "other" "Another program, which is bound by the contract version alone.";
    }
}

impl From<ClientKind> for Component {
    fn from(kind: ClientKind) -> Self {
        match kind {
            ClientKind::Cli => Self::Cli,
            ClientKind::Extension => Self::Extension,
            ClientKind::Other => Self::Other,
        }
    }
}

/// The versions of one component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer<'a> {
    /// Which it is.
    pub component: Component,
    /// The version of its binary, SemVer.
    pub version: Option<&'a str>,
    /// The contract version that it speaks, SemVer. Only `/ops` asks for it.
    pub contract: Option<&'a str>,
}

/// The identities of a caller, at most one for each namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identities(BTreeMap<IdentityNamespace, RolloutIdentity>);

impl Identities {
    /// The same with `identity` in its namespace.
    #[must_use]
    pub fn with(mut self, identity: RolloutIdentity) -> Self {
        self.0.insert(identity.namespace(), identity);
        self
    }

    /// The one in `namespace`.
    #[must_use]
    pub fn get(&self, namespace: IdentityNamespace) -> Option<&RolloutIdentity> {
        self.0.get(&namespace)
    }

    /// Whether there is one in `namespace`.
    #[must_use]
    pub fn has(&self, namespace: IdentityNamespace) -> bool {
        self.0.contains_key(&namespace)
    }

    /// The one by which a rollout decides: the first namespace that has one.
    #[must_use]
    pub fn canonical(&self) -> Option<&RolloutIdentity> {
        self.0.values().next()
    }
}

/// Routing controls of a command line; a request carries those of its sender. What is not set leaves the decision to others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct CliControls {
    /// `--ops-routing`, or `--force-legacy-cdp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_mode: Option<RoutingMode>,
    /// `--ops-rollout-percent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout_percent: Option<RolloutPercent>,
    /// `--ops-rollout-allowlist`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollout_allowlist: Option<RolloutAllowlist>,
    /// `--ops-active-session-policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_session_policy: Option<ActiveSessionPolicy>,
}

impl CliControls {
    /// These, and where one is not set that of `base`.
    #[must_use]
    pub fn over(self, base: &Self) -> Self {
        Self {
            routing_mode: self.routing_mode.or(base.routing_mode),
            rollout_percent: self.rollout_percent.or(base.rollout_percent),
            rollout_allowlist: self
                .rollout_allowlist
                .or_else(|| base.rollout_allowlist.clone()),
            active_session_policy: self.active_session_policy.or(base.active_session_policy),
        }
    }
}

/// Routing controls of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigControls {
    /// `ops.killSwitch`.
    pub kill_switch: Option<bool>,
    /// `ops.routingMode`.
    pub routing_mode: Option<RoutingMode>,
    /// `ops.rolloutPercent`.
    pub rollout_percent: Option<RolloutPercent>,
    /// `ops.rolloutAllowlist`.
    pub rollout_allowlist: Option<RolloutAllowlist>,
    /// Whether `ops.rolloutAllowlist` is there and has entries that are no identities.
    pub allowlist_invalid: bool,
    /// `ops.activeSessionPolicy`.
    pub active_session_policy: Option<ActiveSessionPolicy>,
    /// Why the configuration's controls can't be interpreted; set, it forces the legacy lane.
    pub downgrade: Option<String>,
}

/// Every routing control, by source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoutingControls {
    /// Whether a kill switch of the environment is on: the relay's, or that of the caller for its own requests.
    pub env_kill_switch: bool,
    /// The command line: the request's over the relay's own.
    pub cli: CliControls,
    /// The configuration.
    pub config: ConfigControls,
}

/// The routing controls that travel with a request: a field of the hello, or the JSON of a header.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct RequestControls {
    /// Whether the kill switch is on in the sender's environment.
    #[serde(skip_serializing_if = "is_false")]
    pub kill_switch: bool,
    /// The sender's flags.
    #[serde(skip_serializing_if = "is_default")]
    pub cli: CliControls,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature that serde calls"
)]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

fn is_default(controls: &CliControls) -> bool {
    *controls == CliControls::default()
}

impl RoutingControls {
    /// The controls for one request: its own above these, each in its rank. A request can't switch a kill switch of the relay off.
    #[must_use]
    pub fn for_request(&self, request: &RequestControls) -> Self {
        Self {
            env_kill_switch: self.env_kill_switch || request.kill_switch,
            cli: request.cli.clone().over(&self.cli),
            config: self.config.clone(),
        }
    }
}

/// Whether the legacy lane can be used by the caller at hand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LegacyLane {
    /// It can.
    #[default]
    Open,
    /// It can't; the code is that of the check that closes it.
    Closed(ErrorCode),
}

/// Where a session goes, why, and what the status document tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingDecision {
    /// Where it goes.
    pub route: Route,
    /// Why.
    pub reason: DecisionReason,
    /// The decision's facts.
    pub status: RoutingStatus,
}

/// Routing as the status document tells it; the names are the document's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RoutingStatus {
    /// The mode after precedence.
    pub effective_routing_mode: RoutingMode,
    /// Which control forces the legacy lane.
    pub ops_kill_switch_source: KillSwitchSource,
    /// The rollout percentage in force.
    pub ops_rollout_percent: RolloutPercent,
    /// Distinct entries of the allow list in force.
    pub ops_rollout_allowlist_size: u32,
    /// Where the allow list comes from.
    pub ops_rollout_allowlist_source: AllowlistSource,
    /// What its check gave.
    pub ops_rollout_allowlist_validation: AllowlistValidation,
    /// The namespace of the caller's identity; null where it has none.
    pub ops_rollout_identity_namespace: Option<IdentityNamespace>,
    /// What vouches for the caller's identity; null where it has none.
    pub ops_rollout_identity_source: Option<IdentityNamespace>,
    /// The first twelve hex digits of the identity's SHA-256; null where it has none.
    pub ops_rollout_identity_hash: Option<String>,
    /// The identity's bucket, 0 to 99; null where it has none.
    pub ops_rollout_bucket: Option<u8>,
    /// Where the caller's sessions go; null in `auto` without an identity.
    pub ops_rollout_decision: Option<Route>,
    /// Why; null in `auto` without an identity.
    pub ops_rollout_decision_reason: Option<DecisionReason>,
    /// Why `/ops` is closed to the caller.
    pub ops_route_blocked_reason: Option<BlockedReason>,
    /// What becomes of active `/ops` sessions when routing changes.
    pub ops_active_session_policy: ActiveSessionPolicy,
    /// Whether the configuration's controls can't be interpreted and the legacy lane is forced.
    pub config_downgrade_fallback: bool,
    /// Why.
    pub config_downgrade_reason: Option<String>,
}

/// Where a client's version is, seen from the relay's release train.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum WindowPosition {
    /// The relay's own train.
    #[serde(rename = "N")]
    Current,
    /// The train before it.
    #[serde(rename = "N-1")]
    Previous,
    /// Neither: the client is refused where the window binds it.
    #[serde(rename = "outside")]
    Outside,
}

/// Decides where sessions go and which versions are admitted. Pure: the relay enforces what it says.
pub trait RoutePolicy: Send + Sync {
    /// Where a session of this caller goes.
    ///
    /// # Errors
    /// `relay_rollout_identity_missing` in `auto` without an identity; `relay_legacy_route_unavailable` where the legacy lane
    /// is selected and `legacy` is closed.
    fn decide(
        &self,
        controls: &RoutingControls,
        identities: &Identities,
        legacy: LegacyLane,
    ) -> Outcome<RoutingDecision>;

    /// What the status document tells this caller; never fails.
    fn status(
        &self,
        controls: &RoutingControls,
        identities: &Identities,
        legacy: LegacyLane,
    ) -> RoutingStatus;

    /// Whether these components may speak on `route`.
    ///
    /// # Errors
    /// The version codes of `routing::window::admit`.
    fn admit(
        &self,
        route: Route,
        relay_version: &str,
        peers: &[Peer<'_>],
        prerelease_interop: bool,
    ) -> Outcome<()>;

    /// Whether a relay of this version binds legacy leases to connections, for clients that predate lease fields;
    /// `allowed_by_config` is `allowLegacyCdpTransitionalBinding`.
    fn transitional_binding(&self, relay_version: &str, allowed_by_config: bool) -> bool;

    /// Where a client's version is, seen from a relay's; an invalid version is outside.
    fn position(&self, relay_version: &str, client_version: &str) -> WindowPosition;

    /// Whether a client of this version predates lease fields, so that it can't present a lease. A version that is no SemVer
    /// does not.
    fn predates_leases(&self, client_version: &str) -> bool;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_overrides_the_relays_flags_and_never_its_kill_switch() {
        let relay = RoutingControls {
            env_kill_switch: true,
            cli: CliControls {
                routing_mode: Some(RoutingMode::Auto),
                rollout_percent: RolloutPercent::try_from(10).ok(),
                ..CliControls::default()
            },
            config: ConfigControls {
                kill_switch: Some(true),
                ..ConfigControls::default()
            },
        };
        let request: RequestControls =
            serde_json::from_str(r#"{"killSwitch":false,"cli":{"routingMode":"ops"},"later":1}"#)
                .unwrap();
        let controls = relay.for_request(&request);
        assert!(controls.env_kill_switch);
        assert_eq!(
            (controls.cli.routing_mode, controls.cli.rollout_percent),
            (Some(RoutingMode::Ops), RolloutPercent::try_from(10).ok())
        );
        assert_eq!(controls.config, relay.config);
        let callers_own = RoutingControls::default().for_request(&RequestControls {
            kill_switch: true,
            ..RequestControls::default()
        });
        assert!(callers_own.env_kill_switch);
    }

    #[test]
    fn every_word_round_trips_as_text_and_as_json() {
        fn check<T: std::str::FromStr + Copy + PartialEq + std::fmt::Debug + Serialize>(
            all: &[T],
            text: fn(T) -> &'static str,
        ) {
            for &word in all {
                assert_eq!(text(word).parse().ok(), Some(word));
                assert_eq!(
                    serde_json::to_string(&word).unwrap(),
                    format!("{:?}", text(word))
                );
            }
        }
        check(RoutingMode::ALL, RoutingMode::as_str);
        check(DecisionReason::ALL, DecisionReason::as_str);
        check(AllowlistValidation::ALL, AllowlistValidation::as_str);
        check(BlockedReason::ALL, BlockedReason::as_str);
        assert_eq!(
            "OPS".parse::<RoutingMode>().unwrap_err().to_string(),
            "routing mode must be one of ops, legacy-cdp, auto"
        );
    }

    #[test]
    fn the_words_of_each_set_are_those_that_its_error_names() {
        let listed = |all: Vec<&str>| all.join(", ");
        assert_eq!(
            listed(RoutingMode::ALL.iter().map(|w| w.as_str()).collect()),
            RoutingMode::EXPECTED
        );
        assert_eq!(
            listed(DecisionReason::ALL.iter().map(|w| w.as_str()).collect()),
            DecisionReason::EXPECTED
        );
        assert_eq!(
            listed(
                ActiveSessionPolicy::ALL
                    .iter()
                    .map(|w| w.as_str())
                    .collect()
            ),
            ActiveSessionPolicy::EXPECTED
        );
    }
}
