//! `config`: what the configuration says, whether it can be used, and its reload. Nothing here writes the document.

use std::path::PathBuf;

use client_core::render;
use client_core::{Failure, Outcome};
use ops_client::{Token, post};
use ops_contracts::control::config;
use ops_contracts::control::config::{
    EffectiveConfig, ExplainedSetting, Layer, ParsedConfig, Source,
};
use ops_contracts::wire::routing::{KillSwitchSource, RolloutAllowlist, RoutingMode};
use ops_contracts::{ErrorCode, ErrorSource};
use routing::{precedence, preflight};
use serde::Serialize;

use crate::args::verb::{Config, Validate};
use crate::context::Context;

/// The document's name in the state directory.
const FILE: &str = ops_contracts::wire::http::home::CONFIG;

/// Runs the verb; the exit code.
pub(crate) async fn run(context: &Context<'_>, verb: &Config) -> Outcome<u8> {
    match verb {
        Config::Path => {
            context
                .out
                .line(&context.client.home.path(FILE).display().to_string());
            Ok(0)
        }
        Config::Explain => explain(context),
        Config::Validate(validate) => check(context, validate),
        Config::Reload => reload(context).await,
    }
}

/// Every setting as a relay that is started here would see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Explained {
    path: String,
    settings: Vec<ExplainedSetting>,
    effective_routing_mode: RoutingMode,
    ops_kill_switch_source: KillSwitchSource,
    config_downgrade_reason: Option<String>,
    warnings: Vec<String>,
}

fn explain(context: &Context<'_>) -> Outcome<u8> {
    let path = context.client.home.path(FILE);
    let file = match context.client.home.read(FILE)? {
        Some(text) => parse(&text, false)?,
        None => ParsedConfig::default(),
    };
    let environment = config::environment(|name| context.environment.setting(name));
    let flags = &context.client.routing.cli;
    let layers = [
        Layer {
            source: Source::File,
            document: file.document.clone(),
        },
        environment.clone(),
        config::flags(flags),
    ];
    let controls = config::controls(&file, &environment, flags);
    let effective = precedence::effective(&controls);
    let explained = Explained {
        path: path.display().to_string(),
        settings: EffectiveConfig::resolve(&layers).explain(),
        effective_routing_mode: effective.mode,
        ops_kill_switch_source: effective.kill_switch_source,
        config_downgrade_reason: file.downgrade.clone(),
        warnings: file.warnings.iter().map(ToString::to_string).collect(),
    };
    if context.out.is_json() {
        context.out.line(&json(&explained)?);
        return Ok(0);
    }
    let width = explained
        .settings
        .iter()
        .map(|row| row.key.len())
        .max()
        .unwrap_or(0);
    let mut lines: Vec<String> = explained
        .settings
        .iter()
        .map(|row| format!("{:width$}  {}  ({})", row.key, row.value.get(), row.source))
        .collect();
    lines.push(format!(
        "new sessions: {} (forced to the legacy lane by: {})",
        effective.mode, effective.kill_switch_source
    ));
    context.out.line(&lines.join("\n"));
    for warning in &explained.warnings {
        context.out.note(&format!("warning: {warning}"));
    }
    Ok(0)
}

#[derive(Serialize)]
struct Checked<'a> {
    valid: bool,
    path: String,
    warnings: &'a [ops_contracts::control::config::ConfigWarning],
}

fn check(context: &Context<'_>, validate: &Validate) -> Outcome<u8> {
    let (path, text) = document(context, validate.file.as_ref())?;
    let parsed = parse(&text, validate.strict)?;
    if parsed.allowlist_invalid {
        return Err(bad_allowlist(&text)
            .unwrap_or_else(|| Failure::new(ErrorCode::CliConfigInvalid, "ops is no object")));
    }
    let path = path.display().to_string();
    if context.out.is_json() {
        context.out.line(&json(&Checked {
            valid: true,
            path,
            warnings: &parsed.warnings,
        })?);
        return Ok(0);
    }
    context.out.line(&format!("{path} can be used"));
    for warning in &parsed.warnings {
        context.out.note(&format!("warning: {warning}"));
    }
    Ok(0)
}

/// The document that is to be checked; one without keys where the state directory has none.
fn document(context: &Context<'_>, named: Option<&PathBuf>) -> Outcome<(PathBuf, String)> {
    let Some(path) = named else {
        let text = context
            .client
            .home
            .read(FILE)?
            .unwrap_or_else(|| "{}".to_owned());
        return Ok((context.client.home.path(FILE), text));
    };
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(
            ErrorCode::CliFileUnreadable,
            format!("{}: {error}", path.display()),
        )
    })?;
    Ok((path.clone(), text))
}

fn parse(text: &str, strict: bool) -> Outcome<ParsedConfig> {
    config::parse(text, strict).map_err(|refusal| refusal.fault(ErrorSource::Cli).into())
}

/// The refusal that names the allow list's bad entries, where it is a list.
fn bad_allowlist(text: &str) -> Option<Failure> {
    let document: serde_json::Value = serde_json::from_str(text).ok()?;
    let list = document.get("ops")?.get("rolloutAllowlist")?;
    let entries: Vec<String> = match list.as_array() {
        Some(entries) => entries
            .iter()
            .map(|entry| {
                entry
                    .as_str()
                    .map_or_else(|| entry.to_string(), str::to_owned)
            })
            .collect(),
        None => vec![list.to_string()],
    };
    let invalid = RolloutAllowlist::from_entries(entries.iter().map(String::as_str)).err()?;
    Some(preflight::allowlist_fault(&invalid.entries).into())
}

async fn reload(context: &Context<'_>) -> Outcome<u8> {
    let relay = context.client.running()?;
    let admin = context.environment.admin_token.as_ref().ok_or_else(|| {
        Failure::usage(
            "config reload needs the relay's admin token in DASHBOARD_ADMIN_TOKEN; SIGHUP to relayd does the same without one",
        )
    })?;
    let admin: Token = admin.parse().map_err(|_| {
        Failure::usage("DASHBOARD_ADMIN_TOKEN is no token: 1 to 512 visible ASCII characters")
    })?;
    let document = post::reload_config(&relay.endpoint, &admin).await?;
    if context.out.is_json() {
        context
            .out
            .line(&document.trim().replace(['\n', '\r'], " "));
    } else {
        context.out.line(&render::status::text(&document));
    }
    Ok(0)
}

fn json(value: &impl Serialize) -> Outcome<String> {
    serde_json::to_string(value)
        .map_err(|error| Failure::new(ErrorCode::CliReplyInvalid, error.to_string()))
}
