//! What adapter health costs: taking envelopes in and replaying them beside a plain parse of the same, commands with and without it, the
//! documents that tell of it, and the memory of a session that does nothing.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::version::{BINARY_VERSION, OPS_CONTRACT_VERSION};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::commands::ours_eval;
use super::ours::{Ours, Session};
use super::report::{Bound, Row};
use super::ws::Socket;
use super::{Bench, QUIET, page};
use crate::processes;
use crate::relay::{Relay, private_folder};
use crate::samples::Samples;
use xtask::workspace::Workspace;

/// How many sessions the status document tells of.
const TOLD: usize = 1_000;

/// How many sessions are opened to see what one takes.
const IDLE: u32 = 24;

/// Every row of this part.
pub(super) fn measure(bench: &Bench, measure: &Path, now: Timestamp) -> Result<Vec<Row>> {
    let mut rows = store(measure)?;
    rows.push(on_and_off(bench, now)?);
    rows.push(idle(bench, now)?);
    rows.extend(documents(bench, measure, now)?);
    Ok(rows)
}

/// Builds the program that measures what has to be built for release.
pub(super) fn program(workspace: &Workspace, debug: bool) -> Result<PathBuf> {
    let (profile, flag) = if debug {
        ("debug", None)
    } else {
        ("release", Some("--release"))
    };
    workspace.cargo(
        ["build", "--package", "health-store", "--example", "measure"]
            .into_iter()
            .chain(flag),
    )?;
    Ok(workspace
        .target()
        .join(profile)
        .join("examples")
        .join("measure"))
}

fn measured<T: DeserializeOwned>(program: &Path, words: &[&str]) -> Result<T> {
    let output = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(
        output.status.success(),
        "measure {} failed: {}",
        words.join(" "),
        output.status
    );
    serde_json::from_slice(&output.stdout).context("measure prints something else")
}

fn store(program: &Path) -> Result<Vec<Row>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Store {
        parse: Samples,
        memory: Samples,
        journal: Samples,
        replay: Samples,
        replay_parse: Samples,
        replay_bytes: u64,
    }
    let scratch = private_folder("odb-bench-")?;
    let told: Store = measured(program, &["store", &scratch.path().to_string_lossy()])?;
    ensure!(
        told.replay_bytes > 50 << 20,
        "the segment has only {} bytes",
        told.replay_bytes
    );
    Ok(vec![
        Row::pair(
            "20,000 envelopes into memory, to a parse",
            Bound::Times(3.0),
            (told.memory, told.parse.clone()),
        ),
        Row::pair(
            "20,000 envelopes journalled, to a parse",
            Bound::Times(6.0),
            (told.journal, told.parse),
        ),
        Row::pair(
            "replay of a full segment, to a parse",
            Bound::Times(2.0),
            (told.replay, told.replay_parse),
        ),
    ])
}

/// A relay of its own for each side, with a browser of its own.
struct Side {
    ours: Ours,
    session: Session,
    relay: Relay,
    _home: tempfile::TempDir,
}

impl Side {
    fn start(bench: &Bench, extra: &[&str], now: Timestamp) -> Result<Self> {
        let home = private_folder("odb-bench-")?;
        let relay = Relay::start_with(&bench.programs.relayd, home.path(), &bench.browser, extra)?;
        let ours = Ours::connect(&relay, now)?;
        let session = ours.create()?;
        super::commands::ours_goto(&ours, &session, &bench.site.url(page::PATH))?;
        Ok(Self {
            ours,
            session,
            relay,
            _home: home,
        })
    }

    fn end(self) -> Result<()> {
        let processes = self.relay.processes();
        self.relay.end(processes)
    }
}

/// The same command in turns where health is kept and where it is not.
fn on_and_off(bench: &Bench, now: Timestamp) -> Result<Row> {
    let (on, off) = (
        Side::start(bench, &[], now)?,
        Side::start(bench, &["--health-tuning", "off"], now)?,
    );
    sleep(QUIET);
    let (mut with, mut without) = (Samples::default(), Samples::default());
    for round in 0..=400 * bench.rounds {
        for turn in 0..2 {
            let (side, samples) = if (round + turn) % 2 == 0 {
                (&on, &mut with)
            } else {
                (&off, &mut without)
            };
            for _ in 0..5 {
                let began = Instant::now();
                ours_eval(&side.ours, &side.session)?;
                if round > 0 {
                    samples.add(began.elapsed());
                }
            }
        }
    }
    on.end()?;
    off.end()?;
    Ok(Row::pair(
        "eval with adapter health, to one without",
        Bound::Times(1.02),
        (with, without),
    ))
}

/// Growth of the relay's resident memory by sessions that were made and are left alone.
fn idle(bench: &Bench, now: Timestamp) -> Result<Row> {
    // The bench's own connection has been silent for too long.
    let ours = Ours::connect(&bench.relay, now)?;
    let pid = bench.relay.info.pid;
    // The first ones make room that the later ones find.
    let first: Vec<Session> = (0..4).map(|_| ours.create()).collect::<Result<_>>()?;
    sleep(QUIET);
    let before = processes::resident_mib(pid).context("resident memory can't be read")?;
    let sessions: Vec<Session> = (0..IDLE).map(|_| ours.create()).collect::<Result<_>>()?;
    sleep(QUIET);
    let after = processes::resident_mib(pid).context("resident memory can't be read")?;
    first
        .iter()
        .chain(&sessions)
        .try_for_each(|session| ours.close(session))?;
    Ok(Row::value(
        "relayd resident, per idle session (KiB)",
        (after - before) * 1024.0 / f64::from(IDLE),
        32.0,
        "KiB",
    ))
}

/// Status and metrics where the relay knows of a thousand sessions.
fn documents(bench: &Bench, program: &Path, now: Timestamp) -> Result<Vec<Row>> {
    #[derive(Deserialize)]
    struct Status {
        status: Samples,
        serialise: Samples,
        sessions: usize,
    }
    let host = bench.relay.info.relay_url.trim_start_matches("http://");
    let before = series(host, &bench.relay.token()?)?;
    tell_of_sessions(host, &bench.relay.token()?, now)?;
    let told: Status = measured(
        program,
        &[
            "status",
            host,
            &bench.home.join("relay.token").to_string_lossy(),
        ],
    )?;
    ensure!(
        told.sessions >= TOLD,
        "the status document tells of {} sessions",
        told.sessions
    );
    let after = series(host, &bench.relay.token()?)?;
    #[expect(clippy::cast_precision_loss, reason = "some hundred series")]
    let more = after as f64 - before as f64;
    Ok(vec![
        Row::pair(
            "/status with 1,000 sessions, to serialising it",
            Bound::Times(3.0),
            (told.status, told.serialise),
        ),
        Row::value("series that 1,000 sessions add to /metrics", more, 0.0, ""),
    ])
}

/// Reports on a thousand sessions as an emitter outside the process does.
fn tell_of_sessions(host: &str, token: &str, now: Timestamp) -> Result<()> {
    let mut socket = Socket::connect(host, "/ops", "odb.ops.v1", token, "bench-emitter")?;
    let hello = json!({
        "type": "ops_hello", "contractVersion": OPS_CONTRACT_VERSION, "clientVersion": BINARY_VERSION, "clientKind": "other",
        "clientId": "bench-emitter", "capabilities": []
    });
    let kind_of = |socket: &mut Socket| -> Result<String> {
        let text = socket.receive()?;
        let frame: serde_json::Value = serde_json::from_slice(socket.bytes(text))?;
        ensure!(frame.get("error").is_none(), "the relay refuses: {frame}");
        Ok(frame["type"].as_str().unwrap_or_default().to_owned())
    };
    socket.send(&hello.to_string())?;
    ensure!(
        kind_of(&mut socket)? == "ops_hello_ack",
        "the hello was not answered"
    );
    for session in 0..TOLD {
        let envelope = json!({
            "type": "ops.adapter.health.v1", "event": "snapshot", "emittedAt": now, "sessionId": format!("{session:032x}"),
            "adapter": "cdp", "route": "ops", "circuitState": "closed", "faultCountWindow": 0, "windowSeconds": 60, "cooldownUntil": null,
            "disableReason": "unknown", "scope": "session", "consecutiveSuccesses": 0, "sessionEpoch": "0", "seq": "0"
        });
        socket.send(&envelope.to_string())?;
    }
    socket.send(r#"{"type":"ops_ping"}"#)?;
    while kind_of(&mut socket)? != "ops_pong" {}
    Ok(())
}

/// How many series the exposition has.
fn series(host: &str, token: &str) -> Result<usize> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let head = format!(
        "GET /metrics HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    ensure!(
        text.starts_with("HTTP/1.1 200 "),
        "the relay refuses its metrics: {text}"
    );
    Ok(text
        .lines()
        .filter(|line| line.starts_with("ops_") || line.starts_with("cdp_"))
        .count())
}
