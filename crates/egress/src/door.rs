//! Doors: one listener on loopback for each browser context, at a port that the system picks.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ops_contracts::seam::adapter::BoxFuture;
use ops_contracts::seam::egress::{Egress, EgressDoor, EgressTerms, EgressWitness};
use ops_contracts::wire::domains::{DomainPolicy, DomainReason, DomainRefusal};
use ops_contracts::{ErrorCode, Fault, Outcome};
use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};

use crate::forward;
use crate::peer;
use crate::upstream::Upstream;

/// The most connections through one door at a time; a browser opens at most 32 to a proxy, WebSockets apart.
const MAX_CONNECTIONS: usize = 1_024;
/// How long accepting rests after it failed: the process may be out of descriptors.
const REST: Duration = Duration::from_millis(50);

/// Opens doors on this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalEgress;

impl Egress for LocalEgress {
    fn open(&self) -> BoxFuture<'_, Outcome<Arc<dyn EgressDoor>>> {
        Box::pin(async {
            let door = Door::open().await.map_err(|error| {
                Fault::new(
                    ErrorCode::OpsInternal,
                    format!("the way out of the session can't be opened: {error}"),
                )
            })?;
            Ok(Arc::new(door) as Arc<dyn EgressDoor>)
        })
    }
}

struct Door {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// What the connections through a door share.
pub(crate) struct Shared {
    /// Guards what is permitted. Held to copy or to replace it: a connection goes by the terms that it found, whatever comes later.
    terms: Mutex<Option<Terms>>,
    /// The process group that may come in; none yet where it is absent. Held for one look: whether a peer is in it is found out without.
    group: Mutex<Option<u32>>,
    /// The process that came last: it will come again.
    last: AtomicU32,
    closed: watch::Sender<bool>,
}

/// What is permitted. A door without terms permits nothing.
#[derive(Clone, Default)]
pub(crate) struct Terms {
    pub(crate) policy: DomainPolicy,
    pub(crate) upstream: Option<Upstream>,
    /// What the host of the proxy behind the door must pass.
    pub(crate) upstream_policy: DomainPolicy,
    witness: Option<Arc<dyn EgressWitness>>,
    open: bool,
}

impl Terms {
    pub(crate) fn refusal(&self, host: &str, port: u16) -> Option<DomainRefusal> {
        if !self.open {
            return Some(DomainRefusal {
                host: host.to_owned(),
                port,
                reason: DomainReason::NotAllowed,
                rule: None,
            });
        }
        self.policy.refusal(host, port)
    }
}

impl Shared {
    pub(crate) fn terms(&self) -> Terms {
        self.terms.lock().clone().unwrap_or_default()
    }

    pub(crate) fn refused(&self, terms: &Terms, refusal: &DomainRefusal) {
        tracing::debug!(
            host = refusal.host,
            port = refusal.port,
            "a host was refused"
        );
        if let Some(witness) = &terms.witness {
            witness.refused(refusal);
        }
    }

    /// Ends when the door is closed.
    pub(crate) async fn closed(&self) {
        let mut closed = self.closed.subscribe();
        // An error would mean that the door is gone, which is the same.
        let _ = closed.wait_for(|closed| *closed).await;
    }

    /// Whether a connection is one of the browser's.
    async fn is_ours(self: &Arc<Self>, peer: SocketAddr, own: SocketAddr) -> bool {
        let Some(group) = *self.group.lock() else {
            return false;
        };
        let likely = Some(self.last.load(Ordering::Relaxed)).filter(|pid| *pid > 0);
        let found =
            tokio::task::spawn_blocking(move || peer::holder(peer, own, group, likely)).await;
        match found {
            Ok(Some(pid)) => {
                self.last.store(pid, Ordering::Relaxed);
                true
            }
            _ => false,
        }
    }
}

impl Door {
    async fn open() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            terms: Mutex::default(),
            group: Mutex::default(),
            last: AtomicU32::new(0),
            closed: watch::Sender::new(false),
        });
        tokio::spawn(accept(listener, address, shared.clone()));
        Ok(Self { address, shared })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.shared.closed.send_replace(true);
    }
}

impl EgressDoor for Door {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn belongs_to(&self, browser: u32) {
        *self.shared.group.lock() = peer::group_of(browser);
    }

    fn confine(&self, terms: EgressTerms) {
        // One that can't be read is none that may be left out: then nothing passes.
        let (server, upstream_policy) = terms
            .upstream
            .map(|upstream| (upstream.server, upstream.policy))
            .unzip();
        let upstream = server.as_deref().map(str::parse::<Upstream>).transpose();
        let open = upstream.is_ok();
        let upstream = upstream.unwrap_or_default();
        *self.shared.terms.lock() = Some(Terms {
            policy: terms.policy,
            upstream,
            upstream_policy: upstream_policy.unwrap_or_default(),
            witness: Some(terms.witness),
            open,
        });
    }
}

async fn accept(listener: TcpListener, address: SocketAddr, shared: Arc<Shared>) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let serving = async {
        loop {
            let Ok(place) = places.clone().acquire_owned().await else {
                return;
            };
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let shared = shared.clone();
                    tokio::spawn(async move {
                        admit(stream, peer, address, shared).await;
                        drop(place);
                    });
                }
                Err(_) => tokio::time::sleep(REST).await,
            }
        }
    };
    tokio::select! {
        () = serving => {}
        () = shared.closed() => {}
    }
}

async fn admit(stream: TcpStream, peer: SocketAddr, own: SocketAddr, shared: Arc<Shared>) {
    if !shared.is_ours(peer, own).await {
        tracing::debug!(%peer, "a process that is not the door's browser was turned away");
        return;
    }
    // A hint that costs nothing where it is not taken.
    let _ = stream.set_nodelay(true);
    forward::serve(stream, peer, shared).await;
}

#[cfg(test)]
mod tests;
