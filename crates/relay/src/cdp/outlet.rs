//! What goes out on one connection of the lane: an ordered queue, bounded in bytes, and one task that writes it.
//!
//! Whoever reads from a browser must not wait for a peer: a peer that takes too little is cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::SinkExt;
use ops_contracts::Fault;
use ops_contracts::wire::frame::unknown_request_id;
use ops_contracts::wire::ids::SessionId;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::frame::{self, Form};
use super::socket::Writer;
use crate::config::Timeouts;

/// Bytes that may wait for a peer.
const BUDGET: usize = 128 * 1024 * 1024;

/// Something to be written.
enum Item {
    Text(String),
    Close(CloseCode, &'static str),
}

/// The way out to one connection; clones share the queue.
#[derive(Clone)]
pub(crate) struct Outlet {
    id: u64,
    form: Form,
    queue: mpsc::UnboundedSender<Item>,
    waiting: Arc<AtomicUsize>,
    breaker: Arc<watch::Sender<bool>>,
}

impl Outlet {
    /// Starts the writer. The handle gives the socket's writing half back at the end.
    pub(super) fn start(
        id: u64,
        writer: Writer,
        timeouts: &Timeouts,
    ) -> (Self, JoinHandle<Writer>) {
        let (queue, items) = mpsc::unbounded_channel();
        let breaker = Arc::new(watch::Sender::new(false));
        let waiting = Arc::new(AtomicUsize::new(0));
        let outlet = Self {
            id,
            form: Form::Explicit,
            queue,
            waiting: waiting.clone(),
            breaker: breaker.clone(),
        };
        (
            outlet,
            tokio::spawn(run(
                writer,
                items,
                waiting,
                breaker,
                timeouts.heartbeat,
                timeouts.write,
            )),
        )
    }

    /// The same connection, whose peer reads another form.
    pub(super) fn with_form(&self, form: Form) -> Self {
        Self {
            form,
            ..self.clone()
        }
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn form(&self) -> &Form {
        &self.form
    }

    /// Queues a frame; a peer that is too far behind is cut.
    pub(super) fn push(&self, text: String) {
        let bytes = text.len();
        if self.waiting.fetch_add(bytes, Ordering::AcqRel) + bytes > BUDGET {
            self.breaker.send_replace(true);
            return;
        }
        // A closed queue belongs to a connection that is ending.
        let _ = self.queue.send(Item::Text(text));
    }

    /// Queues the end; what was queued before is written first.
    pub(super) fn close(&self, code: CloseCode, reason: &'static str) {
        let _ = self.queue.send(Item::Close(code, reason));
    }

    /// A session of this connection is no more. One that is bound to it takes it along.
    pub(super) fn ended(&self, session: &SessionId, fault: &Fault) {
        match self.form {
            Form::Explicit | Form::Leaseless(_) => {
                self.push(frame::ended(&unknown_request_id(), session, fault.clone()))
            }
            Form::Raw(_) => self.close(CloseCode::Away, "the session has ended"),
        }
    }

    /// Ends when nothing can be written any more, or the peer does not keep up.
    pub(super) async fn broken(&self) {
        // The sender lives as long as this outlet.
        let _ = self.breaker.subscribe().wait_for(|broken| *broken).await;
    }

    pub(super) fn is_broken(&self) -> bool {
        *self.breaker.borrow()
    }
}

async fn run(
    mut writer: Writer,
    mut items: mpsc::UnboundedReceiver<Item>,
    waiting: Arc<AtomicUsize>,
    breaker: Arc<watch::Sender<bool>>,
    heartbeat: Duration,
    limit: Duration,
) -> Writer {
    if let Err(error) = write_all(&mut writer, &mut items, &waiting, heartbeat, limit).await {
        tracing::debug!(%error, "a socket broke");
    }
    breaker.send_replace(true);
    writer
}

async fn write_all(
    writer: &mut Writer,
    items: &mut mpsc::UnboundedReceiver<Item>,
    waiting: &AtomicUsize,
    heartbeat: Duration,
    limit: Duration,
) -> Result<(), WsError> {
    let mut beat = interval_at(Instant::now() + heartbeat, heartbeat);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let item = tokio::select! {
            item = items.recv() => item,
            _ = beat.tick() => {
                // Of the WebSocket's own kind: raw clients know no other.
                within(limit, writer.send(Message::Ping(Vec::new().into()))).await?;
                continue;
            }
        };
        let Some(mut item) = item else { return Ok(()) };
        // What waits behind goes out with the same flush.
        loop {
            match item {
                Item::Text(text) => {
                    let bytes = text.len();
                    within(limit, writer.feed(Message::text(text))).await?;
                    waiting.fetch_sub(bytes, Ordering::AcqRel);
                }
                Item::Close(code, reason) => {
                    let close = Message::Close(Some(CloseFrame {
                        code,
                        reason: reason.into(),
                    }));
                    within(limit, writer.feed(close)).await?;
                    return within(limit, writer.flush()).await;
                }
            }
            match items.try_recv() {
                Ok(next) => item = next,
                Err(_) => break,
            }
        }
        within(limit, writer.flush()).await?;
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
