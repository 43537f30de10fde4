//! The ports by which the runtime confines what a session's browser reaches: a door on loopback through which everything of one
//! browser context goes, and who is told of what it refuses.
//!
//! No traffic is carried here, and nothing says how a door works.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::seam::adapter::BoxFuture;
use crate::wire::domains::{DomainPolicy, DomainRefusal};
use crate::wire::fault::Outcome;

/// Opens doors.
pub trait Egress: std::fmt::Debug + Send + Sync {
    /// Opens a door that lets nothing through yet.
    ///
    /// # Errors
    /// `ops_internal` when the system gives no port.
    fn open(&self) -> BoxFuture<'_, Outcome<Arc<dyn EgressDoor>>>;
}

/// A forward proxy for one browser context. Dropping the last handle closes it, with every connection through it.
pub trait EgressDoor: Send + Sync {
    /// Where it listens: an address of loopback.
    fn address(&self) -> SocketAddr;

    /// Lets connections of the browser with this process id in, and of the processes that it has started; nobody else's.
    fn belongs_to(&self, browser: u32);

    /// Lets through what `terms` permit, from now on.
    fn confine(&self, terms: EgressTerms);
}

/// What goes through a door.
#[derive(Clone)]
pub struct EgressTerms {
    /// Which hosts may be reached.
    pub policy: DomainPolicy,
    /// A proxy behind the door; names are its to resolve then.
    pub upstream: Option<EgressUpstream>,
    /// Who is told of what was refused.
    pub witness: Arc<dyn EgressWitness>,
}

/// A proxy to which everything that may pass is handed on.
#[derive(Clone)]
pub struct EgressUpstream {
    /// Where it is, as `http://[user:password@]host:port`.
    pub server: String,
    /// What its own host and address must pass: a client that names a proxy must not reach by it what the operator refuses.
    pub policy: DomainPolicy,
}

/// Is told of what a door refuses. Called while a connection waits: it must return at once.
pub trait EgressWitness: Send + Sync {
    /// A connection was refused.
    fn refused(&self, refusal: &DomainRefusal);
}
