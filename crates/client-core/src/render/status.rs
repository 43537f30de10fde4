//! The status document as text.

use ops_contracts::control::status::StatusDocument;
use ops_contracts::wire::routing::{DrainState, KillSwitchSource};

use super::pretty;

/// The document's main facts; the document itself where it is of another version.
pub fn text(document: &str) -> String {
    let Ok(status) = serde_json::from_str::<StatusDocument>(document) else {
        return pretty(document);
    };
    let mut lines = vec![
        format!(
            "relay    {} (pid {}, version {}, limits {})",
            status.relay_url, status.pid, status.relay_version, status.limits_profile
        ),
        format!(
            "contract {}, since {}",
            status.ops_contract_version, status.ops_min_contract_version
        ),
        format!(
            "started  {}{}",
            status.started_at,
            if status.draining { ", draining" } else { "" }
        ),
        format!(
            "sessions {} active, {} without a browser, {} legacy",
            status.active_ops_sessions, status.lost_ops_sessions, status.active_cdp_sessions
        ),
    ];
    lines.push(format!(
        "routing  {}, kill switch {}, rollout {} %, active sessions {}",
        status.effective_routing_mode,
        match status.ops_kill_switch_source {
            KillSwitchSource::Default => "not set".to_owned(),
            source => format!("set by {source}"),
        },
        status.ops_rollout_percent,
        status.ops_active_session_policy
    ));
    if let (Some(route), Some(reason)) = (
        status.ops_rollout_decision,
        status.ops_rollout_decision_reason,
    ) {
        let bucket = status
            .ops_rollout_bucket
            .map(|bucket| format!(", bucket {bucket}"))
            .unwrap_or_default();
        lines.push(format!("decision {route} ({reason}{bucket})"));
    }
    if let Some(reason) = &status.config_downgrade_reason {
        lines.push(format!(
            "fallback the configuration can't be interpreted: {reason}"
        ));
    }
    if status.ops_drain_state != DrainState::Inactive
        || status.ops_sessions_drained_count + status.ops_sessions_terminated_count > 0
    {
        lines.push(format!(
            "ending   {}, {} drained, {} terminated",
            status.ops_drain_state,
            status.ops_sessions_drained_count,
            status.ops_sessions_terminated_count
        ));
    }
    for browser in &status.browsers {
        let pid = browser
            .pid
            .map(|pid| format!(" (pid {pid})"))
            .unwrap_or_default();
        let sandbox = if browser.sandboxed {
            ""
        } else {
            ", no sandbox"
        };
        let silent = if browser.responsive {
            ""
        } else {
            ", does not answer"
        };
        lines.push(format!(
            "browser  {}{pid}, {} sessions{sandbox}{silent}",
            browser.product, browser.sessions
        ));
    }
    lines.extend(
        status
            .warnings
            .iter()
            .map(|warning| format!("warning  {warning}")),
    );
    lines.join("\n")
}
