//! Every primitive, every event and every loss of the seam against a real Firefox.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

mod seam {
    pub(super) mod confinement;
    pub(super) mod dialogs;
    pub(super) mod frames;
    pub(super) mod input;
    pub(super) mod launch;
    pub(super) mod losses;
    pub(super) mod navigation;
    pub(super) mod pages;
    pub(super) mod scripts;
    pub(super) mod supervision;
}

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = support::other_role() {
        return code;
    }
    let groups = [
        seam::confinement::trials(),
        seam::dialogs::trials(),
        seam::frames::trials(),
        seam::input::trials(),
        seam::launch::trials(),
        seam::losses::trials(),
        seam::navigation::trials(),
        seam::pages::trials(),
        seam::scripts::trials(),
        seam::supervision::trials(),
    ];
    support::main(groups.into_iter().flatten().collect())
}
