//! The conformance suite on real Firefox over WebDriver BiDi, each topic as a test, one case after the other: the browser gives
//! the focus to one window at a time. A filter with a dot names cases. This program is its own browsers' guard.

use std::process::ExitCode;

use odb_tests::subjects;

fn main() -> ExitCode {
    if let Some(code) = adapter_cdp::guard::dispatch(std::env::args_os()) {
        return code;
    }
    let profiles = tempfile::tempdir().expect("there is room for profiles");
    let below = profiles.path().to_owned();
    odb_tests::run_topics(move || subjects::bidi_firefox(below), None, vec![])
}
