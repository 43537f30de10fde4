//! The conformance suite on real Firefox over WebDriver BiDi, as far as what the adapter is held to: the groups below. `cargo xtask conformance
//! --adapter bidi-firefox` runs every group. This program is its own browsers' guard.

use std::process::ExitCode;

use odb_tests::subjects;

/// The groups that pass.
const GROUPS: &[&str] = &["sessions", "nav", "targets", "reads", "refs", "snapshots", "click"];

fn main() -> ExitCode {
    if let Some(code) = adapter_cdp::guard::dispatch(std::env::args_os()) {
        return code;
    }
    let profiles = tempfile::tempdir().expect("there is room for profiles");
    let below = profiles.path().to_owned();
    odb_tests::run_groups(move || subjects::bidi_firefox(below), GROUPS)
}
