//! The layers, read from the workspace's own metadata by the rule that `cargo xtask tidy` runs: libraries depend on the contract
//! alone, binaries compose them.

use xtask::tidy::layers;
use xtask::workspace::Workspace;

#[test]
fn contracts_imports_resolve_only_via_opendevbrowser_ops_contracts() {
    let workspace = Workspace::locate().expect("cargo describes this workspace");
    let mut metadata = workspace.metadata;
    assert_eq!(layers::faults(&metadata), [""; 0]);
    // One edge too many is seen: a library that would compose another one.
    let relay = metadata
        .packages
        .iter()
        .find(|it| it.name.as_str() == "relayd");
    let edge = relay.and_then(|relay| {
        let mut on = relay.dependencies.iter();
        on.find(|dependency| dependency.name == "ops-runtime")
            .cloned()
    });
    let edge = edge.expect("relayd composes the runtime");
    for name in ["routing", "ops-contracts"] {
        let mut packages = metadata.packages.iter_mut();
        let library = packages.find(|package| package.name.as_str() == name);
        library
            .expect("it is there")
            .dependencies
            .push(edge.clone());
    }
    assert_eq!(
        layers::faults(&metadata).len(),
        2,
        "{:?}",
        layers::faults(&metadata)
    );
}
