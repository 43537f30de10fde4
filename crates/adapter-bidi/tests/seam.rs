//! The suite of the adapter interface on a real Firefox and on Chromium through chromedriver, and what is this protocol's alone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

mod seam {
    pub(super) mod confinement;
    pub(super) mod input;
    pub(super) mod launch;
    pub(super) mod losses;
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
        seam::input::trials(),
        seam::launch::trials(),
        seam::losses::trials(),
        seam::scripts::trials(),
        seam::supervision::trials(),
    ];
    support::main(groups.into_iter().flatten().collect())
}
