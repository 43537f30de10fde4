//! The status document: served from what the relay knows, whatever state the browsers are in.

use ops_contracts::Outcome;
use ops_contracts::control::fidelity::DataFidelity;
use ops_contracts::control::scorecard::Scorecard;
use ops_contracts::control::status::{
    AdapterHealthStatus, BrowserStatus, Negotiated, StatusDocument, TransportPath,
};
use ops_contracts::seam::port::BrowserSummary;
use ops_contracts::wire::frame::ClientKind;
use ops_contracts::wire::http::header;
use ops_contracts::wire::routing::DrainState;
use ops_contracts::wire::version::{
    OPS_CONTRACT_VERSION, OPS_MIN_COMPAT_VERSION, STATUS_SCHEMA_VERSION, VERSION_SCHEME,
};

use crate::edge::Edge;
use crate::gate::{self, ClientVersions, Field};
use crate::http::respond::Reply;
use crate::http::{self, Exchange};
use crate::routing::Asker;

/// `GET /status`.
pub(crate) async fn get(exchange: Exchange) -> Outcome<Reply> {
    let headers = &exchange.head.headers;
    let named = gate::versions(headers);
    let lists = headers.get_all(header::CAPABILITIES).iter();
    let wanted = lists
        .filter_map(|names| names.to_str().ok())
        .flat_map(|names| names.split(','))
        .map(|name| name.trim().to_owned());
    let wanted: Vec<String> = wanted.collect();
    let asker = exchange.permit.asker();
    http::json(&document(exchange.edge(), asker, &named, &wanted))
}

/// The document as it is for `asker`, by what it names of itself; `wanted` are the capabilities that it can't do without.
pub(crate) fn document(
    edge: &Edge,
    asker: &Asker,
    named: &ClientVersions<'_>,
    wanted: &[String],
) -> StatusDocument {
    let summary = edge.service.summary();
    let routing = edge
        .routing
        .status(asker, named.peer(), wanted, &edge.config.capabilities);
    let version_as = |kind| {
        let own = named.client.filter(|_| named.kind == Some(kind));
        own.map(str::to_owned)
    };
    let figures = edge.routing.figures();
    let draining = edge.lifetime.is_draining();
    let versions = &edge.config.versions;
    let (health, sessions) = edge
        .health()
        .map(|store| (store.report(), store.sessions()))
        .unwrap_or_default();
    StatusDocument {
        status_schema_version: STATUS_SCHEMA_VERSION.to_owned(),
        version_scheme: VERSION_SCHEME.to_owned(),
        relay_version: versions.relay.clone(),
        cli_version: version_as(ClientKind::Cli),
        extension_version: version_as(ClientKind::Extension).or_else(|| edge.peers.extension()),
        ops_contract_version: OPS_CONTRACT_VERSION.to_owned(),
        ops_min_contract_version: OPS_MIN_COMPAT_VERSION.to_owned(),
        compatibility_window_n: versions.window_n.clone(),
        compatibility_window_n_minus1: versions.window_n_minus1.clone(),
        relay_url: edge.url.clone(),
        pid: std::process::id(),
        instance_id: edge.config.instance_id.clone(),
        started_at: edge.started_at,
        limits_profile: edge.admission.limits.name.clone(),
        transport_path: routing.ops_rollout_decision.map(TransportPath::from),
        negotiated: Some(negotiated(edge, named, wanted)),
        active_ops_sessions: summary.sessions,
        lost_ops_sessions: summary.lost_sessions,
        active_cdp_sessions: edge.legacy.active(),
        legacy_lane: edge.legacy.status(
            edge.routing.legacy_lane(asker.local),
            edge.routing.transitional_binding(),
        ),
        browsers: summary.browsers.into_iter().map(browser).collect(),
        effective_routing_mode: routing.effective_routing_mode,
        ops_kill_switch_source: routing.ops_kill_switch_source,
        ops_rollout_percent: routing.ops_rollout_percent,
        ops_rollout_allowlist_size: routing.ops_rollout_allowlist_size,
        ops_rollout_allowlist_source: routing.ops_rollout_allowlist_source,
        ops_rollout_allowlist_validation: routing.ops_rollout_allowlist_validation,
        ops_rollout_identity_namespace: routing.ops_rollout_identity_namespace,
        ops_rollout_identity_source: routing.ops_rollout_identity_source,
        ops_rollout_identity_hash: routing.ops_rollout_identity_hash,
        ops_rollout_bucket: routing.ops_rollout_bucket,
        ops_rollout_decision: routing.ops_rollout_decision,
        ops_rollout_decision_reason: routing.ops_rollout_decision_reason,
        ops_route_blocked_reason: routing.ops_route_blocked_reason,
        ops_active_session_policy: routing.ops_active_session_policy,
        // The relay's own end drains as well, whatever the policy says.
        ops_drain_state: match figures.drain_state {
            DrainState::Inactive if draining => DrainState::Draining,
            state => state,
        },
        ops_sessions_drained_count: figures.drained,
        ops_sessions_terminated_count: figures.terminated,
        unsupported_version_count: figures.unsupported_versions,
        config_downgrade_fallback: routing.config_downgrade_fallback,
        config_downgrade_reason: routing.config_downgrade_reason,
        last_routing_change_at: figures.changed_at,
        adapter_circuit_state: health.worst.adapter_circuit_state,
        adapter_disable_reason: health.worst.adapter_disable_reason,
        adapter_fault_count_window: health.worst.adapter_fault_count_window,
        adapter_cooldown_until: health.worst.adapter_cooldown_until,
        adapter_scope: health.worst.adapter_scope,
        adapter_health_stale: health.worst.adapter_health_stale,
        adapter_health_last_seen_at: health.worst.adapter_health_last_seen_at,
        adapter_health: AdapterHealthStatus {
            sessions,
            store: health.figures,
        },
        draining,
        warnings: edge
            .config
            .warnings
            .iter()
            .cloned()
            .chain(figures.warnings)
            .collect(),
        scorecard: Scorecard::clone(&edge.traffic.scoring.card()),
        alerts: edge.traffic.scoring.alerts(edge.now()),
        data_fidelity: fidelity(edge),
    }
}

fn negotiated(edge: &Edge, named: &ClientVersions<'_>, wanted: &[String]) -> Negotiated {
    let offered = &edge.config.capabilities;
    let contract = match named.contract {
        Field::One(contract) => Some(contract.to_owned()),
        _ => None,
    };
    Negotiated {
        client_kind: named.kind,
        client_version: named.client.map(str::to_owned),
        contract_version: contract,
        window: named.client.map(|version| edge.routing.position(version)),
        capabilities: offered.clone(),
        missing_capabilities: wanted
            .iter()
            .filter(|name| !offered.contains(name))
            .cloned()
            .collect(),
    }
}

/// How far what this relay tells can be trusted.
pub(crate) fn fidelity(edge: &Edge) -> DataFidelity {
    let mut reasons = Vec::new();
    if !edge.traffic.scoring.is_kept() {
        reasons.push("counts are not kept: the scorecard knows nothing".to_owned());
    }
    let lost = edge.service.summary().lost_sessions;
    if lost > 0 {
        reasons.push(format!("{lost} sessions have lost their browser"));
    }
    DataFidelity::of(edge.config.demo, reasons)
}

fn browser(summary: BrowserSummary) -> BrowserStatus {
    let BrowserSummary {
        served: _,
        product,
        pid,
        sessions,
        sandboxed,
        responsive,
    } = summary;
    BrowserStatus {
        product,
        pid,
        sessions,
        sandboxed,
        responsive,
    }
}
