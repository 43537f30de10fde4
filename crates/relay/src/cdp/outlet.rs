//! The way out to one connection of the lane, in the form that its peer reads.
//!
//! Whoever reads from a browser must not wait for a peer: a peer that takes too little is cut.

use ops_contracts::Fault;
use ops_contracts::wire::frame::unknown_request_id;
use ops_contracts::wire::ids::SessionId;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::frame::{self, Form};
use crate::websocket::Outbox;

/// The way out to one connection; clones share the queue.
#[derive(Clone)]
pub(crate) struct Outlet {
    id: u64,
    form: Form,
    outbox: Outbox,
}

impl Outlet {
    pub(super) fn new(id: u64, outbox: Outbox) -> Self {
        Self {
            id,
            form: Form::Explicit,
            outbox,
        }
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
        self.outbox.push(text);
    }

    /// A session of this connection is no more. One that is bound to it takes it along.
    pub(super) fn ended(&self, session: &SessionId, fault: &Fault) {
        match self.form {
            Form::Explicit | Form::Leaseless(_) => {
                self.push(frame::ended(&unknown_request_id(), session, fault.clone()));
            }
            Form::Raw(_) => {
                let ending = (CloseCode::Away, "the session has ended");
                self.outbox.close(Some(ending));
            }
        }
    }
}
