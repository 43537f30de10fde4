//! The console and what nobody caught.

use ops_contracts::seam::adapter::{ConsoleLevel, Event as SeamEvent};

use serde_json::value::RawValue;

use super::Turn;
use crate::protocol::log::{Entry, Level};
use crate::protocol::script::{CallFrame, RemoteValue, StackTrace, ValueType};

impl Turn<'_> {
    pub(super) fn log_entry(&mut self, entry: Entry<'_>) {
        let Some((_, target)) = entry
            .source
            .context
            .and_then(|context| self.state.locate(context))
        else {
            return;
        };
        let plain =
            |value: &RemoteValue<'_>| !matches!(value.r#type, ValueType::Array | ValueType::Object);
        // The browser's own text has no more of an object than its kind.
        let text = match entry.text {
            Some(text) if entry.args.iter().all(plain) => text,
            _ => entry.args.iter().map(shown).collect::<Vec<_>>().join(" "),
        };
        let location = entry
            .stack_trace
            .as_ref()
            .and_then(|stack| stack.call_frames.first())
            .map(place);
        let timestamp_ms = entry.timestamp;
        let uncaught = entry.r#type == "javascript" && entry.level == Level::Error;
        self.tell(
            target,
            if uncaught {
                let stack = entry
                    .stack_trace
                    .as_ref()
                    .filter(|stack| !stack.call_frames.is_empty())
                    .map(lines);
                SeamEvent::Exception {
                    target,
                    text,
                    stack,
                    location,
                    timestamp_ms,
                }
            } else {
                let level = level(entry.method, entry.level);
                SeamEvent::Console {
                    target,
                    level,
                    text,
                    location,
                    timestamp_ms,
                }
            },
        );
    }
}

/// A value as a console shows it: texts as they are, objects with what is in them.
fn shown(value: &RemoteValue<'_>) -> String {
    match value.r#type {
        ValueType::String => unquoted(value.value),
        _ => inner(value, 0),
    }
}

fn unquoted(value: Option<&RawValue>) -> String {
    value
        .and_then(|value| serde_json::from_str(value.get()).ok())
        .unwrap_or_default()
}

/// How deep objects are shown.
const MAX_DEPTH: usize = 4;

fn inner(value: &RemoteValue<'_>, depth: usize) -> String {
    let content = value.value.map(RawValue::get).filter(|_| depth < MAX_DEPTH);
    match (value.r#type, content) {
        (ValueType::String, _) => value
            .value
            .map_or_else(String::new, |text| text.get().to_owned()),
        (ValueType::Number, _) => value
            .value
            .map(|number| number.get().trim_matches('"').to_owned())
            .unwrap_or_default(),
        (ValueType::Boolean, _) => value
            .value
            .map(|truth| truth.get().to_owned())
            .unwrap_or_default(),
        (ValueType::Bigint, _) => unquoted(value.value) + "n",
        (ValueType::Null, _) => "null".to_owned(),
        (ValueType::Undefined, _) => "undefined".to_owned(),
        (ValueType::Array, Some(content)) => {
            let items: Vec<RemoteValue<'_>> = serde_json::from_str(content).unwrap_or_default();
            let items: Vec<_> = items.iter().map(|item| inner(item, depth + 1)).collect();
            format!("[{}]", items.join(", "))
        }
        (ValueType::Object, Some(content)) => {
            let entries: Vec<(&RawValue, RemoteValue<'_>)> =
                serde_json::from_str(content).unwrap_or_default();
            let entry = |(key, item): &(&RawValue, RemoteValue<'_>)| {
                format!("{}: {}", unquoted(Some(key)), inner(item, depth + 1))
            };
            format!(
                "{{{}}}",
                entries.iter().map(entry).collect::<Vec<_>>().join(", ")
            )
        }
        (ValueType::Array, None) => "[…]".to_owned(),
        (ValueType::Object, None) => "{…}".to_owned(),
        (ValueType::Function, _) => "function".to_owned(),
        (ValueType::Symbol, _) => "Symbol()".to_owned(),
        (ValueType::Promise, _) => "Promise".to_owned(),
        (ValueType::Window, _) => "Window".to_owned(),
        (ValueType::Unknown, _) => "Object".to_owned(),
    }
}

fn level(method: Option<&str>, level: Level) -> ConsoleLevel {
    match (method, level) {
        (Some("info"), _) => ConsoleLevel::Info,
        (_, Level::Error) => ConsoleLevel::Error,
        (_, Level::Warn) => ConsoleLevel::Warn,
        (Some("debug"), _) => ConsoleLevel::Debug,
        _ => ConsoleLevel::Log,
    }
}

/// Lines and columns count from 0 in the protocol.
fn place(frame: &CallFrame) -> String {
    format!(
        "{}:{}:{}",
        frame.url,
        frame.line_number + 1,
        frame.column_number + 1
    )
}

fn lines(stack: &StackTrace) -> String {
    let line = |frame: &CallFrame| {
        let name = if frame.function_name.is_empty() {
            "<anonymous>"
        } else {
            &frame.function_name
        };
        format!("at {name} ({})", place(frame))
    };
    stack
        .call_frames
        .iter()
        .map(line)
        .collect::<Vec<_>>()
        .join("\n")
}
