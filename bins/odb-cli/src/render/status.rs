//! The status document as text.

use ops_contracts::status::StatusDocument;

use super::pretty;

/// The document's main facts; the document itself where it is of another version.
pub(crate) fn text(document: &str) -> String {
    let Ok(status) = serde_json::from_str::<StatusDocument>(document) else { return pretty(document) };
    let mut lines = vec![
        format!(
            "relay    {} (pid {}, version {}, limits {})",
            status.relay_url, status.pid, status.relay_version, status.limits_profile
        ),
        format!("contract {}, since {}", status.ops_contract_version, status.ops_min_contract_version),
        format!("started  {}{}", status.started_at, if status.draining { ", draining" } else { "" }),
        format!(
            "sessions {} active, {} without a browser, {} legacy",
            status.active_ops_sessions, status.lost_ops_sessions, status.active_cdp_sessions
        ),
    ];
    for browser in &status.browsers {
        let pid = browser.pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
        let sandbox = if browser.sandboxed { "" } else { ", no sandbox" };
        lines.push(format!("browser  {}{pid}, {} sessions{sandbox}", browser.product, browser.sessions));
    }
    lines.extend(status.warnings.iter().map(|warning| format!("warning  {warning}")));
    lines.join("\n")
}
