//! A client of the legacy lane as small and fast as one can write it: blocking, one thread, frames that are masked with zeros. The
//! baseline is measured through it, and a slow client would make the baseline lax.
//!
//! Handshake and end of the session are the usual client's; only raw messages travel here.

use std::collections::{HashMap, VecDeque};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use ops_client::Endpoint;
use ops_contracts::legacy::{CDP_PROTOCOL, LegacyGrant};
use ops_contracts::version::OPS_CONTRACT_VERSION;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to the lane, for one session.
#[derive(Debug)]
pub(super) struct Lane {
    stream: TcpStream,
    /// What stands before a raw message.
    envelope: String,
    /// Bytes that were read; those before `taken` are done with.
    buffer: Vec<u8>,
    taken: usize,
    next: u64,
    replies: HashMap<u64, Box<RawValue>>,
    events: VecDeque<(String, Option<String>)>,
    pace: Pace,
}

/// What a frame of the relay holds.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
}

/// A raw message.
#[derive(Deserialize)]
struct Incoming<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    method: Option<&'a str>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow, rename = "sessionId")]
    session: Option<&'a str>,
}

/// Keeps below the lane's rate, between samples: a refusal would be no measurement.
#[derive(Debug)]
struct Pace {
    began: Instant,
    sent: f64,
    burst: f64,
    per_second: f64,
}

impl Pace {
    fn new(grant: &LegacyGrant) -> Self {
        let (burst, per_minute) = (f64::from(grant.limits.burst), f64::from(grant.limits.requests_per_minute));
        Self { began: Instant::now(), sent: 0.0, burst: burst * 0.8, per_second: per_minute / 60.0 * 0.9 }
    }

    fn wait(&self) {
        while self.sent > self.burst + self.per_second * self.began.elapsed().as_secs_f64() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Lane {
    /// Connects to the session of a grant.
    pub(super) fn connect(endpoint: &Endpoint, token: &str, grant: &LegacyGrant) -> Result<Self> {
        let host = endpoint.url.authority();
        let mut stream = TcpStream::connect(&host).with_context(|| format!("{host} can't be reached"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let head = format!(
            "GET /cdp HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: {CDP_PROTOCOL}\r\n\
             Authorization: Bearer {token}\r\nx-ops-contract-version: {OPS_CONTRACT_VERSION}\r\nx-ops-client-version: {}\r\n\
             x-ops-client-kind: other\r\nx-ops-client-id: {}\r\n\r\n",
            endpoint.client_version,
            endpoint.client_id.as_str(),
        );
        stream.write_all(head.as_bytes())?;
        let mut buffer = Vec::with_capacity(1 << 20);
        let end = loop {
            if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            read_more(&mut stream, &mut buffer)?;
        };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        ensure!(head.starts_with("HTTP/1.1 101 "), "the relay refused the lane: {head}{}", String::from_utf8_lossy(&buffer[end..]));
        let lease = grant.cdp_lease_id.as_str();
        let envelope = format!(r#"{{"sessionId":"{}","cdpLeaseId":"{lease}","message":"#, grant.session_id);
        let (replies, events, pace) = (HashMap::new(), VecDeque::new(), Pace::new(grant));
        Ok(Self { stream, envelope, buffer, taken: end, next: 1, replies, events, pace })
    }

    /// Waits until further messages are within the lane's rate, and forgets the events so far.
    pub(super) fn rest(&mut self) {
        self.events.clear();
        self.pace.wait();
    }

    /// Sends a command and returns its number, without waiting.
    pub(super) fn send(&mut self, session: Option<&str>, method: &str, params: &str) -> Result<u64> {
        let id = self.next;
        self.next += 1;
        self.pace.sent += 1.0;
        let session = session.map_or(String::new(), |session| format!(r#","sessionId":"{session}""#));
        let text = format!(r#"{}{{"id":{id},"method":"{method}","params":{params}{session}}}}}"#, self.envelope);
        self.stream.write_all(&frame(0x81, text.as_bytes()))?;
        Ok(id)
    }

    /// The result of a command that was sent.
    pub(super) fn wait(&mut self, id: u64) -> Result<Box<RawValue>> {
        loop {
            if let Some(result) = self.replies.remove(&id) {
                return Ok(result);
            }
            self.receive()?;
        }
    }

    /// Runs a command and waits for its result.
    pub(super) fn call(&mut self, session: Option<&str>, method: &str, params: &str) -> Result<Box<RawValue>> {
        let id = self.send(session, method, params)?;
        self.wait(id).with_context(|| format!("{method} failed"))
    }

    /// The same, read as what it should be.
    pub(super) fn read<T: DeserializeOwned>(&mut self, session: Option<&str>, method: &str, params: &str) -> Result<T> {
        let result = self.call(session, method, params)?;
        serde_json::from_str(result.get()).with_context(|| format!("{method} answers otherwise: {}", result.get()))
    }

    /// Evaluates an expression and returns its value.
    pub(super) fn eval(&mut self, session: &str, expression: &str) -> Result<Value> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Evaluated {
            result: Remote,
            exception_details: Option<Value>,
        }
        #[derive(Deserialize)]
        struct Remote {
            #[serde(default)]
            value: Value,
        }
        let params = format!(r#"{{"expression":{},"returnByValue":true}}"#, serde_json::to_string(expression)?);
        let evaluated: Evaluated = self.read(Some(session), "Runtime.evaluate", &params)?;
        match evaluated.exception_details {
            Some(exception) => bail!("{expression} threw: {exception}"),
            None => Ok(evaluated.result.value),
        }
    }

    /// Waits for an event of a page.
    pub(super) fn event(&mut self, session: &str, wanted: &str) -> Result<()> {
        loop {
            while let Some((method, of)) = self.events.pop_front() {
                if method == wanted && of.as_deref() == Some(session) {
                    return Ok(());
                }
            }
            self.receive().with_context(|| format!("{wanted} does not come"))?;
        }
    }

    /// Takes in one frame.
    fn receive(&mut self) -> Result<()> {
        loop {
            if let Some((kind, start, end)) = header(&self.buffer[self.taken..]) {
                let (start, end) = (self.taken + start, self.taken + end);
                while self.buffer.len() < end {
                    read_more(&mut self.stream, &mut self.buffer)?;
                }
                match kind {
                    0x1 => self.take_in(start, end)?,
                    0x9 => {
                        let pong = frame(0x8a, &self.buffer[start..end]);
                        self.stream.write_all(&pong)?;
                    }
                    0xa => {}
                    kind => bail!("the relay ended the lane (frame {kind}): {}", String::from_utf8_lossy(&self.buffer[start..end])),
                }
                self.taken = end;
                if self.taken == self.buffer.len() {
                    self.buffer.clear();
                    self.taken = 0;
                }
                return Ok(());
            }
            self.buffer.drain(..self.taken);
            self.taken = 0;
            read_more(&mut self.stream, &mut self.buffer)?;
        }
    }

    fn take_in(&mut self, start: usize, end: usize) -> Result<()> {
        let frame: Frame<'_> = serde_json::from_slice(&self.buffer[start..end]).context("a frame is no JSON")?;
        let Some(message) = frame.message else { bail!("the relay refuses: {}", frame.error.map_or("", RawValue::get)) };
        let message: Incoming<'_> = serde_json::from_str(message.get())?;
        match (message.id, message.result, message.error) {
            (Some(_), _, Some(error)) => bail!("the browser refuses: {error}"),
            (Some(id), Some(result), None) => drop(self.replies.insert(id, result.to_owned())),
            _ => {
                let method = message.method.unwrap_or_default().to_owned();
                self.events.push_back((method, message.session.map(str::to_owned)));
            }
        }
        Ok(())
    }
}

/// A whole frame of a client: masked, as clients must, with a mask that changes nothing.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len() + 14);
    frame.push(first);
    match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
        (Ok(short), _) if short < 126 => frame.push(0x80 | short),
        (_, Ok(middle)) => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&middle.to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(payload.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(payload);
    frame
}

/// Kind of a relay's frame, and where its payload begins and ends; none while its head is not there.
fn header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (kind, short) = (*bytes.first()? & 0x0f, usize::from(*bytes.get(1)? & 0x7f));
    let (start, length) = match short {
        126 => (4, usize::from(u16::from_be_bytes(*bytes.get(2..4)?.first_chunk()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(*bytes.get(2..10)?.first_chunk()?)).ok()?),
        short => (2, short),
    };
    Some((kind, start, start + length))
}

fn read_more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
    let old = buffer.len();
    buffer.resize(old + 64 * 1024, 0);
    let count = stream.read(&mut buffer[old..]).context("the relay does not answer")?;
    buffer.truncate(old + count);
    ensure!(count > 0, "the relay closed the lane");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_length_are_read_as_they_were_written() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let written = frame(0x81, &vec![b'x'; length]);
            let (kind, start, end) = header(&written).unwrap();
            // A client's mask stands before its payload.
            assert_eq!((kind, end - start, written.len()), (1, length, end + 4), "{length}");
            assert_eq!(header(&written[..1]), None);
        }
    }
}
