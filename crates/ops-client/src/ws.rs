//! A connection to `/ops`: negotiated, concurrent, and made anew when it is lost.
//!
//! A handle talks to one task that owns the socket. What may have run is not sent again unless that is harmless.

use std::sync::Arc;
use std::time::Duration;

use ops_contracts::wire::command::{Command, CommandName, Repeat};
use ops_contracts::wire::frame::{OpsCancel, OpsEvent, OpsHelloAck, Timing};
use ops_contracts::wire::ids::{LeaseId, RequestId, SessionId};
use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::time::{Instant, timeout_at};

use crate::post::{self, GRACE, RawCall};
use crate::{ClientError, Endpoint, Reply};

mod chunks;
mod link;
mod socket;

use link::{Link, Op};

/// How a connection is made and kept.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The deadline of one attempt to connect, hello included.
    pub connect_timeout: Duration,
    /// Attempts to reconnect before the client gives up.
    pub attempts: u32,
    /// The pause before the second attempt; doubled with each further one.
    pub first_backoff: Duration,
    /// The longest pause.
    pub max_backoff: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            attempts: 10,
            first_backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(5),
        }
    }
}

/// Requests that wait to be taken by the connection's task; further ones wait in their callers.
const OP_QUEUE: usize = 256;

/// Events kept for a slow subscriber; one that falls further behind is told how many it missed.
const EVENT_BACKLOG: usize = 1024;

/// A handle to a connection; clones share it. The connection ends with its last handle.
#[derive(Debug, Clone)]
pub struct Client {
    ops: mpsc::Sender<Op>,
    events: broadcast::Sender<Arc<OpsEvent>>,
    ack: watch::Receiver<Arc<OpsHelloAck>>,
    endpoint: Endpoint,
}

impl Client {
    /// Connects and negotiates. Must be called in a tokio runtime with I/O and time.
    ///
    /// # Errors
    /// No connection in time, a refused hello, or a relay of another contract.
    pub async fn connect(endpoint: Endpoint, options: Options) -> Result<Self, ClientError> {
        let (socket, ack) = socket::open(&endpoint, options.connect_timeout).await?;
        let (ops, receiver) = mpsc::channel(OP_QUEUE);
        let (events, _) = broadcast::channel(EVENT_BACKLOG);
        let (announce, ack) = watch::channel(Arc::new(ack));
        let link = Link::new(
            endpoint.clone(),
            options,
            receiver,
            events.clone(),
            announce,
        );
        tokio::spawn(link.run(socket));
        Ok(Self {
            ops,
            events,
            ack,
            endpoint,
        })
    }

    /// Whether the client has given up its connection, so that no call succeeds any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.ops.is_closed()
    }

    /// What the relay answered to the latest hello.
    #[must_use]
    pub fn hello(&self) -> Arc<OpsHelloAck> {
        self.ack.borrow().clone()
    }

    /// The events of the sessions that this connection acts on, from now on. Events that happen while the connection is lost are not seen.
    #[must_use]
    pub fn events(&self) -> broadcast::Receiver<Arc<OpsEvent>> {
        self.events.subscribe()
    }

    /// Runs a command and reads its result.
    ///
    /// # Errors
    /// The relay's refusal; a lost connection; no answer in time; an answer that is none.
    pub async fn call<C: Command>(
        &self,
        session: Option<(&SessionId, &LeaseId)>,
        params: &C::Params,
        timeout: Option<Duration>,
    ) -> Result<(C::Result, Timing), ClientError> {
        let params = post::raw_params(params)?;
        self.call_raw(&RawCall {
            session,
            timeout,
            ..RawCall::new(C::NAME.as_str(), &params)
        })
        .await?
        .typed()
    }

    /// Runs a command and hands on the answer as it came.
    ///
    /// # Errors
    /// A lost connection; no answer in time; an answer that is none. A refusal is an answer.
    pub async fn call_raw(&self, call: &RawCall<'_>) -> Result<Reply, ClientError> {
        let within = call.allowed() + GRACE;
        let deadline = Instant::now() + within;
        let request_id = call
            .request_id
            .cloned()
            .unwrap_or_else(|| self.endpoint.request_ids.next_id());
        let (reply, answer) = oneshot::channel();
        let op = Op::Call(link::Pending::new(
            call.frame(request_id.clone()),
            request_id,
            is_harmless(call.command),
            reply,
        ));
        match timeout_at(deadline, self.ops.send(op)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(ClientError::Closed("its connection has ended".to_owned())),
            Err(_) => return Err(ClientError::NotSent(within)),
        }
        match timeout_at(deadline, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(ClientError::Lost("the client was closed".to_owned())),
            Err(_) => Err(ClientError::Deadline(within)),
        }
    }

    /// Asks the relay to cancel a request. Its answer, if any, comes to whoever waits for the request.
    ///
    /// # Errors
    /// [`ClientError::Closed`] where the connection has ended for good.
    pub async fn cancel(
        &self,
        request: &RequestId,
        session: Option<(&SessionId, &LeaseId)>,
    ) -> Result<(), ClientError> {
        let cancel = OpsCancel {
            request_id: request.clone(),
            session_id: session.map(|(session, _)| session.clone()),
            lease_id: session.map(|(_, lease)| lease.clone()),
        };
        let send = self.ops.send(Op::Cancel(cancel.encode()));
        match timeout_at(Instant::now() + GRACE, send).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(ClientError::Closed("its connection has ended".to_owned())),
            Err(_) => Err(ClientError::NotSent(GRACE)),
        }
    }
}

/// Whether a second execution of the command is harmless. One that this version doesn't know is not.
fn is_harmless(command: &str) -> bool {
    command
        .parse::<CommandName>()
        .is_ok_and(|name| name.spec().repeat != Repeat::Once)
}
