//! The browsers: one process for all sessions that ask for the same kind, one of its own for those that ask for that,
//! and one context kept warm in each shared process so that a new session does not wait for it.

mod silence;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use ops_contracts::seam::adapter::{
    Adapter, Browser, BrowserInfo, Context, ContextSpec, ContextStorage, FrameKey, LaunchSpec,
    Primitive, TargetKey,
};
use ops_contracts::seam::egress::{Egress, EgressDoor, EgressTerms};
use ops_contracts::seam::port::{BrowserSummary, Served};
use ops_contracts::wire::capability::{AdapterKind, BrowserKind, CapabilitySet};
use ops_contracts::wire::command::Viewport;
use ops_contracts::wire::command::session::SessionMode;
use ops_contracts::wire::ids::SessionId;
use ops_contracts::{ErrorCode, Fault, Outcome};
use parking_lot::Mutex;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::bridge::SOURCE;
use crate::chain::{Chain, Uses};
use crate::world::{Effect, World};

/// How long a browser that was just launched is left alone before a spare context is made in it.
const SPARE_AFTER_LAUNCH: Duration = Duration::from_millis(1_500);

/// Which process a session runs in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SlotKey {
    /// What drives the process.
    pub(crate) adapter: AdapterKind,
    /// How the process is started.
    pub(crate) spec: LaunchSpec,
    /// The one session that it is for; `None` for a shared one.
    pub(crate) private: Option<SessionId>,
}

/// A context with its world: a session's, or one that is kept for the next session.
pub(crate) struct Place {
    pub(crate) context: Arc<dyn Context>,
    pub(crate) world: Arc<World>,
    pub(crate) effects: UnboundedReceiver<Effect>,
    pub(crate) target: TargetKey,
    pub(crate) frame: FrameKey,
    pub(crate) browser: BrowserInfo,
    /// What another adapter did in the stead of the session's own.
    pub(crate) fallbacks: Arc<Uses>,
    /// The only way out of the context, where it is confined.
    door: Option<Arc<dyn EgressDoor>>,
}

impl Place {
    /// Says what may be reached from a confined context.
    pub(crate) fn confine(&self, terms: EgressTerms) {
        if let Some(door) = &self.door {
            door.confine(terms);
        }
    }
}

/// A session's place in a browser. The browser may end once all of its seats are dropped.
pub(crate) struct Seat {
    pub(crate) place: Place,
    using: Using,
}

impl Seat {
    /// Says that a wait for the browser has come to its end: it is asked whether it answers at all.
    pub(crate) fn doubt(&self) {
        self.using.pool.doubt(&self.using.slot);
    }

    /// Who else has a place in the browser.
    pub(crate) fn neighbours(&self) -> Neighbours {
        Neighbours(self.using.slot.users.clone())
    }

    /// Whether it is known that the browser does not answer.
    pub(crate) fn is_silent(&self) -> bool {
        self.using.slot.is_silent()
    }
}

/// The sessions that have places in one browser, counted.
#[derive(Debug, Clone)]
pub(crate) struct Neighbours(Arc<AtomicU32>);

impl Neighbours {
    /// Whether there are any beside the one that asks.
    pub(crate) fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 1
    }
}

/// Keeps a browser from being closed as idle.
struct Using {
    pool: Arc<Pool>,
    slot: Arc<Slot>,
}

impl Using {
    /// A context with a blank page; none when the browser does not answer.
    async fn place(&self, viewport: Viewport) -> Outcome<Option<Place>> {
        // Its spare tells nothing of a browser: where that is in doubt, an answer of its own is waited for.
        let spare = if self.slot.doubted.load(Ordering::Relaxed) {
            None
        } else {
            self.slot.take_spare()
        };
        if let Some(place) = spare {
            if viewport == Viewport::default() {
                return Ok(Some(place));
            }
            let (target, context) = (place.target, place.context.clone());
            let sized = async {
                context
                    .perform(Primitive::SetViewport { target, viewport })
                    .await
                    .map_err(Fault::from)
            };
            match self.answered(sized).await {
                Ok(Some(_)) => return Ok(Some(place)),
                Ok(None) => return Ok(None),
                Err(_) => {}
            }
        }
        let browser = self.slot.running().await?;
        self.answered(self.slot.open(&browser, viewport)).await
    }
}

impl Drop for Using {
    fn drop(&mut self) {
        if self.slot.users.fetch_sub(1, Ordering::Relaxed) > 1 {
            return;
        }
        let (pool, slot) = (self.pool.clone(), self.slot.clone());
        // Nobody comes any more to a private one, or to one that another has taken the place of.
        let awaited = slot.key.private.is_none() && pool.slots.lock().is_open(&slot);
        let idle = if awaited { pool.idle } else { Duration::ZERO };
        // Without a runtime everything is ending, and the browsers with it.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep(idle).await;
                pool.close_slot(&slot).await;
            });
        }
    }
}

struct Slot {
    key: SlotKey,
    adapter: Arc<dyn Adapter>,
    /// Does what the adapter lacks.
    next: Option<Arc<dyn Adapter>>,
    /// Held while the browser is being launched, so that one launch serves all who wait for it.
    browser: tokio::sync::Mutex<Option<Arc<dyn Browser>>>,
    spare: Mutex<Option<Place>>,
    /// When the browser was launched.
    launched: Mutex<Option<Instant>>,
    /// The last one that was launched, for status.
    last: Mutex<Option<Arc<dyn Browser>>>,
    users: Arc<AtomicU32>,
    /// Whether the browser is being asked if it answers.
    doubted: AtomicBool,
    /// Whether it did not, so that new sessions go elsewhere.
    silent: watch::Sender<bool>,
    egress: Option<Arc<dyn Egress>>,
    /// The way out of a confined browser whose contexts have none of their own: that of its profile.
    door: Mutex<Option<Arc<dyn EgressDoor>>>,
}

/// All browser processes of a runtime.
pub(crate) struct Pool {
    adapters: Vec<Arc<dyn Adapter>>,
    egress: Option<Arc<dyn Egress>>,
    slots: Mutex<Slots>,
    idle: Duration,
}

#[derive(Default)]
struct Slots {
    /// Those that take sessions.
    open: HashMap<SlotKey, Arc<Slot>>,
    /// Those whose browsers did not answer, as long as sessions are in them.
    apart: Vec<Arc<Slot>>,
}

impl Slots {
    fn all(&self) -> impl Iterator<Item = &Arc<Slot>> {
        self.open.values().chain(&self.apart)
    }

    fn into_all(self) -> impl Iterator<Item = Arc<Slot>> {
        self.open.into_values().chain(self.apart)
    }

    fn is_open(&self, slot: &Arc<Slot>) -> bool {
        self.open
            .get(&slot.key)
            .is_some_and(|open| Arc::ptr_eq(open, slot))
    }

    /// Whether it took sessions.
    fn remove(&mut self, slot: &Arc<Slot>) -> bool {
        self.apart.retain(|apart| !Arc::ptr_eq(apart, slot));
        self.is_open(slot) && self.open.remove(&slot.key).is_some()
    }
}

impl Pool {
    /// A pool that closes a shared browser `idle` after its last session.
    pub(crate) fn new(
        adapters: Vec<Arc<dyn Adapter>>,
        idle: Duration,
        egress: Option<Arc<dyn Egress>>,
    ) -> Self {
        Self {
            adapters,
            egress,
            slots: Mutex::default(),
            idle,
        }
    }

    /// Whether sessions can be confined.
    pub(crate) const fn confines(&self) -> bool {
        self.egress.is_some()
    }

    /// The adapter that serves a browser family: the first that can do everything that is core, among those `wanted`. With what
    /// it can do, and what the next link of its chain does in its stead.
    pub(crate) fn adapter(
        &self,
        kind: BrowserKind,
        wanted: Option<AdapterKind>,
    ) -> Outcome<(&Arc<dyn Adapter>, CapabilitySet)> {
        let core = CapabilitySet::core();
        self.adapters
            .iter()
            .filter(|adapter| wanted.is_none_or(|wanted| adapter.kind() == wanted))
            .map(|adapter| (adapter, adapter.capabilities(kind)))
            .find(|(_, set)| core.iter().all(|capability| set.has(capability)))
            .map(|(adapter, set)| {
                let next = self
                    .next(&**adapter, kind)
                    .map(|next| next.capabilities_through(kind));
                let chained = set
                    .iter()
                    .chain(next.iter().flat_map(CapabilitySet::iter))
                    .collect::<Vec<_>>();
                (adapter, CapabilitySet::new(chained))
            })
            .ok_or_else(|| {
                let which = wanted
                    .map(|wanted| format!("{} ", wanted.as_str()))
                    .unwrap_or_default();
                let message = format!("no {which}adapter of this relay serves {}", kind.as_str());
                let fault = Fault::new(ErrorCode::OpsNotSupported, message).with("browser", kind);
                wanted
                    .into_iter()
                    .fold(fault, |fault, wanted| fault.with("adapter", wanted))
            })
    }

    /// The adapter that does what `first` lacks, where its browsers let one pass.
    fn next(&self, first: &dyn Adapter, kind: BrowserKind) -> Option<Arc<dyn Adapter>> {
        let wanted = first.passes(kind)?;
        let mut others = self.adapters.iter().filter(|other| other.kind() == wanted);
        others
            .find(|other| other.capabilities_through(kind).iter().next().is_some())
            .cloned()
    }

    /// Makes or takes a context with a blank page. Where the browser does not answer, it is another's.
    pub(crate) async fn seat(self: &Arc<Self>, key: &SlotKey, viewport: Viewport) -> Outcome<Seat> {
        let mut using = self.using(key)?;
        let mut placed = using.place(viewport).await?;
        if placed.is_none() {
            let silent = using.slot.clone();
            drop(using);
            // It may hold the profile that the next one is to use.
            self.close_slot(&silent).await;
            using = self.using(key)?;
            placed = using.place(viewport).await?;
        }
        let place = placed.ok_or_else(|| Fault::plain(ErrorCode::AdapterTimeout))?;
        if key.private.is_none() {
            keep_spare(&using.slot);
        }
        Ok(Seat { place, using })
    }

    /// Closes a seat's context and, when nobody else needs it, its browser.
    pub(crate) async fn release(&self, seat: Seat) {
        let Seat { place, using } = seat;
        if using.slot.key.private.is_none() {
            place.context.close().await;
            return;
        }
        let slot = using.slot.clone();
        drop(using);
        self.close_slot(&slot).await;
    }

    /// Closes every browser.
    pub(crate) async fn close(&self) {
        let slots: Vec<_> = std::mem::take(&mut *self.slots.lock()).into_all().collect();
        futures_util::future::join_all(slots.iter().map(|slot| slot.close())).await;
    }

    /// Whether a session holds this profile.
    pub(crate) fn in_use(&self, key: &SlotKey) -> bool {
        let slots = self.slots.lock();
        key.spec.profile.is_some()
            && slots.all().any(|slot| {
                slot.key.spec.profile == key.spec.profile && slot.users.load(Ordering::Relaxed) > 0
            })
    }

    pub(crate) fn summary(&self) -> Vec<BrowserSummary> {
        let slots = self.slots.lock();
        let mut browsers: Vec<_> = slots.all().filter_map(|slot| slot.summary()).collect();
        browsers.sort_by_key(|browser| browser.pid);
        browsers
    }

    fn using(self: &Arc<Self>, key: &SlotKey) -> Outcome<Using> {
        let (adapter, _) = self.adapter(key.spec.browser, Some(key.adapter))?;
        let mut slots = self.slots.lock();
        let slot = slots.open.entry(key.clone()).or_insert_with(|| {
            let egress = self.egress.clone().filter(|_| key.spec.confined);
            let next = self.next(&**adapter, key.spec.browser);
            Arc::new(Slot::new(key.clone(), adapter.clone(), next, egress))
        });
        // Counted while the slots are held: nobody takes the browser for an idle one any more.
        slot.users.fetch_add(1, Ordering::Relaxed);
        Ok(Using {
            pool: self.clone(),
            slot: slot.clone(),
        })
    }

    async fn close_slot(&self, slot: &Arc<Slot>) {
        {
            let mut slots = self.slots.lock();
            // A session may have come since: then the slot stays.
            if slot.users.load(Ordering::Relaxed) > 0 {
                return;
            }
            slots.remove(slot);
        }
        slot.close().await;
    }
}

/// Makes a spare in the background, unless there is one.
fn keep_spare(slot: &Arc<Slot>) {
    let slot = slot.clone();
    tokio::spawn(async move {
        let launched = *slot.launched.lock();
        if let Some(launched) = launched {
            // The first page of a browser just started has the machine to itself.
            tokio::time::sleep_until(launched + SPARE_AFTER_LAUNCH).await;
        }
        if let Err(fault) = slot.make_spare().await {
            tracing::debug!(code = %fault.code, "no spare context could be made");
        }
    });
}

impl Slot {
    fn new(
        key: SlotKey,
        adapter: Arc<dyn Adapter>,
        next: Option<Arc<dyn Adapter>>,
        egress: Option<Arc<dyn Egress>>,
    ) -> Self {
        Self {
            key,
            adapter,
            next,
            egress,
            door: Mutex::default(),
            browser: tokio::sync::Mutex::new(None),
            spare: Mutex::default(),
            launched: Mutex::default(),
            last: Mutex::default(),
            users: Arc::default(),
            doubted: AtomicBool::new(false),
            silent: watch::Sender::new(false),
        }
    }

    fn take_spare(&self) -> Option<Place> {
        self.spare
            .lock()
            .take()
            .filter(|place| place.world.lock().lost.is_none())
    }

    /// The browser, launched if it does not run.
    async fn running(&self) -> Outcome<Arc<dyn Browser>> {
        let mut browser = self.browser.lock().await;
        if let Some(running) = browser.as_ref().filter(|browser| browser.is_connected()) {
            return Ok(running.clone());
        }
        let mut spec = self.key.spec.clone();
        if spec.profile.is_some()
            && let Some(door) = self.open_door().await?
        {
            spec.proxy = Some(format!("http://{}", door.address()));
            *self.door.lock() = Some(door);
        }
        let launched = self.adapter.launch(spec).await?;
        *self.launched.lock() = Some(Instant::now());
        *self.last.lock() = Some(launched.clone());
        *browser = Some(launched.clone());
        Ok(launched)
    }

    async fn open(&self, browser: &Arc<dyn Browser>, viewport: Viewport) -> Outcome<Place> {
        let (world, effects) = World::new();
        let (storage, door, proxy) = if self.key.spec.profile.is_some() {
            (ContextStorage::Profile, self.door.lock().clone(), None)
        } else {
            let door = self.open_door().await?;
            let proxy = door
                .as_ref()
                .map(|door| format!("http://{}", door.address()));
            (ContextStorage::Isolated, door, proxy)
        };
        if let Some(door) = &door {
            let unknown = || {
                Fault::new(
                    ErrorCode::OpsNotSupported,
                    "domain rules need a browser whose process is known",
                )
            };
            door.belongs_to(browser.info().pid.ok_or_else(unknown)?);
        }
        let spec = ContextSpec {
            bridge: SOURCE.clone(),
            viewport,
            storage,
            proxy,
        };
        let opened = browser.open_context(spec, world.clone()).await?;
        let fallbacks = Arc::new(Uses::default());
        let next = opened
            .passage
            .zip(self.next.as_ref())
            .and_then(|(passage, next)| next.through(passage));
        let context = match next {
            Some(next) => {
                Arc::new(Chain::new(opened.context, next, fallbacks.clone())) as Arc<dyn Context>
            }
            None => opened.context,
        };
        Ok(Place {
            door,
            context,
            fallbacks,
            world,
            effects,
            target: opened.target,
            frame: opened.frame,
            browser: browser.info().clone(),
        })
    }

    /// A door for a confined context; none where nothing is confined.
    async fn open_door(&self) -> Outcome<Option<Arc<dyn EgressDoor>>> {
        match &self.egress {
            Some(egress) => egress.open().await.map(Some),
            None if self.key.spec.confined => Err(Fault::plain(ErrorCode::OpsInternal)),
            None => Ok(None),
        }
    }

    async fn make_spare(&self) -> Outcome<()> {
        if self.spare.lock().is_some() || self.is_silent() {
            return Ok(());
        }
        let Some(browser) = self
            .browser
            .lock()
            .await
            .clone()
            .filter(|browser| browser.is_connected())
        else {
            return Ok(());
        };
        let place = self.open(&browser, Viewport::default()).await?;
        let surplus = self.spare.lock().replace(place);
        if let Some(surplus) = surplus {
            surplus.context.close().await;
        }
        Ok(())
    }

    async fn close(&self) {
        drop(self.spare.lock().take());
        // Held until it has ended: whoever wants the browser, or its profile, waits for that.
        let mut browser = self.browser.lock().await;
        if let Some(running) = browser.take() {
            running.close().await;
        }
        self.door.lock().take();
        self.last.lock().take();
    }

    fn summary(&self) -> Option<BrowserSummary> {
        let browser = self
            .last
            .lock()
            .clone()
            .filter(|browser| browser.is_connected())?;
        let info = browser.info();
        Some(BrowserSummary {
            served: Served {
                adapter: self.key.adapter,
                mode: SessionMode::Managed,
            },
            product: format!("{} {}", info.product, info.version),
            pid: info.pid,
            sessions: self.users.load(Ordering::Relaxed),
            sandboxed: info.sandboxed,
            responsive: !self.is_silent(),
        })
    }
}
