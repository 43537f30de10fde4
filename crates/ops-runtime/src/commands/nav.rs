//! `nav.*`: going somewhere and waiting until it is there. An HTTP error status is a result, not an error.

use std::pin::pin;
use std::time::Duration;

use ops_contracts::seam::adapter::{
    Effect, LifecyclePhase, NavigationFailure, NavigationFailureKind, Primitive, ResourceKind,
};
use ops_contracts::wire::command::LoadState;
use ops_contracts::wire::command::nav::{GotoParams, NavResult, ReloadParams, TraverseParams};
use ops_contracts::wire::domains::DomainRefusal;
use ops_contracts::wire::receipt::{DialogInfo, DownloadInfo};
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use crate::cx::{Cx, Page, unexpected};
use crate::world::{State, Tab, bounds};

pub(crate) mod url;
pub(crate) mod wait;

/// How long no request must be in flight for the network to count as idle.
const NETWORK_IDLE: Duration = Duration::from_millis(500);
/// How long a navigation that was aborted waits for the download that it may have turned into.
const DOWNLOAD_GRACE: Duration = Duration::from_millis(500);

/// How long the title that was asked for beside a load may come after it; a document that went away meanwhile may never answer.
const TITLE_GRACE: Duration = Duration::from_millis(250);

/// What ended the wait for a document.
enum Arrival {
    /// It is loaded as far as was wanted.
    Loaded,
    /// A dialog opened on the way.
    Dialog(DialogInfo),
    /// The navigation failed.
    Failed(NavigationFailure),
}

pub(crate) async fn goto(cx: &Cx, params: GotoParams) -> Outcome<NavResult> {
    let url = destination(cx, &params.url)?;
    let page = cx.any_page(params.target_id.as_ref())?;
    page.check_dialog()?;
    navigate(&page, url, params.wait_until).await
}

/// The URL to go to, where the session may go there. What a page asks for by itself, redirects included, is the door's to refuse.
///
/// # Errors
/// `ops_url_invalid`, `ops_url_forbidden` or `ops_domain_denied`.
pub(crate) fn destination(cx: &Cx, text: &str) -> Outcome<String> {
    let plan = &cx.session.plan;
    let url = url::check(text, &plan.params.allow_schemes)?;
    plan.check_file(&url)?;
    match plan.refusal_of_url(&url) {
        Some(refusal) => Err(refusal.fault().with("url", url)),
        None => Ok(url),
    }
}

pub(crate) async fn navigate(page: &Page<'_>, url: String, until: LoadState) -> Outcome<NavResult> {
    let mark = page.cx.world.lock().seq;
    page.cx.waiting_for("the response");
    let effect = tokio::select! {
        biased;
        effect = page.cx.perform(Primitive::Navigate { target: page.key, url: url.clone() }) => effect?,
        dialog = dialog_since(page, mark) => return result(page, mark, until, None, Some(dialog)).await,
    };
    match effect {
        Effect::Navigation {
            failure: Some(failure),
            ..
        } => failed(page, mark, &url, failure).await,
        Effect::Navigation { .. } => arrive(page, mark, until, &url).await,
        _ => Err(unexpected()),
    }
}

pub(crate) async fn back(cx: &Cx, params: TraverseParams) -> Outcome<NavResult> {
    traverse(cx, params, -1).await
}

pub(crate) async fn forward(cx: &Cx, params: TraverseParams) -> Outcome<NavResult> {
    traverse(cx, params, 1).await
}

async fn traverse(cx: &Cx, params: TraverseParams, delta: i32) -> Outcome<NavResult> {
    let page = cx.any_page(params.target_id.as_ref())?;
    page.check_dialog()?;
    let mark = cx.world.lock().seq;
    cx.waiting_for("the history");
    let effect = tokio::select! {
        biased;
        effect = cx.perform(Primitive::TraverseHistory { target: page.key, delta }) => effect?,
        dialog = dialog_since(&page, mark) => return result(&page, mark, params.wait_until, None, Some(dialog)).await,
    };
    match effect {
        Effect::Moved(true) => arrive(&page, mark, params.wait_until, "the history entry").await,
        Effect::Moved(false) => {
            let way = if delta < 0 { "back" } else { "forward" };
            Err(Fault::new(
                ErrorCode::OpsHistoryEdge,
                format!("there is no entry to go {way} to"),
            )
            .with("url", page.url()))
        }
        _ => Err(unexpected()),
    }
}

pub(crate) async fn reload(cx: &Cx, params: ReloadParams) -> Outcome<NavResult> {
    let page = cx.any_page(params.target_id.as_ref())?;
    page.check_dialog()?;
    let mark = cx.world.lock().seq;
    cx.waiting_for("the response");
    tokio::select! {
        biased;
        effect = cx.perform(Primitive::Reload { target: page.key, ignore_cache: params.ignore_cache }) => effect.map(drop)?,
        dialog = dialog_since(&page, mark) => return result(&page, mark, params.wait_until, None, Some(dialog)).await,
    }
    arrive(&page, mark, params.wait_until, "the page").await
}

/// A dialog that opened in the page after event `mark`.
async fn dialog_since(page: &Page<'_>, mark: u64) -> DialogInfo {
    let key = page.key;
    page.cx
        .world
        .until(|state| state.tab(key).and_then(|tab| dialog_after(tab, mark)))
        .await
}

fn dialog_after(tab: &Tab, mark: u64) -> Option<DialogInfo> {
    tab.dialog
        .as_ref()
        .filter(|(seq, _)| *seq > mark)
        .map(|(_, dialog)| dialog.clone())
}

/// Waits until the document that the page was sent to after event `mark` has arrived.
async fn arrive(page: &Page<'_>, mark: u64, until: LoadState, to: &str) -> Outcome<NavResult> {
    let (arrival, titled) = loaded(page, mark, until).await?;
    match arrival {
        Arrival::Loaded => result(page, mark, until, titled, None).await,
        Arrival::Dialog(dialog) => result(page, mark, until, None, Some(dialog)).await,
        Arrival::Failed(failure) => failed(page, mark, to, failure).await,
    }
}

/// How it arrived, and its title where that came with the wait.
async fn loaded(
    page: &Page<'_>,
    mark: u64,
    until: LoadState,
) -> Outcome<(Arrival, Option<Titled>)> {
    let (cx, key) = (page.cx, page.key);
    cx.waiting_for("the document to be committed");
    let committed = cx
        .world
        .until(|state| check(state, key, mark, LoadState::Commit))
        .await?;
    if until == LoadState::Commit || !matches!(committed, Arrival::Loaded) {
        return Ok((committed, None));
    }
    cx.waiting_for("the document to be loaded");
    let parsed = cx.world.until(|state| check(state, key, mark, until));
    let (loaded, titled) = if until < LoadState::Load {
        (parsed.await?, None)
    } else {
        with_title(page, parsed).await?
    };
    if until != LoadState::NetworkIdle || !matches!(loaded, Arrival::Loaded) {
        return Ok((loaded, titled));
    }
    cx.waiting_for("the network to be idle");
    // The title may have changed by then.
    Ok((
        idle(page, mark)
            .await
            .map_or(Arrival::Loaded, Arrival::Dialog),
        None,
    ))
}

/// A document's title when it was loaded.
struct Titled {
    title: String,
    /// The event that committed the document.
    committed: u64,
}

/// The wait for the load, with the title asked for beside it: asked for afterwards, it would have to wait for the first paint.
async fn with_title(
    page: &Page<'_>,
    loaded: impl Future<Output = Outcome<Arrival>>,
) -> Outcome<(Arrival, Option<Titled>)> {
    let committed = page
        .cx
        .world
        .lock()
        .tab(page.key)
        .map_or(0, |tab| tab.nav.committed_seq);
    let at_load = json!({ "after": "load" });
    let title = page.bridge::<Stats>(page.main_frame(), "stats", &at_load);
    let (mut loaded, mut title) = (pin!(loaded), pin!(title));
    let early = tokio::select! {
        biased;
        title = &mut title => Some(title),
        arrival = &mut loaded => {
            let arrival = arrival?;
            if !matches!(arrival, Arrival::Loaded) {
                return Ok((arrival, None));
            }
            let title = tokio::time::timeout(TITLE_GRACE, title).await.ok().and_then(Result::ok);
            return Ok((arrival, title.map(|stats| Titled { title: stats.title, committed })));
        }
    };
    let arrival = loaded.await?;
    Ok((
        arrival,
        early.and_then(Result::ok).map(|stats| Titled {
            title: stats.title,
            committed,
        }),
    ))
}

/// Waits until no request has been in flight for a while; a dialog ends the wait.
async fn idle(page: &Page<'_>, mark: u64) -> Option<DialogInfo> {
    let (world, key) = (&page.cx.world, page.key);
    loop {
        let seen = world
            .until(|state| match state.tab(key) {
                Some(tab) => dialog_after(tab, mark)
                    .map(Err)
                    .or_else(|| tab.requests.idle_since().map(Ok)),
                None => Some(Ok(Instant::now() - NETWORK_IDLE)),
            })
            .await;
        let since = match seen {
            Ok(since) => since,
            Err(dialog) => return Some(dialog),
        };
        if since.elapsed() >= NETWORK_IDLE {
            return None;
        }
        tokio::time::sleep_until(since + NETWORK_IDLE).await;
        let still = world
            .lock()
            .tab(key)
            .is_none_or(|tab| tab.requests.idle_since() == Some(since));
        if still {
            return None;
        }
    }
}

/// Whether a page has arrived somewhere after event `mark` and is loaded this far. A navigation that the page itself
/// begins meanwhile is followed.
fn check(
    state: &State,
    key: ops_contracts::seam::adapter::TargetKey,
    mark: u64,
    until: LoadState,
) -> Option<Outcome<Arrival>> {
    if let Some(reason) = &state.lost {
        return Some(Err(Fault::new(
            ErrorCode::AdapterBrowserLost,
            format!("the browser ended: {reason}"),
        )));
    }
    let Some(tab) = state.tab(key) else {
        return Some(Err(Fault::plain(ErrorCode::OpsTargetClosed)));
    };
    if tab.crashed {
        return Some(Err(Fault::plain(ErrorCode::AdapterTargetCrashed)));
    }
    if let Some(dialog) = dialog_after(tab, mark) {
        return Some(Ok(Arrival::Dialog(dialog)));
    }
    let nav = &tab.nav;
    let arrived = nav.committed_seq.max(nav.url_changed_seq);
    if let Some((seq, failure)) = &nav.failed
        && *seq > mark
        && *seq > arrived
        && nav.pending.is_none()
    {
        return Some(Ok(Arrival::Failed(failure.clone())));
    }
    (arrived > mark && reached(tab) >= until.min(LoadState::Load)).then_some(Ok(Arrival::Loaded))
}

/// How far a page's document is loaded.
pub(crate) fn reached(tab: &Tab) -> LoadState {
    match tab.nav.phase {
        None => LoadState::Commit,
        Some(LifecyclePhase::DomContentLoaded) => LoadState::DomContentLoaded,
        Some(LifecyclePhase::Load) => LoadState::Load,
    }
}

#[derive(Deserialize)]
struct Stats {
    title: String,
}

/// The page's title, unless its document goes away or a dialog blocks it.
async fn title(page: &Page<'_>) -> Option<String> {
    page.bridge::<Stats>(page.main_frame(), "stats", &json!({}))
        .await
        .ok()
        .map(|stats| stats.title)
}

/// Notes the page's title as it is now. A document that is committed meanwhile has another one.
pub(super) async fn see_title(page: &Page<'_>) {
    let committed = |tab: &Tab| tab.nav.committed_seq;
    let asked = page.cx.world.lock().tab(page.key).map(committed);
    let Some(title) = title(page).await else {
        return;
    };
    let mut state = page.cx.world.lock();
    if let Some(tab) = state
        .tab_mut(page.key)
        .filter(|tab| Some(committed(tab)) == asked)
    {
        tab.title = bounds::title(title);
    }
}

async fn result(
    page: &Page<'_>,
    mark: u64,
    until: LoadState,
    titled: Option<Titled>,
    dialog: Option<DialogInfo>,
) -> Outcome<NavResult> {
    let committed = page
        .cx
        .world
        .lock()
        .tab(page.key)
        .map_or(0, |tab| tab.nav.committed_seq);
    let title = match titled.filter(|titled| titled.committed == committed) {
        Some(titled) => Some(titled.title),
        None if dialog.is_none() => title(page).await,
        None => None,
    };
    let mut state = page.cx.world.lock();
    if let (Some(title), Some(tab)) = (&title, state.tab_mut(page.key)) {
        tab.title = bounds::title(title.clone());
    }
    let tab = state
        .tab(page.key)
        .ok_or_else(|| Fault::plain(ErrorCode::OpsTargetClosed))?;
    let document_changed = tab.nav.committed_seq > mark;
    let response = tab
        .nav
        .document
        .filter(|_| document_changed)
        .map(|document| tab.requests.response(document))
        .unwrap_or_default();
    let idle = until == LoadState::NetworkIdle && dialog.is_none();
    Ok(NavResult {
        target_id: page.id.clone(),
        url: tab.nav.url.clone(),
        status: response.status,
        title,
        redirects: response.redirects,
        document_changed,
        reached: if idle {
            LoadState::NetworkIdle
        } else {
            reached(tab)
        },
        dialog_opened: dialog,
        downloads: downloads(&state, page, mark),
    })
}

fn downloads(state: &State, page: &Page<'_>, mark: u64) -> Vec<DownloadInfo> {
    state
        .downloads
        .iter()
        .filter(|(seq, target, _)| *seq > mark && *target == page.key)
        .map(|(_, _, download)| download.clone())
        .collect()
}

/// The document that the page was last sent to after event `mark`, where the session may not go there.
fn refusal_since(page: &Page<'_>, mark: u64) -> Option<(String, DomainRefusal)> {
    let state = page.cx.world.lock();
    let (records, _) = state.network.since(0);
    let document = records
        .filter(|record| {
            record.target == page.key
                && record.kind == ResourceKind::Document
                && record.sent_seq > mark
        })
        .last()?;
    let refusal = page.cx.session.plan.refusal_of_url(&document.url)?;
    Some((document.url.clone(), refusal))
}

/// A navigation that got no document: a download is a result, everything else an error of its own code.
async fn failed(
    page: &Page<'_>,
    mark: u64,
    url: &str,
    failure: NavigationFailure,
) -> Outcome<NavResult> {
    if failure.kind == NavigationFailureKind::Aborted {
        let begun = page
            .cx
            .world
            .until(|state| (!downloads(state, page, mark).is_empty()).then_some(()));
        if tokio::time::timeout(DOWNLOAD_GRACE, begun).await.is_ok() {
            return result(page, mark, LoadState::Commit, None, None).await;
        }
    }
    if let Some((refused, refusal)) = refusal_since(page, mark) {
        return Err(refusal.fault().with("url", refused));
    }
    let meaning = failure.code().row().meaning;
    let fault = Fault::new(
        failure.code(),
        format!("navigation to {url} failed: {meaning}"),
    );
    Err(fault
        .with("url", url)
        .with("reason", failure.reason)
        .with("kind", failure.kind))
}
