//! Every code of the registry is raised somewhere: a code that nobody raises is documentation of something that is not so.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;

use ops_contracts::ErrorCode;

use super::{Findings, Source};

/// Codes that are fixed but not raised yet, and what will raise them.
const RESERVED: &[(ErrorCode, &str)] = &[];

/// The registry itself raises nothing.
const REGISTRY: &str = "crates/ops-contracts/src/wire/error.rs";

pub(super) fn check(sources: &[Source], findings: &mut Findings) {
    let helpers = test_modules(sources);
    let mut raised: BTreeSet<&str> = BTreeSet::new();
    for source in sources
        .iter()
        .filter(|source| source.is_shipped_rust() && !source.path.ends_with(REGISTRY))
    {
        if !helpers.contains(&(
            source.package(),
            source.path.file_stem().unwrap_or_default(),
        )) {
            raised.extend(raises(source.shipped()));
        }
    }
    for &code in ErrorCode::ALL {
        let variant = format!("{code:?}");
        let reserved = RESERVED.iter().find(|(reserved, _)| *reserved == code);
        match (raised.contains(variant.as_str()), reserved) {
            (false, None) => findings.errors.push(format!("{code}: nobody raises it")),
            (true, Some((_, by))) => findings.errors.push(format!(
                "{code}: it is raised, so it is no longer reserved for {by}"
            )),
            _ => {}
        }
    }
}

/// Modules that exist for tests alone: package and name.
fn test_modules(sources: &[Source]) -> BTreeSet<(&Path, &OsStr)> {
    let declared = |source: &'_ Source| {
        let behind = source.text.split("#[cfg(test)]\n").skip(1);
        let names =
            behind.filter_map(|text| text.lines().next()?.split_once("mod ")?.1.strip_suffix(';'));
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let is_named = |source: &&Source| {
        let stem = source
            .path
            .file_stem()
            .and_then(OsStr::to_str)
            .unwrap_or_default()
            .to_owned();
        let package = source.package();
        sources
            .iter()
            .filter(|other| other.package() == package && other.has_extension("rs"))
            .any(|other| declared(other).contains(&stem))
    };
    let files = sources
        .iter()
        .filter(|source| source.is_shipped_rust())
        .filter(is_named);
    files
        .map(|source| {
            (
                source.package(),
                source.path.file_stem().unwrap_or_default(),
            )
        })
        .collect()
}

/// The codes that a text makes, as far as one can see: not those that it only matches or compares with.
fn raises(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("ErrorCode::").filter_map(|(at, found)| {
        let (before, behind) = (text[..at].trim_end(), &text[at + found.len()..]);
        let name = name(behind);
        let next = behind[name.len()..].trim_start();
        let is_pattern = next.starts_with("=>")
            || next.starts_with('|')
            || before.ends_with('|')
            || before.ends_with("==");
        (!is_pattern).then_some(name)
    })
}

/// The identifier at the start of a text.
fn name(text: &str) -> &str {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric())
        .unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_matched_is_not_raised() {
        let text = "Fault::plain(ErrorCode::A); match code { ErrorCode::B | ErrorCode::C => x, ErrorCode::D => ErrorCode::E }";
        assert_eq!(raises(text).collect::<Vec<_>>(), ["A", "E"]);
        assert_eq!(raises("fault.code == ErrorCode::F").count(), 0);
    }
}
