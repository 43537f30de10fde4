//! The ids of a request go all the way: from the command line through relay and runtime to the adapter, on every log line and
//! every error, and onto no metric.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::process::Command;

use conformance::site::Site;
use odb_tests::PATIENCE;
use odb_tests::relay::{Relay, program};
use odb_tests::subjects::kill;
use serde_json::Value;

/// Commands that have no session to name when they begin.
const WITHOUT_SESSION: &[&str] = &["session.create", "session.list", "other"];

/// The parts of the program that log on behalf of a request and of nothing else.
const REQUEST_BOUND: &[&str] = &[
    "ops",
    "ops_runtime::cx",
    "ops_runtime::commands",
    "adapter_cdp::context",
];

fn odb_cli(relay: &Relay, words: &[&str]) -> (Option<i32>, Value) {
    let mut command = Command::new(program("odb-cli"));
    let output = command
        .args(words)
        .args(["--output", "json"])
        .env_clear()
        .env("ODB_HOME", relay.home())
        // The relay has no admin token: what needs one is refused there.
        .env("DASHBOARD_ADMIN_TOKEN", "wrong")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    (
        output.status.code(),
        text.lines()
            .last()
            .map_or(Value::Null, |line| serde_json::from_str(line).unwrap()),
    )
}

fn get(relay: &Relay, path: &str) -> String {
    let endpoint = relay.endpoint("reader");
    let token = std::fs::read_to_string(relay.home().join("relay.token")).unwrap();
    let mut socket = std::net::TcpStream::connect(endpoint.url.authority()).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let (host, token) = (endpoint.url.authority(), token.trim());
    write!(socket, "GET {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

/// A field of a log line, its own or one of the spans around it.
fn field<'a>(line: &'a Value, name: &str) -> Option<&'a str> {
    let spans = line["spans"].as_array().into_iter().flatten();
    std::iter::once(line)
        .chain(std::iter::once(&line["span"]))
        .chain(spans)
        .find_map(|place| place[name].as_str())
}

/// The log, once the line about `request` is in it.
fn log_with(relay: &Relay, request: &str) -> Vec<Value> {
    let deadline = std::time::Instant::now() + PATIENCE;
    loop {
        let log = relay.log();
        if log.contains(request) {
            return log
                .lines()
                .map(|line| serde_json::from_str(line).expect("every line is JSON"))
                .collect();
        }
        assert!(
            std::time::Instant::now() < deadline,
            "{request} is not in the log"
        );
        std::thread::yield_now();
    }
}

#[test]
fn request_and_session_ids_are_on_every_line_and_error_of_a_request_and_on_no_metric() {
    let (scratch, site) = (tempfile::tempdir().unwrap(), Site::start().unwrap());
    let relay = Relay::start_with(&scratch, &["--log-format", "json", "--log-level", "debug"]);
    let (exit, opened) = odb_cli(&relay, &["open", &site.url("/plain")]);
    assert_eq!(exit, Some(0), "{opened}");
    let session = opened["sessionId"].as_str().unwrap().to_owned();
    let mut requests = BTreeSet::from([opened["requestId"].as_str().unwrap().to_owned()]);
    let mut refused = |words: &[&str]| {
        let (exit, frame) = odb_cli(&relay, words);
        assert_eq!(
            (exit, frame["type"].as_str()),
            (Some(2), Some("ops_error")),
            "{frame}"
        );
        let (error, request) = (&frame["error"], frame["requestId"].as_str().unwrap());
        assert_eq!(error["requestId"], frame["requestId"], "{frame}");
        assert_eq!(
            (error["sessionId"].as_str(), frame["sessionId"].as_str()),
            (Some(&*session), Some(&*session)),
            "{frame}"
        );
        requests.insert(request.to_owned());
        error["errorSource"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        refused(&["click", "#no-such-element", "--timeout", "300"]),
        "ops"
    );
    assert_eq!(refused(&["call", "dom.telepathy", "--params", "{}"]), "ops");
    assert_eq!(refused(&["eval", "throw new Error('x')"]), "ops");
    assert_eq!(refused(&["get", "title", "--timeout", "86400000"]), "relay");
    // The browser itself refuses this one: the runtime's own line is about it.
    let paper = scratch.path().join("paper.pdf").display().to_string();
    assert_eq!(refused(&["pdf", "--pages", "99", &paper]), "ops");
    // What the command line finds itself has the id of its request and the session that it is about.
    let (_, here) = odb_cli(&relay, &["screenshot", "/nowhere/at/all.png"]);
    assert_eq!(here["error"]["errorSource"], "cli", "{here}");
    assert_eq!(
        (
            here["sessionId"].as_str(),
            here["error"]["sessionId"].as_str()
        ),
        (Some(&*session), Some(&*session)),
        "{here}"
    );
    let sent = here["requestId"].as_str().unwrap();
    assert_eq!(here["error"]["requestId"].as_str(), Some(sent));
    requests.insert(sent.to_owned());
    // One that is found before anything is sent has an id as well, of no request.
    let (exit, usage) = odb_cli(&relay, &["click"]);
    assert_eq!(
        (exit, &usage["error"]["errorSource"]),
        (Some(1), &Value::from("cli"))
    );
    let id = usage["requestId"].as_str().unwrap();
    assert!(id.len() > 32 && id.ends_with("-0"), "{usage}");
    // Calls that are no frames are found by their ids too.
    let (_, admin) = odb_cli(&relay, &["config", "reload"]);
    assert_eq!(admin["error"]["errorSource"], "relay", "{admin}");
    requests.insert(admin["requestId"].as_str().unwrap().to_owned());
    // A page whose server is not there: the adapter's own line is about it.
    let (_, nowhere) = odb_cli(&relay, &["goto", "http://127.0.0.1:9/"]);
    assert_eq!(nowhere["sessionId"].as_str(), Some(&*session), "{nowhere}");
    let status: Value = serde_json::from_str(&get(&relay, "/status")).unwrap();
    kill(u32::try_from(status["browsers"][0]["pid"].as_u64().unwrap()).unwrap());
    let deadline = std::time::Instant::now() + PATIENCE;
    let last = loop {
        let (exit, frame) = odb_cli(&relay, &["get", "title"]);
        // The browser's end may not have been seen yet.
        if exit == Some(2) {
            break frame;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "the killed browser still answers: {frame}"
        );
    };
    assert_eq!(
        (
            last["sessionId"].as_str(),
            last["error"]["sessionId"].as_str()
        ),
        (Some(&*session), Some(&*session)),
        "{last}"
    );
    assert_eq!(
        last["error"]["errorSource"].as_str().unwrap(),
        last["error"]["code"]
            .as_str()
            .unwrap()
            .split('_')
            .next()
            .unwrap()
    );

    let log = log_with(&relay, last["requestId"].as_str().unwrap());
    let mut seen = BTreeSet::new();
    for line in &log {
        let target = line["target"].as_str().unwrap();
        let bound = REQUEST_BOUND
            .iter()
            .any(|part| target == *part || target.starts_with(&format!("{part}::")));
        let request = field(line, "requestId");
        assert!(!bound || request.is_some(), "no request id: {line}");
        if request.is_some()
            && !field(line, "command").is_none_or(|command| WITHOUT_SESSION.contains(&command))
        {
            assert_eq!(field(line, "sessionId"), Some(&*session), "{line}");
        }
        if request.is_some() {
            seen.insert(target.split("::").next().unwrap().to_owned());
        }
    }
    for request in &requests {
        assert!(
            log.iter()
                .any(|line| field(line, "requestId") == Some(request)),
            "{request} has no line"
        );
    }
    assert!(
        seen.contains("ops") && seen.contains("ops_runtime"),
        "{seen:?}"
    );

    let metrics = get(&relay, "/metrics");
    assert!(metrics.contains("ops_requests_total{"), "{metrics}");
    let lower = metrics.to_lowercase();
    for never in ["requestid", "request_id", "sessionid", "session_id"] {
        assert!(!lower.contains(never), "{never} in {metrics}");
    }
    assert!(
        !metrics.contains(&session) && requests.iter().all(|request| !metrics.contains(request))
    );
}
