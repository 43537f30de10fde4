//! How many places an addition touches: an endpoint and a gate stand in their table alone, and most commands are named by one file
//! beside the registry, that of their verb. ARCHITECTURE.md says so in its paragraphs on adding them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::{Findings, Source};

const PATHS: &str = "crates/ops-contracts/src/wire/http.rs";
const ENDPOINTS: &str = "crates/relay/src/endpoint.rs";
const GATES: &str = "crates/relay/src/gate.rs";

/// Paths that the relay names beside their row, and where: the dashboard's page is a file, and its address is handed out.
const PATHS_ELSEWHERE: &[(&str, &str)] = &[("DASHBOARD", "crates/relay/src/dashboard.rs")];

/// The most files beside the registry that name one command, in the median and at most.
const COMMAND_FILES: (usize, usize) = (1, 9);

pub(super) fn check(sources: &[Source], findings: &mut Findings) {
    let relay: Vec<&Source> = sources
        .iter()
        .filter(|source| source.path.starts_with("crates/relay/src") && source.is_shipped_rust())
        .collect();
    findings.errors.extend(endpoints(sources, &relay));
    findings.errors.extend(gates(&relay));
    findings.errors.extend(commands(sources));
}

/// Each path of the binding to HTTP stands in the endpoints' table and nowhere else in the relay.
fn endpoints(sources: &[Source], relay: &[&Source]) -> Vec<String> {
    let names = text_of(sources, PATHS).lines().filter_map(path_name);
    let mut errors = Vec::new();
    for name in names {
        let needle = format!("path::{name}");
        let files = naming(relay, &needle);
        if !files.contains(Path::new(ENDPOINTS)) {
            errors.push(format!("{needle}: {ENDPOINTS} has no row for it"));
        }
        for file in files {
            let is_known = PATHS_ELSEWHERE.contains(&(name, &file.to_string_lossy()));
            if file != Path::new(ENDPOINTS) && !is_known {
                errors.push(format!(
                    "{}: {needle} is the endpoints' table's to name",
                    file.display()
                ));
            }
        }
    }
    errors
}

/// The name of a constant that is a path.
fn path_name(line: &str) -> Option<&str> {
    let (name, value) = line
        .trim()
        .strip_prefix("pub const ")?
        .split_once(": &str = ")?;
    value.starts_with("\"/").then_some(name)
}

/// Each check of a gate stands in the gates' table, and nothing calls one past it.
fn gates(relay: &[&Source]) -> Vec<String> {
    let mut errors = Vec::new();
    for source in relay {
        let Ok(module) = source.path.strip_prefix("crates/relay/src/gate") else {
            continue;
        };
        let module = module.with_extension("").display().to_string();
        let shipped = source.shipped().lines();
        for name in shipped.filter_map(check_name) {
            let (call, row) = (format!("{module}::{name}"), format!("=> {module}::{name};"));
            let files = naming(relay, &call);
            let in_table = relay
                .iter()
                .any(|file| file.path == Path::new(GATES) && file.text.contains(&row));
            if !in_table {
                errors.push(format!("{call}: {GATES} has no row for it"));
            }
            errors.extend(
                files
                    .iter()
                    .filter(|file| **file != Path::new(GATES))
                    .map(|file| {
                        format!("{}: {call} is called past the gates' table", file.display())
                    }),
            );
        }
    }
    errors
}

/// The name of a function that checks for a gate.
fn check_name(line: &str) -> Option<&str> {
    let (name, rest) = line.strip_prefix("pub(super) fn ")?.split_once('(')?;
    (rest.contains("&View<'_>") && rest.contains("&mut Findings")).then_some(name)
}

/// Most commands are named by one file, and none by many.
fn commands(sources: &[Source]) -> Vec<String> {
    let mut files: BTreeMap<&str, BTreeSet<&Path>> = BTreeMap::new();
    let shipped = sources.iter().filter(|source| {
        source.is_shipped_rust()
            && !source.path.starts_with("crates/conformance")
            && !source
                .path
                .starts_with("crates/ops-contracts/src/wire/command")
    });
    for source in shipped {
        for name in commands_in(source.shipped()) {
            files.entry(name).or_default().insert(&source.path);
        }
    }
    let mut counts: Vec<usize> = files.values().map(BTreeSet::len).collect();
    counts.sort_unstable();
    let median = counts.get(counts.len() / 2).copied().unwrap_or_default();
    let most = counts.last().copied().unwrap_or_default();
    if median > COMMAND_FILES.0 || most > COMMAND_FILES.1 {
        return vec![format!(
            "a command is named by {median} files in the median and {most} at most; {} and {} are allowed: ask the registry's row \
             instead of naming the command",
            COMMAND_FILES.0, COMMAND_FILES.1
        )];
    }
    Vec::new()
}

/// The commands that a text names one by one.
fn commands_in(text: &str) -> impl Iterator<Item = &str> {
    text.split("CommandName::").skip(1).filter_map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let name = &rest[..end.unwrap_or(rest.len())];
        // `ALL` and functions are not one of them.
        let is_variant = name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().any(|c| c.is_ascii_lowercase());
        is_variant.then_some(name)
    })
}

/// The files that name something as a whole word.
fn naming<'s>(relay: &[&'s Source], needle: &str) -> BTreeSet<&'s Path> {
    let named = |text: &str| {
        text.match_indices(needle).any(|(at, found)| {
            let after = text[at + found.len()..].chars().next();
            !after.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
        })
    };
    relay
        .iter()
        .filter(|source| named(source.shipped()))
        .map(|source| source.path.as_path())
        .collect()
}

fn text_of<'s>(sources: &'s [Source], path: &str) -> &'s str {
    let found = sources.iter().find(|source| source.path == Path::new(path));
    found.map_or("", |source| &source.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source {
            path: path.into(),
            text: text.to_owned(),
        }
    }

    fn faults(sources: &[Source]) -> Vec<String> {
        let mut findings = Findings::default();
        check(sources, &mut findings);
        findings.errors
    }

    fn tables() -> Vec<Source> {
        vec![
            source(PATHS, "    pub const OPS: &str = \"/ops\";\n"),
            source(ENDPOINTS, "POST path::OPS, Client => post;\n"),
            source(GATES, "Peer BOTH => checks::host;\n"),
            source(
                "crates/relay/src/gate/checks.rs",
                "pub(super) fn host(view: &View<'_>, _: &mut Findings) -> Outcome<()> {\n",
            ),
        ]
    }

    #[test]
    fn tables_that_say_everything_pass() {
        assert_eq!(faults(&tables()), Vec::<String>::new());
    }

    #[test]
    fn a_path_without_a_row_and_a_path_beside_its_row_are_found() {
        let mut sources = tables();
        sources[1].text.clear();
        sources.push(source(
            "crates/relay/src/http.rs",
            "if path == path::OPS {}\n",
        ));
        let found = faults(&sources);
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn a_check_without_a_row_and_a_check_called_past_the_table_are_found() {
        let mut sources = tables();
        sources[2].text.clear();
        sources.push(source("crates/relay/src/ops.rs", "checks::host(&view)?;\n"));
        let found = faults(&sources);
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn a_command_that_many_files_name_is_found() {
        let mut sources = tables();
        for number in 0..=COMMAND_FILES.1 {
            let path = format!("crates/relay/src/part{number}.rs");
            sources.push(source(&path, "CommandName::DomText;\n"));
        }
        assert_eq!(faults(&sources).len(), 1);
    }
}
