//! A peer that sends exactly what it is given, byte by byte: what no well-behaved client can be made to send.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, Result};
use ops_contracts::wire::version::OPS_CONTRACT_VERSION;
use serde_json::Value;

use crate::caller::RelayAddress;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A request before it is spoiled.
#[derive(Debug, Clone)]
pub(super) struct Request {
    at: SocketAddr,
    headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Request {
    /// A good one.
    pub(super) fn new(relay: &RelayAddress, body: &Value) -> Result<Self> {
        let authority = relay.url.trim_start_matches("http://");
        let at: SocketAddr = authority.parse().context("the relay has an address")?;
        Ok(Self {
            at,
            headers: vec![
                ("host", authority.to_owned()),
                ("authorization", format!("Bearer {}", relay.token)),
                ("content-type", "application/json".to_owned()),
                ("x-ops-contract-version", OPS_CONTRACT_VERSION.to_owned()),
                ("x-ops-client-id", "faults".to_owned()),
            ],
            body: body.to_string(),
        })
    }

    /// The same with another header, or without it.
    pub(super) fn with(mut self, name: &'static str, value: Option<&str>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers
            .extend(value.map(|value| (name, value.to_owned())));
        self
    }

    fn head(&self, length: usize) -> String {
        let mut head = String::from("POST /ops HTTP/1.1\r\n");
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head + &format!("content-length: {length}\r\nconnection: close\r\n\r\n")
    }

    fn connected(&self) -> Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&self.at, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(stream)
    }

    /// Sends it; the code of the answer, or `ok`.
    pub(super) fn send(&self) -> Result<String> {
        let mut stream = self.connected()?;
        let text = self.head(self.body.len()) + &self.body;
        // The relay may answer before it has read all of it.
        let _ = stream.write_all(text.as_bytes());
        let mut answer = Vec::new();
        // It may also close the connection on what it does not read.
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        let body = answer
            .split_once("\r\n\r\n")
            .with_context(|| format!("no answer: {answer}"))?
            .1;
        let frame: Value =
            serde_json::from_str(body).with_context(|| format!("no frame: {body}"))?;
        Ok(frame["error"]["code"].as_str().unwrap_or("ok").to_owned())
    }

    /// Says the beginning of it, and then nothing: the connection, half open.
    pub(super) fn begin(&self, bytes: usize) -> Result<TcpStream> {
        let mut stream = self.connected()?;
        let text = self.head(self.body.len()) + &self.body;
        let end = bytes.min(text.len());
        stream.write_all(&text.as_bytes()[..end])?;
        Ok(stream)
    }
}
