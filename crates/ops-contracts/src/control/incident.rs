//! Incidents as operators record them: what the gates on P0 and P1 count, and what a confirmed bypass is told by.
//!
//! Keeping them is the store's.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::control::fidelity::DataFidelity;
use crate::control::telemetry::RouteLabel;
use crate::wire::clock::Timestamp;
use crate::wire::words::words;

words! {
    /// How bad an incident is.
    Severity "severity" "P0, P1, P2, P3" {
        P0 "P0" "Everything is down, or safety is broken.";
        P1 "P1" "A main function is down, without a way around it.";
        P2 "P2" "A function is impaired, or there is a way around it.";
        P3 "P3" "A nuisance.";
    }

    /// Who told of an incident.
    IncidentSource "incident source" "operator, monitor" {
        Operator "operator" "A person, by the command line or the dashboard.";
        Monitor "monitor" "A program that watches the relay.";
    }

    /// What an incident is about.
    IncidentKind "incident kind" "availability, correctness, latency, auth-bypass, lease-bypass, other" {
        Availability "availability" "Commands or sessions fail.";
        Correctness "correctness" "A command did something else than it told.";
        Latency "latency" "Commands are too slow.";
        AuthBypass "auth-bypass" "Somebody got in without a credential. Confirmed ones trigger the rollback.";
        LeaseBypass "lease-bypass" "Somebody acted on a session without its lease. Confirmed ones trigger the rollback.";
        Other "other" "Anything else.";
    }
}

impl Severity {
    /// Whether the gates count it.
    #[must_use]
    pub const fn is_gated(self) -> bool {
        matches!(self, Self::P0 | Self::P1)
    }
}

impl IncidentKind {
    /// Whether it is a bypass of authentication or ownership.
    #[must_use]
    pub const fn is_bypass(self) -> bool {
        matches!(self, Self::AuthBypass | Self::LeaseBypass)
    }
}

/// The longest summary or note, in characters.
pub const MAX_INCIDENT_TEXT: usize = 500;

/// What is told when an incident is recorded; the body of `POST /admin/incidents`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewIncident {
    /// How bad it is.
    pub severity: Severity,
    /// The lane that it is attributed to.
    #[serde(default = "ops")]
    pub route: RouteLabel,
    /// Who tells.
    #[serde(default = "operator")]
    pub source: IncidentSource,
    /// What it is about.
    #[serde(default = "other")]
    pub kind: IncidentKind,
    /// Whether it has been confirmed. An unconfirmed one is counted by the gates, but triggers no rollback.
    #[serde(default)]
    pub confirmed: bool,
    /// What happened, in 1 to 500 characters.
    pub summary: String,
}

const fn ops() -> RouteLabel {
    RouteLabel::Ops
}

const fn operator() -> IncidentSource {
    IncidentSource::Operator
}

const fn other() -> IncidentKind {
    IncidentKind::Other
}

/// What is told when an incident is over; the body of `POST /admin/incidents/resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResolveIncident {
    /// The incident.
    pub id: String,
    /// What resolved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// An incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Incident {
    /// `inc-` and a number, in the order of recording.
    pub id: String,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What was told of it.
    pub told: NewIncident,
    /// When it was resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
    /// What resolved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The answer of `GET /incidents`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncidentList {
    /// The newest first.
    pub incidents: Vec<Incident>,
    /// How far the list can be trusted.
    #[serde(rename = "data_fidelity")]
    pub data_fidelity: DataFidelity,
}
