//! Every primitive, every event and every loss of the seam against a real browser.

mod support;

mod seam {
    pub(super) mod dialogs;
    pub(super) mod frames;
    pub(super) mod launch;
    pub(super) mod losses;
    pub(super) mod navigation;
    pub(super) mod pages;
    pub(super) mod scripts;
}

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = support::is_guard() {
        return code;
    }
    let groups = [
        seam::dialogs::trials(),
        seam::frames::trials(),
        seam::launch::trials(),
        seam::losses::trials(),
        seam::navigation::trials(),
        seam::pages::trials(),
        seam::scripts::trials(),
    ];
    support::main(groups.into_iter().flatten().collect())
}
