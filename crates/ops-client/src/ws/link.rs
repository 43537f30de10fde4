//! The task that owns the socket: sends, matches answers to requests, and reconnects.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::stream::SplitSink;
use futures_util::{SinkExt, StreamExt};
use ops_contracts::wire::frame::{
    FrameType, OpsChunk, OpsEvent, OpsHelloAck, OpsPing, encode_heartbeat,
};
use ops_contracts::wire::ids::RequestId;
use serde::Deserialize;
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::Options;
use super::chunks::Assembly;
use super::socket::{self, Socket};
use crate::{ClientError, Endpoint, Reply};

/// Requests under way at once; further ones wait.
const MAX_PENDING: usize = 1024;

/// Heartbeats that may pass without a sign of life before the connection counts as lost.
const SILENT_BEATS: u32 = 2;

/// How long the last frames may take after the last handle is gone.
const FAREWELL: Duration = Duration::from_secs(1);

/// What a handle asks of the task.
#[derive(Debug)]
pub(super) enum Op {
    /// Sends a request.
    Call(Pending),
    /// Sends a cancel frame.
    Cancel(String),
}

/// A request that has no answer yet.
#[derive(Debug)]
pub(super) struct Pending {
    text: Utf8Bytes,
    request_id: RequestId,
    harmless: bool,
    written: Arc<AtomicBool>,
    chunks: Assembly,
    reply: oneshot::Sender<Result<Reply, ClientError>>,
}

impl Pending {
    pub(super) fn new(
        text: String,
        request_id: RequestId,
        harmless: bool,
        reply: oneshot::Sender<Result<Reply, ClientError>>,
    ) -> Self {
        Self {
            text: text.into(),
            request_id,
            harmless,
            written: Arc::default(),
            chunks: Assembly::default(),
            reply,
        }
    }
}

/// A frame on its way to the socket. The flag tells that its writing has begun.
struct Outbound {
    text: Utf8Bytes,
    written: Option<Arc<AtomicBool>>,
}

impl Outbound {
    fn plain(text: String) -> Self {
        Self {
            text: text.into(),
            written: None,
        }
    }
}

/// Why serving a connection ended.
enum Ended {
    /// No handle is left.
    Unwanted,
    /// The connection is gone.
    Lost(String),
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(rename = "requestId", default, borrow)]
    request_id: Option<Cow<'a, str>>,
}

/// The owner of a connection and of what is under way on it.
pub(super) struct Link {
    endpoint: Endpoint,
    options: Options,
    ops: mpsc::Receiver<Op>,
    events: broadcast::Sender<Arc<OpsEvent>>,
    ack: watch::Sender<Arc<OpsHelloAck>>,
    pending: HashMap<String, Pending>,
}

impl Link {
    pub(super) fn new(
        endpoint: Endpoint,
        options: Options,
        ops: mpsc::Receiver<Op>,
        events: broadcast::Sender<Arc<OpsEvent>>,
        ack: watch::Sender<Arc<OpsHelloAck>>,
    ) -> Self {
        Self {
            endpoint,
            options,
            ops,
            events,
            ack,
            pending: HashMap::new(),
        }
    }

    /// Serves connection after connection until nobody wants it any more, or the relay is gone for good.
    pub(super) async fn run(mut self, mut socket: Socket) {
        loop {
            let why = match self.serve(socket).await {
                Ended::Unwanted => return,
                Ended::Lost(why) => why,
            };
            self.give_up_unsafe(&why);
            socket = match self.reconnect().await {
                Ok(Some(socket)) => socket,
                Ok(None) => return,
                Err(error) => return self.close(&error),
            };
        }
    }

    async fn serve(&mut self, socket: Socket) -> Ended {
        let beat = Duration::from_millis(
            self.ack
                .borrow()
                .heartbeat_interval_ms
                .clamp(1_000, 120_000),
        );
        let (sink, mut stream) = socket.split();
        let (out, queue) = mpsc::unbounded_channel();
        // A task of its own: a peer that doesn't read must not keep this one from reading. It ends with its queue or the socket.
        let mut writer = AbortOnDrop(tokio::spawn(write(sink, queue)));
        self.send_again(&out);
        let mut tick = interval_at(Instant::now() + beat, beat);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent = 0;
        let ended = loop {
            tokio::select! {
                message = stream.next() => match message {
                    Some(Ok(Message::Text(text))) => {
                        silent = 0;
                        self.take(&text, &out);
                    }
                    Some(Ok(Message::Close(frame))) => break Ended::Lost(frame.map_or_else(|| "closed".to_owned(), |frame| format!("closed: {}", frame.reason))),
                    Some(Ok(_)) => silent = 0,
                    Some(Err(error)) => break Ended::Lost(error.to_string()),
                    None => break Ended::Lost("closed".to_owned()),
                },
                op = self.ops.recv(), if self.pending.len() < MAX_PENDING => match op {
                    Some(op) => self.perform(op, &out),
                    None => break Ended::Unwanted,
                },
                _ = tick.tick() => {
                    self.pending.retain(|_, pending| !pending.reply.is_closed());
                    silent += 1;
                    if silent > SILENT_BEATS {
                        break Ended::Lost(format!("no sign of life for {} ms", (beat * silent).as_millis()));
                    }
                    let _ = out.send(Outbound::plain(encode_heartbeat(FrameType::Ping, &OpsPing { nonce: u64::from(silent) })));
                }
            }
        };
        if matches!(ended, Ended::Unwanted) {
            // What was asked for last, a cancel say, still goes out.
            drop(out);
            let _ = timeout(FAREWELL, &mut writer.0).await;
        }
        ended
    }

    fn perform(&mut self, op: Op, out: &mpsc::UnboundedSender<Outbound>) {
        match op {
            Op::Cancel(text) => {
                let _ = out.send(Outbound::plain(text));
            }
            Op::Call(pending) => {
                let id = pending.request_id.as_str().to_owned();
                if self
                    .pending
                    .get(&id)
                    .is_some_and(|earlier| !earlier.reply.is_closed())
                {
                    let why = ClientError::Closed(
                        "a request of the same id is under way on this client".to_owned(),
                    );
                    let _ = pending.reply.send(Err(why));
                    return;
                }
                let _ = out.send(Outbound {
                    text: pending.text.clone(),
                    written: Some(pending.written.clone()),
                });
                self.pending.insert(id, pending);
            }
        }
    }

    /// Takes a frame. One that can't be read ends its request where it names one, and is passed over otherwise.
    fn take(&mut self, text: &str, out: &mpsc::UnboundedSender<Outbound>) {
        let Ok(head) = serde_json::from_str::<Head<'_>>(text) else {
            return;
        };
        let is = |kind: FrameType| head.kind == kind.as_str();
        if is(FrameType::Response) || is(FrameType::Error) {
            self.answer(head.request_id.as_deref(), text.to_owned());
        } else if is(FrameType::Chunk) {
            self.assemble(head.request_id.as_deref(), text);
        } else if is(FrameType::Event) {
            if let Ok(event) = serde_json::from_str::<OpsEvent>(text) {
                let _ = self.events.send(Arc::new(event));
            }
        } else if is(FrameType::Ping) {
            let ping = serde_json::from_str::<OpsPing>(text).unwrap_or_default();
            let _ = out.send(Outbound::plain(encode_heartbeat(FrameType::Pong, &ping)));
        }
    }

    fn answer(&mut self, request_id: Option<&str>, text: String) {
        if let Some(pending) = request_id.and_then(|id| self.pending.remove(id)) {
            let _ = pending.reply.send(Reply::parse(text));
        }
    }

    fn assemble(&mut self, request_id: Option<&str>, text: &str) {
        let Some((id, pending)) =
            request_id.and_then(|id| self.pending.get_mut(id).map(|pending| (id, pending)))
        else {
            return;
        };
        let added = serde_json::from_str::<OpsChunk>(text)
            .map_err(|error| error.to_string())
            .and_then(|chunk| pending.chunks.add(&chunk));
        let outcome = match added {
            Ok(None) => return,
            Ok(Some(whole)) => Reply::parse(whole),
            Err(why) => Err(ClientError::ReplyInvalid(why)),
        };
        if let Some(pending) = self.pending.remove(id) {
            let _ = pending.reply.send(outcome);
        }
    }

    /// Ends what may have run and must not run twice. The rest stays, to be sent on the next connection.
    fn give_up_unsafe(&mut self, why: &str) {
        let lost: Vec<String> = self
            .pending
            .iter()
            .filter(|(_, pending)| {
                pending.reply.is_closed()
                    || (pending.written.load(Ordering::Acquire) && !pending.harmless)
            })
            .map(|(id, _)| id.clone())
            .collect();
        for pending in lost
            .iter()
            .filter_map(|id| self.pending.remove(id))
            .collect::<Vec<_>>()
        {
            let _ = pending.reply.send(Err(ClientError::Lost(why.to_owned())));
        }
    }

    fn send_again(&mut self, out: &mpsc::UnboundedSender<Outbound>) {
        for pending in self.pending.values_mut() {
            pending.chunks = Assembly::default();
            let _ = out.send(Outbound {
                text: pending.text.clone(),
                written: Some(pending.written.clone()),
            });
        }
    }

    /// Connects anew; none when no handle is left.
    async fn reconnect(&mut self) -> Result<Option<Socket>, ClientError> {
        let mut pause = self.options.first_backoff;
        let mut last = ClientError::Closed("reconnecting is switched off".to_owned());
        for _ in 0..self.options.attempts {
            if self.ops.is_closed() && self.ops.is_empty() {
                return Ok(None);
            }
            match socket::open(&self.endpoint, self.options.connect_timeout).await {
                Ok((socket, ack)) => {
                    self.ack.send_replace(Arc::new(ack));
                    return Ok(Some(socket));
                }
                // A refusal of this client stays one.
                Err(
                    error @ (ClientError::Refused { .. }
                    | ClientError::Foreign(_)
                    | ClientError::Version { .. }),
                ) if !is_passing(&error) => {
                    return Err(error);
                }
                Err(error) => last = error,
            }
            sleep(pause).await;
            pause = (pause * 2).min(self.options.max_backoff);
        }
        Err(last)
    }

    /// Ends everything that waits, and whatever comes before the handles notice.
    fn close(mut self, error: &ClientError) {
        self.ops.close();
        while let Ok(op) = self.ops.try_recv() {
            if let Op::Call(pending) = op {
                let _ = pending
                    .reply
                    .send(Err(ClientError::Closed(error.to_string())));
            }
        }
        // What is left was never written, or is harmless to run twice.
        for (_, pending) in self.pending.drain() {
            let _ = pending
                .reply
                .send(Err(ClientError::Closed(error.to_string())));
        }
    }
}

/// Whether a refused connection may be taken later.
fn is_passing(error: &ClientError) -> bool {
    match error {
        ClientError::Refused { code, .. } => code.retryable(),
        ClientError::Foreign(refusal) => refusal.retryable,
        _ => false,
    }
}

async fn write(mut sink: SplitSink<Socket, Message>, mut queue: mpsc::UnboundedReceiver<Outbound>) {
    while let Some(outbound) = queue.recv().await {
        if let Some(written) = outbound.written {
            written.store(true, Ordering::Release);
        }
        if sink.send(Message::Text(outbound.text)).await.is_err() {
            return;
        }
    }
    let _ = sink.close().await;
}

/// Ends a task with its owner. A writer on a dead socket would otherwise wait for ever.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
