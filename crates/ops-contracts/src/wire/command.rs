//! The commands of the contract: one registry row each. Dispatch, help, schemas, documentation and tests loop over it.
//!
//! Nothing is executed here.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::wire::capability::{Capability, CapabilityClass};
use crate::wire::error::ErrorCode;
use crate::wire::fault::{Fault, Outcome};

pub mod batch;
pub mod diagnostics;
pub mod dialog;
pub mod dom;
pub mod downloads;
pub mod emulation;
pub mod example;
pub mod export;
pub mod har;
pub mod interact;
pub mod nav;
pub mod network;
pub mod performance;
pub mod pointer;
pub mod session;
pub mod storage;
pub mod targets;
pub mod trace;

mod common;
mod requested;
pub use common::{Empty, LoadState, Point, Viewport};
pub use requested::RequestedCommand;
pub use session::Grant;

/// Which queue of a session a command waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Lane {
    /// None: the command is bound to no session.
    Service,
    /// Overtakes the page queue: works while a page command hangs or a dialog is open.
    Control,
    /// One after the other, in order of arrival.
    Page,
}

/// What a second execution does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Repeat {
    /// It reads: a retry runs it again.
    Read,
    /// It leaves the same state: a retry may run it again.
    Idempotent,
    /// It acts again: its result is kept under the request id, and a retry gets that.
    Once,
}

/// One row of the registry.
#[derive(Debug, Clone, Copy)]
pub struct CommandSpec {
    /// The command.
    pub name: CommandName,
    /// Its dotted name.
    pub text: &'static str,
    /// Whether every adapter must offer it.
    pub class: CapabilityClass,
    /// Its queue.
    pub lane: Lane,
    /// What a second execution does.
    pub repeat: Repeat,
    /// Its deadline in milliseconds when the request names none.
    pub default_timeout_ms: u64,
    /// What the adapter must be capable of.
    pub needs: &'static [Capability],
    /// What it does.
    pub meaning: &'static str,
}

impl CommandSpec {
    /// Whether an observer may call it: it reads, it is bound to a session, and it does not read what lets its reader act elsewhere.
    /// Cookies and storage are credentials.
    #[must_use]
    pub fn observable(&self) -> bool {
        self.repeat == Repeat::Read && self.lane != Lane::Service && self.group() != "storage"
    }

    /// The part of the name before the dot.
    #[must_use]
    pub fn group(&self) -> &'static str {
        self.text.split('.').next().unwrap_or(self.text)
    }
}

/// The types of a command; implemented by one marker type per row.
pub trait Command {
    /// The row.
    const NAME: CommandName;
    /// Its parameters.
    type Params: Params;
    /// Its result.
    type Result: Serialize + DeserializeOwned + JsonSchema;

    /// The session and the lease that a result gives to its caller; of few commands.
    fn granted(_result: &Self::Result) -> Option<Grant> {
        None
    }
}

/// Parameters of a command.
pub trait Params: Serialize + DeserializeOwned + JsonSchema + Send {
    /// Checks what types can't say. The error names the field and what was expected.
    ///
    /// # Errors
    /// The first rule that is broken.
    fn validate(&self) -> Result<(), InvalidField> {
        Ok(())
    }
}

/// A parameter that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {expected}")]
pub struct InvalidField {
    /// Path of the field.
    pub field: String,
    /// What was expected.
    pub expected: String,
}

impl InvalidField {
    /// The field `field` is not as `expected` says.
    pub fn new(field: impl Into<String>, expected: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            expected: expected.into(),
        }
    }
}

/// Calls `$callback!` with every row of the registry:
/// `Variant "name" handler (Params => Result) Class Lane Repeat timeout_ms [needs] "meaning" grant?;`
///
/// `handler` is the path of the function that runs it, below the module of the runtime that expands the dispatch. `Params` and
/// `Result` are paths below `ops_contracts::wire::command`; elsewhere use `<Variant as Command>::Params`. `grant` names the method
/// of the result that gives out the lease of a session.
#[macro_export]
macro_rules! command_table {
    ($callback:ident) => { $crate::command_table! { $callback ; } };
    ($callback:ident ; $($prefix:tt)*) => { $callback! { $($prefix)*
        SessionCreate "session.create" session::create (session::CreateParams => session::CreateResult) Core Service Once 60_000 [] "Makes a session with a browser context, a window and one blank page of its own" grant;
        SessionList "session.list" session::list (Empty => session::ListResult) Core Service Read 5_000 [] "Lists the sessions, without their leases";
        SessionStatus "session.status" session::status (Empty => session::StatusResult) Core Control Read 5_000 [] "Tells a session's state, queue and open dialog";
        SessionRenew "session.renew" session::renew (Empty => session::RenewResult) Core Control Idempotent 5_000 [] "Extends the lease by its time to live";
        SessionReclaim "session.reclaim" session::reclaim (Empty => session::ReclaimResult) Core Control Once 10_000 [] "Takes a session over with a new lease; drops queued work and fences off the old holder" grant;
        SessionObserve "session.observe" session::observe (session::ObserveParams => session::ObserveResult) Core Control Once 5_000 [] "Gives out a lease that may read the session and not act on it";
        SessionClose "session.close" session::close (Empty => session::CloseResult) Core Control Idempotent 10_000 [] "Closes a session with everything that it owns";
        TargetsList "targets.list" targets::list (Empty => targets::ListResult) Core Control Read 10_000 [Targets] "Lists the session's pages";
        TargetsNew "targets.new" targets::new (targets::NewParams => targets::NewResult) Core Page Once 30_000 [Targets] "Opens a page";
        TargetsUse "targets.use" targets::make_current (targets::UseParams => targets::TargetInfo) Core Page Idempotent 10_000 [Targets] "Makes a page the session's current one and brings it to the front";
        TargetsClose "targets.close" targets::close (targets::CloseParams => targets::CloseResult) Core Page Once 10_000 [Targets] "Closes a page";
        NavGoto "nav.goto" nav::goto (nav::GotoParams => nav::NavResult) Core Page Once 30_000 [Navigation, NavigationStatus] "Navigates to a URL; an HTTP error status is a result";
        NavBack "nav.back" nav::back (nav::TraverseParams => nav::NavResult) Core Page Once 30_000 [Navigation] "Goes back in the history";
        NavForward "nav.forward" nav::forward (nav::TraverseParams => nav::NavResult) Core Page Once 30_000 [Navigation] "Goes forward in the history";
        NavReload "nav.reload" nav::reload (nav::ReloadParams => nav::NavResult) Core Page Once 30_000 [Navigation, NavigationStatus] "Reloads the page";
        NavWait "nav.wait" nav::wait::run (nav::WaitParams => nav::WaitResult) Core Page Read 30_000 [Bridge] "Waits for a load state, an element's state, a text, a URL, a function or a time";
        DomSnapshot "dom.snapshot" dom::snapshot::run (dom::SnapshotParams => dom::SnapshotResult) Core Page Read 30_000 [Bridge] "Describes the page as a tree of roles, names and refs";
        DomFind "dom.find" dom::find (dom::FindParams => dom::FindResult) Core Page Read 10_000 [Bridge] "Finds elements; no match and many matches are results";
        DomTitle "dom.title" dom::title (dom::PageParams => dom::TextResult) Core Page Read 10_000 [Bridge] "Tells the page's title";
        DomUrl "dom.url" dom::url (dom::PageParams => dom::TextResult) Core Page Read 10_000 [] "Tells the page's URL";
        DomText "dom.text" dom::text (dom::ReadParams => dom::TextResult) Core Page Read 10_000 [Bridge] "Reads the rendered text of the page or an element";
        DomHtml "dom.html" dom::html (dom::HtmlParams => dom::TextResult) Core Page Read 10_000 [Bridge] "Reads the HTML of the page or an element";
        DomAttr "dom.attr" dom::attr (dom::AttrParams => dom::AttrResult) Core Page Read 10_000 [Bridge] "Reads an attribute of an element";
        DomValue "dom.value" dom::value (dom::ElementParams => dom::ValueResult) Core Page Read 10_000 [Bridge] "Reads the value of a form control; passwords stay hidden";
        DomState "dom.state" dom::state (dom::ElementParams => dom::StateResult) Core Page Read 10_000 [Bridge] "Tells whether an element is visible, enabled, checked, editable and focused";
        DomBox "dom.box" dom::bounding_box (dom::ElementParams => dom::BoxResult) Core Page Read 10_000 [Bridge] "Tells where an element is in the viewport";
        DomCount "dom.count" dom::count (dom::ElementParams => dom::CountResult) Core Page Read 10_000 [Bridge] "Counts the elements that match";
        DomEval "dom.eval" dom::eval (dom::EvalParams => dom::EvalResult) Core Page Once 30_000 [Script] "Evaluates an expression in the page";
        InteractClick "interact.click" interact::click (interact::ClickParams => interact::ActionResult) Core Page Once 15_000 [Bridge, Input] "Clicks an element";
        InteractHover "interact.hover" interact::hover (interact::HoverParams => interact::ActionResult) Core Page Once 15_000 [Bridge, Input] "Moves the mouse over an element";
        InteractFill "interact.fill" interact::fill (interact::FillParams => interact::FillResult) Core Page Once 15_000 [Bridge, Input] "Replaces the value of a form control and reads it back";
        InteractClear "interact.clear" interact::clear (interact::ElementParams => interact::FillResult) Core Page Once 15_000 [Bridge, Input] "Empties a form control";
        InteractType "interact.type" interact::type_text (interact::TypeParams => interact::ActionResult) Core Page Once 30_000 [Bridge, Input] "Types text, key by key, into an element or the focus";
        InteractPress "interact.press" interact::press (interact::PressParams => interact::ActionResult) Core Page Once 15_000 [Bridge, Input] "Presses a key or chord";
        InteractSelect "interact.select" interact::select (interact::SelectParams => interact::SelectResult) Core Page Once 15_000 [Bridge] "Selects options of a select element";
        InteractCheck "interact.check" interact::check (interact::ElementParams => interact::CheckResult) Core Page Once 15_000 [Bridge, Input] "Checks a checkbox, radio button or switch";
        InteractUncheck "interact.uncheck" interact::uncheck (interact::ElementParams => interact::CheckResult) Core Page Once 15_000 [Bridge, Input] "Unchecks a checkbox or switch";
        InteractFocus "interact.focus" interact::focus (interact::ElementParams => interact::ActionResult) Core Page Once 15_000 [Bridge] "Focuses an element";
        InteractScroll "interact.scroll" interact::scroll (interact::ScrollParams => interact::ScrollResult) Core Page Once 15_000 [Bridge, Input] "Scrolls the page or an element's scroll container";
        InteractScrollIntoView "interact.scrollIntoView" interact::scroll_into_view (interact::ElementParams => interact::ScrollResult) Core Page Once 15_000 [Bridge] "Scrolls until an element is in the viewport";
        InteractDrag "interact.drag" interact::drag (interact::DragParams => interact::DragResult) Core Page Once 20_000 [Bridge, Input] "Drags an element onto another, by the page's own pointer handlers or as a native drag";
        InteractUpload "interact.upload" interact::upload (interact::UploadParams => interact::UploadResult) Extended Page Once 30_000 [Bridge, Upload] "Gives files to a file input, or to the chooser that a click has opened";
        InteractTap "interact.tap" interact::tap (interact::TapParams => interact::ActionResult) Extended Page Once 15_000 [Bridge, Touch] "Taps an element with a finger";
        PointerMove "pointer.move" interact::mouse::move_to (pointer::MoveParams => pointer::PointerResult) Core Page Once 15_000 [Bridge, Input] "Moves the mouse to a point of the viewport";
        PointerDown "pointer.down" interact::mouse::press (pointer::ButtonParams => pointer::PointerResult) Core Page Once 15_000 [Bridge, Input] "Presses a mouse button where the mouse is";
        PointerUp "pointer.up" interact::mouse::release (pointer::ButtonParams => pointer::PointerResult) Core Page Once 15_000 [Bridge, Input] "Releases a mouse button where the mouse is";
        PointerWheel "pointer.wheel" interact::mouse::wheel (pointer::WheelParams => pointer::PointerResult) Core Page Once 15_000 [Bridge, Input] "Turns the wheel where the mouse is, or at a point";
        PointerDrag "pointer.drag" interact::dragging::between_points (pointer::DragParams => pointer::DragResult) Core Page Once 20_000 [Bridge, Input] "Drags from one point of the viewport to another";
        ExportScreenshot "export.screenshot" export::screenshot (export::ScreenshotParams => export::ScreenshotResult) Core Page Read 30_000 [Screenshot] "Takes a picture of the viewport, the whole page, an element or a part";
        ExportHar "export.har" har::run (har::HarParams => har::HarResult) Extended Control Read 30_000 [NavigationStatus] "Gives the log of requests as an HTTP archive (HAR 1.2)";
        NetworkRoute "network.route" network::route (network::RouteParams => network::RouteResult) Extended Page Once 10_000 [NetworkRoute] "Answers, refuses or changes requests by their URL, until it is taken back";
        NetworkUnroute "network.unroute" network::unroute (network::UnrouteParams => network::UnrouteResult) Extended Page Idempotent 10_000 [NetworkRoute] "Takes rules about requests back";
        NetworkSetHeaders "network.setHeaders" network::set_headers (network::HeadersParams => network::HeadersResult) Extended Page Idempotent 10_000 [NetworkHeaders] "Adds headers to every request of the session";
        NetworkOffline "network.offline" network::offline (network::OfflineParams => network::OfflineResult) Extended Page Idempotent 10_000 [NetworkConditions] "Takes the network away, slows it down, or gives it back";
        NetworkCredentials "network.credentials" network::credentials (network::CredentialsParams => network::CredentialsResult) Extended Page Idempotent 10_000 [Credentials] "Answers questions of servers and proxies for a user and a password";
        NetworkWait "network.wait" network::wait (network::WaitParams => network::WaitResult) Extended Control Read 30_000 [NavigationStatus] "Waits for a request, its response or its end; beside the page queue, or as part of a batch";
        DownloadsList "downloads.list" downloads::list (Empty => downloads::ListResult) Extended Control Read 5_000 [Downloads] "Lists the session's downloads with their progress";
        DownloadsWait "downloads.wait" downloads::wait (downloads::WaitParams => downloads::WaitResult) Extended Control Read 30_000 [Downloads] "Waits until a download is complete; beside the page queue, or as part of a batch";
        DownloadsSave "downloads.save" downloads::save (downloads::SaveParams => downloads::SaveResult) Extended Control Read 30_000 [Downloads] "Reads a completed download, part by part";
        StorageCookiesGet "storage.cookies.get" storage::cookies::get (storage::CookiesGetParams => storage::CookiesResult) Core Page Read 10_000 [Cookies] "Reads the session's cookies";
        StorageCookiesSet "storage.cookies.set" storage::cookies::set (storage::CookiesSetParams => storage::CookiesResult) Core Page Idempotent 10_000 [Cookies] "Sets cookies and reads them back";
        StorageCookiesClear "storage.cookies.clear" storage::cookies::clear (storage::CookiesClearParams => storage::ClearedResult) Core Page Once 10_000 [Cookies] "Removes cookies, all or by name, domain and path";
        StorageLocalGet "storage.local.get" storage::local::get (storage::WebStorageParams => storage::WebStorageResult) Core Page Read 10_000 [Bridge] "Reads the local storage of a frame's origin";
        StorageLocalSet "storage.local.set" storage::local::set (storage::WebStorageSetParams => storage::StoredResult) Core Page Idempotent 10_000 [Bridge] "Writes entries of the local storage and reads them back";
        StorageLocalClear "storage.local.clear" storage::local::clear (storage::WebStorageParams => storage::ClearedResult) Core Page Once 10_000 [Bridge] "Removes one entry or all of the local storage";
        StorageSessionGet "storage.session.get" storage::session::get (storage::WebStorageParams => storage::WebStorageResult) Core Page Read 10_000 [Bridge] "Reads the session storage of a frame's origin in this page";
        StorageSessionSet "storage.session.set" storage::session::set (storage::WebStorageSetParams => storage::StoredResult) Core Page Idempotent 10_000 [Bridge] "Writes entries of the session storage and reads them back";
        StorageSessionClear "storage.session.clear" storage::session::clear (storage::WebStorageParams => storage::ClearedResult) Core Page Once 10_000 [Bridge] "Removes one entry or all of the session storage";
        StorageStateExport "storage.state.export" storage::state::export (storage::StateExportParams => storage::StateExportResult) Core Page Read 30_000 [Cookies, Origins] "Reads what logs the user in: all cookies, and the local storage of every origin visited";
        StorageStateImport "storage.state.import" storage::state::import (storage::StateImportParams => storage::StateImportResult) Core Page Idempotent 30_000 [Cookies, Origins] "Logs a user in again: sets the cookies and local storage of an exported state";
        EmulationViewport "emulation.viewport" emulation::viewport (emulation::ViewportParams => emulation::EmulationResult) Extended Page Idempotent 10_000 [Bridge, Screen] "Sets the viewport of the session's pages, as of a desktop or a phone";
        EmulationDevice "emulation.device" emulation::device (emulation::DeviceParams => emulation::EmulationResult) Extended Page Idempotent 10_000 [Bridge, Screen, UserAgent] "Emulates a device out of the table of presets: screen, touch and user agent";
        EmulationGeolocation "emulation.geolocation" emulation::geolocation (emulation::GeolocationParams => emulation::EmulationResult) Extended Page Idempotent 10_000 [Bridge, Geolocation] "Sets where the device is";
        EmulationLocale "emulation.locale" emulation::locale (emulation::LocaleParams => emulation::EmulationResult) Extended Page Idempotent 10_000 [Bridge, Locale] "Sets the locale of dates, numbers, navigator.language and Accept-Language";
        EmulationTimezone "emulation.timezone" emulation::timezone (emulation::TimezoneParams => emulation::EmulationResult) Extended Page Idempotent 10_000 [Bridge, Timezone] "Sets the timezone";
        EmulationMedia "emulation.media" emulation::media (emulation::MediaParams => emulation::EmulationResult) Extended Page Idempotent 10_000 [Bridge, Media] "Sets the media type, colour scheme, reduced motion, forced colours and contrast";
        EmulationUserAgent "emulation.userAgent" emulation::user_agent (emulation::UserAgentParams => emulation::EmulationResult) Extended Page Idempotent 10_000 [Bridge, UserAgent] "Sets the user agent, with client hints and platform that agree with it";
        EmulationPermissions "emulation.permissions" emulation::permissions (emulation::PermissionsParams => emulation::PermissionsResult) Extended Page Idempotent 10_000 [Bridge, Permissions] "Allows or refuses permissions without a question";
        DialogStatus "dialog.status" dialog::status (Empty => dialog::StatusResult) Core Control Read 5_000 [Dialogs] "Tells the open dialog";
        DialogAccept "dialog.accept" dialog::accept (dialog::AcceptParams => dialog::AnswerResult) Core Control Once 10_000 [Dialogs] "Accepts the open dialog";
        DialogDismiss "dialog.dismiss" dialog::dismiss (Empty => dialog::AnswerResult) Core Control Once 10_000 [Dialogs] "Dismisses the open dialog";
        DialogPolicy "dialog.policy" dialog::policy (dialog::PolicyParams => dialog::PolicyResult) Core Control Idempotent 5_000 [Dialogs] "Sets what happens to dialogs that open: they wait for an answer, are accepted or are dismissed";
        DiagnosticsConsole "diagnostics.console" diagnostics::console (diagnostics::LogParams => diagnostics::ConsoleResult) Core Control Read 5_000 [Console] "Reads the session's console messages from a cursor on";
        DiagnosticsErrors "diagnostics.errors" diagnostics::errors (diagnostics::LogParams => diagnostics::ErrorsResult) Core Control Read 5_000 [Console] "Reads the session's uncaught exceptions from a cursor on";
        DiagnosticsNetwork "diagnostics.network" network::log (network::LogParams => network::LogResult) Core Control Read 20_000 [NavigationStatus] "Reads the session's requests from a cursor on, or one of them with its body";
        DiagnosticsPerformance "diagnostics.performance" diagnostics::performance (performance::PerformanceParams => performance::PerformanceResult) Extended Page Read 10_000 [Bridge] "Measures the page: web vitals, navigation timing, resources";
        ExportPdf "export.pdf" export::pdf (export::PdfParams => export::PdfResult) Extended Page Read 30_000 [Print] "Prints the page as a PDF document";
        ExportHtml "export.html" export::html (export::HtmlParams => export::HtmlResult) Core Page Read 30_000 [Bridge] "Reads the whole document as HTML, with its shadow roots";
        TargetsNamed "targets.named" targets::named (targets::NamedParams => targets::NamedResult) Core Page Once 30_000 [Targets] "Opens a page under a name, or gives the one that has the name";
        ExportClonePage "export.clonePage" export::clone::page (export::ClonePageParams => export::ClonePageResult) Extended Page Read 60_000 [Bridge] "Copies the page as one HTML document that stands alone, without scripts";
        ExportCloneComponent "export.cloneComponent" export::clone::component (export::CloneComponentParams => export::CloneComponentResult) Extended Page Read 60_000 [Bridge] "Copies an element with the styles that it was computed to have, as HTML and CSS";
        DiagnosticsTrace "diagnostics.trace" trace::run (trace::TraceParams => trace::TraceResult) Extended Page Once 60_000 [Trace] "Records what the browser does, and gives the trace part by part";
        BatchRun "batch.run" batch::run (batch::RunParams => batch::RunResult) Core Page Once 30_000 [] "Runs a list of commands in one request, each with its own result";
    } };
}

macro_rules! registry {
    ($($variant:ident $text:literal $($handler:ident)::+ ($params:ty => $result:ty) $class:ident $lane:ident $repeat:ident $timeout:literal [$($need:ident),*] $meaning:literal $($grant:ident)?;)+) => {
        /// A command's name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum CommandName {
            $(#[doc = $meaning] $variant,)+
        }

        impl CommandName {
            /// Every command, in the order of the registry.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The command's registry row.
            #[must_use]
            pub const fn spec(self) -> CommandSpec {
                match self {
                    $(Self::$variant => CommandSpec {
                        name: Self::$variant,
                        text: $text,
                        class: CapabilityClass::$class,
                        lane: Lane::$lane,
                        repeat: Repeat::$repeat,
                        default_timeout_ms: $timeout,
                        needs: &[$(Capability::$need,)*],
                        meaning: $meaning,
                    },)+
                }
            }

            /// The JSON Schemas of its parameters and its result.
            #[must_use]
            pub fn schemas(self) -> (schemars::Schema, schemars::Schema) {
                match self {
                    $(Self::$variant => (schemars::schema_for!($params), schemars::schema_for!($result)),)+
                }
            }
        }

        impl CommandName {
            /// The command of a dotted name.
            #[must_use]
            pub fn find(text: &str) -> Option<Self> {
                match text {
                    $($text => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }

        /// A command with its parameters, parsed and validated.
        #[derive(Debug, Clone)]
        pub enum Call {
            $(#[doc = $meaning] $variant(Box<$params>),)+
        }

        impl Call {
            /// Parses and validates the parameters of `name`.
            ///
            /// # Errors
            /// `ops_invalid_request`, naming the field and what was expected.
            pub fn parse(name: CommandName, params: &RawValue) -> Outcome<Self> {
                match name {
                    $(CommandName::$variant => parse_params::<$params>(name, params).map(|params| Self::$variant(Box::new(params))),)+
                }
            }

            /// The command's name.
            #[must_use]
            pub const fn name(&self) -> CommandName {
                match self {
                    $(Self::$variant(_) => CommandName::$variant,)+
                }
            }
        }

        $(
            #[doc = $meaning]
            #[derive(Debug, Clone, Copy)]
            pub struct $variant;

            impl Command for $variant {
                const NAME: CommandName = CommandName::$variant;
                type Params = $params;
                type Result = $result;

                $(fn granted(result: &Self::Result) -> Option<Grant> {
                    Some(result.$grant())
                })?
            }
        )+
    };
}

command_table!(registry);

impl Call {
    /// Whether an observer may make this call: its command is for observers, and its parameters neither run a script nor show secrets.
    #[must_use]
    pub fn observes(&self) -> bool {
        let harmless = match self {
            Self::NavWait(params) => params.function.is_none(),
            Self::DiagnosticsNetwork(params) => !params.secrets,
            Self::ExportHar(params) => !params.secrets,
            _ => true,
        };
        harmless && self.name().spec().observable()
    }
}

impl CommandName {
    /// The dotted name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.spec().text
    }
}

impl FromStr for CommandName {
    type Err = Fault;

    fn from_str(text: &str) -> Outcome<Self> {
        Self::find(text).ok_or_else(|| unknown(text))
    }
}

impl fmt::Display for CommandName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Parses a JSON text into a `T` and names the field that does not fit; what is wrong with the text as a whole is a fault of `params`.
///
/// # Errors
/// The path of the field and what was expected there.
pub fn parse_json<'de, T: Deserialize<'de>>(json: &'de str) -> Result<T, InvalidField> {
    parse_json_as("params", json)
}

/// The same for a text that is called `whole`.
pub(crate) fn parse_json_as<'de, T: Deserialize<'de>>(
    whole: &str,
    json: &'de str,
) -> Result<T, InvalidField> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let parsed = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let path = (path != ".").then_some(path);
        let message = error.into_inner().to_string();
        match missing_field(&message) {
            Some(field) => InvalidField::new(below(path.as_deref(), field), "is required"),
            None => InvalidField::new(path.as_deref().unwrap_or(whole), plainly(&message)),
        }
    })?;
    deserializer
        .end()
        .map_err(|trailing| InvalidField::new(whole, trailing.to_string()))?;
    Ok(parsed)
}

/// The field that serde's message says is missing: the path stops at the object that lacks it.
fn missing_field(message: &str) -> Option<&str> {
    let (field, _) = message.strip_prefix("missing field `")?.split_once('`')?;
    Some(field)
}

/// The path of a field of the object at `path`; of the whole where there is none.
fn below(path: Option<&str>, field: &str) -> String {
    path.map_or_else(|| field.to_owned(), |path| format!("{path}.{field}"))
}

/// Serde calls an object by the name of the type that takes it, which says nothing outside.
fn plainly(error: &str) -> String {
    match error.split_once("expected struct ") {
        Some((before, named)) => format!(
            "{before}expected an object{}",
            named.trim_start_matches(char::is_alphanumeric)
        ),
        None => error.to_owned(),
    }
}

fn parse_params<P: Params>(name: CommandName, params: &RawValue) -> Outcome<P> {
    // Serde reads a struct from an array as well, by position; parameters have names.
    let object = if params.get().starts_with('{') {
        Ok(params.get())
    } else {
        Err(InvalidField::new("params", "an object"))
    };
    let parsed = object
        .and_then(parse_json::<P>)
        .and_then(|params| params.validate().map(|()| params));
    parsed.map_err(|invalid| {
        Fault::new(ErrorCode::OpsInvalidRequest, format!("{name}: {invalid}"))
            .with("command", name.as_str())
            .with("field", invalid.field)
            .with("expected", invalid.expected)
    })
}

fn unknown(text: &str) -> Fault {
    let shown: String = text.chars().take(64).collect();
    let group = text.split('.').next().unwrap_or(text);
    let near: Vec<&str> = CommandName::ALL
        .iter()
        .map(|name| name.as_str())
        .filter(|name| name.starts_with(group))
        .collect();
    Fault::new(
        ErrorCode::OpsCommandUnknown,
        format!("there is no command {shown:?}"),
    )
    .with("similar", near)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn field_of(name: CommandName, params: &str) -> String {
        let raw = RawValue::from_string(params.to_owned()).unwrap();
        let fault = Call::parse(name, &raw).unwrap_err();
        assert_eq!(fault.code, ErrorCode::OpsInvalidRequest);
        fault
            .details
            .get("field")
            .and_then(|f| f.as_str())
            .unwrap()
            .to_owned()
    }

    #[test]
    fn names_round_trip() {
        for &name in CommandName::ALL {
            assert_eq!(name.as_str().parse::<CommandName>().unwrap(), name);
            assert!(name.spec().default_timeout_ms > 0);
        }
        assert_eq!(
            "nav.got".parse::<CommandName>().unwrap_err().code,
            ErrorCode::OpsCommandUnknown
        );
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        assert_eq!(field_of(CommandName::NavGoto, "{}"), "url");
        assert_eq!(
            field_of(CommandName::SessionCreate, r#"{"viewport":{"width":1280}}"#),
            "viewport.height"
        );
        assert_eq!(field_of(CommandName::NavGoto, r#"{"url":5}"#), "url");
        assert_eq!(
            field_of(CommandName::NavGoto, r#"{"url":"x","waitUntil":"never"}"#),
            "waitUntil"
        );
        assert_eq!(
            field_of(CommandName::InteractClick, r#"{"element":{"ref":"q"}}"#),
            "element.ref"
        );
        assert_eq!(
            field_of(
                CommandName::InteractClick,
                r#"{"element":{"css":"a"},"count":9}"#
            ),
            "count"
        );
        assert_eq!(field_of(CommandName::SessionList, r#"{"x":1}"#), "x");
        assert_eq!(field_of(CommandName::SessionList, "[]"), "params");
    }

    #[test]
    fn what_was_expected_is_said_in_the_words_of_the_contract() {
        let expected = |name: CommandName, params: &str| {
            let raw = RawValue::from_string(params.to_owned()).unwrap();
            Call::parse(name, &raw)
                .unwrap_err()
                .details
                .get("expected")
                .unwrap()
                .as_str()
                .unwrap()
                .to_owned()
        };
        let locator = expected(CommandName::InteractClick, r#"{"element":"e12"}"#);
        assert!(
            locator.contains(r#"expected an object such as {"ref": "e12"}"#),
            "{locator}"
        );
        let viewport = expected(CommandName::SessionCreate, r#"{"viewport":"1280x720"}"#);
        assert!(viewport.contains("expected an object"), "{viewport}");
    }
}
