//! Routing at the edge: the controls in force, who changes them, and what becomes of active sessions when they change.
//!
//! It decides nothing: decisions are the [`RoutePolicy`]'s. It keeps no session: ending them is the service's.

mod owners;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ops_contracts::control::config::ConfigWarning;
use ops_contracts::control::health::AdapterHealthStore;
use ops_contracts::control::legacy::LegacyLeaseMode;
use ops_contracts::seam::port::{EndSessions, OpsService};
use ops_contracts::wire::clock::{Clock, Timestamp};
use ops_contracts::wire::ids::{LeaseId, SessionId};
use ops_contracts::wire::routing::{
    ActiveSessionPolicy, BlockedReason, CliControls, DrainState, Identities, IdentityNamespace,
    KillSwitchSource, LegacyLane, Peer, RequestControls, RolloutIdentity, Route, RoutePolicy,
    RoutingControls, RoutingMode, RoutingStatus, WindowPosition,
};
use ops_contracts::wire::version::CDP_LEASE_TRAIN;
use ops_contracts::{ErrorCode, Fault, Outcome};
use owners::Owners;
use parking_lot::{Mutex, RwLock};

/// What the configuration says about routing. Swapped as a whole by a reload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutingSettings {
    /// The controls, by source.
    pub controls: RoutingControls,
    /// Whether the gates of the legacy lane leave it open.
    pub legacy: LegacyGates,
    /// `allowLegacyCdpTransitionalBinding`.
    pub legacy_transitional_binding: bool,
    /// `ops.allowPrereleaseInterop`.
    pub prerelease_interop: bool,
    /// What an operator should know about the configuration, for the status document.
    pub warnings: Vec<ConfigWarning>,
}

/// Whether the gates of the legacy lane leave it open, by where the peer is. It is the peer's address that counts, not the
/// relay's: what comes through a proxy or a tunnel on this host comes from loopback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LegacyGates {
    /// To peers on loopback.
    pub local: LegacyLane,
    /// To all others.
    pub beyond: LegacyLane,
}

impl LegacyGates {
    /// Open to everybody.
    pub const OPEN: Self = Self {
        local: LegacyLane::Open,
        beyond: LegacyLane::Open,
    };

    const fn to(self, local: bool) -> LegacyLane {
        if local { self.local } else { self.beyond }
    }
}

/// Reads the routing settings anew; blocks while it reads. An error leaves those in force.
pub type ReadSettings = Arc<dyn Fn() -> Outcome<RoutingSettings> + Send + Sync>;

/// How a relay routes.
#[derive(Clone)]
pub struct RoutingSetup {
    /// Decides.
    pub policy: Arc<dyn RoutePolicy>,
    /// The settings at the start.
    pub settings: RoutingSettings,
    /// Reads them anew.
    pub read: ReadSettings,
}

impl fmt::Debug for RoutingSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoutingSetup")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

#[derive(Clone)]
struct State {
    /// The mode that the controls come to for who brings none of its own.
    mode: RoutingMode,
    settings: RoutingSettings,
    /// What an admin call has set; above the relay's own flags until the next such call or the relay's end.
    admin: CliControls,
    changed_at: Option<Timestamp>,
}

impl State {
    fn controls(&self) -> RoutingControls {
        let controls = &self.settings.controls;
        RoutingControls {
            cli: self.admin.clone().over(&controls.cli),
            ..controls.clone()
        }
    }
}

/// The ends of sessions that are under way.
#[derive(Default)]
struct Ending {
    draining: u32,
    terminating: u32,
}

/// The detail by which a refusal says why `/ops` is closed to the client; its name is the status document's.
pub(crate) const BLOCKED_REASON: &str = "opsRouteBlockedReason";

/// The routing of one relay.
pub(crate) struct Routing {
    /// Learns of the operator's kill switch.
    health: Option<Arc<dyn AdapterHealthStore>>,
    policy: Arc<dyn RoutePolicy>,
    read: ReadSettings,
    relay_version: String,
    state: RwLock<Arc<State>>,
    /// Held while a change is made, so that of two changes the later one is in force and ends sessions last.
    changing: Mutex<()>,
    ending: Mutex<Ending>,
    owners: Owners,
    drained: AtomicU64,
    terminated: AtomicU64,
    unsupported_versions: AtomicU64,
}

/// Who asks, as far as routing cares.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asker {
    /// What vouches for the caller.
    pub(crate) identities: Identities,
    /// The controls that came with its request.
    pub(crate) controls: RequestControls,
    /// Whether its address is one of loopback.
    pub(crate) local: bool,
    /// The session whose lease it proved, where it asks for another one.
    pub(crate) by_lease: Option<SessionId>,
}

/// Counters and state for the status document.
pub(crate) struct Figures {
    pub(crate) drain_state: DrainState,
    pub(crate) drained: u64,
    pub(crate) terminated: u64,
    pub(crate) unsupported_versions: u64,
    pub(crate) changed_at: Option<Timestamp>,
    pub(crate) warnings: Vec<String>,
}

impl Routing {
    pub(crate) fn new(
        setup: &RoutingSetup,
        relay_version: &str,
        health: Option<Arc<dyn AdapterHealthStore>>,
    ) -> Self {
        let state = State {
            mode: RoutingMode::Ops,
            settings: setup.settings.clone(),
            admin: CliControls::default(),
            changed_at: None,
        };
        let status =
            setup
                .policy
                .status(&state.controls(), &Identities::default(), LegacyLane::Open);
        let state = State {
            mode: status.effective_routing_mode,
            ..state
        };
        let routing = Self {
            health,
            policy: setup.policy.clone(),
            read: setup.read.clone(),
            relay_version: relay_version.to_owned(),
            state: RwLock::new(Arc::new(state)),
            changing: Mutex::default(),
            ending: Mutex::default(),
            owners: Owners::default(),
            drained: AtomicU64::new(0),
            terminated: AtomicU64::new(0),
            unsupported_versions: AtomicU64::new(0),
        };
        routing.report_kill_switch();
        routing
    }

    /// Reports to the authority on adapter health whether the operator's kill switch is on: at the start and at each change.
    fn report_kill_switch(&self) {
        if let Some(health) = &self.health {
            health.set_operator_global(self.kill_switch());
        }
    }

    fn state(&self) -> Arc<State> {
        self.state.read().clone()
    }

    /// Whether `/ops` makes a session for this caller.
    ///
    /// # Errors
    /// `relay_ops_route_disabled` with decision and reason where routing sends it to the legacy lane, which it has to open
    /// itself; `relay_rollout_identity_missing` in `auto` without an identity.
    pub(crate) fn admit_session(&self, asker: &Asker) -> Outcome<()> {
        let controls = self.state().controls().for_request(&asker.controls);
        // Whether the legacy lane can serve the caller is for that lane to say.
        let decision = self
            .policy
            .decide(&controls, &asker.identities, LegacyLane::Open)?;
        match decision.route {
            Route::Ops => Ok(()),
            Route::LegacyCdp => Err(Fault::plain(ErrorCode::RelayOpsRouteDisabled)
                .with("decision", decision.route)
                .with("reason", decision.reason)
                .with(
                    "opsKillSwitchSource",
                    decision.status.ops_kill_switch_source,
                )),
        }
    }

    /// Notes a session that has been made. Routing may have changed while it was: then it is not to be given out.
    ///
    /// # Errors
    /// As `admit_session`; the session is to be ended.
    pub(crate) fn made(&self, session: &SessionId, lease: &LeaseId, asker: &Asker) -> Outcome<()> {
        self.owners
            .insert(session.clone(), lease.clone(), asker.clone());
        // Only now: a change that comes after this look finds the session noted.
        self.admit_session(asker)
            .inspect_err(|_| self.owners.remove(session))
    }

    /// What the owner of a session's lease goes by in a rollout. It is the same for all sessions that were opened, one by the lease
    /// of another, from the first one on, so that a rollout moves all of them or none.
    pub(crate) fn lease_owner(&self, session: &SessionId) -> Option<RolloutIdentity> {
        let root = self.owners.root(session)?;
        RolloutIdentity::new(IdentityNamespace::Lease, root.as_str()).ok()
    }

    /// A session's lease was replaced.
    pub(crate) fn reclaimed(&self, session: &SessionId, lease: &LeaseId) {
        self.owners.reclaimed(session, lease.clone());
    }

    /// Forgets sessions that are no more.
    pub(crate) fn sweep(&self, service: &dyn OpsService) {
        self.owners.sweep(service);
    }

    /// Where a client's version is in the compatibility window.
    pub(crate) fn position(&self, client_version: &str) -> WindowPosition {
        self.policy.position(&self.relay_version, client_version)
    }

    /// Whether this client may speak on `/ops`; a refusal is counted.
    pub(crate) fn admit_version(&self, peer: Peer<'_>) -> Outcome<()> {
        let admitted = self.check_version(peer);
        if admitted.is_err() {
            self.unsupported_versions.fetch_add(1, Ordering::Relaxed);
        }
        admitted.map_err(|fault| fault.with(BLOCKED_REASON, BlockedReason::VersionUnsupported))
    }

    fn check_version(&self, peer: Peer<'_>) -> Outcome<()> {
        self.policy.admit(
            Route::Ops,
            &self.relay_version,
            &[peer],
            self.state().settings.prerelease_interop,
        )
    }

    /// What the status document tells this caller; `peer` where it names its versions, `wanted` what it can't do without of
    /// what is `offered`.
    pub(crate) fn status(
        &self,
        asker: &Asker,
        peer: Option<Peer<'_>>,
        wanted: &[String],
        offered: &[String],
    ) -> RoutingStatus {
        let state = self.state();
        let controls = state.controls().for_request(&asker.controls);
        let mut status = self.policy.status(
            &controls,
            &asker.identities,
            state.settings.legacy.to(asker.local),
        );
        if peer.is_some_and(|peer| self.check_version(peer).is_err()) {
            status.ops_route_blocked_reason = Some(BlockedReason::VersionUnsupported);
        } else if wanted.iter().any(|name| !offered.contains(name)) {
            status.ops_route_blocked_reason = Some(BlockedReason::CapabilityMismatch);
        }
        status
    }

    /// Whether the operator's kill switch, from environment or configuration, is what forces the legacy lane.
    fn kill_switch(&self) -> bool {
        let controls = self.state().controls();
        let status = self
            .policy
            .status(&controls, &Identities::default(), LegacyLane::Open);
        match status.ops_kill_switch_source {
            KillSwitchSource::Env => controls.env_kill_switch,
            KillSwitchSource::Config => controls.config.kill_switch == Some(true),
            _ => false,
        }
    }

    pub(crate) fn figures(&self) -> Figures {
        let state = self.state();
        let ending = self.ending.lock();
        let drain_state = match (ending.terminating, ending.draining) {
            (0, 0) => DrainState::Inactive,
            (0, _) => DrainState::Draining,
            _ => DrainState::Terminating,
        };
        Figures {
            drain_state,
            drained: self.drained.load(Ordering::Relaxed),
            terminated: self.terminated.load(Ordering::Relaxed),
            unsupported_versions: self.unsupported_versions.load(Ordering::Relaxed),
            changed_at: state.changed_at,
            warnings: state
                .settings
                .warnings
                .iter()
                .map(ToString::to_string)
                .collect(),
        }
    }

    /// Reads the settings anew and puts them in force; whether the controls differ from those before.
    ///
    /// # Errors
    /// What is wrong with the configuration; the settings stay as they were.
    pub(crate) async fn reload(
        self: &Arc<Self>,
        service: &Arc<dyn OpsService>,
        clock: &dyn Clock,
    ) -> Outcome<bool> {
        let read = self.read.clone();
        let settings = tokio::task::spawn_blocking(move || read()).await;
        let settings = settings.unwrap_or_else(|_| {
            Err(Fault::new(
                ErrorCode::RelayInternal,
                "reading the settings panicked",
            ))
        });
        match settings {
            Ok(settings) => Ok(self.change(service, clock, |state| state.settings = settings)),
            Err(fault) => {
                tracing::warn!(code = %fault.code, "the configuration is not reloaded, what was in force stays: {}", fault.message);
                Err(fault)
            }
        }
    }

    /// Puts an admin call's controls in force, in place of those of the last such call; whether the controls differ.
    pub(crate) fn set_admin(
        self: &Arc<Self>,
        admin: CliControls,
        service: &Arc<dyn OpsService>,
        clock: &dyn Clock,
    ) -> bool {
        self.change(service, clock, |state| state.admin = admin)
    }

    fn change(
        self: &Arc<Self>,
        service: &Arc<dyn OpsService>,
        clock: &dyn Clock,
        act: impl FnOnce(&mut State),
    ) -> bool {
        let _one_at_a_time = self.changing.lock();
        let old = self.state();
        let mut new = State::clone(&old);
        act(&mut new);
        let controls = new.controls();
        let differ = controls != old.controls();
        if differ {
            new.changed_at = Some(clock.now());
        }
        let status = self
            .policy
            .status(&controls, &Identities::default(), LegacyLane::Open);
        new.mode = status.effective_routing_mode;
        *self.state.write() = Arc::new(new);
        if differ {
            self.report_kill_switch();
            let (mode, policy) = (
                status.effective_routing_mode,
                status.ops_active_session_policy,
            );
            tracing::warn!(%mode, %policy, killSwitchSource = %status.ops_kill_switch_source, "routing changed");
            match mode {
                RoutingMode::Ops => {}
                RoutingMode::LegacyCdp => self.end_sessions(policy, service, None),
                RoutingMode::Auto => {
                    let moved = self
                        .owners
                        .of(|asker| self.goes_to_legacy(&controls, asker));
                    if !moved.is_empty() {
                        self.end_sessions(policy, service, Some(&moved));
                    }
                }
            }
        }
        differ
    }

    fn goes_to_legacy(&self, controls: &RoutingControls, asker: &Asker) -> bool {
        let decided = self.policy.decide(
            &controls.for_request(&asker.controls),
            &asker.identities,
            LegacyLane::Open,
        );
        decided.is_ok_and(|decision| decision.route == Route::LegacyCdp)
    }

    /// Applies the active-session policy, to `moved` where only some sessions are concerned. Sessions refuse new commands when this returns; their end goes on behind it.
    fn end_sessions(
        self: &Arc<Self>,
        policy: ActiveSessionPolicy,
        service: &Arc<dyn OpsService>,
        moved: Option<&HashSet<SessionId>>,
    ) {
        let how = match policy {
            ActiveSessionPolicy::Continue => return,
            ActiveSessionPolicy::Drain => EndSessions::Drain,
            ActiveSessionPolicy::Terminate => EndSessions::Terminate,
        };
        let under_way = UnderWay::begin(self.clone(), how);
        let ending = match moved {
            None => service.end_sessions(how),
            Some(moved) => service.end_these(how, moved),
        };
        tokio::spawn(async move {
            let ended = ending.await;
            under_way.count(ended);
            tracing::info!(ended, ?how, "active sessions were ended");
        });
    }
}

/// Sessions are being ended while this lives, however it ends.
struct UnderWay {
    routing: Arc<Routing>,
    how: EndSessions,
}

impl UnderWay {
    fn begin(routing: Arc<Routing>, how: EndSessions) -> Self {
        *Self::slot(&mut routing.ending.lock(), how) += 1;
        Self { routing, how }
    }

    fn slot(ending: &mut Ending, how: EndSessions) -> &mut u32 {
        match how {
            EndSessions::Drain => &mut ending.draining,
            EndSessions::Terminate => &mut ending.terminating,
        }
    }

    fn count(&self, ended: u32) {
        let counter = match self.how {
            EndSessions::Drain => &self.routing.drained,
            EndSessions::Terminate => &self.routing.terminated,
        };
        counter.fetch_add(u64::from(ended), Ordering::Relaxed);
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        *Self::slot(&mut self.routing.ending.lock(), self.how) -= 1;
    }
}

/// What the legacy lane asks.
impl Routing {
    /// Whether the lane's gates are open now to a peer. Those of the configuration bind running sessions as well.
    pub(crate) fn legacy_lane(&self, local: bool) -> LegacyLane {
        self.state().settings.legacy.to(local)
    }

    /// Whether a lease may be bound to its connection.
    pub(crate) fn transitional_binding(&self) -> bool {
        self.policy.transitional_binding(
            &self.relay_version,
            self.state().settings.legacy_transitional_binding,
        )
    }

    /// Whether a client that names this version has its lease bound to its connection: it predates lease fields, and the
    /// timeline of leases still allows it.
    pub(crate) fn binds_to_connection(&self, client_version: Option<&str>) -> bool {
        self.predates_leases(client_version) && self.transitional_binding()
    }

    /// Whether a client that names this version predates lease fields.
    pub(crate) fn predates_leases(&self, client_version: Option<&str>) -> bool {
        client_version.is_some_and(|version| self.policy.predates_leases(version))
    }

    /// Whether this caller gets a session of the legacy lane whose lease is kept this way: its gates, then routing, then versions.
    ///
    /// # Errors
    /// The code of the gate that closes the lane; `relay_legacy_cdp_opt_in_required` where routing goes to `/ops`;
    /// `relay_rollout_identity_missing`; the version codes of the lane.
    pub(crate) fn admit_legacy(
        &self,
        asker: &Asker,
        peer: Peer<'_>,
        lease: LegacyLeaseMode,
    ) -> Outcome<()> {
        let (admitted, by_version) = self.judge_legacy(&self.state(), asker, peer, lease);
        if by_version && admitted.is_err() {
            self.unsupported_versions.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    /// What the lane would say to this caller, counted nowhere. On the way of every request of `/ops`: where everybody is on `/ops`
    /// and the caller asks for nothing else, nothing is decided.
    pub(crate) fn legacy_for(&self, asker: &Asker, peer: Outcome<Peer<'_>>) -> LegacyLane {
        let state = self.state();
        if let closed @ LegacyLane::Closed(_) = state.settings.legacy.to(asker.local) {
            return closed;
        }
        if state.mode == RoutingMode::Ops && asker.controls == RequestControls::default() {
            return LegacyLane::Closed(ErrorCode::RelayLegacyCdpOptInRequired);
        }
        let explicit = LegacyLeaseMode::Explicit;
        match peer.and_then(|peer| self.judge_legacy(&state, asker, peer, explicit).0) {
            Ok(()) => LegacyLane::Open,
            Err(fault) => LegacyLane::Closed(fault.code),
        }
    }

    /// Whether the caller gets a session, and whether its version was what was judged last.
    fn judge_legacy(
        &self,
        state: &State,
        asker: &Asker,
        peer: Peer<'_>,
        lease: LegacyLeaseMode,
    ) -> (Outcome<()>, bool) {
        if let Err(fault) = self.route_legacy(state, asker) {
            return (Err(fault), false);
        }
        let against = |relay: &str| {
            let interop = state.settings.prerelease_interop;
            self.policy.admit(Route::LegacyCdp, relay, &[peer], interop)
        };
        let admitted = against(&self.relay_version).or_else(|fault| {
            let transitional = lease == LegacyLeaseMode::Transitional
                && fault.code == ErrorCode::RelayLegacyWindowExceeded
                && self.binds_to_connection(peer.version);
            // One release after leases came the operator may still let clients in that predate them. Such a client is two trains
            // behind, so it is held against the train that made leases; with an explicit lease it is outside the window as ever.
            if transitional {
                against(&format!("{CDP_LEASE_TRAIN}.0"))
            } else {
                Err(fault)
            }
        });
        (admitted, true)
    }

    fn route_legacy(&self, state: &State, asker: &Asker) -> Outcome<()> {
        if let LegacyLane::Closed(code) = state.settings.legacy.to(asker.local) {
            return Err(code.into());
        }
        let controls = state.controls().for_request(&asker.controls);
        let decision = self
            .policy
            .decide(&controls, &asker.identities, LegacyLane::Open)?;
        if decision.route == Route::Ops {
            return Err(Fault::plain(ErrorCode::RelayLegacyCdpOptInRequired)
                .with("decision", decision.route)
                .with("reason", decision.reason));
        }
        Ok(())
    }
}
