//! Finds the relay of this home, and starts one where none runs.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ops_client::{Endpoint, Trust, post};
use ops_contracts::wire::http::{RelayFile, home};
use ops_contracts::{ErrorCode, Fault};
use rustix::process::Pid;
use tokio::time::{Instant, sleep};

use crate::client::{Client, RemoteRelay};
use crate::failure::{Failure, Outcome};
use crate::home::invalid;

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
#[derive(Debug)]
pub struct Relay {
    /// Where it is, with who calls.
    pub endpoint: Endpoint,
    /// The instance that runs, where its file tells it.
    pub instance_id: Option<String>,
    /// Its process, where it is of this home.
    pub pid: Option<Pid>,
    /// Whether it was started just now, for this client.
    pub started: bool,
    /// Its file, where it is of this home.
    file: Option<RelayFile>,
}

impl Relay {
    /// Checks the versions before anything is sent. A relay that is named by its URL checks them itself, at no further round trip.
    ///
    /// # Errors
    /// `cli_version_unsupported` where `/ops` would refuse this client, `cli_version_invalid` for a version that is none.
    pub fn preflight(&self, client: &Client) -> Outcome<()> {
        let Some(file) = self.file.as_ref() else {
            return Ok(());
        };
        let check = client.surroundings.check_versions;
        Ok(check(&client.routing, &self.endpoint.client_id, file)?)
    }

    /// Whether the command line named it.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        self.pid.is_none()
    }
}

impl Client {
    /// The relay that is named, or the one of this home, if it runs.
    ///
    /// # Errors
    /// `cli_daemon_unavailable` where none runs; the files' codes.
    pub fn running(&self) -> Outcome<Relay> {
        if let Some(relay) = self.named()? {
            return Ok(relay);
        }
        let home = self.home.dir().display();
        self.local()?.ok_or_else(|| {
            Failure::new(
                ErrorCode::CliDaemonUnavailable,
                format!("no relay runs for {home}"),
            )
        })
    }

    /// The relay that is named, or the one of this home, started if need be.
    ///
    /// # Errors
    /// `cli_daemon_unavailable` where it can't be started; the files' codes.
    pub async fn ensure(&self) -> Outcome<Relay> {
        if let Some(relay) = self.named()? {
            return Ok(relay);
        }
        if let Some(relay) = self.local()? {
            if post::is_healthy(&relay.endpoint, ANSWER_TIMEOUT).await {
                return Ok(relay);
            }
            return self.start(relay.instance_id).await;
        }
        self.start(None).await
    }

    fn named(&self) -> Outcome<Option<Relay>> {
        let Some(named) = &self.remote else {
            return Ok(None);
        };
        let file = &named.token_file;
        let token =
            std::fs::read_to_string(file).map_err(|error| Failure::unreadable(file, error))?;
        Ok(Some(Relay {
            endpoint: self.endpoint(&named.url, &token, authorities(named)?)?,
            instance_id: None,
            pid: None,
            started: false,
            file: None,
        }))
    }

    /// The relay that `relay.json` names, where a relay serves the home. Token and leases go to no port that a dead relay has
    /// left to others: a process id would not tell, for it may be a zombie's or another program's by now.
    fn local(&self) -> Outcome<Option<Relay>> {
        // Looked at first: who holds the lock has taken back what an earlier relay announced.
        if !self.home.is_served()? {
            return Ok(None);
        }
        let Some(file) = self.home.read_json::<RelayFile>(home::RELAY)? else {
            return Ok(None);
        };
        let Some(pid) = Pid::from_raw(file.pid).filter(|_| file.pid > 1) else {
            return Ok(None);
        };
        let Some(token) = self.home.read(home::TOKEN)? else {
            return Ok(None);
        };
        let trust = file
            .certificate_sha256
            .as_deref()
            .map(Trust::fingerprint)
            .transpose();
        let trust =
            trust.map_err(|error| invalid(&self.home.path(home::RELAY), &error.to_string()))?;
        let endpoint = self.endpoint(&file.relay_url, &token, trust)?;
        Ok(Some(Relay {
            endpoint,
            instance_id: Some(file.instance_id.clone()),
            pid: Some(pid),
            started: false,
            file: Some(file),
        }))
    }

    /// The program `relayd`: beside this one, or in the path.
    #[must_use]
    pub fn find_relayd(&self) -> Option<PathBuf> {
        let own = self.surroundings.executable.as_ref();
        let beside = own
            .and_then(|own| own.parent())
            .map(|dir| dir.join("relayd"));
        beside
            .filter(|path| path.is_file())
            .or_else(|| self.find_in_path("relayd"))
    }

    /// A program in the path.
    #[must_use]
    pub fn find_in_path(&self, name: &str) -> Option<PathBuf> {
        let path = self.surroundings.path.as_ref()?;
        std::env::split_paths(path)
            .filter(|dir| dir.is_absolute())
            .map(|dir| dir.join(name))
            .find(|path| path.is_file())
    }

    /// The relay's command, with its home, and without a switch that is meant for this program alone.
    ///
    /// # Errors
    /// `cli_daemon_unavailable` where `relayd` is not found.
    pub fn relayd(&self) -> Outcome<Command> {
        let program = self.find_relayd().ok_or_else(|| {
            Failure::new(
                ErrorCode::CliDaemonUnavailable,
                "no relay runs, and relayd is neither beside odb-cli nor in PATH",
            )
        })?;
        let mut command = Command::new(program);
        command
            .env("ODB_HOME", self.home.dir())
            .env_remove("OPENDEVBROWSER_OPS_KILL_SWITCH");
        Ok(command)
    }

    async fn start(&self, gone: Option<String>) -> Outcome<Relay> {
        let (log, old) = self.home.open_log()?;
        let unstartable = |error: std::io::Error| {
            Failure::new(
                ErrorCode::CliDaemonUnavailable,
                format!("relayd can't be started: {error}"),
            )
        };
        let mut command = self.relayd()?;
        // A process group of its own: what the terminal sends to this command is not meant for the relay.
        command
            .args(["--limits", "local", "--idle-exit-ms", IDLE_EXIT_MS])
            .process_group(0)
            .stdin(Stdio::null());
        command
            .stdout(log.try_clone().map_err(unstartable)?)
            .stderr(log);
        let mut child = command.spawn().map_err(unstartable)?;
        let relay = self.wait_until_ready(&mut child, gone).await;
        match relay {
            Ok(Some(relay)) => Ok(Relay {
                started: true,
                ..relay
            }),
            outcome => {
                let _ = child.kill().and_then(|()| child.wait());
                outcome.and_then(|_| Err(not_ready(self, old)))
            }
        }
    }

    /// Waits for a relay other than the one that is gone: the child, or one that another command has started meanwhile.
    async fn wait_until_ready(
        &self,
        child: &mut Child,
        gone: Option<String>,
    ) -> Outcome<Option<Relay>> {
        let mut deadline = Instant::now() + START_TIMEOUT;
        let mut left = false;
        while Instant::now() < deadline {
            if let Some(relay) = self.local()?.filter(|relay| relay.instance_id != gone)
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
}

/// The authorities that the named relay is checked against, where it is not the system's.
fn authorities(named: &RemoteRelay) -> Outcome<Option<Trust>> {
    let Some(file) = &named.ca_file else {
        return Ok(None);
    };
    let text = std::fs::read(file).map_err(|error| Failure::unreadable(file, error))?;
    Trust::authorities(&text)
        .map(Some)
        .map_err(|error| Failure::unreadable(file, error))
}

fn not_ready(client: &Client, old: u64) -> Failure {
    let path = client.home.path("relayd.log");
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
