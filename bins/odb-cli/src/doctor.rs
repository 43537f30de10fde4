//! `doctor`: checks, each with what to do about it. It starts programs for nothing but their versions.

use std::path::{Path, PathBuf};
use std::time::Duration;

use client_core::render;
use client_core::{Failure, Outcome};
use ops_client::post;
use ops_contracts::ErrorCode;
use ops_contracts::control::config;
use ops_contracts::control::status::BrowserStatus;
use ops_contracts::wire::http::home;
use ops_contracts::wire::version::{BINARY_VERSION, OPS_CONTRACT_VERSION};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::context::Context;

/// How long a program may take to tell its version.
const VERSION_TIMEOUT: Duration = Duration::from_secs(5);

/// A family of browsers that we drive, and how one is found and got.
struct Family {
    check: &'static str,
    /// The variable that names its executable.
    variable: &'static str,
    programs: &'static [&'static str],
    /// Outside `PATH`.
    place: &'static str,
    missing: &'static str,
    remedy: &'static str,
}

const CHROME: Family = Family {
    check: "chrome",
    variable: config::BROWSER,
    programs: &[
        "chromium",
        "chromium-browser",
        "google-chrome-stable",
        "google-chrome",
        "chrome",
    ],
    place: "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    missing: "no Chromium or Chrome was found in PATH",
    remedy: "install Chromium (Debian: apt-get install chromium), or set ODB_BROWSER to its executable",
};

const FIREFOX: Family = Family {
    check: "firefox",
    variable: config::FIREFOX,
    programs: &["firefox", "firefox-esr", "firefox-developer-edition"],
    place: "/Applications/Firefox.app/Contents/MacOS/firefox",
    missing: "no Firefox was found in PATH",
    remedy: "for --browser firefox install Firefox (Debian: apt-get install firefox-esr), or set ODB_FIREFOX to its executable",
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Warn,
    Fail,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    status: Verdict,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

fn ok(name: &'static str, message: impl Into<String>) -> Check {
    Check {
        name,
        status: Verdict::Ok,
        message: message.into(),
        remedy: None,
    }
}

fn warn(name: &'static str, message: impl Into<String>, remedy: &str) -> Check {
    Check {
        name,
        status: Verdict::Warn,
        message: message.into(),
        remedy: Some(remedy.to_owned()),
    }
}

fn fail(name: &'static str, message: impl Into<String>, remedy: &str) -> Check {
    Check {
        name,
        status: Verdict::Fail,
        message: message.into(),
        remedy: Some(remedy.to_owned()),
    }
}

/// Runs the checks; 0 where none fails, 10 where no relay runs, else 2.
pub(crate) async fn run(context: &Context<'_>) -> Outcome<u8> {
    let (relay, chrome, firefox) =
        tokio::join!(relay_binary(context), chrome(context), firefox(context));
    let mut checks = vec![state(context), relay, chrome, firefox, sandbox()];
    let relay = context.client.running();
    let absent = relay
        .as_ref()
        .is_err_and(|failure| failure.code() == Some(ErrorCode::CliDaemonUnavailable));
    match relay {
        Ok(relay) => checks.extend(relay_answers(&relay).await),
        Err(failure) => {
            checks.push(fail(
                "relay",
                render::error::message(&failure),
                "odb-cli open URL starts one, as does odb-cli serve",
            ));
        }
    }
    let failed = checks.iter().any(|check| check.status == Verdict::Fail);
    show(context, &checks, !failed);
    Ok(if absent {
        10
    } else if failed {
        2
    } else {
        0
    })
}

fn show(context: &Context<'_>, checks: &[Check], ok: bool) {
    if context.out.is_json() {
        context
            .out
            .line(&serde_json::json!({ "ok": ok, "checks": checks }).to_string());
        return;
    }
    let lines: Vec<String> = checks
        .iter()
        .map(|check| {
            let status = format!("{:?}", check.status).to_ascii_lowercase();
            let remedy = check
                .remedy
                .as_ref()
                .map(|remedy| format!("\n      {:<14} {remedy}", ""))
                .unwrap_or_default();
            format!("{status:<5} {:<14} {}{remedy}", check.name, check.message)
        })
        .collect();
    context.out.line(&lines.join("\n"));
}

fn state(context: &Context<'_>) -> Check {
    let dir = context.client.home.dir().display().to_string();
    if !context.client.home.dir().exists() {
        return ok("state", format!("{dir} (not made yet)"));
    }
    let files = ["client-id", home::TOKEN, home::RELAY, "default-session"]
        .into_iter()
        .map(str::to_owned);
    let names = context.client.home.session_names().unwrap_or_default();
    let sessions = names.iter().map(|name| format!("sessions/{name}.json"));
    let wrong = files
        .chain(sessions)
        .find_map(|file| context.client.home.read(&file).err());
    match wrong {
        Some(failure) => fail(
            "state",
            render::error::message(&failure),
            "directories 700, files 600, all of them yours",
        ),
        None => ok("state", format!("{dir} ({} sessions stored)", names.len())),
    }
}

async fn relay_binary(context: &Context<'_>) -> Check {
    let Some(path) = context.client.find_relayd() else {
        return fail(
            "relayd",
            "neither beside odb-cli nor in PATH",
            "install relayd beside odb-cli",
        );
    };
    let Some(told) = version(&path).await else {
        return fail(
            "relayd",
            format!("{} does not tell its version", path.display()),
            "install it anew",
        );
    };
    let shown = format!("{} ({told})", path.display());
    if told.ends_with(BINARY_VERSION) {
        ok("relayd", shown)
    } else {
        warn(
            "relayd",
            format!("{shown}, odb-cli is {BINARY_VERSION}"),
            "install both of one version",
        )
    }
}

/// What a program says of itself.
async fn version(program: &Path) -> Option<String> {
    let run = tokio::process::Command::new(program)
        .arg("--version")
        .kill_on_drop(true)
        .output();
    let output = timeout(VERSION_TIMEOUT, run)
        .await
        .ok()?
        .ok()
        .filter(|output| output.status.success())?;
    let told = String::from_utf8_lossy(&output.stdout)
        .lines()
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned();
    Some(told).filter(|told| !told.is_empty())
}

async fn chrome(context: &Context<'_>) -> Check {
    match find(context, &CHROME, context.environment.browser.as_deref()) {
        Ok(found) => found.check().await,
        Err(why) => fail(CHROME.check, why, CHROME.remedy),
    }
}

/// Chromium does without Firefox, so only one that is named and not there is a fault.
async fn firefox(context: &Context<'_>) -> Check {
    let named = context.environment.firefox.as_deref();
    let absent = if named.is_some() { fail } else { warn };
    match find(context, &FIREFOX, named) {
        Ok(found) => found.check().await,
        Err(why) => absent(FIREFOX.check, why, FIREFOX.remedy),
    }
}

/// A browser that sessions would get.
struct Found {
    family: &'static Family,
    path: PathBuf,
    /// Whether its variable names it.
    named: bool,
}

impl Found {
    async fn check(&self) -> Check {
        let by = if self.named {
            format!(", {}", self.family.variable)
        } else {
            String::new()
        };
        let (check, path) = (self.family.check, self.path.display());
        match version(&self.path).await {
            Some(told) => ok(check, format!("{path} ({told}{by})")),
            None => warn(
                check,
                format!("{path} does not tell its version{by}"),
                "run it by hand, or install it anew",
            ),
        }
    }
}

/// The browser of a family that sessions would get, or why there is none.
fn find(
    context: &Context<'_>,
    family: &'static Family,
    named: Option<&Path>,
) -> Result<Found, String> {
    if let Some(path) = named {
        return if path.is_file() {
            Ok(Found {
                family,
                path: path.to_owned(),
                named: true,
            })
        } else {
            Err(format!(
                "{} names {}, which is no file",
                family.variable,
                path.display()
            ))
        };
    }
    let found = family
        .programs
        .iter()
        .find_map(|name| context.client.find_in_path(name));
    let found = found.or_else(|| Some(PathBuf::from(family.place)).filter(|place| place.is_file()));
    found
        .map(|path| Found {
            family,
            path,
            named: false,
        })
        .ok_or_else(|| family.missing.to_owned())
}

fn sandbox() -> Check {
    if rustix::process::geteuid().is_root() {
        return warn(
            "sandbox",
            "Chromium can't sandbox itself for root",
            "run as a normal user where pages are not trusted",
        );
    }
    let reads = |path: &str, value: &str| {
        std::fs::read_to_string(path).is_ok_and(|text| text.trim() == value)
    };
    let closed = reads("/proc/sys/kernel/unprivileged_userns_clone", "0")
        || reads("/proc/sys/user/max_user_namespaces", "0");
    if closed {
        return warn(
            "sandbox",
            "user namespaces are closed to normal users",
            "allow them, or install Chromium with its setuid sandbox",
        );
    }
    ok("sandbox", "available")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    relay_version: String,
    ops_contract_version: String,
    relay_url: String,
    pid: u32,
    limits_profile: String,
    #[serde(default)]
    browsers: Vec<BrowserStatus>,
    #[serde(default)]
    warnings: Vec<String>,
}

async fn relay_answers(relay: &client_core::Relay) -> Vec<Check> {
    let document = match post::status(&relay.endpoint).await {
        Ok(document) => document,
        Err(error) => {
            let message = render::error::message(&Failure::from(error));
            return vec![fail(
                "relay",
                message,
                "see relayd.log in the state directory; odb-cli stop ends a relay that hangs",
            )];
        }
    };
    let Ok(told) = serde_json::from_str::<Told>(&document) else {
        return vec![fail(
            "relay",
            "its status document is not of this version",
            "install odb-cli and relayd of one version",
        )];
    };
    let mut checks = vec![ok(
        "relay",
        format!(
            "{} (pid {}, limits {})",
            told.relay_url, told.pid, told.limits_profile
        ),
    )];
    let same =
        told.relay_version == BINARY_VERSION && told.ops_contract_version == OPS_CONTRACT_VERSION;
    let versions = format!(
        "odb-cli {BINARY_VERSION} with contract {OPS_CONTRACT_VERSION}, relay {} with contract {}",
        told.relay_version, told.ops_contract_version
    );
    checks.push(if same {
        ok("versions", versions)
    } else {
        warn(
            "versions",
            versions,
            "odb-cli stop, then install both of one version",
        )
    });
    for browser in told.browsers.iter().filter(|browser| !browser.responsive) {
        let pid = browser
            .pid
            .map(|pid| format!(" (pid {pid})"))
            .unwrap_or_default();
        let which = format!(
            "{}{pid} does not answer, {} sessions in it",
            browser.product, browser.sessions
        );
        checks.push(warn(
            "browser",
            which,
            "new sessions go to another; it is ended when it stays silent for a minute",
        ));
    }
    checks.extend(
        told.warnings
            .into_iter()
            .map(|warning| warn("relay", warning, "see the relay's log")),
    );
    checks
}
