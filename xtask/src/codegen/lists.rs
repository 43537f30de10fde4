//! The lists of what was once released. Rows are added here and never changed or removed: a test of the contract compares them
//! with the registries, so that a code or a command can't change its meaning unseen.

use std::path::Path;

use anyhow::{Context as _, Result};
use ops_contracts::ErrorCode;
use ops_contracts::wire::command::CommandName;

use super::Generated;

const ERROR_CODES: &str = "crates/ops-contracts/tests/fixtures/error-codes.txt";
const COMMANDS: &str = "crates/ops-contracts/tests/fixtures/commands.txt";

/// Both lists with the rows that they lack.
pub(super) fn files(root: &Path) -> Result<Vec<Generated>> {
    let codes = ErrorCode::ALL.iter().map(|code| {
        let repeat = if code.retryable() { "retry" } else { "final" };
        format!("{code} {} {repeat} {}", code.http(), code.source().as_str())
    });
    let commands = CommandName::ALL.iter().map(|name| {
        let spec = name.spec();
        format!(
            "{name} {}",
            format!("{:?} {:?} {:?}", spec.class, spec.lane, spec.repeat).to_lowercase()
        )
    });
    Ok(vec![
        grown(root, ERROR_CODES, codes)?,
        grown(root, COMMANDS, commands)?,
    ])
}

/// The list as it stands, and behind it the rows whose first word it lacks.
fn grown(root: &Path, path: &str, rows: impl Iterator<Item = String>) -> Result<Generated> {
    let file = root.join(path);
    let mut text = if file.exists() {
        std::fs::read_to_string(&file).with_context(|| format!("{path} can't be read"))?
    } else {
        String::new()
    };
    let first = |row: &str| row.split(' ').next().unwrap_or_default().to_owned();
    let known: std::collections::BTreeSet<String> = text.lines().map(first).collect();
    for row in rows.filter(|row| !known.contains(&first(row))) {
        text.push_str(&row);
        text.push('\n');
    }
    Ok((path.into(), text))
}
