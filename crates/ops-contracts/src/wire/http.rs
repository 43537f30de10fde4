//! The contract's binding to HTTP: paths, headers, subprotocols, the bodies that are no frames, and the files by which a
//! relay and the clients of its home find each other. Both ends read them here.
//!
//! Bodies of incidents and confirmations are `control`'s, which knows what they are about.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::wire::clock::Timestamp;
use crate::wire::routing::{
    ActiveSessionPolicy, CliControls, RolloutAllowlist, RolloutPercent, RoutingMode,
};

/// Paths of the relay's endpoints.
pub mod path {
    /// Commands: `POST` for one, an upgrade for a WebSocket.
    pub const OPS: &str = "/ops";
    /// Large inputs: `PUT`, answered by a [`BlobInfo`](crate::wire::blob::BlobInfo).
    pub const BLOBS: &str = "/ops/blobs";
    /// The status document.
    pub const STATUS: &str = "/status";
    /// Metrics in the text format.
    pub const METRICS: &str = "/metrics";
    /// A bare 200 while the relay serves; takes no credential.
    pub const HEALTHZ: &str = "/healthz";
    /// Hands out a second credential for a one-time code.
    pub const PAIR: &str = "/pair";
    /// The legacy lane's WebSocket.
    pub const CDP: &str = "/cdp";
    /// The legacy lane's sessions: `POST` makes one.
    pub const CDP_SESSIONS: &str = "/cdp/sessions";
    /// One session of the legacy lane: `DELETE` ends it. [`fill`] puts its id in.
    pub const CDP_SESSION: &str = "/cdp/sessions/{session}";
    /// The renewal of its lease: `POST`.
    pub const CDP_RENEWAL: &str = "/cdp/sessions/{session}/renew";
    /// Health envelopes of others.
    pub const ORCHESTRATION: &str = "/api/orchestration";
    /// The scorecard of the rollout.
    pub const SCORECARD: &str = "/scorecard";
    /// Incidents, the newest first.
    pub const INCIDENTS: &str = "/incidents";
    /// Commands that wait for a confirmation: `GET` lists them, `POST` decides about one.
    pub const CONFIRMATIONS: &str = "/confirmations";
    /// Has the relay read its configuration again.
    pub const ADMIN_RELOAD: &str = "/admin/config/reload";
    /// Sets routing controls while the relay runs.
    pub const ADMIN_ROUTING: &str = "/admin/routing";
    /// Records an incident.
    pub const ADMIN_INCIDENTS: &str = "/admin/incidents";
    /// Resolves an incident.
    pub const ADMIN_RESOLVE: &str = "/admin/incidents/resolve";
    /// The dashboard's page; everything of the dashboard is below it.
    pub const DASHBOARD: &str = "/dashboard";
    /// Makes a code by which one browser logs in to the dashboard.
    pub const DASHBOARD_CODES: &str = "/dashboard/codes";

    /// The path that a template with one `{name}` becomes for `value`, which must be fit for a path as it is; ids are.
    #[must_use]
    pub fn fill(template: &str, value: &str) -> String {
        match split(template) {
            Some((before, after)) => format!("{before}{value}{after}"),
            None => template.to_owned(),
        }
    }

    /// What stands in a path where the template has its `{name}`; `None` for a path of another form. A template without one is
    /// matched by itself alone, with nothing for its value.
    #[must_use]
    pub fn matches<'p>(template: &str, path: &'p str) -> Option<&'p str> {
        let Some((before, after)) = split(template) else {
            return (template == path).then_some("");
        };
        let value = path.strip_prefix(before)?.strip_suffix(after)?;
        (!value.is_empty() && !value.contains('/')).then_some(value)
    }

    /// What is before and after the `{name}` of a template.
    fn split(template: &str) -> Option<(&str, &str)> {
        let (before, rest) = template.split_once('{')?;
        Some((before, rest.split_once('}')?.1))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_filled_template_gives_its_value_back_and_no_other_form_matches() {
            let path = fill(CDP_RENEWAL, "ab");
            assert_eq!(path, "/cdp/sessions/ab/renew");
            assert_eq!(matches(CDP_RENEWAL, &path), Some("ab"));
            for other in [
                "/cdp/sessions/ab",
                "/cdp/sessions//renew",
                "/cdp/sessions/a/b/renew",
                "/cdp/sessions/renew",
            ] {
                assert_eq!(matches(CDP_RENEWAL, other), None, "{other}");
            }
            assert_eq!(matches(CDP, "/cdp"), Some(""));
            assert_eq!(matches(CDP, "/cdp/"), None);
        }
    }
}

/// Headers of ours, in the lower case in which HTTP/1.1 libraries keep them.
pub mod header {
    /// The contract version that the client speaks.
    pub const CONTRACT_VERSION: &str = "x-ops-contract-version";
    /// The client's own version.
    pub const CLIENT_VERSION: &str = "x-ops-client-version";
    /// What kind of client it is: `cli`, `extension` or `other`.
    pub const CLIENT_KIND: &str = "x-ops-client-kind";
    /// The installation that the client belongs to.
    pub const CLIENT_ID: &str = "x-ops-client-id";
    /// The client's routing controls, as a JSON object.
    pub const ROUTING: &str = "x-ops-routing";
    /// Capabilities that a reader of the status document asks about, with commas between them.
    pub const CAPABILITIES: &str = "x-ops-capabilities";
    /// The id by which a request other than a frame is found in the relay's log; its refusal has it as `requestId`.
    pub const REQUEST_ID: &str = "x-ops-request-id";
    /// The session that a blob belongs to.
    pub const SESSION_ID: &str = "x-ops-session-id";
    /// The lease of that session.
    pub const LEASE_ID: &str = "x-ops-lease-id";
    /// The second credential of a paired client.
    pub const PAIRING_TOKEN: &str = "x-odb-pairing-token";
    /// The administrator's credential.
    pub const ADMIN_TOKEN: &str = "x-odb-admin-token";
    /// The key of a login to the dashboard, by which its page is known from others that have the cookie.
    pub const DASHBOARD_KEY: &str = "x-odb-dashboard-key";
}

/// WebSocket subprotocols.
pub mod subprotocol {
    /// Frames of `/ops`.
    pub const OPS: &str = "odb.ops.v1";
    /// Frames of the legacy lane.
    pub const CDP: &str = "odb.cdp.v1";
    /// What the relay token follows, where a client can't set headers.
    pub const BEARER_PREFIX: &str = "odb.bearer.";
    /// What the pairing token follows, where a client can't set headers.
    pub const PAIRING_PREFIX: &str = "odb.pairing.";
}

/// Files of the state directory that a relay writes and clients read, or the other way round.
pub mod home {
    /// A [`RelayFile`](super::RelayFile), while a relay serves the directory.
    pub const RELAY: &str = "relay.json";
    /// Held by the relay that serves the directory, for as long as it lives, however it ends.
    pub const LOCK: &str = "relay.lock";
    /// The relay token: 64 lower-case hex digits and a line's end.
    pub const TOKEN: &str = "relay.token";
    /// An [`OpenCode`](super::OpenCode), while a pairing code is open.
    pub const PAIRING_CODE: &str = "pairing.json";
    /// The configuration document.
    pub const CONFIG: &str = "config.json";
}

/// `relay.json`: what a relay reports of itself once it listens. An older relay does not report all of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayFile {
    /// Its base URL, without a slash at the end.
    pub relay_url: String,
    /// Its process.
    pub pid: i32,
    /// Names this run of the relay: sessions end with it.
    pub instance_id: String,
    /// When it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relay_version: Option<String>,
    /// The newest contract version that it speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ops_contract_version: Option<String>,
    /// The oldest contract version that it speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ops_min_contract_version: Option<String>,
    /// The limits profile in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits_profile: Option<String>,
    /// SHA-256 of its certificate, where it speaks TLS: who can read the home knows the relay by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_sha256: Option<String>,
}

/// `pairing.json`: the one-time code that a client may pair by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenCode {
    /// The code, as `XXXX-XXXX`.
    pub code: String,
    /// When it can't be used any more.
    pub expires_at: Timestamp,
}

/// The body of `POST /pair`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairRequest {
    /// The one-time code; dashes and case do not matter.
    pub code: String,
}

/// The answer to `POST /pair`. `T` is how the reader keeps the secret; its debug form never shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paired<T = String> {
    /// Names the pairing, in lower-case hex; its rollout identity is `pairing:<id>`.
    #[serde(rename = "pairingId")]
    pub id: String,
    /// The secret that the client presents from now on.
    #[serde(rename = "pairingToken")]
    pub token: T,
}

impl<T> fmt::Debug for Paired<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Paired")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The answer to `POST /dashboard/codes`: a way into the dashboard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DashboardLogin {
    /// The dashboard's address.
    pub url: String,
    /// Opens it once.
    pub code: String,
    /// How long the code can be used, in milliseconds.
    pub expires_in_ms: u64,
}

/// The body of `POST /admin/routing`: what is absent is not set. A misspelt key must not pass for a change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdminRouting {
    /// The routing mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub routing_mode: Option<RoutingMode>,
    /// How many of a hundred buckets go to `/ops` in `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_percent: Option<RolloutPercent>,
    /// Identities that go to the legacy lane in `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout_allowlist: Option<RolloutAllowlist>,
    /// What becomes of active sessions when routing changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_session_policy: Option<ActiveSessionPolicy>,
}

impl From<AdminRouting> for CliControls {
    fn from(body: AdminRouting) -> Self {
        Self {
            routing_mode: body.routing_mode,
            rollout_percent: body.rollout_percent,
            rollout_allowlist: body.rollout_allowlist,
            active_session_policy: body.active_session_policy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_file_of_an_older_relay_can_be_read() {
        let text = r#"{"relayUrl":"http://127.0.0.1:1","pid":7,"instanceId":"i","more":[1]}"#;
        let file: RelayFile = serde_json::from_str(text).unwrap();
        assert_eq!(
            (file.pid, file.relay_version, file.certificate_sha256),
            (7, None, None)
        );
    }

    #[test]
    fn a_pairing_shows_its_token_in_json_alone() {
        let paired = Paired {
            id: "ab".to_owned(),
            token: "secret".to_owned(),
        };
        assert_eq!(
            serde_json::to_string(&paired).unwrap(),
            r#"{"pairingId":"ab","pairingToken":"secret"}"#
        );
        assert!(!format!("{paired:?}").contains("secret"));
    }

    #[test]
    fn a_misspelt_routing_control_is_refused() {
        assert!(serde_json::from_str::<AdminRouting>(r#"{"routingmode":"ops"}"#).is_err());
        let body: AdminRouting = serde_json::from_str(r#"{"routingMode":"ops"}"#).unwrap();
        assert_eq!(
            CliControls::from(body),
            CliControls {
                routing_mode: Some(RoutingMode::Ops),
                ..CliControls::default()
            }
        );
    }
}
