//! Installs what the tests need. Where it can't, it says exactly what to do.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::environment::{Environment, is_executable};
use crate::workspace::{Workspace, checked};

/// What to set up.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Options {
    /// Installs the system's Chromium also where another Chrome was found
    #[arg(long)]
    with_browser: bool,
}

/// Checks metrics and alert rules; of the package `prometheus`.
const PROMTOOL: &str = "promtool";

/// A family of browsers, or the driver of one: how one is found, and how one is got.
#[derive(Debug)]
pub struct Family {
    name: &'static str,
    /// The variable that names its executable.
    pub variable: &'static str,
    named: fn(&Environment) -> Option<&PathBuf>,
    /// Its programs on the `PATH`, the better first.
    programs: &'static [&'static str],
    /// Where it is that no `PATH` names.
    places: &'static [&'static str],
    /// The package of Debian.
    package: &'static str,
    /// How others install it.
    elsewhere: &'static str,
}

/// Chrome and Chromium.
pub const CHROME: Family = Family {
    name: "Chrome or Chromium",
    variable: "ODB_BROWSER",
    named: |environment| environment.browser.as_ref(),
    programs: &[
        "chromium",
        "chromium-browser",
        "google-chrome-stable",
        "google-chrome",
        "chrome",
    ],
    places: &[
        "/usr/lib/chromium/chromium",
        "/opt/google/chrome/chrome",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
    ],
    package: "chromium",
    elsewhere: "macOS: brew install --cask chromium, Fedora: sudo dnf install chromium, Arch: sudo pacman -S chromium",
};

/// Firefox.
pub const FIREFOX: Family = Family {
    name: "Firefox",
    variable: "ODB_FIREFOX",
    named: |environment| environment.firefox.as_ref(),
    programs: &["firefox", "firefox-esr", "firefox-developer-edition"],
    places: &[
        "/usr/lib/firefox/firefox",
        "/usr/lib/firefox-esr/firefox-esr",
        "/opt/firefox/firefox",
        "/snap/bin/firefox",
        "/Applications/Firefox.app/Contents/MacOS/firefox",
    ],
    package: "firefox-esr",
    elsewhere: "macOS: brew install --cask firefox, Fedora: sudo dnf install firefox, Arch: sudo pacman -S firefox",
};

/// What stands between Chromium and WebDriver BiDi, of the browser's version.
pub const CHROMEDRIVER: Family = Family {
    name: "chromedriver",
    variable: "ODB_CHROMEDRIVER",
    named: |environment| environment.chromedriver.as_ref(),
    programs: &["chromedriver"],
    places: &[
        "/usr/lib/chromium/chromedriver",
        "/usr/lib/chromium-browser/chromedriver",
    ],
    package: "chromium-driver",
    elsewhere: "macOS: brew install --cask chromedriver, Fedora: sudo dnf install chromedriver, Arch: it comes with chromium",
};

/// Sets up, and tells where the browsers are, by the variables that name them.
pub fn run(options: &Options, environment: &Environment) -> Result<Vec<(&'static str, PathBuf)>> {
    if options.with_browser && environment.browser.is_none() {
        install(&CHROME)?;
    }
    let browsers: Result<Vec<_>> = [CHROME, CHROMEDRIVER, FIREFOX]
        .iter()
        .map(|family| Ok((family.variable, browser(family, environment)?)))
        .collect();
    match environment.find("cargo-nextest") {
        Some(nextest) => println!("test runner: {}", nextest.display()),
        None => println!("test runner: cargo test (cargo-nextest is used where it is installed)"),
    }
    browsers
}

/// A browser of a family, installed if there is none and it can be.
pub fn browser(family: &Family, environment: &Environment) -> Result<PathBuf> {
    let browser = match find(family, environment)? {
        Some(browser) => browser,
        None => {
            install(family)?;
            let found = find(family, environment)?;
            found.with_context(|| {
                format!(
                    "the installation brought no browser: set {} to an executable",
                    family.variable
                )
            })?
        }
    };
    println!("browser: {} ({})", browser.display(), version(&browser)?);
    Ok(browser)
}

/// Protocol clients of others that the tests drive pages with, and their versions.
const CLIENTS: &[&str] = &["puppeteer-core@24.43.1", "playwright-core@1.65.1"];

/// Programs that the tests run, and the packages that bring them.
const PROGRAMS: &[(&str, &str)] = &[("node", "nodejs"), ("npm", "npm"), ("jq", "jq")];

/// Installs the protocol clients below the target folder, and the programs that the tests run.
pub fn clients(workspace: &Workspace, environment: &Environment) -> Result<()> {
    let missing: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| environment.find(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    if !missing.is_empty() {
        install_programs(&missing)?;
    }
    let folder = workspace.target().join("clients");
    let installed = folder.join("installed");
    let wanted = CLIENTS.join(" ");
    if std::fs::read_to_string(&installed).is_ok_and(|found| found == wanted) {
        println!("protocol clients: {}", folder.display());
        return Ok(());
    }
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("package.json"), "{\"private\":true}\n")?;
    let mut npm = Command::new("npm");
    npm.current_dir(&folder)
        .args([
            "install",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
            "--no-save",
        ])
        .args(CLIENTS);
    checked(npm.stdin(Stdio::null()))?;
    std::fs::write(&installed, wanted)?;
    println!("protocol clients: {}", folder.display());
    Ok(())
}

fn install_programs(packages: &[&str]) -> Result<()> {
    let list = packages.join(" ");
    let debian = is_debian(&std::fs::read_to_string("/etc/os-release").unwrap_or_default());
    ensure!(debian, "the tests need {list}: install them");
    ensure!(
        rustix::process::geteuid().is_root(),
        "the tests need {list}. Run: sudo apt-get update && sudo apt-get install -y {list}"
    );
    install_packages(packages)
}

/// The browser that the tests would use. One that its variable names is never replaced by another.
pub fn find(family: &Family, environment: &Environment) -> Result<Option<PathBuf>> {
    if let Some(named) = (family.named)(environment) {
        ensure!(
            is_executable(named),
            "{} names {}, which is no executable file",
            family.variable,
            named.display()
        );
        return Ok(Some(named.clone()));
    }
    let on_path = family
        .programs
        .iter()
        .find_map(|name| environment.find(name));
    Ok(on_path.or_else(|| {
        family
            .places
            .iter()
            .map(PathBuf::from)
            .find(|file| is_executable(file))
    }))
}

/// What the browser says of itself: proof that it starts.
fn version(browser: &Path) -> Result<String> {
    let output = Command::new(browser)
        .arg("--version")
        .stderr(Stdio::null())
        .output();
    let output = output.with_context(|| format!("{} could not be started", browser.display()))?;
    ensure!(
        output.status.success(),
        "{} --version failed: {}",
        browser.display(),
        output.status
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn install(family: &Family) -> Result<()> {
    let Family {
        name,
        variable,
        package,
        elsewhere,
        ..
    } = family;
    let debian = is_debian(&std::fs::read_to_string("/etc/os-release").unwrap_or_default());
    if !debian {
        bail!("there is no {name}. Install one ({elsewhere}), or set {variable} to its executable");
    }
    if !rustix::process::geteuid().is_root() {
        bail!(
            "there is no {name}. Run: sudo apt-get update && sudo apt-get install -y --no-install-recommends {package}, \
             or set {variable} to an executable"
        );
    }
    install_packages(&[package])
}

/// Installs packages of Debian as they are today: lists that are months old bring browsers of then, or name files that are gone. Without
/// a network the lists that are there have to do.
fn install_packages(packages: &[&str]) -> Result<()> {
    if let Err(error) = checked(apt().arg("update"))
        && let Some(unknown) = packages.iter().find(|package| !is_known(package))
    {
        return Err(error.context(format!("{unknown} is in no package list that is there")));
    }
    checked(
        apt()
            .args(["install", "-y", "--no-install-recommends"])
            .args(packages),
    )
}

/// Installs the tools that tests ask beside a browser: `promtool`, which judges metrics and alert rules.
pub fn tools(environment: &Environment) -> Result<()> {
    if environment.find(PROMTOOL).is_none() {
        install_promtool()?;
    }
    let found = environment
        .find(PROMTOOL)
        .context("the installation brought no promtool")?;
    println!("promtool: {}", found.display());
    Ok(())
}

fn install_promtool() -> Result<()> {
    let debian = is_debian(&std::fs::read_to_string("/etc/os-release").unwrap_or_default());
    if !debian {
        bail!(
            "there is no promtool. Install Prometheus (macOS: brew install prometheus, Fedora: sudo dnf install golang-github-prometheus)"
        );
    }
    if !rustix::process::geteuid().is_root() {
        bail!(
            "there is no promtool. Run: sudo apt-get update && sudo apt-get install -y --no-install-recommends prometheus"
        );
    }
    install_packages(&["prometheus"])
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null());
    command
}

/// Whether the package lists are there and hold the package.
fn is_known(package: &str) -> bool {
    let shown = Command::new("apt-cache")
        .args(["show", package])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    shown.is_ok_and(|status| status.success())
}

/// Whether `/etc/os-release` is that of Debian or of a relative of it.
fn is_debian(os_release: &str) -> bool {
    let of = |key: &str| {
        os_release
            .lines()
            .find_map(|line| line.strip_prefix(key))
            .unwrap_or_default()
    };
    let ids = format!("{} {}", of("ID="), of("ID_LIKE="));
    ids.split([' ', '"'])
        .any(|id| id == "debian" || id == "ubuntu")
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
