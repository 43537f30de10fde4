//! Commands and their replies over one browser's WebSocket.
//!
//! A command is queued when it is sent, and its [`Reply`] is awaited later: commands that do not depend on each other
//! are pipelined by sending first and awaiting afterwards. Whatever the browser leaves unanswered is failed here, by
//! page, by frame, or as a whole when the socket ends.
//!
//! It knows ids and methods' names, not what events mean: those go, in order, to an [`EventSink`], before any reply
//! that follows them is handed out. It sets no deadlines: dropping a [`Reply`] forgets the command.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use ops_contracts::seam::adapter::{FrameKey, TargetKey};
use ops_contracts::seam::calls::{self, Calls, Loss};
use ops_contracts::wire::text::well_formed_bytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message, Utf8Bytes};

use crate::protocol::Command;
use crate::stream::Prompt;

/// Bytes of commands that may wait for a browser that does not read.
const MAX_BACKLOG: usize = 64 * 1024 * 1024;

/// What the browser refuses a command with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}: {message}")]
pub(crate) struct Refusal {
    pub(crate) error: String,
    pub(crate) message: String,
}

/// Why a command has no result.
pub(crate) type CallError = calls::CallError<Refusal>;

/// One event. Borrowed from the message it came in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'a> {
    pub(crate) method: &'a str,
    pub(crate) params: &'a str,
}

impl<'a> Event<'a> {
    pub(crate) fn decode<T: Deserialize<'a>>(&self) -> Result<T, CallError> {
        Ok(serde_json::from_str(self.params)?)
    }
}

/// Where events go. Called on the reading task, so it must not block.
pub(crate) trait EventSink: Send + Sync + 'static {
    fn event(&self, connection: &Connection, event: Event<'_>);
    /// The socket has ended; everything pending has failed already.
    fn closed(&self);
}

/// What a command depends on: it is lost with its page, and with the document of its frame.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Route {
    pub(crate) page: Option<TargetKey>,
    pub(crate) frame: Option<FrameKey>,
}

impl Route {
    /// The browser itself.
    pub(crate) const BROWSER: Self = Self {
        page: None,
        frame: None,
    };

    /// A page, whatever its document.
    pub(crate) fn page(page: TargetKey) -> Self {
        Self {
            page: Some(page),
            frame: None,
        }
    }

    /// The present document of a frame.
    pub(crate) fn document(page: TargetKey, frame: FrameKey) -> Self {
        Self {
            page: Some(page),
            frame: Some(frame),
        }
    }
}

/// A handle on the connection; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    backlog: AtomicUsize,
    /// Guards the queue with those who wait for what goes into it, so that a command is either queued and waited for or refused. Held to
    /// queue one command or for one look: replies are handed out when it is free again.
    pending: Mutex<Pending>,
    next_id: AtomicU64,
}

#[derive(Debug)]
struct Pending {
    calls: Calls<Waiting>,
    /// To the writing task; none when the connection is closed.
    queue: Option<mpsc::UnboundedSender<Utf8Bytes>>,
}

#[derive(Debug)]
struct Waiting {
    route: Route,
    reply: oneshot::Sender<Result<Bytes, CallError>>,
}

impl Waiting {
    /// Whoever waited may have given up meanwhile.
    fn lose(self, loss: Loss) {
        let _ = self.reply.send(Err(CallError::Lost(loss)));
    }
}

#[derive(Serialize)]
struct Outgoing<'a, P: ?Sized> {
    id: u64,
    method: &'a str,
    params: &'a P,
}

impl Connection {
    /// Connects to the browser's port on loopback and starts to read and write in tasks of the current runtime.
    pub(crate) async fn open(port: u16, sink: Arc<dyn EventSink>) -> Result<Self, SocketError> {
        let stream = Prompt::connect(port).await?;
        let config = WebSocketConfig::default()
            .max_message_size(None)
            .max_frame_size(None)
            .read_buffer_size(256 * 1024);
        let url = format!("ws://127.0.0.1:{port}/session");
        let (socket, _) =
            tokio_tungstenite::client_async_with_config(url, stream, Some(config)).await?;
        let (queue, queued) = mpsc::unbounded_channel();
        let pending = Mutex::new(Pending {
            calls: Calls::default(),
            queue: Some(queue),
        });
        let shared = Shared {
            backlog: AtomicUsize::new(0),
            pending,
            next_id: AtomicU64::new(1),
        };
        let connection = Self {
            shared: Arc::new(shared),
        };
        let (writer, reader) = socket.split();
        tokio::spawn(write_all(writer, queued, connection.clone()));
        tokio::spawn(read_all(reader, connection.clone(), sink));
        Ok(connection)
    }

    /// Sends one command.
    pub(crate) fn send<C: Command>(&self, command: &C, route: Route) -> Reply<C> {
        let shared = &self.shared;
        let id = shared.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        let pending = Outstanding {
            id,
            receiver,
            shared: Arc::clone(shared),
            settled: false,
        };
        let reply = Reply {
            pending,
            command: std::marker::PhantomData,
        };
        match serde_json::to_string(&Outgoing {
            id,
            method: C::METHOD,
            params: command,
        }) {
            Ok(text) => self.enqueue(
                id,
                text,
                Waiting {
                    route,
                    reply: sender,
                },
            ),
            Err(error) => drop(sender.send(Err(CallError::Encode(error.to_string())))),
        }
        reply
    }

    /// Queued under the lock, so that ids and messages have one order.
    fn enqueue(&self, id: u64, text: String, waiting: Waiting) {
        let shared = &self.shared;
        let mut pending = shared.pending.lock();
        let Pending { calls, queue } = &mut *pending;
        let refused = match queue {
            Some(_) if shared.backlog.load(Ordering::Acquire) > MAX_BACKLOG => {
                (waiting, CallError::Backlog)
            }
            None => (waiting, CallError::Lost(Loss::Disconnected)),
            Some(queue) => match calls.enter(id, waiting) {
                Err(waiting) => (waiting, CallError::Lost(Loss::Disconnected)),
                Ok(()) => {
                    shared.backlog.fetch_add(text.len(), Ordering::AcqRel);
                    // The receiver goes after the queue was taken away.
                    let _ = queue.send(text.into());
                    return;
                }
            },
        };
        drop(pending);
        let (waiting, error) = refused;
        let _ = waiting.reply.send(Err(error));
    }

    /// Fails everything that waits for a page.
    pub(crate) fn fail_page(&self, page: TargetKey, loss: Loss) {
        self.fail(loss, |waiting| waiting.route.page == Some(page));
    }

    /// Fails everything that waits for a frame's document.
    pub(crate) fn fail_document(&self, frame: FrameKey, loss: Loss) {
        self.fail(loss, |waiting| waiting.route.frame == Some(frame));
    }

    /// Ends the connection from this side: everything fails, nothing more is sent.
    pub(crate) fn close(&self) {
        let lost = {
            let mut pending = self.shared.pending.lock();
            pending.queue = None;
            pending.calls.close()
        };
        lost.into_iter()
            .for_each(|waiting| waiting.lose(Loss::Disconnected));
    }

    /// True until the socket has ended or was closed.
    pub(crate) fn is_open(&self) -> bool {
        self.shared.pending.lock().queue.is_some()
    }

    fn fail(&self, loss: Loss, belongs: impl Fn(&Waiting) -> bool) {
        let lost = self.shared.pending.lock().calls.lose(belongs);
        lost.into_iter().for_each(|waiting| waiting.lose(loss));
    }

    fn settle(&self, id: u64, outcome: Result<Bytes, CallError>) {
        let waiting = self.shared.pending.lock().calls.take(id);
        if let Some(waiting) = waiting {
            let _ = waiting.reply.send(outcome);
        }
    }
}

/// A reply that has not come. Dropping it forgets the command.
#[derive(Debug)]
pub(crate) struct Outstanding {
    id: u64,
    receiver: oneshot::Receiver<Result<Bytes, CallError>>,
    shared: Arc<Shared>,
    settled: bool,
}

/// The future reply of one command: the JSON text of its `result`. Dropping it forgets the command.
#[derive(Debug)]
pub(crate) struct Reply<C> {
    pending: Outstanding,
    command: std::marker::PhantomData<fn(C)>,
}

impl<C: Command> Reply<C> {
    /// Waits for the reply and decodes it.
    pub(crate) async fn decode(self) -> Result<C::Returns, CallError> {
        decode(&self.await?)
    }
}

impl<C> Reply<C> {
    /// Lets the command run without anyone waiting for it.
    pub(crate) fn forget(self) {
        drop(self);
    }

    /// The same, whatever command it is of.
    pub(crate) fn outstanding(self) -> Outstanding {
        self.pending
    }
}

/// Decodes a `result`, borrowing from it where `T` does.
pub(crate) fn decode<'a, T: Deserialize<'a>>(result: &'a Bytes) -> Result<T, CallError> {
    Ok(serde_json::from_slice(result)?)
}

impl Future for Outstanding {
    type Output = Result<Bytes, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receiver).poll(context).map(|outcome| {
            self.settled = true;
            outcome.unwrap_or(Err(CallError::Lost(Loss::Disconnected)))
        })
    }
}

impl<C> Future for Reply<C> {
    type Output = Result<Bytes, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.pending).poll(context)
    }
}

impl Drop for Outstanding {
    fn drop(&mut self) {
        if !self.settled {
            self.shared.pending.lock().calls.take(self.id);
        }
    }
}

type Writer = futures_util::stream::SplitSink<WebSocketStream<Prompt>, Message>;
type Reader = futures_util::stream::SplitStream<WebSocketStream<Prompt>>;

async fn write_all(
    mut writer: Writer,
    mut queued: mpsc::UnboundedReceiver<Utf8Bytes>,
    connection: Connection,
) {
    let mut batch = Vec::new();
    while queued.recv_many(&mut batch, 64).await > 0 {
        for text in batch.drain(..) {
            connection
                .shared
                .backlog
                .fetch_sub(text.len(), Ordering::AcqRel);
            if writer.feed(Message::Text(text)).await.is_err() {
                return connection.close();
            }
        }
        if writer.flush().await.is_err() {
            return connection.close();
        }
    }
}

async fn read_all(mut reader: Reader, connection: Connection, sink: Arc<dyn EventSink>) {
    loop {
        match reader.next().await {
            Some(Ok(Message::Text(text))) => dispatch(&connection, &*sink, &text.into()),
            Some(Ok(Message::Close(_))) | None => break,
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::debug!(%error, "the browser's socket failed");
                break;
            }
        }
    }
    connection.close();
    sink.closed();
}

#[derive(Deserialize)]
struct Incoming<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    method: Option<&'a str>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<String>,
    message: Option<String>,
}

fn dispatch(connection: &Connection, sink: &dyn EventSink, text: &Bytes) {
    let replaced = match well_formed_bytes(text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(replaced) => Some(Bytes::from(replaced)),
    };
    let text = replaced.as_ref().unwrap_or(text);
    let incoming: Incoming<'_> = match serde_json::from_slice(text) {
        Ok(incoming) => incoming,
        Err(error) => {
            // The text itself may hold secrets of the page, so only its size is told.
            tracing::warn!(%error, bytes = text.len(), "a message of the browser is not understood");
            return;
        }
    };
    if let Some(id) = incoming.id {
        let outcome = match (incoming.error, incoming.result) {
            (Some(error), _) => Err(CallError::Refused(Refusal {
                error,
                message: incoming.message.unwrap_or_default(),
            })),
            (None, Some(result)) => Ok(text.slice_ref(result.get().as_bytes())),
            (None, None) => Ok(Bytes::from_static(b"{}")),
        };
        connection.settle(id, outcome);
    } else if let Some(method) = incoming.method {
        let params = incoming.params.map_or("{}", RawValue::get);
        sink.event(connection, Event { method, params });
    }
}
