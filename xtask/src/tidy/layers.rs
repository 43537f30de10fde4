//! Which of our packages may depend on which, which packages of others belong to one layer alone, and that each of ours
//! takes the workspace's lints.

use cargo_metadata::{Dependency, DependencyKind, Metadata, Package};

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
    // A front end speaks to a relay through the typed client.
    Edges {
        package: "client-core",
        normal: &["ops-client", "ops-contracts"],
        dev: SUITE,
    },
    Edges {
        package: "mcp",
        normal: &["client-core", "ops-client", "ops-contracts"],
        dev: SUITE,
    },
    Edges {
        package: "ops-runtime",
        normal: CONTRACT,
        dev: &["conformance", "adapter-cdp", "supervisor"],
    },
    // What an adapter's tests drive is started by the one implementation that there is.
    Edges {
        package: "adapter-bidi",
        normal: CONTRACT,
        dev: &["conformance", "supervisor"],
    },
    Edges {
        package: "adapter-cdp",
        normal: CONTRACT,
        dev: &["conformance", "supervisor"],
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
            "supervisor",
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
        normal: &[
            "client-core",
            "health-store",
            "mcp",
            "ops-client",
            "ops-contracts",
            "routing",
        ],
        dev: SUITE,
    },
    Edges {
        package: "xtask",
        normal: CONTRACT,
        dev: SUITE,
    },
    Edges {
        package: "xtask-relay",
        // Faults of a protocol are injected below the runtime.
        normal: &[
            "conformance",
            "ops-client",
            "ops-contracts",
            "ops-runtime",
            "xtask",
        ],
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
            "supervisor",
        ],
        // The one home of these tables is here; the test of the layers asks it.
        dev: &["xtask"],
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
    ("rmcp", &["mcp"]),
    ("chromiumoxide", &["adapter-cdp"]),
    // Who hands descriptors to a process starts it.
    ("command-fds", &["supervisor", "odb-tests", "xtask-relay"]),
    ("clap", &["relayd", "odb-cli", "xtask", "xtask-relay"]),
    ("anyhow", &["relayd", "xtask", "xtask-relay"]),
];

pub(super) fn check(workspace: &Workspace, findings: &mut Findings) {
    findings.errors.extend(faults(&workspace.metadata));
}

/// What breaks the layers in a workspace, a sentence each.
#[must_use]
pub fn faults(metadata: &Metadata) -> Vec<String> {
    let packages = metadata.workspace_packages();
    let known = |edges: &&Edges| {
        packages
            .iter()
            .any(|package| package.name.as_str() == edges.package)
    };
    let gone = EDGES.iter().filter(|edges| !known(edges)).map(|edges| {
        format!(
            "{}: the table of allowed edges names a package that is not there",
            edges.package
        )
    });
    let libraries = metadata.workspace_root.join("crates");
    let of_packages = packages
        .iter()
        .flat_map(|package| of_package(package, package.manifest_path.starts_with(&libraries)));
    of_packages.chain(gone).collect()
}

fn of_package(package: &Package, is_library: bool) -> Vec<String> {
    let listed = EDGES
        .iter()
        .find(|edges| edges.package == package.name.as_str());
    let Some(edges) = listed.or_else(|| is_library.then_some(&LIBRARY)) else {
        return vec![format!(
            "{}: a package that is no library needs a row in the table of allowed edges",
            package.name
        )];
    };
    let forbidden = package
        .dependencies
        .iter()
        .filter(|dependency| !is_allowed(edges, dependency));
    let forbidden = forbidden.map(|dependency| {
        format!(
            "{} may not depend on {} ({:?})",
            package.name, dependency.name, dependency.kind
        )
    });
    forbidden
        .chain(fenced(package))
        .chain(lacks_lints(package))
        .collect()
}

/// Whether a dependency on one of ours is in the table; those of others always are.
fn is_allowed(edges: &Edges, dependency: &Dependency) -> bool {
    let name = dependency.name.as_str();
    let in_dev = dependency.kind == DependencyKind::Development && edges.dev.contains(&name);
    dependency.path.is_none() || edges.normal.contains(&name) || in_dev
}

fn fenced(package: &Package) -> impl Iterator<Item = String> {
    let shipped = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development);
    shipped.filter_map(|dependency| {
        let (_, inside) = FENCES
            .iter()
            .find(|(prefix, _)| dependency.name.starts_with(prefix))?;
        let is_inside = inside.contains(&package.name.as_str());
        (!is_inside).then(|| {
            format!(
                "{} may not know {}: it belongs to another layer",
                package.name, dependency.name
            )
        })
    })
}

/// The workspace's lints forbid unsafe code; a package has them only when it says so.
fn lacks_lints(package: &Package) -> Option<String> {
    let manifest = std::fs::read_to_string(&package.manifest_path).unwrap_or_default();
    let takes = manifest.contains("[lints]\nworkspace = true");
    (!takes).then(|| {
        format!(
            "{}: its manifest lacks [lints] workspace = true",
            package.name
        )
    })
}
