//! Which of our packages may depend on which, which packages of others belong to one layer alone, and that each of ours
//! takes the workspace's lints.

use cargo_metadata::{Dependency, DependencyKind, Package};

use super::Findings;
use crate::workspace::Workspace;

/// What one of our packages may depend on among our own.
struct Edges {
    package: &'static str,
    /// In the package itself and its build script.
    normal: &'static [&'static str],
    /// In its tests and examples, beside the former.
    dev: &'static [&'static str],
}

const CONTRACT: &[&str] = &["ops-contracts"];
const SUITE: &[&str] = &["conformance"];

/// A library, which is what lies in `crates`, knows the contract alone.
const LIBRARY: Edges = Edges {
    package: "",
    normal: CONTRACT,
    dev: SUITE,
};

/// Libraries that differ, and the programs, tools and tests, which compose them.
const EDGES: &[Edges] = &[
    Edges {
        package: "ops-contracts",
        normal: &[],
        dev: SUITE,
    },
    Edges {
        package: "ops-runtime",
        normal: CONTRACT,
        dev: &["conformance", "adapter-cdp"],
    },
    Edges {
        package: "adapter-bidi",
        normal: CONTRACT,
        dev: &["conformance", "adapter-cdp"],
    },
    Edges {
        package: "conformance",
        normal: CONTRACT,
        dev: &[],
    },
    Edges {
        package: "relayd",
        normal: &[
            "adapter-bidi",
            "adapter-cdp",
            "egress",
            "health-store",
            "ops-contracts",
            "ops-runtime",
            "relay",
            "routing",
        ],
        dev: SUITE,
    },
    Edges {
        package: "relay",
        normal: CONTRACT,
        dev: &["conformance", "health-store", "routing"],
    },
    Edges {
        package: "odb-cli",
        normal: &["health-store", "ops-client", "ops-contracts", "routing"],
        dev: SUITE,
    },
    Edges {
        package: "xtask",
        normal: &["conformance", "health-store", "ops-client", "ops-contracts"],
        dev: &[],
    },
    Edges {
        package: "odb-tests",
        normal: &[
            "adapter-bidi",
            "adapter-cdp",
            "conformance",
            "health-store",
            "ops-client",
            "ops-contracts",
            "ops-runtime",
            "relay",
            "routing",
        ],
        dev: &[],
    },
];

/// Packages of others that stand for a layer's knowledge, and who may know it. By prefix of the name.
const FENCES: &[(&str, &[&str])] = &[
    (
        "hyper",
        &["relay", "egress", "ops-client", "conformance", "odb-tests"],
    ),
    (
        "http-body-util",
        &["relay", "egress", "ops-client", "conformance", "odb-tests"],
    ),
    (
        "tokio-tungstenite",
        &["relay", "ops-client", "adapter-bidi", "odb-tests"],
    ),
    ("chromiumoxide", &["adapter-cdp"]),
    ("clap", &["relayd", "odb-cli", "xtask"]),
    ("anyhow", &["relayd", "xtask"]),
];

pub(super) fn check(workspace: &Workspace, findings: &mut Findings) {
    let packages = workspace.metadata.workspace_packages();
    for package in &packages {
        let listed = EDGES
            .iter()
            .find(|edges| edges.package == package.name.as_str());
        let is_library = package
            .manifest_path
            .starts_with(workspace.metadata.workspace_root.join("crates"));
        let Some(edges) = listed.or_else(|| is_library.then_some(&LIBRARY)) else {
            findings.errors.push(format!(
                "{}: a package that is no library needs a row in the table of allowed edges",
                package.name
            ));
            continue;
        };
        let allowed = package
            .dependencies
            .iter()
            .filter(|dependency| !is_allowed(edges, dependency));
        findings.errors.extend(allowed.map(|dependency| {
            format!(
                "{} may not depend on {} ({:?})",
                package.name, dependency.name, dependency.kind
            )
        }));
        fenced(package, findings);
        takes_lints(package, findings);
    }
    let known = |edges: &Edges| {
        packages
            .iter()
            .any(|package| package.name.as_str() == edges.package)
    };
    let gone = EDGES.iter().filter(|edges| !known(edges));
    findings.errors.extend(gone.map(|edges| {
        format!(
            "{}: the table of allowed edges names a package that is not there",
            edges.package
        )
    }));
}

/// Whether a dependency on one of ours is in the table; those of others always are.
fn is_allowed(edges: &Edges, dependency: &Dependency) -> bool {
    let name = dependency.name.as_str();
    let in_dev = dependency.kind == DependencyKind::Development && edges.dev.contains(&name);
    dependency.path.is_none() || edges.normal.contains(&name) || in_dev
}

fn fenced(package: &Package, findings: &mut Findings) {
    for dependency in package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
    {
        let fence = FENCES
            .iter()
            .find(|(prefix, _)| dependency.name.starts_with(prefix));
        if fence.is_some_and(|(_, inside)| !inside.contains(&package.name.as_str())) {
            findings.errors.push(format!(
                "{} may not know {}: it belongs to another layer",
                package.name, dependency.name
            ));
        }
    }
}

/// The workspace's lints forbid unsafe code; a package has them only when it says so.
fn takes_lints(package: &Package, findings: &mut Findings) {
    let manifest = std::fs::read_to_string(&package.manifest_path).unwrap_or_default();
    if !manifest.contains("[lints]\nworkspace = true") {
        findings.errors.push(format!(
            "{}: its manifest lacks [lints] workspace = true",
            package.name
        ));
    }
}
