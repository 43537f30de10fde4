//! The conformance suite on real Firefox over WebDriver BiDi. Each case is a test; this program is its own browsers' guard.

use std::process::ExitCode;

use odb_tests::subjects;

fn main() -> ExitCode {
    if let Some(code) = adapter_cdp::guard::dispatch(std::env::args_os()) {
        return code;
    }
    let profiles = tempfile::tempdir().expect("there is room for profiles");
    let below = profiles.path().to_owned();
    odb_tests::run_suite(move || subjects::bidi_firefox(below), vec![])
}
