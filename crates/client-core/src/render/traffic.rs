//! Requests, downloads and uploads as text.

use std::fmt::Write;

use ops_contracts::wire::command::downloads::{DownloadEntry, DownloadState, ListResult};
use ops_contracts::wire::command::interact::UploadResult;
use ops_contracts::wire::command::network::{
    Body, CredentialsResult, HeadersResult, LogResult, OfflineResult, RequestEntry, RequestState,
    RouteInfo, RouteResult, UnrouteResult,
};

use super::{Rendered, action, short};

pub(crate) fn requests(log: &LogResult) -> Rendered {
    let mut lines: Vec<String> = log.entries.iter().map(request).collect();
    for (name, body) in [
        ("request body", &log.request_body),
        ("response body", &log.response_body),
    ] {
        lines.extend(body.as_ref().map(|body| self::body(name, body)));
    }
    if lines.is_empty() {
        lines.push("no request fits".to_owned());
    }
    let mut rendered = Rendered::text(lines.join("\n"));
    rendered.notes.push(format!(
        "--since {} goes on; {} in flight",
        log.next_seq, log.in_flight
    ));
    if log.lost > 0 {
        rendered
            .notes
            .push(format!("{} older requests are lost", log.lost));
    }
    rendered
}

/// `12 GET 200 fetch http://… 1.2 kB 14 ms`, then headers, a line each.
pub(crate) fn request(entry: &RequestEntry) -> String {
    let status = match (entry.state, entry.status) {
        (RequestState::Failed, _) => "failed".to_owned(),
        (_, Some(status)) => status.to_string(),
        (_, None) => "pending".to_owned(),
    };
    let kind = format!("{:?}", entry.kind).to_lowercase();
    let mut text = format!(
        "{} {} {status} {kind} {}",
        entry.seq,
        entry.method,
        short(&entry.url, 300)
    );
    if let Some(bytes) = entry.transferred_bytes {
        let _ = write!(text, " {bytes} bytes");
    }
    if let Some(millis) = entry.duration_ms {
        let _ = write!(text, " {millis:.0} ms");
    }
    if entry.from_cache {
        text.push_str(" (cache)");
    }
    if let Some(failure) = &entry.failure {
        let _ = write!(text, " ({failure})");
    }
    if let Some(from) = entry.redirected_from {
        let _ = write!(text, " (redirected from {from})");
    }
    for (mark, headers) in [
        (">", &entry.request_headers),
        ("<", &entry.response_headers),
    ] {
        for header in headers.iter().flatten() {
            let _ = write!(
                text,
                "\n  {mark} {}: {}",
                header.name,
                short(&header.value, 300)
            );
        }
    }
    text
}

fn body(name: &str, body: &Body) -> String {
    let cut = if body.truncated {
        ", cut: --max-body takes more"
    } else {
        ""
    };
    match (&body.text, &body.base64) {
        (Some(text), _) => format!("{name} ({} bytes{cut}):\n{text}", body.bytes),
        (None, _) => format!(
            "{name} ({} bytes, no text{cut}; --output json shows it as base64)",
            body.bytes
        ),
    }
}

fn rule(info: &RouteInfo) -> String {
    let method = info
        .method
        .as_ref()
        .map(|method| format!("{method} "))
        .unwrap_or_default();
    let left = info
        .times_left
        .map(|left| format!(", {left} more"))
        .unwrap_or_default();
    format!(
        "{} {method}{} {:?} ({} times so far{left})",
        info.route, info.url, info.action, info.hits
    )
    .to_lowercase()
}

fn rules(routes: &[RouteInfo]) -> String {
    if routes.is_empty() {
        "no rules".to_owned()
    } else {
        routes.iter().map(rule).collect::<Vec<_>>().join("\n")
    }
}

pub(crate) fn routed(result: &RouteResult) -> String {
    format!("rule {} holds\n{}", result.route, rules(&result.routes))
}

pub(crate) fn unrouted(result: &UnrouteResult) -> String {
    format!(
        "{} taken back\n{}",
        result.removed.len(),
        rules(&result.routes)
    )
}

pub(crate) fn headers(result: &HeadersResult) -> String {
    if result.names.is_empty() {
        "no headers are added".to_owned()
    } else {
        format!("added to every request: {}", result.names.join(", "))
    }
}

pub(crate) fn offline(result: &OfflineResult) -> String {
    match (result.offline, result.slowed) {
        (true, _) => "offline",
        (false, true) => "online, slowed down",
        (false, false) => "online",
    }
    .to_owned()
}

pub(crate) fn credentials(result: &CredentialsResult) -> String {
    if result.origins.is_empty() {
        "no credentials are held".to_owned()
    } else {
        format!("credentials for {}", result.origins.join(", "))
    }
}

pub(crate) fn downloads(result: &ListResult) -> String {
    if result.downloads.is_empty() {
        return "no downloads".to_owned();
    }
    result
        .downloads
        .iter()
        .map(download)
        .collect::<Vec<_>>()
        .join("\n")
}

/// `1 report.csv completed 120 bytes from http://…`.
pub(crate) fn download(entry: &DownloadEntry) -> String {
    let state = match entry.state {
        DownloadState::Running => "running",
        DownloadState::Completed => "completed",
        DownloadState::Failed => "failed",
    };
    let total = entry
        .total_bytes
        .filter(|total| *total != entry.received_bytes)
        .map(|total| format!(" of {total}"))
        .unwrap_or_default();
    let failure = entry
        .failure
        .as_ref()
        .map(|failure| format!(" ({failure})"))
        .unwrap_or_default();
    let name = short(&entry.suggested_name, 120);
    format!(
        "{} {name} {state} {}{total} bytes from {}{failure}",
        entry.download,
        entry.received_bytes,
        short(&entry.url, 200)
    )
}

pub(crate) fn uploaded(result: &UploadResult) -> String {
    let files: Vec<String> = result
        .files
        .iter()
        .map(|file| format!("{} ({} bytes)", short(&file.name, 120), file.bytes))
        .collect();
    let what = if files.is_empty() {
        "no files".to_owned()
    } else {
        files.join(", ")
    };
    action::line(&format!("gave {what} to"), &result.receipt)
}
