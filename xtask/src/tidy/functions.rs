//! How long functions are, read off the layout that rustfmt gives them: from the line of `fn` to the brace in its column.

use std::path::Path;

use super::{Findings, Source};

/// No function is longer.
const LONGEST: usize = 100;

/// What the median and the 95th percentile are to be.
const AIM: (usize, usize) = (8, 40);

/// What they may be today. These figures go down to the aim and never up.
const BUDGET: (usize, usize) = (9, 40);

/// Functions that are longer than `LONGEST` today: file and name. The list shrinks and never grows.
const TOO_LONG: &[(&str, &str)] = &[];

/// A function's name, the line where it begins, and how many lines it has.
#[derive(Debug, PartialEq, Eq)]
struct Function<'a> {
    name: &'a str,
    line: usize,
    lines: usize,
}

pub(super) fn check(sources: &[Source], findings: &mut Findings) {
    let shipped = sources.iter().filter(|source| source.is_shipped_rust());
    let all: Vec<(&Path, Function<'_>)> = shipped
        .flat_map(|source| {
            let path = source.path.as_path();
            functions(source.shipped())
                .into_iter()
                .map(move |it| (path, it))
        })
        .collect();
    findings.errors.extend(too_long(&all, TOO_LONG));
    let mut lengths: Vec<usize> = all.iter().map(|(_, function)| function.lines).collect();
    lengths.sort_unstable();
    let is = (percentile(&lengths, 50), percentile(&lengths, 95));
    if is.0 > BUDGET.0 || is.1 > BUDGET.1 {
        findings.errors.push(format!(
            "functions have {} lines in the median and {} at the 95th percentile; at most {} and {} are allowed: \
             divide the long ones that are new",
            is.0, is.1, BUDGET.0, BUDGET.1
        ));
    }
    if is.0 < BUDGET.0.max(AIM.0) || is.1 < BUDGET.1.max(AIM.1) {
        findings.warnings.push(format!(
            "functions have {} lines in the median and {} at the 95th percentile: lower the budget of tidy/functions.rs ({} and {})",
            is.0, is.1, BUDGET.0, BUDGET.1
        ));
    }
    findings.report.push(format!(
        "{} functions: {} lines in the median, {} at the 95th percentile (aim {} and {}), {} above {LONGEST}",
        all.len(),
        is.0,
        is.1,
        AIM.0,
        AIM.1,
        lengths.iter().filter(|lines| **lines > LONGEST).count(),
    ));
}

/// Functions that are too long and not listed, and rows of the list that no longer are.
fn too_long(all: &[(&Path, Function<'_>)], listed: &[(&str, &str)]) -> Vec<String> {
    let long: Vec<_> = all.iter().filter(|(_, it)| it.lines > LONGEST).collect();
    let is_listed = |path: &Path, name: &str| {
        listed
            .iter()
            .any(|(p, n)| path == Path::new(p) && *n == name)
    };
    let new = long.iter().filter(|(path, it)| !is_listed(path, it.name));
    let new = new.map(|(path, it)| {
        format!(
            "{}:{}: {} has {} lines; at most {LONGEST} are allowed",
            path.display(),
            it.line,
            it.name,
            it.lines
        )
    });
    let gone = listed.iter().filter(|(path, name)| {
        !long
            .iter()
            .any(|(p, it)| *p == Path::new(path) && it.name == *name)
    });
    let gone = gone.map(|(path, name)| {
        format!("{path}: {name} is short enough now: take it off the list of tidy/functions.rs")
    });
    new.chain(gone).collect()
}

/// The smallest length that so many of a hundred functions do not pass. The lengths are sorted.
fn percentile(lengths: &[usize], percent: usize) -> usize {
    let rank = (lengths.len() * percent).div_ceil(100);
    let at = rank.checked_sub(1).and_then(|at| lengths.get(at));
    at.copied().unwrap_or_default()
}

/// Every function of a formatted text, those inside others too; declarations without a body aside.
fn functions(text: &str) -> Vec<Function<'_>> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if let Some(name) = name_of(line.trim_start())
            && let Some(count) = length(&lines[at..])
        {
            found.push(Function {
                name,
                line: at + 1,
                lines: count,
            });
        }
    }
    found
}

/// The name of the function that a line begins to define.
fn name_of(mut line: &str) -> Option<&str> {
    const QUALIFIERS: [&str; 5] = ["const ", "async ", "unsafe ", "default ", "extern \"C\" "];
    if let Some(rest) = line.strip_prefix("pub") {
        let rest = rest.strip_prefix('(').map_or(rest, |inside| {
            inside.split_once(')').map_or(inside, |(_, behind)| behind)
        });
        line = rest.strip_prefix(' ')?;
    }
    while let Some(rest) = QUALIFIERS.iter().find_map(|word| line.strip_prefix(word)) {
        line = rest;
    }
    let rest = line.strip_prefix("fn ")?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_')?;
    Some(&rest[..end])
}

/// How many lines the function has that the first of these begins; none where it is only declared.
fn length(lines: &[&str]) -> Option<usize> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let column = indent(lines.first()?);
    let in_column = |line: &&&str| indent(line) == column && !line.trim().is_empty();
    let signature = lines
        .iter()
        .position(|line| in_column(&line) && line.ends_with(['{', '}', ';']))?;
    if lines[signature].ends_with(';') {
        return None;
    }
    if signature == 0 && lines[0].ends_with('}') {
        return Some(1);
    }
    let body = lines[signature..]
        .iter()
        .position(|line| in_column(&line) && line.trim() == "}")?;
    Some(signature + body + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
impl A {
    pub(crate) const fn one(self) -> u8 { 1 }

    fn declared(
        &self,
    ) -> u8;

    pub async fn long<T>(
        &self,
    ) -> u8
    where
        T: Copy,
    {
        let text = \"fn text() {\";
        fn inner() {
            text
        }
        1
    }
}
";

    #[test]
    fn functions_are_found_with_their_lengths() {
        let found: Vec<_> = functions(TEXT)
            .iter()
            .map(|it| (it.name, it.line, it.lines))
            .collect();
        assert_eq!(found, [("one", 2, 1), ("long", 8, 12), ("inner", 15, 3)]);
    }

    #[test]
    fn a_long_function_needs_a_row_and_a_short_one_loses_it() {
        let of = |lines| {
            let function = Function {
                name: "f",
                line: 1,
                lines,
            };
            [(Path::new("a.rs"), function)]
        };
        assert_eq!(too_long(&of(101), &[]).len(), 1);
        assert!(too_long(&of(101), &[("a.rs", "f")]).is_empty());
        assert!(too_long(&of(100), &[]).is_empty());
        assert_eq!(too_long(&of(100), &[("a.rs", "f")]).len(), 1);
    }

    #[test]
    fn percentiles_are_lengths_that_occur() {
        let lengths: Vec<usize> = (1..=20).collect();
        assert_eq!(
            (percentile(&lengths, 50), percentile(&lengths, 95)),
            (10, 19)
        );
        assert_eq!(percentile(&[], 50), 0);
    }
}
