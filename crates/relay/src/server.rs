//! One relay: listens, hands sockets to connections, and ends in order.
//!
//! At the end it goes on accepting while commands that run are let end: whoever calls meanwhile gets a coded answer
//! instead of a refused connection, and `/status` tells that it is draining.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ops_contracts::Outcome;
use ops_contracts::control::legacy::LegacyBrowsers;
use ops_contracts::seam::port::OpsService;
use ops_contracts::wire::clock::{Clock, Timestamp};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::access::ReadAccess;
use crate::cdp::Lane;
use crate::config::RelayConfig;
use crate::connection;
use crate::dashboard;
use crate::edge::{Edge, Lifetime, RequestIds, Traffic};
use crate::gate::Admission;
use crate::metrics::{Build, Metrics};
use crate::pool::Pool;
use crate::provenance::Intake;
use crate::routing::Routing;
use crate::scoring::Scoring;

/// How often samples and full buckets are tidied away.
const UPKEEP: Duration = dashboard::STEP;

/// How long connections may take to close at the end.
const CLOSE: Duration = Duration::from_secs(2);

/// How long a runtime may overrun its deadline for shutting down.
const SHUT_DOWN_GRACE: Duration = Duration::from_secs(2);

/// Why a relay ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to.
    Shutdown,
    /// It had nothing to do for the configured time.
    Idle,
}

/// Changes a relay while it serves.
#[derive(Clone)]
pub struct Control(Arc<Edge>);

impl Control {
    /// Reads the routing settings anew and puts them in force; whether the controls differ from those before.
    ///
    /// # Errors
    /// What is wrong with the configuration; the settings stay as they were.
    pub async fn reload(&self) -> Outcome<bool> {
        crate::admin::read_again(&self.0).await
    }
}

/// A relay that listens.
pub struct Relay {
    listener: TcpListener,
    address: SocketAddr,
    edge: Arc<Edge>,
}

impl Relay {
    /// Begins to listen. To be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the address can't be bound or is beyond loopback with neither TLS nor `insecure_listen`, and when the limits of `/cdp` are above those of `/ops`.
    pub async fn bind(
        config: RelayConfig,
        service: Arc<dyn OpsService>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let refused = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why.to_owned()));
        if !config.listen.ip().is_loopback() && config.tls.is_none() && !config.insecure_listen {
            return refused(
                "an address beyond loopback takes TLS, or an explicit leave: without TLS nothing there is encrypted",
            );
        }
        if !config.limits.cdp_within_ops() {
            return refused("a limit of /cdp is above that of /ops");
        }
        let listener = listen(config.listen)?;
        let address = listener.local_addr()?;
        let edge = Arc::new(compose(config, service, clock, address)?);
        // The service must not keep the edge alive, so it gets the part that counts alone.
        edge.service.observe(edge.traffic.clone());
        Ok(Self {
            listener,
            address,
            edge,
        })
    }

    /// Has every command judged by the policy that `read` gives, now and at every reload.
    #[must_use]
    pub fn with_policy(self, read: ReadAccess) -> Self {
        self.edge.admission.access.equip(read);
        self
    }

    /// Gives the legacy lane its browsers, and its leases the time that they live. Without them its handshake is refused.
    #[must_use]
    pub fn with_legacy_browsers(
        self,
        browsers: Arc<dyn LegacyBrowsers>,
        lease_ttl: Duration,
    ) -> Self {
        self.edge.legacy.equip(browsers, lease_ttl);
        self
    }

    /// Where it listens.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Its URL, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.edge.url
    }

    /// The relay's controls, for whoever holds them while it serves.
    #[must_use]
    pub fn control(&self) -> Control {
        Control(self.edge.clone())
    }

    /// The id of this run of it.
    #[must_use]
    pub fn instance_id(&self) -> &str {
        &self.edge.config.instance_id
    }

    /// SHA-256 of its certificate in hexadecimal digits, where it speaks TLS.
    #[must_use]
    pub fn certificate_sha256(&self) -> Option<String> {
        self.edge.config.tls.as_ref().map(crate::Tls::fingerprint)
    }

    /// When it began to listen.
    #[must_use]
    pub fn started_at(&self) -> Timestamp {
        self.edge.started_at
    }

    /// Serves until `shutdown` ends or the relay has been idle for long enough. Then new commands are refused with
    /// `relay_ops_draining`, running ones may end within the drain time, the service is shut down, and connections are closed.
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Ended {
        let Self { listener, edge, .. } = self;
        // Connections hold a clone each; the receiver ends when the last of them is gone.
        let (alive, mut gone) = mpsc::channel::<()>(1);
        // Tasks of the threads that serve: a connection that is accepted elsewhere would wait for another thread to wake.
        let mut work = JoinSet::new();
        work.spawn(accept(listener, edge.clone(), alive));
        work.spawn(upkeep(edge.clone()));
        let ended = tokio::select! {
            Some(Err(failed)) = work.join_next() => std::panic::resume_unwind(failed.into_panic()),
            ended = until_ended(&edge, shutdown) => ended,
        };
        work.shutdown().await;
        edge.lifetime.close();
        if timeout(CLOSE, gone.recv()).await.is_err() {
            tracing::warn!("some connections did not close in time");
        }
        ended
    }
}

/// The parts of an edge that listens on `address`.
fn compose(
    config: RelayConfig,
    service: Arc<dyn OpsService>,
    clock: Arc<dyn Clock>,
    address: SocketAddr,
) -> io::Result<Edge> {
    let traffic = Arc::new(count(&config, clock)?);
    let routing = Arc::new(Routing::new(
        &config.routing,
        &config.versions.relay,
        config.health.clone(),
    ));
    let draining = Arc::new(AtomicBool::new(false));
    let legacy = Arc::new(Lane::new(&config.limits, traffic.clone()));
    let (routed, lane) = (routing.clone(), legacy.clone());
    let admission = Admission::new(&config, address, routed, lane, draining.clone());
    Ok(Edge {
        admission,
        routing,
        service,
        legacy,
        pool: Pool::new(config.tls.is_some()),
        peers: Arc::default(),
        intake: Intake::new(config.signing.clone()),
        lifetime: Lifetime::new(draining),
        ids: RequestIds::new(&config.instance_id),
        url: format!("{}://{}", config.scheme(), reachable(address)),
        started_at: traffic.clock.now(),
        traffic,
        config,
    })
}

/// What counts, with what was counted before this relay.
pub(crate) fn count(config: &RelayConfig, clock: Arc<dyn Clock>) -> io::Result<Traffic> {
    let scoring = Scoring::new(config.ledger.clone(), config.phase, clock.now());
    let scoring = Arc::new(scoring);
    let build = Build {
        version: &config.versions.relay,
        limits_profile: &config.limits.name,
    };
    let metrics =
        Metrics::new(config.labels, build, scoring.baseline()).map_err(io::Error::other)?;
    for incident in scoring.incidents() {
        metrics.incident_recorded(&incident.told);
    }
    Ok(Traffic {
        metrics,
        scoring,
        history: dashboard::History::default(),
        clock,
    })
}

/// How many connections may wait to be accepted, where the system allows as many: who comes when the queue is full tries again after
/// a second.
const BACKLOG: u32 = 4096;

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // A relay that is started again gets its port back at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// The address by which this host reaches what listens on `bound`: every address is none that a URL can name.
fn reachable(bound: SocketAddr) -> SocketAddr {
    match bound {
        SocketAddr::V4(address) if address.ip().is_unspecified() => {
            (Ipv4Addr::LOCALHOST, address.port()).into()
        }
        SocketAddr::V6(address) if address.ip().is_unspecified() => {
            (Ipv6Addr::LOCALHOST, address.port()).into()
        }
        named => named,
    }
}

/// Waits for the end, then drains.
async fn until_ended(edge: &Edge, shutdown: impl Future<Output = ()>) -> Ended {
    let ended = tokio::select! {
        () = shutdown => Ended::Shutdown,
        () = idle(edge) => Ended::Idle,
    };
    // Before what runs is waited for: a gate that does not see it lets in what is waited for.
    edge.lifetime.draining.store(true, Ordering::Release);
    let drain = edge.config.timeouts.drain;
    tracing::info!(reason = ?ended, "draining");
    let deadline = Instant::now() + drain;
    let both = async {
        tokio::join!(
            edge.service.shut_down(deadline.into_std()),
            edge.legacy.shut_down(deadline.into_std())
        );
    };
    if timeout(drain + SHUT_DOWN_GRACE, both).await.is_err() {
        tracing::warn!("the runtime or the legacy lane did not shut down in time");
    }
    ended
}

/// Ends when there have been neither sessions nor commands for the configured time.
async fn idle(edge: &Edge) {
    let Some(limit) = edge.config.idle_exit else {
        return std::future::pending().await;
    };
    loop {
        let summary = edge.service.summary();
        let idle = if summary.sessions == 0 {
            Duration::from_millis(summary.idle_ms)
        } else {
            Duration::ZERO
        };
        let idle = idle.min(edge.legacy.idle());
        if idle >= limit {
            return;
        }
        // At least a little, so that a limit about to be reached does not spin.
        sleep((limit - idle).clamp(Duration::from_millis(10), UPKEEP)).await;
    }
}

async fn accept(
    listener: TcpListener,
    edge: Arc<Edge>,
    alive: mpsc::Sender<()>,
) -> std::convert::Infallible {
    loop {
        // A flood waits in the system's queue, so that nobody is cut before it could say a word.
        edge.pool.room().await;
        match listener.accept().await {
            Ok((socket, peer)) => {
                tokio::spawn(connection::serve(edge.clone(), socket, peer, alive.clone()));
            }
            Err(error) => {
                // Out of descriptors, most of all: accepting again at once would spin.
                tracing::warn!(%error, "a connection can't be accepted");
                sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn upkeep(edge: Arc<Edge>) -> std::convert::Infallible {
    let mut ticks = interval(UPKEEP);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let traffic = &edge.traffic;
        traffic.metrics.upkeep();
        traffic.scoring.refresh(edge.now());
        traffic.metrics.disk(&traffic.scoring.disk());
        edge.admission.retain_recent();
        edge.routing.sweep(&*edge.service);
        traffic
            .history
            .step(edge.now(), edge.service.summary().sessions);
    }
}
