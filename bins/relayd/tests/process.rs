//! `relayd` as a process: what it tells, what it leaves behind, and how it ends. No browser is started.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Long enough for any machine; a test that runs into it fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A relay in a home of its own, killed when the test is over.
struct Relay {
    child: Child,
    stderr: BufReader<ChildStderr>,
    home: PathBuf,
    told: String,
    _scratch: tempfile::TempDir,
}

fn relayd(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relayd"));
    command
        .env_clear()
        .arg("--home")
        .arg(home)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command
}

impl Relay {
    /// Starts one and waits until it says that it serves.
    fn start(args: &[&str]) -> Self {
        Self::start_with(args, |_, _| ())
    }

    /// The same, with a home and a command that are prepared before.
    fn start_with(args: &[&str], prepare: impl FnOnce(&Path, &mut Command)) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let home = scratch.path().join("home");
        let mut command = relayd(&home);
        prepare(&home, &mut command);
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .args(args)
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut relay = Self {
            child,
            stderr,
            home,
            told: String::new(),
            _scratch: scratch,
        };
        relay.read_until("serves");
        relay
    }

    /// Reads lines up to the one that contains `word`.
    fn read_until(&mut self, word: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(
                self.stderr.read_line(&mut line).unwrap() > 0,
                "no {word:?} in {}",
                self.told
            );
            self.told.push_str(&line);
            if line.contains(word) {
                return line;
            }
        }
    }

    fn file(&self) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.home.join("relay.json")).unwrap())
            .unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Sends one request and reads to the end of the connection.
    fn exchange(&self, method: &str, path: &str, body: &str) -> String {
        let file = self.file();
        let host = file["relayUrl"]
            .as_str()
            .unwrap()
            .strip_prefix("http://")
            .unwrap();
        let token = std::fs::read_to_string(self.home.join("relay.token")).unwrap();
        let mut socket = TcpStream::connect(host).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
             x-ops-contract-version: 1.1.0\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            token.trim(),
            body.len()
        );
        socket.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        socket.read_to_string(&mut reply).unwrap();
        reply
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn told(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_relay_says_where_it_is_and_leaves_nothing_when_it_ends() {
    let mut relay = Relay::start(&["--limits", "local"]);
    let file = relay.file();
    assert_eq!(
        (file["pid"].as_u64(), file["limitsProfile"].as_str()),
        (Some(relay.child.id().into()), Some("local"))
    );
    assert!(
        relay.told.contains(file["relayUrl"].as_str().unwrap()),
        "{}",
        relay.told
    );
    let status = relay.exchange("GET", "/status", "");
    assert!(
        status.starts_with("HTTP/1.1 200") && status.contains(file["instanceId"].as_str().unwrap()),
        "{status}"
    );
    relay.signal(Signal::TERM);
    assert_eq!(relay.child.wait().unwrap().code(), Some(0));
    assert!(!relay.home.join("relay.json").exists());
    assert!(relay.home.join("relay.token").exists());
}

#[test]
fn an_interrupt_ends_it_in_order_too() {
    let mut relay = Relay::start(&[]);
    relay.signal(Signal::INT);
    assert_eq!(relay.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_home_is_served_once_and_taken_over_from_the_dead() {
    let mut relay = Relay::start(&[]);
    let second = relayd(&relay.home)
        .args(["--listen", "0"])
        .output()
        .unwrap();
    assert_eq!(second.status.code(), Some(2));
    assert!(
        told(&second).contains("relay_home_busy")
            && told(&second).contains(&relay.child.id().to_string()),
        "{}",
        told(&second)
    );
    assert!(
        relay.home.join("relay.json").exists(),
        "the first one's file stays"
    );
    relay.signal(Signal::KILL);
    relay.child.wait().unwrap();
    assert!(relay.home.join("relay.json").exists());
    let mut third = relayd(&relay.home)
        .args(["--listen", "0", "--idle-exit-ms", "1"])
        .spawn()
        .unwrap();
    assert_eq!(third.wait().unwrap().code(), Some(0));
    assert!(!relay.home.join("relay.json").exists());
}

#[test]
fn log_lines_of_a_request_carry_its_id_and_no_secret() {
    let mut relay = Relay::start(&["--log-format", "json"]);
    for line in relay.told.clone().lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }
    let body = r#"{"type":"ops_request","requestId":"find-me","command":"session.list"}"#;
    let reply = relay.exchange("POST", "/ops", body);
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    let line: Value = serde_json::from_str(&relay.read_until("find-me")).unwrap();
    assert_eq!(
        (line["requestId"].as_str(), line["command"].as_str()),
        (Some("find-me"), Some("session.list"))
    );
    assert_eq!(
        (line["outcome"].as_str(), line["target"].as_str()),
        (Some("success"), Some("ops"))
    );
    assert!(line["totalMs"].is_f64());
    let token = std::fs::read_to_string(relay.home.join("relay.token")).unwrap();
    assert!(!relay.told.contains(token.trim()));
}

#[test]
fn wrong_command_lines_end_with_one_and_unusable_homes_with_two() {
    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path().join("home");
    for args in [
        &["--limits", "lax"][..],
        &["--listen", "0.0.0.0:1"],
        &["--nonsense"],
        &["--browser-arg", "--remote-debugging-port=1"],
        &["--idle-exit-ms", "0"],
    ] {
        let output = relayd(&home).args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", told(&output));
    }
    assert!(!home.exists(), "a wrong command line touches nothing");
    let help = relayd(&home).arg("--help").output().unwrap();
    assert_eq!(help.status.code(), Some(0));
    std::fs::write(&home, "").unwrap();
    let output = relayd(&home).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told(&output).contains("cli_state_invalid"),
        "{}",
        told(&output)
    );
}

#[test]
fn a_taken_port_is_named_and_nothing_else_is_tried() {
    let relay = Relay::start(&[]);
    let address = relay.file()["relayUrl"]
        .as_str()
        .unwrap()
        .strip_prefix("http://")
        .unwrap()
        .to_owned();
    let scratch = tempfile::tempdir().unwrap();
    let output = relayd(&scratch.path().join("home"))
        .args(["--listen", &address])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        told(&output).contains("relay_start_failed") && told(&output).contains(&address),
        "{}",
        told(&output)
    );
}

fn write_config(home: &Path, text: &str) {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(home)
        .unwrap();
    let path = home.join("config.json");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
}

fn status(relay: &Relay) -> Value {
    let reply = relay.exchange("GET", "/status", "");
    serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn a_hangup_has_the_configuration_read_anew_and_a_broken_one_changes_nothing() {
    let mut relay = Relay::start_with(&[], |home, _| write_config(home, r#"{"later":1}"#));
    let before = status(&relay);
    assert_eq!(
        (
            before["effectiveRoutingMode"].as_str(),
            &before["lastRoutingChangeAt"]
        ),
        (Some("ops"), &Value::Null)
    );
    assert!(
        before["warnings"][0]
            .to_string()
            .contains("config_unknown_key_ignored")
            || before["warnings"][1]
                .to_string()
                .contains("config_unknown_key_ignored")
    );
    write_config(
        &relay.home,
        r#"{"ops":{"killSwitch":true,"activeSessionPolicy":"drain"}}"#,
    );
    relay.signal(Signal::HUP);
    relay.read_until("was reloaded");
    let killed = status(&relay);
    assert_eq!(
        (
            killed["effectiveRoutingMode"].as_str(),
            killed["opsKillSwitchSource"].as_str()
        ),
        (Some("legacy-cdp"), Some("config"))
    );
    assert!(killed["lastRoutingChangeAt"].is_string());
    let refused = relay.exchange(
        "POST",
        "/ops",
        r#"{"type":"ops_request","requestId":"r1","command":"session.create"}"#,
    );
    assert!(
        refused.contains("relay_ops_route_disabled") && refused.contains("kill_switch"),
        "{refused}"
    );
    write_config(&relay.home, "{");
    relay.signal(Signal::HUP);
    relay.read_until("relay_config_invalid");
    assert_eq!(
        status(&relay)["lastRoutingChangeAt"],
        killed["lastRoutingChangeAt"]
    );
    let reloaded = relay.exchange("POST", "/admin/config/reload", "{}");
    assert!(
        reloaded.starts_with("HTTP/1.1 403") && reloaded.contains("relay_admin_disabled"),
        "{reloaded}"
    );
}

#[test]
fn a_kill_switch_of_the_environment_and_the_admin_token_are_taken_and_never_told() {
    let relay = Relay::start_with(&["--ops-routing", "ops"], |_, command| {
        command
            .env("OPENDEVBROWSER_OPS_KILL_SWITCH", "1")
            .env("DASHBOARD_ADMIN_TOKEN", "an-admin-token");
    });
    let document = status(&relay);
    assert_eq!(
        (
            document["effectiveRoutingMode"].as_str(),
            document["opsKillSwitchSource"].as_str()
        ),
        (Some("legacy-cdp"), Some("env"))
    );
    let reply = relay.exchange("POST", "/admin/config/reload", "{}");
    assert!(
        reply.starts_with("HTTP/1.1 401") && reply.contains("relay_admin_invalid"),
        "{reply}"
    );
    assert!(!relay.told.contains("an-admin-token"));
}

#[test]
fn a_configuration_that_can_not_be_used_is_refused_at_the_start() {
    let scratch = tempfile::tempdir().unwrap();
    let home = scratch.path().join("home");
    write_config(&home, r#"{"logLevel":"loud","browser":{"sandbox":7}}"#);
    let output = relayd(&home).args(["--listen", "0"]).output().unwrap();
    let said = told(&output);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said.contains("relay_config_invalid")
            && said.contains("logLevel")
            && said.contains("browser.sandbox"),
        "{said}"
    );
    let output = relayd(&home)
        .args(["--ops-rollout-allowlist", "bob"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    assert!(told(&output).contains("cli_rollout_allowlist_invalid"));
}
