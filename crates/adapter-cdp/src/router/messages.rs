//! Console messages, log entries and exceptions, as text in the form that a console shows.

use ops_contracts::seam::adapter::{ConsoleLevel, Event as SeamEvent, TargetKey};

use super::{Taken, Turn};
use crate::connection::Event;
use crate::wire::{self, RemoteObject};

impl Turn<'_> {
    pub(super) fn console(&mut self, target: TargetKey, event: Event<'_>) -> Taken {
        let called: wire::ConsoleApiCalled<'_> = event.decode()?;
        let level = match called.r#type {
            "clear" | "endGroup" => return Ok(()),
            "debug" => ConsoleLevel::Debug,
            "info" => ConsoleLevel::Info,
            "warning" => ConsoleLevel::Warn,
            "error" | "assert" => ConsoleLevel::Error,
            _ => ConsoleLevel::Log,
        };
        self.tell(
            target,
            SeamEvent::Console {
                target,
                level,
                text: message(&called.args),
                location: called.stack_trace.as_ref().and_then(location),
                timestamp_ms: millis(called.timestamp),
            },
        );
        Ok(())
    }

    pub(super) fn log_entry(&mut self, target: TargetKey, event: Event<'_>) -> Taken {
        let wire::LogEntryAdded { entry } = event.decode()?;
        let level = match entry.level {
            "verbose" => ConsoleLevel::Debug,
            "warning" => ConsoleLevel::Warn,
            "error" => ConsoleLevel::Error,
            _ => ConsoleLevel::Info,
        };
        let line = entry.line_number.map_or(1, |line| line + 1);
        self.tell(
            target,
            SeamEvent::Console {
                target,
                level,
                text: entry.text,
                location: entry.url.map(|url| format!("{url}:{line}:1")),
                timestamp_ms: millis(entry.timestamp),
            },
        );
        Ok(())
    }

    pub(super) fn exception(&mut self, target: TargetKey, event: Event<'_>) -> Taken {
        let wire::ExceptionThrown { timestamp, details } = event.decode()?;
        let (text, stack) = exception_text(&details);
        let at = |url| {
            format!(
                "{url}:{}:{}",
                details.line_number + 1,
                details.column_number + 1
            )
        };
        let here = details.url.as_deref().filter(|url| !url.is_empty()).map(at);
        self.tell(
            target,
            SeamEvent::Exception {
                target,
                text,
                stack,
                location: here.or_else(|| details.stack_trace.as_ref().and_then(location)),
                timestamp_ms: millis(timestamp),
            },
        );
        Ok(())
    }
}

fn millis(timestamp: f64) -> u64 {
    // A float's cast saturates, and a NaN is 0.
    timestamp as u64
}

fn location(trace: &wire::StackTrace) -> Option<String> {
    let top = trace.call_frames.first()?;
    Some(format!(
        "{}:{}:{}",
        top.url,
        top.line_number + 1,
        top.column_number + 1
    ))
}

/// Name and message of an exception, and its stack with a frame a line.
pub(crate) fn exception_text(details: &wire::ExceptionDetails<'_>) -> (String, Option<String>) {
    let Some(exception) = &details.exception else {
        return (details.text.clone(), None);
    };
    let whole = shown(exception, false);
    if let Some(at) = whole.find("\n    at ") {
        let (text, stack) = whole.split_at(at);
        let lines: Vec<&str> = stack
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        return (text.to_owned(), Some(lines.join("\n")));
    }
    let frames = details
        .stack_trace
        .iter()
        .flat_map(|trace| &trace.call_frames);
    let lines: Vec<String> = frames
        .map(|frame| {
            let (line, column) = (frame.line_number + 1, frame.column_number + 1);
            format!("at {} ({}:{line}:{column})", frame.function_name, frame.url)
        })
        .collect();
    (whole, (!lines.is_empty()).then(|| lines.join("\n")))
}

/// The arguments of a console call in one line: a format string is filled in, everything else is joined by spaces.
fn message(args: &[RemoteObject<'_>]) -> String {
    let mut rest = args.iter();
    let mut text = String::new();
    if let Some(first) = args.first().filter(|first| first.r#type == "string") {
        rest.next();
        fill_in(&mut text, &shown(first, false), &mut rest);
    }
    for argument in rest {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&shown(argument, false));
    }
    text
}

fn fill_in<'a, 'b: 'a>(
    text: &mut String,
    format: &str,
    rest: &mut impl Iterator<Item = &'a RemoteObject<'b>>,
) {
    let mut characters = format.chars().peekable();
    while let Some(character) = characters.next() {
        let directive = characters.peek().copied().filter(|_| character == '%');
        match directive {
            Some('%') => {
                characters.next();
                text.push('%');
            }
            Some('s' | 'd' | 'i' | 'f' | 'o' | 'O' | 'c') => match rest.next() {
                Some(argument) => {
                    characters.next();
                    // A style is for the eye only.
                    if directive != Some('c') {
                        text.push_str(&shown(argument, false));
                    }
                }
                None => text.push('%'),
            },
            _ => text.push(character),
        }
    }
}

/// A value as a console shows it.
fn shown(value: &RemoteObject<'_>, quoted: bool) -> String {
    if let Some(text) = &value.unserializable_value {
        return text.clone();
    }
    if value.r#type == "undefined" {
        return "undefined".to_owned();
    }
    // Its value is JSON's null, which decodes as an absent one.
    if value.subtype == Some("null") {
        return "null".to_owned();
    }
    if let Some(raw) = value.value {
        return match serde_json::from_str::<String>(raw.get()) {
            Ok(text) if !quoted => text,
            _ => raw.get().to_owned(),
        };
    }
    let plain = value.r#type == "object" && matches!(value.subtype, None | Some("array"));
    match (&value.preview, &value.description) {
        (Some(preview), _) if plain => previewed(preview),
        (_, Some(description)) => description.clone(),
        _ => value.r#type.to_owned(),
    }
}

fn previewed(preview: &wire::Preview) -> String {
    let is_array = preview.subtype.as_deref() == Some("array");
    let mut parts: Vec<String> = preview
        .properties
        .iter()
        .map(|property| {
            let value = property.value.as_deref().unwrap_or(&property.r#type);
            let value = if property.r#type == "string" {
                format!("\"{value}\"")
            } else {
                value.to_owned()
            };
            if is_array {
                value
            } else {
                format!("{}: {value}", property.name)
            }
        })
        .collect();
    if preview.overflow {
        parts.push("…".to_owned());
    }
    let inner = parts.join(", ");
    if is_array {
        format!("[{inner}]")
    } else {
        format!("{{{inner}}}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(args: &str, expected: &str) {
        let args: Vec<RemoteObject<'_>> = serde_json::from_str(args).unwrap();
        assert_eq!(message(&args), expected);
    }

    #[test]
    fn console_arguments_read_as_in_a_console() {
        check(
            r#"[{"type":"string","value":"a"},{"type":"number","value":1,"description":"1"}]"#,
            "a 1",
        );
        check(
            r#"[{"type":"string","value":"%s is %d%%"},{"type":"string","value":"x"},{"type":"number","value":2}]"#,
            "x is 2%",
        );
        check(
            r#"[{"type":"string","value":"%cred"},{"type":"string","value":"color:red"}]"#,
            "red",
        );
        check(r#"[{"type":"string","value":"100%s"}]"#, "100%s");
        check(
            r#"[{"type":"undefined"},{"type":"number","unserializableValue":"NaN","description":"NaN"}]"#,
            "undefined NaN",
        );
        check(
            r#"[{"type":"object","description":"Object","preview":{"type":"object","overflow":true,
                "properties":[{"name":"a","type":"number","value":"1"},{"name":"b","type":"string","value":"x"}]}}]"#,
            r#"{a: 1, b: "x", …}"#,
        );
        check(
            r#"[{"type":"object","subtype":"error","description":"Error: x\n    at y"}]"#,
            "Error: x\n    at y",
        );
    }
}
