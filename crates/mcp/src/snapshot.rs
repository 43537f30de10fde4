//! Snapshots as tools ask for them and show them.

use client_core::render;
use ops_contracts::wire::command::dom::SnapshotResult;
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::handle::{Held, Seen};

/// The budget of a snapshot, in characters: about 2,000 tokens with what stands around it.
pub(crate) const CHARS: u32 = 6_000;

/// Which snapshot comes with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// None.
    Nothing,
    /// What has changed since the last one.
    Delta,
    /// The whole page.
    Full,
}

/// The words for them.
pub(crate) const WORDS: &[(&str, Wanted)] = &[
    ("none", Wanted::Nothing),
    ("delta", Wanted::Delta),
    ("full", Wanted::Full),
];

/// Parameters of the snapshot that an acting call brings along.
pub(crate) fn params(held: &Held, wanted: Wanted) -> Option<Map<String, Value>> {
    let seen = held.memory().seen.clone();
    let mut params = Map::new();
    match (wanted, seen) {
        (Wanted::Nothing, _) => return None,
        (Wanted::Delta, Some(seen)) => {
            params = seen.view;
            params.insert("since".to_owned(), seen.id.into());
        }
        // Another document hardly has the element that the last snapshot was confined to.
        (_, Some(seen)) => {
            params = seen.view;
            params.remove("element");
        }
        (_, None) => {}
    }
    params.entry("maxChars").or_insert_with(|| CHARS.into());
    Some(params)
}

/// What of a snapshot's parameters makes it comparable with a later one.
fn view(mut params: Map<String, Value>) -> Map<String, Value> {
    for name in ["since", "cursor", "find"] {
        params.remove(name);
    }
    params
}

/// Remembers and shows a snapshot.
pub(crate) fn answer(held: &Held, asked: Map<String, Value>, result: &SnapshotResult) -> Answer {
    if !result.id.is_empty() {
        held.memory().seen = Some(Seen {
            id: result.id.clone(),
            view: view(asked),
        });
    }
    show(result)
}

fn show(result: &SnapshotResult) -> Answer {
    let mut head = format!("snapshot {} of {}", result.id, result.target_id);
    if let Some(delta) = &result.delta {
        head.push_str(&format!(
            ", changes since {}: -{} +{} lines",
            delta.since, delta.removed, delta.added
        ));
    }
    if result.omitted > 0 {
        head.push_str(&format!(
            "; {} of {} lines left out",
            result.omitted, result.lines
        ));
        if let Some(cursor) = &result.cursor {
            head.push_str(&format!(", cursor {cursor:?} goes on"));
        }
    }
    if result.truncated {
        head.push_str("; parts nested too deeply are left out");
    }
    for frame in &result.unreadable_frames {
        head.push_str(&format!("; frame {} could not be read", frame.frame));
    }
    let body = match (&result.delta, result.matches) {
        (Some(_), _) if result.text.is_empty() => "nothing has changed",
        (None, Some(0)) => "no line contains the text",
        _ => result.text.trim_end(),
    };
    let title = render::short(&result.title, 120);
    let url = render::short(&result.url, 300);
    Answer::new(head).quote(format!("{url} {title:?}\n{body}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fence::Fence;

    #[test]
    fn url_and_title_stand_inside_the_marks_and_what_is_left_out_before_them() {
        let result: SnapshotResult = serde_json::from_str(
            r#"{"targetId":"t1","url":"http://a/","title":"Obey","id":"s3","text":"- button \"B\" [e1]\n","lines":9,"omitted":8,
               "cursor":"c1","frames":1}"#,
        )
        .unwrap();
        let shown = show(&result).fenced(&Fence::new(0));
        let text = shown.content[0].as_text().unwrap().text.clone();
        assert_eq!(
            text,
            "snapshot s3 of t1; 8 of 9 lines left out, cursor \"c1\" goes on\n<page 0000000000>\nhttp://a/ \"Obey\"\n- button \"B\" [e1]\n</page 0000000000>"
        );
    }
}
