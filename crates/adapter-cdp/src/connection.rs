//! Commands and their replies over one browser's transport.
//!
//! A command is written when it is sent, and its [`Reply`] is awaited later: calls that do not depend on each other
//! are pipelined by sending first and awaiting afterwards. Whatever Chromium leaves unanswered is failed here, by
//! session ([`Connection::fail_session`]), by scope ([`Connection::fail_scope`]) or as a whole when the transport ends.
//!
//! It knows ids, sessions and methods' names, not what events mean: those go, in order, to an [`EventSink`], before
//! any reply that follows them is handed out. It sets no deadlines: dropping a [`Reply`] forgets the call.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use chromiumoxide_types::Command;
use ops_contracts::seam::calls::{self, Calls, Loss};
use ops_contracts::seam::transport::{Incoming, Outgoing, SendError, Transport};
use ops_contracts::wire::text::well_formed_bytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::{Notify, oneshot};

/// Why a command has no result.
pub(crate) type CallError = calls::CallError<Refusal>;

/// One event. Borrowed from the message it came in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'a> {
    pub(crate) session: Option<&'a str>,
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
    /// The transport has ended; everything pending has failed already.
    fn closed(&self);
}

/// Work that ends together when what it ran in ends: an execution context or a frame's document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ScopeId(pub(crate) u64);

/// The scope of a command: which losses it shares.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Route<'a> {
    /// The CDP session, absent for the browser itself.
    pub(crate) session: Option<&'a Arc<str>>,
    pub(crate) scope: Option<ScopeId>,
}

impl<'a> Route<'a> {
    pub(crate) const BROWSER: Route<'static> = Route {
        session: None,
        scope: None,
    };

    pub(crate) fn session(session: &'a Arc<str>) -> Self {
        Self {
            session: Some(session),
            scope: None,
        }
    }

    pub(crate) fn scoped(session: &'a Arc<str>, scope: ScopeId) -> Self {
        Self {
            session: Some(session),
            scope: Some(scope),
        }
    }
}

/// A handle on the connection; clones share it.
#[derive(Clone)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
}

struct Shared {
    outgoing: Arc<dyn Outgoing>,
    /// Ends the reading task, for transports that would not end by themselves when they are closed.
    closed: Notify,
    /// Guards the commands that wait. Held for one look into the table: replies are handed out when it is free again.
    calls: Mutex<Calls<Waiting>>,
    next_id: AtomicU64,
}

#[derive(Debug)]
struct Waiting {
    session: Option<Arc<str>>,
    scope: Option<ScopeId>,
    reply: oneshot::Sender<Result<Bytes, CallError>>,
}

impl Connection {
    /// Starts to read in a task of the current runtime; it ends with the transport.
    pub(crate) fn start(transport: Transport, sink: Arc<dyn EventSink>) -> Self {
        let connection = Self {
            shared: Arc::new(Shared {
                outgoing: transport.outgoing,
                closed: Notify::new(),
                calls: Mutex::default(),
                next_id: AtomicU64::new(1),
            }),
        };
        tokio::spawn(read_all(transport.incoming, connection.clone(), sink));
        connection
    }

    /// Sends one typed command.
    pub(crate) fn exec<C: Command>(&self, command: &C, route: Route<'_>) -> Reply {
        self.call(&command.identifier(), command, route)
    }

    /// Sends one command by name. Also for those whose generated parameters leave out required empty arrays.
    pub(crate) fn call(
        &self,
        method: &str,
        params: &(impl Serialize + ?Sized),
        route: Route<'_>,
    ) -> Reply {
        let mut batch = self.batch();
        let reply = batch.call(method, params, route);
        batch.send();
        reply
    }

    /// Several commands that go out in one write.
    pub(crate) fn batch(&self) -> Batch<'_> {
        Batch {
            connection: self,
            bytes: Vec::with_capacity(256),
            ids: Vec::new(),
        }
    }

    /// Fails everything that waits for `session`.
    pub(crate) fn fail_session(&self, session: &str, loss: Loss) {
        self.fail(loss, |waiting| waiting.session.as_deref() == Some(session));
    }

    /// Fails everything that was sent in `scope`.
    pub(crate) fn fail_scope(&self, scope: ScopeId, loss: Loss) {
        self.fail(loss, |waiting| waiting.scope == Some(scope));
    }

    /// Ends the connection from this side: everything fails, nothing more is sent.
    pub(crate) fn close(&self) {
        self.shared.outgoing.close();
        let lost = self.shared.calls.lock().close();
        self.shared.closed.notify_one();
        tell_lost(lost, Loss::Disconnected);
    }

    /// True until the transport has ended or was closed.
    pub(crate) fn is_open(&self) -> bool {
        self.shared.calls.lock().is_open()
    }

    fn fail(&self, loss: Loss, belongs: impl Fn(&Waiting) -> bool) {
        let lost = self.shared.calls.lock().lose(belongs);
        tell_lost(lost, loss);
    }

    fn settle(&self, id: u64, outcome: Result<Bytes, CallError>) {
        let waiting = self.shared.calls.lock().take(id);
        if let Some(waiting) = waiting {
            let _ = waiting.reply.send(outcome);
        }
    }
}

/// Tells those who wait that no reply comes.
fn tell_lost(lost: Vec<Waiting>, loss: Loss) {
    for waiting in lost {
        // Whoever waited may have given up meanwhile.
        let _ = waiting.reply.send(Err(CallError::Lost(loss)));
    }
}

/// Commands gathered for one write. [`Batch::send`] must follow, or they all fail.
pub(crate) struct Batch<'a> {
    connection: &'a Connection,
    bytes: Vec<u8>,
    ids: Vec<u64>,
}

#[derive(Serialize)]
struct Request<'a, P: ?Sized> {
    id: u64,
    method: &'a str,
    params: &'a P,
    #[serde(rename = "sessionId", skip_serializing_if = "Option::is_none")]
    session: Option<&'a str>,
}

impl Batch<'_> {
    /// Adds one typed command.
    pub(crate) fn exec<C: Command>(&mut self, command: &C, route: Route<'_>) -> Reply {
        self.call(&command.identifier(), command, route)
    }

    /// Adds one command by name.
    pub(crate) fn call(
        &mut self,
        method: &str,
        params: &(impl Serialize + ?Sized),
        route: Route<'_>,
    ) -> Reply {
        let shared = &self.connection.shared;
        let id = shared.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        let reply = Reply {
            id,
            receiver,
            shared: Arc::clone(shared),
            settled: false,
        };
        let start = self.bytes.len();
        let request = Request {
            id,
            method,
            params,
            session: route.session.map(|session| &**session),
        };
        if let Err(error) = serde_json::to_writer(&mut self.bytes, &request) {
            self.bytes.truncate(start);
            let _ = sender.send(Err(CallError::Encode(error.to_string())));
            return reply;
        }
        self.bytes.push(0);
        let waiting = Waiting {
            session: route.session.map(Arc::clone),
            scope: route.scope,
            reply: sender,
        };
        let entered = shared.calls.lock().enter(id, waiting);
        if let Err(refused) = entered {
            tell_lost(vec![refused], Loss::Disconnected);
            return reply;
        }
        self.ids.push(id);
        reply
    }

    /// Writes all of them at once.
    pub(crate) fn send(self) {
        if self.bytes.is_empty() {
            return;
        }
        let Err(error) = self.connection.shared.outgoing.send(&self.bytes) else {
            return;
        };
        let failure = match error {
            SendError::Closed => CallError::Lost(Loss::Disconnected),
            SendError::Backlog => CallError::Backlog,
        };
        for id in self.ids {
            self.connection.settle(id, Err(failure.clone()));
        }
    }
}

/// The future reply of one command: the JSON text of its `result`. Dropping it forgets the call.
pub(crate) struct Reply {
    id: u64,
    receiver: oneshot::Receiver<Result<Bytes, CallError>>,
    shared: Arc<Shared>,
    settled: bool,
}

impl Reply {
    /// Waits for the reply and decodes it.
    pub(crate) async fn decode<T: for<'de> Deserialize<'de>>(self) -> Result<T, CallError> {
        decode(&self.await?)
    }

    /// Lets the call run without anyone waiting for it.
    pub(crate) fn forget(self) {
        drop(self);
    }
}

/// Decodes a `result`, borrowing from it where `T` does.
pub(crate) fn decode<'a, T: Deserialize<'a>>(result: &'a Bytes) -> Result<T, CallError> {
    Ok(serde_json::from_slice(result)?)
}

impl Future for Reply {
    type Output = Result<Bytes, CallError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receiver).poll(context).map(|outcome| {
            self.settled = true;
            outcome.unwrap_or(Err(CallError::Lost(Loss::Disconnected)))
        })
    }
}

impl Drop for Reply {
    fn drop(&mut self) {
        if !self.settled {
            self.shared.calls.lock().take(self.id);
        }
    }
}

#[derive(Deserialize)]
struct Message<'a> {
    id: Option<u64>,
    method: Option<&'a str>,
    #[serde(rename = "sessionId")]
    session: Option<&'a str>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<Refusal>,
}

/// What the browser refuses a command with.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, thiserror::Error)]
#[error("{message} ({code})")]
#[serde(from = "Refused")]
pub(crate) struct Refusal {
    pub(crate) code: i64,
    pub(crate) message: String,
}

/// The same as it comes.
#[derive(Deserialize)]
struct Refused {
    code: i64,
    message: String,
    data: Option<String>,
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let message = match refused.data {
            Some(data) => format!("{}: {data}", refused.message),
            None => refused.message,
        };
        Self {
            code: refused.code,
            message,
        }
    }
}

async fn read_all(
    mut incoming: Box<dyn Incoming>,
    connection: Connection,
    sink: Arc<dyn EventSink>,
) {
    let reading = async {
        loop {
            match incoming.next().await {
                Ok(Some(message)) => dispatch(&connection, &*sink, &message),
                Ok(None) => return,
                Err(error) => {
                    return tracing::warn!(%error, "the browser's debugging connection failed");
                }
            }
        }
    };
    tokio::select! {
        () = reading => (),
        () = connection.shared.closed.notified() => (),
    }
    connection.close();
    sink.closed();
}

fn dispatch(connection: &Connection, sink: &dyn EventSink, message: &Bytes) {
    let replaced = match well_formed_bytes(message) {
        Cow::Borrowed(_) => None,
        Cow::Owned(replaced) => Some(Bytes::from(replaced)),
    };
    let message = replaced.as_ref().unwrap_or(message);
    let incoming: Message<'_> = match serde_json::from_slice(message) {
        Ok(incoming) => incoming,
        Err(error) => {
            // The text itself may hold secrets of the page, so only its size is told.
            tracing::warn!(%error, bytes = message.len(), "a message of the browser is not understood");
            return;
        }
    };
    if let Some(id) = incoming.id {
        let outcome = match (incoming.error, incoming.result) {
            (Some(refusal), _) => Err(CallError::Refused(refusal)),
            (None, Some(result)) => Ok(message.slice_ref(result.get().as_bytes())),
            (None, None) => Ok(Bytes::from_static(b"{}")),
        };
        connection.settle(id, outcome);
    } else if let Some(method) = incoming.method {
        let params = incoming.params.map_or("{}", RawValue::get);
        sink.event(
            connection,
            Event {
                session: incoming.session,
                method,
                params,
            },
        );
    }
}

#[cfg(test)]
mod tests;
