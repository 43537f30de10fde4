//! The two pipes of a browser's debugging connection: messages of JSON text, each ended by a NUL byte.
//!
//! Moves bytes and nothing else: it knows neither ids nor methods. Writing happens on the caller's thread as long as
//! the pipe takes it, so that a command costs no change of task; what does not fit is flushed by a task of its own.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use ops_contracts::seam::adapter::BoxFuture;
use ops_contracts::seam::transport::{Incoming, Outgoing, SendError};
use parking_lot::Mutex;
use tokio::net::unix::pipe;
use tokio::sync::Notify;

/// The largest message accepted from a browser, in bytes. A larger one ends the connection.
const MAX_MESSAGE: usize = 512 * 1024 * 1024;
/// The most bytes that wait for a browser that does not read. More of them fail at once.
const MAX_BACKLOG: usize = 128 * 1024 * 1024;
/// The least room offered to one read.
const READ_ROOM: usize = 64 * 1024;
/// Takes our ends of a browser's pipes. To be called inside a tokio runtime, where what waits for the browser is flushed.
pub(crate) fn pipes(commands: OwnedFd, replies: OwnedFd) -> io::Result<(Arc<Writer>, Reader)> {
    let (writer, reader) = (Arc::new(Writer::new(commands)?), Reader::new(replies)?);
    let flusher = Arc::clone(&writer);
    tokio::spawn(async move { flusher.flush_backlog().await });
    Ok((writer, reader))
}

/// The writing side. Shared by all callers.
#[derive(Debug)]
pub(crate) struct Writer {
    pipe: pipe::Sender,
    /// Guards what waits for the pipe. Held over a write that takes at once what the pipe has room for, and over the keeping of the rest:
    /// another write in between would stand in the middle of a message.
    state: Mutex<Backlog>,
    grown: Notify,
}

#[derive(Debug, Default)]
struct Backlog {
    waiting: BytesMut,
    closed: bool,
}

impl Writer {
    /// Takes the write end; what waits for the browser is not flushed yet. To be called inside a tokio runtime.
    pub(crate) fn new(pipe: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            pipe: pipe::Sender::from_owned_fd(pipe)?,
            state: Mutex::default(),
            grown: Notify::new(),
        })
    }

    /// Sends whole messages, in order with all others. Never waits.
    pub(crate) fn send(&self, messages: &[u8]) -> Result<(), SendError> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(SendError::Closed);
        }
        let mut sent = 0;
        if state.waiting.is_empty() {
            match self.pipe.try_write(messages) {
                Ok(written) => sent = written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => {
                    state.closed = true;
                    return Err(SendError::Closed);
                }
            }
        }
        let rest = &messages[sent..];
        if rest.is_empty() {
            return Ok(());
        }
        // Only whole messages may be refused: a part that is out must be followed by its rest.
        if sent == 0 && state.waiting.len() + rest.len() > MAX_BACKLOG {
            return Err(SendError::Backlog);
        }
        state.waiting.extend_from_slice(rest);
        drop(state);
        self.grown.notify_one();
        Ok(())
    }

    /// Sends one message, adding its NUL, without a copy where the pipe has room. Never waits.
    pub(crate) fn send_message(&self, message: &[u8]) -> Result<(), SendError> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(SendError::Closed);
        }
        let mut sent = 0;
        if state.waiting.is_empty() {
            match self
                .pipe
                .try_write_vectored(&[io::IoSlice::new(message), io::IoSlice::new(b"\0")])
            {
                Ok(written) => sent = written,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => {
                    state.closed = true;
                    return Err(SendError::Closed);
                }
            }
        }
        if sent > message.len() {
            return Ok(());
        }
        let rest = &message[sent..];
        if sent == 0 && state.waiting.len() + rest.len() > MAX_BACKLOG {
            return Err(SendError::Backlog);
        }
        state.waiting.extend_from_slice(rest);
        state.waiting.extend_from_slice(b"\0");
        drop(state);
        self.grown.notify_one();
        Ok(())
    }

    /// Writes what [`Writer::send`] could not, until the pipe breaks or [`Writer::close`] is called.
    async fn flush_backlog(&self) {
        loop {
            if self.state.lock().waiting.is_empty() {
                self.grown.notified().await;
            }
            let writable = self.pipe.writable().await;
            let mut state = self.state.lock();
            if state.closed || writable.is_err() {
                state.closed = true;
                return;
            }
            if state.waiting.is_empty() {
                continue;
            }
            match self.pipe.try_write(&state.waiting) {
                Ok(written) => state.waiting.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => {
                    state.closed = true;
                    return;
                }
            }
        }
    }

    #[cfg(test)]
    pub(crate) async fn pipe_is_writable(&self) {
        self.pipe
            .writable()
            .await
            .expect("the test holds the other end");
    }

    /// Refuses everything from now on. The pipe itself closes with the last handle.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.grown.notify_one();
    }
}

impl Outgoing for Writer {
    fn send(&self, messages: &[u8]) -> Result<(), SendError> {
        self.send(messages)
    }

    fn close(&self) {
        self.close();
    }
}

/// The reading side, owned by one task.
#[derive(Debug)]
pub(crate) struct Reader {
    pipe: pipe::Receiver,
    buffer: BytesMut,
    /// How much of the buffer is known to hold no NUL.
    scanned: usize,
}

impl Reader {
    /// Takes the read end. To be called inside a tokio runtime.
    pub(crate) fn new(pipe: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            pipe: pipe::Receiver::from_owned_fd(pipe)?,
            buffer: BytesMut::with_capacity(READ_ROOM),
            scanned: 0,
        })
    }

    /// The next message without its NUL, as a slice of the buffer it was read into. `None` when the pipe has ended.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if let Some(message) = take_message(&mut self.buffer, &mut self.scanned) {
                return Ok(Some(message));
            }
            if self.buffer.len() > MAX_MESSAGE {
                return Err(io::Error::other("a message of the browser is too large"));
            }
            // Doubling keeps the copies of a large message few; small ones never cause any.
            self.buffer.reserve(READ_ROOM.max(self.buffer.len()));
            self.pipe.readable().await?;
            match self.pipe.try_read_buf(&mut self.buffer) {
                Ok(0) => return Ok(None),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Incoming for Reader {
    fn next(&mut self) -> BoxFuture<'_, io::Result<Option<Bytes>>> {
        Box::pin(self.next())
    }
}

fn take_message(buffer: &mut BytesMut, scanned: &mut usize) -> Option<Bytes> {
    let Some(offset) = memchr::memchr(0, &buffer[*scanned..]) else {
        *scanned = buffer.len();
        return None;
    };
    let mut message = buffer.split_to(*scanned + offset + 1);
    *scanned = 0;
    message.truncate(message.len() - 1);
    Some(message.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_at_nul_however_the_bytes_arrive() {
        let (mut buffer, mut scanned) = (BytesMut::new(), 0);
        let mut seen = Vec::new();
        for byte in b"{\"id\":1}\0{}\0\0{\"x" {
            buffer.extend_from_slice(&[*byte]);
            seen.extend(take_message(&mut buffer, &mut scanned));
        }
        assert_eq!(seen, [&b"{\"id\":1}"[..], b"{}", b""]);
        assert_eq!(&buffer[..], b"{\"x");
    }

    #[tokio::test]
    async fn a_message_larger_than_the_pipe_arrives_whole_and_in_order() {
        let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let writer = Arc::new(Writer::new(write).unwrap());
        let mut reader = Reader::new(read).unwrap();
        let flusher = tokio::spawn({
            let writer = writer.clone();
            async move { writer.flush_backlog().await }
        });
        let mut large = vec![b'a'; 3 * 1024 * 1024];
        large.push(0);
        writer.send(&large).unwrap();
        writer.send(b"second\0").unwrap();
        assert_eq!(reader.next().await.unwrap().unwrap().len(), large.len() - 1);
        assert_eq!(&reader.next().await.unwrap().unwrap()[..], b"second");
        writer.close();
        assert_eq!(writer.send(b"late\0"), Err(SendError::Closed));
        flusher.await.unwrap();
        drop(writer);
        assert!(reader.next().await.unwrap().is_none());
    }
}
