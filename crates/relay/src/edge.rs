//! What the connections of one relay share, in parts: each is handed to those who use it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use ops_contracts::control::health::AdapterHealthStore;
use ops_contracts::control::telemetry::{RouteLabel, SessionOutcome};
use ops_contracts::seam::port::{OpsService, Served, SessionObserver};
use ops_contracts::wire::clock::{Clock, Timestamp};
use ops_contracts::wire::ids::RequestId;
use ops_contracts::{ErrorCode, Fault};
use tokio::sync::watch;

use crate::cdp::Lane;
use crate::config::RelayConfig;
use crate::dashboard::History;
use crate::gate::{Admission, Permit};
use crate::metrics::{Live, Metrics, Series};
use crate::peers::Peers;
use crate::pool::Pool;
use crate::provenance::Intake;
use crate::routing::Routing;
use crate::scoring::Scoring;

/// What all connections of a relay share.
pub(crate) struct Edge {
    pub(crate) config: RelayConfig,
    /// Who is let in, and what may be done.
    pub(crate) admission: Admission,
    pub(crate) routing: Arc<Routing>,
    /// Runs the commands.
    pub(crate) service: Arc<dyn OpsService>,
    /// Counts what happens.
    pub(crate) traffic: Arc<Traffic>,
    /// The legacy lane.
    pub(crate) legacy: Arc<Lane>,
    /// Sockets that have not authenticated.
    pub(crate) pool: Pool,
    /// Connections of authenticated peers.
    pub(crate) peers: Arc<Peers>,
    /// Events from outside.
    pub(crate) intake: Intake,
    pub(crate) lifetime: Lifetime,
    pub(crate) ids: RequestIds,
    pub(crate) url: String,
    pub(crate) started_at: Timestamp,
}

impl Edge {
    /// The authority on adapter health.
    pub(crate) fn health(&self) -> Option<&dyn AdapterHealthStore> {
        self.config.health.as_deref()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.traffic.clock.now()
    }

    /// Ends when the pairing that let a client in is no more; never for a client that came without one.
    pub(crate) async fn unpaired(&self, permit: &Permit) {
        let Some(id) = permit.pairing() else {
            return std::future::pending().await;
        };
        // Subscribed before the store is looked at: it may have been taken back since the gate. The sender lives as long as this.
        let mut changes = self.lifetime.pairings.subscribe();
        let store = &self.admission.pairing.store;
        let _ = changes.wait_for(|()| !store.holds(id)).await;
    }

    /// Ends what pairings that were taken back have let in.
    pub(crate) fn pairings_changed(&self) {
        let store = &self.admission.pairing.store;
        self.admission.logins.keep(|pairing| store.holds(pairing));
        self.lifetime.pairings.send_replace(());
    }

    /// Brings the gauges of what is there now up to date. Done at each scrape, so that a scrape never shows what was there
    /// some seconds ago.
    pub(crate) fn update_live_metrics(&self) {
        self.traffic.metrics.live(&Live {
            health: self
                .health()
                .map(|store| store.sessions())
                .unwrap_or_default(),
            runtime: self.service.summary(),
            cdp_sessions: self.legacy.active(),
        });
    }
}

/// What is counted: for the metrics, the scorecard, and the dashboard's last hour.
pub(crate) struct Traffic {
    pub(crate) metrics: Metrics,
    pub(crate) scoring: Arc<Scoring>,
    /// The last hour.
    pub(crate) history: History,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Traffic {
    /// Counts a refusal where a gate made it: its details name the gate.
    pub(crate) fn refused(&self, fault: &Fault) {
        let gate = fault.details.get("gate").and_then(|gate| gate.as_str());
        if let Some(gate) = gate.and_then(|gate| gate.parse().ok()) {
            self.metrics.refused(gate, fault.code);
        }
    }

    /// Counts a request that ended with `code`, or succeeded without one.
    pub(crate) fn ended(&self, series: Series, code: Option<ErrorCode>, total_ms: f64) {
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
    pub(crate) fn legacy_ended(
        &self,
        method: &'static str,
        code: Option<ErrorCode>,
        total_ms: f64,
    ) {
        let served = Some(self.metrics.served(None));
        self.ended(Series::of(RouteLabel::Cdp, method, served), code, total_ms);
    }

    /// Counts a session of the legacy lane that has ended.
    pub(crate) fn legacy_session_ended(&self, outcome: SessionOutcome) {
        self.metrics
            .session_ended(RouteLabel::Cdp, self.metrics.served(None), outcome);
    }
}

impl SessionObserver for Traffic {
    fn session_ended(&self, served: Served, outcome: SessionOutcome) {
        self.metrics.session_ended(RouteLabel::Ops, served, outcome);
        self.scoring
            .session_ended(outcome == SessionOutcome::Crashed, self.clock.now());
    }
}

/// How a relay ends, and what it waits for.
pub(crate) struct Lifetime {
    /// Whether nothing new is begun. The gates have it too.
    pub(crate) draining: Arc<AtomicBool>,
    /// True when connections have to close.
    closing: watch::Sender<bool>,
    /// Told when pairings may have been taken back.
    pairings: watch::Sender<()>,
    /// WebSockets that are open.
    pub(crate) sockets: Places,
    /// Streams of events that are open.
    pub(crate) streams: Places,
}

impl Lifetime {
    pub(crate) fn new(draining: Arc<AtomicBool>) -> Self {
        Self {
            draining,
            closing: watch::Sender::new(false),
            pairings: watch::Sender::new(()),
            sockets: Places::new(MAX_SOCKETS),
            streams: Places::new(MAX_STREAMS),
        }
    }

    /// Ends when connections have to close.
    pub(crate) async fn closing(&self) {
        // The sender lives as long as this.
        let _ = self.closing.subscribe().wait_for(|closing| *closing).await;
    }

    /// Has connections close.
    pub(crate) fn close(&self) {
        self.closing.send_replace(true);
    }

    /// Whether nothing new is begun.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Acquire)
    }
}

/// The most WebSockets at once.
const MAX_SOCKETS: usize = 1024;

/// The most streams of events at once.
const MAX_STREAMS: usize = 32;

/// A bounded number of places.
pub(crate) struct Places {
    taken: Arc<AtomicUsize>,
    most: usize,
}

/// One of them; dropping it gives it back.
pub(crate) struct Place(Arc<AtomicUsize>);

impl Places {
    fn new(most: usize) -> Self {
        Self {
            taken: Arc::default(),
            most,
        }
    }

    /// A place, where there is one.
    ///
    /// # Errors
    /// `relay_connection_limit`.
    pub(crate) fn take(&self) -> Result<Place, ErrorCode> {
        let one_more = |taken| (taken < self.most).then_some(taken + 1);
        self.taken
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more)
            .map(|_| Place(self.taken.clone()))
            .map_err(|_| ErrorCode::RelayConnectionLimit)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Ids for requests that named none, so that their answers can be found in the log.
pub(crate) struct RequestIds {
    instance: String,
    made: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(instance_id: &str) -> Self {
        Self {
            instance: instance_id.get(..8).unwrap_or("0").to_owned(),
            made: AtomicU64::new(1),
        }
    }

    pub(crate) fn make(&self) -> RequestId {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        format!("relay-{}-{number}", self.instance)
            .parse()
            .unwrap_or_else(|_| ops_contracts::wire::frame::unknown_request_id())
    }
}
