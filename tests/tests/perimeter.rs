//! A real `relayd` under abuse, with a good client beside it that must not notice, and pairing through the real command line.
//! No browser is started.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::future::Future;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use odb_tests::PATIENCE;
use odb_tests::relay::{Relay, configure, program};
use ops_client::post;
use ops_contracts::ErrorCode;
use ops_contracts::wire::command::{Empty, SessionList};
use ops_contracts::wire::frame::RelayFrame;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How many sockets sit idle, where the system's limit allows as many.
const CROWD: u64 = 10_000;

fn scratch() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn address(relay: &Relay) -> SocketAddr {
    relay.endpoint("x").url.authority().parse().unwrap()
}

fn token(relay: &Relay) -> String {
    std::fs::read_to_string(relay.home().join("relay.token"))
        .unwrap()
        .trim()
        .to_owned()
}

/// Runs `abuse` while a good client works over a kept connection and over new ones; no call of its may fail.
async fn with_a_good_client<T>(relay: &Relay, abuse: impl Future<Output = T>) -> T {
    let (kept, endpoint) = (relay.client("good").await, relay.endpoint("good-too"));
    let works = async {
        loop {
            kept.call::<SessionList>(None, &Empty {}, None)
                .await
                .expect("the kept connection serves");
            post::call::<SessionList>(&endpoint, None, &Empty {}, None)
                .await
                .expect("a new connection is served");
            // Well below its own rate.
            tokio::time::sleep(Duration::from_millis(4)).await;
        }
    };
    let outcome = tokio::select! {
        outcome = timeout(PATIENCE * 2, abuse) => outcome.expect("the abuse ends"),
        never = works => never,
    };
    kept.call::<SessionList>(None, &Empty {}, None)
        .await
        .expect("the kept connection still serves");
    outcome
}

fn head(at: SocketAddr, token: &str, length: usize) -> String {
    format!(
        "POST /ops HTTP/1.1\r\nhost: {at}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
         x-ops-contract-version: 1.1.0\r\nx-ops-client-id: rough\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    )
}

/// Sends bytes and reads to the end of the connection.
async fn exchange(at: SocketAddr, parts: &[&[u8]]) -> Vec<u8> {
    let mut socket = TcpStream::connect(at).await.unwrap();
    for part in parts {
        // The relay may have refused already.
        let _ = socket.write_all(part).await;
    }
    let mut answer = Vec::new();
    // A reset is an end as well.
    let _ = timeout(PATIENCE, socket.read_to_end(&mut answer))
        .await
        .expect("the connection ends");
    answer
}

/// The code of an HTTP answer's error frame.
#[track_caller]
fn code(answer: &[u8]) -> String {
    let text = String::from_utf8_lossy(answer);
    let body = text
        .split_once("\r\n\r\n")
        .map(|(_, body)| body)
        .unwrap_or_default();
    match RelayFrame::parse(body) {
        Ok(Some(RelayFrame::Error(frame))) => frame.error.code.as_str().to_owned(),
        _ => panic!("no error frame: {text}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_bad_tokens_do_not_lock_out_a_good_one() {
    let scratch = scratch();
    let relay = Relay::start(&scratch);
    let at = address(&relay);
    let wrong = async {
        for round in 0..40_u32 {
            let tries = (0..25_u32).map(|number| {
                let head = head(at, &format!("{:064x}", round * 25 + number), 0);
                tokio::spawn(async move { code(&exchange(at, &[head.as_bytes()]).await) })
            });
            for tried in tries.collect::<Vec<_>>() {
                assert_eq!(tried.await.unwrap(), "relay_auth_invalid");
            }
        }
    };
    with_a_good_client(&relay, wrong).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_that_is_oversized_truncated_no_text_deeply_nested_or_doubled_is_refused_with_a_code()
{
    let scratch = scratch();
    let relay = Relay::start(&scratch);
    let (at, token) = (address(&relay), token(&relay));
    let request = |params: &str| {
        format!(
            r#"{{"type":"ops_request","requestId":"r1","command":"dom.eval","params":{params}}}"#
        )
        .into_bytes()
    };
    let nested = |open: &str, depth: usize| request(&open.repeat(depth));
    let doubled =
        br#"{"type":"ops_request","requestId":"r1","requestId":"r2","command":"session.list"}"#
            .to_vec();
    let typed_twice =
        br#"{"type":"ops_request","type":"ops_cancel","requestId":"r1","command":"session.list"}"#
            .to_vec();
    let cases: Vec<(&str, Vec<u8>, &[&str])> = vec![
        (
            "oversized",
            vec![b' '; (4 << 20) + 1],
            &["relay_payload_too_large"],
        ),
        (
            "cut in the middle",
            request(r#"{"expression":"#),
            &["relay_frame_invalid"],
        ),
        (
            "no UTF-8",
            b"{\"type\":\"ops_request\",\"requestId\":\"\xff\xfe\"}".to_vec(),
            &["relay_frame_invalid"],
        ),
        (
            "lone surrogate",
            br#"{"type":"ops_request","requestId":"\ud800","command":"session.list"}"#.to_vec(),
            &["relay_frame_invalid"],
        ),
        (
            "nested arrays",
            nested("[", 100_000),
            &["relay_frame_invalid"],
        ),
        (
            "nested objects",
            nested(r#"{"a":"#, 100_000),
            &["relay_frame_invalid"],
        ),
        (
            "nested and closed",
            request(&format!("{}{}", "[".repeat(50_000), "]".repeat(50_000))),
            &["relay_frame_invalid", "ops_invalid_request"],
        ),
        ("a key twice", doubled, &["relay_frame_invalid"]),
        ("the type twice", typed_twice, &["relay_frame_invalid"]),
        (
            "a parameter twice",
            request(r#"{"expression":"1","expression":"2"}"#),
            &["ops_invalid_request"],
        ),
        ("nothing", Vec::new(), &["relay_frame_invalid"]),
        ("a number", b"7".to_vec(), &["relay_frame_invalid"]),
        ("NUL bytes", vec![0; 64], &["relay_frame_invalid"]),
    ];
    let abuse = async {
        for (what, body, expected) in &cases {
            let answer = exchange(at, &[head(at, &token, body.len()).as_bytes(), body]).await;
            let code = code(&answer);
            assert!(expected.contains(&code.as_str()), "{what}: {code}");
        }
        // Announced and never sent: the peer hangs up in the middle.
        for _ in 0..20 {
            let mut socket = TcpStream::connect(at).await.unwrap();
            socket
                .write_all((head(at, &token, 1_000) + "{\"type\":").as_bytes())
                .await
                .unwrap();
        }
    };
    with_a_good_client(&relay, abuse).await;
}

/// A WebSocket frame as a client masks it; `first` holds FIN, the reserved bits and the opcode.
fn frame(first: u8, masked: bool, payload: &[u8]) -> Vec<u8> {
    let mask = if masked { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..=125 => bytes.push(mask | u8::try_from(short).unwrap()),
        long => {
            bytes.push(mask | 126);
            bytes.extend(u16::try_from(long).unwrap().to_be_bytes());
        }
    }
    if masked {
        // A mask of zeroes leaves the payload as it is.
        bytes.extend([0; 4]);
    }
    bytes.extend(payload);
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn websocket_frames_that_break_the_protocol_end_their_own_socket_alone() {
    let scratch = scratch();
    let relay = Relay::start(&scratch);
    let (at, token) = (address(&relay), token(&relay));
    let upgrade = format!(
        "GET /ops HTTP/1.1\r\nhost: {at}\r\nauthorization: Bearer {token}\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let hello = frame(0x81, true, br#"{"type":"ops_hello","contractVersion":"1.1.0","clientVersion":"1","clientKind":"other"}"#);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a ping of 126 bytes", frame(0x89, true, &[0; 126])),
        ("a ping in parts", frame(0x09, true, b"x")),
        ("a close of one byte", frame(0x88, true, b"x")),
        (
            "a close with a code that is none",
            frame(0x88, true, &999_u16.to_be_bytes()),
        ),
        (
            "a close whose reason is no text",
            frame(0x88, true, &[0x03, 0xe8, 0xff]),
        ),
        ("an unknown opcode", frame(0x8b, true, b"")),
        ("reserved bits", frame(0xf1, true, b"{}")),
        ("a frame without mask", frame(0x81, false, b"{}")),
        ("a continuation of nothing", frame(0x80, true, b"{}")),
        ("text that is no text", frame(0x81, true, &[0xff, 0xfe])),
        (
            "a second start in the middle",
            [frame(0x01, true, b"{"), frame(0x01, true, b"{")].concat(),
        ),
    ];
    let abuse = async {
        for (what, bytes) in &cases {
            for parts in [
                vec![upgrade.as_bytes(), bytes],
                vec![upgrade.as_bytes(), &hello, bytes],
            ] {
                let answer = exchange(at, &parts).await;
                assert!(
                    answer.starts_with(b"HTTP/1.1 101"),
                    "{what}: {}",
                    String::from_utf8_lossy(&answer)
                );
            }
        }
        // A flood of pings whose answers nobody reads ends too, at the latest when the peer takes nothing for too long.
        let mut flood = TcpStream::connect(at).await.unwrap();
        flood.write_all(upgrade.as_bytes()).await.unwrap();
        flood.write_all(&hello).await.unwrap();
        let pings = frame(0x89, true, &[7; 125]).repeat(200);
        for _ in 0..50 {
            match timeout(Duration::from_millis(50), flood.write_all(&pings)).await {
                Ok(Ok(())) => {}
                // Full or closed.
                _ => break,
            }
        }
    };
    with_a_good_client(&relay, abuse).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn peers_that_trickle_their_request_are_cut() {
    let scratch = scratch();
    let relay = Relay::start(&scratch);
    let at = address(&relay);
    let abuse = async {
        let mut slow = Vec::new();
        for _ in 0..200 {
            let mut socket = TcpStream::connect(at).await.unwrap();
            socket
                .write_all(b"POST /ops HTTP/1.1\r\nhost: ")
                .await
                .unwrap();
            slow.push(tokio::spawn(async move {
                // A byte now and then, for as long as the relay bears it.
                while socket.write_all(b"x").await.is_ok() {
                    let mut answer = [0; 64];
                    if let Ok(Ok(0) | Err(_)) =
                        timeout(Duration::from_millis(200), socket.read(&mut answer)).await
                    {
                        return;
                    }
                }
            }));
        }
        for cut in slow {
            timeout(PATIENCE, cut).await.expect("it is cut").unwrap();
        }
    };
    with_a_good_client(&relay, abuse).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_connections_keep_nobody_out() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            ..limit
        },
    )
    .unwrap();
    let allowed = limit.maximum.map_or(CROWD, |most| most.saturating_sub(256));
    let scratch = scratch();
    let relay = Relay::start(&scratch);
    let at = address(&relay);
    let abuse = async {
        let mut crowd = Vec::new();
        for _ in 0..CROWD.min(allowed) {
            crowd.push(
                timeout(PATIENCE, TcpStream::connect(at))
                    .await
                    .expect("the system takes it")
                    .unwrap(),
            );
        }
        // The first to come had to make room.
        let mut answer = Vec::new();
        let _ = timeout(PATIENCE, crowd[0].read_to_end(&mut answer))
            .await
            .expect("it was cut");
        assert!(answer.is_empty());
        crowd
    };
    let crowd = with_a_good_client(&relay, abuse).await;
    assert!(
        crowd.len() > 1_000,
        "the system's limit of descriptors leaves too few to tell anything"
    );
}

fn odb_cli(relay: &Relay, words: &[&str]) -> (Option<i32>, String, String) {
    let mut command = Command::new(program("odb-cli"));
    let output = command
        .args(words)
        .env_clear()
        .env("ODB_HOME", relay.home())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn a_relay_that_wants_pairing_serves_whoever_has_redeemed_a_code() {
    let scratch = scratch();
    let relay = Relay::start_with(&scratch, &["--pairing", "on", "--ops-routing", "auto"]);
    let (exit, _, told) = odb_cli(&relay, &["session", "list"]);
    assert!(
        exit == Some(2) && told.contains("relay_pairing_required") && told.contains("odb-cli pair"),
        "{told}"
    );
    let (exit, _, told) = odb_cli(&relay, &["pair", "0000-0000"]);
    assert!(
        exit == Some(2) && told.contains("relay_pairing_invalid"),
        "{told}"
    );
    let (exit, code, told) = odb_cli(&relay, &["pair"]);
    assert_eq!(exit, Some(0), "{told}");
    let (exit, paired, told) = odb_cli(&relay, &["pair", code.trim()]);
    assert_eq!(exit, Some(0), "{told}");
    assert_eq!(odb_cli(&relay, &["session", "list"]).0, Some(0));
    assert_eq!(
        odb_cli(&relay, &["pair", code.trim()]).0,
        Some(2),
        "a code is good once"
    );
    let (exit, status, told) = odb_cli(&relay, &["status", "--output", "json"]);
    assert_eq!(exit, Some(0), "{told}");
    let status: Value = serde_json::from_str(&status).unwrap();
    // The command line's own identity ranks above its pairing.
    assert_eq!(status["opsRolloutIdentityNamespace"], "cli");
    let secret = std::fs::read_to_string(relay.home().join("pairing/local.token")).unwrap();
    let kept = std::fs::read_to_string(relay.home().join("paired.json")).unwrap();
    assert!(
        !kept.contains(secret.trim())
            && !paired.contains(secret.trim())
            && !relay.log().contains(secret.trim())
    );
    // A client without a name goes by its pairing.
    let named = relay.endpoint("x");
    let text = status_without_a_name(&named.url.authority(), &token(&relay), secret.trim());
    let status: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status["opsRolloutIdentityNamespace"], "pairing");
}

/// `GET /status` without a client id.
fn status_without_a_name(authority: &str, token: &str, pairing: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut socket = std::net::TcpStream::connect(authority).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!(
        "GET /status HTTP/1.1\r\nhost: {authority}\r\nauthorization: Bearer {token}\r\nx-odb-pairing-token: {pairing}\r\nconnection: close\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

#[test]
fn a_confirmation_comes_from_another_pairing_than_the_requesters() {
    let (scratch, elsewhere) = (scratch(), scratch());
    let policy = scratch.path().join("policy.json");
    let rule = r#"{ "name": "ask first", "commands": ["session.list"], "access": "confirm" }"#;
    std::fs::write(
        &policy,
        format!(r#"{{ "policySchemaVersion": 1, "default": "allow", "rules": [{rule}] }}"#),
    )
    .unwrap();
    configure(
        &scratch,
        &serde_json::json!({ "policy": policy }).to_string(),
    );
    let relay = Relay::start_with(&scratch, &["--pairing", "on"]);
    assert_eq!(odb_cli(&relay, &["pair", "--self"]).0, Some(0));
    let (url, token) = (
        relay.endpoint("x").url.to_string(),
        relay.home().join("relay.token"),
    );
    let other = |words: &[&str]| {
        let mut all = vec![
            "--home",
            elsewhere.path().to_str().unwrap(),
            "--relay",
            &url,
            "--token-file",
            token.to_str().unwrap(),
        ];
        all.extend(words);
        odb_cli(&relay, &all)
    };
    std::fs::set_permissions(
        elsewhere.path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o700),
    )
    .unwrap();
    let asked = || {
        let (exit, _, told) = odb_cli(&relay, &["session", "list", "--timeout", "200"]);
        assert!(
            exit == Some(2) && told.contains("relay_confirmation_timeout"),
            "{told}"
        );
        let id = told
            .split_once("odb-cli confirm approve ")
            .expect("it says how to confirm")
            .1;
        id.split(|letter: char| !letter.is_ascii_hexdigit())
            .next()
            .unwrap()
            .to_owned()
    };
    let id = asked();
    // Whoever only holds the relay's token decides nothing, and neither does the pairing that asked.
    let (exit, _, told) = other(&["confirm", "approve", &id]);
    assert!(
        exit == Some(2) && told.contains("relay_pairing_required"),
        "{told}"
    );
    let (exit, _, told) = odb_cli(&relay, &["confirm", "approve", &id]);
    assert!(
        exit == Some(2)
            && told.contains("relay_confirmation_forbidden")
            && told.contains("another pairing"),
        "{told}"
    );
    let code = odb_cli(&relay, &["pair"]).1;
    assert_eq!(other(&["pair", code.trim()]).0, Some(0));
    let (exit, listed, told) = other(&["confirm", "list"]);
    assert!(
        exit == Some(0)
            && listed.contains(&id)
            && listed.contains("session.list {}")
            && listed.contains("ask first"),
        "{listed}{told}"
    );
    assert_eq!(other(&["confirm", "approve", &id]).0, Some(0));
    let (exit, _, told) = odb_cli(&relay, &["session", "list"]);
    assert_eq!(exit, Some(0), "{told}");
    // An approval is good once, and a denial ends it.
    let id = asked();
    assert_eq!(other(&["confirm", "deny", &id]).0, Some(0));
    let (exit, _, told) = odb_cli(&relay, &["session", "list"]);
    assert!(
        exit == Some(2) && told.contains("relay_confirmation_denied"),
        "{told}"
    );
}

/// Puts a pipe that nobody writes to in a file's place.
fn put_pipe(place: &std::path::Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let _ = std::fs::remove_file(place);
    mknodat(CWD, place, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

/// The code of a command's refusal.
async fn refusal(relay: &Relay) -> Option<ErrorCode> {
    let listed = post::call::<SessionList>(&relay.endpoint("asks"), None, &Empty {}, None).await;
    listed.err().and_then(|error| error.code())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_in_the_policys_place_allows_nothing_and_keeps_nobody_waiting() {
    let scratch = scratch();
    let policy = scratch.path().join("policy.json");
    put_pipe(&policy);
    let config = serde_json::json!({ "policy": policy }).to_string();
    configure(&scratch, &config);
    let mut relay = Relay::start(&scratch);
    let unreadable = Some(ErrorCode::RelayPolicyUnreadable);
    assert_eq!(refusal(&relay).await, unreadable);
    let put = |mode| {
        let _ = std::fs::remove_file(&policy);
        std::fs::write(&policy, r#"{"policySchemaVersion":1,"default":"allow"}"#).unwrap();
        std::fs::set_permissions(&policy, std::os::unix::fs::PermissionsExt::from_mode(mode))
            .unwrap();
    };
    // More reloads than there are threads that may wait: none of them is held.
    let until = async |expected: Option<ErrorCode>| {
        let waiting = async {
            loop {
                relay.signal(rustix::process::Signal::HUP);
                if refusal(&relay).await == expected {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(PATIENCE, waiting).await.unwrap();
    };
    put(0o644);
    until(None).await;
    put(0o666);
    until(unreadable).await;
    put(0o600);
    until(None).await;
    put_pipe(&policy);
    for _ in 0..12 {
        relay.signal(rustix::process::Signal::HUP);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    until(unreadable).await;
    relay.signal(rustix::process::Signal::TERM);
    let ended = tokio::task::spawn_blocking(move || relay.ended());
    assert_eq!(timeout(PATIENCE, ended).await.unwrap().unwrap(), Some(0));
}

#[test]
fn what_stands_in_the_place_of_a_file_that_is_read_at_the_start_keeps_nobody_waiting() {
    for name in ["config.json", "paired.json", "relay.token", "cert.pem"] {
        let scratch = scratch();
        configure(&scratch, "{}");
        let home = scratch.path().join("home");
        put_pipe(&home.join(name));
        let mut relayd = Command::new(program("relayd"));
        relayd
            .args(["--listen", "127.0.0.1:0", "--home"])
            .arg(&home);
        if name == "cert.pem" {
            let file = |flag: &str| [flag.to_owned(), home.join(name).display().to_string()];
            relayd.args(file("--tls-cert")).args(file("--tls-key"));
        }
        let mut child = relayd
            .stdin(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let deadline = std::time::Instant::now() + PATIENCE;
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break Some(status),
                None if std::time::Instant::now() > deadline => break None,
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        };
        // Whatever becomes of the assertion, the process is ended.
        let _ = child.kill();
        let _ = child.wait();
        assert_eq!(status.and_then(|status| status.code()), Some(2), "{name}");
    }
}
