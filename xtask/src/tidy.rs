//! The repository's own rules, checked: each rule is a function that returns what breaks it.
//!
//! What the compiler and clippy see already is not checked here.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::workspace::Workspace;

mod codes;
mod dependencies;
mod functions;
pub mod layers;
mod manifests;
mod places;
mod programs;
mod rooms;
mod sources;
mod spelling;
mod traceability;

/// What a rule found.
#[derive(Debug, Default)]
struct Findings {
    /// What has to be fixed.
    errors: Vec<String>,
    /// What should be looked at.
    warnings: Vec<String>,
    /// What was measured.
    report: Vec<String>,
}

/// A file of the repository, read once for all rules.
#[derive(Debug)]
struct Source {
    /// Its path below the root.
    path: PathBuf,
    /// Its text.
    text: String,
}

impl Source {
    /// Whether it is Rust of a library or program, tests in files of their own aside.
    fn is_shipped_rust(&self) -> bool {
        let mut parts = self.path.iter().filter_map(|part| part.to_str());
        let (top, inside) = (parts.next(), parts.nth(1));
        self.has_extension("rs")
            && matches!(top, Some("crates" | "bins"))
            && inside == Some("src")
            && !self.is_test()
    }

    /// Whether it is a file of unit tests.
    fn is_test(&self) -> bool {
        self.path.file_name().is_some_and(|name| name == "tests.rs")
            || self.path.iter().any(|part| part == "tests")
    }

    /// The folder of the package that it belongs to, as `crates/relay`.
    fn package(&self) -> &Path {
        let mut folders: Vec<&Path> = self.path.ancestors().collect();
        // From the file up to the empty path: the package is the last but two.
        folders.pop();
        folders.pop();
        folders.pop().unwrap_or(&self.path)
    }

    fn has_extension(&self, extension: &str) -> bool {
        self.path
            .extension()
            .is_some_and(|found| found == extension)
    }

    /// The text up to its unit tests.
    fn shipped(&self) -> &str {
        self.text.split("\n#[cfg(test)]").next().unwrap_or_default()
    }
}

/// Folders that hold nothing of ours, or nothing that is text.
const SKIPPED: &[&str] = &["target", ".git", "artifacts"];

/// Checks every rule, prints what was found and fails where something breaks one.
///
/// # Errors
/// When something does.
pub fn run(workspace: &Workspace) -> Result<()> {
    let sources = read_all(&workspace.root)?;
    let mut findings = Findings::default();
    layers::check(workspace, &mut findings);
    manifests::check(workspace, &mut findings);
    programs::check(&sources, &mut findings);
    rooms::check(&sources, &mut findings);
    sources::check(&sources, &mut findings);
    spelling::check(&sources, &mut findings);
    functions::check(&sources, &mut findings);
    dependencies::check(workspace, &sources, &mut findings)?;
    codes::check(&sources, &mut findings);
    places::check(&sources, &mut findings);
    traceability::check(&sources, &mut findings);
    for line in &findings.report {
        println!("tidy: {line}");
    }
    for warning in &findings.warnings {
        println!("tidy: note: {warning}");
    }
    for error in &findings.errors {
        println!("tidy: {error}");
    }
    ensure!(
        findings.errors.is_empty(),
        "tidy found {} faults",
        findings.errors.len()
    );
    println!("tidy: {} files, nothing to fix", sources.len());
    Ok(())
}

fn read_all(root: &Path) -> Result<Vec<Source>> {
    let (mut sources, mut folders) = (Vec::new(), vec![PathBuf::new()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder))? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            // In a worktree of its own `.git` is a file.
            if SKIPPED.iter().any(|skipped| path == Path::new(skipped)) {
                continue;
            }
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file()
                && let Ok(text) = std::fs::read_to_string(root.join(&path))
            {
                sources.push(Source { path, text });
            }
        }
    }
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}
