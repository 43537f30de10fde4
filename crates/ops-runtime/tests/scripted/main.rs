//! The runtime over the scripted browser, through its service: what every command does with bad input, when it is interrupted, and
//! when sessions are ended.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use conformance::fake::{Control, FakeAdapter, site_double};
use conformance::suite::{Fixture, Subject};
use ops_contracts::wire::capability::BrowserKind;
use ops_contracts::wire::clock::{Clock, Timestamp};
use ops_runtime::{Runtime, RuntimeConfig};

mod bad_input;
mod end_sessions;
mod interrupted;
mod silence;

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_millis(0)
    }
}

/// A runtime with a scripted browser of its own, and what that browser is controlled by.
fn fixture() -> (Fixture, Control) {
    let adapter = Arc::new(FakeAdapter::new(site_double()));
    let control = adapter.control();
    let subject = Subject {
        service: Arc::new(Runtime::new(
            RuntimeConfig::default(),
            vec![adapter],
            Arc::new(Still),
        )),
        adapter: None,
        name: "fake",
        browser: BrowserKind::Chrome,
        kill_browser: Arc::new(|_| ()),
        end_renderers: Arc::new(|_| ()),
        exclusive: Arc::default(),
    };
    (Fixture::new(subject, "alice-01").unwrap(), control)
}
