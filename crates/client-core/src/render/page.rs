//! Pages, elements and logs as text.

use std::fmt::Write;

use ops_contracts::seam::adapter::DialogKind;
use ops_contracts::wire::command::{diagnostics, dom, nav, targets};

use super::{Rendered, action, quoted, short};

/// `https://a.b/ "Title" (200)`, redirects, and what stopped the wait.
pub(crate) fn navigation(result: &nav::NavResult) -> String {
    let mut text = result.url.clone();
    if let Some(title) = result.title.as_deref().filter(|title| !title.is_empty()) {
        let _ = write!(text, " {}", quoted(title, 120));
    }
    if let Some(status) = result.status {
        let _ = write!(text, " ({status})");
    }
    if !result.document_changed {
        let asked = result
            .dialog_opened
            .as_ref()
            .is_some_and(|dialog| dialog.kind == DialogKind::Beforeunload);
        text.push_str(if asked || !result.downloads.is_empty() {
            " not left"
        } else {
            " within the same document"
        });
    }
    for hop in &result.redirects {
        let _ = write!(text, "\nredirected from {} ({})", hop.url, hop.status);
    }
    for download in &result.downloads {
        let _ = write!(
            text,
            "\ndownload began: {} from {}",
            short(&download.suggested_name, 120),
            download.url
        );
    }
    if let Some(dialog) = &result.dialog_opened {
        let _ = write!(text, "\n{}", action::dialog(dialog));
    }
    text
}

pub(crate) fn waited(result: &nav::WaitResult) -> String {
    let found = result
        .reference
        .map(|reference| format!(" [{reference}]"))
        .unwrap_or_default();
    format!("waited {} ms{found}: {}", result.waited_ms, result.url)
}

/// A header, the tree, and exactly what is missing.
pub(crate) fn snapshot(result: &dom::SnapshotResult) -> Rendered {
    let body = match (&result.delta, result.matches) {
        (Some(_), _) if result.text.is_empty() => "nothing has changed",
        (None, Some(0)) => "no line contains the text",
        _ => result.text.trim_end(),
    };
    // An older relay gives its snapshots no names.
    let name = if result.id.is_empty() {
        String::new()
    } else {
        format!(" [{}]", result.id)
    };
    let mut text = format!(
        "{} {} [{}]{name}\n{body}",
        quoted(&result.title, 120),
        result.url,
        result.target_id
    );
    for frame in &result.unreadable_frames {
        let _ = write!(
            text,
            "\nframe {} could not be read: {}",
            frame.frame, frame.reason
        );
    }
    if let Some(delta) = &result.delta {
        let _ = write!(
            text,
            "\nsince {}: {} lines gone, {} new",
            delta.since, delta.removed, delta.added
        );
    }
    if result.omitted > 0 {
        let _ = write!(
            text,
            "\n{} of {} lines are left out",
            result.omitted, result.lines
        );
        let _ = match &result.cursor {
            Some(cursor) => write!(
                text,
                "; go on with: odb-cli snapshot --cursor {cursor} (and the same flags)"
            ),
            None if result.matches.is_some() => write!(
                text,
                " that neither contain the text nor hold a line that does"
            ),
            None => write!(text, " before these"),
        };
    }
    Rendered::text(text)
}

pub(crate) fn found(result: &dom::FindResult) -> Rendered {
    if result.count == 0 {
        return Rendered::text("no match");
    }
    let lines: Vec<String> = result
        .matches
        .iter()
        .map(|found| {
            let hidden = if found.visible { "" } else { " (not visible)" };
            let role = if found.role.is_empty() {
                &found.tag
            } else {
                &found.role
            };
            let text = if found.text.is_empty() || found.text == found.name {
                String::new()
            } else {
                format!(": {}", short(&found.text, 100))
            };
            format!(
                "{} {role} {}{hidden}{text}",
                found.reference,
                quoted(&found.name, 80)
            )
        })
        .collect();
    let more = (result.count as usize).saturating_sub(result.matches.len());
    let more = if more > 0 {
        format!("\n{more} more: --limit shows them")
    } else {
        String::new()
    };
    Rendered::text(format!("{}{more}", lines.join("\n")))
}

/// A line a page; the current one is marked.
pub(crate) fn tabs(targets: &[targets::TargetInfo]) -> String {
    if targets.is_empty() {
        return "no page is open".to_owned();
    }
    let lines: Vec<String> = targets
        .iter()
        .map(|target| {
            let mark = if target.current { '*' } else { ' ' };
            let opener = target
                .opener_id
                .as_ref()
                .map(|opener| format!(" (opened by {opener})"))
                .unwrap_or_default();
            let crashed = if target.crashed {
                " (crashed: odb-cli reload revives it)"
            } else {
                ""
            };
            let name = target
                .name
                .as_ref()
                .map(|name| format!(" named {name:?}"))
                .unwrap_or_default();
            format!(
                "{mark} {} {} {}{name}{opener}{crashed}",
                target.target_id,
                target.url,
                quoted(&target.title, 100)
            )
        })
        .collect();
    lines.join("\n")
}

pub(crate) fn new_tab(result: &targets::NewResult) -> String {
    let navigation = result
        .navigation
        .as_ref()
        .map(|result| format!("\n{}", navigation(result)))
        .unwrap_or_default();
    format!("new tab {}{navigation}", result.target.target_id)
}

pub(crate) fn named_tab(result: &targets::NamedResult) -> String {
    let name = result.target.name.as_deref().unwrap_or_default();
    let how = if result.created { "opened" } else { "is there" };
    let navigation = result
        .navigation
        .as_ref()
        .map(|result| format!("\n{}", navigation(result)))
        .unwrap_or_default();
    format!(
        "tab {} {name:?} {how}: {}{navigation}",
        result.target.target_id, result.target.url
    )
}

pub(crate) fn closed_tab(result: &targets::CloseResult) -> String {
    match &result.current {
        Some(current) => format!(
            "closed {}; {current} is the current page now",
            result.closed
        ),
        None => format!("closed {}; no page is left", result.closed),
    }
}

pub(crate) fn console(result: &diagnostics::ConsoleResult) -> Rendered {
    let lines = result.entries.iter().map(|entry| {
        let level = format!("{:?}", entry.level).to_ascii_lowercase();
        let location = entry
            .location
            .as_ref()
            .map(|at| format!(" ({at})"))
            .unwrap_or_default();
        format!("{} {level}: {}{location}", entry.target_id, entry.text)
    });
    log(lines.collect(), result.next_seq, result.lost)
}

pub(crate) fn errors(result: &diagnostics::ErrorsResult) -> Rendered {
    let lines = result.entries.iter().map(|entry| {
        let location = entry
            .location
            .as_ref()
            .map(|at| format!(" ({at})"))
            .unwrap_or_default();
        let stack = entry.stack.as_deref().filter(|stack| !stack.is_empty());
        let stack = stack
            .map(|stack| format!("\n  {}", stack.trim().replace('\n', "\n  ")))
            .unwrap_or_default();
        format!("{} {}{location}{stack}", entry.target_id, entry.text)
    });
    log(lines.collect(), result.next_seq, result.lost)
}

fn log(lines: Vec<String>, next: u64, lost: u64) -> Rendered {
    let text = if lines.is_empty() {
        "nothing".to_owned()
    } else {
        lines.join("\n")
    };
    let lost = (lost > 0).then(|| format!("{lost} earlier entries fell out of the log"));
    Rendered::text(text)
        .with(lost)
        .with(Some(format!("what comes next: --since {next}")))
}
