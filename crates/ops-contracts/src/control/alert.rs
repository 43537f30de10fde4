//! The alerts of the operations plane: what triggers each, how bad it is, who owns it and what is done first. The rules that Prometheus
//! evaluates are generated from this table; whether one is raised by what a relay sees itself is the scorecard's and the disk guard's.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::control::telemetry::ArtifactSet;
use crate::wire::error::{Blame, ErrorCode};
use crate::wire::words::words;

words! {
    /// An alert by name.
    AlertName "alert" "OpsErrorRateHigh, OpsBypassConfirmed, OpsLatencyHigh, OpsHealthArtifactsDisk, OpsGateArtifactsDisk" {
        ErrorRate "OpsErrorRateHigh" "The error rate calls for a rollback.";
        Bypass "OpsBypassConfirmed" "Authentication or ownership was bypassed.";
        Latency "OpsLatencyHigh" "The latency calls for a rollback.";
        HealthDisk "OpsHealthArtifactsDisk" "The health journal takes too much of the disk.";
        GatesDisk "OpsGateArtifactsDisk" "Gate artifacts take too much of the disk.";
    }
}

/// One alert.
#[derive(Debug, Clone, Copy)]
pub struct Alert {
    /// Its name.
    pub name: AlertName,
    /// The trigger in words.
    pub trigger: &'static str,
    /// `SEV-1` to `SEV-3`.
    pub severity: &'static str,
    /// Who owns it.
    pub owner: &'static str,
    /// Where it is told.
    pub channel: &'static str,
    /// Over which time the trigger has to hold.
    pub window: &'static str,
    /// What is done first.
    pub action: &'static str,
    /// The expression in PromQL, over the recorded series.
    pub expr: &'static str,
    /// How long the expression has to hold, beside the hours that it looks at itself.
    pub hold: &'static str,
}

/// Every alert, as the plan's alert policy has them.
pub const ALERTS: &[Alert] = &[
    Alert {
        name: AlertName::ErrorRate,
        trigger: "Ops error rate > 2.0% for 2 consecutive hours",
        severity: "SEV-2",
        owner: "Runtime on-call",
        channel: "#opendevbrowser-alerts + PagerDuty opendevbrowser-runtime",
        window: "2h",
        action: "Set OPENDEVBROWSER_OPS_KILL_SWITCH=1, apply --ops-active-session-policy=drain, run rollback validation procedure.",
        expr: "ops:error_ratio:1h > 0.02 and ops:error_ratio:1h offset 1h > 0.02",
        hold: "0m",
    },
    Alert {
        name: AlertName::Bypass,
        trigger: "Confirmed auth/lease bypass",
        severity: "SEV-1",
        owner: "Security on-call + release owner",
        channel: "#security-incidents + PagerDuty opendevbrowser-security",
        window: "Immediate",
        action: "Force --ops-routing=legacy-cdp, rotate relay credentials/tokens, preserve incident artifacts.",
        // Incidents by severity say nothing of their kind: an outage is a P0 too and must not page the security on-call.
        expr: "sum by (route) (increase(ops_bypass_confirmed_total[5m])) > 0",
        hold: "0m",
    },
    Alert {
        name: AlertName::Latency,
        trigger: "Ops p95 latency > 2.0x baseline for 4 consecutive hours",
        severity: "SEV-2",
        owner: "Release owner + runtime on-call",
        channel: "#opendevbrowser-alerts",
        window: "4h",
        action: "Reduce rollout to 0, keep legacy routing until gate recovers, run rollback validation procedure.",
        expr: "ops:latency_ratio:1h > 2 and ops:latency_ratio:1h offset 1h > 2 and ops:latency_ratio:1h offset 2h > 2 and ops:latency_ratio:1h offset 3h > 2",
        hold: "0m",
    },
    Alert {
        name: AlertName::HealthDisk,
        trigger: "ops_artifacts_disk_usage_bytes{artifact_set=\"ops-health\"} > 2147483648 OR ops_artifacts_volume_usage_ratio{artifact_set=\"ops-health\"} > 0.80",
        severity: "SEV-3",
        owner: "Runtime on-call",
        channel: "#opendevbrowser-alerts",
        window: "15m",
        action: "Run immediate ops-health prune/rotation, verify disk recovers below threshold, and preserve prune report in rollback artifacts.",
        expr: "max by (artifact_set) (ops_artifacts_disk_usage_bytes{artifact_set=\"ops-health\"}) > 2147483648 or max by (artifact_set) (ops_artifacts_volume_usage_ratio{artifact_set=\"ops-health\"}) > 0.80",
        hold: "15m",
    },
    Alert {
        name: AlertName::GatesDisk,
        trigger: "ops_artifacts_disk_usage_bytes{artifact_set=\"ops-gates\"} > 5368709120 OR ops_artifacts_volume_usage_ratio{artifact_set=\"ops-gates\"} > 0.80",
        severity: "SEV-3",
        owner: "Release owner + runtime on-call",
        channel: "#opendevbrowser-alerts",
        window: "15m",
        action: "Run immediate gate-artifact prune (respecting 30d/500 retention policy), then rerun artifact validator and attach results.",
        expr: "max by (artifact_set) (ops_artifacts_disk_usage_bytes{artifact_set=\"ops-gates\"}) > 5368709120 or max by (artifact_set) (ops_artifacts_volume_usage_ratio{artifact_set=\"ops-gates\"}) > 0.80",
        hold: "15m",
    },
];

impl AlertName {
    /// The alert's row.
    #[must_use]
    pub fn row(self) -> &'static Alert {
        ALERTS
            .iter()
            .find(|alert| alert.name == self)
            .expect("every name has its row, as a test checks")
    }
}

/// An alert that is raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RaisedAlert {
    /// Which one.
    pub name: AlertName,
    /// How bad it is.
    pub severity: String,
    /// What was seen, in a sentence.
    pub reason: String,
    /// Who owns it.
    pub owner: String,
    /// What is done first.
    pub action: String,
}

impl RaisedAlert {
    /// An alert with what was seen.
    #[must_use]
    pub fn new(name: AlertName, reason: String) -> Self {
        let row = name.row();
        Self {
            name,
            severity: row.severity.to_owned(),
            reason,
            owner: row.owner.to_owned(),
            action: row.action.to_owned(),
        }
    }
}

/// Whether a code counts as an error of the control plane: its own doing or the adapter's, not the caller's, the page's or the operator's.
#[must_use]
pub const fn counts_as_fault(code: ErrorCode) -> bool {
    matches!(code.row().blame, Blame::Adapter | Blame::Relay)
}

/// The series that the alerts look at, as (name, expression).
#[must_use]
pub fn recorded_series() -> Vec<(&'static str, String)> {
    let faults: Vec<&str> = ErrorCode::ALL
        .iter()
        .filter(|code| counts_as_fault(**code))
        .map(|code| code.as_str())
        .collect();
    let faults = faults.join("|");
    let reached = r#"route="ops",adapter!="none""#;
    vec![
        (
            "ops:error_ratio:1h",
            format!(
                "(sum(increase(ops_requests_total{{route=\"ops\",error_code=~\"{faults}\"}}[1h])) or vector(0)) / \
                 (sum(increase(ops_requests_total{{{reached}}}[1h])) > 0)"
            ),
        ),
        (
            "ops:latency_p95_ms:1h",
            format!(
                "histogram_quantile(0.95, sum by (command, mode, le) (increase(ops_request_latency_ms_bucket{{{reached}}}[1h])))"
            ),
        ),
        (
            // The mean of the commands' ratios, weighted by how often each was asked for.
            "ops:latency_ratio:1h",
            format!(
                "sum(ops:latency_p95_ms:1h / on (command, mode) max by (command, mode) (cdp_baseline_latency_ms_p95 > 0) \
                 * on (command, mode) sum by (command, mode) (increase(ops_request_latency_ms_count{{{reached}}}[1h]))) / \
                 sum(sum by (command, mode) (increase(ops_request_latency_ms_count{{{reached}}}[1h])) \
                 and on (command, mode) (cdp_baseline_latency_ms_p95 > 0))"
            ),
        ),
    ]
}

/// The most bytes that a set of artifacts may take before its alert is raised.
#[must_use]
pub const fn disk_limit_bytes(set: ArtifactSet) -> u64 {
    match set {
        ArtifactSet::OpsHealth => 2_147_483_648,
        ArtifactSet::OpsGates => 5_368_709_120,
    }
}

/// The fullest that the volume of a set of artifacts may be, 0 to 1.
pub const VOLUME_LIMIT_RATIO: f64 = 0.80;

/// How long a set has to be above a limit before its alert is raised.
pub const DISK_HOLD: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_row() {
        assert_eq!(
            ALERTS.iter().map(|alert| alert.name).collect::<Vec<_>>(),
            AlertName::ALL
        );
        assert!(AlertName::ALL.iter().all(|name| name.row().name == *name));
    }

    #[test]
    fn the_disk_alerts_look_at_the_limits_that_the_relay_looks_at() {
        for (name, set) in [
            (AlertName::HealthDisk, ArtifactSet::OpsHealth),
            (AlertName::GatesDisk, ArtifactSet::OpsGates),
        ] {
            let row = name.row();
            let bytes = format!("> {} ", disk_limit_bytes(set));
            let ratio = format!("> {VOLUME_LIMIT_RATIO:.2}");
            for text in [row.trigger, row.expr] {
                assert!(text.contains(&bytes) && text.contains(&ratio), "{text}");
            }
            assert_eq!(row.hold, format!("{}m", DISK_HOLD.as_secs() / 60));
        }
    }

    #[test]
    fn only_the_adapter_and_the_control_plane_are_at_fault() {
        assert!(
            counts_as_fault(ErrorCode::AdapterBrowserLost)
                && counts_as_fault(ErrorCode::RelayInternal)
        );
        for innocent in [
            ErrorCode::OpsElementNotFound,
            ErrorCode::RelayAuthInvalid,
            ErrorCode::RelayRateLimited,
            ErrorCode::OpsTimeout,
        ] {
            assert!(!counts_as_fault(innocent), "{innocent}");
        }
    }
}
