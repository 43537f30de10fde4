//! The commands of the contract, implemented once, above the adapter seam. One module a group.
//!
//! A command takes its surroundings and its parameters and gives its result or a fault; deadlines, queues, leases and
//! remembered replies are its session's business.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use ops_contracts::wire::command::Call;
use ops_contracts::{ErrorCode, Fault, Outcome};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::cx::Cx;
use storage::Area;

mod batch;
mod cut_off;
mod diagnostics;
mod dialog;
mod dom;
mod downloads;
pub(crate) mod emulation;
mod export;
mod har;
mod interact;
mod nav;
mod network;
mod own_page;
mod storage;
pub(crate) mod surroundings;
mod targets;
pub(crate) mod trace;

/// A result as it travels.
pub(crate) fn encode(result: &impl Serialize) -> Outcome<Arc<RawValue>> {
    serde_json::value::to_raw_value(result)
        .map(Arc::from)
        .map_err(|_| Fault::plain(ErrorCode::OpsInternal))
}

/// What a command comes to, as it travels. On the heap, each in a place of its own size: in one future, every command would take and
/// move as much memory as the largest of them needs.
fn answer<'a, R: Serialize>(
    running: impl Future<Output = Outcome<R>> + Send + 'a,
) -> BoxFuture<'a, Outcome<Arc<RawValue>>> {
    Box::pin(async move { encode(&running.await?) })
}

/// Runs a page command.
pub(crate) async fn run(cx: &Arc<Cx>, call: Call) -> Outcome<Arc<RawValue>> {
    match call {
        Call::BatchRun(params) => encode(&batch::run(cx, *params).await?),
        single => run_one(cx, single).await,
    }
}

/// Runs a page command that is no batch.
pub(crate) async fn run_one(cx: &Cx, call: Call) -> Outcome<Arc<RawValue>> {
    cx.begin();
    cut_off::unless_cut_off(cx, dispatch(cx, call))
        .await
        .map_err(|fault| cx.worded(fault))
}

async fn dispatch(cx: &Cx, call: Call) -> Outcome<Arc<RawValue>> {
    cx.capable(call.name())?;
    let running = match call {
        Call::TargetsNew(p) => answer(targets::new(cx, *p)),
        Call::TargetsUse(p) => answer(targets::make_current(cx, *p)),
        Call::TargetsClose(p) => answer(targets::close(cx, *p)),
        Call::NavGoto(p) => answer(nav::goto(cx, *p)),
        Call::NavBack(p) => answer(nav::traverse(cx, *p, -1)),
        Call::NavForward(p) => answer(nav::traverse(cx, *p, 1)),
        Call::NavReload(p) => answer(nav::reload(cx, *p)),
        Call::NavWait(p) => answer(nav::wait::run(cx, *p)),
        Call::DomSnapshot(p) => answer(dom::snapshot::run(cx, *p)),
        Call::DomFind(p) => answer(dom::find(cx, *p)),
        Call::DomTitle(p) => answer(dom::title(cx, *p)),
        Call::DomUrl(p) => return encode(&dom::url(cx, *p)?),
        Call::DomText(p) => answer(dom::text(cx, *p)),
        Call::DomHtml(p) => answer(dom::html(cx, *p)),
        Call::DomAttr(p) => answer(dom::attr(cx, *p)),
        Call::DomValue(p) => answer(dom::value(cx, *p)),
        Call::DomState(p) => answer(dom::state(cx, *p)),
        Call::DomBox(p) => answer(dom::bounding_box(cx, *p)),
        Call::DomCount(p) => answer(dom::count(cx, *p)),
        Call::DomEval(p) => answer(dom::eval(cx, *p)),
        Call::InteractClick(p) => answer(interact::click(cx, *p)),
        Call::InteractHover(p) => answer(interact::hover(cx, *p)),
        Call::InteractFill(p) => answer(interact::fill(cx, *p)),
        Call::InteractClear(p) => answer(interact::clear(cx, *p)),
        Call::InteractType(p) => answer(interact::type_text(cx, *p)),
        Call::InteractPress(p) => answer(interact::press(cx, *p)),
        Call::InteractSelect(p) => answer(interact::select(cx, *p)),
        Call::InteractCheck(p) => answer(interact::set_checked(cx, *p, true)),
        Call::InteractUncheck(p) => answer(interact::set_checked(cx, *p, false)),
        Call::InteractFocus(p) => answer(interact::focus(cx, *p)),
        Call::InteractScroll(p) => answer(interact::scroll(cx, *p)),
        Call::InteractScrollIntoView(p) => answer(interact::scroll_into_view(cx, *p)),
        Call::InteractDrag(p) => answer(interact::drag(cx, *p)),
        Call::InteractUpload(p) => answer(interact::upload(cx, *p)),
        Call::NetworkRoute(p) => answer(network::route(cx, *p)),
        Call::NetworkUnroute(p) => answer(network::unroute(cx, *p)),
        Call::NetworkSetHeaders(p) => answer(network::set_headers(cx, *p)),
        Call::NetworkOffline(p) => answer(network::offline(cx, *p)),
        Call::NetworkCredentials(p) => answer(network::credentials(cx, *p)),
        // Of the control lane, and in batches as well: there they see what the batch has done so far.
        Call::NetworkWait(p) => answer(network::wait(cx, *p)),
        Call::DownloadsWait(p) => answer(downloads::wait(cx, *p)),
        Call::InteractTap(p) => answer(interact::tap(cx, *p)),
        Call::PointerMove(p) => answer(interact::mouse::move_to(cx, *p)),
        Call::PointerDown(p) => answer(interact::mouse::press(cx, *p)),
        Call::PointerUp(p) => answer(interact::mouse::release(cx, *p)),
        Call::PointerWheel(p) => answer(interact::mouse::wheel(cx, *p)),
        Call::PointerDrag(p) => answer(interact::dragging::between_points(cx, *p)),
        Call::ExportScreenshot(p) => answer(export::screenshot(cx, *p)),
        Call::StorageCookiesGet(p) => answer(storage::cookies::get(cx, *p)),
        Call::StorageCookiesSet(p) => answer(storage::cookies::set(cx, *p)),
        Call::StorageCookiesClear(p) => answer(storage::cookies::clear(cx, *p)),
        Call::StorageLocalGet(p) => answer(storage::get(cx, Area::Local, *p)),
        Call::StorageLocalSet(p) => answer(storage::set(cx, Area::Local, *p)),
        Call::StorageLocalClear(p) => answer(storage::clear(cx, Area::Local, *p)),
        Call::StorageSessionGet(p) => answer(storage::get(cx, Area::Session, *p)),
        Call::StorageSessionSet(p) => answer(storage::set(cx, Area::Session, *p)),
        Call::StorageSessionClear(p) => answer(storage::clear(cx, Area::Session, *p)),
        Call::StorageStateExport(p) => answer(storage::state::export(cx, *p)),
        Call::StorageStateImport(p) => answer(storage::state::import(cx, *p)),
        Call::EmulationViewport(p) => answer(emulation::viewport(cx, *p)),
        Call::EmulationDevice(p) => answer(emulation::device(cx, *p)),
        Call::EmulationGeolocation(p) => answer(emulation::geolocation(cx, *p)),
        Call::EmulationLocale(p) => answer(emulation::locale(cx, *p)),
        Call::EmulationTimezone(p) => answer(emulation::timezone(cx, *p)),
        Call::EmulationMedia(p) => answer(emulation::media(cx, *p)),
        Call::EmulationUserAgent(p) => answer(emulation::user_agent(cx, *p)),
        Call::EmulationPermissions(p) => answer(emulation::permissions(cx, *p)),
        Call::DiagnosticsPerformance(p) => answer(diagnostics::performance(cx, *p)),
        Call::ExportPdf(p) => answer(export::pdf(cx, *p)),
        Call::ExportClonePage(p) => answer(export::clone::page(cx, *p)),
        Call::ExportCloneComponent(p) => answer(export::clone::component(cx, *p)),
        Call::DiagnosticsTrace(p) => answer(trace::run(cx, *p)),
        Call::ExportHtml(p) => answer(export::html(cx, *p)),
        Call::TargetsNamed(p) => answer(targets::named(cx, *p)),
        // The other lanes are not dispatched here.
        other => {
            return Err(Fault::new(
                ErrorCode::OpsInternal,
                format!("{} is no page command", other.name()),
            ));
        }
    };
    running.await
}

/// Runs a control command that needs nothing but the session's state, of pages their titles where they tell them at once, and for
/// dialogs one primitive.
pub(crate) async fn control(cx: &Cx, call: Call) -> Outcome<Arc<RawValue>> {
    dispatch_control(cx, call)
        .await
        .map_err(|fault| cx.worded(fault))
}

async fn dispatch_control(cx: &Cx, call: Call) -> Outcome<Arc<RawValue>> {
    cx.capable(call.name())?;
    let running = match call {
        Call::TargetsList(_) => answer(targets::list(cx)),
        Call::DialogStatus(_) => return encode(&dialog::status(cx)),
        Call::DialogAccept(p) => answer(dialog::answer(cx, true, p.text)),
        Call::DialogPolicy(p) => return encode(&dialog::policy(cx, *p)),
        Call::DialogDismiss(_) => answer(dialog::answer(cx, false, None)),
        Call::DiagnosticsConsole(p) => return encode(&diagnostics::console(cx, &p)),
        Call::DiagnosticsNetwork(p) => answer(network::log(cx, *p)),
        Call::NetworkWait(p) => answer(network::wait(cx, *p)),
        Call::ExportHar(p) => answer(har::run(cx, *p)),
        Call::DownloadsList(_) => return encode(&downloads::list(cx)),
        Call::DownloadsWait(p) => answer(downloads::wait(cx, *p)),
        Call::DownloadsSave(p) => answer(downloads::save(cx, *p)),
        Call::DiagnosticsErrors(p) => return encode(&diagnostics::errors(cx, &p)),
        other => {
            let message = format!(
                "{} is no control command of a session's state",
                other.name()
            );
            return Err(Fault::new(ErrorCode::OpsInternal, message));
        }
    };
    running.await
}
