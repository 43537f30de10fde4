//! That every library is publishable in form: what a registry shows of it, and what it asks of its dependencies.

use cargo_metadata::{Dependency, DependencyKind, Package};

use super::Findings;
use crate::workspace::Workspace;

/// The most keywords and categories that crates.io takes.
const MOST: usize = 5;

pub(super) fn check(workspace: &Workspace, findings: &mut Findings) {
    for package in workspace.libraries() {
        let broken = incomplete(package).into_iter();
        findings
            .errors
            .extend(broken.map(|what| format!("{}: {what}", package.manifest_path)));
    }
}

/// What a library's manifest lacks.
fn incomplete(package: &Package) -> Vec<String> {
    let folder = package.manifest_path.parent();
    let readme = package.readme.as_ref().zip(folder);
    let counted = |list: &[String]| (1..=MOST).contains(&list.len());
    let rules = [
        (
            package
                .description
                .as_deref()
                .is_some_and(|text| !text.is_empty() && !text.ends_with('.')),
            "needs a description, one line without a full stop",
        ),
        (package.license.is_some(), "needs a licence"),
        (package.rust_version.is_some(), "needs a rust-version"),
        (
            readme.is_some_and(|(readme, folder)| folder.join(readme).is_file()),
            "needs a README.md, named by `readme`",
        ),
        (counted(&package.keywords), "needs one to five keywords"),
        (counted(&package.categories), "needs one to five categories"),
        (
            package.publish.is_none(),
            "is a library, which may be published: without `publish`",
        ),
    ];
    let missing = rules
        .into_iter()
        .filter(|(kept, _)| !kept)
        .map(|(_, what)| what.to_owned());
    let unversioned = package
        .dependencies
        .iter()
        .filter(|dependency| is_unversioned(dependency))
        .map(|dependency| format!("needs a version beside the path of {}", dependency.name));
    missing.chain(unversioned).collect()
}

/// A path means nothing outside the repository; cargo leaves development dependencies without a version out by itself.
fn is_unversioned(dependency: &Dependency) -> bool {
    dependency.path.is_some()
        && dependency.kind != DependencyKind::Development
        && dependency.req.comparators.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn a_manifest_that_lacks_something_is_told_what() {
        let workspace = Workspace::locate().unwrap();
        let contracts = workspace
            .libraries()
            .find(|package| package.name.as_str() == "ops-runtime")
            .unwrap();
        assert_eq!(incomplete(contracts), Vec::<String>::new());

        let mut bare = contracts.clone();
        bare.description = None;
        bare.readme = Some("GONE.md".into());
        bare.keywords.clear();
        bare.publish = Some(Vec::new());
        for dependency in &mut bare.dependencies {
            if dependency.name == "ops-contracts" {
                dependency.req = cargo_metadata::semver::VersionReq::STAR;
            }
        }
        let said = incomplete(&bare).join("\n");
        for needle in [
            "description",
            "README.md",
            "keywords",
            "publish",
            "path of ops-contracts",
        ] {
            assert!(said.contains(needle), "{needle} in {said}");
        }
        assert!(!said.contains("licence"), "{said}");
    }
}
