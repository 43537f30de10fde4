//! Sessions as text. Leases are never shown.

use std::fmt::Write;

use ops_contracts::wire::command::session::{
    BudgetStatus, CreateResult, DomainsStatus, ListResult, ObserveResult, ReclaimResult,
    SessionInfo, StatusResult,
};
use ops_contracts::wire::domains::DomainRule;
use ops_contracts::wire::ids::SessionId;

use super::action;

/// The relay's sessions, with the names that they have here.
pub fn list(result: &ListResult, named: &[(SessionId, String)], current: &str) -> String {
    if result.sessions.is_empty() {
        return "no session is open".to_owned();
    }
    let lines: Vec<String> = result
        .sessions
        .iter()
        .map(|session| {
            let name = named
                .iter()
                .find(|(id, _)| *id == session.session_id)
                .map(|(_, name)| name.as_str());
            let mark = if name == Some(current) { '*' } else { ' ' };
            format!(
                "{mark} {:<16} {}",
                name.unwrap_or("(another client's)"),
                line(session)
            )
        })
        .collect();
    lines.join("\n")
}

fn line(session: &SessionInfo) -> String {
    let state = format!("{:?}", session.state).to_ascii_lowercase();
    let (id, browser) = (&session.session_id, session.browser.as_str());
    format!(
        "{id} {state} {browser}, {}, lease until {}",
        pages(session.targets),
        session.lease_expires_at
    )
}

pub(crate) fn pages(count: impl Into<u64>) -> String {
    match count.into() {
        1 => "1 page".to_owned(),
        more => format!("{more} pages"),
    }
}

/// A session just made; its lease is kept with its name and not shown.
pub(crate) fn created(result: &CreateResult) -> String {
    let (browser, viewport) = (&result.browser, result.viewport);
    format!(
        "session {} made: {} {}, page {}, viewport {}x{}, lease until {}",
        result.session_id,
        browser.product,
        browser.version,
        result.target_id,
        viewport.width,
        viewport.height,
        result.lease_expires_at
    )
}

pub(crate) fn status(result: &StatusResult) -> String {
    let mut text = line(&result.session);
    let current = result
        .current_target
        .as_ref()
        .map_or("none", |target| target.as_str());
    let _ = write!(
        text,
        "\ncurrent page {current}, {} commands queued",
        result.queued
    );
    if let Some(running) = &result.running {
        let _ = write!(text, ", {running} runs");
    }
    if result.session_epoch > 1 {
        let _ = write!(
            text,
            "\nbrowser number {} of this session",
            result.session_epoch
        );
    }
    if let Some(dialog) = &result.dialog {
        let _ = write!(text, "\n{}", action::dialog(dialog));
    }
    if let Some(confined) = &result.domains {
        domains(&mut text, confined);
    }
    if let Some(budget) = &result.budget {
        used(&mut text, budget);
    }
    if result.observers > 0 {
        let _ = write!(text, "\n{} observers", result.observers);
    }
    text
}

fn used(text: &mut String, budget: &BudgetStatus) {
    let parts = [
        ("commands", budget.commands),
        ("pages", budget.targets),
        ("bytes of results", budget.result_bytes),
        ("milliseconds", budget.duration_ms),
    ];
    for (name, part) in parts {
        if let Some(part) = part {
            let _ = write!(text, "\n{} of {} {name}", part.used, part.limit);
        }
    }
}

fn domains(text: &mut String, confined: &DomainsStatus) {
    let list = |rules: &[DomainRule]| {
        rules
            .iter()
            .map(DomainRule::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    };
    for rules in &confined.rules {
        for (word, rules) in [("allows", &rules.allow), ("denies", &rules.deny)] {
            if !rules.is_empty() {
                let _ = write!(text, "\n{word} {}", list(rules));
            }
        }
    }
    for refused in &confined.refused {
        let _ = write!(
            text,
            "\nrefused {}:{} {} times, last at {}",
            refused.host, refused.port, refused.count, refused.last_at
        );
    }
}

/// The lease is what was asked for.
pub(crate) fn observer(result: &ObserveResult) -> String {
    let ObserveResult {
        session_id,
        observer_lease_id,
        expires_at,
        observers,
    } = result;
    format!(
        "{}\nreads session {session_id} until {expires_at}, one of {observers} observers",
        observer_lease_id.as_str()
    )
}

pub(crate) fn reclaimed(result: &ReclaimResult) -> String {
    format!(
        "session {} reclaimed, {} queued commands dropped, lease until {}",
        result.session_id, result.dropped, result.lease_expires_at
    )
}
