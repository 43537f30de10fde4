//! The program itself against a scripted relay on a port of its own.
#![expect(
    clippy::unwrap_used,
    reason = "in a test, what can not be unwrapped is a failure"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;

const INSTANCE: &str = "00112233445566778899aabbccddeeff";
const SESSION: &str = "abababababababababababababababab";

fn lease() -> String {
    "cd".repeat(32)
}

/// A request as the relay saw it.
struct Seen {
    head: String,
    body: String,
}

/// Answers one connection after the other with `answers`; what was asked comes out of the channel.
struct Relay {
    url: String,
    seen: mpsc::Receiver<Seen>,
}

impl Relay {
    fn new(answers: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        let (tell, seen) = mpsc::channel();
        thread::spawn(move || {
            for answer in answers {
                let Ok((mut stream, _)) = listener.accept() else {
                    return;
                };
                let request = read_request(&mut stream);
                let body = if request.head.starts_with("get /healthz") {
                    "ok"
                } else {
                    answer.as_str()
                };
                let status = if body.contains("\"ops_error\"") {
                    409
                } else {
                    200
                };
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream
                    .write_all(head.as_bytes())
                    .and_then(|()| stream.write_all(body.as_bytes()));
                if tell.send(request).is_err() {
                    return;
                }
            }
        });
        Self { url, seen }
    }

    /// The frame of the next request.
    fn frame(&self) -> serde_json::Value {
        serde_json::from_str(&self.seen.recv().unwrap().body).unwrap()
    }
}

fn read_request(stream: &mut TcpStream) -> Seen {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).unwrap();
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8(bytes.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            assert!(read > 0);
            continue;
        };
        let head = head.to_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        if body.len() >= length {
            return Seen {
                head,
                body: body.to_owned(),
            };
        }
    }
}

fn write_private(home: &Path, name: &str, text: &str) {
    let path = home.join(name);
    let parent = path.parent().unwrap();
    fs::create_dir_all(parent).unwrap();
    for dir in [home, parent] {
        fs::set_permissions(dir, PermissionsExt::from_mode(0o700)).unwrap();
    }
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
}

/// A directory that the state may be in.
fn private_dir() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o700)).unwrap();
    dir
}

/// A home whose relay is the scripted one; this test's own process stands for its, and serves the home to the test's end.
fn home_of(relay: &Relay) -> tempfile::TempDir {
    let home = home_left_by(relay);
    let lock = fs::File::open(home.path().join("relay.lock")).unwrap();
    lock.lock().unwrap();
    std::mem::forget(lock);
    home
}

/// The same of a relay that has died: its process id has gone to another program, and its port.
fn home_left_by(relay: &Relay) -> tempfile::TempDir {
    let home = private_dir();
    write_private(
        home.path(),
        "relay.lock",
        &format!("{}\n", std::process::id()),
    );
    let (url, pid) = (&relay.url, std::process::id());
    write_private(
        home.path(),
        "relay.json",
        &format!(
            r#"{{"relayUrl":"{url}","pid":{pid},"instanceId":"{INSTANCE}","startedAt":"2030-01-01T00:00:00Z","relayVersion":"0.2.0","limitsProfile":"local"}}"#
        ),
    );
    write_private(home.path(), "relay.token", "t0ken\n");
    home
}

fn store_session(home: &Path, relay: &Relay, instance: &str) {
    let (url, lease) = (&relay.url, lease());
    write_private(
        home,
        "sessions/default.json",
        &format!(
            r#"{{"sessionId":"{SESSION}","leaseId":"{lease}","relayUrl":"{url}","instanceId":"{instance}","createdAt":"2030-01-01T00:00:00Z"}}"#
        ),
    );
}

fn command(home: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_odb-cli"));
    command
        .args(words)
        .env_clear()
        .env("ODB_HOME", home)
        .current_dir(home)
        .stdin(Stdio::null());
    command
}

fn run(home: &Path, words: &[&str]) -> Output {
    command(home, words).output().unwrap()
}

fn run_with_input(home: &Path, words: &[&str], input: &str) -> Output {
    let mut child = command(home, words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    child.wait_with_output().unwrap()
}

fn texts(output: &Output) -> (String, String) {
    (
        String::from_utf8(output.stdout.clone()).unwrap(),
        String::from_utf8(output.stderr.clone()).unwrap(),
    )
}

#[track_caller]
fn fails(output: &Output, exit: i32, code: &str) -> String {
    let (out, err) = texts(output);
    assert_eq!(output.status.code(), Some(exit), "{out}{err}");
    assert!(err.starts_with(&format!("error: {code}: ")), "{err}");
    assert!(err.contains("\nhint: "), "{err}");
    assert_eq!(out, "");
    err
}

fn response(result: &str) -> String {
    format!(
        r#"{{"type":"ops_response","requestId":"r1","sessionId":"{SESSION}","result":{result},"timing":{{"queueMs":0,"runtimeMs":0.5,"adapterMs":0.4,"roundTrips":1,"totalMs":0.6}},"news": [1]}}"#
    )
}

fn refusal(code: &str) -> String {
    format!(
        r#"{{"type":"ops_error","requestId":"r1","error":{{"code":"{code}","message":"no","retryable":false,"errorSource":"ops","requestId":"r1"}}}}"#
    )
}

#[test]
fn json_prints_the_frame_exactly_and_text_the_bare_value() {
    let frame = response(r#"{"value":"Shop"}"#);
    let relay = Relay::new(&[&frame, &frame]);
    let home = home_of(&relay);
    store_session(home.path(), &relay, INSTANCE);
    let json = run(home.path(), &["get", "title", "--output", "json"]);
    assert_eq!(
        (json.status.code(), texts(&json)),
        (Some(0), (format!("{frame}\n"), String::new()))
    );
    let seen = relay.seen.recv().unwrap();
    for line in [
        "post /ops http/1.1",
        "authorization: bearer t0ken",
        "x-ops-client-kind: cli",
        "content-type: application/json",
    ] {
        assert!(seen.head.contains(line), "{}", seen.head);
    }
    let request: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(
        (request["command"].as_str(), request["leaseId"].as_str()),
        (Some("dom.title"), Some(lease().as_str()))
    );
    let text = run(home.path(), &["get", "title", "--timeout", "1500"]);
    assert_eq!(texts(&text), ("Shop\n".to_owned(), String::new()));
    assert_eq!(relay.frame()["timeoutMs"], 1500);
    let id = fs::read_to_string(home.path().join("client-id")).unwrap();
    assert!(
        seen.head
            .contains(&format!("x-ops-client-id: {}", id.trim()))
            && id.trim().len() == 32
    );
}

#[test]
fn a_refusal_is_exit_code_two_with_its_code_and_a_hint() {
    let refused = refusal("ops_ref_stale");
    let foreign = refusal("ops_of_tomorrow");
    let relay = Relay::new(&[&refused, &refused, &foreign]);
    let home = home_of(&relay);
    store_session(home.path(), &relay, INSTANCE);
    let err = fails(&run(home.path(), &["click", "@e3"]), 2, "ops_ref_stale");
    assert!(err.contains("odb-cli snapshot"), "{err}");
    let json = run(home.path(), &["click", "@e3", "-o", "json"]);
    assert_eq!(
        (json.status.code(), texts(&json).0),
        (Some(2), format!("{refused}\n"))
    );
    let unknown = run(home.path(), &["click", "@e3"]);
    assert_eq!(
        (unknown.status.code(), texts(&unknown).1),
        (Some(2), "error: ops_of_tomorrow: no\n".to_owned())
    );
}

#[test]
fn without_a_relay_nothing_is_started_and_the_exit_code_is_ten() {
    let home = private_dir();
    for words in [["status"].as_slice(), &["stop"], &["session", "list"]] {
        fails(&run(home.path(), words), 10, "cli_daemon_unavailable");
    }
    let doctor = run(home.path(), &["doctor", "--output", "json"]);
    assert_eq!(doctor.status.code(), Some(10));
    let checks: serde_json::Value = serde_json::from_str(&texts(&doctor).0).unwrap();
    assert_eq!(checks["ok"], false);
    let json = run(home.path(), &["status", "--output", "json"]);
    let frame: serde_json::Value = serde_json::from_str(&texts(&json).0).unwrap();
    assert_eq!(
        (frame["type"].as_str(), frame["error"]["code"].as_str()),
        (Some("ops_error"), Some("cli_daemon_unavailable"))
    );
    assert!(!home.path().join("relayd.log").exists());
}

#[test]
fn the_doctor_tells_the_browsers_versions_and_which_one_does_not_answer() {
    let told = r#"{"relayVersion":"0.2.0","opsContractVersion":"1.1.0","relayUrl":"http://127.0.0.1:1","pid":1,"limitsProfile":"local",
        "browsers":[{"product":"Chrome 156","pid":41,"sessions":2,"sandboxed":true,"responsive":false},
                    {"product":"Chrome 156","pid":42,"sessions":1,"sandboxed":true}]}"#;
    let relay = Relay::new(&[told]);
    let home = home_of(&relay);
    let program = |name: &str, script: &str| {
        let path = home.path().join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
        path
    };
    let (chrome, firefox) = (
        program("chrome", "echo Chromium 156.0.1; echo more"),
        program("firefox", "exit 1"),
    );
    let mut doctor = command(home.path(), &["doctor", "-o", "json"]);
    let output = doctor
        .env("ODB_BROWSER", &chrome)
        .env("ODB_FIREFOX", &firefox)
        .output()
        .unwrap();
    let report: serde_json::Value = serde_json::from_str(&texts(&output).0).unwrap();
    let of = |name: &str| {
        let checks = report["checks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|check| check["name"] == name);
        checks
            .map(|check| {
                (
                    check["status"].as_str().unwrap(),
                    check["message"].as_str().unwrap(),
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("chrome"),
        [(
            "ok",
            &*format!("{} (Chromium 156.0.1, ODB_BROWSER)", chrome.display())
        )]
    );
    assert_eq!(
        of("firefox"),
        [(
            "warn",
            &*format!(
                "{} does not tell its version, ODB_FIREFOX",
                firefox.display()
            )
        )]
    );
    assert_eq!(
        of("browser"),
        [(
            "warn",
            "Chrome 156 (pid 41) does not answer, 2 sessions in it"
        )]
    );
}

#[test]
fn a_relay_whose_port_is_dead_is_no_relay() {
    // Nobody listens on the port below every port that the system gives away.
    let relay = Relay {
        url: "http://127.0.0.1:1".to_owned(),
        ..Relay::new(&[])
    };
    let home = home_of(&relay);
    store_session(home.path(), &relay, INSTANCE);
    fails(
        &run(home.path(), &["get", "title"]),
        10,
        "cli_daemon_unavailable",
    );
}

#[test]
fn a_wrong_command_line_is_exit_code_one() {
    let home = private_dir();
    fails(&run(home.path(), &["clik", "@e3"]), 1, "cli_usage_invalid");
    fails(&run(home.path(), &["click"]), 1, "cli_usage_invalid");
    fails(
        &run(home.path(), &["click", "@e3", "--force"]),
        1,
        "cli_flag_unsupported",
    );
    fails(
        &run(home.path(), &["click", "@e3", "--session", "Ä"]),
        1,
        "cli_usage_invalid",
    );
    fails(&run(home.path(), &[]), 1, "cli_usage_invalid");
    fails(
        &run(home.path(), &["status", "--tab", "t1"]),
        1,
        "cli_usage_invalid",
    );
    fails(
        &run(home.path(), &["status", "--relay", "http://127.0.0.1:1"]),
        1,
        "cli_usage_invalid",
    );
    let json = run(home.path(), &["click", "--output", "json"]);
    let frame: serde_json::Value = serde_json::from_str(&texts(&json).0).unwrap();
    assert_eq!(
        (json.status.code(), frame["error"]["code"].as_str()),
        (Some(1), Some("cli_usage_invalid"))
    );
    let help = run(home.path(), &["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(texts(&help).0.contains("How to address an element"));
    assert_eq!(
        run(home.path(), &["click", "--help"]).status.code(),
        Some(0)
    );
    assert_eq!(
        texts(&run(home.path(), &["--version"])).0,
        format!("odb-cli {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn no_secret_goes_to_who_listens_where_a_relay_has_died() {
    let relay = Relay::new(&["{}"; 8]);
    let home = home_left_by(&relay);
    store_session(home.path(), &relay, INSTANCE);
    for words in [
        &["get", "title"][..],
        &["status"],
        &["confirm", "list"],
        &["stop"],
    ] {
        let mut asking = command(home.path(), words);
        asking.env("DASHBOARD_ADMIN_TOKEN", "admin-token");
        assert_ne!(asking.output().unwrap().status.code(), Some(0), "{words:?}");
    }
    assert!(relay.seen.try_recv().is_err(), "somebody was called");
    // The same home, served again.
    let lock = fs::File::open(home.path().join("relay.lock")).unwrap();
    lock.lock().unwrap();
    run(home.path(), &["get", "title"]);
    assert!(relay.seen.recv().unwrap().head.contains("t0ken"));
}

#[test]
fn state_that_others_can_read_is_refused() {
    let relay = Relay::new(&[]);
    let home = home_of(&relay);
    store_session(home.path(), &relay, INSTANCE);
    fs::set_permissions(
        home.path().join("relay.token"),
        PermissionsExt::from_mode(0o640),
    )
    .unwrap();
    let err = fails(&run(home.path(), &["get", "title"]), 2, "cli_state_invalid");
    assert!(
        err.contains("relay.token") && err.contains("chmod 600"),
        "{err}"
    );
}

#[test]
fn a_session_that_is_missing_or_of_another_relay_says_to_open_again() {
    let relay = Relay::new(&[]);
    let home = home_of(&relay);
    let err = fails(
        &run(home.path(), &["get", "title"]),
        2,
        "cli_session_missing",
    );
    assert!(err.contains("odb-cli open"), "{err}");
    store_session(home.path(), &relay, "ffffffffffffffffffffffffffffffff");
    let err = fails(
        &run(home.path(), &["get", "title"]),
        2,
        "cli_session_missing",
    );
    assert!(err.contains("ended with its relay"), "{err}");
}

#[test]
fn open_makes_a_session_keeps_it_private_and_uses_it_again() {
    let created = response(&format!(
        r#"{{"sessionId":"{SESSION}","leaseId":"{}","newer":1}}"#,
        lease()
    ));
    let went = response(
        r#"{"targetId":"t1","url":"https://a.b/","status":200,"title":"A","redirects":[],"documentChanged":true,"reached":"load"}"#,
    );
    let over = refusal("ops_lease_expired");
    let relay = Relay::new(&[
        "", &created, &went, "", &went, "", &over, &created, &went, "",
    ]);
    let home = home_of(&relay);
    let output = run(home.path(), &["open", "a.b", "--viewport", "800x600"]);
    assert_eq!(
        texts(&output),
        ("https://a.b/ \"A\" (200)\n".to_owned(), String::new())
    );
    assert!(relay.seen.recv().unwrap().head.starts_with("get /healthz"));
    let create = relay.frame();
    assert_eq!(
        (
            create["command"].as_str(),
            create["params"]["leaseTtlMs"].as_u64()
        ),
        (Some("session.create"), Some(43_200_000))
    );
    assert_eq!(relay.frame()["params"]["url"], "https://a.b");
    let stored = home.path().join("sessions/default.json");
    assert_eq!(fs::metadata(&stored).unwrap().mode() & 0o777, 0o600);
    assert!(fs::read_to_string(&stored).unwrap().contains(&lease()));

    assert_eq!(run(home.path(), &["open", "a.b"]).status.code(), Some(0));
    assert!(relay.seen.recv().unwrap().head.starts_with("get /healthz"));
    assert_eq!(relay.frame()["command"], "nav.goto");

    let again = run(home.path(), &["open", "a.b"]);
    assert_eq!(
        texts(&again),
        ("https://a.b/ \"A\" (200)\n".to_owned(), String::new())
    );
    let asked: Vec<Seen> = (0..4).map(|_| relay.seen.recv().unwrap()).collect();
    assert!(asked[2].body.contains("session.create") && asked[3].body.contains("nav.goto"));

    fails(
        &run(home.path(), &["open", "a.b", "--viewport", "900x600"]),
        1,
        "cli_usage_invalid",
    );
}

#[test]
fn a_batch_is_checked_as_a_whole_and_sent_as_one() {
    let ran = response(
        r#"{"results":[{"command":"dom.title","result":{"value":"A"}},{"command":"dom.count","error":{"code":"ops_selector_invalid","message":"bad","retryable":false,"errorSource":"ops"}},{"command":"dom.url"}],"succeeded":1,"failed":1,"skipped":1}"#,
    );
    let relay = Relay::new(&[&ran]);
    let home = home_of(&relay);
    store_session(home.path(), &relay, INSTANCE);
    let wrong = run_with_input(home.path(), &["batch"], "[\"get\",\"title\"]\n[\"clik\"]\n");
    assert!(fails(&wrong, 1, "cli_usage_invalid").contains("line 2"));
    let wrong = run_with_input(
        home.path(),
        &["batch"],
        "{\"command\":\"dom.count\",\"params\":{\"element\":{\"css\":5}}}\n",
    );
    assert!(fails(&wrong, 1, "cli_usage_invalid").contains("element.css"));
    let input = "[\"get\",\"title\"]\n\n{\"command\":\"dom.count\",\"params\":{\"element\":{\"css\":\"[\"}}}\n[\"get\",\"url\",\"--tab\",\"t2\"]\n";
    let output = run_with_input(home.path(), &["batch"], input);
    let (out, err) = texts(&output);
    assert_eq!(output.status.code(), Some(2), "{out}{err}");
    let hint = "Correct the selector";
    assert_eq!(
        out,
        format!(
            "[1] dom.title\nA\n[2] dom.count\nerror: ops_selector_invalid: bad\nhint: {hint}\n[3] dom.url: not run\n"
        )
    );
    let frame = relay.frame();
    assert_eq!(frame["command"], "batch.run");
    assert_eq!(
        (
            frame["params"]["commands"][2]["params"]["targetId"].as_str(),
            frame["params"]["stopOnError"].as_bool()
        ),
        (Some("t2"), Some(true))
    );
}

#[test]
fn a_picture_is_written_where_it_was_asked_for() {
    let picture = response(r#"{"format":"png","data":"aGVsbG8=","bytes":5}"#);
    let relay = Relay::new(&[&picture, &picture, &picture]);
    let home = home_of(&relay);
    store_session(home.path(), &relay, INSTANCE);
    let output = run(home.path(), &["screenshot", "a.png"]);
    assert_eq!(texts(&output).0, "a.png (png, 5 bytes)\n");
    assert_eq!(fs::read(home.path().join("a.png")).unwrap(), b"hello");
    let named = texts(&run(home.path(), &["screenshot"])).0;
    assert!(
        named.starts_with("screenshot-")
            && home.path().join(named.split(' ').next().unwrap()).exists(),
        "{named}"
    );
    fails(
        &run(home.path(), &["screenshot", "/nonexistent/a.png"]),
        2,
        "cli_file_unwritable",
    );
}

#[test]
fn values_and_expressions_come_from_stdin() {
    let evaluated = response(r#"{"value":{"a":1}}"#);
    let filled = refusal("ops_element_not_found");
    let relay = Relay::new(&[&evaluated, &filled, &evaluated]);
    let home = home_of(&relay);
    store_session(home.path(), &relay, INSTANCE);
    assert_eq!(
        texts(&run_with_input(home.path(), &["eval", "-"], "1 +\n1\n")).0,
        "{\"a\":1}\n"
    );
    assert_eq!(relay.frame()["params"]["expression"], "1 +\n1\n");
    fails(
        &run_with_input(home.path(), &["fill", "#p", "--stdin"], "s3cret\n"),
        2,
        "ops_element_not_found",
    );
    assert_eq!(relay.frame()["params"]["value"], "s3cret");
    let called = run_with_input(
        home.path(),
        &["call", "dom.eval", "--params", "-"],
        r#"{"expression":"x"}"#,
    );
    assert_eq!(
        texts(&called).0,
        "{\n  \"value\": {\n    \"a\": 1\n  }\n}\n"
    );
    assert_eq!(relay.frame()["params"]["expression"], "x");
}

#[test]
fn a_relay_elsewhere_is_called_with_its_own_token() {
    let created = response(&format!(
        r#"{{"sessionId":"{SESSION}","leaseId":"{}"}}"#,
        lease()
    ));
    let went = response(
        r#"{"targetId":"t1","url":"https://a.b/","redirects":[],"documentChanged":true,"reached":"load"}"#,
    );
    let status = format!(r#"{{"instanceId":"{INSTANCE}","pid":7}}"#);
    let relay = Relay::new(&[&created, &status, &went, &status]);
    let home = private_dir();
    fs::write(home.path().join("token"), "other\n").unwrap();
    let at = ["--relay", relay.url.as_str(), "--token-file", "token"];
    let output = run(home.path(), &[["open", "a.b"].as_slice(), &at].concat());
    assert_eq!(texts(&output), ("https://a.b/\n".to_owned(), String::new()));
    assert!(
        relay
            .seen
            .recv()
            .unwrap()
            .head
            .contains("authorization: bearer other")
    );
    let err = fails(
        &run(home.path(), &["get", "title"]),
        10,
        "cli_daemon_unavailable",
    );
    assert!(err.contains("odb-cli open URL"), "{err}");
    let output = run(home.path(), &[["stop"].as_slice(), &at].concat());
    fails(&output, 1, "cli_usage_invalid");
}

#[test]
fn the_registry_is_listed_without_a_relay() {
    let home = private_dir();
    let list = run(home.path(), &["commands", "--output", "json"]);
    let rows: Vec<serde_json::Value> = serde_json::from_str(&texts(&list).0).unwrap();
    assert!(rows.iter().any(|row| row["command"] == "interact.click"));
    let one = run(
        home.path(),
        &["commands", "interact.click", "--output", "json"],
    );
    let row: serde_json::Value = serde_json::from_str(&texts(&one).0).unwrap();
    assert!(row["params"]["properties"]["element"].is_object(), "{row}");
    let unknown = run(home.path(), &["commands", "no.such"]);
    fails(&unknown, 2, "ops_command_unknown");
    assert!(
        texts(&run(home.path(), &["completions", "bash"]))
            .0
            .contains("scroll-into-view")
    );
}

#[test]
fn a_relay_that_does_not_start_is_told_with_its_last_words() {
    let home = private_dir();
    let dir = tempfile::tempdir().unwrap();
    let fake = dir.path().join("relayd");
    fs::write(
        &fake,
        "#!/bin/sh\necho \"no browser for $* ($OPENDEVBROWSER_OPS_KILL_SWITCH)\" >&2\nexit 3\n",
    )
    .unwrap();
    fs::set_permissions(&fake, PermissionsExt::from_mode(0o755)).unwrap();
    let own = dir.path().join("odb-cli");
    fs::copy(env!("CARGO_BIN_EXE_odb-cli"), &own).unwrap();
    let mut command = Command::new(&own);
    command
        .args(["open", "a.b"])
        .env_clear()
        .env("ODB_HOME", home.path().join("state"))
        .env("OPENDEVBROWSER_OPS_KILL_SWITCH", "secret");
    let err = fails(
        &command.stdin(Stdio::null()).output().unwrap(),
        10,
        "cli_daemon_unavailable",
    );
    assert!(
        err.contains("no browser for --limits local --idle-exit-ms 900000 ()"),
        "{err}"
    );
    let log = home.path().join("state/relayd.log");
    assert_eq!(fs::metadata(log).unwrap().mode() & 0o777, 0o600);
}

#[test]
fn unsupported_ops_flags_fail_deterministically() {
    let home = private_dir();
    for words in [
        ["open", "a.b", "--ops-rollout"].as_slice(),
        &["open", "a.b", "--ops-force-legacy"],
        &["status", "--ops-kill-switch"],
        &["status", "--ops-routing-mode", "ops"],
        &["--ops-fallback", "status"],
    ] {
        for _ in 0..2 {
            fails(&run(home.path(), words), 1, "cli_flag_unsupported");
        }
        let json = run(home.path(), &[words, &["--output", "json"]].concat());
        let frame: serde_json::Value = serde_json::from_str(&texts(&json).0).unwrap();
        assert_eq!(frame["error"]["code"], "cli_flag_unsupported", "{words:?}");
    }
}

#[test]
fn routing_flags_are_checked_before_anything_is_sent() {
    let home = private_dir();
    for flags in [
        ["--ops-routing", "cdp"].as_slice(),
        &["--ops-rollout-percent", "101"],
        &["--ops-active-session-policy", "stop"],
        &["--force-legacy-cdp", "--ops-routing", "auto"],
    ] {
        fails(
            &run(home.path(), &[&["status"], flags].concat()),
            1,
            "cli_usage_invalid",
        );
    }
    let err = fails(
        &run(
            home.path(),
            &["status", "--ops-rollout-allowlist", "bob,cli:alice-01"],
        ),
        1,
        "cli_rollout_allowlist_invalid",
    );
    assert!(err.contains("bob") && !err.contains("alice"), "{err}");
    fails(
        &run(home.path(), &["get", "title", "--ops-routing", "ops"]),
        1,
        "cli_usage_invalid",
    );
    fails(
        &run(home.path(), &["--force-legacy-cdp", "serve"]),
        1,
        "cli_usage_invalid",
    );
}

#[test]
fn routing_flags_and_the_kill_switch_travel_with_the_request_and_a_refusal_is_final() {
    let refused = refusal("relay_ops_route_disabled");
    let closed = refusal("relay_legacy_route_unavailable");
    let relay = Relay::new(&["", &refused, &closed, "", &refused, &closed, "{}"]);
    let home = home_of(&relay);
    fails(
        &run(
            home.path(),
            &[
                "open",
                "a.b",
                "--ops-routing",
                "auto",
                "--ops-rollout-percent",
                "7",
            ],
        ),
        2,
        "relay_legacy_route_unavailable",
    );
    let seen: Vec<Seen> = (0..3).map(|_| relay.seen.recv().unwrap()).collect();
    assert!(
        seen[2].head.starts_with("post /cdp/sessions"),
        "{}",
        seen[2].head
    );
    let expected = r#"x-ops-routing: {"cli":{"routingmode":"auto","rolloutpercent":7}}"#;
    assert!(
        seen[1].head.contains(expected) && seen[1].body.contains("session.create"),
        "{}",
        seen[1].head
    );
    let mut switched = command(home.path(), &["open", "a.b", "--ops-routing", "ops"]);
    let output = switched
        .env("OPENDEVBROWSER_OPS_KILL_SWITCH", "1")
        .output()
        .unwrap();
    fails(&output, 2, "relay_legacy_route_unavailable");
    let seen: Vec<Seen> = (0..3).map(|_| relay.seen.recv().unwrap()).collect();
    assert!(
        seen[1]
            .head
            .contains(r#"x-ops-routing: {"killswitch":true,"cli":{"routingmode":"ops"}}"#),
        "{}",
        seen[1].head
    );
    run(home.path(), &["status", "--output", "json"]);
    assert!(
        !relay.seen.recv().unwrap().head.contains("x-ops-routing"),
        "no controls, no header"
    );
}

fn write_config(home: &Path, text: &str) {
    let path = home.join("config.json");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
}

#[test]
fn the_configuration_is_explained_with_its_sources_and_never_written() {
    let home = private_dir();
    let path = run(home.path(), &["config", "path"]);
    assert_eq!(
        texts(&path).0.trim(),
        home.path().join("config.json").display().to_string()
    );
    let defaults = run(home.path(), &["config", "explain", "--output", "json"]);
    let explained: serde_json::Value = serde_json::from_str(&texts(&defaults).0).unwrap();
    assert_eq!(
        (
            &explained["effectiveRoutingMode"],
            &explained["opsKillSwitchSource"]
        ),
        (&"ops".into(), &"default".into())
    );
    let text =
        r#"{"later":1,"limitsProfile":"local","ops":{"routingMode":"auto","rolloutPercent":25}}"#;
    write_config(home.path(), text);
    let output = run(
        home.path(),
        &[
            "config",
            "explain",
            "--output",
            "json",
            "--ops-rollout-percent",
            "50",
        ],
    );
    let explained: serde_json::Value = serde_json::from_str(&texts(&output).0).unwrap();
    let row = |key: &str| {
        explained["settings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["key"] == key)
            .cloned()
            .unwrap()
    };
    for (key, value, source) in [
        ("ops.rolloutPercent", serde_json::json!(50), "flag"),
        ("ops.routingMode", "auto".into(), "file"),
        ("limitsProfile", "local".into(), "file"),
        ("allowRawCDP", false.into(), "default"),
    ] {
        assert_eq!(
            (&row(key)["value"], &row(key)["source"]),
            (&value, &source.into()),
            "{key}"
        );
    }
    assert!(
        explained["warnings"][0]
            .as_str()
            .unwrap()
            .contains("config_unknown_key_ignored")
    );
    let shown = texts(&run(home.path(), &["config", "explain"]));
    assert!(
        shown.0.contains("ops.routingMode")
            && shown.0.contains("(file)")
            && shown.1.contains("\"later\""),
        "{shown:?}"
    );
    assert_eq!(
        fs::read_to_string(home.path().join("config.json")).unwrap(),
        text
    );
}

#[test]
fn a_configuration_is_checked_as_a_whole() {
    let home = private_dir();
    write_config(home.path(), r#"{"later":1}"#);
    assert_eq!(
        run(home.path(), &["config", "validate"]).status.code(),
        Some(0)
    );
    let err = fails(
        &run(home.path(), &["config", "validate", "--strict"]),
        2,
        "cli_config_invalid",
    );
    assert!(err.contains("later"), "{err}");
    write_config(home.path(), r#"{"listen":7,"logLevel":"loud"}"#);
    let err = fails(
        &run(home.path(), &["config", "validate"]),
        2,
        "cli_config_invalid",
    );
    assert!(err.contains("listen") && err.contains("logLevel"), "{err}");
    fs::write(
        home.path().join("other.json"),
        r#"{"ops":{"rolloutAllowlist":["bob","cli:alice-01"]}}"#,
    )
    .unwrap();
    let err = fails(
        &run(home.path(), &["config", "validate", "other.json"]),
        1,
        "cli_rollout_allowlist_invalid",
    );
    assert!(err.contains("bob") && !err.contains("alice"), "{err}");
    fails(
        &run(home.path(), &["config", "validate", "missing.json"]),
        2,
        "cli_file_unreadable",
    );
}

#[test]
fn a_reload_shows_the_admin_token_and_nothing_is_asked_without_one() {
    let relay = Relay::new(&["{}"]);
    let home = home_of(&relay);
    fails(
        &run(home.path(), &["config", "reload"]),
        1,
        "cli_usage_invalid",
    );
    let output = command(home.path(), &["config", "reload", "-o", "json"])
        .env("DASHBOARD_ADMIN_TOKEN", "adm1n")
        .output()
        .unwrap();
    assert_eq!(texts(&output), ("{}\n".to_owned(), String::new()));
    let seen = relay.seen.recv().unwrap();
    assert!(
        seen.head.starts_with("post /admin/config/reload")
            && seen.head.contains("x-odb-admin-token: adm1n"),
        "{}",
        seen.head
    );
}

#[test]
fn a_relay_outside_the_window_is_refused_before_anything_is_sent() {
    let relay = Relay::new(&[]);
    let home = home_of(&relay);
    store_session(home.path(), &relay, INSTANCE);
    let file = fs::read_to_string(home.path().join("relay.json")).unwrap();
    for (versions, code) in [
        (r#""relayVersion":"0.9.0""#, "cli_version_unsupported"),
        (r#""relayVersion":"0.1.0""#, "cli_version_unsupported"),
        (
            r#""relayVersion":"0.2.0","opsContractVersion":"2.0.0","opsMinContractVersion":"2.0.0""#,
            "cli_version_unsupported",
        ),
        (r#""relayVersion":"next""#, "cli_version_invalid"),
    ] {
        write_private(
            home.path(),
            "relay.json",
            &file.replace(r#""relayVersion":"0.2.0""#, versions),
        );
        fails(&run(home.path(), &["get", "title"]), 2, code);
    }
    assert!(relay.seen.try_recv().is_err());
}

#[test]
fn the_version_check_before_sending_binds_only_what_goes_to_ops() {
    let disabled = refusal("relay_ops_route_disabled");
    // Each `open` asks before anything else whether the relay is well.
    let relay = Relay::new(&[disabled.as_str(); 20]);
    let home = home_of(&relay);
    let file = fs::read_to_string(home.path().join("relay.json")).unwrap();
    let too_new = r#""relayVersion":"0.9.0""#;
    write_private(
        home.path(),
        "relay.json",
        &file.replace(r#""relayVersion":"0.2.0""#, too_new),
    );
    let open = |flags: &[&str], kill_switch: bool| {
        let page = ["open", "http://127.0.0.1:9/"];
        let mut command = command(home.path(), &[&page[..], flags].concat());
        if kill_switch {
            command.env("OPENDEVBROWSER_OPS_KILL_SWITCH", "1");
        }
        command.output().unwrap()
    };
    // What the caller's controls send to the legacy lane, and what the relay's own decide, is for the relay to judge.
    for (flags, kill_switch) in [
        (&[][..], true),
        (&["--ops-routing", "legacy-cdp"][..], false),
        (&["--ops-routing", "auto"][..], false),
    ] {
        fails(&open(flags, kill_switch), 2, "relay_ops_route_disabled");
        let asked: Vec<String> = relay.seen.try_iter().map(|seen| seen.head).collect();
        assert!(
            asked.iter().any(|head| head.starts_with("post /ops")),
            "{asked:?}"
        );
    }
    let everybody = ["--ops-routing", "auto", "--ops-rollout-percent", "100"];
    fails(&open(&everybody, false), 2, "cli_version_unsupported");
    fails(&open(&[], false), 2, "cli_version_unsupported");
    let mut asked = relay.seen.try_iter();
    assert!(asked.all(|seen| seen.head.starts_with("get /healthz")));
}

#[test]
fn a_pairing_code_is_shown_where_the_relay_runs_and_its_token_is_kept_private() {
    let paired = r#"{"pairingId":"0123456789abcdef","pairingToken":"second"}"#;
    let relay = Relay::new(&[paired, &response(r#"{"value":"Shop"}"#), paired]);
    let home = home_of(&relay);
    store_session(home.path(), &relay, INSTANCE);
    let shown = run(home.path(), &["pair", "--output", "json"]);
    let open: serde_json::Value = serde_json::from_str(&texts(&shown).0).unwrap();
    let code = open["code"].as_str().unwrap();
    let file = fs::read_to_string(home.path().join("pairing.json")).unwrap();
    assert!(code.len() == 9 && file.contains(code), "{file}");
    assert_eq!(
        fs::metadata(home.path().join("pairing.json"))
            .unwrap()
            .mode()
            & 0o777,
        0o600
    );
    let redeemed = run(home.path(), &["pair", code]);
    assert_eq!(
        (
            redeemed.status.code(),
            texts(&redeemed).0.contains("pairing:0123456789abcdef")
        ),
        (Some(0), true)
    );
    assert!(!texts(&redeemed).0.contains("second"));
    let seen = relay.seen.recv().unwrap();
    assert!(
        seen.head.starts_with("post /pair ") && seen.body.contains(code),
        "{}",
        seen.head
    );
    let kept = home.path().join("pairing/local.token");
    assert_eq!(
        (
            fs::read_to_string(&kept).unwrap().as_str(),
            fs::metadata(&kept).unwrap().mode() & 0o777
        ),
        ("second\n", 0o600)
    );
    assert_eq!(run(home.path(), &["get", "title"]).status.code(), Some(0));
    assert!(
        relay
            .seen
            .recv()
            .unwrap()
            .head
            .contains("x-odb-pairing-token: second")
    );
    assert_eq!(run(home.path(), &["pair", "--self"]).status.code(), Some(0));
    assert!(relay.seen.recv().unwrap().body.len() > 10);
    let url = relay.url.clone();
    let token = home.path().join("relay.token").display().to_string();
    fails(
        &run(
            home.path(),
            &["pair", "--relay", &url, "--token-file", &token],
        ),
        1,
        "cli_usage_invalid",
    );
    fails(
        &run(home.path(), &["pair", "AAAA", "--self"]),
        1,
        "cli_usage_invalid",
    );
}
