//! The conformance suite on real Firefox over WebDriver BiDi, each topic as a test, one case after the other: the browser gives
//! the focus to one window at a time. A filter with a dot names cases.

use std::path::PathBuf;

use odb_tests::{Suite, subjects};

pub(crate) fn suite(profiles: PathBuf) -> Suite {
    Suite::of_topics(
        "bidi-firefox",
        move || subjects::bidi_firefox(profiles),
        None,
        Vec::new(),
    )
}
