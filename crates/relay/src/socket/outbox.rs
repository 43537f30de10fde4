//! What goes out on one socket: one ordered queue, bounded in frames and bytes, and one task that writes it.
//!
//! A peer that takes nothing is cut by the writer's time, and every sender learns it by the queue's end.

use std::sync::Arc;

use futures_util::SinkExt;
use ops_contracts::Fault;
use ops_contracts::wire::frame::{CHUNK_THRESHOLD, FrameType, OpsPing, encode_heartbeat};
use ops_contracts::wire::ids::RequestId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::{Ending, Writer};
use crate::config::Timeouts;
use crate::reply::{self, Chunks};

/// Frames that may wait.
const FRAMES: usize = 1024;

/// Kibibytes that may wait: two responses of the largest size.
const BUDGET_KIB: usize = 128 * 1024;

/// Something to be written.
pub(super) enum Item {
    Frame {
        request: Option<RequestId>,
        text: String,
        held: Option<OwnedSemaphorePermit>,
    },
    Close(Option<Ending>),
}

/// The sending side; clones share the queue.
#[derive(Clone)]
pub(super) struct Outbox {
    queue: mpsc::Sender<Item>,
    budget: Arc<Semaphore>,
    /// True once nothing can be written any more, or the peer does not keep up.
    broken: watch::Receiver<bool>,
    breaker: Arc<watch::Sender<bool>>,
}

/// A way in for events: never waits, and does not keep the queue open.
pub(super) struct EventQueue {
    queue: mpsc::WeakSender<Item>,
    breaker: Arc<watch::Sender<bool>>,
}

impl EventQueue {
    /// Queues a frame. A peer with a full queue has lost the order of events: it is cut. False when nobody listens any more.
    pub(super) fn push(&self, text: String) -> bool {
        let Some(queue) = self.queue.upgrade() else {
            return false;
        };
        match queue.try_send(Item::Frame {
            request: None,
            text,
            held: None,
        }) {
            Ok(()) => true,
            Err(_) => {
                self.breaker.send_replace(true);
                false
            }
        }
    }
}

impl Outbox {
    /// Starts the writer. The handle gives the socket's writing half back at the end.
    pub(super) fn start(writer: Writer, timeouts: &Timeouts) -> (Self, JoinHandle<Writer>) {
        let (queue, waiting) = mpsc::channel(FRAMES);
        let (breaker, broken) = watch::channel(false);
        let breaker = Arc::new(breaker);
        let mut beat = interval_at(Instant::now() + timeouts.heartbeat, timeouts.heartbeat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let task = WriterTask {
            writer,
            waiting,
            beat,
            beats: 0,
            limit: timeouts.write,
            breaker: breaker.clone(),
        };
        let outbox = Self {
            queue,
            budget: Arc::new(Semaphore::new(BUDGET_KIB)),
            broken,
            breaker,
        };
        (outbox, tokio::spawn(task.run()))
    }

    /// Queues a frame; `request` where it may be cut into chunks. Waits while the queue is full, and drops the frame when the socket is gone.
    pub(super) async fn send(&self, request: Option<RequestId>, text: String) {
        let kib = u32::try_from((text.len() / 1024 + 1).min(BUDGET_KIB)).unwrap_or(1);
        let held = self.budget.clone().acquire_many_owned(kib).await.ok();
        let _ = self
            .queue
            .send(Item::Frame {
                request,
                text,
                held,
            })
            .await;
    }

    /// Queues an error frame.
    pub(super) async fn send_error(&self, request: RequestId, fault: Fault) {
        self.send(None, reply::error(request, None, fault, None))
            .await;
    }

    /// Queues the end; what was queued before is written first.
    pub(super) async fn close(&self, ending: Option<Ending>) {
        let _ = self.queue.send(Item::Close(ending)).await;
    }

    /// Ends when nothing can be written any more, or the peer does not keep up.
    pub(super) async fn broken(&self) {
        let mut broken = self.broken.clone();
        // The sender lives as long as this outbox.
        let _ = broken.wait_for(|broken| *broken).await;
    }

    pub(super) fn is_broken(&self) -> bool {
        *self.broken.borrow()
    }

    pub(super) fn events(&self) -> EventQueue {
        EventQueue {
            queue: self.queue.downgrade(),
            breaker: self.breaker.clone(),
        }
    }
}

struct WriterTask {
    writer: Writer,
    waiting: mpsc::Receiver<Item>,
    beat: Interval,
    beats: u64,
    limit: std::time::Duration,
    breaker: Arc<watch::Sender<bool>>,
}

impl WriterTask {
    async fn run(mut self) -> Writer {
        if let Err(error) = self.write_all().await {
            tracing::debug!(%error, "a socket broke");
        }
        self.breaker.send_replace(true);
        self.writer
    }

    async fn write_all(&mut self) -> Result<(), WsError> {
        loop {
            let item = tokio::select! {
                item = self.waiting.recv() => item,
                _ = self.beat.tick() => Some(self.heartbeat()),
            };
            let Some(mut item) = item else { return Ok(()) };
            // What waits behind goes out with the same flush.
            loop {
                match item {
                    Item::Frame {
                        request,
                        text,
                        held,
                    } => self.write(request, text, held).await?,
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

    fn heartbeat(&mut self) -> Item {
        self.beats += 1;
        Item::Frame {
            request: None,
            text: encode_heartbeat(FrameType::Ping, &OpsPing { nonce: self.beats }),
            held: None,
        }
    }

    async fn write(
        &mut self,
        request: Option<RequestId>,
        text: String,
        held: Option<OwnedSemaphorePermit>,
    ) -> Result<(), WsError> {
        match request {
            Some(request) if text.len() > CHUNK_THRESHOLD => {
                for frame in Chunks::new(&request, &text).frames() {
                    within(self.limit, self.writer.feed(Message::text(frame))).await?;
                }
            }
            _ => within(self.limit, self.writer.feed(Message::text(text))).await?,
        }
        drop(held);
        Ok(())
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
    limit: std::time::Duration,
    write: impl Future<Output = Result<(), WsError>>,
) -> Result<(), WsError> {
    match timeout(limit, write).await {
        Ok(written) => written,
        Err(_) => Err(WsError::Io(std::io::ErrorKind::TimedOut.into())),
    }
}
