//! The status document: served from what the relay knows, whatever state the browsers are in.

use std::sync::atomic::Ordering;

use ops_contracts::port::BrowserSummary;
use ops_contracts::status::{BrowserStatus, StatusDocument};
use ops_contracts::version::{OPS_CONTRACT_VERSION, OPS_MIN_COMPAT_VERSION, STATUS_SCHEMA_VERSION, VERSION_SCHEME};

use crate::server::Edge;

pub(crate) fn document(edge: &Edge) -> StatusDocument {
    let summary = edge.service.summary();
    let versions = &edge.config.versions;
    StatusDocument {
        status_schema_version: STATUS_SCHEMA_VERSION.to_owned(),
        version_scheme: VERSION_SCHEME.to_owned(),
        relay_version: versions.relay.clone(),
        ops_contract_version: OPS_CONTRACT_VERSION.to_owned(),
        ops_min_contract_version: OPS_MIN_COMPAT_VERSION.to_owned(),
        compatibility_window_n: versions.window_n.clone(),
        compatibility_window_n_minus1: versions.window_n_minus1.clone(),
        relay_url: edge.url.clone(),
        pid: std::process::id(),
        instance_id: edge.config.instance_id.clone(),
        started_at: edge.started_at,
        limits_profile: edge.policy.limits.name.clone(),
        active_ops_sessions: summary.sessions,
        lost_ops_sessions: summary.lost_sessions,
        active_cdp_sessions: 0,
        browsers: summary.browsers.into_iter().map(browser).collect(),
        draining: edge.draining.load(Ordering::Acquire),
        warnings: edge.config.warnings.clone(),
    }
}

fn browser(summary: BrowserSummary) -> BrowserStatus {
    BrowserStatus { product: summary.product, pid: summary.pid, sessions: summary.sessions, sandboxed: summary.sandboxed }
}
