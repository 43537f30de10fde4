//! The sessions of the lane: opened, found by their leases, and ended, each end with a reason that is remembered for a while.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use ops_contracts::control::legacy::{LegacyBrowsers, LegacyLaneStatus, LegacyLeaseMode};
use ops_contracts::wire::ids::{CdpLeaseId, ClientId, SessionId};
use ops_contracts::wire::limits::LimitsProfile;
use ops_contracts::wire::routing::LegacyLane;
use ops_contracts::{ErrorCode, Fault, Outcome};
use parking_lot::{Mutex, MutexGuard};
use subtle::ConstantTimeEq;
use tokio::time::{sleep, timeout_at};

use super::session::{Ending, Session};
use crate::edge::Traffic;

/// The most legacy sessions at once: each is a browser process.
const MAX_SESSIONS: usize = 16;

/// Ended sessions whose reason is remembered.
const REMEMBERED: usize = 256;

/// How often the end of running commands is looked for while the relay ends.
const DRAIN_POLL: Duration = Duration::from_millis(10);

/// What the lane is given by the program that composes it.
struct Setup {
    browsers: Arc<dyn LegacyBrowsers>,
    lease_ttl: Duration,
}

/// The legacy lane of one relay.
pub(crate) struct Lane {
    setup: OnceLock<Setup>,
    limits: LimitsProfile,
    traffic: Arc<Traffic>,
    sessions: Mutex<Sessions>,
}

struct Sessions {
    open: HashMap<SessionId, Arc<Session>>,
    opening: usize,
    gone: VecDeque<Gone>,
    idle_since: Instant,
}

/// A session that has ended.
struct Gone {
    session: SessionId,
    lease: CdpLeaseId,
    owner: ClientId,
    fault: Fault,
}

/// A place among the sessions, held while a browser starts.
struct Place<'a>(&'a Lane);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.lock().opening -= 1;
    }
}

impl Lane {
    pub(crate) fn new(limits: &LimitsProfile, traffic: Arc<Traffic>) -> Self {
        let sessions = Sessions {
            open: HashMap::new(),
            opening: 0,
            gone: VecDeque::new(),
            idle_since: Instant::now(),
        };
        Self {
            setup: OnceLock::new(),
            limits: limits.clone(),
            traffic,
            sessions: Mutex::new(sessions),
        }
    }

    /// Gives the lane its browsers; the first call counts.
    pub(crate) fn equip(&self, browsers: Arc<dyn LegacyBrowsers>, lease_ttl: Duration) {
        if self
            .setup
            .set(Setup {
                browsers,
                lease_ttl,
            })
            .is_err()
        {
            tracing::warn!("the legacy lane has its browsers already");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock()
    }

    /// What counts its commands and sessions.
    pub(super) fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// The limits profile; its `cdp` part binds the lane.
    pub(crate) fn limits(&self) -> &LimitsProfile {
        &self.limits
    }

    pub(crate) fn lease_ttl(&self) -> Duration {
        self.setup.get().map_or(
            Duration::from_millis(ops_contracts::control::legacy::LEASE_TTL_MS),
            |setup| setup.lease_ttl,
        )
    }

    /// Sessions that are open.
    pub(crate) fn active(&self) -> u32 {
        u32::try_from(self.lock().open.len()).unwrap_or(u32::MAX)
    }

    /// For how long there has been no session, none being opened included.
    pub(crate) fn idle(&self) -> Duration {
        let sessions = self.lock();
        let idle = sessions.open.is_empty() && sessions.opening == 0;
        if idle {
            sessions.idle_since.elapsed()
        } else {
            Duration::ZERO
        }
    }

    pub(crate) fn status(&self, lane: LegacyLane, transitional_binding: bool) -> LegacyLaneStatus {
        let closed_by = match lane {
            LegacyLane::Open => None,
            LegacyLane::Closed(code) => Some(code),
        };
        LegacyLaneStatus {
            open: closed_by.is_none(),
            closed_by,
            limits: self.limits.cdp,
            lease_ttl_ms: u64::try_from(self.lease_ttl().as_millis()).unwrap_or(u64::MAX),
            transitional_binding,
        }
    }

    /// Starts a browser and makes its session. The gates have been passed.
    ///
    /// # Errors
    /// `relay_legacy_route_unavailable` where the relay has no browsers for the lane, `relay_connection_limit`, and the
    /// adapter's codes where the browser does not start.
    pub(crate) async fn open(
        self: &Arc<Self>,
        owner: &ClientId,
        mode: LegacyLeaseMode,
    ) -> Outcome<Arc<Session>> {
        let setup = self.setup.get().ok_or_else(|| {
            Fault::new(
                ErrorCode::RelayLegacyRouteUnavailable,
                "this relay has no browser that speaks a raw protocol",
            )
        })?;
        let place = self.place()?;
        let session = Session::new(self, owner.clone(), mode, setup.lease_ttl)?;
        let browser = setup.browsers.open(session.clone()).await?;
        if !session.start(browser) {
            return Err(Fault::new(
                ErrorCode::AdapterBrowserLost,
                "the browser ended as soon as it had started",
            ));
        }
        {
            let mut sessions = self.lock();
            sessions.open.insert(session.id().clone(), session.clone());
        }
        drop(place);
        // It may have ended between its start and its entry.
        if session.is_over() {
            self.forget(&session, &Fault::plain(ErrorCode::AdapterBrowserLost));
            return Err(ErrorCode::AdapterBrowserLost.into());
        }
        tokio::spawn(session.clone().keep());
        tracing::info!(target: "ops", sessionId = %session.id(), owner = %session.owner(), %mode, "legacy session opened");
        Ok(session)
    }

    fn place(&self) -> Outcome<Place<'_>> {
        let mut sessions = self.lock();
        if sessions.open.len() + sessions.opening >= MAX_SESSIONS {
            let message = format!(
                "{MAX_SESSIONS} legacy sessions are open, each a browser of its own: close one first"
            );
            return Err(
                Fault::new(ErrorCode::RelayConnectionLimit, message).with("limit", MAX_SESSIONS)
            );
        }
        sessions.opening += 1;
        Ok(Place(self))
    }

    /// The session of a lease, for its owner.
    ///
    /// # Errors
    /// `relay_cdp_not_owner` for a lease that is missing, unknown, of another session or of another client;
    /// `relay_cdp_lease_expired` and `adapter_browser_lost` for one that was right once.
    pub(crate) fn owned(
        &self,
        session: Option<&str>,
        lease: Option<&str>,
        client: &ClientId,
    ) -> Outcome<Arc<Session>> {
        let missing = |field: &'static str| {
            Fault::new(
                ErrorCode::RelayCdpNotOwner,
                format!("{field} is missing: every command carries it"),
            )
            .with("field", field)
        };
        let session = session.ok_or_else(|| missing("sessionId"))?;
        let lease = lease.ok_or_else(|| missing("cdpLeaseId"))?;
        let refused = || Fault::plain(ErrorCode::RelayCdpNotOwner);
        let id: SessionId = session.parse().map_err(|_| refused())?;
        let sessions = self.lock();
        if let Some(open) = sessions.open.get(&id) {
            let owns = matches(open.lease(), lease) && open.owner() == client;
            return if owns {
                open.alive().map(|()| open.clone())
            } else {
                Err(refused())
            };
        }
        let gone = sessions.gone.iter().find(|gone| gone.session == id);
        let owned = gone.filter(|gone| matches(&gone.lease, lease) && gone.owner == *client);
        Err(owned.map_or_else(refused, |gone| gone.fault.clone()))
    }

    /// Takes an ended session out, remembering why it ended.
    pub(super) fn forget(&self, session: &Session, fault: &Fault) {
        let mut sessions = self.lock();
        if sessions.open.remove(session.id()).is_none() {
            return;
        }
        sessions.idle_since = Instant::now();
        if sessions.gone.len() >= REMEMBERED {
            sessions.gone.pop_front();
        }
        sessions.gone.push_back(Gone {
            session: session.id().clone(),
            lease: session.lease().clone(),
            owner: session.owner().clone(),
            fault: fault.clone(),
        });
    }

    fn all(&self) -> Vec<Arc<Session>> {
        self.lock().open.values().cloned().collect()
    }

    /// Lets running commands end until `deadline`, then ends every session with its browser. New commands are refused meanwhile.
    pub(crate) async fn shut_down(&self, deadline: Instant) {
        let drained = async {
            while self.all().iter().any(|session| session.is_busy()) {
                sleep(DRAIN_POLL).await;
            }
        };
        let _ = timeout_at(deadline.into(), drained).await;
        let ending: Vec<_> = self
            .all()
            .into_iter()
            .map(|session| tokio::spawn(session.end(Ending::Terminated)))
            .collect();
        for ended in ending {
            let _ = ended.await;
        }
    }
}

/// Compared in a time that tells nothing of the lease.
fn matches(lease: &CdpLeaseId, presented: &str) -> bool {
    lease.as_str().as_bytes().ct_eq(presented.as_bytes()).into()
}
