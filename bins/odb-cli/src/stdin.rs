//! What verbs read from stdin.

use std::io::Read;

use client_core::{Failure, Outcome};
use ops_contracts::ErrorCode;

/// What stands on stdin, as a value: the line's end is the shell's, not the value's.
pub(crate) fn read_line() -> Outcome<String> {
    let text = read()?;
    let line = text
        .strip_suffix('\n')
        .map(|text| text.strip_suffix('\r').unwrap_or(text));
    Ok(line.unwrap_or(&text).to_owned())
}

/// The most that is read from stdin: no relay takes a larger message.
const MAX_STDIN: u64 = 64 << 20;

pub(crate) fn read() -> Outcome<String> {
    let mut text = String::new();
    let read = std::io::stdin()
        .lock()
        .take(MAX_STDIN + 1)
        .read_to_string(&mut text);
    read.map_err(|error| Failure::new(ErrorCode::CliFileUnreadable, format!("stdin: {error}")))?;
    if text.len() as u64 > MAX_STDIN {
        return Err(Failure::new(
            ErrorCode::CliFileUnreadable,
            format!("stdin holds more than {MAX_STDIN} bytes"),
        ));
    }
    Ok(text)
}
