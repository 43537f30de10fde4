//! One call of a tool: what it sends, so that it can be cancelled.

use std::sync::Arc;
use std::time::Duration;

use client_core::session::is_over;
use ops_client::Reply;
use ops_contracts::wire::command::{CommandName, Lane};
use parking_lot::Mutex;
use serde_json::value::RawValue;

use crate::handle::Held;
use crate::link::{Link, Sending};
use crate::server::Core;
use crate::trouble::Trouble;

/// A call that runs.
pub(crate) struct Cx<'a> {
    /// The server.
    pub(crate) core: &'a Core,
    sent: Mutex<Option<(Arc<Link>, Sending)>>,
}

impl<'a> Cx<'a> {
    pub(crate) fn new(core: &'a Core) -> Self {
        Self {
            core,
            sent: Mutex::default(),
        }
    }

    /// Sends a command and waits for its answer, which is a result or trouble.
    pub(crate) async fn send(&self, link: &Arc<Link>, sending: Sending) -> Result<Reply, Trouble> {
        *self.sent.lock() = Some((link.clone(), sending.clone()));
        let reply = link.call(&sending).await;
        self.sent.lock().take();
        let reply = reply?;
        match reply.result() {
            Ok(_) => Ok(reply),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Runs a command of a session that does not have to be told from its repetition.
    pub(crate) async fn run(
        &self,
        held: &Held,
        command: CommandName,
        params: Box<RawValue>,
        timeout: Option<Duration>,
    ) -> Result<Reply, Trouble> {
        let bound = command.spec().lane != Lane::Service;
        let sending = Sending {
            request_id: held.link.next_id(),
            ids: bound.then(|| held.ids.clone()),
            command,
            params,
            timeout,
        };
        let outcome = self.send(&held.link, sending).await;
        self.note(held, &outcome);
        held.memory().repeats.looked();
        outcome
    }

    /// Forgets a session that the relay says is over.
    pub(crate) fn note<T>(&self, held: &Held, outcome: &Result<T, Trouble>) {
        if let Err(trouble) = outcome
            && is_over(trouble.known())
        {
            self.core.sessions.forget(&held.handle);
        }
    }

    /// Has the relay end what this call waits for.
    pub(crate) async fn cancel(&self) {
        let sent = self.sent.lock().take();
        if let Some((link, sending)) = sent {
            link.cancel(&sending).await;
        }
    }
}
