//! The status document: what the relay knows about itself, served also when every browser is down.
//!
//! Evolution is additive within a major version of the document: names, types and meanings stay.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::control::alert::RaisedAlert;
use crate::control::fidelity::DataFidelity;
use crate::control::health::{
    AdapterSessionHealth, CircuitState, DisableReason, HealthFigures, HealthScope,
};
use crate::control::legacy::LegacyLaneStatus;
use crate::control::required;
use crate::control::scorecard::Scorecard;
use crate::wire::clock::Timestamp;
use crate::wire::frame::ClientKind;
use crate::wire::routing::{
    ActiveSessionPolicy, AllowlistSource, AllowlistValidation, BlockedReason, DecisionReason,
    DrainState, IdentityNamespace, KillSwitchSource, RolloutPercent, Route, RoutingMode,
    WindowPosition,
};

/// The document that `GET /status` answers and `odb-cli status --output json` prints.
///
/// Every key is always there; null stands for what is not known or does not apply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = required::require_all)]
pub struct StatusDocument {
    /// Version of this document, `major.minor`.
    pub status_schema_version: String,
    /// How versions are to be read.
    pub version_scheme: String,
    /// Version of the relay.
    pub relay_version: String,
    /// Version of the asking command line; null where another program asks, or one that names no version.
    #[serde(default)]
    pub cli_version: Option<String>,
    /// Version of the asking extension, or else of the one that connected last; null where none is connected.
    #[serde(default)]
    pub extension_version: Option<String>,
    /// Contract version that it speaks.
    pub ops_contract_version: String,
    /// Oldest contract version that it accepts.
    pub ops_min_contract_version: String,
    /// The release train `N`, as `major.minor`.
    pub compatibility_window_n: Option<String>,
    /// The release train `N-1`.
    pub compatibility_window_n_minus1: Option<String>,
    /// Where it listens, without a trailing slash.
    pub relay_url: String,
    /// Its process id.
    pub pid: u32,
    /// Made anew at every start: 32 hex digits.
    pub instance_id: String,
    /// When it started.
    pub started_at: Timestamp,
    /// The limits profile in force.
    pub limits_profile: String,
    /// The endpoint to which the asking caller's sessions go; null where nothing decides it.
    #[serde(default)]
    pub transport_path: Option<TransportPath>,
    /// What was settled between the asking client and the relay; null in documents of relays that don't report it.
    #[serde(default)]
    pub negotiated: Option<Negotiated>,
    /// Sessions on `/ops`.
    pub active_ops_sessions: u32,
    /// Sessions on `/ops` whose browser is gone until their next command.
    pub lost_ops_sessions: u32,
    /// Sessions on `/cdp`.
    pub active_cdp_sessions: u32,
    /// The constraints of `/cdp`.
    pub legacy_lane: LegacyLaneStatus,
    /// The routing mode after precedence, with the controls of the request that asks.
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
    /// The namespace of the asking caller's identity; null where it has none.
    pub ops_rollout_identity_namespace: Option<IdentityNamespace>,
    /// What vouches for that identity; null where it has none.
    pub ops_rollout_identity_source: Option<IdentityNamespace>,
    /// The first twelve hex digits of that identity's SHA-256; null where it has none.
    pub ops_rollout_identity_hash: Option<String>,
    /// That identity's bucket, 0 to 99; null where it has none.
    pub ops_rollout_bucket: Option<u8>,
    /// Where the asking caller's sessions go; null in `auto` without an identity.
    pub ops_rollout_decision: Option<Route>,
    /// Why; null in `auto` without an identity.
    pub ops_rollout_decision_reason: Option<DecisionReason>,
    /// Why `/ops` is closed to the asking caller, as far as its versions tell; null where it is not, or names none.
    pub ops_route_blocked_reason: Option<BlockedReason>,
    /// What becomes of active `/ops` sessions when routing changes.
    pub ops_active_session_policy: ActiveSessionPolicy,
    /// Whether active `/ops` sessions are being ended.
    pub ops_drain_state: DrainState,
    /// Sessions that were drained since the relay started.
    pub ops_sessions_drained_count: u64,
    /// Sessions that were terminated since the relay started.
    pub ops_sessions_terminated_count: u64,
    /// Requests and hellos that were refused for their versions since the relay started.
    pub unsupported_version_count: u64,
    /// Whether the configuration's controls can't be interpreted and the legacy lane is forced.
    pub config_downgrade_fallback: bool,
    /// Why.
    pub config_downgrade_reason: Option<String>,
    /// When routing controls last changed; null where they have not since the relay started.
    pub last_routing_change_at: Option<Timestamp>,
    /// The state of the worst session's circuit.
    pub adapter_circuit_state: CircuitState,
    /// Why that session's adapter is disabled; null where none is.
    pub adapter_disable_reason: Option<DisableReason>,
    /// Faults of that session within its window.
    pub adapter_fault_count_window: u32,
    /// Until when its circuit stays open; null where it is not.
    pub adapter_cooldown_until: Option<Timestamp>,
    /// How far the disabling reaches: `operator_global` under the operator's kill switch.
    pub adapter_scope: HealthScope,
    /// Whether the health of any session that is not closed is stale: no snapshot for thirty seconds, or told to an earlier relay.
    pub adapter_health_stale: bool,
    /// When a health envelope of that session was last taken; null where there is no session.
    pub adapter_health_last_seen_at: Option<Timestamp>,
    /// The health of every session, and of the store that keeps it.
    pub adapter_health: AdapterHealthStatus,
    /// Browsers that run.
    pub browsers: Vec<BrowserStatus>,
    /// Whether commands are refused because the relay is about to end.
    pub draining: bool,
    /// Warnings that an operator should act on.
    pub warnings: Vec<String>,
    /// The scorecard of the phase's window, as it was judged within the last ten seconds.
    pub scorecard: Scorecard,
    /// Alerts that are raised.
    pub alerts: Vec<RaisedAlert>,
    /// How far the document can be trusted.
    #[serde(rename = "data_fidelity")]
    pub data_fidelity: DataFidelity,
}

/// An endpoint that commands travel by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum TransportPath {
    /// The contract's endpoint.
    #[serde(rename = "/ops")]
    Ops,
    /// The legacy lane.
    #[serde(rename = "/cdp")]
    Cdp,
}

impl From<Route> for TransportPath {
    fn from(route: Route) -> Self {
        match route {
            Route::Ops => Self::Ops,
            Route::LegacyCdp => Self::Cdp,
        }
    }
}

/// What is settled between a client and the relay, by what the client names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(transform = required::require_all)]
pub struct Negotiated {
    /// The kind of client; null where what it names is no kind.
    pub client_kind: Option<ClientKind>,
    /// The client's version; null where it names none.
    pub client_version: Option<String>,
    /// The contract version that the client speaks; null where it names none.
    pub contract_version: Option<String>,
    /// Where the client's version is in the compatibility window; null where it names none.
    pub window: Option<WindowPosition>,
    /// Capabilities on offer.
    pub capabilities: Vec<String>,
    /// What the client can't do without, of what is not on offer.
    pub missing_capabilities: Vec<String>,
}

/// The health of every session's adapter, from the relay's own store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AdapterHealthStatus {
    /// Each session whose state is kept, in the order of their ids.
    pub sessions: Vec<AdapterSessionHealth>,
    /// How the store does.
    pub store: HealthFigures,
}

/// A running browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BrowserStatus {
    /// Product and version.
    pub product: String,
    /// Its process id, where it is ours.
    pub pid: Option<u32>,
    /// Sessions in it.
    pub sessions: u32,
    /// Whether its sandbox is on.
    pub sandboxed: bool,
    /// False when it runs and did not answer a question to itself. New sessions go to another; it is ended when it stays silent
    /// for a minute.
    #[serde(default = "yes")]
    pub responsive: bool,
}

/// What relays mean that do not tell.
const fn yes() -> bool {
    true
}
