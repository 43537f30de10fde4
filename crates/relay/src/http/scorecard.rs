//! `/scorecard`, `/incidents`, `/api/orchestration`, and what administrators tell of incidents: texts in, texts out.

use std::sync::Arc;

use ops_contracts::control::incident::{
    IncidentList, MAX_INCIDENT_TEXT, NewIncident, ResolveIncident,
};
use ops_contracts::control::scorecard::{CYCLE_NONE, Window};
use ops_contracts::wire::command::parse_json;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::server::Edge;

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("the document consists of texts and numbers")
}

/// The scorecard with everything that it is made of: `window=7d` names another window than the phase's, `cycle=ID` the cycle.
pub(super) fn artifact(edge: &Edge, query: Option<&str>) -> Outcome<String> {
    let (mut window, mut cycle) = (None, CYCLE_NONE);
    for (name, value) in query
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
    {
        match name {
            "window" => {
                window = Some(
                    value
                        .parse::<Window>()
                        .map_err(|_| wrong("window", Window::EXPECTED))?,
                )
            }
            "cycle" if is_cycle(value) => cycle = value,
            "cycle" => return Err(wrong("cycle", "1 to 64 characters of A-Z a-z 0-9 . _ : -")),
            other => {
                return Err(wrong(
                    &other.chars().take(64).collect::<String>(),
                    "window and cycle alone",
                ));
            }
        }
    }
    Ok(json(&edge.scoring.artifact(
        cycle,
        window,
        edge.clock.now(),
    )))
}

fn is_cycle(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".:_-".contains(&byte))
}

fn wrong(field: &str, expected: &str) -> Fault {
    Fault::new(
        ErrorCode::RelayFrameInvalid,
        format!("the query's {field}: {expected} is expected"),
    )
    .with("field", field)
    .with("expected", expected)
}

pub(super) fn incidents(edge: &Edge) -> String {
    json(&IncidentList {
        incidents: edge.scoring.incidents(),
        data_fidelity: crate::status::fidelity(edge),
    })
}

/// The events from outside, with how far they can be trusted.
pub(super) fn events(edge: &Edge) -> String {
    json(&edge.intake.told(crate::status::fidelity(edge)))
}

pub(super) fn take_event(edge: &Edge, text: &str) -> Outcome<String> {
    edge.intake
        .take(text, edge.clock.now())
        .map(|record| json(&record))
}

pub(super) async fn record(edge: &Arc<Edge>, body: &str) -> Outcome<String> {
    let told: NewIncident = parse(body)?;
    text_fits("summary", &told.summary)?;
    let incident = edge.scoring.record(told, edge.clock.now()).await?;
    edge.metrics.incident_recorded(&incident.told);
    tracing::warn!(id = %incident.id, severity = %incident.told.severity, kind = %incident.told.kind, "an incident was recorded");
    Ok(json(&incident))
}

pub(super) async fn resolve(edge: &Arc<Edge>, body: &str) -> Outcome<String> {
    let told: ResolveIncident = parse(body)?;
    if let Some(note) = &told.note {
        text_fits("note", note)?;
    }
    let incident = edge.scoring.resolve(told, edge.clock.now()).await?;
    tracing::warn!(id = %incident.id, "an incident was resolved");
    Ok(json(&incident))
}

fn parse<T: DeserializeOwned>(body: &str) -> Outcome<T> {
    // Serde would take an array as well, by position.
    if !body.trim_start().starts_with('{') {
        return Err(Fault::new(
            ErrorCode::RelayFrameInvalid,
            "the body is no JSON object",
        ));
    }
    parse_json(body).map_err(|invalid| {
        Fault::new(ErrorCode::RelayFrameInvalid, invalid.to_string())
            .with("field", invalid.field)
            .with("expected", invalid.expected)
    })
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
