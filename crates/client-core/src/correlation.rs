//! What one run of a front end is found by in the logs of the relay.

use std::sync::{Arc, OnceLock};

use ops_client::RequestIds;
use ops_contracts::wire::ids::{RequestId, SessionId};

/// The ids of one run: those of its requests, and the session that it is about. Clones share them.
#[derive(Debug, Clone)]
pub struct Correlation {
    request_ids: RequestIds,
    session: Arc<OnceLock<SessionId>>,
}

impl Correlation {
    /// A run whose ids begin with `nonce`, which must be random.
    #[must_use]
    pub fn new(nonce: u128) -> Self {
        Self {
            request_ids: RequestIds::new(nonce),
            session: Arc::default(),
        }
    }

    /// Names for the requests of the run.
    #[must_use]
    pub fn request_ids(&self) -> &RequestIds {
        &self.request_ids
    }

    /// The request that was named last, or the run itself where none was.
    #[must_use]
    pub fn request_id(&self) -> RequestId {
        self.request_ids.last_id()
    }

    /// Notes the session that the run is about; the first one stays.
    pub fn about(&self, session: &SessionId) {
        self.session.get_or_init(|| session.clone());
    }

    /// The session that the run is about, if it is about one.
    #[must_use]
    pub fn session_id(&self) -> Option<&SessionId> {
        self.session.get()
    }
}
