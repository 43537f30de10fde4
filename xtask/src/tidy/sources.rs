//! What may not stand in a source: reminders, hidden tests, places of one machine; and how modules begin and how long they are.

use super::{Findings, Source};

/// What stands in no file of the repository, and why. Written in halves, so that this table does not break its own rule.
const FORBIDDEN: &[(&str, &str)] = &[
    (
        concat!("TO", "DO"),
        "do it, or file it; the sources hold no reminders",
    ),
    (
        concat!("FIX", "ME"),
        "mend it, or file it; the sources hold no reminders",
    ),
    (concat!("to", "do!("), "write what is missing"),
    (concat!("db", "g!("), "remove it, or log through tracing"),
    (
        concat!("#[ign", "ore"),
        "a test that does not run hides a bug",
    ),
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("static.crates", ".io"), "a registry's host"),
    (concat!("index.crates", ".io"), "a registry's host"),
    (concat!("registry.npm", "js"), "a registry's host"),
    (concat!("pypi", ".org"), "a registry's host"),
];

/// Files longer than this are named, so that somebody looks at them.
const LONG: usize = 600;

/// Long files that are tables.
const LONG_ON_PURPOSE: &[&str] = &["Cargo.lock", "LICENSE"];

pub(super) fn check(sources: &[Source], findings: &mut Findings) {
    for source in sources {
        if !source.path.ends_with("Cargo.lock") {
            forbidden(source, findings);
            length(source, findings);
        }
        if source.path.ends_with("mod.rs") {
            findings.errors.push(format!(
                "{}: a module is foo.rs beside its folder foo",
                source.path.display()
            ));
        }
        let says_what_for =
            |text: &str| text.starts_with("//!") || text.starts_with("#![doc = include_str!(");
        if source.is_shipped_rust() && !says_what_for(&source.text) {
            findings.errors.push(format!(
                "{}: a module starts with //! and what it is for",
                source.path.display()
            ));
        }
    }
}

fn forbidden(source: &Source, findings: &mut Findings) {
    for (number, line) in source.text.lines().enumerate() {
        for (text, why) in FORBIDDEN.iter().filter(|(text, _)| line.contains(text)) {
            findings.errors.push(format!(
                "{}:{}: {text}: {why}",
                source.path.display(),
                number + 1
            ));
        }
    }
}

fn length(source: &Source, findings: &mut Findings) {
    let name = source
        .path
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let generated = source.path.starts_with("schemas") || source.path.starts_with("docs");
    let lines = source.text.lines().count();
    if lines > LONG && !generated && !LONG_ON_PURPOSE.contains(&name) {
        findings
            .warnings
            .push(format!("{}: {lines} lines", source.path.display()));
    }
}
