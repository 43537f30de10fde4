//! A WebSocket client as small and fast as one can write it: blocking, one thread, and frames that are masked with zeros where the
//! other side takes them. What is measured through it is not to be the client.
//!
//! It knows no message; whole texts go out and come in.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::ops::Range;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use ops_contracts::wire::version::{BINARY_VERSION, OPS_CONTRACT_VERSION};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to a relay, or to a browser.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
    /// Bytes that were read; those before `taken` are done with.
    buffer: Vec<u8>,
    taken: usize,
    /// What clients mask what they send with. Zeros change nothing; Firefox does not take them.
    mask: [u8; 4],
}

impl Socket {
    /// Connects to a path of the relay at `host`, as the client `client`.
    pub(super) fn connect(
        host: &str,
        path: &str,
        protocol: &str,
        token: &str,
        client: &str,
    ) -> Result<Self> {
        let headers = format!(
            "Sec-WebSocket-Protocol: {protocol}\r\nAuthorization: Bearer {token}\r\n\
             x-ops-contract-version: {OPS_CONTRACT_VERSION}\r\nx-ops-client-version: {BINARY_VERSION}\r\n\
             x-ops-client-kind: other\r\nx-ops-client-id: {client}\r\n"
        );
        Self::open(host, path, &headers, [0; 4])
    }

    /// Connects to a path at `host`, with further headers, each with its end of line.
    pub(super) fn open(host: &str, path: &str, headers: &str, mask: [u8; 4]) -> Result<Self> {
        let mut stream =
            TcpStream::connect(host).with_context(|| format!("{host} can't be reached"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes())?;
        let mut buffer = Vec::with_capacity(1 << 20);
        let end = loop {
            if let Some(end) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break end + 4;
            }
            read_more(&mut stream, &mut buffer)?;
        };
        let refusal = String::from_utf8_lossy(&buffer);
        ensure!(
            refusal.starts_with("HTTP/1.1 101 "),
            "{host} refused {path}: {refusal}"
        );
        Ok(Self {
            stream,
            buffer,
            taken: end,
            mask,
        })
    }

    /// Sends a text.
    pub(super) fn send(&mut self, text: &str) -> Result<()> {
        Ok(self
            .stream
            .write_all(&frame(0x81, text.as_bytes(), self.mask))?)
    }

    /// Where the next text is.
    pub(super) fn receive(&mut self) -> Result<Range<usize>> {
        loop {
            let Some((kind, start, end)) = header(&self.buffer[self.taken..]) else {
                self.buffer.drain(..self.taken);
                self.taken = 0;
                read_more(&mut self.stream, &mut self.buffer)?;
                continue;
            };
            let (start, end) = (self.taken + start, self.taken + end);
            while self.buffer.len() < end {
                read_more(&mut self.stream, &mut self.buffer)?;
            }
            self.taken = end;
            match kind {
                0x1 => return Ok(start..end),
                0x9 => {
                    let pong = frame(0x8a, &self.buffer[start..end], self.mask);
                    self.stream.write_all(&pong)?;
                }
                0xa => {}
                kind => {
                    bail!(
                        "the other side ended the connection (frame {kind}): {}",
                        String::from_utf8_lossy(&self.buffer[start..end])
                    )
                }
            }
        }
    }

    /// A text that was received, until the next is.
    pub(super) fn bytes(&self, text: Range<usize>) -> &[u8] {
        &self.buffer[text]
    }
}

/// A whole frame of a client: masked, as clients must.
fn frame(first: u8, payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
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
    frame.extend_from_slice(&mask);
    frame.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
    frame
}

/// Kind of a relay's frame, and where its payload begins and ends; none while its head is not there.
fn header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (kind, short) = (*bytes.first()? & 0x0f, usize::from(*bytes.get(1)? & 0x7f));
    let (start, length) = match short {
        126 => (
            4,
            usize::from(u16::from_be_bytes(*bytes.get(2..4)?.first_chunk()?)),
        ),
        127 => (
            10,
            usize::try_from(u64::from_be_bytes(*bytes.get(2..10)?.first_chunk()?)).ok()?,
        ),
        short => (2, short),
    };
    Some((kind, start, start + length))
}

fn read_more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
    let old = buffer.len();
    buffer.resize(old + 64 * 1024, 0);
    let count = stream
        .read(&mut buffer[old..])
        .context("the other side does not answer")?;
    buffer.truncate(old + count);
    ensure!(count > 0, "the other side closed the connection");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_every_length_are_read_as_they_were_written() {
        for length in [0, 125, 126, 65_535, 65_536] {
            let written = frame(0x81, &vec![b'x'; length], [0; 4]);
            let (kind, start, end) = header(&written).unwrap();
            // A client's mask stands before its payload.
            assert_eq!(
                (kind, end - start, written.len()),
                (1, length, end + 4),
                "{length}"
            );
            assert_eq!(header(&written[..1]), None);
        }
    }
}
