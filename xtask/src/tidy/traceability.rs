//! `docs/traceability.md`: one row per acceptance criterion, with evidence that exists or a reason why it comes later.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Findings, Source};

const PAGE: &str = "docs/traceability.md";

/// How many criteria each task has, from task 1 on.
const CRITERIA: [u32; 7] = [5, 14, 26, 11, 19, 5, 4];

pub(super) fn check(sources: &[Source], findings: &mut Findings) {
    let Some(page) = find(sources, PAGE) else {
        findings.errors.push(format!("{PAGE} is missing"));
        return;
    };
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for line in page.text.lines().filter(|line| line.starts_with("| T")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [id, _, evidence, state] = cells[..] else {
            findings
                .errors
                .push(format!("{PAGE}: four cells are expected: {line}"));
            continue;
        };
        *seen.entry(id.to_owned()).or_default() += 1;
        findings
            .errors
            .extend(row(sources, evidence, state).map(|fault| format!("{PAGE}: {id}: {fault}")));
    }
    let expected = CRITERIA
        .iter()
        .zip(1..)
        .flat_map(|(count, task)| (1..=*count).map(move |number| format!("T{task}.{number}")));
    for id in expected {
        match seen.remove(&id) {
            Some(1) => {}
            Some(count) => findings
                .errors
                .push(format!("{PAGE}: {id} stands there {count} times")),
            None => findings.errors.push(format!("{PAGE}: {id} is missing")),
        }
    }
    findings.errors.extend(
        seen.keys()
            .map(|id| format!("{PAGE}: there is no criterion {id}")),
    );
}

/// What is wrong with a row.
fn row(sources: &[Source], evidence: &str, state: &str) -> Option<String> {
    let items: Vec<&str> = evidence.split('`').skip(1).step_by(2).collect();
    if let Some(missing) = items.iter().find(|item| !exists(sources, item)) {
        return Some(format!("there is no {missing}"));
    }
    match state {
        "done" if items.is_empty() => Some("what is done has a test or a check".to_owned()),
        "done" => None,
        later => {
            let reason = later
                .strip_prefix("later (")
                .and_then(|rest| rest.strip_suffix(')'));
            let given = reason.is_some_and(|reason| !reason.trim().is_empty());
            (!given).then(|| format!("{later:?} is neither done nor later (with a reason)"))
        }
    }
}

/// Whether evidence is there: `path::test_name`, a file, or a task of this program (`cargo xtask …`).
fn exists(sources: &[Source], evidence: &str) -> bool {
    if evidence.starts_with("cargo xtask ") {
        return true;
    }
    match evidence.split_once("::") {
        Some((path, test)) => find(sources, path).is_some_and(|source| {
            // Suites without harness name their cases as texts.
            source.text.contains(&format!("fn {test}("))
                || source.text.contains(&format!("\"{test}\""))
        }),
        None => find(sources, evidence).is_some(),
    }
}

fn find<'a>(sources: &'a [Source], path: &str) -> Option<&'a Source> {
    sources.iter().find(|source| source.path == Path::new(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_must_exist_and_what_comes_later_has_a_reason() {
        let sources = [Source {
            path: "tests/a.rs".into(),
            text: "fn it_works() {}".into(),
        }];
        let fault = |evidence, state| row(&sources, evidence, state);
        assert_eq!(fault("`tests/a.rs::it_works`", "done"), None);
        assert_eq!(fault("", "later (the breaker)"), None);
        assert!(fault("`tests/a.rs::it_fails`", "done").is_some());
        assert!(fault("`tests/b.rs`", "later (x)").is_some());
        assert!(fault("", "done").is_some());
        assert!(fault("", "later").is_some());
        assert!(fault("", "later ()").is_some());
    }
}
