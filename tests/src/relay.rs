//! A real `relayd` in a home of its own, and clients of it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ops_client::{Client, Endpoint, Options, RequestIds, Trust};
use ops_contracts::control::config::{BROWSER, FIREFOX, VARIABLES};
use ops_contracts::wire::command::session::{CreateParams, CreateResult};
use ops_contracts::wire::command::{Command as OpsCommand, SessionCreate};
use ops_contracts::wire::frame::ClientKind;
use ops_contracts::wire::ids::{LeaseId, SessionId};
use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::PATIENCE;
use crate::subjects::signal;

/// The path of one of our programs beside this test; built when it is missing.
///
/// # Panics
/// When it can't be built.
pub fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test program has a path");
    let directory = test
        .parent()
        .and_then(Path::parent)
        .expect("a test program is in target/<profile>/deps");
    let program = directory.join(name);
    let lock =
        File::create(directory.join(".odb-tests.lock")).expect("the target directory is writable");
    lock.lock().expect("the file can be locked");
    if !program.exists() {
        let mut build = Command::new("cargo");
        build
            .args(["build", "--quiet", "-p", "relayd", "-p", "odb-cli"])
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        if directory.ends_with("release") {
            build.arg("--release");
        }
        assert!(
            build.status().is_ok_and(|status| status.success()),
            "{name} could not be built"
        );
    }
    program
}

/// Writes `config.json` of the home below `scratch`, for a relay that is about to start.
///
/// # Panics
/// When it can't be written.
pub fn configure(scratch: &TempDir, config: &str) {
    use std::os::unix::fs::PermissionsExt;
    let (home, private) = (scratch.path().join("home"), std::fs::Permissions::from_mode);
    let file = home.join("config.json");
    std::fs::create_dir_all(&home).expect("the scratch directory is writable");
    std::fs::write(&file, config).expect("the home is writable");
    std::fs::set_permissions(&home, private(0o700)).expect("the home is ours");
    std::fs::set_permissions(&file, private(0o600)).expect("the file is ours");
}

/// A running relay; killed at the end of its test, however that ends.
pub struct Relay {
    child: Child,
    home: PathBuf,
    log: Arc<Mutex<String>>,
}

impl Relay {
    /// Starts one in a home below `scratch` and waits until it serves.
    ///
    /// # Panics
    /// When it does not.
    pub fn start(scratch: &TempDir) -> Self {
        Self::start_with(scratch, &[])
    }

    /// The same, with further arguments.
    ///
    /// # Panics
    /// When it does not.
    pub fn start_with(scratch: &TempDir, arguments: &[&str]) -> Self {
        Self::spawn(scratch, "local", arguments, &[])
    }

    /// The same, with a limits profile and further variables of the environment.
    ///
    /// # Panics
    /// When it does not.
    pub fn start_as(scratch: &TempDir, limits: &str, variables: &[(&str, &str)]) -> Self {
        Self::spawn(scratch, limits, &[], variables)
    }

    /// The same, with further arguments and further variables of the environment.
    ///
    /// # Panics
    /// When it does not.
    pub fn start_within(scratch: &TempDir, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        Self::spawn(scratch, "local", arguments, variables)
    }

    fn spawn(
        scratch: &TempDir,
        limits: &str,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let home = scratch.path().join("home");
        let mut command = Command::new(program("relayd"));
        // Of the environment it has the browsers alone: what else is set there would be a setting that no test named.
        for variable in VARIABLES
            .iter()
            .filter(|variable| ![BROWSER, FIREFOX].contains(&variable.name))
        {
            command.env_remove(variable.name);
        }
        let mut child = command
            .arg("--home")
            .arg(&home)
            .args([
                "--listen",
                "127.0.0.1:0",
                "--limits",
                limits,
                "--sandbox",
                "off",
                "--browser-arg",
                "--disable-quic",
            ])
            .args(arguments)
            .env("HOME", scratch.path())
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("relayd starts");
        let mut told = BufReader::new(child.stderr.take().expect("its errors are piped"));
        let (mut all, mut line) = (String::new(), String::new());
        while !line.contains("serves") {
            line.clear();
            assert!(
                told.read_line(&mut line).is_ok_and(|read| read > 0),
                "relayd does not serve: {all}"
            );
            all.push_str(&line);
        }
        // Its further lines are read, so that it never waits for a reader.
        let (log, kept) = (Arc::new(Mutex::new(all)), told);
        let reading = log.clone();
        std::thread::spawn(move || {
            for line in kept.lines().map_while(Result::ok) {
                let mut log = reading.lock().unwrap_or_else(PoisonError::into_inner);
                log.push_str(&line);
                log.push('\n');
            }
        });
        Self { child, home, log }
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has told on standard error so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Its home.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Sends it a signal.
    pub fn signal(&self, number: Signal) {
        signal(self.pid(), number);
    }

    /// Waits until it has ended; its exit code, or none where a signal ended it.
    ///
    /// # Panics
    /// When it can't be waited for.
    pub fn ended(&mut self) -> Option<i32> {
        self.child.wait().expect("a child can be waited for").code()
    }

    /// Where it is, as a client named `client` calls it.
    ///
    /// # Panics
    /// When its files are not what they should be.
    #[must_use]
    pub fn endpoint(&self, client: &str) -> Endpoint {
        let read = |name: &str| {
            std::fs::read_to_string(self.home.join(name)).expect("the relay's file is there")
        };
        let file: Value = serde_json::from_str(&read("relay.json")).expect("relay.json is JSON");
        let url = file["relayUrl"].as_str().and_then(|url| url.parse().ok());
        Endpoint {
            url: url.expect("relay.json tells the URL"),
            trust: file["certificateSha256"]
                .as_str()
                .map(|sha256| Trust::fingerprint(sha256).expect("it is a fingerprint")),
            token: read("relay.token")
                .trim()
                .parse()
                .expect("relay.token is a token"),
            pairing: None,
            client_id: client.parse().expect("a valid client id"),
            client_kind: ClientKind::Other,
            client_version: "0.2.0".to_owned(),
            routing: ops_contracts::wire::routing::RequestControls::default(),
            request_ids: RequestIds::new(nonce()),
        }
    }

    /// A client on a connection of its own.
    ///
    /// # Panics
    /// When it can't connect.
    pub async fn client(&self, client: &str) -> Client {
        Client::connect(self.endpoint(client), Options::default())
            .await
            .expect("the relay takes the connection")
    }

    /// Processes whose command line names this relay's home: its browsers and their guards.
    #[must_use]
    pub fn browser_processes(&self) -> Vec<u32> {
        processes_of(&self.home)
            .into_iter()
            .filter(|pid| *pid != self.pid())
            .collect()
    }

    /// Kills every browser of this relay; their guards go by themselves.
    ///
    /// # Panics
    /// When there is none.
    pub fn kill_browsers(&self) {
        let roots: Vec<u32> = self
            .browser_processes()
            .into_iter()
            .filter(|pid| !is_ours(*pid))
            .collect();
        assert!(!roots.is_empty(), "no browser runs");
        roots.into_iter().for_each(|pid| signal(pid, Signal::KILL));
    }

    /// The renderers of this relay's browsers: children of its children, which no command line ties to it.
    #[must_use]
    pub fn renderers(&self) -> Vec<u32> {
        let all = processes();
        let mut found = vec![self.pid()];
        let mut at = 0;
        while let Some(parent) = found.get(at).copied() {
            found.extend(
                all.iter()
                    .filter(|(_, of)| *of == parent)
                    .map(|(pid, _)| *pid),
            );
            at += 1;
        }
        let renders = |pid: &u32| command_line(*pid).contains("--type=renderer");
        found.into_iter().filter(renders).collect()
    }

    /// Waits until no browser of this relay is left; those that are when `within` has passed.
    pub async fn leftovers(&self, within: Duration) -> Vec<u32> {
        let deadline = Instant::now() + within;
        loop {
            let left = self.browser_processes();
            if left.is_empty() || Instant::now() >= deadline {
                return left;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended already. Its guards end its browsers.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Different for each endpoint of each test process.
fn nonce() -> u128 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    u128::from(std::process::id()) << 64 | u128::from(NEXT.fetch_add(1, Ordering::Relaxed))
}

fn processes_of(home: &Path) -> Vec<u32> {
    let home = home.to_string_lossy().into_owned();
    processes()
        .into_iter()
        .map(|(pid, _)| pid)
        .filter(|pid| command_line(*pid).contains(&home))
        .collect()
}

/// The processes that there are, each with its parent.
fn processes() -> Vec<(u32, u32)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let parent = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name before it may hold anything, parentheses included.
        stat.rsplit_once(')')?
            .1
            .split_whitespace()
            .nth(1)?
            .parse()
            .ok()
    };
    pids.filter_map(|pid| Some((pid, parent(pid)?))).collect()
}

/// A process' command line; an ended process that nobody has waited for has an empty one.
fn command_line(pid: u32) -> String {
    std::fs::read(format!("/proc/{pid}/cmdline"))
        .map(|line| String::from_utf8_lossy(&line).into_owned())
        .unwrap_or_default()
}

/// Whether a process is a relay or a guard.
fn is_ours(pid: u32) -> bool {
    command_line(pid)
        .split('\0')
        .next()
        .is_some_and(|program| program.ends_with("relayd"))
}

/// A session of a client.
pub struct RemoteSession {
    /// The connection that it is used over.
    pub client: Client,
    /// What `session.create` returned.
    pub made: CreateResult,
}

impl RemoteSession {
    /// Makes a session.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn create(client: &Client, params: &CreateParams) -> Self {
        let (made, _) = client
            .call::<SessionCreate>(None, params, Some(PATIENCE))
            .await
            .expect("a session is made");
        Self {
            client: client.clone(),
            made,
        }
    }

    /// The session and its lease, as calls take them.
    #[must_use]
    pub fn holder(&self) -> Option<(&SessionId, &LeaseId)> {
        Some((&self.made.session_id, &self.made.lease_id))
    }

    /// Runs a command.
    ///
    /// # Errors
    /// What the client tells.
    pub async fn call<C: OpsCommand>(
        &self,
        params: &C::Params,
    ) -> Result<C::Result, ops_client::ClientError> {
        Ok(self.client.call::<C>(self.holder(), params, None).await?.0)
    }

    /// The same session over another connection.
    #[must_use]
    pub fn over(&self, client: &Client) -> Self {
        Self {
            client: client.clone(),
            made: self.made.clone(),
        }
    }
}
