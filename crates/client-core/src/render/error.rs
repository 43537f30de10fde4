//! Errors as text: `error: CODE: message`, the facts that help, and a hint.

use std::fmt::Write;

use ops_client::Refusal;
use ops_contracts::ErrorCode;
use ops_contracts::wire::fault::Details;
use serde_json::Value;

use super::{quoted, short};
use crate::failure::Failure;

/// Facts that say again what the message says.
const SAID_ALREADY: &[&str] = &["field", "expected", "command", "session", "path"];

/// The most entries of a list that are shown.
const MAX_ENTRIES: usize = 10;

/// An error with all that is known of it.
pub fn text(failure: &Failure) -> String {
    match failure {
        Failure::Refused { reply, advice } => match reply.result() {
            Err(refused) => refusal(refused, advice.as_deref()),
            Ok(_) => String::new(),
        },
        Failure::Foreign(refused) => refusal(refused, None),
        Failure::Here(fault) => compose(
            fault.code.as_str(),
            &fault.message,
            Some(&fault.details),
            Some(fault.code),
            fault.retry_after_ms,
            None,
        ),
    }
}

/// Code and message alone.
pub fn message(failure: &Failure) -> String {
    match failure {
        Failure::Here(fault) => fault.to_string(),
        Failure::Foreign(refused) => format!("{}: {}", refused.code, refused.message),
        Failure::Refused { reply, .. } => reply
            .result()
            .err()
            .map(|refused| format!("{}: {}", refused.code, refused.message))
            .unwrap_or_default(),
    }
}

/// A refusal with all that is known of it.
pub fn refusal(refused: &Refusal, advice: Option<&str>) -> String {
    let bare = refused
        .details
        .as_ref()
        .filter(|_| refused.known() == Some(ErrorCode::OpsElementNotFound))
        .and_then(bare_words);
    let advice = bare.as_deref().or(advice);
    compose(
        &refused.code,
        &refused.message,
        refused.details.as_ref(),
        refused.known(),
        refused.retry_after_ms,
        advice,
    )
}

/// What to say of words that were meant as what the page shows and are read as CSS, which is what an address without a prefix is.
fn bare_words(details: &Details) -> Option<String> {
    let facts = serde_json::to_value(details).ok()?;
    let words = facts.get("locator")?.as_str()?.strip_prefix("css=")?;
    let bare = !words.is_empty()
        && words
            .chars()
            .all(|letter| letter.is_alphanumeric() || letter == ' ');
    bare.then(|| {
        format!("without a prefix it is a CSS selector: by what is shown it is text=\"{words}\" or role=button[name=\"{words}\"]")
    })
}

fn compose(
    code: &str,
    message: &str,
    details: Option<&Details>,
    known: Option<ErrorCode>,
    retry_after_ms: Option<u64>,
    advice: Option<&str>,
) -> String {
    let mut text = format!("error: {code}: {message}");
    if let Ok(Value::Object(facts)) = serde_json::to_value(details) {
        for (key, value) in facts
            .iter()
            .filter(|(key, _)| !SAID_ALREADY.contains(&key.as_str()))
        {
            describe(&mut text, key, value);
        }
    }
    let retry = retry_after_ms
        .filter(|ms| *ms > 0)
        .map(|ms| format!("try again after {ms} ms"));
    let remedy = known.map(|code| code.row().remedy.to_owned());
    let hints: Vec<String> = [remedy, advice.map(str::to_owned), retry]
        .into_iter()
        .flatten()
        .collect();
    if !hints.is_empty() {
        let _ = write!(text, "\nhint: {}", hints.join("; "));
    }
    text
}

fn describe(text: &mut String, key: &str, value: &Value) {
    match value {
        Value::Array(entries) if entries.iter().any(Value::is_object) => {
            let _ = write!(text, "\n  {key}:");
            for entry in entries.iter().take(MAX_ENTRIES) {
                let _ = write!(text, "\n    {}", one(entry));
            }
            if entries.len() > MAX_ENTRIES {
                let _ = write!(text, "\n    and {} more", entries.len() - MAX_ENTRIES);
            }
        }
        Value::Null => {}
        other => {
            let _ = write!(text, "\n  {key}: {}", one(other));
        }
    }
}

/// A fact on one line; an element as `e12 button "Save"`.
fn one(value: &Value) -> String {
    let field = |name: &str| value.get(name).and_then(Value::as_str);
    match value {
        Value::String(text) => short(text, 400),
        Value::Array(entries) => entries.iter().map(one).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            if let (Some(role), Some(name)) = (field("role"), field("name")) {
                let what = if role.is_empty() {
                    field("tag").unwrap_or("element")
                } else {
                    role
                };
                let reference = field("ref")
                    .map(|reference| format!("{reference} "))
                    .unwrap_or_default();
                return format!("{reference}{what} {}", quoted(name, 80));
            }
            fields
                .iter()
                .map(|(key, value)| format!("{key} {}", one(value)))
                .collect::<Vec<_>>()
                .join(", ")
        }
        other => other.to_string(),
    }
}
