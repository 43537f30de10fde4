//! Tests of the whole: each file is in exactly one test program. Cargo builds what `tests/Cargo.toml` names and nothing else, so a file
//! that no root names would never run.

use std::path::Path;

use super::{Findings, Source};

const FOLDER: &str = "tests/tests";

pub(super) fn check(sources: &[Source], findings: &mut Findings) {
    let manifest = sources
        .iter()
        .find(|source| source.path == Path::new("tests/Cargo.toml"))
        .map_or("", |source| &source.text);
    findings.errors.extend(misplaced(sources, manifest));
}

/// The files that are in no program, or in several.
fn misplaced(sources: &[Source], manifest: &str) -> Vec<String> {
    let files: Vec<(&str, &str)> = sources
        .iter()
        .filter(|source| {
            source.path.parent() == Some(Path::new(FOLDER)) && source.has_extension("rs")
        })
        .filter_map(|source| Some((source.path.file_stem()?.to_str()?, source.text.as_str())))
        .collect();
    let is_root = |name: &str| manifest.contains(&format!("\nname = \"{name}\"\n"));
    let modules = |name: &str| {
        let line = format!("mod {name};");
        let roots = files.iter().filter(|(root, _)| is_root(root));
        roots
            .filter(|(_, text)| text.lines().any(|found| found == line))
            .count()
    };
    files
        .iter()
        .map(|(name, _)| (name, modules(name) + usize::from(is_root(name))))
        .filter(|(_, programs)| *programs != 1)
        .map(|(name, programs)| {
            format!(
                "{FOLDER}/{name}.rs is in {programs} test programs: name it in the root that has what it needs"
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_no_root_names_is_found() {
        let source = |name: &str, text: &str| Source {
            path: format!("{FOLDER}/{name}.rs").into(),
            text: text.to_owned(),
        };
        let manifest = "[[test]]\nname = \"system\"\n";
        let named = source("system", "mod tour;\n");
        assert!(misplaced(&[named, source("tour", "")], manifest).is_empty());
        let forgotten = misplaced(&[source("system", ""), source("tour", "")], manifest);
        assert!(forgotten.len() == 1 && forgotten[0].contains("tests/tests/tour.rs is in 0"));
    }
}
