//! What was once released stays: the committed lists of codes and commands may only grow.

use ops_contracts::ErrorCode;
use ops_contracts::wire::command::CommandName;

const ERROR_CODES: &str = include_str!("fixtures/error-codes.txt");
const COMMANDS: &str = include_str!("fixtures/commands.txt");

#[track_caller]
fn compare(kind: &str, released: &str, now: impl Iterator<Item = String>) {
    let now: Vec<String> = now.collect();
    let name = |row: &str| row.split(' ').next().unwrap_or_default().to_owned();
    for row in released.lines() {
        let same = now.iter().find(|other| name(other) == name(row));
        assert_eq!(
            same.map(String::as_str),
            Some(row),
            "{kind} {} was released and must stay as it is",
            name(row)
        );
    }
    for row in &now {
        assert!(
            released.lines().any(|other| other == row),
            "{kind} {} is new: run cargo xtask codegen, which adds it to the list",
            name(row)
        );
    }
    assert_eq!(
        released.lines().count(),
        now.len(),
        "a {kind} is listed twice"
    );
}

#[test]
fn every_released_error_code_keeps_its_status_retryability_and_source() {
    let rows = ErrorCode::ALL.iter().map(|code| {
        let retry = if code.retryable() { "retry" } else { "final" };
        format!("{code} {} {retry} {}", code.http(), code.source().as_str())
    });
    compare("error code", ERROR_CODES, rows);
}

#[test]
fn every_released_command_keeps_its_class_lane_and_repetition() {
    let rows = CommandName::ALL.iter().map(|name| {
        let spec = name.spec();
        format!(
            "{name} {}",
            format!("{:?} {:?} {:?}", spec.class, spec.lane, spec.repeat).to_lowercase()
        )
    });
    compare("command", COMMANDS, rows);
}
