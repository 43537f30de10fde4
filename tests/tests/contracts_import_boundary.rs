//! The layers, read from the workspace's own metadata: libraries depend on the contract alone, binaries compose them.

use std::collections::BTreeSet;

use cargo_metadata::{DependencyKind, MetadataCommand};

/// The crates that compose others.
const COMPOSERS: [&str; 4] = ["relayd", "odb-cli", "xtask", "odb-tests"];
/// Dev-dependencies of libraries beyond the contract: (crate, dependency); `*` is any crate.
const ALLOWED_IN_TESTS: [(&str, &str); 5] = [
    ("*", "conformance"),
    ("adapter-bidi", "adapter-cdp"),
    ("ops-runtime", "adapter-cdp"),
    ("relay", "routing"),
    ("relay", "health-store"),
];

#[test]
fn contracts_imports_resolve_only_via_opendevbrowser_ops_contracts() {
    let metadata = MetadataCommand::new()
        .no_deps()
        .exec()
        .expect("cargo tells about this workspace");
    let ours: BTreeSet<String> = metadata
        .packages
        .iter()
        .map(|package| package.name.to_string())
        .collect();
    assert!(ours.contains("ops-contracts"), "{ours:?}");
    let mut wrong = Vec::new();
    for package in metadata
        .packages
        .iter()
        .filter(|package| !COMPOSERS.contains(&package.name.as_str()))
    {
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| ours.contains(&dependency.name))
        {
            let in_tests = dependency.kind == DependencyKind::Development
                && ALLOWED_IN_TESTS.iter().any(|(by, name)| {
                    (*by == "*" || *by == package.name.as_str()) && *name == dependency.name
                });
            if dependency.name != "ops-contracts" && !in_tests {
                wrong.push(format!(
                    "{} -> {} ({:?})",
                    package.name, dependency.name, dependency.kind
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "libraries depend on ops-contracts alone: {wrong:?}"
    );
    let contract = metadata
        .packages
        .iter()
        .find(|package| package.name.as_str() == "ops-contracts");
    let inside = contract.map(|package| {
        package
            .dependencies
            .iter()
            .filter(|dependency| ours.contains(&dependency.name))
            .count()
    });
    assert_eq!(
        inside,
        Some(0),
        "the contract depends on none of the others"
    );
}
