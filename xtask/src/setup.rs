//! Installs what the tests need. Where it can't, it says exactly what to do.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::environment::{Environment, is_executable};
use crate::workspace::checked;

/// What to set up.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub(crate) struct Options {
    /// Installs the system's Chromium also where another Chrome was found
    #[arg(long)]
    with_browser: bool,
}

/// Names of browsers on the `PATH`, the better first.
const NAMES: &[&str] = &["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];

/// Where browsers are that no `PATH` names.
const PLACES: &[&str] = &[
    "/usr/lib/chromium/chromium",
    "/opt/google/chrome/chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/// Sets up, and tells where the browser is.
pub(crate) fn run(options: &Options, environment: &Environment) -> Result<PathBuf> {
    let browser = match find_browser(environment)? {
        Some(browser) if !options.with_browser => browser,
        _ => {
            install_browser()?;
            find_browser(environment)?.context("the installation brought no browser: set ODB_BROWSER to an executable")?
        }
    };
    println!("browser: {} ({})", browser.display(), version(&browser)?);
    match environment.find("cargo-nextest") {
        Some(nextest) => println!("test runner: {}", nextest.display()),
        None => println!("test runner: cargo test (cargo-nextest is used where it is installed)"),
    }
    Ok(browser)
}

/// The browser that the tests would use. One that `ODB_BROWSER` names is never replaced by another.
fn find_browser(environment: &Environment) -> Result<Option<PathBuf>> {
    if let Some(named) = &environment.browser {
        ensure!(is_executable(named), "ODB_BROWSER names {}, which is no executable file", named.display());
        return Ok(Some(named.clone()));
    }
    let on_path = NAMES.iter().find_map(|name| environment.find(name));
    Ok(on_path.or_else(|| PLACES.iter().map(PathBuf::from).find(|file| is_executable(file))))
}

/// What the browser says of itself: proof that it starts.
fn version(browser: &Path) -> Result<String> {
    let output = Command::new(browser).arg("--version").stderr(Stdio::null()).output();
    let output = output.with_context(|| format!("{} could not be started", browser.display()))?;
    ensure!(output.status.success(), "{} --version failed: {}", browser.display(), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn install_browser() -> Result<()> {
    let debian = is_debian(&std::fs::read_to_string("/etc/os-release").unwrap_or_default());
    if !debian {
        bail!(
            "there is no Chrome or Chromium. Install one (macOS: brew install --cask chromium, Fedora: sudo dnf install chromium, \
             Arch: sudo pacman -S chromium), or set ODB_BROWSER to its executable"
        );
    }
    if !rustix::process::geteuid().is_root() {
        bail!(
            "there is no Chrome or Chromium. Run: sudo apt-get update && sudo apt-get install -y --no-install-recommends chromium, \
             or set ODB_BROWSER to an executable"
        );
    }
    if !is_known("chromium") {
        checked(apt().arg("update"))?;
    }
    checked(apt().args(["install", "-y", "--no-install-recommends", "chromium"]))
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    command
}

/// Whether the package lists are there and hold the package.
fn is_known(package: &str) -> bool {
    let shown = Command::new("apt-cache").args(["show", package]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    shown.is_ok_and(|status| status.success())
}

/// Whether `/etc/os-release` is that of Debian or of a relative of it.
fn is_debian(os_release: &str) -> bool {
    let of = |key: &str| os_release.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
    let ids = format!("{} {}", of("ID="), of("ID_LIKE="));
    ids.split([' ', '"']).any(|id| id == "debian" || id == "ubuntu")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_and_its_relatives_are_known() {
        assert!(is_debian("PRETTY_NAME=\"x\"\nID=debian\n"));
        assert!(is_debian("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!is_debian("ID=fedora\nVARIANT_ID=debian\n"));
        assert!(!is_debian(""));
    }
}
