//! Cookies, web storage and what a page sees of its device, as text.

use std::fmt::Write;

use ops_contracts::wire::command::emulation::{EmulationResult, PermissionsResult};
use ops_contracts::wire::command::performance::PerformanceResult;
use ops_contracts::wire::command::storage::{
    Cookie, CookiesResult, StateImportResult, StoredResult, WebStorageResult,
};
use ops_contracts::wire::device::DEVICES;

use super::{Rendered, read};

/// `name=value`, and behind it where it goes.
pub(crate) fn cookies(result: &CookiesResult) -> String {
    if result.cookies.is_empty() {
        return "no cookie".to_owned();
    }
    let lines: Vec<String> = result.cookies.iter().map(cookie).collect();
    lines.join("\n")
}

fn cookie(cookie: &Cookie) -> String {
    let mut line = format!(
        "{}={}  ({}{}",
        cookie.name, &*cookie.value, cookie.domain, cookie.path
    );
    if cookie.expires >= 0.0 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds since 1970, checked above"
        )]
        let at = ops_contracts::wire::clock::Timestamp::from_unix_millis(
            (cookie.expires * 1000.0) as u64,
        );
        let _ = write!(line, ", until {at}");
    }
    for (is, word) in [(cookie.http_only, "HttpOnly"), (cookie.secure, "Secure")] {
        if is {
            let _ = write!(line, ", {word}");
        }
    }
    if let Some(same_site) = cookie.same_site {
        let _ = write!(line, ", SameSite={same_site:?}");
    }
    line + ")"
}

pub(crate) fn entries(result: &WebStorageResult) -> Rendered {
    let lines: Vec<String> = result
        .items
        .iter()
        .map(|item| format!("{}={}", item.name, &*item.value))
        .collect();
    let text = if lines.is_empty() {
        "nothing".to_owned()
    } else {
        lines.join("\n")
    };
    Rendered::text(text).with(Some(format!("of {}", result.origin)))
}

/// The value under one key, bare.
pub fn entry(json: &str) -> Rendered {
    let Some(result) = read::<WebStorageResult>(json) else {
        return Rendered::text(super::pretty(json));
    };
    match result.items.into_iter().next() {
        Some(item) => Rendered::text(item.value.into_text()),
        None => Rendered::text("").with(Some(format!(
            "{} has nothing under this key",
            result.origin
        ))),
    }
}

pub(crate) fn stored(result: &StoredResult) -> String {
    format!(
        "{} stored for {}",
        counted(result.stored, "entry", "entries"),
        result.origin
    )
}

pub(crate) fn imported(result: &StateImportResult) -> String {
    format!(
        "logged in with {}, {} of {}",
        counted(result.cookies, "cookie", "cookies"),
        counted(result.items, "entry", "entries"),
        counted(result.origins, "origin", "origins")
    )
}

/// A number with the word for one or for many.
#[must_use]
pub fn counted(count: u32, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

pub(crate) fn seen(result: &EmulationResult) -> String {
    let mut text = format!(
        "the page sees {}x{}@{}",
        result.width, result.height, result.scale
    );
    for (is, word) in [
        (result.mobile == Some(true), "mobile"),
        (result.touch, "touch"),
        (result.color_scheme == "dark", "dark"),
        (result.reduced_motion, "reduced motion"),
        (result.forced_colors, "forced colours"),
        (result.media == "print", "print"),
    ] {
        if is {
            let _ = write!(text, ", {word}");
        }
    }
    if result.contrast != "no-preference" {
        let _ = write!(text, ", {} contrast", result.contrast);
    }
    let _ = write!(
        text,
        ", {} ({}), {}\n{}",
        result.locale,
        result.languages.join(" "),
        result.timezone,
        result.user_agent
    );
    text
}

pub(crate) fn permissions(result: &PermissionsResult) -> String {
    if result.seen.is_empty() {
        return "permissions are the browser's own again".to_owned();
    }
    let lines: Vec<String> = result
        .seen
        .iter()
        .map(|seen| {
            format!(
                "{} is {} at {}",
                seen.permission.as_str(),
                seen.state,
                result.origin
            )
        })
        .collect();
    lines.join("\n")
}

/// What was measured, a line each; what was not is left out.
pub(crate) fn performance(result: &PerformanceResult) -> String {
    let vitals = &result.vitals;
    let mut lines = vec![result.url.clone()];
    for (name, value) in [
        ("TTFB", vitals.ttfb_ms),
        ("FCP", vitals.fcp_ms),
        ("LCP", vitals.lcp_ms),
        ("INP", vitals.inp_ms),
    ] {
        if let Some(value) = value {
            lines.push(format!("{name:<8} {value:.0} ms"));
        }
    }
    if let Some(cls) = vitals.cls {
        lines.push(format!("CLS      {cls:.3}"));
    }
    if let Some(navigation) = &result.navigation {
        let loaded = navigation
            .load_ms
            .map(|load| format!(", loaded after {load:.0} ms"))
            .unwrap_or_default();
        lines.push(format!(
            "{} with {:.0} bytes{loaded}",
            navigation.kind, navigation.transfer_bytes
        ));
    }
    for group in &result.resources {
        let (kind, count) = (&group.kind, group.count);
        lines.push(format!(
            "{kind:<8} {count}, {:.0} bytes, slowest {:.0} ms",
            group.transfer_bytes, group.slowest_ms
        ));
    }
    lines.push(format!("{} elements", result.dom_nodes));
    lines.join("\n")
}

/// The presets, a line each.
pub fn devices() -> String {
    let line = |device: &ops_contracts::wire::device::Device| {
        let size = format!(
            "{}x{}@{}",
            device.viewport.width, device.viewport.height, device.viewport.scale
        );
        format!(
            "{:<22} {size:<16}{}",
            device.name,
            if device.touch { " touch" } else { "" }
        )
    };
    let lines: Vec<String> = DEVICES
        .iter()
        .map(|device| line(device).trim_end().to_owned())
        .collect();
    lines.join("\n")
}
