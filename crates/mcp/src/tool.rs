//! The tools as `tools/list` returns them: in a fixed order, within a budget of bytes that every conversation pays.

use std::sync::Arc;

use ops_contracts::wire::command::CommandName;
use rmcp::model::{Tool, ToolAnnotations};
use serde_json::{Map, Value, json};

/// The most bytes that the whole list may have.
pub const MAX_BYTES: usize = 6_000;

/// How long a session lives after its last use, in milliseconds.
pub(crate) const LIFETIME_MS: u64 = 30 * 60 * 1_000;

/// A tool that there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    Open,
    Snapshot,
    Act,
    Read,
    Wait,
    Page,
    Save,
    Call,
    Help,
    Close,
}

/// A row of the list.
struct Row {
    name: Name,
    text: &'static str,
    reads: bool,
    about: fn() -> String,
    /// The arguments beside the session.
    arguments: fn() -> Value,
    required: &'static [&'static str],
}

/// Every tool, in the order in which they are listed.
const ROWS: [Row; 10] = [
    Row {
        name: Name::Open,
        text: "browser_open",
        reads: false,
        about: || {
            "Opens a session of its own, and a URL in it. Gives a handle s_…, which every other tool takes as session, and a snapshot. \
             The handle lives 30 minutes after its last use; close it when done."
                .to_owned()
        },
        arguments: || {
            json!({
                "url": {"type": "string"},
                "options": {"type": "object", "description": "session.create, e.g. {\"device\":{\"name\":\"iPhone 15\"}}"},
                "snapshot": {"enum": ["full", "none"]},
            })
        },
        required: &[],
    },
    Row {
        name: Name::Snapshot,
        text: "browser_snapshot",
        reads: true,
        about: || {
            format!(
                "{}, such as button \"Save\" [e12]. Long pages: what is left out is counted; find, element or cursor show it.",
                CommandName::DomSnapshot.spec().meaning
            )
        },
        arguments: || {
            json!({
                "mode": {"enum": ["outline", "interactive", "full"]},
                "find": {"type": "string", "description": "only lines with this text"},
                "element": element(),
                "since": {"type": "string", "description": "id of a snapshot: only changes"},
                "cursor": {"type": "string"},
                "maxChars": {"type": "integer"},
                "urls": {"type": "boolean"},
            })
        },
        required: &["session"],
    },
    Row {
        name: Name::Act,
        text: "browser_act",
        reads: false,
        about: || {
            "Runs steps in order with real input, a receipt each; stops at the first that fails. Answers with what changed on the page. \
             The same call again within 60 s, with no other call in between, repeats the answer and does not act; a new key, or a look, runs it."
                .to_owned()
        },
        arguments: || {
            json!({
                "steps": {"type": "array", "items": {
                    "type": "object",
                    "properties": {
                        "do": {"type": "string", "description": format!("{}; or a dotted command", steps())},
                        "element": element(),
                        "value": {"type": "string", "description": "fill"},
                        "text": {"type": "string", "description": "type"},
                        "key": {"type": "string", "description": "press: Enter, Control+a"},
                        "options": {"type": "array", "description": "select: [{\"label\":\"Birch\"}]"},
                    },
                    "required": ["do"],
                }},
                "snapshot": snapshot(),
                "key": key(),
            })
        },
        required: &["session", "steps"],
    },
    Row {
        name: Name::Read,
        text: "browser_read",
        reads: false,
        about: || "Reads one thing. Other fields are its command's parameters.".to_owned(),
        arguments: || {
            json!({
                "what": {"enum": READABLE.iter().map(|(word, _)| *word).collect::<Vec<_>>()},
                "element": element(),
                "name": {"type": "string", "description": "attr"},
                "expression": {"type": "string", "description": "eval"},
                "maxChars": {"type": "integer"},
                "sinceSeq": {"type": "integer", "description": "console, errors, network"},
            })
        },
        required: &["session", "what"],
    },
    Row {
        name: Name::Wait,
        text: "browser_wait",
        reads: true,
        about: || format!("{}; give one of them.", CommandName::NavWait.spec().meaning),
        arguments: || {
            json!({
                "element": element(),
                "state": {"enum": ["visible", "hidden", "attached", "detached", "enabled", "disabled", "checked", "unchecked"]},
                "text": {"type": "string"},
                "url": {"type": "string", "description": "part of it, or a pattern with *"},
                "function": {"type": "string", "description": "expression"},
                "loadState": {"enum": ["domcontentloaded", "load", "networkidle"]},
                "timeMs": {"type": "integer"},
                "timeoutMs": {"type": "integer", "maximum": 30000},
                "snapshot": snapshot(),
            })
        },
        required: &["session"],
    },
    Row {
        name: Name::Page,
        text: "browser_page",
        reads: false,
        about: || {
            "Navigates, and lists, opens, chooses and closes tabs. Repetitions as in browser_act."
                .to_owned()
        },
        arguments: || {
            json!({
                "do": {"enum": ["goto", "back", "forward", "reload", "tabs", "new", "use", "close"]},
                "url": {"type": "string"},
                "targetId": {"type": "string", "description": "a tab: t2"},
                "snapshot": snapshot(),
                "key": key(),
            })
        },
        required: &["session", "do"],
    },
    Row {
        name: Name::Save,
        text: "browser_save",
        reads: false,
        about: || {
            "Writes a file and links it. inline shows a picture here too. Other fields are the command's parameters.".to_owned()
        },
        arguments: || {
            json!({
                "what": {"enum": ["screenshot", "pdf", "html", "har", "download"]},
                "name": {"type": "string", "description": "file name"},
                "inline": {"type": "boolean"},
                "element": element(),
                "fullPage": {"type": "boolean"},
                "download": {"type": "integer", "description": "its number; the next one"},
            })
        },
        required: &["session", "what"],
    },
    Row {
        name: Name::Call,
        text: "browser_call",
        reads: false,
        about: || {
            "Runs any command, such as storage.cookies.get; browser_help lists them.".to_owned()
        },
        arguments: || {
            json!({
                "command": {"type": "string"},
                "params": {"type": "object"},
                "key": key(),
            })
        },
        required: &["session", "command"],
    },
    Row {
        name: Name::Help,
        text: "browser_help",
        reads: true,
        about: || {
            "Lists commands; with about (a group or command) gives meanings or parameters."
                .to_owned()
        },
        arguments: || json!({"about": {"type": "string"}}),
        required: &[],
    },
    Row {
        name: Name::Close,
        text: "browser_close",
        reads: false,
        about: || CommandName::SessionClose.spec().meaning.to_owned(),
        arguments: || json!({}),
        required: &["session"],
    },
];

/// What `browser_read` reads, with the command of each.
pub(crate) const READABLE: &[(&str, CommandName)] = &[
    ("text", CommandName::DomText),
    ("html", CommandName::DomHtml),
    ("value", CommandName::DomValue),
    ("attr", CommandName::DomAttr),
    ("title", CommandName::DomTitle),
    ("url", CommandName::DomUrl),
    ("state", CommandName::DomState),
    ("count", CommandName::DomCount),
    ("box", CommandName::DomBox),
    ("find", CommandName::DomFind),
    ("eval", CommandName::DomEval),
    ("console", CommandName::DiagnosticsConsole),
    ("errors", CommandName::DiagnosticsErrors),
    ("network", CommandName::DiagnosticsNetwork),
    ("performance", CommandName::DiagnosticsPerformance),
    ("cookies", CommandName::StorageCookiesGet),
    ("downloads", CommandName::DownloadsList),
    ("dialog", CommandName::DialogStatus),
];

fn element() -> Value {
    json!({"type": "string", "description": "e12, role=button[name=\"X\"], text=…, label=…, CSS"})
}

fn snapshot() -> Value {
    json!({"enum": ["delta", "full", "none"]})
}

fn key() -> Value {
    json!({"type": "string", "description": "idempotency key"})
}

/// The words of steps, out of the registry.
fn steps() -> String {
    let words: Vec<&str> = CommandName::ALL
        .iter()
        .filter_map(|name| name.as_str().strip_prefix("interact."))
        .collect();
    words.join(", ")
}

impl Row {
    fn tool(&self) -> Tool {
        let mut properties = match (self.arguments)() {
            Value::Object(properties) => properties,
            _ => Map::new(),
        };
        if self.required.contains(&"session") {
            properties.insert("session".to_owned(), json!({"type": "string"}));
        }
        let mut schema = Map::new();
        schema.insert("type".to_owned(), "object".into());
        schema.insert("properties".to_owned(), properties.into());
        if !self.required.is_empty() {
            schema.insert("required".to_owned(), self.required.into());
        }
        let tool = Tool::new(self.text, (self.about)(), Arc::new(schema));
        if self.reads {
            tool.with_annotations(ToolAnnotations::new().read_only(true))
        } else {
            tool
        }
    }
}

/// Every tool, in a fixed order.
#[must_use]
pub fn list() -> Vec<Tool> {
    ROWS.iter().map(Row::tool).collect()
}

/// The tools with what each does, as a table of Markdown.
#[must_use]
pub fn table() -> String {
    let rows = ROWS.iter().map(|row| {
        let mut names: Vec<String> = match (row.arguments)() {
            Value::Object(arguments) => arguments.keys().map(|name| format!("`{name}`")).collect(),
            _ => Vec::new(),
        };
        if row.required.contains(&"session") {
            names.insert(0, "`session`".to_owned());
        }
        format!(
            "| `{}` | {} | {} |\n",
            row.text,
            names.join(", "),
            (row.about)()
        )
    });
    let rows: String = rows.collect();
    format!("| tool | takes | what it does |\n| --- | --- | --- |\n{rows}")
}

/// The tool of a name.
pub(crate) fn find(text: &str) -> Option<Name> {
    ROWS.iter().find(|row| row.text == text).map(|row| row.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_list_is_within_its_budget_of_bytes() {
        let list = rmcp::model::ListToolsResult::with_all_items(list());
        let bytes = serde_json::to_string(&list).unwrap().len();
        assert!(bytes <= MAX_BYTES, "{bytes} bytes");
    }

    #[test]
    fn the_tools_are_ten_in_a_fixed_order() {
        let tools = list();
        let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
        assert_eq!(
            names,
            [
                "browser_open",
                "browser_snapshot",
                "browser_act",
                "browser_read",
                "browser_wait",
                "browser_page",
                "browser_save",
                "browser_call",
                "browser_help",
                "browser_close"
            ]
        );
        assert_eq!(
            serde_json::to_string(&tools).unwrap(),
            serde_json::to_string(&list()).unwrap()
        );
    }

    #[test]
    fn what_a_tool_takes_is_taken_by_its_command() {
        for (row, command) in [
            ("browser_snapshot", CommandName::DomSnapshot),
            ("browser_wait", CommandName::NavWait),
        ] {
            let (schema, _) = command.schemas();
            let known = schema.as_value()["properties"].as_object().unwrap();
            let tools = list();
            let tool = tools.iter().find(|tool| tool.name == row).unwrap();
            let own = ["session", "snapshot", "timeoutMs"];
            for name in tool.input_schema["properties"].as_object().unwrap().keys() {
                assert!(
                    own.contains(&name.as_str()) || known.contains_key(name),
                    "{row}: {name}"
                );
            }
        }
    }

    #[test]
    fn the_description_tells_the_lifetime_of_a_handle() {
        let minutes = format!("{} minutes", LIFETIME_MS / 60_000);
        assert!(list()[0].description.as_ref().unwrap().contains(&minutes));
    }

    #[test]
    fn the_table_of_the_documentation_is_that_of_the_tools() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/mcp.md");
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.contains(&table()), "docs/mcp.md lacks:\n{}", table());
    }

    #[test]
    fn every_tool_is_found_by_its_name() {
        for row in &ROWS {
            assert_eq!(find(row.text), Some(row.name));
        }
        assert_eq!(find("browser_fly"), None);
    }
}
