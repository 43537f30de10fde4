//! Writes what is generated from the contract: schemas, documentation, and the lists by which tests see that it only grows.
//!
//! With `--check` nothing is written, and drift is an error.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use ops_contracts::control::schema;

use crate::workspace::Workspace;

mod commands;
mod errors;
mod gates;
mod lists;
mod metrics;
mod types;

/// What to do with the generated files.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Writes nothing; fails where a file is not what would be written
    #[arg(long)]
    check: bool,
}

/// The folder that holds generated files and nothing else.
const SCHEMAS: &str = "schemas/ops";

/// The folder of the gate artifacts' schemas.
const GATES: &str = "schemas/ops-gates";

/// A generated file: its path below the root, and its text.
type Generated = (PathBuf, String);

pub(crate) fn run(options: &Options, workspace: &Workspace) -> Result<()> {
    if options.check {
        return check(workspace);
    }
    let (mut written, files) = (0, generated(&workspace.root)?);
    for (path, text) in &files {
        let file = workspace.root.join(path);
        if std::fs::read_to_string(&file).is_ok_and(|old| old == *text) {
            continue;
        }
        std::fs::create_dir_all(file.parent().context("a generated file lies in a folder")?)?;
        std::fs::write(&file, text)
            .with_context(|| format!("{} can't be written", path.display()))?;
        println!("wrote {}", path.display());
        written += 1;
    }
    for path in stale(&workspace.root, &files)? {
        std::fs::remove_file(workspace.root.join(&path))?;
        println!("removed {}", path.display());
        written += 1;
    }
    println!("codegen: {} files, {written} changed", files.len());
    Ok(())
}

/// Fails where a generated file is not what would be written.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let files = generated(&workspace.root)?;
    let mut drift: Vec<String> = Vec::new();
    for (path, text) in &files {
        match std::fs::read_to_string(workspace.root.join(path)) {
            Ok(old) => drift.extend(difference(path, &old, text)),
            Err(error) => drift.push(format!("{}: {error}", path.display())),
        }
    }
    let stale = stale(&workspace.root, &files)?;
    drift.extend(
        stale
            .iter()
            .map(|path| format!("{}: nothing generates it any more", path.display())),
    );
    if drift.is_empty() {
        println!("codegen: {} files are up to date", files.len());
        return Ok(());
    }
    bail!(
        "generated files have drifted. Run: cargo xtask codegen\n{}",
        drift.join("\n")
    )
}

fn generated(root: &Path) -> Result<Vec<Generated>> {
    let mut files = Vec::new();
    for (name, schema) in schema::all() {
        files.push((
            Path::new(SCHEMAS).join(name),
            serde_json::to_string_pretty(&schema)? + "\n",
        ));
    }
    for (name, schema) in schema::gates() {
        files.push((
            Path::new(GATES).join(name),
            serde_json::to_string_pretty(&schema)? + "\n",
        ));
    }
    files.push(("docs/errors.md".into(), errors::page()));
    files.push(("docs/commands.md".into(), commands::page()?));
    files.push(("docs/metrics.md".into(), metrics::page()));
    files.push(("docs/alerts.md".into(), metrics::alerts_page()));
    files.push(("docs/gates.md".into(), gates::page()));
    files.push(("docs/alerts/ops.rules.yml".into(), metrics::rules()));
    files.extend(lists::files(root)?);
    Ok(files)
}

/// Files of the generated folder that nothing generates.
fn stale(root: &Path, files: &[Generated]) -> Result<Vec<PathBuf>> {
    let known: BTreeSet<&Path> = files.iter().map(|(path, _)| path.as_path()).collect();
    let Ok(entries) = std::fs::read_dir(root.join(SCHEMAS)) else {
        return Ok(Vec::new());
    };
    let mut stale = Vec::new();
    for entry in entries {
        let path = Path::new(SCHEMAS).join(entry?.file_name());
        if !known.contains(path.as_path()) {
            stale.push(path);
        }
    }
    stale.sort();
    Ok(stale)
}

/// The first line in which a file differs from what would be written.
fn difference(path: &Path, old: &str, new: &str) -> Option<String> {
    if old == new {
        return None;
    }
    let (mut olds, mut news) = (old.lines(), new.lines());
    let mut number = 1;
    loop {
        match (olds.next(), news.next()) {
            (None, None) => return Some(format!("{}: the line breaks differ", path.display())),
            (is, should) if is == should => number += 1,
            (is, should) => {
                let show = |line: Option<&str>| line.unwrap_or("(end of file)").to_owned();
                return Some(format!(
                    "{}:{number}\n  is:        {}\n  should be: {}",
                    path.display(),
                    show(is),
                    show(should)
                ));
            }
        }
    }
}

/// A text as it may stand in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', r"\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_differing_line_is_named() {
        let path = Path::new("a.md");
        assert_eq!(difference(path, "x\ny\n", "x\ny\n"), None);
        assert_eq!(
            difference(path, "x\ny\n", "x\nz\n").unwrap(),
            "a.md:2\n  is:        y\n  should be: z"
        );
        assert!(
            difference(path, "x\n", "x\ny\n")
                .unwrap()
                .contains("is:        (end of file)")
        );
        assert!(
            difference(path, "x\r\n", "x\n")
                .unwrap()
                .contains("line breaks")
        );
    }
}
