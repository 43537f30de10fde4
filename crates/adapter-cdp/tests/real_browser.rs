//! Every primitive, every event and every loss of the seam, and the supervision, against a real browser.

#![expect(
    clippy::unwrap_used,
    reason = "in a test a panic is the failure; without the harness the lint does not know"
)]

mod real_browser {
    pub(super) mod dialogs;
    pub(super) mod frames;
    pub(super) mod launch;
    pub(super) mod losses;
    pub(super) mod navigation;
    pub(super) mod pages;
    pub(super) mod scripts;
    pub(super) mod supervision;
    pub(super) mod support;
}

use std::process::ExitCode;

use adapter_cdp::guard;
use libtest_mimic::Arguments;
use real_browser::{dialogs, frames, launch, losses, navigation, pages, scripts, supervision};

fn main() -> ExitCode {
    if let Some(code) = guard::dispatch(std::env::args_os()) {
        return code;
    }
    if let Some(code) = supervision::dispatch(std::env::args_os()) {
        return code;
    }
    let groups = [
        dialogs::trials(),
        frames::trials(),
        launch::trials(),
        losses::trials(),
        navigation::trials(),
        pages::trials(),
        scripts::trials(),
        supervision::trials(),
    ];
    libtest_mimic::run(
        &Arguments::from_args(),
        groups.into_iter().flatten().collect(),
    )
    .exit_code()
}
