//! The suite of the adapter interface on the scripted fake: what it claims to be, it is.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use conformance::fake::{CRASHES, FakeAdapter, seam_double};
use conformance::seam::{Crash, Subject, trials};
use libtest_mimic::Arguments;
use ops_contracts::seam::adapter::LaunchSpec;
use ops_contracts::wire::capability::BrowserKind;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trials = trials("fake", subject, &arguments);
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// It keeps nothing in the folder.
fn subject(_: &Path) -> Subject {
    let adapter = FakeAdapter::new(seam_double());
    let control = adapter.control();
    Subject {
        adapter: Arc::new(adapter),
        launch: LaunchSpec::new(BrowserKind::Chrome),
        kill: Arc::new(move |pid| control.end_browser(pid)),
        crash: Crash::Address(CRASHES),
    }
}
