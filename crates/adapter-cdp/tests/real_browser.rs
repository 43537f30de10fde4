//! The suite of the adapter interface on a real Chromium, what is Chromium's alone, and the supervision.

#![expect(
    clippy::unwrap_used,
    reason = "in a test a panic is the failure; without the harness the lint does not know"
)]

mod real_browser {
    pub(super) mod attach;
    pub(super) mod launch;
    pub(super) mod pages;
    pub(super) mod scripts;
    pub(super) mod supervision;
    pub(super) mod support;
}

use std::process::ExitCode;

use libtest_mimic::Arguments;
use real_browser::{attach, launch, pages, scripts, supervision, support};
use supervisor::guard;

fn main() -> ExitCode {
    if let Some(code) = guard::dispatch(std::env::args_os()) {
        return code;
    }
    if let Some(code) = supervision::dispatch(std::env::args_os()) {
        return code;
    }
    let groups = [
        attach::trials(),
        launch::trials(),
        pages::trials(),
        scripts::trials(),
        supervision::trials(),
    ];
    let arguments = Arguments::from_args();
    let suite = conformance::seam::trials("cdp", support::subject, &arguments);
    let own = groups.into_iter().flatten();
    libtest_mimic::run(&arguments, suite.into_iter().chain(own).collect()).exit_code()
}
