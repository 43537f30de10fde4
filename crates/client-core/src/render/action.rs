//! Receipts as text: what was done, and what was observed of it.

use std::fmt::Write;

use ops_contracts::wire::command::session::DialogPolicy;
use ops_contracts::wire::command::{dialog, interact, pointer};
use ops_contracts::wire::receipt::{DialogInfo, ElementInfo, Receipt, Settled};

use super::{quoted, short};

/// `clicked button "Save" [e12] → changed`, and a line for each thing that must not be missed.
pub(crate) fn line(done: &str, receipt: &Receipt) -> String {
    let element = receipt
        .element
        .as_ref()
        .map_or_else(|| "the page".to_owned(), element);
    let mut text = format!("{done} {element}");
    if receipt.attempts == 0 {
        text.push_str(" (it was so already)");
        return text;
    }
    let mut seen = Vec::new();
    if receipt.navigated || receipt.document_changed {
        let what = if receipt.document_changed {
            "new page"
        } else {
            "same page"
        };
        seen.push(format!("{} ({what})", receipt.url_after));
    } else if receipt.changed == Some(true) {
        seen.push("changed".to_owned());
    } else if receipt.changed == Some(false)
        && receipt.dialog_opened.is_none()
        && receipt.popups.is_empty()
    {
        seen.push("no change seen".to_owned());
    }
    match receipt.settled_by {
        Settled::Closed => seen.push("the page closed".to_owned()),
        Settled::Timeout => seen.push("a navigation is still under way".to_owned()),
        Settled::Handled | Settled::Navigation | Settled::Dialog => {}
    }
    if !seen.is_empty() {
        let _ = write!(text, " → {}", seen.join(", "));
    }
    if receipt.attempts > 1 {
        let _ = write!(text, " (at attempt {})", receipt.attempts);
    }
    if receipt.clicks == Some(0) {
        text.push_str("\nno click came of it: something else was under the pointer at the release");
    }
    for popup in &receipt.popups {
        let _ = write!(text, "\nnew tab {popup}: odb-cli tabs use {popup}");
    }
    for download in &receipt.downloads {
        let _ = write!(
            text,
            "\ndownload began: {} from {}",
            short(&download.suggested_name, 120),
            short(&download.url, 200)
        );
        if let Some(number) = download.download {
            let _ = write!(text, "\nsave it: odb-cli downloads save --number {number}");
        }
    }
    if let Some(chooser) = &receipt.file_chooser {
        let several = if chooser.multiple {
            "one or more files"
        } else {
            "one file"
        };
        let _ = write!(
            text,
            "\na file chooser for {several} is open: odb-cli upload --chooser FILE"
        );
    }
    if let Some(opened) = &receipt.dialog_opened {
        let _ = write!(text, "\n{}", dialog(opened));
    }
    text
}

/// `dragged listitem "A" [e1] → changed`, and where it was dropped.
pub(crate) fn dragged(result: &interact::DragResult) -> String {
    let how = if result.native { "dropped" } else { "released" };
    let target = result
        .target
        .element
        .as_ref()
        .map_or_else(|| "the page".to_owned(), element);
    format!("{}\n{how} on {target}", line("dragged", &result.receipt))
}

pub(crate) fn dragged_between(result: &pointer::DragResult) -> String {
    let target = result
        .target
        .element
        .as_ref()
        .map_or_else(|| "the page".to_owned(), element);
    let how = match result.dropped {
        Some(true) => "dropped on",
        Some(false) => "not dropped: the page did not take it, on",
        None => "released on",
    };
    format!("{}\n{how} {target}", line("dragged", &result.receipt))
}

/// `pressed at 10,20 over button "Save" [e12] → changed`.
pub(crate) fn pointed(done: &str, result: &pointer::PointerResult) -> String {
    let held = if result.held.is_empty() {
        String::new()
    } else {
        format!(" holding {:?}", result.held).to_lowercase()
    };
    line(
        &format!(
            "{done} {},{}{held} over",
            result.position.x, result.position.y
        ),
        &result.receipt,
    )
}

/// `button "Save" [e12]`.
pub(crate) fn element(element: &ElementInfo) -> String {
    let role = if element.role.is_empty() {
        &element.tag
    } else {
        &element.role
    };
    format!(
        "{role} {} [{}]",
        quoted(&element.name, 80),
        element.reference
    )
}

/// The dialog, and how to answer it.
pub(crate) fn dialog(dialog: &DialogInfo) -> String {
    let kind = format!("{:?}", dialog.kind).to_ascii_lowercase();
    let proposal = dialog
        .default_text
        .as_ref()
        .map(|text| format!(" (proposes {})", quoted(text, 80)))
        .unwrap_or_default();
    let text = if kind == "prompt" { " [TEXT]" } else { "" };
    format!(
        "{kind} dialog is open in {}: {}{proposal}\nanswer it: odb-cli dialog accept{text}, or odb-cli dialog dismiss",
        dialog.target_id,
        quoted(&dialog.message, 400)
    )
}

/// What happens to dialogs now.
pub(crate) fn policy(result: &dialog::PolicyResult) -> String {
    let text = match result.policy {
        DialogPolicy::Ask => "dialogs wait for an answer",
        DialogPolicy::Accept => "dialogs are accepted at once",
        DialogPolicy::Dismiss => "dialogs are dismissed at once",
    };
    let open = result
        .dialog
        .as_ref()
        .map(|open| format!("\nfrom the next one on: {}", dialog(open)))
        .unwrap_or_default();
    format!("{text}{open}")
}

pub(crate) fn answered(answer: &dialog::AnswerResult) -> String {
    let done = if answer.accepted {
        "accepted"
    } else {
        "dismissed"
    };
    format!(
        "{done} {} dialog {}",
        format!("{:?}", answer.dialog.kind).to_ascii_lowercase(),
        quoted(&answer.dialog.message, 200)
    )
}

pub(crate) fn selected(result: &interact::SelectResult) -> String {
    let options: Vec<String> = result
        .selected
        .iter()
        .map(|option| format!("{} ({})", quoted(&option.label, 80), option.value))
        .collect();
    let options = if options.is_empty() {
        "nothing".to_owned()
    } else {
        options.join(", ")
    };
    line(&format!("selected {options} in"), &result.receipt)
}

pub(crate) fn scrolled(result: &interact::ScrollResult) -> String {
    if result.moved {
        format!(
            "scrolled from {},{} to {},{}",
            result.before.x, result.before.y, result.after.x, result.after.y
        )
    } else {
        format!(
            "nothing moved: at {},{} already",
            result.after.x, result.after.y
        )
    }
}
