//! One relay: listens, hands sockets to connections, and ends in order.
//!
//! At the end it goes on accepting while commands that run are let end: whoever calls meanwhile gets a coded answer
//! instead of a refused connection, and `/status` tells that it is draining.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use ops_contracts::control::health::AdapterHealthStore;
use ops_contracts::control::legacy::LegacyBrowsers;
use ops_contracts::control::telemetry::{RouteLabel, SessionOutcome};
use ops_contracts::seam::port::{OpsService, Served, SessionObserver};
use ops_contracts::wire::clock::{Clock, Timestamp};
use ops_contracts::wire::ids::RequestId;
use ops_contracts::{ErrorCode, Fault, Outcome};
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::access::{AccessControl, ReadAccess};
use crate::cdp::Lane;
use crate::config::RelayConfig;
use crate::connection;
use crate::dashboard;
use crate::gate::{Permit, Policy};
use crate::metrics::{Build, Live, Metrics, Series};
use crate::peers::Peers;
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

/// What all connections of a relay share.
pub(crate) struct Edge {
    pub(crate) config: RelayConfig,
    pub(crate) policy: Policy,
    pub(crate) routing: Arc<Routing>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) service: Arc<dyn OpsService>,
    pub(crate) metrics: Metrics,
    pub(crate) scoring: Arc<Scoring>,
    pub(crate) intake: Intake,
    /// Which commands may be used, and which wait for a confirmation.
    pub(crate) access: AccessControl,
    pub(crate) pool: Pool,
    pub(crate) peers: Arc<Peers>,
    pub(crate) lane: Lane,
    pub(crate) url: String,
    pub(crate) started_at: Timestamp,
    pub(crate) draining: AtomicBool,
    /// True when connections have to close.
    closing: watch::Sender<bool>,
    /// Told when pairings may have been taken back.
    pairings: watch::Sender<()>,
    /// WebSockets that are open.
    pub(crate) sockets: AtomicUsize,
    /// Streams of events that are open.
    pub(crate) streams: AtomicUsize,
    /// The last hour of traffic.
    pub(crate) history: dashboard::History,
    made_ids: AtomicU64,
}

impl Edge {
    /// Ends when connections have to close.
    pub(crate) async fn closing(&self) {
        // The sender lives as long as this.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// Ends when the pairing that let a client in is no more; never for a client that came without one.
    pub(crate) async fn unpaired(&self, permit: &Permit) {
        let Some(id) = permit.pairing() else {
            return std::future::pending().await;
        };
        // Looked at first: it may have been taken back between the gate and this subscription. The sender lives as long as this.
        let mut changes = self.pairings.subscribe();
        let _ = changes
            .wait_for(|()| !self.policy.pairing.store.holds(id))
            .await;
    }

    /// Ends what pairings that were taken back have let in.
    pub(crate) fn pairings_changed(&self) {
        let store = &self.policy.pairing.store;
        self.policy.logins.keep(|pairing| store.holds(pairing));
        self.pairings.send_replace(());
    }

    /// The authority on adapter health.
    pub(crate) fn health(&self) -> Option<&dyn AdapterHealthStore> {
        self.config.health.as_deref()
    }

    /// Counts a refusal where a gate made it: its details name the gate.
    pub(crate) fn count_refusal(&self, fault: &Fault) {
        let gate = fault.details.get("gate").and_then(|gate| gate.as_str());
        if let Some(gate) = gate.and_then(|gate| gate.parse().ok()) {
            self.metrics.refused(gate, fault.code);
        }
    }

    /// Brings the gauges of what is there now up to date. Done at each scrape, so that a scrape never shows what was there
    /// some seconds ago.
    pub(crate) fn update_live_metrics(&self) {
        self.metrics.live(&Live {
            health: self
                .health()
                .map(|store| store.sessions())
                .unwrap_or_default(),
            runtime: self.service.summary(),
            cdp_sessions: self.lane.active(),
        });
    }

    /// Counts a request that ended with `code`, or succeeded without one.
    pub(crate) fn count(&self, series: Series, code: Option<ErrorCode>, total_ms: f64) {
        self.metrics.record(series, code, total_ms);
        if series.route == RouteLabel::Ops {
            self.history.record(code, total_ms);
        }
        if series.is_served() {
            self.scoring
                .request(&series.sample(code, total_ms), self.clock.now());
        }
    }

    /// Counts a protocol command of the legacy lane. `method` comes from a table: labels must not grow with what clients send.
    pub(crate) fn count_legacy(
        &self,
        method: &'static str,
        code: Option<ErrorCode>,
        total_ms: f64,
    ) {
        self.count(
            Series::of(RouteLabel::Cdp, method, Some(self.metrics.served(None))),
            code,
            total_ms,
        );
    }

    /// Counts a session of the legacy lane that has ended.
    pub(crate) fn legacy_session_ended(&self, outcome: SessionOutcome) {
        self.metrics
            .session_ended(RouteLabel::Cdp, self.metrics.served(None), outcome);
    }

    /// An id for a request that named none, so that its answer can be found in the log.
    pub(crate) fn make_request_id(&self) -> RequestId {
        let number = self.made_ids.fetch_add(1, Ordering::Relaxed);
        let instance = self.config.instance_id.get(..8).unwrap_or("0");
        format!("relay-{instance}-{number}")
            .parse()
            .unwrap_or_else(|_| ops_contracts::wire::frame::unknown_request_id())
    }
}

/// Hears how sessions end; the service must not keep the edge alive.
struct Ends(Weak<Edge>);

impl SessionObserver for Ends {
    fn session_ended(&self, served: Served, outcome: SessionOutcome) {
        if let Some(edge) = self.0.upgrade() {
            edge.metrics.session_ended(RouteLabel::Ops, served, outcome);
            edge.scoring
                .session_ended(outcome == SessionOutcome::Crashed, edge.clock.now());
        }
    }
}

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
        crate::admin::reload(&self.0).await
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
        let scoring = Arc::new(Scoring::new(
            config.ledger.clone(),
            config.phase,
            clock.now(),
        ));
        let build = Build {
            version: &config.versions.relay,
            limits_profile: &config.limits.name,
        };
        let metrics =
            Metrics::new(config.labels, build, scoring.baseline()).map_err(io::Error::other)?;
        scoring
            .incidents()
            .iter()
            .for_each(|incident| metrics.incident_recorded(&incident.told));
        let routing = Arc::new(Routing::new(
            &config.routing,
            &config.versions.relay,
            config.health.clone(),
        ));
        let edge = Edge {
            policy: Policy::new(&config, address, routing.clone()),
            routing,
            service,
            metrics,
            scoring,
            intake: Intake::new(config.signing.clone()),
            access: AccessControl::default(),
            pool: Pool::new(config.tls.is_some()),
            lane: Lane::new(&config.limits),
            peers: Arc::default(),
            url: format!("{}://{}", config.scheme(), reachable(address)),
            started_at: clock.now(),
            clock,
            draining: AtomicBool::new(false),
            closing: watch::Sender::new(false),
            pairings: watch::Sender::new(()),
            sockets: AtomicUsize::new(0),
            streams: AtomicUsize::new(0),
            history: dashboard::History::default(),
            made_ids: AtomicU64::new(1),
            config,
        };
        let edge = Arc::new(edge);
        edge.service.observe(Arc::new(Ends(Arc::downgrade(&edge))));
        Ok(Self {
            listener,
            address,
            edge,
        })
    }

    /// Has every command judged by the policy that `read` gives, now and at every reload.
    #[must_use]
    pub fn with_policy(self, read: ReadAccess) -> Self {
        self.edge.access.equip(read);
        self
    }

    /// Gives the legacy lane its browsers, and its leases the time that they live. Without them its handshake is refused.
    #[must_use]
    pub fn with_legacy_browsers(
        self,
        browsers: Arc<dyn LegacyBrowsers>,
        lease_ttl: Duration,
    ) -> Self {
        self.edge.lane.equip(browsers, lease_ttl);
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
        edge.closing.send_replace(true);
        if timeout(CLOSE, gone.recv()).await.is_err() {
            tracing::warn!("some connections did not close in time");
        }
        ended
    }
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
    edge.draining.store(true, Ordering::Release);
    let drain = edge.config.timeouts.drain;
    tracing::info!(reason = ?ended, "draining");
    let deadline = Instant::now() + drain;
    let both = async {
        tokio::join!(
            edge.service.shut_down(deadline.into_std()),
            edge.lane.shut_down(deadline.into_std())
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
        let idle = idle.min(edge.lane.idle());
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
        edge.metrics.upkeep();
        edge.scoring.refresh(edge.clock.now());
        edge.metrics.disk(&edge.scoring.disk());
        edge.policy.rates.retain_recent();
        edge.routing.sweep(&*edge.service);
        edge.lane.rates.retain_recent();
        edge.history
            .step(edge.clock.now(), edge.service.summary().sessions);
    }
}
