//! The commands of the contract, implemented once, above the adapter seam. One module a group.
//!
//! A command takes its surroundings and its parameters and gives its result or a fault; deadlines, queues, leases and
//! remembered replies are its session's business.

use std::sync::Arc;

use ops_contracts::command::Call;
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
    serde_json::value::to_raw_value(result).map(Arc::from).map_err(|_| Fault::plain(ErrorCode::OpsInternal))
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
    cut_off::unless_cut_off(cx, dispatch(cx, call)).await.map_err(|fault| cx.worded(fault))
}

async fn dispatch(cx: &Cx, call: Call) -> Outcome<Arc<RawValue>> {
    cx.capable(call.name())?;
    match call {
        Call::TargetsNew(p) => encode(&targets::new(cx, *p).await?),
        Call::TargetsUse(p) => encode(&targets::make_current(cx, *p).await?),
        Call::TargetsClose(p) => encode(&targets::close(cx, *p).await?),
        Call::NavGoto(p) => encode(&nav::goto(cx, *p).await?),
        Call::NavBack(p) => encode(&nav::traverse(cx, *p, -1).await?),
        Call::NavForward(p) => encode(&nav::traverse(cx, *p, 1).await?),
        Call::NavReload(p) => encode(&nav::reload(cx, *p).await?),
        Call::NavWait(p) => encode(&nav::wait::run(cx, *p).await?),
        Call::DomSnapshot(p) => encode(&dom::snapshot::run(cx, *p).await?),
        Call::DomFind(p) => encode(&dom::find(cx, *p).await?),
        Call::DomTitle(p) => encode(&dom::title(cx, *p).await?),
        Call::DomUrl(p) => encode(&dom::url(cx, *p)?),
        Call::DomText(p) => encode(&dom::text(cx, *p).await?),
        Call::DomHtml(p) => encode(&dom::html(cx, *p).await?),
        Call::DomAttr(p) => encode(&dom::attr(cx, *p).await?),
        Call::DomValue(p) => encode(&dom::value(cx, *p).await?),
        Call::DomState(p) => encode(&dom::state(cx, *p).await?),
        Call::DomBox(p) => encode(&dom::bounding_box(cx, *p).await?),
        Call::DomCount(p) => encode(&dom::count(cx, *p).await?),
        Call::DomEval(p) => encode(&dom::eval(cx, *p).await?),
        Call::InteractClick(p) => encode(&interact::click(cx, *p).await?),
        Call::InteractHover(p) => encode(&interact::hover(cx, *p).await?),
        Call::InteractFill(p) => encode(&interact::fill(cx, *p).await?),
        Call::InteractClear(p) => encode(&interact::clear(cx, *p).await?),
        Call::InteractType(p) => encode(&interact::type_text(cx, *p).await?),
        Call::InteractPress(p) => encode(&interact::press(cx, *p).await?),
        Call::InteractSelect(p) => encode(&interact::select(cx, *p).await?),
        Call::InteractCheck(p) => encode(&interact::set_checked(cx, *p, true).await?),
        Call::InteractUncheck(p) => encode(&interact::set_checked(cx, *p, false).await?),
        Call::InteractFocus(p) => encode(&interact::focus(cx, *p).await?),
        Call::InteractScroll(p) => encode(&interact::scroll(cx, *p).await?),
        Call::InteractScrollIntoView(p) => encode(&interact::scroll_into_view(cx, *p).await?),
        Call::InteractDrag(p) => encode(&interact::drag(cx, *p).await?),
        Call::InteractUpload(p) => encode(&interact::upload(cx, *p).await?),
        Call::NetworkRoute(p) => encode(&network::route(cx, *p).await?),
        Call::NetworkUnroute(p) => encode(&network::unroute(cx, *p).await?),
        Call::NetworkSetHeaders(p) => encode(&network::set_headers(cx, *p).await?),
        Call::NetworkOffline(p) => encode(&network::offline(cx, *p).await?),
        Call::NetworkCredentials(p) => encode(&network::credentials(cx, *p).await?),
        // Of the control lane, and in batches as well: there they see what the batch has done so far.
        Call::NetworkWait(p) => encode(&network::wait(cx, *p).await?),
        Call::DownloadsWait(p) => encode(&downloads::wait(cx, *p).await?),
        Call::InteractTap(p) => encode(&interact::tap(cx, *p).await?),
        Call::PointerMove(p) => encode(&interact::mouse::move_to(cx, *p).await?),
        Call::PointerDown(p) => encode(&interact::mouse::press(cx, *p).await?),
        Call::PointerUp(p) => encode(&interact::mouse::release(cx, *p).await?),
        Call::PointerWheel(p) => encode(&interact::mouse::wheel(cx, *p).await?),
        Call::PointerDrag(p) => encode(&interact::dragging::between_points(cx, *p).await?),
        Call::ExportScreenshot(p) => encode(&export::screenshot(cx, *p).await?),
        Call::StorageCookiesGet(p) => encode(&storage::cookies::get(cx, *p).await?),
        Call::StorageCookiesSet(p) => encode(&storage::cookies::set(cx, *p).await?),
        Call::StorageCookiesClear(p) => encode(&storage::cookies::clear(cx, *p).await?),
        Call::StorageLocalGet(p) => encode(&storage::get(cx, Area::Local, *p).await?),
        Call::StorageLocalSet(p) => encode(&storage::set(cx, Area::Local, *p).await?),
        Call::StorageLocalClear(p) => encode(&storage::clear(cx, Area::Local, *p).await?),
        Call::StorageSessionGet(p) => encode(&storage::get(cx, Area::Session, *p).await?),
        Call::StorageSessionSet(p) => encode(&storage::set(cx, Area::Session, *p).await?),
        Call::StorageSessionClear(p) => encode(&storage::clear(cx, Area::Session, *p).await?),
        Call::StorageStateExport(p) => encode(&storage::state::export(cx, *p).await?),
        Call::StorageStateImport(p) => encode(&storage::state::import(cx, *p).await?),
        Call::EmulationViewport(p) => encode(&emulation::viewport(cx, *p).await?),
        Call::EmulationDevice(p) => encode(&emulation::device(cx, *p).await?),
        Call::EmulationGeolocation(p) => encode(&emulation::geolocation(cx, *p).await?),
        Call::EmulationLocale(p) => encode(&emulation::locale(cx, *p).await?),
        Call::EmulationTimezone(p) => encode(&emulation::timezone(cx, *p).await?),
        Call::EmulationMedia(p) => encode(&emulation::media(cx, *p).await?),
        Call::EmulationUserAgent(p) => encode(&emulation::user_agent(cx, *p).await?),
        Call::EmulationPermissions(p) => encode(&emulation::permissions(cx, *p).await?),
        Call::DiagnosticsPerformance(p) => encode(&diagnostics::performance(cx, *p).await?),
        Call::ExportPdf(p) => encode(&export::pdf(cx, *p).await?),
        Call::ExportClonePage(p) => encode(&export::clone::page(cx, *p).await?),
        Call::ExportCloneComponent(p) => encode(&export::clone::component(cx, *p).await?),
        Call::DiagnosticsTrace(p) => encode(&trace::run(cx, *p).await?),
        Call::ExportHtml(p) => encode(&export::html(cx, *p).await?),
        Call::TargetsNamed(p) => encode(&targets::named(cx, *p).await?),
        // The other lanes are not dispatched here.
        other => Err(Fault::new(ErrorCode::OpsInternal, format!("{} is no page command", other.name()))),
    }
}

/// Runs a control command that needs nothing but the session's state and, for dialogs, one primitive.
pub(crate) async fn control(cx: &Cx, call: Call) -> Outcome<Arc<RawValue>> {
    dispatch_control(cx, call).await.map_err(|fault| cx.worded(fault))
}

async fn dispatch_control(cx: &Cx, call: Call) -> Outcome<Arc<RawValue>> {
    cx.capable(call.name())?;
    match call {
        Call::TargetsList(_) => encode(&targets::list(cx)?),
        Call::DialogStatus(_) => encode(&dialog::status(cx)),
        Call::DialogAccept(p) => encode(&dialog::answer(cx, true, p.text).await?),
        Call::DialogPolicy(p) => encode(&dialog::policy(cx, *p)),
        Call::DialogDismiss(_) => encode(&dialog::answer(cx, false, None).await?),
        Call::DiagnosticsConsole(p) => encode(&diagnostics::console(cx, &p)),
        Call::DiagnosticsNetwork(p) => encode(&network::log(cx, *p).await?),
        Call::NetworkWait(p) => encode(&network::wait(cx, *p).await?),
        Call::ExportHar(p) => encode(&har::run(cx, *p).await?),
        Call::DownloadsList(_) => encode(&downloads::list(cx)),
        Call::DownloadsWait(p) => encode(&downloads::wait(cx, *p).await?),
        Call::DownloadsSave(p) => encode(&downloads::save(cx, *p).await?),
        Call::DiagnosticsErrors(p) => encode(&diagnostics::errors(cx, &p)),
        other => Err(Fault::new(ErrorCode::OpsInternal, format!("{} is no control command of a session's state", other.name()))),
    }
}
