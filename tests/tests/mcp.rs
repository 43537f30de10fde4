//! `odb-cli mcp` as agents use it: over stdin and stdout, with a real relay and a real browser.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use conformance::site::Site;
use odb_tests::PATIENCE;
use odb_tests::relay::{Relay, program};
use serde_json::{Value, json};

/// A client of the protocol with the server that it started.
struct Agent {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    next: u64,
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Agent {
    fn start(relay: &Relay) -> Self {
        let mut child = Command::new(program("odb-cli"))
            .args(["mcp", "--home"])
            .arg(relay.home())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            input: child.stdin.take(),
            child,
            lines,
            next: 0,
        }
    }

    /// Starts one and shakes hands; the instructions beside it.
    fn greet(relay: &Relay) -> (Self, String) {
        let mut agent = Self::start(relay);
        let hello = agent.ask(
            "initialize",
            json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}),
        );
        assert_eq!(hello["result"]["protocolVersion"], "2025-11-25", "{hello}");
        agent.write(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        let instructions = hello["result"]["instructions"].as_str().unwrap().to_owned();
        (agent, instructions)
    }

    fn write(&mut self, message: &Value) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{message}").unwrap();
        input.flush().unwrap();
    }

    /// Sends a request; its id.
    fn send(&mut self, method: &str, params: Value) -> u64 {
        self.next += 1;
        let id = self.next;
        self.write(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    fn answer(&mut self, id: u64) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap();
            let message: Value = serde_json::from_str(&line).unwrap();
            if message["id"] == id {
                return message;
            }
        }
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params);
        self.answer(id)
    }

    /// Calls a tool; its result.
    fn tool(&mut self, name: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({"name": name, "arguments": arguments}));
        answer["result"].clone()
    }

    /// Calls a tool that succeeds; its text.
    #[track_caller]
    fn text(&mut self, name: &str, arguments: Value) -> String {
        let result = self.tool(name, arguments);
        assert_eq!(result["isError"], false, "{name}: {result}");
        result["content"][0]["text"].as_str().unwrap().to_owned()
    }

    /// Opens a session on a URL; its handle, and what was said.
    fn open(&mut self, url: &str) -> (String, String) {
        let text = self.text("browser_open", json!({"url": url}));
        let handle = text.lines().next().unwrap().strip_prefix("session ");
        (handle.unwrap().to_owned(), text)
    }

    /// Ends its input, and waits until the server has ended.
    fn leave(&mut self) -> Option<i32> {
        self.input.take();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the server outlives its input")
    }
}

fn sessions(relay: &Relay) -> usize {
    let listed = Command::new(program("odb-cli"))
        .args(["session", "list", "--output", "json", "--home"])
        .arg(relay.home())
        .output()
        .unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    listed["result"]["sessions"].as_array().unwrap().len()
}

/// What of a text stands outside of the marks that the instructions tell.
fn outside(text: &str, instructions: &str) -> String {
    let nonce = instructions.split("<page ").nth(1).unwrap();
    let nonce = nonce.split('>').next().unwrap();
    let (before, rest) = text.split_once(&format!("<page {nonce}>")).unwrap();
    let (_, after) = rest.split_once(&format!("</page {nonce}>")).unwrap();
    format!("{before}{after}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_acts_on_a_page_and_a_blind_repetition_does_not_click_twice() {
    let (scratch, site) = (tempfile::tempdir().unwrap(), Site::start().unwrap());
    let relay = Relay::start(&scratch);
    let (mut agent, instructions) = Agent::greet(&relay);
    let tools = agent.ask("tools/list", json!({}));
    assert_eq!(tools["result"]["tools"].as_array().unwrap().len(), 10);
    assert!(tools["result"].to_string().len() <= 6_000);

    let (session, opened) = agent.open(&site.url("/plain"));
    assert!(opened.contains("button \"A button\""), "{opened}");
    let ours = outside(&opened, &instructions);
    assert!(
        !ours.contains("Plain page") && !ours.contains("127.0.0.1"),
        "{ours}"
    );
    agent.text(
        "browser_read",
        json!({"session": session, "what": "eval", "expression": "window.n = 0; addEventListener('click', () => n += 1); n"}),
    );
    let click = json!({"session": session, "steps": [
        {"do": "fill", "element": "input", "value": "ada"},
        {"do": "click", "element": "role=button[name=\"A button\"]"},
    ]});
    let first = agent.text("browser_act", click.clone());
    assert!(first.starts_with("2 of 2 steps done"), "{first}");
    assert!(
        first.contains("1 fill textbox") && first.contains("2 click button"),
        "{first}"
    );
    let again = agent.text("browser_act", click.clone());
    assert!(again.starts_with("NOT RUN AGAIN"), "{again}");
    let clicks = json!({"session": session, "what": "eval", "expression": "n"});
    let counted = agent.text("browser_read", clicks.clone());
    assert!(counted.contains("\n1\n"), "{counted}");

    // That was a look: the same steps are meant now.
    let third = agent.text("browser_act", click);
    assert!(third.starts_with("2 of 2 steps done"), "{third}");
    let keyed = json!({"session": session, "key": "once", "steps": [{"do": "click", "element": "text=A button"}]});
    agent.text("browser_act", keyed.clone());
    agent.text("browser_snapshot", json!({"session": session}));
    let again = agent.text("browser_act", keyed);
    assert!(again.starts_with("NOT RUN AGAIN"), "{again}");
    let counted = agent.text("browser_read", clicks);
    assert!(counted.contains("\n3\n"), "{counted}");

    agent.text("browser_close", json!({"session": session}));
    assert_eq!(sessions(&relay), 0);
    assert_eq!(agent.leave(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn errors_of_tools_have_a_code_a_source_and_a_hint_and_no_lease_is_shown() {
    let (scratch, site) = (tempfile::tempdir().unwrap(), Site::start().unwrap());
    let relay = Relay::start(&scratch);
    let (mut agent, _) = Agent::greet(&relay);
    let (session, _) = agent.open(&site.url("/plain"));
    for (tool, arguments, code) in [
        (
            "browser_snapshot",
            json!({"session": "s_unknown"}),
            "cli_session_missing",
        ),
        (
            "browser_act",
            json!({"session": session}),
            "cli_usage_invalid",
        ),
        (
            "browser_act",
            json!({"session": session, "steps": [{"do": "click", "element": "e9999"}]}),
            "ops_ref_stale",
        ),
        (
            "browser_act",
            json!({"session": session, "steps": [{"do": "fill", "element": "input"}]}),
            "ops_invalid_request",
        ),
        (
            "browser_wait",
            json!({"session": session, "text": "never", "timeoutMs": 200}),
            "ops_timeout",
        ),
        (
            "browser_call",
            json!({"session": session, "command": "session.reclaim"}),
            "cli_usage_invalid",
        ),
        (
            "browser_call",
            json!({"session": session, "command": "dom.nothing"}),
            "ops_command_unknown",
        ),
        (
            "browser_page",
            json!({"session": session, "do": "goto", "url": "file:///etc/hostname"}),
            "ops_url_forbidden",
        ),
    ] {
        let result = agent.tool(tool, arguments);
        assert_eq!(result["isError"], true, "{result}");
        let fields = &result["structuredContent"];
        assert_eq!(fields["code"], code, "{result}");
        assert_eq!(fields["source"], code.split('_').next().unwrap());
        assert!(
            fields["retryable"].is_boolean() && fields["hint"].is_string(),
            "{result}"
        );
    }
    let listed = agent.text(
        "browser_call",
        json!({"session": session, "command": "session.list"}),
    );
    assert!(!listed.contains("leaseId"), "{listed}");
    let saved = agent.tool(
        "browser_save",
        json!({"session": session, "what": "screenshot", "name": "../a.png"}),
    );
    let link = saved["content"][1]["uri"].as_str().unwrap();
    let path = link.strip_prefix("file://").unwrap();
    assert!(path.starts_with(relay.home().to_str().unwrap()), "{path}");
    assert!(std::fs::read(path).unwrap().starts_with(b"\x89PNG"));
    let missing = agent.ask(
        "tools/call",
        json!({"name": "browser_fly", "arguments": {}}),
    );
    assert_eq!(missing["error"]["code"], -32602, "{missing}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_wait_ends_and_the_server_ends_with_its_input_and_closes_what_it_opened() {
    let (scratch, site) = (tempfile::tempdir().unwrap(), Site::start().unwrap());
    let relay = Relay::start(&scratch);
    let (mut agent, _) = Agent::greet(&relay);
    let (session, _) = agent.open(&site.url("/plain"));
    let wait = json!({"name": "browser_wait", "arguments": {"session": session, "text": "never", "timeoutMs": 30_000}});
    let began = Instant::now();
    let id = agent.send("tools/call", wait.clone());
    let cancel = json!({"requestId": id, "reason": "no longer needed"});
    agent.write(&json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel}));
    // The page's queue is free again at once.
    let text = agent.text("browser_read", json!({"session": session, "what": "title"}));
    assert!(text.contains("Plain page"), "{text}");
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "{:?}",
        began.elapsed()
    );

    agent.send("tools/call", wait);
    assert_eq!(agent.leave(), Some(0));
    assert_eq!(sessions(&relay), 0);
    assert!(
        began.elapsed() < Duration::from_secs(25),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_revision_without_a_handshake_is_served() {
    let (scratch, site) = (tempfile::tempdir().unwrap(), Site::start().unwrap());
    let relay = Relay::start(&scratch);
    let mut agent = Agent::start(&relay);
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let found = agent.ask("server/discover", json!({"_meta": meta}));
    assert!(
        found["result"]["supportedVersions"]
            .to_string()
            .contains("2026-07-28"),
        "{found}"
    );
    assert!(found["result"]["instructions"].is_string(), "{found}");
    let opened = agent.ask(
        "tools/call",
        json!({"_meta": meta, "name": "browser_open", "arguments": {"url": site.url("/plain")}}),
    );
    assert_eq!(opened["result"]["resultType"], "complete", "{opened}");
    assert_eq!(opened["result"]["isError"], false, "{opened}");
    assert_eq!(agent.leave(), Some(0));
    assert_eq!(sessions(&relay), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_termination_closes_what_the_server_opened() {
    let (scratch, site) = (tempfile::tempdir().unwrap(), Site::start().unwrap());
    let relay = Relay::start(&scratch);
    let (mut agent, _) = Agent::greet(&relay);
    agent.open(&site.url("/plain"));
    let pid = rustix::process::Pid::from_child(&agent.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while agent.child.try_wait().unwrap().is_none() {
        assert!(Instant::now() < deadline, "the server outlives SIGTERM");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(sessions(&relay), 0);
}

/// Stops the relay of a home, however the test ends.
struct Stopped<'a>(&'a std::path::Path);

impl Drop for Stopped<'_> {
    fn drop(&mut self) {
        let stop = Command::new(program("odb-cli"))
            .args(["stop", "--home"])
            .arg(self.0)
            .output();
        drop(stop);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_was_killed_is_reported_and_the_next_session_starts_another() {
    let (scratch, site) = (tempfile::tempdir().unwrap(), Site::start().unwrap());
    let relay = Relay::start(&scratch);
    let _stopped = Stopped(relay.home());
    let (mut agent, _) = Agent::greet(&relay);
    let (session, _) = agent.open(&site.url("/plain"));
    relay.signal(rustix::process::Signal::KILL);
    let lost = agent.tool("browser_snapshot", json!({"session": session}));
    assert_eq!(
        lost["structuredContent"]["code"], "cli_daemon_unavailable",
        "{lost}"
    );
    let (other, said) = agent.open(&site.url("/plain"));
    assert_ne!(other, session);
    assert!(said.contains("1 of 1 steps done"), "{said}");
    let gone = agent.tool("browser_snapshot", json!({"session": session}));
    assert_eq!(gone["isError"], true, "{gone}");
    assert_eq!(agent.leave(), Some(0));
}
