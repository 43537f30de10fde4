//! The conformance suite on real Firefox over WebDriver BiDi, each case as a test, one after the other: the browser gives the
//! focus to one window at a time. This program is its own browsers' guard.

use std::process::ExitCode;

use odb_tests::subjects;

fn main() -> ExitCode {
    if let Some(code) = adapter_cdp::guard::dispatch(std::env::args_os()) {
        return code;
    }
    let profiles = tempfile::tempdir().expect("there is room for profiles");
    let below = profiles.path().to_owned();
    odb_tests::run_suite_in_turn(move || subjects::bidi_firefox(below))
}
