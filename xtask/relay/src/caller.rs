//! A client that takes any command with any parameters and returns the code that came, over either transport.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use ops_client::{Client, ClientError, Endpoint, Options, RawCall, Reply, RequestIds, post};
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::frame::ClientKind;
use ops_contracts::wire::ids::{LeaseId, SessionId};
use ops_contracts::wire::version::BINARY_VERSION;
use serde::Deserialize;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::relay::Relay;

/// How requests travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    WebSocket,
    Http,
}

/// A session of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    #[serde(rename = "sessionId")]
    pub(crate) id: SessionId,
    #[serde(rename = "leaseId")]
    pub(crate) lease: LeaseId,
}

/// A client of one thread.
#[derive(Debug)]
pub(crate) struct Caller {
    runtime: Runtime,
    endpoint: Endpoint,
    client: Option<Client>,
}

/// A result, or the code that came in its place.
pub(crate) type Answer = Result<Value, String>;

impl Caller {
    /// Connects to a relay under the name of a client.
    pub(crate) fn connect(
        relay: &RelayAddress,
        client: &str,
        transport: Transport,
        now: Timestamp,
    ) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let endpoint = relay.endpoint(client, now)?;
        let client = match transport {
            Transport::Http => None,
            Transport::WebSocket => Some(
                runtime
                    .block_on(Client::connect(endpoint.clone(), options()))
                    .context("the relay can't be reached")?,
            ),
        };
        Ok(Self {
            runtime,
            endpoint,
            client,
        })
    }

    /// Runs a command.
    pub(crate) fn call(&self, session: Option<&Session>, command: &str, params: &Value) -> Answer {
        self.call_within(session, command, params, None)
    }

    /// Runs a command with a deadline of its own.
    pub(crate) fn call_within(
        &self,
        session: Option<&Session>,
        command: &str,
        params: &Value,
        timeout: Option<Duration>,
    ) -> Answer {
        let params = serde_json::value::to_raw_value(params).map_err(|error| error.to_string())?;
        let call = RawCall {
            session: session.map(|session| (&session.id, &session.lease)),
            timeout,
            ..RawCall::new(command, &params)
        };
        let reply = match &self.client {
            Some(client) => self.runtime.block_on(client.call_raw(&call)),
            None => self.runtime.block_on(post::call_raw(&self.endpoint, &call)),
        };
        outcome(reply)
    }

    /// Opens a session.
    pub(crate) fn create(&self, params: &Value) -> Result<Session, String> {
        let made = self.call(None, "session.create", params)?;
        serde_json::from_value(made).map_err(|error| error.to_string())
    }

    /// The status document.
    pub(crate) fn status(&self) -> Result<Value> {
        let text = self.runtime.block_on(post::status(&self.endpoint))?;
        Ok(serde_json::from_str(&text)?)
    }
}

fn outcome(reply: Result<Reply, ClientError>) -> Answer {
    let failed = |error: ClientError| match error.code() {
        Some(code) => code.to_string(),
        None => error.to_string(),
    };
    match reply.map_err(failed)?.result() {
        Ok(result) => serde_json::from_str(result).map_err(|error| error.to_string()),
        Err(refusal) => Err(refusal.code.clone()),
    }
}

/// One attempt: who counts reconnections makes them itself.
const fn options() -> Options {
    Options {
        connect_timeout: Duration::from_secs(5),
        attempts: 1,
        first_backoff: Duration::from_millis(50),
        max_backoff: Duration::from_millis(50),
    }
}

/// What a client needs to know of a relay.
#[derive(Debug, Clone)]
pub(crate) struct RelayAddress {
    pub(crate) url: String,
    pub(crate) token: String,
}

impl RelayAddress {
    pub(crate) fn of(relay: &Relay) -> Result<Self> {
        Ok(Self {
            url: relay.info.relay_url.clone(),
            token: relay.token()?,
        })
    }

    /// The same for a client of this id, with request ids of its own.
    pub(crate) fn endpoint(&self, client: &str, now: Timestamp) -> Result<Endpoint> {
        static CONNECTIONS: AtomicU32 = AtomicU32::new(0);
        let connection = u128::from(CONNECTIONS.fetch_add(1, Ordering::Relaxed));
        Ok(Endpoint {
            url: self.url.parse()?,
            trust: None,
            token: self.token.parse()?,
            pairing: None,
            client_id: client.parse()?,
            client_kind: ClientKind::Other,
            client_version: BINARY_VERSION.to_owned(),
            routing: ops_contracts::wire::routing::RequestControls::default(),
            // One connection of one process at one time: as good as random here. An id that came before would be answered with
            // what was answered then.
            request_ids: RequestIds::new(
                u128::from(now.unix_millis()) << 64
                    | u128::from(std::process::id()) << 32
                    | connection,
            ),
        })
    }
}
