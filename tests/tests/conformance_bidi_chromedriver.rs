//! The conformance suite on real Chromium over WebDriver BiDi, through chromedriver, each topic as a test. Without a filter and
//! without `ODB_WHOLE_SUITE` the topics are those of the plan's pilot: navigation, interaction and reading. A filter with a dot
//! names cases. This program is its own browsers' guard.

use std::process::ExitCode;

use odb_tests::subjects;

/// The topics of the pilot.
const PILOT: &[&str] = &["sessions", "nav", "targets", "reads", "click", "dialogs", "faults"];

fn main() -> ExitCode {
    if let Some(code) = adapter_cdp::guard::dispatch(std::env::args_os()) {
        return code;
    }
    let profiles = tempfile::tempdir().expect("there is room for profiles");
    let below = profiles.path().to_owned();
    #[expect(clippy::disallowed_methods, reason = "a test program reads its environment, as every program does")]
    let only = if std::env::var_os("ODB_WHOLE_SUITE").is_some() { None } else { Some(PILOT) };
    odb_tests::run_topics(move || subjects::bidi_chromedriver(below), only)
}
