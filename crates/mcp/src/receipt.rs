//! What was observed of a step, in one line.

use client_core::render;
use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::command::interact::SelectedOption;
use ops_contracts::wire::receipt::{ElementInfo, Receipt, Settled};
use serde::Deserialize;

/// The most characters of a line that is no receipt.
const MAX_LINE: usize = 300;

/// What results of actions have beside other things.
#[derive(Debug, Deserialize)]
struct Acted {
    receipt: Receipt,
    #[serde(default)]
    value: Option<String>,
    #[serde(default)]
    checked: Option<bool>,
    #[serde(default)]
    selected: Vec<SelectedOption>,
}

/// `click button "Save" [e12]: changed`.
pub(crate) fn line(command: CommandName, json: &str) -> String {
    let name = command.as_str();
    let done = name.strip_prefix("interact.").unwrap_or(name);
    match serde_json::from_str::<Acted>(json) {
        Ok(acted) => of_action(done, &acted),
        Err(_) => {
            let text = render::result(command, json).text;
            format!("{done}: {}", render::short(&text, MAX_LINE))
        }
    }
}

fn of_action(done: &str, acted: &Acted) -> String {
    let element = acted.receipt.element.as_ref().map(element);
    let mut text = match element {
        Some(element) => format!("{done} {element}"),
        None => done.to_owned(),
    };
    if let Some(value) = &acted.value {
        text.push_str(&format!(" = {:?}", render::short(value, 80)));
    }
    if let Some(checked) = acted.checked {
        text.push_str(if checked {
            " = checked"
        } else {
            " = unchecked"
        });
    }
    if !acted.selected.is_empty() {
        let labels: Vec<&str> = acted.selected.iter().map(|it| it.label.as_str()).collect();
        text.push_str(&format!(" = {:?}", render::short(&labels.join(", "), 120)));
    }
    format!("{text}: {}", observed(&acted.receipt).join("; "))
}

fn element(element: &ElementInfo) -> String {
    let role = if element.role.is_empty() {
        &element.tag
    } else {
        &element.role
    };
    let name = render::short(&element.name, 60);
    format!("{role} {name:?} [{}]", element.reference)
}

fn observed(receipt: &Receipt) -> Vec<String> {
    if receipt.attempts == 0 {
        return vec!["it was so already".to_owned()];
    }
    let mut seen = Vec::new();
    if receipt.document_changed {
        seen.push(format!("new page {}", receipt.url_after));
    } else if receipt.navigated {
        seen.push(format!("same page, now {}", receipt.url_after));
    } else if let Some(changed) = receipt.changed {
        seen.push(if changed { "changed" } else { "no change seen" }.to_owned());
    }
    if receipt.clicks == Some(0) {
        seen.push(
            "no click came of it, something else was under the pointer at the release".to_owned(),
        );
    }
    seen.extend(
        receipt
            .popups
            .iter()
            .map(|tab| format!("new tab {tab}, browser_page use shows it")),
    );
    for download in &receipt.downloads {
        let name = render::short(&download.suggested_name, 80);
        let number = download
            .download
            .map_or(String::new(), |number| format!(" {number}"));
        seen.push(format!("download{number} began: {name:?}"));
    }
    if receipt.file_chooser.is_some() {
        seen.push("a file chooser waits for upload without element".to_owned());
    }
    if let Some(dialog) = &receipt.dialog_opened {
        let kind = format!("{:?}", dialog.kind).to_lowercase();
        let message = render::short(&dialog.message, 120);
        seen.push(format!("waiting dialog ({kind}): {message:?}"));
    }
    match receipt.settled_by {
        Settled::Closed => seen.push("the page closed".to_owned()),
        Settled::Timeout => seen.push("a navigation is still under way".to_owned()),
        Settled::Handled | Settled::Navigation | Settled::Dialog => {}
    }
    if seen.is_empty() {
        seen.push("done".to_owned());
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECEIPT: &str = r#"{"element":{"ref":"e12","role":"button","name":"Save\nnow","tag":"button"},"navigated":false,
        "documentChanged":false,"urlBefore":"http://a/","urlAfter":"http://a/","popups":["t2"],"downloads":[],"changed":true,
        "settledBy":"handled","attempts":1}"#;

    #[test]
    fn a_receipt_is_one_line() {
        let json = format!(r#"{{"receipt":{RECEIPT}}}"#);
        assert_eq!(
            line(CommandName::InteractClick, &json),
            "click button \"Save now\" [e12]: changed; new tab t2, browser_page use shows it"
        );
        let json = format!(r#"{{"value":"a\nb","receipt":{RECEIPT}}}"#);
        let filled = line(CommandName::InteractFill, &json);
        assert!(
            filled.starts_with("fill button \"Save now\" [e12] = \"a b\": "),
            "{filled}"
        );
    }

    #[test]
    fn a_result_without_a_receipt_is_one_line_too() {
        let text = line(CommandName::DomText, r#"{"value":"one\ntwo"}"#);
        assert_eq!(text, "dom.text: one two");
    }
}
