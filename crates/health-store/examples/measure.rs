//! Measures the store beside a plain typed parse of the same envelopes, and a relay's status document beside its serialisation, for
//! `cargo xtask bench`, which builds this for release and reads the milliseconds that it prints as JSON.
//!
//! `measure store DIRECTORY` or `measure status HOST:PORT TOKEN-FILE`. It judges nothing.

use std::error::Error;
use std::fs::DirBuilder;
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use health_store::{HealthStore, JournalConfig, Moment, Ticks};
use ops_contracts::control::health::{AdapterHealthStore, HealthEnvelope, Ingested, JournalState};
use ops_contracts::control::status::StatusDocument;
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::ids::ClientId;
use serde_json::json;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How often each is measured; the first time is for warming up.
const ROUNDS: usize = 8;

/// Envelopes of a round: of so many sessions, so many of each.
const SESSIONS: usize = 1_000;
const OF_EACH: usize = 20;

/// How long the journal may take for a round.
const SETTLED: Duration = Duration::from_secs(20);

/// The wall stands still, so that every round is the same.
struct Still(Instant);

impl Ticks for Still {
    fn now(&self) -> Moment {
        Moment {
            wall: Timestamp::from_unix_millis(1_700_000_000_000),
            monotonic: self.0.elapsed(),
        }
    }
}

fn ticks() -> Arc<dyn Ticks> {
    Arc::new(Still(Instant::now()))
}

fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let measured = match words[..] {
        ["store", directory] => store(Path::new(directory))?,
        ["status", address, token] => status(address, Path::new(token))?,
        _ => return Err("measure store DIRECTORY, or measure status HOST:PORT TOKEN-FILE".into()),
    };
    println!("{measured}");
    Ok(())
}

/// Runs the work and adds the milliseconds that it took, unless this is the first round.
fn timed<T>(samples: &mut Vec<f64>, round: usize, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let began = Instant::now();
    let done = work()?;
    if round > 0 {
        samples.push(began.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(done)
}

/// One envelope as an emitter sends it.
fn envelope(session: usize, seq: usize) -> String {
    json!({
        "type": "ops.adapter.health.v1", "event": "snapshot", "emittedAt": "2023-11-14T22:13:20.123Z",
        "sessionId": format!("{session:032x}"), "adapter": "cdp", "route": "ops", "circuitState": "closed", "faultCountWindow": 0,
        "windowSeconds": 60, "cooldownUntil": null, "disableReason": "unknown", "scope": "session", "consecutiveSuccesses": seq,
        "sessionEpoch": "0", "seq": seq.to_string()
    })
    .to_string()
}

fn parse(texts: &[String]) -> Outcome<()> {
    for text in texts {
        black_box(serde_json::from_str::<HealthEnvelope>(text)?);
    }
    Ok(())
}

fn ingest(store: &HealthStore, texts: &[String], emitter: &ClientId) -> Outcome<()> {
    for text in texts {
        match store.ingest(text, emitter) {
            Ok(Ingested::Accepted) => {}
            other => return Err(format!("{other:?}: {text}").into()),
        }
    }
    Ok(())
}

/// A store whose journal is below a new directory.
fn journalled(root: PathBuf) -> Outcome<HealthStore> {
    DirBuilder::new().mode(0o700).create(&root)?;
    Ok(HealthStore::with(JournalConfig::new(root), ticks())?)
}

/// Waits until all is written, and makes sure that nothing was lost.
fn settle(store: &HealthStore) -> Outcome<()> {
    let settled = store.settle(SETTLED);
    let journal = store.report().figures.journal;
    if !settled || journal.lost_records > 0 || journal.state != JournalState::Writing {
        return Err(format!("the journal did not take it all: {journal:?}").into());
    }
    Ok(())
}

fn store(directory: &Path) -> Outcome<serde_json::Value> {
    let emitter: ClientId = "bench".parse()?;
    let texts: Vec<String> = (0..OF_EACH)
        .flat_map(|seq| (0..SESSIONS).map(move |session| envelope(session, seq)))
        .collect();
    let (mut parsed, mut memory, mut journal) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        timed(&mut parsed, round, || parse(&texts))?;
        let store = HealthStore::in_memory(ticks());
        timed(&mut memory, round, || ingest(&store, &texts, &emitter))?;
        let store = journalled(directory.join(format!("journal-{round}")))?;
        timed(&mut journal, round, || {
            ingest(&store, &texts, &emitter).and_then(|()| settle(&store))
        })?;
    }
    let (replayed, plain, bytes) = replay(&directory.join("full"), &emitter)?;
    Ok(
        json!({ "parse": parsed, "memory": memory, "journal": journal, "replay": replayed, "replayParse": plain, "replayBytes": bytes }),
    )
}

/// Fills a segment, then opens it again and again, beside a parse of the envelopes in it.
fn replay(root: &Path, emitter: &ClientId) -> Outcome<(Vec<f64>, Vec<f64>, u64)> {
    let full = JournalConfig::new(root.to_owned()).segment_bytes;
    let mut texts = Vec::new();
    let store = journalled(root.to_owned())?;
    let mut bytes = 0;
    // A record is its envelope and some hundred bytes around it; the segment stays a little below its limit.
    for seq in 0.. {
        let batch: Vec<String> = (0..SESSIONS)
            .map(|session| envelope(session, seq))
            .collect();
        bytes += batch
            .iter()
            .map(|text| u64::try_from(text.len()).unwrap_or(u64::MAX) + 96)
            .sum::<u64>();
        if bytes > full {
            break;
        }
        ingest(&store, &batch, emitter)?;
        settle(&store)?;
        texts.extend(batch);
    }
    drop(store);
    let (mut replayed, mut plain) = (Vec::new(), Vec::new());
    let expected = u64::try_from(texts.len())?;
    for round in 0..4 {
        timed(&mut plain, round, || parse(&texts))?;
        let config = JournalConfig::new(root.to_owned());
        let store = timed(&mut replayed, round, || {
            Ok(HealthStore::with(config, ticks())?)
        })?;
        let records = store.report().figures.journal.replayed_records;
        if records < expected {
            return Err(format!("{records} of {expected} records were replayed").into());
        }
    }
    let day = std::fs::read_dir(root)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.is_dir())
        .ok_or("the journal has a day")?;
    Ok((
        replayed,
        plain,
        std::fs::metadata(day.join("adapter-health.jsonl"))?.len(),
    ))
}

/// Asks for the status document over and over, beside serialising what came.
fn status(address: &str, token: &Path) -> Outcome<serde_json::Value> {
    let token = std::fs::read_to_string(token)?;
    let head = format!(
        "GET /status HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\r\n",
        token.trim()
    );
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(SETTLED))?;
    let (mut asked, mut serialised, mut bytes, mut sessions) = (Vec::new(), Vec::new(), 0, 0);
    for round in 0..=30 {
        let body = timed(&mut asked, round, || get(&mut stream, &head))?;
        let document: StatusDocument = serde_json::from_slice(&body)?;
        (bytes, sessions) = (body.len(), document.adapter_health.sessions.len());
        timed(&mut serialised, round, || {
            Ok(black_box(serde_json::to_string(&document)?))
        })?;
    }
    Ok(json!({ "status": asked, "serialise": serialised, "bytes": bytes, "sessions": sessions }))
}

/// One response with a length, over a connection that stays open.
fn get(stream: &mut TcpStream, head: &str) -> Outcome<Vec<u8>> {
    stream.write_all(head.as_bytes())?;
    let mut bytes = Vec::with_capacity(1 << 20);
    let mut part = [0; 64 * 1024];
    loop {
        let count = stream.read(&mut part)?;
        if count == 0 {
            return Err("the relay closed the connection".into());
        }
        bytes.extend_from_slice(&part[..count]);
        let Some(end) = bytes
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .map(|at| at + 4)
        else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        if !text.starts_with("http/1.1 200 ") {
            return Err(format!("the relay refused: {}", String::from_utf8_lossy(&bytes)).into());
        }
        let length = text
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .ok_or("the answer has no length")?;
        let length: usize = length.trim().parse()?;
        if bytes.len() >= end + length {
            return Ok(bytes.split_off(end));
        }
    }
}
