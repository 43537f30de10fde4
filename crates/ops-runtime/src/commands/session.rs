//! `session.*`: making sessions, telling of them, renewing, sharing, reclaiming and closing them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use ops_contracts::wire::command::Empty;
use ops_contracts::wire::command::session::{
    CloseResult, CreateParams, CreateResult, ListResult, ObserveParams, ObserveResult,
    ReclaimResult, RenewResult, StatusResult,
};
use ops_contracts::{ErrorCode, Fault, Outcome};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::cx::Cx;
use crate::runtime::{Service, end};
use crate::secret;
use crate::session::{DEFAULT_TTL, Message};

pub(crate) async fn create(service: &Service, params: CreateParams) -> Outcome<CreateResult> {
    service.create(params).await
}

pub(crate) async fn list(service: &Service, _: Empty) -> Outcome<ListResult> {
    Ok(service.list())
}

pub(crate) async fn status(cx: &Cx, _: Empty) -> Outcome<StatusResult> {
    let session = &cx.session;
    let live = session.live();
    let state = live.world.lock();
    let current_target = state
        .current
        .and_then(|current| state.tab(current))
        .map(|tab| tab.id.clone());
    let dialog = state.open_dialog().map(|(_, dialog)| dialog.clone());
    let targets = state.tabs.len();
    drop(state);
    let running = *session.running.lock();
    let now = Instant::now();
    let observers = session.lease.lock().observers(now);
    let budget = session.means.status(targets, now);
    Ok(StatusResult {
        session: session.info(),
        session_epoch: live.epoch,
        current_target,
        queued: session
            .queued
            .load(Ordering::Relaxed)
            .saturating_sub(u32::from(running.is_some())),
        running: running.map(str::to_owned),
        dialog,
        budget,
        observers,
        fallbacks: live.fallbacks.list(),
        domains: session
            .plan
            .confinement
            .as_ref()
            .map(|confinement| confinement.status()),
    })
}

pub(crate) async fn renew(cx: &Cx, _: Empty) -> Outcome<RenewResult> {
    // Admission has extended the lease already.
    Ok(RenewResult {
        lease_expires_at: cx.session.lease_expires_at(),
    })
}

pub(crate) async fn observe(cx: &Cx, params: ObserveParams) -> Outcome<ObserveResult> {
    let session = &cx.session;
    let observer_lease_id = secret::lease_id()?;
    let (ttl, now) = (
        params.ttl_ms.map_or(DEFAULT_TTL, Duration::from_millis),
        Instant::now(),
    );
    let observers = {
        let mut lease = session.lease.lock();
        lease.let_observe(observer_lease_id.clone(), now + ttl, now)?;
        lease.observers(now)
    };
    let expires_at = session.now().plus(ttl);
    Ok(ObserveResult {
        session_id: session.id.clone(),
        observer_lease_id,
        expires_at,
        observers,
    })
}

pub(crate) async fn reclaim(cx: &Cx, _: Empty) -> Outcome<ReclaimResult> {
    let session = &cx.session;
    cx.waiting_for("the owner of the session");
    let lease_id = secret::lease_id()?;
    let fence = {
        let mut lease = session.lease.lock();
        lease.replace(lease_id.clone(), Instant::now());
        lease.fence()
    };
    session.silence();
    let (answer, dropped) = oneshot::channel();
    session.send(Message::Fence(fence, answer))?;
    let dropped = dropped
        .await
        .map_err(|_| Fault::plain(ErrorCode::OpsSessionClosed))?;
    Ok(ReclaimResult {
        session_id: session.id.clone(),
        lease_id,
        lease_expires_at: session.lease_expires_at(),
        dropped,
    })
}

pub(crate) async fn close(cx: &Cx, _: Empty) -> Outcome<CloseResult> {
    let fault = Fault::plain(ErrorCode::OpsSessionClosed);
    let ended = tokio::time::timeout_at(cx.deadline, end(&cx.session, fault)).await;
    let targets_closed = ended.map_err(|_| {
        Fault::new(
            ErrorCode::OpsTimeout,
            "the session is over, but its browser still closes",
        )
    })?;
    Ok(CloseResult { targets_closed })
}
