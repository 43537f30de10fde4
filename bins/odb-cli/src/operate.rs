//! `scorecard` and `incident`: what operators ask a relay and tell it. Neither starts a relay.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use client_core::{Failure, Outcome};
use ops_client::{Token, post};
use ops_contracts::ErrorCode;
use ops_contracts::control::incident::{Incident, IncidentList, NewIncident, ResolveIncident};
use ops_contracts::control::scorecard::{Figures, ScorecardArtifact};
use ops_contracts::wire::http::path;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::args::verb::{IncidentVerb, ScorecardArgs};
use crate::context::Context;

/// Shows the scorecard, and keeps it as a gate artifact where that is asked for; the exit code.
pub(crate) async fn scorecard(context: &Context<'_>, args: &ScorecardArgs) -> Outcome<u8> {
    let relay = context.client.running()?;
    let window = args.window.map(|window| format!("window={window}"));
    let cycle = args.cycle.as_ref().map(|cycle| format!("cycle={cycle}"));
    let query: Vec<String> = window.into_iter().chain(cycle).collect();
    let path = if query.is_empty() {
        path::SCORECARD.to_owned()
    } else {
        format!("{}?{}", path::SCORECARD, query.join("&"))
    };
    let text = post::read(&relay.endpoint, &path).await?;
    let artifact: ScorecardArtifact = parse(&text)?;
    if args.save {
        let path = save(context, &text)?;
        context.out.note(&format!("written to {}", path.display()));
    }
    if context.out.is_json() {
        context.out.line(text.trim());
    } else {
        context.out.line(&shown(&artifact));
    }
    Ok(0)
}

/// `artifacts/ops-gates/YYYYMMDDTHHmmssZ/scorecard-summary.json` of the state directory, for the user alone.
fn save(context: &Context<'_>, text: &str) -> Outcome<PathBuf> {
    let now = (context.environment.now)().to_string();
    let stamp: String = now[..19]
        .chars()
        .filter(|c| *c != '-' && *c != ':')
        .chain(['Z'])
        .collect();
    let dir = ["artifacts", "ops-gates", &stamp]
        .iter()
        .try_fold(context.client.home.path("."), |dir, name| {
            directory(&dir.join(name))
        })?;
    let path = dir.join("scorecard-summary.json");
    let failed = |error: std::io::Error| {
        Failure::new(
            ErrorCode::CliFileUnwritable,
            format!("{}: {error}", path.display()),
        )
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    file.write_all(text.trim().as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .map_err(failed)?;
    Ok(path)
}

fn directory(path: &Path) -> Outcome<PathBuf> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(Failure::new(
            ErrorCode::CliFileUnwritable,
            format!("{}: {error}", path.display()),
        )),
        _ => Ok(path.to_owned()),
    }
}

fn shown(artifact: &ScorecardArtifact) -> String {
    let (card, thresholds) = (&artifact.scorecard, &artifact.thresholds);
    let Figures {
        ops_error_rate_pct,
        ops_p95_latency_ms,
        cdp_baseline_p95_latency_ms,
        latency_ratio,
        ..
    } = card.figures();
    let figure = |figure: Option<f64>, unit: &str| {
        figure.map_or_else(
            || "unknown".to_owned(),
            |figure| format!("{figure:.3}{unit}"),
        )
    };
    let at_least = |least: Option<f64>| {
        least.map_or_else(String::new, |least| format!("  (at least {least} %)"))
    };
    let at_most =
        |most: Option<u64>| most.map_or_else(String::new, |most| format!("  (at most {most})"));
    let mut lines = vec![
        format!(
            "phase {} over {}: {}",
            card.phase, card.window, card.gate_decision
        ),
        format!(
            "  error rate       {}  (at most {} %)",
            figure(ops_error_rate_pct, " %"),
            thresholds.max_error_rate_pct
        ),
        format!("  p95              {}", figure(ops_p95_latency_ms, " ms")),
        format!(
            "  baseline p95     {}  {}",
            figure(cdp_baseline_p95_latency_ms, " ms"),
            card.baseline_ref.as_deref().unwrap_or("no baseline")
        ),
        format!(
            "  ratio            {}  (at most {})",
            figure(latency_ratio, ""),
            thresholds.max_latency_ratio
        ),
        format!(
            "  without a crash  {}{}",
            figure(card.crash_free_session_rate_pct, " %"),
            at_least(thresholds.min_crash_free_session_rate_pct)
        ),
        format!(
            "  P0 and P1        {}{}",
            card.p0p1_incident_count
                .map_or_else(|| "unknown".to_owned(), |count| count.to_string()),
            at_most(thresholds.max_p0p1_incidents)
        ),
    ];
    lines.extend(
        card.reasons
            .iter()
            .map(|reason| format!("  fails: {} ({})", reason.message, reason.failure)),
    );
    lines.join("\n")
}

/// Records, lists or resolves incidents; the exit code.
pub(crate) async fn incident(context: &Context<'_>, verb: &IncidentVerb) -> Outcome<u8> {
    let relay = context.client.running()?;
    let incidents = match verb {
        IncidentVerb::List => {
            let text = post::read(&relay.endpoint, path::INCIDENTS).await?;
            if context.out.is_json() {
                context.out.line(text.trim());
                return Ok(0);
            }
            parse::<IncidentList>(&text)?.incidents
        }
        IncidentVerb::Record {
            severity,
            route,
            source,
            kind,
            confirmed,
            summary,
        } => {
            let (severity, route, source, kind) = (*severity, *route, *source, *kind);
            let told = NewIncident {
                severity,
                route,
                source,
                kind,
                confirmed: *confirmed,
                summary: summary.clone(),
            };
            return tell(context, path::ADMIN_INCIDENTS, &told).await;
        }
        IncidentVerb::Resolve { id, note } => {
            let told = ResolveIncident {
                id: id.clone(),
                note: note.clone(),
            };
            return tell(context, path::ADMIN_RESOLVE, &told).await;
        }
    };
    let lines: Vec<String> = incidents.iter().map(line).collect();
    context.out.line(&if lines.is_empty() {
        "no incidents".to_owned()
    } else {
        lines.join("\n")
    });
    Ok(0)
}

async fn tell(context: &Context<'_>, path: &str, told: &impl Serialize) -> Outcome<u8> {
    let relay = context.client.running()?;
    let body = serde_json::to_string(told).map_err(|error| Failure::usage(error.to_string()))?;
    let text = post::change(&relay.endpoint, &admin_token(context)?, path, body).await?;
    if context.out.is_json() {
        context.out.line(text.trim());
    } else {
        context.out.line(&line(&parse::<Incident>(&text)?));
    }
    Ok(0)
}

fn line(incident: &Incident) -> String {
    let told = &incident.told;
    let state = incident
        .resolved_at
        .map_or_else(|| "open".to_owned(), |at| format!("resolved {at}"));
    let confirmed = if told.confirmed { ", confirmed" } else { "" };
    format!(
        "{}  {}  {} {} {}{confirmed}  {state}  {}",
        incident.id, incident.recorded_at, told.severity, told.route, told.kind, told.summary
    )
}

/// The admin token of the environment.
fn admin_token(context: &Context<'_>) -> Outcome<Token> {
    let needed = || Failure::usage("this needs the relay's admin token in DASHBOARD_ADMIN_TOKEN");
    let admin = context
        .environment
        .admin_token
        .as_ref()
        .ok_or_else(needed)?;
    admin.parse().map_err(|_| {
        Failure::usage("DASHBOARD_ADMIN_TOKEN is no token: 1 to 512 visible ASCII characters")
    })
}

fn parse<T: DeserializeOwned>(text: &str) -> Outcome<T> {
    serde_json::from_str(text)
        .map_err(|error| Failure::new(ErrorCode::CliReplyInvalid, error.to_string()))
}
