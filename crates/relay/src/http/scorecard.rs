//! `/scorecard`, `/incidents`, `/api/orchestration`, and what administrators report of incidents.

use ops_contracts::control::cycle::is_cycle_id;
use ops_contracts::control::incident::{
    IncidentList, MAX_INCIDENT_TEXT, NewIncident, ResolveIncident,
};
use ops_contracts::control::scorecard::{CYCLE_NONE, Window};
use ops_contracts::{ErrorCode, Fault, Outcome};

use super::respond::Reply;
use super::{Exchange, json};
use crate::status::fidelity;

/// `GET /scorecard`: the scorecard with everything that it is made of.
pub(crate) async fn artifact(exchange: Exchange) -> Outcome<Reply> {
    let (window, cycle) = query(exchange.head.uri.query())?;
    let edge = exchange.edge();
    let scoring = &edge.traffic.scoring;
    let artifact = scoring.artifact(cycle, window, edge.now());
    json(&artifact.with_fidelity(fidelity(edge)))
}

/// What a query asks for: `window=7d` names another window than the phase's, `cycle=ID` the cycle.
fn query(query: Option<&str>) -> Outcome<(Option<Window>, &str)> {
    let (mut window, mut cycle) = (None, CYCLE_NONE);
    let pairs = query.unwrap_or_default().split('&');
    for pair in pairs.filter(|pair| !pair.is_empty()) {
        match pair.split_once('=').unwrap_or((pair, "")) {
            ("window", value) => {
                let parsed = value.parse();
                window = Some(parsed.map_err(|_| wrong("window", Window::EXPECTED))?);
            }
            ("cycle", value) if is_cycle_id(value) => cycle = value,
            ("cycle", _) => {
                return Err(wrong("cycle", "1 to 64 characters of A-Z a-z 0-9 . _ : -"));
            }
            (other, _) => {
                let shown: String = other.chars().take(64).collect();
                return Err(wrong(&shown, "window and cycle alone"));
            }
        }
    }
    Ok((window, cycle))
}

fn wrong(field: &str, expected: &str) -> Fault {
    Fault::new(
        ErrorCode::RelayFrameInvalid,
        format!("the query's {field}: {expected} is expected"),
    )
    .with("field", field)
    .with("expected", expected)
}

/// `GET /incidents`.
pub(crate) async fn incidents(exchange: Exchange) -> Outcome<Reply> {
    let edge = exchange.edge();
    json(&IncidentList {
        incidents: edge.traffic.scoring.incidents(),
        data_fidelity: fidelity(edge),
    })
}

/// `GET /api/orchestration`: the events from outside, with how far they can be trusted.
pub(crate) async fn events(exchange: Exchange) -> Outcome<Reply> {
    let edge = exchange.edge();
    json(&edge.intake.told(fidelity(edge)))
}

/// `POST /api/orchestration`: takes an event in and answers with its record.
pub(crate) async fn take_event(mut exchange: Exchange) -> Outcome<Reply> {
    let text = exchange.text().await?;
    let edge = exchange.edge();
    json(&edge.intake.take(&text, edge.now())?)
}

/// Records an incident and answers with it.
pub(crate) async fn record(mut exchange: Exchange) -> Outcome<Reply> {
    let told: NewIncident = exchange.json().await?;
    text_fits("summary", &told.summary)?;
    let edge = exchange.edge();
    let incident = edge.traffic.scoring.record(told, edge.now()).await?;
    edge.traffic.metrics.incident_recorded(&incident.told);
    tracing::warn!(id = %incident.id, severity = %incident.told.severity, kind = %incident.told.kind, "an incident was recorded");
    json(&incident)
}

/// Resolves an incident and answers with it.
pub(crate) async fn resolve(mut exchange: Exchange) -> Outcome<Reply> {
    let told: ResolveIncident = exchange.json().await?;
    if let Some(note) = &told.note {
        text_fits("note", note)?;
    }
    let edge = exchange.edge();
    let incident = edge.traffic.scoring.resolve(told, edge.now()).await?;
    tracing::warn!(id = %incident.id, "an incident was resolved");
    json(&incident)
}

/// A text for people: of one line, neither empty nor long.
fn text_fits(field: &str, text: &str) -> Outcome<()> {
    let expected = format!("1 to {MAX_INCIDENT_TEXT} characters without control characters");
    let fits = (1..=MAX_INCIDENT_TEXT).contains(&text.chars().count())
        && !text.trim().is_empty()
        && !text.chars().any(char::is_control);
    if fits {
        return Ok(());
    }
    Err(Fault::new(
        ErrorCode::RelayFrameInvalid,
        format!("{field}: {expected} are expected"),
    )
    .with("field", field)
    .with("expected", expected))
}
