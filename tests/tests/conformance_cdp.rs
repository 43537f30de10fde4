//! The conformance suite on real Chromium over CDP. Each case is a test.

use std::path::PathBuf;

use odb_tests::{Suite, subjects};

pub(crate) fn suite(profiles: PathBuf) -> Suite {
    Suite::of_cases("cdp", move || subjects::cdp(profiles), Vec::new())
}
