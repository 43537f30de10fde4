//! The connection to a relay, and calls over it.

use std::time::Duration;

use client_core::Client;
use ops_client::{ClientError, Endpoint, Options, RawCall, Reply};
use ops_contracts::ErrorCode;
use ops_contracts::wire::command::CommandName;
use ops_contracts::wire::ids::{LeaseId, RequestId, SessionId};
use serde_json::value::RawValue;
use tokio::time::{Instant, sleep};

use crate::trouble::Trouble;

/// The pause after a rate limit that names none.
const DEFAULT_PAUSE: Duration = Duration::from_millis(250);

/// Attempts to connect again before a relay counts as gone, some three seconds in all: a model that waits for longer learns nothing
/// by it, and the sessions of a relay that has ended are lost.
const ATTEMPTS: u32 = 7;

/// A relay that is connected.
#[derive(Debug)]
pub(crate) struct Link {
    connection: ops_client::Client,
    endpoint: Endpoint,
}

/// A command on its way.
#[derive(Debug, Clone)]
pub(crate) struct Sending {
    /// Its id, by which it is cancelled and distinguished from others.
    pub(crate) request_id: RequestId,
    /// Its session, where it is bound to one.
    pub(crate) ids: Option<(SessionId, LeaseId)>,
    /// The command.
    pub(crate) command: CommandName,
    /// Its parameters.
    pub(crate) params: Box<RawValue>,
    /// Its deadline, where it is not the command's own.
    pub(crate) timeout: Option<Duration>,
}

impl Link {
    /// Connects to the relay of a home, which is started where none runs.
    pub(crate) async fn connect(client: &Client) -> Result<Self, Trouble> {
        let relay = client.ensure().await?;
        relay.preflight(client)?;
        let endpoint = relay.endpoint;
        let connection = {
            let options = Options {
                attempts: ATTEMPTS,
                ..Options::default()
            };
            ops_client::Client::connect(endpoint.clone(), options).await?
        };
        Ok(Self {
            connection,
            endpoint,
        })
    }

    /// Whether the relay counts as gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.connection.is_closed()
    }

    /// A request id that was never used.
    pub(crate) fn next_id(&self) -> RequestId {
        self.endpoint.request_ids.next_id()
    }

    /// Runs a command; a refusal is a reply. A rate limit is waited out within the command's time, and an answer that was lost
    /// is asked for again under the same id, which runs nothing twice.
    pub(crate) async fn call(&self, sending: &Sending) -> Result<Reply, ClientError> {
        let ids = sending.ids.as_ref();
        let call = RawCall {
            request_id: Some(&sending.request_id),
            session: ids.map(|(session, lease)| (session, lease)),
            timeout: sending.timeout,
            ..RawCall::new(sending.command.as_str(), &sending.params)
        };
        let deadline = Instant::now() + call.allowed();
        let mut lost = false;
        loop {
            match self.connection.call_raw(&call).await {
                Err(ClientError::Lost(_)) if !lost && ids.is_some() => lost = true,
                Ok(reply) => match pause(&reply) {
                    Some(pause) if Instant::now() + pause < deadline => sleep(pause).await,
                    _ => return Ok(reply),
                },
                Err(error) => return Err(error),
            }
        }
    }

    /// Asks the relay to cancel a command. What can't be sent any more is not missed.
    pub(crate) async fn cancel(&self, sending: &Sending) {
        let ids = sending.ids.as_ref();
        let ids = ids.map(|(session, lease)| (session, lease));
        drop(self.connection.cancel(&sending.request_id, ids).await);
    }
}

/// How long the rate limit asks to wait, where the reply is its refusal.
fn pause(reply: &Reply) -> Option<Duration> {
    let refusal = reply.result().err()?;
    let limited = refusal.known() == Some(ErrorCode::RelayRateLimited);
    limited.then(|| {
        refusal
            .retry_after_ms
            .map_or(DEFAULT_PAUSE, Duration::from_millis)
            .max(Duration::from_millis(1))
    })
}
