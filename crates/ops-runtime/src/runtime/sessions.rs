//! Making sessions, finding their room and their browser, and ending them.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ops_contracts::seam::adapter::LaunchSpec;
use ops_contracts::seam::egress::EgressUpstream;
use ops_contracts::wire::capability::{AdapterKind, BrowserKind, Capability, CapabilitySet};
use ops_contracts::wire::command::emulation::DeviceParams;
use ops_contracts::wire::command::session::{
    BrowserIdentity, CreateParams, CreateResult, Isolation, ListResult, Proxy,
};
use ops_contracts::wire::domains::DomainPolicy;
use ops_contracts::wire::ids::{BlobId, ClientId, SessionId, TargetId};
use ops_contracts::{ErrorCode, Fault, Outcome};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::{Inner, Sessions, TOMBSTONES};
use crate::blobs::Bytes;
use crate::call::CallContext;
use crate::commands::surroundings;
use crate::confinement::Confinement;
use crate::cx::Cx;
use crate::health::SessionHealth;
use crate::lease::Lease;
use crate::pool::{Seat, SlotKey};
use crate::secret;
use crate::session::owner::Owner;
use crate::session::{DEFAULT_TTL, Live, Message, Plan, Session};
use crate::urls;
use crate::world::Numbers;

/// How long a session may take to end before the caller stops waiting.
const END_WITHIN: Duration = Duration::from_secs(8);

/// What a session can be offered, before anything is done for it.
struct Offer {
    adapter: AdapterKind,
    /// What the adapter can do.
    capabilities: CapabilitySet,
    /// What the session can do.
    offered: Vec<Capability>,
    /// What it is confined to; nothing when absent.
    confinement: Option<Arc<Confinement>>,
}

/// What a command works with that is bound to no session.
pub(crate) struct Service {
    pub(super) inner: Arc<Inner>,
    /// Who asks.
    pub(super) client: ClientId,
    pub(super) call: CallContext,
}

impl Service {
    /// Makes a session.
    ///
    /// # Errors
    /// What can't be offered, no room for it, no browser in time, surroundings that could not be made.
    pub(crate) async fn create(&self, params: CreateParams) -> Outcome<CreateResult> {
        let inner = &self.inner;
        let mut offer = inner.offer(&params)?;
        let capabilities = std::mem::take(&mut offer.offered);
        surroundings::offered(&params, &offer.capabilities)?;
        let wanted = surroundings::Wanted::new(&params, |id| inner.blob_of(&self.client, id))?;
        let _place = inner.reserve()?;
        let id = secret::session_id()?;
        let plan = inner.plan(&id, params.without_secrets(), offer)?;
        let seat = self.seat(&plan).await?;
        let lease_id = secret::lease_id()?;
        let ttl = plan.params.lease_ttl_ms;
        let ttl = ttl.map_or(DEFAULT_TTL, Duration::from_millis);
        let lease = Lease::new(lease_id.clone(), ttl, Instant::now());
        let browser = BrowserIdentity {
            kind: plan.params.browser,
            product: seat.place.browser.product.clone(),
            version: seat.place.browser.version.clone(),
        };
        let device = plan.params.device.as_ref();
        let viewport = device
            .and_then(DeviceParams::viewport)
            .unwrap_or(plan.viewport);
        let session = inner.start(id, self.client.clone(), plan, lease, seat);
        if let Some(wanted) = wanted {
            self.apply(&session, wanted).await?;
        }
        Ok(CreateResult {
            session_id: session.id.clone(),
            lease_id,
            lease_expires_at: session.lease_expires_at(),
            browser,
            target_id: TargetId::from_number(1),
            viewport,
            capabilities,
        })
    }

    /// A browser context for a session, confined and furnished as its plan says.
    async fn seat(&self, plan: &Plan) -> Outcome<Seat> {
        let pool = &self.inner.pool;
        let seat =
            tokio::time::timeout_at(self.call.deadline, pool.seat(&plan.slot, plan.viewport))
                .await
                .map_err(|_| {
                    Fault::new(ErrorCode::OpsTimeout, "the browser was not ready in time")
                        .with("waitingFor", "the browser")
                })??;
        let place = &seat.place;
        if let Some(confinement) = &plan.confinement {
            place.confine(confinement.terms());
        }
        place.world.begin(
            Numbers::default(),
            plan.params.dialog_policy,
            place.target,
            place.frame,
        );
        place.world.lock().max_targets = plan.params.budget.and_then(|budget| budget.max_targets);
        Ok(seat)
    }

    /// Makes a session's surroundings as they were asked for, or ends it: nobody knows of it yet, and a session that is not as it was
    /// asked for is none.
    async fn apply(&self, session: &Arc<Session>, wanted: surroundings::Wanted) -> Outcome<()> {
        let cx = Cx::new(session.clone(), self.call.clone());
        let made = tokio::time::timeout_at(self.call.deadline, wanted.apply(&cx))
            .await
            .unwrap_or_else(|_| Err(cx.timed_out()));
        if made.is_err() {
            end(session, Fault::plain(ErrorCode::OpsSessionClosed)).await;
        }
        made
    }

    /// All sessions, oldest first.
    pub(crate) fn list(&self) -> ListResult {
        let mut sessions: Vec<_> = self
            .inner
            .sessions
            .lock()
            .live
            .values()
            .map(|session| session.info())
            .collect();
        sessions.sort_by(|a, b| (a.created_at, &a.session_id).cmp(&(b.created_at, &b.session_id)));
        ListResult { sessions }
    }
}

impl Inner {
    /// What a session of these parameters can be offered.
    ///
    /// # Errors
    /// `ops_not_supported` where there is no such adapter or nothing that could confine the session,
    /// `relay_capability_mismatch` for a required capability that is missing.
    fn offer(&self, params: &CreateParams) -> Outcome<Offer> {
        let (adapter, capabilities) = self.pool.adapter(params.browser, params.adapter)?;
        // What the adapter could confine, nothing carries here.
        let offered = |wanted: Capability| {
            capabilities.has(wanted) && (wanted != Capability::Domains || self.pool.confines())
        };
        if let Some(missing) = params.require.iter().find(|wanted| !offered(**wanted)) {
            return Err(
                Fault::plain(ErrorCode::RelayCapabilityMismatch).with("missing", missing.as_str())
            );
        }
        self.admit_schemes(params)?;
        let confinement = self.confinement(params)?;
        if confinement.is_some() && !offered(Capability::Domains) {
            let message =
                "domain rules are in force, and sessions of this browser can't be confined to them";
            return Err(Fault::new(ErrorCode::OpsNotSupported, message)
                .with("capability", Capability::Domains)
                .with("browser", params.browser));
        }
        let offered = capabilities.iter().filter(|name| offered(*name)).collect();
        Ok(Offer {
            adapter: adapter.kind(),
            capabilities,
            offered,
            confinement,
        })
    }

    /// Refuses a session that asks for schemes that the operator has not allowed.
    fn admit_schemes(&self, params: &CreateParams) -> Outcome<()> {
        let allowed: Vec<_> = self
            .config
            .urls
            .schemes
            .iter()
            .map(|scheme| scheme.as_str())
            .collect();
        let refused = params
            .allow_schemes
            .iter()
            .find(|scheme| !allowed.contains(&scheme.as_str()));
        match refused {
            Some(scheme) => Err(urls::not_allowed(scheme, "this relay").with("allowed", allowed)),
            None => Ok(()),
        }
    }

    /// What a session is confined to, by the relay's rules and its own; nothing where there are none.
    fn confinement(&self, params: &CreateParams) -> Outcome<Option<Arc<Confinement>>> {
        let policy = DomainPolicy::of([self.config.domains.clone(), params.domains()]);
        if policy.is_open() {
            return Ok(None);
        }
        let upstream = params
            .proxy
            .as_ref()
            .map(|proxy| self.upstream(proxy))
            .transpose()?;
        Ok(Some(Arc::new(Confinement::new(
            policy,
            upstream,
            self.clock.clone(),
        ))))
    }

    /// The proxy of a confined session. It must pass the relay's own rules, as every host must; those of the client that names
    /// it are about what is reached by it.
    fn upstream(&self, proxy: &Proxy) -> Outcome<EgressUpstream> {
        let server = surroundings::upstream(proxy)?;
        let policy = DomainPolicy::of([self.config.domains.clone()]);
        match policy.refusal_of_url(&server) {
            Some(refusal) => Err(refusal.fault().with("field", "proxy.server")),
            None => Ok(EgressUpstream { server, policy }),
        }
    }

    /// A blob that a client has put down for one of its sessions.
    fn blob_of(&self, client: &ClientId, id: &BlobId) -> Outcome<Bytes> {
        let own: Vec<_> = self
            .sessions
            .lock()
            .live
            .values()
            .filter(|session| session.client == *client)
            .map(|session| session.id.clone())
            .collect();
        let found = own
            .iter()
            .find_map(|session| self.blobs.get(session, id).ok());
        found.ok_or_else(|| Fault::plain(ErrorCode::OpsBlobUnknown).with("blobId", id))
    }

    fn plan(&self, id: &SessionId, params: CreateParams, offer: Offer) -> Outcome<Plan> {
        let Offer {
            adapter,
            capabilities,
            confinement,
            ..
        } = offer;
        let profile = match (&params.profile, &self.config.profiles) {
            (None, _) => None,
            (Some(name), Some(root)) => Some(profile_directory(root, name, params.browser)),
            (Some(_), None) => {
                return Err(Fault::new(
                    ErrorCode::OpsNotSupported,
                    "this runtime keeps no profiles",
                ));
            }
        };
        let own_process = profile.is_some() || params.isolation == Isolation::Process;
        let family = self.config.family(params.browser);
        let spec = LaunchSpec {
            browser: params.browser,
            executable: family.executable.clone(),
            headed: params.headed,
            args: family.args.clone(),
            profile,
            // What confines a session asks its proxy in its stead.
            proxy: params
                .proxy
                .as_ref()
                .filter(|_| confinement.is_none())
                .map(|proxy| proxy.server.clone()),
            proxy_bypass: params
                .proxy
                .as_ref()
                .map(|proxy| proxy.bypass.clone())
                .unwrap_or_default(),
            confined: confinement.is_some(),
        };
        let slot = SlotKey {
            adapter,
            spec,
            private: own_process.then(|| id.clone()),
        };
        if self.pool.in_use(&slot) {
            return Err(Fault::plain(ErrorCode::OpsProfileInUse));
        }
        Ok(Plan {
            slot,
            viewport: params.viewport.unwrap_or_default(),
            capabilities,
            params,
            confinement,
            hidden: self.config.urls.hidden.clone(),
        })
    }

    fn start(
        self: &Arc<Self>,
        id: SessionId,
        client: ClientId,
        plan: Plan,
        lease: Lease,
        seat: Seat,
    ) -> Arc<Session> {
        let adapter = plan.slot.adapter;
        let (inbox, messages) = mpsc::unbounded_channel();
        let live = Live {
            context: seat.place.context.clone(),
            world: seat.place.world.clone(),
            epoch: 0,
            version: seat.place.browser.version.as_str().into(),
            fallbacks: seat.place.fallbacks.clone(),
            neighbours: seat.neighbours(),
        };
        let choices = self
            .config
            .choices
            .stream(self.made.fetch_add(1, Ordering::Relaxed) + 1);
        choices.decided("session.adapter", adapter.as_str());
        let outside = (self.clock.clone(), choices, self.sink.clone());
        let health = SessionHealth::new((id.clone(), adapter), self.config.health.breaker, outside);
        let shared = (self.clock.clone(), self.blobs.clone(), Arc::new(health));
        let session = Arc::new(Session::new((id, client), plan, lease, live, inbox, shared));
        self.sessions
            .lock()
            .live
            .insert(session.id.clone(), session.clone());
        session.health.snapshot();
        self.tell_health();
        let inner: Weak<Self> = Arc::downgrade(self);
        let ended = Box::new(move |id: &SessionId, code: ErrorCode| {
            if let Some(inner) = inner.upgrade() {
                let buried = inner.sessions.lock().bury(id, code);
                inner.blobs.forget(id);
                if let Some(session) = buried {
                    session.health.closed();
                    inner.tell_end(&session, code);
                }
                *inner.last_use.lock() = Instant::now();
            }
        });
        tokio::spawn(Owner::new(session.clone(), self.pool.clone(), messages, seat, ended).run());
        session
    }

    /// Starts the task that tells every session's health, once; it ends with the runtime.
    fn tell_health(self: &Arc<Self>) {
        if self.sink.is_none() || self.telling.swap(true, Ordering::Relaxed) {
            return;
        }
        let (inner, every) = (Arc::downgrade(self), self.config.health.snapshot_every);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let Some(inner) = inner.upgrade() else { return };
                let sessions: Vec<_> = inner.sessions.lock().live.values().cloned().collect();
                for session in sessions {
                    session.health.snapshot();
                }
            }
        });
    }

    /// A place among the sessions while one is being made.
    fn reserve(self: &Arc<Self>) -> Outcome<Place> {
        let live = u32::try_from(self.sessions.lock().live.len()).unwrap_or(u32::MAX);
        let making = self.reserved.fetch_add(1, Ordering::Relaxed);
        let place = Place(self.clone());
        if live.saturating_add(making) >= self.config.max_sessions {
            return Err(Fault::plain(ErrorCode::OpsSessionLimit)
                .with("limit", self.config.max_sessions)
                .retry_after(1_000));
        }
        Ok(place)
    }
}

struct Place(Arc<Inner>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.reserved.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Sessions {
    fn bury(&mut self, id: &SessionId, code: ErrorCode) -> Option<Arc<Session>> {
        let session = self.live.remove(id)?;
        let lease = session.lease.lock().id().clone();
        self.ended.push_back((id.clone(), lease, code));
        if self.ended.len() > TOMBSTONES {
            self.ended.pop_front();
        }
        Some(session)
    }
}

/// A named profile's directory: one for each family of browsers, for none reads another's. Names have no dots.
fn profile_directory(root: &Path, name: &str, browser: BrowserKind) -> PathBuf {
    match browser {
        BrowserKind::Chrome => root.join(name),
        BrowserKind::Firefox => root.join(format!("{name}.firefox")),
    }
}

/// Ends a session; answers the number of pages closed with it.
pub(crate) async fn end(session: &Session, fault: Fault) -> u32 {
    let (answer, closed) = oneshot::channel();
    if session.send(Message::Close(fault, answer)).is_err() {
        return 0;
    }
    tokio::time::timeout(END_WITHIN, closed)
        .await
        .map_or(0, |closed| closed.unwrap_or(0))
}
