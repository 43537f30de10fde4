//! Finds the relay of this home, and starts one where none runs.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ops_client::{Endpoint, Trust, post};
use ops_contracts::wire::http::{RelayFile, home};
use ops_contracts::wire::routing::{Route, RoutingMode};
use ops_contracts::wire::version::{BINARY_VERSION, OPS_CONTRACT_VERSION, OPS_MIN_COMPAT_VERSION};
use ops_contracts::{ErrorCode, Fault};
use routing::preflight::{self, RelayVersions};
use rustix::process::Pid;
use tokio::time::{Instant, sleep};

use crate::context::Context;
use crate::failure::{Failure, Outcome};

/// How long a relay that runs may take to answer before it counts as gone.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a new relay may take to be ready.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// How often a starting relay is looked at: short, for the first command waits for it.
const START_POLL: Duration = Duration::from_millis(3);

/// How long another relay may take to be ready after ours found it starting and left.
const YIELD_TIMEOUT: Duration = Duration::from_secs(2);

/// After how long without sessions a relay that was started here leaves, in milliseconds.
const IDLE_EXIT_MS: &str = "900000";

/// How much of the log's end an error shows.
const LOG_TAIL: u64 = 4096;

/// A relay to be called.
pub(crate) struct Relay {
    pub(crate) endpoint: Endpoint,
    /// The instance that runs, where its file tells it.
    pub(crate) instance_id: Option<String>,
    /// Its process, where it is of this home.
    pub(crate) pid: Option<Pid>,
    /// Its file, where it is of this home.
    file: Option<RelayFile>,
}

impl Relay {
    /// Checks the versions before anything is sent. A relay that is named by its URL checks them itself, at no further round trip.
    ///
    /// # Errors
    /// `cli_version_unsupported` where `/ops` would refuse this client, `cli_version_invalid` for a version that is none.
    pub(crate) fn preflight(&self, context: &Context<'_>) -> Outcome<()> {
        let Some((file, relay)) = self
            .file
            .as_ref()
            .and_then(|file| Some((file, file.relay_version.as_deref()?)))
        else {
            return Ok(());
        };
        let route = match context.routing.cli.routing_mode {
            Some(RoutingMode::LegacyCdp) => Route::LegacyCdp,
            _ => Route::Ops,
        };
        let versions = RelayVersions {
            relay,
            contract: file
                .ops_contract_version
                .as_deref()
                .unwrap_or(OPS_CONTRACT_VERSION),
            min_contract: file
                .ops_min_contract_version
                .as_deref()
                .unwrap_or(OPS_MIN_COMPAT_VERSION),
        };
        Ok(preflight::versions(
            route,
            BINARY_VERSION,
            OPS_CONTRACT_VERSION,
            &versions,
        )?)
    }

    /// Whether the command line named it.
    pub(crate) fn is_remote(&self) -> bool {
        self.pid.is_none()
    }
}

/// The relay that the command line names, or the one of this home, if it runs.
pub(crate) fn running(context: &Context<'_>) -> Outcome<Relay> {
    if let Some(relay) = remote(context)? {
        return Ok(relay);
    }
    let home = context.home.dir().display();
    local(context)?.ok_or_else(|| {
        Failure::new(
            ErrorCode::CliDaemonUnavailable,
            format!("no relay runs for {home}"),
        )
    })
}

/// The relay that the command line names, or the one of this home, started if need be.
pub(crate) async fn ensure(context: &Context<'_>) -> Outcome<Relay> {
    if let Some(relay) = remote(context)? {
        return Ok(relay);
    }
    let known = local(context)?;
    if let Some(relay) = known {
        if post::is_healthy(&relay.endpoint, ANSWER_TIMEOUT).await {
            return Ok(relay);
        }
        return start(context, relay.instance_id).await;
    }
    start(context, None).await
}

fn remote(context: &Context<'_>) -> Outcome<Option<Relay>> {
    let (Some(url), Some(file)) = (&context.global.relay, &context.global.token_file) else {
        return Ok(None);
    };
    let token = std::fs::read_to_string(file).map_err(|error| {
        Failure::new(
            ErrorCode::CliFileUnreadable,
            format!("{}: {error}", file.display()),
        )
    })?;
    Ok(Some(Relay {
        endpoint: context.endpoint(url, &token, authorities(context)?)?,
        instance_id: None,
        pid: None,
        file: None,
    }))
}

/// The authorities that the command line or the environment names.
fn authorities(context: &Context<'_>) -> Outcome<Option<Trust>> {
    let Some(file) = context
        .global
        .ca_file
        .as_ref()
        .or(context.environment.ca_file.as_ref())
    else {
        return Ok(None);
    };
    let unreadable = |why: String| {
        Failure::new(
            ErrorCode::CliFileUnreadable,
            format!("{}: {why}", file.display()),
        )
    };
    let text = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    Trust::authorities(&text)
        .map(Some)
        .map_err(|error| unreadable(error.to_string()))
}

/// The relay that `relay.json` names, where a relay serves the home. Token and leases go to no port that a dead relay has left to
/// others: a process id would not tell, for it may be a zombie's or another program's by now.
fn local(context: &Context<'_>) -> Outcome<Option<Relay>> {
    // Looked at first: who holds the lock has taken back what an earlier relay announced.
    if !context.home.is_served()? {
        return Ok(None);
    }
    let Some(file) = context.home.read_json::<RelayFile>(home::RELAY)? else {
        return Ok(None);
    };
    let Some(pid) = Pid::from_raw(file.pid).filter(|_| file.pid > 1) else {
        return Ok(None);
    };
    let Some(token) = context.home.read(home::TOKEN)? else {
        return Ok(None);
    };
    let trust = file
        .certificate_sha256
        .as_deref()
        .map(Trust::fingerprint)
        .transpose();
    let trust = trust.map_err(|error| {
        crate::state::invalid(&context.home.path(home::RELAY), &error.to_string())
    })?;
    let endpoint = context.endpoint(&file.relay_url, &token, trust)?;
    Ok(Some(Relay {
        endpoint,
        instance_id: Some(file.instance_id.clone()),
        pid: Some(pid),
        file: Some(file),
    }))
}

/// The program `relayd`: beside this one, or in the path.
pub(crate) fn find_relayd(context: &Context<'_>) -> Option<PathBuf> {
    let beside = context
        .environment
        .executable
        .as_ref()
        .and_then(|own| own.parent())
        .map(|dir| dir.join("relayd"));
    beside
        .filter(|path| path.is_file())
        .or_else(|| find_in_path(context, "relayd"))
}

/// A program in the path.
pub(crate) fn find_in_path(context: &Context<'_>, name: &str) -> Option<PathBuf> {
    let path = context.environment.path.as_ref()?;
    std::env::split_paths(path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|path| path.is_file())
}

/// The relay's command, with its home, and without a switch that is meant for this program alone.
pub(crate) fn relayd(context: &Context<'_>) -> Outcome<Command> {
    let program = find_relayd(context).ok_or_else(|| {
        Failure::new(
            ErrorCode::CliDaemonUnavailable,
            "no relay runs, and relayd is neither beside odb-cli nor in PATH",
        )
    })?;
    let mut command = Command::new(program);
    command
        .env("ODB_HOME", context.home.dir())
        .env_remove("OPENDEVBROWSER_OPS_KILL_SWITCH");
    Ok(command)
}

async fn start(context: &Context<'_>, gone: Option<String>) -> Outcome<Relay> {
    let (log, old) = context.home.open_log()?;
    let unstartable = |error: std::io::Error| {
        Failure::new(
            ErrorCode::CliDaemonUnavailable,
            format!("relayd can't be started: {error}"),
        )
    };
    let mut command = relayd(context)?;
    // A process group of its own: what the terminal sends to this command is not meant for the relay.
    command
        .args(["--limits", "local", "--idle-exit-ms", IDLE_EXIT_MS])
        .process_group(0)
        .stdin(Stdio::null());
    command
        .stdout(log.try_clone().map_err(unstartable)?)
        .stderr(log);
    let mut child = command.spawn().map_err(unstartable)?;
    let relay = wait_until_ready(context, &mut child, gone).await;
    match relay {
        Ok(Some(relay)) => {
            let pid = relay.pid.map_or(0, Pid::as_raw_pid);
            context.out.note(&format!("started relayd (pid {pid})"));
            Ok(relay)
        }
        outcome => {
            let _ = child.kill().and_then(|()| child.wait());
            outcome.and_then(|_| Err(not_ready(context, old)))
        }
    }
}

/// Waits for a relay other than the one that is gone: the child, or one that another command has started meanwhile.
async fn wait_until_ready(
    context: &Context<'_>,
    child: &mut Child,
    gone: Option<String>,
) -> Outcome<Option<Relay>> {
    let mut deadline = Instant::now() + START_TIMEOUT;
    let mut left = false;
    while Instant::now() < deadline {
        if let Some(relay) = local(context)?.filter(|relay| relay.instance_id != gone)
            && post::is_healthy(&relay.endpoint, ANSWER_TIMEOUT).await
        {
            return Ok(Some(relay));
        }
        if !left && child.try_wait().is_ok_and(|status| status.is_some()) {
            left = true;
            deadline = deadline.min(Instant::now() + YIELD_TIMEOUT);
        }
        sleep(START_POLL).await;
    }
    Ok(None)
}

fn not_ready(context: &Context<'_>, old: u64) -> Failure {
    let path = context.home.path("relayd.log");
    let tail = File::open(&path).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(
            old.max(length.saturating_sub(LOG_TAIL)).min(length),
        ))?;
        let mut bytes = Vec::new();
        file.take(LOG_TAIL).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    });
    let tail = tail.unwrap_or_default();
    let last = tail
        .trim()
        .lines()
        .rev()
        .take(12)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect::<Vec<_>>()
        .join("\n  ");
    let shown = if last.is_empty() {
        "it said nothing".to_owned()
    } else {
        format!("its last words:\n  {last}")
    };
    let message = format!(
        "relayd did not become ready within {} s; {shown}",
        START_TIMEOUT.as_secs()
    );
    Fault::new(ErrorCode::CliDaemonUnavailable, message)
        .with("log", path.display().to_string())
        .into()
}
