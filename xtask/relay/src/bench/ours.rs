//! The control plane as a program sees it: one WebSocket that stays open.

use anyhow::{Context as _, Result};
use ops_client::{Client, Endpoint, Options};
use ops_contracts::wire::capability::BrowserKind;
use ops_contracts::wire::clock::Timestamp;
use ops_contracts::wire::command::{Command, Empty, SessionClose, SessionCreate, session};
use ops_contracts::wire::frame::Timing;
use ops_contracts::wire::ids::{LeaseId, SessionId};
use tokio::runtime::Runtime;

use crate::caller::RelayAddress;
use crate::relay::Relay;

/// A connection to a relay. Everything happens on the calling thread.
#[derive(Debug)]
pub(super) struct Ours {
    runtime: Runtime,
    client: Client,
    endpoint: Endpoint,
}

/// A session of it.
#[derive(Debug, Clone)]
pub(super) struct Session {
    id: SessionId,
    lease: LeaseId,
}

impl Ours {
    pub(super) fn connect(relay: &Relay, now: Timestamp) -> Result<Self> {
        let endpoint = RelayAddress::of(relay)?.endpoint("bench", now)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let client = runtime
            .block_on(Client::connect(endpoint.clone(), Options::default()))
            .context("the relay can't be reached")?;
        Ok(Self {
            runtime,
            client,
            endpoint,
        })
    }

    /// The relay that it is connected to.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Runs a command.
    pub(super) fn call<C: Command>(
        &self,
        session: Option<&Session>,
        params: &C::Params,
    ) -> Result<C::Result> {
        Ok(self.told::<C>(session, params)?.0)
    }

    /// Runs a command, and tells where its time went.
    pub(super) fn told<C: Command>(
        &self,
        session: Option<&Session>,
        params: &C::Params,
    ) -> Result<(C::Result, Timing)> {
        let session = session.map(|session| (&session.id, &session.lease));
        let called = self
            .runtime
            .block_on(self.client.call::<C>(session, params, None));
        called.with_context(|| format!("{} failed", C::NAME))
    }

    /// Runs a command so many times in each session, in all of them at once.
    pub(super) fn repeat<C: Command>(
        &self,
        sessions: &[Session],
        params: &C::Params,
        times: u32,
    ) -> Result<()> {
        let each = sessions.iter().map(async |session| {
            for _ in 0..times {
                self.client
                    .call::<C>(Some((&session.id, &session.lease)), params, None)
                    .await?;
            }
            Ok::<_, ops_client::ClientError>(())
        });
        let done = self
            .runtime
            .block_on(futures_util::future::try_join_all(each));
        done.map(drop)
            .with_context(|| format!("{} failed", C::NAME))
    }

    pub(super) fn create(&self) -> Result<Session> {
        self.create_in(BrowserKind::Chrome)
    }

    /// The same in a browser of this kind.
    pub(super) fn create_in(&self, browser: BrowserKind) -> Result<Session> {
        let params = session::CreateParams {
            browser,
            ..Default::default()
        };
        let made = self.call::<SessionCreate>(None, &params)?;
        Ok(Session {
            id: made.session_id,
            lease: made.lease_id,
        })
    }

    pub(super) fn close(&self, session: &Session) -> Result<()> {
        self.call::<SessionClose>(Some(session), &Empty {})
            .map(drop)
    }
}
