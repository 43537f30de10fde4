//! The conformance suite on each adapter, and two of them side by side. Tests are named `ADAPTER::CASE`, or `ADAPTER::TOPIC` where a
//! browser takes long to start; one adapter is tested after the other. This program is its own browsers' guard.

mod conformance_bidi_chromedriver;
mod conformance_bidi_firefox;
mod conformance_cdp;
mod conformance_fake;
mod snapshot_parity;

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = supervisor::guard::dispatch(std::env::args_os()) {
        return code;
    }
    let profiles = tempfile::tempdir().expect("there is room for profiles");
    let below = |adapter| profiles.path().join(adapter);
    odb_tests::run_suites(vec![
        conformance_fake::suite(),
        conformance_cdp::suite(below("cdp")),
        conformance_bidi_firefox::suite(below("firefox")),
        conformance_bidi_chromedriver::suite(below("chromedriver")),
        snapshot_parity::suite(),
    ])
}
