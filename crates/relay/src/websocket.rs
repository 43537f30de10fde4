//! The WebSocket below both lanes: how a socket is opened, read, written and closed. What its frames mean is the lanes' own.
//!
//! What goes out is one ordered queue, bounded in frames and bytes, and one task that writes it. A peer that takes nothing is cut
//! by the writer's time, and every sender learns it by the queue's end.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use ops_contracts::wire::frame::{CHUNK_THRESHOLD, FrameType, OpsPing, encode_heartbeat};
use ops_contracts::wire::ids::RequestId;
use tokio::io::AsyncWriteExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError};
use tokio_tungstenite::tungstenite::protocol::{
    CloseFrame, Message, Role, WebSocketConfig, frame::coding::CloseCode,
};

use crate::config::Timeouts;
use crate::reply::Chunks;

/// How far above the cap a message is still read, so that its refusal can name the request.
const SLACK: usize = 64 * 1024;

/// Buffers of one connection; many connections are idle.
const BUFFER: usize = 16 * 1024;

/// Kibibytes that may wait for a peer: two responses of the largest size.
const BUDGET_KIB: usize = 128 * 1024;

/// Why a socket ends, as its peer reads it.
pub(crate) type Ending = (CloseCode, &'static str);

type Writer = SplitSink<WebSocketStream<TokioIo<Upgraded>>, Message>;

/// The reading half, and what closes both.
pub(crate) struct Reader {
    messages: SplitStream<WebSocketStream<TokioIo<Upgraded>>>,
    writing: JoinHandle<Writer>,
    silence: Duration,
    write: Duration,
}

/// What a lane has different.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setup {
    /// The largest message, in bytes.
    pub(crate) cap: u64,
    /// How many frames may wait to be written.
    pub(crate) frames: usize,
    /// How the peer is asked whether it is there.
    pub(crate) beat: Beat,
}

/// How a peer is asked whether it is there.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Beat {
    /// By a frame of the contract, which a page of an extension can see and answer.
    Frame,
    /// By a ping of WebSocket's own: raw clients know no other.
    Ping,
}

/// What a peer sent, or why no more comes.
pub(crate) enum Incoming {
    Text(Utf8Bytes),
    Binary,
    Ping,
    Closed,
    Silent,
    /// It can't be read, and neither can what follows.
    Unreadable(Unreadable),
}

/// Why a message can't be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Above the cap; its size where the peer has announced it.
    TooLong(Option<u64>),
    NotUtf8,
    Malformed,
    /// The connection broke.
    Broken,
}

impl Unreadable {
    fn of(error: &WsError) -> Self {
        match error {
            WsError::Capacity(CapacityError::MessageTooLong { size, .. }) => {
                Self::TooLong(u64::try_from(*size).ok())
            }
            WsError::Utf8(_) => Self::NotUtf8,
            WsError::Protocol(_) => Self::Malformed,
            _ => Self::Broken,
        }
    }

    /// How the socket ends by it; `None` where nobody is there to read that.
    pub(crate) const fn ending(self) -> Option<Ending> {
        match self {
            Self::TooLong(_) => Some((CloseCode::Size, "the message is too large")),
            Self::NotUtf8 => Some((CloseCode::Invalid, "the frame is not UTF-8")),
            Self::Malformed => Some((
                CloseCode::Protocol,
                "the frame breaks the WebSocket protocol",
            )),
            Self::Broken => None,
        }
    }
}

/// Takes a connection over and starts its writer.
pub(crate) async fn open(
    upgraded: Upgraded,
    setup: Setup,
    timeouts: &Timeouts,
) -> (Outbox, Reader) {
    let cap = usize::try_from(setup.cap)
        .unwrap_or(usize::MAX)
        .saturating_add(SLACK);
    let config = WebSocketConfig::default()
        .max_message_size(Some(cap))
        .max_frame_size(Some(cap))
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER);
    let stream = TokioIo::new(upgraded);
    let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(config)).await;
    let (writer, messages) = socket.split();
    let (outbox, writing) = Outbox::start(writer, setup, timeouts);
    let reader = Reader {
        messages,
        writing,
        silence: timeouts.silence,
        write: timeouts.write,
    };
    (outbox, reader)
}

impl Reader {
    /// The next message; pongs are passed over.
    pub(crate) async fn next(&mut self) -> Incoming {
        loop {
            let message = match timeout(self.silence, self.messages.next()).await {
                Err(_) => return Incoming::Silent,
                Ok(None | Some(Ok(Message::Close(_)))) => return Incoming::Closed,
                Ok(Some(Err(error))) => return Incoming::Unreadable(Unreadable::of(&error)),
                Ok(Some(Ok(message))) => message,
            };
            match message {
                Message::Text(text) => return Incoming::Text(text),
                Message::Binary(_) => return Incoming::Binary,
                Message::Ping(_) => return Incoming::Ping,
                Message::Pong(_) | Message::Frame(_) | Message::Close(_) => {}
            }
        }
    }

    /// Writes what waits and `ending`, then closes the connection.
    pub(crate) async fn close(self, outbox: Outbox, ending: Option<Ending>) {
        if outbox.is_broken() {
            // The peer takes nothing: there is no way to tell it more.
            return self.writing.abort();
        }
        outbox.close(ending);
        drop(outbox);
        // The writer bounds each of its writes.
        let Ok(writer) = self.writing.await else {
            return;
        };
        if let Ok(mut socket) = writer.reunite(self.messages) {
            let _ = timeout(self.write, socket.get_mut().shutdown()).await;
        }
    }
}

/// Something to be written.
enum Item {
    Text {
        /// The request whose answer may be cut into chunks.
        request: Option<RequestId>,
        text: String,
        /// Its share of the queue, until it is written.
        _held: Option<Held>,
    },
    Close(Option<Ending>),
}

/// A frame's place in the queue, and its bytes.
struct Held {
    _frame: OwnedSemaphorePermit,
    _bytes: Option<OwnedSemaphorePermit>,
}

/// The sending side; clones share the queue.
#[derive(Clone)]
pub(crate) struct Outbox {
    queue: mpsc::UnboundedSender<Item>,
    /// Places for frames.
    frames: Arc<Semaphore>,
    /// Kibibytes of what is sent, and of what is pushed: a long answer that waits costs no event its place.
    sent: Arc<Semaphore>,
    pushed: Arc<Semaphore>,
    /// True once nothing can be written any more, or the peer does not keep up.
    broken: Arc<watch::Sender<bool>>,
}

impl Outbox {
    /// The sending side of a queue of at most `frames`, and the side that is written from.
    fn new(frames: usize) -> (Self, mpsc::UnboundedReceiver<Item>) {
        let (queue, waiting) = mpsc::unbounded_channel();
        let outbox = Self {
            queue,
            frames: Arc::new(Semaphore::new(frames)),
            sent: Arc::new(Semaphore::new(BUDGET_KIB)),
            pushed: Arc::new(Semaphore::new(BUDGET_KIB)),
            broken: Arc::new(watch::Sender::new(false)),
        };
        (outbox, waiting)
    }

    /// Starts the writer. The handle gives the socket's writing half back at the end.
    fn start(writer: Writer, setup: Setup, timeouts: &Timeouts) -> (Self, JoinHandle<Writer>) {
        let (outbox, waiting) = Self::new(setup.frames);
        let mut beat = interval_at(Instant::now() + timeouts.heartbeat, timeouts.heartbeat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let task = WriterTask {
            writer,
            waiting,
            beat,
            form: setup.beat,
            beats: 0,
            limit: timeouts.write,
            broken: outbox.broken.clone(),
        };
        (outbox, tokio::spawn(task.run()))
    }

    /// Queues a frame; `request` where it may be cut into chunks. Waits while the queue is full, and drops the frame when the
    /// socket is gone.
    pub(crate) async fn send(&self, request: Option<RequestId>, text: String) {
        let bytes = self.sent.clone().acquire_many_owned(kib(&text)).await;
        let frame = self.frames.clone().acquire_owned().await;
        let held = frame.ok().map(|frame| Held {
            _frame: frame,
            _bytes: bytes.ok(),
        });
        // A closed queue belongs to a connection that is ending.
        let _ = self.queue.send(Item::Text {
            request,
            text,
            _held: held,
        });
    }

    /// Queues a frame without waiting, for those that must not. A peer whose queue is full would miss it: it is cut. False when
    /// nobody reads any more.
    pub(crate) fn push(&self, text: String) -> bool {
        let frame = self.frames.clone().try_acquire_owned();
        let bytes = self.pushed.clone().try_acquire_many_owned(kib(&text));
        let (Ok(frame), Ok(bytes)) = (frame, bytes) else {
            self.broken.send_replace(true);
            return false;
        };
        let held = Held {
            _frame: frame,
            _bytes: Some(bytes),
        };
        let item = Item::Text {
            request: None,
            text,
            _held: Some(held),
        };
        self.queue.send(item).is_ok()
    }

    /// Queues the end; what was queued before is written first.
    pub(crate) fn close(&self, ending: Option<Ending>) {
        let _ = self.queue.send(Item::Close(ending));
    }

    /// Ends when nothing can be written any more, or the peer does not keep up.
    pub(crate) async fn broken(&self) {
        // The sender lives as long as this outbox.
        let _ = self.broken.subscribe().wait_for(|broken| *broken).await;
    }

    fn is_broken(&self) -> bool {
        *self.broken.borrow()
    }
}

/// What a text takes of the budget.
fn kib(text: &str) -> u32 {
    u32::try_from((text.len() / 1024 + 1).min(BUDGET_KIB)).unwrap_or(1)
}

struct WriterTask {
    writer: Writer,
    waiting: mpsc::UnboundedReceiver<Item>,
    beat: Interval,
    form: Beat,
    beats: u64,
    limit: Duration,
    broken: Arc<watch::Sender<bool>>,
}

impl WriterTask {
    async fn run(mut self) -> Writer {
        if let Err(error) = self.write_all().await {
            tracing::debug!(%error, "a socket broke");
        }
        self.broken.send_replace(true);
        self.writer
    }

    async fn write_all(&mut self) -> Result<(), WsError> {
        loop {
            let item = tokio::select! {
                item = self.waiting.recv() => item,
                _ = self.beat.tick() => {
                    self.ask().await?;
                    continue;
                }
            };
            let Some(mut item) = item else { return Ok(()) };
            // What waits behind goes out with the same flush.
            loop {
                match item {
                    Item::Text {
                        request,
                        text,
                        _held,
                    } => self.feed(request, text).await?,
                    Item::Close(ending) => return self.end(ending).await,
                }
                match self.waiting.try_recv() {
                    Ok(next) => item = next,
                    Err(_) => break,
                }
            }
            within(self.limit, self.writer.flush()).await?;
        }
    }

    /// Asks whether the peer is there.
    async fn ask(&mut self) -> Result<(), WsError> {
        self.beats += 1;
        let beat = match self.form {
            Beat::Frame => {
                let ping = OpsPing { nonce: self.beats };
                Message::text(encode_heartbeat(FrameType::Ping, &ping))
            }
            Beat::Ping => Message::Ping(Vec::new().into()),
        };
        within(self.limit, self.writer.send(beat)).await
    }

    async fn feed(&mut self, request: Option<RequestId>, text: String) -> Result<(), WsError> {
        match request {
            Some(request) if text.len() > CHUNK_THRESHOLD => {
                for frame in Chunks::new(&request, &text).frames() {
                    within(self.limit, self.writer.feed(Message::text(frame))).await?;
                }
                Ok(())
            }
            _ => within(self.limit, self.writer.feed(Message::text(text))).await,
        }
    }

    async fn end(&mut self, ending: Option<Ending>) -> Result<(), WsError> {
        if let Some((code, reason)) = ending {
            let close = Message::Close(Some(CloseFrame {
                code,
                reason: reason.into(),
            }));
            within(self.limit, self.writer.feed(close)).await?;
        }
        within(self.limit, self.writer.flush()).await
    }
}

async fn within(
    limit: Duration,
    write: impl Future<Output = Result<(), WsError>>,
) -> Result<(), WsError> {
    match timeout(limit, write).await {
        Ok(written) => written,
        Err(_) => Err(WsError::Io(std::io::ErrorKind::TimedOut.into())),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_peer_that_does_not_keep_up_with_frames_is_cut_by_the_one_that_finds_no_place() {
        let (outbox, mut waiting) = Outbox::new(2);
        assert!(outbox.push("1".to_owned()) && outbox.push("2".to_owned()));
        assert!(!outbox.is_broken());
        // What is written makes room again.
        drop(waiting.recv().await);
        assert!(outbox.push("3".to_owned()) && !outbox.is_broken());
        assert!(!outbox.push("4".to_owned()));
        assert!(outbox.broken().now_or_never().is_some());
    }

    #[tokio::test]
    async fn a_peer_that_does_not_keep_up_with_bytes_is_cut() {
        let (outbox, _waiting) = Outbox::new(1024);
        let half = "x".repeat(BUDGET_KIB * 1024 / 2 - 1);
        assert!(outbox.push(half.clone()) && outbox.push(half.clone()));
        assert!(!outbox.push("one more".to_owned()) && outbox.is_broken());
    }

    #[tokio::test]
    async fn answers_that_wait_cost_no_event_its_place_and_wait_for_room_themselves() {
        let (outbox, mut waiting) = Outbox::new(1024);
        let half = "x".repeat(BUDGET_KIB * 1024 / 2 - 1);
        outbox.send(None, half.clone()).await;
        outbox.send(None, half.clone()).await;
        let mut third = std::pin::pin!(outbox.send(None, half));
        assert!(third.as_mut().now_or_never().is_none(), "there is no room");
        assert!(outbox.push("an event".to_owned()) && !outbox.is_broken());
        drop(waiting.recv().await);
        assert!(third.now_or_never().is_some());
    }

    #[tokio::test]
    async fn nobody_waits_for_a_queue_that_has_ended() {
        let (outbox, waiting) = Outbox::new(1);
        outbox.send(None, "1".to_owned()).await;
        drop(waiting);
        outbox.send(None, "2".to_owned()).await;
        assert!(!outbox.push("3".to_owned()), "nobody reads any more");
    }
}
