//! A client of the legacy lane, as fast as its socket: the baseline is measured through it, and a slow client would make the baseline lax.
//!
//! Handshake and end of the session are the usual client's; only raw messages travel here.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use ops_client::Endpoint;
use ops_contracts::control::legacy::{CDP_PROTOCOL, LegacyGrant};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::ws::Socket;

/// A connection to the lane, for one session.
#[derive(Debug)]
pub(super) struct Lane {
    socket: Socket,
    /// What stands before a raw message; without one messages go as they are.
    envelope: Option<String>,
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
        let (burst, per_minute) = (
            f64::from(grant.limits.burst),
            f64::from(grant.limits.requests_per_minute),
        );
        Self {
            began: Instant::now(),
            sent: 0.0,
            burst: burst * 0.8,
            per_second: per_minute / 60.0 * 0.9,
        }
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
        let socket = Socket::connect(
            &endpoint.url.authority(),
            "/cdp",
            CDP_PROTOCOL,
            token,
            endpoint.client_id.as_str(),
        )?;
        let lease = grant.cdp_lease_id.as_str();
        let envelope = format!(
            r#"{{"sessionId":"{}","cdpLeaseId":"{lease}","message":"#,
            grant.session_id
        );
        let (replies, events, pace) = (HashMap::new(), VecDeque::new(), Pace::new(grant));
        Ok(Self {
            socket,
            envelope: Some(envelope),
            next: 1,
            replies,
            events,
            pace,
        })
    }

    /// Connects to a proxy for unmodified clients, which knows envelope, token and pace itself.
    pub(super) fn connect_proxy(address: &str) -> Result<Self> {
        let (host, path) = address
            .strip_prefix("ws://")
            .and_then(|rest| rest.split_once('/'))
            .context("no address of a proxy")?;
        let socket = Socket::connect(host, &format!("/{path}"), "none", "none", "bench")?;
        let pace = Pace {
            began: Instant::now(),
            sent: 0.0,
            burst: f64::INFINITY,
            per_second: 0.0,
        };
        let (replies, events) = (HashMap::new(), VecDeque::new());
        Ok(Self {
            socket,
            envelope: None,
            next: 1,
            replies,
            events,
            pace,
        })
    }

    /// Waits until further messages are within the lane's rate, and forgets the events so far.
    pub(super) fn rest(&mut self) {
        self.events.clear();
        self.pace.wait();
    }

    /// Sends a command and returns its number, without waiting.
    pub(super) fn send(
        &mut self,
        session: Option<&str>,
        method: &str,
        params: &str,
    ) -> Result<u64> {
        let id = self.next;
        self.next += 1;
        self.pace.sent += 1.0;
        let session = session.map_or(String::new(), |session| {
            format!(r#","sessionId":"{session}""#)
        });
        let (before, after) = self
            .envelope
            .as_deref()
            .map_or(("", ""), |envelope| (envelope, "}"));
        let text = format!(
            r#"{before}{{"id":{id},"method":"{method}","params":{params}{session}}}{after}"#
        );
        self.socket.send(&text)?;
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
    pub(super) fn call(
        &mut self,
        session: Option<&str>,
        method: &str,
        params: &str,
    ) -> Result<Box<RawValue>> {
        let id = self.send(session, method, params)?;
        self.wait(id).with_context(|| format!("{method} failed"))
    }

    /// The same, read as what it should be.
    pub(super) fn read<T: DeserializeOwned>(
        &mut self,
        session: Option<&str>,
        method: &str,
        params: &str,
    ) -> Result<T> {
        let result = self.call(session, method, params)?;
        serde_json::from_str(result.get())
            .with_context(|| format!("{method} answers otherwise: {}", result.get()))
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
        let params = format!(
            r#"{{"expression":{},"returnByValue":true}}"#,
            serde_json::to_string(expression)?
        );
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
            self.receive()
                .with_context(|| format!("{wanted} does not come"))?;
        }
    }

    /// Takes in one frame.
    fn receive(&mut self) -> Result<()> {
        let text = self.socket.receive()?;
        let bytes = self.socket.bytes(text);
        let message: Incoming<'_> = if self.envelope.is_none() {
            serde_json::from_slice(bytes).context("a message is no JSON")?
        } else {
            let frame: Frame<'_> = serde_json::from_slice(bytes).context("a frame is no JSON")?;
            let Some(message) = frame.message else {
                bail!(
                    "the relay refuses: {}",
                    frame.error.map_or("", RawValue::get)
                )
            };
            serde_json::from_str(message.get())?
        };
        match (message.id, message.result, message.error) {
            (Some(_), _, Some(error)) => bail!("the browser refuses: {error}"),
            (Some(id), Some(result), None) => drop(self.replies.insert(id, result.to_owned())),
            _ => {
                let method = message.method.unwrap_or_default().to_owned();
                self.events
                    .push_back((method, message.session.map(str::to_owned)));
            }
        }
        Ok(())
    }
}
